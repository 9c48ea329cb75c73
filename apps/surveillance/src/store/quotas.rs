//! What a workspace uses, for its quotas.

use db::Tx;
use kernel::WorkspaceId;

use crate::model::EventId;

pub(crate) const CAMERAS_USED: &str =
    "SELECT COUNT(*) AS value FROM surveillance_cameras WHERE workspace_id = $1 AND deleted_at IS NULL";

/// PostgreSQL adds BIGINT up to NUMERIC.
pub(crate) const STORAGE_USED: &str = "SELECT
      CAST(COALESCE((SELECT SUM(clip_bytes + snapshot_bytes) FROM surveillance_events
                     WHERE workspace_id = $1 AND (clip_bytes > 0 OR snapshot_bytes > 0)), 0) AS BIGINT)
    + CAST(COALESCE((SELECT SUM(size_bytes) FROM surveillance_models WHERE workspace_id = $1), 0) AS BIGINT) AS value";

pub(crate) async fn set_clip_bytes(
    tx: &mut Tx,
    workspace: WorkspaceId,
    event: EventId,
    bytes: i64,
) -> db::Result<()> {
    tx.query("UPDATE surveillance_events SET clip_bytes = $3 WHERE workspace_id = $1 AND id = $2")
        .bind(workspace)
        .bind(event)
        .bind(bytes)
        .execute()
        .await
        .map(drop)
}

/// The bytes of the pictures that are there.
pub(crate) async fn snapshot_bytes(tx: &mut Tx, workspace: WorkspaceId, event: EventId) -> db::Result<i64> {
    let found = tx
        .query("SELECT snapshot_bytes AS value FROM surveillance_events WHERE workspace_id = $1 AND id = $2")
        .bind(workspace)
        .bind(event);
    Ok(found.optional().await?.unwrap_or(0))
}

pub(crate) async fn set_snapshot_bytes(
    tx: &mut Tx,
    workspace: WorkspaceId,
    event: EventId,
    bytes: i64,
) -> db::Result<()> {
    tx.query("UPDATE surveillance_events SET snapshot_bytes = $3 WHERE workspace_id = $1 AND id = $2")
        .bind(workspace)
        .bind(event)
        .bind(bytes)
        .execute()
        .await
        .map(drop)
}
