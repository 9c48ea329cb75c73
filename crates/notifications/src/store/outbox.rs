//! Reads what was published to workspaces. The outbox itself belongs to `realtime`, which alone writes and purges it.

use db::{FromRow, Result, Row, Tx};
use kernel::{Timestamp, WorkspaceId};

/// Something that happened in a workspace.
pub(crate) struct Happened {
    pub(crate) position: i64,
    pub(crate) topic: String,
    pub(crate) workspace: WorkspaceId,
    /// JSON.
    pub(crate) data: String,
    pub(crate) at: Timestamp,
}

impl FromRow for Happened {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            position: row.get("position")?,
            topic: row.get("topic")?,
            workspace: row.get("workspace_id")?,
            data: row.get("data")?,
            at: row.get("at")?,
        })
    }
}

/// The oldest and the newest position that are kept; zeros in an empty outbox.
pub(crate) struct Bounds {
    pub(crate) oldest: i64,
    pub(crate) newest: i64,
}

impl FromRow for Bounds {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { oldest: row.get("oldest")?, newest: row.get("newest")? })
    }
}

pub(crate) async fn bounds(tx: &mut Tx) -> Result<Bounds> {
    // Each by itself, at an end of the index: SQLite goes through all rows for both at once.
    tx.query(
        "SELECT COALESCE((SELECT MIN(position) FROM realtime_outbox), 0) AS oldest,
         COALESCE((SELECT MAX(position) FROM realtime_outbox), 0) AS newest",
    )
    .one()
    .await
}

pub(crate) async fn position(tx: &mut Tx) -> Result<i64> {
    tx.query("SELECT position AS value FROM notifications_cursor WHERE name = 'webhooks'").one().await
}

/// Held until the transaction ends: one reader at a time, over all nodes.
pub(crate) async fn lock_position(tx: &mut Tx) -> Result<i64> {
    tx.query(
        "UPDATE notifications_cursor SET position = position WHERE name = 'webhooks' RETURNING position AS value",
    )
    .one()
    .await
}

pub(crate) async fn save_position(tx: &mut Tx, position: i64) -> Result<()> {
    tx.query("UPDATE notifications_cursor SET position = $1 WHERE name = 'webhooks'")
        .bind(position)
        .execute()
        .await
        .map(drop)
}

/// What was published after `position` to all members of a workspace: rooms of one person, one camera or one task are
/// left out, since the same is told to the workspace or is nobody else's business.
pub(crate) async fn after(tx: &mut Tx, position: i64, until: i64, limit: i64) -> Result<Vec<Happened>> {
    tx.query(
        "SELECT position, topic, workspace_id, data, at FROM realtime_outbox
         WHERE position > $1 AND position <= $2 AND room = 'workspace:' || workspace_id
         ORDER BY position LIMIT $3",
    )
    .bind(position)
    .bind(until)
    .bind(limit)
    .all()
    .await
}
