use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use jobs::{Handlers, JobContext, JobError, State, TaskChange};
use kernel::Problem;
use serde_json::json;

use crate::stage::{Hasty, Stage, Work, Working, write_ledger};

pub(crate) async fn runs_reports_and_keeps_the_result(stage: &Stage) {
    let jobs = stage.jobs(|_| {});
    let changes = Arc::new(Mutex::new(Vec::<TaskChange>::new()));
    let seen = changes.clone();
    jobs.on_change(Arc::new(move |change| seen.lock().unwrap().push(change.clone())));
    let ctx = stage.ctx();
    let mut tx = stage.db.begin().await.unwrap();
    let id = jobs.enqueue(&mut tx, &ctx, Work { n: 4 }).await.unwrap();
    tx.commit().await.unwrap();
    let before = stage.task(id).await;
    assert_eq!((before.state, before.progress, before.attempt), (State::Pending, 0, 0));

    let request_id = ctx.request_id.clone();
    let worker = Working::start(
        &jobs,
        Handlers::new().on(move |ctx: JobContext, job: Work| {
            let request_id = request_id.clone();
            async move {
                assert_eq!((ctx.attempt, ctx.ctx().request_id), (1, request_id));
                ctx.progress(50, "half of it").await?;
                Ok(json!({ "squared": job.n * job.n }))
            }
        }),
    );
    let task = stage.finished(id).await;
    worker.stop().await;
    assert_eq!((task.state, task.progress, task.attempt), (State::Succeeded, 100, 1));
    assert_eq!(task.result, Some(json!({ "squared": 16 })));
    assert_eq!(task.message.as_deref(), Some("half of it"));
    assert_eq!(task.request_id, ctx.request_id.as_str());
    assert!(task.started_at >= Some(task.created_at) && task.finished_at >= task.started_at);
    let steps: Vec<_> =
        changes.lock().unwrap().iter().map(|change| (change.task, change.state, change.progress)).collect();
    assert_eq!(steps, [(id, State::Running, 0), (id, State::Running, 50), (id, State::Succeeded, 100)]);
}

pub(crate) async fn rolled_back_is_never_run(stage: &Stage) {
    let jobs = stage.jobs(|_| {});
    let mut tx = stage.db.begin().await.unwrap();
    jobs.enqueue(&mut tx, &stage.ctx(), Work { n: 1 }).await.unwrap();
    tx.rollback().await.unwrap();
    let committed = stage.enqueue(&jobs, Work { n: 2 }).await;
    let worker = Working::start(
        &jobs,
        Handlers::new().on(|ctx: JobContext, job: Work| async move { write_ledger(&ctx, job.n).await }),
    );
    stage.finished(committed).await;
    worker.stop().await;
    assert_eq!(stage.count("SELECT COUNT(*) AS value FROM jobs_tasks").await, 1);
    assert_eq!(stage.count("SELECT CAST(SUM(n) AS BIGINT) AS value FROM ledger").await, 2);
}

pub(crate) async fn retries_until_it_succeeds(stage: &Stage) {
    let jobs = stage.jobs(|_| {});
    let id = stage.enqueue(&jobs, Work { n: 3 }).await;
    let worker = Working::start(
        &jobs,
        Handlers::new().on(|ctx: JobContext, job: Work| async move {
            if i64::from(ctx.attempt) < job.n {
                return Err(std::io::Error::other("the line is down").into());
            }
            Ok(json!(ctx.attempt))
        }),
    );
    let task = stage.finished(id).await;
    worker.stop().await;
    assert_eq!((task.state, task.attempt, task.result), (State::Succeeded, 3, Some(json!(3))));
    assert_eq!(task.error.as_deref(), Some("the line is down"));
}

pub(crate) async fn fails_when_no_attempt_is_left(stage: &Stage) {
    let jobs = stage.jobs(|_| {});
    let id = stage.enqueue(&jobs, Hasty {}).await;
    let worker = Working::start(
        &jobs,
        Handlers::new()
            .on(|_: JobContext, _: Hasty| async { Err(JobError::retry("secret/path is missing")) }),
    );
    let task = stage.finished(id).await;
    worker.stop().await;
    assert_eq!((task.state, task.attempt), (State::Failed, 2));
    let problem = task.problem.unwrap();
    assert_eq!(problem.code, "jobs.attempts-exhausted");
    assert!(!problem.detail.contains("secret"), "{problem}");
    assert_eq!(task.error.as_deref(), Some("secret/path is missing"));
}

pub(crate) async fn fatal_fails_at_once_with_its_problem(stage: &Stage) {
    let jobs = stage.jobs(|_| {});
    let id = stage.enqueue(&jobs, Work { n: 1 }).await;
    let problem = Problem::unprocessable("test.bad-file", "this is no video");
    let told = problem.clone();
    let worker = Working::start(
        &jobs,
        Handlers::new().on(move |_: JobContext, _: Work| {
            let problem = told.clone();
            async { Err(JobError::fatal(problem)) }
        }),
    );
    let task = stage.finished(id).await;
    worker.stop().await;
    assert_eq!((task.state, task.attempt, task.problem), (State::Failed, 1, Some(problem)));
}

pub(crate) async fn a_panic_is_a_failed_attempt(stage: &Stage) {
    let jobs = stage.jobs(|config| config.queues = [("default".to_owned(), 1)].into());
    let panics = stage.enqueue(&jobs, Hasty {}).await;
    let fine = stage.enqueue(&jobs, Work { n: 1 }).await;
    let worker = Working::start(
        &jobs,
        Handlers::new()
            .on(|ctx: JobContext, _: Hasty| async move { panic!("attempt {} hit a bug", ctx.attempt) })
            .on(|_: JobContext, _: Work| async { Ok(json!(null)) }),
    );
    let (panicked, fine) = (stage.finished(panics).await, stage.finished(fine).await);
    worker.stop().await;
    assert_eq!((panicked.state, panicked.attempt), (State::Failed, 2));
    assert_eq!(panicked.error.as_deref(), Some("the body panicked: attempt 2 hit a bug"));
    assert_eq!(fine.state, State::Succeeded);
}

pub(crate) async fn too_long_is_a_failed_attempt(stage: &Stage) {
    let jobs = stage.jobs(|_| {});
    let id = stage.enqueue(&jobs, Hasty {}).await;
    let worker = Working::start(
        &jobs,
        Handlers::new().on(|ctx: JobContext, _: Hasty| async move {
            if ctx.attempt == 1 {
                // Listens.
                ctx.cancel.cancelled().await;
                return Err(JobError::retry("stopped early"));
            }
            // Does not.
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            Ok(json!(null))
        }),
    );
    let task = stage.finished(id).await;
    worker.stop().await;
    assert_eq!((task.state, task.attempt), (State::Failed, 2));
    assert_eq!(task.error.as_deref(), Some("the attempt took longer than 1 s"));
}

pub(crate) async fn effects_commit_with_the_completion_or_not_at_all(stage: &Stage) {
    let jobs = stage.jobs(|_| {});
    let id = stage.enqueue(&jobs, Work { n: 7 }).await;
    let worker = Working::start(
        &jobs,
        Handlers::new().on(|ctx: JobContext, job: Work| async move {
            if ctx.attempt == 1 {
                // Forgets to commit: neither the effect nor the completion counts.
                let mut tx = ctx.db().begin().await?;
                tx.query("INSERT INTO ledger (n, attempt) VALUES (7, 1)").execute().await?;
                ctx.complete_in(&mut tx, json!("lost")).await?;
                tx.rollback().await?;
                return Ok(json!(null));
            }
            write_ledger(&ctx, job.n).await?;
            // Fails after the commit: the task has succeeded all the same.
            Err(JobError::retry("too late to matter"))
        }),
    );
    let task = stage.finished(id).await;
    worker.stop().await;
    let task = stage.wait(task.id, |task| task.state.is_finished()).await;
    assert_eq!((task.state, task.attempt, task.result), (State::Succeeded, 2, Some(json!({ "n": 7 }))));
    assert_eq!(stage.count("SELECT COUNT(*) AS value FROM ledger").await, 1);
    assert_eq!(stage.count("SELECT attempt AS value FROM ledger").await, 2);
}

pub(crate) async fn unreadable_arguments_fail(stage: &Stage) {
    let jobs = stage.jobs(|_| {});
    let id = stage.enqueue(&jobs, Work { n: 1 }).await;
    stage.execute("UPDATE jobs_tasks SET args = '{\"m\": 1}'").await;
    let worker =
        Working::start(&jobs, Handlers::new().on(|_: JobContext, _: Work| async { Ok(json!(null)) }));
    let task = stage.finished(id).await;
    worker.stop().await;
    assert_eq!((task.state, task.attempt), (State::Failed, 1));
    assert_eq!(task.problem.unwrap().code, "jobs.bad-arguments");
}

pub(crate) async fn the_trace_goes_on(stage: &Stage) {
    let jobs = stage.jobs(|_| {});
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let mut ctx = stage.ctx();
    ctx.trace_parent = Some(parent.parse().unwrap());
    let mut tx = stage.db.begin().await.unwrap();
    let id = jobs.enqueue(&mut tx, &ctx, Work { n: 1 }).await.unwrap();
    tx.commit().await.unwrap();
    let handlers = Handlers::new().on(|ctx: JobContext, _: Work| async move {
        let seen = ctx.ctx().trace_parent.map(|parent| parent.to_string());
        Ok(json!([ctx.trace_parent().map(|parent| parent.to_string()), seen]))
    });
    let worker = Working::start(&jobs, handlers);
    assert_eq!(stage.finished(id).await.result, Some(json!([parent, parent])));
    worker.stop().await;
}
