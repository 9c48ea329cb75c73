//! The files of a trace, as MLflow's web pages load them: its spans in one piece, and what was attached to it.

use axum::response::{IntoResponse as _, Response};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use http::{HeaderValue, header};
use serde_json::{Map, Value, json};

use super::{Call, artifacts};
use crate::{
    error::Error,
    model::{ArtifactPath, trace::plain},
    permissions::ReadRuns,
};

const FILE: &str = "traces.json";

/// With `path`, an attachment; without, all spans.
pub(super) async fn get(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<ReadRuns>()?;
    let trace_id = call.params.need("request_id")?;
    let attachment = call.params.filled("path")?.map(|path| ArtifactPath::parse(&path)).transpose()?;
    let (trace, spans) = call.ml.get_trace(&allow, &trace_id, attachment.is_none()).await?;
    if !spans.is_empty() {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
            (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=traces.json")),
        ];
        return Ok((headers, file(&trace.trace_id, &spans).to_string()).into_response());
    }
    let below = match attachment {
        Some(attachment) => ArtifactPath::parse("attachments")?.join(&attachment),
        // Clients that keep the spans among the artifacts.
        None => ArtifactPath::parse(FILE)?,
    };
    let whole = call.ml.trace_artifact_path(&trace, &below)?;
    artifacts::send(&call.ml, &allow, &call.headers, &whole, "application/octet-stream").await
}

fn file(trace_id: &str, spans: &[String]) -> Value {
    // They were written by ourselves.
    let spans = spans.iter().filter_map(|span| serde_json::from_str(span).ok());
    json!({ "spans": spans.map(|span| exported(trace_id, &span)).collect::<Vec<_>>() })
}

/// A span, from protobuf's JSON to that of MLflow's own files: the values of attributes are JSON in texts.
fn exported(trace_id: &str, span: &Value) -> Value {
    let mut attributes: Map<String, Value> =
        members(&span["attributes"]).map(|(key, value)| (key, json!(value.to_string()))).collect();
    attributes.insert("mlflow.traceRequestId".to_owned(), json!(json!(trace_id).to_string()));
    let event = |event: &Value| {
        json!({
            "name": event["name"],
            "time_unix_nano": event["time_unix_nano"],
            "attributes": members(&event["attributes"]).collect::<Map<_, _>>(),
        })
    };
    let link = |link: &Value| {
        let attributes: Map<_, _> = members(&link["attributes"]).collect();
        json!({
            "trace_id": format!("tr-{}", hex(&link["trace_id"])),
            "span_id": hex(&link["span_id"]),
            "attributes": if attributes.is_empty() { Value::Null } else { Value::Object(attributes) },
        })
    };
    let message = span["status"]["message"].as_str().filter(|text| !text.is_empty());
    json!({
        "trace_id": span["trace_id"],
        "span_id": span["span_id"],
        "parent_span_id": span["parent_span_id"],
        "name": span["name"],
        "start_time_unix_nano": span["start_time_unix_nano"],
        "end_time_unix_nano": span["end_time_unix_nano"],
        "events": list(&span["events"]).map(event).collect::<Vec<_>>(),
        "status": {
            "code": span["status"]["code"].as_str().unwrap_or("STATUS_CODE_UNSET"),
            "message": message,
        },
        "attributes": attributes,
        "links": list(&span["links"]).map(link).collect::<Vec<_>>(),
    })
}

fn list(values: &Value) -> impl Iterator<Item = &Value> {
    values.as_array().into_iter().flatten()
}

/// Keys with plain values.
fn members(pairs: &Value) -> impl Iterator<Item = (String, Value)> {
    list(pairs).filter_map(|pair| Some((pair["key"].as_str()?.to_owned(), plain(&pair["value"]))))
}

fn hex(base64: &Value) -> String {
    let bytes = BASE64.decode(base64.as_str().unwrap_or_default()).unwrap_or_default();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_as_mlflow_keeps_them() {
        let span = json!({
            "trace_id": "AQ==", "span_id": "Ag==", "name": "ask",
            "start_time_unix_nano": 1, "status": { "message": "", "code": "STATUS_CODE_OK" },
            "attributes": [
                { "key": "fruit", "value": { "string_value": "apple" } },
                { "key": "some", "value": { "array_value": { "values": [{ "int_value": "1" }, {}] } } },
                { "key": "map", "value": { "kvlist_value": { "values": [{ "key": "a", "value": { "bool_value": true } }] } } },
            ],
            "events": [{ "name": "e", "time_unix_nano": 2, "attributes": [{ "key": "n", "value": { "int_value": 7 } }] }],
            "links": [{ "trace_id": "AQ==", "span_id": "Ag==", "attributes": [] }],
        });
        let expected = json!({ "spans": [{
            "trace_id": "AQ==", "span_id": "Ag==", "parent_span_id": null, "name": "ask",
            "start_time_unix_nano": 1, "end_time_unix_nano": null,
            "status": { "code": "STATUS_CODE_OK", "message": null },
            "attributes": {
                "fruit": "\"apple\"", "some": "[1,null]", "map": "{\"a\":true}", "mlflow.traceRequestId": "\"tr-1\"",
            },
            "events": [{ "name": "e", "time_unix_nano": 2, "attributes": { "n": 7 } }],
            "links": [{ "trace_id": "tr-01", "span_id": "02", "attributes": null }],
        }] });
        assert_eq!(file("tr-1", &[span.to_string()]), expected);
    }
}
