//! Spans as MLflow writes them into its database and into files, brought into protobuf's JSON, which is how its REST API
//! tells of them. Attributes are texts of JSON there, and values with the name of their kind here.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Map, Value, json};

use super::{filled, int, list, text};

/// Python's JSON, which has numbers that are none: they become texts that begin with this.
const NO_NUMBER: char = '\u{1}';

/// # Errors
///
/// What is no JSON.
pub(super) fn read(text: &str) -> serde_json::Result<Value> {
    match serde_json::from_str(text) {
        Err(_) if text.contains("NaN") || text.contains("Infinity") => serde_json::from_str(&marked(text)),
        read => read,
    }
}

/// The same with texts where NaN and infinities stand.
fn marked(text: &str) -> String {
    let mut made = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let (mut within, mut escaped) = (false, false);
    while let Some(letter) = rest.chars().next() {
        let word =
            ["NaN", "Infinity", "-Infinity"].into_iter().find(|word| !within && rest.starts_with(word));
        if let Some(word) = word {
            made.push_str(&json!(format!("{NO_NUMBER}{word}")).to_string());
            rest = &rest[word.len()..];
            continue;
        }
        if letter == '"' && !escaped {
            within = !within;
        }
        escaped = letter == '\\' && !escaped;
        made.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
    made
}

/// A value with the name of its kind.
fn tagged(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(value) => json!({ "bool_value": value }),
        Value::Number(number) if number.is_i64() => json!({ "int_value": number }),
        Value::Number(number) => json!({ "double_value": number.as_f64() }),
        Value::String(text) => match text.strip_prefix(NO_NUMBER) {
            Some(word) => json!({ "double_value": word }),
            None => json!({ "string_value": text }),
        },
        Value::Array(values) => {
            json!({ "array_value": { "values": values.iter().map(tagged).collect::<Vec<_>>() } })
        }
        Value::Object(members) => json!({ "kvlist_value": { "values": pairs(members, tagged) } }),
    }
}

fn pairs(members: &Map<String, Value>, value: impl Fn(&Value) -> Value) -> Vec<Value> {
    members.iter().map(|(key, inner)| json!({ "key": key, "value": value(inner) })).collect()
}

/// An attribute of a span: a text of JSON, or a value as it is. What is empty or zero was nothing to MLflow either.
fn attribute(value: &Value) -> Value {
    match value {
        Value::String(text) if text.is_empty() => json!({}),
        Value::String(text) => tagged(&read(text).unwrap_or_else(|_| value.clone())),
        Value::Number(number) if number.as_f64() == Some(0.0) => json!({}),
        Value::Bool(false) => json!({}),
        Value::Array(list) if list.is_empty() => json!({}),
        value => tagged(value),
    }
}

/// Bytes of an id. MLflow wrote it in base 64, in some releases by its digits, and before MLflow 3 so with `0x`.
fn id(text: &str, length: usize) -> Option<Vec<u8>> {
    let digits = text.trim_start_matches("tr-").trim_start_matches("0x");
    let is_hex = digits.len() == length * 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let bytes = if is_hex {
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        (0..digits.len()).step_by(2).map(byte).collect::<Option<Vec<_>>>()?
    } else {
        BASE64.decode(text).ok()?
    };
    (bytes.len() == length).then_some(bytes)
}

fn id64(text: &str, length: usize) -> Option<String> {
    id(text, length).map(|bytes| BASE64.encode(bytes))
}

/// `None` for what is no span.
pub(super) fn span(told: &Value) -> Option<Value> {
    // As releases before MLflow 3 wrote them.
    let is_old = told["context"].is_object();
    let (own, parent) = match is_old {
        true => (&told["context"], text(told, "parent_id")),
        false => (told, text(told, "parent_span_id")),
    };
    let (begin, end) = match is_old {
        true => ("start_time", "end_time"),
        false => ("start_time_unix_nano", "end_time_unix_nano"),
    };
    let (code, message) = match is_old {
        true => (text(told, "status_code"), text(told, "status_message")),
        false => (text(&told["status"], "code"), text(&told["status"], "message")),
    };
    let code = code.trim_start_matches("STATUS_CODE_").trim_start_matches("StatusCode.").to_owned();
    let no_members = Map::new();
    let attributes = told["attributes"].as_object().unwrap_or(&no_members);
    let mut made = json!({
        "trace_id": id64(&text(own, "trace_id"), 16)?,
        "span_id": id64(&text(own, "span_id"), 8)?,
        "name": text(told, "name"),
        "start_time_unix_nano": int(told, begin)?,
        "attributes": pairs(attributes, attribute),
        "status": { "message": message, "code": format!("STATUS_CODE_{code}") },
    });
    let mut put = |name: &str, value: Value| made[name] = value;
    if !parent.is_empty() {
        put("parent_span_id", id64(&parent, 8)?.into());
    }
    if let Some(end) = int(told, end).filter(|end| *end > 0) {
        put("end_time_unix_nano", end.into());
    }
    let event = |event: &Value| {
        let at = int(event, "time_unix_nano").or_else(|| int(event, "timestamp")).unwrap_or_default();
        // What an event carries is no text of JSON.
        let attributes =
            event["attributes"].as_object().map(|members| pairs(members, tagged)).unwrap_or_default();
        json!({ "time_unix_nano": at, "name": text(event, "name"), "attributes": attributes })
    };
    let events: Vec<_> = list(told, "events").iter().map(event).collect();
    if !events.is_empty() {
        put("events", events.into());
    }
    let link = |link: &Value| {
        let trace_id = filled(link, "trace_id")?;
        let digits = trace_id.rsplit('/').next().unwrap_or_default();
        let attributes =
            link["attributes"].as_object().map(|members| pairs(members, tagged)).unwrap_or_default();
        Some(json!({
            "trace_id": id64(digits, 16)?, "span_id": id64(&text(link, "span_id"), 8)?, "attributes": attributes,
        }))
    };
    let links: Vec<_> = list(told, "links").iter().filter_map(link).collect();
    if !links.is_empty() {
        put("links", links.into());
    }
    Some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_none_are_read() {
        let read = |text: &str| tagged(&super::read(text).unwrap());
        assert_eq!(read("NaN"), json!({ "double_value": "NaN" }));
        assert_eq!(read("\"NaN\""), json!({ "string_value": "NaN" }));
        let list = read(r#"[1, -Infinity, "a \" NaN", {"Infinity": Infinity}]"#);
        let values = &list["array_value"]["values"];
        assert_eq!(values[0], json!({ "int_value": 1 }));
        assert_eq!(values[1], json!({ "double_value": "-Infinity" }));
        assert_eq!(values[2], json!({ "string_value": "a \" NaN" }));
        let inner = &values[3]["kvlist_value"]["values"][0];
        assert_eq!(*inner, json!({ "key": "Infinity", "value": { "double_value": "Infinity" } }));
        assert!(super::read("[NaN").is_err() && super::read("nothing").is_err());
    }

    #[test]
    fn spans_of_each_release_are_the_same() {
        let attributes = json!({ "mlflow.spanType": "\"LLM\"", "n": "3", "raw": "as it is", "empty": "" });
        let newest = json!({
            "trace_id": BASE64.encode([1; 16]), "span_id": BASE64.encode([2; 8]), "parent_span_id": BASE64.encode([3; 8]),
            "name": "ask", "start_time_unix_nano": 5, "end_time_unix_nano": 9, "attributes": attributes,
            "status": { "code": "STATUS_CODE_OK", "message": "" }, "events": [], "links": [],
        });
        let made = span(&newest).unwrap();
        let told = made["attributes"].as_array().unwrap();
        assert!(told.contains(&json!({ "key": "empty", "value": {} })));
        assert!(told.contains(&json!({ "key": "mlflow.spanType", "value": { "string_value": "LLM" } })));
        assert!(told.contains(&json!({ "key": "n", "value": { "int_value": 3 } })));
        assert!(told.contains(&json!({ "key": "raw", "value": { "string_value": "as it is" } })));
        let digits = json!({
            "trace_id": format!("tr-{}", "01".repeat(16)), "span_id": "02".repeat(8), "parent_span_id": "03".repeat(8),
            "name": "ask", "start_time_unix_nano": "5", "end_time_unix_nano": "9", "attributes": attributes,
            "status": { "code": "OK", "message": "" },
        });
        assert_eq!(span(&digits).unwrap(), made);
        let old = json!({
            "context": { "trace_id": format!("0x{}", "01".repeat(16)), "span_id": format!("0x{}", "02".repeat(8)) },
            "parent_id": format!("0x{}", "03".repeat(8)), "name": "ask", "start_time": 5, "end_time": 9,
            "attributes": attributes, "status_code": "OK", "status_message": "",
        });
        assert_eq!(span(&old).unwrap(), made);
        assert!(span(&json!({ "trace_id": "x" })).is_none() && span(&json!([])).is_none());
        let full = json!({
            "trace_id": BASE64.encode([1; 16]), "span_id": BASE64.encode([2; 8]), "parent_span_id": null, "name": "root",
            "start_time_unix_nano": 5, "end_time_unix_nano": null, "attributes": {}, "status": { "code": "STATUS_CODE_UNSET" },
            "events": [{ "name": "e", "time_unix_nano": 6, "attributes": { "a": "b" } }],
            "links": [{ "trace_id": format!("tr-{}", "04".repeat(16)), "span_id": "05".repeat(8), "attributes": null }],
        });
        let made = span(&full).unwrap();
        assert!(made.get("parent_span_id").is_none() && made.get("end_time_unix_nano").is_none());
        assert_eq!(made["events"][0]["attributes"][0]["value"], json!({ "string_value": "b" }));
        assert_eq!(made["links"][0]["span_id"], json!(BASE64.encode([5; 8])));
    }
}
