//! The same boxes as ONNX Runtime finds.

use vision::{BBox, DetectionConfig, Family, InputSize};

use crate::clips;

#[test]
fn boxes_agree_with_the_reference() {
    let config = DetectionConfig { keep: vec!["person".into()], ..DetectionConfig::default() };
    let Some(mut detector) = clips::detector(config) else { return };
    assert_eq!(detector.info().family, Family::Yolox);
    assert_eq!(detector.info().input, InputSize { width: 416, height: 416 });
    assert!(detector.info().resizable);
    let count = 12;
    let Some(frames) = clips::frames("tud_campus.mp4", 640, 480, 25.0, count) else { return };
    let folder = clips::data().expect("checked above");
    let text = clips::read(folder.join("reference/yolox_nano_416_ort_tud_campus.csv"));
    let (mut strong, mut found, mut overlap, mut apart) = (0, 0, 0.0, 0.0);
    for (i, frame) in frames.iter().enumerate() {
        let detections = detector.detect(frame).expect("inference works");
        for line in text.lines().skip(1) {
            let n: Vec<f32> = line.split(',').map(|p| p.parse().expect("a number")).collect();
            if n[0] as usize != i + 1 || n[5] < 0.5 {
                continue;
            }
            let reference = BBox::from_corners(n[1], n[2], n[3], n[4]).clip(640.0, 480.0);
            strong += 1;
            let best =
                detections.iter().max_by(|a, b| a.bbox.iou(&reference).total_cmp(&b.bbox.iou(&reference)));
            if let Some(best) = best.filter(|d| d.bbox.iou(&reference) > 0.8) {
                found += 1;
                overlap += best.bbox.iou(&reference);
                apart += (best.score - n[5]).abs();
            }
        }
    }
    // Scaling differs (an average here, bilinear there), so boxes agree closely but not to the digit.
    let n = found as f32;
    eprintln!(
        "{found} of {strong} boxes, mean overlap {:.3}, mean score difference {:.3}",
        overlap / n,
        apart / n
    );
    assert!(strong > 30 && found as f32 >= 0.95 * strong as f32, "{found} of {strong}");
    assert!(overlap / n > 0.93, "mean overlap {}", overlap / n);
    assert!(apart / n < 0.06, "mean score difference {}", apart / n);
}
