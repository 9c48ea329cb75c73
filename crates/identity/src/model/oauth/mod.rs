//! Rules of OAuth 2.1 and OpenID Connect; no I/O.

mod fault;

pub(crate) use fault::OAuthError;
