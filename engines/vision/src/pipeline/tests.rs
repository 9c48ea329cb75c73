//! The whole road on a scene made here: a textured wall and something dark that walks.

use super::*;
use crate::geometry::Point;
use crate::rules::{Anchor, Day, Phase, Rule, TimeOfDay};

const NOON: LocalTime = LocalTime { weekday: Day::Monday, time: TimeOfDay::MIDNIGHT, holiday: false };

fn scene(i: i64, walker: Option<f32>) -> Frame {
    let mut frame = Frame::new(640, 360).unwrap();
    frame.set_time_us(i * 100_000);
    let luma = frame.planes_mut().0;
    for y in 0..360 {
        for x in 0..640 {
            luma[y * 640 + x] = (110 + (x / 9 * 17 + y / 7 * 29) % 50) as u8;
        }
    }
    if let Some(x) = walker {
        let x = x as usize;
        for y in 140..260 {
            luma[y * 640 + x..y * 640 + (x + 44).min(640)].fill(25 + (y % 20) as u8);
        }
    }
    frame
}

fn zone() -> ZoneConfig {
    let p = Point::new;
    let polygon = vec![p(0.4, 0.3), p(0.6, 0.3), p(0.6, 0.95), p(0.4, 0.95)];
    ZoneConfig::new("door", Rule::Intrusion { polygon, dwell_ms: 300, anchor: Anchor::Foot })
}

fn config() -> PipelineConfig {
    PipelineConfig { zones: vec![zone()], ..PipelineConfig::default() }
}

/// A second of nothing, then a walk from left to right, then nothing.
fn walk(pipeline: &mut Pipeline) -> Vec<Step> {
    (0..110)
        .map(|i| {
            let walker = (10..85).contains(&i).then(|| 10.0 + 7.5 * (i - 10) as f32);
            pipeline.step(&scene(i, walker), NOON)
        })
        .collect()
}

#[test]
fn without_a_model_a_walker_is_a_motion_object_and_an_intrusion() {
    let mut pipeline = Pipeline::new(config(), None).unwrap();
    let steps = walk(&mut pipeline);
    let events: Vec<&Event> = steps.iter().flat_map(|s| &s.events).collect();
    let count = |phase| events.iter().filter(|e| e.phase == phase).count();
    assert_eq!((count(Phase::Started), count(Phase::Ended)), (1, 1));
    let end = &events.last().unwrap().anomaly;
    assert_eq!(end.classes(), [Class::from(Class::MOTION)]);
    // The middle of the walker is between x = 256 and 384 from picture 40 to 57.
    assert!((3_700_000..4_500_000).contains(&end.start_us), "{}", end.start_us);
    assert!((5_300_000..6_300_000).contains(&end.last_us), "{}", end.last_us);
    let ids: std::collections::BTreeSet<_> = steps.iter().flat_map(|s| &s.objects).map(|o| o.track).collect();
    assert_eq!(ids.len(), 1, "one walker, one id");
    let middle = &steps[50];
    let truth = BBox::new(310.0, 140.0, 44.0, 120.0);
    assert!(middle.objects[0].bbox.iou(&truth) > 0.5, "{:?}", middle.objects);
}

#[test]
fn the_same_pictures_give_the_same_steps() {
    let run = || format!("{:?}", walk(&mut Pipeline::new(config(), None).unwrap()));
    assert_eq!(run(), run());
}

#[test]
fn finish_ends_what_goes_on_and_the_pipeline_can_go_on() {
    let mut pipeline = Pipeline::new(config(), None).unwrap();
    for i in 0..50 {
        pipeline.step(&scene(i, (i >= 10).then(|| 10.0 + 7.5 * (i - 10) as f32)), NOON);
    }
    assert_eq!(pipeline.active().count(), 1);
    let (events, tracks) = pipeline.finish();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].phase, Phase::Ended);
    assert!(!tracks.is_empty());
    assert_eq!(pipeline.finish().0.len(), 0);
    let steps = walk(&mut pipeline);
    let newest = steps.iter().flat_map(|s| &s.events).map(|e| e.anomaly.id).max();
    assert_eq!(newest, Some(2), "ids go on rising");
}

#[test]
fn new_zones_keep_the_tracks() {
    let mut pipeline = Pipeline::new(PipelineConfig::default(), None).unwrap();
    let mut seen = Vec::new();
    for i in 0..70 {
        if i == 35 {
            assert!(pipeline.set_config(config()).unwrap().is_empty());
        }
        let step = pipeline.step(&scene(i, (i >= 10).then(|| 10.0 + 7.5 * (i - 10) as f32)), NOON);
        seen.extend(step.events);
        if i == 34 {
            assert_eq!(step.objects.len(), 1);
        }
    }
    assert_eq!(seen[0].phase, Phase::Started);
    assert_eq!(pipeline.tracks().iter().filter(|t| t.is_reported()).count(), 1);
    let gone = pipeline.set_zones(Vec::new()).unwrap();
    assert!(gone.iter().all(|e| e.phase == Phase::Ended));
    let mut broken = config();
    broken.zones[0].id.clear();
    assert!(pipeline.set_config(broken).is_err() && pipeline.config().zones.is_empty());
}

#[test]
fn configurations_read_from_text_and_refuse_unknown_names() {
    let text =
        r#"{"schedule":{"mode":"motion","sweep_ms":1000},"tracker":{"lost_ms":1000},"input_side":320}"#;
    let config: PipelineConfig = serde_json::from_str(text).unwrap();
    assert_eq!(config.schedule, Schedule::Motion { sweep_ms: 1000, n: 1 });
    assert_eq!(config.tracker.lost_ms, 1000);
    assert!(serde_json::from_str::<PipelineConfig>(r#"{"zone":[]}"#).is_err());
    let back: PipelineConfig = serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
    assert_eq!(back, config);
}
