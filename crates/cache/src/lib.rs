//! Answers kept for a while: in this process, or in Redis for all nodes.
//!
//! ```ignore
//! let stats = cache.namespace("surveillance.stats").of(workspace);
//! let body: Stats = stats.get_or_compute("week", Duration::from_secs(30), || async { read().await }).await?;
//! stats.delete("week").await;
//! ```
//! or, where one function is cached in one place, [`Cached`]: `get`, `forget`, `clear`.
//!
//! A question's life: [`Namespace::get_or_compute`] looks into the store. On a miss the first caller of this process leads
//! and the others wait for it (`flight`); with Redis the leader also takes a lease, so that of all nodes one computes
//! (`shared`). The value is kept only if nobody deleted the key since the computation began, so that a delete after a
//! commit is final. A dear value that is about to expire is refreshed a little early by one caller, while all others still
//! get it (`entry`). An error is told to its caller and not kept, and one of those who waited tries next; that there is
//! nothing can be kept ([`Namespace::find_or_compute`]).
//!
//! * Keys live in a namespace and a workspace, and no pattern reaches out of its place.
//! * What cannot be read (another version, another type) is as good as absent.
//! * Redis away: everything is computed, and nobody waits once it is known. Deletes that it missed are repeated when it is back (`debts`).
//! * Without Redis several nodes do not hear of each other's deletes: then the time to live is what bounds old values.
//! * Never put secrets or permissions of a single caller under a key that does not name the caller.

mod cached;
mod debts;
mod entry;
mod flight;
mod key;
mod memory;
mod namespace;
mod shared;
mod stats;

use std::sync::Arc;

use kernel::{Clock, WorkspaceId};
use redislink::RedisLink;
use serde::{Deserialize, Serialize};

pub use cached::Cached;
pub use namespace::Namespace;
pub use stats::{NamespaceStats, Stats};

use debts::Debts;
use entry::Head;
use flight::Flights;
use key::Place;
use memory::Memory;
use shared::Shared;
use stats::Registry;

/// Section `[cache]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Keep answers at all. Off, everything is computed anew, for comparison and for finding faults. Default true.
    pub enabled: bool,
    /// Without Redis: memory of the cache in this process, in bytes. Default 67108864.
    pub memory_bytes_max: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { enabled: true, memory_bytes_max: 64 * 1024 * 1024 }
    }
}

impl Config {
    /// Every fault at once.
    pub fn validate(&self) -> Vec<String> {
        if self.memory_bytes_max < 1024 * 1024 {
            return vec!["cache.memory_bytes_max: must be at least 1048576".to_owned()];
        }
        Vec::new()
    }
}

/// Larger values are handed through but not kept, in bytes.
pub const VALUE_MAX: usize = 4 * 1024 * 1024;
/// Entries that are counted for [`Cache::stats`].
const COUNTED_MAX: usize = 100_000;

/// The handle. Cheap to clone.
#[derive(Clone)]
pub struct Cache(Arc<Inner>);

struct Inner {
    is_enabled: bool,
    store: Store,
    flights: Flights,
    debts: Arc<Debts>,
    registry: Registry,
    clock: Arc<dyn Clock>,
}

enum Store {
    Memory(Memory),
    Redis(Shared),
}

/// An entry, for people who look into the cache.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub ttl: std::time::Duration,
    /// `None`: known to be nothing.
    pub value: Option<serde_json::Value>,
}

impl Cache {
    pub fn new(redis: RedisLink, config: &Config, clock: Arc<dyn Clock>) -> Self {
        let store = if redis.is_configured() {
            Store::Redis(Shared::new(redis))
        } else {
            Store::Memory(Memory::new(config.memory_bytes_max))
        };
        Self(Arc::new(Inner {
            is_enabled: config.enabled,
            store,
            flights: Flights::new(),
            debts: Arc::default(),
            registry: Registry::default(),
            clock,
        }))
    }

    /// Whether all nodes share what is kept.
    pub fn is_shared(&self) -> bool {
        matches!(self.0.store, Store::Redis(_))
    }

    /// A place for keys of one kind, `module.what`, which belongs to no workspace until [`Namespace::of`] says so.
    ///
    /// # Panics
    ///
    /// When the name is not made of 1 to 64 letters, digits, dots, dashes or underscores.
    pub fn namespace(&self, name: &str) -> Namespace {
        assert!(key::is_name(name), "{name:?} cannot name a namespace of the cache");
        let name: Arc<str> = name.into();
        let counts = self.0.registry.counts(&name);
        Namespace::new(self.0.clone(), Place { namespace: name, workspace: None }, counts)
    }

    /// Whether this process has used a namespace of this name.
    pub fn knows(&self, name: &str) -> bool {
        self.0.registry.knows(name)
    }

    /// What there is; the counts are of this process.
    pub async fn stats(&self) -> Stats {
        let mut namespaces = self.0.registry.all();
        let (mut entries, mut bytes) = (0, 0);
        let mut see = |key: &str, size: usize| {
            let name = key.split(':').next().unwrap_or_default();
            let stats = namespaces
                .entry(name.to_owned())
                .or_insert_with(|| NamespaceStats { name: name.to_owned(), ..NamespaceStats::default() });
            stats.entries += 1;
            entries += 1;
            bytes += (key.len() + size) as u64;
        };
        let (engine, is_up) = match &self.0.store {
            Store::Memory(memory) => {
                memory.each(see);
                bytes = memory.bytes();
                ("memory", true)
            }
            Store::Redis(shared) => {
                let counted = shared.each(COUNTED_MAX, &mut see).await;
                ("redis", counted.is_ok() && shared.is_up())
            }
        };
        Stats { engine, is_up, entries, memory_bytes: bytes, namespaces: namespaces.into_values().collect() }
    }

    /// Forgets all of every namespace and workspace; how many entries there were.
    pub async fn clear(&self) -> u64 {
        self.0.delete_pattern("", "*").await
    }

    /// Forgets all of one namespace, in every workspace.
    pub async fn clear_namespace(&self, name: &str) -> u64 {
        if !key::is_name(name) {
            return 0;
        }
        self.0.delete_pattern(&format!("{name}:"), "*").await
    }

    /// An entry as it stands, of this workspace or of none.
    pub async fn find(&self, namespace: &str, workspace: Option<WorkspaceId>, key: &str) -> Option<Entry> {
        if !key::is_name(namespace) {
            return None;
        }
        let place = Place { namespace: namespace.into(), workspace };
        let (head, bytes) = self.0.look(&place.full(key)).await.ok()??;
        let (_, json) = Head::decode(&bytes)?;
        let value = if head.is_nothing { None } else { Some(serde_json::from_slice(json).ok()?) };
        Some(Entry { ttl: head.ttl(self.0.clock.now()), value })
    }

    /// Forgets one entry, of this workspace or of none; whether there was one.
    pub async fn delete(&self, namespace: &str, workspace: Option<WorkspaceId>, key: &str) -> bool {
        if !key::is_name(namespace) {
            return false;
        }
        self.0.delete(&Place { namespace: namespace.into(), workspace }, key).await
    }
}

impl Inner {
    /// A live entry's bytes.
    async fn look(&self, full: &str) -> Result<Option<(Head, Arc<[u8]>)>, redislink::Error> {
        let bytes = match &self.store {
            _ if !self.is_enabled => None,
            Store::Memory(memory) => memory.get(full),
            // Deleted while Redis was away, and not yet there.
            Store::Redis(_) if self.debts.covers(full) => None,
            Store::Redis(shared) => shared.get(full).await?.map(Arc::from),
        };
        let now = self.clock.now();
        Ok(bytes.and_then(|bytes| {
            let (head, _) = Head::decode(&bytes)?;
            head.is_live(now).then_some((head, bytes))
        }))
    }

    async fn delete(&self, place: &Place, key: &str) -> bool {
        let full = place.full(key);
        match &self.store {
            Store::Memory(memory) => self.flights.forget(&full, || memory.delete(&full)),
            Store::Redis(shared) => {
                self.flights.forget(&full, || ());
                match shared.delete(&full).await {
                    Ok(deleted) => deleted,
                    Err(error) => {
                        tracing::debug!(%error, "cache: a delete is owed");
                        let prefix = place.prefix();
                        let rest = full[prefix.len()..].to_owned();
                        self.debts.owe(shared, prefix, rest);
                        false
                    }
                }
            }
        }
    }

    async fn delete_pattern(&self, prefix: &str, pattern: &str) -> u64 {
        let fits = |key: &str| {
            key.strip_prefix(prefix).is_some_and(|rest| key::fits(pattern.as_bytes(), rest.as_bytes()))
        };
        self.flights.forget_all(fits);
        match &self.store {
            Store::Memory(memory) => memory.delete_all(fits),
            Store::Redis(shared) => match shared.delete_pattern(prefix, pattern).await {
                Ok(deleted) => deleted,
                Err(error) => {
                    tracing::debug!(%error, "cache: a delete is owed");
                    self.debts.owe(shared, prefix.to_owned(), pattern.to_owned());
                    0
                }
            },
        }
    }
}
