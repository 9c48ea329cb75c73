use std::time::Duration;

use rand::Rng as _;

/// Waits between attempts: the first at most a quarter of a second, then doubled, each shortened by chance by up to half
/// so that cameras of one failed switch do not come back in step.
#[derive(Debug)]
pub(crate) struct Backoff {
    max: Duration,
    failures: u32,
}

const FIRST: Duration = Duration::from_millis(250);

impl Backoff {
    pub(crate) fn new(max: Duration) -> Self {
        Self { max, failures: 0 }
    }

    /// After a success: the next wait is the first again.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Attempts in a row that failed.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// After a fault that only a person can mend: no need to hurry.
    pub(crate) fn give_up(&mut self) {
        self.failures = 31;
    }

    pub(crate) fn next(&mut self) -> Duration {
        let wait = FIRST.saturating_mul(1_u32 << self.failures.min(20)).min(self.max);
        self.failures = self.failures.saturating_add(1);
        wait.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_limit_and_start_anew() {
        let mut backoff = Backoff::new(Duration::from_secs(30));
        let first = backoff.next();
        assert!(first <= FIRST && first >= FIRST / 2);
        for _ in 0..40 {
            assert!(backoff.next() <= Duration::from_secs(30));
        }
        assert!(backoff.next() >= Duration::from_secs(15));
        backoff.reset();
        assert!(backoff.next() <= FIRST);
        backoff.give_up();
        assert!(backoff.next() >= Duration::from_secs(15));
    }
}
