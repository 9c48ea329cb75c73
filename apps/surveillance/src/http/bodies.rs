//! What goes over the wire.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    error::Error,
    model::{
        self, CameraId, CameraState, ClipState, Detection, Direction, EventId, EventState, Evidence, Hours,
        Kind, ModelId, Record, Severity, SourceKind, Transport, ZoneDraft, ZoneId, ZoneKind,
    },
};

/// Where a camera's pictures come from.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Source)]
pub(crate) struct SourceBody {
    pub(crate) kind: SourceKind,
    /// `rtsp://…`, `http://…`, or the full path of a file on the server. User names and passwords are shown as `***`;
    /// sent back like that they stay as they are.
    pub(crate) url: String,
    /// Files: begin again at the end.
    #[serde(default, rename = "loop")]
    pub(crate) repeat: bool,
    /// Files: at their own pace rather than as fast as they can be analysed.
    #[serde(default = "yes")]
    pub(crate) real_time: bool,
    #[serde(default)]
    pub(crate) transport: Transport,
}

fn yes() -> bool {
    true
}

impl SourceBody {
    pub(crate) fn parse(self) -> Result<model::Source, Error> {
        model::Source::new(self.kind, &self.url, self.repeat, self.real_time, self.transport).map_err(
            |faults| {
                let mut all = model::Faults::default();
                all.under("/source", faults.0);
                all.into()
            },
        )
    }
}

impl From<&model::Source> for SourceBody {
    fn from(source: &model::Source) -> Self {
        Self {
            kind: source.kind,
            url: source.shown(),
            repeat: source.repeat,
            real_time: source.real_time,
            transport: source.transport,
        }
    }
}

/// How a camera is now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CameraHealth)]
pub(crate) struct HealthBody {
    state: CameraState,
    /// For people.
    #[schema(required)]
    message: Option<String>,
    /// Pictures a second that come in, after thinning to the camera's rate.
    fps_in: f64,
    fps_analysed: f64,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    last_frame_at: Option<Timestamp>,
    #[schema(required)]
    last_frame_age_ms: Option<i64>,
    bitrate_bps: u64,
    /// Times that the source was opened again.
    restarts: u64,
    /// Of the source, in pixels.
    #[schema(required)]
    width: Option<u32>,
    #[schema(required)]
    height: Option<u32>,
    /// `motion`, or the name of a model.
    detector: String,
    /// When the state began.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

impl HealthBody {
    pub(crate) fn new(health: model::Health, now: Timestamp) -> Self {
        let age = |at: Timestamp| (now.as_millisecond() - at.as_millisecond()).max(0);
        let tenth = |value: f64| (value * 10.0).round() / 10.0;
        Self {
            state: health.state,
            message: health.message,
            fps_in: tenth(health.fps_in),
            fps_analysed: tenth(health.fps_analysed),
            last_frame_at: health.last_frame_at,
            last_frame_age_ms: health.last_frame_at.map(age),
            bitrate_bps: health.bitrate_bps,
            restarts: health.restarts,
            width: health.width,
            height: health.height,
            detector: health.detector,
            since: health.since,
        }
    }
}

/// A zone or line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Zone)]
pub(crate) struct ZoneBody {
    #[schema(value_type = String)]
    id: ZoneId,
    name: String,
    kind: ZoneKind,
    points: Vec<[f64; 2]>,
    classes: Vec<String>,
    dwell_ms: u32,
    loiter_ms: u32,
    direction: Direction,
    cooldown_ms: u32,
    min_score: f64,
    severity: Severity,
    enabled: bool,
    hours: Vec<Hours>,
}

impl From<model::Zone> for ZoneBody {
    fn from(zone: model::Zone) -> Self {
        let body = zone.body;
        Self {
            id: zone.id,
            name: body.name,
            kind: body.kind,
            points: body.points,
            classes: body.classes,
            dwell_ms: body.dwell_ms,
            loiter_ms: body.loiter_ms,
            direction: body.direction,
            cooldown_ms: body.cooldown_ms,
            min_score: body.min_score,
            severity: body.severity,
            enabled: body.enabled,
            hours: body.hours,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Camera)]
pub(crate) struct CameraBody {
    #[schema(value_type = String)]
    pub(crate) id: CameraId,
    name: String,
    source: SourceBody,
    /// Pictures a second that are looked at.
    fps: f64,
    /// Of the analysed picture, where its owner set it.
    #[schema(required)]
    width: Option<u32>,
    #[schema(required)]
    height: Option<u32>,
    enabled: bool,
    record: Record,
    detection: Detection,
    zones: Vec<ZoneBody>,
    health: HealthBody,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// When it was removed; null while it is there.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    deleted_at: Option<Timestamp>,
}

impl CameraBody {
    pub(crate) fn new((camera, health): (model::Camera, model::Health), now: Timestamp) -> Self {
        let draft = camera.draft;
        Self {
            id: camera.id,
            source: (&draft.source).into(),
            name: draft.name,
            fps: draft.fps,
            width: draft.width,
            height: draft.height,
            enabled: draft.enabled,
            record: draft.record,
            detection: draft.detection,
            zones: camera.zones.into_iter().map(Into::into).collect(),
            health: HealthBody::new(health, now),
            created_at: camera.created_at,
            updated_at: camera.updated_at,
            deleted_at: camera.deleted_at,
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CameraInput)]
pub(crate) struct CameraInput {
    pub(crate) name: String,
    pub(crate) source: SourceBody,
    /// Pictures a second to look at, 0.1 to 60. Default 5.
    pub(crate) fps: Option<f64>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
    #[serde(default)]
    pub(crate) record: Record,
    #[serde(default)]
    pub(crate) detection: Detection,
    #[serde(default)]
    pub(crate) zones: Vec<ZoneDraft>,
}

/// What is to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CameraPatch)]
pub(crate) struct CameraPatchBody {
    pub(crate) name: Option<String>,
    pub(crate) source: Option<SourceBody>,
    pub(crate) fps: Option<f64>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pub(crate) enabled: Option<bool>,
    pub(crate) record: Option<Record>,
    pub(crate) detection: Option<Detection>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Acknowledgement)]
pub(crate) struct AcknowledgedBody {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The person's id.
    #[schema(value_type = String)]
    by: kernel::UserId,
    #[schema(required)]
    comment: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventBody {
    #[schema(value_type = String)]
    pub(crate) id: EventId,
    #[schema(value_type = String)]
    camera_id: CameraId,
    camera_name: String,
    #[schema(required, value_type = Option<String>)]
    zone_id: Option<ZoneId>,
    #[schema(required)]
    zone_name: Option<String>,
    kind: Kind,
    severity: Severity,
    /// 0..1.
    confidence: f64,
    class: String,
    state: EventState,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_seen_at: Timestamp,
    #[schema(required, value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    track_ids: Vec<u64>,
    #[schema(required)]
    acknowledged: Option<AcknowledgedBody>,
    #[schema(required)]
    snapshot_url: Option<String>,
    #[schema(required)]
    clip_url: Option<String>,
    clip_state: ClipState,
    evidence: Evidence,
}

impl From<model::Event> for EventBody {
    fn from(event: model::Event) -> Self {
        let base = format!("{}/surveillance/events/{}", web::BASE, event.id);
        Self {
            id: event.id,
            camera_id: event.series.camera,
            camera_name: event.series.camera_name,
            zone_id: event.series.zone,
            zone_name: event.series.zone_name,
            kind: event.series.kind,
            severity: event.series.severity,
            confidence: event.confidence,
            class: event.series.class,
            state: event.state,
            started_at: event.started_at,
            last_seen_at: event.last_seen_at,
            ended_at: event.ended_at,
            track_ids: event.track_ids,
            acknowledged: event.acknowledged.map(|ack| AcknowledgedBody {
                at: ack.at,
                by: ack.by,
                comment: ack.comment,
            }),
            // A better snapshot is another address, so that no browser shows the old one.
            snapshot_url: event
                .snapshot_at
                .map(|at| format!("{base}/snapshot.jpg?at={}", at.as_millisecond())),
            clip_url: (event.clip_state == ClipState::Ready).then(|| format!("{base}/clip.mp4")),
            clip_state: event.clip_state,
            evidence: event.evidence,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DetectionModel)]
pub(crate) struct ModelBody {
    #[schema(value_type = String)]
    id: ModelId,
    name: String,
    sha256: String,
    size_bytes: u64,
    family: String,
    /// Width and height.
    input: [u32; 2],
    /// How many classes it knows.
    classes: u64,
    active: bool,
    /// `upload`, `path`, or the address that it was pulled from.
    source: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<model::DetectionModel> for ModelBody {
    fn from(model: model::DetectionModel) -> Self {
        Self {
            id: model.id,
            name: model.name,
            sha256: model.sha256,
            size_bytes: model.size_bytes,
            family: model.family,
            input: [model.input_width, model.input_height],
            classes: model.classes.len() as u64,
            active: model.active,
            source: model.source,
            created_at: model.created_at,
        }
    }
}
