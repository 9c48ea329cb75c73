use axum::extract::State;
use base64::Engine as _;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Json, Page, PageQuery, Path, Query};

use super::bodies::{CameraBody, CameraInput, CameraPatchBody, SourceBody};
use crate::{
    model::{CameraDraft, CameraId, CameraPatch, ZoneDraft},
    permissions::{ReadCameras, WriteCameras},
    service::{Sentinel, Tested},
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Listing {
    page: Option<u32>,
    page_size: Option<u32>,
    /// `true`: those that were removed and can be restored, the last first.
    deleted: Option<bool>,
}

/// The workspace's cameras by name.
#[utoipa::path(get, path = "/api/v1/surveillance/cameras", tag = "surveillance", operation_id = "list_cameras",
    params(Listing), responses((status = 200, body = Page<CameraBody>)))]
pub(super) async fn list(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<ReadCameras>,
    Query(query): Query<Listing>,
) -> web::Result<Json<Page<CameraBody>>> {
    let page = PageQuery::parse(query.page, query.page_size)?;
    Ok(Json(
        sentinel
            .list_cameras(&allow, page, query.deleted.unwrap_or(false))
            .await?
            .map(|found| CameraBody::new(found, allow.now)),
    ))
}

/// Adds a camera; it starts at once if it is enabled.
#[utoipa::path(post, path = "/api/v1/surveillance/cameras", tag = "surveillance", operation_id = "create_camera",
    request_body = CameraInput, responses((status = 201, body = CameraBody)))]
pub(super) async fn create(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<WriteCameras>,
    Json(input): Json<CameraInput>,
) -> web::Result<(StatusCode, Json<CameraBody>)> {
    let draft = CameraDraft {
        name: input.name,
        source: input.source.parse()?,
        fps: input.fps.unwrap_or(crate::model::FPS_DEFAULT),
        width: input.width,
        height: input.height,
        enabled: input.enabled,
        record: input.record,
        detection: input.detection,
    };
    let created = sentinel.create_camera(&allow, draft, input.zones).await?;
    Ok((StatusCode::CREATED, Json(CameraBody::new(created, allow.now))))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SourceTest)]
pub(super) struct TestInput {
    source: SourceBody,
}

/// What the test of a source found: `ok` with what it is, or `error` with a `hint`.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = SourceTestResult)]
pub(super) struct TestResult {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fps: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    codec: Option<String>,
    /// `data:image/jpeg;base64,…`
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// Tries a source for up to 8 seconds without keeping anything.
#[utoipa::path(post, path = "/api/v1/surveillance/cameras/test", tag = "surveillance", operation_id = "test_camera",
    request_body = TestInput, responses((status = 200, body = TestResult)))]
pub(super) async fn test(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<WriteCameras>,
    Json(input): Json<TestInput>,
) -> web::Result<Json<TestResult>> {
    Ok(Json(match sentinel.test_source(&allow, input.source.parse()?).await? {
        Tested::Works(probe) => {
            let picture = base64::engine::general_purpose::STANDARD.encode(&probe.picture);
            TestResult {
                ok: true,
                width: Some(probe.info.width),
                height: Some(probe.info.height),
                fps: probe.info.fps,
                codec: Some(probe.info.codec),
                snapshot: Some(format!("data:image/jpeg;base64,{picture}")),
                ..TestResult::default()
            }
        }
        Tested::Fails(fault) => {
            TestResult { error: Some(fault.message), hint: Some(fault.hint), ..TestResult::default() }
        }
    }))
}

/// Get a camera
#[utoipa::path(get, path = "/api/v1/surveillance/cameras/{id}", tag = "surveillance", operation_id = "get_camera",
    params(("id" = String, Path)), responses((status = 200, body = CameraBody)))]
pub(super) async fn get(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<ReadCameras>,
    Path(id): Path<CameraId>,
) -> web::Result<Json<CameraBody>> {
    Ok(Json(CameraBody::new(sentinel.get_camera(&allow, id).await?, allow.now)))
}

/// Changes a camera. Its source is opened again only where that is needed; other cameras are not touched.
#[utoipa::path(patch, path = "/api/v1/surveillance/cameras/{id}", tag = "surveillance", operation_id = "update_camera",
    params(("id" = String, Path)), request_body = CameraPatchBody, responses((status = 200, body = CameraBody)))]
pub(super) async fn update(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<WriteCameras>,
    Path(id): Path<CameraId>,
    Json(input): Json<CameraPatchBody>,
) -> web::Result<Json<CameraBody>> {
    let patch = CameraPatch {
        name: input.name,
        source: input.source.map(SourceBody::parse).transpose()?,
        fps: input.fps,
        width: input.width.map(Some),
        height: input.height.map(Some),
        enabled: input.enabled,
        record: input.record,
        detection: input.detection,
    };
    Ok(Json(CameraBody::new(sentinel.update_camera(&allow, id, patch).await?, allow.now)))
}

/// Changes a camera, as older clients do: what is left out stays.
#[utoipa::path(put, path = "/api/v1/surveillance/cameras/{id}", tag = "surveillance", operation_id = "put_camera",
    params(("id" = String, Path)), request_body = CameraPatchBody, responses((status = 200, body = CameraBody)))]
pub(super) async fn put(
    sentinel: State<Sentinel>,
    allow: Allowed<WriteCameras>,
    id: Path<CameraId>,
    input: Json<CameraPatchBody>,
) -> web::Result<Json<CameraBody>> {
    update(sentinel, allow, id, input).await
}

/// Changes a running camera, as older clients do; other cameras are not touched.
#[utoipa::path(post, path = "/api/v1/surveillance/cameras/{id}/config", tag = "surveillance",
    operation_id = "configure_camera", params(("id" = String, Path)), request_body = CameraPatchBody,
    responses((status = 200, body = CameraBody)))]
pub(super) async fn configure(
    sentinel: State<Sentinel>,
    allow: Allowed<WriteCameras>,
    id: Path<CameraId>,
    input: Json<CameraPatchBody>,
) -> web::Result<Json<CameraBody>> {
    update(sentinel, allow, id, input).await
}

/// Removes a camera. Its events stay, and it can be restored for `surveillance.deleted_retention_days`.
#[utoipa::path(delete, path = "/api/v1/surveillance/cameras/{id}", tag = "surveillance", operation_id = "delete_camera",
    params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn delete(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<WriteCameras>,
    Path(id): Path<CameraId>,
) -> web::Result<StatusCode> {
    sentinel.delete_camera(&allow, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Brings a removed camera back as it was.
#[utoipa::path(post, path = "/api/v1/surveillance/cameras/{id}/restore", tag = "surveillance",
    operation_id = "restore_camera", params(("id" = String, Path)), responses((status = 200, body = CameraBody)))]
pub(super) async fn restore(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<WriteCameras>,
    Path(id): Path<CameraId>,
) -> web::Result<Json<CameraBody>> {
    Ok(Json(CameraBody::new(sentinel.restore_camera(&allow, id).await?, allow.now)))
}

/// Replaces a camera's zones and lines while it runs.
#[utoipa::path(put, path = "/api/v1/surveillance/cameras/{id}/zones", tag = "surveillance", operation_id = "set_zones",
    params(("id" = String, Path)), request_body = Vec<ZoneDraft>, responses((status = 200, body = CameraBody)))]
pub(super) async fn set_zones(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<WriteCameras>,
    Path(id): Path<CameraId>,
    Json(zones): Json<Vec<ZoneDraft>>,
) -> web::Result<Json<CameraBody>> {
    Ok(Json(CameraBody::new(sentinel.set_zones(&allow, id, zones).await?, allow.now)))
}

/// Closes the camera's source and opens it again.
#[utoipa::path(post, path = "/api/v1/surveillance/cameras/{id}/restart", tag = "surveillance",
    operation_id = "restart_camera", params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn restart(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<WriteCameras>,
    Path(id): Path<CameraId>,
) -> web::Result<StatusCode> {
    sentinel.restart_camera(&allow, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
