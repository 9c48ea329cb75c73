use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// How many connections were used at once lately. The pool hands its connections out in turn, so that with any traffic
/// at all none is ever idle for long: overflow is closed by demand, not by idleness. A connection on its way back counts
/// as used: another had to be opened beside it, and closing that one would only open it again.
pub(crate) struct Demand {
    steady: u32,
    span: Duration,
    /// The size of the pool, as of the last look.
    open: AtomicU32,
    peaks: Mutex<Peaks>,
}

struct Peaks {
    since: Instant,
    now: u32,
    before: u32,
}

impl Demand {
    pub(crate) fn new(steady: u32, span: Duration) -> Self {
        Self {
            steady,
            span,
            open: AtomicU32::new(0),
            peaks: Mutex::new(Peaks { since: Instant::now(), now: 0, before: 0 }),
        }
    }

    /// A connection was taken: so many are open now, and so many of them in use.
    pub(crate) fn took(&self, open: u32, used: u32) {
        self.open.store(open, Ordering::Relaxed);
        self.peak(used, Instant::now());
    }

    /// Whether a connection that comes back is one too many for the last one to two spans.
    pub(crate) fn is_surplus(&self) -> bool {
        let wanted = self.peak(0, Instant::now()).max(self.steady).max(1);
        self.open
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |open| (open > wanted).then(|| open - 1))
            .is_ok()
    }

    fn peak(&self, used: u32, now: Instant) -> u32 {
        // Plain numbers: what a panic left there is as good as before.
        let mut peaks = self.peaks.lock().unwrap_or_else(PoisonError::into_inner);
        let age = now.saturating_duration_since(peaks.since);
        if age >= self.span {
            peaks.before = if age >= 2 * self.span { 0 } else { peaks.now };
            peaks.now = 0;
            peaks.since = now;
        }
        peaks.now = peaks.now.max(used);
        peaks.now.max(peaks.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overflow_is_kept_while_it_was_needed_lately() {
        let span = Duration::from_secs(10);
        let demand = Demand::new(2, span);
        let start = demand.peaks.lock().unwrap().since;
        let at = |spans: f64| start + span.mul_f64(spans);
        assert_eq!(demand.peak(5, at(0.5)), 5);
        assert_eq!(demand.peak(1, at(1.5)), 5, "the span before counts");
        assert_eq!(demand.peak(1, at(2.6)), 1);
        demand.peak(7, at(2.7));
        assert_eq!(demand.peak(1, at(9.0)), 1, "a long silence forgets everything");
    }

    #[test]
    fn only_what_is_above_the_steady_ones_is_surplus() {
        let demand = Demand::new(2, Duration::from_secs(10));
        demand.took(4, 1);
        assert_eq!([demand.is_surplus(), demand.is_surplus(), demand.is_surplus()], [true, true, false]);
    }
}
