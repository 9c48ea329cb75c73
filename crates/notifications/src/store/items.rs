use db::{FromRow, Json, Result, Row, Tx};
use kernel::{Timestamp, UserId, WorkspaceId};

use crate::model::{Item, ItemId};

impl FromRow for Item {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            workspace: row.get("workspace_id")?,
            user: row.get("user_id")?,
            told: super::told(row)?,
            created_at: row.get("created_at")?,
            read_at: row.get("read_at")?,
        })
    }
}

pub(crate) async fn insert(tx: &mut Tx, item: &Item) -> Result<()> {
    tx.query(
        "INSERT INTO notifications_items (id, workspace_id, user_id, topic, level, title, body, link, created_at, read_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(item.id)
    .bind(item.workspace)
    .bind(item.user)
    .bind(&item.told.topic)
    .bind(item.told.level.name())
    .bind(Json(&item.told.title))
    .bind(Json(&item.told.body))
    .bind(item.told.link.clone())
    .bind(item.created_at)
    .bind(item.read_at)
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn find(
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: UserId,
    id: ItemId,
) -> Result<Option<Item>> {
    tx.query("SELECT * FROM notifications_items WHERE user_id = $1 AND workspace_id = $2 AND id = $3")
        .bind(user)
        .bind(workspace)
        .bind(id)
        .optional()
        .await
}

/// Newest first, those before `before`.
pub(crate) async fn list(
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: UserId,
    unread: bool,
    before: Option<ItemId>,
    limit: i64,
) -> Result<Vec<Item>> {
    let unread = if unread { "AND read_at IS NULL" } else { "" };
    tx.query_built(format!(
        "SELECT * FROM notifications_items WHERE user_id = $1 AND workspace_id = $2 AND ($3 IS NULL OR id < $3) {unread}
         ORDER BY id DESC LIMIT $4"
    ))
    .bind(user)
    .bind(workspace)
    .bind(before)
    .bind(limit)
    .all()
    .await
}

pub(crate) async fn count_unread(tx: &mut Tx, workspace: WorkspaceId, user: UserId) -> Result<u64> {
    tx.query(
        "SELECT COUNT(*) AS value FROM notifications_items WHERE user_id = $1 AND workspace_id = $2 AND read_at IS NULL",
    )
    .bind(user)
    .bind(workspace)
    .one()
    .await
}

/// False when it was read before, or is not there.
pub(crate) async fn mark_read(
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: UserId,
    id: ItemId,
    now: Timestamp,
) -> Result<bool> {
    let rows = tx
        .query(
            "UPDATE notifications_items SET read_at = $4
             WHERE user_id = $1 AND workspace_id = $2 AND id = $3 AND read_at IS NULL",
        )
        .bind(user)
        .bind(workspace)
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(rows == 1)
}

pub(crate) async fn mark_all_read(
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: UserId,
    now: Timestamp,
) -> Result<u64> {
    tx.query("UPDATE notifications_items SET read_at = $3 WHERE user_id = $1 AND workspace_id = $2 AND read_at IS NULL")
        .bind(user)
        .bind(workspace)
        .bind(now)
        .execute()
        .await
}

pub(crate) async fn delete(tx: &mut Tx, workspace: WorkspaceId, user: UserId, id: ItemId) -> Result<bool> {
    let rows = tx
        .query("DELETE FROM notifications_items WHERE user_id = $1 AND workspace_id = $2 AND id = $3")
        .bind(user)
        .bind(workspace)
        .bind(id)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Of all workspaces: retention.
pub(crate) async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.query("DELETE FROM notifications_items WHERE created_at < $1").bind(before).execute().await
}
