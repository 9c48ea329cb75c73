use std::{
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use db::{Db, Tx};
use kernel::{Clock, Ctx, TaskId, WorkspaceId};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    Config, Enqueue, Error, Handlers, Job, Options, QueueState, Result, Schedule, Schedules, State, Steer,
    Steered, Task, TaskChange, TaskFilter, TaskList,
    schedule::{self, Ticker},
    store::{self, Keep},
    wake,
    worker::Worker,
};

/// Tasks that one transaction steers, so that others get their turn to write in between.
const STEERED_TOGETHER: u32 = 500;

type Listener = Arc<dyn Fn(&TaskChange) + Send + Sync>;

/// Asked for every task that is about to be made, in its transaction: may it be? Where nobody is set, each may.
#[async_trait]
pub trait Gate: Send + Sync + 'static {
    /// # Errors
    ///
    /// [`Error::Refused`], which the caller passes on.
    async fn admit(&self, tx: &mut Tx, ctx: &Ctx, kind: &'static str) -> Result<()>;
}

/// The tasks of one installation. Cheap to clone.
#[derive(Clone)]
pub struct Jobs(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: Config,
    /// Wakes this process's worker.
    pub(crate) enqueued: Notify,
    /// Wakes the one that tells the other processes.
    pub(crate) to_tell: Notify,
    keep_h: AtomicU64,
    keep_failed_h: AtomicU64,
    listeners: RwLock<Vec<Listener>>,
    gate: OnceLock<Arc<dyn Gate>>,
    schedules: RwLock<Arc<[Schedule]>>,
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

    /// What the modules of this process declare.
    pub(crate) fn schedules(&self) -> Arc<[Schedule]> {
        self.schedules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The workspace of work that belongs to the installation as a whole, such as what schedules make.
pub fn installation() -> WorkspaceId {
    WorkspaceId::from_uuid(Default::default())
}

/// A job without its type: what becomes a row.
pub(crate) struct Order {
    pub(crate) kind: &'static str,
    pub(crate) options: Options,
    pub(crate) args: String,
    pub(crate) unique_key: Option<String>,
}

impl Order {
    pub(crate) fn of<J: Job>(job: &J) -> Result<Self> {
        let args = serde_json::to_string(job).map_err(|source| Error::Encode { kind: J::KIND, source })?;
        Ok(Self { kind: J::KIND, options: J::options(), args, unique_key: job.unique_key() })
    }
}

/// Makes the task in the caller's transaction.
pub(crate) async fn place(
    jobs: &Arc<Inner>,
    tx: &mut Tx,
    ctx: &Ctx,
    order: Order,
    how: Enqueue,
) -> Result<TaskId> {
    let limit = jobs.config.args_bytes_max;
    if order.args.len() > limit {
        return Err(Error::ArgsTooLarge { kind: order.kind, size: order.args.len(), limit });
    }
    let unique_key = how.unique_key.or(order.unique_key);
    let task = store::NewTask {
        id: TaskId::new(ctx.now),
        kind: order.kind,
        args: &order.args,
        unique_key: unique_key.as_deref(),
        priority: how.priority.unwrap_or(order.options.priority),
        run_at: store::later(ctx.now, how.delay),
        options: &order.options,
    };
    loop {
        if store::insert(tx, ctx, &task).await? {
            // After, since one that is there already makes no task.
            if let Some(gate) = jobs.gate.get()
                && let Err(refused) = gate.admit(tx, ctx, order.kind).await
            {
                // For a caller who goes on without the task.
                if matches!(refused, Error::Refused(_)) {
                    store::delete(tx, ctx.workspace, task.id).await?;
                }
                return Err(refused);
            }
            metrics::counter!("jobs_enqueued_total", "kind" => order.kind).increment(1);
            wake_after(jobs, tx);
            return Ok(task.id);
        }
        // The other one may finish between the two statements (PostgreSQL); then the key is free again.
        let key = unique_key.as_deref().unwrap_or_default();
        if let Some(other) = store::find_unique(tx, ctx.workspace, order.kind, key).await? {
            return Ok(other);
        }
    }
}

/// Tells the workers once the transaction is committed.
fn wake_after(jobs: &Arc<Inner>, tx: &mut Tx) {
    let jobs = jobs.clone();
    tx.after_commit(move || {
        jobs.enqueued.notify_one();
        jobs.to_tell.notify_one();
    });
}

impl Jobs {
    pub fn new(db: Db, clock: Arc<dyn Clock>, config: Config) -> Self {
        let (keep_h, keep_failed_h) = (config.keep_h.into(), config.keep_failed_h.into());
        Self(Arc::new(Inner {
            db,
            clock,
            config,
            enqueued: Notify::new(),
            to_tell: Notify::new(),
            keep_h,
            keep_failed_h,
            listeners: RwLock::default(),
            gate: OnceLock::new(),
            schedules: RwLock::new(Arc::new([])),
        }))
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

    /// Names the schedules of this installation, before [`run`](Self::run).
    ///
    /// # Panics
    ///
    /// If two have one name: two modules chose it.
    pub fn declare(&self, schedules: Vec<Schedule>) {
        let mut names: Vec<_> = schedules.iter().map(|schedule| schedule.name).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            panic!("two schedules are named {}", pair[0]);
        }
        *self.0.schedules.write().unwrap_or_else(PoisonError::into_inner) = schedules.into();
    }

    /// Sets who is asked before tasks are made; once, before anything runs. A second call changes nothing.
    pub fn set_gate(&self, gate: Arc<dyn Gate>) {
        drop(self.0.gate.set(gate));
    }

    /// The declared schedules, to look at and to steer.
    pub fn schedules(&self) -> Schedules {
        Schedules(self.0.clone())
    }

    /// Calls `listener` for every step that this process makes in a task's life (begun, progress, settled, rescued),
    /// after it is committed. It must return soon: it runs on the worker.
    pub fn on_change(&self, listener: Arc<dyn Fn(&TaskChange) + Send + Sync>) {
        self.0.listeners.write().unwrap_or_else(PoisonError::into_inner).push(listener);
    }

    /// Tells the listeners of a step that was not a worker's: somebody has cancelled or retried the task, and that is
    /// committed.
    pub fn tell(&self, task: &Task) {
        self.0.tell(&TaskChange {
            task: task.id,
            workspace: task.workspace,
            kind: task.kind.clone(),
            state: task.state,
            progress: task.progress,
            message: task.message.clone(),
            attempt: task.attempt,
        });
    }

    /// Makes a task in the caller's transaction: it exists if and when that commits. The id is that of an unfinished
    /// task with the same unique key, where there is one.
    ///
    /// # Errors
    ///
    /// [`Error::ArgsTooLarge`] for arguments above `jobs.args_bytes_max`.
    pub async fn enqueue<J: Job>(&self, tx: &mut Tx, ctx: &Ctx, job: J) -> Result<TaskId> {
        self.enqueue_with(tx, ctx, job, Enqueue::default()).await
    }

    /// As [`enqueue`](Self::enqueue), with other options than the kind's.
    pub async fn enqueue_with<J: Job>(&self, tx: &mut Tx, ctx: &Ctx, job: J, how: Enqueue) -> Result<TaskId> {
        place(&self.0, tx, ctx, Order::of(&job)?, how).await
    }

    pub async fn find(&self, tx: &mut Tx, workspace: WorkspaceId, id: TaskId) -> Result<Option<Task>> {
        store::find(tx, workspace, id).await
    }

    /// The task, whatever its workspace: for operators on the command line.
    pub async fn find_anywhere(&self, tx: &mut Tx, id: TaskId) -> Result<Option<Task>> {
        store::find_anywhere(tx, id).await
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
        let (items, total) = store::list(tx, Some(workspace), filter, page_size, offset).await?;
        Ok(TaskList { items, total })
    }

    /// As [`list`](Self::list), over all workspaces: for operators on the command line.
    pub async fn list_everywhere(
        &self,
        tx: &mut Tx,
        filter: &TaskFilter,
        page: u32,
        page_size: u32,
    ) -> Result<TaskList> {
        let offset = i64::from(page.saturating_sub(1)) * i64::from(page_size);
        let (items, total) = store::list(tx, None, filter, page_size, offset).await?;
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
        wake_after(&self.0, tx);
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

    /// Retries, cancels or discards all tasks of all workspaces that fit and are in a state for it, newest first, each
    /// once, in transactions of its own: for operators on the command line.
    pub async fn steer_all(&self, steer: Steer, filter: &TaskFilter) -> Result<Steered> {
        let jobs = &self.0;
        let is_wanted = |state: &State| filter.states.is_empty() || filter.states.contains(state);
        let states: Vec<_> = steer.states().iter().copied().filter(is_wanted).collect();
        let mut steered = Steered::default();
        if states.is_empty() {
            return Ok(steered);
        }
        let filter = TaskFilter { states, ..filter.clone() };
        let mut last = None;
        loop {
            let mut tx = jobs.db.begin().await?;
            let ids = store::ids(&mut tx, &filter, last, STEERED_TOGETHER).await?;
            last = ids.last().copied();
            if last.is_none() {
                return Ok(steered);
            }
            let now = jobs.clock.now();
            let done = match steer {
                Steer::Retry => store::retry_these(&mut tx, &ids, now).await?,
                Steer::Cancel => store::cancel_these(&mut tx, &ids, now, jobs.keep()).await?,
                Steer::Discard => store::delete_these(&mut tx, &ids).await?,
            };
            if steer == Steer::Retry {
                wake_after(jobs, &mut tx);
            }
            tx.commit().await?;
            steered.done += done;
            steered.left_out += (ids.len() as u64).saturating_sub(done);
        }
    }

    /// Workers begin no more tasks of a queue, on all machines; what runs goes on.
    ///
    /// # Errors
    ///
    /// [`Error::NoQueue`] if it is in nobody's settings and holds no task.
    pub async fn pause(&self, tx: &mut Tx, queue: &str) -> Result<QueueState> {
        self.queue(tx, queue).await?;
        store::pause(tx, queue, self.0.clock.now()).await?;
        self.queue(tx, queue).await
    }

    /// # Errors
    ///
    /// As [`pause`](Self::pause).
    pub async fn resume(&self, tx: &mut Tx, queue: &str) -> Result<QueueState> {
        self.queue(tx, queue).await?;
        store::resume(tx, queue).await?;
        wake_after(&self.0, tx);
        self.queue(tx, queue).await
    }

    /// The queues that this process's settings name, and those that hold tasks.
    pub async fn queues(&self, tx: &mut Tx) -> Result<Vec<QueueState>> {
        store::queues(tx, &self.0.config, self.0.clock.now()).await
    }

    async fn queue(&self, tx: &mut Tx, name: &str) -> Result<QueueState> {
        let found = self.queues(tx).await?.into_iter().find(|queue| queue.name == name);
        found.ok_or_else(|| Error::NoQueue(name.to_owned()))
    }

    /// Names of the paused queues.
    pub async fn paused(&self, tx: &mut Tx) -> Result<Vec<String>> {
        store::paused(tx).await
    }

    /// Works the configured queues until `shutdown`, then lets running tasks end for `jobs.shutdown_grace_ms`, and puts
    /// the rest back in line. Database failures are waited out.
    pub async fn run(self, handlers: Handlers, shutdown: CancellationToken) {
        tokio::join!(
            Worker::new(self.0.clone(), handlers).run(shutdown.clone()),
            Ticker::new(self.0).run(shutdown),
        );
    }

    /// Tells the workers of other processes, on PostgreSQL, that this one has enqueued: they need not wait for their
    /// next look then. Every process that enqueues should run it, until `shutdown`.
    pub async fn wake_others(self, shutdown: CancellationToken) {
        wake::tell(&self.0, shutdown).await;
    }

    /// As [`wake_others`](Self::wake_others), once: for a command that ends.
    pub async fn wake_others_now(&self) {
        wake::tell_now(&self.0).await;
    }

    /// Deletes what nobody may look at any more: finished tasks past their time, and the history of schedules. Gives
    /// the number of rows.
    pub async fn forget_old(&self) -> Result<u64> {
        let keep = Duration::from_secs(self.0.config.keep_runs_h.saturating_mul(3_600));
        let before = self.0.clock.now().checked_sub(keep).unwrap_or(kernel::Timestamp::UNIX_EPOCH);
        let mut tx = self.0.db.begin().await?;
        let runs = schedule::store::forget_runs(&mut tx, before).await?;
        tx.commit().await?;
        Ok(runs + Worker::expire(&self.0).await?)
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
