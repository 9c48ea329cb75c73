use kernel::{FieldError, Problem, TaskId, ToProblem};

use crate::{RuleError, State};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with a task from outside.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("task {0} does not exist")]
    NotFound(TaskId),
    /// The verb does not fit the state, for example a retry of what runs.
    #[error("task {task} is {state}, so it cannot be {verb}")]
    WrongState { task: TaskId, state: State, verb: &'static str },
    #[error("another task with the same unique key is under way, so task {0} cannot run again")]
    Duplicate(TaskId),
    /// Another worker has the task now, or it was cancelled or finished: what this attempt does no longer counts.
    #[error("task {0} is no longer held by this attempt")]
    LeaseLost(TaskId),
    #[error("could not write the arguments of a {kind} task as JSON")]
    Encode {
        kind: &'static str,
        #[source]
        source: serde_json::Error,
    },
    #[error(
        "the arguments of a {kind} task take {size} bytes, and {limit} are allowed: pass ids rather than data"
    )]
    ArgsTooLarge { kind: &'static str, size: usize, limit: usize },
    #[error("there is no queue {0}")]
    NoQueue(String),
    #[error("there is no schedule {0}")]
    NoSchedule(String),
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// Whoever watches over what people may order said no.
    #[error("{0}")]
    Refused(kernel::Problem),
    #[error("the worker has stopped")]
    Stopped,
    #[error("could not reach the tasks in the database")]
    Db(#[from] db::Error),
}

impl ToProblem for Error {
    fn problem(&self) -> Problem {
        match self {
            Self::NotFound(_) => Problem::not_found("jobs.not-found", self),
            Self::WrongState { .. } => Problem::conflict("jobs.wrong-state", self),
            Self::Refused(problem) => problem.clone(),
            Self::Duplicate(_) => Problem::conflict("jobs.duplicate", self),
            Self::LeaseLost(_) => Problem::conflict("jobs.lease-lost", self),
            Self::Encode { .. } | Self::Stopped => Problem::internal(),
            Self::ArgsTooLarge { .. } => Problem::too_large("jobs.arguments-too-large", self),
            Self::NoQueue(_) => Problem::not_found("jobs.no-queue", self),
            Self::NoSchedule(_) => Problem::not_found("jobs.no-schedule", self),
            Self::Rule(error) => {
                let pointer = match error {
                    RuleError::Cron { .. } | RuleError::Never(_) => "/cron",
                    RuleError::TimeZone(_) => "/time_zone",
                    RuleError::CatchUp(_) => "/catch_up",
                };
                let fault = FieldError::new(pointer, error.to_string());
                Problem::unprocessable("jobs.bad-schedule", "the schedule cannot be kept")
                    .with_errors(vec![fault])
            }
            Self::Db(source) => source.problem(),
        }
    }
}
