//! The store in this process, bounded by bytes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use moka::{Expiry, sync::Cache};

/// What an entry costs besides its key and value: the map's and the queues' share.
const OVERHEAD: usize = 120;

#[derive(Clone)]
struct Kept {
    bytes: Arc<[u8]>,
    ttl: Duration,
}

struct ByEntry;

impl Expiry<String, Kept> for ByEntry {
    fn expire_after_create(&self, _: &String, kept: &Kept, _: Instant) -> Option<Duration> {
        Some(kept.ttl)
    }

    fn expire_after_update(
        &self,
        _: &String,
        kept: &Kept,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(kept.ttl)
    }
}

pub(crate) struct Memory(Cache<String, Kept>);

impl Memory {
    pub(crate) fn new(bytes_max: u64) -> Self {
        let weigh = |key: &String, kept: &Kept| {
            u32::try_from(key.len() + kept.bytes.len() + OVERHEAD).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(bytes_max).weigher(weigh).expire_after(ByEntry).build())
    }

    pub(crate) fn get(&self, key: &str) -> Option<Arc<[u8]>> {
        self.0.get(key).map(|kept| kept.bytes)
    }

    pub(crate) fn set(&self, key: &str, bytes: Arc<[u8]>, ttl: Duration) {
        self.0.insert(key.to_owned(), Kept { bytes, ttl });
    }

    pub(crate) fn delete(&self, key: &str) -> bool {
        self.0.remove(key).is_some()
    }

    /// How many there were.
    pub(crate) fn delete_all(&self, fits: impl Fn(&str) -> bool) -> u64 {
        let found: Vec<_> = self.0.iter().map(|(key, _)| key).filter(|key| fits(key)).collect();
        found.iter().filter(|key| self.0.remove(key.as_str()).is_some()).count() as u64
    }

    /// Each key with the size of its value.
    pub(crate) fn each(&self, mut see: impl FnMut(&str, usize)) {
        self.0.run_pending_tasks();
        for (key, kept) in &self.0 {
            see(&key, kept.bytes.len());
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.0.run_pending_tasks();
        self.0.weighted_size()
    }
}
