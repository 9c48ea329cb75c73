use std::{num::NonZeroU32, time::Duration};

/// `burst` at once, and as many again over each `per`, coming back evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    burst: NonZeroU32,
    per: Duration,
}

impl Quota {
    /// `None` when either is zero, or more than one comes back each microsecond.
    pub fn new(burst: u32, per: Duration) -> Option<Self> {
        let burst = NonZeroU32::new(burst)?;
        (per.as_micros() >= u128::from(burst.get())).then_some(Self { burst, per })
    }

    pub fn burst(self) -> u32 {
        self.burst.get()
    }

    pub fn per(self) -> Duration {
        self.per
    }

    /// Time until one more comes back, in whole microseconds.
    pub(crate) fn step(self) -> Duration {
        Duration::from_micros(
            u64::try_from((self.per / self.burst.get()).as_micros()).unwrap_or(u64::MAX).max(1),
        )
    }

    /// A cost beyond the burst could never be met.
    pub(crate) fn cost(self, cost: u32) -> u32 {
        cost.min(self.burst.get())
    }
}

/// What a bucket still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    pub remaining: u32,
    /// Until it is full again, in seconds.
    pub reset_s: u64,
}

/// Too often; come back in `retry_after_s` seconds (1 or more).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts; try again in {retry_after_s} s")]
pub struct Refused {
    pub retry_after_s: u64,
}

impl Refused {
    pub(crate) fn after(wait: Duration) -> Self {
        Self { retry_after_s: seconds(wait).max(1) }
    }
}

/// Whole seconds, upwards.
pub(crate) fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_of_nothing_are_refused() {
        assert!(Quota::new(0, Duration::from_secs(1)).is_none());
        assert!(Quota::new(1, Duration::ZERO).is_none());
        assert!(Quota::new(2, Duration::from_micros(1)).is_none());
        assert_eq!(Quota::new(7, Duration::from_secs(60)).unwrap().step(), Duration::from_micros(8_571_428));
    }
}
