//! One life of an ffmpeg child.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use kernel::{Clock, Timestamp};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{ChildStderr, ChildStdout},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use super::{
    Analysis, Fault, Ffmpeg, FfmpegError, Gate, Rate, Recording, Run, Slot, StreamInfo, command,
    messages::{self, Line},
    pictures::{Picture, read_header, read_picture},
    process::Running,
};
use crate::model::Source;

/// Everything that a session needs to know.
pub(crate) struct SessionSettings {
    pub(crate) source: Source,
    pub(crate) analysis: Analysis,
    pub(crate) recording: Option<Recording>,
    /// No picture for this long: the source stands still.
    pub(crate) stall: Duration,
    /// The same for the first picture.
    pub(crate) connect: Duration,
}

/// How a session ended.
#[derive(Debug, PartialEq)]
pub(crate) enum Ending {
    /// The file was played to its end.
    Finished,
    /// No picture came for too long.
    Stalled,
    /// The source, or ffmpeg, gave up.
    Broken(Fault),
    /// Somebody asked for it.
    Stopped,
}

/// A child at work.
pub(crate) struct Session {
    running: Running,
    source: Source,
    stall: Duration,
    connect: Duration,
    clock: Arc<dyn Clock>,
}

/// What a session tells as it goes.
pub(crate) enum News {
    Stream(StreamInfo),
    /// The first picture: its size, and wall time at the stream's begin in microseconds since 1970.
    Began {
        width: usize,
        height: usize,
        base_us: i64,
    },
    /// A picture came in; how many a second do.
    Picture {
        fps: f64,
    },
}

/// Lines of standard error that are kept for the explanation of an end.
const TAIL: usize = 40;
/// A line of standard error beyond this is cut.
const ERROR_LINE_MAX: usize = 4_000;
/// A live stream whose own clock strays this far from ours is set anew.
const DRIFT_MAX_US: i64 = 2_000_000;

impl Session {
    /// Checks the source and starts the child.
    pub(crate) async fn start(
        ffmpeg: &Ffmpeg,
        gate: &Gate,
        settings: &SessionSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Fault> {
        let admitted = gate.admit(&settings.source).await?;
        let told =
            command::session(&settings.source, &admitted, &settings.analysis, settings.recording.as_ref());
        let running = ffmpeg.start(&told).await.map_err(|error| start_fault(&error))?;
        Ok(Self {
            running,
            source: settings.source.clone(),
            stall: settings.stall,
            connect: settings.connect,
            clock,
        })
    }

    pub(crate) fn process_id(&self) -> Option<u32> {
        self.running.id()
    }

    /// Reads until the end, filling `slot`, which is closed then. The child is gone when this returns.
    pub(crate) async fn run(
        self,
        slot: &Slot,
        run: Option<&Run>,
        stop: &CancellationToken,
        news: &(dyn Fn(News) + Send + Sync),
    ) -> Ending {
        let Self { mut running, source, stall, connect, clock } = self;
        let (stdout, stderr) = running.split();
        let (times, picture_times) = mpsc::unbounded_channel();
        let mut tail = VecDeque::new();
        let duration = OnceLock::new();
        let words = read_words(stderr, &times, &mut tail, |info| {
            let _ = duration.set(info.duration_us);
            if let Some(run) = run {
                run.note_codec(&info.codec);
            }
            news(News::Stream(info));
        });
        let pictures =
            Pictures { slot, run, source: &source, clock: &*clock, stall, connect, duration: &duration };
        let read = pictures.read(stdout, picture_times, news);
        let ending = {
            tokio::pin!(words, read);
            let mut words_end = false;
            loop {
                tokio::select! {
                    () = stop.cancelled() => break Ending::Stopped,
                    () = &mut words, if !words_end => words_end = true,
                    result = &mut read => match result {
                        Ok(true) => {
                            // What it said last explains why it ended.
                            if !words_end {
                                drop(tokio::time::timeout(Duration::from_secs(1), &mut words).await);
                            }
                            break Ending::Finished;
                        }
                        Ok(false) => break Ending::Stalled,
                        Err(error) => break Ending::Broken(Fault::retry(error.to_string(), "")),
                    },
                }
            }
        };
        slot.close();
        let ending = match ending {
            Ending::Finished => {
                let status = tokio::time::timeout(Duration::from_secs(2), running.wait()).await;
                let success = matches!(&status, Ok(Ok(status)) if status.success());
                running.stop(Duration::from_millis(500)).await;
                explain_end(success, &source, &tail)
            }
            // A stalled child does not listen either; a stopped one may finish its files.
            Ending::Stalled => {
                running.stop(Duration::from_millis(200)).await;
                Ending::Stalled
            }
            other => {
                running.stop(Duration::from_millis(1_500)).await;
                other
            }
        };
        if let Some(run) = run {
            run.close();
        }
        ending
    }
}

fn explain_end(success: bool, source: &Source, tail: &VecDeque<String>) -> Ending {
    if success && !source.is_live() && !source.repeat {
        return Ending::Finished;
    }
    let said = tail.iter().map(String::as_str);
    let fault = messages::explain(said).unwrap_or_else(|| {
        if source.is_live() {
            Fault::retry("the camera ended the stream", "check the camera")
        } else {
            Fault::retry("ffmpeg ended before the video did", "the server's log has its last words")
        }
    });
    if !success {
        let last: Vec<&str> = tail.iter().rev().take(4).map(String::as_str).collect();
        tracing::debug!(said = source.redact(&last.join(" | ")), "ffmpeg ended");
    }
    Ending::Broken(fault)
}

pub(super) fn start_fault(error: &FfmpegError) -> Fault {
    match error {
        FfmpegError::Missing(_) => Fault::fatal(error.to_string(), "apt-get install ffmpeg"),
        FfmpegError::Start(source) => {
            Fault::retry(format!("{error}: {source}"), "check that the machine has memory and processes left")
        }
    }
}

/// Reads standard error to its end. Lines without a line feed are bounded.
pub(super) async fn read_words(
    stderr: &mut ChildStderr,
    times: &mpsc::UnboundedSender<i64>,
    tail: &mut VecDeque<String>,
    mut on_stream: impl FnMut(StreamInfo),
) {
    let mut reader = BufReader::with_capacity(16 * 1024, stderr);
    let (mut in_output, mut has_stream) = (false, false);
    let mut input = StreamInfo::default();
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let mut limited = tokio::io::AsyncReadExt::take(&mut reader, 64 * 1024);
        if limited.read_until(b'\n', &mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
        let line = String::from_utf8_lossy(&bytes);
        let line = line.trim_end();
        in_output |= line.contains("Output #");
        match messages::read(line, in_output) {
            Line::Picture { time_us } => drop(times.send(time_us)),
            Line::Input { duration_us, bitrate_bps } => {
                input.duration_us = duration_us;
                input.bitrate_bps = bitrate_bps;
            }
            Line::Stream(info) if !has_stream => {
                has_stream = true;
                on_stream(StreamInfo {
                    duration_us: input.duration_us,
                    bitrate_bps: info.bitrate_bps.or(input.bitrate_bps),
                    ..info
                });
            }
            Line::Stream(_) => {}
            Line::Other => {
                if !line.contains("showinfo") {
                    if tail.len() == TAIL {
                        tail.pop_front();
                    }
                    tail.push_back(line.chars().take(ERROR_LINE_MAX).collect());
                }
            }
        }
    }
}

struct Pictures<'s> {
    slot: &'s Slot,
    run: Option<&'s Run>,
    source: &'s Source,
    clock: &'s dyn Clock,
    stall: Duration,
    connect: Duration,
    duration: &'s OnceLock<Option<i64>>,
}

impl Pictures<'_> {
    /// `true`: the stream ended; `false`: it stands still.
    async fn read(
        &self,
        stdout: &mut ChildStdout,
        mut times: mpsc::UnboundedReceiver<i64>,
        news: &(dyn Fn(News) + Send + Sync),
    ) -> std::io::Result<bool> {
        let mut reader = BufReader::with_capacity(64 * 1024, stdout);
        let Ok(header) = tokio::time::timeout(self.connect, read_header(&mut reader)).await else {
            return Ok(false);
        };
        let Some(header) = header? else { return Ok(true) };
        let mut base: Option<Base> = None;
        let mut patience = self.connect;
        let mut last_us = i64::MIN;
        let mut rate = Rate::default();
        loop {
            let mut frame = self.slot.buffer(header.width, header.height).map_err(std::io::Error::other)?;
            match tokio::time::timeout(patience, read_picture(&mut reader, &mut frame)).await {
                Err(_) => return Ok(false),
                Ok(result) => {
                    if !result? {
                        return Ok(true);
                    }
                }
            }
            patience = self.stall;
            // The n-th line about a picture belongs to the n-th picture; it was written before it.
            let told = tokio::time::timeout(Duration::from_secs(2), times.recv()).await.ok().flatten();
            let stream_us = told.unwrap_or(last_us.saturating_add(1).max(0)).max(last_us.saturating_add(1));
            last_us = stream_us;
            let base = base.get_or_insert_with(|| {
                let base =
                    Base::new(self.source, self.clock, stream_us, self.duration.get().copied().flatten());
                news(News::Began { width: header.width, height: header.height, base_us: base.us });
                if let Some(run) = self.run {
                    run.note_base(base.us);
                }
                base
            });
            if base.follow(stream_us) {
                if let Some(run) = self.run {
                    run.note_base(base.us);
                }
                tracing::debug!("the stream's clock was set anew");
            }
            frame.set_time_us(base.us.saturating_add(stream_us));
            let now = Instant::now();
            rate.note(now);
            news(News::Picture { fps: rate.per_second(now) });
            self.slot.put(Picture { frame, stream_us }).await;
        }
    }
}

/// Wall time of the stream's begin.
struct Base {
    us: i64,
    /// Wall time and monotonic time at the first picture, where the stream runs in real time.
    began: Option<(i64, Instant)>,
}

impl Base {
    fn new(source: &Source, clock: &dyn Clock, stream_us: i64, duration_us: Option<i64>) -> Self {
        let now = clock.now();
        if source.keeps_pace() {
            return Self {
                us: now.as_microsecond() - stream_us,
                began: Some((now.as_microsecond(), Instant::now())),
            };
        }
        // A recording that is gone through at once happened when it was written: its end is the file's time.
        let modified = std::fs::metadata(source.expose_url()).and_then(|meta| meta.modified()).ok();
        let modified = modified.and_then(|time| Timestamp::try_from(time).ok()).unwrap_or(now).min(now);
        Self { us: modified.as_microsecond() - duration_us.unwrap_or(0), began: None }
    }

    /// Keeps to the wall when the stream's clock strays; whether it had to.
    fn follow(&mut self, stream_us: i64) -> bool {
        let Some((wall_us, at)) = self.began else { return false };
        let now_us = wall_us.saturating_add(i64::try_from(at.elapsed().as_micros()).unwrap_or(i64::MAX));
        let strayed = now_us - self.us.saturating_add(stream_us);
        if strayed.abs() <= DRIFT_MAX_US {
            return false;
        }
        self.us = now_us - stream_us;
        true
    }
}
