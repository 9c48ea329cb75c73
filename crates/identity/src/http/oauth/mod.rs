//! The endpoints of OAuth 2.1 and OpenID Connect.

mod error;
mod form;
mod token;

use web::{OpenApiRouter, routes};

use crate::service::Identity;

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(token::token))
}
