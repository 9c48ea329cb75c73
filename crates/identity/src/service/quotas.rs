use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use db::Tx;
use jiff::SignedDuration;
use kernel::{Allow, Ctx, Timestamp, WorkspaceId};
use platform::{
    JOBS, Level, Manifest, Notify, Per, QuotaError, QuotaKeeper, QuotaReached, QuotaSpec, Recipients, amount,
};
use serde_json::json;

use super::Identity;
use crate::{
    error::Error,
    model::{ADMIN, NewEntry, Workspace},
    permissions::{ReadQuotas, WriteQuotas},
    store::{self, quotas::Bound},
};

/// The notice that a quota is nearly or wholly used.
pub(crate) const QUOTA_NEAR: &str = "identity.quota_near";
/// More than anybody counts to, and far from where numbers end.
const MAX: i64 = 1_000_000_000_000_000;

/// What the modules declare, by resource; of each resource the SQL of all that count into it.
pub(super) struct Declared {
    specs: Vec<(&'static QuotaSpec, Vec<&'static str>)>,
}

impl Declared {
    pub(super) fn new(manifests: &[&Manifest], own: &'static [QuotaSpec]) -> Self {
        let mut specs: Vec<(&'static QuotaSpec, Vec<&'static str>)> = Vec::new();
        for spec in manifests.iter().flat_map(|manifest| manifest.quotas).chain(own) {
            match specs.iter_mut().find(|(known, _)| known.resource == spec.resource) {
                Some((_, counted)) if counted.contains(&spec.used) => {}
                Some((_, counted)) => counted.push(spec.used),
                None => specs.push((spec, vec![spec.used])),
            }
        }
        Self { specs }
    }

    fn find(&self, resource: &str) -> Option<&(&'static QuotaSpec, Vec<&'static str>)> {
        self.specs.iter().find(|(spec, _)| spec.resource == resource)
    }
}

/// Which quotas are set at all, as read a moment ago: where none is, nothing is asked of the database.
#[derive(Default)]
pub(super) struct Bounds {
    known: RwLock<Known>,
    epoch: AtomicU64,
}

#[derive(Default)]
struct Known {
    read_at: Option<(Timestamp, u64)>,
    set: HashSet<(WorkspaceId, String)>,
}

impl Bounds {
    fn changed(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    /// `None` when what is known is too old.
    fn holds(
        &self,
        workspace: WorkspaceId,
        resource: &str,
        now: Timestamp,
        age_max: SignedDuration,
    ) -> Option<bool> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let (read_at, epoch) = known.read_at?;
        let fresh =
            epoch == self.epoch.load(Ordering::SeqCst) && now.duration_since(read_at).abs() <= age_max;
        // No text is made where nothing is set, which is the common case.
        fresh.then(|| !known.set.is_empty() && known.set.contains(&(workspace, resource.to_owned())))
    }
}

/// How a workspace stands with one resource.
pub(crate) struct Standing {
    pub(crate) spec: &'static QuotaSpec,
    pub(crate) used: i64,
    pub(crate) limit: Option<i64>,
    pub(crate) resets_at: Option<Timestamp>,
}

impl Identity {
    /// All resources that modules declare, with what the caller's workspace uses and may use.
    pub(crate) async fn list_quotas(&self, allow: &Allow<ReadQuotas>) -> Result<Vec<Standing>, Error> {
        let mut tx = self.0.db.read().await?;
        self.standings(&mut tx, allow.workspace, allow.now).await
    }

    /// The same of any workspace.
    pub(crate) async fn quotas_of(
        &self,
        allow: &Allow<WriteQuotas>,
        workspace: WorkspaceId,
    ) -> Result<Vec<Standing>, Error> {
        let mut tx = self.0.db.read().await?;
        let found = store::workspaces::find(&mut tx, workspace).await?;
        found.ok_or(Error::WorkspaceNotFound(workspace))?;
        self.standings(&mut tx, workspace, allow.now).await
    }

    async fn standings(
        &self,
        tx: &mut Tx,
        workspace: WorkspaceId,
        now: Timestamp,
    ) -> Result<Vec<Standing>, Error> {
        let bounds = store::quotas::list(tx, workspace).await?;
        let mut standings = Vec::new();
        for (spec, counted) in &self.0.quotas.specs {
            let start = spec.per.start(now);
            let bound = bounds.iter().find(|bound| bound.resource == spec.resource);
            let used = match bound {
                Some(bound) if spec.per != Per::Standing => {
                    if bound.period == start {
                        bound.used
                    } else {
                        0
                    }
                }
                _ => count(tx, counted, workspace, start).await?,
            };
            standings.push(Standing {
                spec,
                used,
                limit: bound.map(|bound| bound.max),
                resets_at: spec.per.resets_at(now),
            });
        }
        Ok(standings)
    }

    /// Sets what a workspace may use; `None` takes the bound away. Resources that are not named stay as they are.
    pub(crate) async fn set_quotas(
        &self,
        allow: &Allow<WriteQuotas>,
        id: WorkspaceId,
        wanted: BTreeMap<String, Option<i64>>,
    ) -> Result<Vec<Standing>, Error> {
        for (resource, limit) in &wanted {
            if self.0.quotas.find(resource).is_none() {
                return Err(invalid(format!(
                    "{:?} is no resource",
                    resource.chars().take(80).collect::<String>()
                )));
            }
            if limit.is_some_and(|limit| !(0..=MAX).contains(&limit)) {
                return Err(invalid(format!("{resource} must be from 0 to {MAX}, or null for no bound")));
            }
        }
        let mut tx = self.0.db.begin().await?;
        let workspace = store::workspaces::find(&mut tx, id).await?.ok_or(Error::WorkspaceNotFound(id))?;
        let (mut before, mut after) = (serde_json::Map::new(), serde_json::Map::new());
        for (resource, limit) in &wanted {
            let old = store::quotas::lock(&mut tx, id, resource).await?;
            let old_limit = old.as_ref().map(|old| old.max);
            if old_limit == *limit {
                continue;
            }
            before.insert(resource.clone(), json!(old_limit));
            after.insert(resource.clone(), json!(limit));
            match limit {
                Some(max) => self.bound(&mut tx, allow, &workspace, resource, old, *max).await?,
                None => store::quotas::unset(&mut tx, id, resource).await?,
            }
        }
        if !after.is_empty() {
            let entry = NewEntry { workspace: id, ..NewEntry::by(allow, "identity.quotas-changed") };
            let entry = entry.target(id).detail(json!({ "before": before, "after": after }));
            self.write_down(&mut tx, entry).await?;
        }
        tx.commit().await?;
        self.0.bounds.changed();
        let mut tx = self.0.db.read().await?;
        self.standings(&mut tx, id, allow.now).await
    }

    async fn bound(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        workspace: &Workspace,
        resource: &str,
        old: Option<Bound>,
        max: i64,
    ) -> Result<(), Error> {
        let Some((spec, counted)) = self.0.quotas.find(resource) else { return Ok(()) };
        let start = spec.per.start(ctx.now);
        let used = match &old {
            Some(old) if spec.per != Per::Standing => {
                if old.period == start {
                    old.used
                } else {
                    0
                }
            }
            _ => count(tx, counted, workspace.id, start).await?,
        };
        let mut bound = Bound {
            workspace: workspace.id,
            resource: resource.to_owned(),
            max,
            period: start,
            used,
            told_period: start,
            told_percent: 0,
        };
        self.tell(tx, ctx.now, spec, &mut bound, used).await?;
        store::quotas::set(tx, &bound, ctx.now).await?;
        Ok(())
    }

    async fn is_bounded(&self, tx: &mut Tx, ctx: &Ctx, resource: &str) -> db::Result<bool> {
        let bounds = &self.0.bounds;
        let age_max = SignedDuration::from_millis(self.config().session_cache_ms.into());
        if let Some(holds) = bounds.holds(ctx.workspace, resource, ctx.now, age_max) {
            return Ok(holds);
        }
        // Before reading: what changes meanwhile makes it old from the start.
        let epoch = bounds.epoch.load(Ordering::SeqCst);
        let all = store::quotas::list_all(tx).await?;
        let set: HashSet<_> = all.into_iter().map(|bound| (bound.workspace, bound.resource)).collect();
        let holds = set.contains(&(ctx.workspace, resource.to_owned()));
        let mut known = bounds.known.write().unwrap_or_else(PoisonError::into_inner);
        *known = Known { read_at: Some((ctx.now, epoch)), set };
        Ok(holds)
    }

    /// Tells the workspace's administrators of 80 and of 100 %, once each; `used` is what is used now. The caller saves.
    async fn tell(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        spec: &QuotaSpec,
        bound: &mut Bound,
        used: i64,
    ) -> db::Result<()> {
        let start = spec.per.start(now);
        let percent = match () {
            () if used >= bound.max => 100,
            () if used.saturating_mul(100) >= bound.max.saturating_mul(80) => 80,
            () => 0,
        };
        let told = if bound.told_period == start { bound.told_percent } else { 0 };
        if percent > told {
            self.notify(tx, now, spec, bound, used, percent).await?;
        }
        // What stands and became less may be told of again.
        bound.told_period = start;
        bound.told_percent = if spec.per == Per::Standing { percent } else { percent.max(told) };
        Ok(())
    }

    async fn notify(
        &self,
        tx: &mut Tx,
        now: Timestamp,
        spec: &QuotaSpec,
        bound: &Bound,
        used: i64,
        percent: i64,
    ) -> db::Result<()> {
        let ctx = Ctx::system("quotas", bound.workspace, now);
        let level = if percent >= 100 { Level::Error } else { Level::Warning };
        let notify = Notify::new(Recipients::Role(ADMIN.to_owned()), QUOTA_NEAR)
            .level(level)
            .param("label_en", spec.label[0])
            .param("label_fr", spec.label[1])
            .param("percent", percent)
            .param("used", amount(used, spec.unit))
            .param("limit", amount(bound.max, spec.unit));
        match self.0.jobs.enqueue(tx, &ctx, notify).await {
            Ok(_) => Ok(()),
            Err(jobs::Error::Db(error)) => Err(error),
            // A notice of fixed size is never refused for its own sake.
            Err(error) => {
                tracing::warn!(%error, "a quota could not be told of");
                Ok(())
            }
        }
    }

    fn reached(spec: &QuotaSpec, bound: &Bound, used: i64, asked: i64, now: Timestamp) -> QuotaReached {
        let wait = |at: Timestamp| u64::try_from(at.duration_since(now).as_secs()).unwrap_or(0).max(1);
        QuotaReached {
            resource: spec.resource.to_owned(),
            label: spec.label[0],
            unit: spec.unit,
            limit: bound.max,
            used,
            asked,
            retry_after_s: spec.per.resets_at(now).map(wait),
        }
    }
}

#[async_trait]
impl QuotaKeeper for Identity {
    async fn check(&self, tx: &mut Tx, ctx: &Ctx, resource: &str, more: i64) -> Result<(), QuotaError> {
        if !self.is_bounded(tx, ctx, resource).await? {
            return Ok(());
        }
        let Some((spec, counted)) = self.0.quotas.find(resource) else { return Ok(()) };
        let Some(mut bound) = store::quotas::lock(tx, ctx.workspace, resource).await? else { return Ok(()) };
        let start = spec.per.start(ctx.now);
        let used = match spec.per {
            Per::Standing => count(tx, counted, ctx.workspace, start).await?,
            _ if bound.period == start => bound.used,
            _ => 0,
        };
        let after = used.saturating_add(more);
        if after > bound.max {
            return Err(Self::reached(spec, &bound, used, more, ctx.now).into());
        }
        (bound.period, bound.used) = (start, after);
        self.tell(tx, ctx.now, spec, &mut bound, after).await?;
        store::quotas::save_use(tx, &bound).await?;
        Ok(())
    }

    async fn tell_reached(&self, tx: &mut Tx, ctx: &Ctx, reached: &QuotaReached) -> db::Result<()> {
        let Some((spec, _)) = self.0.quotas.find(&reached.resource) else { return Ok(()) };
        let Some(mut bound) = store::quotas::lock(tx, ctx.workspace, &reached.resource).await? else {
            return Ok(());
        };
        let start = spec.per.start(ctx.now);
        if bound.told_period == start && bound.told_percent >= 100 {
            return Ok(());
        }
        (bound.told_period, bound.told_percent) = (start, 100);
        self.notify(tx, ctx.now, spec, &bound, reached.used, 100).await?;
        store::quotas::save_use(tx, &bound).await
    }
}

/// Asked before every task: those that people order count, but no mail, and nothing that Socle does by itself.
#[async_trait]
impl jobs::Gate for Identity {
    async fn admit(&self, tx: &mut Tx, ctx: &Ctx, kind: &'static str) -> jobs::Result<()> {
        let is_free = ctx.actor.user().is_none()
            || kind.starts_with("identity.")
            || kind.starts_with("notifications.")
            || ctx.workspace == jobs::installation();
        if is_free {
            return Ok(());
        }
        match self.check(tx, ctx, JOBS, 1).await {
            Ok(()) => Ok(()),
            Err(QuotaError::Reached(reached)) => {
                Err(jobs::Error::Refused(kernel::ToProblem::problem(&reached)))
            }
            Err(QuotaError::Db(error)) => Err(error.into()),
        }
    }
}

async fn count(
    tx: &mut Tx,
    counted: &[&'static str],
    workspace: WorkspaceId,
    since: Timestamp,
) -> db::Result<i64> {
    let mut used = 0_i64;
    for sql in counted {
        used = used.saturating_add(store::quotas::count_used(tx, sql, workspace, since).await?);
    }
    Ok(used)
}

fn invalid(reason: String) -> Error {
    Error::Invalid { pointer: "", reason }
}
