//! What is in the file store, and how much of it. Callers take the workspace's [`lock`] first: sums change with rows.

use db::{FromRow, Row, Tx, Value};
use kernel::WorkspaceId;

use super::rows;

pub(crate) const STORAGE_USED: &str =
    "SELECT COALESCE((SELECT file_bytes FROM ml_workspaces WHERE workspace_id = $1), 0) AS value";

/// A file as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) size_bytes: i64,
    /// Uploads of it that are under way.
    pub(crate) writers: i64,
    /// When the last of them was counted.
    pub(crate) written_ms: i64,
}

impl FromRow for Counted {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            size_bytes: row.get("size_bytes")?,
            writers: row.get("writers")?,
            written_ms: row.get("written_ms")?,
        })
    }
}

/// A file whose upload never came to an end.
pub(crate) struct Stale {
    pub(crate) key: String,
    pub(crate) workspace: WorkspaceId,
}

impl FromRow for Stale {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self { key: row.get("key")?, workspace: row.get("workspace_id")? })
    }
}

/// Until the transaction ends, nobody else counts files of this workspace.
pub(crate) async fn lock(tx: &mut Tx, workspace: WorkspaceId) -> db::Result<()> {
    tx.query("UPDATE ml_workspaces SET file_bytes = file_bytes WHERE workspace_id = $1")
        .bind(workspace)
        .execute()
        .await
        .map(drop)
}

pub(crate) async fn find(tx: &mut Tx, key: &str) -> db::Result<Option<Counted>> {
    tx.query("SELECT size_bytes, writers, written_ms FROM ml_files WHERE key = $1").bind(key).optional().await
}

/// Whatever was there before; the sum is the caller's to change.
pub(crate) async fn put(tx: &mut Tx, workspace: WorkspaceId, key: &str, file: Counted) -> db::Result<()> {
    tx.query(
        "INSERT INTO ml_files (key, workspace_id, size_bytes, writers, written_ms) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (key) DO UPDATE SET size_bytes = $3, writers = $4, written_ms = $5",
    )
    .bind(key)
    .bind(workspace)
    .bind(file.size_bytes)
    .bind(file.writers)
    .bind(file.written_ms)
    .execute()
    .await
    .map(drop)
}

/// Whose uploads were counted before `before_ms`, and are not over.
pub(crate) async fn stale(tx: &mut Tx, before_ms: i64, limit: i64) -> db::Result<Vec<Stale>> {
    tx.query(
        "SELECT key, workspace_id FROM ml_files WHERE writers > 0 AND written_ms < $1 ORDER BY key LIMIT $2",
    )
    .bind(before_ms)
    .bind(limit)
    .all()
    .await
}

/// One file, whatever is under way.
pub(crate) async fn forget(tx: &mut Tx, key: &str) -> db::Result<()> {
    tx.query("DELETE FROM ml_files WHERE key = $1").bind(key).execute().await.map(drop)
}

/// Those that nothing is under way for. Gives how many bytes that was.
pub(crate) async fn delete(tx: &mut Tx, workspace: WorkspaceId, keys: &[String]) -> db::Result<i64> {
    let keys: Vec<Value> = keys.iter().map(|key| key.as_str().into()).collect();
    let before = "DELETE FROM ml_files WHERE workspace_id = $1 AND writers = 0 AND key";
    let gone = rows::rows_in(tx, before, "RETURNING size_bytes", &[workspace.into()], &keys).await?;
    sum(&gone)
}

/// The same of all that is below a folder of keys.
pub(crate) async fn delete_below(tx: &mut Tx, workspace: WorkspaceId, folder: &str) -> db::Result<i64> {
    let gone = tx
        .query(
            "DELETE FROM ml_files WHERE workspace_id = $1 AND writers = 0 AND (key = $2 OR (key > $3 AND key < $4))
             RETURNING size_bytes",
        )
        .bind(workspace)
        .bind(folder)
        .bind(format!("{folder}/"))
        // The letter after the slash.
        .bind(format!("{folder}0"))
        .rows()
        .await?;
    sum(&gone)
}

fn sum(rows: &[Row]) -> db::Result<i64> {
    rows.iter().try_fold(0_i64, |sum, row| Ok(sum.saturating_add(row.get::<i64>("size_bytes")?)))
}

/// Changes the sum.
pub(crate) async fn add(tx: &mut Tx, workspace: WorkspaceId, bytes: i64) -> db::Result<()> {
    if bytes == 0 {
        return Ok(());
    }
    tx.query("UPDATE ml_workspaces SET file_bytes = file_bytes + $2 WHERE workspace_id = $1")
        .bind(workspace)
        .bind(bytes)
        .execute()
        .await
        .map(drop)
}
