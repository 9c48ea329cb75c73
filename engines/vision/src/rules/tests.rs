//! Rules over tracks that a real tracker made from plain boxes.

use proptest::prelude::*;

use super::*;
use crate::detect::Detection;
use crate::geometry::{BBox, Point};
use crate::track::{Examined, Tracker, TrackerConfig};

const STEP_US: i64 = 100_000;

/// A square zone in the middle of a 640 × 480 picture.
fn zone() -> ZoneConfig {
    let p = Point::new;
    let polygon = vec![p(0.4, 0.4), p(0.6, 0.4), p(0.6, 0.9), p(0.4, 0.9)];
    ZoneConfig::new("middle", Rule::Intrusion { polygon, dwell_ms: 500, anchor: Anchor::Foot })
}

fn line(direction: Direction) -> ZoneConfig {
    let line = [Point::new(0.5, 0.0), Point::new(0.5, 1.0)];
    ZoneConfig::new("gate", Rule::LineCrossing { line, direction, anchor: Anchor::Foot })
}

fn person(x: f32, score: f32) -> Detection {
    Detection { bbox: BBox::new(x - 20.0, 200.0, 40.0, 120.0), score, class: "person".into() }
}

/// Feeds boxes per picture through a tracker into the rules.
struct Run {
    tracker: Tracker,
    rules: Rules,
    local: LocalTime,
    now: i64,
    events: Vec<Event>,
}

impl Run {
    fn new(zones: Vec<ZoneConfig>) -> Self {
        Self {
            tracker: Tracker::new(TrackerConfig::default()),
            rules: Rules::new(zones).unwrap(),
            local: LocalTime::new(Day::Monday, TimeOfDay::parse("12:00").unwrap()),
            now: 0,
            events: Vec::new(),
        }
    }

    fn see(&mut self, detections: &[Detection]) {
        self.tracker.step(self.now, detections, Examined::All);
        self.events.extend(self.rules.step(&Scene {
            time_us: self.now,
            width: 640.0,
            height: 480.0,
            local: self.local,
            tracks: self.tracker.tracks(),
            frame: None,
        }));
        self.now += STEP_US;
    }

    /// Somebody walks from `from` to `to` at `pixels` a picture.
    fn walk(&mut self, from: f32, to: f32, pixels: f32) {
        let steps = ((to - from).abs() / pixels) as usize;
        for i in 0..=steps {
            self.see(&[person(from + (to - from).signum() * pixels * i as f32, 0.9)]);
        }
    }

    fn wait(&mut self, pictures: usize) {
        (0..pictures).for_each(|_| self.see(&[]));
    }

    fn phases(&self) -> Vec<Phase> {
        self.events.iter().map(|e| e.phase).filter(|p| *p != Phase::Updated).collect()
    }
}

#[test]
fn walking_through_is_one_intrusion_with_evidence() {
    let mut run = Run::new(vec![zone()]);
    run.walk(50.0, 600.0, 8.0);
    run.wait(40);
    assert_eq!(run.phases(), [Phase::Started, Phase::Ended]);
    let end = &run.events.last().unwrap().anomaly;
    // In at x = 256, out at 384, 8 pixels a picture from 50: between 2.6 s and 4.2 s.
    assert!((2_400_000..2_900_000).contains(&end.start_us), "{}", end.start_us);
    assert!((3_900_000..4_300_000).contains(&end.last_us), "{}", end.last_us);
    assert_eq!(end.end_us, Some(end.last_us));
    let evidence = &end.evidence.tracks[0];
    assert!(evidence.path.len() > 10 && evidence.score_mean > 0.8 && evidence.dwell_ms > 1000);
    assert_eq!(end.classes(), [Class::from("person")]);
    assert!((0.8..=1.0).contains(&end.confidence));
}

#[test]
fn passing_by_is_none_and_a_short_visit_is_too_short() {
    let mut run = Run::new(vec![zone()]);
    run.walk(20.0, 240.0, 8.0);
    run.walk(240.0, 20.0, 8.0);
    run.wait(40);
    assert!(run.events.is_empty());
    let mut long = zone();
    long.rule = match long.rule {
        Rule::Intrusion { polygon, anchor, .. } => Rule::Loitering { polygon, dwell_ms: 10_000, anchor },
        other => other,
    };
    let mut run = Run::new(vec![long]);
    run.walk(50.0, 600.0, 8.0);
    run.wait(40);
    assert!(run.events.is_empty());
}

#[test]
fn loitering_starts_after_its_time_and_counts_from_the_entry() {
    let mut loitering = zone();
    if let Rule::Intrusion { polygon, .. } = loitering.rule {
        loitering.rule = Rule::Loitering { polygon, dwell_ms: 5_000, anchor: Anchor::Foot };
    }
    let mut run = Run::new(vec![loitering]);
    run.walk(50.0, 320.0, 10.0);
    let arrived = run.now;
    (0..80).for_each(|_| run.see(&[person(320.0, 0.9)]));
    assert_eq!(run.phases(), [Phase::Started]);
    let start = &run.events[0].anomaly;
    assert!(start.start_us < arrived, "the entry counts");
    assert!((4_900..5_300).contains(&((start.last_us - start.start_us) / 1000)));
}

#[test]
fn a_broken_id_inside_stays_one_anomaly() {
    let mut run = Run::new(vec![zone()]);
    run.walk(50.0, 320.0, 8.0);
    let first = run.tracker.tracks()[0].id();
    // Gone for longer than the tracker keeps a track, shorter than the zone lets go.
    let mut config = run.tracker.config().clone();
    config.lost_ms = 300;
    run.tracker.set_config(config);
    run.wait(8);
    run.walk(320.0, 620.0, 8.0);
    run.wait(40);
    assert!(run.tracker.tracks().is_empty());
    assert_eq!(run.phases(), [Phase::Started, Phase::Ended]);
    let end = &run.events.last().unwrap().anomaly;
    assert_eq!((end.tracks[0], end.tracks_total), (first, 2));
}

#[test]
fn between_two_looks_of_the_detector_nobody_leaves() {
    let mut run = Run::new(vec![zone()]);
    run.walk(50.0, 320.0, 8.0);
    let elsewhere = [BBox::new(500.0, 0.0, 100.0, 100.0)];
    for i in 0..120 {
        let look = i % 30 == 29;
        let seen = if look { vec![person(320.0, 0.9)] } else { Vec::new() };
        let examined = if look { Examined::All } else { Examined::Regions(&elsewhere) };
        run.tracker.step(run.now, &seen, examined);
        let (time_us, local, tracks) = (run.now, run.local, run.tracker.tracks());
        run.events.extend(run.rules.step(&Scene {
            time_us,
            width: 640.0,
            height: 480.0,
            local,
            tracks,
            frame: None,
        }));
        run.now += STEP_US;
    }
    assert_eq!(run.phases(), [Phase::Started], "a look every 3 s, the zone lets go after 2 s");
}

#[test]
fn two_people_are_two_stays_or_one_zone() {
    for (merge, expected) in [(Merge::Stay, 2), (Merge::Zone, 1)] {
        let mut both = zone();
        both.merge = merge;
        let mut run = Run::new(vec![both]);
        for i in 0..70 {
            let x = 30.0 + 8.0 * i as f32;
            run.see(&[person(x, 0.9), person(640.0 - x, 0.8)]);
        }
        run.wait(40);
        let started: Vec<_> = run.events.iter().filter(|e| e.phase == Phase::Started).collect();
        assert_eq!(started.len(), expected, "{merge:?}");
        assert_eq!(run.phases().len(), 2 * expected);
    }
}

#[test]
fn who_stands_from_the_start_is_not_believed_who_walked_in_is() {
    let mut run = Run::new(vec![zone()]);
    (0..100).for_each(|_| run.see(&[person(320.0, 0.9)]));
    assert!(run.events.is_empty(), "a coat stand");
    let mut run = Run::new(vec![zone()]);
    run.walk(50.0, 320.0, 8.0);
    (0..600).for_each(|_| run.see(&[person(320.0, 0.9)]));
    assert_eq!(run.phases(), [Phase::Started], "somebody standing still for a minute");
    assert!(run.now - run.rules.active().next().unwrap().last_us <= 2 * STEP_US);
}

#[test]
fn flicker_over_the_border_does_not_count() {
    let mut run = Run::new(vec![zone()]);
    run.walk(60.0, 244.0, 8.0);
    for i in 0..60 {
        run.see(&[person(if i % 4 == 0 { 262.0 } else { 246.0 }, 0.9)]);
    }
    assert!(run.events.is_empty());
}

#[test]
fn hours_close_the_zone_and_end_what_goes_on() {
    let mut night = zone();
    let time = |t: &str| TimeOfDay::parse(t).unwrap();
    night.hours = vec![ActiveHours { days: vec![], from: time("22:00"), to: time("06:00") }];
    let mut run = Run::new(vec![night]);
    run.walk(50.0, 320.0, 8.0);
    assert!(run.events.is_empty(), "at noon");
    run.local.time = time("23:00");
    (0..20).for_each(|_| run.see(&[person(320.0, 0.9)]));
    assert_eq!(run.phases(), [Phase::Started]);
    run.local.time = time("06:00");
    (0..40).for_each(|_| run.see(&[person(320.0, 0.9)]));
    assert_eq!(run.phases(), [Phase::Started, Phase::Ended]);
}

#[test]
fn classes_scores_and_cool_down_are_respected() {
    for change in [
        (|z: &mut ZoneConfig| z.classes = vec!["car".into()]) as fn(&mut ZoneConfig),
        |z| z.min_score = 0.95,
        |z| z.enabled = false,
    ] {
        let mut strict = zone();
        change(&mut strict);
        let mut run = Run::new(vec![strict]);
        run.walk(50.0, 600.0, 8.0);
        run.wait(40);
        assert!(run.events.is_empty());
    }
    let mut slow = zone();
    slow.cooldown_ms = 60_000;
    let mut run = Run::new(vec![slow]);
    run.walk(50.0, 600.0, 8.0);
    run.wait(60);
    run.walk(50.0, 600.0, 8.0);
    run.wait(60);
    assert_eq!(run.phases(), [Phase::Started, Phase::Ended]);
}

#[test]
fn lines_count_each_way() {
    let mut run = Run::new(vec![line(Direction::Both)]);
    run.walk(50.0, 600.0, 8.0);
    run.wait(60);
    run.walk(600.0, 50.0, 8.0);
    run.wait(60);
    // Downwards along the line, the right hand side is the picture's left.
    let counts: Vec<_> = run.rules.counts().collect();
    assert_eq!(counts, [("gate", Crossings { forward: 1, backward: 1 })]);
    assert_eq!(run.phases(), [Phase::Started, Phase::Ended, Phase::Started, Phase::Ended]);
    let first = &run.events[0].anomaly;
    assert_eq!(first.crossings, Crossings { forward: 0, backward: 1 });
    // At x = 320: (320 - 50) / 8 pictures from the start.
    assert!((3_300_000..3_700_000).contains(&first.start_us), "{}", first.start_us);
}

#[test]
fn a_line_watches_only_its_direction_and_its_length() {
    let mut run = Run::new(vec![line(Direction::Forward)]);
    run.walk(50.0, 600.0, 8.0);
    run.wait(60);
    assert!(run.events.is_empty());
    let mut short = line(Direction::Both);
    if let Rule::LineCrossing { line, .. } = &mut short.rule {
        line[1].y = 0.3;
    }
    let mut run = Run::new(vec![short]);
    run.walk(50.0, 600.0, 8.0);
    assert!(run.events.is_empty(), "feet pass below its end");
}

#[test]
fn turning_back_at_the_line_is_no_crossing() {
    let mut run = Run::new(vec![line(Direction::Both)]);
    run.walk(50.0, 310.0, 8.0);
    run.see(&[person(326.0, 0.9)]);
    run.walk(308.0, 50.0, 8.0);
    run.wait(40);
    assert!(run.events.is_empty());
}

#[test]
fn redrawn_zones_end_their_anomalies_and_others_go_on() {
    let mut other = zone();
    other.id = "other".into();
    let mut run = Run::new(vec![zone(), other.clone()]);
    run.walk(50.0, 330.0, 8.0);
    assert_eq!(run.rules.active().count(), 2);
    let mut redrawn = zone();
    redrawn.min_score = 0.5;
    let ended = run.rules.set_zones(vec![redrawn, other], run.now).unwrap();
    assert_eq!(ended.len(), 1);
    assert_eq!((ended[0].phase, ended[0].anomaly.zone.as_str()), (Phase::Ended, "middle"));
    assert_eq!(run.rules.active().map(|a| a.zone.as_str()).collect::<Vec<_>>(), ["other"]);
    let broken = ZoneConfig::new("", zone().rule);
    assert!(run.rules.set_zones(vec![broken], run.now).is_err());
    assert_eq!(run.rules.zones().count(), 2, "an error changes nothing");
}

#[test]
fn the_best_moment_is_the_closest_view() {
    let mut run = Run::new(vec![zone()]);
    run.walk(50.0, 300.0, 8.0);
    for i in 0..20 {
        let grow = i as f32 * 2.0;
        let bbox = BBox::new(280.0 - grow, 200.0 - grow, 40.0 + grow, 120.0 + grow);
        run.see(&[Detection { bbox, score: 0.9, class: "person".into() }]);
    }
    let start = run.events.iter().find(|e| e.phase == Phase::Started).unwrap();
    let last = run.events.iter().rfind(|e| e.best_changed).unwrap();
    assert!(start.best_changed && last.anomaly.best.time_us > start.anomaly.best.time_us);
    assert!(last.anomaly.best.bbox.h > 140.0);
    for event in run.events.iter().filter(|e| e.best_changed) {
        assert_eq!(event.anomaly.best.time_us % STEP_US, 0);
    }
}

proptest! {
    /// Whatever people do: every anomaly starts once, ends once, in order, and updates lie between.
    #[test]
    fn every_start_has_exactly_one_end(
        steps in prop::collection::vec((prop::collection::vec((0f32..640.0, 0.2f32..1.0), 0..4), 0u8..20), 1..80),
        merge in any::<bool>(),
    ) {
        let mut first = zone();
        first.merge = if merge { Merge::Zone } else { Merge::Stay };
        let mut run = Run::new(vec![first.clone(), line(Direction::Both)]);
        for (people, change) in &steps {
            let detections: Vec<Detection> = people.iter().map(|&(x, score)| person(x, score)).collect();
            run.see(&detections);
            if *change == 0 {
                first.leave_ms = first.leave_ms % 3000 + 500;
                let ended = run.rules.set_zones(vec![first.clone()], run.now).unwrap();
                run.events.extend(ended);
            }
        }
        // Walk through as well, so that there is something to end.
        run.walk(50.0, 330.0, 8.0);
        let flushed = run.rules.finish(run.now);
        run.events.extend(flushed);
        prop_assert!(run.rules.active().next().is_none());
        let mut life: std::collections::BTreeMap<u64, Vec<Phase>> = Default::default();
        for event in &run.events {
            let a = &event.anomaly;
            prop_assert!(a.start_us <= a.last_us && a.tracks.len() <= TRACKS_MAX);
            prop_assert_eq!(a.end_us.is_some(), event.phase == Phase::Ended);
            life.entry(a.id).or_default().push(event.phase);
        }
        for phases in life.values() {
            prop_assert_eq!(phases[0], Phase::Started);
            prop_assert_eq!(phases.iter().filter(|p| **p == Phase::Started).count(), 1);
            prop_assert_eq!(phases.iter().filter(|p| **p == Phase::Ended).count(), 1);
            prop_assert_eq!(*phases.last().unwrap(), Phase::Ended);
        }
    }
}
