//! Detections of single pictures become tracks of objects over time.
//!
//! Two-stage association after ByteTrack (Zhang et al., ECCV 2022): confident detections are matched to the
//! predicted boxes first, weak ones then only prolong what is already tracked. Prediction takes time stamps, so
//! the frame rate may be low and uneven. A track that never moved is not believed for long (traffic signs and
//! coat stands look like people), one that moved once may stand still as long as it likes.

mod kalman;
mod tracker;

use serde::{Deserialize, Serialize};

pub use tracker::{Examined, Tracker, TrackerConfig};

use crate::class::Class;
use crate::geometry::{BBox, Point};
use kalman::BoxFilter;

/// Unique within a [`Tracker`], ascending from 1, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrackId(pub u64);

impl std::fmt::Display for TrackId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a track stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackState {
    /// Seen too seldom to be sure.
    Tentative,
    /// Followed.
    Tracked,
    /// Not seen where it should be; kept for a while in case it comes back.
    Lost,
}

/// A place on a track's way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrackPoint {
    pub time_us: i64,
    /// Image pixels.
    pub bbox: BBox,
}

/// Points kept of a track's way; when they are full every second one is dropped, so that the whole way stays.
pub const PATH_MAX: usize = 64;

/// One object over time.
#[derive(Clone, Debug)]
pub struct Track {
    id: TrackId,
    class: Class,
    filter: BoxFilter,
    state: TrackState,
    score: f32,
    score_sum: f32,
    score_max: f32,
    hits: u32,
    first_us: i64,
    last_us: i64,
    now_us: i64,
    missed_since_us: Option<i64>,
    moved: bool,
    distrusted: bool,
    on_spot_since_us: Option<i64>,
    origin: BBox,
    path: Vec<TrackPoint>,
    path_step_us: i64,
    votes: Vec<(Class, f32)>,
}

impl Track {
    pub fn id(&self) -> TrackId {
        self.id
    }

    /// The class with the highest summed score so far.
    pub fn class(&self) -> &Class {
        &self.class
    }

    pub fn state(&self) -> TrackState {
        self.state
    }

    /// The filtered box at the tracker's present time, image pixels.
    pub fn bbox(&self) -> BBox {
        self.filter.bbox()
    }

    /// Velocity in pixels per second.
    pub fn velocity(&self) -> Point {
        let (x, y) = self.filter.velocity();
        Point::new(x, y)
    }

    /// Speed in box heights per second.
    pub fn speed(&self) -> f32 {
        let (x, y) = self.filter.velocity();
        x.hypot(y) / self.bbox().h.max(1.0)
    }

    /// Score of the last detection.
    pub fn score(&self) -> f32 {
        self.score
    }

    pub fn score_mean(&self) -> f32 {
        self.score_sum / self.hits.max(1) as f32
    }

    pub fn score_max(&self) -> f32 {
        self.score_max
    }

    /// Number of detections so far.
    pub fn hits(&self) -> u32 {
        self.hits
    }

    /// Media time of the first detection.
    pub fn first_us(&self) -> i64 {
        self.first_us
    }

    /// Media time of the last detection.
    pub fn last_us(&self) -> i64 {
        self.last_us
    }

    /// Whether a detection belongs to it in the present picture.
    pub fn seen_now(&self) -> bool {
        self.last_us == self.now_us
    }

    /// Whether the detector looked where it should be and did not find it. Between two looks nothing is missing.
    pub fn is_missing(&self) -> bool {
        self.missed_since_us.is_some()
    }

    /// Whether it has left its first place since it was first seen.
    pub fn has_moved(&self) -> bool {
        self.moved
    }

    /// Whether to believe in it: followed, and not distrusted for never having moved.
    pub fn is_reported(&self) -> bool {
        self.state == TrackState::Tracked && !self.distrusted
    }

    /// Whether it stood in one place for too long without ever having moved.
    pub fn is_distrusted(&self) -> bool {
        self.distrusted
    }

    /// The way it went, oldest first, at most [`PATH_MAX`] points, the last one recent.
    pub fn path(&self) -> &[TrackPoint] {
        &self.path
    }
}

/// What most callers need of a track in one picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrackedObject {
    pub track: TrackId,
    pub class: Class,
    /// Image pixels.
    pub bbox: BBox,
    /// Score of the last detection.
    pub score: f32,
    /// Heights per second.
    pub speed: f32,
    /// Whether a detection of this very picture belongs to it; otherwise the box is predicted.
    pub seen: bool,
}

impl From<&Track> for TrackedObject {
    fn from(track: &Track) -> Self {
        Self {
            track: track.id,
            class: track.class.clone(),
            bbox: track.bbox(),
            score: track.score,
            speed: track.speed(),
            seen: track.seen_now(),
        }
    }
}
