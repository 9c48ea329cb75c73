use std::sync::{Arc, PoisonError};

use futures::{StreamExt as _, TryStreamExt as _, stream, stream::BoxStream};
use sqlx::{
    AssertSqlSafe, Postgres, SqlSafeStr, SqlStr, Transaction, postgres::PgArguments,
    query::Query as SqlxQuery,
};
use tokio::{sync::mpsc, task::coop};

use crate::{
    Engine, FromRow, Result, Row, Value,
    error::Error,
    meter::{Kind, Meter},
    sqlite::Lease,
};

/// Rows that are read ahead of who takes them one by one.
const ROWS_AHEAD: usize = 64;

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
    Sqlite(Lease),
    Postgres {
        tx: Transaction<'static, Postgres>,
        /// Whether statements are prepared under names that outlive the transaction.
        is_preparing: bool,
    },
}

impl Tx {
    /// On a connection with a transaction begun.
    pub(crate) fn sqlite(lease: Lease, meter: Arc<Meter>, is_read_only: bool) -> Self {
        Self { inner: Inner::Sqlite(lease), meter, is_read_only, after_commit: Vec::new() }
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
        match &mut self.inner {
            Inner::Sqlite(lease) => lease.lock().script(&sql),
            Inner::Postgres { tx, .. } => {
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut **tx).await.map(drop).map_err(Error::from)
            }
        }
        .inspect_err(|error| self.meter.count(error))
    }

    pub async fn commit(self) -> Result<()> {
        let Self { inner, meter, is_read_only, after_commit } = self;
        match inner {
            Inner::Sqlite(lease) => meter.run_here(Kind::Commit, "COMMIT", || lease.lock().commit())?,
            Inner::Postgres { tx, .. } => meter.run(Kind::Commit, "COMMIT", tx.commit()).await?,
        }
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
            // As every lease that ends without a commit.
            Inner::Sqlite(lease) => drop(lease),
            Inner::Postgres { tx, .. } => tx.rollback().await.map_err(|error| self.meter.failed(error))?,
        }
        Ok(())
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
        coop::consume_budget().await;
        let Self { tx: Tx { inner, meter, .. }, sql, values } = self;
        let kind = Kind::of(sql.as_str());
        match inner {
            Inner::Sqlite(lease) => {
                meter.run_here(kind, sql.as_str(), || lease.lock().execute(sql.as_str(), &values))
            }
            Inner::Postgres { tx, is_preparing } => {
                let statement = bound_postgres(sql.clone(), values, *is_preparing).execute(&mut **tx);
                Ok(meter.run(kind, sql.as_str(), statement).await?.rows_affected())
            }
        }
    }

    /// The first row, if there is one.
    pub async fn optional<T: FromRow>(self) -> Result<Option<T>> {
        coop::consume_budget().await;
        let Self { tx: Tx { inner, meter, .. }, sql, values } = self;
        let kind = Kind::of(sql.as_str());
        match inner {
            Inner::Sqlite(lease) => {
                let mut found = None;
                meter.run_here(kind, sql.as_str(), || {
                    lease.lock().each(sql.as_str(), &values, |row| {
                        found = Some(T::from_row(row));
                        false
                    })
                })?;
                found.transpose()
            }
            Inner::Postgres { tx, is_preparing } => {
                let statement = bound_postgres(sql.clone(), values, *is_preparing).fetch_optional(&mut **tx);
                let row = meter.run(kind, sql.as_str(), statement).await?;
                row.map(|row| T::from_row(&row.into())).transpose()
            }
        }
    }

    /// The one row; [`Error::NoRow`] if there is none.
    pub async fn one<T: FromRow>(self) -> Result<T> {
        self.optional().await?.ok_or(Error::NoRow)
    }

    pub async fn all<T: FromRow>(self) -> Result<Vec<T>> {
        self.map(T::from_row).await
    }

    /// What `read` makes of each row.
    pub async fn map<T>(self, mut read: impl FnMut(&Row) -> Result<T>) -> Result<Vec<T>> {
        coop::consume_budget().await;
        let Self { tx: Tx { inner, meter, .. }, sql, values } = self;
        let kind = Kind::of(sql.as_str());
        match inner {
            Inner::Sqlite(lease) => {
                let (mut found, mut refused) = (Vec::new(), None);
                meter.run_here(kind, sql.as_str(), || {
                    lease.lock().each(sql.as_str(), &values, |row| match read(row) {
                        Ok(one) => {
                            found.push(one);
                            true
                        }
                        Err(error) => {
                            refused = Some(error);
                            false
                        }
                    })
                })?;
                refused.map_or(Ok(found), Err)
            }
            Inner::Postgres { tx, is_preparing } => {
                let statement = bound_postgres(sql.clone(), values, *is_preparing).fetch_all(&mut **tx);
                let rows = meter.run(kind, sql.as_str(), statement).await?;
                rows.into_iter().map(|row| read(&row.into())).collect()
            }
        }
    }

    /// The rows as they are, for a caller that reads them by itself.
    pub async fn rows(self) -> Result<Vec<Row>> {
        self.map(|row| Ok(row.clone())).await
    }

    /// Shows each row in turn, for a result that must not stand in memory as a whole.
    pub async fn each(self, mut take: impl FnMut(&Row) -> Result<()>) -> Result<()> {
        coop::consume_budget().await;
        let Self { tx: Tx { inner, meter, .. }, sql, values } = self;
        let kind = Kind::of(sql.as_str());
        match inner {
            Inner::Sqlite(lease) => {
                let mut refused = None;
                meter.run_here(kind, sql.as_str(), || {
                    lease.lock().each(sql.as_str(), &values, |row| {
                        refused = take(row).err();
                        refused.is_none()
                    })
                })?;
                refused.map_or(Ok(()), Err)
            }
            Inner::Postgres { tx, is_preparing } => {
                meter.started(kind);
                let mut rows = bound_postgres(sql, values, *is_preparing).fetch(&mut **tx);
                while let Some(row) = rows.try_next().await.map_err(|error| meter.failed(error))? {
                    take(&row.into())?;
                }
                Ok(())
            }
        }
    }
}

impl<'t> Query<'t> {
    /// The rows one by one, for who waits for something else between them.
    pub(crate) fn stream(self) -> BoxStream<'t, Result<Row>> {
        let Self { tx: Tx { inner, meter, .. }, sql, values } = self;
        meter.started(Kind::of(sql.as_str()));
        let meter: &'t Meter = meter;
        match inner {
            Inner::Sqlite(lease) => {
                let connection = lease.shared();
                let (give, mut rows) = mpsc::channel(ROWS_AHEAD);
                tokio::task::spawn_blocking(move || {
                    let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                    // Nobody takes them any more: that is the end.
                    let outcome = connection
                        .each(sql.as_str(), &values, |row| give.blocking_send(Ok(row.clone())).is_ok());
                    if let Err(error) = outcome {
                        drop(give.blocking_send(Err(error)));
                    }
                });
                stream::poll_fn(move |context| rows.poll_recv(context))
                    .inspect_err(|error| meter.count(error))
                    .boxed()
            }
            Inner::Postgres { tx, is_preparing } => bound_postgres(sql, values, *is_preparing)
                .fetch(&mut **tx)
                .map(|row| row.map(Row::from).map_err(|error| meter.failed(error)))
                .boxed(),
        }
    }
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
