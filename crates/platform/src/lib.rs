//! What a module gets ([`Platform`]) and what it gives ([`Manifest`], [`Parts`]).
//!
//! A module is a const [`Manifest`] (what it owns, known before a database is open) and one `build()` that takes the
//! platform and its settings and gives its [`Parts`]. No trait, no life cycle: the binary's `modules.rs` is the only list.

mod assemble;
mod directory;
mod idempotency;
pub mod installation;
mod limiting;
mod manifest;
pub mod nodes;
mod notify;
mod parts;
mod quotas;
mod spawner;

use std::{path::PathBuf, sync::Arc};

use cache::Cache;
use db::Db;
use jobs::Jobs;
use kernel::Clock;
use limits::Limits;
use outbound::Outbound;
use realtime::Events;
use redislink::RedisLink;
use settings::RuntimeSettings;
use storage::Storage;

pub use assemble::{Assembled, HttpConfig, assemble};
pub use directory::{Audit, Directory, Member, People, Person};
pub use idempotency::{MIGRATIONS, forget_old_answers};
pub use manifest::{Manifest, Topic};
pub use notify::{Level, Mail, Message, Notice, Notify, OUTGOING, Recipients, Words};
pub use parts::{BuildError, Check, Command, ExitWith, Parts, Role, Service};
pub use quotas::{
    JOBS, Per, QuotaError, QuotaKeeper, QuotaReached, QuotaSpec, Quotas, STORAGE, STORAGE_LABEL, amount,
    parse_amount,
};
pub use spawner::Spawner;

/// The handles that every module may use. Cheap to clone.
#[derive(Clone)]
pub struct Platform {
    pub db: Db,
    pub jobs: Jobs,
    pub events: Events,
    pub storage: Storage,
    pub cache: Cache,
    pub limits: Limits,
    pub outbound: Outbound,
    pub settings: RuntimeSettings,
    /// What may be asked of identity.
    pub directory: Directory,
    /// What workspaces may use.
    pub quotas: Quotas,
    /// What the nodes share; for modules, what stands on it (cache, events, limits) is better.
    pub redis: RedisLink,
    pub clock: Arc<dyn Clock>,
    pub spawner: Spawner,
    /// The data folder of this installation.
    pub data: PathBuf,
    /// Scheme, host and port under which people reach this server.
    pub public_url: String,
    /// A mail server is configured: what is enqueued as [`Mail`] goes out.
    pub sends_mail: bool,
}
