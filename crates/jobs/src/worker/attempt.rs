//! One attempt at one task: run the body, stop it in time, write how it ended.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::FutureExt;
use kernel::{Problem, RequestId};
use telemetry::trace::Scope;
use tokio::time::{Instant, sleep, timeout};
use tracing::Instrument;

use super::{
    Worker,
    settler::write,
    store::{self, Claimed, Settlement},
};
use crate::{
    JobContext, JobError, Result, State,
    context::{Stop, Stopper},
    handlers::chain,
    model::backoff,
    store::later,
};

type Ended = std::thread::Result<Result<serde_json::Value, JobError>>;

/// How long a settlement is tried while the database fails. Then the keeper gives the task back.
const SETTLE_FOR: Duration = Duration::from_secs(120);

pub(super) async fn run(worker: &Worker, task: Arc<Claimed>, stopper: Stopper, completed: Arc<AtomicBool>) {
    let span = tracing::info_span!(
        "job",
        job.kind = task.kind,
        job.task = %task.id,
        job.attempt = task.attempt,
        workspace.id = %task.workspace,
        request.id = task.request_id,
        trace.id = tracing::field::Empty,
        otel.name = tracing::field::Empty,
        otel.kind = tracing::field::Empty,
    );
    let trace_parent = task.trace_parent();
    if let Some(parent) = &trace_parent {
        telemetry::trace::continue_from(&span, parent);
    }
    telemetry::trace::name(&span, "consumer", || format!("job {}", task.kind));
    if let Some(trace) = telemetry::trace::of(&span).as_ref().or(trace_parent.as_ref()) {
        span.record("trace.id", trace.trace_id_text());
    }
    let scope = Scope { request_id: RequestId::parse(&task.request_id), trace_parent };
    let life = async {
        if task.cancel_requested {
            settle(worker, &task, Settlement::Cancelled, false).await;
            return;
        }
        let begun = Instant::now();
        let ended = work(worker, &task, &stopper, &completed).await;
        metrics::histogram!("jobs_duration_seconds", "kind" => task.kind.clone())
            .record(begun.elapsed().as_secs_f64());
        let completed = completed.load(Ordering::Acquire);
        if completed && matches!(ended, Some(Ok(Ok(_)))) {
            // The body says that it committed the completion. The keeper looks at all such tasks at once, soon.
            worker.unverified().insert(task.id, task.clone());
            announce(worker, &task, State::Succeeded);
            return;
        }
        match judge(worker, &task, ended, stopper.reason()) {
            Some(settlement) => settle(worker, &task, settlement, completed).await,
            None => tracing::warn!("gave the task up, since its lease may be another worker's now"),
        }
    };
    telemetry::trace::within(scope, life.instrument(span)).await;
}

/// Runs the body until it ends or was stopped; `None` if it did not end in the time that a stopped body has.
async fn work(
    worker: &Worker,
    task: &Arc<Claimed>,
    stopper: &Stopper,
    completed: &Arc<AtomicBool>,
) -> Option<Ended> {
    let handler = worker.handlers.get(&task.kind)?;
    let ctx = JobContext::new(handler.kind, task.clone(), worker.jobs.clone(), stopper, completed.clone());
    // The body's own code runs inside the future, so that a panic there is caught too.
    let body = async { (handler.body)(ctx, task.args.clone()).await };
    // Nothing that the body may have left half-changed is used after a panic but the database, which rolled back.
    let mut body = std::pin::pin!(AssertUnwindSafe(body).catch_unwind());
    tokio::select! {
        biased;
        ended = &mut body => return Some(ended),
        () = sleep(Duration::from_millis(task.timeout_ms)) => stopper.stop(Stop::Timeout),
        () = stopper.stopped() => {}
    }
    timeout(worker.jobs.config.cancel_grace(), body).await.ok()
}

/// What an end means. `None`: nothing that this worker may write.
fn judge(worker: &Worker, task: &Claimed, ended: Option<Ended>, stopped: Option<Stop>) -> Option<Settlement> {
    let error = match ended {
        Some(Ok(Ok(value))) => return Some(Settlement::Succeeded(value)),
        Some(Ok(Err(error))) => error,
        Some(Err(panic)) => JobError::retry(format!("the body panicked: {}", panic_text(panic.as_ref()))),
        None => JobError::retry("the body did not stop when it was told to"),
    };
    match stopped {
        Some(Stop::Cancelled) => return Some(Settlement::Cancelled),
        Some(Stop::Shutdown) => return Some(Settlement::Released),
        Some(Stop::LeaseLost) => return None,
        Some(Stop::Timeout) => {
            let text = format!("the attempt took longer than {} s", task.timeout_ms.div_ceil(1_000));
            return Some(failed_attempt(worker, task, text, None));
        }
        None => {}
    }
    Some(match error {
        JobError::Retry { source, after } => failed_attempt(worker, task, chain(source.as_ref()), after),
        JobError::Fatal(problem) => Settlement::Failed { error: problem.to_string(), problem: *problem },
    })
}

/// Counts a completion that its body did not commit, though it said so, as a failed attempt.
pub(super) async fn not_committed(worker: &Worker, task: &Arc<Claimed>) -> Result<()> {
    let error = "the body completed the task in a transaction that it did not commit";
    let settlement = failed_attempt(worker, task, error.to_owned(), None);
    if write(worker, task, &settlement).await? {
        tracing::error!(job.task = %task.id, job.kind = task.kind, "{error}");
        announce(worker, task, settlement.state(task.attempt));
    }
    Ok(())
}

fn failed_attempt(worker: &Worker, task: &Claimed, error: String, after: Option<Duration>) -> Settlement {
    if task.attempt >= task.max_attempts {
        let detail = format!("the task failed {} times; the server's log says why", task.attempt);
        return Settlement::Failed { problem: Problem::new(500, "jobs.attempts-exhausted", detail), error };
    }
    let wait = after.unwrap_or_else(|| backoff(&worker.jobs.config, task.id, task.attempt));
    Settlement::Retrying { run_at: later(worker.jobs.clock.now(), wait), error }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// Writes how the attempt ended, again and again while the database fails: the fence makes it safe at any later time.
async fn settle(worker: &Worker, task: &Arc<Claimed>, settlement: Settlement, completed: bool) {
    let begun = Instant::now();
    let mut wait = Duration::from_millis(50);
    let written = loop {
        match write(worker, task, &settlement).await {
            Ok(written) => break written,
            Err(error) if begun.elapsed() > SETTLE_FOR => {
                tracing::error!(
                    error = chain(&error),
                    "could not write how the task ended; it will run again"
                );
                return;
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), "could not write how the task ended; trying again")
            }
        }
        sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(2));
    };
    let state = match (written, completed) {
        (true, _) => settlement.state(task.attempt),
        // The body's own transaction was first.
        (false, true) if own_success(worker, task).await => State::Succeeded,
        (false, _) => {
            metrics::counter!("jobs_fenced_total", "kind" => task.kind.clone()).increment(1);
            tracing::warn!("the task was no longer this worker's when it ended; nothing was written");
            return;
        }
    };
    match &settlement {
        Settlement::Failed { error, .. } if written => tracing::error!(error, "task failed"),
        Settlement::Retrying { error, .. } if written => {
            tracing::warn!(error, "attempt failed; another will follow")
        }
        _ => tracing::debug!(state = state.name(), "attempt ended"),
    }
    announce(worker, task, state);
}

/// Every attempt ends in one of: succeeded, failed, cancelled, retrying (it failed, and another follows), pending (given back).
pub(super) fn count_end(kind: &str, state: State) {
    let outcome = state.name().to_lowercase();
    metrics::counter!("jobs_finished_total", "kind" => kind.to_owned(), "outcome" => outcome).increment(1);
}

/// Every count is there from the start, at zero: a rate sees no first failure of a series that begins with it.
pub(super) fn count_from_zero(kinds: &[&'static str]) {
    for (kind, state) in kinds.iter().flat_map(|kind| State::ALL.map(|state| (*kind, state))) {
        if state != State::Running {
            let outcome = state.name().to_lowercase();
            metrics::counter!("jobs_finished_total", "kind" => kind, "outcome" => outcome).increment(0);
        }
    }
}

fn announce(worker: &Worker, task: &Claimed, state: State) {
    count_end(&task.kind, state);
    worker.tell(task, state, if state == State::Succeeded { 100 } else { 0 });
}

/// Whether the row that could not be settled is this attempt's own success, committed by `complete_in`.
async fn own_success(worker: &Worker, task: &Claimed) -> bool {
    let found = async {
        let mut tx = worker.jobs.db.read().await?;
        store::succeeded_under(&mut tx, task).await
    };
    found.await.unwrap_or(false)
}
