use std::{
    path::{Path, PathBuf},
    str::FromStr as _,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, PgPool, Postgres, SqlSafeStr as _, SqlStr, Transaction,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};

use crate::{
    Config, Error, Result, Tx,
    config::Target,
    meter::{Line, Meter},
    sqlite::{self, Access},
    whole::Whole,
};

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
pub struct Db(Arc<Shared>);

struct Shared {
    pools: Pools,
    meter: Arc<Meter>,
}

enum Pools {
    Sqlite {
        writer: sqlite::Pool,
        readers: sqlite::Pool,
    },
    Postgres {
        pool: PgPool,
        begin: SqlStr,
        begin_read: SqlStr,
        /// Whether statements are prepared under names that outlive their transaction.
        is_preparing: bool,
    },
}

/// Connections of a database in one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolState {
    /// Open connections, idle ones among them.
    pub open: u32,
    pub idle: usize,
    /// Transactions that wait for their turn to write (SQLite), or for a connection for writing (PostgreSQL).
    pub writers_waiting: usize,
    /// Transactions that wait for a connection to read.
    pub readers_waiting: usize,
}

impl Db {
    /// Opens the database that `config` names; without a URL, `default_file` by SQLite.
    pub async fn open(config: &Config, default_file: PathBuf) -> Result<Self> {
        Self::open_as("socle", config, default_file).await
    }

    /// The same under another name: PostgreSQL shows it in `pg_stat_activity`.
    pub async fn open_as(name: &str, config: &Config, default_file: PathBuf) -> Result<Self> {
        match config.target() {
            Ok(Target::Postgres) => Self::open_postgres(name, config).await,
            Ok(Target::SqliteFile(path)) => Self::open_sqlite(config, PathBuf::from(path)).await,
            Ok(Target::DefaultFile) => Self::open_sqlite(config, default_file).await,
            Err(reason) => Err(Error::Url(format!("database.url {reason}"))),
        }
    }

    async fn open_sqlite(config: &Config, file: PathBuf) -> Result<Self> {
        let acquire_timeout = Duration::from_millis(config.acquire_timeout_ms);
        let options = |access| sqlite::Options {
            file: file.clone(),
            access,
            busy_timeout: acquire_timeout,
            statement_timeout: (config.statement_timeout_ms > 0)
                .then(|| Duration::from_millis(config.statement_timeout_ms)),
            synchronous: config.synchronous,
        };
        let writer = sqlite::Pool::new(options(Access::Write), 1, acquire_timeout, None);
        let idle_timeout = Some(Duration::from_secs(config.idle_s));
        let size = config.connections_max.max(1);
        let readers = sqlite::Pool::new(options(Access::Read), size, acquire_timeout, idle_timeout);
        // It creates the file and sets WAL.
        open_first(&writer).await?;
        Ok(Self::sqlite(config, writer, readers))
    }

    /// A SQLite file of another program, which may be at work on it. Nothing is written to it: [`Db::begin`] gives a
    /// transaction that cannot write.
    pub async fn open_read_only(file: &Path) -> Result<Self> {
        let config = Config::default();
        let acquire_timeout = Duration::from_millis(config.acquire_timeout_ms);
        let options = sqlite::Options {
            file: file.to_owned(),
            access: Access::Foreign,
            busy_timeout: acquire_timeout,
            statement_timeout: None,
            synchronous: config.synchronous,
        };
        let pool = || sqlite::Pool::new(options.clone(), 1, acquire_timeout, None);
        let (writer, readers) = (pool(), pool());
        open_first(&readers).await?;
        Ok(Self::sqlite(&config, writer, readers))
    }

    fn sqlite(config: &Config, writer: sqlite::Pool, readers: sqlite::Pool) -> Self {
        let meter = Arc::new(Meter::new(Engine::Sqlite, config));
        Self(Arc::new(Shared { pools: Pools::Sqlite { writer, readers }, meter }))
    }

    async fn open_postgres(name: &str, config: &Config) -> Result<Self> {
        let url = config.url.expose();
        let open = |source: sqlx::Error| Error::Open { url: without_password(url), source: source.into() };
        let options = postgres_options(url)
            .map_err(open)?
            .application_name(name)
            .statement_cache_capacity(config.statement_cache);
        let meter = Arc::new(Meter::new(Engine::Postgres, config));
        let demand = meter.clone();
        let pool = PgPoolOptions::new()
            .min_connections(config.connections_min.min(config.connections_max))
            .max_connections(config.connections_max.max(1))
            .acquire_timeout(Duration::from_millis(config.acquire_timeout_ms))
            .idle_timeout(Duration::from_secs(config.idle_s))
            .max_lifetime(Duration::from_secs(config.recycle_s))
            .test_before_acquire(config.pre_ping)
            .after_release(move |_, _| {
                let is_kept = !demand.demand.is_surplus();
                Box::pin(async move { Ok(is_kept) })
            })
            .connect_with(options)
            .await
            .map_err(open)?;
        // Time-outs go with each transaction, in the round trip of its BEGIN: as options of the connection PgBouncer
        // would refuse them, and in transaction mode it forgets a plain SET.
        let limits = format!(
            "SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}; SET LOCAL idle_in_transaction_session_timeout = {}",
            config.statement_timeout_ms, config.lock_timeout_ms, config.transaction_idle_timeout_ms
        );
        let begin = format!("BEGIN; {limits}");
        let begin_read = format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {limits}");
        let shared = |sql: String| AssertSqlSafe(Arc::<str>::from(sql)).into_sql_str();
        let pools = Pools::Postgres {
            pool,
            begin: shared(begin),
            begin_read: shared(begin_read),
            is_preparing: config.statement_cache > 0,
        };
        Ok(Self(Arc::new(Shared { pools, meter })))
    }

    pub fn engine(&self) -> Engine {
        match self.0.pools {
            Pools::Sqlite { .. } => Engine::Sqlite,
            Pools::Postgres { .. } => Engine::Postgres,
        }
    }

    /// A transaction that may write. [`Error::Overloaded`] at once where too many wait already, [`Error::Busy`] when its
    /// turn does not come in time. A future that is dropped while it waits gives its place to the next.
    pub async fn begin(&self) -> Result<Tx> {
        let meter = &self.0.meter;
        match &self.0.pools {
            Pools::Sqlite { writer, .. } => {
                let tx = waited(meter, &meter.writers, writer.begin_write()).await?;
                Ok(Tx::sqlite(tx, meter.clone(), false))
            }
            Pools::Postgres { pool, begin, is_preparing, .. } => {
                let tx = waited(meter, &meter.writers, begin_postgres(pool, begin)).await?;
                took(meter, pool);
                Ok(Tx::postgres(tx, meter.clone(), false, *is_preparing))
            }
        }
    }

    /// A transaction that only reads: one consistent view, beside the writer.
    pub async fn read(&self) -> Result<Tx> {
        let meter = &self.0.meter;
        match &self.0.pools {
            Pools::Sqlite { readers, .. } => {
                let tx = waited(meter, &meter.readers, readers.begin_read()).await?;
                Ok(Tx::sqlite(tx, meter.clone(), true))
            }
            Pools::Postgres { pool, begin_read, is_preparing, .. } => {
                let tx = waited(meter, &meter.readers, begin_postgres(pool, begin_read)).await?;
                took(meter, pool);
                Ok(Tx::postgres(tx, meter.clone(), true, *is_preparing))
            }
        }
    }

    /// PostgreSQL: wakes those who [`listen`](Self::listen) on a channel, in every process. SQLite: nobody is there.
    pub async fn notify(&self, channel: &'static str) -> Result<()> {
        if let Pools::Postgres { pool, is_preparing, .. } = &self.0.pools {
            // Not prepared by name: behind PgBouncer the next statement may go to another connection.
            let notify = sqlx::query("SELECT pg_notify($1, '')").persistent(*is_preparing).bind(channel);
            notify.execute(pool).await.map_err(|error| self.0.meter.failed(error))?;
        }
        Ok(())
    }

    /// Hears the wake-ups of a channel, over a connection of its own beside the pool. `None` on SQLite. Behind PgBouncer
    /// in transaction mode nothing is heard, so nobody may rely on it.
    pub async fn listen(&self, channel: &'static str) -> Result<Option<Ear>> {
        let Pools::Postgres { pool, .. } = &self.0.pools else { return Ok(None) };
        let options = pool.connect_options().as_ref().clone();
        let own = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let mut listener = PgListener::connect_with(&own.connect_lazy_with(options)).await?;
        listener.listen(channel).await?;
        Ok(Some(Ear(listener)))
    }

    /// Answers if the database does.
    pub async fn ping(&self) -> Result<()> {
        let mut tx = self.read().await?;
        tx.query("SELECT CAST(1 AS BIGINT) AS value").one::<i64>().await?;
        Ok(())
    }

    /// Answers if the database does, and, after its disk was full, once it takes writes again.
    pub async fn check(&self) -> Result<()> {
        self.ping().await?;
        if !self.0.meter.is_full.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        // Something that has to reach the disk and changes nothing that anybody reads.
        let probe = match tx.engine() {
            Engine::Sqlite => "PRAGMA user_version = 0",
            Engine::Postgres => "SELECT pg_current_xact_id()",
        };
        tx.script(probe.to_owned()).await?;
        tx.commit().await
    }

    /// Connections and who waits for them, for metrics.
    pub fn pool_state(&self) -> PoolState {
        let (open, idle) = match &self.0.pools {
            Pools::Sqlite { writer, readers } => {
                let ((open, idle), (more_open, more_idle)) = (writer.state(), readers.state());
                (open + more_open, idle + more_idle)
            }
            Pools::Postgres { pool, .. } => (pool.size(), pool.num_idle()),
        };
        PoolState {
            open,
            idle,
            writers_waiting: self.0.meter.writers.waiting(),
            readers_waiting: self.0.meter.readers.waiting(),
        }
    }

    /// Sets the gauges; to be called before metrics are read.
    pub fn record_gauges(&self) {
        let state = self.pool_state();
        metrics::gauge!("db_pool_connections", "state" => "open").set(f64::from(state.open));
        metrics::gauge!("db_pool_connections", "state" => "idle").set(state.idle as f64);
        metrics::gauge!("db_pool_waiting").set((state.writers_waiting + state.readers_waiting) as f64);
        metrics::gauge!("db_writers_waiting").set(state.writers_waiting as f64);
    }

    /// Waits for open transactions and closes; SQLite folds its write-ahead log into the file.
    pub async fn close(&self) {
        match &self.0.pools {
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres { pool, .. } => pool.close().await,
        }
    }
}

/// Opens a file that may not be there, or not be a database.
async fn open_first(pool: &sqlite::Pool) -> Result<()> {
    let opened = pool.acquire().await;
    opened.map(drop).map_err(|error| Error::Open {
        url: format!("sqlite://{}", pool.file().display()),
        source: error.into(),
    })
}

/// Waits in line for a connection with a transaction on it.
async fn waited<T, E: Into<Error>>(
    meter: &Meter,
    line: &Line,
    begin: impl Future<Output = Result<T, E>>,
) -> Result<T> {
    let place = line.enter().inspect_err(|error| meter.count(error))?;
    let start = Instant::now();
    let begun = begin.await;
    drop(place);
    meter.waited(start);
    begun.map_err(|error| meter.failed(error))
}

/// May be given up at any point: before a connection is there nothing has happened, after that see [`Whole`].
async fn begin_postgres(
    pool: &PgPool,
    begin: &SqlStr,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let connection = pool.acquire().await?;
    Whole::new(Transaction::begin(connection, Some(begin.clone()))).await
}

fn took(meter: &Meter, pool: &PgPool) {
    let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
    meter.demand.took(pool.size(), pool.size().saturating_sub(idle));
}

/// How sqlx reaches the server at this URL. PgBouncer refuses a start that sets `extra_float_digits`; nothing here reads
/// floats as text.
pub(crate) fn postgres_options(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    Ok(PgConnectOptions::from_str(url)?.extra_float_digits(None).disable_statement_logging())
}

/// Where wake-ups are heard.
pub struct Ear(PgListener);

impl Ear {
    /// Waits for the next wake-up; the loss of the connection counts as one, since some may have been missed.
    pub async fn heard(&mut self) -> Result<()> {
        self.0.try_recv().await?;
        Ok(())
    }
}

/// A database URL as it may be shown.
pub fn without_password(url: &str) -> String {
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
