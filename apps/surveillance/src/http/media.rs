//! Snapshots and clips of events.

use std::ops::Range;

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use utoipa::IntoParams;
use web::{Allowed, Path, Query};

use super::live::jpeg;
use crate::{error::Error, model::EventId, permissions::ReadEvents, service::Sentinel};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SnapshotQuery {
    /// Draw the object's box.
    #[serde(default, rename = "box")]
    boxed: bool,
    /// When it was taken, for the browser's memory: a better snapshot has another address.
    at: Option<i64>,
}

/// The event's best moment.
#[utoipa::path(get, path = "/api/v1/surveillance/events/{id}/snapshot.jpg", tag = "surveillance",
    operation_id = "event_snapshot", params(("id" = String, Path), SnapshotQuery),
    responses((status = 200, body = Vec<u8>, content_type = "image/jpeg"), (status = 304, description = "As the caller has it.")))]
pub(super) async fn snapshot(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<ReadEvents>,
    Path(id): Path<EventId>,
    Query(query): Query<SnapshotQuery>,
    headers: HeaderMap,
) -> web::Result<Response> {
    let _ = query.at;
    let (bytes, at) = sentinel.event_snapshot(&allow, id, query.boxed).await?;
    let etag = format!("\"{id}-{:x}-{}\"", at.as_microsecond(), u8::from(query.boxed));
    Ok(jpeg(bytes, &etag, "private, no-cache", &headers))
}

/// The event's clip; takes `Range` (RFC 9110 §14).
#[utoipa::path(get, path = "/api/v1/surveillance/events/{id}/clip.mp4", tag = "surveillance",
    operation_id = "event_clip", params(("id" = String, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "video/mp4"), (status = 206, body = Vec<u8>, content_type = "video/mp4"),
        (status = 304, description = "As the caller has it."), (status = 416, description = "No part of the clip.")))]
pub(super) async fn clip(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<ReadEvents>,
    Path(id): Path<EventId>,
    headers: HeaderMap,
) -> web::Result<Response> {
    let clip = sentinel.event_clip(&allow, id).await?;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let head = [
        (header::CONTENT_TYPE, "video/mp4".to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::ETAG, clip.etag.clone()),
        (header::CACHE_CONTROL, "private, max-age=86400".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("inline; filename=\"{}.mp4\"", clip.started_at.strftime("%Y%m%d-%H%M%S")),
        ),
    ];
    if text(header::IF_NONE_MATCH) == Some(clip.etag.as_str()) {
        return Ok((StatusCode::NOT_MODIFIED, head).into_response());
    }
    // A range of another clip than this one is of no use: the whole one, then.
    let same = text(header::IF_RANGE).is_none_or(|etag| etag == clip.etag);
    match text(header::RANGE).filter(|_| same).map(|range| parse_range(range, clip.size_bytes)) {
        Some(Asked::Unsatisfiable) => {
            let mut response = web::Error::from(Error::Range { size_bytes: clip.size_bytes }).into_response();
            if let Ok(value) = format!("bytes */{}", clip.size_bytes).parse() {
                response.headers_mut().insert(header::CONTENT_RANGE, value);
            }
            Ok(response)
        }
        Some(Asked::Part(range)) => {
            let length = range.end - range.start;
            let content = format!("bytes {}-{}/{}", range.start, range.end - 1, clip.size_bytes);
            let more = [(header::CONTENT_RANGE, content), (header::CONTENT_LENGTH, length.to_string())];
            let body = Body::from_stream(pieces(sentinel, clip.key, range));
            Ok((StatusCode::PARTIAL_CONTENT, head, more, body).into_response())
        }
        Some(Asked::Whole) | None => {
            let (info, pieces) = sentinel.storage.get(&clip.key).await.map_err(Error::from)?;
            let length = [(header::CONTENT_LENGTH, info.size_bytes.to_string())];
            Ok((head, length, Body::from_stream(pieces)).into_response())
        }
    }
}

#[derive(Debug, PartialEq)]
enum Asked {
    Whole,
    Part(Range<u64>),
    Unsatisfiable,
}

/// One range; several, or another unit, are answered with the whole, as the RFC allows.
fn parse_range(text: &str, size: u64) -> Asked {
    let Some(spec) = text.trim().strip_prefix("bytes=") else { return Asked::Whole };
    let Some((first, last)) = spec.split_once('-').filter(|_| !spec.contains(',')) else {
        return Asked::Whole;
    };
    let (first, last) = (first.trim(), last.trim());
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Ok(first), Err(_)) if last.is_empty() => first..size,
        (Err(_), Ok(count)) if first.is_empty() => size.saturating_sub(count)..size,
        _ => return Asked::Whole,
    };
    if range.start < range.end { Asked::Part(range) } else { Asked::Unsatisfiable }
}

const PIECE: u64 = 1 << 20;

fn pieces(
    sentinel: Sentinel,
    key: String,
    range: Range<u64>,
) -> impl futures::Stream<Item = storage::Result<bytes::Bytes>> {
    let starts = stream::iter((range.start..range.end).step_by(PIECE as usize)).map(Ok);
    starts.and_then(move |start| {
        let (sentinel, key) = (sentinel.clone(), key.clone());
        let end = (start + PIECE).min(range.end);
        async move { sentinel.storage.get_range(&key, start..end).await }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_the_rfc_has_them() {
        let check = |text: &str, expected: Asked| assert_eq!(parse_range(text, 100), expected, "{text}");
        check("bytes=0-9", Asked::Part(0..10));
        check("bytes=90-", Asked::Part(90..100));
        check("bytes=-10", Asked::Part(90..100));
        check("bytes=-1000", Asked::Part(0..100));
        check("bytes=50-1000", Asked::Part(50..100));
        check("bytes=100-", Asked::Unsatisfiable);
        check("bytes=-0", Asked::Unsatisfiable);
        check("bytes=9-0", Asked::Whole);
        check("bytes=0-1,3-4", Asked::Whole);
        check("chunks=0-1", Asked::Whole);
        check("bytes=x-y", Asked::Whole);
        check("bytes=0-18446744073709551615", Asked::Part(0..100));
    }
}
