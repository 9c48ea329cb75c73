use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use db::{Db, Tx};
use kernel::{Clock, Ctx, TaskId, WorkspaceId};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    Config, Enqueue, Error, Handlers, Job, Result, Task, TaskChange, TaskFilter, TaskList,
    store::{self, Keep},
    worker::Worker,
};

type Listener = Arc<dyn Fn(&TaskChange) + Send + Sync>;

/// The tasks of one installation. Cheap to clone.
#[derive(Clone)]
pub struct Jobs(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Config,
    pub(crate) enqueued: Notify,
    keep_h: AtomicU64,
    keep_failed_h: AtomicU64,
    listeners: RwLock<Vec<Listener>>,
}

impl Inner {
    /// How long what ends now is kept.
    pub(crate) fn keep(&self) -> Keep {
        Keep {
            hours: self.keep_h.load(Ordering::Relaxed),
            failed_hours: self.keep_failed_h.load(Ordering::Relaxed),
        }
    }

    /// Counts and passes on what is in the database by now.
    pub(crate) fn tell(&self, change: &TaskChange) {
        let listeners = self.listeners.read().unwrap_or_else(PoisonError::into_inner).clone();
        for listener in listeners {
            listener(change);
        }
    }
}

impl Jobs {
    pub fn new(db: Db, clock: Arc<dyn Clock>, config: Config) -> Self {
        let (keep_h, keep_failed_h) = (config.keep_h.into(), config.keep_failed_h.into());
        let (enqueued, listeners) = (Notify::new(), RwLock::default());
        Self(Arc::new(Inner { db, clock, config, enqueued, keep_h, keep_failed_h, listeners }))
    }

    /// How many hours succeeded or cancelled, and failed tasks are kept that end from now on.
    pub fn keep(&self) -> (u64, u64) {
        let keep = self.0.keep();
        (keep.hours, keep.failed_hours)
    }

    /// Changes what [`keep`](Self::keep) tells, in this process.
    pub fn set_keep(&self, hours: u64, failed_hours: u64) {
        self.0.keep_h.store(hours, Ordering::Relaxed);
        self.0.keep_failed_h.store(failed_hours, Ordering::Relaxed);
    }

    /// Calls `listener` for every step that this process makes in a task's life (begun, progress, settled, rescued),
    /// after it is committed. It must return soon: it runs on the worker.
    pub fn on_change(&self, listener: Arc<dyn Fn(&TaskChange) + Send + Sync>) {
        self.0.listeners.write().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    /// Makes a task in the caller's transaction: it exists if and when that commits. The id is that of an unfinished
    /// task with the same unique key, where there is one.
    pub async fn enqueue<J: Job>(&self, tx: &mut Tx, ctx: &Ctx, job: J) -> Result<TaskId> {
        self.enqueue_with(tx, ctx, job, Enqueue::default()).await
    }

    /// As [`enqueue`](Self::enqueue), with other options than the kind's.
    pub async fn enqueue_with<J: Job>(&self, tx: &mut Tx, ctx: &Ctx, job: J, how: Enqueue) -> Result<TaskId> {
        let unique_key = how.unique_key.or_else(|| job.unique_key());
        let task = store::NewTask {
            id: TaskId::new(ctx.now),
            args: serde_json::to_string(&job).map_err(|source| Error::Encode { kind: J::KIND, source })?,
            unique_key: unique_key.as_deref(),
            priority: how.priority.unwrap_or(J::options().priority),
            run_at: store::later(ctx.now, how.delay),
        };
        loop {
            if store::insert::<J>(tx, ctx, &task).await? {
                metrics::counter!("jobs_enqueued_total", "kind" => J::KIND).increment(1);
                if how.delay == Duration::ZERO {
                    self.wake();
                }
                return Ok(task.id);
            }
            // The other one may finish between the two statements (PostgreSQL); then the key is free again.
            let key = unique_key.as_deref().unwrap_or_default();
            if let Some(other) = store::find_unique(tx, ctx.workspace, J::KIND, key).await? {
                return Ok(other);
            }
        }
    }

    /// Tells this process's worker that tasks are there or about to be committed. `enqueue` does so by itself.
    pub fn wake(&self) {
        self.0.enqueued.notify_one();
    }

    pub async fn find(&self, tx: &mut Tx, workspace: WorkspaceId, id: TaskId) -> Result<Option<Task>> {
        store::find(tx, workspace, id).await
    }

    /// Page number `page` (from 1) of the tasks that fit, newest first.
    pub async fn list(
        &self,
        tx: &mut Tx,
        workspace: WorkspaceId,
        filter: &TaskFilter,
        page: u32,
        page_size: u32,
    ) -> Result<TaskList> {
        let offset = i64::from(page.saturating_sub(1)) * i64::from(page_size);
        let (items, total) = store::list(tx, workspace, filter, page_size, offset).await?;
        Ok(TaskList { items, total })
    }

    /// Cancels a waiting task at once, and asks a running one to stop. Gives the task as it is then.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`]; [`Error::WrongState`] if it is finished.
    pub async fn cancel(&self, tx: &mut Tx, workspace: WorkspaceId, id: TaskId) -> Result<Task> {
        let done = store::cancel(tx, workspace, id, self.0.clock.now(), self.0.keep()).await?;
        self.after(tx, workspace, id, done, "cancelled").await
    }

    /// Puts a failed or cancelled task back in line with all its attempts.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`]; [`Error::WrongState`] if it is neither; [`Error::Duplicate`] if one with its unique key is
    /// under way, after which the transaction is of no more use on PostgreSQL.
    pub async fn retry(&self, tx: &mut Tx, workspace: WorkspaceId, id: TaskId) -> Result<Task> {
        let done = store::retry(tx, workspace, id, self.0.clock.now()).await?;
        self.wake();
        self.after(tx, workspace, id, done, "retried").await
    }

    /// Deletes a task that does not run.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`]; [`Error::WrongState`] if it runs: cancel it first.
    pub async fn discard(&self, tx: &mut Tx, workspace: WorkspaceId, id: TaskId) -> Result<()> {
        if store::delete(tx, workspace, id).await? {
            return Ok(());
        }
        self.after(tx, workspace, id, false, "discarded").await.map(drop)
    }

    /// Workers begin no more tasks of a queue, on all machines; what runs goes on.
    pub async fn pause(&self, tx: &mut Tx, queue: &str) -> Result<()> {
        store::pause(tx, queue, self.0.clock.now()).await
    }

    pub async fn resume(&self, tx: &mut Tx, queue: &str) -> Result<()> {
        store::resume(tx, queue).await?;
        self.wake();
        Ok(())
    }

    /// Names of the paused queues.
    pub async fn paused(&self, tx: &mut Tx) -> Result<Vec<String>> {
        store::paused(tx).await
    }

    /// Works the configured queues until `shutdown`, then lets running tasks end for `jobs.shutdown_grace_ms`, and puts
    /// the rest back in line. Database failures are waited out.
    pub async fn run(self, handlers: Handlers, shutdown: CancellationToken) {
        Worker::new(self.0, handlers).run(shutdown).await;
    }

    async fn after(
        &self,
        tx: &mut Tx,
        workspace: WorkspaceId,
        id: TaskId,
        done: bool,
        verb: &'static str,
    ) -> Result<Task> {
        let task = store::find(tx, workspace, id).await?.ok_or(Error::NotFound(id))?;
        if done { Ok(task) } else { Err(Error::WrongState { task: id, state: task.state, verb }) }
    }
}
