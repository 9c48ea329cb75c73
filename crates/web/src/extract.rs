use axum::{
    RequestExt,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, RawPathParams, rejection::BytesRejection},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header, request::Parts};
use kernel::{FieldError, Problem};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Result};

/// A JSON body, in or out. In: 415 without `application/json`, 413 when too large, 400 when it is no JSON, 422 with the
/// field's pointer when it has another shape than asked.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: axum::extract::Request, _: &S) -> Result<Self> {
        if content_type(request.headers()) != "application/json" {
            return Err(unsupported("application/json"));
        }
        let bytes = body(request).await?;
        from_json(&bytes).map(Json)
    }
}

/// A body in one of several forms, for the few routes that take more than JSON.
pub struct TypedBody {
    /// Lowercase, without parameters.
    pub content_type: String,
    pub bytes: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for TypedBody {
    type Rejection = Error;

    async fn from_request(request: axum::extract::Request, _: &S) -> Result<Self> {
        let content_type = content_type(request.headers());
        Ok(Self { content_type, bytes: body(request).await? })
    }
}

impl TypedBody {
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        from_json(&self.bytes)
    }

    /// `application/x-www-form-urlencoded`.
    pub fn form<T: DeserializeOwned>(&self) -> Result<T> {
        serde_urlencoded::from_bytes(&self.bytes).map_err(|error| {
            Problem::unprocessable("invalid-body", format!("the form does not fit: {error}")).into()
        })
    }

    pub fn unsupported(&self, expected: &str) -> Error {
        unsupported(expected)
    }
}

fn unsupported(expected: &str) -> Error {
    Problem::unsupported_media_type("content-type", format!("send this body with Content-Type: {expected}"))
        .into()
}

fn content_type(headers: &http::HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    value.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

async fn body(request: axum::extract::Request) -> Result<Bytes> {
    request.extract::<Bytes, _>().await.map_err(|rejection: BytesRejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Problem::too_large("body-too-large", "the body is larger than this route takes").into()
        } else {
            Problem::bad_request("body-unreadable", "the body could not be read to its end").into()
        }
    })
}

fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let begins_list = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    if begins_list && probe::wants_object::<T>() {
        // serde would take a list for a struct, field by field.
        let detail = "the body does not fit: invalid type: list, expected an object";
        return Err(Problem::unprocessable("invalid-body", detail).into());
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer(error.path());
        let inner = error.into_inner();
        if inner.is_data() {
            let fault = FieldError::new(pointer, without_position(&inner.to_string()));
            Problem::unprocessable("invalid-body", format!("the body does not fit: {}", fault.detail))
                .with_errors(vec![fault])
        } else {
            Problem::bad_request("invalid-json", format!("the body is not JSON: {inner}"))
        }
    })?;
    reader.end().map_err(|error| {
        Problem::bad_request("invalid-json", format!("the body is not one JSON value: {error}"))
    })?;
    Ok(value)
}

fn without_position(message: &str) -> &str {
    message.rfind(" at line ").map_or(message, |end| &message[..end])
}

/// JSON Pointer of where the deserializer stood.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => String::new(),
        })
        .collect()
}

/// Finds out what a type asks of its deserializer first.
mod probe {
    use serde::{
        de::{DeserializeOwned, Deserializer, Visitor, value::Error},
        forward_to_deserialize_any,
    };

    /// Whether the type is a struct or a map, which stand as objects in JSON.
    pub(super) fn wants_object<T: DeserializeOwned>() -> bool {
        let mut asked = false;
        // Always an error: there is nothing to read.
        drop(T::deserialize(Probe(&mut asked)));
        asked
    }

    struct Probe<'a>(&'a mut bool);

    impl<'de> Deserializer<'de> for Probe<'_> {
        type Error = Error;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            Err(serde::de::Error::custom("a probe has no value"))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            _: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Error> {
            *self.0 = true;
            self.deserialize_any(visitor)
        }

        fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            *self.0 = true;
            self.deserialize_any(visitor)
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
            unit_struct newtype_struct seq tuple tuple_struct enum identifier ignored_any
        }
    }

    #[cfg(test)]
    mod tests {
        #[test]
        fn structs_and_maps_are_objects() {
            #[derive(serde::Deserialize)]
            #[serde(default)]
            #[derive(Default)]
            struct Settings {
                _a: Option<u8>,
            }
            assert!(super::wants_object::<Settings>());
            assert!(super::wants_object::<std::collections::BTreeMap<String, u8>>());
            assert!(!super::wants_object::<Vec<Settings>>());
            assert!(!super::wants_object::<serde_json::Value>());
        }
    }
}

/// The query string, typed. The type should `deny_unknown_fields`: a misspelt filter must not answer "everything".
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let text = parts.uri.query().unwrap_or("");
        let reader = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
        serde_path_to_error::deserialize(reader).map(Query).map_err(|error| {
            let pointer = error.path().to_string();
            let detail = error.into_inner().to_string();
            Problem::bad_request("invalid-query", format!("the query does not fit: {detail}"))
                .with_errors(vec![FieldError::new(pointer.trim_matches('.'), detail)])
                .into()
        })
    }
}

/// Path parameters, typed: one value, a tuple of them, or a struct. Something that cannot be an id does not exist: 404.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(_) => {
                let shown = RawPathParams::from_request_parts(parts, state)
                    .await
                    .map(|params| {
                        params.iter().map(|(_, value)| value.to_owned()).collect::<Vec<_>>().join("/")
                    })
                    .unwrap_or_default();
                let shown: String = shown.chars().take(64).collect();
                Err(Problem::not_found("not-found", format!("{shown:?} names nothing here")).into())
            }
        }
    }
}
