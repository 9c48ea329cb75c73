use axum::extract::State;
use jobs::QueueState;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Allowed, Json, Path};

use crate::{
    permissions::{ReadQueues, WriteQueues},
    service::Admin,
};

/// A line in which tasks wait, over all workspaces and machines.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Queue)]
pub(crate) struct QueueBody {
    name: String,
    is_paused: bool,
    /// Tasks that one process runs at a time, by the settings of the process that answers.
    slots: u32,
    /// Due, or waiting for their time.
    waiting: u64,
    running: u64,
    failed: u64,
    /// For how long the first in line has been due, in seconds.
    #[schema(required)]
    oldest_waiting_s: Option<f64>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Queues)]
pub(crate) struct QueuesBody {
    items: Vec<QueueBody>,
}

impl From<QueueState> for QueueBody {
    fn from(queue: QueueState) -> Self {
        Self {
            name: queue.name,
            is_paused: queue.is_paused,
            slots: queue.slots,
            waiting: queue.waiting,
            running: queue.running,
            failed: queue.failed,
            oldest_waiting_s: queue.oldest_waiting.map(|waits| waits.as_secs_f64()),
        }
    }
}

/// List the queues
#[utoipa::path(get, path = "/api/v1/queues", tag = "tasks", operation_id = "list_queues",
    responses((status = 200, body = QueuesBody)))]
pub(crate) async fn list(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<ReadQueues>,
) -> web::Result<Json<QueuesBody>> {
    let items = admin.queues(&allow).await?.into_iter().map(QueueBody::from).collect();
    Ok(Json(QueuesBody { items }))
}

/// Begin no more tasks of a queue
///
/// On all machines; what runs goes on.
#[utoipa::path(post, path = "/api/v1/queues/{name}/pause", tag = "tasks", operation_id = "pause_queue",
    params(("name" = String, Path)), responses((status = 200, body = QueueBody)))]
pub(crate) async fn pause(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<WriteQueues>,
    Path(name): Path<String>,
) -> web::Result<Json<QueueBody>> {
    Ok(Json(admin.pause_queue(&allow, &name).await?.into()))
}

/// Let a paused queue go on
#[utoipa::path(post, path = "/api/v1/queues/{name}/resume", tag = "tasks", operation_id = "resume_queue",
    params(("name" = String, Path)), responses((status = 200, body = QueueBody)))]
pub(crate) async fn resume(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<WriteQueues>,
    Path(name): Path<String>,
) -> web::Result<Json<QueueBody>> {
    Ok(Json(admin.resume_queue(&allow, &name).await?.into()))
}
