use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use jiff::Timestamp;
use kernel::Clock;

/// A clock that stands still until it is moved. Starts at 2026-01-05 08:00 UTC, a Monday.
#[derive(Debug)]
pub struct MockClock(AtomicI64);

impl Default for MockClock {
    fn default() -> Self {
        Self(AtomicI64::new(1_767_600_000_000_000))
    }
}

impl Clock for MockClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap_or_default()
    }
}

impl MockClock {
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).expect("tests do not move the clock by millennia");
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}
