use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use jobs::{Config, Error, Handlers, JobContext, Jobs, State};
use kernel::{Clock, SystemClock, Timestamp};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::stage::{self, Stage, Work, Working, write_ledger};

pub(crate) async fn shutdown_drains_and_gives_the_rest_back(stage: &Stage) {
    let jobs = stage.jobs(|config| config.shutdown_grace_ms = 400);
    let (short, long) =
        (stage.enqueue(&jobs, Work { n: 200 }).await, stage.enqueue(&jobs, Work { n: 3_600_000 }).await);
    let handlers = || {
        Handlers::new().on(|_: JobContext, job: Work| async move {
            tokio::time::sleep(Duration::from_millis(job.n.unsigned_abs())).await;
            Ok(json!(null))
        })
    };
    let worker = Working::start(&jobs, handlers());
    for id in [short, long] {
        stage.wait(id, |task| task.state == State::Running).await;
    }
    worker.stop().await;
    assert_eq!(stage.task(short).await.state, State::Succeeded);
    let given_back = stage.task(long).await;
    assert_eq!((given_back.state, given_back.attempt), (State::Pending, 0));
    assert_eq!(stage.count("SELECT COUNT(*) AS value FROM jobs_workers").await, 0);
    // The next worker has it at once, as its first attempt.
    let worker = Working::start(
        &jobs,
        Handlers::new().on(|ctx: JobContext, _: Work| async move { Ok(json!(ctx.attempt)) }),
    );
    assert_eq!(stage.finished(long).await.result, Some(json!(1)));
    worker.stop().await;
}

/// A worker is struck off while its body runs, as if it had been asleep; the body then tries to commit.
pub(crate) async fn a_zombie_commits_nothing(stage: &Stage) {
    let jobs = stage.jobs(|config| config.lease_ms = 60_000);
    let id = stage.enqueue(&jobs, Work { n: 5 }).await;
    let (proceed, refused) = (CancellationToken::new(), Arc::new(AtomicU32::new(0)));
    let (gate, count) = (proceed.clone(), refused.clone());
    let zombie = Working::start(
        &jobs,
        Handlers::new().on(move |ctx: JobContext, job: Work| {
            let (gate, count) = (gate.clone(), count.clone());
            async move {
                gate.cancelled().await;
                let mut tx = ctx.db().begin().await?;
                tx.query("INSERT INTO ledger (n, attempt) VALUES ($1, 99)").bind(job.n).execute().await?;
                assert!(matches!(ctx.complete_in(&mut tx, json!(null)).await, Err(Error::LeaseLost(_))));
                drop(tx);
                assert!(matches!(ctx.progress(10, "undead").await, Err(Error::LeaseLost(_))));
                count.fetch_add(1, Ordering::SeqCst);
                Err(Error::LeaseLost(ctx.task).into())
            }
        }),
    );
    stage.wait(id, |task| task.state == State::Running).await;
    // What a rescuer does, and another worker's claim after it.
    stage.execute("INSERT INTO jobs_workers (id, beat, seen_at) VALUES ('other', 1, 0)").await;
    stage.execute("UPDATE jobs_tasks SET fence = fence + 2, worker = 'other', attempt = 1").await;
    proceed.cancel();
    let begun = Instant::now();
    while refused.load(Ordering::SeqCst) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    zombie.stop().await;
    assert_eq!(stage.task(id).await.state, State::Running);
    assert_eq!(stage.count("SELECT COUNT(*) AS value FROM ledger").await, 0);
    // Now the other one dies too, and the next takes the task over.
    stage.execute("DELETE FROM jobs_workers WHERE id = 'other'").await;
    let worker = Working::start(
        &jobs,
        Handlers::new().on(|ctx: JobContext, job: Work| async move { write_ledger(&ctx, job.n).await }),
    );
    assert_eq!(stage.finished(id).await.state, State::Succeeded);
    worker.stop().await;
    assert_eq!(stage.count("SELECT COUNT(*) AS value FROM ledger WHERE attempt = 1").await, 1);
}

pub(crate) async fn a_task_that_kills_its_workers_fails_in_the_end(stage: &Stage) {
    let jobs = stage.jobs(|config| config.losses_max = 3);
    let (poison, unlucky) =
        (stage.enqueue(&jobs, Work { n: 1 }).await, stage.enqueue(&jobs, Work { n: 2 }).await);
    let mut tx = stage.db.begin().await.unwrap();
    for (id, losses) in [(poison, 2), (unlucky, 1)] {
        tx.query("UPDATE jobs_tasks SET state = 'RUNNING', worker = 'dead', attempt = 1, fence = 1, losses = $2 WHERE id = $1")
            .bind(id)
            .bind(losses)
            .execute()
            .await
            .unwrap();
    }
    // In the books, and never heard of again.
    tx.query("INSERT INTO jobs_workers (id, beat, seen_at) VALUES ('dead', 17, 0)").execute().await.unwrap();
    tx.commit().await.unwrap();
    let worker = Working::start(
        &jobs,
        Handlers::new().on(|ctx: JobContext, _: Work| async move { Ok(json!(ctx.attempt)) }),
    );
    let task = stage.finished(poison).await;
    assert_eq!((task.state, task.problem.unwrap().code.as_ref()), (State::Failed, "jobs.worker-lost"));
    let task = stage.finished(unlucky).await;
    assert_eq!((task.state, task.result), (State::Succeeded, Some(json!(1))));
    worker.stop().await;
}

/// A clock that is a day ahead.
struct Ahead;

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now() + Duration::from_secs(86_400)
    }
}

/// The watcher's clock is a day ahead of the worker's, far beyond the lease; the worker beats, so it lives.
pub(crate) async fn wrong_clocks_kill_nobody_who_beats(stage: &Stage) {
    // A beat may be late on a busy machine; the lease is still shorter than the task.
    let config = Config { heartbeat_ms: 600, lease_ms: 1_500, ..stage::quick() };
    let jobs = stage.jobs(|quick| *quick = config.clone());
    let id = stage.enqueue(&jobs, Work { n: 1 }).await;
    let handlers = || {
        Handlers::new().on(|ctx: JobContext, job: Work| async move {
            tokio::time::sleep(Duration::from_millis(2_500)).await;
            write_ledger(&ctx, job.n).await
        })
    };
    let worker = Working::start(&jobs, handlers());
    stage.wait(id, |task| task.state == State::Running).await;
    let ahead = Jobs::new(stage.db.clone(), Arc::new(Ahead), config);
    let watcher = Working::start(&ahead, handlers());
    assert_eq!(stage.finished(id).await.state, State::Succeeded);
    assert_eq!(stage.count("SELECT losses + fence AS value FROM jobs_tasks").await, 1);
    watcher.stop().await;
    worker.stop().await;
}

/// A claim whose answer got lost on the way leaves a task that its worker holds and does not know of.
pub(crate) async fn unknown_holdings_are_given_back(stage: &Stage) {
    let jobs = stage.jobs(|_| {});
    let mark = stage.enqueue(&jobs, Work { n: 1 }).await;
    let (began, stop) = (Arc::new(AtomicBool::new(false)), CancellationToken::new());
    let (flag, gate) = (began.clone(), stop.clone());
    let worker = Working::start(
        &jobs,
        Handlers::new().on(move |ctx: JobContext, job: Work| {
            let (flag, gate) = (flag.clone(), gate.clone());
            async move {
                if job.n == 1 {
                    flag.store(true, Ordering::SeqCst);
                    gate.cancelled().await;
                }
                Ok(json!(ctx.attempt))
            }
        }),
    );
    stage.wait(mark, |task| task.state == State::Running).await;
    let stray = {
        let mut tx = stage.db.begin().await.unwrap();
        let id = jobs.enqueue(&mut tx, &stage.ctx(), Work { n: 2 }).await.unwrap();
        tx.query(
            "UPDATE jobs_tasks SET state = 'RUNNING', attempt = 1, fence = 1,
            worker = (SELECT id FROM jobs_workers) WHERE id = $1",
        )
        .bind(id)
        .execute()
        .await
        .unwrap();
        tx.commit().await.unwrap();
        id
    };
    assert_eq!(stage.finished(stray).await.result, Some(json!(1)));
    assert_eq!(stage.task(mark).await.state, State::Running);
    stop.cancel();
    assert_eq!(stage.finished(mark).await.state, State::Succeeded);
    worker.stop().await;
}
