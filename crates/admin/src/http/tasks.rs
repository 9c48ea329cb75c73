use axum::extract::State;
use jobs::{State as TaskState, Task};
use kernel::{FieldError, Problem, TaskId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Json, Page, PageQuery, Path, ProblemBody, Query};

use crate::{
    permissions::{ReadTasks, WriteTasks},
    service::Admin,
};

/// A piece of long work.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Task)]
pub(crate) struct TaskBody {
    #[schema(value_type = String)]
    id: TaskId,
    /// `module.what_it_does`.
    kind: String,
    state: StateBody,
    /// Percent, 0 to 100.
    progress: u8,
    #[schema(required)]
    message: Option<String>,
    /// What came of it, once it has succeeded; its form depends on the kind.
    #[schema(required)]
    result: Option<serde_json::Value>,
    /// Why it failed.
    #[schema(required)]
    problem: Option<ProblemBody>,
    attempt: u32,
    max_attempts: u32,
    created_at: Timestamp,
    #[schema(required)]
    started_at: Option<Timestamp>,
    #[schema(required)]
    finished_at: Option<Timestamp>,
    status_url: String,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = TaskState)]
pub(crate) enum StateBody {
    Pending,
    Running,
    Retrying,
    Succeeded,
    Failed,
    Cancelled,
}

impl From<TaskState> for StateBody {
    fn from(state: TaskState) -> Self {
        match state {
            TaskState::Pending => Self::Pending,
            TaskState::Running => Self::Running,
            TaskState::Retrying => Self::Retrying,
            TaskState::Succeeded => Self::Succeeded,
            TaskState::Failed => Self::Failed,
            TaskState::Cancelled => Self::Cancelled,
        }
    }
}

impl From<Task> for TaskBody {
    fn from(task: Task) -> Self {
        let at = task.finished_at.unwrap_or(task.created_at);
        Self {
            status_url: format!("{}/tasks/{}", web::BASE, task.id),
            id: task.id,
            kind: task.kind,
            state: task.state.into(),
            progress: task.progress,
            message: task.message,
            result: task.result,
            problem: task.problem.map(|problem| ProblemBody::new(&problem, &task.request_id, at)),
            attempt: task.attempt,
            max_attempts: task.max_attempts,
            created_at: task.created_at,
            started_at: task.started_at,
            finished_at: task.finished_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// From 1.
    #[param(minimum = 1, maximum = 1000000)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<u32>,
    /// Only tasks in this state: pending, running, retrying, succeeded, failed or cancelled.
    #[param(value_type = Option<StateBody>)]
    state: Option<String>,
    /// Only tasks of this kind.
    kind: Option<String>,
}

/// List long work, newest first
#[utoipa::path(get, path = "/api/v1/tasks", tag = "tasks", operation_id = "list_tasks", params(ListQuery),
    responses((status = 200, body = Page<TaskBody>)))]
pub(crate) async fn list(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<ReadTasks>,
    Query(query): Query<ListQuery>,
) -> web::Result<Json<Page<TaskBody>>> {
    let page = PageQuery::parse(query.page, query.page_size)?;
    let states = match query.state {
        None => Vec::new(),
        Some(state) => vec![state.to_uppercase().parse().map_err(|_| {
            Problem::bad_request("invalid-query", "state is none of a task's states").with_errors(vec![
                FieldError::new(
                    "state",
                    "must be pending, running, retrying, succeeded, failed or cancelled",
                ),
            ])
        })?],
    };
    Ok(Json(admin.tasks(&allow, states, query.kind, page).await?.map(TaskBody::from)))
}

/// Get the state of long work
#[utoipa::path(get, path = "/api/v1/tasks/{id}", tag = "tasks", operation_id = "get_task",
    params(("id" = String, Path)), responses((status = 200, body = TaskBody)))]
pub(crate) async fn get(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<ReadTasks>,
    Path(id): Path<TaskId>,
) -> web::Result<Json<TaskBody>> {
    Ok(Json(admin.task(&allow, id).await?.into()))
}

/// Cancel long work
///
/// What waits is cancelled at once; what runs is asked to stop.
#[utoipa::path(post, path = "/api/v1/tasks/{id}/cancel", tag = "tasks", operation_id = "cancel_task",
    params(("id" = String, Path)), responses((status = 200, body = TaskBody)))]
pub(crate) async fn cancel(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<WriteTasks>,
    Path(id): Path<TaskId>,
) -> web::Result<Json<TaskBody>> {
    Ok(Json(admin.cancel(&allow, id).await?.into()))
}

/// Try failed or cancelled work again
#[utoipa::path(post, path = "/api/v1/tasks/{id}/retry", tag = "tasks", operation_id = "retry_task",
    params(("id" = String, Path)), responses((status = 200, body = TaskBody)))]
pub(crate) async fn retry(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<WriteTasks>,
    Path(id): Path<TaskId>,
) -> web::Result<Json<TaskBody>> {
    Ok(Json(admin.retry(&allow, id).await?.into()))
}
