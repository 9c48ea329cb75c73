mod settings;

use std::io::Write as _;

use anyhow::Context as _;
use clap::Subcommand;
use jobs::{Jobs, State, Task, TaskFilter};
use kernel::{TaskId, WorkspaceId};

pub use settings::{SettingsCommand, run_settings_command};

/// Look at long work, and steer it.
#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// List tasks, newest first.
    List {
        /// Only tasks in this state: pending, running, retrying, succeeded, failed or cancelled.
        #[arg(long)]
        state: Option<String>,
        #[arg(long)]
        kind: Option<String>,
        #[arg(long, default_value_t = 1)]
        page: u32,
    },
    /// Show one task whole.
    Show { id: TaskId },
    /// Put a failed or cancelled task back in line.
    Retry { id: TaskId },
    /// Cancel a task that waits, or ask one that runs to stop.
    Cancel { id: TaskId },
    /// Delete a task that does not run.
    Discard { id: TaskId },
    /// Begin no more tasks of a queue.
    Pause { queue: String },
    /// Let a paused queue go on.
    Resume { queue: String },
}

/// Runs `socle jobs …` in a workspace.
pub async fn run_jobs_command(
    command: JobsCommand,
    json: bool,
    db: &db::Db,
    jobs: &Jobs,
    workspace: WorkspaceId,
) -> anyhow::Result<()> {
    let mut tx = db.begin().await?;
    match command {
        JobsCommand::List { state, kind, page } => {
            let states = match state {
                None => Vec::new(),
                Some(state) => {
                    vec![state.to_uppercase().parse::<State>().context("--state names no state of a task")?]
                }
            };
            let filter = TaskFilter { states, kind, ..TaskFilter::default() };
            let list = jobs.list(&mut tx, workspace, &filter, page.max(1), 100).await?;
            if json {
                print(&format!(
                    "{}\n",
                    serde_json::Value::from(list.items.iter().map(describe).collect::<Vec<_>>())
                ))?;
            } else {
                let mut text =
                    format!("{:<31} {:<32} {:<10} {:>4} {}\n", "ID", "KIND", "STATE", "%", "MESSAGE");
                for task in &list.items {
                    text += &line(task);
                }
                print(&format!("{text}{} in all\n", list.total))?;
            }
        }
        JobsCommand::Show { id } => {
            let task = jobs
                .find(&mut tx, workspace, id)
                .await?
                .with_context(|| format!("task {id} does not exist"))?;
            print(&format!("{:#}\n", describe(&task)))?;
        }
        JobsCommand::Retry { id } => print(&line(&jobs.retry(&mut tx, workspace, id).await?))?,
        JobsCommand::Cancel { id } => print(&line(&jobs.cancel(&mut tx, workspace, id).await?))?,
        JobsCommand::Discard { id } => jobs.discard(&mut tx, workspace, id).await?,
        JobsCommand::Pause { queue } => jobs.pause(&mut tx, &queue).await?,
        JobsCommand::Resume { queue } => jobs.resume(&mut tx, &queue).await?,
    }
    tx.commit().await?;
    Ok(())
}

fn line(task: &Task) -> String {
    let message =
        task.problem.as_ref().map(|problem| problem.detail.clone()).or_else(|| task.message.clone());
    let state = task.state.name().to_lowercase();
    format!(
        "{:<31} {:<32} {state:<10} {:>4} {}\n",
        task.id.to_string(),
        task.kind,
        task.progress,
        message.unwrap_or_default()
    )
}

fn describe(task: &Task) -> serde_json::Value {
    serde_json::json!({
        "id": task.id,
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
        "actor": task.actor,
        "request_id": task.request_id,
        "created_at": task.created_at,
        "started_at": task.started_at,
        "finished_at": task.finished_at,
    })
}

/// To standard output; a reader that closes the pipe early is no error.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
