//! SQL and nothing else. Times are microseconds since 1970.

pub(crate) mod cameras;
pub(crate) mod counts;
pub(crate) mod events;
pub(crate) mod models;
pub(crate) mod quotas;
pub(crate) mod series;
