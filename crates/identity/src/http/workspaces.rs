use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Json, Page, PageQuery, Query};

use super::{authenticate::Signed, bodies::WorkspaceWithRole, users::cut};
use crate::{model::ADMIN, permissions::WriteWorkspaces, service::Identity};

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
    };
    Ok((StatusCode::CREATED, Json(body)))
}
