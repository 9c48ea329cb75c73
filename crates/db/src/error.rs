use kernel::{Problem, ToProblem};
use rusqlite::ffi;
use sqlx::error::ErrorKind;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What an engine's library says.
pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

/// What can go wrong between us and the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A `UNIQUE`, `CHECK`, `NOT NULL` or foreign key rule. `name` is PostgreSQL's (`<table>_<columns>_key` for a unique
    /// column); on SQLite it is put together from the columns in the message, so that both read the same.
    #[error("the database refused a row: {name}")]
    Constraint {
        name: String,
        #[source]
        source: Source,
    },
    #[error("the database is busy: no connection came free in time")]
    Busy,
    /// Told at once, without waiting.
    #[error("the database is busy: {waiting} transactions wait for it already")]
    Overloaded { waiting: usize },
    /// Two transactions stood in each other's way, and this one gave way.
    #[error("the database is busy: another transaction holds what this one needs")]
    Contended(#[source] Source),
    #[error("the database took too long")]
    Slow(#[source] Source),
    /// Nothing of the transaction was kept.
    #[error("the database cannot write: its disk is full")]
    Full(#[source] Source),
    #[error("the database cannot be reached now")]
    Unreachable(#[source] Source),
    #[error("could not open the database at {url}")]
    Open {
        url: String,
        #[source]
        source: Source,
    },
    #[error("{0}")]
    Url(String),
    #[error("could not read column {column} of a row")]
    Column {
        column: String,
        #[source]
        source: Source,
    },
    #[error("a query that must give one row gave none")]
    NoRow,
    #[error("migration {module} {version}: {reason}")]
    Migration { module: String, version: i64, reason: String },
    /// A way up or down that there is not.
    #[error("{0}")]
    Target(String),
    /// The copy of one database into another cannot go on.
    #[error("{0}")]
    Transfer(String),
    #[error("the database failed")]
    Sql(#[source] Source),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => Self::Busy,
            sqlx::Error::RowNotFound => Self::NoRow,
            sqlx::Error::Database(database) => match database.constraint() {
                Some(name) if !matches!(database.kind(), ErrorKind::Other) => {
                    Self::Constraint { name: name.to_owned(), source: error.into() }
                }
                _ => postgres_fault(&database.code().unwrap_or_default()).error(error.into()),
            },
            // A protocol that breaks off, and a BEGIN that opens nothing, are a connection that went away.
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::BeginFailed => Self::Unreachable(error.into()),
            _ => Self::Sql(error.into()),
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(code, message) = &error else { return Self::Sql(error.into()) };
        match constraint_name(code.extended_code, message.as_deref().unwrap_or_default()) {
            Some(name) => Self::Constraint { name, source: error.into() },
            None => sqlite_fault(code.extended_code).error(error.into()),
        }
    }
}

impl Error {
    /// PostgreSQL's regular expressions are its own: it may refuse what others take (invalid_regular_expression).
    pub fn is_pattern(&self) -> bool {
        let Self::Sql(source) = self else { return false };
        let error = source.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
        error.is_some_and(|error| error.code().as_deref() == Some("2201B"))
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Fault {
    Busy,
    Contended,
    Slow,
    Full,
    Unreachable,
    Other,
}

impl Fault {
    fn error(self, source: Source) -> Error {
        match self {
            Self::Busy => Error::Busy,
            Self::Contended => Error::Contended(source),
            Self::Slow => Error::Slow(source),
            Self::Full => Error::Full(source),
            Self::Unreachable => Error::Unreachable(source),
            Self::Other => Error::Sql(source),
        }
    }
}

/// What a SQLSTATE means for who called.
fn postgres_fault(code: &str) -> Fault {
    match code {
        // lock_not_available: lock_timeout, or NOWAIT
        "55P03" => Fault::Busy,
        // serialization_failure, deadlock_detected
        "40001" | "40P01" => Fault::Contended,
        // query_canceled: statement_timeout
        "57014" => Fault::Slow,
        // disk_full
        "53100" => Fault::Full,
        // A server that stops or starts (57P01 to 57P05), has no connection or memory left, ended an idle
        // transaction, or (read_only_sql_transaction) is a standby after a switch; class 08: the connection broke.
        "57P01" | "57P02" | "57P03" | "57P04" | "57P05" | "53200" | "53300" | "53400" | "25P03" | "25006" => {
            Fault::Unreachable
        }
        _ if code.starts_with("08") => Fault::Unreachable,
        _ => Fault::Other,
    }
}

/// What one of SQLite's extended codes means for who called.
fn sqlite_fault(code: i32) -> Fault {
    match (code & 0xff, code) {
        (ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED, _) => Fault::Busy,
        // The limit of time for a statement.
        (ffi::SQLITE_INTERRUPT, _) => Fault::Slow,
        // The second: no room for the index of the write-ahead log.
        (ffi::SQLITE_FULL, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => Fault::Full,
        (ffi::SQLITE_IOERR | ffi::SQLITE_CANTOPEN, _) => Fault::Unreachable,
        _ => Fault::Other,
    }
}

/// The rule that SQLite's message names: "UNIQUE constraint failed: users.email, users.workspace_id" or "CHECK constraint
/// failed: name".
fn constraint_name(code: i32, message: &str) -> Option<String> {
    if !matches!(
        code,
        ffi::SQLITE_CONSTRAINT_UNIQUE
            | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            | ffi::SQLITE_CONSTRAINT_NOTNULL
            | ffi::SQLITE_CONSTRAINT_CHECK
    ) {
        return None;
    }
    let (_, what) = message.split_once("constraint failed: ")?;
    if !what.contains('.') {
        return Some(what.trim_start_matches("index ").trim_matches('\'').to_owned());
    }
    let mut table = "";
    let mut columns = Vec::new();
    for part in what.split(", ") {
        let (of, column) = part.split_once('.')?;
        table = of;
        columns.push(column);
    }
    Some(format!("{table}_{}_key", columns.join("_")))
}

impl ToProblem for Error {
    fn problem(&self) -> Problem {
        match self {
            Self::Busy | Self::Overloaded { .. } | Self::Contended(_) => {
                Problem::unavailable("database-busy", self).retry_after_s(1)
            }
            Self::Slow(_) => Problem::unavailable("database-slow", self).retry_after_s(5),
            Self::Full(_) => Problem::new(507, "database-full", self).retry_after_s(30),
            Self::Unreachable(_) => Problem::unavailable("database-unreachable", self).retry_after_s(2),
            _ => Problem::internal(),
        }
    }
}

/// Turns a violated rule into the caller's own error, by name.
pub trait OnConstraint<T> {
    /// `store::insert(…).await.on_constraint("cameras_name_key", || Error::NameTaken)?`
    fn on_constraint<E: From<Error>>(self, name: &str, error: impl FnOnce() -> E) -> Result<T, E>;
}

impl<T> OnConstraint<T> for Result<T> {
    fn on_constraint<E: From<Error>>(self, name: &str, error: impl FnOnce() -> E) -> Result<T, E> {
        self.map_err(|failure| match failure {
            Error::Constraint { name: violated, .. } if violated == name => error(),
            other => other.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_engines_are_told_apart() {
        let check = |code, expected| assert_eq!(postgres_fault(code), expected, "{code}");
        check("55P03", Fault::Busy);
        check("40P01", Fault::Contended);
        check("57014", Fault::Slow);
        check("53100", Fault::Full);
        check("57P01", Fault::Unreachable);
        check("08006", Fault::Unreachable);
        check("42P01", Fault::Other);
        check("", Fault::Other);
        let check = |code, expected| assert_eq!(sqlite_fault(code), expected, "{code}");
        // SQLITE_BUSY_SNAPSHOT, SQLITE_INTERRUPT, SQLITE_FULL, SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_WRITE, SQLITE_CORRUPT
        check(517, Fault::Busy);
        check(9, Fault::Slow);
        check(13, Fault::Full);
        check(4874, Fault::Full);
        check(778, Fault::Unreachable);
        check(11, Fault::Other);
    }
}
