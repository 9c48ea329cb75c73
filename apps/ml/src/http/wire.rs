//! MLflow's JSON: requests that are lenient as protobuf's are, answers with unset fields left out, errors in its form.

use std::collections::HashMap;

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};
use kernel::{Problem, ToProblem as _};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{json, value::RawValue};

use crate::error::Error;

/// What a caller gave: the members of a JSON object, or the keys of a query. Each is read when it is asked for: numbers as
/// the text that came, so that no digit of a float is lost.
#[derive(Debug)]
pub(super) enum Params {
    Json(HashMap<String, Box<RawValue>>),
    Query(Vec<(String, String)>),
}

const SEE_DOCS: &str = " See the API docs for more information about request parameters.";

pub(super) fn missing(name: &str) -> Error {
    Error::invalid(format!("Missing value for required parameter '{name}'.{SEE_DOCS}"))
}

fn wrong(name: &str, value: &str) -> Error {
    let shown: String = value.chars().take(200).collect();
    Error::invalid(format!("Invalid value {shown} for parameter '{name}' supplied.{SEE_DOCS}"))
}

/// `run_id` as protobuf's JSON writes it too: `runId`.
fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        text.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        text.push_str(letters.as_str());
    }
    text
}

impl Params {
    /// What is no JSON object counts as empty; an object within a text is unpacked, as older clients send it.
    pub(super) fn of_body(bytes: &[u8]) -> Self {
        let map = serde_json::from_slice(bytes).or_else(|_| {
            let inner: String = serde_json::from_slice(bytes)?;
            serde_json::from_str(&inner)
        });
        Self::Json(map.unwrap_or_default())
    }

    pub(super) fn of_query(query: &str) -> Self {
        Self::Query(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    fn raw(&self, name: &str) -> Option<&RawValue> {
        let Self::Json(members) = self else { return None };
        let found = members.get(name).or_else(|| members.get(&camel(name)))?;
        (found.get() != "null").then_some(&**found)
    }

    /// Whether the caller gave it, be it empty.
    pub(super) fn has(&self, name: &str) -> bool {
        self.raw(name).is_some() || self.query(name).is_some()
    }

    fn query(&self, name: &str) -> Option<&str> {
        let Self::Query(pairs) = self else { return None };
        pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let read = |raw: &RawValue| serde_json::from_str(raw.get()).map_err(|_| wrong(name, raw.get()));
        self.raw(name).map(read).transpose()
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Error> {
        match self.query(name) {
            Some(text) => Ok(Some(text.to_owned())),
            None => self.read(name),
        }
    }

    /// An empty text is none, as in protobuf.
    pub(super) fn filled(&self, name: &str) -> Result<Option<String>, Error> {
        Ok(self.text(name)?.filter(|text| !text.is_empty()))
    }

    pub(super) fn need(&self, name: &str) -> Result<String, Error> {
        self.filled(name)?.ok_or_else(|| missing(name))
    }

    /// `run_id`, which was `run_uuid` once.
    pub(super) fn run_id(&self) -> Result<String, Error> {
        match self.filled("run_id")? {
            Some(id) => Ok(id),
            None => self.filled("run_uuid")?.ok_or_else(|| missing("run_id")),
        }
    }

    /// A number as it stands, or in quotes.
    fn number(&self, name: &str) -> Result<Option<String>, Error> {
        if let Some(text) = self.query(name) {
            return Ok(Some(text.to_owned()));
        }
        let Some(raw) = self.raw(name) else { return Ok(None) };
        match raw.get().as_bytes().first() {
            Some(b'"') => self.read(name),
            Some(b'0'..=b'9' | b'-') => Ok(Some(raw.get().to_owned())),
            _ => Err(wrong(name, raw.get())),
        }
    }

    pub(super) fn int(&self, name: &str) -> Result<Option<i64>, Error> {
        let Some(text) = self.number(name)? else { return Ok(None) };
        read_int(&text).map(Some).ok_or_else(|| wrong(name, &json!(text).to_string()))
    }

    pub(super) fn float(&self, name: &str) -> Result<Option<f64>, Error> {
        // To protobuf, as to Python, true is 1.
        match self.raw(name).map(RawValue::get) {
            Some("true") => return Ok(Some(1.0)),
            Some("false") => return Ok(Some(0.0)),
            _ => {}
        }
        let Some(text) = self.number(name)? else { return Ok(None) };
        read_float(&text).map(Some).ok_or_else(|| wrong(name, &json!(text).to_string()))
    }

    pub(super) fn bool(&self, name: &str) -> Result<Option<bool>, Error> {
        match self.query(name) {
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(text) => {
                Err(Error::invalid(format!("Invalid boolean value: {text}, must be 'true' or 'false'.")))
            }
            None => self.read(name),
        }
    }

    /// An enum's value, by name or number.
    pub(super) fn name(&self, name: &str) -> Result<Option<String>, Error> {
        match self.raw(name).map(RawValue::get) {
            Some(raw) if raw.starts_with(|first: char| first.is_ascii_digit()) => Ok(Some(raw.to_owned())),
            _ => self.filled(name),
        }
    }

    /// In a query, each value has a key of its own.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, Error> {
        match self {
            Self::Query(pairs) => {
                Ok(pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect())
            }
            Self::Json(_) => Ok(self.given_texts(name)?.unwrap_or_default()),
        }
    }

    /// Of a body: `None` where the list itself is not there, which is not the same as an empty one.
    pub(super) fn given_texts(&self, name: &str) -> Result<Option<Vec<String>>, Error> {
        self.read(name)
    }

    pub(super) fn objects(&self, name: &str) -> Result<Vec<Params>, Error> {
        let objects: Option<Vec<HashMap<String, Box<RawValue>>>> = self.read(name)?;
        Ok(objects.unwrap_or_default().into_iter().map(Params::Json).collect())
    }

    /// An object as it stands.
    pub(super) fn map(
        &self,
        name: &str,
    ) -> Result<Option<serde_json::Map<String, serde_json::Value>>, Error> {
        self.read(name)
    }

    pub(super) fn maps(&self, name: &str) -> Result<Vec<serde_json::Map<String, serde_json::Value>>, Error> {
        Ok(self.read(name)?.unwrap_or_default())
    }

    pub(super) fn object(&self, name: &str) -> Result<Option<Params>, Error> {
        Ok(self.read(name)?.map(Params::Json))
    }
}

/// Whole numbers may have a point and zeros, as JavaScript may write them.
pub(super) fn read_int(text: &str) -> Option<i64> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        // Above this floats skip whole numbers.
        (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
    })
}

pub(super) fn read_float(text: &str) -> Option<f64> {
    match text.trim() {
        "NaN" | "nan" => Some(f64::NAN),
        "Infinity" | "inf" => Some(f64::INFINITY),
        "-Infinity" | "-inf" => Some(f64::NEG_INFINITY),
        text if text.starts_with(|first: char| first.is_ascii_digit() || "-.+".contains(first)) => {
            text.parse().ok()
        }
        _ => None,
    }
}

/// The answer.
pub(super) fn reply(body: &impl Serialize) -> Result<Response, Error> {
    let bytes = serde_json::to_vec(body).map_err(|_| Error::Refused(Problem::internal()))?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], bytes).into_response())
}

/// The answer of what has nothing to say: `{}`.
pub(super) fn done() -> Result<Response, Error> {
    reply(&json!({}))
}

/// An error in MLflow's form. What is our own fault is logged here, and not told.
pub(super) fn refusal(error: Error) -> Response {
    let code = error.code();
    let problem = error.problem();
    let message = problem.detail.clone();
    if problem.status >= 500 {
        // It logs the chain of causes.
        drop(web::Error::from(error));
    }
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response =
        Response::new(Body::from(json!({ "error_code": code, "message": message }).to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = problem.retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if problem.status == 401 {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"mlflow\""));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_as_protobuf_reads_them() {
        let params = Params::of_body(
            br#"{"run_id":"a","endTime":"7","value":"NaN","step":3.0,"x":null,"tags":[{"key":"k"}],"list":["a"],"n":1}"#,
        );
        assert_eq!(params.need("run_id").unwrap(), "a");
        assert_eq!(params.int("end_time").unwrap(), Some(7));
        assert_eq!(params.int("step").unwrap(), Some(3));
        assert!(params.float("value").unwrap().unwrap().is_nan());
        assert_eq!(params.text("x").unwrap(), None);
        assert_eq!(params.objects("tags").unwrap()[0].need("key").unwrap(), "k");
        assert_eq!(params.texts("list").unwrap(), ["a"]);
        let message = params.text("n").unwrap_err().to_string();
        assert!(message.starts_with("Invalid value 1 for parameter 'n' supplied."), "{message}");
        let message = params.need("name").unwrap_err().to_string();
        assert!(message.starts_with("Missing value for required parameter 'name'."), "{message}");
        assert!(
            params.int("run_id").is_err() && params.objects("list").is_err() && params.texts("n").is_err()
        );
        for body in [&b"not json"[..], b"", b"[]", b"null", b"{", b"\xff"] {
            assert!(Params::of_body(body).need("name").is_err());
        }
        assert_eq!(Params::of_body(br#""{\"name\":\"x\"}""#).need("name").unwrap(), "x");
        let query = Params::of_query("order_by=a&order_by=b+c&max_results=5&ok=True");
        assert_eq!(query.texts("order_by").unwrap(), ["a", "b c"]);
        assert_eq!((query.int("max_results").unwrap(), query.bool("ok").unwrap()), (Some(5), Some(true)));
    }

    #[test]
    fn no_digit_of_a_number_is_lost() {
        for (text, expected) in
            [("9223372036854775807", Some(i64::MAX)), ("1e3", Some(1_000)), ("1.5", None), ("x", None)]
        {
            assert_eq!(read_int(text), expected, "{text}");
        }
        let params = Params::of_body(br#"{"value":0.30000000000000004}"#);
        assert_eq!(params.float("value").unwrap(), Some(0.1 + 0.2));
        let params = Params::of_body(br#"{"yes":true,"no":false,"list":[1]}"#);
        assert_eq!((params.float("yes").unwrap(), params.float("no").unwrap()), (Some(1.0), Some(0.0)));
        assert!(params.int("yes").is_err() && params.float("list").is_err());
        assert!(read_float("infinite").is_none() && read_float("").is_none());
    }
}
