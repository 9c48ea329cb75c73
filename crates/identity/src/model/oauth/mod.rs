//! Rules of OAuth 2.1 and OpenID Connect; no I/O.

mod client;
mod fault;
mod redirect;
mod request;

pub(crate) use client::{Client, OAuthClientId, grants};
pub(crate) use fault::OAuthError;
pub(crate) use redirect::{is_registered, refuse_redirect_uri, with_parameters};
pub(crate) use request::{
    Asked, Code, Device, DeviceState, OAuthRequestId, Request, bounded_scopes, is_challenge, proves,
    random_user_code, scopes, typed_user_code,
};
