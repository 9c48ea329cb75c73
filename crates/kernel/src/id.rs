use std::{cmp::Ordering, fmt, hash, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::Timestamp;

/// What an [`Id`] identifies. Implemented by [`id_kind!`](crate::id_kind).
pub trait IdKind: 'static {
    /// Short lowercase word before the underscore on the wire, for example `cam`.
    const PREFIX: &'static str;
}

/// A UUIDv7 (RFC 9562) that knows what it identifies.
///
/// On the wire, in logs and in the database it is one text: the prefix, an underscore, and 26 characters of Crockford
/// base 32 in lowercase (`cam_01jd8x…`). The text sorts as the time of creation does.
pub struct Id<K> {
    uuid: Uuid,
    kind: PhantomData<fn() -> K>,
}

/// Declares what an id identifies and names its type: `id_kind! { pub Camera = "cam" => CameraId }`.
#[macro_export]
macro_rules! id_kind {
    ($(#[$doc:meta])* $vis:vis $kind:ident = $prefix:literal => $id:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        $vis enum $kind {}
        impl $crate::IdKind for $kind {
            const PREFIX: &'static str = $prefix;
        }
        #[doc = concat!("Id on the wire: `", $prefix, "_…`.")]
        $vis type $id = $crate::Id<$kind>;
    };
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const DIGITS: usize = 26;

impl<K: IdKind> Id<K> {
    /// A fresh id that sorts after those made at earlier times.
    pub fn new(now: Timestamp) -> Self {
        let seconds = now.as_second().max(0).unsigned_abs();
        let nanos = now.subsec_nanosecond().max(0).unsigned_abs();
        Self::from_uuid(Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos)))
    }

    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self { uuid, kind: PhantomData }
    }

    pub const fn uuid(&self) -> Uuid {
        self.uuid
    }
}

impl<K: IdKind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.uuid.as_u128();
        let mut text = [0u8; DIGITS];
        for digit in text.iter_mut().rev() {
            *digit = ALPHABET[(rest & 31) as usize];
            rest >>= 5;
        }
        f.write_str(K::PREFIX)?;
        f.write_str("_")?;
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// A text that is no id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an id of the form {prefix}_ followed by 26 characters")]
pub struct IdError {
    prefix: &'static str,
    text: String,
}

impl<K: IdKind> FromStr for Id<K> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let error = || IdError { prefix: K::PREFIX, text: text.chars().take(64).collect() };
        let digits = text
            .strip_prefix(K::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .ok_or_else(error)?
            .as_bytes();
        // 26 digits hold 130 bits: the first may not exceed 7.
        if digits.len() != DIGITS || digits[0] > b'7' {
            return Err(error());
        }
        let mut value: u128 = 0;
        for digit in digits {
            let digit = ALPHABET.iter().position(|known| known == digit).ok_or_else(error)?;
            value = (value << 5) | digit as u128;
        }
        Ok(Self::from_uuid(Uuid::from_u128(value)))
    }
}

impl<K: IdKind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.uuid.cmp(&other.uuid)
    }
}
impl<K> hash::Hash for Id<K> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

impl<K: IdKind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: IdKind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{UserId, WorkspaceId};

    #[test]
    fn refuses_what_is_no_id() {
        for text in [
            "",
            "ws",
            "ws_",
            "ws_1",
            "usr_00000000000000000000000000",
            "ws_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "ws_0000000000000000000000000u",
        ] {
            assert!(text.parse::<WorkspaceId>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_round_trips_and_sorts_as_the_value(a: u128, b: u128) {
            let (a, b) = (UserId::from_uuid(Uuid::from_u128(a)), UserId::from_uuid(Uuid::from_u128(b)));
            prop_assert_eq!(a.to_string().parse::<UserId>().unwrap(), a);
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn any_text_is_an_id_or_an_error(text in ".*") {
            if let Ok(id) = text.parse::<UserId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
