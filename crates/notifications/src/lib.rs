//! Tells people and other systems what happened: in the application, by mail, by signed webhooks.

mod config;
mod model;
mod permissions;

use anyhow::ensure;
use platform::{BuildError, Manifest, Parts, Platform};

pub use config::{Config, MailConfig};

/// What this module owns.
pub const MANIFEST: Manifest = Manifest {
    name: "notifications",
    migrations: db::Migrations::NONE,
    permissions: permissions::ALL,
    topics: &[],
    notices: &[],
    settings: &[],
    commands: &[],
};

/// `manifests` are those of all modules: what they tell, and what webhooks can hear.
///
/// # Errors
///
/// Settings that are wrong.
pub fn build(
    _platform: &Platform,
    mail: MailConfig,
    config: Config,
    _manifests: &[&'static Manifest],
) -> Result<Parts, BuildError> {
    let faults = [mail.validate(), config.validate()].concat();
    ensure!(faults.is_empty(), "{}", faults.join("; "));
    Ok(Parts {
        routes: web::OpenApiRouter::new(),
        jobs: jobs::Handlers::new(),
        schedules: Vec::new(),
        commands: Vec::new(),
        checks: Vec::new(),
        rooms: Vec::new(),
        services: Vec::new(),
    })
}
