use db::{FromRow, Json, Result, Row, Tx};
use kernel::{Timestamp, UserId, WorkspaceId};

use crate::model::{PendingMail, PendingMailId};

impl FromRow for PendingMail {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            workspace: row.get("workspace_id")?,
            user: row.get("user_id")?,
            batch: row.get("batch")?,
            told: super::told(row)?,
            created_at: row.get("created_at")?,
            due_at: row.get("due_at")?,
        })
    }
}

pub(crate) async fn insert(tx: &mut Tx, mail: &PendingMail) -> Result<()> {
    tx.query(
        "INSERT INTO notifications_mails (id, workspace_id, user_id, batch, topic, level, title, body, link, created_at, due_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(mail.id)
    .bind(mail.workspace)
    .bind(mail.user)
    .bind(&mail.batch)
    .bind(&mail.told.topic)
    .bind(mail.told.level.name())
    .bind(Json(&mail.told.title))
    .bind(Json(&mail.told.body))
    .bind(mail.told.link.clone())
    .bind(mail.created_at)
    .bind(mail.due_at)
    .execute()
    .await
    .map(drop)
}

/// Oldest first.
pub(crate) async fn list_batch(
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: UserId,
    batch: &str,
    limit: i64,
) -> Result<Vec<PendingMail>> {
    tx.query(
        "SELECT * FROM notifications_mails WHERE user_id = $1 AND batch = $2 AND workspace_id = $3 ORDER BY id LIMIT $4",
    )
    .bind(user)
    .bind(batch)
    .bind(workspace)
    .bind(limit)
    .all()
    .await
}

/// Rows of the batch up to the last one that was sent.
pub(crate) async fn delete_batch(
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: UserId,
    batch: &str,
    last: PendingMailId,
) -> Result<u64> {
    tx.query(
        "DELETE FROM notifications_mails WHERE user_id = $1 AND batch = $2 AND workspace_id = $3 AND id <= $4",
    )
    .bind(user)
    .bind(batch)
    .bind(workspace)
    .bind(last)
    .execute()
    .await
}

/// A batch whose time came before `before`, and that nothing took: of all workspaces.
pub(crate) struct Overdue {
    pub(crate) workspace: WorkspaceId,
    pub(crate) user: UserId,
    pub(crate) batch: String,
}

impl FromRow for Overdue {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { workspace: row.get("workspace_id")?, user: row.get("user_id")?, batch: row.get("batch")? })
    }
}

pub(crate) async fn list_overdue(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<Vec<Overdue>> {
    tx.query(
        "SELECT DISTINCT workspace_id, user_id, batch FROM notifications_mails WHERE due_at < $1
         ORDER BY user_id, batch LIMIT $2",
    )
    .bind(before)
    .bind(limit)
    .all()
    .await
}

/// Of all workspaces: what could not be mailed for so long is not news any more.
pub(crate) async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.query("DELETE FROM notifications_mails WHERE due_at < $1").bind(before).execute().await
}
