use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures::stream;
use http::header;
use kernel::{Allow, FieldError, Problem, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Cursor, Feed, Json, PageQuery, Query};

use crate::{
    error::Error,
    model::{self, AuditFilter, ChainEnd},
    permissions::ReadAudit,
    service::{AuditFormat, Identity, written},
};

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditEntry {
    #[schema(value_type = String)]
    id: model::AuditId,
    /// Its place in the workspace's log.
    seq: i64,
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
            seq: entry.seq,
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
    /// Such as `identity.login-failed`; how it begins, with a `*` or a dot at its end.
    action: Option<String>,
    /// A user's id or e-mail address.
    actor: Option<String>,
    /// Id of what it was done to.
    target: Option<String>,
    /// The caller's network address.
    address: Option<String>,
    /// Part of the action, the actor, the target or the details, without regard to case.
    q: Option<String>,
    /// From this time on.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Before this time.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
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
    let filter = AuditFilter {
        action: query.action,
        actor: query.actor,
        target: query.target,
        address: query.address,
        search: query.q,
        from: query.from,
        to: query.to,
    };
    let entries = identity.list_audit(&allow, &filter, before, limit).await?;
    Ok(Json(Feed::new(entries, limit, |entry| entry.seq).map(AuditEntry::from)))
}

/// 1 to 100, 20 where nothing came.
fn limit(asked: Option<u32>) -> web::Result<usize> {
    let page = PageQuery::parse(None, asked).map_err(|_| {
        Problem::bad_request("invalid-query", "limit is out of bounds")
            .with_errors(vec![FieldError::new("limit", "must be from 1 to 100")])
    })?;
    Ok(page.page_size as usize)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ExportFormat {
    Csv,
    Json,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportQuery {
    /// Default: `csv`.
    #[param(inline)]
    format: Option<ExportFormat>,
    /// As in the list.
    action: Option<String>,
    actor: Option<String>,
    target: Option<String>,
    address: Option<String>,
    q: Option<String>,
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

/// Export the audit log, oldest first
///
/// CSV with a `'` before what a spreadsheet would take for a formula, or a JSON list. The file comes as it is read, however
/// long it is.
#[utoipa::path(get, path = "/api/v1/audit/export", tag = "audit", operation_id = "export_audit", params(ExportQuery),
    responses((status = 200, content((String = "text/csv"), (Vec<AuditEntry> = "application/json")))))]
pub(super) async fn export_audit(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<ReadAudit>,
    Query(query): Query<ExportQuery>,
) -> web::Result<Response> {
    let format = query.format.unwrap_or(ExportFormat::Csv);
    let filter = AuditFilter {
        action: query.action,
        actor: query.actor,
        target: query.target,
        address: query.address,
        search: query.q,
        from: query.from,
        to: query.to,
    };
    // The first rows are read before the answer begins, so that a fault is still an error.
    let first = identity.export_audit(&allow, &filter, 0).await?;
    let (format, kind, ending) = match format {
        ExportFormat::Csv => (AuditFormat::Csv, "text/csv; charset=utf-8", "csv"),
        ExportFormat::Json => (AuditFormat::Json, "application/json", "json"),
    };
    let name = format!("attachment; filename=\"audit-{}.{ending}\"", allow.now.strftime("%Y%m%d-%H%M%S"));
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(pieces(identity, allow, filter, format, first))).into_response())
}

struct Exporting {
    rows: Vec<model::AuditEntry>,
    is_first: bool,
    is_over: bool,
}

fn pieces(
    identity: Identity,
    allow: Allow<ReadAudit>,
    filter: AuditFilter,
    format: AuditFormat,
    first: Vec<model::AuditEntry>,
) -> impl futures::Stream<Item = Result<Bytes, Error>> {
    let start = Exporting { rows: first, is_first: true, is_over: false };
    stream::try_unfold(start, move |Exporting { rows, is_first, is_over }| {
        let (identity, allow, filter) = (identity.clone(), allow.clone(), filter.clone());
        async move {
            if is_over {
                return Ok(None);
            }
            let last = rows.last().map(|row| row.seq);
            let text = written(format, rows, is_first, last.is_none());
            let rows = match last {
                Some(last) => identity.export_audit(&allow, &filter, last).await?,
                None => Vec::new(),
            };
            Ok(Some((text, Exporting { rows, is_first: false, is_over: last.is_none() })))
        }
    })
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct VerifyQuery {
    /// The `head` of an earlier answer: the log must still hold that row.
    since_head: Option<String>,
}

/// Whether the workspace's log is as it was written.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditVerified {
    ok: bool,
    /// Rows that are as they were written.
    checked: u64,
    from_seq: i64,
    /// The last row that was found in order.
    to_seq: i64,
    /// Number and hash of that row: keep it elsewhere, and show it with the next check.
    #[schema(example = "42:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    head: String,
    /// The first thing that is wrong.
    #[schema(required)]
    fault: Option<AuditFault>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditFault {
    seq: i64,
    what: &'static str,
}

/// Check that nobody changed the audit log
#[utoipa::path(get, path = "/api/v1/audit/verify", tag = "audit", operation_id = "verify_audit", params(VerifyQuery),
    responses((status = 200, body = AuditVerified)))]
pub(super) async fn verify_audit(
    State(identity): State<Identity>,
    Allowed(allow): Allowed<ReadAudit>,
    Query(query): Query<VerifyQuery>,
) -> web::Result<Json<AuditVerified>> {
    let kept = match &query.since_head {
        None => None,
        Some(text) => Some(ChainEnd::parse(text).ok_or_else(|| {
            Problem::bad_request("invalid-query", "since_head is no head").with_errors(vec![FieldError::new(
                "since_head",
                "must be a number, a colon and 64 digits of base 16",
            )])
        })?),
    };
    let verified = identity.verify_audit(&allow, kept).await?;
    Ok(Json(AuditVerified {
        ok: verified.fault.is_none(),
        checked: verified.checked,
        from_seq: verified.from_seq,
        to_seq: verified.head.seq,
        head: verified.head.to_string(),
        fault: verified.fault.map(|fault| AuditFault { seq: fault.seq, what: fault.what }),
    }))
}
