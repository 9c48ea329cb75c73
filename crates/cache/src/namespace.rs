use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use kernel::WorkspaceId;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{runtime::Handle, time};

use crate::{
    Inner, Store, VALUE_MAX,
    entry::Head,
    flight::{self, Join, Lead},
    key::Place,
    shared::{LEASE, Shared, Taken},
    stats::Counts,
};

/// Keys of one kind, of one workspace or of none. Cheap to clone.
#[derive(Clone)]
pub struct Namespace {
    cache: Arc<Inner>,
    place: Place,
    counts: Arc<Counts>,
}

/// How long what was found is kept, and how long that there was nothing.
#[derive(Clone, Copy)]
struct Ttl {
    some: Duration,
    none: Option<Duration>,
}

/// Between two looks whether another node has finished, at first and at most.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
const LOOK_AGAIN_MAX: Duration = Duration::from_millis(80);
/// After this long a node computes by itself, whatever another one does.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// A value, or that there is none.
type Found<T> = Option<T>;

impl Namespace {
    pub(crate) fn new(cache: Arc<Inner>, place: Place, counts: Arc<Counts>) -> Self {
        Self { cache, place, counts }
    }

    /// The same namespace in a workspace: nobody else's keys.
    pub fn of(&self, workspace: WorkspaceId) -> Self {
        let place = Place { workspace: Some(workspace), ..self.place.clone() };
        Self { place, cache: self.cache.clone(), counts: self.counts.clone() }
    }

    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let found = self.look::<T>(&self.place.full(key)).await;
        match found {
            Some((Some(value), _)) => {
                self.counts.hits.add();
                Some(value)
            }
            Some((None, _)) => {
                self.counts.negative_hits.add();
                None
            }
            None => {
                self.counts.misses.add();
                None
            }
        }
    }

    pub async fn set<T: Serialize>(&self, key: &str, value: &T, ttl: Duration) {
        let cache = &self.cache;
        if !cache.is_enabled || ttl.is_zero() {
            return;
        }
        let full = self.place.full(key);
        let Some(bytes) = self.encode(Some(value), Duration::ZERO, ttl) else {
            // What stood there is not the value any more.
            self.delete(key).await;
            return;
        };
        match &cache.store {
            Store::Memory(memory) => cache.flights.forget(&full, || memory.set(&full, bytes, ttl)),
            Store::Redis(shared) => {
                cache.flights.forget(&full, || ());
                if shared.set(&full, &bytes, ttl).await.is_err() {
                    self.counts.errors.add();
                    self.delete(key).await;
                }
            }
        }
    }

    /// The value, computed by one caller at a time and kept for `ttl`. An error is not kept.
    pub async fn get_or_compute<T, E, F>(
        &self,
        key: &str,
        ttl: Duration,
        compute: impl FnOnce() -> F,
    ) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T, E>>,
    {
        let ttl = Ttl { some: ttl, none: None };
        let compute = || async { compute().await.map(Some) };
        let found = Box::pin(self.through(key, ttl, compute)).await?;
        Ok(found.expect("without a time for nothing, nothing is a miss, and the computation gives something"))
    }

    /// The same for what may not be there: that it is not is kept too, for `ttl_of_nothing`.
    pub async fn find_or_compute<T, E, F>(
        &self,
        key: &str,
        ttl: Duration,
        ttl_of_nothing: Duration,
        compute: impl FnOnce() -> F,
    ) -> Result<Option<T>, E>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<Option<T>, E>>,
    {
        let ttl = Ttl { some: ttl, none: Some(ttl_of_nothing) };
        Box::pin(self.through(key, ttl, compute)).await
    }

    /// Whether there was an entry. What is being computed for this key will not be kept.
    pub async fn delete(&self, key: &str) -> bool {
        self.cache.delete(&self.place, key).await
    }

    /// Forgets the keys of this namespace and workspace that fit: `*` is any run of bytes, `?` one byte, all else itself.
    /// How many there were. Of keys over 200 bytes only the first 140 count.
    pub async fn delete_pattern(&self, pattern: &str) -> u64 {
        self.cache.delete_pattern(&self.place.prefix(), pattern).await
    }

    /// Whether there is a value.
    pub async fn exists(&self, key: &str) -> bool {
        matches!(self.cache.look(&self.place.full(key)).await, Ok(Some((head, _))) if !head.is_nothing)
    }

    /// How long the entry has to live.
    pub async fn ttl(&self, key: &str) -> Option<Duration> {
        let (head, _) = self.cache.look(&self.place.full(key)).await.ok()??;
        Some(head.ttl(self.cache.clock.now()))
    }

    async fn look<T: DeserializeOwned>(&self, full: &str) -> Option<(Found<T>, Head)> {
        match self.cache.look(full).await {
            Ok(found) => found.and_then(|(_, bytes)| self.decode(&bytes)),
            Err(_) => {
                self.counts.errors.add();
                None
            }
        }
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Option<(Found<T>, Head)> {
        let (head, json) = Head::decode(bytes).filter(|(head, _)| head.is_live(self.cache.clock.now()))?;
        if head.is_nothing {
            return Some((None, head));
        }
        match serde_json::from_slice(json) {
            Ok(value) => Some((Some(value), head)),
            // Written by a version whose type was another.
            Err(_) => {
                self.counts.errors.add();
                None
            }
        }
    }

    fn encode<T: Serialize>(&self, found: Option<&T>, cost: Duration, ttl: Duration) -> Option<Arc<[u8]>> {
        let head = Head::new(found.is_none(), cost, self.cache.clock.now(), ttl);
        let json = match found {
            None => Vec::new(),
            Some(value) => serde_json::to_vec(value).ok()?,
        };
        let bytes = head.encode(&json);
        if bytes.len() > VALUE_MAX {
            tracing::debug!(namespace = %self.place.namespace, bytes = bytes.len(), "cache: too large to be kept");
            return None;
        }
        Some(bytes.into())
    }

    async fn through<T, E, F>(&self, key: &str, ttl: Ttl, compute: impl FnOnce() -> F) -> Result<Found<T>, E>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<Found<T>, E>>,
    {
        let full = self.place.full(key);
        // Still good, but due for a refresh by somebody.
        let mut good = None;
        match self.look::<T>(&full).await {
            Some((None, _)) if ttl.none.is_some() => {
                self.counts.negative_hits.add();
                return Ok(None);
            }
            Some((Some(value), head)) => {
                self.counts.hits.add();
                if !head.is_due(self.cache.clock.now(), rand::random()) {
                    return Ok(Some(value));
                }
                good = Some(value);
            }
            _ => self.counts.misses.add(),
        }
        if !self.cache.is_enabled {
            return self.load(compute).await.0;
        }
        loop {
            match self.cache.flights.join(&full) {
                Join::Lead(lead) => return self.lead(&full, lead, ttl, good, compute).await,
                Join::Follow(flight) => {
                    if good.is_some() {
                        return Ok(good);
                    }
                    // Without a value the leader failed or went away: one of those who waited leads now.
                    if let Some(bytes) = flight::wait(flight).await {
                        return match self.decode(&bytes) {
                            Some((found, _)) if found.is_some() || ttl.none.is_some() => Ok(found),
                            // It was of another type.
                            _ => self.load(compute).await.0,
                        };
                    }
                }
            }
        }
    }

    async fn lead<T, E, F>(
        &self,
        full: &str,
        lead: Lead<'_>,
        ttl: Ttl,
        good: Option<T>,
        compute: impl FnOnce() -> F,
    ) -> Result<Found<T>, E>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<Found<T>, E>>,
    {
        let lease = match &self.cache.store {
            Store::Memory(_) => {
                // Somebody may have finished between the look and the lead.
                if good.is_none()
                    && let Some((found, _)) = self.look::<T>(full).await
                    && (found.is_some() || ttl.none.is_some())
                {
                    return Ok(found);
                }
                None
            }
            Store::Redis(shared) => match self.lease::<T>(shared, full, ttl, good.is_some()).await {
                Turn::Lease(lease) => Some(lease),
                Turn::Found(found) => return Ok(found),
                Turn::Busy => return Ok(good),
                Turn::Alone => None,
            },
        };
        let work = self.load(compute);
        let (result, cost) = match &lease {
            Some(lease) => lease.hold_during(work).await,
            None => work.await,
        };
        let found = match result {
            Ok(found) => found,
            Err(error) => {
                // The lease first: who leads next, in this process or another, finds it free.
                if let Some(lease) = lease {
                    lease.give_up().await;
                }
                drop(lead);
                // An early refresh that failed takes nothing away: the value was good when the caller came.
                return good.map(Some).ok_or(error);
            }
        };
        let keep_for = if found.is_some() { Some(ttl.some) } else { ttl.none };
        let bytes = keep_for
            .filter(|time| !time.is_zero())
            .and_then(|time| Some((self.encode(found.as_ref(), cost, time)?, time)));
        let Some((bytes, time)) = bytes else {
            if let Some(lease) = lease {
                lease.give_up().await;
            }
            return Ok(found);
        };
        match (&self.cache.store, lease) {
            (Store::Memory(memory), _) => lead.keep(|| memory.set(full, bytes.clone(), time)),
            (Store::Redis(_), Some(lease)) => {
                if lease.keep(&bytes, time).await.is_err() {
                    self.counts.errors.add();
                }
            }
            // Redis is away.
            (Store::Redis(_), None) => {}
        }
        lead.land(bytes);
        Ok(found)
    }

    async fn load<T, E, F>(&self, compute: impl FnOnce() -> F) -> (Result<Found<T>, E>, Duration)
    where
        F: Future<Output = Result<Found<T>, E>>,
    {
        let started = Instant::now();
        let result = compute().await;
        self.counts.loads.add();
        if result.is_err() {
            self.counts.load_errors.add();
        }
        let cost = started.elapsed();
        metrics::histogram!("cache_load_seconds", "namespace" => self.place.namespace.to_string())
            .record(cost.as_secs_f64());
        (result, cost)
    }

    /// Our turn among the nodes.
    async fn lease<'a, T: DeserializeOwned>(
        &self,
        shared: &'a Shared,
        full: &str,
        ttl: Ttl,
        is_refresh: bool,
    ) -> Turn<'a, T> {
        let token = format!("{:032x}", rand::random::<u128>());
        let mut pass_over = is_refresh || self.cache.debts.covers(full);
        let (mut pause, started) = (LOOK_AGAIN, Instant::now());
        loop {
            match shared.take(full, &token, pass_over).await {
                Err(_) => {
                    self.counts.errors.add();
                    return Turn::Alone;
                }
                Ok(Taken::Lease) => {
                    return Turn::Lease(Lease { shared, key: full.to_owned(), token, is_over: false });
                }
                Ok(Taken::Value(bytes)) => match self.decode(&bytes) {
                    Some((found, _)) if found.is_some() || ttl.none.is_some() => return Turn::Found(found),
                    // Not to be read, or expired by our clock: to be replaced.
                    _ => pass_over = true,
                },
                Ok(Taken::Busy) if is_refresh => return Turn::Busy,
                Ok(Taken::Busy) if started.elapsed() > WAIT_MAX => return Turn::Alone,
                Ok(Taken::Busy) => {
                    time::sleep(pause).await;
                    pause = (pause * 2).min(LOOK_AGAIN_MAX);
                }
            }
        }
    }
}

enum Turn<'a, T> {
    Lease(Lease<'a>),
    Found(Found<T>),
    /// Another node refreshes it.
    Busy,
    /// Compute, and keep nothing.
    Alone,
}

/// The right to compute, among all nodes.
struct Lease<'a> {
    shared: &'a Shared,
    key: String,
    token: String,
    is_over: bool,
}

impl Lease<'_> {
    /// Renews the lease while the work lasts.
    async fn hold_during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let mut renewals = time::interval_at(time::Instant::now() + LEASE / 3, LEASE / 3);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = renewals.tick() => {
                    // Lost or not, the work goes on; a lost lease keeps nothing.
                    drop(self.shared.renew(&self.key, &self.token).await);
                }
            }
        }
    }

    async fn keep(mut self, bytes: &[u8], ttl: Duration) -> Result<bool, redislink::Error> {
        self.is_over = true;
        self.shared.keep(&self.key, &self.token, bytes, ttl).await
    }

    async fn give_up(mut self) {
        self.is_over = true;
        drop(self.shared.give_up(&self.key, &self.token).await);
    }
}

impl Drop for Lease<'_> {
    /// The caller went away half-way: other nodes need not wait for the lease to end.
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let (shared, key, token) = (self.shared.clone(), self.key.clone(), self.token.clone());
        if let Ok(runtime) = Handle::try_current() {
            drop(runtime.spawn(async move { shared.give_up(&key, &token).await }));
        }
    }
}
