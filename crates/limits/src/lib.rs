//! How often is too often, per key.
//!
//! A [`Limiter`] is a leaky bucket per key (GCRA, as in ITU-T I.371): [`Quota`] says how many at once and over how long
//! they come back. [`Limiter::check`] takes from the bucket or tells when to come again; [`Limiter::give_back`] returns
//! what a caller did not misuse, so that only failures count.
//!
//! The buckets live in this process; the calls are async so that a shared store can stand behind them later. Memory is
//! bounded: beyond [`KEYS_MAX`] live keys, new ones share a fixed number of buckets, which errs on the strict side.

use std::{
    convert::Infallible,
    fmt,
    hash::{BuildHasher, RandomState},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use governor::{
    RateLimiter,
    clock::Clock as GovernorClock,
    middleware::NoOpMiddleware,
    nanos::Nanos,
    state::{
        StateStore,
        keyed::{DashMapStateStore, ShrinkableKeyedStateStore},
    },
};
use kernel::Clock;

/// Live keys of one limiter, at most; about 10 MB.
pub const KEYS_MAX: usize = 100_000;
/// Buckets that the keys beyond [`KEYS_MAX`] share.
const SHARED: u64 = 1 << 12;
/// Checks between two sweeps of keys that are back to full.
const SWEEP_EVERY: usize = 1_024;

/// `burst` at once, and as many again over each `per`, coming back evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    burst: NonZeroU32,
    per: Duration,
}

impl Quota {
    /// `None` when either is zero.
    pub fn new(burst: u32, per: Duration) -> Option<Self> {
        let burst = NonZeroU32::new(burst)?;
        (per.as_nanos() >= u128::from(burst.get())).then_some(Self { burst, per })
    }

    /// Time until one more comes back.
    fn step(self) -> Duration {
        self.per / self.burst.get()
    }
}

/// Too often; come back in `retry_after_s` seconds (1 or more).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts; try again in {retry_after_s} s")]
pub struct Refused {
    pub retry_after_s: u64,
}

/// Buckets by key, all of one [`Quota`].
pub struct Limiter {
    quota: Quota,
    buckets: RateLimiter<u64, Store, Time, NoOpMiddleware<Nanos>>,
    store: Store,
    time: Time,
    /// Keyed at random in each process, so that nobody can aim for another's bucket.
    hasher: RandomState,
    checks: AtomicUsize,
}

impl Limiter {
    pub fn new(quota: Quota, clock: Arc<dyn Clock>) -> Self {
        let store = Store(Arc::default());
        let time = Time(clock);
        let governor = governor::Quota::with_period(quota.step())
            .expect("a Quota's step is at least a nanosecond")
            .allow_burst(quota.burst);
        Self {
            quota,
            buckets: RateLimiter::new(governor, store.clone(), time.clone()),
            store,
            time,
            hasher: RandomState::new(),
            checks: AtomicUsize::new(0),
        }
    }

    /// Takes `cost` from the key's bucket, or nothing and an error. A cost beyond the burst counts as the burst.
    pub async fn check(&self, key: &str, cost: u32) -> Result<(), Refused> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.buckets.retain_recent();
        }
        let Some(cost) = NonZeroU32::new(cost.min(self.quota.burst.get())) else { return Ok(()) };
        match self.buckets.check_key_n(&self.bucket(key), cost) {
            Ok(Ok(())) | Err(_) => Ok(()), // Err: beyond the burst, which the line above excludes
            Ok(Err(until)) => {
                let wait = until.wait_time_from(self.time.now());
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                Err(Refused { retry_after_s: seconds.max(1) })
            }
        }
    }

    /// Returns what an earlier [`check`](Self::check) of this key took.
    pub async fn give_back(&self, key: &str, cost: u32) {
        let back = Nanos::from(self.quota.step()) * u64::from(cost.min(self.quota.burst.get()));
        let Ok(()) = self.store.measure_and_replace(&self.bucket(key), |due: Option<Nanos>| {
            Ok::<_, Infallible>(((), due.unwrap_or(Nanos::from(0)).saturating_sub(back)))
        });
    }

    fn bucket(&self, key: &str) -> u64 {
        let hash = self.hasher.hash_one(key);
        if self.store.0.len() < KEYS_MAX || self.store.0.contains_key(&hash) { hash } else { hash % SHARED }
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("quota", &self.quota).field("keys", &self.store.0.len()).finish()
    }
}

/// `governor`'s view of our clock: nanoseconds since 1970.
#[derive(Clone)]
struct Time(Arc<dyn Clock>);

impl GovernorClock for Time {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(u64::try_from(self.0.now().as_nanosecond()).unwrap_or(0))
    }
}

/// The buckets, shared with `governor` because it knows no way to give back.
#[derive(Clone)]
struct Store(Arc<DashMapStateStore<u64>>);

impl StateStore for Store {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.measure_and_replace(key, measure)
    }
}

impl ShrinkableKeyedStateStore<u64> for Store {
    fn retain_recent(&self, drop_below: Nanos) {
        ShrinkableKeyedStateStore::retain_recent(&*self.0, drop_below);
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use kernel::Timestamp;

    use super::*;

    struct TestClock(Mutex<Timestamp>);

    impl Clock for TestClock {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }

    fn five_in_five_minutes() -> (Limiter, Arc<TestClock>) {
        let clock = Arc::new(TestClock(Mutex::new(Timestamp::from_second(1_800_000_000).unwrap())));
        let quota = Quota::new(5, Duration::from_secs(300)).unwrap();
        (Limiter::new(quota, clock.clone()), clock)
    }

    fn pass(clock: &TestClock, seconds: i64) {
        let mut now = clock.0.lock().unwrap();
        *now += jiff::SignedDuration::from_secs(seconds);
    }

    #[tokio::test]
    async fn the_sixth_waits_and_then_comes_through() {
        let (limiter, clock) = five_in_five_minutes();
        for _ in 0..5 {
            limiter.check("a", 1).await.unwrap();
        }
        assert_eq!(limiter.check("a", 1).await, Err(Refused { retry_after_s: 60 }));
        limiter.check("b", 1).await.unwrap();
        pass(&clock, 59);
        assert_eq!(limiter.check("a", 1).await, Err(Refused { retry_after_s: 1 }));
        pass(&clock, 1);
        limiter.check("a", 1).await.unwrap();
        assert!(limiter.check("a", 1).await.is_err());
        pass(&clock, 300);
        limiter.check("a", 5).await.unwrap();
        assert!(limiter.check("a", 1).await.is_err());
    }

    #[tokio::test]
    async fn what_is_given_back_counts_for_nothing_and_never_gives_more() {
        let (limiter, _clock) = five_in_five_minutes();
        for _ in 0..50 {
            limiter.check("a", 1).await.unwrap();
            limiter.give_back("a", 1).await;
        }
        for _ in 0..20 {
            limiter.give_back("a", 1).await;
        }
        limiter.check("a", 5).await.unwrap();
        assert!(limiter.check("a", 1).await.is_err());
    }

    #[tokio::test]
    async fn memory_is_bounded_and_idle_keys_go() {
        let (limiter, clock) = five_in_five_minutes();
        for key in 0..KEYS_MAX + 10_000 {
            let _ = limiter.check(&key.to_string(), 1).await;
        }
        assert!(limiter.store.0.len() <= KEYS_MAX + SHARED as usize);
        pass(&clock, 3_600);
        for _ in 0..SWEEP_EVERY {
            let _ = limiter.check("a", 1).await;
        }
        // Two: "a" was sent to a shared bucket while all was full, and has its own since.
        assert!(limiter.store.0.len() <= 2);
    }

    #[test]
    fn quotas_of_nothing_are_refused() {
        assert!(Quota::new(0, Duration::from_secs(1)).is_none());
        assert!(Quota::new(1, Duration::ZERO).is_none());
    }
}
