//! What people may be allowed to do with experiments and models.

use kernel::{Permission, PermissionInfo, permission};

permission!(ReadRuns = "ml.runs.read", "See experiments, runs, logged models and their artifacts");
permission!(WriteRuns = "ml.runs.write", "Log, change, delete and restore experiments, runs and artifacts");
permission!(ReadModels = "ml.models.read", "See registered models and their versions");
permission!(
    WriteModels = "ml.models.write",
    "Register, promote, change and delete models and their versions"
);
permission!(InvokeModels = "ml.models.invoke", "Ask models for predictions");

permission!(Webhooks = "ml.webhooks.write", "See, make, change and delete webhooks by MLflow's calls");

pub(crate) const ALL: &[PermissionInfo] = &[
    ReadRuns::INFO,
    WriteRuns::INFO,
    ReadModels::INFO,
    WriteModels::INFO,
    InvokeModels::INFO,
    Webhooks::INFO,
];
