//! Events as the cameras' analysis writes them.

use std::time::Duration;

use bytes::Bytes;
use jobs::Enqueue;
use kernel::Ctx;
use platform::{QuotaError, QuotaReached, STORAGE};

use super::Sentinel;
use crate::{
    error::Error,
    events::{EVENT_UPDATED, NEW_EVENT, of_event, of_health},
    jobs::MakeClip,
    model::{Camera, CameraId, ClipState, Event, EventState, Health},
    store,
};

/// The pictures of an event's best moment, as JPEG.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) at: kernel::Timestamp,
    pub(crate) plain: Bytes,
    pub(crate) boxed: Bytes,
}

impl Sentinel {
    /// A new event: its row, its counts and its message commit together. Doing it again changes nothing, because a lost
    /// connection may hide that it was done. Gives the event with the series that it came to belong to.
    pub(crate) async fn start_event(&self, event: Event) -> Result<Event, Error> {
        let mut tx = self.db.begin().await?;
        if let Some(present) = store::events::find(&mut tx, event.workspace, event.id).await? {
            return Ok(present);
        }
        let mut event = event;
        event.series.id = store::series::count_in(&mut tx, event.workspace, &event.series).await?;
        store::events::insert(&mut tx, &event).await?;
        store::counts::add(&mut tx, event.workspace, event.series.id, event.started_at, 1, 0).await?;
        self.events.publish(&mut tx, &of_event(NEW_EVENT, &event)).await?;
        self.tell_people(&mut tx, &event).await?;
        tx.commit().await?;
        self.forget_stats(event.workspace).await;
        metrics::counter!("surveillance_events_total", "kind" => event.series.kind.name()).increment(1);
        Ok(event)
    }

    /// What the analysis learned since. With its end, the clip is ordered in the same transaction.
    pub(crate) async fn update_event(&self, event: &Event) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        store::events::update(&mut tx, event).await?;
        if event.state == EventState::Ended && event.clip_state == ClipState::Recording {
            self.order_clip(&mut tx, event).await?;
        }
        self.events.publish(&mut tx, &of_event(EVENT_UPDATED, event)).await?;
        tx.commit().await?;
        if event.state == EventState::Ended {
            self.forget_stats(event.workspace).await;
        }
        Ok(())
    }

    /// The clip is made once its last piece is there.
    async fn order_clip(&self, tx: &mut db::Tx, event: &Event) -> Result<(), Error> {
        let ctx = self.system_ctx("clip of an event", event.workspace);
        let wait = Duration::from_millis(self.config.post_roll_ms + self.config.segment_ms);
        let how = Enqueue { delay: wait, ..Enqueue::default() };
        self.jobs.enqueue_with(tx, &ctx, MakeClip { event: event.id }, how).await?;
        Ok(())
    }

    /// Keeps the pictures of an event's best moment, in place of earlier ones. The row comes last, so that it never
    /// promises what is not there.
    pub(crate) async fn keep_snapshot(&self, event: &Event, recorded: &Recorded) -> Result<(), Error> {
        self.storage.put(&event.snapshot_key(false), recorded.plain.clone()).await?;
        self.storage.put(&event.snapshot_key(true), recorded.boxed.clone()).await?;
        let ctx = self.system_ctx("pictures of an event", event.workspace);
        let size = |bytes: &Bytes| i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let bytes = size(&recorded.plain).saturating_add(size(&recorded.boxed));
        let mut tx = self.db.begin().await?;
        let before = store::quotas::snapshot_bytes(&mut tx, event.workspace, event.id).await?;
        match self.quotas.check(&mut tx, &ctx, STORAGE, bytes - before).await {
            Ok(()) => {}
            // The event stays without pictures, or with the room that earlier ones took.
            Err(QuotaError::Reached(reached)) => {
                drop(tx);
                if before == 0 {
                    self.storage.delete(&event.snapshot_key(false)).await?;
                    self.storage.delete(&event.snapshot_key(true)).await?;
                }
                return self.left_out(&ctx, &reached).await;
            }
            Err(QuotaError::Db(error)) => return Err(error.into()),
        }
        store::quotas::set_snapshot_bytes(&mut tx, event.workspace, event.id, bytes).await?;
        store::events::set_snapshot(&mut tx, event.workspace, event.id, recorded.at).await?;
        self.events.publish(&mut tx, &of_event(EVENT_UPDATED, event)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The workspace's administrators hear, once, that recordings are left out for want of room.
    pub(super) async fn left_out(&self, ctx: &Ctx, reached: &QuotaReached) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        self.quotas.tell_reached(&mut tx, ctx, reached).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Tells the workspace that a camera's state changed.
    pub(crate) async fn tell_health(&self, camera: &Camera, health: &Health) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        self.events.publish(&mut tx, &of_health(camera, health)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends what a crash, or a camera's end, left active: at the time when somebody was last seen.
    pub(crate) async fn end_left_events(&self, camera: Option<CameraId>) -> Result<u64, Error> {
        let mut tx = self.db.read().await?;
        let left = store::events::list_active(&mut tx, camera).await?;
        drop(tx);
        let mut ended = 0;
        for mut event in left {
            event.state = EventState::Ended;
            event.ended_at = Some(event.last_seen_at);
            self.update_event(&event).await?;
            ended += 1;
        }
        Ok(ended)
    }

    /// After a start: ends events that a crash left active, and orders the clips that nobody ordered.
    pub(crate) async fn recover(&self) -> Result<(), Error> {
        let ended = self.end_left_events(None).await?;
        let mut tx = self.db.begin().await?;
        let waiting = store::events::list_recording(&mut tx, None).await?;
        for event in &waiting {
            self.order_clip(&mut tx, event).await?;
        }
        tx.commit().await?;
        if ended > 0 || !waiting.is_empty() {
            tracing::info!(ended, clips = waiting.len(), "took up what an earlier run left");
        }
        Ok(())
    }
}
