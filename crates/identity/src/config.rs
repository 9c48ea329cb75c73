mod providers;

use std::path::PathBuf;

use kernel::Secret;
use serde::{Deserialize, Serialize};

use crate::model::KeyAlgorithm;

pub use providers::ProviderConfig;

/// Section `[identity]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Signs access tokens and binds CSRF and refresh tokens; 32 bytes or more. Empty (the default): made at the first
    /// start and kept in `secrets/identity.key` in the data folder. Set it when several nodes share one database.
    pub secret: Secret<String>,
    /// `iss` of the tokens. Empty (the default): the address of `server.public_url`, as OpenID discovery wants it.
    pub issuer: String,
    /// `aud` of access tokens. Default: `socle`.
    pub audience: String,
    /// How access tokens are signed: `HS256` (the default) by the installation's secret, or `RS256`, `ES256`, `EdDSA` by
    /// a key pair that all nodes share and whose public key is at `/.well-known/jwks.json`. Tokens that were given
    /// before a change go on to work until they expire.
    pub signing: Signing,
    /// After how many days another key pair signs. The next is published a day ahead, the last verifies until its tokens
    /// have expired. Default 90.
    pub key_rotation_days: u32,
    /// How long an access token works, in seconds. Default 900.
    pub access_ttl_s: u32,
    /// A session that nobody used for this long is over, in seconds. Default 604800 (7 days).
    pub session_idle_s: u32,
    /// A session is over after this long even when in use, in seconds. Default 2592000 (30 days).
    pub session_max_s: u32,
    /// How long a refresh token that was just replaced still leads to its replacement, for honest races of one client,
    /// in milliseconds. Default 10000.
    pub refresh_grace_ms: u32,
    /// How long another process may not notice that a session ended or a role changed, in milliseconds, when Redis does
    /// not tell it; this one notices at once. At most 10000, default 5000.
    pub session_cache_ms: u32,
    /// Failed log-ins to one account per `login_window_s`. Default 5.
    pub login_account_max: u32,
    /// Failed log-ins from one address (IPv6: from one /64) per `login_window_s`. Default 20.
    pub login_address_max: u32,
    /// The time over which those come back, evenly, in seconds. Default 300.
    pub login_window_s: u32,
    /// Wrong codes of an authenticator app per account and `second_factor_window_s`, beside the limits of log-ins: six digits
    /// must not be guessed by who knows the password. Recovery codes and passkeys are not counted. Default 10.
    pub second_factor_max: u32,
    /// The time over which those come back, evenly, in seconds. Default 86400 (a day).
    pub second_factor_window_s: u32,
    /// Registrations, forgotten passwords, mails sent again, and links that do not work: so many of each per
    /// `self_service_window_s`, per address (IPv6: per /64) and per account. Default 5.
    pub self_service_max: u32,
    /// The time over which those come back, evenly, in seconds. Default 3600.
    pub self_service_window_s: u32,
    /// Exchanges of refresh tokens per session, and refused ones per address, in a minute. Default 300.
    pub refresh_max: u32,
    /// How long after a sign-in, or after showing the password or a code again, a session may change what protects the
    /// account (second factors, keys, the address), in seconds. Default 900.
    pub confirm_window_s: u32,
    /// Memory of one Argon2id hash, in KiB. Default 19456.
    pub argon2_memory_kib: u32,
    /// Passes of Argon2id over its memory. Default 2.
    pub argon2_iterations: u32,
    /// Lanes of Argon2id. Default 1.
    pub argon2_lanes: u32,
    /// Passwords hashed at the same time; 0 (the default) for the number of cores.
    pub hash_threads: u32,
    /// Log-ins that may wait for a hash; beyond, the answer is 503. Default 256.
    pub hash_queue_max: u32,
    /// A file of passwords known from breaches, which nobody may choose: SHA-1 hashes in hexadecimal, one a line, sorted, as
    /// "Have I Been Pwned" gives them ("ordered by hash"). Empty (the default): none.
    pub breached_passwords: PathBuf,
    /// How long a password reset link works, in seconds. Default 3600.
    pub reset_link_ttl_s: u32,
    /// How long rows of the audit log are kept, in days; 0 for ever. At most 36500, default 365.
    pub audit_keep_days: u32,
    /// How long the link of an invitation works, in seconds. Default 604800 (7 days).
    pub invitation_ttl_s: u32,
    /// Invitations that one workspace may send per hour. Default 50.
    pub invite_workspace_max: u32,
    /// Invitations that one address may get per hour, from all workspaces together. Default 5.
    pub invite_address_max: u32,
    /// How long the link that confirms an address works, in seconds. Default 86400.
    pub verify_link_ttl_s: u32,
    /// How long the link for the first administrator works, in seconds; each start prints a new one. Default 86400.
    pub first_run_link_ttl_s: u32,
    /// Marks cookies `Secure` always, not only when the request came by https. Default false.
    pub cookie_secure: bool,
    /// Origins besides the server's own whose pages may use cookie sessions, such as `https://console.example.org`.
    /// Default: none.
    pub trusted_origins: Vec<String>,
    /// Other OpenID providers that sign people in; see docs/openid-log-in.md. Default: none.
    pub providers: Vec<ProviderConfig>,
}

/// How access tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
pub enum Signing {
    /// With the installation's secret: who verifies can also sign.
    #[default]
    #[serde(rename = "HS256")]
    Secret,
    /// With an RSA key of 2048 bits; slow to sign, and known to every reader.
    #[serde(rename = "RS256")]
    Rsa,
    /// With a key on the curve P-256.
    #[serde(rename = "ES256")]
    P256,
    /// With a key on Ed25519.
    #[serde(rename = "EdDSA")]
    Ed25519,
}

impl Signing {
    /// The algorithm of the key pair; `None` for the secret.
    pub(crate) fn algorithm(self) -> Option<KeyAlgorithm> {
        match self {
            Self::Secret => None,
            Self::Rsa => Some(KeyAlgorithm::Rs256),
            Self::P256 => Some(KeyAlgorithm::Es256),
            Self::Ed25519 => Some(KeyAlgorithm::EdDsa),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            secret: Secret::default(),
            issuer: String::new(),
            audience: "socle".to_owned(),
            signing: Signing::Secret,
            key_rotation_days: 90,
            access_ttl_s: 900,
            session_idle_s: 604_800,
            session_max_s: 2_592_000,
            refresh_grace_ms: 10_000,
            session_cache_ms: 5_000,
            login_account_max: 5,
            login_address_max: 20,
            login_window_s: 300,
            second_factor_max: 10,
            second_factor_window_s: 86_400,
            self_service_max: 5,
            self_service_window_s: 3_600,
            refresh_max: 300,
            confirm_window_s: 900,
            argon2_memory_kib: 19_456,
            argon2_iterations: 2,
            argon2_lanes: 1,
            hash_threads: 0,
            hash_queue_max: 256,
            breached_passwords: PathBuf::new(),
            reset_link_ttl_s: 3_600,
            audit_keep_days: 365,
            invitation_ttl_s: 604_800,
            invite_workspace_max: 50,
            invite_address_max: 5,
            verify_link_ttl_s: 86_400,
            first_run_link_ttl_s: 86_400,
            cookie_secure: false,
            trusted_origins: Vec::new(),
            providers: Vec::new(),
        }
    }
}

/// Shortest secret, in bytes: HS256 asks for a key as long as its hash (RFC 7518 §3.2).
pub(crate) const SECRET_BYTES_MIN: usize = 32;

impl Config {
    /// Every fault at once.
    pub fn validate(&self) -> Vec<String> {
        let secret = self.secret.expose().len();
        // The weakest of the settings that OWASP's Password Storage Cheat Sheet holds equal: 7 MiB × 5 passes.
        let work = u64::from(self.argon2_memory_kib) * u64::from(self.argon2_iterations);
        let positive = [
            ("access_ttl_s", self.access_ttl_s),
            ("session_idle_s", self.session_idle_s),
            ("session_max_s", self.session_max_s),
            ("login_account_max", self.login_account_max),
            ("login_address_max", self.login_address_max),
            ("login_window_s", self.login_window_s),
            ("second_factor_max", self.second_factor_max),
            ("second_factor_window_s", self.second_factor_window_s),
            ("self_service_max", self.self_service_max),
            ("self_service_window_s", self.self_service_window_s),
            ("refresh_max", self.refresh_max),
            ("confirm_window_s", self.confirm_window_s),
            ("argon2_iterations", self.argon2_iterations),
            ("hash_queue_max", self.hash_queue_max),
            ("reset_link_ttl_s", self.reset_link_ttl_s),
            ("invitation_ttl_s", self.invitation_ttl_s),
            ("invite_workspace_max", self.invite_workspace_max),
            ("invite_address_max", self.invite_address_max),
            ("verify_link_ttl_s", self.verify_link_ttl_s),
            ("first_run_link_ttl_s", self.first_run_link_ttl_s),
        ];
        let mut faults: Vec<String> = positive
            .into_iter()
            .filter(|(_, value)| *value == 0)
            .map(|(name, _)| format!("identity.{name} must be at least 1"))
            .collect();
        let mut require = |fine: bool, fault: &str| {
            if !fine {
                faults.push(fault.to_owned());
            }
        };
        require(
            secret == 0 || secret >= SECRET_BYTES_MIN,
            "identity.secret must be at least 32 bytes long, or empty",
        );
        require(!self.audience.is_empty(), "identity.audience must not be empty");
        require(
            (2..=3_650).contains(&self.key_rotation_days),
            "identity.key_rotation_days must be from 2 to 3650",
        );
        require(self.audit_keep_days <= 36_500, "identity.audit_keep_days must be at most 36500");
        require(self.access_ttl_s <= 3_600, "identity.access_ttl_s must be at most 3600");
        require(self.refresh_grace_ms <= 60_000, "identity.refresh_grace_ms must be at most 60000");
        require(self.session_cache_ms <= 10_000, "identity.session_cache_ms must be at most 10000");
        require((1..=16).contains(&self.argon2_lanes), "identity.argon2_lanes must be from 1 to 16");
        require(
            self.argon2_iterations == 0 || (self.argon2_memory_kib >= 7_168 && work >= 7_168 * 5),
            "identity.argon2_memory_kib times identity.argon2_iterations must be at least 35840, and the memory 7168",
        );
        faults.extend(providers::validate(&self.providers));
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_fine_and_weak_settings_are_all_told() {
        assert_eq!(Config::default().validate(), [""; 0]);
        let weak = Config {
            secret: Secret::new("x".repeat(31)),
            argon2_memory_kib: 8,
            access_ttl_s: 0,
            ..Config::default()
        };
        assert_eq!(weak.validate().len(), 3);
        assert_eq!(Config { argon2_iterations: 0, ..Config::default() }.validate().len(), 1);
    }
}
