//! Video analysis as a pure library: frames in, values out. No files, no threads but those of the inference
//! engine, no clock: time is the media time of the frames and a [`LocalTime`] that the caller passes in.
//!
//! A picture's way through a [`Pipeline`]:
//! 1. [`Frame`]: yuv420p planes as a decoder writes them, refilled in place.
//! 2. [`MotionDetector`]: is anything moving, and where? ([`Motion`])
//! 3. [`Detector`]: an ONNX model looks where something moves, and everywhere from time to time ([`Schedule`]).
//!    Without a model the moving regions are the objects.
//! 4. [`Tracker`]: detections become [`Track`]s with ids and ways.
//! 5. [`Rules`]: zones and lines ([`ZoneConfig`]) over tracks put out [`Event`]s: each [`Anomaly`] starts once,
//!    is updated, and ends once, with its evidence and its best moment.
//!
//! [`Overlay`] and [`encode_jpeg`] make pictures for people; [`evaluate`] scores tracks and events against
//! ground truth.
//!
//! ```
//! use vision::{Day, Frame, LocalTime, Pipeline, PipelineConfig, TimeOfDay};
//!
//! let mut pipeline = Pipeline::new(PipelineConfig::default(), None)?;
//! let mut frame = Frame::new(640, 360)?;
//! let noon = LocalTime::new(Day::Monday, TimeOfDay::parse("12:00").unwrap());
//! for i in 0..5 {
//!     frame.set_time_us(i * 200_000); // and fill frame.data_mut() from the decoder
//!     let step = pipeline.step(&frame, noon);
//!     assert!(step.events.is_empty());
//! }
//! let (events, tracks) = pipeline.finish();
//! assert!(events.is_empty() && tracks.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod assign;
mod class;
mod detect;
mod draw;
pub mod evaluate;
mod font;
mod frame;
mod geometry;
mod jpeg;
mod motion;
mod pipeline;
mod rules;
mod track;

pub use class::{COCO, Class};
pub use detect::{
    ChannelOrder, Converter, DetectError, Detection, DetectionConfig, Detector, Family, InputSize, Layout,
    ModelError, ModelInfo, Normalisation, Placement, Resize, suppress,
};
pub use draw::{Color, Overlay};
pub use frame::{Frame, FrameError, SIDE_MAX};
pub use geometry::{
    BBox, Point, cross, polygon_area, polygon_contains, polygon_crosses_itself, segment_distance,
    segments_meet,
};
pub use jpeg::{JpegError, encode_jpeg};
pub use motion::{Motion, MotionConfig, MotionDetector};
pub use pipeline::{Pipeline, PipelineConfig, Schedule, Step};
pub use rules::{
    ActiveHours, Anchor, Anomaly, AnomalyKind, CORNERS_MAX, Crossings, Day, Direction, Event, Evidence,
    LocalTime, Merge, Moment, Phase, Rule, Rules, Scene, Severity, TRACKS_MAX, TimeOfDay, TrackEvidence,
    ZONES_MAX, ZoneConfig, ZoneError, ZoneFault, is_active, validate_zones,
};
pub use track::{
    Examined, PATH_MAX, Track, TrackId, TrackPoint, TrackState, TrackedObject, Tracker, TrackerConfig,
};
