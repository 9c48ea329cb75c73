//! What the rules put out: anomalies with a life, each carrying its evidence.

use serde::{Deserialize, Serialize};

use super::zone::{Direction, Rule, Severity};
use crate::class::Class;
use crate::geometry::BBox;
use crate::track::{Track, TrackId, TrackPoint};

/// Tracks kept per anomaly; later ones are counted in [`Anomaly::tracks_total`] only.
pub const TRACKS_MAX: usize = 16;

/// A stage in the life of an anomaly. `Started` comes once, then any number of `Updated`, then `Ended` once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Started,
    Updated,
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyKind {
    Intrusion,
    Loitering,
    LineCrossing,
}

impl AnomalyKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intrusion => "intrusion",
            Self::Loitering => "loitering",
            Self::LineCrossing => "line_crossing",
        }
    }
}

impl Rule {
    pub fn kind(&self) -> AnomalyKind {
        match self {
            Rule::Intrusion { .. } => AnomalyKind::Intrusion,
            Rule::Loitering { .. } => AnomalyKind::Loitering,
            Rule::LineCrossing { .. } => AnomalyKind::LineCrossing,
        }
    }
}

/// Why the rule spoke: its parameters and what the tracks did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The rule with its geometry and thresholds at the time.
    pub rule: Rule,
    pub min_score: f32,
    pub enter_frames: u16,
    pub leave_ms: u32,
    /// At most [`TRACKS_MAX`], in order of arrival.
    pub tracks: Vec<TrackEvidence>,
}

/// One track as the rule saw it last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrackEvidence {
    pub track: TrackId,
    pub class: Class,
    /// Time in the zone so far, or 0 for lines, in milliseconds.
    pub dwell_ms: u32,
    pub score_mean: f32,
    pub score_max: f32,
    /// The way it went: boxes in image pixels with their times, bounded and thinned out.
    pub path: Vec<TrackPoint>,
}

impl TrackEvidence {
    pub(super) fn of(track: &Track, dwell_ms: u32) -> Self {
        Self {
            track: track.id(),
            class: track.class().clone(),
            dwell_ms,
            score_mean: track.score_mean(),
            score_max: track.score_max(),
            path: track.path().to_vec(),
        }
    }
}

/// The picture that shows an anomaly best so far: keep the frame of this time as its snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    pub time_us: i64,
    pub track: TrackId,
    /// Image pixels.
    pub bbox: BBox,
    /// score × size × sharpness, only good for comparing moments of one anomaly.
    pub quality: f32,
}

/// One anomaly. Times are media times in microseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Anomaly {
    /// Ascending within a pipeline, from 1.
    pub id: u64,
    pub kind: AnomalyKind,
    /// The zone's id.
    pub zone: String,
    pub severity: Severity,
    /// Mean score of the tracks, 0.0..=1.0.
    pub confidence: f32,
    /// The tracks that took part, at most [`TRACKS_MAX`].
    pub tracks: Vec<TrackId>,
    /// How many tracks took part in all.
    pub tracks_total: u32,
    /// Crossings of a line in each direction; 0 for polygons.
    pub crossings: Crossings,
    /// When the first track came in (or crossed), not when the rule was sure.
    pub start_us: i64,
    /// When somebody was last seen in the zone, or crossed.
    pub last_us: i64,
    /// Set in the last event.
    pub end_us: Option<i64>,
    pub best: Moment,
    pub evidence: Evidence,
}

/// Crossings counted, per direction (see [`Direction`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossings {
    pub forward: u64,
    pub backward: u64,
}

impl Crossings {
    pub(super) fn add(&mut self, direction: Direction) {
        match direction {
            Direction::Forward => self.forward += 1,
            Direction::Backward => self.backward += 1,
            Direction::Both => {}
        }
    }
}

/// A stage in an anomaly's life, with the anomaly as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub phase: Phase,
    /// Whether `anomaly.best` is the frame of this very step: the caller keeps that frame.
    pub best_changed: bool,
    pub anomaly: Anomaly,
}
