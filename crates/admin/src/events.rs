use std::sync::Arc;

use jobs::TaskChange;
use kernel::TaskId;
use platform::{Platform, Topic};
use realtime::{Event, Room, RoomGuard};
use serde_json::json;
use tokio::sync::mpsc;

use crate::{permissions::ReadTasks, service::Admin};

const TASK_CHANGED: &str = "jobs.task_changed";

pub(crate) const TOPICS: &[Topic] = &[
    Topic {
        name: TASK_CHANGED,
        description: "A task began, went on, or ended: state, progress 0 to 100, message",
        stored: true,
    },
    Topic {
        name: ::settings::CHANGED,
        description: "A setting of the installation was changed",
        stored: true,
    },
];

/// Changes wait here for the outbox; when it cannot keep up, progress is skipped: the next change tells more.
const QUEUE: usize = 4096;

/// Sends every step in a task's life to the rooms `task:{id}` and `workspace:{id}`.
pub(crate) fn publish_task_changes(platform: &Platform) {
    let (sender, mut changes) = mpsc::channel::<TaskChange>(QUEUE);
    platform.jobs.on_change(Arc::new(move |change| {
        if sender.try_send(change.clone()).is_err() {
            tracing::debug!(task.id = %change.task, "a task's change is not told: too many wait");
        }
    }));
    let events = platform.events.clone();
    let db = platform.db.clone();
    let stop = platform.spawner.token();
    platform.spawner.spawn("task changes", async move {
        let mut batch = Vec::new();
        loop {
            let received = tokio::select! {
                received = changes.recv_many(&mut batch, 64) => received,
                () = stop.cancelled() => 0,
            };
            if received == 0 {
                return;
            }
            if let Err(error) = publish(&db, &events, &batch).await {
                tracing::warn!(%error, "changes of tasks could not be told");
            }
            batch.clear();
        }
    });
}

async fn publish(db: &db::Db, events: &realtime::Events, changes: &[TaskChange]) -> db::Result<()> {
    let mut tx = db.begin().await?;
    for change in changes {
        let data = json!({
            "id": change.task,
            "kind": change.kind,
            "state": change.state.name().to_lowercase(),
            "progress": change.progress,
            "message": change.message,
            "attempt": change.attempt,
        });
        for room in [Room::named("task", change.task), Room::workspace(change.workspace)] {
            let event = Event { topic: TASK_CHANGED, room, workspace: change.workspace, data: data.clone() };
            events.publish(&mut tx, &event).await?;
        }
    }
    tx.commit().await
}

/// `task:{id}` is for those who may see tasks, in the task's workspace.
pub(crate) fn task_rooms(admin: Admin) -> RoomGuard {
    RoomGuard::new("task", move |ctx, id| {
        let admin = admin.clone();
        async move {
            let allow = ctx.allow::<ReadTasks>().map_err(|denied| kernel::ToProblem::problem(&denied))?;
            let missing =
                || kernel::Problem::not_found("admin.task-not-found", format!("task {id} does not exist"));
            let id: TaskId = id.parse().map_err(|_| missing())?;
            admin.task(&allow, id).await.map(drop).map_err(|error| kernel::ToProblem::problem(&error))
        }
    })
}
