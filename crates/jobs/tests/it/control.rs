use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use jobs::{
    Enqueue, Error, Handlers, JobContext, JobError, Priority, State, Steer, Steered, TaskFilter, TaskList,
};
use kernel::{Clock, SystemClock, TaskId, WorkspaceId};
use serde_json::json;

use crate::stage::{Hasty, Stage, Work, Working, write_ledger};

async fn cancel(stage: &Stage, id: TaskId) -> jobs::Result<jobs::Task> {
    let mut tx = stage.db.begin().await.unwrap();
    let task = stage.jobs(|_| {}).cancel(&mut tx, stage.workspace, id).await?;
    tx.commit().await.unwrap();
    Ok(task)
}

pub(crate) async fn waiting_tasks_cancel_at_once(stage: &Stage) {
    let jobs = stage.jobs(|_| {});
    let cancelled = stage.enqueue(&jobs, Work { n: 1 }).await;
    let kept = stage.enqueue(&jobs, Work { n: 2 }).await;
    assert_eq!(cancel(stage, cancelled).await.unwrap().state, State::Cancelled);
    assert!(matches!(cancel(stage, cancelled).await, Err(Error::WrongState { state: State::Cancelled, .. })));
    let worker = Working::start(
        &jobs,
        Handlers::new().on(|ctx: JobContext, job: Work| async move { write_ledger(&ctx, job.n).await }),
    );
    stage.finished(kept).await;
    worker.stop().await;
    assert_eq!(stage.task(cancelled).await.state, State::Cancelled);
    assert_eq!(stage.count("SELECT CAST(SUM(n) AS BIGINT) AS value FROM ledger").await, 2);
}

pub(crate) async fn running_tasks_hear_of_a_cancellation(stage: &Stage) {
    let jobs = stage.jobs(|_| {});
    let id = stage.enqueue(&jobs, Work { n: 1 }).await;
    let worker = Working::start(
        &jobs,
        Handlers::new().on(|ctx: JobContext, _: Work| async move {
            ctx.cancel.cancelled().await;
            Err(JobError::retry("was asked to stop"))
        }),
    );
    stage.wait(id, |task| task.state == State::Running).await;
    let asked = cancel(stage, id).await.unwrap();
    assert_eq!((asked.state, asked.cancel_requested), (State::Running, true));
    assert_eq!(stage.finished(id).await.state, State::Cancelled);
    worker.stop().await;
}

pub(crate) async fn bodies_that_do_not_listen_are_dropped(stage: &Stage) {
    let jobs = stage.jobs(|_| {});
    let id = stage.enqueue(&jobs, Work { n: 1 }).await;
    let handlers = Handlers::new().on(|_: JobContext, _: Work| async {
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        Ok(json!(null))
    });
    let worker = Working::start(&jobs, handlers);
    stage.wait(id, |task| task.state == State::Running).await;
    cancel(stage, id).await.unwrap();
    assert_eq!(stage.finished(id).await.state, State::Cancelled);
    worker.stop().await;
}

pub(crate) async fn unique_keys_admit_one_unfinished_task(stage: &Stage) {
    let jobs = stage.jobs(|_| {});
    let key = || Enqueue { unique_key: Some("camera 1".to_owned()), ..Enqueue::default() };
    let first = stage.enqueue_with(&jobs, Work { n: 1 }, key()).await;
    let second = stage.enqueue_with(&jobs, Work { n: 2 }, key()).await;
    assert_eq!(first, second);
    let other = Enqueue { unique_key: Some("camera 2".to_owned()), ..Enqueue::default() };
    assert_ne!(stage.enqueue_with(&jobs, Work { n: 3 }, other).await, first);
    cancel(stage, first).await.unwrap();
    let third = stage.enqueue_with(&jobs, Work { n: 4 }, key()).await;
    assert_ne!(third, first);
    // The key is taken again, so the cancelled one may not come back.
    let mut tx = stage.db.begin().await.unwrap();
    assert!(
        matches!(jobs.retry(&mut tx, stage.workspace, first).await, Err(Error::Duplicate(id)) if id == first)
    );
}

pub(crate) async fn delay_and_priority_order_what_runs(stage: &Stage) {
    let jobs = stage.jobs(|config| config.queues = [("default".to_owned(), 1)].into());
    let how = |priority, delay_ms| Enqueue {
        priority: Some(priority),
        delay: Duration::from_millis(delay_ms),
        ..Enqueue::default()
    };
    let late = stage.enqueue_with(&jobs, Work { n: 4 }, how(Priority::High, 900)).await;
    stage.enqueue_with(&jobs, Work { n: 3 }, how(Priority::Low, 0)).await;
    stage.enqueue_with(&jobs, Work { n: 2 }, how(Priority::Normal, 0)).await;
    stage.enqueue_with(&jobs, Work { n: 1 }, how(Priority::High, 0)).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let seen = order.clone();
    let worker = Working::start(
        &jobs,
        Handlers::new().on(move |_: JobContext, job: Work| {
            seen.lock().unwrap().push(job.n);
            async { Ok(json!(null)) }
        }),
    );
    let late = stage.finished(late).await;
    worker.stop().await;
    assert_eq!(*order.lock().unwrap(), [1, 2, 3, 4]);
    assert!(late.started_at.unwrap() >= late.run_at);
}

pub(crate) async fn paused_queues_begin_nothing(stage: &Stage) {
    let jobs =
        stage.jobs(|config| config.queues = [("default".to_owned(), 2), ("other".to_owned(), 2)].into());
    let mut tx = stage.db.begin().await.unwrap();
    jobs.pause(&mut tx, "default").await.unwrap();
    jobs.pause(&mut tx, "default").await.unwrap();
    assert_eq!(jobs.paused(&mut tx).await.unwrap(), ["default"]);
    tx.commit().await.unwrap();
    let id = stage.enqueue(&jobs, Work { n: 1 }).await;
    let elsewhere = stage.enqueue(&jobs, Hasty {}).await;
    stage.execute("UPDATE jobs_tasks SET queue = 'other' WHERE kind = 'test.hasty'").await;
    let worker = Working::start(
        &jobs,
        Handlers::new()
            .on(|_: JobContext, _: Work| async { Ok(json!(null)) })
            .on(|_: JobContext, _: Hasty| async { Ok(json!(null)) }),
    );
    stage.finished(elsewhere).await;
    assert_eq!(stage.task(id).await.state, State::Pending);
    let mut tx = stage.db.begin().await.unwrap();
    jobs.resume(&mut tx, "default").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(stage.finished(id).await.state, State::Succeeded);
    worker.stop().await;
}

pub(crate) async fn a_workspace_has_its_share_only(stage: &Stage) {
    let jobs = stage.jobs(|config| {
        config.workspace_running_max = 2;
        config.queues = [("default".to_owned(), 6)].into();
    });
    let crowd: Vec<TaskId> = {
        let mut tx = stage.db.begin().await.unwrap();
        let mut ids = Vec::new();
        for n in 0..12 {
            ids.push(jobs.enqueue(&mut tx, &stage.ctx(), Work { n }).await.unwrap());
        }
        // Of another workspace, behind the crowd.
        let mut ctx = stage.ctx();
        ctx.workspace = WorkspaceId::new(ctx.now);
        jobs.enqueue(&mut tx, &ctx, Hasty {}).await.unwrap();
        tx.commit().await.unwrap();
        ids
    };
    let (running, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let handlers = || {
        let (running, most) = (running.clone(), most.clone());
        Handlers::new()
            .on(move |_: JobContext, _: Work| {
                let (running, most) = (running.clone(), most.clone());
                async move {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(40)).await;
                    running.fetch_sub(1, Ordering::SeqCst);
                    Ok(json!(null))
                }
            })
            .on(|_: JobContext, _: Hasty| async { Ok(json!(null)) })
    };
    let workers = [Working::start(&jobs, handlers()), Working::start(&jobs, handlers())];
    for id in &crowd {
        assert_eq!(stage.finished(*id).await.state, State::Succeeded);
    }
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(most.load(Ordering::SeqCst), 2);
    // The other workspace did not wait for the crowd.
    let overtaken = "SELECT COUNT(*) AS value FROM jobs_tasks WHERE kind = 'test.work'
        AND started_at > (SELECT started_at FROM jobs_tasks WHERE kind = 'test.hasty')";
    assert!(stage.count(overtaken).await >= 8);
}

/// Without any limit: 300 tasks of one workspace stand before one each of two others.
pub(crate) async fn workspaces_take_turns_in_a_full_queue(stage: &Stage) {
    let jobs = stage.jobs(|config| config.queues = [("default".to_owned(), 2)].into());
    let mut tx = stage.db.begin().await.unwrap();
    for n in 0..300 {
        jobs.enqueue(&mut tx, &stage.ctx(), Work { n }).await.unwrap();
    }
    let mut others = Vec::new();
    for _ in 0..2 {
        let mut ctx = stage.ctx();
        ctx.workspace = WorkspaceId::new(ctx.now);
        others.push((ctx.workspace, jobs.enqueue(&mut tx, &ctx, Work { n: 999 }).await.unwrap()));
    }
    tx.commit().await.unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let seen = order.clone();
    let handlers = Handlers::new().on(move |ctx: JobContext, _: Work| {
        seen.lock().unwrap().push(ctx.workspace);
        async {
            tokio::time::sleep(Duration::from_millis(2)).await;
            Ok(json!(null))
        }
    });
    let worker = Working::start(&jobs, handlers);
    let begun = Instant::now();
    while order.lock().unwrap().len() < 302 {
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    worker.stop().await;
    let order = order.lock().unwrap();
    for (workspace, _) in others {
        let place = order.iter().position(|of| *of == workspace).unwrap();
        assert!(place < 10, "begun as number {place}");
    }
}

/// Workspaces whose tasks are due later only are no neighbours: between one that fills the queue and one with a single task
/// they hold nobody up, however many they are: here more than a worker looks at for one claim.
pub(crate) async fn workspaces_that_wait_for_later_hold_nobody_up(stage: &Stage) {
    const LATER: u64 = 130;
    const CROWD: i64 = 400;
    let jobs = stage.jobs(|config| config.queues = [("default".to_owned(), 2)].into());
    let later = Enqueue { delay: Duration::from_secs(3_600), ..Enqueue::default() };
    let mut tx = stage.db.begin().await.unwrap();
    for n in 0..CROWD {
        jobs.enqueue(&mut tx, &stage.ctx(), Work { n }).await.unwrap();
    }
    // Turns go by the ids, which sort by time.
    let mut ctx = stage.ctx();
    let begun = ctx.now;
    for n in 1..=LATER {
        ctx.workspace = WorkspaceId::new(begun + Duration::from_millis(10 * n));
        jobs.enqueue_with(&mut tx, &ctx, Work { n: -1 }, later.clone()).await.unwrap();
    }
    ctx.workspace = WorkspaceId::new(begun + Duration::from_millis(10 * (LATER + 1)));
    let last = ctx.workspace;
    jobs.enqueue(&mut tx, &ctx, Work { n: 999 }).await.unwrap();
    tx.commit().await.unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let seen = order.clone();
    let handlers = Handlers::new().on(move |ctx: JobContext, _: Work| {
        seen.lock().unwrap().push(ctx.workspace);
        async {
            tokio::time::sleep(Duration::from_millis(2)).await;
            Ok(json!(null))
        }
    });
    let worker = Working::start(&jobs, handlers);
    let begun = Instant::now();
    let all = usize::try_from(CROWD).unwrap() + 1;
    while order.lock().unwrap().len() < all {
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    worker.stop().await;
    let place = order.lock().unwrap().iter().position(|of| *of == last).unwrap();
    assert!(place < 20, "begun as number {place}");
}

pub(crate) async fn large_arguments_are_refused(stage: &Stage) {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Bulky(String);
    impl jobs::Job for Bulky {
        const KIND: &'static str = "test.bulky";
    }
    let jobs = stage.jobs(|config| config.args_bytes_max = 1_024);
    let mut tx = stage.db.begin().await.unwrap();
    jobs.enqueue(&mut tx, &stage.ctx(), Bulky("x".repeat(1_022))).await.unwrap();
    let error = jobs.enqueue(&mut tx, &stage.ctx(), Bulky("x".repeat(1_023))).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the arguments of a test.bulky task take 1025 bytes, and 1024 are allowed: pass ids rather than data"
    );
    assert_eq!(kernel::ToProblem::problem(&error).status, 413);
}

pub(crate) async fn queues_tell_what_is_in_them(stage: &Stage) {
    let jobs =
        stage.jobs(|config| config.queues = [("default".to_owned(), 3), ("slow".to_owned(), 1)].into());
    stage.enqueue(&jobs, Work { n: 1 }).await;
    let later = Enqueue { delay: Duration::from_secs(3_600), ..Enqueue::default() };
    stage.enqueue_with(&jobs, Work { n: 2 }, later).await;
    for (state, n) in [("RUNNING", 3), ("FAILED", 4)] {
        let id = stage.enqueue(&jobs, Work { n }).await;
        let mut tx = stage.db.begin().await.unwrap();
        tx.query("UPDATE jobs_tasks SET state = $2 WHERE id = $1")
            .bind(id)
            .bind(state)
            .execute()
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let mut tx = stage.db.begin().await.unwrap();
    assert!(jobs.pause(&mut tx, "slow").await.unwrap().is_paused);
    assert!(matches!(jobs.pause(&mut tx, "nowhere").await, Err(Error::NoQueue(_))));
    let queues = jobs.queues(&mut tx).await.unwrap();
    let [default, slow] = &queues[..] else { panic!("{queues:?}") };
    assert_eq!(
        (default.slots, default.waiting, default.running, default.failed, default.is_paused),
        (3, 2, 1, 1, false)
    );
    assert!(default.oldest_waiting.is_some());
    assert_eq!((slow.slots, slow.waiting, slow.oldest_waiting, slow.is_paused), (1, 0, None, true));
}

/// The worker sleeps until the task's time, though it looks every minute only.
pub(crate) async fn delayed_tasks_do_not_wait_for_the_next_look(stage: &Stage) {
    let jobs = stage.jobs(|config| config.poll_ms = 60_000);
    let worker =
        Working::start(&jobs, Handlers::new().on(|_: JobContext, _: Work| async { Ok(json!(null)) }));
    let soon = Enqueue { delay: Duration::from_millis(300), ..Enqueue::default() };
    let id = stage.enqueue_with(&jobs, Work { n: 1 }, soon).await;
    assert_eq!(stage.finished(id).await.state, State::Succeeded);
    worker.stop().await;
}

/// Enqueued by one handle, done by the worker of another that looks every minute only.
pub(crate) async fn other_processes_are_woken(stage: &Stage) {
    if stage.db.engine() == db::Engine::Sqlite {
        // One process.
        return;
    }
    let far = stage.jobs(|config| config.poll_ms = 60_000);
    let worker = Working::start(&far, Handlers::new().on(|_: JobContext, _: Work| async { Ok(json!(null)) }));
    let listening = "SELECT COUNT(*) AS value FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    let begun = Instant::now();
    while stage.count(listening).await == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let near = stage.jobs(|_| {});
    let stop = tokio_util::sync::CancellationToken::new();
    let mut teller = tokio::task::JoinSet::new();
    teller.spawn(near.clone().wake_others(stop.clone()));
    for n in 0..5 {
        let id = stage.enqueue(&near, Work { n }).await;
        assert_eq!(stage.finished(id).await.state, State::Succeeded);
    }
    stop.cancel();
    teller.join_next().await;
    worker.stop().await;
}

pub(crate) async fn lists_are_filtered_paged_and_scoped(stage: &Stage) {
    let jobs = stage.jobs(|_| {});
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(stage.enqueue(&jobs, Work { n }).await);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    stage.enqueue(&jobs, Hasty {}).await;
    cancel(stage, ids[0]).await.unwrap();
    let stranger = WorkspaceId::new(SystemClock.now());
    let filter = TaskFilter {
        states: vec![State::Pending, State::Running],
        kind: Some("test.work".to_owned()),
        queue: None,
    };
    let mut tx = stage.db.begin().await.unwrap();
    let page = jobs.list(&mut tx, stage.workspace, &filter, 2, 3).await.unwrap();
    assert_eq!((page.total, page.items.len(), page.items[0].id), (4, 1, ids[1]));
    let all = jobs.list(&mut tx, stage.workspace, &TaskFilter::default(), 1, 100).await.unwrap();
    assert_eq!((all.total, all.items.len()), (6, 6));
    assert!(all.items.windows(2).all(|pair| pair[0].id > pair[1].id));
    assert_eq!(jobs.list(&mut tx, stranger, &TaskFilter::default(), 1, 100).await.unwrap().total, 0);
    assert_eq!(jobs.find(&mut tx, stranger, ids[1]).await.unwrap(), None);
    assert!(matches!(jobs.cancel(&mut tx, stranger, ids[1]).await, Err(Error::NotFound(_))));
    assert!(matches!(jobs.retry(&mut tx, stranger, ids[0]).await, Err(Error::NotFound(_))));
    assert!(matches!(jobs.discard(&mut tx, stranger, ids[0]).await, Err(Error::NotFound(_))));
}

pub(crate) async fn dead_tasks_are_retried_or_discarded(stage: &Stage) {
    let jobs = stage.jobs(|_| {});
    let (again, gone) =
        (stage.enqueue(&jobs, Work { n: 1 }).await, stage.enqueue(&jobs, Work { n: 2 }).await);
    let works = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let switch = works.clone();
    let worker = Working::start(
        &jobs,
        Handlers::new().on(move |_: JobContext, _: Work| {
            let works = switch.load(Ordering::SeqCst);
            async move { if works { Ok(json!(null)) } else { Err(JobError::retry("not yet")) } }
        }),
    );
    assert_eq!(stage.finished(again).await.state, State::Failed);
    assert_eq!(stage.finished(gone).await.attempt, 5);
    works.store(true, Ordering::SeqCst);
    let mut tx = stage.db.begin().await.unwrap();
    let task = jobs.retry(&mut tx, stage.workspace, again).await.unwrap();
    assert_eq!((task.state, task.attempt, task.problem), (State::Pending, 0, None));
    jobs.discard(&mut tx, stage.workspace, gone).await.unwrap();
    assert_eq!(jobs.find(&mut tx, stage.workspace, gone).await.unwrap(), None);
    tx.commit().await.unwrap();
    let task = stage.finished(again).await;
    assert_eq!((task.state, task.attempt), (State::Succeeded, 1));
    let mut tx = stage.db.begin().await.unwrap();
    let refused = jobs.retry(&mut tx, stage.workspace, again).await;
    assert!(matches!(refused, Err(Error::WrongState { state: State::Succeeded, .. })));
    drop(tx);
    worker.stop().await;
}

/// More than one transaction takes, over two workspaces, with keys that are taken.
pub(crate) async fn many_are_steered_at_a_time(stage: &Stage) {
    const MANY: i64 = 620;
    let jobs = stage.jobs(|_| {});
    let mut ctx = stage.ctx();
    let mut tx = stage.db.begin().await.unwrap();
    for n in 0..MANY {
        if n == MANY / 2 {
            ctx.workspace = WorkspaceId::new(ctx.now);
        }
        jobs.enqueue(&mut tx, &ctx, Work { n }).await.unwrap();
    }
    jobs.enqueue(&mut tx, &ctx, Hasty {}).await.unwrap();
    tx.commit().await.unwrap();
    let work = || TaskFilter { kind: Some("test.work".to_owned()), ..TaskFilter::default() };
    let count = async |state: &str| {
        let filter = TaskFilter { states: vec![state.parse().unwrap()], ..TaskFilter::default() };
        let mut tx = stage.db.read().await.unwrap();
        jobs.list_everywhere(&mut tx, &filter, 1, 1).await.unwrap().total
    };
    let many = u64::try_from(MANY).unwrap();
    let all = Steered { done: many, left_out: 0 };
    assert_eq!(jobs.steer_all(Steer::Cancel, &work()).await.unwrap(), all);
    assert_eq!((count("CANCELLED").await, count("PENDING").await), (many, 1));
    // Neither failed nor in that queue.
    let elsewhere = TaskFilter { queue: Some("other".to_owned()), ..work() };
    let failed = TaskFilter { states: vec![State::Failed, State::Running], ..work() };
    for none in [elsewhere, failed] {
        assert_eq!(jobs.steer_all(Steer::Retry, &none).await.unwrap(), Steered::default());
    }
    assert_eq!(jobs.steer_all(Steer::Retry, &work()).await.unwrap(), all);
    assert_eq!(count("PENDING").await, many + 1);
    let pending = TaskFilter { states: vec![State::Pending], ..work() };
    assert_eq!(jobs.steer_all(Steer::Discard, &pending).await.unwrap(), all);
    assert_eq!(count("PENDING").await, 1);

    // Of two with one key the newer comes back; of those whose key is taken none does.
    let key = |key: &str| Enqueue { unique_key: Some(key.to_owned()), ..Enqueue::default() };
    let mut ids = Vec::new();
    for (n, name) in [(1, "free"), (2, "free"), (3, "taken")] {
        let id = stage.enqueue_with(&jobs, Work { n }, key(name)).await;
        cancel(stage, id).await.unwrap();
        ids.push(id);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    stage.enqueue_with(&jobs, Work { n: 4 }, key("taken")).await;
    let steered = jobs.steer_all(Steer::Retry, &TaskFilter::default()).await.unwrap();
    assert_eq!(steered, Steered { done: 1, left_out: 2 });
    assert_eq!(stage.task(ids[1]).await.state, State::Pending);
}

pub(crate) async fn a_list_counts_no_further_than_it_says(stage: &Stage) {
    const ROWS: &str = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10005)
        INSERT INTO jobs_tasks (id, workspace_id, kind, queue, priority, state, args, run_at, max_attempts,
            timeout_ms, actor, request_id, locale, created_at)
        SELECT 'row ' || CAST(n AS TEXT), 'ws', 'test.row', 'default', 1, 'FAILED', '{}', 1, 1, 1, 'a', 'r', 'en', 1
        FROM n";
    let jobs = stage.jobs(|_| {});
    assert_eq!(stage.execute(ROWS).await, 10_005);
    stage.enqueue(&jobs, Work { n: 1 }).await;
    let total = async |filter: TaskFilter| {
        let mut tx = stage.db.read().await.unwrap();
        jobs.list_everywhere(&mut tx, &filter, 1, 0).await.unwrap().total
    };
    assert_eq!(total(TaskFilter::default()).await, TaskList::COUNTED_MAX);
    let few = TaskFilter { kind: Some("test.work".to_owned()), ..TaskFilter::default() };
    assert_eq!(total(few).await, 1);
}

pub(crate) async fn finished_tasks_expire(stage: &Stage) {
    let jobs = stage.jobs(|_| {});
    let (old, new) = (stage.enqueue(&jobs, Work { n: 1 }).await, stage.enqueue(&jobs, Work { n: 2 }).await);
    let handlers = || Handlers::new().on(|_: JobContext, _: Work| async { Ok(json!(null)) });
    let worker = Working::start(&jobs, handlers());
    let old = stage.finished(old).await;
    stage.finished(new).await;
    worker.stop().await;
    assert_eq!(
        stage.count("SELECT COUNT(*) AS value FROM jobs_tasks WHERE expires_at > finished_at").await,
        2
    );
    let mut tx = stage.db.begin().await.unwrap();
    tx.query("UPDATE jobs_tasks SET expires_at = 1 WHERE id = $1").bind(old.id).execute().await.unwrap();
    tx.commit().await.unwrap();
    // A worker clears when it begins.
    let worker = Working::start(&jobs, handlers());
    let begun = Instant::now();
    while stage.count("SELECT COUNT(*) AS value FROM jobs_tasks").await > 1 {
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    worker.stop().await;
    assert_eq!(stage.task(new).await.state, State::Succeeded);
}

pub(crate) async fn migrations_go_down_and_up_again(stage: &Stage) {
    let migrator = Stage::migrator(&stage.db);
    let down = migrator.downgrade(&stage.db, Some("jobs"), 2).await.unwrap();
    assert_eq!(
        down,
        [("jobs".to_owned(), 2, "schedules".to_owned()), ("jobs".to_owned(), 1, "jobs".to_owned())]
    );
    let mut tx = stage.db.begin().await.unwrap();
    assert!(tx.query("SELECT 1 AS value FROM jobs_tasks").execute().await.is_err());
    drop(tx);
    migrator.upgrade(&stage.db, SystemClock.now()).await.unwrap();
    let jobs = stage.jobs(|_| {});
    let id = stage.enqueue(&jobs, Work { n: 1 }).await;
    assert_eq!(stage.task(id).await.state, State::Pending);
}
