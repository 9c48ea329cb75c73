//! SQL and nothing else. One function, one statement, except where a row's place must be taken first.

pub(crate) mod api_keys;
pub(crate) mod audit;
pub(crate) mod challenges;
pub(crate) mod factors;
pub(crate) mod invitations;
pub(crate) mod links;
pub(crate) mod oauth;
pub(crate) mod passkeys;
pub(crate) mod providers;
pub(crate) mod purge;
pub(crate) mod quotas;
pub(crate) mod roles;
pub(crate) mod service_accounts;
pub(crate) mod sessions;
pub(crate) mod signing_keys;
pub(crate) mod users;
pub(crate) mod workspaces;
