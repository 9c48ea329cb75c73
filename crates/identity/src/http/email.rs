use axum::extract::State;
use http::StatusCode;
use kernel::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::Json;

use super::{
    authenticate::{Signed, Visitor},
    registration::LinkRequest,
};
use crate::service::{self, Identity};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EmailChange {
    new_email: String,
    #[schema(value_type = String, format = Password)]
    current_password: Secret<String>,
}

/// Change my address
///
/// Both addresses get a link, and both must be used within a day; until then nothing changes.
#[utoipa::path(post, path = "/api/v1/auth/email", tag = "auth", operation_id = "change_email",
    request_body = EmailChange,
    responses((status = 202, description = "Two mails are on their way."),
        (status = 403, description = "Show first who you are."),
        (status = 409, description = "No mail can go out.")))]
pub(super) async fn change_email(
    State(identity): State<Identity>,
    signed: Signed,
    Json(body): Json<EmailChange>,
) -> web::Result<StatusCode> {
    identity.change_email(&signed.ctx, &signed.signed_in, &body.new_email, body.current_password).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Keep my address
///
/// The links of a change that is not done yet stop working.
#[utoipa::path(delete, path = "/api/v1/auth/email", tag = "auth", operation_id = "cancel_email_change",
    responses((status = 204, description = "Nothing will change.")))]
pub(super) async fn cancel_email_change(
    State(identity): State<Identity>,
    signed: Signed,
) -> web::Result<StatusCode> {
    identity.cancel_email_change(&signed.ctx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One of the two addresses of a change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Side {
    Old,
    New,
}

/// How far a change of address is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EmailConfirmed {
    /// Both confirmed: the account has the new address.
    done: bool,
    /// Whose link is still to be used.
    #[schema(required)]
    waiting_for: Option<Side>,
}

/// Confirm a change of address
#[utoipa::path(post, path = "/api/v1/auth/email/confirm", tag = "auth", operation_id = "confirm_email",
    security(()), request_body = LinkRequest,
    responses((status = 200, body = EmailConfirmed), (status = 409, description = "The address was taken meanwhile."),
        (status = 410, description = "The link does not work, or no longer.")))]
pub(super) async fn confirm_email(
    State(identity): State<Identity>,
    visitor: Visitor,
    Json(body): Json<LinkRequest>,
) -> web::Result<Json<EmailConfirmed>> {
    let waiting_for = identity.confirm_email(&visitor.visit, body.token.expose()).await?;
    let waiting_for = waiting_for.map(|side| match side {
        service::Side::Old => Side::Old,
        service::Side::New => Side::New,
    });
    Ok(Json(EmailConfirmed { done: waiting_for.is_none(), waiting_for }))
}
