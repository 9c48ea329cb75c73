//! Asking a model: what MLflow's scoring servers take and give, as values. A body becomes [`Asked`], the model's file
//! `MLmodel` becomes [`Described`]; [`feed`] holds one against the other, and [`answer`] writes what came out.

mod answer;
mod cells;
mod feed;
mod request;
mod signature;

use kernel::{FieldError, Problem, ToProblem};
use serde::{Deserialize, Serialize};

pub(crate) use answer::answer;
pub(crate) use feed::feed;
pub(crate) use request::{Asked, read_csv, read_json};
pub(crate) use signature::{Described, Field, Schema};

/// Why there are no predictions.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
pub(crate) enum ServingError {
    /// What was sent does not fit the model; never empty.
    #[error("{}", faults(.0))]
    Input(#[serde(with = "as_pairs")] Vec<FieldError>),
    #[error("a call may have {max} rows at most (ml.serving_rows_max), and this one has {rows}")]
    Rows { rows: usize, max: usize },
    /// The model itself, or where it is.
    #[error("{0}")]
    NotServable(String),
    #[error("the model could not make anything of these rows: {0}")]
    Failed(String),
    #[error("too many calls wait for their turn already")]
    Busy,
    #[error("the answer was not there after {seconds} s (ml.serving_timeout_s)")]
    Timeout { seconds: u32 },
}

fn faults(list: &[FieldError]) -> String {
    let first = list.first().map_or("the input does not fit", |fault| &fault.detail);
    match list.len() {
        0 | 1 => first.to_owned(),
        count => format!("{first} (and {} more faults)", count - 1),
    }
}

/// Faults on their way from the process that found them.
mod as_pairs {
    use kernel::FieldError;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(faults: &[FieldError], to: S) -> Result<S::Ok, S::Error> {
        let pairs: Vec<_> = faults.iter().map(|fault| (&fault.pointer, &fault.detail)).collect();
        pairs.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<FieldError>, D::Error> {
        let pairs = Vec::<(String, String)>::deserialize(from)?;
        Ok(pairs.into_iter().map(|(pointer, detail)| FieldError { pointer, detail }).collect())
    }
}

impl ServingError {
    pub(crate) fn input(pointer: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self::Input(vec![FieldError::new(pointer, detail)])
    }

    /// What became of a call, for metrics.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::Input(_) | Self::Rows { .. } => "refused",
            Self::NotServable(_) => "not_servable",
            Self::Failed(_) => "failed",
            Self::Busy => "busy",
            Self::Timeout { .. } => "timeout",
        }
    }
}

impl ToProblem for ServingError {
    fn problem(&self) -> Problem {
        match self {
            Self::Input(faults) => Problem::bad_request("ml.invalid-input", self).with_errors(faults.clone()),
            Self::Rows { .. } => Problem::too_large("ml.too-many-rows", self),
            Self::NotServable(_) => Problem::conflict("ml.not-servable", self),
            Self::Failed(_) => Problem::unprocessable("ml.prediction-failed", self),
            Self::Busy => Problem::unavailable("ml.busy", self).retry_after_s(1),
            Self::Timeout { .. } => Problem::new(504, "ml.timeout", self),
        }
    }
}
