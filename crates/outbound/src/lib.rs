//! Calls to others: one client for all of Socle, with time limits, retries, breakers and guards.

use serde::Deserialize;

/// Section `[outbound]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long one call may take, in milliseconds. Default 10000.
    pub timeout_ms: u64,
    /// Hosts and networks that may be called although they are private: `10.0.0.0/8`, `models.local`. Default none.
    pub private_allowed: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self { timeout_ms: 10_000, private_allowed: Vec::new() }
    }
}

/// The client. Cheap to clone.
#[derive(Clone)]
pub struct Outbound {
    http: reqwest::Client,
}

impl Outbound {
    pub fn new(config: &Config) -> Result<Self, reqwest::Error> {
        let timeout = std::time::Duration::from_millis(config.timeout_ms);
        Ok(Self { http: reqwest::Client::builder().timeout(timeout).build()? })
    }

    /// A plain request, not yet sent.
    pub fn get(&self, url: url::Url) -> reqwest::RequestBuilder {
        self.http.get(url)
    }
}
