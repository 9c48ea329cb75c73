//! One camera's analysis.

use jiff::tz::TimeZone;
use kernel::Timestamp;
use vision::{
    Class, Day, Detector, Event, Frame, LocalTime, Pipeline, PipelineConfig, Schedule, Step, TimeOfDay,
    TrackerConfig,
};

use super::live::{Pictures, Shot, Wanted};
use crate::{
    model::{Camera, DetectionModel, Looks},
    service::Recorded,
};

/// A model as a camera uses it.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) detector: Detector,
    pub(crate) model: DetectionModel,
}

/// The engine at work for one camera. It goes to a blocking thread and back with each picture.
pub(crate) struct Eyes {
    pipeline: Pipeline,
    has_model: bool,
    detector_side: usize,
    time_zone: TimeZone,
    last: Option<(f32, f32)>,
}

/// What one picture gave.
pub(crate) struct Look {
    pub(crate) step: Step,
    pub(crate) shot: Shot,
    pub(crate) pictures: Pictures,
    /// The snapshot of each anomaly whose best moment this is, by anomaly.
    pub(crate) snapshots: Vec<(u64, Recorded)>,
    /// Anomalies that go on, with when each was last seen.
    pub(crate) active: Vec<(u64, i64)>,
    /// How long the engine took, without encoding.
    pub(crate) seconds: f64,
}

/// What to make of a picture besides looking at it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Make {
    pub(crate) wanted: Wanted,
    pub(crate) live_quality: u8,
    pub(crate) snapshot_quality: u8,
}

impl Eyes {
    pub(crate) fn new(
        camera: &Camera,
        loaded: Option<&Loaded>,
        detector_side: usize,
        time_zone: TimeZone,
    ) -> Result<Self, vision::ZoneError> {
        let has_model = loaded.is_some();
        let config = settings(camera, has_model, detector_side);
        let pipeline = Pipeline::new(config, loaded.map(|loaded| loaded.detector.clone()))?;
        Ok(Self { pipeline, has_model, detector_side, time_zone, last: None })
    }

    /// Takes over changed zones and settings while running; gives the events of zones that are gone.
    pub(crate) fn change(&mut self, camera: &Camera) -> Result<Vec<Event>, vision::ZoneError> {
        self.pipeline.set_config(settings(camera, self.has_model, self.detector_side))
    }

    /// Another model, or none.
    pub(crate) fn set_model(
        &mut self,
        camera: &Camera,
        loaded: Option<&Loaded>,
    ) -> Result<Vec<Event>, vision::ZoneError> {
        self.has_model = loaded.is_some();
        self.pipeline.set_detector(loaded.map(|loaded| loaded.detector.clone()));
        self.change(camera)
    }

    pub(crate) fn set_slowdown(&mut self, factor: u32) {
        self.pipeline.set_slowdown(factor);
    }

    /// The picture's size, once there was one.
    pub(crate) fn size(&self) -> Option<(f32, f32)> {
        self.last
    }

    /// The stream broke off for long, or ended.
    pub(crate) fn finish(&mut self) -> Vec<Event> {
        self.pipeline.finish().0
    }

    /// Looks at one picture; blocks for milliseconds.
    pub(crate) fn look(&mut self, frame: Frame, make: Make) -> Result<Look, vision::JpegError> {
        let started = std::time::Instant::now();
        self.last = Some((frame.width() as f32, frame.height() as f32));
        let at = Timestamp::from_microsecond(frame.time_us()).unwrap_or_default();
        let (local, clock) = wall_clock(at, &self.time_zone);
        let step = self.pipeline.step(&frame, local);
        let seconds = started.elapsed().as_secs_f64();
        let active: Vec<(u64, i64)> =
            self.pipeline.active().map(|anomaly| (anomaly.id, anomaly.last_us)).collect();
        let going_on: Vec<&str> = self.pipeline.active().map(|anomaly| anomaly.zone.as_str()).collect();
        let zones = self
            .pipeline
            .config()
            .zones
            .iter()
            .filter(|zone| zone.enabled)
            .map(|zone| (zone.clone(), going_on.contains(&zone.id.as_str())))
            .collect();
        let shot = Shot { frame, at, clock, objects: step.objects.clone(), zones };
        let mut snapshots = Vec::new();
        for event in step.events.iter().filter(|event| event.best_changed) {
            let plain = shot.encode(false, make.snapshot_quality)?.bytes;
            let mut drawn = shot.frame.clone();
            let best = &event.anomaly.best;
            let object = step.objects.iter().find(|object| object.track == best.track);
            let label = object.map(|object| object.class.to_string());
            vision::Overlay::new(&mut drawn).bbox(
                &best.bbox,
                vision::Color::of_id(best.track.0),
                label.as_deref(),
            );
            let boxed = vision::encode_jpeg(&drawn, make.snapshot_quality)?.into();
            snapshots.push((event.anomaly.id, Recorded { at, plain, boxed }));
        }
        let pictures = Pictures::of(&shot, make.wanted, make.live_quality)?;
        Ok(Look { step, shot, pictures, snapshots, active, seconds })
    }
}

/// A camera's settings in the engine's words.
fn settings(camera: &Camera, has_model: bool, detector_side: usize) -> PipelineConfig {
    let detection = &camera.draft.detection;
    let looks = if has_model { Looks::Model } else { Looks::Motion };
    let tracker = TrackerConfig::default();
    let tracker = if has_model {
        let new_score = detection.min_score as f32;
        TrackerConfig {
            new_score,
            high_score: tracker.high_score.min(new_score),
            low_score: tracker.low_score.min(new_score),
            ..tracker
        }
    } else {
        tracker
    };
    PipelineConfig {
        schedule: match Schedule::default() {
            Schedule::Motion { sweep_ms, .. } => Schedule::Motion { sweep_ms, n: detection.every_n },
            Schedule::Every { .. } => Schedule::Every { n: detection.every_n },
        },
        tracker,
        zones: camera.zones.iter().filter_map(|zone| zone.to_engine(looks)).collect(),
        // Without a model there is one class, and all that moves is of it.
        classes: if has_model {
            detection.classes.iter().map(|class| Class::from(class.as_str())).collect()
        } else {
            Vec::new()
        },
        input_side: Some(detector_side),
        ..PipelineConfig::default()
    }
}

/// The wall clock at the camera, for rules and for the picture.
fn wall_clock(at: Timestamp, time_zone: &TimeZone) -> (LocalTime, String) {
    let local = at.to_zoned(time_zone.clone());
    let day = Day::from_monday_zero(usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or(0));
    let (hour, minute) = (local.hour().unsigned_abs().into(), local.minute().unsigned_abs().into());
    let time = TimeOfDay::from_hm(hour, minute).unwrap_or(TimeOfDay::MIDNIGHT);
    (LocalTime::new(day, time), local.strftime("%Y-%m-%d %H:%M:%S").to_string())
}
