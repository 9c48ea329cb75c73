//! From settings to a [`Platform`], with errors that say what to do.

use std::{fs::File, path::Path, sync::Arc};

use ::settings::RuntimeSettings;
use anyhow::{Context as _, bail};
use cache::Cache;
use db::{Db, Migrator};
use jobs::Jobs;
use kernel::{Clock, SystemClock};
use limits::Limits;
use outbound::Outbound;
use platform::{Directory, Platform, Spawner};
use realtime::Events;
use redislink::RedisLink;
use storage::Storage;

use crate::{modules, settings::Settings};

/// Makes the data folder if it is not there, and tries it.
pub(crate) fn data_folder(path: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(path).with_context(|| {
        format!(
            "the data folder {} cannot be made; choose another with --data, or give this user the right to",
            path.display()
        )
    })?;
    // Several commands may try the same folder at once.
    let probe = path.join(format!(".writable-{}", std::process::id()));
    std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe)).with_context(|| {
        format!("the data folder {} cannot be written to; choose another with --data, or give this user the right to", path.display())
    })
}

/// Held while a server runs: two servers on one SQLite file would both run its cameras.
pub(crate) fn lock_data_folder(path: &Path) -> anyhow::Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.join("server.lock"))
        .with_context(|| format!("{} cannot be opened", path.join("server.lock").display()))?;
    if file.try_lock().is_err() {
        bail!(
            "another socle serves from the data folder {}; stop it, or choose another folder with --data \
             (several servers share one installation on PostgreSQL, each with its own data folder)",
            path.display()
        );
    }
    Ok(file)
}

pub(crate) async fn open_database(settings: &Settings) -> anyhow::Result<Db> {
    let file = settings.server.data.join("socle.db");
    Db::open(&settings.database, file).await.context("the database cannot be opened; see database.url")
}

pub(crate) fn migrator(db: &Db) -> anyhow::Result<Migrator> {
    Ok(Migrator::new(db.engine(), &modules::migrations())?)
}

/// One TLS stack for everything that goes out; a second call finds it in place.
pub(crate) fn tls() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// Opens everything that modules stand on, with the schema up to date.
pub(crate) async fn platform(settings: &Settings, public_url: String) -> anyhow::Result<Platform> {
    tls();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let db = open_database(settings).await?;
    let applied = migrator(&db)?
        .upgrade(&db, clock.now())
        .await
        .context("the database cannot be brought up to date")?;
    if !applied.is_empty() {
        tracing::info!(count = applied.len(), "the database is up to date now");
    }
    let redis = RedisLink::open(&settings.redis)?;
    let storage = Storage::open(&settings.storage, settings.server.data.join("files"))?;
    let events = Events::new(db.clone(), clock.clone(), settings.realtime.clone(), redis.clone());
    events.prepare().await?;
    let runtime = RuntimeSettings::new(db.clone(), events.clone(), modules::settings());
    runtime.refresh().await.context("the settings in the database cannot be read")?;
    Ok(Platform {
        jobs: Jobs::new(db.clone(), clock.clone(), settings.jobs.clone()),
        events,
        storage,
        cache: Cache::new(redis.clone(), &settings.cache, clock.clone()),
        limits: Limits::new(redis.clone(), &settings.limits, clock.clone()).map_err(anyhow::Error::msg)?,
        outbound: Outbound::new(&settings.outbound)?,
        directory: Directory::default(),
        settings: runtime,
        redis,
        db,
        clock,
        spawner: Spawner::default(),
        data: settings.server.data.clone(),
        public_url,
    })
}
