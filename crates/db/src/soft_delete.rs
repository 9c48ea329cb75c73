//! Rows that are put aside instead of deleted: hidden, restored on demand, gone for good after a while.
//!
//! The convention, for a table that takes part:
//! * columns `id`, `workspace_id`, `updated_at` and `deleted_at BIGINT` (NULL while the row is there);
//! * every other statement on it says `AND deleted_at IS NULL`; what is unique is so by
//!   `CREATE UNIQUE INDEX … WHERE deleted_at IS NULL`, so that a name comes free when its row is put aside;
//! * an index `(deleted_at) WHERE deleted_at IS NOT NULL`, for [`Trash::purge`];
//! * over HTTP: `DELETE …/{id}` puts aside, `GET …?deleted=true` lists what was, `POST …/{id}/restore` brings back;
//! * a retention in days in the module's settings, and a scheduled job that purges by it.

use kernel::{Id, IdKind, Timestamp, WorkspaceId};

use crate::{Result, Tx};

/// What was put aside of one table.
#[derive(Debug, Clone, Copy)]
pub struct Trash {
    table: &'static str,
}

impl Trash {
    pub const fn of(table: &'static str) -> Self {
        Self { table }
    }

    /// Hides the row. `false` if it is not there, or hidden already.
    pub async fn put_aside<K: IdKind>(
        self,
        tx: &mut Tx,
        workspace: WorkspaceId,
        id: Id<K>,
        now: Timestamp,
    ) -> Result<bool> {
        let sql = format!(
            "UPDATE {} SET deleted_at = $3, updated_at = $3 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL",
            self.table
        );
        Ok(tx.query_built(sql).bind(workspace).bind(id).bind(now).execute().await? > 0)
    }

    /// Brings the row back. `false` if none is hidden. What became unique meanwhile may refuse it, as a violated rule.
    pub async fn restore<K: IdKind>(
        self,
        tx: &mut Tx,
        workspace: WorkspaceId,
        id: Id<K>,
        now: Timestamp,
    ) -> Result<bool> {
        let sql = format!(
            "UPDATE {} SET deleted_at = NULL, updated_at = $3 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NOT NULL",
            self.table
        );
        Ok(tx.query_built(sql).bind(workspace).bind(id).bind(now).execute().await? > 0)
    }

    /// Deletes what was put aside before a time, oldest first and at most `limit` rows of all workspaces; gives their
    /// ids, for what else belongs to them. Call it again until it gives fewer.
    pub async fn purge<K: IdKind>(self, tx: &mut Tx, before: Timestamp, limit: u32) -> Result<Vec<Id<K>>> {
        let table = self.table;
        let sql = format!(
            "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE deleted_at < $1 ORDER BY deleted_at, id LIMIT $2)
             RETURNING id AS value"
        );
        tx.query_built(sql).bind(before).bind(limit).all().await
    }
}
