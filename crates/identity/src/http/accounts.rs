//! What administrators do with an account beyond its fields.

use axum::extract::State;
use http::StatusCode;
use kernel::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{Allowed, Json, Page, PageQuery, Path, Query, TypedBody};

use super::{
    bodies::User,
    sessions::{Session, SessionsQuery},
};
use crate::{
    permissions::{ReadUsers, WriteUsers},
    service::Identity,
};

/// To hand to the account's owner.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PasswordLink {
    /// Works once. `null`: it was sent by mail.
    #[schema(required)]
    password_link: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResetLinkRequest {
    /// Mail it to the account's address instead of giving it here.
    #[serde(default)]
    send: bool,
}

/// Make a link by which a person sets a new password
#[utoipa::path(post, path = "/api/v1/users/{id}/reset-password", tag = "users", operation_id = "make_reset_link",
    params(("id" = String, Path)), request_body = Option<ResetLinkRequest>,
    responses((status = 200, body = PasswordLink), (status = 409, description = "No mail can go out.")))]
pub(super) async fn make_reset_link(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteUsers>,
    Path(id): Path<UserId>,
    body: TypedBody,
) -> web::Result<Json<PasswordLink>> {
    let asked: ResetLinkRequest =
        if body.bytes.is_empty() { ResetLinkRequest::default() } else { body.json()? };
    let link = identity.make_reset_link(&allow, id, asked.send).await?;
    Ok(Json(PasswordLink { password_link: link.url, expires_at: link.expires_at }))
}

/// Delete an account
///
/// Its sessions end. It can be restored until it is purged; so long its address stays reserved.
#[utoipa::path(delete, path = "/api/v1/users/{id}", tag = "users", operation_id = "delete_user",
    params(("id" = String, Path)),
    responses((status = 204, description = "Put aside."),
        (status = 409, description = "Nobody would be left to administer, or it is the caller's own.")))]
pub(super) async fn delete_user(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteUsers>,
    Path(id): Path<UserId>,
) -> web::Result<StatusCode> {
    identity.delete_user(&allow, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Restore a deleted account
#[utoipa::path(post, path = "/api/v1/users/{id}/restore", tag = "users", operation_id = "restore_user",
    params(("id" = String, Path)), responses((status = 200, body = User)))]
pub(super) async fn restore_user(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteUsers>,
    Path(id): Path<UserId>,
) -> web::Result<Json<User>> {
    Ok(Json(identity.restore_user(&allow, id).await?.into()))
}

/// Remove a deleted account for good
///
/// Its personal data goes, and its address comes free; what it did stays in the audit log.
#[utoipa::path(post, path = "/api/v1/users/{id}/purge", tag = "users", operation_id = "purge_user",
    params(("id" = String, Path)), responses((status = 204, description = "Gone.")))]
pub(super) async fn purge_user(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteUsers>,
    Path(id): Path<UserId>,
) -> web::Result<StatusCode> {
    identity.purge_user(&allow, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List a person's signed-in devices
#[utoipa::path(get, path = "/api/v1/users/{id}/sessions", tag = "users", operation_id = "list_user_sessions",
    params(("id" = String, Path), SessionsQuery), responses((status = 200, body = Page<Session>)))]
pub(super) async fn list_user_sessions(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<ReadUsers>,
    Path(id): Path<UserId>,
    Query(query): Query<SessionsQuery>,
) -> web::Result<Json<Page<Session>>> {
    let page = PageQuery::parse(query.page, query.page_size)?;
    let (items, total) = identity.list_sessions_of(&allow, id, page.limit(), page.offset()).await?;
    Ok(Json(page.of(items, total).map(|session| Session::new(session, allow.session))))
}

/// End all sessions of a person
#[utoipa::path(delete, path = "/api/v1/users/{id}/sessions", tag = "users", operation_id = "end_user_sessions",
    params(("id" = String, Path)), responses((status = 204, description = "All are over.")))]
pub(super) async fn end_user_sessions(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteUsers>,
    Path(id): Path<UserId>,
) -> web::Result<StatusCode> {
    identity.end_sessions_of(&allow, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
