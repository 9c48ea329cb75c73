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
        Self {
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
