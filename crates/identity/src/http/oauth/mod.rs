//! The endpoints of OAuth 2.1 and OpenID Connect.

mod authorize;
mod clients;
mod consent;
mod discovery;
mod error;
mod form;
mod held;
mod logout;
mod register;
mod token;

use web::{OpenApiRouter, routes};

use crate::service::Identity;

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(authorize::authorize, authorize::authorize_form))
        .routes(routes!(token::token))
        .routes(routes!(held::device_authorization))
        .routes(routes!(held::revoke))
        .routes(routes!(held::introspect))
        .routes(routes!(held::user_info, held::user_info_post))
        .routes(routes!(register::register))
        .routes(routes!(logout::logout, logout::logout_form))
        .routes(routes!(discovery::openid_configuration))
        .routes(routes!(discovery::authorization_server))
        .routes(routes!(discovery::protected_resource))
        .routes(routes!(consent::get_request))
        .routes(routes!(consent::approve_request))
        .routes(routes!(consent::deny_request))
        .routes(routes!(consent::look_up_device))
        .routes(routes!(consent::approve_device))
        .routes(routes!(consent::deny_device))
        .routes(routes!(consent::list_applications))
        .routes(routes!(consent::revoke_application))
        .routes(routes!(clients::list_clients, clients::create_client))
        .routes(routes!(clients::get_client, clients::update_client, clients::delete_client))
        .routes(routes!(clients::replace_client_secret))
}
