//! Traces, by the third version of MLflow's API.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, header};
use kernel::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    Body, Call,
    experiments::{pair, query},
    otlp,
    wire::{Params, done, missing, reply},
};
use crate::{
    error::Error,
    model::{
        Pair,
        trace::{Assessment, Trace, state},
    },
    permissions::{ReadRuns, WriteRuns},
    service::TraceQuery,
};

/// OTLP's door.
pub(super) async fn spans(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<WriteRuns>()?;
    let named = |name: &str| {
        let value = call.headers.get(name).and_then(|value| value.to_str().ok());
        value.map(str::trim).filter(|value| !value.is_empty())
    };
    let experiment = named("x-mlflow-experiment-id").ok_or_else(|| {
        Error::Unfit("The header x-mlflow-experiment-id is missing: it says where spans go.")
    })?;
    let Body::Read(bytes) = &call.body else { return Err(Error::Body("it is not there".to_owned())) };
    let spans = otlp::read(&call.headers, bytes, call.ml.config.body_bytes_max)?;
    call.ml.log_spans(&allow, experiment, named("x-mlflow-run-id"), &spans).await?;
    let is_json = call
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    // An answer with nothing to say has no bytes in protobuf.
    let (kind, body) = if is_json { ("application/json", "{}") } else { ("application/x-protobuf", "") };
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], body).into_response())
}

/// `2026-11-21T13:30:57.653Z`
fn time(ms: i64) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn map(pairs: &[Pair]) -> Value {
    Value::Object(pairs.iter().map(|pair| (pair.key.clone(), json!(pair.value))).collect())
}

fn info(trace: &Trace) -> Value {
    let mut body = json!({
        "trace_id": trace.trace_id,
        "trace_location": {
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": { "experiment_id": trace.number.to_string() },
        },
        "request_time": time(trace.request_ms),
        "state": trace.state,
    });
    if let Some(ms) = trace.duration_ms {
        let sign = if ms < 0 { "-" } else { "" };
        let ms = ms.unsigned_abs();
        body["execution_duration"] = json!(format!("{sign}{}.{:03}s", ms / 1_000, ms % 1_000));
    }
    for (name, text) in [
        ("client_request_id", &trace.client_request_id),
        ("request_preview", &trace.request_preview),
        ("response_preview", &trace.response_preview),
    ] {
        if let Some(text) = text {
            body[name] = json!(text);
        }
    }
    for (name, pairs) in [("trace_metadata", &trace.metadata), ("tags", &trace.tags)] {
        if !pairs.is_empty() {
            body[name] = map(pairs);
        }
    }
    if !trace.assessments.is_empty() {
        body["assessments"] = trace.assessments.iter().map(Assessment::body).collect();
    }
    body
}

fn whole(trace: &Trace, spans: &[String]) -> Value {
    // They were written by ourselves.
    let spans: Vec<Value> = spans.iter().filter_map(|span| serde_json::from_str(span).ok()).collect();
    let mut body = json!({ "trace_info": info(trace) });
    if !spans.is_empty() {
        body["spans"] = json!(spans);
    }
    body
}

/// `{"a": "b"}`
fn pairs_of(params: &Params, name: &str) -> Result<Vec<Pair>, Error> {
    let Some(map) = params.map(name)? else { return Ok(Vec::new()) };
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(map.into_iter().map(|(key, value)| Pair { key, value: text(value) }).collect())
}

/// `0.804s` in milliseconds.
fn duration(text: &str) -> Option<i64> {
    let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
    let ms = (seconds * 1_000.0).round();
    (ms.abs() < 9e15).then_some(ms as i64)
}

fn experiment_of(location: Option<Params>) -> Result<String, Error> {
    let of = |location: Params| location.object("mlflow_experiment");
    let found = location.map(of).transpose()?.flatten();
    found.ok_or_else(|| missing("trace_location.mlflow_experiment"))?.need("experiment_id")
}

pub(super) async fn start(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<WriteRuns>()?;
    let trace = call.params.object("trace")?.ok_or_else(|| missing("trace"))?;
    let told = trace.object("trace_info")?.ok_or_else(|| missing("trace.trace_info"))?;
    let trace_id = told.need("trace_id")?;
    let experiment = experiment_of(told.object("trace_location")?)?;
    let invalid = |name: &str, value: &str| {
        let shown: String = value.chars().take(100).collect();
        Error::invalid(format!("Invalid value {} for parameter '{name}' supplied.", json!(shown)))
    };
    let began = told.need("request_time")?;
    let at: Timestamp = began.parse().map_err(|_| invalid("request_time", &began))?;
    let lasted = told.filled("execution_duration")?;
    let duration_ms =
        lasted.as_deref().map(|text| duration(text).ok_or_else(|| invalid("execution_duration", text)));
    let named = told.name("state")?.unwrap_or_default();
    let preview = |name: &str| -> Result<Option<String>, Error> {
        Ok(told.text(name)?.map(|text| crate::model::trace::preview(&text)))
    };
    let now = time(allow.now.as_millisecond());
    let assessments = told.maps("assessments")?.into_iter().map(|content| {
        let given = content.get("assessment_id").and_then(Value::as_str).filter(|id| !id.is_empty());
        let id = given
            .map_or_else(|| format!("a-{}", uuid::Uuid::from_u128(rand::random()).simple()), str::to_owned);
        Assessment::new(id, &trace_id, content, &now)
    });
    let new = Trace {
        request_ms: at.as_millisecond(),
        duration_ms: duration_ms.transpose()?,
        state: state(&named).ok_or_else(|| invalid("state", &named))?.to_owned(),
        client_request_id: told.filled("client_request_id")?.map(|text| crate::model::trace::preview(&text)),
        request_preview: preview("request_preview")?,
        response_preview: preview("response_preview")?,
        tags: pairs_of(&told, "tags")?,
        metadata: pairs_of(&told, "trace_metadata")?,
        assessments: assessments.collect::<Result<_, _>>()?,
        is_told: true,
        trace_id: trace_id.clone(),
        ..Trace::default()
    };
    let trace = call.ml.tell_trace(&allow, &experiment, new).await?;
    reply(&json!({ "trace": { "trace_info": info(&trace) } }))
}

pub(super) async fn get_info(call: Call) -> Result<Response, Error> {
    let (trace, _) = call.ml.get_trace(&call.allow::<ReadRuns>()?, call.part("trace_id"), false).await?;
    reply(&json!({ "trace": { "trace_info": info(&trace) } }))
}

pub(super) async fn get(call: Call) -> Result<Response, Error> {
    let trace_id = call.params.need("trace_id")?;
    let (trace, spans) = call.ml.get_trace(&call.allow::<ReadRuns>()?, &trace_id, true).await?;
    reply(&json!({ "trace": whole(&trace, &spans) }))
}

pub(super) async fn batch(call: Call) -> Result<Response, Error> {
    let ids = call.params.texts("trace_ids")?;
    let found = call.ml.get_traces(&call.allow::<ReadRuns>()?, &ids, true).await?;
    let traces: Vec<_> = found.iter().map(|(trace, spans)| whole(trace, spans)).collect();
    reply(&json!({ "traces": traces }))
}

pub(super) async fn batch_infos(call: Call) -> Result<Response, Error> {
    let ids = call.params.texts("trace_ids")?;
    let found = call.ml.get_traces(&call.allow::<ReadRuns>()?, &ids, false).await?;
    let infos: Vec<_> = found.iter().map(|(trace, _)| info(trace)).collect();
    reply(&json!({ "trace_infos": infos }))
}

pub(super) async fn search(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<ReadRuns>()?;
    let locations = call.params.objects("locations")?;
    let experiment_ids =
        locations.into_iter().map(|location| experiment_of(Some(location))).collect::<Result<_, _>>()?;
    let asked = TraceQuery { query: query(&call.params)?, experiment_ids };
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

pub(super) async fn delete(call: Call) -> Result<Response, Error> {
    let params = &call.params;
    let experiment = params.need("experiment_id")?;
    let mut ids = params.texts("request_ids")?;
    ids.extend(params.texts("trace_ids")?);
    let (max_ms, max) = (params.int("max_timestamp_millis")?, params.int("max_traces")?);
    let deleted = call.ml.delete_traces(&call.allow::<WriteRuns>()?, &experiment, &ids, max_ms, max).await?;
    reply(&json!({ "traces_deleted": deleted }))
}

pub(super) async fn set_tag(call: Call) -> Result<Response, Error> {
    let tag = pair(&call.params)?;
    call.ml.set_trace_tag(&call.allow::<WriteRuns>()?, call.part("trace_id"), tag).await?;
    done()
}

pub(super) async fn delete_tag(call: Call) -> Result<Response, Error> {
    let key = call.params.need("key")?;
    call.ml.delete_trace_tag(&call.allow::<WriteRuns>()?, call.part("trace_id"), &key).await?;
    done()
}

pub(super) async fn link_to_run(call: Call) -> Result<Response, Error> {
    let ids = call.params.given_texts("trace_ids")?.ok_or_else(|| missing("trace_ids"))?;
    let run_id = call.params.run_id()?;
    call.ml.link_traces_to_run(&call.allow::<WriteRuns>()?, &ids, &run_id).await?;
    done()
}

pub(super) async fn link_prompts(call: Call) -> Result<Response, Error> {
    let trace_id = call.params.need("trace_id")?;
    let prompt = |prompt: &Params| -> Result<(String, String), Error> {
        Ok((prompt.need("name")?, prompt.name("version")?.ok_or_else(|| missing("version"))?))
    };
    let prompts: Vec<_> =
        call.params.objects("prompt_versions")?.iter().map(prompt).collect::<Result<_, _>>()?;
    call.ml.link_prompts_to_trace(&call.allow::<WriteRuns>()?, &trace_id, &prompts).await?;
    done()
}

fn assessment(params: &Params) -> Result<Map<String, Value>, Error> {
    params.map("assessment")?.ok_or_else(|| missing("assessment"))
}

pub(super) async fn create_assessment(call: Call) -> Result<Response, Error> {
    let content = assessment(&call.params)?;
    let allow = call.allow::<WriteRuns>()?;
    let made = call.ml.create_assessment(&allow, call.part("trace_id"), content).await?;
    reply(&json!({ "assessment": made.body() }))
}

pub(super) async fn get_assessment(call: Call) -> Result<Response, Error> {
    let (trace_id, id) = (call.part("trace_id"), call.part("assessment_id"));
    let found = call.ml.get_assessment(&call.allow::<ReadRuns>()?, trace_id, id).await?;
    reply(&json!({ "assessment": found.body() }))
}

pub(super) async fn update_assessment(call: Call) -> Result<Response, Error> {
    let content = assessment(&call.params)?;
    // As protobuf's JSON writes a mask: `assessmentName,feedback`.
    let mask = call.params.need("update_mask")?;
    let mask: Vec<String> = mask.split(',').map(snake).collect();
    let allow = call.allow::<WriteRuns>()?;
    let (trace_id, id) = (call.part("trace_id"), call.part("assessment_id"));
    let after = call.ml.update_assessment(&allow, trace_id, id, &content, &mask).await?;
    reply(&json!({ "assessment": after.body() }))
}

pub(super) async fn delete_assessment(call: Call) -> Result<Response, Error> {
    let (trace_id, id) = (call.part("trace_id"), call.part("assessment_id"));
    call.ml.delete_assessment(&call.allow::<WriteRuns>()?, trace_id, id).await?;
    done()
}

fn snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.trim().chars() {
        if letter.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_protobuf_does() {
        assert_eq!(time(1_795_267_857_653), "2026-11-21T13:30:57.653Z");
        assert_eq!(
            (duration("0.804s"), duration("2s"), duration("1"), duration("xs")),
            (Some(804), Some(2_000), None, None)
        );
        assert_eq!(snake("assessmentName"), "assessment_name");
    }
}
