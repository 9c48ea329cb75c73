use std::collections::HashMap;

use db::{FromRow, Row, Tx, Value};
use kernel::WorkspaceId;

use super::{
    pairs::{self, TRACE_METADATA, TRACE_TAGS},
    rows,
};
use crate::model::trace::{Assessment, Span, Trace};

impl FromRow for Trace {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            trace_id: row.get("trace_id")?,
            experiment: row.get("experiment")?,
            number: row.get("number")?,
            request_ms: row.get("request_ms")?,
            duration_ms: row.get("duration_ms")?,
            state: row.get("state")?,
            client_request_id: row.get("client_request_id")?,
            request_preview: row.get("request_preview")?,
            response_preview: row.get("response_preview")?,
            is_told: row.get("is_told")?,
            tags: Vec::new(),
            metadata: Vec::new(),
            assessments: Vec::new(),
        })
    }
}

const SELECT: &str = "SELECT t.*, e.number FROM ml_traces t JOIN ml_experiments e ON e.id = t.experiment";

/// Gives the row's own number; none where the trace is there already.
pub(crate) async fn insert(tx: &mut Tx, workspace: WorkspaceId, trace: &Trace) -> db::Result<Option<i64>> {
    tx.query(
        "INSERT INTO ml_traces (workspace_id, trace_id, experiment, request_ms, duration_ms, state, client_request_id,
         request_preview, response_preview, is_told) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT DO NOTHING RETURNING id AS value",
    )
    .bind(workspace)
    .bind(&trace.trace_id)
    .bind(trace.experiment)
    .bind(trace.request_ms)
    .bind(trace.duration_ms)
    .bind(&trace.state)
    .bind(trace.client_request_id.clone())
    .bind(trace.request_preview.clone())
    .bind(trace.response_preview.clone())
    .bind(trace.is_told)
    .optional()
    .await
}

pub(crate) async fn update(tx: &mut Tx, trace: &Trace) -> db::Result<()> {
    tx.query(
        "UPDATE ml_traces SET experiment = $2, request_ms = $3, duration_ms = $4, state = $5, client_request_id = $6,
         request_preview = $7, response_preview = $8, is_told = $9 WHERE id = $1",
    )
    .bind(trace.id)
    .bind(trace.experiment)
    .bind(trace.request_ms)
    .bind(trace.duration_ms)
    .bind(&trace.state)
    .bind(trace.client_request_id.clone())
    .bind(trace.request_preview.clone())
    .bind(trace.response_preview.clone())
    .bind(trace.is_told)
    .execute()
    .await?;
    Ok(())
}

/// Without its parts. Nobody else changes it until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx, workspace: WorkspaceId, trace_id: &str) -> db::Result<Option<Trace>> {
    let lock = match tx.engine() {
        // There is one writer.
        db::Engine::Sqlite => "",
        db::Engine::Postgres => " FOR UPDATE OF t",
    };
    tx.query_built(format!("{SELECT} WHERE t.workspace_id = $1 AND t.trace_id = $2{lock}"))
        .bind(workspace)
        .bind(trace_id)
        .optional()
        .await
}

/// Those of these that are there, in this order, with their parts.
pub(crate) async fn list(tx: &mut Tx, workspace: WorkspaceId, trace_ids: &[&str]) -> db::Result<Vec<Trace>> {
    let wanted: Vec<Value> = trace_ids.iter().map(|id| (*id).into()).collect();
    let before = format!("{SELECT} WHERE t.workspace_id = $1 AND t.trace_id");
    let mut found: Vec<Trace> = rows::select_in(tx, &before, "", &[workspace.into()], &wanted).await?;
    let ranks: HashMap<&str, usize> = trace_ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    found.sort_by_key(|trace| ranks.get(trace.trace_id.as_str()).copied());
    found.dedup_by(|one, other| one.id == other.id);
    complete(tx, found).await
}

/// By their rows' own numbers, in this order, with their parts.
pub(crate) async fn list_rows(tx: &mut Tx, ids: &[i64]) -> db::Result<Vec<Trace>> {
    let wanted: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let mut found: Vec<Trace> =
        rows::select_in(tx, &format!("{SELECT} WHERE t.id"), "", &[], &wanted).await?;
    let ranks: HashMap<i64, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    found.sort_by_key(|trace| ranks.get(&trace.id).copied());
    found.dedup_by(|one, other| one.id == other.id);
    complete(tx, found).await
}

async fn complete(tx: &mut Tx, mut traces: Vec<Trace>) -> db::Result<Vec<Trace>> {
    let ids: Vec<i64> = traces.iter().map(|trace| trace.id).collect();
    let mut tags = pairs::list_of(tx, TRACE_TAGS, &ids).await?;
    let mut metadata = pairs::list_of(tx, TRACE_METADATA, &ids).await?;
    let mut assessments = assessments_of(tx, &ids).await?;
    for trace in &mut traces {
        trace.tags = tags.remove(&trace.id).unwrap_or_default();
        trace.metadata = metadata.remove(&trace.id).unwrap_or_default();
        trace.assessments = assessments.remove(&trace.id).unwrap_or_default();
    }
    Ok(traces)
}

pub(crate) async fn put_spans(tx: &mut Tx, trace: i64, spans: &[&Span]) -> db::Result<()> {
    // The last of the same id counts.
    let mut by_id: std::collections::BTreeMap<&str, &Span> = std::collections::BTreeMap::new();
    for span in spans {
        by_id.insert(&span.span_id, span);
    }
    let mut values = Vec::with_capacity(by_id.len() * 9);
    for span in by_id.values() {
        values.extend([
            trace.into(),
            (&span.span_id).into(),
            (&span.name).into(),
            (&span.kind).into(),
            span.status.into(),
            span.start_ns.into(),
            span.end_ns.into(),
            serde_json::Value::Object(span.attributes.clone()).to_string().into(),
            span.content.to_string().into(),
        ]);
    }
    let head = "ml_spans (trace, span_id, name, kind, status, start_ns, end_ns, attributes, content)";
    let tail =
        "ON CONFLICT (trace, span_id) DO UPDATE SET name = excluded.name, kind = excluded.kind, status = excluded.status,
         start_ns = excluded.start_ns, end_ns = excluded.end_ns, attributes = excluded.attributes,
         content = excluded.content";
    rows::insert(tx, head, tail, 9, values).await?;
    Ok(())
}

/// The answers' spans by trace, in the order of their beginnings.
pub(crate) async fn spans_of(tx: &mut Tx, traces: &[i64]) -> db::Result<HashMap<i64, Vec<String>>> {
    let wanted: Vec<Value> = traces.iter().map(|id| (*id).into()).collect();
    let before = "SELECT trace, content FROM ml_spans WHERE trace";
    let mut found: HashMap<i64, Vec<String>> = HashMap::new();
    for row in rows::rows_in(tx, before, "ORDER BY trace, start_ns, span_id", &[], &wanted).await? {
        found.entry(row.get("trace")?).or_default().push(row.get("content")?);
    }
    Ok(found)
}

/// `kind` is `run` or `prompt`. What is linked already stays so.
pub(crate) async fn link(tx: &mut Tx, links: &[(i64, String)], kind: &'static str) -> db::Result<()> {
    let values =
        links.iter().flat_map(|(trace, target)| [(*trace).into(), kind.into(), target.into()]).collect();
    rows::insert(tx, "ml_trace_links (trace, kind, target)", "ON CONFLICT DO NOTHING", 3, values).await?;
    Ok(())
}

/// Links to a run, for when these traces come.
pub(crate) async fn link_later(
    tx: &mut Tx,
    workspace: WorkspaceId,
    trace_ids: &[&str],
    run_id: &str,
    now_ms: i64,
) -> db::Result<()> {
    let values = trace_ids
        .iter()
        .flat_map(|trace_id| [workspace.into(), (*trace_id).into(), run_id.into(), now_ms.into()])
        .collect();
    let head = "ml_waiting_links (workspace_id, trace_id, run_id, created_ms)";
    rows::insert(tx, head, "ON CONFLICT DO NOTHING", 4, values).await?;
    Ok(())
}

/// A trace that is here, and a run that it waits to be linked to.
pub(crate) struct Arrived {
    pub(crate) workspace: WorkspaceId,
    pub(crate) trace: i64,
    pub(crate) trace_id: String,
    pub(crate) run_id: String,
}

impl FromRow for Arrived {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            workspace: row.get("workspace_id")?,
            trace: row.get("trace")?,
            trace_id: row.get("trace_id")?,
            run_id: row.get("run_id")?,
        })
    }
}

const ARRIVED: &str = "SELECT w.workspace_id, t.id AS trace, w.trace_id, w.run_id FROM ml_waiting_links w
     JOIN ml_traces t ON t.workspace_id = w.workspace_id AND t.trace_id = w.trace_id";

pub(crate) async fn arrived(
    tx: &mut Tx,
    workspace: WorkspaceId,
    trace_ids: &[&str],
) -> db::Result<Vec<Arrived>> {
    let wanted: Vec<Value> = trace_ids.iter().map(|id| (*id).into()).collect();
    let before = format!("{ARRIVED} WHERE w.workspace_id = $1 AND w.trace_id");
    rows::select_in(tx, &before, "", &[workspace.into()], &wanted).await
}

/// Of all workspaces, so many at most.
pub(crate) async fn all_arrived(tx: &mut Tx, limit: i64) -> db::Result<Vec<Arrived>> {
    let sql = format!("{ARRIVED} ORDER BY w.workspace_id, w.trace_id, w.run_id LIMIT $1");
    tx.query_built(sql).bind(limit).all().await
}

pub(crate) async fn delete_waiting_link(tx: &mut Tx, link: &Arrived) -> db::Result<()> {
    tx.query("DELETE FROM ml_waiting_links WHERE workspace_id = $1 AND trace_id = $2 AND run_id = $3")
        .bind(link.workspace)
        .bind(&link.trace_id)
        .bind(&link.run_id)
        .execute()
        .await
        .map(drop)
}

pub(crate) async fn delete_waiting_links_before(tx: &mut Tx, before_ms: i64) -> db::Result<()> {
    tx.query("DELETE FROM ml_waiting_links WHERE created_ms < $1").bind(before_ms).execute().await.map(drop)
}

/// Deletes an experiment's traces, the oldest first; gives how many.
pub(crate) async fn delete(
    tx: &mut Tx,
    experiment: i64,
    trace_ids: &[String],
    max_ms: Option<i64>,
    max: Option<i64>,
) -> db::Result<u64> {
    let mut deleted = 0;
    // Both would be asked for together by nobody.
    if trace_ids.is_empty() {
        return tx
            .query(
                "DELETE FROM ml_traces WHERE id IN (SELECT id FROM ml_traces WHERE experiment = $1 AND request_ms <= $2
                 ORDER BY request_ms, trace_id LIMIT $3)",
            )
            .bind(experiment)
            .bind(max_ms.unwrap_or(i64::MAX))
            .bind(max.unwrap_or(i64::MAX))
            .execute()
            .await;
    }
    for trace_id in trace_ids {
        deleted += tx
            .query("DELETE FROM ml_traces WHERE experiment = $1 AND trace_id = $2")
            .bind(experiment)
            .bind(trace_id)
            .execute()
            .await?;
    }
    Ok(deleted)
}

pub(crate) async fn put_assessments(tx: &mut Tx, trace: i64, assessments: &[Assessment]) -> db::Result<()> {
    let mut values = Vec::with_capacity(assessments.len() * 8);
    for one in assessments {
        let (value, number) = one.value();
        values.extend([
            trace.into(),
            (&one.assessment_id).into(),
            one.kind.name().into(),
            (&one.name).into(),
            value.into(),
            Value::Float(number),
            one.is_valid.into(),
            one.body().to_string().into(),
        ]);
    }
    let head = "ml_assessments (trace, assessment_id, kind, name, value, number, is_valid, content)";
    let tail =
        "ON CONFLICT (trace, assessment_id) DO UPDATE SET kind = excluded.kind, name = excluded.name, value = excluded.value,
         number = excluded.number, is_valid = excluded.is_valid, content = excluded.content";
    rows::insert(tx, head, tail, 8, values).await?;
    Ok(())
}

fn assessment(row: &Row) -> db::Result<Option<Assessment>> {
    let content: String = row.get("content")?;
    // It was checked when it was written.
    let read = serde_json::from_str(&content).ok().and_then(|content| Assessment::of(content).ok());
    let is_valid = row.get("is_valid")?;
    Ok(read.map(|assessment| Assessment { is_valid, ..assessment }))
}

pub(crate) async fn assessments_of(tx: &mut Tx, traces: &[i64]) -> db::Result<HashMap<i64, Vec<Assessment>>> {
    let wanted: Vec<Value> = traces.iter().map(|id| (*id).into()).collect();
    let before = "SELECT trace, content, is_valid FROM ml_assessments WHERE trace";
    let mut found: HashMap<i64, Vec<Assessment>> = HashMap::new();
    for row in rows::rows_in(tx, before, "ORDER BY id", &[], &wanted).await? {
        if let Some(assessment) = assessment(&row)? {
            found.entry(row.get("trace")?).or_default().push(assessment);
        }
    }
    Ok(found)
}

/// Whether it was there.
pub(crate) async fn set_validity(
    tx: &mut Tx,
    trace: i64,
    assessment_id: &str,
    is_valid: bool,
) -> db::Result<bool> {
    let changed = tx
        .query("UPDATE ml_assessments SET is_valid = $3 WHERE trace = $1 AND assessment_id = $2")
        .bind(trace)
        .bind(assessment_id)
        .bind(is_valid)
        .execute()
        .await?;
    Ok(changed > 0)
}

pub(crate) async fn delete_assessment(tx: &mut Tx, trace: i64, assessment_id: &str) -> db::Result<()> {
    tx.query("DELETE FROM ml_assessments WHERE trace = $1 AND assessment_id = $2")
        .bind(trace)
        .bind(assessment_id)
        .execute()
        .await?;
    Ok(())
}
