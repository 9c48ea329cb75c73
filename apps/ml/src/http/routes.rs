//! The one table of MLflow's endpoints that this server has.

use http::Method;

use super::{
    Answer, Call, artifacts, evaluation, experiments, labels, log, logged, models, older_traces, parts, runs,
    trace_file, traces, versions, webhooks,
};

/// What a caller must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Not even to say who they are.
    Nothing,
    ReadRuns,
    WriteRuns,
    ReadModels,
    WriteModels,
    Webhooks,
}

impl Needs {
    /// The permission's name.
    pub fn permission(self) -> Option<&'static str> {
        use kernel::Permission as _;

        use crate::permissions;
        Some(match self {
            Self::Nothing => return None,
            Self::ReadRuns => permissions::ReadRuns::NAME,
            Self::WriteRuns => permissions::WriteRuns::NAME,
            Self::ReadModels => permissions::ReadModels::NAME,
            Self::WriteModels => permissions::WriteModels::NAME,
            Self::Webhooks => permissions::Webhooks::NAME,
        })
    }
}

/// Where an endpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// `/api/2.0` and `/ajax-api/2.0`
    V2,
    /// `/api/3.0` and `/ajax-api/3.0`
    V3,
    /// Of the web application only: `/ajax-api/2.0` and `/ajax-api/3.0`
    Ajax,
    /// At the top.
    Root,
}

/// Below which everything is MLflow's, what is not there included.
pub(super) const BASES: [&str; 6] = [
    "/api/2.0/mlflow",
    "/api/3.0/mlflow",
    "/ajax-api/2.0/mlflow",
    "/ajax-api/3.0/mlflow",
    "/api/2.0/mlflow-artifacts",
    "/ajax-api/2.0/mlflow-artifacts",
];

/// One endpoint.
pub struct Route {
    pub method: Method,
    pub base: Base,
    /// Below the base.
    pub path: &'static str,
    pub needs: Needs,
    /// What it does, for the documentation.
    pub does: &'static str,
    /// The body is a file, read by the handler.
    pub(super) is_upload: bool,
    /// The body is read by the handler, as it is.
    pub(super) reads_body: bool,
    pub(super) handler: fn(Call) -> Answer,
}

impl Route {
    /// Everywhere that it answers, below a workspace's `/t/{workspace}` apart.
    pub fn paths(&self) -> Vec<String> {
        let bases: &[&str] = match self.base {
            Base::V2 => &["/api/2.0", "/ajax-api/2.0"],
            Base::V3 => &["/api/3.0", "/ajax-api/3.0"],
            Base::Ajax => &["/ajax-api/2.0", "/ajax-api/3.0"],
            Base::Root => &[""],
        };
        bases.iter().map(|base| format!("{base}{}", self.path)).collect()
    }
}

macro_rules! routes {
    ($($method:ident $base:ident $path:literal $needs:ident $handler:path, $does:literal $(, $flag:ident)?;)*) => {
        &[$(Route {
            method: Method::$method,
            base: Base::$base,
            path: $path,
            needs: Needs::$needs,
            does: $does,
            is_upload: routes!(@upload $($flag)?),
            reads_body: routes!(@body $($flag)?),
            handler: |call| Box::pin($handler(call)),
        }),*]
    };
    (@upload upload) => { true };
    (@upload $($other:ident)?) => { false };
    (@body body) => { true };
    (@body $($other:ident)?) => { false };
}

/// In the order of the documentation.
pub const ROUTES: &[Route] = routes! {
    GET Root "/version" Nothing nothing, "The version of MLflow that this server stands in for";
    GET V3 "/mlflow/server-info" Nothing nothing, "What the server can do";

    POST V2 "/mlflow/experiments/create" WriteRuns experiments::create, "Make an experiment";
    GET V2 "/mlflow/experiments/get" ReadRuns experiments::get, "An experiment by its id";
    GET V2 "/mlflow/experiments/get-by-name" ReadRuns experiments::get_by_name, "An experiment by its name";
    POST V2 "/mlflow/experiments/search" ReadRuns experiments::search, "Search experiments";
    GET V2 "/mlflow/experiments/search" ReadRuns experiments::search, "The same, asked by a query";
    POST V2 "/mlflow/experiments/update" WriteRuns experiments::update, "Rename an experiment";
    POST V2 "/mlflow/experiments/delete" WriteRuns experiments::delete, "Delete an experiment with its runs";
    POST V2 "/mlflow/experiments/restore" WriteRuns experiments::restore, "Bring it back";
    POST V2 "/mlflow/experiments/set-experiment-tag" WriteRuns experiments::set_tag, "Tag an experiment";
    POST V2 "/mlflow/experiments/delete-experiment-tag" WriteRuns experiments::delete_tag, "Take a tag away";
    POST V2 "/mlflow/experiments/search-datasets" ReadRuns experiments::search_datasets, "Datasets that runs read";

    POST V2 "/mlflow/runs/create" WriteRuns runs::create, "Begin a run";
    GET V2 "/mlflow/runs/get" ReadRuns runs::get, "A run with its latest metrics, params, tags, inputs and outputs";
    POST V2 "/mlflow/runs/update" WriteRuns runs::update, "Change status, end time or name";
    POST V2 "/mlflow/runs/search" ReadRuns runs::search, "Search runs";
    POST V2 "/mlflow/runs/delete" WriteRuns runs::delete, "Delete a run";
    POST V2 "/mlflow/runs/restore" WriteRuns runs::restore, "Bring it back";
    POST V2 "/mlflow/runs/log-metric" WriteRuns log::metric, "Log one value of a metric";
    POST V2 "/mlflow/runs/log-parameter" WriteRuns log::param, "Log a param";
    POST V2 "/mlflow/runs/log-batch" WriteRuns log::batch, "Log metrics, params and tags, all or nothing", body;
    POST V2 "/mlflow/runs/log-model" WriteRuns log::model, "Log a model, as clients before MLflow 3 do";
    POST V2 "/mlflow/runs/log-inputs" WriteRuns log::inputs, "Log datasets and models that a run reads";
    POST V2 "/mlflow/runs/outputs" WriteRuns log::outputs, "Log models that a run makes";
    POST V2 "/mlflow/runs/set-tag" WriteRuns log::set_tag, "Tag a run";
    POST V2 "/mlflow/runs/delete-tag" WriteRuns runs::delete_tag, "Take a tag away";
    GET V2 "/mlflow/metrics/get-history" ReadRuns runs::history, "Every value of a metric, with paging";
    GET V2 "/mlflow/metrics/get-history-bulk-interval" ReadRuns runs::history_interval,
        "Values of a metric of several runs, evenly sampled over their steps";
    GET Ajax "/mlflow/metrics/get-history-bulk" ReadRuns runs::history_bulk, "Values of a metric of several runs";

    GET V2 "/mlflow/artifacts/list" ReadRuns artifacts::list_of_run, "A folder of a run's artifacts";
    GET V2 "/mlflow-artifacts/artifacts" ReadRuns artifacts::list, "A folder of artifacts";
    GET V2 "/mlflow-artifacts/artifacts/{*path}" ReadRuns artifacts::get, "Download an artifact, whole or a range of it";
    PUT V2 "/mlflow-artifacts/artifacts/{*path}" WriteRuns artifacts::put, "Upload an artifact", upload;
    DELETE V2 "/mlflow-artifacts/artifacts/{*path}" WriteRuns artifacts::delete, "Delete an artifact or a folder";
    POST V2 "/mlflow-artifacts/mpu/{action}/{*path}" WriteRuns parts::act,
        "Begin, complete or abort an upload in parts (`create`, `complete`, `abort`)";
    PUT V2 "/mlflow-artifacts/parts/{upload_id}/{number}" WriteRuns parts::put,
        "A part of an upload, at the address that `create` gave", upload;
    GET V2 "/mlflow-artifacts/presigned/{*path}" ReadRuns parts::signed,
        "An address of the store itself, with `ml.signed_downloads` on S3; else 501, and clients download here";
    GET Root "/get-artifact" ReadRuns artifacts::of_run, "A run's artifact, for the browser";
    POST Ajax "/mlflow/upload-artifact" WriteRuns artifacts::put_of_run,
        "A small artifact of a run, from the browser", upload;

    POST V2 "/mlflow/logged-models" WriteRuns logged::create, "Begin a logged model";
    POST V2 "/mlflow/logged-models/search" ReadRuns logged::search, "Search logged models";
    GET V2 "/mlflow/logged-models/{model_id}" ReadRuns logged::get, "A logged model";
    PATCH V2 "/mlflow/logged-models/{model_id}" WriteRuns logged::finalize, "Say that it is ready, or failed";
    DELETE V2 "/mlflow/logged-models/{model_id}" WriteRuns logged::delete, "Delete a logged model";
    PATCH V2 "/mlflow/logged-models/{model_id}/tags" WriteRuns logged::set_tags, "Tag a logged model";
    DELETE V2 "/mlflow/logged-models/{model_id}/tags/{*key}" WriteRuns logged::delete_tag, "Take a tag away";
    POST V2 "/mlflow/logged-models/{model_id}/params" WriteRuns logged::log_params, "Add params";
    GET V2 "/mlflow/logged-models/{model_id}/artifacts/directories" ReadRuns artifacts::list_of_model,
        "A folder of its artifacts";
    GET Ajax "/mlflow/logged-models/{model_id}/artifacts/files" ReadRuns artifacts::of_model,
        "One of its artifacts, for the browser";

    POST Root "/v1/traces" WriteRuns traces::spans, "Spans by OpenTelemetry (OTLP over HTTP, protobuf or JSON)", body;
    POST V3 "/mlflow/traces" WriteRuns traces::start, "Tell of a trace";
    GET V3 "/mlflow/traces/get" ReadRuns traces::get, "A trace with its spans";
    GET V3 "/mlflow/traces/batchGet" ReadRuns traces::batch, "Several traces with their spans";
    POST V3 "/mlflow/traces/batchGetInfos" ReadRuns traces::batch_infos, "Several traces without their spans";
    GET Ajax "/mlflow/get-trace-artifact" ReadRuns trace_file::get, "A trace's spans as a file, or what was attached to it";
    POST V3 "/mlflow/traces/search" ReadRuns traces::search, "Search traces";
    GET V3 "/mlflow/traces/{trace_id}" ReadRuns traces::get_info, "A trace without its spans";
    POST V3 "/mlflow/traces/delete-traces" WriteRuns traces::delete, "Delete traces";
    PATCH V3 "/mlflow/traces/{trace_id}/tags" WriteRuns traces::set_tag, "Tag a trace";
    DELETE V3 "/mlflow/traces/{trace_id}/tags" WriteRuns traces::delete_tag, "Take a tag away";
    POST V3 "/mlflow/traces/{trace_id}/assessments" WriteRuns traces::create_assessment,
        "Give feedback on a trace, or say what was expected";
    GET V3 "/mlflow/traces/{trace_id}/assessments/{assessment_id}" ReadRuns traces::get_assessment, "An assessment";
    PATCH V3 "/mlflow/traces/{trace_id}/assessments/{assessment_id}" WriteRuns traces::update_assessment,
        "Change an assessment";
    DELETE V3 "/mlflow/traces/{trace_id}/assessments/{assessment_id}" WriteRuns traces::delete_assessment,
        "Delete an assessment";
    POST V2 "/mlflow/traces" WriteRuns older_traces::start, "Begin a trace, as clients before MLflow 3 do";
    GET V2 "/mlflow/traces" ReadRuns older_traces::search, "Search traces, as clients before MLflow 3 do";
    PATCH V2 "/mlflow/traces/{trace_id}" WriteRuns older_traces::end, "End a trace, as clients before MLflow 3 do";
    GET V2 "/mlflow/traces/{trace_id}/info" ReadRuns older_traces::get, "A trace, as clients before MLflow 3 read it";
    POST V2 "/mlflow/traces/delete-traces" WriteRuns traces::delete, "Delete traces";
    PATCH V2 "/mlflow/traces/{trace_id}/tags" WriteRuns traces::set_tag, "Tag a trace";
    DELETE V2 "/mlflow/traces/{trace_id}/tags" WriteRuns traces::delete_tag, "Take a tag away";
    POST V2 "/mlflow/traces/link-to-run" WriteRuns traces::link_to_run, "Say that traces belong to a run";
    POST V2 "/mlflow/traces/link-prompts" WriteRuns traces::link_prompts, "Say which prompts a trace used";

    POST V3 "/mlflow/datasets/create" WriteRuns evaluation::create, "Make an evaluation dataset";
    POST V3 "/mlflow/datasets/search" ReadRuns evaluation::search, "Search evaluation datasets";
    GET V3 "/mlflow/datasets/search" ReadRuns evaluation::search, "The same, asked by a query";
    GET V3 "/mlflow/datasets/{dataset_id}" ReadRuns evaluation::get, "An evaluation dataset";
    DELETE V3 "/mlflow/datasets/{dataset_id}" WriteRuns evaluation::delete, "Delete it with its records";
    POST V3 "/mlflow/datasets/{dataset_id}/records" WriteRuns evaluation::put_records,
        "Add records; those of the same inputs are changed";
    GET V3 "/mlflow/datasets/{dataset_id}/records" ReadRuns evaluation::records, "Its records, with paging";
    DELETE V3 "/mlflow/datasets/{dataset_id}/records" WriteRuns evaluation::delete_records, "Delete records";
    PATCH V3 "/mlflow/datasets/{dataset_id}/tags" WriteRuns evaluation::set_tags, "Tag an evaluation dataset";
    DELETE V3 "/mlflow/datasets/{dataset_id}/tags/{*key}" WriteRuns evaluation::delete_tag, "Take a tag away";
    GET V3 "/mlflow/datasets/{dataset_id}/experiment-ids" ReadRuns evaluation::experiment_ids,
        "The experiments that it is of";
    POST V3 "/mlflow/datasets/{dataset_id}/add-experiments" WriteRuns evaluation::add_experiments,
        "Say that it is of more experiments";
    POST V3 "/mlflow/datasets/{dataset_id}/remove-experiments" WriteRuns evaluation::remove_experiments,
        "Say that it is of fewer experiments";
    POST V3 "/mlflow/scorers/register" WriteRuns evaluation::register_scorer, "Keep a new version of a scorer";
    GET V3 "/mlflow/scorers/list" ReadRuns evaluation::list_scorers, "The newest version of each scorer of an experiment";
    GET V3 "/mlflow/scorers/versions" ReadRuns evaluation::scorer_versions, "All versions of a scorer";
    GET V3 "/mlflow/scorers/get" ReadRuns evaluation::get_scorer, "A scorer, the newest version or one that is named";
    DELETE V3 "/mlflow/scorers/delete" WriteRuns evaluation::delete_scorer, "Delete a scorer, or one version of it";
    POST V3 "/mlflow/label-schemas/create" WriteRuns labels::create, "Make a question for people who look at traces";
    GET V3 "/mlflow/label-schemas/get" ReadRuns labels::get, "A question";
    GET V3 "/mlflow/label-schemas/get-by-name" ReadRuns labels::get_by_name, "A question by its name";
    GET V3 "/mlflow/label-schemas/list" ReadRuns labels::list, "An experiment's questions";
    PATCH V3 "/mlflow/label-schemas/update" WriteRuns labels::update, "Change a question";
    DELETE V3 "/mlflow/label-schemas/delete" WriteRuns labels::delete, "Delete a question; answers stay";

    POST V2 "/mlflow/registered-models/create" WriteModels models::create, "Register a model";
    GET V2 "/mlflow/registered-models/get" ReadModels models::get, "A registered model";
    GET V2 "/mlflow/registered-models/search" ReadModels models::search, "Search registered models";
    POST V2 "/mlflow/registered-models/rename" WriteModels models::rename, "Rename a registered model";
    PATCH V2 "/mlflow/registered-models/update" WriteModels models::update, "Describe a registered model";
    DELETE V2 "/mlflow/registered-models/delete" WriteModels models::delete, "Delete it with its versions";
    POST V2 "/mlflow/registered-models/get-latest-versions" ReadModels models::latest_versions,
        "The newest version of each stage";
    GET V2 "/mlflow/registered-models/get-latest-versions" ReadModels models::latest_versions,
        "The same, asked by a query";
    POST V2 "/mlflow/registered-models/set-tag" WriteModels models::set_tag, "Tag a registered model";
    DELETE V2 "/mlflow/registered-models/delete-tag" WriteModels models::delete_tag, "Take a tag away";
    POST V2 "/mlflow/registered-models/alias" WriteModels models::set_alias, "Point an alias at a version";
    GET V2 "/mlflow/registered-models/alias" ReadModels models::get_by_alias, "The version that an alias points at";
    DELETE V2 "/mlflow/registered-models/alias" WriteModels models::delete_alias, "Take an alias away";

    POST V2 "/mlflow/model-versions/create" WriteModels versions::create, "Make a version of a registered model";
    GET V2 "/mlflow/model-versions/get" ReadModels versions::get, "A model version";
    GET V2 "/mlflow/model-versions/search" ReadModels versions::search, "Search model versions";
    GET Root "/model-versions/get-artifact" ReadModels artifacts::of_version,
        "An artifact of a model version, for the browser";
    GET V2 "/mlflow/model-versions/get-download-uri" ReadModels versions::download_uri, "Where its files are";
    PATCH V2 "/mlflow/model-versions/update" WriteModels versions::update, "Describe a model version";
    POST V2 "/mlflow/model-versions/transition-stage" WriteModels versions::transition, "Move it to another stage";
    DELETE V2 "/mlflow/model-versions/delete" WriteModels versions::delete, "Delete a model version";
    POST V2 "/mlflow/model-versions/set-tag" WriteModels versions::set_tag, "Tag a model version";
    DELETE V2 "/mlflow/model-versions/delete-tag" WriteModels versions::delete_tag, "Take a tag away";

    POST V2 "/mlflow/webhooks" Webhooks webhooks::create, "Make a webhook";
    GET V2 "/mlflow/webhooks" Webhooks webhooks::list, "Webhooks that clients made by these calls";
    GET V2 "/mlflow/webhooks/{webhook_id}" Webhooks webhooks::get, "A webhook";
    PATCH V2 "/mlflow/webhooks/{webhook_id}" Webhooks webhooks::update, "Change a webhook";
    DELETE V2 "/mlflow/webhooks/{webhook_id}" Webhooks webhooks::delete, "Delete a webhook";
    POST V2 "/mlflow/webhooks/{webhook_id}/test" Webhooks webhooks::test, "Send it an example now";
};

/// Never called: what needs nothing is answered before anybody is asked for.
async fn nothing(_: Call) -> Result<axum::response::Response, crate::error::Error> {
    super::wire::done()
}
