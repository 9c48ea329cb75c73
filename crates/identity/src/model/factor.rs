use kernel::Timestamp;
use rand::RngCore;
use totp_rs::{Algorithm, Builder, Totp};

use super::Hash;

/// Something beside the password that proves who signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Factor {
    Totp,
    RecoveryCode,
    Passkey,
}

impl Factor {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::RecoveryCode => "recovery_code",
            Self::Passkey => "passkey",
        }
    }
}

/// What a user has of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Factors {
    pub(crate) totp: bool,
    pub(crate) recovery_codes: u64,
    pub(crate) passkeys: u64,
}

impl Factors {
    /// Recovery codes alone are none: they stand in for one.
    pub(crate) fn any(self) -> bool {
        self.totp || self.passkeys > 0
    }

    /// What a sign-in may show, the handiest first.
    pub(crate) fn offered(self) -> Vec<Factor> {
        let all = [
            (Factor::Passkey, self.passkeys > 0),
            (Factor::Totp, self.totp),
            (Factor::RecoveryCode, self.recovery_codes > 0),
        ];
        all.into_iter().filter_map(|(factor, has)| has.then_some(factor)).collect()
    }
}

/// Bytes of a TOTP secret: as many as the hash has (RFC 4226 §4, R6).
const SECRET_BYTES: usize = 20;
/// Seconds of one code (RFC 6238 §4.1).
const STEP_S: u64 = 30;
const DIGITS: usize = 6;

/// An authenticator app's secret: SHA-1, six digits, 30 seconds, which is what all of them understand.
pub(crate) struct TotpSecret(Totp);

impl TotpSecret {
    pub(crate) fn random(rng: &mut impl RngCore) -> Self {
        let mut bytes = [0; SECRET_BYTES];
        rng.fill_bytes(&mut bytes);
        Self::from_bytes(&bytes)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self::labelled(bytes, None, "account")
    }

    fn labelled(bytes: &[u8], issuer: Option<&str>, account: &str) -> Self {
        let builder = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_step_duration(STEP_S)
            .with_skew(1)
            .with_secret(bytes.to_vec())
            .with_account_name(account)
            .with_issuer(issuer);
        Self(builder.build_noncompliant())
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.secret().as_ref()
    }

    /// For who types it instead of pointing a camera.
    pub(crate) fn base32(&self) -> String {
        self.0.secret().to_base32()
    }

    /// The step of a code that counts at `now`: the present one, or one of its neighbours (RFC 6238 §5.2).
    pub(crate) fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let code: String = code.chars().filter(|char| !char.is_whitespace()).collect();
        if code.len() != DIGITS || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let now = u64::try_from(now.as_second()).ok()?;
        i64::try_from(self.0.check(&code, now)?).ok()
    }

    /// What the QR code says (Key URI Format of the authenticator apps). A colon would end the issuer's name.
    pub(crate) fn uri(&self, issuer: &str, account: &str) -> Option<String> {
        let plain = |text: &str| text.replace(':', " ").trim().to_owned();
        let issuer = plain(issuer);
        let issuer = Some(issuer.as_str()).filter(|issuer| !issuer.is_empty());
        Self::labelled(self.bytes(), issuer, &plain(account)).0.to_url().ok()
    }
}

/// How many a user gets.
pub(crate) const RECOVERY_CODES: usize = 10;
/// Of chance in each: 24 characters of five bits.
const RECOVERY_BYTES: usize = 15;
const RECOVERY_CHARS: usize = RECOVERY_BYTES * 8 / 5;
/// Crockford's: none that could be taken for another.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// 120 random bits, as `k3v9-0m2x-…`.
pub(crate) struct RecoveryCode([u8; RECOVERY_BYTES]);

impl RecoveryCode {
    pub(crate) fn random(rng: &mut impl RngCore) -> Self {
        let mut bytes = [0; RECOVERY_BYTES];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// As somebody typed it: case, spaces and hyphens do not matter, and letters that look like another are read as it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut bits: u128 = 0;
        let mut letters = 0;
        for char in text.chars().filter(|char| !char.is_whitespace() && *char != '-') {
            let letter = match char.to_ascii_lowercase() {
                'o' => '0',
                'i' | 'l' => '1',
                other => other,
            };
            let value = LETTERS.iter().position(|known| char::from(*known) == letter)?;
            bits = (bits << 5) | value as u128;
            letters += 1;
            if letters > RECOVERY_CHARS {
                return None;
            }
        }
        let bytes = bits.to_be_bytes();
        (letters == RECOVERY_CHARS).then(|| Self(std::array::from_fn(|i| bytes[1 + i])))
    }

    pub(crate) fn text(&self) -> String {
        let bits = self.0.iter().fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
        let letters: Vec<char> = (0..RECOVERY_CHARS)
            .rev()
            .map(|place| char::from(LETTERS[((bits >> (place * 5)) & 31) as usize]))
            .collect();
        letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
    }

    /// 112 bits of chance and more need no slow hash (ASVS 5.0, 6.5.2); the user's id keeps one table from fitting all.
    pub(crate) fn hash(&self, user: kernel::UserId) -> Hash {
        Hash::of(&[user.uuid().as_bytes().as_slice(), &self.0].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, SHA-1; its codes have eight digits, of which six are the last six.
    #[test]
    fn the_vectors_of_rfc_6238() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890");
        for (second, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let now = Timestamp::from_second(second).unwrap();
            assert_eq!(secret.step_of(&code[2..], now), Some(second / 30), "{second}");
        }
    }

    #[test]
    fn a_code_counts_in_its_step_and_the_two_beside_it() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890");
        let check = |second, code: &str, expected: Option<i64>| {
            let now = Timestamp::from_second(second).unwrap();
            assert_eq!(secret.step_of(code, now), expected, "{second} {code:?}");
        };
        // That of step 37037037, from 1111111110 to 1111111139.
        check(1_111_111_110, "050471", Some(37_037_037));
        check(1_111_111_139, " 050 471", Some(37_037_037));
        check(1_111_111_080, "050471", Some(37_037_037));
        check(1_111_111_169, "050471", Some(37_037_037));
        check(1_111_111_079, "050471", None);
        check(1_111_111_170, "050471", None);
        for junk in ["", "05047", "0504711", "05047a", "-50471", "+50471", "０５０４７１", "14050471"] {
            check(1_111_111_110, junk, None);
        }
    }

    #[test]
    fn the_uri_says_whose_it_is() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890");
        let uri = secret.uri("École: Nord", "ada@example.org").unwrap();
        assert!(uri.starts_with("otpauth://totp/"), "{uri}");
        assert!(uri.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "{uri}");
        assert!(uri.contains("issuer=%C3%89cole%20%20Nord"), "{uri}");
        assert_eq!(secret.base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(secret.uri("", "a:b").unwrap().contains("totp/a%20b"));
    }

    #[test]
    fn recovery_codes_are_read_as_people_type_them() {
        let code = RecoveryCode::random(&mut rand::rng());
        let text = code.text();
        assert_eq!(text.len(), 29, "{text}");
        for typed in [text.clone(), text.to_uppercase(), text.replace('-', " "), text.replace('-', "")] {
            assert_eq!(RecoveryCode::parse(&typed).unwrap().0, code.0, "{typed}");
        }
        assert_eq!(
            RecoveryCode::parse("OIL0-0000-0000-0000-0000-0000").unwrap().text(),
            "0110-0000-0000-0000-0000-0000"
        );
        for junk in [
            "",
            "000000",
            "0000-0000-0000-0000",
            "0000-0000-0000-0000-0000-0000-0",
            "0000-0000-0000-0000-0000-000u",
            "éééé",
        ] {
            assert!(RecoveryCode::parse(junk).is_none(), "{junk}");
        }
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        assert!(code.hash(kernel::UserId::new(now)) != code.hash(kernel::UserId::new(now)));
    }

    #[test]
    fn recovery_codes_alone_are_no_factor() {
        assert!(!Factors { recovery_codes: 10, ..Factors::default() }.any());
        let all = Factors { totp: true, recovery_codes: 1, passkeys: 2 };
        let names: Vec<_> = all.offered().into_iter().map(Factor::name).collect();
        assert_eq!(names, ["passkey", "totp", "recovery_code"]);
    }
}
