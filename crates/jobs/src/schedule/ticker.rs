//! What fires the schedules: one of these in every worker process, all alike. Which of them fires is decided by the row
//! that it locks; the task, the history's row and the settled time commit together.

use std::{collections::HashMap, sync::Arc, time::Duration};

use kernel::{Ctx, Timestamp};
use tokio_util::sync::CancellationToken;

use super::{
    CatchUp, Firing, Reason, Rule, Run, Schedule, ScheduleRunId,
    store::{self, Kept},
};
use crate::{
    Enqueue, Result,
    handlers::chain,
    queue::{self, Inner, installation},
    store::later,
};

/// A planned time that is noticed later than this was missed.
const ON_TIME: Duration = Duration::from_secs(60);

pub(crate) struct Ticker {
    jobs: Arc<Inner>,
    /// Rules that could not be read, so as to say so once.
    unreadable: HashMap<String, String>,
}

impl Ticker {
    pub(crate) fn new(jobs: Arc<Inner>) -> Self {
        Self { jobs, unreadable: HashMap::new() }
    }

    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        if self.jobs.schedules().is_empty() {
            return shutdown.cancelled().await;
        }
        let mut is_registered = false;
        // Often enough to hear of a pause, a new rule or a clock that was set, within a second or so.
        let look = self.jobs.config.poll() * 5;
        loop {
            let looked = async {
                if !is_registered {
                    register(&self.jobs).await?;
                    is_registered = true;
                }
                self.look().await
            };
            let next = looked.await.unwrap_or_else(|error| {
                tracing::warn!(error = chain(&error), "could not look after the schedules; trying again");
                None
            });
            let until_next = next.map_or(look, |at| {
                let wait = at.duration_since(self.jobs.clock.now());
                // A timer may fire a little early by the other clock.
                Duration::try_from(wait).unwrap_or_default() + Duration::from_millis(2)
            });
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(until_next.min(look)) => {}
            }
        }
    }

    /// Fires what is due. Gives the next planned time.
    async fn look(&mut self) -> Result<Option<Timestamp>> {
        let jobs = self.jobs.clone();
        let mut tx = jobs.db.read().await?;
        let kept = store::all(&mut tx).await?;
        tx.rollback().await?;
        let mut next: Option<Timestamp> = None;
        for schedule in jobs.schedules().iter() {
            let Some(row) = kept.get(schedule.name).filter(|row| !row.is_paused) else { continue };
            let Some(rule) = self.rule(row) else { continue };
            let now = jobs.clock.now();
            let was_set_back = row.settled_at > later(now, ON_TIME);
            let mut planned = rule.next(row.settled_at);
            if was_set_back || planned.is_some_and(|at| at <= now) {
                planned = match fire(&jobs, schedule, now).await {
                    Ok(()) => rule.next(now),
                    Err(error) => {
                        // It is tried again at the next look; those after it do not wait for that.
                        tracing::error!(
                            schedule = schedule.name,
                            error = chain(&error),
                            "the schedule could not fire; trying again"
                        );
                        metrics::counter!("schedules_failed_total", "schedule" => schedule.name).increment(1);
                        None
                    }
                };
            }
            next = [next, planned].into_iter().flatten().min();
        }
        Ok(next)
    }

    fn rule(&mut self, row: &Kept) -> Option<Rule> {
        match Rule::parse(&row.cron, &row.time_zone) {
            Ok(rule) => {
                self.unreadable.remove(&row.name);
                Some(rule)
            }
            Err(error) => {
                let text = error.to_string();
                if self.unreadable.get(&row.name) != Some(&text) {
                    tracing::error!(
                        schedule = row.name,
                        error = text,
                        "the schedule cannot be read, so it rests"
                    );
                    self.unreadable.insert(row.name.clone(), text);
                }
                None
            }
        }
    }
}

/// Makes the rows of what this process declares.
pub(super) async fn register(jobs: &Inner) -> Result<()> {
    let mut tx = jobs.db.begin().await?;
    for schedule in jobs.schedules().iter() {
        store::register(&mut tx, schedule, jobs.clock.now()).await?;
    }
    Ok(tx.commit().await?)
}

/// Fires one schedule for the times that have come, unless another node has.
async fn fire(jobs: &Arc<Inner>, schedule: &Schedule, now: Timestamp) -> Result<()> {
    let mut tx = jobs.db.begin().await?;
    let Some(row) = store::lock(&mut tx, schedule.name).await?.filter(|row| !row.is_paused) else {
        return Ok(());
    };
    let Ok(rule) = Rule::parse(&row.cron, &row.time_zone) else { return Ok(()) };
    if row.settled_at > later(now, ON_TIME) {
        // The clock was far ahead and has come back. What has fired is in the history and does not fire again; what was
        // only passed over may.
        tracing::warn!(schedule = schedule.name, settled_at = %row.settled_at, "the clock was set back");
        store::settle(&mut tx, schedule.name, now).await?;
        return Ok(tx.commit().await?);
    }
    let times = rule.between(row.settled_at, now);
    let Some(newest) = times.last().copied() else { return Ok(()) };
    let mut fired = Vec::new();
    for (planned_at, reason) in choose(&times, row.catch_up, now) {
        if store::was_fired(&mut tx, schedule.name, planned_at).await? {
            continue;
        }
        let firing = Firing { planned_at, reason };
        let ctx = Ctx::system("schedule", installation(), now);
        let order = (schedule.make)(&firing)?;
        let task = queue::place(jobs, &mut tx, &ctx, order, Enqueue::default()).await?;
        let run = Run {
            // A millisecond apart, so that ids sort as the times do.
            id: ScheduleRunId::new(later(now, Duration::from_millis(fired.len() as u64))),
            planned_at,
            fired_at: now,
            task,
            task_state: None,
            reason,
        };
        store::insert_run(&mut tx, schedule.name, &run).await?;
        fired.push(run);
    }
    store::settle(&mut tx, schedule.name, newest).await?;
    tx.commit().await?;
    if fired.len() < times.len() {
        tracing::info!(
            schedule = schedule.name,
            passed_over = times.len() - fired.len(),
            "missed times are passed over"
        );
    }
    for run in fired {
        tracing::debug!(schedule = schedule.name, planned_at = %run.planned_at, task = %run.task, "fired");
        metrics::counter!("schedules_fired_total", "schedule" => schedule.name, "reason" => run.reason.name().to_lowercase())
            .increment(1);
        if run.reason == Reason::Due {
            let late = now.duration_since(run.planned_at).as_secs_f64().max(0.0);
            metrics::histogram!("schedules_late_seconds", "schedule" => schedule.name).record(late);
        }
    }
    Ok(())
}

/// Which of the times that have come fire. `times` is in order, and not empty.
fn choose(times: &[Timestamp], policy: CatchUp, now: Timestamp) -> Vec<(Timestamp, Reason)> {
    let on_time = |at: Timestamp| now.duration_since(at).unsigned_abs() <= ON_TIME;
    let reason = |at| if on_time(at) { Reason::Due } else { Reason::CatchUp };
    let newest = times.iter().rev().take(1);
    match policy {
        CatchUp::Skip => newest.filter(|at| on_time(**at)).map(|at| (*at, Reason::Due)).collect(),
        CatchUp::Once => newest.map(|at| (*at, reason(*at))).collect(),
        CatchUp::All => times.iter().map(|at| (*at, reason(*at))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missed_times_follow_the_policy() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let check = |policy, now, expected: &[(i64, Reason)]| {
            let chosen = choose(&[at(0), at(3_600), at(7_200)], policy, at(now));
            let expected: Vec<_> = expected.iter().map(|(second, reason)| (at(*second), *reason)).collect();
            assert_eq!(chosen, expected, "{policy:?} at {now}");
        };
        check(CatchUp::Skip, 7_201, &[(7_200, Reason::Due)]);
        check(CatchUp::Skip, 8_000, &[]);
        check(CatchUp::Once, 7_201, &[(7_200, Reason::Due)]);
        check(CatchUp::Once, 8_000, &[(7_200, Reason::CatchUp)]);
        check(CatchUp::All, 7_201, &[(0, Reason::CatchUp), (3_600, Reason::CatchUp), (7_200, Reason::Due)]);
    }
}
