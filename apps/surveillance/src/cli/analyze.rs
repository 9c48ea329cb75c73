//! `socle analyze`: the engine over a file, as fast as it goes, for people with recordings and for measuring.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use indicatif::{ProgressBar, ProgressStyle};
use kernel::{SystemClock, Timestamp};
use serde::Deserialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use vision::{
    Class, Day, DetectionConfig, Detector, Event, LocalTime, Phase, Pipeline, PipelineConfig, Schedule,
    TimeOfDay, TrackerConfig, ZoneConfig,
    evaluate::{Row, parse_rows, score, write_rows},
};

use super::say;
use crate::{
    capture::{Analysis, Ending, Ffmpeg, Gate, News, Session, SessionSettings, Slot, StreamInfo},
    model::{Looks, Source, SourceKind, Transport, Zone, ZoneDraft},
};

/// Longer side of the detector's input: half the work of 416 at nearly the same accuracy (docs/decisions/0005-inference.md).
const SIDE_DEFAULT: usize = 320;

/// How `socle analyze` reads.
pub fn analyze_command() -> clap::Command {
    let path = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).value_parser(value_parser!(PathBuf)).help(help)
    };
    clap::Command::new("analyze")
        .about("Find people and events in a video file, as fast as it goes; needs no server and no database")
        .arg(Arg::new("video").value_name("VIDEO").required(true).value_parser(value_parser!(PathBuf)))
        .arg(path("model", "ONNX", "Detection model; without one, whatever moves is an object"))
        .arg(path("detection", "YAML", "Declaration of the model [default: a detection.yaml beside it]"))
        .arg(path("zones", "YAML", "Zones and lines, as in cameras.yaml: a list, or under the key zones"))
        .arg(path("tracks", "TXT", "Write tracks as MOTChallenge text"))
        .arg(path("events", "JSON", "Write events as JSON"))
        .arg(path("truth", "TXT", "MOTChallenge ground truth: print MOTA, IDF1 and HOTA"))
        .arg(path("ffmpeg", "PROGRAM", "ffmpeg to use [default: the one in PATH]"))
        .arg(
            Arg::new("every")
                .long("every")
                .value_name("N")
                .value_parser(value_parser!(u32).range(1..=100))
                .default_value("1")
                .help("Detect on every N-th picture; tracks are predicted between"),
        )
        .arg(
            Arg::new("motion").long("motion").action(ArgAction::SetTrue).help(
                "Detect where and when something moves, as live cameras do, and everywhere every 1.5 s",
            ),
        )
        .arg(
            Arg::new("side")
                .long("side")
                .value_name("PIXELS")
                .value_parser(value_parser!(u32).range(32..=2048))
                .help("Longer side of the detector's input [default: 320]"),
        )
        .arg(
            Arg::new("min-score")
                .long("min-score")
                .value_name("S")
                .value_parser(value_parser!(f32))
                .help("Score from which something begins to be followed, 0 to 1 [default: the tracker's]"),
        )
        .arg(
            Arg::new("classes")
                .long("classes")
                .value_name("A,B")
                .value_delimiter(',')
                .default_value("person")
                .help("Classes to follow; empty for all"),
        )
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print the summary as JSON"))
}

/// A zones file: a list, or an entry of cameras.yaml.
#[derive(Deserialize)]
#[serde(untagged)]
enum ZonesFile {
    List(Vec<ZoneDraft>),
    Named { zones: Vec<ZoneDraft> },
}

/// Runs `socle analyze` with what its command line said.
///
/// # Errors
///
/// What is wrong with a file or a setting, for the person at the terminal.
pub async fn analyze(matches: ArgMatches) -> anyhow::Result<()> {
    let given = |name: &str| matches.get_one::<PathBuf>(name).cloned();
    let video = given("video").context("which video?")?;
    let video = video.canonicalize().with_context(|| format!("{} cannot be read", video.display()))?;
    let truth = match given("truth") {
        Some(path) => Some(
            parse_rows(&read(&path).await?).with_context(|| format!("{} cannot be read", path.display()))?,
        ),
        None => None,
    };
    let pipeline = pipeline(&matches).await?;
    let ffmpeg = Ffmpeg::new(&given("ffmpeg").unwrap_or_else(|| PathBuf::from("ffmpeg")));
    let found = run(&ffmpeg, &video, pipeline).await?;
    if let Some(path) = given("tracks") {
        write(&path, write_rows(&found.rows)).await?;
    }
    let ended: Vec<&Event> = found.events.iter().filter(|event| event.phase == Phase::Ended).collect();
    if let Some(path) = given("events") {
        let all: Vec<_> = ended.iter().map(|event| event_json(event)).collect();
        write(&path, format!("{:#}\n", json!(all))).await?;
    }
    let scores = truth.map(|truth| score(&truth, &found.rows));
    let frames = found.frames.max(1);
    let each = |time: Duration| time.as_secs_f64() * 1e3 / f64::from(frames);
    if matches.get_flag("json") {
        let events: Vec<_> = ended.iter().map(|event| event_json(event)).collect();
        let scores = scores.as_ref().map(|s| json!({ "mota": s.mota, "idf1": s.idf1, "hota": s.hota, "id_switches": s.id_switches, "false_positives": s.false_positives, "misses": s.misses }));
        return say(&json!({
            "frames": found.frames,
            "frames_detected": found.detected,
            "tracks": found.tracks(),
            "seconds": found.wall.as_secs_f64(),
            "fps": f64::from(found.frames) / found.wall.as_secs_f64().max(1e-9),
            "cpu_ms_per_frame": { "analysis": each(found.cpu), "decoding": each(found.cpu_children) },
            "events": events,
            "scores": scores,
        })
        .to_string());
    }
    for event in &ended {
        say(&event_line(event))?;
    }
    say(&format!(
        "{} pictures in {:.1} s ({:.0} a second), detector on {}, {} tracks, {} events",
        found.frames,
        found.wall.as_secs_f64(),
        f64::from(found.frames) / found.wall.as_secs_f64().max(1e-9),
        found.detected,
        found.tracks(),
        ended.len(),
    ))?;
    say(&format!(
        "CPU per picture: {:.2} ms here, {:.2} ms in ffmpeg",
        each(found.cpu),
        each(found.cpu_children)
    ))?;
    if let Some(s) = scores {
        say(&format!(
            "MOTA {:.3}  IDF1 {:.3}  HOTA {:.3}  ({} id switches)",
            s.mota, s.idf1, s.hota, s.id_switches
        ))?;
    }
    Ok(())
}

async fn read(path: &Path) -> anyhow::Result<String> {
    tokio::fs::read_to_string(path).await.with_context(|| format!("{} cannot be read", path.display()))
}

async fn write(path: &Path, text: String) -> anyhow::Result<()> {
    tokio::fs::write(path, text).await.with_context(|| format!("{} cannot be written", path.display()))
}

async fn pipeline(matches: &ArgMatches) -> anyhow::Result<Pipeline> {
    let given = |name: &str| matches.get_one::<PathBuf>(name);
    let classes: Vec<Class> = matches
        .get_many::<String>("classes")
        .into_iter()
        .flatten()
        .filter(|class| !class.is_empty())
        .map(|class| Class::from(class.as_str()))
        .collect();
    let detector = match given("model") {
        None => None,
        Some(path) => {
            let file = crate::service::read_model_file(path)
                .await
                .with_context(|| format!("{} cannot be read", path.display()))?;
            let declaration = match given("detection") {
                Some(path) => Some(read(path).await?),
                None => file.declaration,
            };
            let config: Option<DetectionConfig> = declaration
                .map(|text| serde_yaml_ng::from_str(&text).context("the model's declaration cannot be read"))
                .transpose()?;
            let bytes = file.bytes;
            let loaded = tokio::task::spawn_blocking(move || Detector::load(&bytes, config)).await?;
            Some(loaded.with_context(|| format!("{} cannot be used", path.display()))?)
        }
    };
    let looks = if detector.is_some() { Looks::Model } else { Looks::Motion };
    let zones = match given("zones") {
        Some(path) => zones(path, looks).await?,
        None => Vec::new(),
    };
    let every = matches.get_one::<u32>("every").copied().unwrap_or(1);
    let schedule = match Schedule::default() {
        Schedule::Motion { sweep_ms, .. } if matches.get_flag("motion") => {
            Schedule::Motion { sweep_ms, n: every }
        }
        _ => Schedule::Every { n: every },
    };
    let mut tracker = TrackerConfig::default();
    if let Some(score) = matches.get_one::<f32>("min-score").copied().filter(|_| detector.is_some()) {
        anyhow::ensure!((0.0..=1.0).contains(&score), "--min-score must be from 0 to 1");
        tracker.new_score = score;
        tracker.high_score = tracker.high_score.min(score);
    }
    let config = PipelineConfig {
        schedule,
        tracker,
        zones,
        classes: if detector.is_some() { classes } else { Vec::new() },
        input_side: Some(matches.get_one::<u32>("side").map_or(SIDE_DEFAULT, |side| *side as usize)),
        ..PipelineConfig::default()
    };
    Ok(Pipeline::new(config, detector)?)
}

async fn zones(path: &Path, looks: Looks) -> anyhow::Result<Vec<ZoneConfig>> {
    let text = read(path).await?;
    let file: ZonesFile = serde_yaml_ng::from_str(&text).with_context(|| {
        format!("{} is no list of zones, each with name, kind and points", path.display())
    })?;
    let (ZonesFile::List(drafts) | ZonesFile::Named { zones: drafts }) = file;
    let zones = Zone::parse_all(drafts, kernel::Clock::now(&SystemClock))
        .map_err(|faults| super::told(faults.into()).context(format!("{} cannot be used", path.display())))?;
    let mut zones: Vec<ZoneConfig> = zones.iter().filter_map(|zone| zone.to_engine(looks)).collect();
    // Results speak of zones by name where names tell them apart.
    let names: std::collections::BTreeSet<&str> = zones.iter().map(|zone| zone.name.as_str()).collect();
    if names.len() == zones.len() {
        zones.iter_mut().for_each(|zone| zone.id.clone_from(&zone.name));
    }
    Ok(zones)
}

struct Found {
    frames: u32,
    detected: u32,
    rows: Vec<Row>,
    events: Vec<Event>,
    wall: Duration,
    /// Of this process, and of ffmpeg.
    cpu: Duration,
    cpu_children: Duration,
}

impl Found {
    fn tracks(&self) -> usize {
        self.rows.iter().map(|row| row.id).collect::<std::collections::BTreeSet<_>>().len()
    }
}

async fn run(ffmpeg: &Ffmpeg, video: &Path, pipeline: Pipeline) -> anyhow::Result<Found> {
    let source = Source::new(SourceKind::File, &video.display().to_string(), false, false, Transport::Tcp)
        .map_err(|faults| super::told(faults.0.into()))?;
    let settings = SessionSettings {
        source,
        analysis: Analysis { fps: None, width_max: None, size: None },
        recording: None,
        stall: Duration::from_secs(60),
        connect: Duration::from_secs(60),
    };
    // Whoever sits at the machine may read what their account may read.
    let gate = Gate::new(&[], vec![PathBuf::from("/")]);
    let told = |fault: crate::capture::Fault| {
        anyhow::anyhow!("{}: {}; {}", video.display(), fault.message, fault.hint)
    };
    let session = Session::start(ffmpeg, &gate, &settings, Arc::new(SystemClock)).await.map_err(told)?;
    let began = Instant::now();
    let cpu = cpu_times();
    let slot = Slot::new(false);
    let bar = progress(None, "{spinner} {pos} pictures, {per_sec}");
    let info: Mutex<Option<StreamInfo>> = Mutex::new(None);
    let base_us = Mutex::new(0_i64);
    let news = |news: News| match news {
        News::Stream(stream) => {
            if let Some(total) = stream.duration_us.zip(stream.fps).map(|(us, fps)| us as f64 * 1e-6 * fps) {
                bar.set_length(total.round() as u64);
                bar.set_style(style("{bar:40} {pos}/{len} pictures, {per_sec}, {eta} left"));
            }
            *info.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream);
        }
        News::Began { base_us: base, .. } => *base_us.lock().unwrap_or_else(PoisonError::into_inner) = base,
        News::Picture { .. } => {}
    };
    let stop = CancellationToken::new();
    let looking = look_at_all(&slot, pipeline, &bar, &base_us);
    let (ending, found) = tokio::join!(session.run(&slot, None, &stop, &news), looking);
    bar.finish_and_clear();
    let mut found = found?;
    match ending {
        Ending::Finished => {}
        Ending::Broken(fault) => return Err(told(fault)),
        Ending::Stalled => bail!("{}: no picture came for a minute", video.display()),
        Ending::Stopped => bail!("stopped"),
    }
    let now = cpu_times();
    found.wall = began.elapsed();
    found.cpu = now.0.saturating_sub(cpu.0);
    found.cpu_children = now.1.saturating_sub(cpu.1);
    Ok(found)
}

async fn look_at_all(
    slot: &Slot,
    mut pipeline: Pipeline,
    bar: &ProgressBar,
    base_us: &Mutex<i64>,
) -> anyhow::Result<Found> {
    let mut found = Found {
        frames: 0,
        detected: 0,
        rows: Vec::new(),
        events: Vec::new(),
        wall: Duration::ZERO,
        cpu: Duration::ZERO,
        cpu_children: Duration::ZERO,
    };
    let zone = jiff::tz::TimeZone::system();
    while let Some(mut picture) = slot.take().await {
        let at = *base_us.lock().unwrap_or_else(PoisonError::into_inner) + picture.stream_us;
        let local = local_time(at, &zone);
        picture.frame.set_time_us(picture.stream_us);
        let (back, frame, step) = tokio::task::spawn_blocking(move || {
            let step = pipeline.step(&picture.frame, local);
            (pipeline, picture.frame, step)
        })
        .await?;
        pipeline = back;
        slot.recycle(frame);
        if let Some(error) = step.error {
            return Err(error).context("the model failed on a picture");
        }
        found.frames += 1;
        found.detected += u32::from(step.detected);
        let row = |object: &vision::TrackedObject| Row {
            frame: found.frames,
            id: object.track.0,
            bbox: object.bbox,
            score: object.score,
        };
        found.rows.extend(step.objects.iter().map(row));
        for event in step.events {
            if event.phase == Phase::Started {
                bar.suspend(|| drop(say_started(&event)));
            }
            found.events.push(event);
        }
        bar.inc(1);
    }
    found.events.extend(pipeline.finish().0);
    Ok(found)
}

/// While it goes on, to standard error: standard output is for results.
fn say_started(event: &Event) -> std::io::Result<()> {
    use std::io::Write as _;
    writeln!(
        std::io::stderr(),
        "{:>9}  {} in {} started",
        seconds(event.anomaly.start_us),
        event.anomaly.kind.as_str(),
        event.anomaly.zone
    )
}

fn local_time(at_us: i64, zone: &jiff::tz::TimeZone) -> LocalTime {
    let local = Timestamp::from_microsecond(at_us).unwrap_or_default().to_zoned(zone.clone());
    let day = Day::from_monday_zero(usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or(0));
    let time = TimeOfDay::from_hm(local.hour().unsigned_abs().into(), local.minute().unsigned_abs().into());
    LocalTime::new(day, time.unwrap_or(TimeOfDay::MIDNIGHT))
}

/// User and system time of this process and of its children that have ended, by the kernel's books (steps of 10 ms); zero
/// where there are none.
fn cpu_times() -> (Duration, Duration) {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = text.rsplit(')').next().unwrap_or_default();
    let fields: Vec<u64> = after.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
    let ticks = |index: usize| fields.get(index).copied().unwrap_or(0);
    let time = |ticks: u64| Duration::from_millis(ticks * 10);
    (time(ticks(11) + ticks(12)), time(ticks(13) + ticks(14)))
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A bar on standard error, hidden where that is no terminal.
pub(super) fn progress(total: Option<u64>, template: &str) -> ProgressBar {
    let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    bar.set_style(style(template));
    bar
}

/// `m:ss.t`
fn seconds(us: i64) -> String {
    let tenths = us / 100_000;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

fn event_line(event: &Event) -> String {
    let anomaly = &event.anomaly;
    format!(
        "{:>9} to {:>9}  {:<13} zone {}  confidence {:.2}  {} tracks",
        seconds(anomaly.start_us),
        seconds(anomaly.end_us.unwrap_or(anomaly.last_us)),
        anomaly.kind.as_str(),
        anomaly.zone,
        anomaly.confidence,
        anomaly.tracks_total,
    )
}

fn event_json(event: &Event) -> serde_json::Value {
    let anomaly = &event.anomaly;
    let at = |us: i64| us as f64 / 1e6;
    json!({
        "kind": anomaly.kind.as_str(),
        "zone": anomaly.zone,
        "severity": anomaly.severity,
        "confidence": anomaly.confidence,
        "start_s": at(anomaly.start_us),
        "end_s": at(anomaly.end_us.unwrap_or(anomaly.last_us)),
        "tracks": anomaly.tracks,
        "tracks_total": anomaly.tracks_total,
        "crossings": anomaly.crossings,
        "best": { "at_s": at(anomaly.best.time_us), "track": anomaly.best.track, "box": anomaly.best.bbox },
        "evidence": anomaly.evidence,
    })
}
