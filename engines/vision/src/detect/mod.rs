//! Object detection with ONNX models: load and check, convert, run, decode, suppress.

mod config;
mod convert;
mod decode;
mod load;
mod nms;
mod onnx;
mod session;

use serde::{Deserialize, Serialize};

pub use config::{ChannelOrder, DetectionConfig, Family, InputSize, Layout, Resize};
pub use convert::{Converter, Normalisation, Placement};
pub use nms::suppress;

use crate::class::Class;
use crate::frame::Frame;
use crate::geometry::BBox;
use decode::{Candidate, Spec};
use session::Session;

/// One object in one picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Image pixels.
    pub bbox: BBox,
    /// 0.0..=1.0.
    pub score: f32,
    pub class: Class,
}

/// Why a model cannot be used. The texts are meant for the person who chose it.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("this is not an ONNX model ({0})")]
    NotOnnx(String),
    #[error("the model needs an operator that the engine does not have ({0})")]
    Operator(String),
    #[error("the model keeps its weights in another file; export it as one file")]
    ExternalData,
    #[error("the model cannot be read ({0})")]
    Broken(String),
    #[error("the model's input {name:?} of shape {shape} is not one picture of 3 channels")]
    Input { name: String, shape: String },
    #[error("an input of {width}x{height} pixels is outside 32x32 to 2048x2048")]
    InputSize { width: usize, height: usize },
    #[error("the model leaves its input size open: declare `input` with width and height")]
    OpenSize,
    #[error(
        "the model has a fixed input of {fixed_width}x{fixed_height}, {width}x{height} does not work: {reason}"
    )]
    FixedSize { fixed_width: usize, fixed_height: usize, width: usize, height: usize, reason: String },
    #[error("the outputs {shapes} belong to no known family; declare `family`, or use another model")]
    UnknownOutputs { shapes: String },
    #[error("the outputs {shapes} do not fit the declared family {family:?}")]
    OtherFamily { family: Family, shapes: String },
    #[error("{declared} class names are declared, but the model has {classes} classes")]
    ClassCount { declared: usize, classes: usize },
    #[error("the declaration is wrong: {0}")]
    Declaration(String),
    #[error("the model failed its dry run")]
    DryRun(#[source] DetectError),
}

/// Why a picture could not be examined.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DetectError {
    #[error("inference failed ({0})")]
    Run(String),
    #[error("the model's answer cannot be read ({0})")]
    Decode(String),
}

/// What is known about a loaded model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelInfo {
    pub family: Family,
    /// The input in use.
    pub input: InputSize,
    /// Whether [`Detector::set_input_size`] works.
    pub resizable: bool,
    pub classes: Vec<Class>,
    pub layout: Layout,
    pub channels: ChannelOrder,
    pub resize: Resize,
}

/// A model ready to look at pictures. Clones share the weights and work beside each other, one per camera.
#[derive(Clone)]
pub struct Detector {
    session: Session,
    spec: Spec,
    info: ModelInfo,
    norm: Normalisation,
    nms_iou: f32,
    detections_max: usize,
    kept: Vec<bool>,
    converter: Converter,
    input: Vec<f32>,
    candidates: Vec<Candidate>,
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Detector").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Detector {
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Looks at the whole picture.
    pub fn detect(&mut self, frame: &Frame) -> Result<Vec<Detection>, DetectError> {
        self.detect_in(frame, &frame.bounds())
    }

    /// Looks at one region of the picture (image pixels), at the same scale as the whole picture where the model's
    /// input size can change: then a small region costs little. Otherwise the region is enlarged to the input.
    /// Boxes are in image pixels, cut at the picture's edges.
    pub fn detect_in(&mut self, frame: &Frame, region: &BBox) -> Result<Vec<Detection>, DetectError> {
        let region = region.clip(frame.width() as f32, frame.height() as f32);
        if region.w < 2.0 || region.h < 2.0 {
            return Ok(Vec::new());
        }
        let input = self.input_for(frame, &region);
        let InputSize { width, height } = input;
        let place = Placement::new(region, width, height, self.info.resize);
        self.input.resize(3 * width * height, 0.0);
        self.converter.convert(frame, &place, width, height, &self.norm, &mut self.input);
        let outputs = self.session.run(&self.input, &self.shape(input), [width as i32, height as i32])?;
        self.spec.decode(&outputs, width, height, &mut self.candidates).map_err(DetectError::Decode)?;
        let (fw, fh) = (frame.width() as f32, frame.height() as f32);
        let detections = self
            .candidates
            .iter()
            .filter(|c| self.kept[c.class])
            .map(|c| Detection {
                bbox: place.to_image(&c.bbox).clip(fw, fh),
                score: c.score,
                class: self.info.classes[c.class].clone(),
            })
            .filter(|d| d.bbox.w >= 1.0 && d.bbox.h >= 1.0)
            .collect();
        Ok(suppress(detections, self.nms_iou, self.detections_max))
    }

    /// The input for a region: as much of the whole input as the region is of the picture, in steps of 32.
    fn input_for(&self, frame: &Frame, region: &BBox) -> InputSize {
        let whole = self.info.input;
        if !self.info.resizable {
            return whole;
        }
        let scale =
            (whole.width as f32 / frame.width() as f32).min(whole.height as f32 / frame.height() as f32);
        let side = |length: f32, max: usize| {
            ((length * scale).ceil() as usize).next_multiple_of(32).clamp(64.min(max), max)
        };
        InputSize { width: side(region.w, whole.width), height: side(region.h, whole.height) }
    }

    fn shape(&self, input: InputSize) -> [usize; 4] {
        let InputSize { width, height } = input;
        match self.info.layout {
            Layout::Nchw => [1, 3, height, width],
            Layout::Nhwc => [1, height, width, 3],
        }
    }
}

#[cfg(test)]
mod tests;
