//! What to do when a machine is too slow for its cameras.

use std::time::{Duration, Instant};

/// Under overload the detector rests more often. Recording never does: it is ffmpeg that copies.
#[derive(Debug)]
pub(crate) struct Governor {
    since: Instant,
    looked: u64,
    skipped_before: u64,
    busy: Duration,
    calm: u32,
    slowdown: u32,
}

const STEP: Duration = Duration::from_secs(4);
const SLOWDOWN_MAX: u32 = 16;
/// Part of the time beyond which a camera that skips is overloaded, and below which it may work harder again.
const BUSY: f64 = 0.75;
const IDLE: f64 = 0.6;
/// Calm stretches before the detector works harder again.
const CALM: u32 = 4;

impl Governor {
    pub(crate) fn new(now: Instant) -> Self {
        Self { since: now, looked: 0, skipped_before: 0, busy: Duration::ZERO, calm: 0, slowdown: 1 }
    }

    /// Counts from here: what was skipped before (while a model was loaded) says nothing of the load.
    pub(crate) fn begin(&mut self, now: Instant, skipped: u64) {
        self.since = now;
        self.looked = 0;
        self.busy = Duration::ZERO;
        self.skipped_before = skipped;
    }

    /// After a picture was looked at, for which the camera was `busy`; `skipped`: how many were not, in all. Gives the
    /// detector's new slowdown when it changes. Pictures that come in bursts are skipped too, but leave the camera idle.
    pub(crate) fn note(&mut self, now: Instant, busy: Duration, skipped: u64) -> Option<u32> {
        self.looked += 1;
        self.busy += busy;
        let elapsed = now.duration_since(self.since);
        if elapsed < STEP {
            return None;
        }
        // A new source counts from zero again.
        let lost = skipped.saturating_sub(self.skipped_before);
        let share = lost as f64 / (lost + self.looked) as f64;
        let load = self.busy.as_secs_f64() / elapsed.as_secs_f64();
        self.begin(now, skipped);
        let before = self.slowdown;
        if share > 0.1 && load > BUSY {
            self.calm = 0;
            self.slowdown = (self.slowdown + 1 + self.slowdown / 4).min(SLOWDOWN_MAX);
        } else if load < IDLE && self.slowdown > 1 {
            self.calm += 1;
            if self.calm >= CALM {
                self.calm = 0;
                self.slowdown -= 1;
            }
        }
        (self.slowdown != before).then_some(self.slowdown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_detector_slows_under_load_and_recovers_slowly() {
        let mut now = Instant::now();
        let mut governor = Governor::new(now);
        let mut step = |load: f64, skipped| {
            now += STEP;
            governor.note(now, STEP.mul_f64(load), skipped)
        };
        assert_eq!(step(0.1, 10), None, "bursts, not load");
        assert_eq!(step(0.9, 20), Some(2));
        assert_eq!(step(0.9, 30), Some(3));
        for _ in 1..CALM {
            assert_eq!(step(0.5, 30), None);
        }
        assert_eq!(step(0.5, 30), Some(2));
        for skipped in 3..60 {
            step(0.9, skipped * 1000);
        }
        assert_eq!(step(0.9, 1_000_000), None, "at its limit");
    }
}
