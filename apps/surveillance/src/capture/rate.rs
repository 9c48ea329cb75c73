use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Times of the last things that happened.
#[derive(Debug, Default)]
pub(crate) struct Rate(VecDeque<Instant>);

const WINDOW: Duration = Duration::from_secs(5);
const KEPT: usize = 512;

impl Rate {
    pub(crate) fn note(&mut self, now: Instant) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(now);
    }

    /// Per second, over the last five.
    pub(crate) fn per_second(&mut self, now: Instant) -> f64 {
        while self.0.front().is_some_and(|at| now.duration_since(*at) > WINDOW) {
            self.0.pop_front();
        }
        match (self.0.front(), self.0.back()) {
            (Some(first), Some(last)) if last > first => {
                (self.0.len() - 1) as f64 / last.duration_since(*first).as_secs_f64()
            }
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_measured_over_the_window() {
        let start = Instant::now();
        let mut rate = Rate::default();
        for n in 0..100 {
            rate.note(start + Duration::from_millis(100 * n));
        }
        let per_second = rate.per_second(start + Duration::from_millis(9_900));
        assert!((per_second - 10.0).abs() < 0.01, "{per_second}");
        assert!(rate.per_second(start + Duration::from_secs(60)).abs() < f64::EPSILON);
    }
}
