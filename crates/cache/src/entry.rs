//! What stands in a store: a version byte, a few figures, and JSON.

use std::time::Duration;

use kernel::Timestamp;

/// Of the layout below. An entry of another version is as good as none.
const VERSION: u8 = 1;
const HEAD: usize = 1 + 1 + 4 + 8;

/// The figures in front of the JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// It was looked up, and there was nothing.
    pub(crate) is_nothing: bool,
    /// What it took to find out.
    pub(crate) cost_ms: u32,
    pub(crate) expires_ms: i64,
}

impl Head {
    pub(crate) fn new(is_nothing: bool, cost: Duration, now: Timestamp, ttl: Duration) -> Self {
        let ttl_ms = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
        Self {
            is_nothing,
            cost_ms: u32::try_from(cost.as_millis()).unwrap_or(u32::MAX),
            expires_ms: now.as_millisecond().saturating_add(ttl_ms),
        }
    }

    pub(crate) fn is_live(self, now: Timestamp) -> bool {
        now.as_millisecond() < self.expires_ms
    }

    pub(crate) fn ttl(self, now: Timestamp) -> Duration {
        let left = self.expires_ms.saturating_sub(now.as_millisecond());
        Duration::from_millis(u64::try_from(left).unwrap_or(0))
    }

    /// Whether this caller should refresh it before it expires, so that not everybody does at that moment. The chance
    /// grows towards the end, and the earlier the dearer the value: "XFetch" with β = 1, from Vattani, Chierichetti,
    /// Lowenstein: Optimal Probabilistic Cache Stampede Prevention, VLDB 2015. `chance` is uniform over 0.0..1.0.
    pub(crate) fn is_due(self, now: Timestamp, chance: f64) -> bool {
        let early_ms = f64::from(self.cost_ms) * -(1.0 - chance).ln();
        self.ttl(now).as_secs_f64() * 1_000.0 <= early_ms
    }

    pub(crate) fn encode(self, json: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + json.len());
        bytes.extend_from_slice(&[VERSION, u8::from(self.is_nothing)]);
        bytes.extend_from_slice(&self.cost_ms.to_le_bytes());
        bytes.extend_from_slice(&self.expires_ms.to_le_bytes());
        bytes.extend_from_slice(json);
        bytes
    }

    /// `None`: not ours, or of another version.
    pub(crate) fn decode(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (head, json) = bytes.split_at_checked(HEAD)?;
        let head = Self {
            is_nothing: head[1] == 1,
            cost_ms: u32::from_le_bytes(head[2..6].try_into().ok()?),
            expires_ms: i64::from_le_bytes(head[6..14].try_into().ok()?),
        };
        (bytes[0] == VERSION).then_some((head, json))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    #[test]
    fn entries_survive_the_way_there_and_back() {
        let head = Head::new(false, Duration::from_millis(7), at(1_000), Duration::from_secs(60));
        let bytes = head.encode(b"[1]");
        assert_eq!(Head::decode(&bytes), Some((head, &b"[1]"[..])));
        assert_eq!(head.ttl(at(31_000)), Duration::from_secs(30));
        assert!(head.is_live(at(60_999)) && !head.is_live(at(61_000)));
        let mut other = bytes.clone();
        other[0] = 2;
        assert_eq!(Head::decode(&other), None);
        assert_eq!(Head::decode(&bytes[..5]), None);
    }

    #[test]
    fn the_dear_and_the_old_are_refreshed_early() {
        let dear = Head::new(false, Duration::from_secs(2), at(0), Duration::from_secs(60));
        // -ln(1 - 0.9) is 2.3: up to 4.6 s before the end.
        assert!(!dear.is_due(at(50_000), 0.9));
        assert!(dear.is_due(at(56_000), 0.9));
        assert!(!dear.is_due(at(59_999), 0.0));
        let cheap = Head::new(false, Duration::ZERO, at(0), Duration::from_secs(60));
        assert!(!cheap.is_due(at(59_999), 0.999_999));
    }
}
