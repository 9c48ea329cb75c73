use std::time::Duration;

use kernel::Timestamp;

use crate::model::CameraState;

/// How long a camera has given no picture, and whether people were told.
#[derive(Debug, Default)]
pub(crate) struct Outage {
    since: Option<Timestamp>,
    told: bool,
}

/// What people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutageNews {
    Down { since: Timestamp },
    Back { since: Timestamp },
}

impl Outage {
    /// Takes in the present state; `limit` of zero tells nothing.
    pub(crate) fn note(&mut self, state: CameraState, now: Timestamp, limit: Duration) -> Option<OutageNews> {
        match state {
            CameraState::Stalled | CameraState::Reconnecting | CameraState::Failed => {
                let since = *self.since.get_or_insert(now);
                let is_long = now.duration_since(since).unsigned_abs() >= limit && limit > Duration::ZERO;
                let is_news = is_long && !self.told;
                self.told |= is_long;
                is_news.then_some(OutageNews::Down { since })
            }
            // On the way to one of the others.
            CameraState::Starting => None,
            CameraState::Online | CameraState::Stopped | CameraState::Finished => {
                let before = std::mem::take(self);
                let is_news = before.told && state == CameraState::Online;
                before.since.filter(|_| is_news).map(|since| OutageNews::Back { since })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_once_and_so_is_its_end() {
        let mut outage = Outage::default();
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let mut check = |state: CameraState, second: i64, expected: Option<OutageNews>| {
            assert_eq!(
                outage.note(state, at(second), Duration::from_secs(60)),
                expected,
                "{state:?} {second}"
            );
        };
        check(CameraState::Online, 0, None);
        check(CameraState::Stalled, 10, None);
        check(CameraState::Starting, 30, None);
        check(CameraState::Reconnecting, 69, None);
        check(CameraState::Reconnecting, 70, Some(OutageNews::Down { since: at(10) }));
        check(CameraState::Failed, 200, None);
        check(CameraState::Online, 300, Some(OutageNews::Back { since: at(10) }));
        check(CameraState::Online, 301, None);
        check(CameraState::Stalled, 400, None);
        check(CameraState::Online, 410, None);
        check(CameraState::Failed, 500, None);
        check(CameraState::Stopped, 510, None);
        check(CameraState::Failed, 520, None);
        check(CameraState::Failed, 579, None);
        let mut never = Outage::default();
        for second in [0, 1_000_000] {
            assert_eq!(never.note(CameraState::Failed, at(second), Duration::ZERO), None);
        }
    }
}
