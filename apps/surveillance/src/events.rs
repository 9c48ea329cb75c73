//! What Sentinel tells over realtime.

use platform::{Notice, Topic};
use realtime::Room;
use serde_json::{Value, json};

use crate::model::{Camera, CameraId, Event, Health};

pub(crate) const NEW_EVENT: &str = "surveillance.new_event";
pub(crate) const EVENT_UPDATED: &str = "surveillance.event_updated";
pub(crate) const CAMERA_HEALTH: &str = "surveillance.camera_health";
/// Ephemeral: what a camera sees now, to the room `camera:{id}`.
pub(crate) const FRAME_UPDATE: &str = "surveillance.frame_update";

/// The prefix of the rooms in which [`FRAME_UPDATE`] is told.
pub(crate) const CAMERA_ROOM: &str = "camera";

pub(crate) const TOPICS: &[Topic] = &[
    Topic { name: NEW_EVENT, description: "An event started", stored: true },
    Topic {
        name: EVENT_UPDATED,
        description: "An event went on, ended, was acknowledged, or got its clip",
        stored: true,
    },
    Topic { name: CAMERA_HEALTH, description: "A camera changed its state", stored: true },
    Topic { name: FRAME_UPDATE, description: "What a camera sees in one picture", stored: false },
];

/// The prefix of the rooms in which the [`FRAME_UPDATE`]s of all of a workspace's cameras are told: older clients join
/// no single camera's.
pub(crate) const CAMERAS_ROOM: &str = "cameras";

pub(crate) fn cameras_room(workspace: kernel::WorkspaceId) -> Room {
    Room::named(CAMERAS_ROOM, workspace)
}

/// To people: an anomaly started.
pub(crate) const ANOMALY: &str = "surveillance.anomaly";
/// To people: a camera is down for long, or came back after that.
pub(crate) const CAMERA_OUTAGE: &str = "surveillance.camera_outage";

pub(crate) const NOTICES: &[Notice] = &[
    Notice {
        topic: ANOMALY,
        label: ["An anomaly started", "Une anomalie a commencé"],
        title: [
            "{% if kind == 'intrusion' %}Intrusion{% elif kind == 'loitering' %}Loitering{% elif kind == 'line_crossing' %}\
             Line crossed{% else %}Motion{% endif %}: {{ camera }}",
            "{% if kind == 'intrusion' %}Intrusion{% elif kind == 'loitering' %}Présence prolongée{% elif kind == 'line_crossing' %}\
             Ligne franchie{% else %}Mouvement{% endif %} : {{ camera }}",
        ],
        body: ["{% if zone %}Zone: {{ zone }}{% endif %}", "{% if zone %}Zone : {{ zone }}{% endif %}"],
        in_app: true,
        email: false,
    },
    Notice {
        topic: CAMERA_OUTAGE,
        label: ["A camera is down, or back", "Une caméra est en panne, ou de retour"],
        title: [
            "{{ camera }} {% if back %}is back{% else %}gives no picture{% endif %}",
            "{{ camera }} {% if back %}est de retour{% else %}ne donne plus d'image{% endif %}",
        ],
        body: [
            "{% if back %}It was away for {{ minutes }} min.{% else %}For {{ minutes }} min now.{% endif %}",
            "{% if back %}Absence : {{ minutes }} min.{% else %}Depuis {{ minutes }} min.{% endif %}",
        ],
        in_app: true,
        email: false,
    },
];

pub(crate) fn camera_room(camera: CameraId) -> Room {
    Room::named(CAMERA_ROOM, camera)
}

/// An event of Sentinel as an event of realtime.
pub(crate) fn of_event(topic: &'static str, event: &Event) -> realtime::Event {
    let data = json!({
        "id": event.id,
        "camera_id": event.series.camera,
        "camera_name": event.series.camera_name,
        "zone_id": event.series.zone,
        "zone_name": event.series.zone_name,
        "kind": event.series.kind,
        "severity": event.series.severity,
        "class": event.series.class,
        "confidence": event.confidence,
        "state": event.state,
        "started_at": event.started_at,
        "last_seen_at": event.last_seen_at,
        "ended_at": event.ended_at,
        "acknowledged": event.acknowledged.is_some(),
        "clip_state": event.clip_state,
    });
    realtime::Event { topic, room: Room::workspace(event.workspace), workspace: event.workspace, data }
}

pub(crate) fn of_health(camera: &Camera, health: &Health) -> realtime::Event {
    let data = json!({
        "camera_id": camera.id,
        "name": camera.name(),
        "state": health.state,
        "message": health.message,
        "restarts": health.restarts,
    });
    realtime::Event {
        topic: CAMERA_HEALTH,
        room: Room::workspace(camera.workspace),
        workspace: camera.workspace,
        data,
    }
}

/// One picture's objects; boxes in 0..1 of the picture.
pub(crate) fn of_frame(
    camera: CameraId,
    at: kernel::Timestamp,
    size: (usize, usize),
    objects: Vec<Value>,
    zones: Vec<Value>,
) -> Value {
    json!({ "camera_id": camera, "at": at, "width": size.0, "height": size.1, "objects": objects, "zones": zones })
}
