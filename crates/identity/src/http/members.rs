use axum::extract::State;
use http::StatusCode;
use kernel::UserId;
use web::{Allowed, Json, Path};

use super::bodies::User;
use crate::{permissions::WriteUsers, service::Identity};

/// Give a person one more role
#[utoipa::path(put, path = "/api/v1/users/{id}/roles/{role}", tag = "users", operation_id = "give_role",
    params(("id" = String, Path), ("role" = String, Path)), responses((status = 200, body = User)))]
pub(super) async fn give_role(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteUsers>,
    Path((id, role)): Path<(UserId, String)>,
) -> web::Result<Json<User>> {
    Ok(Json(identity.give_role(&allow, id, &role).await?.into()))
}

/// Take a role from a person
///
/// Not the last one: take the person out of the workspace instead.
#[utoipa::path(delete, path = "/api/v1/users/{id}/roles/{role}", tag = "users", operation_id = "take_role",
    params(("id" = String, Path), ("role" = String, Path)),
    responses((status = 200, body = User), (status = 409, description = "The last role, or the last administrator.")))]
pub(super) async fn take_role(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteUsers>,
    Path((id, role)): Path<(UserId, String)>,
) -> web::Result<Json<User>> {
    Ok(Json(identity.take_role(&allow, id, &role).await?.into()))
}

/// Take a person out of the workspace
///
/// At once. The account stays; only its owner manages it then, if it was at home here.
#[utoipa::path(delete, path = "/api/v1/members/{user_id}", tag = "users", operation_id = "remove_member",
    params(("user_id" = String, Path)),
    responses((status = 204, description = "No longer a member."), (status = 409, description = "The last administrator.")))]
pub(super) async fn remove_member(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteUsers>,
    Path(id): Path<UserId>,
) -> web::Result<StatusCode> {
    identity.remove_member(&allow, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
