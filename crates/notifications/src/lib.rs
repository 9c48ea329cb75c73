//! Tells people and other systems what happened: in the application, by mail, by signed webhooks.

pub mod permissions;

use platform::{BuildError, Manifest, Parts, Platform};

/// What the module owns.
pub const MANIFEST: Manifest = Manifest {
    name: "notifications",
    migrations: db::Migrations::NONE,
    permissions: permissions::ALL,
    topics: &[],
    commands: &[],
};

/// What the module gives.
pub fn build(_platform: &Platform) -> Result<Parts, BuildError> {
    Ok(Parts {
        routes: web::OpenApiRouter::new(),
        jobs: jobs::Handlers::new(),
        commands: Vec::new(),
        checks: Vec::new(),
        rooms: Vec::new(),
        services: Vec::new(),
    })
}
