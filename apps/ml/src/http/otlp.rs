//! Spans as OpenTelemetry sends them: protobuf or JSON, plain or by gzip or deflate.

use std::{io::Read, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use http::{HeaderMap, header};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value as Any},
    trace::v1::{Span as Sent, Status, status::StatusCode},
};
use prost::Message as _;
use serde_json::{Map, Value, json};

use crate::{
    error::Error,
    model::{
        Pair,
        trace::{Span, unquoted},
    },
};

/// Spans of one call at most.
const SPANS_MAX: usize = 10_000;

fn refuse(what: &str) -> Error {
    Error::invalid(format!("Invalid OpenTelemetry format: {what}"))
}

/// Spans of one program, which tells this of itself.
type Told = (Arc<[Pair]>, Sent);

/// The spans of a call's body, `bytes_max` of which may come out of what it is packed in.
pub(super) fn read(headers: &HeaderMap, body: &Bytes, bytes_max: u64) -> Result<Vec<Span>, Error> {
    let header = |name: header::HeaderName| {
        let value = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        value.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
    };
    let unpacked;
    let bytes: &[u8] = match header(header::CONTENT_ENCODING).as_str() {
        "" | "identity" => body,
        "gzip" => {
            unpacked = unpack(flate2::read::MultiGzDecoder::new(&body[..]), bytes_max)?;
            &unpacked
        }
        "deflate" => {
            // With zlib's frame, as HTTP has it, or without, as some send it.
            unpacked = match unpack(flate2::read::ZlibDecoder::new(&body[..]), bytes_max) {
                Ok(bytes) => bytes,
                Err(_) => unpack(flate2::read::DeflateDecoder::new(&body[..]), bytes_max)?,
            };
            &unpacked
        }
        other => return Err(refuse(&format!("the encoding {other} is not taken; gzip and deflate are"))),
    };
    let spans = match header(header::CONTENT_TYPE).as_str() {
        "application/x-protobuf" => {
            let request = ExportTraceServiceRequest::decode(bytes).map_err(|_| refuse("no protobuf"))?;
            let mut spans = Vec::new();
            for part in request.resource_spans {
                let resource = part.resource.map(|resource| texts(&resource.attributes)).unwrap_or_default();
                let sent = part.scope_spans.into_iter().flat_map(|scope| scope.spans);
                spans.extend(sent.map(|span| (resource.clone(), span)));
            }
            spans
        }
        "application/json" => of_json(bytes)?,
        other => {
            return Err(Error::invalid(format!(
                "Invalid Content-Type: {other}. Expected: application/x-protobuf or application/json"
            )));
        }
    };
    if spans.is_empty() {
        return Err(refuse("no spans found"));
    }
    if spans.len() > SPANS_MAX {
        return Err(refuse(&format!("a call may hold {SPANS_MAX} spans at most")));
    }
    spans.iter().map(span).collect()
}

fn unpack(packed: impl Read, bytes_max: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let mut reader = packed.take(bytes_max + 1);
    reader.read_to_end(&mut bytes).map_err(|_| refuse("it cannot be unpacked"))?;
    if bytes.len() as u64 > bytes_max {
        return Err(Error::invalid(format!("The body of a call may have {bytes_max} bytes at most.")));
    }
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Values as texts: what is none, as JSON.
fn texts(attributes: &[KeyValue]) -> Arc<[Pair]> {
    let text = |pair: &KeyValue| Pair { key: without_nul(&pair.key), value: without_nul(&text_of(pair)) };
    attributes.iter().map(text).collect()
}

fn text_of(pair: &KeyValue) -> String {
    match pair.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Any::StringValue(text)) => text.clone(),
        Some(other) => plain(other).to_string(),
        None => "null".to_owned(),
    }
}

fn span((resource, sent): &Told) -> Result<Span, Error> {
    if sent.trace_id.is_empty()
        || sent.trace_id.len() > 16
        || sent.span_id.is_empty()
        || sent.span_id.len() > 8
    {
        return Err(Error::Unfit(
            "Cannot convert OpenTelemetry span to MLflow span: it has a trace_id of 16 bytes and a span_id of 8",
        ));
    }
    let nanos = |nanos: u64| i64::try_from(nanos).map_err(|_| refuse("a time lies beyond the year 2262"));
    let (start_ns, end_ns) = (nanos(sent.start_time_unix_nano)?, nanos(sent.end_time_unix_nano)?);
    let mut attributes = Map::new();
    for pair in texts(&sent.attributes).iter() {
        attributes.insert(pair.key.clone(), json!(pair.value));
    }
    let text = |name: &str| attributes.get(name).and_then(Value::as_str);
    let trace_id =
        text("mlflow.traceRequestId").map_or_else(|| format!("tr-{}", hex(&sent.trace_id)), unquoted);
    let kind = text("mlflow.spanType").map_or_else(|| "UNKNOWN".to_owned(), unquoted);
    let status = match sent.status.as_ref().map_or(0, |status| status.code) {
        1 => "OK",
        2 => "ERROR",
        _ => "UNSET",
    };
    Ok(Span {
        trace_id,
        span_id: hex(&sent.span_id),
        is_root: sent.parent_span_id.is_empty(),
        name: without_nul(&sent.name),
        kind: without_nul(&kind),
        status,
        start_ns,
        end_ns: (end_ns > 0).then_some(end_ns),
        content: content(sent),
        resource: resource.clone(),
        attributes,
    })
}

/// No database keeps NUL characters.
fn without_nul(text: &str) -> String {
    if text.contains('\0') { text.replace('\0', "") } else { text.to_owned() }
}

/// A span as protobuf's JSON has it.
fn content(sent: &Sent) -> Value {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| {
        let is_unset = match &value {
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Number(number) => number.as_u64() == Some(0),
            Value::Null => true,
            _ => false,
        };
        if !is_unset {
            body.insert(name.to_owned(), value);
        }
    };
    put("trace_id", json!(BASE64.encode(&sent.trace_id)));
    put("span_id", json!(BASE64.encode(&sent.span_id)));
    put("trace_state", json!(without_nul(&sent.trace_state)));
    put("parent_span_id", json!(BASE64.encode(&sent.parent_span_id)));
    put("name", json!(without_nul(&sent.name)));
    put("start_time_unix_nano", json!(sent.start_time_unix_nano));
    put("end_time_unix_nano", json!(sent.end_time_unix_nano));
    put("attributes", pairs(&sent.attributes));
    let event = |event: &opentelemetry_proto::tonic::trace::v1::span::Event| {
        json!({
            "time_unix_nano": event.time_unix_nano,
            "name": without_nul(&event.name),
            "attributes": pairs(&event.attributes),
        })
    };
    put("events", sent.events.iter().map(event).collect());
    let link = |link: &opentelemetry_proto::tonic::trace::v1::span::Link| {
        json!({
            "trace_id": BASE64.encode(&link.trace_id),
            "span_id": BASE64.encode(&link.span_id),
            "attributes": pairs(&link.attributes),
        })
    };
    put("links", sent.links.iter().map(link).collect());
    if let Some(Status { message, code }) = &sent.status {
        let code = StatusCode::try_from(*code).unwrap_or(StatusCode::Unset).as_str_name();
        put("status", json!({ "message": without_nul(message), "code": code }));
    }
    Value::Object(body)
}

fn pairs(attributes: &[KeyValue]) -> Value {
    attributes.iter().map(pair).collect()
}

fn pair(attribute: &KeyValue) -> Value {
    json!({ "key": without_nul(&attribute.key), "value": tagged(attribute.value.as_ref()) })
}

/// A value with the name of its kind, as protobuf's JSON has it.
fn tagged(value: Option<&AnyValue>) -> Value {
    match value.and_then(|value| value.value.as_ref()) {
        None => json!({}),
        Some(Any::StringValue(text)) => json!({ "string_value": without_nul(text) }),
        Some(Any::BoolValue(value)) => json!({ "bool_value": value }),
        Some(Any::IntValue(number)) => json!({ "int_value": number }),
        Some(Any::DoubleValue(number)) => json!({ "double_value": float(*number) }),
        Some(Any::ArrayValue(list)) => {
            let values: Vec<_> = list.values.iter().map(|value| tagged(Some(value))).collect();
            json!({ "array_value": { "values": values } })
        }
        Some(Any::KvlistValue(list)) => json!({ "kvlist_value": { "values": pairs(&list.values) } }),
        Some(Any::BytesValue(bytes)) => json!({ "bytes_value": BASE64.encode(bytes) }),
        // References into a table that OTLP over HTTP has not.
        #[allow(unreachable_patterns, clippy::allow_attributes, reason = "the library's enum may grow")]
        Some(_) => json!({}),
    }
}

/// JSON has no NaN; protobuf writes it as a text.
fn float(number: f64) -> Value {
    match number {
        number if number.is_nan() => json!("NaN"),
        number if number.is_infinite() => json!(if number > 0.0 { "Infinity" } else { "-Infinity" }),
        number => json!(number),
    }
}

/// A value as plain JSON.
fn plain(value: &Any) -> Value {
    let inner = |value: &Option<AnyValue>| {
        value.as_ref().and_then(|value| value.value.as_ref()).map_or(Value::Null, plain)
    };
    match value {
        Any::StringValue(text) => json!(text),
        Any::BoolValue(value) => json!(value),
        Any::IntValue(number) => json!(number),
        Any::DoubleValue(number) => float(*number),
        Any::ArrayValue(list) => {
            list.values.iter().map(|value| value.value.as_ref().map_or(Value::Null, plain)).collect()
        }
        Any::KvlistValue(list) => {
            Value::Object(list.values.iter().map(|pair| (pair.key.clone(), inner(&pair.value))).collect())
        }
        Any::BytesValue(bytes) => json!(BASE64.encode(bytes)),
        #[allow(unreachable_patterns, clippy::allow_attributes, reason = "the library's enum may grow")]
        _ => Value::Null,
    }
}

/// OTLP's own JSON: ids in hexadecimal digits, 64-bit numbers as texts or numbers.
fn of_json(bytes: &[u8]) -> Result<Vec<Told>, Error> {
    let body: Value = serde_json::from_slice(bytes).map_err(|_| refuse("no JSON"))?;
    let mut spans = Vec::new();
    for part in list(&body, "resourceSpans") {
        let attributes = part.get("resource").map_or(&[][..], |resource| list(resource, "attributes"));
        let resource = texts(&attributes.iter().map(json_pair).collect::<Vec<_>>());
        for scope in list(part, "scopeSpans") {
            for sent in list(scope, "spans") {
                spans.push((resource.clone(), json_span(sent)?));
            }
        }
    }
    Ok(spans)
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn json_span(sent: &Value) -> Result<Sent, Error> {
    use opentelemetry_proto::tonic::trace::v1::span::Event;

    let text = |name: &str| sent.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
    let id = |name: &str| {
        let digits = text(name);
        let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..digits.len()).step_by(2).map(byte).collect();
        bytes.ok_or_else(|| refuse(&format!("{name} is not hexadecimal")))
    };
    let status = sent.get("status").map(|status| Status {
        message: status.get("message").and_then(Value::as_str).unwrap_or("").to_owned(),
        code: match status.get("code") {
            Some(Value::String(name)) => StatusCode::from_str_name(name).map_or(0, i32::from),
            Some(code) => code.as_i64().and_then(|code| i32::try_from(code).ok()).unwrap_or(0),
            None => 0,
        },
    });
    let event = |event: &Value| Event {
        time_unix_nano: nanos(event.get("timeUnixNano")),
        name: event.get("name").and_then(Value::as_str).unwrap_or("").to_owned(),
        attributes: list(event, "attributes").iter().map(json_pair).collect(),
        ..Event::default()
    };
    Ok(Sent {
        trace_id: id("traceId")?,
        span_id: id("spanId")?,
        parent_span_id: id("parentSpanId")?,
        trace_state: text("traceState"),
        name: text("name"),
        start_time_unix_nano: nanos(sent.get("startTimeUnixNano")),
        end_time_unix_nano: nanos(sent.get("endTimeUnixNano")),
        attributes: list(sent, "attributes").iter().map(json_pair).collect(),
        events: list(sent, "events").iter().map(event).collect(),
        status,
        ..Sent::default()
    })
}

fn nanos(value: Option<&Value>) -> u64 {
    match value {
        Some(Value::String(text)) => text.parse().unwrap_or(0),
        Some(number) => number.as_u64().unwrap_or(0),
        None => 0,
    }
}

fn json_pair(pair: &Value) -> KeyValue {
    KeyValue {
        key: pair.get("key").and_then(Value::as_str).unwrap_or("").to_owned(),
        value: pair.get("value").map(json_value),
        ..KeyValue::default()
    }
}

fn json_value(value: &Value) -> AnyValue {
    use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValueList};

    let Some((kind, inner)) = value.as_object().and_then(|members| members.iter().next()) else {
        return AnyValue::default();
    };
    let any = match kind.as_str() {
        "stringValue" => Any::StringValue(inner.as_str().unwrap_or("").to_owned()),
        "boolValue" => Any::BoolValue(inner.as_bool().unwrap_or(false)),
        "intValue" => Any::IntValue(match inner {
            Value::String(text) => text.parse().unwrap_or(0),
            number => number.as_i64().unwrap_or(0),
        }),
        "doubleValue" => Any::DoubleValue(match inner {
            Value::String(text) => text.parse().unwrap_or(f64::NAN),
            number => number.as_f64().unwrap_or(0.0),
        }),
        "arrayValue" => {
            Any::ArrayValue(ArrayValue { values: list(inner, "values").iter().map(json_value).collect() })
        }
        "kvlistValue" => {
            Any::KvlistValue(KeyValueList { values: list(inner, "values").iter().map(json_pair).collect() })
        }
        "bytesValue" => {
            Any::BytesValue(inner.as_str().and_then(|text| BASE64.decode(text).ok()).unwrap_or_default())
        }
        _ => return AnyValue::default(),
    };
    AnyValue { value: Some(any) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(kind: &'static str, encoding: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
        headers.insert(header::CONTENT_ENCODING, http::HeaderValue::from_static(encoding));
        headers
    }

    const JSON: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeSpans":[{"spans":[{"traceId":"0102030405060708090a0b0c0d0e0f10",
        "spanId":"0102030405060708","name":"ask","startTimeUnixNano":"1000000000","endTimeUnixNano":2000000000,
        "attributes":[{"key":"a","value":{"intValue":"7"}},{"key":"mlflow.spanType","value":{"stringValue":"\"TOOL\""}},
        {"key":"l","value":{"arrayValue":{"values":[{"doubleValue":1.5},{"boolValue":true}]}}}],
        "status":{"code":"STATUS_CODE_OK"}}]}]}]}"#;

    #[test]
    fn json_and_protobuf_say_the_same() {
        let read =
            |kind, encoding, bytes: Vec<u8>| super::read(&headers(kind, encoding), &bytes.into(), 10_000);
        let by_json = read("application/json; charset=utf-8", "", JSON.into()).unwrap();
        let sent = of_json(JSON.as_bytes()).unwrap().into_iter().map(|(_, span)| span).collect();
        let name = AnyValue { value: Some(Any::StringValue("shop".to_owned())) };
        let name = KeyValue { key: "service.name".to_owned(), value: Some(name), ..KeyValue::default() };
        let scope = opentelemetry_proto::tonic::trace::v1::ScopeSpans { spans: sent, ..Default::default() };
        let resource = opentelemetry_proto::tonic::trace::v1::ResourceSpans {
            scope_spans: vec![scope],
            resource: Some(opentelemetry_proto::tonic::resource::v1::Resource {
                attributes: vec![name],
                ..Default::default()
            }),
            ..Default::default()
        };
        let request = ExportTraceServiceRequest { resource_spans: vec![resource] };
        let by_protobuf = read("application/x-protobuf", "", request.encode_to_vec()).unwrap();
        let one = &by_json[0];
        assert_eq!(format!("{one:?}"), format!("{:?}", by_protobuf[0]));
        assert_eq!(
            (one.trace_id.as_str(), one.span_id.as_str()),
            ("tr-0102030405060708090a0b0c0d0e0f10", "0102030405060708")
        );
        assert_eq!((one.kind.as_str(), one.status, one.is_root), ("TOOL", "OK", true));
        assert_eq!((one.attribute("a"), one.attribute("l")), (Some("7"), Some("[1.5,true]")));
        assert_eq!(one.content["attributes"][0], json!({ "key": "a", "value": { "int_value": 7 } }));
        assert_eq!(one.content["status"]["code"], "STATUS_CODE_OK");
        assert_eq!((&*one.resource[0].key, &*one.resource[0].value), ("service.name", "shop"));

        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut packed, JSON.as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        assert_eq!(read("application/json", "gzip", packed.clone()).unwrap().len(), 1);
        assert!(super::read(&headers("application/json", "gzip"), &packed.into(), 100).is_err(), "a bomb");
        let mut framed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut bare = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut framed, JSON.as_bytes()).unwrap();
        std::io::Write::write_all(&mut bare, JSON.as_bytes()).unwrap();
        for packed in [framed.finish().unwrap(), bare.finish().unwrap()] {
            assert_eq!(read("application/json", "deflate", packed).unwrap().len(), 1);
        }
        for (kind, encoding, bytes) in [
            ("text/plain", "", JSON.as_bytes().to_vec()),
            ("application/json", "br", JSON.as_bytes().to_vec()),
            ("application/json", "gzip", JSON.as_bytes().to_vec()),
            ("application/json", "", b"{}".to_vec()),
            ("application/json", "", b"nonsense".to_vec()),
            ("application/json", "", JSON.replace("0102030405060708\"", "zz\"").into_bytes()),
            ("application/x-protobuf", "", b"\xff\xff\xff".to_vec()),
            ("application/x-protobuf", "", Vec::new()),
        ] {
            assert!(read(kind, encoding, bytes).is_err(), "{kind} {encoding}");
        }
    }
}
