use jiff::SignedDuration;
use kernel::Timestamp;

/// A signature that the public key alone verifies (RFC 7518 §3.3 and §3.4, RFC 8037 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum KeyAlgorithm {
    Rs256,
    Es256,
    EdDsa,
}

impl KeyAlgorithm {
    pub(crate) const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == text)
    }
}

/// A signing key without its private part.
#[derive(Debug, Clone)]
pub(crate) struct SigningKey {
    /// The thumbprint of the public key (RFC 7638); `kid` of its tokens.
    pub(crate) id: String,
    pub(crate) algorithm: KeyAlgorithm,
    /// Counts the keys of the algorithm, from 1.
    pub(crate) number: i64,
    /// A JWK (RFC 7517) as JSON, with `kid`, `alg` and `use`.
    pub(crate) public: String,
    pub(crate) created_at: Timestamp,
    pub(crate) active_from: Timestamp,
    pub(crate) revoked_at: Option<Timestamp>,
}

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyState {
    /// Published, so that readers know it before it signs.
    Next,
    Signing,
    /// Tokens that it signed may still live.
    Verifying,
    /// All its tokens have expired.
    Done,
    Revoked,
}

impl KeyState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Signing => "signing",
            Self::Verifying => "verifying",
            Self::Done => "done",
            Self::Revoked => "revoked",
        }
    }

    /// Does what it signed count?
    pub(crate) fn counts(self) -> bool {
        matches!(self, Self::Next | Self::Signing | Self::Verifying)
    }
}

/// Where `key` stands among `all`. `tokens_live` is the longest that a token lives.
pub(crate) fn state(
    key: &SigningKey,
    all: &[SigningKey],
    now: Timestamp,
    tokens_live: SignedDuration,
) -> KeyState {
    if key.revoked_at.is_some_and(|at| at <= now) {
        return KeyState::Revoked;
    }
    if key.active_from > now {
        return KeyState::Next;
    }
    let followers = all.iter().filter(|other| {
        other.algorithm == key.algorithm && other.number > key.number && other.revoked_at.is_none()
    });
    match followers.map(|other| other.active_from).filter(|at| *at <= now).min() {
        None => KeyState::Signing,
        Some(replaced) if now.duration_since(replaced) <= tokens_live => KeyState::Verifying,
        Some(_) => KeyState::Done,
    }
}

/// The key that signs now: the newest active one.
pub(crate) fn signer(all: &[SigningKey], algorithm: KeyAlgorithm, now: Timestamp) -> Option<&SigningKey> {
    all.iter()
        .filter(|key| key.algorithm == algorithm && key.revoked_at.is_none() && key.active_from <= now)
        .max_by_key(|key| key.number)
}

/// When the next key of the algorithm is due to be published: so long before `rotate_every` is over that readers who keep
/// the key set know it in time. `None` while there is none to follow, or its follower is there.
pub(crate) fn next_due(
    all: &[SigningKey],
    algorithm: KeyAlgorithm,
    now: Timestamp,
    rotate_every: SignedDuration,
    ahead: SignedDuration,
) -> Option<Timestamp> {
    let signer = signer(all, algorithm, now)?;
    let newer = |key: &&SigningKey| {
        key.algorithm == algorithm && key.number > signer.number && key.revoked_at.is_none()
    };
    if all.iter().any(|key| newer(&key)) {
        return None;
    }
    Some(signer.active_from + rotate_every - ahead)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn key(number: i64, active_from: i64, revoked_at: Option<i64>) -> SigningKey {
        SigningKey {
            id: format!("k{number}"),
            algorithm: KeyAlgorithm::Es256,
            number,
            public: String::new(),
            created_at: at(0),
            active_from: at(active_from),
            revoked_at: revoked_at.map(at),
        }
    }

    #[test]
    fn a_key_is_published_then_signs_then_verifies() {
        let live = SignedDuration::from_secs(900);
        let all = [key(1, 0, None), key(2, 1_000, None), key(3, 500, Some(600))];
        let check = |index: usize, now: i64, expected| {
            assert_eq!(state(&all[index], &all, at(now), live), expected, "{index} at {now}");
        };
        check(0, 10, KeyState::Signing);
        check(1, 10, KeyState::Next);
        check(0, 1_000, KeyState::Verifying);
        check(1, 1_000, KeyState::Signing);
        check(0, 1_900, KeyState::Verifying);
        check(0, 1_901, KeyState::Done);
        check(2, 600, KeyState::Revoked);
        assert_eq!(signer(&all, KeyAlgorithm::Es256, at(999)).unwrap().id, "k1");
        assert_eq!(signer(&all, KeyAlgorithm::Es256, at(1_000)).unwrap().id, "k2");
        assert!(signer(&all, KeyAlgorithm::Rs256, at(1_000)).is_none());
    }

    #[test]
    fn the_next_key_is_due_ahead_of_time_and_once() {
        let (every, ahead) = (SignedDuration::from_secs(1_000), SignedDuration::from_secs(100));
        let due = |all: &[SigningKey], now| next_due(all, KeyAlgorithm::Es256, at(now), every, ahead);
        assert_eq!(due(&[], 5), None);
        assert_eq!(due(&[key(1, 0, None)], 5), Some(at(900)));
        assert_eq!(due(&[key(1, 0, None), key(2, 1_000, None)], 950), None);
        assert_eq!(due(&[key(1, 0, None), key(2, 1_000, None)], 1_000), Some(at(1_900)));
    }
}
