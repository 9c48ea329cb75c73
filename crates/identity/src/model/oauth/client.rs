use kernel::{Timestamp, id_kind};

use crate::model::{Hash, KeyAlgorithm};

id_kind! {
    /// A client that an administrator, or itself, registered; those that Socle brings have names instead.
    pub(crate) OAuthClient = "app" => OAuthClientId
}

/// How a client may get tokens.
pub(crate) mod grants {
    pub(crate) const CODE: &str = "authorization_code";
    pub(crate) const REFRESH: &str = "refresh_token";
    pub(crate) const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
    pub(crate) const CLIENT: &str = "client_credentials";
    /// What clients of people may use. `client_credentials` is for service accounts.
    pub(crate) const OF_CLIENTS: [&str; 3] = [CODE, REFRESH, DEVICE];
}

/// A program that people let in.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `None`: public; it cannot keep a secret.
    pub(crate) secret: Option<Hash>,
    pub(crate) redirect_uris: Vec<String>,
    /// Where to after a log-out.
    pub(crate) logout_uris: Vec<String>,
    /// What it may ask for at most.
    pub(crate) scopes: Vec<String>,
    pub(crate) grant_types: Vec<String>,
    pub(crate) id_token_alg: KeyAlgorithm,
    pub(crate) uri: Option<String>,
    pub(crate) logo_uri: Option<String>,
    /// Nobody here vouches for it.
    pub(crate) by_itself: bool,
    pub(crate) is_active: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) last_used_at: Option<Timestamp>,
}

impl Client {
    pub(crate) fn may(&self, grant_type: &str) -> bool {
        self.grant_types.iter().any(|held| held == grant_type)
    }

    pub(crate) fn is_confidential(&self) -> bool {
        self.secret.is_some()
    }

    /// May a user who let it in before be spared the question? Only where nobody else could answer at the address: not for
    /// what registered by itself, nor for programs on the user's machine (RFC 8252 §8.6).
    pub(crate) fn may_skip_consent(&self, redirect_uri: &str) -> bool {
        !self.by_itself && redirect_uri.starts_with("https://")
    }
}
