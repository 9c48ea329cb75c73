//! Clients of the provider, and what they ask for.

pub(crate) mod clients;
pub(crate) mod requests;
