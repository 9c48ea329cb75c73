use db::{Engine, FromRow, Result, Row, Tx};
use kernel::Timestamp;

use crate::Event;

/// A row of the outbox.
pub(crate) struct Kept {
    pub(crate) offset: i64,
    pub(crate) room: String,
    pub(crate) topic: String,
    pub(crate) data: String,
    pub(crate) at: Timestamp,
}

impl FromRow for Kept {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            offset: row.get("position")?,
            room: row.get("room")?,
            topic: row.get("topic")?,
            data: row.get("data")?,
            at: row.get("at")?,
        })
    }
}

/// "outbox" in ASCII.
const ADVISORY_LOCK: i64 = 0x6f75_7462_6f78;

pub(crate) async fn insert(tx: &mut Tx, event: &Event, at: Timestamp) -> Result<()> {
    match tx.engine() {
        // One writer: positions are commits in order.
        Engine::Sqlite => {}
        // Positions are given before commit, so two transactions could commit in the other order, and a reader that
        // has passed the higher position would miss the lower. Writers of events wait for each other instead.
        Engine::Postgres => {
            tx.query("SELECT pg_advisory_xact_lock($1)").bind(ADVISORY_LOCK).execute().await?;
        }
    }
    tx.query("INSERT INTO realtime_outbox (room, topic, workspace_id, data, at) VALUES ($1, $2, $3, $4, $5)")
        .bind(event.room.as_str())
        .bind(event.topic)
        .bind(event.workspace)
        .bind(event.data.to_string())
        .bind(at)
        .execute()
        .await?;
    Ok(())
}

pub(crate) async fn after(tx: &mut Tx, offset: i64, limit: i64) -> Result<Vec<Kept>> {
    tx.query("SELECT position, room, topic, data, at FROM realtime_outbox WHERE position > $1 ORDER BY position LIMIT $2")
        .bind(offset)
        .bind(limit)
        .all()
        .await
}

pub(crate) async fn of_room_after(tx: &mut Tx, room: &str, offset: i64, limit: i64) -> Result<Vec<Kept>> {
    tx.query("SELECT position, room, topic, data, at FROM realtime_outbox WHERE room = $1 AND position > $2 ORDER BY position LIMIT $3")
        .bind(room)
        .bind(offset)
        .bind(limit)
        .all()
        .await
}

/// The oldest and the newest offset that are kept; zeros in an empty outbox.
pub(crate) async fn bounds(tx: &mut Tx) -> Result<(i64, i64)> {
    struct Bounds(i64, i64);
    impl FromRow for Bounds {
        fn from_row(row: &Row) -> Result<Self> {
            Ok(Self(row.get("oldest")?, row.get("newest")?))
        }
    }
    let bounds: Bounds = tx
        .query("SELECT COALESCE(MIN(position), 0) AS oldest, COALESCE(MAX(position), 0) AS newest FROM realtime_outbox")
        .one()
        .await?;
    Ok((bounds.0, bounds.1))
}

/// Forgets what is older than `before`, but the newest row: it says where the stream stands.
pub(crate) async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.query("DELETE FROM realtime_outbox WHERE at < $1 AND position < (SELECT MAX(position) FROM realtime_outbox)")
        .bind(before)
        .execute()
        .await
}
