use axum::extract::State;
use http::StatusCode;
use kernel::{FieldError, Problem, Secret};
use serde::Deserialize;
use utoipa::ToSchema;
use web::Json;
use webauthn_rs::prelude::PublicKeyCredential;

use super::authenticate::{Signed, Visitor};
use crate::service::{Again, Identity};

/// One of the three.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Secret<String>>,
    /// Six digits of the authenticator app, or a recovery code.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    code: Option<Secret<String>>,
    /// What `navigator.credentials.get()` gave for the options of `/api/v1/auth/confirm/passkey`, as JSON.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    credential: Option<Box<PublicKeyCredential>>,
}

/// Show again who I am
///
/// For what a stolen session must not be enough for; it lasts for `identity.confirm_window_s` (15 minutes).
#[utoipa::path(post, path = "/api/v1/auth/confirm", tag = "security", operation_id = "confirm",
    request_body = Confirmation,
    responses((status = 204, description = "The session counts as just signed in."),
        (status = 422, description = "The password, code or passkey is wrong.")))]
pub(super) async fn confirm(
    State(identity): State<Identity>,
    visitor: Visitor,
    signed: Signed,
    Json(body): Json<Confirmation>,
) -> web::Result<StatusCode> {
    let again = match (body.password, body.code, body.credential) {
        (Some(password), None, None) => Again::Password(password),
        (None, Some(code), None) => Again::Code(code),
        (None, None, Some(credential)) => Again::Passkey(credential),
        _ => {
            let detail = "exactly one of password, code and credential must be there";
            let fault = FieldError::new("/password", detail);
            return Err(Problem::unprocessable("identity.invalid", detail).with_errors(vec![fault]).into());
        }
    };
    identity.confirm(&signed.ctx, &visitor.visit, &signed.signed_in, again).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Get what a browser needs to show a passkey again
///
/// `{"publicKey": …}`, for `navigator.credentials.get()`.
#[utoipa::path(post, path = "/api/v1/auth/confirm/passkey", tag = "security", operation_id = "begin_confirm",
    responses((status = 200, body = Object), (status = 409, description = "There is no passkey, or none works here.")))]
pub(super) async fn begin(
    State(identity): State<Identity>,
    signed: Signed,
) -> web::Result<Json<serde_json::Value>> {
    let options = identity.begin_confirm(&signed.ctx, &signed.signed_in).await?;
    Ok(Json(super::passkeys::json(&options)?))
}
