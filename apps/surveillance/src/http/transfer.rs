use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::header;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Allowed, Json, TypedBody};

use crate::{
    error::Error,
    permissions::{ReadCameras, WriteCameras},
    service::Sentinel,
};

/// All cameras as `cameras.yaml`, credentials hidden.
#[utoipa::path(get, path = "/api/v1/surveillance/cameras.yaml", tag = "surveillance", operation_id = "export_cameras",
    responses((status = 200, body = Object, content_type = "application/yaml")))]
pub(super) async fn export(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<ReadCameras>,
) -> web::Result<Response> {
    let text = sentinel.export_cameras(&allow).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/yaml"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"cameras.yaml\""),
    ];
    Ok((headers, text).into_response())
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImportResult {
    created: u64,
    updated: u64,
    unchanged: u64,
}

/// Takes `cameras.yaml` in, all or nothing. Cameras are matched by name; those not named stay.
#[utoipa::path(post, path = "/api/v1/surveillance/cameras.yaml", tag = "surveillance", operation_id = "import_cameras",
    request_body(content = String, content_type = "application/yaml"), responses((status = 200, body = ImportResult)))]
pub(super) async fn import(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<WriteCameras>,
    body: TypedBody,
) -> web::Result<Json<ImportResult>> {
    if !["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"]
        .contains(&body.content_type.as_str())
    {
        return Err(body.unsupported("application/yaml"));
    }
    let text = std::str::from_utf8(&body.bytes)
        .map_err(|_| Error::CamerasFile("it is not UTF-8 text".to_owned()))?;
    let done = sentinel.import_cameras(&allow, text).await?;
    Ok(Json(ImportResult { created: done.created, updated: done.updated, unchanged: done.unchanged }))
}
