use std::error::Error as StdError;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use kernel::{Problem, Timestamp, ToProblem};
use serde::Serialize;
use utoipa::ToSchema;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any module's error on its way out. Made by `?`; a 5xx is logged here, once, with its chain of causes.
#[derive(Debug)]
pub struct Error(Problem);

impl<E: ToProblem + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        let problem = error.problem();
        if problem.status >= 500 {
            tracing::error!(error = chain(&error), status = problem.status, "request failed");
        }
        Self(problem)
    }
}

impl Error {
    pub fn status(&self) -> u16 {
        self.0.status
    }
}

/// Says that uploads of this kind will be counted: from zero, since a rate sees no first failure of a series that begins
/// with it.
pub fn expect_uploads(kind: &'static str) {
    for outcome in ["ok", "refused", "error"] {
        metrics::counter!("uploads_total", "kind" => kind, "outcome" => outcome).increment(0);
    }
}

/// Counts an upload by what became of it. `kind` is a constant of the module, which it gave to [`expect_uploads`]: it is a
/// label of `uploads_total`.
pub fn count_upload<T>(kind: &'static str, taken: &Result<T>) {
    let outcome = match taken {
        Ok(_) => "ok",
        Err(error) if error.status() < 500 => "refused",
        Err(_) => "error",
    };
    metrics::counter!("uploads_total", "kind" => kind, "outcome" => outcome).increment(1);
}

/// An error and its causes on one line.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Carries the problem to [`crate::middleware`], which knows the request id and writes the body.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        response.extensions_mut().insert(self.0);
        response
    }
}

/// A problem body (RFC 9457) as it stands on the wire.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `/problems/` and the value of `error`; stable.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    pub status: u16,
    /// For people; may change.
    pub detail: String,
    /// Stable name of what is wrong.
    pub error: String,
    pub request_id: String,
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// Faults of single fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldErrorBody>,
    #[serde(flatten)]
    #[schema(ignore)]
    pub members: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldError)]
pub struct FieldErrorBody {
    /// JSON Pointer (RFC 6901) into the body, or the name of a parameter.
    pub pointer: String,
    pub detail: String,
}

impl ProblemBody {
    pub fn new(problem: &Problem, request_id: &str, now: Timestamp) -> Self {
        Self {
            kind: format!("/problems/{}", problem.code),
            title: problem.title().to_owned(),
            status: problem.status,
            detail: problem.detail.clone(),
            error: problem.code.to_string(),
            request_id: request_id.to_owned(),
            timestamp: now,
            errors: problem
                .errors
                .iter()
                .map(|fault| FieldErrorBody { pointer: fault.pointer.clone(), detail: fault.detail.clone() })
                .collect(),
            members: problem
                .members
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
        }
    }
}

/// The finished answer.
pub(crate) fn render(problem: &Problem, request_id: &str, now: Timestamp) -> Response {
    let body = ProblemBody::new(problem, request_id, now);
    let bytes = serde_json::to_vec(&body).unwrap_or_default();
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() =
        StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = problem.retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if problem.status == 401 {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if problem.status == 426 {
        // RFC 9110 §15.5.22 and §7.8; there is one protocol to change to.
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    }
    response
}
