//! Rows of a trace as MLflow's REST API tells of it.

use kernel::Timestamp;
use serde_json::{Map, Value, json};

use super::{filled, int, list, pairs, spans, text};
use crate::{error::Error, store::mlflow::Promoted};

/// Names of the tag and of the metadata that later releases keep in columns.
const NAME: &str = "mlflow.traceName";
const SESSION: &str = "mlflow.trace.session";
const TOKENS: &str = "mlflow.trace.tokenUsage";
const COST: &str = "mlflow.trace.cost";

fn time(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

fn members(row: &Value, name: &str) -> Map<String, Value> {
    pairs(row, name).into_iter().map(|pair| (pair.key, pair.value.into())).collect()
}

/// As Python writes an object.
fn written<T: serde::Serialize>(numbers: &[(&str, T)]) -> Result<String, Error> {
    let pair =
        |(name, number): &(&str, T)| Ok(format!("{}: {}", json!(name), serde_json::to_string(number)?));
    let pairs: serde_json::Result<Vec<_>> = numbers.iter().map(pair).collect();
    let pairs = pairs.map_err(|error| Error::Foreign(error.to_string()))?;
    Ok(format!("{{{}}}", pairs.join(", ")))
}

pub(super) fn info(row: &Value, promoted: &Promoted) -> Result<Value, Error> {
    let (mut tags, mut metadata) = (members(row, "tags"), members(row, "metadata"));
    if let Some(name) = &promoted.name {
        tags.insert(NAME.to_owned(), json!(name));
    }
    if let Some(session) = &promoted.session {
        metadata.insert(SESSION.to_owned(), json!(session));
    }
    if !promoted.tokens.is_empty() {
        metadata.insert(TOKENS.to_owned(), json!(written(&promoted.tokens)?));
    }
    if !promoted.costs.is_empty() {
        metadata.insert(COST.to_owned(), json!(written(&promoted.costs)?));
    }
    let trace_id = text(row, "trace_id");
    let assessments: Result<Vec<_>, _> =
        list(row, "assessments").iter().map(|row| assessment(row, &trace_id)).collect();
    let mut info = json!({
        "request_time": time(int(row, "at_ms").unwrap_or_default()),
        "state": text(row, "state"),
        "tags": tags,
        "trace_metadata": metadata,
        "assessments": assessments?,
        "trace_id": trace_id,
    });
    if let Some(lasted_ms) = int(row, "lasted_ms") {
        info["execution_duration"] = json!(format!("{}.{:03}s", lasted_ms / 1_000, lasted_ms % 1_000));
    }
    for name in ["client_request_id", "request_preview", "response_preview"] {
        if let Some(text) = filled(row, name) {
            info[name] = json!(text);
        }
    }
    Ok(info)
}

fn assessment(row: &Value, trace_id: &str) -> Result<Value, Error> {
    let id = text(row, "assessment_id");
    let read = |name: &str| {
        let broken =
            |_| Error::Foreign(format!("the {name} of assessment {id} of trace {trace_id} is no JSON"));
        filled(row, name).map(|text| spans::read(&text).map_err(broken)).transpose()
    };
    let value = read("value")?.unwrap_or_default();
    let mut made = json!({
        "assessment_id": id,
        "assessment_name": text(row, "name"),
        "trace_id": trace_id,
        "source": { "source_type": text(row, "source_type") },
        "create_time": time(int(row, "created_ms").unwrap_or_default()),
        "last_update_time": time(int(row, "updated_ms").unwrap_or_default()),
        "valid": int(row, "valid") != Some(0),
    });
    match text(row, "type").as_str() {
        "expectation" => {
            made["expectation"] = match &value {
                // Lists and objects go as a text.
                Value::Array(_) | Value::Object(_) => {
                    json!({ "serialized_value": { "serialization_format": "JSON_FORMAT", "value": text(row, "value") } })
                }
                value => json!({ "value": value }),
            };
        }
        "issue" => made["issue"] = value,
        _ => {
            made["feedback"] = json!({ "value": value });
            if let Some(error) = read("error")? {
                made["feedback"]["error"] = error;
            }
        }
    }
    if let Some(source_id) = filled(row, "source_id") {
        made["source"]["source_id"] = json!(source_id);
    }
    for name in ["span_id", "rationale", "overrides"] {
        if let Some(text) = filled(row, name) {
            made[name] = json!(text);
        }
    }
    if let Some(Value::Object(metadata)) = read("metadata")? {
        let shown = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let metadata: Map<_, _> =
            metadata.into_iter().map(|(key, value)| (key, Value::from(shown(value)))).collect();
        made["metadata"] = metadata.into();
    }
    Ok(made)
}
