use db::{Engine, FromRow, Result, Row, Tx};
use kernel::{Timestamp, UserId, WorkspaceId};

use crate::Event;

/// A row of the outbox.
#[derive(Debug)]
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

/// "outb" in ASCII: the class of the advisory lock that writers of events share.
const LOCK_CLASS: i64 = 0x6f75_7462;

pub(crate) async fn insert(tx: &mut Tx, event: &Event, at: Timestamp) -> Result<()> {
    let insert = match tx.engine() {
        // One writer: positions are commits in order.
        Engine::Sqlite => {
            "INSERT INTO realtime_outbox (room, topic, workspace_id, data, at) VALUES ($1, $2, $3, $4, $5)"
        }
        // A position is given before its transaction commits, so a higher one may be seen first. Whoever writes events
        // holds a shared lock from before its first position until after its commit: a reader that finds a gap looks at
        // who holds the lock, and waits for them only. Writers do not wait for each other. The lock stands in a
        // subquery that is read before the row's position is drawn (OFFSET 0 keeps the planner from pulling it up).
        Engine::Postgres => {
            "INSERT INTO realtime_outbox (room, topic, workspace_id, data, at)
             SELECT $1, $2, $3, $4, $5
             FROM (SELECT pg_advisory_xact_lock_shared(1869968482, 0)::TEXT AS held OFFSET 0) AS writers
             WHERE writers.held IS NOT NULL"
        }
    };
    tx.query(insert)
        .bind(event.room.as_str())
        .bind(event.topic)
        .bind(event.workspace)
        .bind(event.data.to_string())
        .bind(at)
        .execute()
        .await?;
    Ok(())
}

/// PostgreSQL: the transactions that have written events and are not over, by their virtual ids. Read as it is at this
/// moment, not as of a snapshot; a transaction's rows are seen before it leaves here.
pub(crate) async fn writers(tx: &mut Tx) -> Result<Vec<String>> {
    tx.query(
        "SELECT virtualtransaction AS value FROM pg_locks
         WHERE locktype = 'advisory' AND classid::BIGINT = $1 AND objid = 0 AND objsubid = 2
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .bind(LOCK_CLASS)
    .all()
    .await
}

pub(crate) async fn after(tx: &mut Tx, offset: i64, limit: i64) -> Result<Vec<Kept>> {
    tx.query("SELECT position, room, topic, data, at FROM realtime_outbox WHERE position > $1 ORDER BY position LIMIT $2")
        .bind(offset)
        .bind(limit)
        .all()
        .await
}

/// What the room heard after `offset` and up to `newest`.
pub(crate) async fn of_room(
    tx: &mut Tx,
    room: &str,
    offset: i64,
    newest: i64,
    limit: i64,
) -> Result<Vec<Kept>> {
    tx.query(
        "SELECT position, room, topic, data, at FROM realtime_outbox
         WHERE room = $1 AND position > $2 AND position <= $3 ORDER BY position LIMIT $4",
    )
    .bind(room)
    .bind(offset)
    .bind(newest)
    .bind(limit)
    .all()
    .await
}

/// What a workspace heard, newest first, without what was for one other person only.
pub(crate) async fn of_workspace(
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: Option<UserId>,
    topic: Option<&str>,
    before: i64,
    limit: i64,
) -> Result<Vec<Kept>> {
    tx.query(
        "SELECT position, room, topic, data, at FROM realtime_outbox
         WHERE workspace_id = $1 AND position < $2 AND ($3 = '' OR topic = $3)
           AND (room NOT LIKE 'user:%' OR room = $4)
         ORDER BY position DESC LIMIT $5",
    )
    .bind(workspace)
    .bind(before)
    .bind(topic.unwrap_or_default())
    .bind(user.map_or_else(String::new, |user| format!("user:{user}")))
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
        .query(
            // Each by itself, at an end of the index: SQLite goes through all rows for both at once.
            "SELECT COALESCE((SELECT MIN(position) FROM realtime_outbox), 0) AS oldest,
             COALESCE((SELECT MAX(position) FROM realtime_outbox), 0) AS newest",
        )
        .one()
        .await?;
    Ok((bounds.0, bounds.1))
}

/// The last position before the first one that is missing.
pub(crate) async fn first_gap(tx: &mut Tx) -> Result<i64> {
    tx.query(
        "SELECT COALESCE(MIN(kept.position), 0) AS value FROM realtime_outbox AS kept
         WHERE NOT EXISTS (SELECT 1 FROM realtime_outbox AS next WHERE next.position = kept.position + 1)",
    )
    .one()
    .await
}

/// Forgets what came before the first event of `before` or later, but the newest row: it says where the stream stands.
pub(crate) async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.query(
        "DELETE FROM realtime_outbox WHERE position < COALESCE(
            (SELECT MIN(position) FROM realtime_outbox WHERE at >= $1),
            (SELECT MAX(position) FROM realtime_outbox))",
    )
    .bind(before)
    .execute()
    .await
}
