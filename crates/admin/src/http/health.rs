use std::collections::BTreeMap;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Json, ProblemBody};

use crate::service::Admin;

/// The body that older clients read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthBody {
    /// `ok`, or `degraded` when something that is configured is down.
    status: &'static str,
    db: bool,
    /// `false` also where no Redis is configured.
    redis: bool,
    /// Whether people can sign in: accounts are in the database of every process that answers here.
    auth: bool,
}

/// Tell whether the server works
///
/// In the words of older clients: 503 as soon as something that is configured is down, also what can be done without.
/// Whether this process can take work is told by `/health/ready`.
#[utoipa::path(get, path = "/health", tag = "health", operation_id = "health", security(()),
    responses((status = 200, body = HealthBody), (status = 503, body = HealthBody)))]
pub(crate) async fn health(State(admin): State<Admin>) -> (StatusCode, Json<HealthBody>) {
    let (db, redis) = (admin.database_answers().await, admin.redis_answers().await);
    let (code, status) = if db && redis != Some(false) {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "degraded")
    };
    (code, Json(HealthBody { status, db, redis: redis == Some(true), auth: db }))
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Live)]
pub(crate) struct LiveBody {
    status: &'static str,
}

/// Tell that the process runs
#[utoipa::path(get, path = "/health/live", tag = "health", operation_id = "health_live", security(()),
    responses((status = 200, body = LiveBody)))]
pub(crate) async fn live() -> Json<LiveBody> {
    Json(LiveBody { status: "ok" })
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ready)]
pub(crate) struct ReadyBody {
    /// `ready` or `not ready`.
    status: &'static str,
    /// For each component `ok`; `degraded` when one that can be done without is down; `down`.
    checks: BTreeMap<&'static str, &'static str>,
}

/// Tell whether the process can take work
#[utoipa::path(get, path = "/health/ready", tag = "health", operation_id = "health_ready", security(()),
    responses((status = 200, body = ReadyBody), (status = 503, body = ReadyBody)))]
pub(crate) async fn ready(State(admin): State<Admin>) -> (StatusCode, Json<ReadyBody>) {
    let components = admin.components().await;
    let is_ready = components.iter().all(|component| component.outcome.is_ok() || !component.required);
    let checks = components
        .iter()
        .map(|component| {
            let state = match (&component.outcome, component.required) {
                (Ok(_), _) => "ok",
                (Err(_), false) => "degraded",
                (Err(_), true) => "down",
            };
            (component.name, state)
        })
        .collect();
    let (code, status) =
        if is_ready { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready") };
    (code, Json(ReadyBody { status, checks }))
}

/// Give the metrics to Prometheus
///
/// Where `http.metrics_token` is set, only to those who show it as a bearer token.
#[utoipa::path(get, path = "/metrics", tag = "health", operation_id = "metrics", security(()),
    responses((status = 200, body = String, content_type = "text/plain"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn metrics(
    State(admin): State<Admin>,
    headers: HeaderMap,
) -> web::Result<impl IntoResponse> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let text = admin.metrics(shown.and_then(|value| value.strip_prefix("Bearer ")))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}
