use kernel::{FieldError, Problem, ToProblem};

use crate::ChangeId;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no setting {key}{}", hint(.nearest))]
    Unknown { key: String, nearest: Vec<&'static str> },
    #[error("{key} {reason}")]
    Invalid { key: &'static str, reason: String },
    #[error("change {0} does not exist")]
    NoChange(ChangeId),
    #[error("change {0} is undone already")]
    AlreadyUndone(ChangeId),
    #[error("{key} was changed again since {change}; undo the later change first, or force it")]
    ChangedSince { key: String, change: ChangeId },
    #[error("the settings could not be read or written")]
    Db(#[from] db::Error),
}

fn hint(nearest: &[&str]) -> String {
    if nearest.is_empty() { String::new() } else { format!("; did you mean {}?", nearest.join(" or ")) }
}

impl ToProblem for Error {
    fn problem(&self) -> Problem {
        match self {
            Self::Unknown { .. } => Problem::not_found("settings.not-found", self),
            Self::Invalid { reason, .. } => Problem::unprocessable("settings.invalid-value", self)
                .with_errors(vec![FieldError::new("/value", reason)]),
            Self::NoChange(_) => Problem::not_found("settings.change-not-found", self),
            Self::AlreadyUndone(_) => Problem::conflict("settings.already-undone", self),
            Self::ChangedSince { .. } => Problem::conflict("settings.changed-since", self),
            Self::Db(error) => error.problem(),
        }
    }
}
