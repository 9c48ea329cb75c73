use argon2::{Params, PasswordHash};
use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use pbkdf2::pbkdf2_hmac_array;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// A stored hash of a password: ours, or one that came with an imported account. Whatever is not ours is replaced by ours when
/// its owner next signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoredHash {
    /// In PHC's form; ours is Argon2id.
    Argon2(String),
    /// `$2a$`, `$2b$` or `$2y$`.
    Bcrypt(String),
    /// PBKDF2 with HMAC-SHA-256 and 32 bytes.
    Pbkdf2 { iterations: u32, salt: Vec<u8>, hash: [u8; 32] },
}

/// What a log-in may cost at most, so that an import cannot make one last for minutes: about what a second allows.
const BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 4..=14;
const PBKDF2_ITERATIONS: std::ops::RangeInclusive<u32> = 1..=2_000_000;
const ARGON2_MEMORY_KIB_MAX: u32 = 1 << 18;
const ARGON2_PASSES_MAX: u32 = 100;
/// KiB times passes.
const ARGON2_WORK_MAX: u64 = 1 << 20;
const SALT_BYTES_MAX: usize = 128;
/// Longer than any of them.
const CHARS_MAX: usize = 512;

const UNKNOWN: &str =
    "is no hash that can be verified here: Argon2, bcrypt ($2a$, $2b$, $2y$) and PBKDF2-HMAC-SHA256 can";

impl StoredHash {
    /// The reason when it cannot be verified, or would cost too much.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > CHARS_MAX || !text.is_ascii() {
            return Err(UNKNOWN);
        }
        // Django writes the library's name before what the library made.
        let text =
            text.strip_prefix("argon2$argon2").map_or(text.to_owned(), |rest| format!("$argon2{rest}"));
        let scheme = text.trim_start_matches('$').split('$').next().unwrap_or("");
        match scheme {
            "argon2id" | "argon2i" | "argon2d" => argon2(&text),
            "2a" | "2b" | "2y" => bcrypt(&text),
            "pbkdf2_sha256" => django(&text).ok_or(UNKNOWN)?.bounded(),
            "pbkdf2-sha256" => passlib(&text).ok_or(UNKNOWN)?.bounded(),
            _ => Err(UNKNOWN),
        }
    }

    /// The same for one that comes from elsewhere: of our own, the settings say how much they may cost.
    pub(crate) fn import(text: &str) -> Result<Self, &'static str> {
        let parsed = Self::parse(text)?;
        if let Self::Argon2(text) = &parsed {
            let params = PasswordHash::new(text).ok().and_then(|hash| Params::try_from(&hash).ok());
            let (memory, passes) = params.map_or((0, 0), |params| (params.m_cost(), params.t_cost()));
            let work = u64::from(memory) * u64::from(passes);
            if memory > ARGON2_MEMORY_KIB_MAX || passes > ARGON2_PASSES_MAX || work > ARGON2_WORK_MAX {
                return Err("asks for more than 256 MiB, or for more than 1 GiB over all its passes");
            }
        }
        Ok(parsed)
    }

    fn bounded(self) -> Result<Self, &'static str> {
        match &self {
            Self::Pbkdf2 { iterations, salt, .. }
                if !PBKDF2_ITERATIONS.contains(iterations) || salt.len() > SALT_BYTES_MAX =>
            {
                Err("has more than 2,000,000 iterations, or none")
            }
            _ => Ok(self),
        }
    }
}

fn argon2(text: &str) -> Result<StoredHash, &'static str> {
    let parsed = PasswordHash::new(text).map_err(|_| UNKNOWN)?;
    Params::try_from(&parsed).map_err(|_| UNKNOWN)?;
    if parsed.hash.is_none() || parsed.salt.is_none() {
        return Err(UNKNOWN);
    }
    Ok(StoredHash::Argon2(text.to_owned()))
}

/// `$2b$12$` and 53 characters of its own base64.
fn bcrypt(text: &str) -> Result<StoredHash, &'static str> {
    let mut parts = text.split('$').skip(2);
    let cost: u32 = parts.next().and_then(|cost| cost.parse().ok()).ok_or(UNKNOWN)?;
    let digest = parts.next().ok_or(UNKNOWN)?;
    let fine = digest.len() == 53
        && parts.next().is_none()
        && digest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'/');
    if !fine {
        return Err(UNKNOWN);
    }
    if !BCRYPT_COSTS.contains(&cost) {
        return Err("has a bcrypt cost above 14, or below 4");
    }
    Ok(StoredHash::Bcrypt(text.to_owned()))
}

/// `pbkdf2_sha256$iterations$salt$hash`: the salt is text, the hash base64 with padding.
fn django(text: &str) -> Option<StoredHash> {
    let [_, iterations, salt, hash] = text.split('$').collect::<Vec<_>>().try_into().ok()?;
    let hash = decode(hash)?.try_into().ok()?;
    (!salt.is_empty()).then_some(StoredHash::Pbkdf2 {
        iterations: iterations.parse().ok()?,
        salt: salt.as_bytes().to_vec(),
        hash,
    })
}

/// `$pbkdf2-sha256$29000$salt$hash` as passlib writes it, in base64 with `.` for `+`; or `$pbkdf2-sha256$i=…,l=32$salt$hash`
/// in PHC's form.
fn passlib(text: &str) -> Option<StoredHash> {
    let [_, _, params, salt, hash] = text.split('$').collect::<Vec<_>>().try_into().ok()?;
    let iterations = match params.parse() {
        Ok(iterations) => iterations,
        Err(_) => {
            let of =
                |name: &str| params.split(',').find_map(|param| param.strip_prefix(name)?.strip_prefix('='));
            if of("l").is_some_and(|length| length != "32") {
                return None;
            }
            of("i")?.parse().ok()?
        }
    };
    let salt = decode(&salt.replace('.', "+"))?;
    let hash = decode(&hash.replace('.', "+"))?.try_into().ok()?;
    Some(StoredHash::Pbkdf2 { iterations, salt, hash })
}

/// With padding or without.
fn decode(text: &str) -> Option<Vec<u8>> {
    const EITHER: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    EITHER.decode(text).ok()
}

/// Is it the password? As the system did that made the hash: bcrypt looks at the first 72 bytes, up to a zero byte.
pub(crate) fn bcrypt_matches(password: &str, hash: &str) -> bool {
    let password = password.as_bytes();
    let end = password.iter().position(|byte| *byte == 0).unwrap_or(password.len());
    bcrypt::verify(&password[..end], hash).unwrap_or(false)
}

pub(crate) fn pbkdf2_matches(password: &str, iterations: u32, salt: &[u8], hash: &[u8; 32]) -> bool {
    let made: [u8; 32] = pbkdf2_hmac_array::<Sha256, 32>(password.as_bytes(), salt, iterations);
    made.ct_eq(hash).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(text: &str, password: &str) -> bool {
        match StoredHash::parse(text).unwrap_or_else(|reason| panic!("{text}: {reason}")) {
            StoredHash::Bcrypt(hash) => bcrypt_matches(password, &hash),
            StoredHash::Pbkdf2 { iterations, salt, hash } => {
                pbkdf2_matches(password, iterations, &salt, &hash)
            }
            StoredHash::Argon2(_) => panic!("the pool does these"),
        }
    }

    /// Made by the programs themselves: `bcrypt` 4.2 for Python, Django 5.1, passlib 1.7.4.
    const PASSWORD: &str = "correct horse battery";
    const HASHES: [&str; 6] = [
        "$2b$06$7PTillA5cOZJTkDbxWsvieSLHfM.uiRR4RglXVLW7ZMcq3.KPtH.C",
        "$2a$06$RvSi3FcWotTC5sYbnmcD.OnBDGAnV95P/l1ur0Py43zFBI/T4PB1S",
        "$2y$06$S8eRJE0bmGXnHtFuS2ZS6uaQdgsAYBlmETEm2e.dnGxVfFYrRycVO",
        "pbkdf2_sha256$20000$SUSt31vT9cvgN6q3XSDg2l$3p0YnyX1BImOpXk90DVrIQ87KwplSk2mxiUvc2NqKWQ=",
        "$pbkdf2-sha256$20000$IqTU2puTsvb.X6s15lzL.Q$4ExLjMG.jhuXagTFQQbgKolP0IWlOvQP4DCGDJtiiVg",
        "$pbkdf2-sha256$i=20000,l=32$IqTU2puTsvb+X6s15lzL+Q$4ExLjMG+jhuXagTFQQbgKolP0IWlOvQP4DCGDJtiiVg",
    ];

    #[test]
    fn hashes_of_other_systems_verify() {
        for hash in HASHES {
            assert!(fits(hash, PASSWORD), "{hash}");
            assert!(!fits(hash, "correct horse batterY"), "{hash}");
            assert!(!fits(hash, ""), "{hash}");
        }
    }

    #[test]
    fn bcrypt_looks_at_72_bytes() {
        let long = "x".repeat(100);
        let hash = bcrypt::hash(&long, 4).unwrap();
        assert!(fits(&hash, &long) && fits(&hash, &"x".repeat(72)) && !fits(&hash, &"x".repeat(71)));
    }

    #[test]
    fn what_is_unknown_or_costs_too_much_is_refused() {
        let salt = "c2FsdHNhbHRzYWx0c2FsdA";
        let bytes = "A".repeat(43);
        for text in [
            String::new(),
            "plain".to_owned(),
            "$1$salt$hash".to_owned(),
            "$6$rounds=5000$salt$hash".to_owned(),
            "5f4dcc3b5aa765d61d8327deb882cf99".to_owned(),
            format!("$2b$15${}", "a".repeat(53)),
            format!("$2b$31${}", "a".repeat(53)),
            format!("$2b$03${}", "a".repeat(53)),
            format!("$2x$12${}", "a".repeat(53)),
            format!("$2b$12${}", "a".repeat(52)),
            format!("pbkdf2_sha256$2000001$salt${bytes}="),
            format!("pbkdf2_sha256$0$salt${bytes}="),
            format!("pbkdf2_sha256$99999999999$salt${bytes}="),
            format!("pbkdf2_sha256$1000$salt${}", "A".repeat(20)),
            format!("pbkdf2_sha1$1000$salt${bytes}="),
            format!("$pbkdf2-sha256$i=2000001,l=32${salt}${bytes}"),
            format!("$pbkdf2-sha256$i=1000,l=64${salt}${bytes}"),
            format!("$pbkdf2-sha512$i=1000,l=32${salt}${bytes}"),
            format!("$argon2id$v=19$m=19456,t=2,p=1${salt}"),
            format!("$argon2id$v=19$m=1048576,t=2,p=1${salt}${bytes}"),
            format!("$argon2id$v=19$m=262144,t=5,p=1${salt}${bytes}"),
            format!("$argon2id$v=19$m=8,t=4294967295,p=1${salt}${bytes}"),
            "x".repeat(100_000),
        ] {
            assert!(StoredHash::import(&text).is_err(), "{text:.80}");
        }
        for text in [
            format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${bytes}"),
            format!("argon2$argon2id$v=19$m=102400,t=2,p=8${salt}${bytes}"),
            format!("$pbkdf2-sha256$i=600000,l=32${salt}${bytes}"),
        ] {
            assert!(StoredHash::import(&text).is_ok(), "{text}");
        }
    }
}
