use kernel::{Timestamp, UserId, WorkspaceId};
use serde::{Deserialize, Serialize};

use super::{CameraId, EventId, SeriesId, ZoneId};

/// What happened.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Intrusion,
    Loitering,
    LineCrossing,
    Motion,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Intrusion, Self::Loitering, Self::LineCrossing, Self::Motion];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Intrusion => "intrusion",
            Self::Loitering => "loitering",
            Self::LineCrossing => "line_crossing",
            Self::Motion => "motion",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == text)
    }
}

impl From<vision::AnomalyKind> for Kind {
    fn from(kind: vision::AnomalyKind) -> Self {
        match kind {
            vision::AnomalyKind::Intrusion => Self::Intrusion,
            vision::AnomalyKind::Loitering => Self::Loitering,
            vision::AnomalyKind::LineCrossing => Self::LineCrossing,
        }
    }
}

/// How grave it is: the zone says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    Low,
    #[default]
    Medium,
    High,
}

impl Severity {
    pub(crate) const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.name() == text)
    }

    pub(crate) fn to_engine(self) -> vision::Severity {
        match self {
            Self::Low => vision::Severity::Low,
            Self::Medium => vision::Severity::Medium,
            Self::High => vision::Severity::High,
        }
    }
}

/// Whether it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EventState {
    Active,
    Ended,
}

impl EventState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Ended => "ended",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Ended].into_iter().find(|state| state.name() == text)
    }
}

/// Where an event's clip stands. `ready` is only ever said of a whole file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClipState {
    /// The camera does not record.
    None,
    Recording,
    Ready,
    Failed,
}

impl ClipState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Recording => "recording",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::None, Self::Recording, Self::Ready, Self::Failed]
            .into_iter()
            .find(|state| state.name() == text)
    }
}

/// What all events of one zone, kind, severity and class have in common. There are few of them, however many events
/// there are: filters choose series first, then read each by time, so that no page ever scans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Series {
    pub(crate) id: SeriesId,
    pub(crate) camera: CameraId,
    pub(crate) camera_name: String,
    pub(crate) zone: Option<ZoneId>,
    pub(crate) zone_name: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) severity: Severity,
    pub(crate) class: String,
}

/// Who has seen to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) at: Timestamp,
    pub(crate) by: UserId,
    pub(crate) comment: Option<String>,
}

/// Why the rule spoke. Points and boxes are in 0..1 of the picture's width and height.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = EventEvidence)]
pub(crate) struct Evidence {
    /// The rule with its geometry and thresholds as they were.
    #[schema(value_type = Object)]
    pub(crate) rule: serde_json::Value,
    /// The way of the best track: where it stood, oldest first.
    pub(crate) polyline: Vec<[f64; 2]>,
    /// x, y, width and height of the object on the snapshot.
    #[serde(rename = "box")]
    #[schema(required)]
    pub(crate) bbox: Option<[f64; 4]>,
    /// Mean score of each track.
    pub(crate) scores: Vec<f64>,
    /// SHA-256 of the model; none for motion.
    #[schema(required)]
    pub(crate) model: Option<String>,
    /// When the snapshot was taken.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub(crate) key_frame_at: Option<Timestamp>,
    /// Time that the longest track spent in the zone, in milliseconds.
    #[serde(default)]
    pub(crate) dwell_ms: u32,
    /// Crossings of a line from A to B and back.
    #[serde(default)]
    pub(crate) crossings: [u64; 2],
}

/// One anomaly from its start to its end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: EventId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) series: Series,
    pub(crate) confidence: f64,
    pub(crate) state: EventState,
    pub(crate) started_at: Timestamp,
    pub(crate) last_seen_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) track_ids: Vec<u64>,
    pub(crate) acknowledged: Option<Acknowledged>,
    /// When the kept snapshot was taken; none is kept yet without.
    pub(crate) snapshot_at: Option<Timestamp>,
    pub(crate) clip_state: ClipState,
    pub(crate) evidence: Evidence,
}

impl Event {
    pub(crate) fn snapshot_key(&self, boxed: bool) -> String {
        let with = if boxed { "-box" } else { "" };
        format!("surveillance/{}/snapshots/{}{with}.jpg", self.workspace, self.id)
    }

    pub(crate) fn clip_key(&self) -> String {
        format!("surveillance/{}/clips/{}.mp4", self.workspace, self.id)
    }
}

/// Which events.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct EventFilter {
    pub(crate) camera: Option<CameraId>,
    pub(crate) kind: Option<Kind>,
    pub(crate) severity: Option<Severity>,
    pub(crate) zone: Option<ZoneId>,
    pub(crate) acknowledged: Option<bool>,
    /// Started at or after.
    pub(crate) from: Option<Timestamp>,
    /// Started before.
    pub(crate) to: Option<Timestamp>,
    /// Part of the name of the camera or zone, of the kind or the class; case does not matter.
    pub(crate) text: Option<String>,
}

impl EventFilter {
    /// Whether it narrows by anything that a series has.
    pub(crate) fn chooses_series(&self) -> bool {
        self.camera.is_some()
            || self.kind.is_some()
            || self.severity.is_some()
            || self.zone.is_some()
            || self.text.is_some()
    }

    pub(crate) fn fits(&self, series: &Series) -> bool {
        let names = |text: &String| {
            let text = text.trim().to_lowercase();
            let zone = series.zone_name.as_deref().unwrap_or("");
            let fields = [series.camera_name.as_str(), zone, series.kind.name(), &series.class];
            fields.iter().any(|field| field.to_lowercase().contains(&text))
        };
        self.camera.is_none_or(|camera| camera == series.camera)
            && self.kind.is_none_or(|kind| kind == series.kind)
            && self.severity.is_none_or(|severity| severity == series.severity)
            && self.zone.is_none_or(|zone| Some(zone) == series.zone)
            && self.text.as_ref().is_none_or(names)
    }
}

/// Where a list of events stands: the last one shown. Newest first, ids settle equal times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EventPosition {
    pub(crate) started_us: i64,
    pub(crate) id: EventId,
}

impl EventPosition {
    pub(crate) fn of(event: &Event) -> Self {
        Self { started_us: event.started_at.as_microsecond(), id: event.id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_finds_names_kinds_and_classes() {
        let series = Series {
            id: SeriesId::new(Timestamp::UNIX_EPOCH),
            camera: CameraId::new(Timestamp::UNIX_EPOCH),
            camera_name: "Back Door".into(),
            zone: None,
            zone_name: Some("Été".into()),
            kind: Kind::LineCrossing,
            severity: Severity::High,
            class: "person".into(),
        };
        let check = |text: &str, expected: bool| {
            let filter = EventFilter { text: Some(text.into()), ..EventFilter::default() };
            assert_eq!(filter.fits(&series), expected, "{text}");
        };
        check("door", true);
        check(" DOOR ", true);
        check("été", true);
        check("crossing", true);
        check("pers", true);
        check("window", false);
        let other = EventFilter { severity: Some(Severity::Low), ..EventFilter::default() };
        assert!(!other.fits(&series) && other.chooses_series());
    }
}
