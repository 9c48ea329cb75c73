use axum::extract::State;
use http::StatusCode;
use kernel::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::Json;

use super::{
    authenticate::Visitor,
    registration::{AddressRequest, ByMail, sent},
};
use crate::{model, service::Identity};

/// Ask for a link to set a new password
///
/// The answer is the same whether the address has an account or not; the link goes by mail and works once, for an hour.
#[utoipa::path(post, path = "/api/v1/auth/forgot", tag = "auth", operation_id = "forgot_password", security(()),
    request_body = AddressRequest, responses((status = 202, body = ByMail)))]
pub(super) async fn forgot(
    State(identity): State<Identity>,
    visitor: Visitor,
    Json(body): Json<AddressRequest>,
) -> web::Result<(StatusCode, Json<ByMail>)> {
    identity.forgot_password(&visitor.visit, &body.email).await?;
    Ok(sent())
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResetRequest {
    /// From the reset link.
    #[schema(value_type = String)]
    token: Secret<String>,
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    new_password: Secret<String>,
}

/// Set a new password by a reset link
#[utoipa::path(post, path = "/api/v1/auth/reset", tag = "auth", operation_id = "reset_password", security(()),
    request_body = ResetRequest,
    responses((status = 204, description = "The password is set and every session ended."),
        (status = 410, description = "The link does not work, or no longer.")))]
pub(super) async fn reset(
    State(identity): State<Identity>,
    visitor: Visitor,
    Json(body): Json<ResetRequest>,
) -> web::Result<StatusCode> {
    identity.reset_password(&visitor.visit, body.token.expose(), body.new_password).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StrengthRequest {
    #[schema(value_type = String, format = Password)]
    password: Secret<String>,
    /// Of the account that it is for.
    #[serde(default)]
    email: Option<String>,
}

/// What can be said of a password.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PasswordStrength {
    /// 0 (would be guessed at once) to 4.
    #[schema(minimum = 0, maximum = 4)]
    score: u8,
    /// Guesses that it would take, as a power of ten.
    guesses_log10: f64,
    #[schema(required)]
    warning: Option<String>,
    suggestions: Vec<String>,
    /// Why it would be refused.
    #[schema(required)]
    refused: Option<&'static str>,
}

impl From<model::Strength> for PasswordStrength {
    fn from(strength: model::Strength) -> Self {
        let model::Strength { score, guesses_log10, warning, suggestions, refused } = strength;
        Self { score, guesses_log10, warning, suggestions, refused }
    }
}

/// Ask how strong a password is
///
/// Nothing is kept of it. Texts are in English.
#[utoipa::path(post, path = "/api/v1/auth/password/strength", tag = "auth", operation_id = "password_strength",
    security(()), request_body = StrengthRequest, responses((status = 200, body = PasswordStrength)))]
pub(super) async fn strength(
    State(identity): State<Identity>,
    visitor: Visitor,
    Json(body): Json<StrengthRequest>,
) -> web::Result<Json<PasswordStrength>> {
    let strength = identity.password_strength(&visitor.visit, body.password, body.email.as_deref()).await?;
    Ok(Json(strength.into()))
}
