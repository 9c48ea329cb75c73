use axum::extract::State;
use kernel::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use web::{Allowed, Json};

use crate::{
    permissions::ReadSystem,
    service::{Admin, System},
};

/// The installation as this process sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = System)]
pub(crate) struct SystemBody {
    version: &'static str,
    started_at: Timestamp,
    uptime_s: u64,
    /// `sqlite` or `postgresql`.
    engine: &'static str,
    /// `folder` or `s3`.
    storage: &'static str,
    roles: Vec<&'static str>,
    components: Vec<ComponentBody>,
    process: ProcessBody,
    /// The disk that the data folder is on; `null` where the system does not tell.
    disk: Option<DiskBody>,
    redis: RedisBody,
    database: DatabaseBody,
    /// Breakers of those whom Socle calls, once called.
    breakers: Vec<BreakerBody>,
    /// Processes that said within the last minute that they live.
    nodes: Vec<NodeBody>,
    modules: Vec<ModuleBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Component)]
pub(crate) struct ComponentBody {
    name: &'static str,
    /// `ok`; `degraded` for a component that can be done without; `down`.
    status: &'static str,
    detail: String,
    required: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Process)]
pub(crate) struct ProcessBody {
    /// Resident set.
    memory_bytes: u64,
    cpu_seconds: f64,
    threads: u64,
    open_files: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SystemDisk)]
pub(crate) struct DiskBody {
    size_bytes: u64,
    /// What the process may still write.
    free_bytes: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SystemRedis)]
pub(crate) struct RedisBody {
    is_configured: bool,
    is_up: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SystemDatabase)]
pub(crate) struct DatabaseBody {
    /// `sqlite` or `postgresql`.
    engine: &'static str,
    /// Open connections, idle ones among them.
    connections: u32,
    idle: u64,
    /// Transactions that wait for their turn or for a connection.
    waiting: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Breaker)]
pub(crate) struct BreakerBody {
    /// Upstream, and its host where each has a breaker of its own.
    name: String,
    /// `closed`, `open` or `half_open`.
    state: &'static str,
    /// Failures among the last 20 calls.
    failures: u32,
    opened_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Node)]
pub(crate) struct NodeBody {
    id: String,
    roles: Vec<String>,
    version: String,
    started_at: Timestamp,
    seen_at: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Module)]
pub(crate) struct ModuleBody {
    name: &'static str,
    permissions: Vec<PermissionBody>,
    topics: Vec<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Permission)]
pub(crate) struct PermissionBody {
    name: &'static str,
    description: &'static str,
}

impl From<System> for SystemBody {
    fn from(system: System) -> Self {
        let components = system.components.into_iter().map(|component| {
            let (status, detail) = match component.outcome {
                Ok(detail) => ("ok", detail),
                Err(detail) if component.required => ("down", detail),
                Err(detail) => ("degraded", detail),
            };
            ComponentBody { name: component.name, status, detail, required: component.required }
        });
        let modules = system.manifests.iter().map(|manifest| ModuleBody {
            name: manifest.name,
            permissions: manifest
                .permissions
                .iter()
                .map(|permission| PermissionBody {
                    name: permission.name,
                    description: permission.description,
                })
                .collect(),
            topics: manifest.topics.iter().map(|topic| topic.name).collect(),
        });
        let breakers = system.breakers.into_iter().map(|breaker| BreakerBody {
            name: breaker.name,
            state: breaker.state.name(),
            failures: breaker.failures,
            opened_at: breaker.opened_ago.map(|ago| system.now - ago),
        });
        let nodes = system.nodes.into_iter().map(|node| NodeBody {
            id: node.id.to_string(),
            roles: node.roles,
            version: node.version,
            started_at: node.started_at,
            seen_at: node.seen_at,
        });
        Self {
            redis: RedisBody { is_configured: system.redis.is_some(), is_up: system.redis == Some(true) },
            database: DatabaseBody {
                engine: system.engine,
                connections: system.pool.open,
                idle: system.pool.idle as u64,
                waiting: (system.pool.writers_waiting + system.pool.readers_waiting) as u64,
            },
            breakers: breakers.collect(),
            nodes: nodes.collect(),
            version: system.version,
            started_at: system.started_at,
            uptime_s: system.uptime_s,
            engine: system.engine,
            storage: system.storage,
            roles: system.roles.iter().map(|role| role.name()).collect(),
            components: components.collect(),
            process: ProcessBody {
                memory_bytes: system.process.memory_bytes,
                cpu_seconds: system.process.cpu_seconds,
                threads: system.process.threads,
                open_files: system.process.open_files,
            },
            disk: system
                .disk
                .map(|disk| DiskBody { size_bytes: disk.size_bytes, free_bytes: disk.free_bytes }),
            modules: modules.collect(),
        }
    }
}

/// Get the state of the installation
#[utoipa::path(get, path = "/api/v1/system", tag = "health", operation_id = "get_system",
    responses((status = 200, body = SystemBody)))]
pub(crate) async fn get(State(admin): State<Admin>, Allowed(allow): Allowed<ReadSystem>) -> Json<SystemBody> {
    Json(admin.system(&allow).await.into())
}
