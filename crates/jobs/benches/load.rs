//! Jobs per second, and how long a task waits from its enqueuing to the begin of its body, of one worker with 8 slots:
//! `cargo bench -p jobs --bench load`; beside Celery by `bench/jobs/run.sh`.
//!
//! SQLite in a temporary file; also the PostgreSQL database that `SOCLE_BENCH_POSTGRES_URL` names (its tables are left), and
//! there the single tasks are enqueued by one process and run by another, as they are beside Celery.
//! `TASKS` (10000), `SINGLES` (500), `SLOTS` (8).

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::{
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use db::{Db, Migrator};
use jobs::{Config, Handlers, Job, JobContext, JobError, Jobs, TaskFilter};
use kernel::{Clock, Ctx, Secret, SystemClock, WorkspaceId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Gives the microseconds since it was asked for.
#[derive(Serialize, Deserialize)]
struct Nothing {
    asked_at: i64,
}

impl Job for Nothing {
    const KIND: &'static str = "bench.nothing";
}

/// Writes one row, together with its end.
#[derive(Serialize, Deserialize)]
struct Row {
    n: i64,
}

impl Job for Row {
    const KIND: &'static str = "bench.row";
}

/// Between two single tasks.
const PAUSE: Duration = Duration::from_millis(10);
const WORKER: &str = "SOCLE_BENCH_WORKER";

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    if let Ok(url) = std::env::var(WORKER) {
        let jobs = open(&url).await;
        return jobs.run(handlers(Arc::default()), CancellationToken::new()).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut urls = vec![format!("sqlite://{}", folder.path().join("bench.db").display())];
    urls.extend(std::env::var("SOCLE_BENCH_POSTGRES_URL").ok().filter(|url| !url.is_empty()));
    for url in urls {
        measure(&url).await;
    }
}

async fn database(url: &str) -> Db {
    let config = db::Config { url: Secret::new(url.to_owned()), ..db::Config::default() };
    Db::open(&config, "unused".into()).await.unwrap()
}

async fn open(url: &str) -> Jobs {
    let slots = u32::try_from(number("SLOTS", 8)).unwrap();
    let config = Config { queues: [("default".to_owned(), slots)].into(), ..Config::default() };
    Jobs::new(database(url).await, Arc::new(SystemClock), config)
}

fn handlers(ended: Arc<AtomicUsize>) -> Handlers {
    let rows = ended.clone();
    Handlers::new()
        .on(move |_: JobContext, job: Nothing| {
            let waited_us = SystemClock.now().as_microsecond() - job.asked_at;
            ended.fetch_add(1, Ordering::Relaxed);
            async move { Ok(json!(waited_us)) }
        })
        .on(move |ctx: JobContext, job: Row| {
            let rows = rows.clone();
            async move {
                let mut tx = ctx.db().begin().await?;
                tx.query("INSERT INTO ledger (n) VALUES ($1)").bind(job.n).execute().await?;
                ctx.complete_in(&mut tx, Value::Null).await?;
                tx.commit().await?;
                rows.fetch_add(1, Ordering::Relaxed);
                Ok::<_, JobError>(Value::Null)
            }
        })
}

fn ctx() -> Ctx {
    Ctx::system("bench", WorkspaceId::from_uuid(Default::default()), SystemClock.now())
}

async fn measure(url: &str) {
    let db = database(url).await;
    let migrator = Migrator::new(db.engine(), &[("jobs", jobs::MIGRATIONS)]).unwrap();
    migrator.upgrade(&db, SystemClock.now()).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    tx.script(
        "CREATE TABLE IF NOT EXISTS ledger (n BIGINT NOT NULL); DELETE FROM ledger; DELETE FROM jobs_tasks"
            .to_owned(),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let jobs = open(url).await;
    let tasks = number("TASKS", 10_000);
    let name = db.engine().name();

    let (enqueued, nothings) = run_all(&db, &jobs, tasks, |_| Nothing { asked_at: 0 }).await;
    println!("{}", json!({"engine": name, "what": "enqueue, 100 a transaction", "per_s": enqueued.round()}));
    println!("{}", json!({"engine": name, "what": "nothing", "per_s": nothings.round()}));
    let (_, rows) = run_all(&db, &jobs, tasks, |n| Row { n }).await;
    println!("{}", json!({"engine": name, "what": "row", "per_s": rows.round()}));
    let mut tx = db.begin().await.unwrap();
    let written: u64 = tx.query("SELECT COUNT(*) AS value FROM ledger").one().await.unwrap();
    assert_eq!(written, tasks as u64, "each row once");
    tx.query("DELETE FROM jobs_tasks").execute().await.unwrap();
    tx.commit().await.unwrap();

    let waits = singles(&db, &jobs, url).await;
    let at = |share: usize| waits[(waits.len() - 1) * share / 100];
    println!(
        "{}",
        json!({"engine": name, "what": "start delay", "p50_ms": at(50), "p99_ms": at(99), "max_ms": at(100)})
    );
}

/// Fills the queue, then lets a worker run it: both in tasks per second.
async fn run_all<J: Job>(db: &Db, jobs: &Jobs, tasks: usize, make: impl Fn(i64) -> J) -> (f64, f64) {
    let begun = Instant::now();
    for batch in 0..tasks.div_ceil(100) {
        let mut tx = db.begin().await.unwrap();
        for n in batch * 100..tasks.min((batch + 1) * 100) {
            jobs.enqueue(&mut tx, &ctx(), make(n as i64)).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let enqueued = tasks as f64 / begun.elapsed().as_secs_f64();
    let ended = Arc::new(AtomicUsize::new(0));
    let (shutdown, mut worker) = (CancellationToken::new(), JoinSet::new());
    let begun = Instant::now();
    worker.spawn(jobs.clone().run(handlers(ended.clone()), shutdown.clone()));
    while ended.load(Ordering::Relaxed) < tasks {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let run = tasks as f64 / begun.elapsed().as_secs_f64();
    shutdown.cancel();
    while worker.join_next().await.is_some() {}
    (enqueued, run)
}

/// Milliseconds from before the enqueuing transaction to the body, sorted.
async fn singles(db: &Db, jobs: &Jobs, url: &str) -> Vec<f64> {
    let (shutdown, mut here, mut there) = (CancellationToken::new(), JoinSet::new(), None);
    if db.engine() == db::Engine::Postgres {
        there = Some(Elsewhere::start(url));
        here.spawn(jobs.clone().wake_others(shutdown.clone()));
    } else {
        here.spawn(jobs.clone().run(handlers(Arc::default()), shutdown.clone()));
    }
    let singles = number("SINGLES", 500);
    // The first ones warm up.
    for _ in 0..singles + 50 {
        tokio::time::sleep(PAUSE).await;
        let asked_at = SystemClock.now().as_microsecond();
        let mut tx = db.begin().await.unwrap();
        jobs.enqueue(&mut tx, &ctx(), Nothing { asked_at }).await.unwrap();
        tx.commit().await.unwrap();
    }
    let filter = TaskFilter { states: vec![jobs::State::Succeeded], ..TaskFilter::default() };
    let waits = loop {
        let mut tx = db.read().await.unwrap();
        let page = u32::try_from(singles).unwrap();
        let list = jobs.list(&mut tx, ctx().workspace, &filter, 1, page).await.unwrap();
        if list.total >= singles as u64 + 50 {
            break list
                .items
                .iter()
                .map(|task| task.result.as_ref().unwrap().as_f64().unwrap() / 1e3)
                .collect::<Vec<f64>>();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let mut waits = waits;
    waits.sort_by(f64::total_cmp);
    shutdown.cancel();
    while here.join_next().await.is_some() {}
    drop(there);
    waits
}

/// A worker process.
struct Elsewhere(Child);

impl Elsewhere {
    fn start(url: &str) -> Self {
        let program = std::env::current_exe().unwrap();
        Self(Command::new(program).env(WORKER, url).stdout(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
