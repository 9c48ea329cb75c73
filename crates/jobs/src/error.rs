use kernel::{Problem, TaskId, ToProblem};

use crate::State;

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
    #[error("could not reach the tasks in the database")]
    Db(#[from] db::Error),
}

impl ToProblem for Error {
    fn problem(&self) -> Problem {
        match self {
            Self::NotFound(_) => Problem::not_found("jobs.not-found", self),
            Self::WrongState { .. } => Problem::conflict("jobs.wrong-state", self),
            Self::Duplicate(_) => Problem::conflict("jobs.duplicate", self),
            Self::LeaseLost(_) => Problem::conflict("jobs.lease-lost", self),
            Self::Encode { .. } => Problem::internal(),
            Self::Db(source) => source.problem(),
        }
    }
}
