//! The tracker on finished detections of the two sequences: a floor under the published scores.

use std::collections::BTreeMap;

use vision::evaluate::{Row, TrackScore, parse_rows, score};
use vision::{BBox, Detection, Examined, Tracker, TrackerConfig};

use crate::clips;

fn track(sequence: &str, fps: f64, every: u32) -> Option<TrackScore> {
    let folder = clips::data()?;
    let truth = parse_rows(&clips::read(folder.join(format!("gt/{sequence}/gt.txt")))).expect("ground truth");
    let text = clips::read(folder.join(format!("reference/yolox_nano_416_ort_{sequence}.csv")));
    let mut frames: BTreeMap<u32, Vec<Detection>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let n: Vec<f32> = line.split(',').map(|p| p.parse().expect("a number")).collect();
        let bbox = BBox::from_corners(n[1], n[2], n[3], n[4]);
        frames.entry(n[0] as u32).or_default().push(Detection { bbox, score: n[5], class: "person".into() });
    }
    let mut tracker = Tracker::new(TrackerConfig::default());
    let mut rows = Vec::new();
    for frame in 1..=truth.iter().map(|row| row.frame).max().unwrap_or(0) {
        let time_us = (f64::from(frame - 1) * 1e6 / fps) as i64;
        if (frame - 1) % every == 0 {
            tracker.step(time_us, &frames.remove(&frame).unwrap_or_default(), Examined::All);
        } else {
            tracker.coast(time_us);
        }
        let reported = tracker.tracks().iter().filter(|t| t.is_reported());
        rows.extend(reported.map(|t| Row { frame, id: t.id().0, bbox: t.bbox(), score: t.score() }));
    }
    Some(score(&truth, &rows))
}

#[test]
fn both_sequences_stay_above_their_targets() {
    for (sequence, fps, mota, idf1, hota) in
        [("pets09_s2l1", 7.0, 0.75, 0.63, 0.50), ("tud_campus", 25.0, 0.60, 0.70, 0.51)]
    {
        let Some(s) = track(sequence, fps, 1) else { return };
        eprintln!("{sequence}: MOTA {:.3} IDF1 {:.3} HOTA {:.3}", s.mota, s.idf1, s.hota);
        assert!(s.mota >= mota && s.idf1 >= idf1 && s.hota >= hota, "{sequence}: {s:?}");
    }
}

#[test]
fn every_second_picture_costs_little() {
    let (Some(all), Some(half)) = (track("pets09_s2l1", 7.0, 1), track("pets09_s2l1", 7.0, 2)) else {
        return;
    };
    assert!(all.mota - half.mota < 0.03, "{} and {}", all.mota, half.mota);
}
