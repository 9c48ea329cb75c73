//! An event's clip: pieces of the ring, joined.

use std::{path::PathBuf, time::Duration};

use ::jobs::{JobContext, JobError};
use platform::{QuotaError, STORAGE};
use serde_json::json;
use tokio::io::AsyncReadExt as _;

use super::Sentinel;
use crate::{
    capture::{Segment, concat_list, join},
    error::Error,
    events::{EVENT_UPDATED, of_event},
    model::{ClipState, Event, EventId},
    store,
};

/// How long a job waits for the last piece before it makes do with what is there.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(300);

impl Sentinel {
    /// From and to of an event's clip, in wall time microseconds.
    pub(crate) fn clip_span(&self, event: &Event) -> (i64, i64) {
        let micros = |millis: u64| i64::try_from(millis).unwrap_or(i64::MAX).saturating_mul(1000);
        let from = event.started_at.as_microsecond().saturating_sub(micros(self.config.pre_roll_ms));
        let end = event.ended_at.unwrap_or(event.last_seen_at).as_microsecond();
        let to = end.saturating_add(micros(self.config.post_roll_ms));
        (from, to.min(from.saturating_add(micros(self.config.clip_max_ms))))
    }

    /// Makes the clip, once: files are written beside and put in place whole, and the row says `ready` last.
    pub(crate) async fn make_clip(
        &self,
        job: &JobContext,
        id: EventId,
    ) -> Result<serde_json::Value, JobError> {
        let mut tx = self.db.read().await.map_err(Error::from)?;
        let event = store::events::find(&mut tx, job.workspace, id).await.map_err(Error::from)?;
        drop(tx);
        let Some(event) = event else { return Ok(json!({ "clip": "the event is gone" })) };
        if event.clip_state != ClipState::Recording {
            return Ok(json!({ "clip": event.clip_state }));
        }
        job.progress(10, "waiting for the recording").await?;
        let segments = self.await_segments(job, &event).await?;
        let outcome = if segments.is_empty() {
            Err(Error::Clip("nothing was recorded at that time".to_owned()))
        } else {
            job.progress(40, "joining").await?;
            self.join_and_keep(&event, segments).await
        };
        match outcome {
            Ok(size_bytes) => self.keep_clip(job, event, size_bytes).await,
            Err(Error::Clip(reason)) => {
                tracing::warn!(event.id = %id, reason, "no clip could be made");
                self.settle_clip(job, event, ClipState::Failed, json!({ "event": id, "reason": reason }))
                    .await
            }
            Err(error) if job.attempt >= job.max_attempts => {
                tracing::error!(event.id = %id, error = &error as &dyn std::error::Error, "no clip could be kept");
                self.settle_clip(
                    job,
                    event,
                    ClipState::Failed,
                    json!({ "event": id, "reason": error.to_string() }),
                )
                .await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The clip is there; it stays if the workspace has room for it.
    async fn keep_clip(
        &self,
        job: &JobContext,
        event: Event,
        size_bytes: u64,
    ) -> Result<serde_json::Value, JobError> {
        let ctx = job.ctx();
        let bytes = i64::try_from(size_bytes).unwrap_or(i64::MAX);
        let mut tx = self.db.begin().await?;
        match self.quotas.check(&mut tx, &ctx, STORAGE, bytes).await {
            Ok(()) => {
                store::quotas::set_clip_bytes(&mut tx, event.workspace, event.id, bytes).await?;
                let result = json!({ "event": event.id, "size_bytes": size_bytes });
                self.settle_clip_in(tx, job, event, ClipState::Ready, result).await
            }
            Err(QuotaError::Reached(reached)) => {
                drop(tx);
                self.storage.delete(&event.clip_key()).await?;
                self.left_out(&ctx, &reached).await?;
                let result = json!({ "event": event.id, "reason": reached.to_string() });
                self.settle_clip(job, event, ClipState::Failed, result).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn settle_clip(
        &self,
        job: &JobContext,
        event: Event,
        state: ClipState,
        result: serde_json::Value,
    ) -> Result<serde_json::Value, JobError> {
        let tx = self.db.begin().await?;
        self.settle_clip_in(tx, job, event, state, result).await
    }

    async fn settle_clip_in(
        &self,
        mut tx: db::Tx,
        job: &JobContext,
        event: Event,
        state: ClipState,
        result: serde_json::Value,
    ) -> Result<serde_json::Value, JobError> {
        if store::events::settle_clip(&mut tx, event.workspace, event.id, state).await? {
            let event = Event { clip_state: state, ..event };
            self.events.publish(&mut tx, &of_event(EVENT_UPDATED, &event)).await?;
        }
        job.complete_in(&mut tx, result.clone()).await?;
        tx.commit().await?;
        Ok(result)
    }

    async fn await_segments(&self, job: &JobContext, event: &Event) -> Result<Vec<Segment>, JobError> {
        let (from, to) = self.clip_span(event);
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let (ring, camera) = (self.ring.clone(), event.series.camera);
            let held = tokio::task::spawn_blocking(move || ring.hold(camera, from, to)).await?;
            let reaches = held.segments.last().is_some_and(|last| last.end_us >= to);
            if reaches || !held.grows || tokio::time::Instant::now() >= deadline {
                return Ok(held.segments);
            }
            tokio::select! {
                () = job.cancel.cancelled() => {
                    return Err(JobError::retry("told to stop while waiting for the recording"));
                }
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }

    async fn join_and_keep(&self, event: &Event, mut segments: Vec<Segment>) -> Result<u64, Error> {
        tokio::fs::create_dir_all(&self.scratch).await.map_err(Error::Files)?;
        let file = Scratch(self.scratch.join(format!("{}.mp4", event.id)));
        // One file has one codec: that of the event's own time wins over what came before a change.
        if let Some(codec) = segments.last().map(|last| last.codec.clone()) {
            segments.retain(|segment| segment.codec == codec);
        }
        let mut outcome = self.join_segments(&segments, &file.0).await;
        if outcome.is_err() && segments.len() > 1 {
            // The piece that was being written when ffmpeg was killed may not be readable.
            segments.pop();
            outcome = self.join_segments(&segments, &file.0).await;
        }
        outcome?;
        Ok(self.storage.put_file(&event.clip_key(), &file.0).await?)
    }

    async fn join_segments(&self, segments: &[Segment], output: &std::path::Path) -> Result<(), Error> {
        let paths: Vec<String> = segments.iter().map(|segment| segment.path.display().to_string()).collect();
        let codec = segments.first().map_or("", |segment| segment.codec.as_str());
        let told = join(&concat_list(paths.iter().map(String::as_str)), codec, &output.display().to_string());
        let mut running = self.ffmpeg.start(&told).await.map_err(|error| Error::Clip(error.to_string()))?;
        let (stdout, stderr) = running.split();
        let (mut said, mut none) = (Vec::new(), Vec::new());
        let mut words = stderr.take(64 * 1024);
        let (read, _) = tokio::join!(words.read_to_end(&mut said), stdout.read_to_end(&mut none));
        read.map_err(Error::Files)?;
        let status = running.wait().await.map_err(Error::Files)?;
        let size = tokio::fs::metadata(output).await.map_or(0, |meta| meta.len());
        if status.success() && size > 0 {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("ffmpeg said nothing");
        Err(Error::Clip(last.to_owned()))
    }
}

/// A file that is gone when we are.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}
