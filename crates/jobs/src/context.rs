use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use db::{Db, Tx};
use kernel::{Allow, Ctx, Permission, RequestId, TaskId, Timestamp, TraceParent, WorkspaceId};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{
    Error, Result, State, TaskChange,
    queue::Inner,
    store,
    worker::store::{self as tasks, Claimed, Settlement},
};

/// Why a running task was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stop {
    /// Somebody cancelled it.
    Cancelled = 1,
    Timeout = 2,
    /// The worker stops.
    Shutdown = 3,
    /// Another worker may have it.
    LeaseLost = 4,
}

/// The token that a handler watches, and why it fired. The first reason counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stopper {
    token: CancellationToken,
    reason: Arc<AtomicU8>,
}

impl Stopper {
    pub(crate) fn stop(&self, reason: Stop) {
        // Relaxed would do: the token orders it.
        let _ = self.reason.compare_exchange(0, reason as u8, Ordering::AcqRel, Ordering::Acquire);
        self.token.cancel();
    }

    pub(crate) fn reason(&self) -> Option<Stop> {
        match self.reason.load(Ordering::Acquire) {
            1 => Some(Stop::Cancelled),
            2 => Some(Stop::Timeout),
            3 => Some(Stop::Shutdown),
            4 => Some(Stop::LeaseLost),
            _ => None,
        }
    }

    pub(crate) async fn stopped(&self) {
        self.token.cancelled().await;
    }
}

/// What a handler knows about its attempt, and how it reports. Cheap to clone.
#[derive(Clone)]
pub struct JobContext {
    pub task: TaskId,
    pub workspace: WorkspaceId,
    /// From 1.
    pub attempt: u32,
    pub max_attempts: u32,
    /// Fires when the task is cancelled, its time is up, its lease is lost or the worker stops. A handler that then
    /// returns soon is settled cleanly; one that does not is dropped at its next await after `jobs.cancel_grace_ms`.
    pub cancel: CancellationToken,
    kind: &'static str,
    claimed: Arc<Claimed>,
    jobs: Arc<Inner>,
    completed: Arc<AtomicBool>,
    progress: Arc<Mutex<Reported>>,
}

#[derive(Default)]
struct Reported {
    at: Option<Instant>,
    percent: u8,
    message: Option<String>,
}

/// Progress is written at most this often, and whenever the message changes.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

impl JobContext {
    pub(crate) fn new(
        kind: &'static str,
        claimed: Arc<Claimed>,
        jobs: Arc<Inner>,
        stopper: &Stopper,
        completed: Arc<AtomicBool>,
    ) -> Self {
        Self {
            task: claimed.id,
            workspace: claimed.workspace,
            attempt: claimed.attempt,
            max_attempts: claimed.max_attempts,
            cancel: stopper.token.clone(),
            kind,
            claimed,
            jobs,
            completed,
            progress: Arc::default(),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.jobs.clock.now()
    }

    pub fn db(&self) -> &Db {
        &self.jobs.db
    }

    /// The system acting for this task, under the id of the request that asked for it.
    pub fn ctx(&self) -> Ctx {
        let mut ctx = Ctx::system(self.kind, self.workspace, self.now());
        ctx.request_id = RequestId::parse(&self.claimed.request_id).unwrap_or(ctx.request_id);
        ctx.locale = store::locale(&self.claimed.locale);
        ctx.trace_parent = telemetry::trace::current().or_else(|| self.trace_parent());
        ctx
    }

    /// The W3C `traceparent` of the request that asked for the task, if it was traced.
    pub fn trace_parent(&self) -> Option<TraceParent> {
        self.claimed.trace_parent()
    }

    /// The proof that services ask for.
    pub fn allow<P: Permission>(&self) -> Allow<P> {
        self.ctx().allow().expect("the system holds every permission")
    }

    /// Tells how far the task is, 0 to 100 percent. Steps that follow each other closely are told together.
    ///
    /// # Errors
    ///
    /// [`Error::LeaseLost`] if the attempt does not count any more: stop.
    pub async fn progress(&self, percent: u8, message: &str) -> Result<()> {
        let percent = percent.min(100);
        let mut last = self.progress.lock().await;
        let same = last.message.as_deref() == Some(message);
        if same && (percent == last.percent || last.at.is_some_and(|at| at.elapsed() < PROGRESS_INTERVAL)) {
            return Ok(());
        }
        let mut tx = self.jobs.db.begin().await?;
        if !tasks::set_progress(&mut tx, &self.claimed, percent, Some(message)).await? {
            return Err(Error::LeaseLost(self.task));
        }
        tx.commit().await?;
        *last = Reported { at: Some(Instant::now()), percent, message: Some(message.to_owned()) };
        self.jobs.tell(&TaskChange {
            task: self.task,
            workspace: self.workspace,
            kind: self.claimed.kind.clone(),
            state: State::Running,
            progress: percent,
            message: Some(message.to_owned()),
            attempt: self.attempt,
        });
        Ok(())
    }

    /// Completes the task in the handler's own transaction, so that its effects and `SUCCEEDED` commit together or not
    /// at all. The handler then commits and returns `Ok`; what it returns is not kept.
    ///
    /// # Errors
    ///
    /// [`Error::LeaseLost`] if another attempt has the task or it is over: drop the transaction.
    pub async fn complete_in(&self, tx: &mut Tx, result: serde_json::Value) -> Result<()> {
        let settled =
            tasks::settle(tx, &self.claimed, &Settlement::Succeeded(result), self.now(), self.jobs.keep())
                .await?;
        if !settled {
            return Err(Error::LeaseLost(self.task));
        }
        self.completed.store(true, Ordering::Release);
        Ok(())
    }
}
