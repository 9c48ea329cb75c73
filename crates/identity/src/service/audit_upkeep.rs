//! What the audit log needs every day.

use std::{collections::BTreeMap, path::Path, sync::atomic::Ordering};

use jiff::SignedDuration;
use kernel::{Ctx, Timestamp, WorkspaceId};

use super::Identity;
use crate::{error::Error, model::ChainEnd, store};

/// The ends of all chains at the last look, out of reach of who can only write in the database.
const HEADS: &str = "identity/audit-heads.json";

/// Says, beside the installation's secret, that every chain has been under its key: since then a chain without proof of its
/// end is a forgery, and not one of an earlier release.
const ADOPTED: &str = "secrets/audit.keyed";

impl Identity {
    pub(super) fn is_adopted(&self) -> bool {
        self.0.adopted.load(Ordering::Acquire)
    }

    /// Was it said at an earlier start?
    pub(super) fn was_adopted(data: &Path) -> bool {
        data.join(ADOPTED).exists()
    }

    /// Takes the chains of earlier releases as they are, once.
    pub(crate) async fn adopt_chains(&self) -> Result<(), Error> {
        if self.is_adopted() {
            return Ok(());
        }
        let mut tx = self.0.db.begin().await?;
        for workspace in store::audit::list_unproven(&mut tx).await? {
            store::audit::adopt(&mut tx, &self.0.chain_key, workspace).await?;
        }
        tx.commit().await?;
        let file = self.0.data.join(ADOPTED);
        let folder = file.parent().unwrap_or(&self.0.data);
        if let Err(error) = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, b"")) {
            tracing::warn!(file = %file.display(), %error, "could not note that the audit log is under its key");
        }
        self.0.adopted.store(true, Ordering::Release);
        Ok(())
    }

    /// Takes away what is older than `identity.audit_keep_days`. How many rows went, and how many chains were left alone
    /// because they are broken.
    pub(crate) async fn keep_audit(&self, now: Timestamp) -> Result<(u64, u64), Error> {
        let days = i64::from(self.config().audit_keep_days);
        if days == 0 {
            return Ok((0, 0));
        }
        let before = now - SignedDuration::from_hours(24 * days);
        let (mut rows, mut broken) = (0, 0);
        for workspace in self.all_workspaces().await? {
            let ctx = Ctx::system("audit retention", workspace, now);
            match self.prune_audit(&ctx, before).await? {
                Ok(pruned) => rows += pruned,
                Err(fault) => {
                    broken += 1;
                    tracing::error!(
                        workspace.id = %workspace, audit.seq = fault.seq, fault.what,
                        "the audit log is broken, so nothing of it was taken away"
                    );
                }
            }
        }
        Ok((rows, broken))
    }

    /// Looks along all chains, and compares them with the ends that they had the last time. How many rows are fine, and how
    /// many chains are broken; the metrics say it too.
    pub(crate) async fn verify_all(&self, now: Timestamp) -> Result<(u64, u64), Error> {
        let kept = self.kept_heads().await;
        let mut heads = BTreeMap::new();
        let (mut rows, mut broken) = (0, 0);
        for workspace in self.all_workspaces().await? {
            let before = kept.get(&workspace.to_string()).and_then(|text| ChainEnd::parse(text));
            let verified = self.verify_chain(workspace, self.still_there(workspace, before).await?).await?;
            rows += verified.checked;
            let head = match &verified.fault {
                None => Some(verified.head),
                Some(fault) => {
                    broken += 1;
                    tracing::error!(
                        workspace.id = %workspace, audit.seq = fault.seq, fault.what,
                        "the audit log is broken: see docs/runbook.md#auditlogbroken"
                    );
                    before
                }
            };
            if let Some(head) = head {
                heads.insert(workspace.to_string(), head.to_string());
            }
        }
        metrics::gauge!("identity_audit_broken_chains").set(broken as f64);
        metrics::gauge!("identity_audit_verified_timestamp_seconds").set(now.as_second() as f64);
        let text = serde_json::to_string(&heads).unwrap_or_default();
        if let Err(error) = self.0.storage.put(HEADS, text.into()).await {
            tracing::warn!(%error, "the ends of the audit log could not be noted outside of the database");
        }
        Ok((rows, broken))
    }

    /// The daily check, now: for tests, and for who wants to be sure.
    pub async fn verify_audit_now(&self) -> Result<(u64, u64), Error> {
        self.verify_all(self.clock().now()).await
    }

    /// The daily retention, now.
    pub async fn keep_audit_now(&self) -> Result<(u64, u64), Error> {
        self.keep_audit(self.clock().now()).await
    }

    async fn all_workspaces(&self) -> Result<Vec<WorkspaceId>, Error> {
        let mut tx = self.0.db.read().await?;
        Ok(store::workspaces::list_ids(&mut tx).await?)
    }

    /// Without them, or with a file that does not read, each chain is looked at by itself.
    async fn kept_heads(&self) -> BTreeMap<String, String> {
        match self.0.storage.get_bytes(HEADS).await {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Err(_) => BTreeMap::new(),
        }
    }

    /// An end that retention took away since says nothing any more; that the beginning is genuine is checked anyway.
    async fn still_there(
        &self,
        workspace: WorkspaceId,
        kept: Option<ChainEnd>,
    ) -> Result<Option<ChainEnd>, Error> {
        let mut tx = self.0.db.read().await?;
        let anchor = store::audit::anchor(&mut tx, workspace).await?;
        Ok(kept.filter(|kept| anchor.is_none_or(|anchor| anchor.end.seq <= kept.seq)))
    }
}
