use axum::extract::State;
use http::HeaderMap;
use kernel::{FieldError, Problem, Secret};
use serde::Deserialize;
use utoipa::ToSchema;
use web::Json;
use webauthn_rs::prelude::PublicKeyCredential;

use super::{
    authenticate::Visitor,
    bodies::{Me, Tokens},
    browser::opened,
    cookies::{self, SetCookies},
};
use crate::service::{Identity, SecondFactor};

/// Either `code` or `credential`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecondFactorAnswer {
    /// From the answer that asked for a second factor.
    #[schema(value_type = String)]
    challenge: Secret<String>,
    /// Six digits of the authenticator app, or a recovery code.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "123456")]
    code: Option<Secret<String>>,
    /// What `navigator.credentials.get()` gave, as JSON (`PublicKeyCredential.toJSON()`).
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    credential: Option<Box<PublicKeyCredential>>,
}

impl SecondFactorAnswer {
    fn answer(self) -> web::Result<(Secret<String>, SecondFactor)> {
        let answer = match (self.code, self.credential) {
            (Some(code), None) => SecondFactor::Code(code),
            (None, Some(credential)) => SecondFactor::Passkey(credential),
            _ => {
                let detail = "either code or credential must be there";
                return Err(Problem::unprocessable("identity.invalid", detail)
                    .with_errors(vec![FieldError::new("/code", detail)])
                    .into());
            }
        };
        Ok((self.challenge, answer))
    }
}

/// Show the second factor of a program's sign-in
///
/// A challenge takes five answers within five minutes and one right one.
#[utoipa::path(post, path = "/api/v1/auth/second-factor", tag = "auth", operation_id = "answer_second_factor",
    security(()), request_body = SecondFactorAnswer,
    responses((status = 200, body = Tokens),
        (status = 401, description = "A wrong code or passkey, or a challenge that does not count (any more).")))]
pub(super) async fn answer_for_tokens(
    State(identity): State<Identity>,
    visitor: Visitor,
    Json(body): Json<SecondFactorAnswer>,
) -> web::Result<Json<Tokens>> {
    let (challenge, answer) = body.answer()?;
    Ok(Json(identity.answer_for_tokens(&visitor.visit, challenge.expose(), answer).await?.into()))
}

/// Show the second factor of a browser's sign-in
///
/// Sets the cookies that the sign-in without a second factor sets.
#[utoipa::path(post, path = "/api/v1/auth/session/second-factor", tag = "auth",
    operation_id = "answer_second_factor_in_browser", security(()), request_body = SecondFactorAnswer,
    responses((status = 200, body = Me),
        (status = 401, description = "A wrong code or passkey, or a challenge that does not count (any more).")))]
pub(super) async fn answer_for_cookie(
    State(identity): State<Identity>,
    visitor: Visitor,
    headers: HeaderMap,
    Json(body): Json<SecondFactorAnswer>,
) -> web::Result<(SetCookies, Json<Me>)> {
    cookies::check_origin(&identity, &headers, &visitor.request)?;
    let (challenge, answer) = body.answer()?;
    let session = identity.answer_for_cookie(&visitor.visit, challenge.expose(), answer).await?;
    opened(&identity, &visitor, &session).await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecondFactorChallenge {
    /// From the answer that asked for a second factor.
    #[schema(value_type = String)]
    challenge: Secret<String>,
}

/// Get what a browser needs to show a passkey as the second factor
///
/// `{"publicKey": …}`, for `navigator.credentials.get()` after `PublicKeyCredential.parseRequestOptionsFromJSON(publicKey)`.
#[utoipa::path(post, path = "/api/v1/auth/second-factor/passkey", tag = "auth",
    operation_id = "begin_second_factor_passkey", security(()), request_body = SecondFactorChallenge,
    responses((status = 200, body = Object), (status = 401, description = "The challenge does not count (any more).")))]
pub(super) async fn begin_passkey(
    State(identity): State<Identity>,
    visitor: Visitor,
    Json(body): Json<SecondFactorChallenge>,
) -> web::Result<Json<serde_json::Value>> {
    let options = identity.second_factor_passkey(&visitor.visit, body.challenge.expose()).await?;
    Ok(Json(super::passkeys::json(&options)?))
}
