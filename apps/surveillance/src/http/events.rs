use axum::extract::State;
use kernel::{FieldError, Problem, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Cursor, Feed, Json, Path, Query};

use super::bodies::EventBody;
use crate::{
    model::{CameraId, EventFilter, EventId, EventPosition, Kind, Severity, ZoneId},
    permissions::{AcknowledgeEvents, ReadEvents},
    service::Sentinel,
};

/// Which events. Newest first.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Listing {
    /// `next_cursor` of the answer before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// 1 to 100, 20 unless told.
    limit: Option<u32>,
    #[param(value_type = Option<String>)]
    camera_id: Option<CameraId>,
    kind: Option<Kind>,
    severity: Option<Severity>,
    #[param(value_type = Option<String>)]
    zone_id: Option<ZoneId>,
    acknowledged: Option<bool>,
    /// Started at or after.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Started before.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
    /// Part of the name of a camera or zone, of the kind or the class.
    text: Option<String>,
}

impl Listing {
    pub(super) fn filter(&self) -> Result<EventFilter, Problem> {
        if self.text.as_ref().is_some_and(|text| text.chars().count() > 200) {
            let fault = FieldError::new("text", "must be at most 200 characters");
            return Err(
                Problem::bad_request("invalid-query", "the search text is too long").with_errors(vec![fault])
            );
        }
        Ok(EventFilter {
            camera: self.camera_id,
            kind: self.kind,
            severity: self.severity,
            zone: self.zone_id,
            acknowledged: self.acknowledged,
            from: self.from,
            to: self.to,
            text: self.text.clone().filter(|text| !text.trim().is_empty()),
        })
    }

    pub(super) fn limit(&self) -> Result<usize, Problem> {
        match self.limit.unwrap_or(20) {
            limit @ 1..=100 => Ok(limit as usize),
            _ => Err(Problem::bad_request("invalid-query", "limit is out of bounds")
                .with_errors(vec![FieldError::new("limit", "must be from 1 to 100")])),
        }
    }

    pub(super) fn after(&self) -> Result<Option<EventPosition>, Problem> {
        self.cursor.as_ref().map(Cursor::decode).transpose()
    }
}

/// Events, newest first.
#[utoipa::path(get, path = "/api/v1/surveillance/events", tag = "surveillance", operation_id = "list_events",
    params(Listing), responses((status = 200, body = Feed<EventBody>)))]
pub(super) async fn list(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<ReadEvents>,
    Query(query): Query<Listing>,
) -> web::Result<Json<Feed<EventBody>>> {
    let feed = sentinel.list_events(&allow, &query.filter()?, query.after()?, query.limit()?).await?;
    Ok(Json(feed.map(EventBody::from)))
}

/// Get an event
#[utoipa::path(get, path = "/api/v1/surveillance/events/{id}", tag = "surveillance", operation_id = "get_event",
    params(("id" = String, Path)), responses((status = 200, body = EventBody)))]
pub(super) async fn get(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<ReadEvents>,
    Path(id): Path<EventId>,
) -> web::Result<Json<EventBody>> {
    Ok(Json(sentinel.get_event(&allow, id).await?.into()))
}

const COMMENT_MAX: usize = 2_000;
const IDS_MAX: usize = 1_000;

fn check_comment(comment: Option<&String>) -> Result<(), Problem> {
    if comment.is_some_and(|comment| comment.chars().count() > COMMENT_MAX) {
        let fault = FieldError::new("/comment", format!("must be at most {COMMENT_MAX} characters"));
        return Err(
            Problem::unprocessable("invalid-body", "the comment is too long").with_errors(vec![fault])
        );
    }
    Ok(())
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AcknowledgeInput)]
pub(super) struct AcknowledgeOne {
    comment: Option<String>,
}

/// Says that a person has seen to it. Again: nothing changes.
#[utoipa::path(post, path = "/api/v1/surveillance/events/{id}/acknowledge", tag = "surveillance",
    operation_id = "acknowledge_event", params(("id" = String, Path)), request_body = AcknowledgeOne,
    responses((status = 200, body = EventBody)))]
pub(super) async fn acknowledge(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<AcknowledgeEvents>,
    Path(id): Path<EventId>,
    Json(input): Json<AcknowledgeOne>,
) -> web::Result<Json<EventBody>> {
    check_comment(input.comment.as_ref())?;
    Ok(Json(sentinel.acknowledge_event(&allow, id, input.comment.as_deref()).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AcknowledgeManyInput)]
pub(super) struct AcknowledgeMany {
    /// At most 1000.
    #[schema(value_type = Vec<String>)]
    ids: Vec<EventId>,
    comment: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AcknowledgedCount)]
pub(super) struct AcknowledgedCount {
    /// How many were not acknowledged before.
    acknowledged: u64,
}

/// The same for many events. Ids that name nothing here are passed over.
#[utoipa::path(post, path = "/api/v1/surveillance/events/acknowledge", tag = "surveillance",
    operation_id = "acknowledge_events", request_body = AcknowledgeMany,
    responses((status = 200, body = AcknowledgedCount)))]
pub(super) async fn acknowledge_many(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<AcknowledgeEvents>,
    Json(input): Json<AcknowledgeMany>,
) -> web::Result<Json<AcknowledgedCount>> {
    check_comment(input.comment.as_ref())?;
    if input.ids.len() > IDS_MAX {
        let fault = FieldError::new("/ids", format!("must be at most {IDS_MAX}"));
        return Err(Problem::unprocessable("invalid-body", "these are too many events")
            .with_errors(vec![fault])
            .into());
    }
    let acknowledged = sentinel.acknowledge_events(&allow, &input.ids, input.comment.as_deref()).await?;
    Ok(Json(AcknowledgedCount { acknowledged }))
}
