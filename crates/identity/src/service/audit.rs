use db::Tx;
use kernel::{Allow, Ctx, Timestamp, WorkspaceId};
use serde_json::json;

use super::Identity;
use crate::{
    error::Error,
    model::{AuditEntry, AuditFilter, ChainEnd, Ending, Fault, NewEntry, Walk},
    permissions::ReadAudit,
    store::{self, audit::Order},
};

/// What a look along a chain found.
#[derive(Debug, Clone)]
pub(crate) struct Verified {
    /// Rows that are as they were written.
    pub(crate) checked: u64,
    /// The first row that was looked at: 1, or the one after those that retention took away.
    pub(crate) from_seq: i64,
    /// The last one that was found in order, to be kept outside: what ended elsewhere later is another chain.
    pub(crate) head: ChainEnd,
    pub(crate) fault: Option<Fault>,
}

/// Rows read at a time: some hundreds of kilobytes.
const TOGETHER: i64 = 1_000;

impl Identity {
    /// Appends to the chain of the entry's workspace, in the caller's transaction: what happened and its row stand or
    /// fall together.
    ///
    /// Lock order: this is the last thing that a transaction does, because the chain's end stays locked until it commits.
    pub(super) async fn write_down(&self, tx: &mut Tx, entry: NewEntry) -> db::Result<()> {
        store::audit::append(tx, &self.0.chain_key, self.is_adopted(), entry).await
    }

    /// The workspace's log, newest first; one row more than `limit` when there are more.
    pub(crate) async fn list_audit(
        &self,
        allow: &Allow<ReadAudit>,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, Error> {
        let mut tx = self.0.db.read().await?;
        let rows = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        Ok(store::audit::list(&mut tx, allow.workspace, filter, Order::Newest, before, rows).await?)
    }

    /// Some rows after a number, oldest first: an export reads them piece by piece, and holds no transaction meanwhile.
    pub(crate) async fn export_audit(
        &self,
        allow: &Allow<ReadAudit>,
        filter: &AuditFilter,
        after: i64,
    ) -> Result<Vec<AuditEntry>, Error> {
        let mut tx = self.0.db.read().await?;
        Ok(store::audit::list(&mut tx, allow.workspace, filter, Order::Oldest, Some(after), TOGETHER).await?)
    }

    /// Looks along the chain of the caller's workspace. `kept` is a head of an earlier look, kept outside: a chain that was
    /// put back as a whole to an earlier state shows by it alone.
    pub(crate) async fn verify_audit(
        &self,
        allow: &Allow<ReadAudit>,
        kept: Option<ChainEnd>,
    ) -> Result<Verified, Error> {
        self.verify_chain(allow.workspace, kept).await
    }

    pub(super) async fn verify_chain(
        &self,
        workspace: WorkspaceId,
        kept: Option<ChainEnd>,
    ) -> Result<Verified, Error> {
        self.adopt_chains().await?;
        loop {
            let (verified, anchor) = self.look_along(workspace, kept).await?;
            if verified.fault.is_none() {
                return Ok(verified);
            }
            // Retention may have moved the beginning meanwhile.
            let mut tx = self.0.db.read().await?;
            let now = store::audit::anchor(&mut tx, workspace).await?.map(|anchor| anchor.end);
            if now == anchor {
                return Ok(verified);
            }
        }
    }

    /// Also gives the anchor that it began at.
    async fn look_along(
        &self,
        workspace: WorkspaceId,
        kept: Option<ChainEnd>,
    ) -> Result<(Verified, Option<ChainEnd>), Error> {
        let key = &self.0.chain_key;
        let (anchor, head, lowest) = {
            let mut tx = self.0.db.read().await?;
            // In this order: rows that come meanwhile are beyond the head, and are not looked at.
            let head = store::audit::head(&mut tx, workspace).await?;
            let anchor = store::audit::anchor(&mut tx, workspace).await?;
            (anchor, head, store::audit::lowest(&mut tx, workspace).await?)
        };
        let begins = anchor.map(|anchor| anchor.end);
        let from_seq = begins.map_or(1, |end| end.seq + 1);
        let broken = |seq, what| {
            let fault = Some(Fault { seq, what });
            (Verified { checked: 0, from_seq, head: begins.unwrap_or_else(ChainEnd::start), fault }, begins)
        };
        if anchor.is_some_and(|anchor| !anchor.is_proven(key, Ending::Anchor, workspace)) {
            return Ok(broken(from_seq, "the beginning of the log was not cut off by its retention"));
        }
        let Some(head) = head else {
            return Ok(broken(from_seq, "the end of the log is missing"));
        };
        if head.end.seq == 0 {
            return Ok(broken(1, "the log is empty"));
        }
        if lowest.is_some_and(|lowest| lowest < from_seq) {
            return Ok(broken(lowest.unwrap_or(0), "the row was put before the beginning of the log"));
        }
        let mut walk = match Walk::new(key, begins, kept) {
            Ok(walk) => walk,
            Err(fault) => return Ok(broken(fault.seq, fault.what)),
        };
        let walked = self.walk(workspace, &mut walk, &head.end).await?;
        let ending = || match head.is_proven(key, Ending::Head, workspace) {
            true => Ok(()),
            false => Err(Fault { seq: head.end.seq, what: "the end of the log was changed" }),
        };
        let outcome = walked.and_then(|()| walk.finish(&head.end)).and_then(|()| ending());
        let beyond = match outcome {
            Ok(()) => self.beyond(workspace).await?,
            Err(fault) => Some(fault),
        };
        Ok((Verified { checked: walk.checked, from_seq, head: walk.at, fault: beyond }, begins))
    }

    async fn walk(
        &self,
        workspace: WorkspaceId,
        walk: &mut Walk<'_>,
        head: &ChainEnd,
    ) -> Result<Result<(), Fault>, Error> {
        while walk.at.seq < head.seq {
            let rows = {
                let mut tx = self.0.db.read().await?;
                store::audit::list_chain(&mut tx, workspace, walk.at.seq, TOGETHER).await?
            };
            let mut rows = rows.iter().filter(|row| row.entry.seq <= head.seq).peekable();
            if rows.peek().is_none() {
                break;
            }
            if let Err(fault) = rows.try_for_each(|row| walk.step(row)) {
                return Ok(Err(fault));
            }
        }
        Ok(Ok(()))
    }

    /// A row behind the end, by one statement, since rows come all the time.
    async fn beyond(&self, workspace: WorkspaceId) -> Result<Option<Fault>, Error> {
        let mut tx = self.0.db.read().await?;
        let seq = store::audit::beyond(&mut tx, workspace).await?;
        Ok(seq.map(|seq| Fault { seq, what: "the row was put behind the end of the log" }))
    }

    /// Takes away what is older than a time, and leaves what proves that it was us. A chain that is broken stays as it is:
    /// it is evidence. How many rows went.
    pub(crate) async fn prune_audit(
        &self,
        ctx: &Ctx,
        before: Timestamp,
    ) -> Result<Result<u64, Fault>, Error> {
        let workspace = ctx.workspace;
        let last = {
            let mut tx = self.0.db.read().await?;
            store::audit::last_before(&mut tx, workspace, before).await?
        };
        let Some(last) = last else { return Ok(Ok(0)) };
        let verified = self.verify_chain(workspace, None).await?;
        if let Some(fault) = verified.fault {
            return Ok(Err(fault));
        }
        let mut pruned = 0;
        let mut at = verified.from_seq - 1;
        while at < last {
            let mut tx = self.0.db.begin().await?;
            let rows = store::audit::list_chain(&mut tx, workspace, at, TOGETHER).await?;
            let Some(row) = rows.iter().rfind(|row| row.entry.seq <= last) else { break };
            let end = ChainEnd { seq: row.entry.seq, hash: row.hash };
            pruned += store::audit::prune(&mut tx, &self.0.chain_key, workspace, &end, ctx.now).await?;
            at = end.seq;
            if at >= last {
                let detail = json!({ "rows": pruned, "until": at, "before": before });
                self.write_down(&mut tx, NewEntry::by(ctx, "identity.audit-pruned").detail(detail)).await?;
            }
            tx.commit().await?;
        }
        Ok(Ok(pruned))
    }
}
