//! Loading, recognising and running models. The working model is made here: three average pools whose cells are
//! read as YOLOX rows, so that bright squares are "objects".

use super::load::recognise;
use super::session::Output;
use super::*;

mod model {
    //! A writer for the few parts of the ONNX format that the tests need.

    fn varint(out: &mut Vec<u8>, mut value: u64) {
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }

    pub(super) fn number(field: u64, value: i64) -> Vec<u8> {
        let mut out = Vec::new();
        varint(&mut out, field << 3);
        varint(&mut out, value as u64);
        out
    }

    pub(super) fn bytes(field: u64, content: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        varint(&mut out, field << 3 | 2);
        varint(&mut out, content.len() as u64);
        out.extend_from_slice(content);
        out
    }

    fn ints(name: &str, values: &[i64]) -> Vec<u8> {
        let mut attribute = bytes(1, name.as_bytes());
        values.iter().for_each(|&v| attribute.extend(number(8, v)));
        attribute.extend(number(20, 7));
        bytes(5, &attribute)
    }

    fn int(name: &str, value: i64) -> Vec<u8> {
        bytes(5, &[bytes(1, name.as_bytes()), number(3, value), number(20, 2)].concat())
    }

    pub(super) fn node(kind: &str, inputs: &[&str], output: &str, attributes: Vec<u8>) -> Vec<u8> {
        let mut node = Vec::new();
        inputs.iter().for_each(|i| node.extend(bytes(1, i.as_bytes())));
        node.extend(bytes(2, output.as_bytes()));
        node.extend(bytes(4, kind.as_bytes()));
        node.extend(attributes);
        bytes(1, &node)
    }

    /// A float value of this shape; 0 leaves a dimension open.
    pub(super) fn value(field: u64, name: &str, shape: &[i64]) -> Vec<u8> {
        let dim = |&d: &i64| bytes(1, &if d > 0 { number(1, d) } else { bytes(2, b"any") });
        let shape: Vec<u8> = shape.iter().flat_map(dim).collect();
        let tensor = bytes(1, &[number(1, 1), bytes(2, &shape)].concat());
        bytes(field, &[bytes(1, name.as_bytes()), bytes(2, &tensor)].concat())
    }

    pub(super) fn file(graph: &[Vec<u8>]) -> Vec<u8> {
        let graph = [bytes(2, b"g"), graph.concat()].concat();
        [number(1, 8), bytes(8, &number(2, 13)), bytes(7, &graph)].concat()
    }

    /// In `[1, 3, side, side]`, out `[1, N, 6]`: channel means per cell of strides 8, 16, 32, twice.
    pub(super) fn bright_squares(side: i64) -> Vec<u8> {
        let shape: Vec<u8> = [1i64, 3, -1].iter().flat_map(|v| v.to_le_bytes()).collect();
        let shape = bytes(5, &[number(1, 3), number(2, 7), bytes(8, b"flat"), bytes(9, &shape)].concat());
        let mut graph =
            vec![shape, value(11, "images", &[1, 3, side, side]), value(12, "output", &[1, 84, 6])];
        for stride in [8i64, 16, 32] {
            let (pool, flat) = (format!("p{stride}"), format!("f{stride}"));
            let window =
                [ints("kernel_shape", &[stride, stride]), ints("strides", &[stride, stride])].concat();
            graph.push(node("AveragePool", &["images"], &pool, window));
            graph.push(node("Reshape", &[&pool, "flat"], &flat, Vec::new()));
        }
        graph.push(node("Concat", &["f8", "f16", "f32"], "cells", int("axis", 2)));
        graph.push(node("Concat", &["cells", "cells"], "both", int("axis", 1)));
        graph.push(node("Transpose", &["both"], "output", ints("perm", &[0, 2, 1])));
        file(&graph)
    }
}

/// Values 0..=1, so that a white cell is a box one cell right and below its corner with score 1.
fn squares_config() -> DetectionConfig {
    DetectionConfig {
        scale: Some(1.0 / 255.0),
        decoded: Some(false),
        min_score: Some(0.8),
        ..Default::default()
    }
}

/// A dark picture with a white square.
fn picture(width: usize, height: usize, square: BBox) -> Frame {
    let mut frame = Frame::new(width, height).unwrap();
    for y in square.y as usize..square.bottom() as usize {
        frame.planes_mut().0[y * width + square.x as usize..y * width + square.right() as usize].fill(235);
    }
    frame
}

#[test]
fn a_model_finds_the_square_at_any_size_and_in_any_crop() {
    let mut detector = Detector::load(&model::bright_squares(64), Some(squares_config())).unwrap();
    assert_eq!(detector.info().family, Family::Yolox);
    assert!(detector.info().resizable, "no layer depends on the size");
    assert_eq!(detector.info().classes, ["person"]);
    let square = BBox::new(320.0, 160.0, 160.0, 160.0);
    let frame = picture(640, 480, square);
    for (width, height) in [(64, 64), (128, 96), (416, 320)] {
        detector.set_input_size(width, height).unwrap();
        let found = detector.detect(&frame).unwrap();
        assert!(!found.is_empty(), "{width}x{height}");
        // Cells are read as boxes of e cells around their lower right corner: those of the finest grid lie well
        // inside the picture, with their middle in the square.
        let finest = found.iter().min_by(|a, b| a.bbox.area().total_cmp(&b.bbox.area())).unwrap();
        let middle = finest.bbox.center();
        assert!(
            square.grow(2.0, 2.0).intersection(&BBox::new(middle.x, middle.y, 0.1, 0.1)) > 0.0,
            "{finest:?}"
        );
        assert!(found.iter().all(|d| d.class == "person" && d.bbox.intersection(&square) > 0.0));
    }
    let crop = BBox::new(300.0, 140.0, 200.0, 200.0);
    let found = detector.detect_in(&frame, &crop).unwrap();
    assert!(!found.is_empty());
    assert!(detector.detect_in(&frame, &BBox::new(0.0, 0.0, 200.0, 140.0)).unwrap().is_empty());
    assert!(detector.detect_in(&frame, &BBox::new(900.0, 0.0, 50.0, 50.0)).unwrap().is_empty());
    assert_eq!(detector.fit(640, 480, 320), InputSize { width: 320, height: 256 });
    let mut other = detector.clone();
    assert_eq!(other.detect(&frame).unwrap(), detector.detect(&frame).unwrap());
}

#[test]
fn thresholds_filters_and_names_come_from_the_declaration() {
    let bytes = model::bright_squares(64);
    let frame = picture(64, 64, BBox::new(16.0, 16.0, 32.0, 32.0));
    let load = |config| Detector::load(&bytes, Some(config));
    let named = DetectionConfig { classes: vec!["lamp".into()], ..squares_config() };
    assert_eq!(load(named.clone()).unwrap().detect(&frame).unwrap()[0].class, "lamp");
    let strict = DetectionConfig { class_scores: [("lamp".into(), 1.0)].into(), ..named.clone() };
    let few = load(strict).unwrap().detect(&frame).unwrap().len();
    assert!(few <= load(named.clone()).unwrap().detect(&frame).unwrap().len());
    let one = DetectionConfig { detections_max: Some(1), ..named.clone() };
    assert_eq!(load(one).unwrap().detect(&frame).unwrap().len(), 1);
    let two = DetectionConfig { classes: vec!["a".into(), "b".into()], ..squares_config() };
    assert!(matches!(load(two), Err(ModelError::ClassCount { declared: 2, classes: 1 })));
    let unknown = DetectionConfig { keep: vec!["dog".into()], ..named };
    assert_eq!(
        load(unknown).unwrap_err().to_string(),
        "the declaration is wrong: the model has no class dog"
    );
    for wrong in [
        DetectionConfig { min_score: Some(1.5), ..Default::default() },
        DetectionConfig { nms_iou: Some(f32::NAN), ..Default::default() },
        DetectionConfig { std: Some([1.0, 0.0, 1.0]), ..Default::default() },
        DetectionConfig { input: Some(InputSize { width: 100, height: 64 }), ..Default::default() },
    ] {
        assert!(matches!(load(wrong), Err(ModelError::Declaration(_))));
    }
    let other = DetectionConfig { family: Some(Family::Yolov5), ..squares_config() };
    assert!(matches!(load(other), Err(ModelError::OtherFamily { family: Family::Yolov5, .. })));
}

#[test]
fn unfit_models_are_refused_with_a_reason() {
    use model::{file, node, value};
    let load = |bytes: &[u8]| Detector::load(bytes, None).unwrap_err();
    assert!(matches!(load(b"MZ this is a program"), ModelError::NotOnnx(_)));
    assert!(matches!(load(&[]), ModelError::NotOnnx(_)));
    let full = model::bright_squares(64);
    assert!(matches!(load(&full[..full.len() / 2]), ModelError::NotOnnx(_)));
    let graph = |kind, input: &[i64]| {
        file(&[node(kind, &["in"], "out", Vec::new()), value(11, "in", input), value(12, "out", input)])
    };
    let operator = load(&graph("Frobnicate", &[1, 3, 64, 64]));
    assert!(matches!(&operator, ModelError::Operator(text) if text.contains("Frobnicate")), "{operator}");
    let outputs = load(&graph("Relu", &[1, 3, 64, 64]));
    assert!(
        matches!(&outputs, ModelError::UnknownOutputs { shapes } if shapes.contains("[1, 3, 64, 64]")),
        "{outputs}"
    );
    assert!(matches!(load(&graph("Relu", &[1, 3, 16, 16])), ModelError::InputSize { width: 16, height: 16 }));
    assert!(matches!(load(&graph("Relu", &[1, 3, 99_968, 64])), ModelError::InputSize { .. }));
    assert!(matches!(load(&graph("Relu", &[1, 3, 0, 0])), ModelError::OpenSize));
    let shape = load(&graph("Relu", &[1, 128]));
    assert_eq!(
        shape.to_string(),
        "the model's input \"in\" of shape [1, 128] is not one picture of 3 channels"
    );
    assert!(matches!(load(&graph("Relu", &[8, 3, 64, 64])), ModelError::Input { .. }));
}

#[test]
fn families_are_recognised_by_their_shapes() {
    let output = |name: &str, shape: &[usize]| Output {
        name: name.into(),
        shape: shape.to_vec(),
        data: vec![0.0; shape.iter().product()],
    };
    let input = InputSize { width: 416, height: 416 };
    let none = DetectionConfig::default();
    let check = |outputs: &[Output], expected: Option<(Family, usize)>| {
        let found = recognise(outputs, input, &none).ok().map(|s| (s.family, s.classes));
        assert_eq!(found, expected, "{:?}", outputs.iter().map(|o| &o.shape).collect::<Vec<_>>());
    };
    check(&[output("o", &[1, 3549, 85])], Some((Family::Yolox, 80)));
    check(&[output("o", &[1, 3549, 6])], Some((Family::Yolox, 1)));
    check(&[output("o", &[1, 10_647, 85])], Some((Family::Yolov5, 80)));
    check(&[output("o", &[1, 84, 3549])], Some((Family::Yolov8, 80)));
    check(&[output("o", &[1, 5, 3549])], Some((Family::Yolov8, 1)));
    check(&[output("o", &[1, 3598, 112])], Some((Family::Nanodet, 80)));
    check(&[output("o", &[1, 300, 6])], Some((Family::EndToEnd, 80)));
    check(&[output("logits", &[1, 300, 80]), output("boxes", &[1, 300, 4])], Some((Family::Detr, 80)));
    let three = [output("labels", &[1, 300]), output("boxes", &[1, 300, 4]), output("scores", &[1, 300])];
    check(&three, Some((Family::Detr, 80)));
    check(&[output("o", &[1, 1000])], None);
    check(&[output("o", &[1, 3549, 5])], None);
    check(&[output("o", &[1, 256])], None);
    check(&[], None);
}
