use kernel::Allow;

use super::Identity;
use crate::{
    error::Error,
    model::{AuditEntry, AuditFilter},
    permissions::ReadAudit,
    store,
};

impl Identity {
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
