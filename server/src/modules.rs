//! The composition root: the only list of modules, in the order in which they start.

use ::settings::SettingSpec;
use admin::{Overview, RenderMetrics};
use db::Migrations;
use identity::Identity;
use platform::{BuildError, Manifest, Parts, Platform, Role};

use crate::settings::Settings;

pub(crate) const MANIFESTS: &[&Manifest] = &[
    &identity::MANIFEST,
    &notifications::MANIFEST,
    &surveillance::MANIFEST,
    &ml::MANIFEST,
    &admin::MANIFEST,
];

/// Tables of the shared crates come first: modules' tables may refer to them.
pub(crate) fn migrations() -> Vec<(&'static str, Migrations)> {
    let shared = [
        ("jobs", jobs::MIGRATIONS),
        ("realtime", realtime::MIGRATIONS),
        ("platform", platform::MIGRATIONS),
        ("settings", ::settings::MIGRATIONS),
    ];
    shared.into_iter().chain(MANIFESTS.iter().map(|manifest| (manifest.name, manifest.migrations))).collect()
}

/// What administrators can set while the server runs.
pub(crate) fn settings() -> impl Iterator<Item = &'static SettingSpec> {
    MANIFESTS.iter().flat_map(|manifest| manifest.settings)
}

/// Older paths that answer as their homes do.
pub(crate) fn aliases() -> Vec<web::Alias> {
    [identity::ALIASES, admin::ALIASES, surveillance::ALIASES].concat()
}

/// Everything that is built, before it is put together.
pub(crate) struct Built {
    pub(crate) identity: Identity,
    pub(crate) parts: Vec<Parts>,
}

pub(crate) fn build_all(
    platform: &Platform,
    settings: &Settings,
    roles: Vec<Role>,
    render_metrics: RenderMetrics,
) -> Result<Built, BuildError> {
    let (identity, identity_parts) = identity::build(platform, settings.identity.clone(), MANIFESTS)?;
    let mut parts = vec![
        identity_parts,
        notifications::build(platform, settings.mail.clone(), settings.notifications.clone(), MANIFESTS)?,
        surveillance::build(platform, settings.surveillance.clone())?,
        ml::build(platform, settings.ml.clone())?,
    ];
    let overview = Overview {
        version: env!("CARGO_PKG_VERSION"),
        roles,
        manifests: MANIFESTS,
        checks: parts.iter().flat_map(|part| part.checks.iter().cloned()).collect(),
        render_metrics,
        metrics_token: settings.http.metrics_token.clone(),
    };
    parts.push(admin::build(platform, overview)?);
    Ok(Built { identity, parts })
}
