use axum::extract::State;
use http::StatusCode;
use kernel::{Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Caller, Json, Page, PageQuery, Path, Query, TypedBody};

use super::{authenticate::Signed, bodies::WorkspaceWithRole, users::cut};
use crate::{
    model::{self, ADMIN},
    permissions::WriteWorkspaces,
    service::{Identity, WorkspaceChange},
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WorkspacesQuery {
    /// From 1.
    #[param(minimum = 1, maximum = 1_000_000)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<u32>,
}

/// List my workspaces
#[utoipa::path(get, path = "/api/v1/workspaces", tag = "workspaces", operation_id = "list_workspaces",
    params(WorkspacesQuery), responses((status = 200, body = Page<WorkspaceWithRole>)))]
pub(super) async fn list_workspaces(
    signed: Signed,
    Query(query): Query<WorkspacesQuery>,
) -> web::Result<Json<Page<WorkspaceWithRole>>> {
    let page = PageQuery::parse(query.page, query.page_size)?;
    Ok(Json(cut(page, &signed.signed_in.memberships).map(WorkspaceWithRole::from)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkspaceCreate {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
}

/// Create a workspace, and administer it
#[utoipa::path(post, path = "/api/v1/workspaces", tag = "workspaces", operation_id = "create_workspace",
    request_body = WorkspaceCreate, responses((status = 201, body = WorkspaceWithRole)))]
pub(super) async fn create_workspace(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteWorkspaces>,
    Json(body): Json<WorkspaceCreate>,
) -> web::Result<(StatusCode, Json<WorkspaceWithRole>)> {
    let workspace = identity.create_workspace(&allow, &body.name).await?;
    let body = WorkspaceWithRole {
        id: workspace.id,
        name: workspace.name,
        slug: workspace.slug,
        role: ADMIN.to_owned(),
        roles: vec![ADMIN.to_owned()],
    };
    Ok((StatusCode::CREATED, Json(body)))
}

/// A workspace, whoever is in it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WorkspaceDetail {
    #[schema(value_type = String)]
    id: WorkspaceId,
    name: String,
    /// Its name in addresses and on the command line.
    slug: String,
    /// The installation's own: its administrators steer what belongs to all. It cannot be deleted.
    is_first: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    deleted_at: Option<Timestamp>,
}

impl From<model::Workspace> for WorkspaceDetail {
    fn from(workspace: model::Workspace) -> Self {
        Self {
            id: workspace.id,
            name: workspace.name,
            slug: workspace.slug,
            is_first: workspace.is_first,
            created_at: workspace.created_at,
            updated_at: workspace.updated_at,
            deleted_at: workspace.deleted_at,
        }
    }
}

/// Get one workspace
///
/// One's own; any, for who looks after the installation.
#[utoipa::path(get, path = "/api/v1/workspaces/{id}", tag = "workspaces", operation_id = "get_workspace",
    params(("id" = String, Path)), responses((status = 200, body = WorkspaceDetail)))]
pub(super) async fn get_workspace(
    State(identity): State<Identity>,
    Caller(ctx): Caller,
    Path(id): Path<WorkspaceId>,
) -> web::Result<Json<WorkspaceDetail>> {
    Ok(Json(identity.get_workspace(&ctx, id).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkspaceUpdate {
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// `a-z`, `0-9` and single hyphens.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 50)]
    slug: Option<String>,
}

/// Rename the workspace
///
/// The one that the caller works in; any, for who looks after the installation.
#[utoipa::path(patch, path = "/api/v1/workspaces/{id}", tag = "workspaces", operation_id = "update_workspace",
    params(("id" = String, Path)), request_body = WorkspaceUpdate,
    responses((status = 200, body = WorkspaceDetail), (status = 409, description = "The name in addresses is taken.")))]
pub(super) async fn update_workspace(
    State(identity): State<Identity>,
    Caller(ctx): Caller,
    Path(id): Path<WorkspaceId>,
    body: TypedBody,
) -> web::Result<Json<WorkspaceDetail>> {
    identity.may_change_workspace(&ctx, id)?;
    let body: WorkspaceUpdate = json(&body)?;
    let change = WorkspaceChange { name: body.name, slug: body.slug };
    Ok(Json(identity.update_workspace(&ctx, id, change).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkspaceDelete {
    /// The workspace's name in addresses, typed by a person.
    confirm: String,
}

/// Delete the workspace
///
/// Its members lose it at once. Who looks after the installation can restore it.
#[utoipa::path(delete, path = "/api/v1/workspaces/{id}", tag = "workspaces", operation_id = "delete_workspace",
    params(("id" = String, Path)), request_body = WorkspaceDelete,
    responses((status = 204, description = "Put aside."), (status = 409, description = "The installation's first.")))]
pub(super) async fn delete_workspace(
    State(identity): State<Identity>,
    Caller(ctx): Caller,
    Path(id): Path<WorkspaceId>,
    body: TypedBody,
) -> web::Result<StatusCode> {
    identity.may_change_workspace(&ctx, id)?;
    // One that is not there is told before the body is looked at.
    identity.get_workspace(&ctx, id).await?;
    let body: WorkspaceDelete = json(&body)?;
    identity.delete_workspace(&ctx, id, &body.confirm).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn json<T: serde::de::DeserializeOwned>(body: &TypedBody) -> web::Result<T> {
    if body.content_type == "application/json" {
        body.json()
    } else {
        Err(body.unsupported("application/json"))
    }
}

/// Bring a deleted workspace back
#[utoipa::path(post, path = "/api/v1/workspaces/{id}/restore", tag = "workspaces", operation_id = "restore_workspace",
    params(("id" = String, Path)),
    responses((status = 200, body = WorkspaceDetail), (status = 409, description = "It is not deleted.")))]
pub(super) async fn restore_workspace(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteWorkspaces>,
    Path(id): Path<WorkspaceId>,
) -> web::Result<Json<WorkspaceDetail>> {
    Ok(Json(identity.restore_workspace(&allow, id).await?.into()))
}

/// Leave a workspace
#[utoipa::path(post, path = "/api/v1/workspaces/{id}/leave", tag = "workspaces", operation_id = "leave_workspace",
    params(("id" = String, Path)),
    responses((status = 204, description = "No longer a member."), (status = 409, description = "The last administrator.")))]
pub(super) async fn leave_workspace(
    State(identity): State<Identity>,
    signed: Signed,
    Path(id): Path<WorkspaceId>,
) -> web::Result<StatusCode> {
    identity.leave_workspace(&signed.ctx, &signed.signed_in, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AllWorkspacesQuery {
    /// From 1.
    #[param(minimum = 1, maximum = 1_000_000)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<u32>,
    /// Those that were deleted, instead. Default: false.
    deleted: Option<bool>,
}

/// A workspace of the installation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InstalledWorkspace {
    #[serde(flatten)]
    workspace: WorkspaceDetail,
    members: i64,
}

/// List the workspaces of the installation
#[utoipa::path(get, path = "/api/v1/installation/workspaces", tag = "workspaces", operation_id = "list_all_workspaces",
    params(AllWorkspacesQuery), responses((status = 200, body = Page<InstalledWorkspace>)))]
pub(super) async fn list_all_workspaces(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteWorkspaces>,
    Query(query): Query<AllWorkspacesQuery>,
) -> web::Result<Json<Page<InstalledWorkspace>>> {
    let page = PageQuery::parse(query.page, query.page_size)?;
    let deleted = query.deleted.unwrap_or(false);
    let (items, total) = identity.list_all_workspaces(&allow, deleted, page.limit(), page.offset()).await?;
    Ok(Json(
        page.of(items, total).map(|counted| InstalledWorkspace {
            workspace: counted.workspace.into(),
            members: counted.members,
        }),
    ))
}
