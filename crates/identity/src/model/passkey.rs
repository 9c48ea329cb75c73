use kernel::{Timestamp, UserId, id_kind};
use webauthn_rs::prelude::Passkey;

use super::PersonName;

id_kind! {
    /// One WebAuthn credential.
    pub(crate) PasskeyKind = "pky" => PasskeyId
}

/// A passkey as it is kept.
pub(crate) struct StoredPasskey {
    pub(crate) id: PasskeyId,
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) passkey: Passkey,
    /// The row's text: what a change is made against.
    pub(crate) kept: String,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used_at: Option<Timestamp>,
}

/// What its owner calls it: one line, not empty.
pub(crate) fn passkey_name(text: &str) -> Option<String> {
    PersonName::parse(text).map(|name| name.as_str().to_owned()).filter(|name| !name.is_empty())
}
