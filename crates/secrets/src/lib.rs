//! Secrets out of a KV version 2 store of HashiCorp Vault or OpenBao, for settings that say `vault:mount/path#key`.
//!
//! They are read once, at the start; a changed secret needs a restart. Each path is asked for once, however many of its
//! keys are wanted.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use kernel::Secret;
use serde::{Deserialize, Serialize};
use vaultrs::{
    client::{VaultClient, VaultClientSettingsBuilder},
    error::ClientError,
    kv2,
};

/// Section `[secrets]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where Vault or OpenBao answers: `https://vault.example.org:8200`. Empty (the default): `VAULT_ADDR`.
    pub url: String,
    /// Token that may read the secrets; `file:…` and `env:…` can stand here. Empty (the default): `VAULT_TOKEN`.
    pub token: Secret<String>,
    /// Namespace of the secrets. Empty (the default): `VAULT_NAMESPACE`, or none.
    pub namespace: String,
    /// A PEM file of certificates that the server's may be signed by, besides the public ones. Default none.
    pub ca_file: String,
    /// How long one question may take, in milliseconds. Default 5000.
    pub timeout_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: String::new(),
            token: Secret::default(),
            namespace: String::new(),
            ca_file: String::new(),
            timeout_ms: 5_000,
        }
    }
}

impl Config {
    /// Every fault at once.
    pub fn validate(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let plain =
            self.url.is_empty() || self.url.starts_with("http://") || self.url.starts_with("https://");
        if !plain {
            faults.push("secrets.url: must begin with https:// or http://".to_owned());
        }
        if !(100..=60_000).contains(&self.timeout_ms) {
            faults.push("secrets.timeout_ms: must be from 100 to 60000".to_owned());
        }
        faults
    }

    /// With the variables that Vault's own tools read, where nothing is set.
    pub fn or_from(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        if self.url.is_empty() {
            self.url = variable("VAULT_ADDR").unwrap_or_default();
        }
        if self.token.expose().is_empty() {
            self.token = Secret::new(variable("VAULT_TOKEN").unwrap_or_default());
        }
        if self.namespace.is_empty() {
            self.namespace = variable("VAULT_NAMESPACE").unwrap_or_default();
        }
        self
    }
}

/// Why a secret cannot be had. `hint` says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Error {
    pub reason: String,
    pub hint: String,
}

fn error(reason: impl Into<String>, hint: impl Into<String>) -> Error {
    Error { reason: reason.into(), hint: hint.into() }
}

type Fields = HashMap<String, serde_json::Value>;

/// A client of one store.
pub struct Vault {
    client: VaultClient,
    url: String,
    read: BTreeMap<(String, String), Result<Fields, Error>>,
}

impl Vault {
    /// Asks nothing yet.
    pub fn open(config: &Config) -> Result<Self, Error> {
        // One TLS stack for everything; a second call finds it in place.
        drop(rustls::crypto::ring::default_provider().install_default());
        if config.url.is_empty() {
            return Err(error(
                "no Vault is named",
                "set secrets.url (or VAULT_ADDR) to its address, such as https://vault.example.org:8200",
            ));
        }
        if !config.validate().is_empty() {
            return Err(error("the section [secrets] is not fit to use", "mend its faults first"));
        }
        if config.token.expose().is_empty() {
            return Err(error(
                "there is no token for Vault",
                "set secrets.token (file:… and env:… can stand there) or VAULT_TOKEN",
            ));
        }
        let mut builder = VaultClientSettingsBuilder::default();
        builder
            .address(&config.url)
            .token(config.token.expose())
            .timeout(Some(Duration::from_millis(config.timeout_ms)))
            .verify(true)
            .ca_certs(if config.ca_file.is_empty() { Vec::new() } else { vec![config.ca_file.clone()] });
        if !config.namespace.is_empty() {
            builder.namespace(Some(config.namespace.clone()));
        }
        let settings = builder.build().map_err(|cause| {
            error(format!("secrets.url is no address: {cause}"), "such as https://vault.example.org:8200")
        })?;
        let client = VaultClient::new(settings).map_err(|cause| {
            error(format!("no client can be made for Vault: {cause}"), "look at secrets.ca_file")
        })?;
        Ok(Self { client, url: config.url.clone(), read: BTreeMap::new() })
    }

    /// One field of a secret.
    pub async fn get(&mut self, mount: &str, path: &str, key: &str) -> Result<String, Error> {
        let place = (mount.to_owned(), path.to_owned());
        if !self.read.contains_key(&place) {
            let fields = kv2::read::<Fields>(&self.client, mount, path).await;
            let fields = fields.map_err(|cause| self.explain(&cause, mount, path));
            self.read.insert(place.clone(), fields);
        }
        let fields = self.read[&place].as_ref().map_err(Clone::clone)?;
        match fields.get(key) {
            Some(serde_json::Value::String(text)) if !text.is_empty() => Ok(text.clone()),
            Some(serde_json::Value::String(_)) => {
                Err(error(format!("{key} of {mount}/{path} is empty"), "write a value to it"))
            }
            Some(_) => {
                Err(error(format!("{key} of {mount}/{path} is no text"), "write it to Vault as a text"))
            }
            None => {
                let mut names: Vec<_> = fields.keys().map(String::as_str).collect();
                names.sort_unstable();
                Err(error(
                    format!("{mount}/{path} has no key {key}"),
                    format!("its keys are {}", names.join(", ")),
                ))
            }
        }
    }

    fn explain(&self, cause: &ClientError, mount: &str, path: &str) -> Error {
        let url = &self.url;
        match cause {
            ClientError::APIError { code: 403, .. } => error(
                format!("Vault at {url} does not let this token read {mount}/{path}"),
                format!(
                    "the token's policy must allow `read` on {mount}/data/{path}, and the token must not have expired"
                ),
            ),
            ClientError::APIError { code: 404, .. } => error(
                format!("Vault at {url} has nothing at {mount}/{path}"),
                format!("see `vault kv get -mount={mount} {path}`; the store must be KV version 2"),
            ),
            ClientError::APIError { code: 503, .. } => {
                error(format!("Vault at {url} is sealed or under maintenance"), "unseal it, and start again")
            }
            ClientError::APIError { code, errors } => {
                error(format!("Vault at {url} answers {code}: {}", errors.join("; ")), "see its log")
            }
            ClientError::RestClientError { .. } => error(
                format!("Vault does not answer at {url}"),
                "it must be reachable from here within secrets.timeout_ms; see secrets.url and secrets.ca_file",
            ),
            other => error(format!("Vault at {url} answers what is no KV version 2 secret: {other}"), ""),
        }
    }
}
