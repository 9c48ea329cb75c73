use kernel::{Problem, TaskId, ToProblem};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("task {0} does not exist")]
    NotFound(TaskId),
    #[error("the cache holds nothing at {key:?} in {namespace:?}")]
    NotCached { namespace: String, key: String },
    #[error("the cache has no namespace {0:?}")]
    NoNamespace(String),
    #[error(transparent)]
    Denied(#[from] kernel::Denied),
    #[error(transparent)]
    Jobs(#[from] jobs::Error),
    #[error(transparent)]
    Settings(#[from] settings::Error),
    #[error("metrics are told to those who show http.metrics_token as a bearer token")]
    MetricsToken,
    #[error("the tasks could not be read")]
    Db(#[from] db::Error),
}

impl ToProblem for Error {
    fn problem(&self) -> Problem {
        match self {
            Self::NotFound(_) => Problem::not_found("admin.task-not-found", self),
            Self::Denied(error) => error.problem(),
            Self::MetricsToken => Problem::unauthorized("admin.metrics-token", self),
            Self::NotCached { .. } | Self::NoNamespace(_) => Problem::not_found("admin.not-cached", self),
            Self::Jobs(error) => error.problem(),
            Self::Settings(error) => error.problem(),
            Self::Db(error) => error.problem(),
        }
    }
}
