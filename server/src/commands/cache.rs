//! `socle cache …`: what nodes share in Redis.

use std::sync::Arc;

use cache::Cache;
use kernel::SystemClock;
use redislink::RedisLink;

use crate::settings::Settings;

/// Needs no database: only Redis is asked.
pub(crate) async fn run_cache(
    command: admin::CacheCommand,
    settings: Settings,
    json: bool,
) -> anyhow::Result<()> {
    // One TLS stack for everything that goes out; a second call finds it in place.
    drop(rustls::crypto::ring::default_provider().install_default());
    let redis = RedisLink::open(&settings.redis)?;
    let cache = Cache::new(redis, &settings.cache, Arc::new(SystemClock));
    admin::run_cache_command(command, json, &cache).await
}
