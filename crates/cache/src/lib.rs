//! Answers kept for a while: in this process, or in Redis for all nodes.

use redislink::RedisLink;
use serde::{Deserialize, Serialize};

/// Section `[cache]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Memory of the cache in this process, in bytes. Default 67108864.
    pub memory_bytes_max: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { memory_bytes_max: 64 * 1024 * 1024 }
    }
}

/// The handle. Cheap to clone.
#[derive(Clone)]
pub struct Cache {
    redis: RedisLink,
    memory: moka::future::Cache<String, Vec<u8>>,
}

impl Cache {
    pub fn new(redis: RedisLink, config: &Config) -> Self {
        Self { redis, memory: moka::future::Cache::builder().max_capacity(config.memory_bytes_max).build() }
    }

    /// Whether all nodes share what is kept.
    pub fn is_shared(&self) -> bool {
        self.redis.is_configured()
    }

    /// Entries in this process.
    pub fn entries(&self) -> u64 {
        self.memory.entry_count()
    }
}
