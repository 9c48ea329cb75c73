use std::time::Instant;

/// How many messages a client may still send: a bucket that refills.
pub(crate) struct Pace {
    tokens: f64,
    per_s: f64,
    at: Instant,
}

/// Seconds' worth of messages that may come at once.
const BURST_S: f64 = 10.0;

impl Pace {
    pub(crate) fn new(per_s: u32, now: Instant) -> Self {
        let per_s = f64::from(per_s);
        Self { tokens: per_s * BURST_S, per_s, at: now }
    }

    /// Whether one more message is within bounds.
    pub(crate) fn allows(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.tokens = (self.tokens + since * self.per_s).min(self.per_s * BURST_S);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_fine_and_a_flood_is_not() {
        let start = Instant::now();
        let mut pace = Pace::new(5, start);
        assert_eq!((0..100).filter(|_| pace.allows(start)).count(), 50);
        let later = start + Duration::from_secs(2);
        assert_eq!((0..100).filter(|_| pace.allows(later)).count(), 10);
        let much_later = start + Duration::from_secs(3_600);
        assert_eq!((0..100).filter(|_| pace.allows(much_later)).count(), 50);
    }
}
