use axum::extract::State;
use http::StatusCode;
use kernel::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::Json;

use super::authenticate::{Signed, Visitor};
use crate::service::{self, Identity};

/// What an authenticator app needs; shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct TotpSetup {
    /// Base 32, for who types it.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    secret: String,
    /// `otpauth://totp/…`
    uri: String,
    /// The same as a QR code: an `<svg>` element.
    qr_svg: String,
}

impl From<service::TotpSetup> for TotpSetup {
    fn from(setup: service::TotpSetup) -> Self {
        Self {
            secret: setup.secret.expose().clone(),
            uri: setup.uri.expose().clone(),
            qr_svg: setup.qr_svg.expose().clone(),
        }
    }
}

/// Each works once, in place of a code of the app; shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct RecoveryCodes {
    #[schema(example = json!(["k3v9-0m2x-7q4w-r8tz-5h1n-c6ge"]))]
    recovery_codes: Vec<String>,
}

pub(super) fn exposed(codes: &[Secret<String>]) -> Vec<String> {
    codes.iter().map(|code| code.expose().clone()).collect()
}

/// Begin to set up an authenticator app
///
/// It counts when a code of it was confirmed, within half an hour. One from before goes on until then.
#[utoipa::path(post, path = "/api/v1/auth/totp", tag = "security", operation_id = "begin_totp",
    responses((status = 200, body = TotpSetup),
        (status = 403, description = "Show again who you are first (`identity.confirm-first`).")))]
pub(super) async fn begin(State(identity): State<Identity>, signed: Signed) -> web::Result<Json<TotpSetup>> {
    Ok(Json(identity.begin_totp(&signed.ctx, &signed.signed_in).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TotpCode {
    /// Six digits of the app.
    #[schema(value_type = String, example = "123456")]
    code: Secret<String>,
}

/// Confirm the authenticator app by its first code
#[utoipa::path(post, path = "/api/v1/auth/totp/confirm", tag = "security", operation_id = "confirm_totp",
    request_body = TotpCode,
    responses((status = 200, body = RecoveryCodes), (status = 409, description = "No app is being set up."),
        (status = 422, description = "The code is wrong.")))]
pub(super) async fn confirm(
    State(identity): State<Identity>,
    visitor: Visitor,
    signed: Signed,
    Json(body): Json<TotpCode>,
) -> web::Result<Json<RecoveryCodes>> {
    let codes = identity.confirm_totp(&signed.ctx, &visitor.visit, &signed.signed_in, &body.code).await?;
    Ok(Json(RecoveryCodes { recovery_codes: exposed(&codes) }))
}

/// Remove the authenticator app
#[utoipa::path(delete, path = "/api/v1/auth/totp", tag = "security", operation_id = "disable_totp",
    responses((status = 204, description = "Its codes do not count any more."),
        (status = 403, description = "Show again who you are first (`identity.confirm-first`)."),
        (status = 409, description = "There is none.")))]
pub(super) async fn disable(
    State(identity): State<Identity>,
    visitor: Visitor,
    signed: Signed,
) -> web::Result<StatusCode> {
    identity.disable_totp(&signed.ctx, &visitor.visit, &signed.signed_in).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make new recovery codes
///
/// Those from before do not count any more.
#[utoipa::path(post, path = "/api/v1/auth/recovery-codes", tag = "security", operation_id = "make_recovery_codes",
    responses((status = 200, body = RecoveryCodes),
        (status = 403, description = "Show again who you are first (`identity.confirm-first`)."),
        (status = 409, description = "There is no second factor that they could stand in for.")))]
pub(super) async fn make_recovery_codes(
    State(identity): State<Identity>,
    visitor: Visitor,
    signed: Signed,
) -> web::Result<Json<RecoveryCodes>> {
    let codes = identity.make_recovery_codes(&signed.ctx, &visitor.visit, &signed.signed_in).await?;
    Ok(Json(RecoveryCodes { recovery_codes: exposed(&codes) }))
}
