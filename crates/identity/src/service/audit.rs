use db::Tx;
use kernel::Allow;

use super::Identity;
use crate::{
    error::Error,
    model::{AuditEntry, AuditFilter, NewEntry},
    permissions::ReadAudit,
    store,
};

impl Identity {
    /// Appends to the chain of the entry's workspace, in the caller's transaction: what happened and its row stand or
    /// fall together.
    ///
    /// Lock order: this is the last thing that a transaction does, because the chain's end stays locked until it commits.
    pub(super) async fn write_down(&self, tx: &mut Tx, entry: NewEntry) -> db::Result<()> {
        store::audit::append(tx, entry).await
    }

    /// The workspace's log, newest first; one row more than `limit` when there are more.
    pub(crate) async fn list_audit(
        &self,
        allow: &Allow<ReadAudit>,
        filter: &AuditFilter,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, Error> {
        let mut tx = self.0.db.read().await?;
        let rows = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        Ok(store::audit::list(&mut tx, allow.workspace, filter, rows).await?)
    }
}
