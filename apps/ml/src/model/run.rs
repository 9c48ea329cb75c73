use crate::error::Error;

/// A key with its value: a tag or a param.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// `id` is the row's own, and never leaves the server; callers know the number.
#[derive(Debug, Clone)]
pub(crate) struct Experiment {
    pub(crate) id: i64,
    pub(crate) number: i64,
    pub(crate) name: String,
    pub(crate) artifact_location: String,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) is_deleted: bool,
    pub(crate) tags: Vec<Pair>,
}

impl Experiment {
    pub(crate) fn check_active(&self) -> Result<(), Error> {
        if self.is_deleted {
            return Err(Error::invalid(format!(
                "The experiment {} must be in the 'active' state. Current state is deleted.",
                self.number
            )));
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunStatus {
    Running,
    Scheduled,
    Finished,
    Failed,
    Killed,
}

impl RunStatus {
    const ALL: [Self; 5] = [Self::Running, Self::Scheduled, Self::Finished, Self::Failed, Self::Killed];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Scheduled => "SCHEDULED",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
        }
    }

    /// Whether the run has ended.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Killed)
    }

    /// By its name, or by its number on the wire.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .enumerate()
            .find_map(|(at, status)| (status.name() == text || text.parse() == Ok(at + 1)).then_some(status))
    }
}

#[derive(Debug, Clone)]
pub(crate) struct RunInfo {
    pub(crate) id: i64,
    pub(crate) run_id: String,
    /// The experiment's row.
    pub(crate) experiment: i64,
    /// The experiment's number.
    pub(crate) number: i64,
    pub(crate) name: String,
    pub(crate) user_id: Option<String>,
    pub(crate) status: String,
    pub(crate) start_ms: i64,
    pub(crate) end_ms: Option<i64>,
    pub(crate) artifact_uri: String,
    pub(crate) is_deleted: bool,
}

impl RunInfo {
    pub(crate) fn check_active(&self) -> Result<(), Error> {
        if self.is_deleted {
            return Err(Error::invalid(format!(
                "The run {} must be in the 'active' state. Current state is deleted.",
                self.run_id
            )));
        }
        Ok(())
    }
}

/// A run with all that belongs to it.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) info: RunInfo,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) params: Vec<Pair>,
    pub(crate) tags: Vec<Pair>,
    pub(crate) datasets: Vec<DatasetInput>,
    pub(crate) model_inputs: Vec<String>,
    pub(crate) model_outputs: Vec<ModelOutput>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Metric {
    pub(crate) key: String,
    pub(crate) value: f64,
    pub(crate) at_ms: i64,
    pub(crate) step: i64,
    /// The logged model that it is of, if it is of one, and the dataset that it was found on.
    pub(crate) model_id: Option<String>,
    pub(crate) dataset_name: Option<String>,
    pub(crate) dataset_digest: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelOutput {
    pub(crate) model_id: String,
    pub(crate) step: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DatasetInput {
    pub(crate) name: String,
    pub(crate) digest: String,
    pub(crate) source_type: String,
    pub(crate) source: String,
    pub(crate) schema: Option<String>,
    pub(crate) profile: Option<String>,
    pub(crate) tags: Vec<Pair>,
}

/// Which of the living and the deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Lifecycle {
    #[default]
    Active,
    Deleted,
    All,
}

impl Lifecycle {
    /// As `ViewType` on the wire, by name or number.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "ACTIVE_ONLY" | "1" => Self::Active,
            "DELETED_ONLY" | "2" => Self::Deleted,
            "ALL" | "3" => Self::All,
            _ => return None,
        })
    }
}
