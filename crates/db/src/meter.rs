use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use metrics::Histogram;

use crate::{Config, Engine, Error, Result, demand::Demand};

tokio::task_local! {
    static COUNTED: Arc<AtomicU64>;
}

/// Runs the future and tells how many statements it gave to a database, also through what it calls. Tasks that it starts
/// are not counted. Tests use it to show that a list costs no more statements when it has more rows.
pub async fn count_statements<T>(future: impl Future<Output = T>) -> (T, u64) {
    let count = Arc::new(AtomicU64::new(0));
    let outcome = COUNTED.scope(count.clone(), future).await;
    (outcome, count.load(Ordering::Relaxed))
}

/// What one database tells of itself, and its two waiting lines.
pub(crate) struct Meter {
    engine: Engine,
    slow: Option<Duration>,
    pub(crate) writers: Line,
    pub(crate) readers: Line,
    read: Histogram,
    write: Histogram,
    commit: Histogram,
    wait: Histogram,
    pub(crate) demand: Demand,
    /// Set when the disk was full, until a write succeeds.
    pub(crate) is_full: AtomicBool,
}

/// How a statement counts in `db_query_duration_seconds`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    Write,
    Commit,
}

impl Kind {
    /// By the first word: a CTE that writes would count as a read; no store has one.
    pub(crate) fn of(sql: &str) -> Self {
        let word = sql.trim_start().get(..6).unwrap_or("");
        let is_read = word.eq_ignore_ascii_case("select")
            || word.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("with"));
        if is_read { Self::Read } else { Self::Write }
    }
}

/// Transactions that wait for a connection: only so many.
#[derive(Default)]
pub(crate) struct Line {
    waiting: AtomicUsize,
    max: usize,
}

/// A place in a line; leaving it is dropping it, also when whoever waited has given up.
pub(crate) struct Place<'l>(&'l Line);

impl Line {
    pub(crate) fn enter(&self) -> Result<Place<'_>> {
        let place = Place(self);
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        if before >= self.max {
            return Err(Error::Overloaded { waiting: before });
        }
        Ok(place)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Meter {
    pub(crate) fn new(engine: Engine, config: &Config) -> Self {
        let name = engine.name();
        let line = || Line {
            waiting: AtomicUsize::new(0),
            max: usize::try_from(config.writers_waiting_max).unwrap_or(usize::MAX),
        };
        let query = |kind| metrics::histogram!("db_query_duration_seconds", "engine" => name, "kind" => kind);
        Self {
            engine,
            slow: (config.slow_ms > 0).then(|| Duration::from_millis(config.slow_ms)),
            writers: line(),
            readers: line(),
            read: query("read"),
            write: query("write"),
            commit: query("commit"),
            wait: metrics::histogram!("db_wait_duration_seconds", "engine" => name),
            demand: Demand::new(config.connections_min, Duration::from_secs(config.idle_s)),
            is_full: AtomicBool::new(false),
        }
    }

    /// Runs one statement: measured, counted, and its failure named.
    pub(crate) async fn run<T>(
        &self,
        kind: Kind,
        sql: &str,
        statement: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T> {
        let start = self.started(kind);
        let outcome = statement.await;
        self.finished(kind, sql, start);
        outcome.map_err(|error| self.failed(error))
    }

    /// The same for one that runs on the caller's thread.
    pub(crate) fn run_here<T>(
        &self,
        kind: Kind,
        sql: &str,
        statement: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let start = self.started(kind);
        let outcome = statement();
        self.finished(kind, sql, start);
        outcome.inspect_err(|error| self.count(error))
    }

    pub(crate) fn started(&self, kind: Kind) -> Instant {
        if kind != Kind::Commit {
            // Outside of `count_statements` nobody counts.
            COUNTED.try_with(|count| count.fetch_add(1, Ordering::Relaxed)).ok();
        }
        Instant::now()
    }

    pub(crate) fn finished(&self, kind: Kind, sql: &str, start: Instant) {
        let elapsed = start.elapsed();
        match kind {
            Kind::Read => &self.read,
            Kind::Write => &self.write,
            Kind::Commit => &self.commit,
        }
        .record(elapsed.as_secs_f64());
        if self.slow.is_some_and(|slow| elapsed >= slow) {
            let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(
                statement = one_line(sql),
                elapsed_ms,
                engine = self.engine.name(),
                "slow statement"
            );
        } else {
            tracing::trace!(statement = sql, ?elapsed, "statement");
        }
    }

    pub(crate) fn waited(&self, start: Instant) {
        self.wait.record(start.elapsed().as_secs_f64());
    }

    /// Counts a failure under its name.
    pub(crate) fn failed(&self, error: impl Into<Error>) -> Error {
        let error = error.into();
        self.count(&error);
        error
    }

    pub(crate) fn count(&self, error: &Error) {
        if let Error::Full(_) = error
            && !self.is_full.swap(true, Ordering::Relaxed)
        {
            tracing::error!(engine = self.engine.name(), "the database cannot write: its disk is full");
        }
        let reason = match error {
            // A rule of the schema that said no: the caller's matter.
            Error::Constraint { .. } | Error::NoRow => return,
            Error::Busy | Error::Contended(_) => "busy",
            Error::Overloaded { .. } => "overloaded",
            Error::Slow(_) => "timeout",
            Error::Full(_) => "full",
            Error::Unreachable(_) | Error::Open { .. } => "unreachable",
            _ => "other",
        };
        metrics::counter!("db_errors_total", "engine" => self.engine.name(), "reason" => reason).increment(1);
    }

    /// After a commit that wrote.
    pub(crate) fn wrote(&self) {
        if self.is_full.load(Ordering::Relaxed) && self.is_full.swap(false, Ordering::Relaxed) {
            tracing::info!(engine = self.engine.name(), "the database can write again");
        }
    }
}

/// A statement as it may stand in a log line: its text holds no parameters.
fn one_line(sql: &str) -> String {
    const LENGTH_MAX: usize = 400;
    let mut line = String::new();
    for word in sql.split_whitespace() {
        if line.len() + word.len() > LENGTH_MAX {
            line.push('…');
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_an_end_and_gives_places_back() {
        let line = Line { max: 2, ..Line::default() };
        let (first, second) = (line.enter().unwrap(), line.enter().unwrap());
        assert!(matches!(line.enter(), Err(Error::Overloaded { waiting: 2 })));
        assert_eq!(line.waiting(), 2, "who was refused does not wait");
        drop(first);
        drop(line.enter().unwrap());
        drop(second);
        assert_eq!(line.waiting(), 0);
    }

    #[test]
    fn statements_are_told_apart_by_their_first_word() {
        for read in ["SELECT 1", "\n  select 1", "WITH x AS (SELECT 1) SELECT * FROM x"] {
            assert_eq!(Kind::of(read), Kind::Read, "{read}");
        }
        for write in ["INSERT INTO x VALUES (1)", "UPDATE x", "", "DELETE FROM x", "PRAGMA x"] {
            assert_eq!(Kind::of(write), Kind::Write, "{write}");
        }
    }

    #[test]
    fn logged_statements_are_short_and_on_one_line() {
        assert_eq!(one_line("SELECT *\n   FROM x\n"), "SELECT * FROM x");
        assert!(one_line(&"word ".repeat(1_000)).len() < 410);
    }
}
