//! What programs read before they ask for anything.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, header};
use serde_json::{Value, json};

use crate::{
    model::oauth::{grants, scopes},
    service::Identity,
};

/// How long readers may keep it.
const CACHING: &str = "public, max-age=300";

fn answer(document: Value) -> Response {
    ([(header::CACHE_CONTROL, HeaderValue::from_static(CACHING))], axum::Json(document)).into_response()
}

/// RFC 8414 §2 and OpenID Connect Discovery §3: one document serves both.
fn metadata(identity: &Identity) -> Value {
    let base = identity.public_url();
    let methods = ["client_secret_basic", "client_secret_post", "none"];
    let mut document = json!({
        "issuer": identity.issuer(),
        "authorization_endpoint": format!("{base}/oauth/authorize"),
        "token_endpoint": format!("{base}/oauth/token"),
        "device_authorization_endpoint": format!("{base}/oauth/device_authorization"),
        "revocation_endpoint": format!("{base}/oauth/revoke"),
        "introspection_endpoint": format!("{base}/oauth/introspect"),
        "userinfo_endpoint": format!("{base}/oauth/userinfo"),
        "end_session_endpoint": format!("{base}/oauth/logout"),
        "jwks_uri": format!("{base}/.well-known/jwks.json"),
        "scopes_supported": scopes::STANDARD,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [grants::CODE, grants::REFRESH, grants::CLIENT, grants::DEVICE],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": methods,
        "introspection_endpoint_auth_methods_supported": &methods[..2],
        "authorization_response_iss_parameter_supported": true,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash", "name",
            "given_name", "family_name", "locale", "updated_at", "email", "email_verified"
        ],
        "acr_values_supported": ["aal1", "aal2"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": ["en", "fr"],
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "claims_parameter_supported": false,
        "service_documentation": format!("{base}/docs"),
    });
    if identity.registration_is_open() {
        document["registration_endpoint"] = json!(format!("{base}/oauth/register"));
    }
    document
}

/// The provider's description (OpenID Connect Discovery)
#[utoipa::path(get, path = "/.well-known/openid-configuration", tag = "oauth", operation_id = "openid_configuration",
    security(()), responses((status = 200, body = Object)))]
pub(super) async fn openid_configuration(State(identity): State<Identity>) -> Response {
    answer(metadata(&identity))
}

/// The provider's description (RFC 8414)
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server", tag = "oauth",
    operation_id = "oauth_authorization_server", security(()), responses((status = 200, body = Object)))]
pub(super) async fn authorization_server(State(identity): State<Identity>) -> Response {
    answer(metadata(&identity))
}

/// What this server wants of callers (RFC 9728)
#[utoipa::path(get, path = "/.well-known/oauth-protected-resource", tag = "oauth",
    operation_id = "oauth_protected_resource", security(()), responses((status = 200, body = Object)))]
pub(super) async fn protected_resource(State(identity): State<Identity>) -> Response {
    answer(json!({
        "resource": identity.public_url(),
        "authorization_servers": [identity.issuer()],
        "jwks_uri": format!("{}/.well-known/jwks.json", identity.public_url()),
        "scopes_supported": scopes::STANDARD,
        "bearer_methods_supported": ["header"],
        "resource_name": "Socle",
        "resource_documentation": format!("{}/docs", identity.public_url()),
    }))
}
