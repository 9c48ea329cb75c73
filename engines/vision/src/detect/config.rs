//! What people declare about a model in `detection.yaml`. Everything may be left out: then the model's shapes
//! decide, and the family's usual pre-processing applies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::class::Class;

/// Model families that differ in what goes in and what comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Out `[1, N, 5+C]`, N = grid cells of strides 8, 16, 32; grid decode; score = objectness × class.
    Yolox,
    /// Out `[1, 3N, 5+C]`, decoded centres and sizes in input pixels; score = objectness × class.
    Yolov5,
    /// YOLOv8 and YOLO11. Out `[1, 4+C, N]`, decoded centres and sizes in input pixels.
    Yolov8,
    /// Out `[1, N, C+4·8]`, class scores and distance distributions (GFL) per grid cell.
    Nanodet,
    /// RT-DETR, D-FINE. Out logits `[1, Q, C]` and boxes `[1, Q, 4]`, or labels, boxes, scores.
    Detr,
    /// Suppression inside the model. Out `[1, Q, 6]`: corners in input pixels, score, class.
    EndToEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Planes one after the other: `[1, 3, H, W]`.
    Nchw,
    /// Channels together: `[1, H, W, 3]`.
    Nhwc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelOrder {
    Rgb,
    Bgr,
}

/// How a picture of another shape is fitted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// Aspect kept, picture at the top left, padding to the right and below.
    Letterbox,
    /// Aspect kept, picture in the middle.
    LetterboxCenter,
    /// Aspect not kept.
    Stretch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSize {
    pub width: usize,
    pub height: usize,
}

/// A declaration of a detection model. A channel value is `(pixel · scale - mean) / std` of a pixel 0..=255.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DetectionConfig {
    pub family: Option<Family>,
    /// Needed where the model leaves its input size open, or to run a re-shapable model at another size.
    pub input: Option<InputSize>,
    pub layout: Option<Layout>,
    pub channels: Option<ChannelOrder>,
    pub scale: Option<f32>,
    /// In the model's channel order.
    pub mean: Option<[f32; 3]>,
    pub std: Option<[f32; 3]>,
    pub resize: Option<Resize>,
    /// Grey level of the padding, 114 unless told.
    pub pad: Option<u8>,
    /// Names in the order of the outputs; COCO's 80 where the model has 80 classes, `person` where it has one.
    pub classes: Vec<Class>,
    /// Detections below are dropped, 0.1 unless told: the tracker uses weak ones too.
    pub min_score: Option<f32>,
    /// Thresholds of single classes.
    pub class_scores: BTreeMap<Class, f32>,
    /// Classes to report; empty: all.
    pub keep: Vec<Class>,
    /// Overlap above which the weaker of two boxes of a class goes, 0.45 unless told.
    pub nms_iou: Option<f32>,
    /// The most detections of one picture, 100 unless told.
    pub detections_max: Option<usize>,
    /// YOLOX only: whether boxes come decoded. Found out by the dry run unless told.
    pub decoded: Option<bool>,
    /// Threads of one session, 1 unless told: several cameras run beside each other.
    pub threads: Option<usize>,
}
