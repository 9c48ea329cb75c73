//! Experiments, runs and models as values, with MLflow's rules for them. No I/O.

mod column;
mod evaluation;
pub(crate) mod filter;
mod labels;
mod names;
mod page;
mod path;
mod points;
mod random_name;
mod registry;
mod run;
pub(crate) mod scoring;
pub(crate) mod trace;
mod webhook;

pub(crate) use column::{ColumnKind, Columns};
pub(crate) use evaluation::{EvaluationSet, NewRecord, ScorerVersion, USER_TAG, empty_schema};
pub(crate) use labels::{
    DEFAULT_INSTRUCTION, DEFAULT_LABEL, Label, LabelInput, LabelKind, check_instruction, check_label_name,
};
pub(crate) use names::{
    EXPERIMENT_TAG, ITEM_KEY_CHARS_MAX, MODEL_TAG, RUN_TAG, check_alias, check_dataset,
    check_experiment_name, check_key, check_model_name, check_param, check_run_id, check_tag,
};
pub(crate) use page::{Page, Place, offset_of, offset_token};
pub(crate) use path::{ArtifactPath, artifact_root, join_uri, unescaped};
pub(crate) use points::{Point, apart, history, latest, pack, pack_with, sampled};
pub(crate) use random_name::random_name;
pub(crate) use registry::{
    Alias, LoggedMetric, LoggedModel, LoggedStatus, PROMPT_TAG, RegisteredModel, Stage, Version, check_source,
};
pub(crate) use run::{
    DatasetInput, Experiment, Lifecycle, Metric, ModelOutput, Pair, Run, RunInfo, RunStatus,
};
pub(crate) use webhook::{HookEvent, Webhook, check_hook_name, hook_signature};

/// The tag that holds a run's name.
pub(crate) const RUN_NAME_TAG: &str = "mlflow.runName";
/// The tag in which clients before MLflow 3 say which models a run logged.
pub(crate) const HISTORY_TAG: &str = "mlflow.log-model.history";
