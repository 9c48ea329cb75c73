use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use db::{Db, Engine, Tx};
use kernel::{Clock, Timestamp, WorkspaceId};
use redislink::RedisLink;
use serde_json::value::{RawValue, Value};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{Config, Room, acks, bus::Bus, delivery::Delivery, hub::Hub, outbox};

/// Something that happened, for the clients of a room.
#[derive(Debug, Clone)]
pub struct Event {
    /// `module.what_happened`.
    pub topic: &'static str,
    pub room: Room,
    pub workspace: WorkspaceId,
    pub data: Value,
}

/// The handle: publish, broadcast, and ask who is there. Cheap to clone.
#[derive(Clone)]
pub struct Events(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Arc<dyn Clock>,
    config: Config,
    hub: Hub,
    bus: Bus,
    /// Events written by this process, whether they committed or not.
    published: AtomicU64,
    written: Notify,
    /// The newest offset that this node has delivered.
    delivered: AtomicI64,
}

const BATCH: i64 = 500;
/// Between two looks at the outbox. An event of another node without Redis waits for this long at most.
const PAUSE: Duration = Duration::from_millis(50);
/// After this process has written an event it looks often, for its commit is near.
const PAUSE_MIN: Duration = Duration::from_millis(4);
/// On SQLite all writers but the command line are in this process: after some quiet time look rarely.
const PAUSE_QUIET: Duration = Duration::from_secs(1);
const QUIET_AFTER: Duration = Duration::from_secs(10);
const PURGE_EVERY: Duration = Duration::from_secs(60);

/// A position that was passed over: the transaction that drew it is still open, or was rolled back.
struct Gap {
    after: i64,
    /// Those who may still fill it.
    writers: Vec<String>,
}

impl Events {
    pub fn new(db: Db, clock: Arc<dyn Clock>, config: Config, redis: RedisLink) -> Self {
        Self(Arc::new(Inner {
            db,
            clock,
            config,
            hub: Hub::default(),
            bus: Bus::new(redis),
            published: AtomicU64::new(0),
            written: Notify::new(),
            delivered: AtomicI64::new(0),
        }))
    }

    /// Tells the room, if and only if the transaction commits.
    pub async fn publish(&self, tx: &mut Tx, event: &Event) -> db::Result<()> {
        outbox::insert(tx, event, self.0.clock.now()).await?;
        self.0.published.fetch_add(1, Ordering::Relaxed);
        self.0.written.notify_one();
        Ok(())
    }

    /// Tells those who are in the room now, on any node, and can keep up; nothing is kept.
    pub fn broadcast(&self, room: &Room, topic: &str, data: &Value) {
        let is_here = self.watchers(room) > 0;
        let is_elsewhere = self.0.bus.is_watched_elsewhere(room);
        if !is_here && !is_elsewhere {
            return;
        }
        let at = self.0.clock.now();
        let data = RawValue::from_string(data.to_string()).expect("a JSON value writes JSON");
        metrics::counter!("realtime_frames_total").increment(1);
        if is_elsewhere {
            self.0.bus.frame(room, topic, at, &data);
        }
        if is_here {
            self.0.hub.deliver(&Arc::new(Delivery::of_frame(room, topic, at, data)));
        }
    }

    /// How many clients of this node are in the room.
    pub fn watchers(&self, room: &Room) -> usize {
        self.0.hub.members(room)
    }

    /// Whether anybody would see a frame in this room, on any node. What other nodes say is up to a second old.
    pub fn is_watched(&self, room: &Room) -> bool {
        self.watchers(room) > 0 || self.0.bus.is_watched_elsewhere(room)
    }

    /// Up to where this node has handed on what happened.
    pub fn offset(&self) -> i64 {
        self.delivered()
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.0.hub
    }

    pub(crate) fn bus(&self) -> &Bus {
        &self.0.bus
    }

    pub(crate) fn db(&self) -> &Db {
        &self.0.db
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn delivered(&self) -> i64 {
        self.0.delivered.load(Ordering::Acquire)
    }

    /// Up to which position the outbox is whole: no event will ever appear at or before it that is not there now. For
    /// other readers of the outbox; it moves while [`run`](Self::run) does.
    pub fn settled(&self) -> i64 {
        self.delivered()
    }

    /// Starts where the outbox ends. Must run before a client connects.
    pub async fn prepare(&self) -> db::Result<()> {
        let mut tx = self.0.db.read().await?;
        let (_, newest) = outbox::bounds(&mut tx).await?;
        tx.commit().await?;
        // After the look at the newest: whoever holds a position before it and has not committed is seen here.
        let writers = self.writers().await?;
        let mut tx = self.0.db.read().await?;
        // Somebody is writing: what is missing may still come, so begin before it. Nobody listens yet, so what is
        // delivered again reaches nobody.
        let start = if writers.is_empty() { newest } else { outbox::first_gap(&mut tx).await? };
        tx.commit().await?;
        self.0.delivered.store(start, Ordering::Release);
        Ok(())
    }

    /// Reads the outbox and hands on what is new, to the clients here and by Redis to other nodes, until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        tokio::join!(self.run_outbox(&stop), self.0.bus.run(&self.0.hub, &stop), self.run_presence(&stop));
    }

    async fn run_outbox(&self, stop: &CancellationToken) {
        let mut seen = 0;
        let mut pause = PAUSE;
        let mut busy_at = Instant::now();
        let mut purged_at = Instant::now();
        let mut gap = None;
        while !stop.is_cancelled() {
            let is_quiet = self.0.db.engine() == Engine::Sqlite && busy_at.elapsed() > QUIET_AFTER;
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.0.bus.woken.notified() => {}
                () = self.0.written.notified(), if pause > PAUSE_MIN => {
                    // Not committed yet: look soon.
                    pause = PAUSE_MIN;
                    tokio::time::sleep(PAUSE_MIN).await;
                }
                () = tokio::time::sleep(if is_quiet { PAUSE_QUIET } else { pause }) => {}
            }
            let published = self.0.published.load(Ordering::Relaxed);
            if published != seen {
                busy_at = Instant::now();
            }
            match self.dispatch(&mut gap).await {
                Ok(0) => pause = (pause * 2).min(PAUSE),
                Ok(_) => {
                    if published != seen {
                        seen = published;
                        self.0.bus.wake_others();
                    }
                    pause = PAUSE;
                }
                Err(error) => tracing::warn!(%error, "the outbox could not be read; trying again"),
            }
            if purged_at.elapsed() >= PURGE_EVERY {
                purged_at = Instant::now();
                if let Err(error) = self.purge().await {
                    tracing::warn!(%error, "old events could not be purged; trying again");
                }
            }
        }
    }

    /// Hands on what is new; gives how much it was.
    async fn dispatch(&self, gap: &mut Option<Gap>) -> db::Result<usize> {
        let mut count = 0;
        loop {
            let mut tx = self.0.db.read().await?;
            let rows = outbox::after(&mut tx, self.delivered(), BATCH).await?;
            tx.commit().await?;
            let is_full = rows.len() == BATCH as usize;
            let mut missing = None;
            for row in &rows {
                let before = self.delivered();
                let is_settled =
                    gap.as_ref().is_some_and(|gap| gap.after == before && gap.writers.is_empty());
                if row.offset != before + 1 && self.0.db.engine() == Engine::Postgres && !is_settled {
                    missing = Some(before);
                    break;
                }
                *gap = None;
                self.hand_on(row);
                count += 1;
            }
            match missing {
                // Settled now: read once more, after those who could have filled it were seen to be gone.
                Some(after) if self.settle(gap, after).await? => {}
                Some(_) => return Ok(count),
                None if is_full => {}
                None => return Ok(count),
            }
        }
    }

    fn hand_on(&self, row: &outbox::Kept) {
        self.0.hub.deliver(&Arc::new(Delivery::of_event(row)));
        self.0.delivered.store(row.offset, Ordering::Release);
        metrics::counter!("realtime_events_total").increment(1);
        let delay = self.0.clock.now().duration_since(row.at).as_secs_f64();
        metrics::histogram!("realtime_fanout_seconds").record(delay.max(0.0));
    }

    /// Whether nobody is left who could still fill the gap behind `after`.
    async fn settle(&self, gap: &mut Option<Gap>, after: i64) -> db::Result<bool> {
        let writers = self.writers().await?;
        let known = match gap.take() {
            Some(known) if known.after == after => known.writers,
            // The first look: whoever writes now may be the one.
            _ => writers.clone(),
        };
        let left: Vec<_> = known.into_iter().filter(|writer| writers.contains(writer)).collect();
        let is_settled = left.is_empty();
        *gap = Some(Gap { after, writers: left });
        Ok(is_settled)
    }

    async fn writers(&self) -> db::Result<Vec<String>> {
        if self.0.db.engine() == Engine::Sqlite {
            return Ok(Vec::new());
        }
        let mut tx = self.0.db.read().await?;
        let writers = outbox::writers(&mut tx).await?;
        tx.commit().await?;
        Ok(writers)
    }

    async fn purge(&self) -> db::Result<()> {
        let keep = Duration::from_secs(self.0.config.keep_s);
        let before = self.0.clock.now().checked_sub(keep).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut tx = self.0.db.begin().await?;
        outbox::purge(&mut tx, before).await?;
        acks::purge(&mut tx, before).await?;
        tx.commit().await
    }
}
