//! Real processes, killed. This test program is its own worker: see `worker_process`.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use jobs::{CatchUp, Config, Handlers, Job, JobContext, JobError, Jobs, Options, Schedule, State};
use kernel::{Clock, SystemClock, TaskId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::stage::{self, Stage, Work, Working, write_ledger};

/// Stops at a place of its life, and is killed there.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Staged {
    place: Place,
    /// Made when the place is reached.
    mark: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Place {
    /// In the body, before any effect.
    Running,
    /// The effect and the completion are written, and not committed.
    BeforeCommit,
    /// They are committed, and the body has not returned.
    AfterCommit,
    /// Failed once, waits for its next attempt.
    Retrying,
    /// Told to stop, and not stopping.
    Cancelling,
}

impl Job for Staged {
    const KIND: &'static str = "test.staged";

    fn options() -> Options {
        Options { max_attempts: 3, ..Options::default() }
    }
}

impl Staged {
    /// What the process that will be killed does.
    async fn get_stuck(self, ctx: JobContext) -> Result<serde_json::Value, JobError> {
        let mark = || std::fs::write(&self.mark, b"").unwrap();
        match self.place {
            Place::Running | Place::Cancelling => mark(),
            Place::BeforeCommit | Place::AfterCommit => {
                let mut tx = ctx.db().begin().await?;
                tx.query("INSERT INTO ledger (n, attempt) VALUES (1, $1)")
                    .bind(ctx.attempt)
                    .execute()
                    .await?;
                ctx.complete_in(&mut tx, json!("stuck")).await?;
                if self.place == Place::AfterCommit {
                    tx.commit().await?;
                    mark();
                } else {
                    mark();
                    // The transaction stays open.
                    tokio::time::sleep(Duration::from_secs(3_600)).await;
                }
            }
            Place::Retrying => {
                mark();
                return Err(JobError::retry_after("not yet", Duration::from_secs(1)));
            }
        }
        // Deaf to its token.
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        Ok(json!(null))
    }
}

/// The machine's clock and what a file says on top, so that a test can set the clocks of other processes.
struct FileClock(std::path::PathBuf);

impl Clock for FileClock {
    fn now(&self) -> Timestamp {
        let ahead = std::fs::read_to_string(&self.0).unwrap_or_default().trim().parse::<u64>().unwrap_or(0);
        SystemClock.now() + Duration::from_secs(ahead)
    }
}

/// This test program again, as a worker process.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(stage: &Stage, work_ms: u64, lease_ms: u64) -> Self {
        Self::start_with(stage, work_ms, lease_ms, None)
    }

    fn start_with(stage: &Stage, work_ms: u64, lease_ms: u64, clock: Option<&Path>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "faults::worker_process", "--ignored", "--nocapture"])
            .env("JOBS_TEST_WORKER_URL", &stage.url)
            .env("JOBS_TEST_WORK_MS", work_ms.to_string())
            .env("JOBS_TEST_LEASE_MS", lease_ms.to_string());
        if let Some(clock) = clock {
            command.env("JOBS_TEST_CLOCK", clock);
        }
        Self(command.stdout(Stdio::null()).spawn().unwrap())
    }

    /// SIGKILL: no destructor runs, no socket is closed in order.
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn each_minute() -> Schedule {
    let make = |firing: &jobs::Firing| Work { n: firing.planned_at.as_second() };
    Schedule::new("test.each_minute", "A test's.", "* * * * *", make).catching_up(CatchUp::All)
}

#[test]
#[ignore = "a worker process for the tests beside it, which start and kill it"]
fn worker_process() {
    let Ok(url) = std::env::var("JOBS_TEST_WORKER_URL") else {
        eprintln!("skipped: only the tests beside this one start it");
        return;
    };
    let number = |name| std::env::var(name).unwrap().parse::<u64>().unwrap();
    let (work_ms, lease_ms) = (number("JOBS_TEST_WORK_MS"), number("JOBS_TEST_LEASE_MS"));
    let clock = std::env::var_os("JOBS_TEST_CLOCK");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let config = Config {
            heartbeat_ms: (lease_ms / 3).min(2_000),
            lease_ms,
            losses_max: 1_000,
            cancel_grace_ms: 3_600_000,
            ..Config::default()
        };
        let db = stage::open(&url).await;
        let has_schedules = clock.is_some();
        let jobs = match clock {
            Some(file) => Jobs::new(db, Arc::new(FileClock(file.into())), config),
            None => Jobs::new(db, Arc::new(SystemClock), config),
        };
        if has_schedules {
            jobs.declare(vec![each_minute()]);
        }
        let handlers = Handlers::new().on(|ctx: JobContext, staged: Staged| staged.get_stuck(ctx)).on(
            move |ctx: JobContext, job: Work| async move {
                if work_ms > 0 {
                    ctx.progress(1, "begun").await?;
                    tokio::time::sleep(Duration::from_millis(work_ms)).await;
                }
                write_ledger(&ctx, job.n).await
            },
        );
        jobs.run(handlers, CancellationToken::new()).await;
    });
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_secs(100), "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) async fn killed_in_each_state(stage: &Stage) {
    let folder = tempfile::tempdir().unwrap();
    let jobs = stage.jobs(|_| {});
    for (place, state, attempt, effects) in [
        (Place::Running, State::Succeeded, 1, 1),
        (Place::BeforeCommit, State::Succeeded, 1, 1),
        (Place::AfterCommit, State::Succeeded, 1, 1),
        (Place::Retrying, State::Succeeded, 2, 1),
        (Place::Cancelling, State::Cancelled, 0, 0),
    ] {
        let mark = folder.path().join(format!("{place:?}"));
        let staged = Staged { place, mark: mark.display().to_string() };
        let id = stage.enqueue(&jobs, staged).await;
        let mut victim = Process::start(stage, 0, 700);
        until("the task is at its place", async || mark.exists()).await;
        match place {
            Place::Retrying => drop(stage.wait(id, |task| task.state == State::Retrying).await),
            Place::Cancelling => {
                let mut tx = stage.db.begin().await.unwrap();
                let asked = jobs.cancel(&mut tx, stage.workspace, id).await.unwrap();
                tx.commit().await.unwrap();
                assert_eq!((asked.state, asked.cancel_requested), (State::Running, true));
            }
            _ => {}
        }
        // And one that nobody has begun.
        let waiting = if place == Place::Running {
            stage.execute("INSERT INTO jobs_paused_queues (queue, paused_at) VALUES ('default', 1)").await;
            Some(stage.enqueue(&jobs, Work { n: 2 }).await)
        } else {
            None
        };
        victim.kill();
        stage.execute("DELETE FROM jobs_paused_queues").await;
        let handlers = Handlers::new()
            .on(|ctx: JobContext, _: Staged| async move { write_ledger(&ctx, 1).await })
            .on(|ctx: JobContext, job: Work| async move { write_ledger(&ctx, job.n).await });
        let heir = Working::start(&jobs, handlers);
        let task = stage.finished(id).await;
        if let Some(waiting) = waiting {
            assert_eq!(stage.finished(waiting).await.state, State::Succeeded);
        }
        heir.stop().await;
        let written = stage.count("SELECT COUNT(*) AS value FROM ledger WHERE n = 1").await;
        assert_eq!((task.state, task.attempt, written), (state, attempt, effects), "{place:?}");
        eprintln!("{}: killed {place:?}: {state}, {written} effects", stage.db.engine().name());
        stage.execute("DELETE FROM ledger").await;
    }
}

pub(crate) async fn a_killed_workers_task_runs_again(stage: &Stage) {
    let lease_ms = Config::default().lease_ms;
    let id = stage.enqueue(&stage.jobs(|_| {}), Work { n: 1 }).await;
    let mut first = Process::start(stage, 1_500, lease_ms);
    stage.wait(id, |task| task.progress == 1).await;
    let _second = Process::start(stage, 1_500, lease_ms);
    first.kill();
    let begun = Instant::now();
    let first_start = stage.task(id).await.started_at;
    stage.wait(id, |task| task.state == State::Running && task.started_at > first_start).await;
    let again = begun.elapsed();
    let task = stage.finished(id).await;
    eprintln!("{}: ran again {again:?} after the kill", stage.db.engine().name());
    assert_eq!((task.state, task.attempt), (State::Succeeded, 1));
    assert_eq!(stage.count("SELECT COUNT(*) AS value FROM ledger").await, 1);
}

/// 10,000 tasks, three workers, one of which is killed at random every now and then; then the ledger is counted.
pub(crate) async fn ten_thousand_tasks_over_three_mortal_workers(stage: &Stage) {
    const TASKS: i64 = 10_000;
    let jobs = stage.jobs(|_| {});
    for batch in 0..TASKS / 500 {
        let mut tx = stage.db.begin().await.unwrap();
        for n in batch * 500..(batch + 1) * 500 {
            jobs.enqueue(&mut tx, &stage.ctx(), Work { n }).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let mut workers = [(); 3].map(|()| Process::start(stage, 0, 1_000));
    // Which one and when differs from run to run: the random part of an id decides.
    let mut random = TaskId::new(SystemClock.now()).uuid().as_u128() as u64 | 1;
    let mut draw = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let mut kills = 0;
    let begun = Instant::now();
    let done = "SELECT COUNT(*) AS value FROM jobs_tasks WHERE state = 'SUCCEEDED'";
    // By work done rather than by time, so that a slow machine sees as many deaths as a fast one.
    let mut next = 100;
    loop {
        let now_done = stage.count(done).await;
        if now_done >= TASKS {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(300), "{now_done} are done after {kills} kills");
        tokio::time::sleep(Duration::from_millis(5 + draw(20))).await;
        if now_done >= next {
            let victim = &mut workers[draw(3) as usize];
            victim.kill();
            *victim = Process::start(stage, 0, 1_000);
            kills += 1;
            next = now_done + 100 + draw(500).cast_signed();
        }
    }
    let took = begun.elapsed();
    drop(workers);
    let effects = stage.count("SELECT COUNT(*) AS value FROM ledger").await;
    let of_tasks = stage.count("SELECT COUNT(DISTINCT n) AS value FROM ledger").await;
    let losses = stage.count("SELECT CAST(SUM(losses) AS BIGINT) AS value FROM jobs_tasks").await;
    eprintln!("| engine | tasks | kills | attempts cut short | effects | lost | doubled | wall |");
    eprintln!("|---|---|---|---|---|---|---|---|");
    eprintln!(
        "| {} | {TASKS} | {kills} | {losses} | {effects} | {} | {} | {took:.1?} |",
        stage.db.engine().name(),
        TASKS - of_tasks,
        effects - of_tasks
    );
    assert!(kills >= 10, "it was over after {kills} kills");
    assert_eq!((effects, of_tasks), (TASKS, TASKS));
}

/// Two processes on one database, their clocks set forward together; then one is killed and the other goes on.
pub(crate) async fn two_scheduling_processes_fire_once(stage: &Stage) {
    let folder = tempfile::tempdir().unwrap();
    let clock = folder.path().join("ahead");
    let set = |seconds: u64| {
        // In one step, so that nobody reads half of it.
        let next = folder.path().join("next");
        std::fs::write(&next, seconds.to_string()).unwrap();
        std::fs::rename(next, &clock).unwrap();
    };
    set(0);
    let mut first = Process::start_with(stage, 0, 1_000, Some(&clock));
    let _second = Process::start_with(stage, 0, 1_000, Some(&clock));
    let workers = "SELECT COUNT(*) AS value FROM jobs_workers";
    until("both work", async || stage.count(workers).await == 2).await;
    let rows = "SELECT COUNT(*) AS value FROM jobs_schedules";
    until("the schedule is in the books", async || stage.count(rows).await == 1).await;
    let runs = "SELECT COUNT(*) AS value FROM jobs_schedule_runs";
    for minute in 1..=6 {
        set(60 * minute);
        until("it fires", async || stage.count(runs).await >= i64::try_from(minute).unwrap()).await;
        if minute == 3 {
            first.kill();
        }
    }
    let effects = "SELECT COUNT(*) AS value FROM ledger";
    until("all are done", async || stage.count(effects).await >= stage.count(runs).await).await;
    let times = "SELECT COUNT(DISTINCT planned_at) AS value FROM jobs_schedule_runs";
    let tasks = "SELECT COUNT(DISTINCT n) AS value FROM ledger";
    let fired = stage.count(runs).await;
    assert_eq!(
        (stage.count(times).await, stage.count(tasks).await, stage.count(effects).await),
        (fired, fired, fired)
    );
}
