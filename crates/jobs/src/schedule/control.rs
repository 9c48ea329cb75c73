use std::sync::Arc;

use db::Tx;
use kernel::{Ctx, TaskId, Timestamp};

use super::{
    Firing, Reason, Rule, RuleError, Run, Schedule, ScheduleChange, ScheduleRunId, ScheduleState,
    store::{self, Kept},
};
use crate::{
    Enqueue, Error, Result,
    queue::{self, Inner, installation},
};

/// The schedules of an installation, for those who look at them and steer them. From [`Jobs::schedules`](crate::Jobs::schedules).
pub struct Schedules(pub(crate) Arc<Inner>);

impl Schedules {
    /// All, by name.
    pub async fn list(&self, tx: &mut Tx) -> Result<Vec<ScheduleState>> {
        let mut kept = store::all(tx).await?;
        let mut latest = store::latest_runs(tx).await?;
        let now = self.0.clock.now();
        let declared = self.0.schedules();
        let mut states: Vec<_> = declared
            .iter()
            .map(|schedule| {
                let (row, run) = (kept.remove(schedule.name), latest.remove(schedule.name));
                describe(schedule, row.as_ref(), run.as_ref(), now)
            })
            .collect();
        states.sort_unstable_by_key(|state| state.name);
        Ok(states)
    }

    /// # Errors
    ///
    /// [`Error::NoSchedule`].
    pub async fn get(&self, tx: &mut Tx, name: &str) -> Result<ScheduleState> {
        let found = self.list(tx).await?.into_iter().find(|state| state.name == name);
        found.ok_or_else(|| Error::NoSchedule(name.to_owned()))
    }

    /// Changes the rule, pauses or resumes. What was planned by the rule before, or while it was paused, is not made up
    /// for.
    ///
    /// # Errors
    ///
    /// [`Error::NoSchedule`]; [`Error::Rule`] if the new rule cannot be read or names no time.
    pub async fn change(&self, tx: &mut Tx, name: &str, change: &ScheduleChange) -> Result<ScheduleState> {
        let schedule = self.declared(name)?;
        let now = self.0.clock.now();
        store::register(tx, &schedule, now).await?;
        let before = store::lock(tx, name).await?;
        store::change(tx, name, change).await?;
        let after = store::lock(tx, name).await?.ok_or_else(|| Error::NoSchedule(name.to_owned()))?;
        let rule = Rule::parse(&after.cron, &after.time_zone)?;
        if rule.next(now).is_none() {
            return Err(RuleError::Never(after.cron).into());
        }
        let resumed = before.is_some_and(|before| before.is_paused) && !after.is_paused;
        if resumed || change.cron.is_some() || change.time_zone.is_some() {
            store::settle(tx, name, now).await?;
        }
        self.get(tx, name).await
    }

    /// Back to the rule that the module declares. Paused stays paused.
    ///
    /// # Errors
    ///
    /// [`Error::NoSchedule`].
    pub async fn reset(&self, tx: &mut Tx, name: &str) -> Result<ScheduleState> {
        let schedule = self.declared(name)?;
        let now = self.0.clock.now();
        store::register(tx, &schedule, now).await?;
        if store::lock(tx, name).await?.is_some_and(|row| row.is_overridden) {
            store::reset(tx, name).await?;
            store::settle(tx, name, now).await?;
        }
        self.get(tx, name).await
    }

    /// Fires now, also when it is paused; the planned times stay as they are.
    ///
    /// # Errors
    ///
    /// [`Error::NoSchedule`].
    pub async fn run_now(&self, tx: &mut Tx, ctx: &Ctx, name: &str) -> Result<TaskId> {
        let schedule = self.declared(name)?;
        let firing = Firing { planned_at: ctx.now, reason: Reason::Manual };
        let ctx = Ctx { workspace: installation(), ..ctx.clone() };
        let task = queue::place(&self.0, tx, &ctx, (schedule.make)(&firing)?, Enqueue::default()).await?;
        let run = Run {
            id: ScheduleRunId::new(ctx.now),
            planned_at: ctx.now,
            fired_at: ctx.now,
            task,
            task_state: None,
            reason: Reason::Manual,
        };
        store::register(tx, &schedule, ctx.now).await?;
        store::insert_run(tx, name, &run).await?;
        metrics::counter!("schedules_fired_total", "schedule" => schedule.name, "reason" => "manual")
            .increment(1);
        Ok(task)
    }

    /// Newest first; up to `limit` and one more, which says that there is more.
    ///
    /// # Errors
    ///
    /// [`Error::NoSchedule`].
    pub async fn runs(
        &self,
        tx: &mut Tx,
        name: &str,
        before: Option<ScheduleRunId>,
        limit: u32,
    ) -> Result<Vec<Run>> {
        self.declared(name)?;
        store::runs(tx, name, before, limit).await
    }

    fn declared(&self, name: &str) -> Result<Schedule> {
        let declared = self.0.schedules();
        let found = declared.iter().find(|schedule| schedule.name == name).cloned();
        found.ok_or_else(|| Error::NoSchedule(name.to_owned()))
    }
}

/// What is in force: the row, or before any worker has made it, what the module says.
fn describe(schedule: &Schedule, row: Option<&Kept>, run: Option<&Run>, now: Timestamp) -> ScheduleState {
    let cron = row.map_or(schedule.cron, |row| &row.cron);
    let time_zone = row.map_or(schedule.time_zone, |row| &row.time_zone);
    let is_paused = row.is_some_and(|row| row.is_paused);
    let next = || Rule::parse(cron, time_zone).ok()?.next(now);
    ScheduleState {
        name: schedule.name,
        kind: schedule.kind,
        description: schedule.description,
        cron: cron.to_owned(),
        time_zone: time_zone.to_owned(),
        catch_up: row.map_or(schedule.catch_up, |row| row.catch_up),
        is_paused,
        is_overridden: row.is_some_and(|row| row.is_overridden),
        next_at: if is_paused { None } else { next() },
        last_at: run.map(|run| run.fired_at),
        last_task: run.map(|run| run.task),
        last_outcome: run.and_then(|run| run.task_state),
    }
}
