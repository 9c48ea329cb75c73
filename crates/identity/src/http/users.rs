use axum::extract::State;
use http::StatusCode;
use kernel::{Secret, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Json, Page, PageQuery, Path, Query};

use super::bodies::User;
use crate::{
    model,
    permissions::{ReadUsers, WriteUsers},
    service::{Identity, NewUser, UserChange},
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct UsersQuery {
    /// From 1.
    #[param(minimum = 1, maximum = 1_000_000)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<u32>,
    /// Part of the address or of the name.
    search: Option<String>,
    role: Option<String>,
    is_active: Option<bool>,
}

/// List the people of the workspace
#[utoipa::path(get, path = "/api/v1/users", tag = "users", operation_id = "list_users", params(UsersQuery),
    responses((status = 200, body = Page<User>)))]
pub(super) async fn list_users(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<ReadUsers>,
    Query(query): Query<UsersQuery>,
) -> web::Result<Json<Page<User>>> {
    let page = PageQuery::parse(query.page, query.page_size)?;
    let filter = model::MemberFilter {
        search: query.search,
        role: query.role.as_deref().map(model::sought_role),
        is_active: query.is_active,
    };
    let (items, total) = identity.list_users(&allow, &filter, page.limit(), page.offset()).await?;
    Ok(Json(page.of(items, total).map(User::from)))
}

/// A new account in the workspace.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserCreate {
    email: String,
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    password: Secret<String>,
    #[serde(default)]
    #[schema(max_length = 100)]
    first_name: String,
    #[serde(default)]
    #[schema(max_length = 100)]
    last_name: String,
    #[schema(example = "user")]
    role: String,
}

/// Create an account
#[utoipa::path(post, path = "/api/v1/users", tag = "users", operation_id = "create_user", request_body = UserCreate,
    responses((status = 201, body = User), (status = 409, description = "The address is taken.")))]
pub(super) async fn create_user(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteUsers>,
    Json(body): Json<UserCreate>,
) -> web::Result<(StatusCode, Json<User>)> {
    let new = NewUser {
        email: body.email,
        password: body.password,
        first_name: body.first_name,
        last_name: body.last_name,
        role: body.role,
        is_verified: false,
    };
    Ok((StatusCode::CREATED, Json(identity.create_user(&allow, new).await?.into())))
}

/// Get one person
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "users", operation_id = "get_user",
    params(("id" = String, Path)), responses((status = 200, body = User)))]
pub(super) async fn get_user(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<ReadUsers>,
    Path(id): Path<UserId>,
) -> web::Result<Json<User>> {
    Ok(Json(identity.get_user(&allow, id).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserUpdate {
    #[serde(default)]
    #[schema(max_length = 100)]
    first_name: Option<String>,
    #[serde(default)]
    #[schema(max_length = 100)]
    last_name: Option<String>,
    /// False ends all sessions of the account.
    #[serde(default)]
    is_active: Option<bool>,
    #[serde(default)]
    role: Option<String>,
}

/// Change an account or its role
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "users", operation_id = "update_user",
    params(("id" = String, Path)), request_body = UserUpdate,
    responses((status = 200, body = User), (status = 409, description = "Nobody would be left to administer.")))]
pub(super) async fn update_user(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteUsers>,
    Path(id): Path<UserId>,
    Json(body): Json<UserUpdate>,
) -> web::Result<Json<User>> {
    let change = UserChange {
        first_name: body.first_name,
        last_name: body.last_name,
        is_active: body.is_active,
        role: body.role,
    };
    Ok(Json(identity.update_user(&allow, id, change).await?.into()))
}

/// To hand to the account's owner.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PasswordLink {
    /// Works once.
    password_link: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Make a link by which a person sets a new password
#[utoipa::path(post, path = "/api/v1/users/{id}/reset-password", tag = "users", operation_id = "make_reset_link",
    params(("id" = String, Path)), responses((status = 200, body = PasswordLink)))]
pub(super) async fn make_reset_link(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteUsers>,
    Path(id): Path<UserId>,
) -> web::Result<Json<PasswordLink>> {
    let link = identity.make_reset_link(&allow, id).await?;
    Ok(Json(PasswordLink { password_link: link.url, expires_at: link.expires_at }))
}

/// One page of a list that is short enough to be read whole.
pub(super) fn cut<T>(page: PageQuery, all: &[T]) -> Page<&T> {
    let skip = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let some = all.iter().skip(skip).take(page.page_size as usize).collect();
    page.of(some, all.len() as u64)
}
