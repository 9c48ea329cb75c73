use std::path::{Path, PathBuf};

use kernel::Secret;
use serde::{Deserialize, Serialize};

use crate::pool::postgres_options;

/// Section `[database]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `postgres://…`, or `sqlite://path`. Empty (the default): `socle.db` in the data folder.
    pub url: Secret<String>,
    /// PostgreSQL: connections kept open also when nobody needs them. Default 2.
    pub connections_min: u32,
    /// PostgreSQL: connections held at most, the overflow above `connections_min` only while it is needed (`idle_s`);
    /// SQLite: readers. Default 16.
    pub connections_max: u32,
    /// Connections above `connections_min` are closed when so many were not needed at once for this long, in seconds.
    /// Default 300.
    pub idle_s: u64,
    /// PostgreSQL: a connection older than this is replaced, in seconds. Default 1800.
    pub recycle_s: u64,
    /// PostgreSQL: asks a connection whether it still lives before it is used: one round trip, and no request fails
    /// because the server was restarted while nobody asked. Default true.
    pub pre_ping: bool,
    /// How long a request waits for a free connection, or on SQLite for its turn to write, before it is answered 503,
    /// in milliseconds. Default 5000.
    pub acquire_timeout_ms: u64,
    /// How many transactions may wait for their turn to write, and as many for a reader; beyond, the answer is 503 at
    /// once, so that a flood of requests does not fill the memory. Default 1000.
    pub writers_waiting_max: u32,
    /// A statement that runs longer is cancelled, in milliseconds; 0 for no limit. Default 30000.
    pub statement_timeout_ms: u64,
    /// PostgreSQL: a statement that waits longer for another transaction's lock is cancelled, in milliseconds; 0 for no
    /// limit. Default 10000.
    pub lock_timeout_ms: u64,
    /// PostgreSQL: a transaction in which nothing happens for this long is ended, with its connection, in milliseconds;
    /// 0 for no limit. Default 60000.
    pub transaction_idle_timeout_ms: u64,
    /// PostgreSQL: prepared statements kept per connection. Set 0 behind PgBouncer in transaction mode before its
    /// version 1.21, or with its `max_prepared_statements` at 0. Default 256.
    pub statement_cache: usize,
    /// Statements that take longer are logged, without their parameters, in milliseconds; 0 for none. Default 500.
    pub slow_ms: u64,
    /// SQLite: `normal` survives a crash of Socle but may lose the last commits in a power cut; `full` waits for the
    /// disk at every commit. Default `normal`.
    pub synchronous: Synchronous,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
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
            connections_min: 2,
            connections_max: 16,
            idle_s: 300,
            recycle_s: 1_800,
            pre_ping: true,
            acquire_timeout_ms: 5_000,
            writers_waiting_max: 1_000,
            statement_timeout_ms: 30_000,
            lock_timeout_ms: 10_000,
            transaction_idle_timeout_ms: 60_000,
            statement_cache: 256,
            slow_ms: 500,
            synchronous: Synchronous::default(),
        }
    }
}

/// What the URL asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Target<'c> {
    /// Empty: the file in the data folder.
    DefaultFile,
    SqliteFile(&'c str),
    Postgres,
}

impl Config {
    /// Every fault at once, as `key: reason`.
    pub fn validate(&self) -> Vec<String> {
        const DAY_MS: u64 = 86_400_000;
        let mut faults = Vec::new();
        let mut check = |fine: bool, fault: &str| {
            if !fine {
                faults.push(fault.to_owned());
            }
        };
        match self.target() {
            Err(reason) => check(false, &format!("url: {reason}")),
            Ok(Target::Postgres) => {
                let readable = postgres_options(self.url.expose()).is_ok();
                check(readable, "url: must read like postgres://user:password@host:5432/database");
            }
            Ok(_) => {}
        }
        let max_is_fine = (1..=10_000).contains(&self.connections_max);
        check(
            max_is_fine,
            "connections_max: must be from 1 to 10000; PostgreSQL's own max_connections limits all nodes together",
        );
        check(
            !max_is_fine || self.connections_min <= self.connections_max,
            "connections_min: must be at most connections_max, which holds the overflow too",
        );
        check((1..=86_400).contains(&self.idle_s), "idle_s: must be from 1 to 86400");
        check((1..=604_800).contains(&self.recycle_s), "recycle_s: must be from 1 to 604800");
        check(
            (10..=600_000).contains(&self.acquire_timeout_ms),
            "acquire_timeout_ms: must be from 10 to 600000",
        );
        check(
            (1..=1_000_000).contains(&self.writers_waiting_max),
            "writers_waiting_max: must be from 1 to 1000000",
        );
        check(
            self.statement_timeout_ms <= DAY_MS,
            "statement_timeout_ms: must be at most 86400000; 0 for no limit",
        );
        check(self.lock_timeout_ms <= DAY_MS, "lock_timeout_ms: must be at most 86400000; 0 for no limit");
        check(
            self.transaction_idle_timeout_ms <= DAY_MS,
            "transaction_idle_timeout_ms: must be at most 86400000; 0 for no limit",
        );
        check(self.statement_cache <= 100_000, "statement_cache: must be at most 100000");
        check(self.slow_ms <= DAY_MS, "slow_ms: must be at most 86400000; 0 for none");
        faults
    }

    /// The file of the database, if it is SQLite: `default_file` where no URL is set.
    pub fn sqlite_file(&self, default_file: &Path) -> Option<PathBuf> {
        match self.target() {
            Ok(Target::SqliteFile(path)) => Some(PathBuf::from(path)),
            Ok(Target::DefaultFile) => Some(default_file.to_owned()),
            Ok(Target::Postgres) | Err(_) => None,
        }
    }

    pub(crate) fn target(&self) -> Result<Target<'_>, &'static str> {
        let url = self.url.expose();
        match url.split_once(':').map_or("", |(scheme, _)| scheme) {
            "postgres" | "postgresql" => Ok(Target::Postgres),
            "sqlite" => match url.trim_start_matches("sqlite:").trim_start_matches("//") {
                "" => Err("sqlite:// names no file"),
                // Each connection would have a database of its own.
                ":memory:" => {
                    Err("a database in memory cannot be shared by readers and the writer; name a file")
                }
                path => Ok(Target::SqliteFile(path)),
            },
            "" if url.is_empty() => Ok(Target::DefaultFile),
            _ => Err("must begin with postgres:// or sqlite://, or be empty for SQLite in the data folder"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_all_at_once() {
        assert_eq!(Config::default().validate(), Vec::<String>::new());
        let bad = Config {
            url: Secret::new("mysql://db/x".to_owned()),
            connections_min: 20,
            connections_max: 8,
            acquire_timeout_ms: 0,
            ..Config::default()
        };
        let keys: Vec<_> =
            bad.validate().iter().map(|fault| fault.split(':').next().unwrap().to_owned()).collect();
        assert_eq!(keys, ["url", "connections_min", "acquire_timeout_ms"]);
        // The default of the one is not at fault when the other makes no sense.
        assert_eq!(Config { connections_max: 0, ..Config::default() }.validate().len(), 1);
    }

    #[test]
    fn urls_name_an_engine() {
        let check = |url: &str, expected: Result<Target<'_>, ()>| {
            let config = Config { url: Secret::new(url.to_owned()), ..Config::default() };
            assert_eq!(config.target().map_err(|_| ()), expected, "{url}");
        };
        check("", Ok(Target::DefaultFile));
        check("sqlite:///var/lib/socle.db", Ok(Target::SqliteFile("/var/lib/socle.db")));
        check("sqlite://data/socle.db", Ok(Target::SqliteFile("data/socle.db")));
        check("sqlite:socle.db", Ok(Target::SqliteFile("socle.db")));
        check("postgres://db/x", Ok(Target::Postgres));
        check("postgresql://db/x", Ok(Target::Postgres));
        check("sqlite::memory:", Err(()));
        check("sqlite://", Err(()));
        check("mysql://db/x", Err(()));
        check("/var/lib/socle.db", Err(()));
    }
}
