use hmac::{Hmac, KeyInit, Mac};
use jiff::SignedDuration;
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::{Hash, Token};

/// What a session keeps of its refresh tokens: the hash of the one that counts, and of those just replaced.
///
/// A replaced token leads on to its successor for some seconds, since an honest client may send two refreshes at once
/// and must get the same answer to both. The successor is kept sealed under the replaced token itself, of which only
/// the hash is known here: the database alone opens nothing.
#[derive(Debug, Clone)]
pub(crate) struct RefreshState {
    pub(crate) current: Hash,
    pub(crate) recent: Vec<Replaced>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Replaced {
    hash: [u8; 32],
    /// Successor XOR HMAC-SHA-256(replaced token, label): a one-time pad, as each token has one successor.
    sealed: [u8; 32],
    at_us: i64,
}

/// What a refresh token that a client shows is to this session.
pub(crate) enum Presented {
    Current,
    /// Replaced a moment ago; this one counts now.
    JustReplaced(Token),
    /// Replaced longer ago: two parties hold the family.
    Reused,
}

/// Rotations that are remembered within the grace time.
const RECENT_MAX: usize = 16;

impl RefreshState {
    pub(crate) fn new(first: &Token) -> Self {
        Self { current: first.hash(), recent: Vec::new() }
    }

    /// `token` must be one that we made (its tag fits): anything else that is not the current one counts as reuse.
    pub(crate) fn present(&self, token: &Token, now: Timestamp, grace: SignedDuration) -> Presented {
        if token.hash() == self.current {
            return Presented::Current;
        }
        let mut held = token.clone();
        // Each step opens the next; there are no more steps than entries.
        for _ in 0..self.recent.len() {
            let hash = held.hash();
            let Some(step) = self.recent.iter().find(|step| Hash::from_bytes(&step.hash) == Some(hash))
            else {
                return Presented::Reused;
            };
            if now.as_microsecond() - step.at_us > i64::try_from(grace.as_micros()).unwrap_or(0) {
                return Presented::Reused;
            }
            held = Token::from_bytes(xor(&step.sealed, &pad(&held)));
            if held.hash() == self.current {
                return Presented::JustReplaced(held);
            }
        }
        Presented::Reused
    }

    /// `next` counts from now on; the one before was not shown, so nothing can lead on from it.
    pub(crate) fn replace(self, next: &Token) -> Self {
        Self { current: next.hash(), recent: Vec::new() }
    }

    /// `next` counts from now on in place of `current`.
    pub(crate) fn rotate(
        mut self,
        current: &Token,
        next: &Token,
        now: Timestamp,
        grace: SignedDuration,
    ) -> Self {
        let oldest = now.as_microsecond() - i64::try_from(grace.as_micros()).unwrap_or(0);
        self.recent.retain(|step| step.at_us >= oldest);
        if self.recent.len() >= RECENT_MAX {
            self.recent.remove(0);
        }
        self.recent.push(Replaced {
            hash: *current.hash().bytes(),
            sealed: xor(next.bytes(), &pad(current)),
            at_us: now.as_microsecond(),
        });
        self.current = next.hash();
        self
    }
}

fn pad(token: &Token) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(token.bytes()).expect("HMAC takes keys of any length");
    mac.update(b"socle refresh successor");
    mac.finalize().into_bytes().into()
}

fn xor(a: &[u8; 32], b: &[u8; 32]) -> [u8; 32] {
    std::array::from_fn(|i| a[i] ^ b[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: SignedDuration = SignedDuration::from_secs(10);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn name(presented: &Presented) -> &'static str {
        match presented {
            Presented::Current => "current",
            Presented::JustReplaced(_) => "just replaced",
            Presented::Reused => "reused",
        }
    }

    #[test]
    fn a_replaced_token_leads_on_for_the_grace_time_only() {
        let tokens: Vec<_> = (0..4).map(|_| Token::random(&mut rand::rng())).collect();
        let state = RefreshState::new(&tokens[0]).rotate(&tokens[0], &tokens[1], at(0), GRACE).rotate(
            &tokens[1],
            &tokens[2],
            at(5),
            GRACE,
        );
        let check = |token: usize, second, expected| {
            assert_eq!(
                name(&state.present(&tokens[token], at(second), GRACE)),
                expected,
                "{token} at {second}"
            );
        };
        check(2, 6, "current");
        check(2, 1_000, "current");
        check(1, 6, "just replaced");
        check(1, 15, "just replaced");
        check(1, 16, "reused");
        check(0, 6, "just replaced");
        check(0, 11, "reused");
        check(3, 6, "reused");
        let Presented::JustReplaced(led_to) = state.present(&tokens[0], at(6), GRACE) else {
            panic!("not led on")
        };
        assert_eq!(led_to.bytes(), tokens[2].bytes());
    }

    #[test]
    fn the_list_stays_short() {
        let mut token = Token::random(&mut rand::rng());
        let mut state = RefreshState::new(&token);
        for _ in 0..100 {
            let next = Token::random(&mut rand::rng());
            state = state.rotate(&token, &next, at(0), GRACE);
            token = next;
        }
        assert_eq!(state.recent.len(), RECENT_MAX);
        let next = Token::random(&mut rand::rng());
        assert_eq!(state.rotate(&token, &next, at(60), GRACE).recent.len(), 1);
    }
}
