use std::path::PathBuf;

use kernel::Secret;
use redis::{Client, TlsCertificates};
use serde::{Deserialize, Serialize};

/// Section `[redis]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `redis://user:password@host:6379/0`, or `rediss://…` with TLS; Valkey is as good. Empty (the default): each process
    /// keeps cache, limits and realtime to itself.
    pub url: Secret<String>,
    /// What Socle's keys and channels begin with, so that several installations can share a Redis. Default `socle`.
    pub prefix: String,
    /// How long a command may take before the process goes on without it, in milliseconds. Default 1000.
    pub timeout_ms: u64,
    /// For `rediss://` with a certificate of your own: PEM file of the authority that signed it. Empty (the default): the
    /// authorities that browsers trust.
    pub ca_file: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            prefix: "socle".to_owned(),
            timeout_ms: 1_000,
            ca_file: PathBuf::default(),
        }
    }
}

/// Section `[redis]` does not lead to a Redis.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("redis.url is not a Redis URL such as redis://127.0.0.1:6379/0")]
    BadUrl(#[source] redis::RedisError),
    #[error("redis.ca_file {0} cannot be read")]
    CaFile(PathBuf, #[source] std::io::Error),
    #[error("redis.ca_file {0} is not a certificate in PEM form, or redis.url is not one")]
    BadCaFile(PathBuf, #[source] redis::RedisError),
}

impl Config {
    /// Every fault at once.
    pub fn validate(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let url = self.url.expose();
        if !url.is_empty() && Client::open(url.as_str()).is_err() {
            faults.push("redis.url: must be a Redis URL such as redis://127.0.0.1:6379/0".to_owned());
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if self.prefix.is_empty() || self.prefix.len() > 64 || !self.prefix.bytes().all(plain) {
            faults.push(
                "redis.prefix: must be 1 to 64 letters, digits, dots, dashes or underscores".to_owned(),
            );
        }
        if !(10..=10_000).contains(&self.timeout_ms) {
            faults.push("redis.timeout_ms: must be from 10 to 10000".to_owned());
        }
        if !self.ca_file.as_os_str().is_empty() && !self.ca_file.is_file() {
            faults.push("redis.ca_file: there is no such file".to_owned());
        }
        faults
    }

    pub(crate) fn client(&self) -> Result<Client, ConfigError> {
        let url = self.url.expose().as_str();
        if self.ca_file.as_os_str().is_empty() {
            return Client::open(url).map_err(ConfigError::BadUrl);
        }
        let pem =
            std::fs::read(&self.ca_file).map_err(|error| ConfigError::CaFile(self.ca_file.clone(), error))?;
        Client::build_with_tls(url, TlsCertificates { client_tls: None, root_cert: Some(pem) })
            .map_err(|error| ConfigError::BadCaFile(self.ca_file.clone(), error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_all_told() {
        assert_eq!(Config::default().validate(), [""; 0]);
        let wrong = Config {
            url: Secret::new("http://127.0.0.1".to_owned()),
            prefix: "a*b".to_owned(),
            timeout_ms: 0,
            ca_file: PathBuf::from("/nowhere/ca.pem"),
        };
        assert_eq!(wrong.validate().len(), 4);
        for url in ["redis://:secret@localhost", "rediss://localhost:6380/1", "redis+unix:///run/redis.sock"]
        {
            let config = Config { url: Secret::new(url.to_owned()), ..Config::default() };
            assert_eq!(config.validate(), [""; 0], "{url}");
        }
    }
}
