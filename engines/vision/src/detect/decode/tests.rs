use super::*;

fn spec(family: Family, classes: usize) -> Spec {
    Spec {
        family,
        classes,
        decoded: false,
        strides: STRIDES,
        thresholds: vec![0.3; classes],
        threshold_min: 0.3,
    }
}

fn output(name: &str, shape: &[usize], data: Vec<f32>) -> Output {
    Output { name: name.into(), shape: shape.to_vec(), data }
}

fn decode(spec: &Spec, outputs: &[Output]) -> Vec<Candidate> {
    let mut out = Vec::new();
    spec.decode(outputs, 64, 64, &mut out).unwrap();
    out
}

fn close(candidate: &Candidate, bbox: [f32; 4], score: f32, class: usize) {
    let b = candidate.bbox;
    for (a, e) in [b.x, b.y, b.w, b.h].into_iter().zip(bbox) {
        assert!((a - e).abs() < 0.01, "{b:?} is not {bbox:?}");
    }
    assert!((candidate.score - score).abs() < 1e-4 && candidate.class == class, "{candidate:?}");
}

#[test]
fn yolox_cells_become_boxes() {
    let n = cells(64, 64, STRIDES);
    assert_eq!(n, 64 + 16 + 4);
    let mut data = vec![0.0; n * 7];
    // Cell (2, 1) of stride 16: index 64 + 1 · 4 + 2.
    let at = (64 + 6) * 7;
    data[at..at + 7].copy_from_slice(&[0.5, 0.25, 0.0, 2f32.ln(), 0.9, 0.1, 0.8]);
    let found = decode(&spec(Family::Yolox, 2), &[output("out", &[1, n, 7], data.clone())]);
    assert_eq!(found.len(), 1);
    close(&found[0], [40.0 - 8.0, 20.0 - 16.0, 16.0, 32.0], 0.72, 1);
    data[at..at + 4].copy_from_slice(&[40.0, 20.0, 16.0, 32.0]);
    let decoded = Spec { decoded: true, ..spec(Family::Yolox, 2) };
    close(&decode(&decoded, &[output("out", &[1, n, 7], data)])[0], [32.0, 4.0, 16.0, 32.0], 0.72, 1);
}

#[test]
fn yolov5_and_yolov8_differ_in_layout_and_score() {
    let n = cells(64, 64, STRIDES);
    let mut data = vec![0.0; 3 * n * 7];
    data[70..77].copy_from_slice(&[30.0, 40.0, 10.0, 20.0, 0.5, 0.8, 0.1]);
    let found = decode(&spec(Family::Yolov5, 2), &[output("out", &[1, 3 * n, 7], data)]);
    close(&found[0], [25.0, 30.0, 10.0, 20.0], 0.4, 0);
    let mut data = vec![0.0; 6 * n];
    for (attribute, value) in [30.0, 40.0, 10.0, 20.0, 0.1, 0.8].into_iter().enumerate() {
        data[attribute * n + 10] = value;
    }
    let found = decode(&spec(Family::Yolov8, 2), &[output("out", &[1, 6, n], data)]);
    assert_eq!(found.len(), 1);
    close(&found[0], [25.0, 30.0, 10.0, 20.0], 0.8, 1);
}

#[test]
fn nanodet_sides_are_expectations() {
    let n = cells(64, 64, STRIDES);
    let mut data = vec![0.0; n * 34];
    // Cell (3, 2) of stride 8; each side is certain of one bin: 1, 2, 3 and 4 strides.
    let at = (2 * 8 + 3) * 34;
    data[at + 1] = 0.6;
    for side in 0..4 {
        data[at + 2 + side * 8 + side + 1] = 60.0;
    }
    let found = decode(&spec(Family::Nanodet, 2), &[output("out", &[1, n, 34], data)]);
    close(&found[0], [24.0 - 8.0, 16.0 - 16.0, 8.0 + 24.0, 16.0 + 32.0], 0.6, 1);
}

#[test]
fn transformers_come_in_two_forms_and_end_to_end_in_one() {
    let boxes = output("pred_boxes", &[1, 2, 4], vec![0.5, 0.5, 0.25, 0.5, 0.0, 0.0, 0.0, 0.0]);
    let logits = output("logits", &[1, 2, 3], vec![-9.0, 0.0, -9.0, -9.0, -9.0, -9.0]);
    let found = decode(&spec(Family::Detr, 3), &[logits, boxes]);
    assert_eq!(found.len(), 1);
    close(&found[0], [24.0, 16.0, 16.0, 32.0], 0.5, 1);
    let three = [
        output("labels", &[1, 1], vec![2.0]),
        output("boxes", &[1, 1, 4], vec![10.0, 20.0, 30.0, 50.0]),
        output("scores", &[1, 1], vec![0.75]),
    ];
    let decoded = Spec { decoded: true, ..spec(Family::Detr, 3) };
    close(&decode(&decoded, &three)[0], [10.0, 20.0, 20.0, 30.0], 0.75, 2);
    let rows = output("out", &[1, 2, 6], vec![1.0, 2.0, 11.0, 22.0, 0.9, 1.0, 1.0, 2.0, 3.0, 4.0, 0.1, 0.0]);
    let found = decode(&spec(Family::EndToEnd, 2), &[rows]);
    assert_eq!(found.len(), 1);
    close(&found[0], [1.0, 2.0, 10.0, 20.0], 0.9, 1);
}

#[test]
fn strange_answers_are_refused_or_dropped() {
    let strange = [output("out", &[1, 3, 9], vec![0.0; 27])];
    let mut out = Vec::new();
    for family in
        [Family::Yolox, Family::Yolov5, Family::Yolov8, Family::Nanodet, Family::EndToEnd, Family::Detr]
    {
        assert!(spec(family, 2).decode(&strange, 64, 64, &mut out).is_err(), "{family:?}");
        assert!(spec(family, 2).decode(&[], 64, 64, &mut out).is_err(), "{family:?}");
    }
    let n = cells(64, 64, STRIDES);
    let mut data = vec![0.0; n * 7];
    data[..7].copy_from_slice(&[f32::NAN, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
    assert!(decode(&spec(Family::Yolox, 2), &[output("out", &[1, n, 7], data)]).is_empty());
}
