//! One camera at work, from its first picture to its last.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use kernel::Timestamp;
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    book::{Book, Scene},
    eyes::{Eyes, Loaded, Look, Make},
    live::Shot,
    outage::Outage,
    pace::Governor,
    watched::Watched,
};
use crate::{
    capture::{
        Analysis, Backoff, Ending, Fault, News, Picture, Rate, Recording, Ring, Run, Session,
        SessionSettings, Slot,
    },
    events::{FRAME_UPDATE, camera_room, cameras_room, of_frame},
    model::{Camera, CameraState, MODEL_NONE, Record},
    service::Sentinel,
};

pub(crate) struct Worker {
    sentinel: Sentinel,
    watched: Arc<Watched>,
    camera: watch::Receiver<Arc<Camera>>,
    mind: Mind,
    /// What the workspace was last told.
    told: (CameraState, Option<String>),
    outage: Outage,
}

/// What outlives a reconnect: events go on when the camera is soon back.
struct Mind {
    /// `None` while a blocking thread has them, and after it panicked.
    eyes: Option<Eyes>,
    loaded: Option<Loaded>,
    /// Of the models, when `loaded` was chosen.
    generation: u64,
    /// Why the camera looks with less than it was told to.
    complaint: Option<String>,
    book: Book,
    governor: Governor,
    slowdown: u32,
    last_us: i64,
}

/// A break of this length ends what was going on.
const BREAK_MAX: Duration = Duration::from_secs(20);
/// Time that runs back by more than this begins the analysis anew.
const TURN_BACK_US: i64 = 1_000_000;
/// How long a stopping camera may take to write its events.
const FAREWELL: Duration = Duration::from_secs(3);
const BITRATE_EVERY: Duration = Duration::from_secs(5);

impl Worker {
    pub(crate) fn new(sentinel: Sentinel, watched: Arc<Watched>) -> Self {
        let camera = watched.camera();
        let mind = Mind {
            eyes: None,
            loaded: None,
            generation: u64::MAX,
            complaint: None,
            book: Book::default(),
            governor: Governor::new(Instant::now()),
            slowdown: 1,
            last_us: i64::MIN,
        };
        Self {
            sentinel,
            watched,
            camera,
            mind,
            told: (CameraState::Stopped, None),
            outage: Outage::default(),
        }
    }

    /// Until the camera is removed or switched off.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::new(Duration::from_millis(self.sentinel.config.backoff_max_ms));
        let stop = self.watched.stop.clone();
        let mut first = true;
        while !stop.is_cancelled() {
            let camera = self.camera.borrow_and_update().clone();
            if first {
                self.enter(CameraState::Starting, None).await;
            }
            first = false;
            let began = Instant::now();
            let broke_at = self.mind.last_us;
            let ending = self.session(&camera, &stop).await;
            if self.mind.last_us > broke_at && began.elapsed() > Duration::from_secs(1) {
                backoff.reset();
            }
            let wait = match self.digest(ending, &camera, &mut backoff).await {
                Wait::None => continue,
                Wait::For(wait) => Some(wait),
                Wait::ForChange => None,
            };
            let rest = async {
                match wait {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = rest => {}
                () = self.watched.again.notified() => backoff.reset(),
                Ok(()) = self.camera.changed() => backoff.reset(),
            }
        }
        self.finish_events().await;
        self.mind.book.finish(&self.sentinel, FAREWELL).await;
        self.watched.set_latest(None);
        self.enter(CameraState::Stopped, None).await;
    }

    /// What an ending means for the camera's state, and how long to wait.
    async fn digest(&mut self, ending: Ending, camera: &Camera, backoff: &mut Backoff) -> Wait {
        let redact = |text: &str| camera.draft.source.redact(text);
        match ending {
            Ending::Stopped => {
                if !self.watched.stop.is_cancelled() {
                    self.enter(CameraState::Starting, None).await;
                }
                Wait::None
            }
            Ending::Finished => {
                self.finish_events().await;
                self.mind.book.finish(&self.sentinel, FAREWELL).await;
                self.enter(CameraState::Finished, Some("the file was played to its end".to_owned())).await;
                Wait::ForChange
            }
            Ending::Stalled => {
                self.count_restart();
                let message = "no picture came any more: opening the source again".to_owned();
                self.enter(CameraState::Stalled, Some(message)).await;
                self.end_if_long_gone().await;
                Wait::For(backoff.next())
            }
            Ending::Broken(fault) => {
                self.count_restart();
                let mut message = redact(&fault.message);
                if !fault.hint.is_empty() {
                    message = format!("{message}; {}", redact(&fault.hint));
                }
                // A camera that worked a moment ago and now says "wrong" is more likely restarting than wrong.
                let is_fatal = fault.is_fatal && backoff.failures() >= 2;
                let state = if is_fatal { CameraState::Failed } else { CameraState::Reconnecting };
                tracing::info!(camera.id = %camera.id, reason = message, state = state.name(), "source lost");
                self.enter(state, Some(message)).await;
                self.end_if_long_gone().await;
                if is_fatal {
                    backoff.give_up();
                }
                Wait::For(backoff.next())
            }
        }
    }

    fn count_restart(&self) {
        self.watched.note(|health| {
            health.restarts += 1;
            health.fps_in = 0.0;
            health.fps_analysed = 0.0;
        });
        metrics::counter!("surveillance_capture_restarts_total").increment(1);
    }

    async fn end_if_long_gone(&mut self) {
        let now_us = self.sentinel.clock.now().as_microsecond();
        let gone_us = now_us.saturating_sub(self.mind.last_us);
        if self.mind.last_us > i64::MIN && gone_us > i64::try_from(BREAK_MAX.as_micros()).unwrap_or(i64::MAX)
        {
            self.finish_events().await;
        }
    }

    /// Ends what is going on and writes it.
    async fn finish_events(&mut self) {
        let Some(eyes) = &mut self.mind.eyes else { return };
        let events = eyes.finish();
        self.note_events(events).await;
    }

    async fn note_events(&mut self, events: Vec<vision::Event>) {
        let camera = self.camera.borrow().clone();
        let size = self.mind.eyes.as_ref().and_then(Eyes::size).unwrap_or((1.0, 1.0));
        let model = self.mind.loaded.as_ref().map(|loaded| loaded.model.sha256.clone());
        let clock = self.sentinel.clock.clone();
        let scene = Scene { camera: &camera, clock: &*clock, size, model: model.as_deref() };
        self.mind.book.note(&scene, events, Vec::new(), &[]);
        self.mind.book.write(&self.sentinel).await;
    }

    async fn enter(&mut self, state: CameraState, message: Option<String>) {
        self.watched.enter(state, message, self.sentinel.clock.now());
        self.announce().await;
    }

    /// Tells the workspace when the state is another one than it was told last.
    async fn announce(&mut self) {
        let health = self.watched.health();
        self.note_outage(health.state).await;
        let now = (health.state, health.message.clone());
        if now == self.told {
            return;
        }
        let camera = self.camera.borrow().clone();
        match self.sentinel.tell_health(&camera, &health).await {
            Ok(()) => self.told = now,
            Err(error) => tracing::debug!(
                error = &error as &dyn std::error::Error,
                "a camera's state could not be told"
            ),
        }
    }

    /// Tells people of a camera that is down for long, and of its return.
    async fn note_outage(&mut self, state: CameraState) {
        let limit = Duration::from_secs(self.sentinel.config.down_notice_s);
        let Some(news) = self.outage.note(state, self.sentinel.clock.now(), limit) else { return };
        let camera = self.camera.borrow().clone();
        if let Err(error) = self.sentinel.tell_outage(&camera, news).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, camera.id = %camera.id, "people could not be told of a camera's outage");
        }
    }

    /// One life of an ffmpeg child, with everything that is done with its pictures.
    async fn session(&mut self, camera: &Camera, stop: &CancellationToken) -> Ending {
        let run = match self.begin_recording(camera).await {
            Ok(run) => run,
            Err(fault) => return Ending::Broken(fault),
        };
        let settings = self.settings(camera, run.as_ref());
        let started = Session::start(
            &self.sentinel.ffmpeg,
            &self.sentinel.gate,
            &settings,
            self.sentinel.clock.clone(),
        );
        let session = tokio::select! {
            () = stop.cancelled() => return Ending::Stopped,
            started = started => match started {
                Ok(session) => session,
                Err(fault) => return Ending::Broken(fault),
            },
        };
        if let (Some(run), Some(pid)) = (&run, session.process_id()) {
            run.note_process(pid);
        }
        let slot = Slot::new(camera.draft.source.keeps_pace());
        let end = stop.child_token();
        let pictures_in = AtomicU64::new(0);
        let watched = self.watched.clone();
        let clock = self.sentinel.clock.clone();
        let news = |news: News| tell(&watched, clock.now(), &pictures_in, news);
        let control = control(self.watched.clone(), self.camera.clone(), camera.clone(), end.clone());
        let folder = run.as_ref().map(|run| run.folder().to_owned());
        let both = async {
            tokio::join!(
                session.run(&slot, run.as_ref(), &end, &news),
                self.look_at_all(&slot, &pictures_in, folder)
            )
            .0
        };
        tokio::select! {
            ending = both => ending,
            never = control => match never {},
        }
    }

    async fn begin_recording(&self, camera: &Camera) -> Result<Option<Run>, Fault> {
        if camera.draft.record == Record::Off {
            return Ok(None);
        }
        let (ring, id, now) = (self.sentinel.ring.clone(), camera.id, self.sentinel.clock.now());
        let begun = tokio::task::spawn_blocking(move || ring.begin(id, now)).await;
        match begun {
            Ok(Ok(run)) => Ok(Some(run)),
            Ok(Err(error)) => Err(Fault::retry(
                format!("recordings cannot be written: {error}"),
                "check the data folder's free space and rights",
            )),
            Err(_) => Err(Fault::retry("recordings cannot be written", "")),
        }
    }

    fn settings(&self, camera: &Camera, run: Option<&Run>) -> SessionSettings {
        let config = &self.sentinel.config;
        let draft = &camera.draft;
        let even = |side: u32| side / 2 * 2;
        let kept_ms = config.pre_roll_ms + config.clip_max_ms + config.post_roll_ms;
        // A camera that sends a picture every ten seconds is not stalled after eight.
        let slowest = Duration::from_secs_f64(3.0 / draft.fps.max(0.01));
        SessionSettings {
            source: draft.source.clone(),
            analysis: Analysis {
                fps: Some(draft.fps),
                width_max: Some(draft.width.unwrap_or(config.analysis_width)),
                size: draft.width.zip(draft.height).map(|(width, height)| (even(width), even(height))),
            },
            recording: run.map(|run| Recording {
                folder: run.folder().to_owned(),
                segment_ms: config.segment_ms,
                listed_max: 60 + 2 * kept_ms / config.segment_ms.max(1),
            }),
            stall: Duration::from_millis(config.stall_ms).max(slowest),
            connect: Duration::from_millis(config.connect_timeout_ms).max(slowest),
        }
    }

    /// Looks at pictures until no more come.
    async fn look_at_all(&mut self, slot: &Slot, pictures_in: &AtomicU64, recording: Option<PathBuf>) {
        let mut rate = Rate::default();
        let mut bitrate_at = Instant::now();
        let mut bitrate_bytes = 0;
        while let Some(picture) = slot.take().await {
            let taken = Instant::now();
            self.take_changes().await;
            // A clock that was set back, or a file that begins anew: to the engine no time would pass until it has
            // caught up, so it begins anew too.
            if picture.frame.time_us().saturating_add(TURN_BACK_US) < self.mind.last_us {
                self.finish_events().await;
                self.mind.eyes = None;
            }
            if self.mind.eyes.is_none() {
                self.open_eyes().await;
                self.mind.governor.begin(Instant::now(), slot.skipped());
            }
            let Some(look) = self.look(picture).await else { continue };
            rate.note(taken);
            let before = self.hand_out(look, rate.per_second(taken)).await;
            let now = Instant::now();
            if let Some(slowdown) = self.mind.governor.note(now, now.duration_since(taken), slot.skipped()) {
                self.slow_down(slowdown);
            }
            if let Some(frame) = before.and_then(|shot| Arc::try_unwrap(shot).ok()).map(|shot| shot.frame) {
                slot.recycle(frame);
            }
            if let Some(folder) = recording.as_ref().filter(|_| bitrate_at.elapsed() >= BITRATE_EVERY) {
                let folder = folder.clone();
                let bytes =
                    tokio::task::spawn_blocking(move || Ring::recorded_bytes(&folder)).await.unwrap_or(0);
                let seconds = bitrate_at.elapsed().as_secs_f64();
                // Purged pieces make the sum fall now and then: no news.
                if bytes > bitrate_bytes && bitrate_bytes > 0 {
                    let bits = (bytes - bitrate_bytes) as f64 * 8.0 / seconds;
                    self.watched.note(|health| health.bitrate_bps = bits as u64);
                }
                bitrate_bytes = bytes;
                bitrate_at = Instant::now();
            }
            metrics::counter!("surveillance_frames_total", "camera" => self.camera.borrow().id.to_string())
                .absolute(pictures_in.load(Ordering::Relaxed));
        }
    }

    /// Zones, names and detection settings go over while pictures flow; models when they change.
    async fn take_changes(&mut self) {
        let changed = self.camera.has_changed().unwrap_or(false);
        let generation = self.sentinel.fleet.model_generation();
        let other_models = generation != self.mind.generation;
        if !changed && !other_models {
            return;
        }
        let camera = self.camera.borrow_and_update().clone();
        let wants = &camera.draft.detection.model;
        let has = self.mind.loaded.as_ref().map(|loaded| loaded.model.sha256.as_str());
        let fits = wants.as_str() == has.unwrap_or(MODEL_NONE);
        let events = if other_models || (changed && !fits) {
            self.choose_model(&camera, generation).await;
            let loaded = self.mind.loaded.clone();
            self.mind.eyes.as_mut().map(|eyes| eyes.set_model(&camera, loaded.as_ref()))
        } else {
            self.mind.eyes.as_mut().map(|eyes| eyes.change(&camera))
        };
        match events {
            Some(Ok(events)) => self.note_events(events).await,
            // Zones were checked when they were written.
            Some(Err(error)) => {
                tracing::error!(camera.id = %camera.id, %error, "zones could not be taken over")
            }
            None => {}
        }
    }

    async fn choose_model(&mut self, camera: &Camera, generation: u64) {
        let sentinel = self.sentinel.clone();
        let chosen = sentinel.fleet.model(&sentinel, camera.workspace, &camera.draft.detection.model).await;
        let (loaded, complaint) = match chosen {
            Ok(loaded) => (loaded, None),
            Err(error) => (None, Some(format!("looking with motion alone: {error}"))),
        };
        let name = loaded.as_ref().map_or_else(|| "motion".to_owned(), |loaded| loaded.model.name.clone());
        self.watched.note(|health| health.detector = name);
        self.mind.loaded = loaded;
        self.mind.complaint = complaint;
        self.mind.generation = generation;
    }

    async fn open_eyes(&mut self) {
        let camera = self.camera.borrow().clone();
        let generation = self.sentinel.fleet.model_generation();
        if self.mind.generation != generation {
            self.choose_model(&camera, generation).await;
        }
        let side = self.sentinel.config.detector_side as usize;
        match Eyes::new(&camera, self.mind.loaded.as_ref(), side, self.sentinel.time_zone.clone()) {
            Ok(mut eyes) => {
                eyes.set_slowdown(self.mind.slowdown);
                self.mind.book.new_engine();
                self.mind.eyes = Some(eyes);
            }
            Err(error) => tracing::error!(camera.id = %camera.id, %error, "the analysis cannot be set up"),
        }
    }

    /// One picture through the engine, on a blocking thread, when a place is free.
    async fn look(&mut self, picture: Picture) -> Option<Look> {
        let mut eyes = self.mind.eyes.take()?;
        self.mind.last_us = picture.frame.time_us();
        let (live_quality, snapshot_quality) = self.sentinel.qualities();
        let make = Make { wanted: self.watched.live.wanted(), live_quality, snapshot_quality };
        let Ok(place) = self.sentinel.fleet.place().await else {
            self.mind.eyes = Some(eyes);
            return None;
        };
        let looked = tokio::task::spawn_blocking(move || {
            let look = eyes.look(picture.frame, make);
            (eyes, look)
        })
        .await;
        drop(place);
        match looked {
            Ok((eyes, look)) => {
                self.mind.eyes = Some(eyes);
                look.map_err(|error| tracing::error!(%error, "a picture could not be encoded")).ok()
            }
            Err(error) => {
                // The engine is made anew with the next picture; its open events end where they stand.
                tracing::error!(%error, "the analysis of a picture failed");
                self.mind.book.end_all();
                None
            }
        }
    }

    fn slow_down(&mut self, slowdown: u32) {
        self.mind.slowdown = slowdown;
        if let Some(eyes) = &mut self.mind.eyes {
            eyes.set_slowdown(slowdown);
        }
    }

    /// Events, live pictures, boxes and health of one look. Gives the shot before, whose buffer is free now.
    async fn hand_out(&mut self, look: Look, fps: f64) -> Option<Arc<Shot>> {
        let camera = self.camera.borrow().clone();
        let Look { step, shot, pictures, snapshots, active, seconds } = look;
        metrics::counter!("surveillance_frames_analysed_total").increment(1);
        if step.detected {
            metrics::histogram!("surveillance_detect_seconds").record(seconds);
        }
        if let Some(error) = &step.error {
            tracing::warn!(camera.id = %camera.id, %error, "the detector failed on a picture");
        }
        self.watched.live.send(pictures);
        let mut rooms = [camera_room(camera.id), cameras_room(camera.workspace)]
            .into_iter()
            .filter(|room| self.sentinel.events.is_watched(room))
            .peekable();
        if rooms.peek().is_some() {
            let update = frame_update(&camera, &shot);
            rooms.for_each(|room| self.sentinel.events.broadcast(&room, FRAME_UPDATE, &update));
        }
        let size = (shot.frame.width() as f32, shot.frame.height() as f32);
        let before = self.watched.set_latest(Some(Arc::new(shot)));
        let message = match (&self.mind.complaint, self.mind.slowdown) {
            (Some(complaint), _) => Some(complaint.clone()),
            (None, 1) => None,
            (None, n) if self.mind.loaded.is_some() => {
                Some(format!("the machine is busy: the detector looks {n} times less often"))
            }
            (None, _) => Some("the machine is busy: some pictures are not looked at".to_owned()),
        };
        let now = self.sentinel.clock.now();
        self.watched.note(|health| {
            health.fps_analysed = fps;
            health.enter(CameraState::Online, message, now);
        });
        self.announce().await;
        let model = self.mind.loaded.as_ref().map(|loaded| loaded.model.sha256.clone());
        let clock = self.sentinel.clock.clone();
        let scene = Scene { camera: &camera, clock: &*clock, size, model: model.as_deref() };
        self.mind.book.note(&scene, step.events, snapshots, &active);
        self.mind.book.write(&self.sentinel).await;
        before
    }
}

enum Wait {
    None,
    For(Duration),
    /// Until somebody changes the camera or asks for a restart.
    ForChange,
}

/// Ends the session when the camera changes in a way that its child must know, or somebody asks for it. Never ready.
async fn control(
    watched: Arc<Watched>,
    mut changes: watch::Receiver<Arc<Camera>>,
    camera: Camera,
    end: CancellationToken,
) -> std::convert::Infallible {
    loop {
        tokio::select! {
            () = watched.again.notified() => end.cancel(),
            changed = changes.changed() => match changed {
                Ok(()) if camera.needs_restart(&changes.borrow_and_update()) => end.cancel(),
                Ok(()) => {}
                Err(_) => std::future::pending().await,
            },
        }
    }
}

fn tell(watched: &Watched, now: Timestamp, pictures_in: &AtomicU64, news: News) {
    match news {
        News::Stream(info) => watched.note(|health| {
            health.width = Some(info.width);
            health.height = Some(info.height);
            health.bitrate_bps = info.bitrate_bps.unwrap_or(0);
        }),
        News::Began { width, height, base_us } => {
            tracing::debug!(width, height, base_us, "first picture");
        }
        News::Picture { fps } => {
            pictures_in.fetch_add(1, Ordering::Relaxed);
            watched.note(|health| {
                health.last_frame_at = Some(now);
                health.fps_in = fps;
            });
        }
    }
}

fn frame_update(camera: &Camera, shot: &Shot) -> serde_json::Value {
    let (width, height) = (shot.frame.width(), shot.frame.height());
    let part = |value: f32, whole: usize| (f64::from(value) / whole as f64 * 1e4).round() / 1e4;
    let objects = shot
        .objects
        .iter()
        .map(|object| {
            let b = object.bbox;
            json!({
                "track_id": object.track,
                "class": object.class,
                "score": (f64::from(object.score) * 1e3).round() / 1e3,
                "box": [part(b.x, width), part(b.y, height), part(b.w, width), part(b.h, height)],
            })
        })
        .collect();
    let zones = shot.zones.iter().map(|(zone, active)| json!({ "id": zone.id, "active": active })).collect();
    of_frame(camera.id, shot.at, (width, height), objects, zones)
}
