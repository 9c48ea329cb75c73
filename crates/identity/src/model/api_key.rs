use kernel::{ApiKeyId, Timestamp, UserId, WorkspaceId, id_kind};
use rand::{Rng as _, RngCore, distr::Alphanumeric};
use sha2::{Digest, Sha256};

use super::Hash;

id_kind! {
    /// One secret of a service account.
    pub(crate) ServiceSecretKind = "sec" => ServiceSecretId
}

/// What kind of long-lived secret a text claims to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// A person's API key.
    Personal,
    /// A secret of a service account or of a client of the OAuth provider.
    Client,
}

impl KeyKind {
    /// What its text begins with, so that people and scanners of leaked secrets know it.
    pub(crate) fn mark(self) -> &'static str {
        match self {
            Self::Personal => "socle_",
            Self::Client => "soclesec_",
        }
    }
}

/// Letters and digits of the secret part: 62^43 is just above 2^256.
const SECRET_CHARS: usize = 43;
const CHECK_CHARS: usize = 6;
/// Characters behind the mark that lists show.
const SHOWN_CHARS: usize = 6;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A long-lived secret as its holder has it: mark, 43 random letters and digits, and a checksum of 6, by which a slip of
/// the keyboard, or a scanner's find that is none, is known without the database. Never printed.
#[derive(Clone)]
pub(crate) struct KeyText(String);

impl KeyText {
    pub(crate) fn random(kind: KeyKind, rng: &mut impl RngCore) -> Self {
        let secret: String = (0..SECRET_CHARS).map(|_| char::from(rng.sample(Alphanumeric))).collect();
        let text = format!("{}{secret}", kind.mark());
        Self(format!("{text}{}", checksum(&text)))
    }

    /// `None` for what we cannot have made.
    pub(crate) fn parse(kind: KeyKind, text: &str) -> Option<Self> {
        let rest = text.strip_prefix(kind.mark())?;
        let fine =
            rest.len() == SECRET_CHARS + CHECK_CHARS && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !fine {
            return None;
        }
        let (body, check) = text.split_at(text.len() - CHECK_CHARS);
        (checksum(body) == check).then(|| Self(text.to_owned()))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn hash(&self) -> Hash {
        Hash::of(self.0.as_bytes())
    }

    /// By which its owner knows it again in a list.
    pub(crate) fn prefix(&self) -> String {
        let mark = self.0.find('_').map_or(0, |at| at + 1);
        self.0.chars().take(mark + SHOWN_CHARS).collect()
    }
}

/// The first 32 bits of the text's SHA-256, in base 62.
fn checksum(text: &str) -> String {
    let digest = Sha256::digest(text);
    let mut value = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    let mut digits = [b'0'; CHECK_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(value % 62) as usize];
        value /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

/// A key by which a program acts for a person, in one workspace.
#[derive(Debug, Clone)]
pub(crate) struct ApiKey {
    pub(crate) id: ApiKeyId,
    pub(crate) user: UserId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) name: String,
    pub(crate) prefix: String,
    /// Empty: all that the owner may.
    pub(crate) scopes: Vec<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) revoked_at: Option<Timestamp>,
}

impl ApiKey {
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| now < at)
    }
}

/// A program's own account in a workspace.
#[derive(Debug, Clone)]
pub(crate) struct ServiceAccount {
    pub(crate) user: UserId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) name: String,
    /// Empty: all that its role may.
    pub(crate) scopes: Vec<String>,
    pub(crate) role: String,
    pub(crate) is_active: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used_at: Option<Timestamp>,
}

/// One of its secrets, without the secret.
#[derive(Debug, Clone)]
pub(crate) struct ServiceSecret {
    pub(crate) id: ServiceSecretId,
    pub(crate) user: UserId,
    pub(crate) prefix: String,
    pub(crate) session: Option<kernel::SessionId>,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) revoked_at: Option<Timestamp>,
}

impl ServiceSecret {
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| now < at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_round_trip_and_slips_are_found_without_a_database() {
        for kind in [KeyKind::Personal, KeyKind::Client] {
            let key = KeyText::random(kind, &mut rand::rng());
            let text = key.expose();
            assert!(KeyText::parse(kind, text).is_some_and(|parsed| parsed.hash() == key.hash()), "{text}");
            assert_eq!(key.prefix().len(), kind.mark().len() + 6);
            for (at, _) in text.char_indices() {
                let other = if &text[at..=at] == "x" { "y" } else { "x" };
                let slip = format!("{}{other}{}", &text[..at], &text[at + 1..]);
                assert!(KeyText::parse(kind, &slip).is_none(), "{slip}");
            }
            for wrong in
                [&text[1..], &text[..text.len() - 1], "", "socle_", &format!("{text}x"), &text.to_lowercase()]
            {
                assert!(KeyText::parse(kind, wrong).is_none(), "{wrong}");
            }
        }
        let personal = KeyText::random(KeyKind::Personal, &mut rand::rng());
        assert!(KeyText::parse(KeyKind::Client, personal.expose()).is_none());
    }

    #[test]
    fn the_checksum_is_what_others_compute() {
        // As Python's hashlib has it.
        assert_eq!(checksum(&format!("socle_{}", "0".repeat(43))), "1R5AEY");
    }
}
