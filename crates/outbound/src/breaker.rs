//! The state machine of a breaker, without any waiting of its own.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// How an upstream's breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// One call tries whether the upstream is back.
    HalfOpen,
    /// Calls are refused at once.
    Open,
}

impl BreakerState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
        }
    }
}

/// Calls that are remembered.
const WINDOW: usize = 20;
/// How often the time that a breaker stays open is doubled.
const DOUBLINGS: u32 = 4;

#[derive(Debug)]
pub(crate) struct Breaker {
    failures_max: u32,
    open_for: Duration,
    state: State,
    /// `true` for a failure; newest last.
    window: VecDeque<bool>,
    /// Counts changes of state: what a call of an earlier one says does not count any more.
    pub(crate) era: u64,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed,
    Open { since: Instant, opened: Instant, doublings: u32 },
    HalfOpen { opened: Instant, doublings: u32, is_probing: bool },
}

/// Leave to call, and in which era it was given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pass(u64);

impl Breaker {
    pub(crate) fn new(failures_max: u32, open_for: Duration) -> Self {
        Self { failures_max, open_for, state: State::Closed, window: VecDeque::with_capacity(WINDOW), era: 0 }
    }

    pub(crate) fn state(&self) -> BreakerState {
        match self.state {
            State::Closed => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    pub(crate) fn failures(&self) -> u32 {
        u32::try_from(self.window.iter().filter(|failed| **failed).count()).unwrap_or(u32::MAX)
    }

    pub(crate) fn opened(&self) -> Option<Instant> {
        match self.state {
            State::Closed => None,
            State::Open { opened, .. } | State::HalfOpen { opened, .. } => Some(opened),
        }
    }

    /// How long a call that came now would have to wait, if it would.
    pub(crate) fn refusal(&self, now: Instant) -> Option<Duration> {
        match self.state {
            State::Open { since, doublings, .. } => {
                (since + self.wait(doublings)).checked_duration_since(now).filter(|left| !left.is_zero())
            }
            State::HalfOpen { is_probing: true, .. } => Some(self.open_for),
            State::Closed | State::HalfOpen { .. } => None,
        }
    }

    /// Leave to call, or how long to wait.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<Pass, Duration> {
        if let Some(left) = self.refusal(now) {
            return Err(left);
        }
        match self.state {
            State::Closed => {}
            State::Open { opened, doublings, .. } => {
                self.enter(State::HalfOpen { opened, doublings, is_probing: true });
            }
            State::HalfOpen { opened, doublings, .. } => {
                self.state = State::HalfOpen { opened, doublings, is_probing: true };
            }
        }
        Ok(Pass(self.era))
    }

    /// How a call ended: `None` if it says nothing about the upstream (it was given up, or never sent).
    pub(crate) fn settle(&mut self, pass: Pass, failed: Option<bool>, now: Instant) {
        if pass.0 != self.era {
            return;
        }
        match (self.state, failed) {
            (State::Closed, Some(failed)) => {
                if self.window.len() == WINDOW {
                    self.window.pop_front();
                }
                self.window.push_back(failed);
                let failures = self.failures();
                if failed && failures >= self.failures_max && failures as usize * 2 >= self.window.len() {
                    self.enter(State::Open { since: now, opened: now, doublings: 0 });
                }
            }
            (State::HalfOpen { .. }, Some(false)) => {
                self.window.clear();
                self.enter(State::Closed);
            }
            (State::HalfOpen { opened, doublings, .. }, Some(true)) => {
                self.enter(State::Open { since: now, opened, doublings: (doublings + 1).min(DOUBLINGS) });
            }
            (State::HalfOpen { opened, doublings, .. }, None) => {
                self.state = State::HalfOpen { opened, doublings, is_probing: false };
            }
            (State::Closed, None) | (State::Open { .. }, _) => {}
        }
    }

    fn wait(&self, doublings: u32) -> Duration {
        self.open_for * 2_u32.pow(doublings)
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.era += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN_FOR: Duration = Duration::from_secs(5);

    fn after(breaker: &mut Breaker, now: Instant, outcomes: &[bool]) {
        for failed in outcomes {
            if let Ok(pass) = breaker.admit(now) {
                breaker.settle(pass, Some(*failed), now);
            }
        }
    }

    #[test]
    fn it_opens_on_enough_failures_among_few_successes() {
        let now = Instant::now();
        let check = |outcomes: &[bool], expected: BreakerState| {
            let mut breaker = Breaker::new(3, OPEN_FOR);
            after(&mut breaker, now, outcomes);
            assert_eq!(breaker.state(), expected, "{outcomes:?}");
        };
        check(&[true, true], BreakerState::Closed);
        check(&[true, true, true], BreakerState::Open);
        check(&[true, false, true, false, true], BreakerState::Open);
        // Three of seven: it works more often than not.
        check(&[false, false, false, false, true, true, true], BreakerState::Closed);
        check(&[false, false, false, false, true, true, true, true], BreakerState::Open);
    }

    #[test]
    fn old_outcomes_are_forgotten() {
        let now = Instant::now();
        let mut breaker = Breaker::new(3, OPEN_FOR);
        after(&mut breaker, now, &[true, true]);
        after(&mut breaker, now, &[false; WINDOW]);
        assert_eq!(breaker.failures(), 0);
    }

    #[test]
    fn one_call_tries_after_a_while_and_closes_or_opens_for_longer() {
        let mut now = Instant::now();
        let mut breaker = Breaker::new(1, OPEN_FOR);
        after(&mut breaker, now, &[true]);
        assert_eq!(breaker.admit(now).unwrap_err(), OPEN_FOR);
        now += OPEN_FOR;
        let probe = breaker.admit(now).unwrap();
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        assert!(breaker.admit(now).is_err(), "one at a time");
        breaker.settle(probe, Some(true), now);
        assert_eq!(breaker.admit(now).unwrap_err(), OPEN_FOR * 2);
        now += OPEN_FOR * 2;
        // A probe that was given up says nothing: the next call is one.
        let probe = breaker.admit(now).unwrap();
        breaker.settle(probe, None, now);
        let probe = breaker.admit(now).unwrap();
        breaker.settle(probe, Some(false), now);
        assert_eq!((breaker.state(), breaker.failures()), (BreakerState::Closed, 0));
        assert_eq!(breaker.opened(), None);
    }

    #[test]
    fn waiting_is_bounded() {
        let mut now = Instant::now();
        let mut breaker = Breaker::new(1, OPEN_FOR);
        after(&mut breaker, now, &[true]);
        for _ in 0..10 {
            now += OPEN_FOR * 16;
            after(&mut breaker, now, &[true]);
        }
        assert_eq!(breaker.admit(now).unwrap_err(), OPEN_FOR * 16);
    }

    #[test]
    fn a_call_from_before_the_opening_does_not_close_it() {
        let now = Instant::now();
        let mut breaker = Breaker::new(1, OPEN_FOR);
        let slow = breaker.admit(now).unwrap();
        after(&mut breaker, now, &[true]);
        breaker.settle(slow, Some(false), now);
        assert_eq!(breaker.state(), BreakerState::Open);
    }
}
