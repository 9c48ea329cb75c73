use ::jobs::{Jobs, QueueState, State, Task, TaskFilter};
use anyhow::Context as _;
use clap::Subcommand;
use kernel::TaskId;
use serde_json::{Value, json};

use super::table::{print, print_json, table, time};

/// Look at long work, and steer it.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "Examples:\n  socle jobs list --state failed\n  socle jobs show task_01kbhq3c9h2v8m5d7xw4e6r9ta\n  \
    socle jobs retry task_01kbhq3c9h2v8m5d7xw4e6r9ta\n  socle jobs pause default\n  socle --json jobs queues\n\n\
    Exit code: 0 done, 1 refused or failed, 2 bad usage."
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
    /// Put a failed or cancelled task back in line.
    Retry { id: TaskId },
    /// Cancel a task that waits, or ask one that runs to stop.
    Cancel { id: TaskId },
    /// Delete a task that does not run.
    Discard { id: TaskId },
    /// Begin no more tasks of a queue, on all machines.
    Pause { queue: String },
    /// Let a paused queue go on.
    Resume { queue: String },
    /// List the queues: what waits, runs and has failed in each.
    Queues,
}

/// Runs `socle jobs …`.
pub async fn run_jobs_command(
    command: JobsCommand,
    as_json: bool,
    db: &db::Db,
    jobs: &Jobs,
) -> anyhow::Result<()> {
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
                print(&(table(&HEAD, &rows) + &format!("{} in all\n", list.total)))?;
            }
        }
        JobsCommand::Show { id } => {
            let task = find(jobs, &mut tx, id).await?;
            print_json(&describe(&task))?;
        }
        JobsCommand::Retry { id } => {
            let task = find(jobs, &mut tx, id).await?;
            show(&jobs.retry(&mut tx, task.workspace, id).await?, as_json)?;
        }
        JobsCommand::Cancel { id } => {
            let task = find(jobs, &mut tx, id).await?;
            show(&jobs.cancel(&mut tx, task.workspace, id).await?, as_json)?;
        }
        JobsCommand::Discard { id } => {
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
