use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// How many connections were used at once lately. The pool hands its connections out in turn, so that with any traffic
/// at all none is ever idle for long: overflow is closed by demand, not by idleness.
///
/// The demand is a little higher than it looks: a caller who comes while the last connection is on its way back opens
/// another. So overflow is closed slowly, one at a time, and a connection that is needed after all is seldom opened again.
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
    closed_at: Instant,
}

/// One connection is closed in this part of the span at most.
const CLOSES_IN_SPAN: u32 = 16;

impl Demand {
    pub(crate) fn new(steady: u32, span: Duration) -> Self {
        let now = Instant::now();
        Self {
            steady,
            span,
            open: AtomicU32::new(0),
            peaks: Mutex::new(Peaks { since: now, now: 0, before: 0, closed_at: now }),
        }
    }

    /// A connection was taken: so many are open now, and so many of them in use.
    pub(crate) fn took(&self, open: u32, used: u32) {
        self.open.store(open, Ordering::Relaxed);
        self.peaks().peak(used, self.span, Instant::now());
    }

    /// Whether a connection that comes back is one too many for the last one to two spans, and to be closed.
    pub(crate) fn is_surplus(&self) -> bool {
        self.is_surplus_at(Instant::now())
    }

    fn is_surplus_at(&self, now: Instant) -> bool {
        let mut peaks = self.peaks();
        let wanted = peaks.peak(0, self.span, now).max(self.steady).max(1);
        let is_surplus = self.open.load(Ordering::Relaxed) > wanted
            && now.saturating_duration_since(peaks.closed_at) >= self.span / CLOSES_IN_SPAN;
        if is_surplus {
            peaks.closed_at = now;
        }
        is_surplus
    }

    fn peaks(&self) -> MutexGuard<'_, Peaks> {
        // Plain numbers: what a panic left there is as good as before.
        self.peaks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Peaks {
    fn peak(&mut self, used: u32, span: Duration, now: Instant) -> u32 {
        let age = now.saturating_duration_since(self.since);
        if age >= span {
            self.before = if age >= 2 * span { 0 } else { self.now };
            self.now = 0;
            self.since = now;
        }
        self.now = self.now.max(used);
        self.now.max(self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overflow_is_kept_while_it_was_needed_lately() {
        let span = Duration::from_secs(10);
        let demand = Demand::new(2, span);
        let mut peaks = demand.peaks();
        let start = peaks.since;
        let mut peak = |used, spans: f64| peaks.peak(used, span, start + span.mul_f64(spans));
        assert_eq!(peak(5, 0.5), 5);
        assert_eq!(peak(1, 1.5), 5, "the span before counts");
        assert_eq!(peak(1, 2.6), 1);
        peak(7, 2.7);
        assert_eq!(peak(1, 9.0), 1, "a long silence forgets everything");
    }

    #[test]
    fn only_what_is_above_the_steady_ones_is_surplus_and_goes_one_by_one() {
        let demand = Demand::new(2, Duration::from_secs(16));
        let start = demand.peaks().closed_at;
        let after = |seconds| demand.is_surplus_at(start + Duration::from_secs_f64(seconds));
        demand.took(4, 1);
        assert_eq!([after(0.5), after(1.0), after(1.5), after(2.0)], [false, true, false, true]);
        demand.took(2, 1);
        assert!(!after(10.0));
    }
}
