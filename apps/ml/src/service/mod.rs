//! Use cases: permission, rules, transaction.

mod access;
mod artifacts;
mod assessments;
mod batch;
mod columns;
mod evaluation;
mod experiments;
mod files;
mod history;
mod import;
mod inputs;
mod labels;
mod logged;
mod parts;
mod purge;
mod registry;
mod runs;
mod scorers;
mod search;
mod serving;
mod together;
mod traces;
mod versions;
mod webhooks;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use db::Db;
use kernel::{Clock, Ctx, WorkspaceId};
use moka::sync::Cache;
use outbound::Outbound;
use platform::{Audit, Directory, Platform, Quotas};
use realtime::Events;
use serde_json::Value;
use storage::Storage;

pub(crate) use access::{Shown, unauthenticated};
pub(crate) use artifacts::Entry;
pub(crate) use batch::Batch;
pub(crate) use columns::{Column, ColumnQuery};
pub(crate) use files::QUOTAS;
pub(crate) use history::Sample;
pub(crate) use import::{Database, Imported, Server, Source};
pub(crate) use labels::{LabelChange, NewLabel};
pub(crate) use logged::{LoggedQuery, NewLogged};
pub(crate) use parts::PARTS_MAX;
pub(crate) use runs::{NewRun, RunUpdate};
pub(crate) use search::{Query, RunQuery};
pub(crate) use serving::{Served, Which};
pub(crate) use traces::TraceQuery;
pub(crate) use versions::{NewVersion, number as version_number};
pub(crate) use webhooks::WebhookChange;

use crate::{Config, error::Error, store, worker::Worker};
use batch::Appended;
use runs::Beginning;
use together::Line;

/// The module's service. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Ml(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) storage: Storage,
    pub(crate) directory: Directory,
    pub(crate) quotas: Quotas,
    pub(crate) jobs: ::jobs::Jobs,
    pub(crate) events: Events,
    pub(crate) outbound: Outbound,
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
    /// Points of metrics on their way.
    appends: Line<Appended>,
    /// Runs that are to begin.
    beginnings: Line<Beginning>,
    /// Workspaces that are known to have their default experiment.
    ready: Mutex<HashSet<WorkspaceId>>,
    /// Access tokens of those who show e-mail address and password with every call.
    tokens: Cache<[u8; 32], kernel::Secret<String>>,
    /// Of the keys of `tokens`.
    tokens_key: [u8; 32],
    serving: serving::Serving,
}

impl std::ops::Deref for Ml {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Ml {
    pub(crate) fn new(platform: &Platform, config: Config, worker: Worker) -> anyhow::Result<Self> {
        let faults = config.validate();
        anyhow::ensure!(faults.is_empty(), "{}", faults.join("; "));
        let serving = serving::Serving::new(&config, worker);
        Ok(Self(Arc::new(Inner {
            serving,
            db: platform.db.clone(),
            storage: platform.storage.clone(),
            directory: platform.directory.clone(),
            quotas: platform.quotas.clone(),
            jobs: platform.jobs.clone(),
            events: platform.events.clone(),
            outbound: platform.outbound.clone(),
            config,
            clock: platform.clock.clone(),
            appends: Line::new(&platform.db, &platform.spawner),
            beginnings: Line::new(&platform.db, &platform.spawner),
            ready: Mutex::default(),
            tokens: Cache::builder().max_capacity(10_000).time_to_live(access::TOKEN_LIFE).build(),
            tokens_key: rand::random(),
        })))
    }

    /// By its name in addresses, or its id; without one, the first.
    pub(crate) async fn find_workspace(&self, name: Option<&str>) -> Result<Option<WorkspaceId>, Error> {
        let mut tx = self.db.read().await?;
        Ok(self.directory.find_workspace(&mut tx, name).await?)
    }

    /// Sees to it that the workspace has the experiment that runs go to when none is named.
    pub(crate) async fn prepare(&self, ctx: &Ctx) -> Result<(), Error> {
        const DEFAULT: (i64, &str) = (0, "Default");
        let is_ready = |ready: &Mutex<HashSet<WorkspaceId>>| {
            ready.lock().unwrap_or_else(PoisonError::into_inner).contains(&ctx.workspace)
        };
        if is_ready(&self.ready) {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        if store::experiments::insert_workspace(&mut tx, ctx.workspace).await? {
            let (number, name) = DEFAULT;
            let location = crate::model::artifact_root(number);
            // Older than any that the same call makes.
            let then = now_ms(ctx) - 1;
            store::experiments::insert(&mut tx, ctx.workspace, number, name, &location, then).await?;
        }
        tx.commit().await?;
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).insert(ctx.workspace);
        Ok(())
    }

    /// Keeps who did it, as the last statement of the transaction. For what takes something away or decides what is served;
    /// what runs log is its own record.
    async fn record(
        &self,
        tx: &mut db::Tx,
        ctx: &Ctx,
        action: &'static str,
        target: impl Into<String>,
        detail: Value,
    ) -> Result<(), Error> {
        let audit = Audit { action, target: Some(target.into()), detail };
        Ok(self.directory.record(tx, ctx, audit).await?)
    }
}

pub(crate) fn now_ms(ctx: &Ctx) -> i64 {
    ctx.now.as_millisecond()
}

/// How many rows a page has, from what the caller asked.
fn page_size(asked: Option<i64>, default: i64, max: i64) -> Result<i64, Error> {
    match asked.unwrap_or(default) {
        size if size > max => Err(Error::invalid(format!(
            "Invalid value {size} for parameter 'max_results' supplied. It must be at most {max}, but got value {size}"
        ))),
        size if size < 1 => Err(Error::invalid(format!(
            "Invalid value {size} for parameter 'max_results' supplied. It must be a positive integer."
        ))),
        size => Ok(size),
    }
}
