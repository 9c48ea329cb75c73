use std::{path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use kernel::Secret;
use serde::Deserialize;
use sqlx::{
    PgPool, SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{Error, Result, Tx};

/// Section `[database]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `postgres://…`, or `sqlite://path`. Empty (the default): `socle.db` in the data folder.
    pub url: Secret<String>,
    /// PostgreSQL: connections held at most; SQLite: readers. Default 16.
    pub connections_max: u32,
    /// How long a request waits for a free connection before it is answered 503, in milliseconds. Default 5000.
    pub acquire_timeout_ms: u64,
    /// PostgreSQL: a statement that runs longer is cancelled, in milliseconds. Default 30000.
    pub statement_timeout_ms: u64,
    /// PostgreSQL: a connection older than this is replaced, in seconds. Default 1800.
    pub recycle_s: u64,
    /// PostgreSQL: prepared statements kept per connection. Set 0 behind PgBouncer in transaction mode. Default 256.
    pub statement_cache: usize,
    /// SQLite: `normal` survives a crash of Socle but may lose the last commits in a power cut; `full` waits for the
    /// disk at every commit. Default `normal`.
    pub synchronous: Synchronous,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    #[default]
    Normal,
    Full,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            connections_max: 16,
            acquire_timeout_ms: 5_000,
            statement_timeout_ms: 30_000,
            recycle_s: 1_800,
            statement_cache: 256,
            synchronous: Synchronous::default(),
        }
    }
}

/// Which SQL engine is behind a [`Db`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }
}

/// A handle on the database. Cheap to clone.
#[derive(Clone)]
pub struct Db(Arc<Pools>);

enum Pools {
    Sqlite { writer: SqlitePool, readers: SqlitePool },
    Postgres(PgPool),
}

impl Db {
    /// Opens the database that `config` names; without a URL, `default_file` by SQLite.
    pub async fn open(config: &Config, default_file: PathBuf) -> Result<Self> {
        let url = config.url.expose();
        match url.split_once(':').map_or("", |(scheme, _)| scheme) {
            "postgres" | "postgresql" => Self::open_postgres(config).await,
            "sqlite" => {
                let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
                Self::open_sqlite(config, PathBuf::from(path)).await
            }
            "" if url.is_empty() => Self::open_sqlite(config, default_file).await,
            _ => Err(Error::Url(
                "database.url must begin with postgres:// or sqlite://, or be empty for SQLite in the data folder"
                    .to_owned(),
            )),
        }
    }

    async fn open_sqlite(config: &Config, file: PathBuf) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(match config.synchronous {
                Synchronous::Normal => SqliteSynchronous::Normal,
                Synchronous::Full => SqliteSynchronous::Full,
            })
            .foreign_keys(true)
            .busy_timeout(Duration::from_millis(config.acquire_timeout_ms))
            .pragma("temp_store", "memory")
            .statement_cache_capacity(512);
        let open = |source| Error::Open { url: format!("sqlite://{}", file.display()), source };
        let pool = |size| {
            SqlitePoolOptions::new()
                .max_connections(size)
                .acquire_timeout(Duration::from_millis(config.acquire_timeout_ms))
                .test_before_acquire(false)
        };
        // The writer comes first: it creates the file and sets WAL.
        let writer = pool(1).connect_with(options.clone()).await.map_err(open)?;
        let readers =
            pool(config.connections_max.max(1)).connect_lazy_with(options.pragma("query_only", "true"));
        Ok(Self(Arc::new(Pools::Sqlite { writer, readers })))
    }

    async fn open_postgres(config: &Config) -> Result<Self> {
        let url = config.url.expose();
        let options = PgConnectOptions::from_str(url)
            .map_err(|source| Error::Open { url: without_password(url), source })?
            .application_name("socle")
            .statement_cache_capacity(config.statement_cache)
            .options([("statement_timeout", config.statement_timeout_ms.to_string())]);
        let pool = PgPoolOptions::new()
            .max_connections(config.connections_max.max(1))
            .acquire_timeout(Duration::from_millis(config.acquire_timeout_ms))
            .max_lifetime(Duration::from_secs(config.recycle_s))
            .connect_with(options)
            .await
            .map_err(|source| Error::Open { url: without_password(url), source })?;
        Ok(Self(Arc::new(Pools::Postgres(pool))))
    }

    pub fn engine(&self) -> Engine {
        match *self.0 {
            Pools::Sqlite { .. } => Engine::Sqlite,
            Pools::Postgres(_) => Engine::Postgres,
        }
    }

    /// A transaction that may write.
    pub async fn begin(&self) -> Result<Tx> {
        Ok(match &*self.0 {
            Pools::Sqlite { writer, .. } => Tx::sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Pools::Postgres(pool) => Tx::postgres(pool.begin().await?),
        })
    }

    /// A transaction that only reads: one consistent view, beside the writer.
    pub async fn read(&self) -> Result<Tx> {
        Ok(match &*self.0 {
            Pools::Sqlite { readers, .. } => Tx::sqlite(readers.begin().await?),
            Pools::Postgres(pool) => {
                Tx::postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
            }
        })
    }

    /// Answers if the database does.
    pub async fn ping(&self) -> Result<()> {
        let mut tx = self.read().await?;
        tx.query("SELECT 1 AS value").one_row().await?;
        Ok(())
    }

    /// Connections open and idle, for metrics.
    pub fn pool_state(&self) -> (u32, usize) {
        match &*self.0 {
            Pools::Sqlite { writer, readers } => {
                (writer.size() + readers.size(), writer.num_idle() + readers.num_idle())
            }
            Pools::Postgres(pool) => (pool.size(), pool.num_idle()),
        }
    }

    /// Waits for open transactions and closes; SQLite folds its write-ahead log into the file.
    pub async fn close(&self) {
        match &*self.0 {
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

/// A database URL as it may be shown.
fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 < at => format!("{}://***@{}", &url[..scheme], &url[at + 1..]),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn passwords_are_never_shown() {
        let check = |url, shown| assert_eq!(super::without_password(url), shown);
        check("postgres://me:p@ss@db:5432/x", "postgres://***@db:5432/x");
        check("postgres://db/x", "postgres://db/x");
    }
}
