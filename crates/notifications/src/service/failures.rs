//! Tasks that failed for good, told to those who look after tasks.

use std::{sync::Arc, time::Duration};

use jobs::{Enqueue, State, TaskChange};
use platform::{Level, Notify, Platform, Recipients};
use tokio::sync::mpsc;

use super::Notifications;
use crate::{error::Error, events};

/// Failures that wait to be told; more at once are told by the list of tasks.
const QUEUE: usize = 64;
/// How long a failure waits to be told: others of its kind in this time are the same piece of news.
const PAUSE: Duration = Duration::from_secs(10);

/// This module's own tasks are left out: a mail that fails would be told by a mail.
fn is_news(change: &TaskChange) -> bool {
    change.state == State::Failed && !change.kind.starts_with("notifications.")
}

/// Listens for as long as the process runs.
pub(crate) fn watch_failures(platform: &Platform, notifications: Notifications) {
    let (sender, mut failed) = mpsc::channel::<TaskChange>(QUEUE);
    platform.jobs.on_change(Arc::new(move |change| {
        if is_news(change) && sender.try_send(change.clone()).is_err() {
            tracing::debug!(task.id = %change.task, "a failed task is not told: too many wait");
        }
    }));
    let stop = platform.spawner.token();
    platform.spawner.spawn("failed tasks", async move {
        loop {
            let change = tokio::select! {
                change = failed.recv() => change,
                () = stop.cancelled() => None,
            };
            let Some(change) = change else { return };
            if let Err(error) = notifications.tell_failure(&change).await {
                tracing::warn!(task.id = %change.task, error = &error as &dyn std::error::Error, "a failed task could not be told");
            }
        }
    });
}

impl Notifications {
    async fn tell_failure(&self, change: &TaskChange) -> Result<(), Error> {
        let ctx = self.system_ctx("a task failed", change.workspace);
        let mut tx = self.db.begin().await?;
        let task = self.jobs.find(&mut tx, change.workspace, change.task).await?;
        let detail = task.and_then(|task| task.problem).map(|problem| problem.detail).unwrap_or_default();
        let notify = Notify::new(Recipients::Permission("admin.tasks.write".to_owned()), events::TASK_FAILED)
            .level(Level::Error)
            .link("/admin/tasks")
            .param("kind", change.kind.as_str())
            .param("detail", detail);
        let unique_key = Some(format!("{}:{}", events::TASK_FAILED, change.kind));
        let how = Enqueue { delay: PAUSE, unique_key, ..Enqueue::default() };
        self.jobs.enqueue_with(&mut tx, &ctx, notify, how).await?;
        tx.commit().await?;
        Ok(())
    }
}
