//! Whether a server works on a database, so that nobody takes it from under it.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use db::Db;

use crate::settings::Settings;

/// The address of the configured database.
pub(super) fn url_of(settings: &Settings) -> String {
    let url = settings.database.url.expose();
    if url.is_empty() {
        return format!("sqlite://{}", settings.server.data.join("socle.db").display());
    }
    url.clone()
}

/// Servers on PostgreSQL are seen by their connections.
pub(super) async fn refuse_servers(db: &Db, url: &str, why: &str) -> anyhow::Result<()> {
    let servers = db::transfer::servers_connected(db).await?;
    if servers > 0 {
        let connections = if servers == 1 { "a connection" } else { "connections" };
        bail!("a socle server holds {connections} to {}: stop it first, {why}", db::without_password(url));
    }
    Ok(())
}

pub(super) fn file_of(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?.trim_start_matches("//");
    Some(PathBuf::from(path))
}

pub(super) fn is_same(from: &str, to: &str) -> bool {
    match (file_of(from), file_of(to)) {
        (Some(from), Some(to)) => match (from.canonicalize(), to.canonicalize()) {
            (Ok(from), Ok(to)) => from == to,
            _ => from == to,
        },
        (None, None) => from == to,
        _ => false,
    }
}

/// A server on this SQLite file keeps its data folder locked. That is the folder of the file, or the configured one
/// where the configuration names the file.
pub(super) fn hold(url: &str, settings: &Settings, why: &str) -> anyhow::Result<Vec<File>> {
    let Some(file) = file_of(url) else { return Ok(Vec::new()) };
    let mut folders: Vec<&Path> = file.parent().into_iter().collect();
    if is_same(url, &url_of(settings)) {
        folders.push(&settings.server.data);
    }
    let mut held: Vec<File> = Vec::new();
    let mut seen: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let lock = folder.join("server.lock");
        let Ok(path) = lock.canonicalize() else { continue };
        if seen.contains(&path) {
            continue;
        }
        let handle = File::options()
            .write(true)
            .open(&path)
            .with_context(|| format!("{} cannot be opened", path.display()))?;
        if handle.try_lock().is_err() {
            bail!("a socle server works on {}: stop it first, {why}", file.display());
        }
        held.push(handle);
        seen.push(path);
    }
    Ok(held)
}
