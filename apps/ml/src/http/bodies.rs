//! Answers as protobuf's JSON has them: unset fields are left out, ids of experiments and versions are texts.

use serde::{Serialize, Serializer};

use crate::model::{
    Alias, DatasetInput, Experiment, LoggedMetric, LoggedModel, LoggedStatus, Metric, Pair, Point,
    RegisteredModel, Run, RunInfo, Version,
};

fn stage(is_deleted: bool) -> &'static str {
    if is_deleted { "deleted" } else { "active" }
}

#[derive(Serialize)]
pub(super) struct PairBody<'m> {
    key: &'m str,
    value: &'m str,
}

fn pairs(pairs: &[Pair]) -> Vec<PairBody<'_>> {
    pairs.iter().map(|pair| PairBody { key: &pair.key, value: &pair.value }).collect()
}

#[derive(Serialize)]
pub(super) struct ExperimentBody<'m> {
    experiment_id: String,
    name: &'m str,
    artifact_location: &'m str,
    lifecycle_stage: &'static str,
    last_update_time: i64,
    creation_time: i64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<PairBody<'m>>,
}

impl<'m> From<&'m Experiment> for ExperimentBody<'m> {
    fn from(experiment: &'m Experiment) -> Self {
        Self {
            experiment_id: experiment.number.to_string(),
            name: &experiment.name,
            artifact_location: &experiment.artifact_location,
            lifecycle_stage: stage(experiment.is_deleted),
            last_update_time: experiment.updated_ms,
            creation_time: experiment.created_ms,
            tags: pairs(&experiment.tags),
        }
    }
}

#[derive(Serialize)]
pub(super) struct RunInfoBody<'m> {
    run_uuid: &'m str,
    experiment_id: String,
    run_name: &'m str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'m str>,
    status: &'m str,
    start_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<i64>,
    artifact_uri: &'m str,
    lifecycle_stage: &'static str,
    run_id: &'m str,
}

impl<'m> From<&'m RunInfo> for RunInfoBody<'m> {
    fn from(run: &'m RunInfo) -> Self {
        Self {
            run_uuid: &run.run_id,
            experiment_id: run.number.to_string(),
            run_name: &run.name,
            user_id: run.user_id.as_deref(),
            status: &run.status,
            start_time: run.start_ms,
            end_time: run.end_ms,
            artifact_uri: &run.artifact_uri,
            lifecycle_stage: stage(run.is_deleted),
            run_id: &run.run_id,
        }
    }
}

/// JSON has no NaN; protobuf writes it as a text.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn float<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_nan() { serializer.serialize_str("NaN") } else { serializer.serialize_f64(*value) }
}

#[derive(Serialize)]
pub(super) struct MetricBody<'m> {
    key: &'m str,
    #[serde(serialize_with = "float")]
    value: f64,
    timestamp: i64,
    step: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset_name: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset_digest: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_id: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<&'m str>,
}

impl<'m> MetricBody<'m> {
    pub(super) fn of_point(key: &'m str, point: &Point, run_id: Option<&'m str>) -> Self {
        Self {
            key,
            value: point.value,
            timestamp: point.at_ms,
            step: point.step,
            dataset_name: None,
            dataset_digest: None,
            model_id: None,
            run_id,
        }
    }
}

impl<'m> From<&'m Metric> for MetricBody<'m> {
    fn from(metric: &'m Metric) -> Self {
        Self {
            key: &metric.key,
            value: metric.value,
            timestamp: metric.at_ms,
            step: metric.step,
            dataset_name: metric.dataset_name.as_deref(),
            dataset_digest: metric.dataset_digest.as_deref(),
            model_id: metric.model_id.as_deref(),
            run_id: None,
        }
    }
}

#[derive(Serialize)]
struct DataBody<'m> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<MetricBody<'m>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    params: Vec<PairBody<'m>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<PairBody<'m>>,
}

#[derive(Serialize)]
struct DatasetBody<'m> {
    name: &'m str,
    digest: &'m str,
    source_type: &'m str,
    source: &'m str,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'m str>,
}

#[derive(Serialize)]
struct DatasetInputBody<'m> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<PairBody<'m>>,
    dataset: DatasetBody<'m>,
}

impl<'m> From<&'m DatasetInput> for DatasetInputBody<'m> {
    fn from(input: &'m DatasetInput) -> Self {
        Self {
            tags: pairs(&input.tags),
            dataset: DatasetBody {
                name: &input.name,
                digest: &input.digest,
                source_type: &input.source_type,
                source: &input.source,
                schema: input.schema.as_deref(),
                profile: input.profile.as_deref(),
            },
        }
    }
}

#[derive(Serialize)]
struct ModelInputBody<'m> {
    model_id: &'m str,
}

#[derive(Serialize)]
struct ModelOutputBody<'m> {
    model_id: &'m str,
    step: i64,
}

#[derive(Serialize)]
struct InputsBody<'m> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dataset_inputs: Vec<DatasetInputBody<'m>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    model_inputs: Vec<ModelInputBody<'m>>,
}

#[derive(Serialize)]
struct OutputsBody<'m> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    model_outputs: Vec<ModelOutputBody<'m>>,
}

#[derive(Serialize)]
pub(super) struct RunBody<'m> {
    info: RunInfoBody<'m>,
    data: DataBody<'m>,
    inputs: InputsBody<'m>,
    outputs: OutputsBody<'m>,
}

impl<'m> From<&'m Run> for RunBody<'m> {
    fn from(run: &'m Run) -> Self {
        let output = |output: &'m crate::model::ModelOutput| ModelOutputBody {
            model_id: &output.model_id,
            step: output.step,
        };
        Self {
            info: (&run.info).into(),
            data: DataBody {
                metrics: run.metrics.iter().map(MetricBody::from).collect(),
                params: pairs(&run.params),
                tags: pairs(&run.tags),
            },
            inputs: InputsBody {
                dataset_inputs: run.datasets.iter().map(DatasetInputBody::from).collect(),
                model_inputs: run.model_inputs.iter().map(|model_id| ModelInputBody { model_id }).collect(),
            },
            outputs: OutputsBody { model_outputs: run.model_outputs.iter().map(output).collect() },
        }
    }
}

#[derive(Serialize)]
struct RegistrationBody<'m> {
    name: &'m str,
    version: String,
}

#[derive(Serialize)]
struct LoggedInfoBody<'m> {
    model_id: &'m str,
    experiment_id: String,
    name: &'m str,
    creation_timestamp_ms: i64,
    last_updated_timestamp_ms: i64,
    artifact_uri: &'m str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_type: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_run_id: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_message: Option<&'m str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<PairBody<'m>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    registrations: Vec<RegistrationBody<'m>>,
}

#[derive(Serialize)]
struct LoggedDataBody<'m> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    params: Vec<PairBody<'m>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<MetricBody<'m>>,
}

#[derive(Serialize)]
pub(super) struct LoggedModelBody<'m> {
    info: LoggedInfoBody<'m>,
    data: LoggedDataBody<'m>,
}

impl<'m> From<&'m LoggedModel> for LoggedModelBody<'m> {
    fn from(model: &'m LoggedModel) -> Self {
        let metric = |logged: &'m LoggedMetric| MetricBody {
            run_id: Some(&logged.run_id),
            ..MetricBody::from(&logged.metric)
        };
        let status = LoggedStatus::parse(&model.status);
        Self {
            info: LoggedInfoBody {
                model_id: &model.model_id,
                experiment_id: model.number.to_string(),
                name: &model.name,
                creation_timestamp_ms: model.created_ms,
                last_updated_timestamp_ms: model.updated_ms,
                artifact_uri: &model.artifact_location,
                status: status.map_or("LOGGED_MODEL_STATUS_UNSPECIFIED", LoggedStatus::wire),
                model_type: model.model_type.as_deref(),
                source_run_id: model.source_run_id.as_deref(),
                status_message: model.status_message.as_deref(),
                tags: pairs(&model.tags),
                registrations: model
                    .registrations
                    .iter()
                    .map(|(name, version)| RegistrationBody { name, version: version.to_string() })
                    .collect(),
            },
            data: LoggedDataBody {
                params: pairs(&model.params),
                metrics: model.metrics.iter().map(metric).collect(),
            },
        }
    }
}

#[derive(Serialize)]
pub(super) struct VersionBody<'m> {
    name: &'m str,
    version: String,
    creation_timestamp: i64,
    last_updated_timestamp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'m str>,
    current_stage: &'m str,
    description: &'m str,
    source: &'m str,
    run_id: &'m str,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<PairBody<'m>>,
    run_link: &'m str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_id: Option<&'m str>,
}

impl<'m> From<&'m Version> for VersionBody<'m> {
    fn from(version: &'m Version) -> Self {
        Self {
            name: &version.name,
            version: version.version.to_string(),
            creation_timestamp: version.created_ms,
            last_updated_timestamp: version.updated_ms,
            user_id: version.user_id.as_deref(),
            current_stage: &version.stage,
            description: version.description.as_deref().unwrap_or(""),
            source: &version.source,
            run_id: version.run_id.as_deref().unwrap_or(""),
            status: "READY",
            tags: pairs(&version.tags),
            run_link: version.run_link.as_deref().unwrap_or(""),
            aliases: version.aliases.iter().map(String::as_str).collect(),
            model_id: version.logged_model.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct AliasBody<'m> {
    alias: &'m str,
    version: String,
}

impl<'m> From<&'m Alias> for AliasBody<'m> {
    fn from(alias: &'m Alias) -> Self {
        Self { alias: &alias.alias, version: alias.version.to_string() }
    }
}

#[derive(Serialize)]
pub(super) struct RegisteredModelBody<'m> {
    name: &'m str,
    creation_timestamp: i64,
    last_updated_timestamp: i64,
    description: &'m str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    latest_versions: Vec<VersionBody<'m>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<PairBody<'m>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<AliasBody<'m>>,
}

impl<'m> From<&'m RegisteredModel> for RegisteredModelBody<'m> {
    fn from(model: &'m RegisteredModel) -> Self {
        Self {
            name: &model.name,
            creation_timestamp: model.created_ms,
            last_updated_timestamp: model.updated_ms,
            description: model.description.as_deref().unwrap_or(""),
            latest_versions: model.latest.iter().map(VersionBody::from).collect(),
            tags: pairs(&model.tags),
            aliases: model.aliases.iter().map(AliasBody::from).collect(),
        }
    }
}
