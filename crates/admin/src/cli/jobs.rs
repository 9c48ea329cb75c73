use ::jobs::{Jobs, QueueState, State, Steer, Steered, Task, TaskFilter, TaskList};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use kernel::TaskId;
use serde_json::{Value, json};

use super::table::{print, print_json, table, time};

/// Look at long work, and steer it.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  socle jobs list --state failed\n  socle jobs show task_01kbhq3c9h2v8m5d7xw4e6r9ta\n  \
    socle jobs retry task_01kbhq3c9h2v8m5d7xw4e6r9ta\n  socle jobs retry --all --kind surveillance.make_clip\n  \
    socle jobs cancel --all --queue media --state pending\n  socle jobs pause default\n  \
    socle --json jobs queues\n\nExit code: 0 done, 1 refused or failed, 2 bad usage."
)]
pub enum JobsCommand {
    /// List tasks of all workspaces, newest first.
    List {
        /// Only tasks in this state: pending, running, retrying, succeeded, failed or cancelled.
        #[arg(long, value_parser = ["pending", "running", "retrying", "succeeded", "failed", "cancelled"])]
        state: Option<String>,
        /// Only tasks of this kind.
        #[arg(long)]
        kind: Option<String>,
        /// Only tasks of this queue.
        #[arg(long)]
        queue: Option<String>,
        /// From 1.
        #[arg(long, default_value_t = 1)]
        page: u32,
        /// Tasks on a page.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        page_size: u32,
    },
    /// Show one task whole.
    Show { id: TaskId },
    /// Put failed or cancelled tasks back in line; `--all` without `--state` takes the failed ones.
    Retry(Which),
    /// Cancel tasks that wait, and ask those that run to stop.
    Cancel(Which),
    /// Delete tasks that do not run; `--all` needs a `--state`.
    Discard(Which),
    /// Begin no more tasks of a queue, on all machines.
    Pause { queue: String },
    /// Let a paused queue go on.
    Resume { queue: String },
    /// List the queues: what waits, runs and has failed in each.
    Queues,
}

/// One task, or all that fit.
#[derive(Debug, Args)]
pub struct Which {
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<TaskId>,
    /// All tasks that fit, of all workspaces.
    #[arg(long)]
    all: bool,
    /// With --all: only tasks in this state.
    #[arg(long, requires = "all", conflicts_with = "id")]
    #[arg(value_parser = ["pending", "running", "retrying", "succeeded", "failed", "cancelled"])]
    state: Option<String>,
    /// With --all: only tasks of this kind.
    #[arg(long, requires = "all", conflicts_with = "id")]
    kind: Option<String>,
    /// With --all: only tasks of this queue.
    #[arg(long, requires = "all", conflicts_with = "id")]
    queue: Option<String>,
}

impl Which {
    fn id(&self) -> anyhow::Result<TaskId> {
        self.id.context("name a task, or all of them with --all")
    }

    fn filter(&self, steer: Steer) -> anyhow::Result<TaskFilter> {
        let states = match (&self.state, steer) {
            (Some(name), _) => {
                let state: State = name.to_uppercase().parse()?;
                if !steer.states().contains(&state) {
                    bail!("tasks that are {name} cannot be {}", past(steer));
                }
                vec![state]
            }
            // What somebody cancelled stays so, unless it is asked for.
            (None, Steer::Retry) => vec![State::Failed],
            (None, Steer::Cancel) => steer.states().to_vec(),
            (None, Steer::Discard) => {
                bail!("say with --state which tasks to discard: they do not come back")
            }
        };
        Ok(TaskFilter { states, kind: self.kind.clone(), queue: self.queue.clone() })
    }
}

fn past(steer: Steer) -> &'static str {
    match steer {
        Steer::Retry => "retried",
        Steer::Cancel => "cancelled",
        Steer::Discard => "discarded",
    }
}

impl JobsCommand {
    fn many(&self) -> Option<(Steer, &Which)> {
        match self {
            Self::Retry(which) => Some((Steer::Retry, which)),
            Self::Cancel(which) => Some((Steer::Cancel, which)),
            Self::Discard(which) => Some((Steer::Discard, which)),
            _ => None,
        }
        .filter(|(_, which)| which.all)
    }
}

/// Runs `socle jobs …`.
pub async fn run_jobs_command(
    command: JobsCommand,
    as_json: bool,
    db: &db::Db,
    jobs: &Jobs,
) -> anyhow::Result<()> {
    if let Some((steer, which)) = command.many() {
        let steered = jobs.steer_all(steer, &which.filter(steer)?).await?;
        return show_steered(steer, steered, as_json);
    }
    let mut tx = db.begin().await?;
    match command {
        JobsCommand::List { state, kind, queue, page, page_size } => {
            let states =
                state.iter().map(|state| state.to_uppercase().parse::<State>()).collect::<Result<_, _>>()?;
            let filter = TaskFilter { states, kind, queue };
            let list = jobs.list_everywhere(&mut tx, &filter, page.max(1), page_size).await?;
            if as_json {
                print_json(&list.items.iter().map(describe).collect())?;
            } else {
                let rows: Vec<_> = list.items.iter().map(row).collect();
                let more = if list.total == TaskList::COUNTED_MAX { " or more" } else { "" };
                print(&(table(&HEAD, &rows) + &format!("{}{more} in all\n", list.total)))?;
            }
        }
        JobsCommand::Show { id } => {
            let task = find(jobs, &mut tx, id).await?;
            print_json(&describe(&task))?;
        }
        JobsCommand::Retry(which) => {
            let task = find(jobs, &mut tx, which.id()?).await?;
            show(&jobs.retry(&mut tx, task.workspace, task.id).await?, as_json)?;
        }
        JobsCommand::Cancel(which) => {
            let task = find(jobs, &mut tx, which.id()?).await?;
            show(&jobs.cancel(&mut tx, task.workspace, task.id).await?, as_json)?;
        }
        JobsCommand::Discard(which) => {
            let id = which.id()?;
            let task = find(jobs, &mut tx, id).await?;
            jobs.discard(&mut tx, task.workspace, id).await?;
            if as_json {
                print_json(&json!({ "discarded": id }))?;
            } else {
                print(&format!("{id} is discarded\n"))?;
            }
        }
        JobsCommand::Pause { queue } => show_queues(&[jobs.pause(&mut tx, &queue).await?], as_json)?,
        JobsCommand::Resume { queue } => show_queues(&[jobs.resume(&mut tx, &queue).await?], as_json)?,
        JobsCommand::Queues => show_queues(&jobs.queues(&mut tx).await?, as_json)?,
    }
    tx.commit().await?;
    Ok(())
}

async fn find(jobs: &Jobs, tx: &mut db::Tx, id: TaskId) -> anyhow::Result<Task> {
    jobs.find_anywhere(tx, id).await?.with_context(|| format!("task {id} does not exist"))
}

const HEAD: [&str; 7] = ["ID", "KIND", "STATE", "%", "ATTEMPT", "CREATED", "MESSAGE"];

fn row(task: &Task) -> Vec<String> {
    let message =
        task.problem.as_ref().map(|problem| problem.detail.clone()).or_else(|| task.message.clone());
    vec![
        task.id.to_string(),
        task.kind.clone(),
        task.state.name().to_lowercase(),
        task.progress.to_string(),
        format!("{}/{}", task.attempt, task.max_attempts),
        time(Some(task.created_at)),
        message.unwrap_or_default(),
    ]
}

fn show(task: &Task, as_json: bool) -> anyhow::Result<()> {
    if as_json { print_json(&describe(task)) } else { print(&table(&HEAD, &[row(task)])) }
}

fn show_steered(steer: Steer, steered: Steered, as_json: bool) -> anyhow::Result<()> {
    let Steered { done, left_out } = steered;
    if as_json {
        return print_json(&json!({ past(steer): done, "left_out": left_out }));
    }
    let tasks = |count: u64, one: &str, more: &str| {
        if count == 1 { format!("1 task {one}") } else { format!("{count} tasks {more}") }
    };
    let what = match steer {
        Steer::Retry => "back in line",
        Steer::Cancel => "cancelled, or asked to stop",
        Steer::Discard => "discarded",
    };
    let mut said = tasks(done, &format!("is {what}"), &format!("are {what}"));
    if left_out > 0 {
        said += "; ";
        said += &tasks(left_out, "is left out", "are left out");
        if steer == Steer::Retry {
            said += ", since another with the same unique key is under way";
        }
    }
    print(&(said + "\n"))
}

fn show_queues(queues: &[QueueState], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let items = queues.iter().map(|queue| {
            json!({
                "name": queue.name,
                "is_paused": queue.is_paused,
                "slots": queue.slots,
                "waiting": queue.waiting,
                "running": queue.running,
                "failed": queue.failed,
                "oldest_waiting_s": queue.oldest_waiting.map(|waits| waits.as_secs_f64()),
            })
        });
        return print_json(&items.collect());
    }
    let rows: Vec<_> = queues
        .iter()
        .map(|queue| {
            vec![
                queue.name.clone(),
                if queue.is_paused { "paused" } else { "open" }.to_owned(),
                queue.slots.to_string(),
                queue.waiting.to_string(),
                queue.running.to_string(),
                queue.failed.to_string(),
                queue.oldest_waiting.map_or("-".to_owned(), |waits| format!("{:.1} s", waits.as_secs_f64())),
            ]
        })
        .collect();
    print(&table(&["QUEUE", "STATE", "SLOTS", "WAITING", "RUNNING", "FAILED", "OLDEST"], &rows))
}

fn describe(task: &Task) -> Value {
    json!({
        "id": task.id,
        "workspace_id": task.workspace,
        "kind": task.kind,
        "queue": task.queue,
        "state": task.state.name().to_lowercase(),
        "progress": task.progress,
        "message": task.message,
        "result": task.result,
        "problem": task.problem.as_ref().map(|problem| &problem.detail),
        "error": task.error,
        "attempt": task.attempt,
        "max_attempts": task.max_attempts,
        "cancel_requested": task.cancel_requested,
        "actor": task.actor,
        "request_id": task.request_id,
        "created_at": task.created_at,
        "run_at": task.run_at,
        "started_at": task.started_at,
        "finished_at": task.finished_at,
    })
}
