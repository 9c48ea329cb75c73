use ::jobs::{CatchUp, Jobs, Run, ScheduleChange, ScheduleState};
use anyhow::bail;
use clap::Subcommand;
use kernel::{Clock, Ctx};
use serde_json::{Value, json};

use super::table::{print, print_json, table, time};

/// Look at work that comes by itself, and steer it.
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:\n  socle schedule list\n  socle schedule run admin.forget_old\n  \
    socle schedule set admin.forget_old --cron '30 2 * * *' --time-zone Europe/Paris\n  \
    socle schedule pause admin.forget_old\n  socle --json schedule history admin.forget_old\n\n\
    Exit code: 0 done, 1 refused or failed, 2 bad usage.")]
pub enum ScheduleCommand {
    /// List the schedules: rule, next time, last firing.
    List,
    /// Show one schedule whole.
    Show { name: String },
    /// Fire no more until it is resumed. Times that pass meanwhile are not made up for.
    Pause { name: String },
    /// Let a paused schedule go on.
    Resume { name: String },
    /// Fire now, also when it is paused. A running server does the work.
    Run { name: String },
    /// List the firings, newest first.
    History {
        name: String,
        /// How many.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Change the rule.
    Set {
        name: String,
        /// Minute, hour, day, month, weekday; or @hourly, @daily, @weekly, @monthly, @yearly.
        #[arg(long)]
        cron: Option<String>,
        /// IANA name, such as Europe/Paris.
        #[arg(long)]
        time_zone: Option<String>,
        /// What becomes of times that passed while nothing ran: forgotten (skip), made up for once, or all.
        #[arg(long, value_parser = ["skip", "once", "all"])]
        catch_up: Option<String>,
    },
    /// Go back to the rule that came with the installation.
    Reset { name: String },
}

/// Runs `socle schedule …`. The schedules must have been declared.
pub async fn run_schedule_command(
    command: ScheduleCommand,
    as_json: bool,
    db: &db::Db,
    jobs: &Jobs,
    clock: &dyn Clock,
) -> anyhow::Result<()> {
    let schedules = jobs.schedules();
    let mut tx = db.begin().await?;
    let paused = |is_paused| ScheduleChange { is_paused: Some(is_paused), ..ScheduleChange::default() };
    match command {
        ScheduleCommand::List => show(&schedules.list(&mut tx).await?, as_json)?,
        ScheduleCommand::Show { name } => print_json(&describe(&schedules.get(&mut tx, &name).await?))?,
        ScheduleCommand::Pause { name } => {
            show(&[schedules.change(&mut tx, &name, &paused(true)).await?], as_json)?;
        }
        ScheduleCommand::Resume { name } => {
            show(&[schedules.change(&mut tx, &name, &paused(false)).await?], as_json)?;
        }
        ScheduleCommand::Run { name } => {
            let ctx = Ctx::system("socle schedule run", ::jobs::installation(), clock.now());
            let task = schedules.run_now(&mut tx, &ctx, &name).await?;
            if as_json {
                print_json(&json!({ "task_id": task }))?;
            } else {
                print(&format!("{task} is in line; `socle jobs show {task}` tells how it goes\n"))?;
            }
        }
        ScheduleCommand::History { name, limit } => {
            let mut runs = schedules.runs(&mut tx, &name, None, limit).await?;
            runs.truncate(limit as usize);
            show_runs(&runs, as_json)?;
        }
        ScheduleCommand::Set { name, cron, time_zone, catch_up } => {
            if cron.is_none() && time_zone.is_none() && catch_up.is_none() {
                bail!("nothing to set: give --cron, --time-zone or --catch-up");
            }
            let catch_up = catch_up.map(|text| text.parse::<CatchUp>()).transpose()?;
            let change = ScheduleChange { cron, time_zone, catch_up, is_paused: None };
            show(&[schedules.change(&mut tx, &name, &change).await?], as_json)?;
        }
        ScheduleCommand::Reset { name } => show(&[schedules.reset(&mut tx, &name).await?], as_json)?,
    }
    tx.commit().await?;
    Ok(())
}

fn show(schedules: &[ScheduleState], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return print_json(&schedules.iter().map(describe).collect());
    }
    let rows: Vec<_> = schedules
        .iter()
        .map(|schedule| {
            let rule = if schedule.is_overridden { "changed" } else { "own" };
            vec![
                schedule.name.to_owned(),
                schedule.cron.clone(),
                schedule.time_zone.clone(),
                schedule.catch_up.name().to_owned(),
                rule.to_owned(),
                if schedule.is_paused { "paused".to_owned() } else { time(schedule.next_at) },
                time(schedule.last_at),
                schedule.last_outcome.map_or("-".to_owned(), |state| state.name().to_lowercase()),
            ]
        })
        .collect();
    print(&table(&["SCHEDULE", "CRON", "TIME ZONE", "CATCH-UP", "RULE", "NEXT", "LAST", "OUTCOME"], &rows))
}

fn show_runs(runs: &[Run], as_json: bool) -> anyhow::Result<()> {
    let state = |run: &Run| run.task_state.map(|state| state.name().to_lowercase());
    if as_json {
        let items = runs.iter().map(|run| {
            json!({
                "id": run.id,
                "planned_at": run.planned_at,
                "fired_at": run.fired_at,
                "task_id": run.task,
                "task_state": state(run),
                "reason": run.reason.name().to_lowercase(),
            })
        });
        return print_json(&items.collect());
    }
    let rows: Vec<_> = runs
        .iter()
        .map(|run| {
            vec![
                time(Some(run.planned_at)),
                time(Some(run.fired_at)),
                run.reason.name().to_lowercase(),
                run.task.to_string(),
                state(run).unwrap_or_else(|| "-".to_owned()),
            ]
        })
        .collect();
    print(&table(&["PLANNED", "FIRED", "REASON", "TASK", "STATE"], &rows))
}

fn describe(schedule: &ScheduleState) -> Value {
    json!({
        "name": schedule.name,
        "kind": schedule.kind,
        "description": schedule.description,
        "cron": schedule.cron,
        "time_zone": schedule.time_zone,
        "catch_up": schedule.catch_up.name(),
        "is_paused": schedule.is_paused,
        "is_overridden": schedule.is_overridden,
        "next_at": schedule.next_at,
        "last_at": schedule.last_at,
        "last_task_id": schedule.last_task,
        "last_outcome": schedule.last_outcome.map(|state| state.name().to_lowercase()),
    })
}
