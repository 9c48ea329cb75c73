//! Jobs per second, and how long a due task waits, of one worker process: `cargo bench -p jobs --bench load`.
//! SQLite in a temporary file; also the PostgreSQL database that `SOCLE_BENCH_POSTGRES_URL` names (its tables are left).

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use db::{Db, Migrator};
use jobs::{Config, Handlers, Job, JobContext, Jobs};
use kernel::{Clock, Ctx, Secret, SystemClock, WorkspaceId};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

#[derive(Serialize, Deserialize)]
struct Nothing {}

impl Job for Nothing {
    const KIND: &'static str = "bench.nothing";
}

/// Tasks of the first measure; and of the second, which come one at a time.
const MANY: usize = 10_000;
const SINGLE: usize = 500;
const PAUSE: Duration = Duration::from_millis(10);

#[tokio::main(worker_threads = 2)]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let mut urls = vec![format!("sqlite://{}", folder.path().join("bench.db").display())];
    urls.extend(std::env::var("SOCLE_BENCH_POSTGRES_URL"));
    for url in urls {
        measure(&url).await;
    }
}

async fn measure(url: &str) {
    let config = db::Config { url: Secret::new(url.to_owned()), ..db::Config::default() };
    let db = Db::open(&config, "unused".into()).await.unwrap();
    let migrator = Migrator::new(db.engine(), &[("jobs", jobs::MIGRATIONS)]).unwrap();
    migrator.upgrade(&db, SystemClock.now()).await.unwrap();
    let config = Config { queues: [("default".to_owned(), 16)].into(), ..Config::default() };
    let jobs = Jobs::new(db.clone(), Arc::new(SystemClock), config);
    let ctx = || Ctx::system("bench", WorkspaceId::from_uuid(Default::default()), SystemClock.now());

    let begun = Instant::now();
    for _ in 0..MANY / 100 {
        let mut tx = db.begin().await.unwrap();
        for _ in 0..100 {
            jobs.enqueue(&mut tx, &ctx(), Nothing {}).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
    let enqueued_per_s = MANY as f64 / begun.elapsed().as_secs_f64();

    let (ended, started) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
    let (count, times) = (ended.clone(), started.clone());
    let handlers = Handlers::new().on(move |_: JobContext, _: Nothing| {
        times.lock().unwrap().push(Instant::now());
        count.fetch_add(1, Ordering::Relaxed);
        async { Ok(serde_json::Value::Null) }
    });
    let shutdown = CancellationToken::new();
    let mut worker = JoinSet::new();
    let begun = Instant::now();
    worker.spawn(jobs.clone().run(handlers, shutdown.clone()));
    reach(&ended, MANY).await;
    let run_per_s = MANY as f64 / begun.elapsed().as_secs_f64();

    let mut waits = Vec::new();
    for single in 1..=SINGLE {
        tokio::time::sleep(PAUSE).await;
        let mut tx = db.begin().await.unwrap();
        jobs.enqueue(&mut tx, &ctx(), Nothing {}).await.unwrap();
        tx.commit().await.unwrap();
        let committed = Instant::now();
        reach(&ended, MANY + single).await;
        let began = started.lock().unwrap().last().copied().unwrap();
        waits.push(began.saturating_duration_since(committed).as_secs_f64() * 1e3);
    }
    waits.sort_by(f64::total_cmp);
    shutdown.cancel();
    while worker.join_next().await.is_some() {}
    println!(
        "{}: enqueued {enqueued_per_s:.0}/s (100 a transaction), run {run_per_s:.0}/s; start after commit of a single task p50 {:.1} ms, p99 {:.1} ms",
        db.engine().name(),
        waits[SINGLE / 2],
        waits[SINGLE * 99 / 100],
    );
}

async fn reach(ended: &AtomicUsize, wanted: usize) {
    while ended.load(Ordering::Relaxed) < wanted {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
