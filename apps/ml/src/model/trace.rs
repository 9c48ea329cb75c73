//! Traces: what a program did, step by step, and what was thought of it.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value, json};

use super::Pair;
use crate::error::Error;

/// Where a trace says its files would be.
pub(crate) const LOCATION_TAG: &str = "mlflow.artifactLocation";
/// Where its spans are; only this server says so.
pub(crate) const SPANS_TAG: &str = "mlflow.trace.spansLocation";
pub(crate) const SPANS_HERE: &str = "TRACKING_STORE";
pub(crate) const NAME_TAG: &str = "mlflow.traceName";
/// That the program itself has told what the trace is.
pub(crate) const TOLD_KEY: &str = "mlflow.trace.infoFinalized";
const SESSION_KEY: &str = "mlflow.trace.session";
const USER_KEY: &str = "mlflow.trace.user";
/// Attributes of a root span that are tags of its trace.
const TAG_ATTRIBUTE: &str = "mlflow.traceTag.";
pub(crate) const SOURCE_RUN_KEY: &str = "mlflow.sourceRun";

const KEY_CHARS_MAX: usize = 250;
const VALUE_CHARS_MAX: usize = 8_000;
const PREVIEW_CHARS_MAX: usize = 1_000;

/// A trace without its spans. `id` and `experiment` are rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trace {
    pub(crate) id: i64,
    pub(crate) trace_id: String,
    pub(crate) experiment: i64,
    /// The experiment's number.
    pub(crate) number: i64,
    pub(crate) request_ms: i64,
    pub(crate) duration_ms: Option<i64>,
    pub(crate) state: String,
    pub(crate) client_request_id: Option<String>,
    pub(crate) request_preview: Option<String>,
    pub(crate) response_preview: Option<String>,
    pub(crate) is_told: bool,
    pub(crate) tags: Vec<Pair>,
    pub(crate) metadata: Vec<Pair>,
    pub(crate) assessments: Vec<Assessment>,
}

/// A state by its name, or its number on the wire.
pub(crate) fn state(text: &str) -> Option<&'static str> {
    Some(match text {
        "" | "STATE_UNSPECIFIED" | "TRACE_STATUS_UNSPECIFIED" | "0" => "STATE_UNSPECIFIED",
        "OK" | "1" => "OK",
        "ERROR" | "2" => "ERROR",
        "IN_PROGRESS" | "3" => "IN_PROGRESS",
        _ => return None,
    })
}

pub(crate) fn check_trace_id(trace_id: &str) -> Result<(), Error> {
    if trace_id.is_empty() || trace_id.chars().count() > 50 || trace_id.contains(['\0', '/']) {
        let shown: String = trace_id.chars().take(100).collect();
        return Err(Error::invalid(format!(
            "Invalid value {} for parameter 'trace_id' supplied: it has 1 to 50 characters and no slash.",
            json!(shown)
        )));
    }
    Ok(())
}

/// A tag or a piece of metadata: long values are cut, as the client does.
pub(crate) fn check_trace_pair(what: &str, pair: &mut Pair) -> Result<(), Error> {
    if pair.key.is_empty() || pair.key.chars().count() > KEY_CHARS_MAX || pair.key.contains('\0') {
        return Err(Error::invalid(format!("A {what}'s key has 1 to {KEY_CHARS_MAX} characters.")));
    }
    if pair.value.contains('\0') {
        return Err(Error::invalid(format!("The {what} '{}' must not hold a NUL character.", pair.key)));
    }
    cut(&mut pair.value, VALUE_CHARS_MAX);
    Ok(())
}

fn cut(text: &mut String, chars_max: usize) {
    if let Some((at, _)) = text.char_indices().nth(chars_max) {
        text.truncate(at);
    }
}

/// The beginning of a text, without what no database keeps.
pub(crate) fn preview(text: &str) -> String {
    text.chars().filter(|letter| *letter != '\0').take(PREVIEW_CHARS_MAX).collect()
}

/// One step of a trace.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) trace_id: String,
    /// In hexadecimal digits.
    pub(crate) span_id: String,
    pub(crate) is_root: bool,
    pub(crate) name: String,
    pub(crate) kind: String,
    /// OK, ERROR or UNSET
    pub(crate) status: &'static str,
    pub(crate) start_ns: i64,
    pub(crate) end_ns: Option<i64>,
    pub(crate) attributes: Map<String, Value>,
    /// What is told of the program that it comes from: tags of its trace.
    pub(crate) resource: Arc<[Pair]>,
    /// As it is answered.
    pub(crate) content: Value,
}

impl Span {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).and_then(Value::as_str)
    }
}

/// What spans of one trace tell of it.
pub(crate) fn told_by_spans(trace_id: &str, spans: &[&Span]) -> Trace {
    const MS: i64 = 1_000_000;
    let request_ms = spans.iter().map(|span| span.start_ns / MS).min().unwrap_or_default();
    let end_ms = spans.iter().filter_map(|span| span.end_ns).max().map(|end| end / MS);
    let root = spans.iter().find(|span| span.is_root);
    let state = match root.map(|root| root.status) {
        None => "IN_PROGRESS",
        Some("ERROR") => "ERROR",
        Some(_) => "OK",
    };
    let text = |name: &str| root.and_then(|root| root.attribute(name)).map(preview);
    let mut tags: BTreeMap<String, String> = BTreeMap::new();
    let mut put = |key: &str, value: &str| {
        let mut pair = Pair { key: key.to_owned(), value: value.to_owned() };
        // What no tag can be is left out.
        if check_trace_pair("tag", &mut pair).is_ok() && ![SPANS_TAG, LOCATION_TAG].contains(&key) {
            tags.insert(pair.key, pair.value);
        }
    };
    let resource = spans.iter().map(|span| &span.resource).find(|resource| !resource.is_empty());
    for pair in resource.into_iter().flat_map(|resource| resource.iter()) {
        if !pair.key.starts_with("telemetry.sdk.") && !pair.key.starts_with("mlflow.") {
            put(&pair.key, &pair.value);
        }
    }
    if let Some(root) = root {
        put(NAME_TAG, &root.name);
        for (key, value) in &root.attributes {
            if let (Some(key), Some(value)) = (key.strip_prefix(TAG_ATTRIBUTE), value.as_str()) {
                put(key, &unquoted(value));
            }
        }
    }
    // Of the span that is nearest to the root.
    let first = |name: &str| {
        let of_root = root.and_then(|root| root.attribute(name));
        of_root.or_else(|| spans.iter().find_map(|span| span.attribute(name))).map(unquoted)
    };
    let metadata = [
        (SESSION_KEY, first("session.id").or_else(|| first("gen_ai.conversation.id"))),
        (USER_KEY, first("user.id")),
    ];
    let metadata = metadata.into_iter().filter_map(|(key, value)| {
        let mut pair = Pair { key: key.to_owned(), value: value? };
        check_trace_pair("metadata", &mut pair).is_ok().then_some(pair)
    });
    Trace {
        trace_id: trace_id.to_owned(),
        request_ms,
        duration_ms: end_ms.map(|end| end - request_ms),
        state: state.to_owned(),
        request_preview: text("mlflow.spanInputs"),
        response_preview: text("mlflow.spanOutputs"),
        tags: tags.into_iter().map(|(key, value)| Pair { key, value }).collect(),
        metadata: metadata.collect(),
        ..Trace::default()
    }
}

/// A text that is JSON may stand in quotes once more.
pub(crate) fn unquoted(text: &str) -> String {
    serde_json::from_str(text).unwrap_or_else(|_| text.to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AssessmentKind {
    Feedback,
    Expectation,
    Issue,
}

impl AssessmentKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Feedback => "feedback",
            Self::Expectation => "expectation",
            Self::Issue => "issue",
        }
    }
}

/// Feedback, or what was expected: mostly as its author wrote it.
#[derive(Debug, Clone)]
pub(crate) struct Assessment {
    pub(crate) assessment_id: String,
    pub(crate) kind: AssessmentKind,
    pub(crate) name: String,
    pub(crate) is_valid: bool,
    /// As it is answered, but for `valid`.
    pub(crate) content: Map<String, Value>,
}

const ASSESSMENT_BYTES_MAX: usize = 100_000;

impl Assessment {
    /// From what a caller sent. `now` is RFC 3339.
    pub(crate) fn new(
        assessment_id: String,
        trace_id: &str,
        mut content: Map<String, Value>,
        now: &str,
    ) -> Result<Self, Error> {
        content.insert("assessment_id".to_owned(), json!(assessment_id));
        content.insert("trace_id".to_owned(), json!(trace_id));
        for time in ["create_time", "last_update_time"] {
            if content.get(time).and_then(Value::as_str).is_none_or(str::is_empty) {
                content.insert(time.to_owned(), json!(now));
            }
        }
        content.remove("valid");
        Self::told(content)
    }

    /// From its parts as a caller wrote them: an expectation that is a list or an object is kept as JSON in a text, and
    /// feedback without a value has none.
    pub(crate) fn told(mut content: Map<String, Value>) -> Result<Self, Error> {
        match content.get_mut(AssessmentKind::Feedback.name()) {
            Some(Value::Object(feedback)) => {
                feedback.entry("value").or_insert(Value::Null);
            }
            _ => {
                if let Some(Value::Object(expectation)) = content.get_mut(AssessmentKind::Expectation.name())
                {
                    pack(expectation)?;
                }
            }
        }
        Self::of(content)
    }

    /// From its parts as they are kept, checked.
    pub(crate) fn of(content: Map<String, Value>) -> Result<Self, Error> {
        let text = |name: &str| content.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
        let name = text("assessment_name");
        if name.trim().is_empty() || name.chars().count() > KEY_CHARS_MAX {
            return Err(Error::invalid("Missing value for required parameter 'assessment.assessment_name'."));
        }
        let kind = match () {
            () if content.get("feedback").is_some_and(Value::is_object) => AssessmentKind::Feedback,
            () if content.get("expectation").is_some_and(Value::is_object) => AssessmentKind::Expectation,
            () if content.get("issue").is_some_and(Value::is_object) => AssessmentKind::Issue,
            () => {
                return Err(Error::invalid(
                    "Missing value for required parameter 'assessment': one of feedback, expectation and issue.",
                ));
            }
        };
        let shown = Value::Object(content.clone()).to_string();
        if shown.len() > ASSESSMENT_BYTES_MAX || shown.contains("\\u0000") {
            return Err(Error::invalid(format!(
                "An assessment may have {ASSESSMENT_BYTES_MAX} bytes at most, and no NUL character."
            )));
        }
        Ok(Self { assessment_id: text("assessment_id"), kind, name, is_valid: true, content })
    }

    /// The value as JSON, and as a number where it is one.
    pub(crate) fn value(&self) -> (Option<String>, Option<f64>) {
        let Some(body) = self.content.get(self.kind.name()) else { return (None, None) };
        let value = match body.get("serialized_value").and_then(|value| value.get("value")) {
            Some(Value::String(text)) => return (Some(text.clone()), None),
            _ => body.get("value"),
        };
        (value.map(Value::to_string), value.and_then(Value::as_f64))
    }

    pub(crate) fn body(&self) -> Value {
        let mut body = self.content.clone();
        body.insert("valid".to_owned(), json!(self.is_valid));
        Value::Object(body)
    }

    /// The one that it takes the place of.
    pub(crate) fn overrides(&self) -> Option<&str> {
        self.content.get("overrides").and_then(Value::as_str).filter(|id| !id.is_empty())
    }
}

fn pack(expectation: &mut Map<String, Value>) -> Result<(), Error> {
    const FORMAT: &str = "JSON_FORMAT";
    if let Some(packed) = expectation.get("serialized_value").filter(|packed| !packed.is_null()) {
        let format = packed["serialization_format"].as_str().unwrap_or_default();
        if !["", FORMAT].contains(&format) {
            let shown: String = format.chars().take(100).collect();
            return Err(Error::invalid(format!(
                "Unknown serialization format: {shown}. Only {FORMAT} is supported."
            )));
        }
        let text = packed["value"].as_str().unwrap_or_default();
        return match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) => Ok(()),
            Err(error) => {
                Err(Error::invalid(format!("The `serialized_value` of an expectation is no JSON: {error}.")))
            }
        };
    }
    match expectation.get("value") {
        None | Some(Value::Null) => Err(Error::invalid("The `value` field must be specified.")),
        Some(value @ (Value::Array(_) | Value::Object(_))) => {
            let packed = json!({ "serialization_format": FORMAT, "value": value.to_string() });
            expectation.remove("value");
            expectation.insert("serialized_value".to_owned(), packed);
            Ok(())
        }
        Some(_) => Ok(()),
    }
}

/// A value of OpenTelemetry's, as protobuf's JSON has it, without the name of its kind. 64-bit numbers may come as texts.
pub(crate) fn plain(tagged: &Value) -> Value {
    let Some((kind, value)) = tagged.as_object().and_then(|tagged| tagged.iter().next()) else {
        return Value::Null;
    };
    let values = || value["values"].as_array().into_iter().flatten();
    let pair = |pair: &Value| (pair["key"].as_str().unwrap_or_default().to_owned(), plain(&pair["value"]));
    match kind.as_str() {
        "array_value" => values().map(plain).collect(),
        "kvlist_value" => Value::Object(values().map(pair).collect()),
        "int_value" => match value.as_str() {
            Some(text) => text.parse::<i64>().map_or(Value::Null, Value::from),
            None => value.clone(),
        },
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(root: bool, start_ns: i64, end_ns: Option<i64>, status: &'static str) -> Span {
        Span {
            trace_id: "tr-1".to_owned(),
            span_id: "a".to_owned(),
            is_root: root,
            name: "work".to_owned(),
            kind: "CHAIN".to_owned(),
            status,
            start_ns,
            end_ns,
            attributes: Map::new(),
            resource: Arc::default(),
            content: Value::Null,
        }
    }

    #[test]
    fn spans_tell_of_their_trace() {
        let (inner, root) =
            (span(false, 3_000_000, Some(9_000_000), "OK"), span(true, 1_000_000, Some(8_000_000), "ERROR"));
        let told = told_by_spans("tr-1", &[&inner]);
        assert_eq!((told.state.as_str(), told.request_ms, told.duration_ms), ("IN_PROGRESS", 3, Some(6)));
        let told = told_by_spans("tr-1", &[&inner, &root]);
        assert_eq!((told.state.as_str(), told.request_ms, told.duration_ms), ("ERROR", 1, Some(8)));
        assert_eq!(told.tags, [Pair { key: NAME_TAG.to_owned(), value: "work".to_owned() }]);
        assert_eq!(told_by_spans("tr-1", &[&span(true, 1, None, "UNSET")]).duration_ms, None);

        let pair = |(key, value): (&str, &str)| Pair { key: key.to_owned(), value: value.to_owned() };
        let mut root = span(true, 1, None, "OK");
        root.resource =
            [("service.name", "shop"), ("telemetry.sdk.name", "x"), ("mlflow.x", "y"), ("team", "a")]
                .map(pair)
                .into();
        for (name, value) in [
            ("mlflow.traceTag.team", "\"b\""),
            ("mlflow.traceTag.mlflow.trace.spansLocation", "elsewhere"),
            ("session.id", "s-1"),
        ] {
            root.attributes.insert(name.to_owned(), json!(value));
        }
        let told = told_by_spans("tr-1", &[&root]);
        assert_eq!(told.tags, [(NAME_TAG, "work"), ("service.name", "shop"), ("team", "b")].map(pair));
        assert_eq!(told.metadata, [(SESSION_KEY, "s-1")].map(pair));
    }

    #[test]
    fn assessments_have_a_name_and_one_value() {
        let make = |value: Value| {
            let content = value.as_object().unwrap().clone();
            Assessment::new("a-1".to_owned(), "tr-1", content, "2026-01-01T00:00:00Z")
        };
        let made =
            make(json!({ "assessment_name": "good", "feedback": { "value": 0.5 }, "valid": false })).unwrap();
        assert_eq!(made.value(), (Some("0.5".to_owned()), Some(0.5)));
        assert_eq!(made.body()["valid"], true);
        assert_eq!(made.body()["create_time"], "2026-01-01T00:00:00Z");
        let text = make(json!({ "assessment_name": "x", "feedback": { "value": "yes" } })).unwrap();
        assert_eq!(text.value(), (Some("\"yes\"".to_owned()), None));
        let packed = json!({ "serialized_value": { "value": "{\"a\": 1}" } });
        let packed = make(json!({ "assessment_name": "x", "expectation": packed })).unwrap();
        assert_eq!(packed.value(), (Some("{\"a\": 1}".to_owned()), None));
        let list = make(json!({ "assessment_name": "x", "expectation": { "value": [1, "a"] } })).unwrap();
        assert_eq!(list.value(), (Some("[1,\"a\"]".to_owned()), None));
        let packed =
            json!({ "serialized_value": { "serialization_format": "JSON_FORMAT", "value": "[1,\"a\"]" } });
        assert_eq!(list.body()["expectation"], packed);
        let number = make(json!({ "assessment_name": "x", "expectation": { "value": 2 } })).unwrap();
        assert_eq!(number.body()["expectation"], json!({ "value": 2 }));
        let empty = make(json!({ "assessment_name": "x", "feedback": {} })).unwrap();
        assert_eq!(empty.body()["feedback"], json!({ "value": null }));
        for wrong in [
            json!({ "assessment_name": "x", "expectation": {} }),
            json!({ "assessment_name": "x", "expectation": { "value": null } }),
            json!({ "assessment_name": "x", "expectation": { "serialized_value": { "value": "{" } } }),
            json!({ "assessment_name": "x", "expectation": { "serialized_value": { "serialization_format": "X", "value": "1" } } }),
            json!({ "feedback": { "value": 1 } }),
            json!({ "assessment_name": "x" }),
            json!({ "assessment_name": "x", "feedback": 1 }),
            json!({ "assessment_name": "x", "feedback": { "value": "\0" } }),
            json!({ "assessment_name": "x", "feedback": { "value": "y".repeat(100_001) } }),
        ] {
            assert!(make(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
