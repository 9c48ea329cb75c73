use axum::extract::State;
use http::{HeaderMap, StatusCode};
use kernel::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::Json;

use super::{
    authenticate::{Signed, Visitor},
    bodies::Me,
    cookies::{self, SetCookies},
    login::Credentials,
};
use crate::service::{BrowserSession, FirstAdmin, Identity};

/// Sign a browser in
///
/// Sets `socle_session`, and `socle_csrf`, whose value goes into `X-CSRF-Token` with every unsafe method. Where a second
/// factor is needed and no `code` came, the answer is 401 `identity.second-factor-required`, with the member
/// `second_factor`: `{challenge, methods, expires_in}`; answer it at `/api/v1/auth/session/second-factor`.
#[utoipa::path(post, path = "/api/v1/auth/session", tag = "auth", operation_id = "sign_in", security(()),
    request_body = Credentials,
    responses((status = 200, body = Me), (status = 401, description = "Wrong address or password.")))]
pub(super) async fn sign_in(
    State(identity): State<Identity>,
    visitor: Visitor,
    headers: HeaderMap,
    Json(body): Json<Credentials>,
) -> web::Result<(SetCookies, Json<Me>)> {
    cookies::check_origin(&identity, &headers, &visitor.request)?;
    let session = identity.sign_in_browser(&visitor.visit, body.into()).await?;
    opened(&identity, &visitor, &session).await
}

pub(super) async fn opened(
    identity: &Identity,
    visitor: &Visitor,
    session: &BrowserSession,
) -> web::Result<(SetCookies, Json<Me>)> {
    let signed_in = identity.by_session(session.id, visitor.visit.now).await?;
    let me = Me::just_signed_in(identity, &signed_in);
    Ok((cookies::given(identity, session, &visitor.request), Json(me)))
}

/// Sign the browser out
#[utoipa::path(delete, path = "/api/v1/auth/session", tag = "auth", operation_id = "sign_out",
    responses((status = 204, description = "The session is over and the cookies are gone.")))]
pub(super) async fn sign_out(
    State(identity): State<Identity>,
    visitor: Visitor,
    signed: Signed,
) -> web::Result<(StatusCode, SetCookies)> {
    identity.sign_out(&signed.ctx, signed.signed_in.session.id).await?;
    Ok((StatusCode::NO_CONTENT, cookies::taken_back(&identity, &visitor.request)))
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FirstRun {
    /// There is no account yet: open the link that the server printed at its start.
    required: bool,
}

/// Ask whether the first administrator is still to be created
#[utoipa::path(get, path = "/api/v1/auth/first-run", tag = "auth", operation_id = "first_run_required", security(()),
    responses((status = 200, body = FirstRun)))]
pub(super) async fn first_run_required(State(identity): State<Identity>) -> web::Result<Json<FirstRun>> {
    Ok(Json(FirstRun { required: identity.first_run_required().await? }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FirstRunRequest {
    /// From the link that the server printed at its start.
    #[schema(value_type = String)]
    token: Secret<String>,
    email: String,
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    password: Secret<String>,
    #[serde(default)]
    #[schema(max_length = 100)]
    first_name: String,
    #[serde(default)]
    #[schema(max_length = 100)]
    last_name: String,
}

/// Create the first administrator
#[utoipa::path(post, path = "/api/v1/auth/first-run", tag = "auth", operation_id = "first_run", security(()),
    request_body = FirstRunRequest,
    responses((status = 201, body = Me, description = "Created, and signed in by cookie."),
        (status = 409, description = "There is an account already."),
        (status = 410, description = "The link does not work, or no longer.")))]
pub(super) async fn first_run(
    State(identity): State<Identity>,
    visitor: Visitor,
    headers: HeaderMap,
    Json(body): Json<FirstRunRequest>,
) -> web::Result<(StatusCode, SetCookies, Json<Me>)> {
    cookies::check_origin(&identity, &headers, &visitor.request)?;
    let admin = FirstAdmin {
        token: body.token.expose().clone(),
        email: body.email,
        password: body.password,
        first_name: body.first_name,
        last_name: body.last_name,
    };
    let session = identity.first_run(&visitor.visit, admin).await?;
    let (cookies, me) = opened(&identity, &visitor, &session).await?;
    Ok((StatusCode::CREATED, cookies, me))
}
