use super::*;

/// A textured wall: the same for the same seed, and nowhere flat.
fn wall(width: usize, height: usize) -> Frame {
    let mut frame = Frame::new(width, height).unwrap();
    let luma = frame.planes_mut().0;
    for y in 0..height {
        for x in 0..width {
            luma[y * width + x] = (100 + (x / 13 * 31 + y / 11 * 47) % 60) as u8;
        }
    }
    frame
}

fn paint(frame: &mut Frame, area: BBox, value: impl Fn(u8) -> u8) {
    let width = frame.width();
    let luma = frame.planes_mut().0;
    for y in area.y as usize..area.bottom() as usize {
        for pixel in &mut luma[y * width + area.x as usize..y * width + area.right() as usize] {
            *pixel = value(*pixel);
        }
    }
}

/// Runs pictures at 10 a second; `paint` gets the picture's number.
fn run(
    detector: &mut MotionDetector,
    pictures: std::ops::Range<i64>,
    mut change: impl FnMut(&mut Frame, i64),
) -> Motion {
    let mut last = Motion::default();
    for i in pictures {
        let mut frame = wall(640, 360);
        frame.set_time_us(i * 100_000);
        change(&mut frame, i);
        last = detector.step(&frame);
    }
    last
}

fn person(i: i64) -> BBox {
    BBox::new(40.0 + 6.0 * i as f32, 120.0, 40.0, 120.0)
}

#[test]
fn a_still_scene_is_quiet_and_a_walker_is_found_where_he_is() {
    let mut detector = MotionDetector::new(MotionConfig::default());
    assert!(run(&mut detector, 0..30, |_, _| {}).is_quiet());
    let motion = run(&mut detector, 30..60, |f, i| paint(f, person(i), |_| 30));
    assert_eq!(motion.regions.len(), 1, "{motion:?}");
    assert!(motion.regions[0].iou(&person(59)) > 0.6, "{:?} {:?}", motion.regions, person(59));
    assert!((0.01..0.06).contains(&motion.score));
    assert!(run(&mut detector, 60..70, |_, _| {}).is_quiet(), "no ghost stays behind a walker");
}

#[test]
fn noise_is_not_motion() {
    let mut detector = MotionDetector::new(MotionConfig::default());
    let mut seed = 1u32;
    let mut busy = 0;
    for part in 0..10 {
        let motion = run(&mut detector, part * 10..part * 10 + 10, |f, _| {
            for p in f.planes_mut().0.iter_mut() {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *p = p.saturating_add_signed((seed >> 28) as i8 - 8);
            }
        });
        busy += usize::from(!motion.is_quiet());
    }
    assert_eq!(busy, 0);
}

#[test]
fn a_change_of_light_is_not_motion() {
    let mut detector = MotionDetector::new(MotionConfig::default());
    run(&mut detector, 0..30, |_, _| {});
    // A cloud: 12 grey levels darker within a second.
    let dim = |i: i64| ((i - 30) * 2).min(12) as u8;
    for i in 30..50 {
        let motion = run(&mut detector, i..i + 1, |f, i| {
            let all = f.bounds();
            paint(f, all, |p| p - dim(i));
        });
        assert!(motion.regions.is_empty(), "picture {i}: {motion:?}");
    }
    // The lamp goes off: everything at once.
    let motion = run(&mut detector, 50..51, |f, _| {
        let all = f.bounds();
        paint(f, all, |p| p / 4);
    });
    assert!(motion.light_change && motion.regions.is_empty());
}

#[test]
fn shadows_are_not_motion_but_dark_clothes_are() {
    let moving = |shadow: bool| {
        let mut detector = MotionDetector::new(MotionConfig::default());
        run(&mut detector, 0..30, |_, _| {});
        run(&mut detector, 30..50, |f, i| {
            let area = BBox::new(100.0 + 4.0 * (i - 30) as f32, 150.0, 160.0, 100.0);
            paint(f, area, |p| if shadow { (f32::from(p) * 0.78) as u8 } else { 35 });
        })
    };
    let (shadow, cloth) = (moving(true), moving(false));
    assert!(shadow.score < 0.25 * cloth.score, "{} {}", shadow.score, cloth.score);
}

#[test]
fn what_stays_becomes_background() {
    let mut detector = MotionDetector::new(MotionConfig { adapt_ms: 1_000, ..MotionConfig::default() });
    run(&mut detector, 0..20, |_, _| {});
    let car = |f: &mut Frame, _| paint(f, BBox::new(300.0, 200.0, 120.0, 60.0), |_| 220);
    assert!(!run(&mut detector, 20..24, car).is_quiet());
    assert!(run(&mut detector, 24..400, car).is_quiet());
}

#[test]
fn a_new_picture_size_starts_anew() {
    let mut detector = MotionDetector::new(MotionConfig::default());
    run(&mut detector, 0..5, |_, _| {});
    let other = wall(320, 240);
    assert_eq!(detector.step(&other), Motion::default());
    assert_eq!(detector.mask().1, 160);
    for (width, height) in [(2, 2), (2, 500), (500, 2), (33, 17)] {
        let mut detector = MotionDetector::new(MotionConfig::default());
        let frame = Frame::new(width, height).unwrap();
        detector.step(&frame);
        assert!(detector.step(&frame).is_quiet());
    }
}
