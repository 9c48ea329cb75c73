use axum::extract::State;
use http::StatusCode;
use kernel::{Secret, UserId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Json, Page, PageQuery, Path, Query};

use super::bodies::{Locale, User, UserKind};
use crate::{
    error::Error,
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
    /// The address is confirmed.
    is_verified: Option<bool>,
    kind: Option<UserKind>,
    /// True: the deleted ones, which can be restored, instead of the others.
    deleted: Option<bool>,
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
        is_verified: query.is_verified,
        kind: query.kind.map(model::UserKind::from),
        deleted: query.deleted.unwrap_or(false),
    };
    let (items, total) = identity.list_users(&allow, &filter, page.limit(), page.offset()).await?;
    Ok(Json(page.of(items, total).map(User::from)))
}

/// A new account in the workspace.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserCreate {
    email: String,
    /// Not with `send_link`.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password, min_length = 8, max_length = 128)]
    password: Option<Secret<String>>,
    /// Instead of a password: they get a mail with a link to choose one by.
    #[serde(default)]
    send_link: bool,
    #[serde(default)]
    #[schema(max_length = 100)]
    first_name: String,
    #[serde(default)]
    #[schema(max_length = 100)]
    last_name: String,
    #[serde(default)]
    locale: Option<Locale>,
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
    let password = match (body.password, body.send_link) {
        (password @ Some(_), false) | (password @ None, true) => password,
        (Some(_), true) | (None, false) => {
            let reason = "is needed, unless send_link is true".to_owned();
            return Err(Error::Invalid { pointer: "/password", reason }.into());
        }
    };
    let new = NewUser {
        email: body.email,
        password,
        first_name: body.first_name,
        last_name: body.last_name,
        locale: body.locale.map(kernel::Locale::from),
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
    /// True: somebody vouches for the address.
    #[serde(default)]
    is_verified: Option<bool>,
    /// Both addresses are told; not confirmed unless `is_verified` says so. One's own: `/api/v1/auth/email`.
    #[serde(default)]
    email: Option<String>,
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
        is_verified: body.is_verified,
        email: body.email,
        role: body.role,
        ..UserChange::default()
    };
    Ok(Json(identity.update_user(&allow, id, change).await?.into()))
}

/// One page of a list that is short enough to be read whole.
pub(super) fn cut<T>(page: PageQuery, all: &[T]) -> Page<&T> {
    let skip = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    let some = all.iter().skip(skip).take(page.page_size as usize).collect();
    page.of(some, all.len() as u64)
}
