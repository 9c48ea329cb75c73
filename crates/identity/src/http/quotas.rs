use std::collections::BTreeMap;

use axum::extract::State;
use kernel::{Timestamp, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Allowed, Json, Path};

use crate::{
    permissions::{ReadQuotas, WriteQuotas},
    service::{Identity, Standing},
};

/// How a workspace stands with something that it may use only so much of.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Quota {
    #[schema(example = "cameras")]
    resource: &'static str,
    label: QuotaLabel,
    /// `bytes` are shown as such; else a plain number.
    unit: &'static str,
    used: i64,
    /// `null`: no bound.
    #[schema(required)]
    limit: Option<i64>,
    /// `day` or `month` for what comes back by itself; `null` for what stands.
    #[schema(required)]
    per: Option<&'static str>,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    resets_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QuotaLabel {
    en: &'static str,
    fr: &'static str,
}

/// All that modules declare.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Quotas {
    items: Vec<Quota>,
}

impl Quotas {
    fn new(standings: Vec<Standing>) -> Self {
        let item = |standing: Standing| Quota {
            resource: standing.spec.resource,
            label: QuotaLabel { en: standing.spec.label[0], fr: standing.spec.label[1] },
            unit: standing.spec.unit,
            used: standing.used,
            limit: standing.limit,
            per: standing.spec.per.name(),
            resets_at: standing.resets_at,
        };
        Self { items: standings.into_iter().map(item).collect() }
    }
}

/// See what the workspace uses and may use
#[utoipa::path(get, path = "/api/v1/quotas", tag = "workspaces", operation_id = "list_quotas",
    responses((status = 200, body = Quotas)))]
pub(super) async fn list_quotas(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<ReadQuotas>,
) -> web::Result<Json<Quotas>> {
    Ok(Json(Quotas::new(identity.list_quotas(&allow).await?)))
}

/// See what a workspace uses and may use
#[utoipa::path(get, path = "/api/v1/workspaces/{id}/quotas", tag = "workspaces", operation_id = "get_workspace_quotas",
    params(("id" = String, Path)), responses((status = 200, body = Quotas)))]
pub(super) async fn get_workspace_quotas(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteQuotas>,
    Path(id): Path<WorkspaceId>,
) -> web::Result<Json<Quotas>> {
    Ok(Json(Quotas::new(identity.quotas_of(&allow, id).await?)))
}

/// Set what a workspace may use
///
/// By resource; `null` takes the bound away. What is not named stays as it is.
#[utoipa::path(put, path = "/api/v1/workspaces/{id}/quotas", tag = "workspaces", operation_id = "set_workspace_quotas",
    params(("id" = String, Path)), request_body = BTreeMap<String, Option<i64>>,
    responses((status = 200, body = Quotas)))]
pub(super) async fn set_workspace_quotas(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<WriteQuotas>,
    Path(id): Path<WorkspaceId>,
    Json(body): Json<BTreeMap<String, Option<i64>>>,
) -> web::Result<Json<Quotas>> {
    Ok(Json(Quotas::new(identity.set_quotas(&allow, id, body).await?)))
}
