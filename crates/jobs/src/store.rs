use std::collections::BTreeMap;

use db::{Engine, FromRow, Json, OnConstraint, Row, Tx, Value};
use kernel::{Ctx, Locale, TaskId, Timestamp, WorkspaceId};

use crate::{
    Config, Error, Options, Priority, QueueState, Result, State, Task, TaskFilter, TaskList,
    model::StoredProblem,
};

const INSERT: &str = "INSERT INTO jobs_tasks
    (id, workspace_id, kind, queue, priority, state, args, unique_key, run_at, max_attempts, timeout_ms,
     actor, request_id, locale, created_at, trace_parent)
    VALUES ($1, $2, $3, $4, $5, 'PENDING', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    ON CONFLICT (workspace_id, kind, unique_key) WHERE finished_at IS NULL DO NOTHING";

const FIND_UNIQUE: &str = "SELECT id AS value FROM jobs_tasks
    WHERE workspace_id = $1 AND kind = $2 AND unique_key = $3 AND finished_at IS NULL";

pub(crate) struct NewTask<'a> {
    pub(crate) id: TaskId,
    pub(crate) kind: &'static str,
    pub(crate) args: &'a str,
    pub(crate) unique_key: Option<&'a str>,
    pub(crate) priority: Priority,
    pub(crate) run_at: Timestamp,
    pub(crate) options: &'a Options,
}

/// False if an unfinished task with the same key is there already.
pub(crate) async fn insert(tx: &mut Tx, ctx: &Ctx, task: &NewTask<'_>) -> Result<bool> {
    let options = task.options;
    let rows = tx
        .query(INSERT)
        .bind(task.id)
        .bind(ctx.workspace)
        .bind(task.kind)
        .bind(options.queue)
        .bind(task.priority.number())
        .bind(task.args)
        .bind(task.unique_key)
        .bind(task.run_at)
        .bind(options.max_attempts.max(1))
        .bind(i64::try_from(options.timeout.as_millis()).unwrap_or(i64::MAX))
        .bind(ctx.actor.to_string())
        .bind(ctx.request_id.as_str())
        .bind(ctx.locale.tag())
        .bind(ctx.now)
        .bind(ctx.trace_parent.clone().or_else(telemetry::trace::current).map(|parent| parent.to_string()))
        .execute()
        .await?;
    Ok(rows == 1)
}

pub(crate) async fn find_unique(
    tx: &mut Tx,
    workspace: WorkspaceId,
    kind: &str,
    key: &str,
) -> Result<Option<TaskId>> {
    Ok(tx.query(FIND_UNIQUE).bind(workspace).bind(kind).bind(key).optional().await?)
}

pub(crate) async fn find(tx: &mut Tx, workspace: WorkspaceId, id: TaskId) -> Result<Option<Task>> {
    Ok(tx
        .query("SELECT * FROM jobs_tasks WHERE workspace_id = $1 AND id = $2")
        .bind(workspace)
        .bind(id)
        .optional()
        .await?)
}

pub(crate) async fn find_anywhere(tx: &mut Tx, id: TaskId) -> Result<Option<Task>> {
    Ok(tx.query("SELECT * FROM jobs_tasks WHERE id = $1").bind(id).optional().await?)
}

/// The condition on `jobs_tasks` that a filter is, and its values.
fn wanted(workspace: Option<WorkspaceId>, filter: &TaskFilter) -> (String, Vec<Value>) {
    let mut wanted = if workspace.is_some() { "workspace_id = $1" } else { "TRUE" }.to_owned();
    let mut values: Vec<Value> = workspace.into_iter().map(Value::from).collect();
    if !filter.states.is_empty() {
        wanted += &format!(" AND state IN ({})", places(values.len(), filter.states.len()));
        values.extend(filter.states.iter().map(|state| state.name().into()));
    }
    for (column, value) in [("kind", &filter.kind), ("queue", &filter.queue)] {
        if let Some(value) = value {
            values.push(value.into());
            wanted += &format!(" AND {column} = ${}", values.len());
        }
    }
    (wanted, values)
}

/// One page, newest first, and the number of tasks on all pages, counted up to [`TaskList::COUNTED_MAX`].
pub(crate) async fn list(
    tx: &mut Tx,
    workspace: Option<WorkspaceId>,
    filter: &TaskFilter,
    limit: u32,
    offset: i64,
) -> Result<(Vec<Task>, u64)> {
    let (wanted, values) = wanted(workspace, filter);
    let count = format!(
        "SELECT COUNT(*) AS value FROM (SELECT 1 FROM jobs_tasks WHERE {wanted} LIMIT {}) counted",
        TaskList::COUNTED_MAX
    );
    let total: u64 = tx.query_built(count).bind_all(values.clone()).one().await?;
    let page = format!(
        "SELECT * FROM jobs_tasks WHERE {wanted} ORDER BY id DESC LIMIT ${} OFFSET ${}",
        values.len() + 1,
        values.len() + 2
    );
    let items = tx.query_built(page).bind_all(values).bind(limit).bind(offset).all().await?;
    Ok((items, total))
}

/// Ids of up to `limit` tasks of all workspaces that fit, newest first, from before `before` on.
pub(crate) async fn ids(
    tx: &mut Tx,
    filter: &TaskFilter,
    before: Option<TaskId>,
    limit: u32,
) -> Result<Vec<TaskId>> {
    let (mut wanted, mut values) = wanted(None, filter);
    if let Some(before) = before {
        values.push(before.into());
        wanted += &format!(" AND id < ${}", values.len());
    }
    let sql = format!("SELECT id AS value FROM jobs_tasks WHERE {wanted} ORDER BY id DESC LIMIT {limit}");
    Ok(tx.query_built(sql).bind_all(values).all().await?)
}

/// `$1`: now; `$2`: when a cancelled task is deleted.
const CANCEL: &str = "UPDATE jobs_tasks SET
    cancel_requested = TRUE,
    state = CASE WHEN state = 'RUNNING' THEN state ELSE 'CANCELLED' END,
    finished_at = CASE WHEN state = 'RUNNING' THEN finished_at ELSE $1 END,
    expires_at = CASE WHEN state = 'RUNNING' THEN expires_at ELSE $2 END
    WHERE state IN ('PENDING', 'RETRYING', 'RUNNING')";

pub(crate) async fn cancel(
    tx: &mut Tx,
    workspace: WorkspaceId,
    id: TaskId,
    now: Timestamp,
    keep: Keep,
) -> Result<bool> {
    let expires = expiry(keep, State::Cancelled, now);
    let sql = format!("{CANCEL} AND workspace_id = $3 AND id = $4");
    let query = tx.query_built(sql).bind(now).bind(expires).bind(workspace).bind(id);
    Ok(query.execute().await? == 1)
}

pub(crate) async fn cancel_these(tx: &mut Tx, ids: &[TaskId], now: Timestamp, keep: Keep) -> Result<u64> {
    let sql = format!("{CANCEL} AND id IN ({})", places(2, ids.len()));
    let query = tx.query_built(sql).bind(now).bind(expiry(keep, State::Cancelled, now));
    Ok(query.bind_all(ids.iter().map(|id| Value::from(*id))).execute().await?)
}

/// `$1`: now.
const RETRY: &str = "UPDATE jobs_tasks SET
    state = 'PENDING', attempt = 0, losses = 0, cancel_requested = FALSE, progress = 0, run_at = $1,
    message = NULL, problem = NULL, started_at = NULL, finished_at = NULL, expires_at = NULL
    WHERE state IN ('FAILED', 'CANCELLED')";

pub(crate) async fn retry(tx: &mut Tx, workspace: WorkspaceId, id: TaskId, now: Timestamp) -> Result<bool> {
    let rows = tx
        .query_built(format!("{RETRY} AND workspace_id = $2 AND id = $3"))
        .bind(now)
        .bind(workspace)
        .bind(id)
        .execute()
        .await
        .on_constraint("jobs_tasks_workspace_id_kind_unique_key_key", || Error::Duplicate(id))?;
    Ok(rows == 1)
}

/// Leaves out those whose unique key is taken by a task that is under way, and of several with one key all but the newest.
pub(crate) async fn retry_these(tx: &mut Tx, ids: &[TaskId], now: Timestamp) -> Result<u64> {
    let sql = format!(
        "{RETRY} AND id IN (SELECT id FROM (
            SELECT t.id, ROW_NUMBER() OVER (
                PARTITION BY t.workspace_id, t.kind, t.unique_key IS NULL, COALESCE(t.unique_key, t.id)
                ORDER BY t.id DESC) AS place
            FROM jobs_tasks t WHERE t.id IN ({}) AND NOT EXISTS (SELECT 1 FROM jobs_tasks o
                WHERE o.workspace_id = t.workspace_id AND o.kind = t.kind AND o.unique_key = t.unique_key
                AND o.finished_at IS NULL)
         ) chosen WHERE place = 1)",
        places(1, ids.len())
    );
    let query = tx.query_built(sql).bind(now).bind_all(ids.iter().map(|id| Value::from(*id)));
    Ok(query.execute().await?)
}

pub(crate) async fn delete(tx: &mut Tx, workspace: WorkspaceId, id: TaskId) -> Result<bool> {
    const DELETE: &str = "DELETE FROM jobs_tasks WHERE workspace_id = $1 AND id = $2 AND state <> 'RUNNING'";
    Ok(tx.query(DELETE).bind(workspace).bind(id).execute().await? == 1)
}

pub(crate) async fn delete_these(tx: &mut Tx, ids: &[TaskId]) -> Result<u64> {
    let sql = format!("DELETE FROM jobs_tasks WHERE state <> 'RUNNING' AND id IN ({})", places(0, ids.len()));
    Ok(tx.query_built(sql).bind_all(ids.iter().map(|id| Value::from(*id))).execute().await?)
}

pub(crate) async fn pause(tx: &mut Tx, queue: &str, now: Timestamp) -> Result<()> {
    const PAUSE: &str =
        "INSERT INTO jobs_paused_queues (queue, paused_at) VALUES ($1, $2) ON CONFLICT (queue) DO NOTHING";
    tx.query(PAUSE).bind(queue).bind(now).execute().await?;
    Ok(())
}

pub(crate) async fn resume(tx: &mut Tx, queue: &str) -> Result<()> {
    tx.query("DELETE FROM jobs_paused_queues WHERE queue = $1").bind(queue).execute().await?;
    Ok(())
}

pub(crate) async fn paused(tx: &mut Tx) -> Result<Vec<String>> {
    Ok(tx.query("SELECT queue AS value FROM jobs_paused_queues ORDER BY queue").all().await?)
}

/// The queues of the settings and of the tasks, with what is in them.
pub(crate) async fn queues(tx: &mut Tx, config: &Config, now: Timestamp) -> Result<Vec<QueueState>> {
    const COUNTS: &str = "SELECT queue, state, COUNT(*) AS tasks, MIN(run_at) AS oldest FROM jobs_tasks
        WHERE state IN ('PENDING', 'RETRYING') GROUP BY queue, state
        UNION ALL SELECT queue, state, COUNT(*), NULL FROM jobs_tasks WHERE state = 'RUNNING' GROUP BY queue, state
        UNION ALL SELECT queue, state, COUNT(*), NULL FROM jobs_tasks WHERE state = 'FAILED' GROUP BY queue, state";
    let mut found: BTreeMap<String, QueueState> =
        config.queues.iter().map(|(name, slots)| (name.clone(), QueueState::new(name, *slots))).collect();
    for row in tx.query(COUNTS).rows().await? {
        let name: String = row.get("queue")?;
        let queue = found.entry(name.clone()).or_insert_with(|| QueueState::new(&name, 0));
        let tasks: u64 = row.get("tasks")?;
        match state(&row)? {
            State::Running => queue.running += tasks,
            State::Failed => queue.failed += tasks,
            _ => {
                queue.waiting += tasks;
                let oldest: Option<Timestamp> = row.get("oldest")?;
                let waits = oldest.map(|at| now.duration_since(at)).filter(|waits| !waits.is_negative());
                queue.oldest_waiting = queue.oldest_waiting.max(waits.map(|waits| waits.unsigned_abs()));
            }
        }
    }
    for name in paused(tx).await? {
        found.entry(name.clone()).or_insert_with(|| QueueState::new(&name, 0)).is_paused = true;
    }
    Ok(found.into_values().collect())
}

/// How long tasks are kept that end now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keep {
    pub(crate) hours: u64,
    pub(crate) failed_hours: u64,
}

/// When a task that reaches `state` at `now` is deleted.
pub(crate) fn expiry(keep: Keep, state: State, now: Timestamp) -> Option<Timestamp> {
    let hours = match state {
        State::Succeeded | State::Cancelled => keep.hours,
        State::Failed => keep.failed_hours,
        State::Pending | State::Running | State::Retrying => return None,
    };
    Some(later(now, std::time::Duration::from_secs(hours.saturating_mul(3_600))))
}

/// `now + wait`, at most the end of time.
pub(crate) fn later(now: Timestamp, wait: std::time::Duration) -> Timestamp {
    kernel::Timestamp::checked_add(now, wait).unwrap_or(Timestamp::MAX)
}

/// `$4, $5, $6` for `first = 3, count = 3`.
pub(crate) fn places(first: usize, count: usize) -> String {
    (first + 1..=first + count).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ")
}

/// PostgreSQL workers step around rows that another is claiming; SQLite has one writer, so there is nobody to meet.
pub(crate) fn skip_locked(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "",
        Engine::Postgres => " FOR UPDATE SKIP LOCKED",
    }
}

pub(crate) fn locale(tag: &str) -> Locale {
    Locale::parse(tag).unwrap_or_default()
}

fn state(row: &Row) -> db::Result<State> {
    state_of(&row.get::<String>("state")?)
}

pub(crate) fn state_of(text: &str) -> db::Result<State> {
    text.parse().map_err(|source| db::Error::Column {
        column: "state".to_owned(),
        source: Box::<crate::StateError>::new(source),
    })
}

impl FromRow for Task {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            workspace: row.get("workspace_id")?,
            kind: row.get("kind")?,
            queue: row.get("queue")?,
            priority: Priority::from_number(row.get("priority")?),
            state: state(row)?,
            progress: row.get("progress")?,
            message: row.get("message")?,
            result: row.get::<Option<Json<serde_json::Value>>>("result")?.map(|Json(value)| value),
            problem: row.get::<Option<Json<StoredProblem>>>("problem")?.map(|Json(stored)| stored.into()),
            error: row.get("error")?,
            attempt: row.get("attempt")?,
            max_attempts: row.get("max_attempts")?,
            cancel_requested: row.get("cancel_requested")?,
            actor: row.get("actor")?,
            request_id: row.get("request_id")?,
            created_at: row.get("created_at")?,
            run_at: row.get("run_at")?,
            started_at: row.get("started_at")?,
            finished_at: row.get("finished_at")?,
        })
    }
}
