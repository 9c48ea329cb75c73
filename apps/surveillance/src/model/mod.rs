//! What Sentinel knows: cameras, zones, events, models. Rules and values; no I/O.

mod camera;
mod event;
mod health;
mod network;
mod source;
mod transfer;
mod zone;

pub(crate) use camera::FPS_DEFAULT;
pub(crate) use camera::{Camera, CameraDraft, CameraPatch, Detection, MODEL_AUTO, MODEL_NONE, Record};
pub(crate) use event::{
    Acknowledged, ClipState, Event, EventFilter, EventPosition, EventState, Evidence, Kind, Series, Severity,
};
pub(crate) use health::{CameraState, Health};
pub(crate) use network::Network;
pub(crate) use source::{Source, SourceKind, Transport};
pub(crate) use transfer::{CameraEntry, CamerasFile};
pub(crate) use zone::Looks;
pub(crate) use zone::{Direction, Hours, Zone, ZoneDraft, ZoneKind};

use kernel::{FieldError, Timestamp, id_kind};
use serde::{Deserialize, Serialize};

id_kind! {
    /// A camera.
    pub CameraTag = "cam" => CameraId
}
id_kind! {
    /// A zone or line of a camera.
    pub ZoneTag = "zone" => ZoneId
}
id_kind! {
    /// One anomaly.
    pub EventTag = "evt" => EventId
}
id_kind! {
    /// All events of one zone, kind, severity and class: what filters and counts work on.
    pub SeriesTag = "ser" => SeriesId
}
id_kind! {
    /// A detection model of a workspace.
    pub ModelTag = "mdl" => ModelId
}

/// A detection model that a workspace has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DetectionModel {
    pub(crate) id: ModelId,
    pub(crate) name: String,
    /// Lowercase hex over the model file.
    pub sha256: String,
    pub(crate) size_bytes: u64,
    pub(crate) family: String,
    pub(crate) input_width: u32,
    pub(crate) input_height: u32,
    pub(crate) classes: Vec<String>,
    /// `detection.yaml` as it came, if one did.
    pub(crate) declaration: Option<String>,
    /// `upload`, `path` or the address that it was pulled from.
    pub(crate) source: String,
    pub(crate) active: bool,
    pub(crate) created_at: Timestamp,
}

/// Collects what is wrong with an input, each fault at its place.
#[derive(Debug, Default)]
pub(crate) struct Faults(pub(crate) Vec<FieldError>);

impl Faults {
    pub(crate) fn check(&mut self, fine: bool, pointer: &str, detail: &str) {
        if !fine {
            self.0.push(FieldError::new(pointer, detail));
        }
    }

    /// Takes in the faults of a part that stands at `prefix`.
    pub(crate) fn under(&mut self, prefix: &str, faults: Faults) {
        let moved = faults
            .0
            .into_iter()
            .map(|fault| FieldError { pointer: format!("{prefix}{}", fault.pointer), ..fault });
        self.0.extend(moved);
    }

    pub(crate) fn done<T>(self, value: T) -> Result<T, Faults> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}
