use std::{borrow::Cow, fmt};

/// An error as callers see it: RFC 9457, before it is written to any wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status code.
    pub status: u16,
    /// Stable name that programs may match, `module.what-is-wrong`; also the last part of `type`.
    pub code: Cow<'static, str>,
    /// For people; may change.
    pub detail: String,
    /// What is wrong with single fields of the input.
    pub errors: Vec<FieldError>,
    /// Seconds after which a retry makes sense.
    pub retry_after_s: Option<u64>,
    /// Further members of the body (RFC 9457 §3.2), for what a program needs to go on.
    pub members: Vec<(&'static str, serde_json::Value)>,
}

/// One fault in the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) into the body, or the name of a query or path parameter.
    pub pointer: String,
    pub detail: String,
}

impl FieldError {
    pub fn new(pointer: impl Into<String>, detail: impl fmt::Display) -> Self {
        Self { pointer: pointer.into(), detail: detail.to_string() }
    }
}

/// How an error of a module reads from outside. The one mapping stands beside the error.
pub trait ToProblem: std::error::Error {
    fn problem(&self) -> Problem;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $status:literal;)*) => {
        $($(#[$doc])*
        pub fn $name(code: impl Into<Cow<'static, str>>, detail: impl fmt::Display) -> Self {
            Self::new($status, code, detail)
        })*
    };
}

impl Problem {
    pub fn new(status: u16, code: impl Into<Cow<'static, str>>, detail: impl fmt::Display) -> Self {
        Self {
            status,
            code: code.into(),
            detail: detail.to_string(),
            errors: Vec::new(),
            retry_after_s: None,
            members: Vec::new(),
        }
    }

    kinds! {
        bad_request = 400;
        /// No credentials, or none that count.
        unauthorized = 401;
        forbidden = 403;
        /// Does not exist, or the caller may not know that it does.
        not_found = 404;
        conflict = 409;
        /// Did exist; will not come back.
        gone = 410;
        too_large = 413;
        unsupported_media_type = 415;
        /// Well formed, but wrong in what it says.
        unprocessable = 422;
        too_many_requests = 429;
        unavailable = 503;
    }

    /// Our own fault. The cause is logged, never told.
    pub fn internal() -> Self {
        Self::new(500, "internal", "the server could not do this; the request id finds the cause in its log")
    }

    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    pub fn retry_after_s(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// A further member of the body.
    pub fn member(mut self, name: &'static str, value: impl Into<serde_json::Value>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    /// The status in words (RFC 9110 §15, RFC 6585).
    pub fn title(&self) -> &'static str {
        match self.status {
            400 => "Bad Request",
            401 => "Unauthorized",
            402 => "Payment Required",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            406 => "Not Acceptable",
            408 => "Request Timeout",
            409 => "Conflict",
            410 => "Gone",
            411 => "Length Required",
            412 => "Precondition Failed",
            413 => "Content Too Large",
            414 => "URI Too Long",
            415 => "Unsupported Media Type",
            416 => "Range Not Satisfiable",
            417 => "Expectation Failed",
            421 => "Misdirected Request",
            422 => "Unprocessable Content",
            426 => "Upgrade Required",
            428 => "Precondition Required",
            429 => "Too Many Requests",
            431 => "Request Header Fields Too Large",
            500 => "Internal Server Error",
            501 => "Not Implemented",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            504 => "Gateway Timeout",
            505 => "HTTP Version Not Supported",
            507 => "Insufficient Storage",
            _ => "Error",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Problem {}

impl ToProblem for Problem {
    fn problem(&self) -> Problem {
        self.clone()
    }
}
