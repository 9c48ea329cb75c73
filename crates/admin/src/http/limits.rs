use axum::extract::State;
use limits::{Overview, RuleOverview};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Allowed, Json};

use crate::{permissions::ReadLimits, service::Admin};

/// The rate limits in force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Limits)]
pub(crate) struct LimitsBody {
    /// `memory` (each node counts by itself) or `redis` (all count together).
    engine: &'static str,
    /// `false`: Redis is away, and each node counts by itself.
    is_up: bool,
    /// `false`: the rules are switched off; those of failed log-ins hold.
    is_enabled: bool,
    /// Callers from there are never refused.
    trusted_networks: Vec<String>,
    rules: Vec<RuleBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LimitRule)]
pub(crate) struct RuleBody {
    name: String,
    routes: Vec<String>,
    /// What a bucket stands for: `address`, `user`, `token`, `workspace` or `account`.
    key: String,
    /// So many at once,
    burst: u32,
    /// and so many again over this time, evenly, in seconds.
    per_s: u64,
    /// What one call takes.
    cost: u32,
    /// By this node since its start.
    refused: u64,
}

impl From<RuleOverview> for RuleBody {
    fn from(rule: RuleOverview) -> Self {
        Self {
            name: rule.name,
            routes: rule.routes,
            key: rule.key,
            burst: rule.burst,
            per_s: rule.per_s,
            cost: rule.cost,
            refused: rule.refused,
        }
    }
}

impl From<Overview> for LimitsBody {
    fn from(overview: Overview) -> Self {
        Self {
            engine: overview.engine,
            is_up: overview.is_up,
            is_enabled: overview.is_enabled,
            trusted_networks: overview.trusted_networks,
            rules: overview.rules.into_iter().map(RuleBody::from).collect(),
        }
    }
}

/// Get the rate limits
#[utoipa::path(get, path = "/api/v1/limits", tag = "limits", operation_id = "get_limits",
    responses((status = 200, body = LimitsBody)))]
pub(crate) async fn get(State(admin): State<Admin>, Allowed(allow): Allowed<ReadLimits>) -> Json<LimitsBody> {
    Json(admin.limits(&allow).into())
}
