//! What the nodes of one installation share: one Redis (or Valkey), or nothing.
//!
//! [`RedisLink::none`] is the embedded default: every caller then keeps to its own process. A configured Redis that is
//! away never fails a request: [`RedisLink::connection`] says [`Away`] at once, the caller goes on by itself, and the link
//! comes back without help.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kernel::Secret;
use redis::{
    Client,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use serde::Deserialize;
use tokio::sync::OnceCell;

/// Section `[redis]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `redis://host:6379/0`, or `rediss://…` with TLS. Empty (the default): each process keeps cache, limits and realtime
    /// to itself.
    pub url: Secret<String>,
    /// What Socle's keys and channels begin with, so that several installations can share a Redis. Default `socle`.
    pub prefix: String,
    /// How long a command may take before the process goes on without it, in milliseconds. Default 250.
    pub timeout_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { url: Secret::default(), prefix: "socle".to_owned(), timeout_ms: 250 }
    }
}

/// Redis is not configured, or does not answer.
#[derive(Debug, thiserror::Error)]
#[error("redis is away")]
pub struct Away;

/// `redis.url` is not one.
#[derive(Debug, thiserror::Error)]
#[error("redis.url is not a Redis URL such as redis://127.0.0.1:6379/0")]
pub struct BadUrl(#[source] redis::RedisError);

/// The handle. Cheap to clone.
#[derive(Clone)]
pub struct RedisLink(Option<Arc<Inner>>);

struct Inner {
    client: Client,
    config: Config,
    manager: OnceCell<ConnectionManager>,
    up: AtomicBool,
}

impl RedisLink {
    /// No Redis: every process for itself.
    pub fn none() -> Self {
        Self(None)
    }

    /// Does not wait for Redis: one that is away does not stop the start.
    pub fn open(config: &Config) -> Result<Self, BadUrl> {
        if config.url.expose().is_empty() {
            return Ok(Self::none());
        }
        let client = Client::open(config.url.expose().as_str()).map_err(BadUrl)?;
        let (manager, up) = (OnceCell::new(), AtomicBool::new(true));
        Ok(Self(Some(Arc::new(Inner { client, config: config.clone(), manager, up }))))
    }

    pub fn is_configured(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the last command got through.
    pub fn is_up(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.up.load(Ordering::Relaxed))
    }

    /// `prefix:name`.
    pub fn key(&self, name: &str) -> String {
        let prefix = self.0.as_ref().map_or("socle", |inner| inner.config.prefix.as_str());
        format!("{prefix}:{name}")
    }

    /// A connection that many callers share.
    pub async fn connection(&self) -> Result<ConnectionManager, Away> {
        let inner = self.0.as_ref().ok_or(Away)?;
        let timeout = Duration::from_millis(inner.config.timeout_ms);
        let manager = inner.manager.get_or_try_init(|| async {
            let config = ConnectionManagerConfig::new()
                .set_connection_timeout(Some(timeout))
                .set_response_timeout(Some(timeout));
            inner.client.get_connection_manager_with_config(config).await
        });
        match manager.await {
            Ok(manager) => Ok(manager.clone()),
            Err(error) => {
                if inner.up.swap(false, Ordering::Relaxed) {
                    tracing::warn!(%error, "redis is away; going on without it");
                }
                Err(Away)
            }
        }
    }
}
