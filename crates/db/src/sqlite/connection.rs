use std::{
    collections::HashSet,
    hash::{BuildHasher as _, RandomState},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use regex::Regex;
use rusqlite::{OpenFlags, functions::FunctionFlags, hooks::Wal};

use super::{
    aside,
    log::Log,
    parameters::numbered,
    row::{Names, SqliteRow},
};
use crate::{Error, Result, Row, Value, config::Synchronous, row::Inner};

/// Prepared statements that a connection keeps.
const STATEMENTS_KEPT: usize = 512;
/// A statement that took less the last time runs where its caller stands, others [`aside`].
const QUICK: Duration = Duration::from_millis(1);
/// Statements that are remembered as quick, at most.
const QUICK_MAX: usize = 4_096;
/// So often SQLite asks whether a statement has run for too long, in steps of its machine: about a millisecond.
const LOOK_AFTER_STEPS: i32 = 20_000;

/// How connections are opened.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) file: PathBuf,
    pub(crate) access: Access,
    /// How long to wait for a lock of another process.
    pub(crate) busy_timeout: Duration,
    /// How long one statement may run.
    pub(crate) statement_timeout: Option<Duration>,
    pub(crate) synchronous: Synchronous,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Makes the file where there is none.
    Write,
    /// Beside one that writes.
    Read,
    /// Of a file that belongs to another program.
    Foreign,
}

pub(crate) struct Connection {
    raw: rusqlite::Connection,
    busy_timeout: Duration,
    /// Whether a commit waits for the disk.
    is_full_synchronous: bool,
    limit: Limit,
    hasher: RandomState,
    /// The hashes of statements that were quick.
    quick: HashSet<u64>,
}

/// When the running statement has to end.
#[derive(Clone)]
struct Limit {
    timeout: Option<Duration>,
    epoch: Instant,
    /// In microseconds since `epoch`; 0 while nothing runs that has a limit.
    until: Arc<AtomicU64>,
}

impl Connection {
    pub(super) fn open(options: &Options) -> rusqlite::Result<Self> {
        let flags = match options.access {
            Access::Write | Access::Read => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
            Access::Foreign => OpenFlags::SQLITE_OPEN_READ_ONLY,
        };
        // One thread at a time has it, see `Lease`.
        let mut raw =
            rusqlite::Connection::open_with_flags(&options.file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        raw.busy_timeout(options.busy_timeout)?;
        raw.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        add_regexp(&raw)?;
        if options.access != Access::Foreign {
            let synchronous = match options.synchronous {
                Synchronous::Normal => "normal",
                Synchronous::Full => "full",
            };
            let query_only = options.access == Access::Read;
            raw.execute_batch(&format!(
                "PRAGMA journal_mode = wal; PRAGMA synchronous = {synchronous}; PRAGMA foreign_keys = on;
                PRAGMA temp_store = memory; PRAGMA query_only = {query_only}"
            ))?;
        }
        let limit =
            Limit { timeout: options.statement_timeout, epoch: Instant::now(), until: Arc::default() };
        if limit.timeout.is_some() {
            let limit = limit.clone();
            raw.progress_handler(LOOK_AFTER_STEPS, Some(move || limit.is_over()))?;
        }
        let busy_timeout = options.busy_timeout;
        let is_full_synchronous = options.synchronous == Synchronous::Full;
        let hasher = RandomState::new();
        Ok(Self { raw, busy_timeout, is_full_synchronous, limit, hasher, quick: HashSet::new() })
    }

    /// From now on `log` hears of each commit, instead of SQLite's own folding.
    pub(super) fn tell(&mut self, log: Arc<Log>) -> rusqlite::Result<()> {
        self.raw.wal_hook(Some(move |wal: &mut Wal, pages| {
            log.grew(wal, pages);
            Ok(())
        }))
    }

    pub(super) fn begin_read(&mut self) -> Result<()> {
        Ok(self.raw.prepare_cached("BEGIN")?.raw_execute().map(drop)?)
    }

    /// `false`: another process writes at the moment.
    pub(super) fn begin_write(&mut self) -> Result<bool> {
        self.raw.busy_timeout(Duration::ZERO)?;
        let begun = self.raw.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.raw_execute());
        self.raw.busy_timeout(self.busy_timeout)?;
        match begun {
            Ok(_) => Ok(true),
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn commit(&mut self) -> Result<()> {
        self.check_transaction()?;
        let commit = || self.raw.prepare_cached("COMMIT")?.raw_execute().map(drop);
        Ok(if self.is_full_synchronous { aside(commit) } else { commit() }?)
    }

    /// `false`: the connection is of no more use.
    pub(crate) fn rollback(&mut self) -> bool {
        self.raw.is_autocommit()
            || self.raw.prepare_cached("ROLLBACK").and_then(|mut rollback| rollback.raw_execute()).is_ok()
    }

    /// Several statements, without parameters and without a limit of time.
    pub(crate) fn script(&mut self, sql: &str) -> Result<()> {
        self.check_transaction()?;
        Ok(aside(|| self.raw.execute_batch(sql))?)
    }

    /// Gives the number of rows that it changed.
    pub(crate) fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64> {
        self.check_transaction()?;
        let sql = numbered(sql);
        self.timed(&sql, |raw| {
            let mut statement = raw.prepare_cached(&sql)?;
            bind(&mut statement, values)?;
            let is_reading = statement.readonly();
            let mut rows = statement.raw_query();
            while rows.next()?.is_some() {}
            drop(rows);
            Ok(if is_reading { 0 } else { raw.changes() })
        })
    }

    /// Shows each row of a result until `take` says `false`. The row is the same one each time, with other content.
    pub(crate) fn each(
        &mut self,
        sql: &str,
        values: &[Value],
        mut take: impl FnMut(&Row) -> bool,
    ) -> Result<()> {
        self.check_transaction()?;
        let sql = numbered(sql);
        self.timed(&sql, |raw| {
            let mut statement = raw.prepare_cached(&sql)?;
            bind(&mut statement, values)?;
            let is_reading = statement.readonly();
            let mut rows = statement.raw_query();
            let Some(mut found) = rows.next()? else { return Ok(()) };
            let mut row = Row(Inner::Sqlite(SqliteRow::new(Names::of(found.as_ref())?)));
            loop {
                if let Inner::Sqlite(row) = &mut row.0 {
                    row.read(found)?;
                }
                if !take(&row) {
                    break;
                }
                found = match rows.next()? {
                    Some(next) => next,
                    None => return Ok(()),
                };
            }
            // One that writes tells of a broken foreign key at its end only; one that reads would look for more in vain.
            while !is_reading && rows.next()?.is_some() {}
            Ok(())
        })
    }

    /// SQLite ends a transaction by itself when its disk is full or a statement that writes is cut off. What comes after
    /// would be committed by itself.
    fn check_transaction(&self) -> Result<()> {
        if self.raw.is_autocommit() {
            return Err(Error::Unreachable("the transaction was ended by an earlier failure".into()));
        }
        Ok(())
    }

    fn timed<T>(
        &mut self,
        sql: &str,
        work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let key = self.hasher.hash_one(sql);
        let start = Instant::now();
        self.limit.start(start);
        let outcome = if self.quick.contains(&key) { work(&self.raw) } else { aside(|| work(&self.raw)) };
        self.limit.stop();
        if start.elapsed() > QUICK {
            self.quick.remove(&key);
        } else if self.quick.len() < QUICK_MAX {
            self.quick.insert(key);
        } else {
            self.quick.clear();
        }
        Ok(outcome?)
    }
}

impl Limit {
    fn start(&self, now: Instant) {
        if let Some(timeout) = self.timeout {
            let until = now.saturating_duration_since(self.epoch) + timeout;
            self.until.store(u64::try_from(until.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }

    fn stop(&self) {
        self.until.store(0, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        let until = self.until.load(Ordering::Relaxed);
        until > 0 && self.epoch.elapsed().as_micros() > u128::from(until)
    }
}

fn bind(statement: &mut rusqlite::Statement<'_>, values: &[Value]) -> rusqlite::Result<()> {
    // What only the other engine's text asks for may be there too, at the end.
    let count = statement.parameter_count();
    if values.len() < count {
        return Err(rusqlite::Error::InvalidParameterCount(values.len(), count));
    }
    for (index, value) in values.iter().take(count).enumerate() {
        statement.raw_bind_parameter(index + 1, value)?;
    }
    Ok(())
}

/// `x REGEXP pattern`, where PostgreSQL has `x ~ pattern`.
fn add_regexp(raw: &rusqlite::Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    raw.create_scalar_function("regexp", 2, flags, |context| {
        type Failure = Box<dyn std::error::Error + Send + Sync>;
        let pattern: Arc<Regex> =
            context.get_or_create_aux(0, |pattern| Ok::<_, Failure>(Regex::new(pattern.as_str()?)?))?;
        let text = context.get_raw(1).as_str_or_null()?;
        Ok(text.map(|text| pattern.is_match(text)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(timeout: Option<Duration>) -> (tempfile::TempDir, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            file: folder.path().join("test.db"),
            access: Access::Write,
            busy_timeout: Duration::from_secs(1),
            statement_timeout: timeout,
            synchronous: Synchronous::Normal,
        };
        (folder, Connection::open(&options).unwrap())
    }

    fn number(connection: &mut Connection, sql: &str, values: &[Value]) -> Result<Option<i64>> {
        let mut found = None;
        connection.each(sql, values, |row| {
            found = row.get("value").unwrap();
            false
        })?;
        Ok(found)
    }

    #[test]
    fn places_are_found_by_number() {
        let (_folder, mut connection) = connection(None);
        connection.begin_read().unwrap();
        let values = [Value::from(100_i64), Value::from(1_i64), Value::from("more")];
        let sql = "SELECT $2 - $1 - $2 AS value";
        assert_eq!(number(&mut connection, sql, &values).unwrap(), Some(-100));
        let few = number(&mut connection, sql, &values[..1]).unwrap_err();
        assert!(matches!(few, Error::Sql(_)), "{few}");
    }

    #[test]
    fn who_takes_one_row_of_what_is_written_hears_of_a_fault_at_its_end() {
        let (_folder, mut connection) = connection(None);
        assert!(connection.begin_write().unwrap());
        connection
            .script(
                "CREATE TABLE parents (id BIGINT PRIMARY KEY);
                 CREATE TABLE children (parent BIGINT NOT NULL REFERENCES parents (id))",
            )
            .unwrap();
        let insert = "INSERT INTO children VALUES ($1), ($2), ($3) RETURNING parent AS value";
        let values = [7_i64, 8, 9].map(Value::from);
        let refused = number(&mut connection, insert, &values).unwrap_err();
        assert!(refused.to_string().contains("failed"), "{refused}");
        connection.script("INSERT INTO parents VALUES (7), (8), (9)").unwrap();
        assert_eq!(number(&mut connection, insert, &values).unwrap(), Some(7));
        let all = "SELECT COUNT(*) AS value FROM children";
        assert_eq!(number(&mut connection, all, &[]).unwrap(), Some(3));
    }

    #[test]
    fn a_statement_that_runs_too_long_ends_and_its_transaction_with_it() {
        const ENDLESS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) AS value FROM n";
        let (_folder, mut connection) = connection(Some(Duration::from_millis(50)));
        assert!(connection.begin_write().unwrap());
        connection.script("CREATE TABLE numbers (i BIGINT)").unwrap();
        let slow = number(&mut connection, ENDLESS, &[]).unwrap_err();
        assert!(matches!(slow, Error::Slow(_)), "{slow}");
        connection.execute("INSERT INTO numbers VALUES (1)", &[]).unwrap();
        let slow = connection.execute(&format!("INSERT INTO numbers {ENDLESS}"), &[]).unwrap_err();
        assert!(matches!(slow, Error::Slow(_)), "{slow}");
        // SQLite has rolled back: nothing more may be written by itself.
        let ended = connection.execute("INSERT INTO numbers VALUES (2)", &[]).unwrap_err();
        assert!(matches!(ended, Error::Unreachable(_)), "{ended}");
        assert!(connection.commit().is_err() && connection.rollback());
    }

    #[test]
    fn patterns_match_and_nothing_matches_nothing() {
        let (_folder, mut connection) = connection(None);
        connection.begin_read().unwrap();
        let mut matches = |text: Option<&str>, pattern: &str| {
            let values = [Value::Text(text.map(str::to_owned)), pattern.into()];
            number(&mut connection, "SELECT $1 REGEXP $2 AS value", &values)
        };
        assert_eq!(matches(Some("resnet50"), "^res.*[0-9]$").unwrap(), Some(1));
        assert_eq!(matches(Some("vit"), "^res").unwrap(), Some(0));
        assert_eq!(matches(None, "a").unwrap(), None);
        assert!(matches(Some("a"), "(").is_err());
    }
}
