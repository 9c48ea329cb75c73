use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
};
use jobs::{State as TaskState, Task, TaskFilter};
use kernel::{FieldError, Problem, TaskId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Json, Page, PageQuery, Path, ProblemBody, Query};

use crate::{
    permissions::{ReadTasks, WriteTasks},
    service::{Admin, TaskScope},
};

/// A piece of long work.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Task)]
pub(crate) struct TaskBody {
    #[schema(value_type = String)]
    id: TaskId,
    /// `module.what_it_does`.
    kind: String,
    queue: String,
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
            queue: task.queue,
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
    /// Only tasks of this queue.
    queue: Option<String>,
    /// `workspace` (default): of the caller's workspace. `installation`: of none, such as what schedules make; for those
    /// who may see schedules.
    #[param(inline)]
    scope: Option<ScopeBody>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = TaskScope)]
pub(crate) enum ScopeBody {
    Workspace,
    Installation,
}

/// List long work, newest first
///
/// `total` and `total_pages` are counted up to 10,000 tasks; where there are more, the pages go on behind that.
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
    let scope = match query.scope {
        None | Some(ScopeBody::Workspace) => TaskScope::Workspace,
        Some(ScopeBody::Installation) => TaskScope::Installation,
    };
    let filter = TaskFilter { states, kind: query.kind, queue: query.queue };
    Ok(Json(admin.tasks(&allow, scope, filter, page).await?.map(TaskBody::from)))
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

/// The state of long work in the words of older clients, with all that [`TaskBody`] has besides.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OlderTask)]
pub(crate) struct OlderTaskBody {
    #[schema(value_type = String)]
    id: TaskId,
    kind: String,
    state: OlderState,
    /// Percent, 0 to 100.
    progress: u8,
    /// What it does at present, in words.
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<serde_json::Value>,
    /// Why it failed, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// `state` in the words of `/api/v1/tasks/{id}`.
    task_state: StateBody,
    status_url: String,
}

#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = OlderTaskState)]
pub(crate) enum OlderState {
    Pending,
    Progress,
    Success,
    Failure,
}

/// Either form of a task.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = AnyTask)]
pub(crate) enum AnyTaskBody {
    Older(OlderTaskBody),
    Present(Box<TaskBody>),
}

impl From<Task> for OlderTaskBody {
    fn from(task: Task) -> Self {
        let (state, words) = match task.state {
            TaskState::Pending => (OlderState::Pending, "waiting"),
            TaskState::Retrying => (OlderState::Pending, "waiting for another attempt"),
            TaskState::Running => (OlderState::Progress, "running"),
            TaskState::Succeeded => (OlderState::Success, "done"),
            TaskState::Failed => (OlderState::Failure, "failed"),
            TaskState::Cancelled => (OlderState::Failure, "cancelled"),
        };
        let error = match task.state {
            TaskState::Failed => {
                Some(task.problem.map_or_else(|| "the task failed".to_owned(), |problem| problem.detail))
            }
            TaskState::Cancelled => Some("the task was cancelled".to_owned()),
            _ => None,
        };
        let says_more = matches!(task.state, TaskState::Running | TaskState::Succeeded);
        Self {
            status_url: format!("{}/tasks/{}", web::BASE, task.id),
            id: task.id,
            kind: task.kind,
            state,
            progress: task.progress,
            status: task.message.filter(|_| says_more).unwrap_or_else(|| words.to_owned()),
            result: task.result,
            error,
            task_state: task.state.into(),
        }
    }
}

/// Get the state of long work, in the words of older clients
///
/// `/api/tasks/{id}` and `/api/qcm/tasks/{id}` answer from here: `state` is `PENDING`, `PROGRESS`, `SUCCESS` or
/// `FAILURE`. A request that names an `API-Version` gets the body of that version.
#[utoipa::path(get, path = "/api/v1/tasks/{id}/older", tag = "tasks", operation_id = "get_task_older",
    params(("id" = String, Path)), responses((status = 200, body = AnyTaskBody)))]
pub(crate) async fn get_older(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<ReadTasks>,
    Path(id): Path<TaskId>,
    headers: HeaderMap,
) -> web::Result<Json<AnyTaskBody>> {
    let task = admin.task(&allow, id).await?;
    Ok(Json(if headers.contains_key("api-version") {
        AnyTaskBody::Present(Box::new(task.into()))
    } else {
        AnyTaskBody::Older(task.into())
    }))
}

/// Delete a task that does not run
#[utoipa::path(delete, path = "/api/v1/tasks/{id}", tag = "tasks", operation_id = "discard_task",
    params(("id" = String, Path)), responses((status = 204)))]
pub(crate) async fn discard(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<WriteTasks>,
    Path(id): Path<TaskId>,
) -> web::Result<StatusCode> {
    admin.discard(&allow, id).await?;
    Ok(StatusCode::NO_CONTENT)
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
