//! The tracker: predict, associate twice, begin, lose and end tracks.

use serde::{Deserialize, Serialize};

use super::kalman::{BoxFilter, Noise};
use super::{PATH_MAX, Track, TrackId, TrackPoint, TrackState};
use crate::assign::{FORBIDDEN, assign};
use crate::class::Class;
use crate::detect::Detection;
use crate::geometry::BBox;

/// Parameters of a [`Tracker`]. The defaults were tuned on TUD-Campus and the first half of PETS09-S2L1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrackerConfig {
    /// Detections at least this sure are matched first.
    pub high_score: f32,
    /// Weaker ones down to this only prolong tracks.
    pub low_score: f32,
    /// Detections at least this sure may begin a track.
    pub new_score: f32,
    /// Least overlap (IoU of boxes grown by `margin`) for a match with a confident detection.
    pub match_iou: f32,
    /// The same for weak detections.
    pub low_iou: f32,
    /// How far boxes are grown before they are compared, as a fraction of their size: catches fast walkers at
    /// low frame rates (Yang et al., C-BIoU, WACV 2023). Grows with the time since the last sighting.
    pub margin: f32,
    /// Detections before a track is believed.
    pub confirm_hits: u32,
    /// How long a track survives unseen, in milliseconds.
    pub lost_ms: u32,
    /// How long a track is still reported, by prediction, while unseen.
    pub coast_ms: u32,
    /// Distance from its first place, in box heights, after which a track has moved.
    pub moved_heights: f32,
    /// A track that has not moved for this long since its birth is distrusted; 0 means at once. `null` trusts
    /// everything.
    pub distrust_ms: Option<u32>,
    /// The most tracks at a time; the surest detections win.
    pub tracks_max: usize,
}

impl Default for TrackerConfig {
    fn default() -> Self {
        Self {
            high_score: 0.45,
            low_score: 0.1,
            new_score: 0.65,
            match_iou: 0.1,
            low_iou: 0.5,
            margin: 0.4,
            confirm_hits: 2,
            lost_ms: 2_000,
            coast_ms: 0,
            moved_heights: 0.25,
            distrust_ms: Some(1_000),
            tracks_max: 256,
        }
    }
}

/// Where the detector looked in the present picture.
#[derive(Clone, Copy, Debug)]
pub enum Examined<'a> {
    /// Everywhere.
    All,
    /// Only in these regions, since nothing moved elsewhere.
    Regions(&'a [BBox]),
}

impl Examined<'_> {
    /// Whether most of `bbox` was looked at.
    fn covers(&self, bbox: &BBox) -> bool {
        match self {
            Examined::All => true,
            Examined::Regions(regions) => {
                regions.iter().any(|r| r.intersection(bbox) >= 0.8 * bbox.area().max(1.0))
            }
        }
    }
}

/// A place where a distrusted track stood: whatever appears there again begins distrusted.
#[derive(Clone, Debug)]
struct Spot {
    bbox: BBox,
    class: Class,
    last_us: i64,
}

const SPOTS_MAX: usize = 64;
/// A spot is forgotten after ten minutes without a sighting.
const SPOT_KEEP_US: i64 = 600_000_000;
/// Overlap with a spot, and time on it, after which a walker's track counts as the spot's.
const SPOT_CATCH_IOU: f32 = 0.75;
const SPOT_CATCH_US: i64 = 1_500_000;
const NOISE: Noise = Noise { measure: 0.06, acceleration: 0.9, growth: 0.25 };
/// A time gap beyond this is not predicted over: the stream was interrupted.
const STEP_MAX_S: f32 = 2.0;

/// Follows objects from picture to picture. Deterministic; memory is bounded by `tracks_max` and
/// [`PATH_MAX`].
#[derive(Clone, Debug)]
pub struct Tracker {
    config: TrackerConfig,
    tracks: Vec<Track>,
    spots: Vec<Spot>,
    next_id: u64,
    now_us: Option<i64>,
}

impl Tracker {
    pub fn new(config: TrackerConfig) -> Self {
        Self { config, tracks: Vec::new(), spots: Vec::new(), next_id: 1, now_us: None }
    }

    /// New parameters from the next step on; tracks stay.
    pub fn set_config(&mut self, config: TrackerConfig) {
        self.config = config;
    }

    pub fn config(&self) -> &TrackerConfig {
        &self.config
    }

    /// All living tracks, also tentative and lost ones, oldest first.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    pub fn find(&self, id: TrackId) -> Option<&Track> {
        self.tracks.iter().find(|t| t.id == id)
    }

    /// Ends all tracks and returns them. Ids go on rising.
    pub fn clear(&mut self) -> Vec<Track> {
        self.now_us = None;
        std::mem::take(&mut self.tracks)
    }

    /// Moves every track to `time_us` by prediction alone, for pictures on which the detector did not run.
    /// Returns the tracks that ended.
    pub fn coast(&mut self, time_us: i64) -> Vec<Track> {
        self.predict(time_us, &Examined::All);
        self.retire(time_us)
    }

    /// Takes the detections of the picture at `time_us` in, any order. Time that runs backwards counts as no
    /// time at all. Returns the tracks that ended.
    pub fn step(&mut self, time_us: i64, detections: &[Detection], examined: Examined<'_>) -> Vec<Track> {
        let time_us = self.predict(time_us, &examined);
        let mut order: Vec<usize> = (0..detections.len())
            .filter(|&i| detections[i].score >= self.config.low_score && detections[i].bbox.is_finite())
            .collect();
        order.sort_by(|&a, &b| detections[b].score.total_cmp(&detections[a].score).then(a.cmp(&b)));
        order.truncate(self.config.tracks_max);
        let split = order.partition_point(|&i| detections[i].score >= self.config.high_score);
        let (high, low) = order.split_at(split);

        let known = |t: &Track| t.state != TrackState::Tentative;
        let rows: Vec<usize> = (0..self.tracks.len()).filter(|&i| known(&self.tracks[i])).collect();
        let mut matched = vec![false; self.tracks.len()];
        let free_high = self.associate(rows, high, detections, time_us, self.config.match_iou, &mut matched);

        let rows: Vec<usize> = (0..self.tracks.len())
            .filter(|&i| !matched[i] && self.tracks[i].state == TrackState::Tracked)
            .collect();
        self.associate(rows, low, detections, time_us, self.config.low_iou, &mut matched);

        let rows: Vec<usize> =
            (0..self.tracks.len()).filter(|&i| !matched[i] && !known(&self.tracks[i])).collect();
        let free_high =
            self.associate(rows, &free_high, detections, time_us, self.config.match_iou, &mut matched);

        for (i, track) in self.tracks.iter_mut().enumerate() {
            if !matched[i] && examined.covers(&track.filter.bbox()) {
                track.missed_since_us.get_or_insert(time_us);
            }
        }
        for &i in &free_high {
            if detections[i].score >= self.config.new_score && self.tracks.len() < self.config.tracks_max {
                self.begin(&detections[i], time_us);
            }
        }
        self.retire(time_us)
    }

    /// Brings every filter to `time_us`; returns the time that counts.
    fn predict(&mut self, time_us: i64, examined: &Examined<'_>) -> i64 {
        let now = self.now_us.map_or(time_us, |last| last.max(time_us));
        let dt = self.now_us.map_or(0.0, |last| ((now - last) as f32 * 1e-6).min(STEP_MAX_S));
        self.now_us = Some(now);
        for track in &mut self.tracks {
            track.now_us = now;
            if track.missed_since_us.is_some() {
                track.filter.damp((-dt * 0.7).exp());
            }
            // Where nothing moves nobody walks.
            if !examined.covers(&track.filter.bbox()) {
                track.filter.damp(0.0);
            }
            track.filter.predict(dt, &NOISE);
        }
        now
    }

    /// Matches `rows` (indices of tracks) with `columns` (indices of detections) and updates the matched
    /// tracks; returns the detections left over.
    fn associate(
        &mut self,
        rows: Vec<usize>,
        columns: &[usize],
        detections: &[Detection],
        time_us: i64,
        iou_min: f32,
        matched: &mut [bool],
    ) -> Vec<usize> {
        let mut cost = Vec::with_capacity(rows.len() * columns.len());
        for &r in &rows {
            let track = &self.tracks[r];
            let predicted = track.filter.bbox();
            let unseen_s = (time_us - track.last_us) as f32 * 1e-6;
            let margin = self.config.margin * (1.0 + unseen_s).min(3.0);
            let own = predicted.grow(predicted.w * margin, predicted.h * margin * 0.5);
            for &c in columns {
                cost.push(pair_cost(track, &predicted, &own, margin, &detections[c], iou_min));
            }
        }
        let pairs = assign(&cost, rows.len(), columns.len());
        let mut taken = vec![false; columns.len()];
        for (&row, column) in rows.iter().zip(&pairs) {
            if let Some(column) = *column {
                taken[column] = true;
                matched[row] = true;
                self.tracks[row].observe(&detections[columns[column]], time_us, &self.config);
            }
        }
        columns.iter().zip(&taken).filter(|(_, taken)| !**taken).map(|(&c, _)| c).collect()
    }

    fn begin(&mut self, detection: &Detection, time_us: i64) {
        let known_spot = self.config.distrust_ms.is_some()
            && self
                .spots
                .iter()
                .any(|spot| spot.class == detection.class && spot.bbox.iou(&detection.bbox) >= 0.5);
        let mut track = Track {
            id: TrackId(self.next_id),
            class: detection.class.clone(),
            filter: BoxFilter::new(&detection.bbox, &NOISE),
            state: TrackState::Tentative,
            score: detection.score,
            score_sum: 0.0,
            score_max: 0.0,
            hits: 0,
            first_us: time_us,
            last_us: time_us,
            now_us: time_us,
            missed_since_us: None,
            moved: false,
            on_spot_since_us: None,
            distrusted: known_spot || self.config.distrust_ms == Some(0),
            origin: detection.bbox,
            path: Vec::new(),
            path_step_us: 0,
            votes: Vec::new(),
        };
        self.next_id += 1;
        track.note(detection, time_us, &self.config);
        self.tracks.push(track);
    }

    /// Settles states and removes what is gone for good.
    fn retire(&mut self, time_us: i64) -> Vec<Track> {
        let lost_us = i64::from(self.config.lost_ms) * 1000;
        let coast_us = i64::from(self.config.coast_ms) * 1000;
        let distrust_us = self.config.distrust_ms.map(|ms| i64::from(ms) * 1000);
        for track in &mut self.tracks {
            if track.seen_now() && track.moved && distrust_us.is_some() {
                track.check_spots(&self.spots, time_us);
            }
            if let Some(since) = track.missed_since_us
                && track.state == TrackState::Tracked
                && (coast_us == 0 || time_us - since > coast_us)
            {
                track.state = TrackState::Lost;
            }
            match distrust_us {
                Some(limit) if !track.moved && time_us - track.first_us >= limit => track.distrusted = true,
                None => track.distrusted = false,
                _ => {}
            }
        }
        for track in self.tracks.iter().filter(|t| t.distrusted && t.seen_now()) {
            let bbox = track.filter.bbox();
            let known = self.spots.iter_mut().find(|s| s.class == track.class && s.bbox.iou(&bbox) >= 0.5);
            if let Some(spot) = known {
                spot.last_us = time_us;
            } else if self.spots.len() < SPOTS_MAX {
                self.spots.push(Spot { bbox, class: track.class.clone(), last_us: time_us });
            }
        }
        self.spots.retain(|spot| time_us - spot.last_us <= SPOT_KEEP_US);
        let over = |t: &mut Track| {
            t.missed_since_us
                .is_some_and(|since| t.state == TrackState::Tentative || time_us - since > lost_us)
        };
        self.tracks.extract_if(.., over).collect()
    }
}

/// What it costs to say that `detection` is this track; [`FORBIDDEN`] where it cannot be.
fn pair_cost(
    track: &Track,
    predicted: &BBox,
    own: &BBox,
    margin: f32,
    detection: &Detection,
    iou_min: f32,
) -> f32 {
    let d = &detection.bbox;
    let overlap = own.iou(&d.grow(d.w * margin, d.h * margin * 0.5));
    // Another class may be the same thing (car, truck), but only in the same place.
    let same = track.class == detection.class;
    if overlap < iou_min || (!same && predicted.iou(d) < 0.6) {
        return FORBIDDEN;
    }
    // A box twice as high or half as high is somebody else.
    let ratio = d.h / predicted.h.max(1.0);
    if !(0.4..=2.5).contains(&ratio) || track.filter.distance2(d, &NOISE) > 60.0 {
        return FORBIDDEN;
    }
    let shape = (ratio.ln().abs()).min(1.0);
    1.0 - overlap * (0.5 + 0.5 * detection.score) + 0.15 * shape + if same { 0.0 } else { 0.3 }
}

impl Track {
    /// Takes a matched detection in.
    fn observe(&mut self, detection: &Detection, time_us: i64, config: &TrackerConfig) {
        self.filter.update(&detection.bbox, detection.score, &NOISE);
        self.note(detection, time_us, config);
    }

    fn note(&mut self, detection: &Detection, time_us: i64, config: &TrackerConfig) {
        self.hits += 1;
        self.score = detection.score;
        self.score_sum += detection.score;
        self.score_max = self.score_max.max(detection.score);
        self.last_us = time_us;
        self.missed_since_us = None;
        if self.hits >= config.confirm_hits {
            self.state = TrackState::Tracked;
        }
        self.vote(detection);
        let bbox = self.filter.bbox();
        if !self.moved && self.hits >= 3 {
            let (a, b) = (self.origin.center(), bbox.center());
            // Feet that move count as much as middles: a box cut by the picture's edge grows on one side only.
            let distance = a.distance(b).min(self.origin.foot().distance(bbox.foot()) + 0.1 * bbox.h);
            if distance > config.moved_heights * self.origin.h.min(bbox.h) {
                self.moved = true;
                self.distrusted = false;
            }
        }
        self.remember(TrackPoint { time_us, bbox });
    }

    /// A walker's track that is caught by a known still thing (a sign that looks like a person) and lies on it
    /// exactly for a while is that thing. People who stop beside it keep their own box.
    fn check_spots(&mut self, spots: &[Spot], time_us: i64) {
        let bbox = self.filter.bbox();
        if !spots.iter().any(|spot| spot.class == self.class && spot.bbox.iou(&bbox) >= SPOT_CATCH_IOU) {
            self.on_spot_since_us = None;
            return;
        }
        let since = *self.on_spot_since_us.get_or_insert(time_us);
        if time_us - since >= SPOT_CATCH_US {
            self.moved = false;
            self.distrusted = true;
            self.origin = bbox;
        }
    }

    fn vote(&mut self, detection: &Detection) {
        let known = self.votes.iter_mut().find(|(class, _)| *class == detection.class);
        if let Some((_, sum)) = known {
            *sum += detection.score;
        } else if self.votes.len() < 8 {
            self.votes.push((detection.class.clone(), detection.score));
        }
        if let Some((class, _)) = self.votes.iter().max_by(|a, b| a.1.total_cmp(&b.1))
            && *class != self.class
        {
            self.class = class.clone();
        }
    }

    /// The last point follows the present; a new one is kept when enough time has passed.
    fn remember(&mut self, point: TrackPoint) {
        let n = self.path.len();
        if n >= 2 && point.time_us - self.path[n - 2].time_us < self.path_step_us {
            self.path[n - 1] = point;
            return;
        }
        self.path.push(point);
        if self.path.len() >= PATH_MAX {
            let mut index = 0;
            let last = self.path.len() - 1;
            self.path.retain(|_| {
                index += 1;
                (index - 1) % 2 == 0 || index - 1 == last
            });
            let span = point.time_us - self.path[0].time_us;
            self.path_step_us = span / (PATH_MAX as i64 / 2);
        }
    }
}

#[cfg(test)]
mod tests;
