//! What clients ask before they show who they are.

use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::wire::reply;
use crate::error::Error;

/// The version of MLflow whose server this stands in for.
pub const MLFLOW: &str = "3.17.2";

pub(super) fn answer(path: &str, signs_downloads: bool) -> Result<Response, Error> {
    if path == "/version" {
        return Ok(MLFLOW.into_response());
    }
    reply(&json!({
        "store_type": "SqlStore",
        "workspaces_enabled": false,
        "trace_archival_enabled": false,
        "multipart_uploads_enabled": true,
        "multipart_downloads_enabled": signs_downloads,
        "presigned_upload_run_id_supported": false,
        "presigned_upload_model_id_supported": false,
        "features_enabled": {},
    }))
}
