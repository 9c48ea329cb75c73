//! What workers write. Every statement about a running task carries its fence.

use std::collections::HashSet;

use db::{FromRow, Json, Row, Tx, Value};
use kernel::{Problem, TaskId, Timestamp, TraceParent, WorkspaceId};

use crate::{
    Result, State,
    model::StoredProblem,
    store::{Keep, expiry, skip_locked},
};

/// A task that this worker has just claimed.
#[derive(Debug, Clone)]
pub(crate) struct Claimed {
    pub(crate) id: TaskId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) kind: String,
    pub(crate) queue: String,
    pub(crate) args: String,
    pub(crate) attempt: u32,
    pub(crate) max_attempts: u32,
    pub(crate) fence: i64,
    pub(crate) timeout_ms: u64,
    /// Asked for after an attempt had failed, or just before it did.
    pub(crate) cancel_requested: bool,
    pub(crate) run_at: Timestamp,
    pub(crate) request_id: String,
    pub(crate) locale: String,
    pub(crate) trace_parent: Option<String>,
}

impl Claimed {
    pub(crate) fn trace_parent(&self) -> Option<TraceParent> {
        self.trace_parent.as_deref()?.parse().ok()
    }
}

impl FromRow for Claimed {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            workspace: row.get("workspace_id")?,
            kind: row.get("kind")?,
            queue: row.get("queue")?,
            args: row.get("args")?,
            attempt: row.get("attempt")?,
            max_attempts: row.get("max_attempts")?,
            fence: row.get("fence")?,
            timeout_ms: row.get("timeout_ms")?,
            cancel_requested: row.get("cancel_requested")?,
            run_at: row.get("run_at")?,
            request_id: row.get("request_id")?,
            locale: row.get("locale")?,
            trace_parent: row.get("trace_parent")?,
        })
    }
}

/// How an attempt ends, or is given back.
#[derive(Debug, Clone)]
pub(crate) enum Settlement {
    Succeeded(serde_json::Value),
    Retrying {
        run_at: Timestamp,
        error: String,
    },
    Failed {
        problem: Problem,
        error: String,
    },
    Cancelled,
    /// As if this attempt had never begun.
    Released,
}

impl Settlement {
    /// `attempt` is the number of the attempt that ends.
    pub(crate) fn state(&self, attempt: u32) -> State {
        match self {
            Self::Succeeded(_) => State::Succeeded,
            Self::Retrying { .. } => State::Retrying,
            Self::Failed { .. } => State::Failed,
            Self::Cancelled => State::Cancelled,
            Self::Released if attempt > 1 => State::Retrying,
            Self::Released => State::Pending,
        }
    }
}

/// False if the task is no longer this attempt's.
pub(crate) async fn settle(
    tx: &mut Tx,
    task: &Claimed,
    settlement: &Settlement,
    now: Timestamp,
    keep: Keep,
) -> Result<bool> {
    Ok(settle_all(tx, &[(task, settlement)], now, keep).await? == [true])
}

/// Ends that one statement writes: a few lengths make a few statements, which stay prepared.
const TOGETHER: usize = 16;

/// One answer for each: false if the task is no longer that attempt's. Every row stands under its own fence.
pub(crate) async fn settle_all(
    tx: &mut Tx,
    ends: &[(&Claimed, &Settlement)],
    now: Timestamp,
    keep: Keep,
) -> Result<Vec<bool>> {
    let mut written: HashSet<TaskId> = HashSet::with_capacity(ends.len());
    for ends in ends.chunks(TOGETHER) {
        let mut values = Vec::with_capacity(ends.len() * TYPES.len());
        for (task, settlement) in ends {
            values.extend(end_values(task, settlement, now, keep));
        }
        written.extend(tx.query_built(settle_sql(ends.len())).bind_all(values).all::<TaskId>().await?);
    }
    Ok(ends.iter().map(|(task, _)| written.contains(&task.id)).collect())
}

/// Of `id, fence, state, given_back, run_at, result, problem, error, finished_at, expires_at`. Cast, since PostgreSQL takes
/// a bare parameter in VALUES for text.
const TYPES: [&str; 10] =
    ["TEXT", "BIGINT", "TEXT", "BIGINT", "BIGINT", "TEXT", "TEXT", "TEXT", "BIGINT", "BIGINT"];

fn settle_sql(count: usize) -> String {
    let row = |number: usize| {
        let place = |(column, kind): (usize, &&str)| {
            format!("CAST(${} AS {kind})", number * TYPES.len() + column + 1)
        };
        format!("({})", TYPES.iter().enumerate().map(place).collect::<Vec<_>>().join(", "))
    };
    let rows: Vec<_> = (0..count).map(row).collect();
    format!(
        "WITH ends(id, fence, state, given_back, run_at, result, problem, error, finished_at, expires_at) AS (VALUES {})
         UPDATE jobs_tasks SET
            state = ends.state, worker = NULL, attempt = jobs_tasks.attempt - ends.given_back,
            run_at = COALESCE(ends.run_at, jobs_tasks.run_at), result = ends.result, problem = ends.problem,
            error = COALESCE(ends.error, jobs_tasks.error), finished_at = ends.finished_at,
            expires_at = ends.expires_at,
            progress = CASE WHEN ends.result IS NULL THEN jobs_tasks.progress ELSE 100 END
         FROM ends
         WHERE jobs_tasks.id = ends.id AND jobs_tasks.fence = ends.fence AND jobs_tasks.state = 'RUNNING'
         RETURNING jobs_tasks.id AS value",
        rows.join(", ")
    )
}

fn end_values(task: &Claimed, settlement: &Settlement, now: Timestamp, keep: Keep) -> [Value; TYPES.len()] {
    let state = settlement.state(task.attempt);
    let (mut given_back, mut run_at, mut result, mut problem, mut error) = (0i64, None, None, None, None);
    match settlement {
        Settlement::Succeeded(value) => result = Some(Json(value)),
        Settlement::Retrying { run_at: at, error: text } => {
            (run_at, error) = (Some(*at), Some(text.as_str()))
        }
        Settlement::Failed { problem: told, error: text } => {
            (problem, error) = (Some(Json(StoredProblem::from(told))), Some(text.as_str()));
        }
        Settlement::Cancelled => {}
        Settlement::Released => given_back = 1,
    }
    [
        task.id.into(),
        task.fence.into(),
        state.name().into(),
        given_back.into(),
        run_at.into(),
        result.into(),
        problem.into(),
        error.into(),
        state.is_finished().then_some(now).into(),
        expiry(keep, state, now).into(),
    ]
}

/// False if the task is no longer this attempt's.
pub(crate) async fn set_progress(
    tx: &mut Tx,
    task: &Claimed,
    percent: u8,
    message: Option<&str>,
) -> Result<bool> {
    const PROGRESS: &str = "UPDATE jobs_tasks SET progress = $3, message = COALESCE($4, message)
        WHERE id = $1 AND fence = $2 AND state = 'RUNNING'";
    let query = tx.query(PROGRESS).bind(task.id).bind(task.fence).bind(percent).bind(message);
    Ok(query.execute().await? == 1)
}

/// What the database says that a worker runs.
pub(crate) struct Held {
    pub(crate) id: TaskId,
    pub(crate) fence: i64,
    pub(crate) cancel_requested: bool,
}

impl FromRow for Held {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            fence: row.get("fence")?,
            cancel_requested: row.get("cancel_requested")?,
        })
    }
}

pub(crate) async fn held(tx: &mut Tx, worker: &str) -> Result<Vec<Held>> {
    const HELD: &str =
        "SELECT id, fence, cancel_requested FROM jobs_tasks WHERE worker = $1 AND state = 'RUNNING'";
    Ok(tx.query(HELD).bind(worker).all().await?)
}

/// Says that the worker lives, for the first time or again. True if it had been given up in between.
pub(crate) async fn beat(tx: &mut Tx, worker: &str, now: Timestamp) -> Result<bool> {
    const BEAT: &str = "UPDATE jobs_workers SET beat = beat + 1, seen_at = $2 WHERE id = $1";
    if tx.query(BEAT).bind(worker).bind(now).execute().await? == 1 {
        return Ok(false);
    }
    const REGISTER: &str = "INSERT INTO jobs_workers (id, beat, seen_at) VALUES ($1, 1, $2)";
    tx.query(REGISTER).bind(worker).bind(now).execute().await?;
    Ok(true)
}

/// A worker in the books.
pub(crate) struct Beat {
    pub(crate) worker: String,
    pub(crate) beat: i64,
    pub(crate) seen_at: Timestamp,
}

impl FromRow for Beat {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self { worker: row.get("id")?, beat: row.get("beat")?, seen_at: row.get("seen_at")? })
    }
}

pub(crate) async fn beats(tx: &mut Tx) -> Result<Vec<Beat>> {
    Ok(tx.query("SELECT id, beat, seen_at FROM jobs_workers").all().await?)
}

/// Strikes a worker off, unless it has counted on since. Its tasks are then nobody's.
pub(crate) async fn give_up(tx: &mut Tx, worker: &str, beat: i64) -> Result<bool> {
    const GIVE_UP: &str = "DELETE FROM jobs_workers WHERE id = $1 AND beat = $2";
    Ok(tx.query(GIVE_UP).bind(worker).bind(beat).execute().await? == 1)
}

/// A running task whose worker is gone.
pub(crate) async fn any_orphan(tx: &mut Tx) -> Result<bool> {
    const ANY: &str = "SELECT 1 AS value FROM jobs_tasks WHERE state = 'RUNNING'
        AND NOT EXISTS (SELECT 1 FROM jobs_workers w WHERE w.id = jobs_tasks.worker) LIMIT 1";
    Ok(!tx.query(ANY).rows().await?.is_empty())
}

const RESCUE: &str = "UPDATE jobs_tasks SET
    worker = NULL, fence = fence + 1, losses = losses + 1, attempt = attempt - 1,
    state = CASE WHEN cancel_requested THEN 'CANCELLED' WHEN losses + 1 >= $1 THEN 'FAILED' ELSE 'RETRYING' END,
    problem = CASE WHEN NOT cancel_requested AND losses + 1 >= $1 THEN $2 ELSE problem END,
    error = 'the worker died',
    finished_at = CASE WHEN cancel_requested OR losses + 1 >= $1 THEN $3 ELSE finished_at END,
    expires_at = CASE WHEN cancel_requested THEN $4 WHEN losses + 1 >= $1 THEN $5 ELSE expires_at END
    WHERE id IN (SELECT id FROM jobs_tasks WHERE state = 'RUNNING'
        AND NOT EXISTS (SELECT 1 FROM jobs_workers w WHERE w.id = jobs_tasks.worker)";

/// Puts the tasks that are nobody's back in line, at their old place.
pub(crate) async fn rescue(
    tx: &mut Tx,
    now: Timestamp,
    losses_max: u32,
    keep: Keep,
) -> Result<Vec<crate::TaskChange>> {
    let problem =
        Problem::new(500, "jobs.worker-lost", format!("the workers of this task died {} times", losses_max));
    let sql = format!(
        "{RESCUE}{}) RETURNING id, workspace_id, kind, state, progress, message, attempt",
        skip_locked(tx.engine())
    );
    Ok(tx
        .query_built(sql)
        .bind(losses_max)
        .bind(Json(StoredProblem::from(&problem)))
        .bind(now)
        .bind(expiry(keep, State::Cancelled, now))
        .bind(expiry(keep, State::Failed, now))
        .all()
        .await?)
}

impl FromRow for crate::TaskChange {
    fn from_row(row: &Row) -> db::Result<Self> {
        let state: String = row.get("state")?;
        Ok(Self {
            task: row.get("id")?,
            workspace: row.get("workspace_id")?,
            kind: row.get("kind")?,
            state: state.parse().map_err(|source: crate::StateError| db::Error::Column {
                column: "state".to_owned(),
                source: source.into(),
            })?,
            progress: row.get("progress")?,
            message: row.get("message")?,
            attempt: row.get("attempt")?,
        })
    }
}

/// Gives back one task that the database counts as this worker's, but that the worker does not run.
pub(crate) async fn release(tx: &mut Tx, worker: &str, id: TaskId, fence: i64) -> Result<bool> {
    const RELEASE: &str = "UPDATE jobs_tasks SET worker = NULL, attempt = attempt - 1,
        state = CASE WHEN attempt > 1 THEN 'RETRYING' ELSE 'PENDING' END
        WHERE id = $1 AND fence = $2 AND worker = $3 AND state = 'RUNNING'";
    Ok(tx.query(RELEASE).bind(id).bind(fence).bind(worker).execute().await? == 1)
}

/// Ends a worker's life in the books: what it still holds goes back in line at once.
pub(crate) async fn sign_off(tx: &mut Tx, worker: &str) -> Result<u64> {
    const RELEASE_ALL: &str = "UPDATE jobs_tasks SET worker = NULL, attempt = attempt - 1,
        state = CASE WHEN attempt > 1 THEN 'RETRYING' ELSE 'PENDING' END
        WHERE worker = $1 AND state = 'RUNNING'";
    let released = tx.query(RELEASE_ALL).bind(worker).execute().await?;
    tx.query("DELETE FROM jobs_workers WHERE id = $1").bind(worker).execute().await?;
    Ok(released)
}

/// Deletes up to `limit` tasks whose time is over.
pub(crate) async fn expire(tx: &mut Tx, now: Timestamp, limit: u32) -> Result<u64> {
    let sql = format!(
        "DELETE FROM jobs_tasks WHERE id IN (SELECT id FROM jobs_tasks
         WHERE expires_at IS NOT NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2{})",
        skip_locked(tx.engine())
    );
    Ok(tx.query_built(sql).bind(now).bind(limit).execute().await?)
}

/// Made after `ahead`, and due from then on. Ids sort by the time at which they were made: where no clock is ahead this is
/// one step to the end of an index.
const MADE_AFTER: &str = "id > $1 AND state IN ('PENDING', 'RETRYING') AND run_at = created_at";

/// A task that waits although nobody wanted it to.
pub(crate) async fn any_made_after(tx: &mut Tx, ahead: Timestamp) -> Result<bool> {
    let sql = format!("SELECT 1 AS value FROM jobs_tasks WHERE {MADE_AFTER} LIMIT 1");
    Ok(!tx.query_built(sql).bind(TaskId::new(ahead)).rows().await?.is_empty())
}

/// Makes such tasks due.
pub(crate) async fn pull_back(tx: &mut Tx, ahead: Timestamp, now: Timestamp) -> Result<u64> {
    let sql = format!(
        "UPDATE jobs_tasks SET run_at = $2 WHERE id IN (SELECT id FROM jobs_tasks WHERE {MADE_AFTER}{})",
        skip_locked(tx.engine())
    );
    Ok(tx.query_built(sql).bind(TaskId::new(ahead)).bind(now).execute().await?)
}

/// Whether the task was completed under this attempt's fence.
pub(crate) async fn succeeded_under(tx: &mut Tx, task: &Claimed) -> Result<bool> {
    const OWN: &str =
        "SELECT 1 AS value FROM jobs_tasks WHERE id = $1 AND fence = $2 AND state = 'SUCCEEDED'";
    Ok(!tx.query(OWN).bind(task.id).bind(task.fence).rows().await?.is_empty())
}
