//! Loading a model: recognise it, check it, run it once.

use super::config::{ChannelOrder, DetectionConfig, Family, InputSize, Layout, Resize};
use super::convert::{Converter, Normalisation};
use super::decode::{STRIDES, STRIDES_WITH_64, Spec, cells};
use super::session::{Dim, Output, Session};
use super::{Detector, ModelError, ModelInfo, onnx};
use crate::class::{COCO, Class};

const BYTES_MAX: usize = 1 << 30;
const VALUES_MAX: usize = 50_000_000;
const CLASSES_MAX: usize = 10_000;

impl Detector {
    /// Reads an ONNX model, finds out (or takes from `config`) what it is, and runs it once on a grey picture.
    /// Where the graph allows it the input size becomes changeable, even if the file fixes it.
    pub fn load(bytes: &[u8], config: Option<DetectionConfig>) -> Result<Self, ModelError> {
        let config = config.unwrap_or_default();
        check_declaration(&config)?;
        if bytes.len() > BYTES_MAX {
            return Err(ModelError::Broken(format!("{} bytes are more than {BYTES_MAX}", bytes.len())));
        }
        if !onnx::looks_like_onnx(bytes) {
            return Err(ModelError::NotOnnx("no graph inside".into()));
        }
        let threads = config.threads.unwrap_or(1);
        let mut session = Session::load(bytes, threads)?;
        let (layout, written) = picture_shape(&session, &config)?;
        let mut resizable = written.0.is_none() && written.1.is_none();
        let natural = match (written, config.input) {
            ((Some(height), Some(width)), _) => InputSize { width, height },
            (_, Some(input)) => input,
            _ => return Err(ModelError::OpenSize),
        };
        check_size(natural)?;
        let grey = GreyRun { session: &session, layout, classes: config.classes.len() };
        let outputs = grey.run(natural)?;
        let spec = recognise(&outputs, natural, &config)?;
        if !resizable
            && spec.is_convolutional()
            && let Some(open) = reopen(bytes, &session, layout, threads, natural, &spec)
        {
            session = open;
            resizable = true;
        }
        let mut detector = assemble(session, spec, layout, natural, resizable, &config)?;
        if let Some(input) = config.input
            && input != natural
        {
            detector.set_input_size(input.width, input.height)?;
        }
        Ok(detector)
    }

    /// Runs the model at another input size from now on, in pixels, rounded up to whole strides of 32. Smaller
    /// is faster, and fitting the picture's aspect wastes no padding. Fails, changing nothing, where the model
    /// cannot.
    pub fn set_input_size(&mut self, width: usize, height: usize) -> Result<(), ModelError> {
        let fixed = self.info.input;
        let input = InputSize { width: width.next_multiple_of(32), height: height.next_multiple_of(32) };
        if input == fixed {
            return Ok(());
        }
        check_size(input)?;
        let refuse = |reason: String| ModelError::FixedSize {
            fixed_width: fixed.width,
            fixed_height: fixed.height,
            width: input.width,
            height: input.height,
            reason,
        };
        if !self.info.resizable {
            return Err(refuse("its graph is made for one size".into()));
        }
        let grey = GreyRun { session: &self.session, layout: self.info.layout, classes: self.spec.classes };
        let outputs = grey.run(input).map_err(|e| refuse(e.to_string()))?;
        if !self.spec.fits(&outputs, input) {
            return Err(refuse("the outputs do not grow with the input".into()));
        }
        self.info.input = input;
        Ok(())
    }

    /// Chooses the input size for pictures of `width` × `height` so that it fits their aspect with its longer
    /// side at `side_max` pixels (416 is usual, 320 twice as fast). Stays as it is where the model cannot.
    pub fn fit(&mut self, width: usize, height: usize, side_max: usize) -> InputSize {
        if self.info.resizable && width > 0 && height > 0 {
            let scale = side_max as f32 / width.max(height) as f32;
            let side = |v: usize| ((v as f32 * scale).round() as usize).next_multiple_of(32).clamp(32, 2048);
            // A size that the model refuses leaves the present one, which works.
            let _ = self.set_input_size(side(width), side(height));
        }
        self.info.input
    }
}

fn check_declaration(config: &DetectionConfig) -> Result<(), ModelError> {
    let wrong = |text: String| Err(ModelError::Declaration(text));
    let unit = |v: f32| (0.0..=1.0).contains(&v);
    for (name, value) in [("min_score", config.min_score), ("nms_iou", config.nms_iou)] {
        if let Some(v) = value.filter(|&v| !unit(v)) {
            return wrong(format!("{name} {v} is outside 0..1"));
        }
    }
    if let Some((class, v)) = config.class_scores.iter().find(|(_, v)| !unit(**v)) {
        return wrong(format!("the threshold {v} of class {class} is outside 0..1"));
    }
    if config.std.is_some_and(|s| s.iter().any(|v| !v.is_finite() || *v == 0.0)) {
        return wrong("std holds a zero".into());
    }
    if config.detections_max == Some(0) {
        return wrong("detections_max is 0".into());
    }
    if config.input.is_some_and(|i| i.width % 32 != 0 || i.height % 32 != 0) {
        return wrong("input width and height must be multiples of 32".into());
    }
    Ok(())
}

fn check_size(input: InputSize) -> Result<(), ModelError> {
    let InputSize { width, height } = input;
    if (32..=2048).contains(&width) && (32..=2048).contains(&height) {
        Ok(())
    } else {
        Err(ModelError::InputSize { width, height })
    }
}

/// The layout and the written height and width of the picture input.
fn picture_shape(session: &Session, config: &DetectionConfig) -> Result<(Layout, (Dim, Dim)), ModelError> {
    let inputs = session.inputs();
    let fail = |name: &str, shape: &[Dim]| {
        let shape: Vec<String> = shape.iter().map(|d| d.map_or("?".into(), |n| n.to_string())).collect();
        Err(ModelError::Input { name: name.into(), shape: format!("[{}]", shape.join(", ")) })
    };
    let Some(input) = inputs.first() else { return fail("", &[]) };
    let odd = inputs.len() > 2 || inputs.get(1).is_some_and(|second| !second.integer);
    let &[batch, a, b, c] = input.shape.as_slice() else { return fail(&input.name, &input.shape) };
    if odd || input.integer || batch.is_some_and(|n| n != 1) {
        return fail(&input.name, &input.shape);
    }
    match (config.layout, a, c) {
        (Some(Layout::Nchw) | None, Some(3), _) => Ok((Layout::Nchw, (b, c))),
        (Some(Layout::Nhwc) | None, _, Some(3)) => Ok((Layout::Nhwc, (a, b))),
        (Some(Layout::Nchw), None, _) => Ok((Layout::Nchw, (b, c))),
        (Some(Layout::Nhwc), _, None) => Ok((Layout::Nhwc, (a, b))),
        _ => fail(&input.name, &input.shape),
    }
}

/// Runs a model on a grey picture.
struct GreyRun<'a> {
    session: &'a Session,
    layout: Layout,
    classes: usize,
}

impl GreyRun<'_> {
    fn run(&self, input: InputSize) -> Result<Vec<Output>, ModelError> {
        let InputSize { width, height } = input;
        let shape = match self.layout {
            Layout::Nchw => [1, 3, height, width],
            Layout::Nhwc => [1, height, width, 3],
        };
        let grey = vec![0.45; 3 * width * height];
        let outputs =
            self.session.run(&grey, &shape, [width as i32, height as i32]).map_err(ModelError::DryRun)?;
        let values: usize = outputs.iter().map(|o| o.data.len()).sum();
        if values > VALUES_MAX || outputs.len() > 16 || self.classes > CLASSES_MAX {
            return Err(ModelError::UnknownOutputs { shapes: shapes(&outputs) });
        }
        Ok(outputs)
    }
}

fn shapes(outputs: &[Output]) -> String {
    let list: Vec<String> = outputs.iter().map(|o| format!("{} {:?}", o.name, o.shape)).collect();
    list.join(", ")
}

/// Family, class count and variants from the outputs of the dry run.
pub(super) fn recognise(
    outputs: &[Output],
    input: InputSize,
    config: &DetectionConfig,
) -> Result<Spec, ModelError> {
    let found = match config.family {
        Some(family) => match_family(family, outputs, input, config)
            .ok_or_else(|| ModelError::OtherFamily { family, shapes: shapes(outputs) })?,
        // From the strictest shape to the loosest.
        None => {
            [Family::Detr, Family::EndToEnd, Family::Yolov8, Family::Nanodet, Family::Yolov5, Family::Yolox]
                .into_iter()
                .find_map(|family| match_family(family, outputs, input, config))
                .ok_or_else(|| ModelError::UnknownOutputs { shapes: shapes(outputs) })?
        }
    };
    let (family, classes, strides) = found;
    if classes == 0 || classes > CLASSES_MAX {
        return Err(ModelError::UnknownOutputs { shapes: shapes(outputs) });
    }
    let decoded = match family {
        Family::Yolox => config.decoded.unwrap_or_else(|| comes_decoded(&outputs[0], input, classes)),
        Family::Detr => outputs.len() >= 3,
        _ => true,
    };
    Ok(Spec { family, classes, decoded, strides, thresholds: Vec::new(), threshold_min: 0.0 })
}

/// Raw YOLOX centres are offsets of a few cells; decoded ones reach to the far side of the input.
fn comes_decoded(output: &Output, input: InputSize, classes: usize) -> bool {
    let far = output.data.chunks_exact(5 + classes).map(|row| row[0]).fold(0.0, f32::max);
    far > 0.6 * input.width as f32
}

/// Whether the outputs fit a family: its class count and strides.
fn match_family(
    family: Family,
    outputs: &[Output],
    input: InputSize,
    config: &DetectionConfig,
) -> Option<(Family, usize, &'static [usize])> {
    let InputSize { width, height } = input;
    let three = |o: &Output| <[usize; 3]>::try_from(o.shape.as_slice()).ok();
    let single = || outputs.first().filter(|_| outputs.len() == 1).and_then(three);
    let strides_of =
        |n: usize| [STRIDES, STRIDES_WITH_64].into_iter().find(|strides| cells(width, height, strides) == n);
    // Where one shape fits two families the number of declared names decides.
    let declared = |classes: usize| config.classes.is_empty() || config.classes.len() == classes;
    match family {
        Family::Yolox => {
            let [1, n, columns] = single()? else { return None };
            let classes = columns.checked_sub(5)?;
            Some((family, classes, strides_of(n).filter(|_| classes > 0)?))
        }
        Family::Yolov5 => {
            let [1, n, columns] = single()? else { return None };
            let classes = columns.checked_sub(5)?;
            (n % 3 == 0 && classes > 0).then(|| strides_of(n / 3).map(|s| (family, classes, s)))?
        }
        Family::Yolov8 => {
            let [1, attributes, n] = single()? else { return None };
            let classes = attributes.checked_sub(4)?;
            (classes > 0 && n > attributes).then(|| strides_of(n).map(|s| (family, classes, s)))?
        }
        Family::Nanodet => {
            let [1, n, columns] = single()? else { return None };
            let classes = columns.checked_sub(32)?;
            let sure = config.family == Some(family) || classes == COCO.len() || !config.classes.is_empty();
            (classes > 0 && sure && declared(classes)).then(|| strides_of(n).map(|s| (family, classes, s)))?
        }
        Family::EndToEnd => {
            let [1, n, 6] = single()? else { return None };
            let grids = strides_of(n).is_some() || (n % 3 == 0 && strides_of(n / 3).is_some());
            let classes = if config.classes.is_empty() { COCO.len() } else { config.classes.len() };
            (!grids && n <= 1000).then_some((family, classes, STRIDES))
        }
        Family::Detr => {
            let boxes = outputs.iter().find(|o| o.shape.last() == Some(&4) && o.shape.len() >= 2)?;
            let queries = boxes.data.len() / 4;
            if outputs.len() >= 3 {
                let has =
                    |part: &str| outputs.iter().any(|o| o.name.contains(part) && o.data.len() == queries);
                let classes = if config.classes.is_empty() { COCO.len() } else { config.classes.len() };
                return (has("label") && has("score")).then_some((family, classes, STRIDES));
            }
            let logits = outputs.iter().find(|o| !std::ptr::eq(*o, boxes))?;
            let [1, q, classes] = three(logits)? else { return None };
            (q == queries && q <= 2000).then_some((family, classes, STRIDES))
        }
    }
}

impl Spec {
    /// Families whose graphs usually work at any multiple of 32.
    fn is_convolutional(&self) -> bool {
        matches!(self.family, Family::Yolox | Family::Yolov5 | Family::Yolov8 | Family::Nanodet)
    }

    /// Whether the outputs have the shape that this family has at this size.
    fn fits(&self, outputs: &[Output], input: InputSize) -> bool {
        let n = cells(input.width, input.height, self.strides);
        let expected = match self.family {
            Family::Yolox => [1, n, 5 + self.classes],
            Family::Yolov5 => [1, 3 * n, 5 + self.classes],
            Family::Yolov8 => [1, 4 + self.classes, n],
            Family::Nanodet => [1, n, 32 + self.classes],
            Family::EndToEnd | Family::Detr => return true,
        };
        outputs.first().is_some_and(|o| o.shape == expected)
    }
}

/// The same model with its input size opened, if it then works at another size too.
fn reopen(
    bytes: &[u8],
    session: &Session,
    layout: Layout,
    threads: usize,
    natural: InputSize,
    spec: &Spec,
) -> Option<Session> {
    let axes = match layout {
        Layout::Nchw => [2, 3],
        Layout::Nhwc => [1, 2],
    };
    let open = onnx::open_input(bytes, &session.inputs().first()?.name, &axes)?;
    let open = Session::load(&open, threads).ok()?;
    let grey = GreyRun { session: &open, layout, classes: spec.classes };
    let other = InputSize { width: natural.width.max(128) - 64, height: natural.height.max(128) - 32 };
    let works = |input| grey.run(input).is_ok_and(|outputs| spec.fits(&outputs, input));
    (works(natural) && works(other)).then_some(open)
}

fn assemble(
    session: Session,
    mut spec: Spec,
    layout: Layout,
    input: InputSize,
    resizable: bool,
    config: &DetectionConfig,
) -> Result<Detector, ModelError> {
    let classes = class_names(spec.classes, &config.classes)?;
    let default_score = config.min_score.unwrap_or(0.1);
    spec.thresholds =
        classes.iter().map(|c| config.class_scores.get(c).copied().unwrap_or(default_score)).collect();
    spec.threshold_min = spec.thresholds.iter().copied().fold(1.0, f32::min);
    let known = |c: &Class| {
        if classes.contains(c) {
            Ok(())
        } else {
            Err(ModelError::Declaration(format!("the model has no class {c}")))
        }
    };
    config.keep.iter().chain(config.class_scores.keys()).try_for_each(known)?;
    let kept = classes.iter().map(|c| config.keep.is_empty() || config.keep.contains(c)).collect();
    let usual = Usual::of(spec.family);
    let channels = config.channels.unwrap_or(usual.channels);
    let resize = config.resize.unwrap_or(usual.resize);
    let scale = config.scale.unwrap_or(usual.scale);
    let (mean, std) = (config.mean.unwrap_or(usual.mean), config.std.unwrap_or(usual.std));
    let norm = Normalisation {
        layout,
        channels,
        factor: std.map(|s| scale / s),
        offset: [0, 1, 2].map(|c| -mean[c] / std[c]),
        pad: config.pad.unwrap_or(114),
    };
    Ok(Detector {
        session,
        spec,
        info: ModelInfo { family: usual.family, input, resizable, classes, layout, channels, resize },
        norm,
        nms_iou: config.nms_iou.unwrap_or(0.45),
        detections_max: config.detections_max.unwrap_or(100),
        kept,
        converter: Converter::default(),
        input: Vec::new(),
        candidates: Vec::new(),
    })
}

fn class_names(count: usize, declared: &[Class]) -> Result<Vec<Class>, ModelError> {
    if !declared.is_empty() {
        let names = declared.len();
        return if names == count {
            Ok(declared.to_vec())
        } else {
            Err(ModelError::ClassCount { declared: names, classes: count })
        };
    }
    Ok(match count {
        1 => vec!["person".into()],
        80 => COCO.into_iter().map(Class::from).collect(),
        n => (0..n).map(|i| Class::from(format!("class {i}"))).collect(),
    })
}

/// The pre-processing with which a family's published models were trained.
struct Usual {
    family: Family,
    channels: ChannelOrder,
    resize: Resize,
    scale: f32,
    mean: [f32; 3],
    std: [f32; 3],
}

impl Usual {
    fn of(family: Family) -> Self {
        let plain = Self {
            family,
            channels: ChannelOrder::Rgb,
            resize: Resize::LetterboxCenter,
            scale: 1.0 / 255.0,
            mean: [0.0; 3],
            std: [1.0; 3],
        };
        match family {
            Family::Yolox => {
                Self { channels: ChannelOrder::Bgr, resize: Resize::Letterbox, scale: 1.0, ..plain }
            }
            Family::Nanodet => Self {
                channels: ChannelOrder::Bgr,
                resize: Resize::Stretch,
                scale: 1.0,
                mean: [103.53, 116.28, 123.675],
                std: [57.375, 57.12, 58.395],
                ..plain
            },
            Family::Detr => Self { resize: Resize::Stretch, ..plain },
            Family::Yolov5 | Family::Yolov8 | Family::EndToEnd => plain,
        }
    }
}
