//! One process's worker: claims tasks while it has room, runs them, and stops without losing any.

mod attempt;
mod claim;
mod keeper;
mod settler;
pub(crate) mod store;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kernel::{Id, TaskId, Timestamp};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Handlers, Result, State, TaskChange,
    context::{Stop, Stopper},
    handlers::chain,
    queue::Inner,
    wake,
};
use claim::{Claim, Turn};
use store::Claimed;

kernel::id_kind! {
    /// One run of a worker process.
    pub(crate) WorkerRun = "wrk" => WorkerRunId
}

pub(crate) struct Worker {
    jobs: Arc<Inner>,
    handlers: Handlers,
    kinds: Vec<&'static str>,
    id: String,
    /// What this process runs now. Locked for single look-ups only, never across an await.
    running: Mutex<HashMap<TaskId, Running>>,
    /// Ended here, and completed by their bodies' own transactions if those kept their word. Locked likewise.
    unverified: Mutex<HashMap<TaskId, Arc<Claimed>>>,
    settlements: settler::Settlements,
    /// Taken by `run`.
    ends: Mutex<Option<mpsc::UnboundedReceiver<settler::Ended>>>,
}

struct Running {
    fence: i64,
    kind: String,
    begun: tokio::time::Instant,
    stopper: Stopper,
    /// The body has called `complete_in`: its row may be settled before it returns.
    completed: Arc<std::sync::atomic::AtomicBool>,
}

struct Lane {
    queue: String,
    slots: Arc<Semaphore>,
    turn: Turn,
}

/// Wait after a failure of the database.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

impl Worker {
    pub(crate) fn new(jobs: Arc<Inner>, handlers: Handlers) -> Arc<Self> {
        let id = Id::<WorkerRun>::new(jobs.clock.now()).to_string();
        let kinds = handlers.kinds();
        let (settlements, ends) = mpsc::unbounded_channel();
        Arc::new(Self {
            jobs,
            handlers,
            kinds,
            id,
            running: Mutex::default(),
            unverified: Mutex::default(),
            settlements,
            ends: Mutex::new(Some(ends)),
        })
    }

    pub(crate) async fn run(self: Arc<Self>, shutdown: CancellationToken) {
        if self.kinds.is_empty() || self.jobs.config.queues.is_empty() {
            tracing::info!("this worker has no kinds or no queues of tasks, so it rests");
            return shutdown.cancelled().await;
        }
        attempt::count_from_zero(&self.kinds);
        // A task claimed by a worker that is not in the books would count as orphaned: first sign on.
        while let Err(error) = self.sign_on().await {
            tracing::warn!(error = chain(&error), "could not sign on as a worker; trying again");
            tokio::select! {
                () = tokio::time::sleep(AFTER_FAILURE) => {}
                () = shutdown.cancelled() => return,
            }
        }
        tracing::info!(worker.id = self.id, kinds = self.kinds.len(), "worker began");
        let mut keeper = JoinSet::new();
        keeper.spawn(keeper::keep(self.clone()));
        keeper.spawn(wake::hear(self.jobs.clone()));
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner).take();
        keeper.spawn(settler::run(Arc::downgrade(&self), ends.expect("a worker runs once")));
        let mut attempts = JoinSet::new();
        self.work(&mut attempts, &shutdown).await;
        self.wind_down(&mut attempts).await;
        keeper.shutdown().await;
        self.sign_off().await;
    }

    async fn sign_on(&self) -> Result<()> {
        let mut tx = self.jobs.db.begin().await?;
        store::beat(&mut tx, &self.id, self.jobs.clock.now()).await?;
        Ok(tx.commit().await?)
    }

    /// Claims and runs until `shutdown`.
    async fn work(self: &Arc<Self>, attempts: &mut JoinSet<()>, shutdown: &CancellationToken) {
        let mut lanes: Vec<Lane> = (self.jobs.config.queues.iter())
            .map(|(queue, slots)| Lane {
                queue: queue.clone(),
                slots: Arc::new(Semaphore::new(*slots as usize)),
                turn: Turn::default(),
            })
            .collect();
        let poll = self.jobs.config.poll();
        // Something is likely to be there: do not look before the claim.
        let mut busy = false;
        loop {
            if busy {
                // Attempts that ended in one transaction wake one after the other: one claim for all of their slots.
                tokio::task::yield_now().await;
            }
            while attempts.try_join_next().is_some() {}
            let free = lanes.iter().any(|lane| lane.slots.available_permits() > 0);
            let mut wait = poll;
            if free && !shutdown.is_cancelled() {
                match self.claim(&mut lanes, busy).await {
                    Ok((claimed, next)) => {
                        busy = !claimed.is_empty();
                        for (task, slot) in claimed {
                            self.begin(task, slot, attempts);
                        }
                        wait = next.min(poll);
                    }
                    Err(error) => {
                        tracing::warn!(error = chain(&error), "could not claim tasks; trying again");
                        (busy, wait) = (false, AFTER_FAILURE);
                    }
                }
                if busy {
                    continue;
                }
            }
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                Some(_) = attempts.join_next() => busy = true,
                () = self.jobs.enqueued.notified() => busy = true,
                () = tokio::time::sleep(wait), if free => {}
            }
        }
    }

    /// Claims for all lanes with room, in one transaction. On SQLite an idle worker looks with a read first, so as not to
    /// take the only write lock for nothing. Where nothing is due, tells how soon something will be.
    async fn claim(
        &self,
        lanes: &mut [Lane],
        busy: bool,
    ) -> Result<(Vec<(Claimed, OwnedSemaphorePermit)>, Duration)> {
        let now = self.jobs.clock.now();
        let has_room = |lane: &Lane| lane.slots.available_permits() > 0;
        let open: Vec<String> =
            lanes.iter().filter(|lane| has_room(lane)).map(|lane| lane.queue.clone()).collect();
        let open: Vec<&str> = open.iter().map(String::as_str).collect();
        if !busy && self.jobs.db.engine() == db::Engine::Sqlite {
            let mut tx = self.jobs.db.read().await?;
            if !claim::any_due(&mut tx, &open, &self.kinds, now).await? {
                return Ok((Vec::new(), until(claim::next_due(&mut tx, &open, now).await?, now)));
            }
        }
        let mut tx = self.jobs.db.begin().await?;
        let mut claimed = Vec::new();
        for lane in lanes.iter_mut().filter(|lane| has_room(lane)) {
            let wanted = Claim {
                worker: &self.id,
                queue: &lane.queue,
                kinds: &self.kinds,
                limit: lane.slots.available_permits(),
                workspace_max: self.jobs.config.workspace_running_max,
                now,
            };
            for task in claim::claim(&mut tx, &wanted, &mut lane.turn).await? {
                // Only this task takes permits, so there are as many as there was room.
                if let Ok(slot) = lane.slots.clone().try_acquire_owned() {
                    claimed.push((task, slot));
                }
            }
        }
        if claimed.is_empty() {
            let next = claim::next_due(&mut tx, &open, now).await?;
            tx.rollback().await?;
            return Ok((claimed, until(next, now)));
        }
        tx.commit().await?;
        Ok((claimed, Duration::ZERO))
    }

    fn begin(self: &Arc<Self>, task: Claimed, slot: OwnedSemaphorePermit, attempts: &mut JoinSet<()>) {
        let now = self.jobs.clock.now();
        let delay_s = now.duration_since(task.run_at).as_secs_f64().max(0.0);
        metrics::histogram!("jobs_start_delay_seconds", "queue" => task.queue.clone()).record(delay_s);
        metrics::counter!("jobs_started_total", "kind" => task.kind.clone()).increment(1);
        metrics::gauge!("jobs_running").increment(1.0);
        let stopper = Stopper::default();
        let completed = Arc::default();
        let running = Running {
            fence: task.fence,
            kind: task.kind.clone(),
            begun: tokio::time::Instant::now(),
            stopper: stopper.clone(),
            completed: Arc::clone(&completed),
        };
        self.running().insert(task.id, running);
        self.tell(&task, State::Running, 0);
        let worker = self.clone();
        let task = Arc::new(task);
        attempts.spawn(async move {
            // Also when this future is dropped half-way.
            let _end = End { worker: worker.clone(), id: task.id, fence: task.fence, slot };
            attempt::run(&worker, task, stopper, completed).await;
        });
    }

    /// Lets running tasks end, then tells them to, then drops them.
    async fn wind_down(&self, attempts: &mut JoinSet<()>) {
        let config = &self.jobs.config;
        if !attempts.is_empty() {
            tracing::info!(running = attempts.len(), "worker stops; its running tasks may end");
        }
        if !all_end(attempts, config.shutdown_grace()).await {
            self.stop_all(Stop::Shutdown);
            // The attempts give their bodies the grace by themselves, then write that they are released.
            all_end(attempts, config.cancel_grace() + Duration::from_secs(2)).await;
        }
        attempts.shutdown().await;
    }

    async fn sign_off(&self) {
        let signed_off = async {
            let mut tx = self.jobs.db.begin().await?;
            let released = store::sign_off(&mut tx, &self.id).await?;
            tx.commit().await?;
            Ok::<_, crate::Error>(released)
        };
        match signed_off.await {
            Ok(released) => tracing::info!(worker.id = self.id, released, "worker ended"),
            // The others find out by the missing beat.
            Err(error) => tracing::warn!(error = chain(&error), "could not sign off; the lease will run out"),
        }
    }

    fn stop_all(&self, reason: Stop) {
        for running in self.running().values() {
            running.stopper.stop(reason);
        }
    }

    /// Age of the oldest attempt of each kind that this worker knows; zero for those that do not run.
    fn longest_running(&self) -> HashMap<&'static str, std::time::Duration> {
        let running = self.running();
        let age = |kind: &str| {
            let ages = running.values().filter(|task| task.kind == kind).map(|task| task.begun.elapsed());
            ages.max().unwrap_or_default()
        };
        self.kinds.iter().map(|kind| (*kind, age(kind))).collect()
    }

    fn running(&self) -> MutexGuard<'_, HashMap<TaskId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unverified(&self) -> MutexGuard<'_, HashMap<TaskId, Arc<Claimed>>> {
        self.unverified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, task: &Claimed, state: State, progress: u8) {
        self.jobs.tell(&TaskChange {
            task: task.id,
            workspace: task.workspace,
            kind: task.kind.clone(),
            state,
            progress,
            message: None,
            attempt: task.attempt,
        });
    }
}

/// How long to wait for a time; for ever, if there is none. A timer may fire a little early by the other clock.
fn until(next: Option<Timestamp>, now: Timestamp) -> Duration {
    next.map_or(Duration::MAX, |at| {
        at.duration_since(now).unsigned_abs().saturating_add(Duration::from_millis(1))
    })
}

/// Whether all ended within `time`.
async fn all_end(attempts: &mut JoinSet<()>, time: Duration) -> bool {
    let until = Instant::now() + time;
    while !attempts.is_empty() {
        if tokio::time::timeout_at(until, attempts.join_next()).await.is_err() {
            return false;
        }
    }
    true
}

/// Ends the bookkeeping of an attempt, however it ended.
struct End {
    worker: Arc<Worker>,
    id: TaskId,
    fence: i64,
    #[expect(dead_code, reason = "held, so that the slot comes free with this")]
    slot: OwnedSemaphorePermit,
}

impl Drop for End {
    fn drop(&mut self) {
        metrics::gauge!("jobs_running").decrement(1.0);
        let mut running = self.worker.running();
        // The same task may already run here again, after a lost lease.
        if running.get(&self.id).is_some_and(|running| running.fence == self.fence) {
            running.remove(&self.id);
        }
    }
}
