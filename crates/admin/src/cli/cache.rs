use anyhow::{Context as _, ensure};
use cache::{Cache, Stats};
use clap::Subcommand;
use kernel::WorkspaceId;
use serde_json::json;

use super::table::{print, print_json, table};

/// Look into the cache that nodes share, and empty it.
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:\n  socle cache stats\n  socle cache clear surveillance.stats\n  \
    socle cache get surveillance.stats week --workspace ws_0abc…\n\n\
    Without Redis each server keeps its cache in its own memory, where no other process can look: use its \
    /api/v1/cache then.")]
pub enum CacheCommand {
    /// How many entries there are, by namespace.
    Stats,
    /// Forget everything, or everything of one namespace. What is needed again is computed again.
    Clear { namespace: Option<String> },
    /// Show one entry.
    Get {
        namespace: String,
        key: String,
        /// Of this workspace's; without it, of those that belong to none.
        #[arg(long, value_name = "ID")]
        workspace: Option<WorkspaceId>,
    },
    /// Forget one entry.
    Delete {
        namespace: String,
        key: String,
        /// Of this workspace's; without it, of those that belong to none.
        #[arg(long, value_name = "ID")]
        workspace: Option<WorkspaceId>,
    },
}

/// Runs `socle cache …` on the cache in Redis.
pub async fn run_cache_command(command: CacheCommand, json: bool, cache: &Cache) -> anyhow::Result<()> {
    ensure!(
        cache.is_shared(),
        "no Redis is configured (redis.url), so each server keeps its cache in its own memory, where this command cannot \
         look; ask the running server: GET or DELETE /api/v1/cache with an administrator's token, or the console's page \
         Cache. A restart empties it too"
    );
    let stats = cache.stats().await;
    ensure!(stats.is_up, "redis does not answer; see redis.url");
    match command {
        CacheCommand::Stats => show(&stats, json),
        CacheCommand::Clear { namespace } => {
            let removed = match &namespace {
                Some(namespace) => cache.clear_namespace(namespace).await,
                None => cache.clear().await,
            };
            if json {
                print_json(&json!({ "removed": removed }))
            } else {
                print(&format!("{removed} entries removed\n"))
            }
        }
        CacheCommand::Get { namespace, key, workspace } => {
            let entry = cache.find(&namespace, workspace, &key).await;
            let entry =
                entry.with_context(|| format!("the cache holds nothing at {key:?} in {namespace:?}"))?;
            if json {
                print_json(&json!({ "key": key, "ttl_s": entry.ttl.as_secs(), "value": entry.value }))
            } else {
                let value = entry
                    .value
                    .map_or_else(|| "(known to be nothing)".to_owned(), |value| format!("{value:#}"));
                print(&format!("{value}\nexpires in {} s\n", entry.ttl.as_secs()))
            }
        }
        CacheCommand::Delete { namespace, key, workspace } => {
            let deleted = cache.delete(&namespace, workspace, &key).await;
            ensure!(deleted, "the cache holds nothing at {key:?} in {namespace:?}");
            if json { print_json(&json!({ "removed": 1 })) } else { print("removed\n") }
        }
    }
}

fn show(stats: &Stats, json: bool) -> anyhow::Result<()> {
    // Those that only this command has opened hold nothing.
    let full: Vec<_> = stats.namespaces.iter().filter(|of| of.entries > 0).collect();
    if json {
        let namespaces: Vec<_> =
            full.iter().map(|of| json!({ "name": of.name, "entries": of.entries })).collect();
        return print_json(&json!({
            "engine": stats.engine,
            "entries": stats.entries,
            "memory_bytes": stats.memory_bytes,
            "namespaces": namespaces,
        }));
    }
    let rows: Vec<_> = full.iter().map(|of| vec![of.name.clone(), of.entries.to_string()]).collect();
    print(&table(&["NAMESPACE", "ENTRIES"], &rows))?;
    print(&format!("{} entries, {} KiB\n", stats.entries, stats.memory_bytes / 1024))
}
