use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use db::{Db, Engine, Tx};
use kernel::{Clock, WorkspaceId};
use serde::Deserialize;
use serde_json::value::{RawValue, Value};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    Room,
    hub::{Delivery, Hub},
    outbox::{self, Kept},
    protocol::Tell,
};

/// Section `[realtime]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long a client may be away and still get what it missed, in seconds. Default 900.
    pub keep_s: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { keep_s: 900 }
    }
}

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
    wake: Notify,
    published: AtomicU64,
    /// The newest offset that this node has delivered.
    delivered: AtomicI64,
}

const BATCH: i64 = 500;

impl Events {
    pub fn new(db: Db, clock: Arc<dyn Clock>, config: Config) -> Self {
        Self(Arc::new(Inner {
            db,
            clock,
            config,
            hub: Hub::default(),
            wake: Notify::new(),
            published: AtomicU64::new(0),
            delivered: AtomicI64::new(0),
        }))
    }

    /// Tells the room, if and only if the transaction commits.
    pub async fn publish(&self, tx: &mut Tx, event: &Event) -> db::Result<()> {
        outbox::insert(tx, event, self.0.clock.now()).await?;
        self.0.published.fetch_add(1, Ordering::Relaxed);
        self.0.wake.notify_one();
        Ok(())
    }

    /// Tells those who are in the room now and can keep up; nothing is kept.
    pub fn broadcast(&self, room: &Room, topic: &str, data: &Value) {
        if self.watchers(room) == 0 {
            return;
        }
        let data = RawValue::from_string(data.to_string()).expect("a JSON value writes JSON");
        let text = Tell::Frame { room: room.as_str(), topic, at: self.0.clock.now(), data: &data }.to_text();
        self.0.hub.deliver(&Delivery { room: room.clone(), offset: None, text: text.into() });
    }

    /// How many clients of this node are in the room.
    pub fn watchers(&self, room: &Room) -> usize {
        self.0.hub.members(room)
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.0.hub
    }

    pub(crate) fn db(&self) -> &Db {
        &self.0.db
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    pub(crate) fn delivered(&self) -> i64 {
        self.0.delivered.load(Ordering::Acquire)
    }

    /// Starts where the outbox ends. Must run before a client connects.
    pub async fn prepare(&self) -> db::Result<()> {
        let mut tx = self.0.db.read().await?;
        let (_, newest) = outbox::bounds(&mut tx).await?;
        self.0.delivered.store(newest, Ordering::Release);
        Ok(())
    }

    /// Reads the outbox and hands on what is new, until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut quiet_ticks = 0_u32;
        let mut seen = 0;
        let mut since_purge = 0_u32;
        while !stop.is_cancelled() {
            let published = self.0.published.load(Ordering::Relaxed);
            quiet_ticks = if published == seen { quiet_ticks.saturating_add(1) } else { 0 };
            seen = published;
            // On SQLite all writers but the command line are in this process: after 10 quiet seconds look once a second.
            let idle = self.0.db.engine() == Engine::Sqlite && quiet_ticks > 200;
            let pause = Duration::from_millis(if idle { 1000 } else { 50 });
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.0.wake.notified(), if idle => {}
                () = tokio::time::sleep(pause) => {}
            }
            if let Err(error) = self.dispatch().await {
                tracing::warn!(error = %error, "the outbox could not be read; trying again");
            }
            since_purge += if idle { 20 } else { 1 };
            if since_purge >= 1200 {
                since_purge = 0;
                if let Err(error) = self.purge().await {
                    tracing::warn!(error = %error, "old events could not be purged; trying again");
                }
            }
        }
    }

    async fn dispatch(&self) -> db::Result<()> {
        loop {
            let mut tx = self.0.db.read().await?;
            let rows = outbox::after(&mut tx, self.delivered(), BATCH).await?;
            tx.commit().await?;
            for row in &rows {
                self.0.hub.deliver(&delivery(row));
                self.0.delivered.store(row.offset, Ordering::Release);
            }
            metrics::counter!("realtime_events_total").increment(rows.len() as u64);
            if rows.len() < BATCH as usize {
                return Ok(());
            }
        }
    }

    async fn purge(&self) -> db::Result<()> {
        let keep = Duration::from_secs(self.0.config.keep_s);
        let before = self.0.clock.now().checked_sub(keep).unwrap_or(kernel::Timestamp::UNIX_EPOCH);
        let mut tx = self.0.db.begin().await?;
        outbox::purge(&mut tx, before).await?;
        tx.commit().await
    }
}

pub(crate) fn delivery(row: &Kept) -> Delivery {
    let room = Room::parse(&row.room).unwrap_or_else(|| Room::named("unknown", &row.room));
    let data = RawValue::from_string(row.data.clone()).unwrap_or_else(|_| RawValue::NULL.to_owned());
    let text =
        Tell::Event { room: &row.room, offset: row.offset, topic: &row.topic, at: row.at, data: &data }
            .to_text();
    Delivery { room, offset: Some(row.offset), text: text.into() }
}
