use std::{fmt, str::FromStr, time::Duration};

use kernel::{FieldError, Problem, TaskId, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::Config;

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// Never begun, or given back by a stopping worker before its first attempt ended.
    Pending,
    Running,
    /// Waits for its next attempt.
    Retrying,
    Succeeded,
    Failed,
    Cancelled,
}

impl State {
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Running, Self::Retrying, Self::Succeeded, Self::Failed, Self::Cancelled];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Retrying => "RETRYING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// No more attempts, unless somebody asks for a retry.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the state of a task")]
pub struct StateError(String);

impl FromStr for State {
    type Err = StateError;

    fn from_str(text: &str) -> Result<Self, StateError> {
        Self::ALL.into_iter().find(|state| state.name() == text).ok_or_else(|| StateError(text.to_owned()))
    }
}

/// Which of the due tasks of a queue runs first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    High,
    #[default]
    Normal,
    Low,
}

impl Priority {
    pub(crate) fn number(self) -> i64 {
        self as i64
    }

    pub(crate) fn from_number(number: i64) -> Self {
        match number {
            ..=0 => Self::High,
            1 => Self::Normal,
            2.. => Self::Low,
        }
    }
}

/// How the tasks of one kind run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Default `default`.
    pub queue: &'static str,
    pub priority: Priority,
    /// Failed attempts before the task is `FAILED`. Default 5. What a dying worker cuts short does not count.
    pub max_attempts: u32,
    /// How long one attempt may take. Default 600 s.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            queue: "default",
            priority: Priority::Normal,
            max_attempts: 5,
            timeout: Duration::from_secs(600),
        }
    }
}

/// What one call of `enqueue_with` wants otherwise than the kind's [`Options`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Enqueue {
    /// Not before this much time has passed.
    pub delay: Duration,
    /// While an unfinished task of this kind and key is in the workspace, no second one is made.
    pub unique_key: Option<String>,
    pub priority: Option<Priority>,
}

/// A task as its owner sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    pub id: TaskId,
    pub workspace: WorkspaceId,
    pub kind: String,
    pub queue: String,
    pub priority: Priority,
    pub state: State,
    /// Percent, 0 to 100.
    pub progress: u8,
    pub message: Option<String>,
    /// What the handler gave, once the task has succeeded.
    pub result: Option<serde_json::Value>,
    /// Why it failed, in words for callers.
    pub problem: Option<Problem>,
    /// The last attempt's failure as it was, for operators only.
    pub error: Option<String>,
    pub attempt: u32,
    pub max_attempts: u32,
    pub cancel_requested: bool,
    /// Who asked for it, as text.
    pub actor: String,
    pub request_id: String,
    pub created_at: Timestamp,
    pub run_at: Timestamp,
    /// Begin of the last attempt.
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

/// Which tasks of a workspace to list. Empty means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    pub states: Vec<State>,
    pub kind: Option<String>,
    pub queue: Option<String>,
}

/// A page of tasks, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskList {
    pub items: Vec<Task>,
    /// Tasks that fit the filter, on all pages; at [`COUNTED_MAX`](Self::COUNTED_MAX) there may be more.
    pub total: u64,
}

impl TaskList {
    /// Tasks are counted so far: to count a million for every page would cost more than the page.
    pub const COUNTED_MAX: u64 = 10_000;
}

/// What is done to many tasks at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steer {
    Retry,
    Cancel,
    Discard,
}

impl Steer {
    /// The states of the tasks to which it can be done.
    pub fn states(self) -> &'static [State] {
        match self {
            Self::Retry => &[State::Failed, State::Cancelled],
            Self::Cancel => &[State::Pending, State::Retrying, State::Running],
            Self::Discard => {
                &[State::Pending, State::Retrying, State::Succeeded, State::Failed, State::Cancelled]
            }
        }
    }
}

/// What became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Steered {
    pub done: u64,
    /// Not retried, since a task with the same unique key is under way; or no longer in a fit state.
    pub left_out: u64,
}

/// One queue, over all workspaces and machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueState {
    pub name: String,
    pub is_paused: bool,
    /// Tasks of it that this process would run at a time, by its settings; 0 if it does not work the queue.
    pub slots: u32,
    /// Due, or waiting for their time.
    pub waiting: u64,
    pub running: u64,
    pub failed: u64,
    /// For how long the first task in line has been due; `None` if none is.
    pub oldest_waiting: Option<Duration>,
}

impl QueueState {
    pub(crate) fn new(name: &str, slots: u32) -> Self {
        Self {
            name: name.to_owned(),
            is_paused: false,
            slots,
            waiting: 0,
            running: 0,
            failed: 0,
            oldest_waiting: None,
        }
    }
}

/// One step in a task's life, told to listeners by the process that made it, after it is in the database.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskChange {
    pub task: TaskId,
    pub workspace: WorkspaceId,
    pub kind: String,
    pub state: State,
    /// Percent, 0 to 100.
    pub progress: u8,
    pub message: Option<String>,
    pub attempt: u32,
}

/// Wait after failed attempt number `attempt` (from 1): doubled each time up to the maximum, less up to half by chance,
/// so that tasks that failed together do not come back together. The chance comes from the random part of the task's id.
pub(crate) fn backoff(config: &Config, task: TaskId, attempt: u32) -> Duration {
    let doublings = attempt.saturating_sub(1).min(32);
    let full = config.backoff_min_ms.saturating_mul(1 << doublings).min(config.backoff_max_ms);
    // SplitMix64 (Steele, Lea, Flood 2014) as the mixer.
    let mut bits =
        (task.uuid().as_u128() as u64).wrapping_add(u64::from(attempt).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    Duration::from_millis(full - bits % (full / 2 + 1))
}

/// A [`Problem`] as it is kept in the database.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredProblem {
    status: u16,
    code: String,
    detail: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    errors: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
}

impl From<&Problem> for StoredProblem {
    fn from(problem: &Problem) -> Self {
        Self {
            status: problem.status,
            code: problem.code.to_string(),
            detail: problem.detail.clone(),
            errors: problem
                .errors
                .iter()
                .map(|error| (error.pointer.clone(), error.detail.clone()))
                .collect(),
            retry_after_s: problem.retry_after_s,
        }
    }
}

impl From<StoredProblem> for Problem {
    fn from(stored: StoredProblem) -> Self {
        let errors =
            stored.errors.into_iter().map(|(pointer, detail)| FieldError { pointer, detail }).collect();
        let mut problem = Problem::new(stored.status, stored.code, stored.detail).with_errors(errors);
        problem.retry_after_s = stored.retry_after_s;
        problem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_round_trip_as_text() {
        for state in State::ALL {
            assert_eq!(state.name().parse(), Ok(state));
        }
        assert!("pending".parse::<State>().is_err());
    }

    #[test]
    fn backoff_doubles_within_its_bounds_and_spreads() {
        let config = Config { backoff_min_ms: 1_000, backoff_max_ms: 60_000, ..Config::default() };
        let mut seen = std::collections::BTreeSet::new();
        for number in 0..200u32 {
            let task = TaskId::new(Timestamp::from_second(1_700_000_000 + i64::from(number)).unwrap());
            for (attempt, full) in [(1, 1_000), (2, 2_000), (6, 32_000), (7, 60_000), (1_000, 60_000)] {
                let wait = backoff(&config, task, attempt).as_millis();
                assert!((full / 2..=full).contains(&wait), "attempt {attempt}: {wait} ms");
            }
            seen.insert(backoff(&config, task, 6));
        }
        assert!(seen.len() > 150, "{} different waits", seen.len());
    }

    #[test]
    fn problems_survive_storage() {
        let problem = Problem::unprocessable("lofi.bad-tempo", "no such tempo")
            .with_errors(vec![FieldError::new("/tempo", "must be 60 to 100")])
            .retry_after_s(3);
        let text = serde_json::to_string(&StoredProblem::from(&problem)).unwrap();
        assert_eq!(Problem::from(serde_json::from_str::<StoredProblem>(&text).unwrap()), problem);
    }
}
