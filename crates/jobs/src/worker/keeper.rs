//! What a worker does beside its tasks: says that it lives, hears of cancellations, finds dead workers, clears up.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use kernel::TaskId;
use tokio::time::Instant;

use super::{Worker, attempt, store};
use crate::{Result, context::Stop, handlers::chain, queue::Inner, store::later};

/// Finished tasks are cleared this often, in this many rows at a time.
const EXPIRE_INTERVAL: Duration = Duration::from_secs(60);
const EXPIRE_ROWS: u32 = 1_000;
/// Gauges are set this often.
const GAUGE_INTERVAL: Duration = Duration::from_secs(10);
/// A cancellation reaches a running body within this time.
const RECONCILE_INTERVAL: Duration = Duration::from_millis(500);
/// A clock that was set back is noticed within this time.
const CLOCK_INTERVAL: Duration = Duration::from_secs(5);
/// What was made further ahead than this was made by a clock that was wrong.
const CLOCKS_APART: Duration = Duration::from_secs(5);

pub(super) async fn keep(worker: Arc<Worker>) {
    let config = &worker.jobs.config;
    let sweep_interval = (config.lease() / 6).max(Duration::from_millis(10));
    let mut keeper = Keeper {
        beaten: Instant::now(),
        strays: HashSet::new(),
        silence: HashMap::new(),
        swept: None,
        worker: worker.clone(),
    };
    let mut beat = tokio::time::interval(config.heartbeat());
    let mut reconcile = tokio::time::interval(RECONCILE_INTERVAL.min(config.lease()));
    let mut sweep = tokio::time::interval(sweep_interval);
    let mut expire = tokio::time::interval(EXPIRE_INTERVAL);
    let mut gauge = tokio::time::interval(GAUGE_INTERVAL);
    let mut clock = tokio::time::interval(CLOCK_INTERVAL.min(config.lease()));
    for interval in [&mut beat, &mut reconcile, &mut sweep, &mut expire, &mut gauge, &mut clock] {
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    }
    loop {
        let (what, done) = tokio::select! {
            biased;
            _ = beat.tick() => ("say that this worker lives", keeper.beat().await),
            _ = reconcile.tick() => ("compare what runs with the database", keeper.reconcile().await),
            _ = sweep.tick() => ("look for dead workers", keeper.sweep(sweep_interval).await),
            _ = expire.tick() => ("clear old tasks", keeper.expire().await),
            _ = gauge.tick() => ("count the tasks", keeper.gauge().await),
            _ = clock.tick() => ("look for tasks from a clock that was ahead", keeper.pull_back().await),
        };
        if let Err(error) = done {
            tracing::warn!(error = chain(&error), "could not {what}");
        }
        // Whoever cannot say that it lives must take itself for dead, because the others do.
        if keeper.beaten.elapsed() > config.lease() {
            worker.stop_all(Stop::LeaseLost);
        }
    }
}

struct Keeper {
    worker: Arc<Worker>,
    /// When a beat last reached the database.
    beaten: Instant,
    /// Held by the database's account but not running here, at the last look.
    strays: HashSet<(TaskId, i64)>,
    /// Each other worker's last beat, and for how long it has been that.
    silence: HashMap<String, (i64, Duration)>,
    swept: Option<Instant>,
}

impl Keeper {
    async fn beat(&mut self) -> Result<()> {
        let at = Instant::now();
        let jobs = &self.worker.jobs;
        let mut tx = jobs.db.begin().await?;
        let again = store::beat(&mut tx, &self.worker.id, jobs.clock.now()).await?;
        tx.commit().await?;
        self.beaten = at;
        if again {
            tracing::warn!("this worker had been taken for dead; its tasks may run elsewhere");
        }
        Ok(())
    }

    /// Passes cancellations on, stops what is no longer this worker's, gives back what it does not know of.
    async fn reconcile(&mut self) -> Result<()> {
        let worker = &self.worker;
        let before: Vec<TaskId> = worker.running().keys().copied().collect();
        let unverified = worker.unverified().clone();
        let mut tx = worker.jobs.db.read().await?;
        let held = store::held(&mut tx, &worker.id).await?;
        tx.rollback().await?;
        let mut strays = HashSet::new();
        let mut broken = Vec::new();
        {
            let running = worker.running();
            for task in &held {
                match running.get(&task.id) {
                    Some(known) if known.fence == task.fence => {
                        if task.cancel_requested {
                            known.stopper.stop(Stop::Cancelled);
                        }
                    }
                    _ => match unverified.get(&task.id) {
                        Some(known) if known.fence == task.fence => broken.push(known.clone()),
                        _ => drop(strays.insert((task.id, task.fence))),
                    },
                }
            }
            let held: HashMap<TaskId, i64> = held.iter().map(|task| (task.id, task.fence)).collect();
            // Only what already ran before the database was asked: the rest is newer than its answer.
            for (id, known) in before.iter().filter_map(|id| running.get(id).map(|known| (id, known))) {
                if held.get(id) != Some(&known.fence) && !known.completed.load(Ordering::Acquire) {
                    known.stopper.stop(Stop::LeaseLost);
                }
            }
        }
        for task in &broken {
            attempt::not_committed(worker, task).await?;
        }
        worker.unverified().retain(|id, task| unverified.get(id).is_none_or(|seen| seen.fence != task.fence));
        // Seen twice, it is no task between its claim and its start.
        for (id, fence) in strays.intersection(&self.strays) {
            tracing::warn!(job.task = %id, "gives back a task that it holds but does not run");
            let mut tx = worker.jobs.db.begin().await?;
            store::release(&mut tx, &worker.id, *id, *fence).await?;
            tx.commit().await?;
        }
        self.strays = strays;
        Ok(())
    }

    /// Measures how long the others have been silent, strikes off the dead and puts their tasks back in line.
    async fn sweep(&mut self, interval: Duration) -> Result<()> {
        let jobs = self.worker.jobs.clone();
        // A pause of this process, or of the database, tells nothing about the others: it counts as two looks at most.
        let passed = self.swept.map_or(Duration::ZERO, |at| at.elapsed().min(interval * 2));
        self.swept = None;
        let mut tx = jobs.db.read().await?;
        let beats = store::beats(&mut tx).await?;
        let orphans = store::any_orphan(&mut tx).await?;
        tx.rollback().await?;
        self.swept = Some(Instant::now());

        let now = jobs.clock.now();
        let (lease, heartbeat) = (jobs.config.lease(), jobs.config.heartbeat());
        let mut silence = HashMap::new();
        let mut dead = Vec::new();
        for other in beats.into_iter().filter(|other| other.worker != self.worker.id) {
            let silent = match self.silence.get(&other.worker) {
                Some((last, silent)) if *last == other.beat => *silent + passed,
                _ => Duration::ZERO,
            };
            // The clocks on the wall may shorten the wait, so that a watcher who has just begun need not watch for a
            // whole lease. They cannot kill alone: a beat must be missed before our eyes.
            let overdue = now.duration_since(other.seen_at).unsigned_abs() >= lease && other.seen_at < now;
            if silent >= lease || (overdue && silent >= heartbeat.mul_f64(1.5)) {
                dead.push((other.worker.clone(), other.beat));
            }
            silence.insert(other.worker, (other.beat, silent));
        }
        self.silence = silence;
        if dead.is_empty() && !orphans {
            return Ok(());
        }
        let mut tx = jobs.db.begin().await?;
        for (id, beat) in &dead {
            if store::give_up(&mut tx, id, *beat).await? {
                tracing::warn!(worker.id = id, "a worker is dead; its tasks run elsewhere");
            }
        }
        let rescued = store::rescue(&mut tx, jobs.clock.now(), jobs.config.losses_max, jobs.keep()).await?;
        tx.commit().await?;
        for change in &rescued {
            metrics::counter!("jobs_rescued_total", "kind" => change.kind.clone()).increment(1);
            if change.state.is_finished() {
                attempt::count_end(&change.kind, change.state);
            }
            jobs.tell(change);
        }
        if !rescued.is_empty() {
            jobs.enqueued.notify_one();
        }
        Ok(())
    }

    async fn expire(&mut self) -> Result<()> {
        Worker::expire(&self.worker.jobs).await.map(drop)
    }

    /// Tasks that were made while a clock was ahead would wait until it gets there again: those that nobody wanted to wait
    /// become due now.
    async fn pull_back(&mut self) -> Result<()> {
        let jobs = &self.worker.jobs;
        let ahead = later(jobs.clock.now(), CLOCKS_APART);
        let mut tx = jobs.db.read().await?;
        let any = store::any_made_after(&mut tx, ahead).await?;
        tx.rollback().await?;
        if !any {
            return Ok(());
        }
        let mut tx = jobs.db.begin().await?;
        let tasks = store::pull_back(&mut tx, ahead, jobs.clock.now()).await?;
        tx.commit().await?;
        if tasks > 0 {
            tracing::warn!(
                tasks,
                "the clock was set back; tasks that were made while it was ahead are due now"
            );
            jobs.enqueued.notify_one();
        }
        Ok(())
    }

    /// Tells how long the lines are. Every worker tells the same.
    async fn gauge(&mut self) -> Result<()> {
        for (kind, age) in self.worker.longest_running() {
            metrics::gauge!("jobs_longest_running_seconds", "kind" => kind).set(age.as_secs_f64());
        }
        let jobs = &self.worker.jobs;
        let mut tx = jobs.db.read().await?;
        let queues = crate::store::queues(&mut tx, &jobs.config, jobs.clock.now()).await?;
        tx.rollback().await?;
        for queue in queues {
            let counts = [("waiting", queue.waiting), ("running", queue.running), ("failed", queue.failed)];
            for (state, tasks) in counts {
                metrics::gauge!("jobs_queue_depth", "queue" => queue.name.clone(), "state" => state)
                    .set(tasks as f64);
            }
            metrics::gauge!("jobs_oldest_waiting_seconds", "queue" => queue.name.clone())
                .set(queue.oldest_waiting.unwrap_or_default().as_secs_f64());
            metrics::gauge!("jobs_queue_paused", "queue" => queue.name).set(if queue.is_paused {
                1.0
            } else {
                0.0
            });
        }
        Ok(())
    }
}

impl Worker {
    /// Deletes tasks past their time, in small transactions.
    pub(crate) async fn expire(jobs: &Inner) -> Result<u64> {
        let mut total = 0;
        loop {
            let mut tx = jobs.db.begin().await?;
            let rows = store::expire(&mut tx, jobs.clock.now(), EXPIRE_ROWS).await?;
            tx.commit().await?;
            total += rows;
            if rows < u64::from(EXPIRE_ROWS) {
                return Ok(total);
            }
        }
    }
}
