//! Socle as an OAuth 2.1 and OpenID provider.

mod clients;
mod limits;

pub(crate) use clients::ClientCredentials;
pub(super) use limits::OAuthLimits;
