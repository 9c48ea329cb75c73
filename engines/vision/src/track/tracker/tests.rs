use proptest::prelude::*;
use std::collections::HashSet;

use super::*;

fn boxed(x: f32, y: f32, score: f32) -> Detection {
    Detection { bbox: BBox::new(x, y, 40.0, 100.0), score, class: "person".into() }
}

fn tracker() -> Tracker {
    Tracker::new(TrackerConfig::default())
}

/// Steps at `fps`, one call per picture.
fn run(tracker: &mut Tracker, fps: f64, pictures: usize, mut at: impl FnMut(usize) -> Vec<Detection>) {
    let start = tracker.now_us.unwrap_or(0);
    for i in 0..pictures {
        let time_us = start + ((i + 1) as f64 * 1e6 / fps) as i64;
        tracker.step(time_us, &at(i), Examined::All);
    }
}

#[test]
fn one_walker_is_one_track_at_any_frame_rate() {
    for fps in [4.0, 7.0, 15.0, 30.0] {
        let mut tracker = tracker();
        let pixels = 60.0 / fps as f32;
        run(&mut tracker, fps, (4.0 * fps) as usize, |i| vec![boxed(20.0 + pixels * i as f32, 50.0, 0.9)]);
        let reported: Vec<_> = tracker.tracks().iter().filter(|t| t.is_reported()).collect();
        assert_eq!(reported.len(), 1, "{fps} fps");
        assert_eq!(reported[0].id(), TrackId(1), "{fps} fps");
        assert!((reported[0].velocity().x - 60.0).abs() < 15.0, "{fps} fps: {:?}", reported[0].velocity());
        assert!(reported[0].has_moved());
    }
}

#[test]
fn an_occluded_walker_keeps_the_id_and_a_long_gone_one_does_not() {
    for (gap, same) in [(8, true), (80, false)] {
        let mut tracker = tracker();
        run(&mut tracker, 10.0, 30, |i| vec![boxed(20.0 + 5.0 * i as f32, 50.0, 0.9)]);
        run(&mut tracker, 10.0, gap, |_| vec![]);
        run(&mut tracker, 10.0, 5, |i| vec![boxed(170.0 + 5.0 * (i as f32 + gap as f32), 50.0, 0.9)]);
        let now = tracker.tracks().iter().find(|t| t.seen_now()).unwrap();
        assert_eq!(now.id() == TrackId(1), same, "gap {gap}");
    }
}

#[test]
fn two_who_cross_keep_their_ids() {
    let mut tracker = tracker();
    run(&mut tracker, 10.0, 60, |i| {
        vec![boxed(20.0 + 6.0 * i as f32, 50.0, 0.9), boxed(380.0 - 6.0 * i as f32, 75.0, 0.85)]
    });
    let at = |id| tracker.find(TrackId(id)).unwrap().bbox().x;
    assert!(at(1) > 330.0 && at(2) < 70.0, "{} {}", at(1), at(2));
    assert_eq!(tracker.next_id, 3);
}

#[test]
fn weak_detections_prolong_but_do_not_begin() {
    let mut tracker = tracker();
    run(&mut tracker, 10.0, 20, |i| vec![boxed(20.0 + 4.0 * i as f32, 50.0, 0.2)]);
    assert!(tracker.tracks().is_empty());
    run(&mut tracker, 10.0, 20, |i| vec![boxed(20.0 + 4.0 * i as f32, 50.0, 0.9)]);
    run(&mut tracker, 10.0, 10, |i| vec![boxed(100.0 + 4.0 * i as f32, 50.0, 0.2)]);
    assert!(tracker.tracks()[0].seen_now() && tracker.tracks()[0].id() == TrackId(1));
}

#[test]
fn signs_are_distrusted_for_good_and_people_who_stop_are_not() {
    let mut tracker = tracker();
    let shake = |i: usize| (i * 7 % 5) as f32 - 2.0;
    run(&mut tracker, 10.0, 100, |i| vec![boxed(300.0 + shake(i), 50.0, 0.8)]);
    assert!(tracker.tracks()[0].is_distrusted() && !tracker.tracks()[0].is_reported());
    // It flickers: away for longer than a track lives, and back.
    run(&mut tracker, 10.0, 60, |_| vec![]);
    run(&mut tracker, 10.0, 4, |i| vec![boxed(300.0 + shake(i), 50.0, 0.8)]);
    assert!(tracker.tracks().iter().all(|t| !t.is_reported()), "known from before");

    let mut walker = super::Tracker::new(TrackerConfig::default());
    run(&mut walker, 10.0, 20, |i| vec![boxed(20.0 + 6.0 * i as f32, 50.0, 0.9)]);
    run(&mut walker, 10.0, 600, |i| vec![boxed(134.0 + shake(i), 50.0, 0.9)]);
    assert!(walker.tracks()[0].is_reported());
}

#[test]
fn a_sign_that_catches_a_walkers_track_is_given_up() {
    let mut tracker = tracker();
    run(&mut tracker, 10.0, 60, |_| vec![boxed(300.0, 50.0, 0.8)]);
    assert!(tracker.tracks()[0].is_distrusted());
    // Somebody walks up to the sign and is lost in front of it; the sign's box goes on.
    run(&mut tracker, 10.0, 60, |i| vec![boxed(60.0 + 4.0 * i as f32, 50.0, 0.9)]);
    run(&mut tracker, 10.0, 60, |_| vec![boxed(300.0, 50.0, 0.8)]);
    assert!(tracker.tracks().iter().all(|t| !t.is_reported()));
}

#[test]
fn what_was_not_looked_at_is_not_missed() {
    let mut tracker = tracker();
    run(&mut tracker, 10.0, 20, |i| vec![boxed(20.0 + 6.0 * i as f32, 50.0, 0.9)]);
    let elsewhere = [BBox::new(400.0, 0.0, 200.0, 200.0)];
    let before = tracker.tracks()[0].bbox();
    for i in 0..100 {
        tracker.step(2_000_000 + i * 100_000, &[], Examined::Regions(&elsewhere));
    }
    assert_eq!(tracker.tracks()[0].state(), TrackState::Tracked);
    assert!(tracker.tracks()[0].bbox().iou(&before) > 0.5, "it stays where nothing moved");
    let ended: usize =
        (0..60).map(|i| tracker.step(13_000_000 + i * 100_000, &[], Examined::All).len()).sum();
    assert_eq!(ended, 1);
}

#[test]
fn paths_are_bounded_and_keep_both_ends() {
    let mut tracker = tracker();
    run(&mut tracker, 10.0, 2_000, |i| vec![boxed(20.0 + 0.5 * i as f32, 50.0, 0.9)]);
    let path = tracker.tracks()[0].path();
    assert!(path.len() <= PATH_MAX && path.len() >= PATH_MAX / 4, "{}", path.len());
    assert!(path[0].bbox.x < 30.0 && path.last().unwrap().bbox.x > 1_000.0);
    assert!(path.windows(2).all(|p| p[0].time_us < p[1].time_us));
}

#[test]
fn crowds_are_cut_at_the_limit() {
    let mut tracker = Tracker::new(TrackerConfig { tracks_max: 10, ..TrackerConfig::default() });
    let crowd: Vec<Detection> = (0..50).map(|i| boxed(i as f32 * 60.0, 50.0, 0.9)).collect();
    run(&mut tracker, 10.0, 10, |_| crowd.clone());
    assert_eq!(tracker.tracks().len(), 10);
}

proptest! {
    /// Ids are never used twice, never shared, and memory stays bounded, whatever comes in.
    #[test]
    fn ids_are_unique(
        steps in prop::collection::vec(
            (prop::collection::vec((0f32..600.0, 0f32..300.0, 0f32..1.0), 0..12), -200_000i64..800_000), 1..60)
    ) {
        let mut tracker = Tracker::new(TrackerConfig { tracks_max: 20, ..TrackerConfig::default() });
        let (mut now, mut dead) = (0i64, HashSet::new());
        for (boxes, dt) in steps {
            now += dt;
            let detections: Vec<Detection> = boxes.iter().map(|&(x, y, s)| boxed(x, y, s)).collect();
            for ended in tracker.step(now, &detections, Examined::All) {
                prop_assert!(dead.insert(ended.id()), "ended twice");
            }
            let mut living = HashSet::new();
            for track in tracker.tracks() {
                prop_assert!(living.insert(track.id()), "used twice at once");
                prop_assert!(!dead.contains(&track.id()), "came back from the dead");
                prop_assert!(track.bbox().is_finite() && track.path().len() <= PATH_MAX);
                prop_assert!(track.first_us() <= track.last_us());
            }
            prop_assert!(living.len() <= 20);
        }
    }
}
