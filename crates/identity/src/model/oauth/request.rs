use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{SessionId, Timestamp, UserId, WorkspaceId, id_kind};
use rand::{Rng as _, RngCore};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

id_kind! {
    /// A client's request that waits for its user.
    pub(crate) OAuthRequestKind = "ask" => OAuthRequestId
}

/// Scopes besides `read`, `write` and the names of permissions (OpenID Connect Core §5.4 and §11).
pub(crate) mod scopes {
    pub(crate) const OPENID: &str = "openid";
    pub(crate) const PROFILE: &str = "profile";
    pub(crate) const EMAIL: &str = "email";
    pub(crate) const OFFLINE: &str = "offline_access";
    pub(crate) const STANDARD: [&str; 6] = [OPENID, PROFILE, EMAIL, OFFLINE, "read", "write"];
}

/// What a client asks its user for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) scopes: Vec<String>,
    /// Empty for a device.
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    /// By S256 (RFC 7636 §4.2). Empty for a device.
    pub(crate) code_challenge: String,
    /// RFC 8707.
    pub(crate) resource: Option<String>,
}

/// A request that waits for its user to say yes.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) id: OAuthRequestId,
    pub(crate) client: String,
    pub(crate) user: UserId,
    pub(crate) asked: Asked,
    /// The user must have shown who they are since then.
    pub(crate) confirmed_since: Timestamp,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// What a code stands for.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) client: String,
    pub(crate) user: UserId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) asked: Asked,
    pub(crate) methods: Vec<String>,
    pub(crate) authenticated_at: Timestamp,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) used_at: Option<Timestamp>,
    pub(crate) session: Option<SessionId>,
}

/// Where a device's request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeviceState {
    Waiting,
    Approved,
    Denied,
    Used,
}

impl DeviceState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Used => "used",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Approved, Self::Denied, Self::Used]
            .into_iter()
            .find(|state| state.name() == text)
    }
}

/// A device that waits for its user (RFC 8628).
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) user_code: String,
    pub(crate) client: String,
    pub(crate) asked: Asked,
    pub(crate) interval_s: i64,
    pub(crate) polled_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) state: DeviceState,
    pub(crate) user: Option<UserId>,
    pub(crate) workspace: Option<WorkspaceId>,
    pub(crate) methods: Vec<String>,
    pub(crate) authenticated_at: Option<Timestamp>,
}

/// Is it a challenge by S256: 256 bits as base64url?
pub(crate) fn is_challenge(text: &str) -> bool {
    text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

/// Does the verifier lead to the challenge (RFC 7636 §4.1 and §4.6)?
pub(crate) fn proves(verifier: &str, challenge: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let well_formed = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
    let found = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    well_formed && bool::from(found.as_bytes().ct_eq(challenge.as_bytes()))
}

/// Letters of user codes: no vowels, which make words, and none that reads like another (RFC 8628 §6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const USER_CODE_CHARS: usize = 8;

/// Something to type from a screen, as `XXXX-XXXX`: 34 bits.
pub(crate) fn random_user_code(rng: &mut impl RngCore) -> String {
    let letter = |_| char::from(LETTERS[rng.random_range(0..LETTERS.len())]);
    let letters: String = (0..USER_CODE_CHARS).map(letter).collect();
    format!("{}-{}", &letters[..4], &letters[4..])
}

/// As it was shown, however it was typed; `None` for what cannot be one.
pub(crate) fn typed_user_code(text: &str) -> Option<String> {
    let letters: Option<String> = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .take(USER_CODE_CHARS + 1)
        .map(|c| Some(c.to_ascii_uppercase()).filter(|c| c.is_ascii() && LETTERS.contains(&(*c as u8))))
        .collect();
    let letters = letters.filter(|letters| letters.len() == USER_CODE_CHARS)?;
    Some(format!("{}-{}", &letters[..4], &letters[4..]))
}

/// `asked`, bounded by what the client may ask for; what is unknown falls away (OpenID Connect Core §3.1.2.1). Who asks for
/// nothing gets to read. Never empty: an empty list would be everything.
pub(crate) fn bounded_scopes(allowed: &[String], asked: &[String]) -> Option<Vec<String>> {
    let found: Vec<String> = if asked.is_empty() {
        let read: Vec<_> = allowed.iter().filter(|scope| *scope == "read").cloned().collect();
        if read.is_empty() { allowed.to_vec() } else { read }
    } else {
        let mut found: Vec<String> = Vec::new();
        for scope in asked.iter().filter(|scope| allowed.contains(scope)) {
            if !found.contains(scope) {
                found.push(scope.clone());
            }
        }
        found
    };
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 appendix B.
    #[test]
    fn the_standards_own_verifier_leads_to_its_challenge() {
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(is_challenge(challenge) && proves(verifier, challenge));
        for wrong in [
            "",
            &verifier[1..],
            &format!("{verifier}x"),
            &verifier.to_lowercase(),
            challenge,
            &"x".repeat(200),
        ] {
            assert!(!proves(wrong, challenge), "{wrong}");
        }
        // Under `plain` the challenge would be the verifier.
        assert!(!proves(challenge, challenge));
        for wrong in ["", "plain", &challenge[1..], &format!("{challenge}="), &"+".repeat(43)] {
            assert!(!is_challenge(wrong), "{wrong}");
        }
    }

    #[test]
    fn user_codes_are_read_as_people_type_them() {
        let code = random_user_code(&mut rand::rng());
        assert_eq!(code.len(), 9);
        for typed in [
            code.clone(),
            code.to_lowercase(),
            code.replace('-', ""),
            format!(" {} ", code.replace('-', " ")),
        ] {
            assert_eq!(typed_user_code(&typed).as_deref(), Some(code.as_str()), "{typed:?}");
        }
        for wrong in
            ["", "BCDF-GHJ", "BCDF-GHJKL", "AEIO-UAEI", "BCDF-GHJ1", "ＢＣＤＦ-GHJK", &"B".repeat(10_000)]
        {
            assert_eq!(typed_user_code(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn scopes_narrow_and_are_never_none() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let check = |allowed: &[&str], asked: &[&str], expected: Option<&[&str]>| {
            assert_eq!(
                bounded_scopes(&list(allowed), &list(asked)),
                expected.map(list),
                "{allowed:?} {asked:?}"
            );
        };
        check(&["openid", "read"], &["openid", "read", "write", "openid"], Some(&["openid", "read"]));
        check(&["openid", "read"], &[], Some(&["read"]));
        check(&["openid"], &[], Some(&["openid"]));
        check(&["openid"], &["write"], None);
        check(&[], &[], None);
    }
}
