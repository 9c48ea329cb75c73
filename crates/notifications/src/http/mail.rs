use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{Allowed, Json};

use super::Accepted;
use crate::{
    permissions::{ReadMail, WriteMail},
    service::Notifications,
};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MailState)]
pub(super) struct MailBody {
    /// Whether a mail server is set; without one, mails are skipped.
    is_configured: bool,
    /// Who mails come from.
    #[schema(required)]
    from: Option<String>,
}

/// Get whether mail can be sent
#[utoipa::path(get, path = "/api/v1/mail", tag = "notifications", operation_id = "get_mail_state",
    responses((status = 200, body = MailBody)))]
pub(super) async fn get(
    State(notifications): State<Notifications>,
    Allowed(allow): Allowed<ReadMail>,
) -> Json<MailBody> {
    let from = notifications.mail_sender(&allow);
    Json(MailBody { is_configured: from.is_some(), from })
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MailTest)]
pub(super) struct TestBody {
    /// Default: your own address.
    #[serde(default)]
    to: Option<String>,
}

/// Send a test mail
#[utoipa::path(post, path = "/api/v1/mail/test", tag = "notifications", operation_id = "test_mail",
    request_body = TestBody, responses((status = 202, body = Accepted), (status = 409, description = "No mail server is set.")))]
pub(super) async fn test(
    State(notifications): State<Notifications>,
    Allowed(allow): Allowed<WriteMail>,
    Json(body): Json<TestBody>,
) -> web::Result<(StatusCode, Json<Accepted>)> {
    let task = notifications.test_mail(&allow, body.to.as_deref()).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted::new(task))))
}
