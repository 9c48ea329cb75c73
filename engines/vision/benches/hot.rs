//! The functions that run for every picture: `cargo bench -p vision`.
#![expect(clippy::unwrap_used, reason = "a bench may end on a fault")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use vision::{
    BBox, ChannelOrder, Converter, Detection, Examined, Frame, Layout, MotionConfig, MotionDetector,
    Normalisation, Placement, Resize, Tracker, TrackerConfig, encode_jpeg, suppress,
};

/// A textured picture; `shift` moves the texture.
fn picture(width: usize, height: usize, shift: usize) -> Frame {
    let mut frame = Frame::new(width, height).unwrap();
    frame.set_time_us(shift as i64 * 200_000);
    let luma = frame.planes_mut().0;
    for y in 0..height {
        for x in 0..width {
            luma[y * width + x] = (90 + ((x + shift) / 9 * 17 + y / 7 * 29) % 70) as u8;
        }
    }
    frame
}

fn boxes(count: usize, shift: f32) -> Vec<Detection> {
    (0..count)
        .map(|i| Detection {
            bbox: BBox::new((i * 61 % 700) as f32 + shift, (i * 37 % 400) as f32, 40.0, 90.0),
            score: 0.3 + (i * 29 % 70) as f32 / 100.0,
            class: "person".into(),
        })
        .collect()
}

fn hot(c: &mut Criterion) {
    let frames = [picture(1280, 720, 0), picture(1280, 720, 2)];
    let mut motion = MotionDetector::new(MotionConfig::default());
    let mut i = 0;
    c.bench_function("motion 1280x720", |b| {
        b.iter(|| {
            i += 1;
            black_box(motion.step(&frames[i / 8 % 2]))
        })
    });

    let norm = Normalisation {
        layout: Layout::Nchw,
        channels: ChannelOrder::Bgr,
        factor: [1.0; 3],
        offset: [0.0; 3],
        pad: 114,
    };
    for (width, height) in [(416, 416), (320, 256)] {
        let place = Placement::new(frames[0].bounds(), width, height, Resize::Letterbox);
        let mut converter = Converter::default();
        let mut out = vec![0.0; 3 * width * height];
        c.bench_function(&format!("convert 1280x720 to {width}x{height}"), |b| {
            b.iter(|| converter.convert(&frames[0], &place, width, height, &norm, black_box(&mut out)))
        });
    }

    let candidates = boxes(300, 0.0);
    c.bench_function("suppress 300", |b| {
        b.iter_batched(|| candidates.clone(), |d| black_box(suppress(d, 0.45, 100)), BatchSize::SmallInput)
    });

    let mut tracker = Tracker::new(TrackerConfig::default());
    let steps: Vec<Vec<Detection>> = (0..50).map(|s| boxes(20, s as f32 * 2.0)).collect();
    let mut step = 0;
    c.bench_function("track 20 objects", |b| {
        b.iter(|| {
            step += 1;
            let forth = step % 100;
            let at = if forth < 50 { forth } else { 99 - forth };
            black_box(tracker.step(step as i64 * 100_000, &steps[at], Examined::All))
        })
    });

    c.bench_function("jpeg 1280x720", |b| b.iter(|| encode_jpeg(black_box(&frames[0]), 80).unwrap()));
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(std::time::Duration::from_millis(500))
        .measurement_time(std::time::Duration::from_secs(2));
    targets = hot
}
criterion_main!(benches);
