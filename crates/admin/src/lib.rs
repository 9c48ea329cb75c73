//! Tasks, health and the state of the installation.
//!
//! Other modules make tasks; this one shows them: `GET /api/v1/tasks/{id}` tells state, progress and result, the room
//! `task:{id}` tells changes as they happen, and `socle jobs` does the same on the command line. `/health/live` says that
//! the process runs, `/health/ready` that it can work, `/health` the same in the body that older clients read.

mod cli;
mod error;
mod events;
mod health;
mod http;
mod jobs;
mod permissions;
mod process;
mod service;
mod settings;

use std::sync::Arc;

use platform::{BuildError, Check, Manifest, Parts, Platform, Role};

/// Renders `/metrics`.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

pub const MANIFEST: Manifest = Manifest {
    name: "admin",
    migrations: db::Migrations::NONE,
    permissions: permissions::ALL,
    topics: events::TOPICS,
    notices: &[],
    settings: settings::SETTINGS,
    quotas: &[],
    commands: &[],
};

/// Paths that older clients use.
pub const ALIASES: &[web::Alias] = &[
    web::Alias { from: "/api/tasks/{}", to: "/api/v1/tasks/{}/older" },
    web::Alias { from: "/api/qcm/tasks/{}", to: "/api/v1/tasks/{}/older" },
];

/// What this module shows of the others.
pub struct Overview {
    pub version: &'static str,
    pub roles: Vec<Role>,
    pub manifests: &'static [&'static Manifest],
    pub checks: Vec<Check>,
    pub render_metrics: RenderMetrics,
    /// What who reads `/metrics` must show; empty for nothing.
    pub metrics_token: kernel::Secret<String>,
}

pub fn build(platform: &Platform, overview: Overview) -> Result<Parts, BuildError> {
    let admin = service::Admin::new(platform, overview);
    events::publish_task_changes(platform);
    settings::connect(platform);
    Ok(Parts {
        routes: http::routes(admin.clone()),
        jobs: jobs::handlers(platform),
        schedules: jobs::schedules(),
        commands: Vec::new(),
        checks: Vec::new(),
        rooms: vec![events::task_rooms(admin)],
        services: Vec::new(),
    })
}

/// `socle cache …`, for the binary.
pub use cli::{CacheCommand, run_cache_command};
/// `socle jobs …`, `socle schedule …` and `socle settings …`, for the binary, which opens the database for them.
pub use cli::{
    JobsCommand, ScheduleCommand, SettingsCommand, run_jobs_command, run_schedule_command,
    run_settings_command,
};
