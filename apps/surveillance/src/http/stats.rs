use std::collections::BTreeMap;

use axum::extract::State;
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Json, Query};

use crate::{
    model::CameraId,
    permissions::ReadEvents,
    service::{Sentinel, Stats},
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Stretch {
    /// Moved back to its full hour. Default: seven days before `to`.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Moved on to the next full hour. Default: now.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CameraCounts {
    total: u64,
    online: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventCounts {
    total: u64,
    unacknowledged: u64,
    /// Going on now.
    active: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CameraEvents {
    #[schema(value_type = String)]
    camera_id: CameraId,
    name: String,
    count: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HourEvents {
    #[schema(value_type = String, format = DateTime)]
    hour: Timestamp,
    count: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DayEvents {
    /// `YYYY-MM-DD`, UTC.
    day: String,
    count: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SurveillanceStats)]
pub(super) struct StatsBody {
    cameras: CameraCounts,
    events: EventCounts,
    by_kind: BTreeMap<&'static str, u64>,
    /// Most events first.
    by_camera: Vec<CameraEvents>,
    /// Hours with events; empty for stretches of more than 31 days.
    by_hour: Vec<HourEvents>,
    /// Days with events.
    by_day: Vec<DayEvents>,
}

impl From<Stats> for StatsBody {
    fn from(stats: Stats) -> Self {
        Self {
            cameras: CameraCounts { total: stats.cameras, online: stats.cameras_online },
            events: EventCounts {
                total: stats.events,
                unacknowledged: stats.unacknowledged,
                active: stats.active,
            },
            by_kind: stats.by_kind.into_iter().map(|(kind, count)| (kind.name(), count)).collect(),
            by_camera: stats
                .by_camera
                .into_iter()
                .map(|(camera_id, name, count)| CameraEvents { camera_id, name, count })
                .collect(),
            by_hour: stats.by_hour.into_iter().map(|(hour, count)| HourEvents { hour, count }).collect(),
            by_day: stats
                .by_day
                .into_iter()
                .map(|(day, count)| DayEvents { day: day.strftime("%Y-%m-%d").to_string(), count })
                .collect(),
        }
    }
}

/// Figures of a stretch of time.
#[utoipa::path(get, path = "/api/v1/surveillance/stats", tag = "surveillance", operation_id = "surveillance_stats",
    params(Stretch), responses((status = 200, body = StatsBody)))]
pub(super) async fn get(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<ReadEvents>,
    Query(query): Query<Stretch>,
) -> web::Result<Json<StatsBody>> {
    Ok(Json(sentinel.stats(&allow, query.from, query.to).await?.into()))
}
