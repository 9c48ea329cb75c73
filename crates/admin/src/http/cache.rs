use axum::{extract::State, http::StatusCode};
use cache::{NamespaceStats, Stats};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Allowed, Json, Path};

use crate::{
    permissions::{ReadCache, WriteCache},
    service::Admin,
};

/// The cache; hits, misses and loads are those of this node since its start.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cache)]
pub(crate) struct CacheBody {
    /// `memory` (of this node) or `redis` (of all).
    engine: &'static str,
    /// `false`: Redis is away, and everything is computed.
    is_up: bool,
    entries: u64,
    memory_bytes: u64,
    namespaces: Vec<NamespaceBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CacheNamespace)]
pub(crate) struct NamespaceBody {
    name: String,
    entries: u64,
    hits: u64,
    misses: u64,
    /// Of all questions, how many were answered from the cache; null before the first.
    #[schema(required)]
    hit_ratio: Option<f64>,
    /// Values computed.
    loads: u64,
    load_errors: u64,
    /// It was known that there is nothing.
    negative_hits: u64,
}

impl From<NamespaceStats> for NamespaceBody {
    fn from(of: NamespaceStats) -> Self {
        Self {
            hit_ratio: of.hit_ratio(),
            name: of.name,
            entries: of.entries,
            hits: of.hits,
            misses: of.misses,
            loads: of.loads,
            load_errors: of.load_errors,
            negative_hits: of.negative_hits,
        }
    }
}

impl From<Stats> for CacheBody {
    fn from(stats: Stats) -> Self {
        Self {
            engine: stats.engine,
            is_up: stats.is_up,
            entries: stats.entries,
            memory_bytes: stats.memory_bytes,
            namespaces: stats.namespaces.into_iter().map(NamespaceBody::from).collect(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Removed)]
pub(crate) struct RemovedBody {
    removed: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CacheEntry)]
pub(crate) struct EntryBody {
    key: String,
    /// Until it expires.
    ttl_s: u64,
    /// Null also where it is known that there is nothing.
    #[schema(required)]
    value: Option<serde_json::Value>,
}

/// Get the state of the cache
#[utoipa::path(get, path = "/api/v1/cache", tag = "cache", operation_id = "get_cache",
    responses((status = 200, body = CacheBody)))]
pub(crate) async fn get(State(admin): State<Admin>, Allowed(allow): Allowed<ReadCache>) -> Json<CacheBody> {
    Json(admin.cache_stats(&allow).await.into())
}

/// Empty the cache
///
/// Of all workspaces. What is needed again is computed again.
#[utoipa::path(delete, path = "/api/v1/cache", tag = "cache", operation_id = "clear_cache",
    responses((status = 200, body = RemovedBody)))]
pub(crate) async fn clear(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<WriteCache>,
) -> Json<RemovedBody> {
    Json(RemovedBody { removed: admin.clear_cache(&allow).await })
}

/// Empty one namespace of the cache
///
/// Of all workspaces.
#[utoipa::path(delete, path = "/api/v1/cache/{namespace}", tag = "cache", operation_id = "clear_cache_namespace",
    params(("namespace" = String, Path)), responses((status = 200, body = RemovedBody)))]
pub(crate) async fn clear_namespace(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<WriteCache>,
    Path(namespace): Path<String>,
) -> web::Result<Json<RemovedBody>> {
    Ok(Json(RemovedBody { removed: admin.clear_cache_namespace(&allow, namespace).await? }))
}

/// Look at one entry of the cache
///
/// The caller's workspace's, else one that belongs to no workspace.
#[utoipa::path(get, path = "/api/v1/cache/{namespace}/{key}", tag = "cache", operation_id = "get_cache_entry",
    params(("namespace" = String, Path), ("key" = String, Path)), responses((status = 200, body = EntryBody)))]
pub(crate) async fn get_entry(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<ReadCache>,
    Path((namespace, key)): Path<(String, String)>,
) -> web::Result<Json<EntryBody>> {
    let entry = admin.cached(&allow, namespace, key.clone()).await?;
    Ok(Json(EntryBody { key, ttl_s: entry.ttl.as_secs(), value: entry.value }))
}

/// Forget one entry of the cache
#[utoipa::path(delete, path = "/api/v1/cache/{namespace}/{key}", tag = "cache", operation_id = "delete_cache_entry",
    params(("namespace" = String, Path), ("key" = String, Path)), responses((status = 204)))]
pub(crate) async fn delete_entry(
    State(admin): State<Admin>,
    Allowed(allow): Allowed<WriteCache>,
    Path((namespace, key)): Path<(String, String)>,
) -> web::Result<StatusCode> {
    admin.forget_cached(&allow, namespace, key).await?;
    Ok(StatusCode::NO_CONTENT)
}
