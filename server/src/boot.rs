//! From settings to a [`Platform`], with errors that say what to do.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use ::settings::RuntimeSettings;
use anyhow::{Context as _, bail};
use cache::Cache;
use db::{Db, Migrator};
use jobs::Jobs;
use kernel::{Clock, SystemClock};
use limits::Limits;
use outbound::Outbound;
use platform::{Directory, Platform, Quotas, Spawner};
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

/// What a command wants of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    /// Made, or brought up to date.
    Upgrade,
    /// Made, if there is none yet; else up to date.
    New,
    /// There and up to date.
    Ready,
}

/// Under a name of its own: PostgreSQL shows it, and `socle` are the servers.
async fn open_database(settings: &Settings, name: &str) -> anyhow::Result<Db> {
    let file = default_file(settings);
    Db::open_as(name, &settings.database, file)
        .await
        .context("the database cannot be opened; see database.url")
}

/// As [`open_database`] for a command that may make the file.
pub(crate) async fn open_or_make_database(settings: &Settings) -> anyhow::Result<Db> {
    data_folder(&settings.server.data)?;
    open_database(settings, COMMAND).await
}

/// As [`open_database`] for a command; makes no file.
pub(crate) async fn open_existing_database(settings: &Settings) -> anyhow::Result<Db> {
    if let Some(file) = missing_database(settings) {
        bail!(
            "there is no database at {}: `socle serve` or `socle db upgrade` makes one; if it is elsewhere, name its data \
             folder with --data",
            file.display()
        );
    }
    open_database(settings, COMMAND).await
}

/// What servers and other commands are called in PostgreSQL.
const SERVER: &str = "socle";
const COMMAND: &str = "socle command";

fn default_file(settings: &Settings) -> PathBuf {
    settings.server.data.join("socle.db")
}

/// The SQLite file that is configured, if it is not there.
pub(crate) fn missing_database(settings: &Settings) -> Option<PathBuf> {
    let file = settings.database.sqlite_file(&default_file(settings))?;
    (!file.try_exists().unwrap_or(true)).then_some(file)
}

/// Says what to do where the database is not at this version.
async fn check_schema(db: &Db) -> anyhow::Result<()> {
    let state = migrator(db)?.state(db).await?;
    if let [(module, version, name), ..] = &state.pending[..] {
        let (applied, pending) = (state.applied.len(), state.pending.len());
        bail!(
            "the database is at {applied} of {} migrations (the first that it lacks is {module} {version:04} {name}): run \
             `socle db upgrade`, or start the server, which does it",
            applied + pending
        );
    }
    Ok(())
}

pub(crate) fn migrator(db: &Db) -> anyhow::Result<Migrator> {
    Ok(Migrator::new(db.engine(), &modules::migrations())?)
}

/// One TLS stack for everything that goes out; a second call finds it in place.
pub(crate) fn tls() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// The database as `schema` says, with its tables up to date.
async fn ready_database(settings: &Settings, schema: Schema, clock: &dyn Clock) -> anyhow::Result<Db> {
    let db = match schema {
        Schema::Upgrade => open_database(settings, SERVER).await?,
        Schema::New => open_database(settings, COMMAND).await?,
        Schema::Ready => open_existing_database(settings).await?,
    };
    let migrator = migrator(&db)?;
    let is_new = schema == Schema::New && migrator.state(&db).await?.applied.is_empty();
    if schema == Schema::Upgrade || is_new {
        let applied =
            migrator.upgrade(&db, clock.now()).await.context("the database cannot be brought up to date")?;
        if !applied.is_empty() {
            tracing::info!(count = applied.len(), "the database is up to date now");
        }
    } else {
        check_schema(&db).await?;
    }
    Ok(db)
}

/// Opens everything that modules stand on.
pub(crate) async fn platform(
    settings: &Settings,
    public_url: String,
    schema: Schema,
) -> anyhow::Result<Platform> {
    tls();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let db = ready_database(settings, schema, &*clock).await?;
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
        quotas: Quotas::default(),
        settings: runtime,
        redis,
        db,
        clock,
        spawner: Spawner::default(),
        data: settings.server.data.clone(),
        public_url,
        sends_mail: settings.mail.is_configured(),
    })
}
