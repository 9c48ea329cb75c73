//! What clients do with tokens that they hold.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    error::{OAuthErrorBody, Result},
    form::Form,
    token::NOT_KEPT,
};
use crate::{
    http::authenticate::{Visitor, bearer},
    model::oauth::OAuthError,
    service::{Identity, Unfit},
};

/// A token, and who holds it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the description of the API only")]
pub(super) struct TokenHeld {
    token: String,
    token_type_hint: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// Give a token up (RFC 7009)
///
/// Ends all that belongs to it: the refresh token and every access token of the same grant.
#[utoipa::path(post, path = "/oauth/revoke", tag = "oauth", operation_id = "oauth_revoke", security(()),
    request_body(content = TokenHeld, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "Refused from now on, if it was the client's."),
        (status = 400, body = OAuthErrorBody), (status = 401, body = OAuthErrorBody)))]
pub(super) async fn revoke(
    State(identity): State<Identity>,
    visitor: Visitor,
    headers: HeaderMap,
    form: Form,
) -> Result<[(HeaderName, &'static str); 2]> {
    let credentials = form.client(&headers)?;
    let client = identity.prove_holder(&visitor.visit, &credentials).await?;
    identity.revoke_token(&visitor.visit, &client.id, form.needed("token")?).await?;
    Ok(NOT_KEPT)
}

/// Ask what a token is worth (RFC 7662)
///
/// For clients with a secret and service accounts, and their own tokens only: others' are `{"active": false}`.
#[utoipa::path(post, path = "/oauth/introspect", tag = "oauth", operation_id = "oauth_introspect", security(()),
    request_body(content = TokenHeld, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = Object), (status = 400, body = OAuthErrorBody),
        (status = 401, body = OAuthErrorBody)))]
pub(super) async fn introspect(
    State(identity): State<Identity>,
    visitor: Visitor,
    headers: HeaderMap,
    form: Form,
) -> Result<Response> {
    let credentials = form.client(&headers)?;
    let client = identity.prove_holder(&visitor.visit, &credentials).await?;
    if !client.is_confidential {
        return Err(OAuthError::needs_secret().into());
    }
    let told = identity.introspect(&visitor.visit, &client.id, form.needed("token")?).await?;
    Ok((NOT_KEPT, axum::Json(told)).into_response())
}

/// What a device shows and asks with (RFC 8628 §3.2).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeviceAnswer {
    device_code: String,
    #[schema(example = "BCDF-GHJK")]
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: i64,
    interval: i64,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "for the description of the API only")]
pub(super) struct DeviceForm {
    client_id: String,
    client_secret: Option<String>,
    scope: Option<String>,
    resource: Option<String>,
}

/// Ask for a code that a user types elsewhere (RFC 8628)
#[utoipa::path(post, path = "/oauth/device_authorization", tag = "oauth", operation_id = "oauth_device_authorization",
    security(()), request_body(content = DeviceForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = DeviceAnswer), (status = 400, body = OAuthErrorBody),
        (status = 401, body = OAuthErrorBody)))]
pub(super) async fn device_authorization(
    State(identity): State<Identity>,
    visitor: Visitor,
    headers: HeaderMap,
    form: Form,
) -> Result<Response> {
    let credentials = form.client(&headers)?;
    let client = identity.prove_client(&visitor.visit, &credentials).await?;
    let codes = identity
        .ask_for_device(&visitor.visit, &client, &form.words("scope")?, &form.all("resource"))
        .await?;
    let page = format!("{}/device", identity.public_url());
    let answer = DeviceAnswer {
        verification_uri_complete: format!("{page}?user_code={}", codes.user_code),
        verification_uri: page,
        device_code: codes.device_code,
        user_code: codes.user_code,
        expires_in: codes.expires_in_s,
        interval: codes.interval_s,
    };
    Ok((NOT_KEPT, axum::Json(answer)).into_response())
}

/// Ask who a token's user is (OpenID Connect Core §5.3)
///
/// The access token needs the scope `openid`; `profile` and `email` say how much is told.
#[utoipa::path(get, path = "/oauth/userinfo", tag = "oauth", operation_id = "oauth_userinfo", security(()),
    responses((status = 200, body = Object), (status = 401, description = "No token, or none that counts."),
        (status = 403, description = "The token was not given for openid.")))]
pub(super) async fn user_info(
    State(identity): State<Identity>,
    visitor: Visitor,
    headers: HeaderMap,
) -> web::Result<Response> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(bearer);
    let Some(token) = shown else {
        return Ok(unfit(StatusCode::UNAUTHORIZED, "Bearer realm=\"oauth\""));
    };
    match identity.user_info(&visitor.visit, token).await {
        Ok(claims) => Ok((NOT_KEPT, axum::Json(claims)).into_response()),
        Err(Unfit::Invalid) => {
            Ok(unfit(StatusCode::UNAUTHORIZED, "Bearer realm=\"oauth\", error=\"invalid_token\""))
        }
        Err(Unfit::Scope) => Ok(unfit(
            StatusCode::FORBIDDEN,
            "Bearer realm=\"oauth\", error=\"insufficient_scope\", scope=\"openid\"",
        )),
        Err(Unfit::Failed(error)) => Err(error.into()),
    }
}

/// The same by POST
#[utoipa::path(post, path = "/oauth/userinfo", tag = "oauth", operation_id = "oauth_userinfo_post", security(()),
    responses((status = 200, body = Object), (status = 401, description = "No token, or none that counts."),
        (status = 403, description = "The token was not given for openid.")))]
pub(super) async fn user_info_post(
    state: State<Identity>,
    visitor: Visitor,
    headers: HeaderMap,
) -> web::Result<Response> {
    user_info(state, visitor, headers).await
}

/// RFC 6750 §3: the header says it, in a form that libraries read.
fn unfit(status: StatusCode, challenge: &'static str) -> Response {
    let headers = [
        (header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
    ];
    let error = if status == StatusCode::FORBIDDEN { "insufficient_scope" } else { "invalid_token" };
    (status, headers, format!("{{\"error\":\"{error}\"}}")).into_response()
}
