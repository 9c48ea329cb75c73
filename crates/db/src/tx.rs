use std::sync::Arc;

use futures::{StreamExt as _, stream::BoxStream};
use sqlx::{
    AssertSqlSafe, Postgres, SqlSafeStr, SqlStr, Sqlite, Transaction, postgres::PgArguments,
    query::Query as SqlxQuery, sqlite::SqliteArguments,
};

use crate::{
    Engine, Error, FromRow, Result, Row, Value,
    meter::{Kind, Meter},
};

/// A transaction on either engine. Dropped without [`commit`](Tx::commit), it rolls back.
pub struct Tx {
    inner: Inner,
    meter: Arc<Meter>,
    is_read_only: bool,
    after_commit: Vec<AfterCommit>,
}

/// What waits for the commit.
type AfterCommit = Box<dyn FnOnce() + Send + Sync>;

enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres {
        tx: Transaction<'static, Postgres>,
        /// Whether statements are prepared under names that outlive the transaction.
        is_preparing: bool,
    },
}

impl Tx {
    pub(crate) fn sqlite(tx: Transaction<'static, Sqlite>, meter: Arc<Meter>, is_read_only: bool) -> Self {
        Self { inner: Inner::Sqlite(tx), meter, is_read_only, after_commit: Vec::new() }
    }

    pub(crate) fn postgres(
        tx: Transaction<'static, Postgres>,
        meter: Arc<Meter>,
        is_read_only: bool,
        is_preparing: bool,
    ) -> Self {
        let inner = Inner::Postgres { tx, is_preparing };
        Self { inner, meter, is_read_only, after_commit: Vec::new() }
    }

    pub fn engine(&self) -> Engine {
        match self.inner {
            Inner::Sqlite(_) => Engine::Sqlite,
            Inner::Postgres { .. } => Engine::Postgres,
        }
    }

    /// A statement with `$1`, `$2`… for its parameters.
    pub fn query(&mut self, sql: &'static str) -> Query<'_> {
        Query { tx: self, sql: sql.into_sql_str(), values: Vec::new() }
    }

    /// A statement put together at run time. Its text must hold no input of a caller: that is what `bind` is for.
    pub fn query_built(&mut self, sql: String) -> Query<'_> {
        Query { tx: self, sql: AssertSqlSafe(sql).into_sql_str(), values: Vec::new() }
    }

    /// Several statements at once, without parameters: migrations.
    pub async fn script(&mut self, sql: String) -> Result<()> {
        let script = sqlx::raw_sql(AssertSqlSafe(sql));
        match &mut self.inner {
            Inner::Sqlite(tx) => script.execute(&mut **tx).await.map(drop),
            Inner::Postgres { tx, .. } => script.execute(&mut **tx).await.map(drop),
        }
        .map_err(|error| self.meter.failed(error))
    }

    pub async fn commit(self) -> Result<()> {
        let Self { inner, meter, is_read_only, after_commit } = self;
        let commit = async {
            match inner {
                Inner::Sqlite(tx) => tx.commit().await,
                Inner::Postgres { tx, .. } => tx.commit().await,
            }
        };
        meter.run(Kind::Commit, "COMMIT", commit).await?;
        if !is_read_only {
            meter.wrote();
        }
        for then in after_commit {
            then();
        }
        Ok(())
    }

    /// Calls `then` once this transaction is committed, and never if it is not. For wake-ups and caches: it must return
    /// at once, and what it does must not be missed if the process dies before it.
    pub fn after_commit(&mut self, then: impl FnOnce() + Send + Sync + 'static) {
        self.after_commit.push(Box::new(then));
    }

    pub async fn rollback(self) -> Result<()> {
        match self.inner {
            Inner::Sqlite(tx) => tx.rollback().await,
            Inner::Postgres { tx, .. } => tx.rollback().await,
        }
        .map_err(|error| self.meter.failed(error))
    }

    /// The transaction beneath, for a library that brings its own statements.
    pub fn as_sqlite(&mut self) -> Option<&mut Transaction<'static, Sqlite>> {
        match &mut self.inner {
            Inner::Sqlite(tx) => Some(tx),
            Inner::Postgres { .. } => None,
        }
    }

    /// The transaction beneath, for a library that brings its own statements.
    pub fn as_postgres(&mut self) -> Option<&mut Transaction<'static, Postgres>> {
        match &mut self.inner {
            Inner::Sqlite(_) => None,
            Inner::Postgres { tx, .. } => Some(tx),
        }
    }
}

/// A statement and its parameters, in order.
#[must_use = "a query does nothing until it is run"]
pub struct Query<'t> {
    tx: &'t mut Tx,
    sql: SqlStr,
    values: Vec<Value>,
}

impl Query<'_> {
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    pub fn bind_all(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.values.extend(values);
        self
    }

    /// Runs it; gives the number of rows that it changed.
    pub async fn execute(self) -> Result<u64> {
        let Self { tx: Tx { inner, meter, .. }, sql, values } = self;
        let shown = sql.clone();
        let run = async {
            Ok(match inner {
                Inner::Sqlite(tx) => bound_sqlite(sql, values).execute(&mut **tx).await?.rows_affected(),
                Inner::Postgres { tx, is_preparing } => {
                    bound_postgres(sql, values, *is_preparing).execute(&mut **tx).await?.rows_affected()
                }
            })
        };
        meter.run(Kind::of(shown.as_str()), shown.as_str(), run).await
    }

    /// The first row, if there is one.
    pub async fn optional<T: FromRow>(self) -> Result<Option<T>> {
        let Self { tx: Tx { inner, meter, .. }, sql, values } = self;
        let shown = sql.clone();
        let run = async {
            Ok(match inner {
                Inner::Sqlite(tx) => {
                    bound_sqlite(sql, values).fetch_optional(&mut **tx).await?.map(Row::Sqlite)
                }
                Inner::Postgres { tx, is_preparing } => bound_postgres(sql, values, *is_preparing)
                    .fetch_optional(&mut **tx)
                    .await?
                    .map(Row::Postgres),
            })
        };
        let row = meter.run(Kind::of(shown.as_str()), shown.as_str(), run).await?;
        row.as_ref().map(T::from_row).transpose()
    }

    /// The one row; [`Error::NoRow`] if there is none.
    pub async fn one<T: FromRow>(self) -> Result<T> {
        self.optional().await?.ok_or(Error::NoRow)
    }

    pub async fn all<T: FromRow>(self) -> Result<Vec<T>> {
        self.rows().await?.iter().map(T::from_row).collect()
    }

    /// The rows as they are, for a caller that reads them by itself.
    pub async fn rows(self) -> Result<Vec<Row>> {
        let Self { tx: Tx { inner, meter, .. }, sql, values } = self;
        let shown = sql.clone();
        let run = async {
            Ok(match inner {
                Inner::Sqlite(tx) => {
                    let rows = bound_sqlite(sql, values).fetch_all(&mut **tx).await?;
                    rows.into_iter().map(Row::Sqlite).collect()
                }
                Inner::Postgres { tx, is_preparing } => {
                    let rows = bound_postgres(sql, values, *is_preparing).fetch_all(&mut **tx).await?;
                    rows.into_iter().map(Row::Postgres).collect()
                }
            })
        };
        meter.run(Kind::of(shown.as_str()), shown.as_str(), run).await
    }
}

impl<'t> Query<'t> {
    /// The rows one by one, for a result that must not stand in memory as a whole.
    pub fn stream(self) -> BoxStream<'t, Result<Row>> {
        let Self { tx: Tx { inner, meter, .. }, sql, values } = self;
        meter.started(Kind::of(sql.as_str()));
        let meter: &'t Meter = meter;
        match inner {
            Inner::Sqlite(tx) => bound_sqlite(sql, values)
                .fetch(&mut **tx)
                .map(|row| row.map(Row::Sqlite).map_err(|error| meter.failed(error)))
                .boxed(),
            Inner::Postgres { tx, is_preparing } => bound_postgres(sql, values, *is_preparing)
                .fetch(&mut **tx)
                .map(|row| row.map(Row::Postgres).map_err(|error| meter.failed(error)))
                .boxed(),
        }
    }
}

fn bound_sqlite(sql: SqlStr, values: Vec<Value>) -> SqlxQuery<'static, Sqlite, SqliteArguments> {
    let mut query = sqlx::query(sql);
    for value in values {
        query = match value {
            Value::Bool(value) => query.bind(value),
            Value::Int(value) => query.bind(value),
            Value::Float(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
            Value::Bytes(value) => query.bind(value),
        };
    }
    query
}

fn bound_postgres(
    sql: SqlStr,
    values: Vec<Value>,
    is_preparing: bool,
) -> SqlxQuery<'static, Postgres, PgArguments> {
    let mut query = sqlx::query(sql).persistent(is_preparing);
    for value in values {
        query = match value {
            Value::Bool(value) => query.bind(value),
            Value::Int(value) => query.bind(value),
            Value::Float(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
            Value::Bytes(value) => query.bind(value),
        };
    }
    query
}
