//! One camera's eyes: motion gate → detector → tracker → rules, one call per picture.

use serde::{Deserialize, Serialize};

use crate::class::Class;
use crate::detect::{DetectError, Detection, Detector};
use crate::frame::Frame;
use crate::geometry::BBox;
use crate::motion::{Motion, MotionConfig, MotionDetector};
use crate::rules::{Anomaly, Crossings, Event, LocalTime, Rules, Scene, ZoneConfig, ZoneError};
use crate::track::{Examined, Track, TrackId, TrackedObject, Tracker, TrackerConfig};

/// When the detector runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// On every `n`-th picture (1: on each), whole picture.
    Every { n: u32 },
    /// Where and when something moves, and the whole picture every `sweep_ms` so that people who stand still
    /// stay. While something moves it runs on every `n`-th picture.
    Motion {
        #[serde(default = "sweep_ms")]
        sweep_ms: u32,
        #[serde(default = "one")]
        n: u32,
    },
}

fn sweep_ms() -> u32 {
    1_500
}
fn one() -> u32 {
    1
}

impl Default for Schedule {
    fn default() -> Self {
        Self::Motion { sweep_ms: sweep_ms(), n: 1 }
    }
}

/// Everything about one camera's analysis but the model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PipelineConfig {
    pub motion: MotionConfig,
    pub schedule: Schedule,
    pub tracker: TrackerConfig,
    pub zones: Vec<ZoneConfig>,
    /// Classes that are tracked; empty: all that the detector reports.
    pub classes: Vec<Class>,
    /// Longer side of the detector's input, in pixels, where the model can change it; `null` leaves it as it is.
    pub input_side: Option<usize>,
}

/// What one picture gave.
#[derive(Clone, Debug)]
pub struct Step {
    pub time_us: i64,
    pub motion: Motion,
    /// Whether the detector (or, without a model, the motion gate) looked for objects in this picture.
    pub detected: bool,
    /// Regions the detector looked at, image pixels; empty when it did not run.
    pub examined: Vec<BBox>,
    pub detections: Vec<Detection>,
    /// Objects that are believed in, oldest track first.
    pub objects: Vec<TrackedObject>,
    pub events: Vec<Event>,
    /// Tracks that ended with this picture.
    pub ended: Vec<Track>,
    /// The detector failed on this picture; tracking went on by prediction.
    pub error: Option<DetectError>,
}

/// Deterministic: the same pictures and local times give the same steps.
#[derive(Clone, Debug)]
pub struct Pipeline {
    config: PipelineConfig,
    detector: Option<Detector>,
    motion: MotionDetector,
    tracker: Tracker,
    rules: Rules,
    fitted: Option<(usize, usize)>,
    since_detection: u32,
    last_sweep_us: Option<i64>,
    last_us: i64,
    slowdown: u32,
}

impl Pipeline {
    /// Without a detector, moving regions become objects of class [`Class::MOTION`].
    pub fn new(config: PipelineConfig, detector: Option<Detector>) -> Result<Self, ZoneError> {
        Ok(Self {
            motion: MotionDetector::new(config.motion.clone()),
            tracker: Tracker::new(config.tracker.clone()),
            rules: Rules::new(config.zones.clone())?,
            config,
            detector,
            fitted: None,
            since_detection: u32::MAX,
            last_sweep_us: None,
            last_us: i64::MIN,
            slowdown: 1,
        })
    }

    pub fn config(&self) -> &PipelineConfig {
        &self.config
    }

    /// Replaces the configuration while running. Tracks stay; anomalies of zones that are gone or redrawn end.
    /// On an error nothing changes.
    pub fn set_config(&mut self, config: PipelineConfig) -> Result<Vec<Event>, ZoneError> {
        let events = self.rules.set_zones(config.zones.clone(), self.last_us.max(0))?;
        self.motion.set_config(config.motion.clone());
        self.tracker.set_config(config.tracker.clone());
        self.fitted = None;
        self.config = config;
        Ok(events)
    }

    /// Replaces the zones alone.
    pub fn set_zones(&mut self, zones: Vec<ZoneConfig>) -> Result<Vec<Event>, ZoneError> {
        let events = self.rules.set_zones(zones.clone(), self.last_us.max(0))?;
        self.config.zones = zones;
        Ok(events)
    }

    /// Replaces the model, or takes it away. Tracks stay.
    pub fn set_detector(&mut self, detector: Option<Detector>) {
        self.detector = detector;
        self.fitted = None;
    }

    pub fn detector(&self) -> Option<&Detector> {
        self.detector.as_ref()
    }

    /// Under overload: run the detector only on every `factor`-th of the pictures on which it would run (1: on
    /// all). The sweep slows down alike.
    pub fn set_slowdown(&mut self, factor: u32) {
        self.slowdown = factor.clamp(1, 1_000);
    }

    pub fn slowdown(&self) -> u32 {
        self.slowdown
    }

    /// All living tracks, also those not believed in.
    pub fn tracks(&self) -> &[Track] {
        self.tracker.tracks()
    }

    pub fn find_track(&self, id: TrackId) -> Option<&Track> {
        self.tracker.find(id)
    }

    /// Anomalies that have started and not ended.
    pub fn active(&self) -> impl Iterator<Item = &Anomaly> {
        self.rules.active()
    }

    /// Line crossings since the start, by zone id.
    pub fn counts(&self) -> impl Iterator<Item = (&str, Crossings)> {
        self.rules.counts()
    }

    /// Analyses one picture. `local` is the wall clock at the camera, for zones with hours.
    pub fn step(&mut self, frame: &Frame, local: LocalTime) -> Step {
        self.fit(frame);
        let time_us = frame.time_us();
        self.last_us = self.last_us.max(time_us);
        let motion = if self.needs_motion() { self.motion.step(frame) } else { Motion::default() };
        let plan = self.plan(frame, &motion);
        let mut error = None;
        let detections = match (&plan, &mut self.detector) {
            (Plan::Rest, _) => Vec::new(),
            (Plan::Look(regions), Some(detector)) => look(detector, frame, regions).unwrap_or_else(|e| {
                error = Some(e);
                Vec::new()
            }),
            (Plan::Look(_), None) => motion_objects(&motion),
        };
        let keep = |d: &Detection| self.config.classes.is_empty() || self.config.classes.contains(&d.class);
        let detections: Vec<Detection> = detections.into_iter().filter(keep).collect();
        let (detected, examined) = match plan {
            Plan::Look(regions) if error.is_none() => (true, regions),
            _ => (false, Vec::new()),
        };
        let ended = if detected {
            let whole = examined.iter().any(|r| *r == frame.bounds());
            let where_ = if whole { Examined::All } else { Examined::Regions(&examined) };
            self.tracker.step(time_us, &detections, where_)
        } else {
            self.tracker.coast(time_us)
        };
        let events = self.rules.step(&Scene {
            time_us,
            width: frame.width() as f32,
            height: frame.height() as f32,
            local,
            tracks: self.tracker.tracks(),
            frame: Some(frame),
        });
        let objects = self.tracker.tracks().iter().filter(|t| t.is_reported()).map(Into::into).collect();
        Step { time_us, motion, detected, examined, detections, objects, events, ended, error }
    }

    /// The stream ended or broke off: ends every anomaly and every track.
    pub fn finish(&mut self) -> (Vec<Event>, Vec<Track>) {
        let events = self.rules.finish(self.last_us.max(0));
        self.motion.reset();
        self.since_detection = u32::MAX;
        self.last_sweep_us = None;
        (events, self.tracker.clear())
    }

    /// The first picture, and each of a new size, decides the shape of the detector's input.
    fn fit(&mut self, frame: &Frame) {
        let size = (frame.width(), frame.height());
        if self.fitted == Some(size) {
            return;
        }
        self.fitted = Some(size);
        if let (Some(detector), Some(side)) = (&mut self.detector, self.config.input_side) {
            detector.fit(size.0, size.1, side);
        }
    }

    fn needs_motion(&self) -> bool {
        self.detector.is_none() || matches!(self.config.schedule, Schedule::Motion { .. })
    }

    fn plan(&mut self, frame: &Frame, motion: &Motion) -> Plan {
        if self.detector.is_none() {
            return Plan::Look(vec![frame.bounds()]);
        }
        let (n, sweep_ms) = match self.config.schedule {
            Schedule::Every { n } => (n, None),
            Schedule::Motion { sweep_ms, n } => (n, Some(sweep_ms)),
        };
        let n = n.max(1).saturating_mul(self.slowdown);
        let due = self.since_detection >= n - 1;
        self.since_detection = self.since_detection.saturating_add(1);
        let regions = match sweep_ms {
            None => due.then(|| vec![frame.bounds()]),
            Some(sweep_ms) => {
                let wait_us = i64::from(sweep_ms) * 1000 * i64::from(self.slowdown);
                let sweep = self.last_sweep_us.is_none_or(|last| frame.time_us() - last >= wait_us);
                if sweep || (due && motion.light_change) {
                    self.last_sweep_us = Some(frame.time_us());
                    Some(vec![frame.bounds()])
                } else if due && !motion.regions.is_empty() {
                    Some(self.regions(frame, motion))
                } else {
                    None
                }
            }
        };
        match regions {
            Some(regions) => {
                self.since_detection = 0;
                Plan::Look(regions)
            }
            None => Plan::Rest,
        }
    }

    /// One region around what moves and the tracks that move there, or the whole picture when that is nearly as
    /// cheap. One region rather than several: neighbours would cut people in two, and each run has a fixed cost.
    fn regions(&self, frame: &Frame, motion: &Motion) -> Vec<BBox> {
        let bounds = frame.bounds();
        let Some(around) = motion.regions.iter().copied().reduce(|a, b| a.union(&b)) else {
            return vec![bounds];
        };
        let near: Vec<BBox> =
            self.tracker.tracks().iter().map(Track::bbox).filter(|b| b.intersection(&around) > 0.0).collect();
        let around = near.iter().fold(around, |a, b| a.union(b));
        let margin = 0.15 * around.w.max(around.h) + 16.0;
        let around = around.grow(margin, margin).clip(bounds.w, bounds.h);
        if around.area() > 0.6 * bounds.area() { vec![bounds] } else { vec![around] }
    }
}

enum Plan {
    Rest,
    Look(Vec<BBox>),
}

fn look(detector: &mut Detector, frame: &Frame, regions: &[BBox]) -> Result<Vec<Detection>, DetectError> {
    let mut all = Vec::new();
    for region in regions {
        all.extend(detector.detect_in(frame, region)?);
    }
    Ok(all)
}

/// Moving regions as objects, for cameras without a model. The score says how much of a thing it is: 0.5 for
/// the smallest, towards 0.9 for large ones.
fn motion_objects(motion: &Motion) -> Vec<Detection> {
    let largest = motion.regions.first().map_or(1.0, BBox::area).max(1.0);
    motion
        .regions
        .iter()
        .map(|&bbox| Detection {
            bbox,
            score: 0.55 + 0.35 * (bbox.area() / largest).clamp(0.0, 1.0),
            class: Class::MOTION.into(),
        })
        .collect()
}

#[cfg(test)]
mod tests;
