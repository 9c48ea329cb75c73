use axum::{extract::State, http::StatusCode};
use jobs::{CatchUp, Reason, Run, ScheduleChange, ScheduleRunId, ScheduleState};
use kernel::{FieldError, Problem, TaskId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Cursor, Feed, Json, Path, Query};

use super::tasks::StateBody;
use crate::{
    permissions::{ReadSchedules, WriteSchedules},
    service::Admin,
};

/// Work that comes by itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Schedule)]
pub(crate) struct ScheduleBody {
    name: &'static str,
    /// Of the tasks that it makes.
    kind: &'static str,
    description: &'static str,
    /// Minute, hour, day, month, weekday; or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
    cron: String,
    /// IANA name.
    time_zone: String,
    catch_up: CatchUpBody,
    is_paused: bool,
    /// The rule is not the one that came with the installation.
    is_overridden: bool,
    #[schema(required)]
    next_at: Option<Timestamp>,
    #[schema(required)]
    last_at: Option<Timestamp>,
    #[schema(required, value_type = Option<String>)]
    last_task_id: Option<TaskId>,
    /// Where the last task stands; null when it is no longer kept.
    #[schema(required)]
    last_outcome: Option<StateBody>,
}

/// What becomes of times that passed while nothing ran: forgotten, made up for once, or each.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CatchUp)]
pub(crate) enum CatchUpBody {
    Skip,
    Once,
    All,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Schedules)]
pub(crate) struct SchedulesBody {
    items: Vec<ScheduleBody>,
}

/// What is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UpdateSchedule)]
pub(crate) struct UpdateScheduleBody {
    cron: Option<String>,
    time_zone: Option<String>,
    catch_up: Option<CatchUpBody>,
    is_paused: Option<bool>,
}

/// Long work that was begun.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Accepted)]
pub(crate) struct AcceptedBody {
    #[schema(value_type = String)]
    task_id: TaskId,
    status: StateBody,
    status_url: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScheduleRun)]
pub(crate) struct RunBody {
    #[schema(value_type = String)]
    id: ScheduleRunId,
    /// The time that the rule names.
    planned_at: Timestamp,
    fired_at: Timestamp,
    #[schema(value_type = String)]
    task_id: TaskId,
    /// Null when the task is no longer kept.
    #[schema(required)]
    task_state: Option<StateBody>,
    reason: ReasonBody,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ScheduleRunReason)]
pub(crate) enum ReasonBody {
    Due,
    CatchUp,
    Manual,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunsQuery {
    /// `next_cursor` of the answer before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

impl From<ScheduleState> for ScheduleBody {
    fn from(state: ScheduleState) -> Self {
        Self {
            name: state.name,
            kind: state.kind,
            description: state.description,
            cron: state.cron,
            time_zone: state.time_zone,
            catch_up: match state.catch_up {
                CatchUp::Skip => CatchUpBody::Skip,
                CatchUp::Once => CatchUpBody::Once,
                CatchUp::All => CatchUpBody::All,
            },
            is_paused: state.is_paused,
            is_overridden: state.is_overridden,
            next_at: state.next_at,
            last_at: state.last_at,
            last_task_id: state.last_task,
            last_outcome: state.last_outcome.map(StateBody::from),
        }
    }
}

impl From<CatchUpBody> for CatchUp {
    fn from(body: CatchUpBody) -> Self {
        match body {
            CatchUpBody::Skip => Self::Skip,
            CatchUpBody::Once => Self::Once,
            CatchUpBody::All => Self::All,
        }
    }
}

impl From<Run> for RunBody {
    fn from(run: Run) -> Self {
        Self {
            id: run.id,
            planned_at: run.planned_at,
            fired_at: run.fired_at,
            task_id: run.task,
            task_state: run.task_state.map(StateBody::from),
            reason: match run.reason {
                Reason::Due => ReasonBody::Due,
                Reason::CatchUp => ReasonBody::CatchUp,
                Reason::Manual => ReasonBody::Manual,
            },
        }
    }
}

/// List the schedules
#[utoipa::path(get, path = "/api/v1/schedules", tag = "schedules", operation_id = "list_schedules",
    responses((status = 200, body = SchedulesBody)))]
pub(crate) async fn list(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<ReadSchedules>,
) -> web::Result<Json<SchedulesBody>> {
    let items = admin.schedules(&allow).await?.into_iter().map(ScheduleBody::from).collect();
    Ok(Json(SchedulesBody { items }))
}

/// Get a schedule
#[utoipa::path(get, path = "/api/v1/schedules/{name}", tag = "schedules", operation_id = "get_schedule",
    params(("name" = String, Path)), responses((status = 200, body = ScheduleBody)))]
pub(crate) async fn get(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<ReadSchedules>,
    Path(name): Path<String>,
) -> web::Result<Json<ScheduleBody>> {
    Ok(Json(admin.schedule(&allow, &name).await?.into()))
}

/// Change a schedule's rule, pause or resume it
///
/// What was planned before the change, or while it was paused, is not made up for.
#[utoipa::path(patch, path = "/api/v1/schedules/{name}", tag = "schedules", operation_id = "update_schedule",
    params(("name" = String, Path)), request_body = UpdateScheduleBody,
    responses((status = 200, body = ScheduleBody)))]
pub(crate) async fn update(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<WriteSchedules>,
    Path(name): Path<String>,
    Json(body): Json<UpdateScheduleBody>,
) -> web::Result<Json<ScheduleBody>> {
    let change = ScheduleChange {
        cron: body.cron,
        time_zone: body.time_zone,
        catch_up: body.catch_up.map(CatchUp::from),
        is_paused: body.is_paused,
    };
    Ok(Json(admin.change_schedule(&allow, &name, &change).await?.into()))
}

/// Give a schedule its own rule back
#[utoipa::path(delete, path = "/api/v1/schedules/{name}/overrides", tag = "schedules",
    operation_id = "reset_schedule", params(("name" = String, Path)),
    responses((status = 200, body = ScheduleBody)))]
pub(crate) async fn reset(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<WriteSchedules>,
    Path(name): Path<String>,
) -> web::Result<Json<ScheduleBody>> {
    Ok(Json(admin.reset_schedule(&allow, &name).await?.into()))
}

/// Fire a schedule now
///
/// Also when it is paused; its planned times stay as they are.
#[utoipa::path(post, path = "/api/v1/schedules/{name}/run", tag = "schedules", operation_id = "run_schedule",
    params(("name" = String, Path)), responses((status = 202, body = AcceptedBody)))]
pub(crate) async fn run(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<WriteSchedules>,
    Path(name): Path<String>,
) -> web::Result<(StatusCode, Json<AcceptedBody>)> {
    let task_id = admin.run_schedule(&allow, &name).await?;
    let status_url = format!("{}/tasks/{task_id}", web::BASE);
    Ok((StatusCode::ACCEPTED, Json(AcceptedBody { task_id, status: StateBody::Pending, status_url })))
}

/// List a schedule's firings, newest first
#[utoipa::path(get, path = "/api/v1/schedules/{name}/runs", tag = "schedules",
    operation_id = "list_schedule_runs", params(("name" = String, Path), RunsQuery),
    responses((status = 200, body = Feed<RunBody>)))]
pub(crate) async fn runs(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<ReadSchedules>,
    Path(name): Path<String>,
    Query(query): Query<RunsQuery>,
) -> web::Result<Json<Feed<RunBody>>> {
    let limit = match query.limit.unwrap_or(20) {
        limit @ 1..=100 => limit,
        _ => {
            return Err(Problem::bad_request("invalid-query", "limit is out of bounds")
                .with_errors(vec![FieldError::new("limit", "must be from 1 to 100")])
                .into());
        }
    };
    let before = query.cursor.map(|cursor| cursor.decode::<ScheduleRunId>()).transpose()?;
    let runs = admin.schedule_runs(&allow, &name, before, limit).await?;
    Ok(Json(Feed::new(runs, limit as usize, |run| run.id).map(RunBody::from)))
}
