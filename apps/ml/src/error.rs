use kernel::{Denied, Problem, ToProblem};

use crate::model::scoring::ServingError;

/// What can go wrong, as MLflow's clients know it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// `INVALID_PARAMETER_VALUE`
    #[error("{0}")]
    Invalid(String),
    /// The same with the status 422, which OTLP's door has in MLflow.
    #[error("{0}")]
    Unfit(&'static str),
    /// `RESOURCE_DOES_NOT_EXIST`
    #[error("{0}")]
    NotFound(String),
    /// `RESOURCE_ALREADY_EXISTS`
    #[error("{0}")]
    Exists(String),
    /// `ENDPOINT_NOT_FOUND`
    #[error("{method} {path} is not among the MLflow endpoints of this server")]
    NoEndpoint { method: String, path: String },
    /// A path of MLflow's that takes another method.
    #[error("{path} does not take {method}")]
    Method { method: String, path: String },
    /// `NOT_IMPLEMENTED`
    #[error("{0}")]
    NotImplemented(&'static str),
    #[error("the artifact is larger than the {max_bytes} bytes that ml.artifact_bytes_max allows")]
    TooLarge { max_bytes: u64 },
    #[error("the body could not be read to its end: {0}")]
    Body(String),
    #[error("the range lies outside the artifact's {size_bytes} bytes")]
    Range { size_bytes: u64 },
    /// What the server says that is imported from.
    #[error("the other server: {0}")]
    Foreign(String),
    /// A file that is imported from.
    #[error("{0}")]
    Unread(String),
    /// What another part of the server says: sign-in, permissions.
    #[error("{0}")]
    Refused(Problem),
    #[error(transparent)]
    Serving(#[from] ServingError),
    #[error("could not reach the file store")]
    Storage(#[source] storage::Error),
    #[error("could not reach the database")]
    Db(#[from] db::Error),
}

impl Error {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::NotFound(message.into())
    }

    /// MLflow's name of it.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) | Self::Unfit(_) | Self::TooLarge { .. } => "INVALID_PARAMETER_VALUE",
            Self::NotFound(_) => "RESOURCE_DOES_NOT_EXIST",
            Self::Exists(_) => "RESOURCE_ALREADY_EXISTS",
            Self::NoEndpoint { .. } => "ENDPOINT_NOT_FOUND",
            Self::NotImplemented(_) => "NOT_IMPLEMENTED",
            Self::Method { .. } | Self::Body(_) | Self::Range { .. } => "BAD_REQUEST",
            Self::Foreign(_)
            | Self::Unread(_)
            | Self::Refused(_)
            | Self::Serving(_)
            | Self::Storage(_)
            | Self::Db(_) => {
                match self.problem().status {
                    400 => "BAD_REQUEST",
                    401 => "UNAUTHENTICATED",
                    402 => "RESOURCE_LIMIT_EXCEEDED",
                    403 => "PERMISSION_DENIED",
                    404 => "RESOURCE_DOES_NOT_EXIST",
                    409 => "RESOURCE_CONFLICT",
                    429 => "REQUEST_LIMIT_EXCEEDED",
                    // The client tries these again.
                    502..=504 | 507 => "TEMPORARILY_UNAVAILABLE",
                    status if status < 500 => "INVALID_PARAMETER_VALUE",
                    _ => "INTERNAL_ERROR",
                }
            }
        }
    }
}

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Self {
        match error {
            storage::Error::NotFound(_) => Self::not_found("there is no such artifact"),
            storage::Error::Key(_) => Self::invalid("Invalid path"),
            other => Self::Storage(other),
        }
    }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        Self::Refused(denied.problem())
    }
}

impl ToProblem for Error {
    fn problem(&self) -> Problem {
        match self {
            Self::Invalid(_) => Problem::bad_request("ml.invalid", self),
            Self::Unfit(_) => Problem::new(422, "ml.unfit", self),
            Self::NotFound(_) => Problem::not_found("ml.not-found", self),
            Self::Exists(_) => Problem::bad_request("ml.exists", self),
            Self::NoEndpoint { .. } => Problem::not_found("ml.no-endpoint", self),
            Self::Method { .. } => Problem::new(405, "ml.method", self),
            Self::NotImplemented(_) => Problem::new(501, "ml.not-implemented", self),
            Self::TooLarge { .. } => Problem::too_large("ml.too-large", self),
            Self::Body(_) => Problem::bad_request("ml.body", self),
            Self::Range { .. } => Problem::new(416, "ml.range", self),
            Self::Foreign(_) => Problem::new(502, "ml.foreign", self),
            Self::Unread(_) => Problem::bad_request("ml.unread", self),
            Self::Refused(problem) => problem.clone(),
            Self::Serving(source) => source.problem(),
            Self::Storage(source) => source.problem(),
            Self::Db(source) => source.problem(),
        }
    }
}
