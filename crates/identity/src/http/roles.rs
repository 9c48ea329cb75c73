use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Json, Page, PageQuery, Path, Query};

use super::users::cut;
use crate::{
    model,
    permissions::{ReadUsers, WriteRoles},
    service::{Granting, Identity, NewRole, RoleChange},
};

/// A named set of permissions.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Role {
    name: String,
    description: String,
    /// What it grants in this workspace, by name.
    permissions: Vec<String>,
    /// The same in every workspace; it cannot be changed.
    is_built_in: bool,
}

impl From<&Granting> for Role {
    fn from(granting: &Granting) -> Self {
        Self {
            name: granting.role.name.clone(),
            description: granting.role.description.clone(),
            permissions: granting.permissions.clone(),
            is_built_in: granting.role.is_built_in,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RolesQuery {
    /// From 1.
    #[param(minimum = 1, maximum = 1_000_000)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<u32>,
}

/// List the roles that can be given
#[utoipa::path(get, path = "/api/v1/roles", tag = "users", operation_id = "list_roles", params(RolesQuery),
    responses((status = 200, body = Page<Role>)))]
pub(super) async fn list_roles(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<ReadUsers>,
    Query(query): Query<RolesQuery>,
) -> web::Result<Json<Page<Role>>> {
    let page = PageQuery::parse(query.page, query.page_size)?;
    let roles = identity.list_roles(&allow).await?;
    Ok(Json(cut(page, &roles).map(Role::from)))
}

/// A role of the workspace's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleCreate {
    /// `a-z`, `0-9` and single hyphens.
    #[schema(min_length = 1, max_length = 50, example = "night-shift")]
    name: String,
    #[serde(default)]
    #[schema(max_length = 200)]
    description: String,
    /// Each must be held by the caller.
    permissions: Vec<String>,
}

/// Create a role
#[utoipa::path(post, path = "/api/v1/roles", tag = "users", operation_id = "create_role", request_body = RoleCreate,
    responses((status = 201, body = Role), (status = 409, description = "The name is taken.")))]
pub(super) async fn create_role(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteRoles>,
    Json(body): Json<RoleCreate>,
) -> web::Result<(StatusCode, Json<Role>)> {
    let new = NewRole { name: body.name, description: body.description, permissions: body.permissions };
    let made = identity.create_role(&allow, new).await?;
    Ok((StatusCode::CREATED, Json(Role::from(&made))))
}

/// Get one role
#[utoipa::path(get, path = "/api/v1/roles/{name}", tag = "users", operation_id = "get_role",
    params(("name" = String, Path)), responses((status = 200, body = Role)))]
pub(super) async fn get_role(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<ReadUsers>,
    Path(name): Path<String>,
) -> web::Result<Json<Role>> {
    Ok(Json(Role::from(&identity.get_role(&allow, &name).await?)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleUpdate {
    #[serde(default)]
    #[schema(max_length = 200)]
    description: Option<String>,
    /// All of them, in place of those before.
    #[serde(default)]
    permissions: Option<Vec<String>>,
}

/// Change a role of the workspace's own
///
/// It counts from the next request of its holders on.
#[utoipa::path(patch, path = "/api/v1/roles/{name}", tag = "users", operation_id = "update_role",
    params(("name" = String, Path)), request_body = RoleUpdate,
    responses((status = 200, body = Role), (status = 409, description = "The role is built in.")))]
pub(super) async fn update_role(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteRoles>,
    Path(name): Path<String>,
    Json(body): Json<RoleUpdate>,
) -> web::Result<Json<Role>> {
    let change = RoleChange { description: body.description, permissions: body.permissions };
    Ok(Json(Role::from(&identity.update_role(&allow, &name, change).await?)))
}

/// Delete a role that nobody holds
#[utoipa::path(delete, path = "/api/v1/roles/{name}", tag = "users", operation_id = "delete_role",
    params(("name" = String, Path)),
    responses((status = 204, description = "Gone."), (status = 409, description = "Built in, or somebody holds it.")))]
pub(super) async fn delete_role(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteRoles>,
    Path(name): Path<String>,
) -> web::Result<StatusCode> {
    identity.delete_role(&allow, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Something that a role can grant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RolePermission)]
pub(super) struct Permission {
    #[schema(example = "surveillance.cameras.read")]
    name: &'static str,
    description: &'static str,
    module: &'static str,
    /// It reaches beyond the workspace: only members of the installation's first workspace can hold it.
    installation: bool,
}

impl From<&model::KnownPermission> for Permission {
    fn from(known: &model::KnownPermission) -> Self {
        Self {
            name: known.info.name,
            description: known.info.description,
            module: known.module,
            installation: known.info.installation,
        }
    }
}

/// List what roles can grant
#[utoipa::path(get, path = "/api/v1/permissions", tag = "users", operation_id = "list_permissions", params(RolesQuery),
    responses((status = 200, body = Page<Permission>)))]
pub(super) async fn list_permissions(
    State(identity): State<Identity>,
    _: Allowed<ReadUsers>,
    Query(query): Query<RolesQuery>,
) -> web::Result<Json<Page<Permission>>> {
    let page = PageQuery::parse(query.page, query.page_size)?;
    Ok(Json(cut(page, identity.catalogue().known()).map(Permission::from)))
}
