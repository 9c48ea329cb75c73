//! One computation at a time for each key in this process; the others wait for it.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

/// Tells the encoded entry, once it is there.
type Flight = watch::Sender<Option<Arc<[u8]>>>;
type Map = HashMap<String, Arc<Flight>>;

const SHARDS: usize = 32;

pub(crate) struct Flights {
    shards: [Mutex<Map>; SHARDS],
    hasher: RandomState,
}

/// Who came first computes; who came later waits.
pub(crate) enum Join<'a> {
    Lead(Lead<'a>),
    Follow(watch::Receiver<Option<Arc<[u8]>>>),
}

/// Ends the flight when it is dropped: a caller who failed, or went away half-way, leaves the lead to one of those who
/// waited.
pub(crate) struct Lead<'a> {
    flights: &'a Flights,
    key: String,
    flight: Arc<Flight>,
}

impl Flights {
    pub(crate) fn new() -> Self {
        Self { shards: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }

    pub(crate) fn join(&self, key: &str) -> Join<'_> {
        let mut map = self.shard(key);
        if let Some(flight) = map.get(key) {
            return Join::Follow(flight.subscribe());
        }
        let flight = Arc::new(watch::Sender::new(None));
        map.insert(key.to_owned(), flight.clone());
        drop(map);
        Join::Lead(Lead { flights: self, key: key.to_owned(), flight })
    }

    /// Who asks from now on starts anew, and what is being computed will not be kept. `also` happens before anybody can.
    pub(crate) fn forget<T>(&self, key: &str, also: impl FnOnce() -> T) -> T {
        let mut map = self.shard(key);
        map.remove(key);
        also()
    }

    /// The same for all keys that fit.
    pub(crate) fn forget_all(&self, fits: impl Fn(&str) -> bool) {
        for shard in &self.shards {
            lock(shard).retain(|key, _| !fits(key));
        }
    }

    fn shard(&self, key: &str) -> MutexGuard<'_, Map> {
        let index = self.hasher.hash_one(key) % SHARDS as u64;
        lock(&self.shards[usize::try_from(index).unwrap_or(0)])
    }
}

/// The maps hold no half-made state that a panic could leave behind.
fn lock(shard: &Mutex<Map>) -> MutexGuard<'_, Map> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lead<'_> {
    /// Calls `keep` unless somebody has forgotten the key since; what it does happens before they can.
    pub(crate) fn keep(&self, keep: impl FnOnce()) {
        let map = self.flights.shard(&self.key);
        if map.get(&self.key).is_some_and(|flight| Arc::ptr_eq(flight, &self.flight)) {
            keep();
        }
    }

    pub(crate) fn land(self, entry: Arc<[u8]>) {
        self.flight.send_replace(Some(entry));
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut map = self.flights.shard(&self.key);
        if map.get(&self.key).is_some_and(|flight| Arc::ptr_eq(flight, &self.flight)) {
            map.remove(&self.key);
        }
    }
}

/// The encoded entry; `None` when its leader failed or went away.
pub(crate) async fn wait(mut flight: watch::Receiver<Option<Arc<[u8]>>>) -> Option<Arc<[u8]>> {
    flight.wait_for(Option::is_some).await.ok()?.clone()
}
