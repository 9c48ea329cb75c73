use db::Migrations;
use kernel::PermissionInfo;
use settings::SettingSpec;

use crate::{Notice, QuotaSpec};

/// What a module owns, as data. No defaults: a new field asks every module the question at compile time.
pub struct Manifest {
    /// URL prefix, table prefix, settings section, log target and console folder.
    pub name: &'static str,
    pub migrations: Migrations,
    pub permissions: &'static [PermissionInfo],
    pub topics: &'static [Topic],
    /// What the module tells people by [`Notify`](crate::Notify).
    pub notices: &'static [Notice],
    /// What administrators can set while the server runs.
    pub settings: &'static [SettingSpec],
    /// What workspaces may use only so much of: see [`Quotas`](crate::Quotas).
    pub quotas: &'static [QuotaSpec],
    /// `socle <name> …`: how the module's commands read, known before anything is opened. Each is run by the
    /// [`Command`](crate::Command) of the same name among the module's parts.
    pub commands: &'static [fn() -> clap::Command],
}

/// A kind of realtime event.
#[derive(Debug, Clone, Copy)]
pub struct Topic {
    pub name: &'static str,
    pub description: &'static str,
    /// Kept in the outbox: clients may resume by offset, webhooks can hear it. Otherwise stale in a second.
    pub stored: bool,
}
