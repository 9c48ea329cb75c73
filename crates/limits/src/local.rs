//! Buckets of this process. Memory is bounded: beyond [`KEYS_MAX`] live keys, new ones share a fixed number of buckets,
//! which errs on the strict side.

use std::{
    convert::Infallible,
    fmt,
    hash::{BuildHasher, RandomState},
    num::NonZeroU32,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use governor::{
    RateLimiter,
    clock::Clock as GovernorClock,
    middleware::StateInformationMiddleware,
    nanos::Nanos,
    state::{
        StateStore,
        keyed::{DashMapStateStore, ShrinkableKeyedStateStore},
    },
};
use kernel::{Clock, Timestamp};

use crate::quota::{Left, Quota, Refused, seconds};

/// Live keys of one limiter in one process, at most; about 10 MB.
pub const KEYS_MAX: usize = 100_000;
/// Buckets that the keys beyond [`KEYS_MAX`] share.
const SHARED: u64 = 1 << 12;
/// Checks between two sweeps of keys that are back to full.
const SWEEP_EVERY: usize = 1_024;

pub(crate) struct Local {
    quota: Quota,
    buckets: RateLimiter<u64, Store, Time, StateInformationMiddleware>,
    store: Store,
    time: Time,
    /// Keyed at random in each process, so that nobody can aim for another's bucket.
    hasher: RandomState,
    checks: AtomicUsize,
}

impl Local {
    pub(crate) fn new(quota: Quota, clock: Arc<dyn Clock>) -> Self {
        let store = Store(Arc::default());
        let time = Time::new(clock);
        let burst = NonZeroU32::new(quota.burst()).expect("a Quota's burst is not zero");
        let governor = governor::Quota::with_period(quota.step())
            .expect("a Quota's step is at least a microsecond")
            .allow_burst(burst);
        Self {
            quota,
            buckets: RateLimiter::<_, _, _, StateInformationMiddleware>::new(
                governor,
                store.clone(),
                time.clone(),
            ),
            store,
            time,
            hasher: RandomState::new(),
            checks: AtomicUsize::new(0),
        }
    }

    pub(crate) fn check(&self, key: &str, cost: u32) -> Result<Left, Refused> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.buckets.retain_recent();
        }
        let full = Left { remaining: self.quota.burst(), reset_s: 0 };
        let Some(cost) = NonZeroU32::new(self.quota.cost(cost)) else { return Ok(full) };
        match self.buckets.check_key_n(&self.bucket(key), cost) {
            Ok(Ok(state)) => {
                let remaining = state.remaining_burst_capacity();
                let taken = self.quota.burst().saturating_sub(remaining);
                Ok(Left { remaining, reset_s: seconds(self.quota.step() * taken) })
            }
            Ok(Err(until)) => Err(Refused::after(until.wait_time_from(self.time.now()))),
            // Beyond the burst, which `Quota::cost` excludes.
            Err(_) => Ok(full),
        }
    }

    pub(crate) fn give_back(&self, key: &str, cost: u32) {
        let back = Nanos::from(self.quota.step()) * u64::from(self.quota.cost(cost));
        let Ok(()) = self.store.measure_and_replace(&self.bucket(key), |due: Option<Nanos>| {
            Ok::<_, Infallible>(((), due.unwrap_or(Nanos::from(0)).saturating_sub(back)))
        });
    }

    fn bucket(&self, key: &str) -> u64 {
        let hash = self.hasher.hash_one(key);
        if self.store.0.len() < KEYS_MAX || self.store.0.contains_key(&hash) { hash } else { hash % SHARED }
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").field("quota", &self.quota).field("keys", &self.store.0.len()).finish()
    }
}

/// `governor`'s view of our clock: the time since the limiter was made, which never goes back. A clock that is set forward
/// fills the buckets. One that is set back stops this time for that moment only: nobody waits until the old hour comes again.
#[derive(Clone)]
struct Time(Arc<Passed>);

struct Passed {
    clock: Arc<dyn Clock>,
    /// When it was read last, and the nanoseconds until then.
    known: Mutex<(Timestamp, u64)>,
}

impl Time {
    fn new(clock: Arc<dyn Clock>) -> Self {
        let known = Mutex::new((clock.now(), 0));
        Self(Arc::new(Passed { clock, known }))
    }
}

impl GovernorClock for Time {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Read by one thread at a time, or two of them would look like a clock that goes back.
        let now = self.0.clock.now();
        let (read_at, passed) = *known;
        let since = u64::try_from(now.duration_since(read_at).as_nanos()).unwrap_or(0);
        *known = (now, passed.saturating_add(since));
        Nanos::from(known.1)
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
    use std::time::Duration;

    use super::*;

    struct TestClock(Mutex<Timestamp>);

    impl Clock for TestClock {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }

    fn five_in_five_minutes() -> (Local, Arc<TestClock>) {
        let clock = Arc::new(TestClock(Mutex::new(Timestamp::from_second(1_800_000_000).unwrap())));
        let quota = Quota::new(5, Duration::from_secs(300)).unwrap();
        (Local::new(quota, clock.clone()), clock)
    }

    fn pass(clock: &TestClock, seconds: i64) {
        let mut now = clock.0.lock().unwrap();
        *now += jiff::SignedDuration::from_secs(seconds);
    }

    #[test]
    fn the_sixth_waits_and_then_comes_through() {
        let (local, clock) = five_in_five_minutes();
        for taken in 1..=5 {
            let left = Left { remaining: 5 - taken, reset_s: 60 * u64::from(taken) };
            assert_eq!(local.check("a", 1), Ok(left));
        }
        assert_eq!(local.check("a", 1), Err(Refused { retry_after_s: 60 }));
        local.check("b", 1).unwrap();
        pass(&clock, 59);
        assert_eq!(local.check("a", 1), Err(Refused { retry_after_s: 1 }));
        pass(&clock, 1);
        local.check("a", 1).unwrap();
        assert!(local.check("a", 1).is_err());
        pass(&clock, 300);
        local.check("a", 5).unwrap();
        assert!(local.check("a", 1).is_err());
    }

    #[test]
    fn a_clock_set_forward_and_back_locks_nobody_out() {
        const WEEK_S: i64 = 7 * 86_400;
        let (local, clock) = five_in_five_minutes();
        local.check("a", 2).unwrap();
        pass(&clock, WEEK_S);
        local.check("a", 5).unwrap();
        assert_eq!(local.check("a", 1), Err(Refused { retry_after_s: 60 }));
        pass(&clock, -WEEK_S);
        assert_eq!(local.check("a", 1), Err(Refused { retry_after_s: 60 }));
        pass(&clock, 60);
        local.check("a", 1).unwrap();

        // Made while the clock was wrong.
        pass(&clock, WEEK_S);
        let made_late = Local::new(local.quota, clock.clone());
        pass(&clock, -2 * WEEK_S);
        made_late.check("a", 5).unwrap();
        pass(&clock, 300);
        made_late.check("a", 5).unwrap();
    }

    #[test]
    fn memory_is_bounded_and_idle_keys_go() {
        let (local, clock) = five_in_five_minutes();
        for key in 0..KEYS_MAX + 10_000 {
            let _ = local.check(&key.to_string(), 1);
        }
        assert!(local.store.0.len() <= KEYS_MAX + SHARED as usize);
        pass(&clock, 3_600);
        for _ in 0..SWEEP_EVERY {
            let _ = local.check("a", 1);
        }
        // Two: "a" was sent to a shared bucket while all was full, and has its own since.
        assert!(local.store.0.len() <= 2);
    }
}
