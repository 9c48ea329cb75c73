use axum::extract::State;
use kernel::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Cursor, Feed, Json, PageQuery, Query};

use crate::{
    model::{self, AuditFilter},
    permissions::ReadAudit,
    service::Identity,
};

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditEntry {
    #[schema(value_type = String)]
    id: model::AuditId,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    #[schema(required, value_type = Option<String>)]
    actor_id: Option<UserId>,
    #[schema(required)]
    actor_email: Option<String>,
    #[schema(example = "identity.login")]
    action: String,
    /// Id of what it was done to.
    #[schema(required)]
    target: Option<String>,
    #[schema(required)]
    address: Option<String>,
    request_id: String,
    #[schema(value_type = Object)]
    detail: serde_json::Value,
}

impl From<model::AuditEntry> for AuditEntry {
    fn from(entry: model::AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            actor_id: entry.actor,
            actor_email: entry.actor_email,
            action: entry.action,
            target: entry.target,
            address: entry.address,
            request_id: entry.request_id,
            detail: serde_json::from_str(&entry.detail).unwrap_or_default(),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// `next_cursor` of the answer before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// Such as `identity.login-failed`.
    action: Option<String>,
    /// A user's id or e-mail address.
    actor: Option<String>,
}

/// Read the audit log, newest first
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", operation_id = "list_audit", params(AuditQuery),
    responses((status = 200, body = Feed<AuditEntry>)))]
pub(super) async fn list_audit(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<ReadAudit>,
    Query(query): Query<AuditQuery>,
) -> web::Result<Json<Feed<AuditEntry>>> {
    let limit = limit(query.limit)?;
    let before = query.cursor.map(|cursor| cursor.decode()).transpose()?;
    let filter = AuditFilter { action: query.action, actor: query.actor, before };
    let entries = identity.list_audit(&allow, &filter, limit).await?;
    Ok(Json(Feed::new(entries, limit, |entry| entry.seq).map(AuditEntry::from)))
}

/// 1 to 100, 20 where nothing came.
fn limit(asked: Option<u32>) -> web::Result<usize> {
    let page = PageQuery::parse(None, asked).map_err(|_| {
        kernel::Problem::bad_request("invalid-query", "limit is out of bounds")
            .with_errors(vec![kernel::FieldError::new("limit", "must be from 1 to 100")])
    })?;
    Ok(page.page_size as usize)
}
