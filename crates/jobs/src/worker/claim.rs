//! Which tasks a worker takes: by priority, then by age; and when one workspace has filled a queue, the workspaces in turn.

use std::collections::HashMap;

use db::{Engine, FromRow, Row, Tx, Value};
use kernel::{TaskId, Timestamp, WorkspaceId};

use super::store::Claimed;
use crate::{
    Result,
    store::{places, skip_locked},
};

struct Candidate {
    id: TaskId,
    workspace: WorkspaceId,
}

impl FromRow for Candidate {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self { id: row.get("id")?, workspace: row.get("workspace_id")? })
    }
}

/// Is there anything to claim? Reads only, so that an idle worker never takes SQLite's write lock.
pub(crate) async fn any_due(tx: &mut Tx, queues: &[&str], kinds: &[&str], now: Timestamp) -> Result<bool> {
    let sql = format!(
        "SELECT 1 AS value FROM jobs_tasks WHERE state IN ('PENDING', 'RETRYING') AND run_at <= $1
         AND queue IN ({}) AND kind IN ({}) LIMIT 1",
        places(1, queues.len()),
        places(1 + queues.len(), kinds.len())
    );
    let names = queues.iter().chain(kinds).map(|name| Value::from(*name));
    Ok(!tx.query_built(sql).bind(now).bind_all(names).rows().await?.is_empty())
}

/// When the next task of these queues comes due, if one waits for its time. One step into an index for each queue and
/// priority.
pub(crate) async fn next_due(tx: &mut Tx, queues: &[&str], now: Timestamp) -> Result<Option<Timestamp>> {
    let of_lane = |queue: usize, priority: i64| {
        format!(
            "SELECT MIN(run_at) AS at FROM jobs_tasks WHERE queue = ${} AND priority = {priority}
             AND state IN ('PENDING', 'RETRYING') AND run_at > $1",
            queue + 2
        )
    };
    let lanes: Vec<_> =
        (0..queues.len()).flat_map(|queue| (0..3).map(move |priority| (queue, priority))).collect();
    let union: Vec<_> = lanes.into_iter().map(|(queue, priority)| of_lane(queue, priority)).collect();
    let sql = format!("SELECT MIN(at) AS value FROM ({}) lanes", union.join(" UNION ALL "));
    let names = queues.iter().map(|name| Value::from(*name));
    let next: Option<i64> = tx.query_built(sql).bind(now).bind_all(names).one().await?;
    Ok(next.and_then(|at| Timestamp::from_microsecond(at).ok()))
}

/// What a worker claims from one queue.
pub(crate) struct Claim<'a> {
    pub(crate) worker: &'a str,
    pub(crate) queue: &'a str,
    pub(crate) kinds: &'a [&'static str],
    pub(crate) limit: usize,
    /// Tasks of one workspace that may run at a time; 0 for no limit.
    pub(crate) workspace_max: u32,
    pub(crate) now: Timestamp,
}

/// Where a worker stands in going around the workspaces of a queue that is more than full.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// The last claim filled the worker's room, so others may be waiting behind.
    is_crowded: bool,
    alone_for: u8,
    last: Option<WorkspaceId>,
}

/// After it was seen that one workspace is alone in a full queue, so many claims go by before others are looked for.
const ALONE_FOR: u8 = 8;

/// Makes up to `limit` due tasks of a queue this worker's own.
pub(crate) async fn claim(tx: &mut Tx, wanted: &Claim<'_>, turn: &mut Turn) -> Result<Vec<Claimed>> {
    turn.alone_for = turn.alone_for.saturating_sub(1);
    let in_order = !turn.is_crowded || turn.alone_for > 0;
    if in_order && wanted.workspace_max == 0 {
        let claimed = claim_in_order(tx, wanted).await?;
        turn.is_crowded = claimed.len() == wanted.limit;
        return Ok(claimed);
    }
    let mut share = Share::load(tx, wanted.workspace_max).await?;
    let full = share.full();
    let mut chosen = Vec::new();
    if !in_order {
        in_turns(tx, wanted, turn, &full, &mut share, &mut chosen).await?;
    }
    if chosen.len() < wanted.limit {
        let sql_of_chosen = places(3 + wanted.kinds.len() + full.len(), chosen.len());
        let mut beyond = String::new();
        if !full.is_empty() {
            beyond += &format!(" AND workspace_id NOT IN ({})", places(3 + wanted.kinds.len(), full.len()));
        }
        if !chosen.is_empty() {
            beyond += &format!(" AND id NOT IN ({sql_of_chosen})");
        }
        let mut values: Vec<Value> = full.iter().map(|workspace| Value::from(*workspace)).collect();
        values.extend(chosen.iter().map(|id: &TaskId| Value::from(*id)));
        let room = wanted.limit - chosen.len();
        let found = due(tx, wanted, &beyond, values, room).await?;
        turn.is_crowded = found.len() == room;
        chosen.extend(found.into_iter().filter(|one| share.take(one.workspace)).map(|one| one.id));
    }
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "UPDATE jobs_tasks SET {BEGUN} WHERE id IN ({}) AND state IN ('PENDING', 'RETRYING') RETURNING *",
        places(2, chosen.len())
    );
    let ids = chosen.into_iter().map(Value::from);
    Ok(tx.query_built(sql).bind(wanted.worker).bind(wanted.now).bind_all(ids).all().await?)
}

/// `$1`: the worker; `$2`: now.
const BEGUN: &str =
    "state = 'RUNNING', worker = $1, started_at = $2, attempt = attempt + 1, fence = fence + 1,
    progress = 0, message = NULL";

/// The usual case, in one statement.
async fn claim_in_order(tx: &mut Tx, wanted: &Claim<'_>) -> Result<Vec<Claimed>> {
    let sql = format!(
        "WITH due AS (SELECT id FROM jobs_tasks
            WHERE queue = $3 AND run_at <= $2 AND state IN ('PENDING', 'RETRYING')
            AND NOT EXISTS (SELECT 1 FROM jobs_paused_queues p WHERE p.queue = $3)
            AND kind IN ({}) ORDER BY priority, run_at, id LIMIT $4{})
         UPDATE jobs_tasks SET {BEGUN} WHERE id IN (SELECT id FROM due) RETURNING *",
        places(4, wanted.kinds.len()),
        skip_locked(tx.engine())
    );
    Ok(tx
        .query_built(sql)
        .bind(wanted.worker)
        .bind(wanted.now)
        .bind(wanted.queue)
        .bind(i64::try_from(wanted.limit).unwrap_or(i64::MAX))
        .bind_all(wanted.kinds.iter().map(|kind| Value::from(*kind)))
        .all()
        .await?)
}

/// Due tasks in order: `beyond` narrows them further, with its own values after those of the kinds.
async fn due(
    tx: &mut Tx,
    wanted: &Claim<'_>,
    beyond: &str,
    values: Vec<Value>,
    limit: usize,
) -> Result<Vec<Candidate>> {
    let sql = format!(
        "SELECT id, workspace_id FROM jobs_tasks
         WHERE queue = $1 AND run_at <= $2 AND state IN ('PENDING', 'RETRYING')
         AND NOT EXISTS (SELECT 1 FROM jobs_paused_queues p WHERE p.queue = jobs_tasks.queue)
         AND kind IN ({}){beyond} ORDER BY priority, run_at, id LIMIT $3{}",
        places(3, wanted.kinds.len()),
        skip_locked(tx.engine())
    );
    let kinds = wanted.kinds.iter().map(|kind| Value::from(*kind));
    Ok(tx
        .query_built(sql)
        .bind(wanted.queue)
        .bind(wanted.now)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .bind_all(kinds)
        .bind_all(values)
        .all()
        .await?)
}

/// Goes on around the workspaces that have something due, and takes from each in equal parts.
async fn in_turns(
    tx: &mut Tx,
    wanted: &Claim<'_>,
    turn: &mut Turn,
    full: &[WorkspaceId],
    share: &mut Share,
    chosen: &mut Vec<TaskId>,
) -> Result<()> {
    // Two at least, so that room for one task does not make a workspace look alone.
    let most = wanted.limit.max(2);
    let mut way = walk(tx, wanted, turn.last, None, most).await?;
    if let (true, Some(from)) = (way.is_at_end, turn.last) {
        // On from the beginning, to where this one began.
        let rest = walk(tx, wanted, None, Some(from), most - way.due.len()).await?;
        way.due.extend(rest.due);
        way.last = rest.last.or(way.last);
        way.is_at_end = rest.is_at_end;
    }
    if way.is_at_end && way.due.len() < 2 {
        turn.alone_for = ALONE_FOR;
    }
    way.due.retain(|workspace| !full.contains(workspace));
    let each = wanted.limit.div_ceil(way.due.len().max(1));
    let place = format!(" AND workspace_id = ${}", 4 + wanted.kinds.len());
    for workspace in way.due {
        let room = each.min(wanted.limit - chosen.len());
        if room == 0 {
            // The next claim begins with this one.
            return Ok(());
        }
        // Also if others were faster and nothing is found: whoever comes after it has waited as long.
        turn.last = Some(workspace);
        let found = due(tx, wanted, &place, vec![workspace.into()], room).await?;
        chosen.extend(found.into_iter().filter(|one| share.take(one.workspace)).map(|one| one.id));
    }
    turn.last = way.last.or(turn.last);
    Ok(())
}

/// What was seen on the way around the workspaces of a queue.
struct Walk {
    /// Those with something due.
    due: Vec<WorkspaceId>,
    /// The last one that was looked at.
    last: Option<WorkspaceId>,
    /// There is none after it.
    is_at_end: bool,
}

/// Workspaces that one statement looks at: many may have tasks that are due later only. The next claim goes on behind them.
const WALK_MAX: i64 = 100;

/// Looks at the workspaces with tasks waiting in the queue, in the order of their ids, after `from` and up to `to`, until
/// `most` with something due are found. Each costs one step into an index, and one for each priority to see what is due,
/// however many tasks it has.
async fn walk(
    tx: &mut Tx,
    wanted: &Claim<'_>,
    from: Option<WorkspaceId>,
    to: Option<WorkspaceId>,
    most: usize,
) -> Result<Walk> {
    let bound = if to.is_some() { " AND t.workspace_id <= $6" } else { "" };
    let next = |after: &str| {
        format!(
            "(SELECT MIN(t.workspace_id) FROM jobs_tasks t WHERE t.queue = $1
                AND t.state IN ('PENDING', 'RETRYING') AND t.workspace_id > {after}{bound})"
        )
    };
    // `found` counts those before this row: whether one has something due shows in the row after it.
    let sql = format!(
        "WITH RECURSIVE around(workspace_id, found, step) AS (
            SELECT {}, CAST(0 AS BIGINT), CAST(0 AS BIGINT)
            UNION ALL
            SELECT {}, around.found + CASE WHEN EXISTS (SELECT 1 FROM jobs_tasks d
                    WHERE d.queue = $1 AND d.workspace_id = around.workspace_id AND d.priority IN (0, 1, 2)
                    AND d.run_at <= $3 AND d.state IN ('PENDING', 'RETRYING')) THEN 1 ELSE 0 END,
                around.step + 1
            FROM around WHERE around.workspace_id IS NOT NULL AND around.found < $4 AND around.step < $5
        ) SELECT workspace_id, found FROM around ORDER BY step",
        next("$2"),
        next("around.workspace_id")
    );
    let rows = tx
        .query_built(sql)
        .bind(wanted.queue)
        .bind(from.map_or(String::new(), |workspace| workspace.to_string()))
        .bind(wanted.now)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .bind(WALK_MAX)
        .bind_all(to.map(Value::from))
        .rows()
        .await?;
    let mut seen: Vec<(Option<WorkspaceId>, i64)> = Vec::with_capacity(rows.len());
    for row in rows {
        seen.push((row.get("workspace_id")?, row.get("found")?));
    }
    let steps = || seen.iter().zip(seen.iter().skip(1));
    Ok(Walk {
        due: steps().filter(|(one, next)| next.1 > one.1).filter_map(|(one, _)| one.0).collect(),
        last: steps().filter_map(|(one, _)| one.0).next_back(),
        is_at_end: seen.last().is_none_or(|(workspace, _)| workspace.is_none()),
    })
}

/// How many more tasks each workspace may have running.
struct Share {
    max: u32,
    running: HashMap<WorkspaceId, u32>,
}

/// Any constant does, as long as every worker uses the same: "jobs" in ASCII.
const CLAIM_LOCK: i64 = 0x6a_6f_62_73;

impl Share {
    async fn load(tx: &mut Tx, max: u32) -> Result<Self> {
        let mut running = HashMap::new();
        if max > 0 {
            if tx.engine() == Engine::Postgres {
                // Two workers that count at the same time would both fill the same gap, so they take turns.
                tx.query("SELECT pg_advisory_xact_lock($1)").bind(CLAIM_LOCK).execute().await?;
            }
            let rows = tx
                .query("SELECT workspace_id, COUNT(*) AS running FROM jobs_tasks WHERE state = 'RUNNING' GROUP BY workspace_id")
                .rows()
                .await?;
            for row in rows {
                running.insert(row.get("workspace_id")?, row.get("running")?);
            }
        }
        Ok(Self { max, running })
    }

    fn full(&self) -> Vec<WorkspaceId> {
        self.running
            .iter()
            .filter(|(_, count)| **count >= self.max)
            .map(|(workspace, _)| *workspace)
            .collect()
    }

    fn take(&mut self, workspace: WorkspaceId) -> bool {
        if self.max == 0 {
            return true;
        }
        let count = self.running.entry(workspace).or_default();
        let free = *count < self.max;
        *count += u32::from(free);
        free
    }
}
