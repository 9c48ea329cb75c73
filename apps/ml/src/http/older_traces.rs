//! Traces as clients before MLflow 3 tell and read them: their spans are an artifact, `traces.json`, which the client puts
//! where the trace's tag says.

use axum::response::Response;
use serde_json::{Value, json};

use super::{
    Call,
    experiments::{pairs, query},
    wire::{missing, reply},
};
use crate::{
    error::Error,
    model::{
        Pair,
        trace::{Trace, state},
    },
    permissions::{ReadRuns, WriteRuns},
    service::TraceQuery,
};

fn listed(pairs: &[Pair]) -> Value {
    pairs.iter().map(|pair| json!({ "key": pair.key, "value": pair.value })).collect()
}

fn info(trace: &Trace) -> Value {
    let mut body = json!({
        "request_id": trace.trace_id,
        "experiment_id": trace.number.to_string(),
        "timestamp_ms": trace.request_ms,
        "status": trace.state,
        "request_metadata": listed(&trace.metadata),
        "tags": listed(&trace.tags),
    });
    if let Some(ms) = trace.duration_ms {
        body["execution_time_ms"] = json!(ms);
    }
    body
}

pub(super) async fn start(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<WriteRuns>()?;
    let params = &call.params;
    let new = Trace {
        trace_id: format!("tr-{}", uuid::Uuid::from_u128(rand::random()).simple()),
        request_ms: params.int("timestamp_ms")?.ok_or_else(|| missing("timestamp_ms"))?,
        state: "IN_PROGRESS".to_owned(),
        metadata: pairs(params, "request_metadata")?,
        tags: pairs(params, "tags")?,
        ..Trace::default()
    };
    let trace = call.ml.tell_trace(&allow, &params.need("experiment_id")?, new).await?;
    reply(&json!({ "trace_info": info(&trace) }))
}

pub(super) async fn end(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<WriteRuns>()?;
    let params = &call.params;
    let named = params.name("status")?.unwrap_or_default();
    let status =
        state(&named).ok_or_else(|| Error::invalid("Invalid value for parameter 'status' supplied."))?;
    let end_ms = params.int("timestamp_ms")?.ok_or_else(|| missing("timestamp_ms"))?;
    let (metadata, tags) = (pairs(params, "request_metadata")?, pairs(params, "tags")?);
    let trace = call.ml.end_trace(&allow, call.part("trace_id"), end_ms, status, metadata, tags).await?;
    reply(&json!({ "trace_info": info(&trace) }))
}

pub(super) async fn get(call: Call) -> Result<Response, Error> {
    let (trace, _) = call.ml.get_trace(&call.allow::<ReadRuns>()?, call.part("trace_id"), false).await?;
    reply(&json!({ "trace_info": info(&trace) }))
}

pub(super) async fn search(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<ReadRuns>()?;
    let asked =
        TraceQuery { query: query(&call.params)?, experiment_ids: call.params.texts("experiment_ids")? };
    let (found, token) = call.ml.search_traces(&allow, &asked).await?;
    let mut body = json!({});
    if !found.is_empty() {
        body["traces"] = found.iter().map(info).collect();
    }
    if let Some(token) = token {
        body["next_page_token"] = json!(token);
    }
    reply(&body)
}
