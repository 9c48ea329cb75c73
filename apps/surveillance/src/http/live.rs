//! Pictures of a camera as they come.

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures::{Stream, stream};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use utoipa::IntoParams;
use web::{Allowed, Path, Query};

use crate::{
    model::CameraId,
    permissions::ReadCameras,
    runtime::Jpeg,
    service::{Sentinel, Watching},
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SnapshotQuery {
    /// Draw boxes, zones and the clock.
    #[serde(default)]
    overlay: bool,
    /// Ignored: another value is another address for the browser's memory.
    t: Option<String>,
}

/// The camera's present picture.
#[utoipa::path(get, path = "/api/v1/surveillance/cameras/{id}/snapshot.jpg", tag = "surveillance",
    operation_id = "camera_snapshot", params(("id" = String, Path), SnapshotQuery),
    responses((status = 200, body = Vec<u8>, content_type = "image/jpeg"), (status = 304, description = "As the caller has it.")))]
pub(super) async fn snapshot(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<ReadCameras>,
    Path(id): Path<CameraId>,
    Query(query): Query<SnapshotQuery>,
    headers: HeaderMap,
) -> web::Result<Response> {
    let _ = query.t;
    let picture = sentinel.camera_snapshot(&allow, id, query.overlay).await?;
    let etag = format!("\"{id}-{:x}-{}\"", picture.at.as_microsecond(), u8::from(query.overlay));
    Ok(jpeg(picture.bytes, &etag, "private, no-cache", &headers))
}

/// A JPEG, or 304 where the caller has it.
pub(super) fn jpeg(bytes: Bytes, etag: &str, cache: &'static str, asked: &HeaderMap) -> Response {
    let known = asked.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let head = [(header::ETAG, etag.to_owned()), (header::CACHE_CONTROL, cache.to_owned())];
    if known.is_some_and(|known| {
        known == "*" || known.split(',').any(|one| one.trim().trim_start_matches("W/") == etag)
    }) {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, [(header::CONTENT_TYPE, "image/jpeg")], bytes).into_response()
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LiveQuery {
    /// Draw boxes, zones and the clock. Default true.
    #[serde(default = "yes")]
    overlay: bool,
    /// Ignored: another value is another address for the browser's memory.
    t: Option<String>,
}

fn yes() -> bool {
    true
}

const BOUNDARY: &str = "socle-picture";

/// Live pictures as MJPEG, for an `<img>`. Any number of viewers cost one encoding; a slow one skips pictures. Ends with
/// the camera.
#[utoipa::path(get, path = "/api/v1/surveillance/cameras/{id}/live.mjpeg", tag = "surveillance",
    operation_id = "camera_live", params(("id" = String, Path), LiveQuery),
    responses((status = 200, body = Vec<u8>, content_type = "multipart/x-mixed-replace")))]
pub(super) async fn mjpeg(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<ReadCameras>,
    Path(id): Path<CameraId>,
    Query(query): Query<LiveQuery>,
) -> web::Result<Response> {
    let _ = query.t;
    let watching = sentinel.watch_camera(&allow, id, query.overlay).await?;
    let stop = sentinel.spawner.token();
    let headers = [
        (header::CONTENT_TYPE, format!("multipart/x-mixed-replace; boundary={BOUNDARY}")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    let parts = futures::StreamExt::take_until(parts(watching), async move { stop.cancelled().await });
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// The next picture is taken only when the one before has gone out: a slow viewer gets the newest then.
fn parts(watching: Watching) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> {
    stream::unfold((watching.first, watching.pictures), |(first, mut pictures)| async move {
        if let Some(first) = first {
            return Some((Ok(part(&first)), (None, pictures)));
        }
        loop {
            pictures.changed().await.ok()?;
            let picture = pictures.borrow_and_update().clone();
            if let Some(picture) = picture {
                return Some((Ok(part(&picture)), (None, pictures)));
            }
        }
    })
}

fn part(picture: &Jpeg) -> Bytes {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\nX-Timestamp: {}\r\n\r\n",
        picture.bytes.len(),
        picture.at,
    );
    let mut part = Vec::with_capacity(head.len() + picture.bytes.len() + 2);
    part.extend_from_slice(head.as_bytes());
    part.extend_from_slice(&picture.bytes);
    part.extend_from_slice(b"\r\n");
    part.into()
}
