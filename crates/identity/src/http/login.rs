use axum::extract::State;
use http::StatusCode;
use kernel::Secret;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{Json, TypedBody};

use super::{
    authenticate::{Known, Visitor},
    bodies::Tokens,
};
use crate::{
    error::Error,
    service::{Identity, Typed},
};

/// E-mail address and password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    pub(super) email: String,
    #[schema(value_type = String, format = Password)]
    pub(super) password: Secret<String>,
    /// Of the second factor, for clients that ask for everything at once: six digits, or a recovery code.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) code: Option<Secret<String>>,
}

impl From<Credentials> for Typed {
    fn from(body: Credentials) -> Self {
        Self { email: body.email, password: body.password, code: body.code }
    }
}

/// The password form of OAuth 2 (RFC 6749 §4.3.2), as older clients send it.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct PasswordForm {
    /// The e-mail address.
    username: String,
    #[schema(value_type = String, format = Password)]
    password: Secret<String>,
    /// `password`, if it is there.
    #[serde(default)]
    grant_type: Option<String>,
    /// Narrows the tokens: `read`, `write` or names of permissions, with spaces between.
    #[serde(default)]
    scope: Option<String>,
    /// Of the second factor, where there is one.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    code: Option<Secret<String>>,
}

/// Sign a program in
///
/// JSON, or the password form of OAuth 2. The answer to a wrong password and to an unknown address is the same. Where a
/// second factor is needed and no `code` came, the answer is 401 `identity.second-factor-required`, with the member
/// `second_factor`: `{challenge, methods, expires_in}`; answer it at `/api/v1/auth/second-factor`.
#[utoipa::path(post, path = "/api/v1/auth/login", tag = "auth", operation_id = "login", security(()),
    request_body(content((Credentials = "application/json"), (PasswordForm = "application/x-www-form-urlencoded"))),
    responses((status = 200, body = Tokens), (status = 401, description = "Wrong address or password.")))]
pub(super) async fn login(
    State(identity): State<Identity>,
    visitor: Visitor,
    body: TypedBody,
) -> web::Result<Json<Tokens>> {
    let (typed, scopes) = match body.content_type.as_str() {
        "application/json" => {
            let body: Credentials = body.json()?;
            (body.into(), Vec::new())
        }
        "application/x-www-form-urlencoded" => {
            let form: PasswordForm = body.form()?;
            if form.grant_type.is_some_and(|kind| !kind.is_empty() && kind != "password") {
                return Err(kernel::Problem::bad_request(
                    "identity.unsupported-grant-type",
                    "grant_type must be password; refresh at /api/v1/auth/refresh",
                )
                .into());
            }
            let scopes = form.scope.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
            (Typed { email: form.username, password: form.password, code: form.code }, scopes)
        }
        _ => return Err(body.unsupported("application/json or application/x-www-form-urlencoded")),
    };
    Ok(Json(identity.sign_in(&visitor.visit, typed, scopes).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefreshRequest {
    #[schema(value_type = String)]
    refresh_token: Secret<String>,
}

/// Exchange a refresh token
///
/// Each works once. Two at the same time from one client get the same answer; one shown later ends the session.
#[utoipa::path(post, path = "/api/v1/auth/refresh", tag = "auth", operation_id = "refresh", security(()),
    request_body = RefreshRequest,
    responses((status = 200, body = Tokens), (status = 401, description = "The token does not count.")))]
pub(super) async fn refresh(
    State(identity): State<Identity>,
    visitor: Visitor,
    Json(body): Json<RefreshRequest>,
) -> web::Result<Json<Tokens>> {
    Ok(Json(identity.refresh(&visitor.visit, body.refresh_token.expose()).await?.into()))
}

/// End the session
#[utoipa::path(post, path = "/api/v1/auth/logout", tag = "auth", operation_id = "logout",
    responses((status = 204, description = "Its tokens and cookie are refused from now on.")))]
pub(super) async fn logout(State(identity): State<Identity>, known: Known) -> web::Result<StatusCode> {
    // A client may give up what it was let in with, too; an API key has no session.
    let Known::Session(signed) = known else { return Err(Error::OwnSessionNeeded.into()) };
    identity.sign_out(&signed.ctx, signed.signed_in.session.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
