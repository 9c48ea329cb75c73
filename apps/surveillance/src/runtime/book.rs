//! Anomalies as they become events. Nothing that the database did not take is forgotten: it is written again.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use kernel::{Clock, Timestamp};
use serde_json::json;
use vision::{Anomaly, Phase};

use crate::{
    model::{Camera, ClipState, Event, EventId, EventState, Evidence, Kind, Record, Series, SeriesId, Zone},
    service::{Recorded, Sentinel},
};

/// The events of one camera that are not yet ended and written.
#[derive(Default)]
pub(crate) struct Book {
    /// By the engine's number.
    open: BTreeMap<u64, Entry>,
    failed_at: Option<Instant>,
    /// The engine numbers anomalies from 1 each time it is made anew; these keep them apart.
    generation: u64,
}

struct Entry {
    event: Event,
    is_new: bool,
    is_dirty: bool,
    snapshot: Option<Recorded>,
    written_at: Instant,
}

/// At most one update a second of an event that goes on, and one every five when nothing but time changes.
const UPDATE: Duration = Duration::from_secs(1);
const SEEN: Duration = Duration::from_secs(5);
/// After a failure the database gets this long to come back.
const PAUSE: Duration = Duration::from_secs(1);
/// More than this many unwritten events means that the disk has been gone for long; the oldest ended ones go first.
const OPEN_MAX: usize = 10_000;

/// What an event needs to know besides its anomaly.
pub(crate) struct Scene<'s> {
    pub(crate) camera: &'s Camera,
    pub(crate) clock: &'s dyn Clock,
    pub(crate) size: (f32, f32),
    /// SHA-256.
    pub(crate) model: Option<&'s str>,
}

impl Book {
    /// The engine begins anew.
    pub(crate) fn new_engine(&mut self) {
        self.generation += 1;
    }

    fn number(&self, anomaly: u64) -> u64 {
        self.generation << 40 | anomaly
    }

    /// Takes in what the engine says.
    pub(crate) fn note(
        &mut self,
        scene: &Scene<'_>,
        events: Vec<vision::Event>,
        snapshots: Vec<(u64, Recorded)>,
        active: &[(u64, i64)],
    ) {
        let now = Instant::now();
        for said in events {
            let number = self.number(said.anomaly.id);
            let anomaly = &said.anomaly;
            match self.open.get_mut(&number) {
                Some(entry) => {
                    learn(&mut entry.event, scene, anomaly);
                    entry.is_dirty = true;
                }
                None if said.phase == Phase::Ended => {}
                None => {
                    let event = begin(scene, anomaly);
                    let entry =
                        Entry { event, is_new: true, is_dirty: true, snapshot: None, written_at: now };
                    self.open.insert(number, entry);
                }
            }
        }
        for (anomaly, recorded) in snapshots {
            let number = self.number(anomaly);
            if let Some(entry) = self.open.get_mut(&number) {
                entry.snapshot = Some(recorded);
            }
        }
        for (anomaly, last_us) in active {
            let number = self.number(*anomaly);
            if let Some(entry) = self.open.get_mut(&number) {
                let last = time(*last_us);
                if last > entry.event.last_seen_at && now.duration_since(entry.written_at) >= SEEN {
                    entry.event.last_seen_at = last;
                    entry.is_dirty = true;
                }
            }
        }
        while self.open.len() > OPEN_MAX {
            let oldest = self
                .open
                .iter()
                .find(|(_, entry)| entry.event.state == EventState::Ended)
                .map(|(number, _)| *number);
            let Some(number) = oldest else { break };
            tracing::error!(camera.id = %scene.camera.id, "too many events wait for the database: dropping the oldest");
            self.open.remove(&number);
        }
    }

    /// The engine is lost: what goes on ends where it was last seen.
    pub(crate) fn end_all(&mut self) {
        for entry in self.open.values_mut().filter(|entry| entry.event.state == EventState::Active) {
            entry.event.state = EventState::Ended;
            entry.event.ended_at = Some(entry.event.last_seen_at);
            entry.is_dirty = true;
        }
    }

    /// Writes what is due. Failures are kept for the next time.
    pub(crate) async fn write(&mut self, sentinel: &Sentinel) {
        if self.failed_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return;
        }
        self.failed_at = None;
        for entry in self.open.values_mut() {
            if let Err(error) = entry.write(sentinel).await {
                tracing::warn!(error = &error as &dyn std::error::Error, event.id = %entry.event.id, "an event could not be written; trying again");
                self.failed_at = Some(Instant::now());
                break;
            }
        }
        self.open.retain(|_, entry| !entry.is_done());
    }

    /// Writes everything, for as long as `patience` lasts: the camera stops.
    pub(crate) async fn finish(&mut self, sentinel: &Sentinel, patience: Duration) {
        let until = Instant::now() + patience;
        loop {
            self.failed_at = None;
            self.write(sentinel).await;
            if self.open.is_empty() || Instant::now() >= until {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

impl Entry {
    async fn write(&mut self, sentinel: &Sentinel) -> Result<(), crate::error::Error> {
        let ended = self.event.state == EventState::Ended;
        if self.is_new {
            // What was learned before the row was there goes in with it; an end is written as one, for its clip.
            let state = self.event.state;
            let first = Event { state: EventState::Active, ended_at: None, ..self.event.clone() };
            let written = sentinel.start_event(first).await?;
            self.event.series.id = written.series.id;
            self.event.state = state;
            self.is_new = false;
            self.is_dirty = ended;
            self.written_at = Instant::now();
        }
        if let Some(recorded) = &self.snapshot {
            sentinel.keep_snapshot(&self.event, recorded).await?;
            self.snapshot = None;
        }
        if self.is_dirty && (ended || self.written_at.elapsed() >= UPDATE) {
            sentinel.update_event(&self.event).await?;
            self.is_dirty = false;
            self.written_at = Instant::now();
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.event.state == EventState::Ended && !self.is_new && !self.is_dirty && self.snapshot.is_none()
    }
}

fn time(us: i64) -> Timestamp {
    Timestamp::from_microsecond(us).unwrap_or_default()
}

fn begin(scene: &Scene<'_>, anomaly: &Anomaly) -> Event {
    let camera = scene.camera;
    let zone: Option<&Zone> = camera.zones.iter().find(|zone| zone.id.to_string() == anomaly.zone);
    let now = scene.clock.now();
    let classes = anomaly.classes();
    let mut event = Event {
        id: EventId::new(now),
        workspace: camera.workspace,
        series: Series {
            id: SeriesId::new(now),
            camera: camera.id,
            camera_name: camera.name().to_owned(),
            zone: zone.map(|zone| zone.id),
            zone_name: zone.map(|zone| zone.body.name.clone()),
            kind: Kind::from(anomaly.kind),
            severity: zone.map_or_else(Default::default, |zone| zone.body.severity),
            class: classes.first().map_or_else(String::new, ToString::to_string),
        },
        confidence: 0.0,
        state: EventState::Active,
        started_at: time(anomaly.start_us),
        last_seen_at: time(anomaly.last_us),
        ended_at: None,
        track_ids: Vec::new(),
        acknowledged: None,
        snapshot_at: None,
        clip_state: if camera.draft.record == Record::Events {
            ClipState::Recording
        } else {
            ClipState::None
        },
        evidence: Evidence::default(),
    };
    learn(&mut event, scene, anomaly);
    event
}

/// What the anomaly tells of its event. The series stays: it is where the event is counted.
fn learn(event: &mut Event, scene: &Scene<'_>, anomaly: &Anomaly) {
    let (width, height) = (f64::from(scene.size.0).max(1.0), f64::from(scene.size.1).max(1.0));
    let round = |value: f64| (value * 1e4).round() / 1e4;
    event.confidence = round(f64::from(anomaly.confidence));
    event.last_seen_at = event.last_seen_at.max(time(anomaly.last_us));
    if let Some(end_us) = anomaly.end_us {
        event.state = EventState::Ended;
        event.ended_at = Some(time(end_us).max(event.started_at));
    }
    event.track_ids = anomaly.tracks.iter().map(|track| track.0).collect();
    let best = &anomaly.best;
    let tracks = &anomaly.evidence.tracks;
    let way = tracks.iter().find(|track| track.track == best.track).or(tracks.first());
    let foot = |point: &vision::TrackPoint| {
        let foot = point.bbox.foot();
        [round(f64::from(foot.x) / width), round(f64::from(foot.y) / height)]
    };
    let bbox = best.bbox;
    let mut rule = serde_json::to_value(&anomaly.evidence.rule).unwrap_or_default();
    if let Some(rule) = rule.as_object_mut() {
        rule.insert("min_score".to_owned(), json!(anomaly.evidence.min_score));
        rule.insert("enter_frames".to_owned(), json!(anomaly.evidence.enter_frames));
        rule.insert("leave_ms".to_owned(), json!(anomaly.evidence.leave_ms));
    }
    event.evidence = Evidence {
        rule,
        polyline: way.map(|track| track.path.iter().map(foot).collect()).unwrap_or_default(),
        bbox: Some([
            round(f64::from(bbox.x) / width),
            round(f64::from(bbox.y) / height),
            round(f64::from(bbox.w) / width),
            round(f64::from(bbox.h) / height),
        ]),
        scores: tracks.iter().map(|track| round(f64::from(track.score_mean))).collect(),
        model: scene.model.map(str::to_owned),
        key_frame_at: Some(time(best.time_us)),
        dwell_ms: tracks.iter().map(|track| track.dwell_ms).max().unwrap_or(0),
        crossings: [anomaly.crossings.forward, anomaly.crossings.backward],
    };
}
