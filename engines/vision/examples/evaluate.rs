//! Scores the whole pipeline on a clip with MOTChallenge ground truth.
//!
//! ```text
//! ffmpeg -v error -i clip.mp4 -f rawvideo -pix_fmt yuv420p - |
//!   cargo run --release -p vision --example evaluate -- --size 768x576 --fps 7 --truth gt.txt --model model.onnx \
//!     [--side 416] [--every 2 | --motion] [--split 397] [--zone crossing=0.3,0.4,0.7,0.4,0.7,0.7] [--write tracks.txt] [--dump boxes.csv]
//! ```
//! Instead of `--model` and the pipe, `--detections boxes.csv` (frame, x1, y1, x2, y2, score) runs the tracker and
//! the rules alone on finished detections of persons.
#![expect(clippy::unwrap_used, reason = "a command for developers: a wrong argument may end it")]

use std::collections::BTreeMap;
use std::io::Read;
use std::time::{Duration, Instant};

use vision::evaluate::{EventScore, Row, Span, between, parse_rows, score, score_events, write_rows};
use vision::{
    Anchor, BBox, Day, Detection, DetectionConfig, Detector, Event, Examined, Frame, LocalTime, Phase,
    Pipeline, PipelineConfig, Point, Rule, Rules, Scene, Schedule, TimeOfDay, TrackState, Tracker,
    TrackerConfig, ZoneConfig, polygon_contains,
};

struct Args {
    width: usize,
    height: usize,
    fps: f64,
    truth: Vec<Row>,
    model: Option<String>,
    detections: Option<String>,
    side: Option<usize>,
    schedule: Schedule,
    split: Option<u32>,
    zones: Vec<ZoneConfig>,
    write: Option<String>,
    dump: Option<String>,
    tracker: TrackerConfig,
    min_score: f32,
}

fn zone(text: &str) -> ZoneConfig {
    let (id, numbers) = text.split_once('=').unwrap();
    let numbers: Vec<f32> = numbers.split(',').map(|n| n.parse().unwrap()).collect();
    let polygon = numbers.chunks_exact(2).map(|p| Point::new(p[0], p[1])).collect();
    ZoneConfig::new(id, Rule::Intrusion { polygon, dwell_ms: 500, anchor: Anchor::Foot })
}

fn args() -> Args {
    let mut parsed = Args {
        width: 0,
        height: 0,
        fps: 25.0,
        truth: Vec::new(),
        model: None,
        detections: None,
        side: None,
        schedule: Schedule::Every { n: 1 },
        split: None,
        zones: Vec::new(),
        write: None,
        dump: None,
        tracker: TrackerConfig::default(),
        min_score: 0.1,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut next = || words.next().unwrap_or_else(|| panic!("{word} needs a value"));
        match word.as_str() {
            "--size" => {
                let text = next();
                let (w, h) = text.split_once('x').unwrap();
                (parsed.width, parsed.height) = (w.parse().unwrap(), h.parse().unwrap());
            }
            "--fps" => parsed.fps = next().parse().unwrap(),
            "--truth" => parsed.truth = parse_rows(&std::fs::read_to_string(next()).unwrap()).unwrap(),
            "--model" => parsed.model = Some(next()),
            "--detections" => parsed.detections = Some(next()),
            "--side" => parsed.side = Some(next().parse().unwrap()),
            "--every" => parsed.schedule = Schedule::Every { n: next().parse().unwrap() },
            "--motion" => parsed.schedule = Schedule::default(),
            "--split" => parsed.split = Some(next().parse().unwrap()),
            "--zone" => parsed.zones.push(zone(&next())),
            "--write" => parsed.write = Some(next()),
            "--dump" => parsed.dump = Some(next()),
            "--min-score" => parsed.min_score = next().parse().unwrap(),
            // Any field of the tracker's configuration, as JSON: --tracker '{"new_score":0.6}'
            "--tracker" => parsed.tracker = serde_json::from_str(&next()).unwrap(),
            other => panic!("unknown argument {other}"),
        }
    }
    parsed
}

/// CPU time of the process so far, from the kernel's accounting (10 ms steps); zero where there is none.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = text.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

#[derive(Default)]
struct Found {
    rows: Vec<Row>,
    raw: Vec<Row>,
    events: Vec<Event>,
    frames: u32,
}

fn run_pipeline(args: &Args) -> Found {
    let path = args.model.as_ref().unwrap();
    let config = DetectionConfig {
        keep: vec!["person".into()],
        min_score: Some(args.min_score),
        ..DetectionConfig::default()
    };
    let detector = Detector::load(&std::fs::read(path).unwrap(), Some(config)).unwrap();
    let config = PipelineConfig {
        schedule: args.schedule,
        tracker: args.tracker.clone(),
        zones: args.zones.clone(),
        input_side: args.side,
        ..PipelineConfig::default()
    };
    let mut pipeline = Pipeline::new(config, Some(detector)).unwrap();
    let mut frame = Frame::new(args.width, args.height).unwrap();
    let local = LocalTime::new(Day::Monday, TimeOfDay::from_hm(12, 0).unwrap());
    let mut found = Found::default();
    let mut input = std::io::stdin().lock();
    let (start, cpu) = (Instant::now(), cpu_time());
    let mut looked = 0;
    let mut quickest = Duration::MAX;
    while input.read_exact(frame.data_mut()).is_ok() {
        frame.set_time_us((f64::from(found.frames) * 1e6 / args.fps) as i64);
        found.frames += 1;
        let began = Instant::now();
        let step = pipeline.step(&frame, local);
        quickest = quickest.min(began.elapsed());
        assert!(step.error.is_none(), "{:?}", step.error);
        looked += u32::from(step.detected);
        let row = |id, bbox, score| Row { frame: found.frames, id, bbox, score };
        found.rows.extend(step.objects.iter().map(|o| row(o.track.0, o.bbox, o.score)));
        found.raw.extend(step.detections.iter().map(|d| row(0, d.bbox, d.score)));
        found.events.extend(step.events);
    }
    found.events.extend(pipeline.finish().0);
    let per_frame = |d: Duration| d.as_secs_f64() * 1e3 / f64::from(found.frames.max(1));
    println!(
        "{} frames, detector on {looked} at {:?}: {:.2} ms CPU and {:.2} ms wall per frame without decoding (quickest {:.2})",
        found.frames,
        pipeline.detector().map(|d| d.info().input),
        per_frame(cpu_time() - cpu),
        per_frame(start.elapsed()),
        quickest.as_secs_f64() * 1e3,
    );
    found
}

fn run_tracker(args: &Args) -> Found {
    let text = std::fs::read_to_string(args.detections.as_ref().unwrap()).unwrap();
    let mut frames: BTreeMap<u32, Vec<Detection>> = BTreeMap::new();
    let mut found = Found::default();
    for line in text.lines().skip(1) {
        let n: Vec<f32> = line.split(',').map(|p| p.parse().unwrap()).collect();
        let detection = Detection {
            bbox: BBox::from_corners(n[1], n[2], n[3], n[4]),
            score: n[5],
            class: "person".into(),
        };
        found.raw.push(Row { frame: n[0] as u32, id: 0, bbox: detection.bbox, score: n[5] });
        frames.entry(n[0] as u32).or_default().push(detection);
    }
    found.frames = args.truth.iter().map(|row| row.frame).max().unwrap_or(0);
    let mut tracker = Tracker::new(args.tracker.clone());
    let mut rules = Rules::new(args.zones.clone()).unwrap();
    let local = LocalTime::new(Day::Monday, TimeOfDay::from_hm(12, 0).unwrap());
    let every = if let Schedule::Every { n } = args.schedule { n } else { 1 };
    for number in 1..=found.frames {
        let time_us = (f64::from(number - 1) * 1e6 / args.fps) as i64;
        if (number - 1) % every == 0 {
            let detections = frames.remove(&number).unwrap_or_default();
            tracker.step(time_us, &detections, Examined::All);
        } else {
            tracker.coast(time_us);
        }
        let reported = tracker.tracks().iter().filter(|t| t.is_reported());
        found.rows.extend(reported.map(|t| Row {
            frame: number,
            id: t.id().0,
            bbox: t.bbox(),
            score: t.score(),
        }));
        let (width, height) = (args.width as f32, args.height as f32);
        let tracks = tracker.tracks();
        found.events.extend(rules.step(&Scene { time_us, width, height, local, tracks, frame: None }));
        debug_assert!(tracks.iter().all(|t| t.state() != TrackState::Lost || !t.is_reported()));
    }
    found.events.extend(rules.finish((f64::from(found.frames) * 1e6 / args.fps) as i64));
    found
}

/// Stays of true persons in a zone: in for at least the dwell, gaps up to a second do not end a stay.
fn true_spans(args: &Args, zone: &ZoneConfig, truth: &[Row]) -> Vec<Span> {
    let Rule::Intrusion { polygon, dwell_ms, anchor } = &zone.rule else { return Vec::new() };
    let mut people: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
    for row in truth.iter().filter(|row| row.score != 0.0) {
        let foot = row.bbox.foot();
        let at = match anchor {
            Anchor::Foot => Point::new(foot.x / args.width as f32, foot.y / args.height as f32),
            Anchor::Center => anchor.of(&row.bbox, args.width as f32, args.height as f32),
        };
        if polygon_contains(polygon, at) {
            people.entry(row.id).or_default().push((f64::from(row.frame - 1) * 1e6 / args.fps) as i64);
        }
    }
    let mut spans: Vec<Span> = Vec::new();
    for mut times in people.into_values() {
        times.sort_unstable();
        let mut own: Vec<Span> = Vec::new();
        for time in times {
            match own.last_mut() {
                Some(last) if time - last.end_us <= 1_000_000 => last.end_us = time,
                _ => own.push(Span { zone: zone.id.clone(), start_us: time, end_us: time }),
            }
        }
        spans.extend(own.into_iter().filter(|s| s.end_us - s.start_us >= i64::from(*dwell_ms) * 1000));
    }
    spans
}

/// Area under the precision-recall curve at IoU 0.5, all points.
fn average_precision(truth: &[Row], raw: &[Row]) -> f64 {
    let mut order: Vec<&Row> = raw.iter().collect();
    order.sort_by(|a, b| b.score.total_cmp(&a.score));
    let real: Vec<&Row> = truth.iter().filter(|t| t.score != 0.0).collect();
    let mut by_frame: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    real.iter().enumerate().for_each(|(i, t)| by_frame.entry(t.frame).or_default().push(i));
    let mut taken = vec![false; real.len()];
    let (mut hits, mut points) = (0.0, Vec::new());
    for (n, detection) in order.iter().enumerate() {
        let best = by_frame.get(&detection.frame).into_iter().flatten().copied().filter(|&i| !taken[i]);
        let best = best.map(|i| (i, real[i].bbox.iou(&detection.bbox))).max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((i, iou)) = best
            && iou >= 0.5
        {
            taken[i] = true;
            hits += 1.0;
        }
        points.push((hits / real.len().max(1) as f64, hits / (n + 1) as f64));
    }
    let (mut area, mut last, mut highest) = (0.0, f64::NAN, 0.0f64);
    for &(recall, precision) in points.iter().rev() {
        if !last.is_nan() {
            area += (last - recall) * highest;
        }
        highest = highest.max(precision);
        last = recall;
    }
    area + if last.is_nan() { 0.0 } else { last * highest }
}

fn report(args: &Args, found: &Found, name: &str, first: u32, last: u32) {
    let truth = between(&args.truth, first, last);
    let s = score(&truth, &between(&found.rows, first, last));
    let (from, to) =
        ((f64::from(first - 1) * 1e6 / args.fps) as i64, (f64::from(last) * 1e6 / args.fps) as i64);
    let mut events = EventScore::default();
    for zone in &args.zones {
        let spans: Vec<Span> = found
            .events
            .iter()
            .filter(|e| e.phase == Phase::Ended && e.anomaly.zone == zone.id)
            .filter(|e| (from..to).contains(&e.anomaly.start_us))
            .map(|e| Span { zone: zone.id.clone(), start_us: e.anomaly.start_us, end_us: e.anomaly.last_us })
            .collect();
        events = events.plus(score_events(&true_spans(args, zone, &truth), &spans, 500_000));
    }
    println!(
        "{name:>12}: MOTA {:.3} IDF1 {:.3} HOTA {:.3} (DetA {:.3} AssA {:.3}) FP {} FN {} IDS {} of {} | AP50 {:.3} | events P {:.2} R {:.2} ({}/{} of {})",
        s.mota,
        s.idf1,
        s.hota,
        s.deta,
        s.assa,
        s.false_positives,
        s.misses,
        s.id_switches,
        s.truth,
        average_precision(&truth, &between(&found.raw, first, last)),
        events.precision(),
        events.recall(),
        events.matched,
        events.found,
        events.truth,
    );
}

fn main() {
    let args = args();
    let found = if args.detections.is_some() { run_tracker(&args) } else { run_pipeline(&args) };
    report(&args, &found, "all", 1, found.frames);
    if let Some(split) = args.split {
        report(&args, &found, "first part", 1, split);
        report(&args, &found, "second part", split + 1, found.frames);
    }
    if let Some(path) = &args.dump {
        let mut text = String::from("frame,x1,y1,x2,y2,score\n");
        for r in &found.raw {
            let b = r.bbox;
            text += &format!(
                "{},{:.2},{:.2},{:.2},{:.2},{:.4}\n",
                r.frame,
                b.x,
                b.y,
                b.right(),
                b.bottom(),
                r.score
            );
        }
        std::fs::write(path, text).unwrap();
    }
    if let Some(path) = &args.write {
        std::fs::write(path, write_rows(&found.rows)).unwrap();
    }
}
