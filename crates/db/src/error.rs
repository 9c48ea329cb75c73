use kernel::{Problem, ToProblem};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong between us and the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A `UNIQUE`, `CHECK`, `NOT NULL` or foreign key rule. `name` is PostgreSQL's (`<table>_<columns>_key` for a unique
    /// column); on SQLite it is put together from the columns in the message, so that both read the same.
    #[error("the database refused a row: {name}")]
    Constraint {
        name: String,
        #[source]
        source: sqlx::Error,
    },
    #[error("the database is busy: no connection came free in time")]
    Busy,
    #[error("could not open the database at {url}")]
    Open {
        url: String,
        #[source]
        source: sqlx::Error,
    },
    #[error("{0}")]
    Url(String),
    #[error("could not read column {column} of a row")]
    Column {
        column: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("a query that must give one row gave none")]
    NoRow,
    #[error("migration {module} {version}: {reason}")]
    Migration { module: String, version: i64, reason: String },
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => Self::Busy,
            sqlx::Error::RowNotFound => Self::NoRow,
            sqlx::Error::Database(database) => match constraint_name(database.as_ref()) {
                Some(name) => Self::Constraint { name, source: error },
                None if database.message().contains("database is locked") => Self::Busy,
                None => Self::Sql(error),
            },
            _ => Self::Sql(error),
        }
    }
}

fn constraint_name(error: &dyn sqlx::error::DatabaseError) -> Option<String> {
    if matches!(error.kind(), sqlx::error::ErrorKind::Other) {
        return None;
    }
    if let Some(name) = error.constraint() {
        return Some(name.to_owned());
    }
    // SQLite: "UNIQUE constraint failed: users.email, users.workspace_id" or "CHECK constraint failed: name".
    let (_, what) = error.message().split_once("constraint failed: ")?;
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
            Self::Busy => Problem::unavailable("database-busy", self).retry_after_s(1),
            Self::Sql(sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::Tls(_)) => {
                Problem::unavailable("database-unreachable", "the database cannot be reached now")
                    .retry_after_s(2)
            }
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
