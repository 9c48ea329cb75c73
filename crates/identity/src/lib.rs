//! Who may come in, and what they may do: accounts, sessions, roles, workspaces and the audit log.
//!
//! A log-in's life: `http::login` unpacks the body; `service::login` takes from the buckets of the account and the
//! address, reads the account, verifies the password on the bounded pool of hashing threads (an unknown address costs
//! the same), then writes session, last log-in and audit row in one transaction and gives the buckets back. The client
//! gets an access token (a JWT of 15 minutes) and a refresh token, or two cookies.
//!
//! A request's life: [`Identity`] is the [`web::Authenticate`] of the server. It checks the token's signature or looks
//! the cookie up, and asks `service::live` for the session, its user and their roles: from memory in the common case,
//! from the database when older than some seconds or when anything changed here. What comes out is a [`kernel::Ctx`]
//! with the grants of the role in that workspace, narrowed by the token's scopes.
//!
//! * Sessions are families of refresh tokens; `model::refresh` tells an honest race from a stolen token.
//! * Everything that belongs to a workspace is read through a membership in it: others' objects do not exist.
//! * The audit log is append only; each row's hash covers the one before (`model::audit`).

mod cli;
mod config;
mod error;
mod http;
mod jobs;
mod model;
mod permissions;
mod policy;
mod service;
mod settings;
mod store;

use db::migrations;
use model::{Catalogue, KnownPermission};
use platform::{BuildError, JOBS, Manifest, Notice, Parts, Per, Platform, QuotaSpec, Role, Service};

pub use config::{Config, ProviderConfig, Signing};
pub use error::Error;
pub use service::Identity;

/// Tasks that people order; other modules declare what they let workspaces use.
const QUOTAS: &[QuotaSpec] = &[QuotaSpec {
    resource: JOBS,
    label: ["Tasks per day", "Tâches par jour"],
    unit: "",
    per: Per::Day,
    used: store::quotas::JOBS_USED,
}];

const NOTICES: &[Notice] = &[SECURITY, QUOTA];

const QUOTA: Notice = Notice {
    topic: service::QUOTA_NEAR,
    label: ["A quota is nearly used up", "Un quota est presque épuisé"],
    title: ["{{ label_en }}: {{ percent }} % used", "{{ label_fr }} : {{ percent }} % utilisés"],
    body: [
        "{{ used }} of {{ limit }}. An administrator of the installation can allow more.",
        "{{ used }} sur {{ limit }}. Un administrateur de l’installation peut accorder davantage.",
    ],
    in_app: true,
    email: true,
};

const SECURITY: Notice = Notice {
    topic: service::SECURITY_CHANGED,
    label: ["What protects your account changed", "La protection de votre compte a changé"],
    title: ["{{ title }}", "{{ title }}"],
    body: ["{{ body }}", "{{ body }}"],
    in_app: true,
    // A mail of its own goes out whatever is chosen here.
    email: false,
};

/// What this module owns.
pub const MANIFEST: Manifest = Manifest {
    name: "identity",
    migrations: migrations!("migrations"),
    permissions: permissions::ALL,
    topics: &[],
    notices: NOTICES,
    settings: settings::SETTINGS,
    quotas: QUOTAS,
    commands: cli::SHAPES,
};

/// Where older clients and the contract's short form ask for what lives under `/api/v1`.
pub const ALIASES: &[web::Alias] = &[web::Alias { from: "/auth/*", to: "/api/v1/auth/*" }];

/// Also gives the handle that the server needs as its authenticator. `manifests` are those of all modules: an
/// administrator holds every permission in them.
pub fn build(
    platform: &Platform,
    config: Config,
    manifests: &[&Manifest],
) -> Result<(Identity, Parts), BuildError> {
    let permissions = manifests.iter().map(|manifest| (manifest.name, manifest.permissions));
    let known = permissions.chain([(MANIFEST.name, permissions::ALL)]).flat_map(|(module, permissions)| {
        permissions.iter().map(move |info| KnownPermission { module, info: *info })
    });
    let identity = Identity::new(platform, config, Catalogue::new(known), manifests)?;
    // Until the first look along the log nothing is known to be broken.
    metrics::gauge!("identity_audit_broken_chains").set(0.0);
    let shared = std::sync::Arc::new(identity.clone());
    platform.directory.provide(shared.clone());
    platform.quotas.provide(shared.clone());
    platform.jobs.set_gate(shared);
    let (follower, key_follower) = (identity.clone(), identity.clone());
    let parts = Parts {
        routes: http::routes(identity.clone()),
        jobs: jobs::handlers(identity.clone()),
        schedules: jobs::schedules(),
        commands: cli::commands(identity.clone()),
        checks: vec![],
        rooms: vec![],
        services: vec![
            Service::new("sessions", Role::Web, move |stop| follower.follow_sessions(stop)),
            Service::new("signing-keys", Role::Web, move |stop| key_follower.follow_keys(stop)),
        ],
    };
    Ok((identity, parts))
}
