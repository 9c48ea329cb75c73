use std::collections::HashMap;

use db::{Engine, FromRow, Row, Tx};
use kernel::{TaskId, Timestamp};

use super::{CatchUp, Reason, Run, Schedule, ScheduleChange, ScheduleRunId};
use crate::{Result, store::state_of};

/// A schedule's row.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) name: String,
    pub(crate) cron: String,
    pub(crate) time_zone: String,
    pub(crate) catch_up: CatchUp,
    pub(crate) is_overridden: bool,
    pub(crate) is_paused: bool,
    pub(crate) settled_at: Timestamp,
}

impl FromRow for Kept {
    fn from_row(row: &Row) -> db::Result<Self> {
        let own_cron: Option<String> = row.get("own_cron")?;
        let own_time_zone: Option<String> = row.get("own_time_zone")?;
        let own_catch_up: Option<String> = row.get("own_catch_up")?;
        let is_overridden = own_cron.is_some() || own_time_zone.is_some() || own_catch_up.is_some();
        let catch_up = match own_catch_up {
            Some(text) => text,
            None => row.get("catch_up")?,
        };
        Ok(Self {
            name: row.get("name")?,
            cron: own_cron.map_or_else(|| row.get("cron"), Ok)?,
            time_zone: own_time_zone.map_or_else(|| row.get("time_zone"), Ok)?,
            catch_up: catch_up.parse().unwrap_or_default(),
            is_overridden,
            is_paused: row.get("is_paused")?,
            settled_at: row.get("settled_at")?,
        })
    }
}

/// Makes the row of a declared schedule, and brings it up to date with what the module says now. A rule that differs
/// begins at `now`: the times that it would have named before never were planned.
pub(crate) async fn register(tx: &mut Tx, schedule: &Schedule, now: Timestamp) -> Result<()> {
    const MAKE: &str = "INSERT INTO jobs_schedules (name, cron, time_zone, catch_up, settled_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) DO NOTHING";
    const UPDATE: &str = "UPDATE jobs_schedules SET cron = $2, time_zone = $3, catch_up = $4,
        settled_at = CASE WHEN (cron <> $2 AND own_cron IS NULL) OR (time_zone <> $3 AND own_time_zone IS NULL)
            THEN $5 ELSE settled_at END
        WHERE name = $1 AND (cron <> $2 OR time_zone <> $3 OR catch_up <> $4)";
    for sql in [MAKE, UPDATE] {
        tx.query(sql)
            .bind(schedule.name)
            .bind(schedule.cron)
            .bind(schedule.time_zone)
            .bind(schedule.catch_up.name())
            .bind(now)
            .execute()
            .await?;
    }
    Ok(())
}

pub(crate) async fn all(tx: &mut Tx) -> Result<HashMap<String, Kept>> {
    let rows: Vec<Kept> = tx.query("SELECT * FROM jobs_schedules").all().await?;
    Ok(rows.into_iter().map(|kept| (kept.name.clone(), kept)).collect())
}

/// The row, which nobody else may change or fire until this transaction ends.
pub(crate) async fn lock(tx: &mut Tx, name: &str) -> Result<Option<Kept>> {
    let lock = match tx.engine() {
        // One writer.
        Engine::Sqlite => "",
        Engine::Postgres => " FOR UPDATE",
    };
    let sql = format!("SELECT * FROM jobs_schedules WHERE name = $1{lock}");
    Ok(tx.query_built(sql).bind(name).optional().await?)
}

pub(crate) async fn settle(tx: &mut Tx, name: &str, at: Timestamp) -> Result<()> {
    tx.query("UPDATE jobs_schedules SET settled_at = $2 WHERE name = $1")
        .bind(name)
        .bind(at)
        .execute()
        .await?;
    Ok(())
}

pub(crate) async fn change(tx: &mut Tx, name: &str, change: &ScheduleChange) -> Result<()> {
    const CHANGE: &str = "UPDATE jobs_schedules SET own_cron = COALESCE($2, own_cron),
        own_time_zone = COALESCE($3, own_time_zone), own_catch_up = COALESCE($4, own_catch_up),
        is_paused = COALESCE($5, is_paused) WHERE name = $1";
    tx.query(CHANGE)
        .bind(name)
        .bind(change.cron.as_deref())
        .bind(change.time_zone.as_deref())
        .bind(change.catch_up.map(CatchUp::name))
        .bind(change.is_paused)
        .execute()
        .await?;
    Ok(())
}

pub(crate) async fn reset(tx: &mut Tx, name: &str) -> Result<()> {
    const RESET: &str = "UPDATE jobs_schedules SET own_cron = NULL, own_time_zone = NULL, own_catch_up = NULL
        WHERE name = $1";
    tx.query(RESET).bind(name).execute().await?;
    Ok(())
}

pub(crate) async fn was_fired(tx: &mut Tx, name: &str, planned_at: Timestamp) -> Result<bool> {
    const FIRED: &str = "SELECT 1 AS value FROM jobs_schedule_runs
        WHERE schedule = $1 AND planned_at = $2 AND reason <> 'MANUAL'";
    Ok(!tx.query(FIRED).bind(name).bind(planned_at).rows().await?.is_empty())
}

pub(crate) async fn insert_run(tx: &mut Tx, name: &str, run: &Run) -> Result<()> {
    const INSERT: &str =
        "INSERT INTO jobs_schedule_runs (id, schedule, planned_at, fired_at, task_id, reason)
        VALUES ($1, $2, $3, $4, $5, $6)";
    tx.query(INSERT)
        .bind(run.id)
        .bind(name)
        .bind(run.planned_at)
        .bind(run.fired_at)
        .bind(run.task)
        .bind(run.reason.name())
        .execute()
        .await?;
    Ok(())
}

/// One page of a schedule's history, newest first, and one more row if there is more.
pub(crate) async fn runs(
    tx: &mut Tx,
    name: &str,
    before: Option<ScheduleRunId>,
    limit: u32,
) -> Result<Vec<Run>> {
    let sql = format!(
        "SELECT r.*, t.state FROM jobs_schedule_runs r LEFT JOIN jobs_tasks t ON t.id = r.task_id
         WHERE r.schedule = $1{} ORDER BY r.id DESC LIMIT $2",
        if before.is_some() { " AND r.id < $3" } else { "" }
    );
    let query = tx.query_built(sql).bind(name).bind(i64::from(limit) + 1);
    Ok(match before {
        Some(id) => query.bind(id).all().await?,
        None => query.all().await?,
    })
}

/// The last run of each schedule, by name.
pub(crate) async fn latest_runs(tx: &mut Tx) -> Result<HashMap<String, Run>> {
    const LATEST: &str = "SELECT r.*, t.state FROM jobs_schedules s
        JOIN jobs_schedule_runs r
            ON r.id = (SELECT MAX(l.id) FROM jobs_schedule_runs l WHERE l.schedule = s.name)
        LEFT JOIN jobs_tasks t ON t.id = r.task_id";
    let mut latest = HashMap::new();
    for row in tx.query(LATEST).rows().await? {
        latest.insert(row.get("schedule")?, Run::from_row(&row)?);
    }
    Ok(latest)
}

/// Forgets what fired before `before`.
pub(crate) async fn forget_runs(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    Ok(tx
        .query("DELETE FROM jobs_schedule_runs WHERE planned_at < $1 AND fired_at < $1")
        .bind(before)
        .execute()
        .await?)
}

impl FromRow for Run {
    fn from_row(row: &Row) -> db::Result<Self> {
        let reason: String = row.get("reason")?;
        let task: TaskId = row.get("task_id")?;
        Ok(Self {
            id: row.get("id")?,
            planned_at: row.get("planned_at")?,
            fired_at: row.get("fired_at")?,
            task,
            task_state: row.get::<Option<String>>("state")?.map(|text| state_of(&text)).transpose()?,
            reason: Reason::ALL.into_iter().find(|known| known.name() == reason).unwrap_or(Reason::Due),
        })
    }
}
