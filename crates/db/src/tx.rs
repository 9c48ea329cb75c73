use sqlx::{
    AssertSqlSafe, Postgres, SqlSafeStr, SqlStr, Sqlite, Transaction, postgres::PgArguments,
    query::Query as SqlxQuery, sqlite::SqliteArguments,
};

use crate::{Engine, Error, FromRow, Result, Row, Value};

/// A transaction on either engine. Dropped without [`commit`](Tx::commit), it rolls back.
pub struct Tx(Inner);

enum Inner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub(crate) fn sqlite(tx: Transaction<'static, Sqlite>) -> Self {
        Self(Inner::Sqlite(tx))
    }

    pub(crate) fn postgres(tx: Transaction<'static, Postgres>) -> Self {
        Self(Inner::Postgres(tx))
    }

    pub fn engine(&self) -> Engine {
        match self.0 {
            Inner::Sqlite(_) => Engine::Sqlite,
            Inner::Postgres(_) => Engine::Postgres,
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
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        match &mut self.0 {
            Inner::Sqlite(tx) => sql.execute(&mut **tx).await.map(|_| ())?,
            Inner::Postgres(tx) => sql.execute(&mut **tx).await.map(|_| ())?,
        }
        Ok(())
    }

    pub async fn commit(self) -> Result<()> {
        match self.0 {
            Inner::Sqlite(tx) => tx.commit().await?,
            Inner::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    pub async fn rollback(self) -> Result<()> {
        match self.0 {
            Inner::Sqlite(tx) => tx.rollback().await?,
            Inner::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }

    /// The transaction beneath, for a library that brings its own statements.
    pub fn as_sqlite(&mut self) -> Option<&mut Transaction<'static, Sqlite>> {
        match &mut self.0 {
            Inner::Sqlite(tx) => Some(tx),
            Inner::Postgres(_) => None,
        }
    }

    /// The transaction beneath, for a library that brings its own statements.
    pub fn as_postgres(&mut self) -> Option<&mut Transaction<'static, Postgres>> {
        match &mut self.0 {
            Inner::Sqlite(_) => None,
            Inner::Postgres(tx) => Some(tx),
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
        Ok(match &mut self.tx.0 {
            Inner::Sqlite(tx) => {
                bound_sqlite(self.sql, self.values).execute(&mut **tx).await?.rows_affected()
            }
            Inner::Postgres(tx) => {
                bound_postgres(self.sql, self.values).execute(&mut **tx).await?.rows_affected()
            }
        })
    }

    /// The first row, if there is one.
    pub async fn optional<T: FromRow>(self) -> Result<Option<T>> {
        let row = match &mut self.tx.0 {
            Inner::Sqlite(tx) => {
                bound_sqlite(self.sql, self.values).fetch_optional(&mut **tx).await?.map(Row::Sqlite)
            }
            Inner::Postgres(tx) => {
                bound_postgres(self.sql, self.values).fetch_optional(&mut **tx).await?.map(Row::Postgres)
            }
        };
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
        Ok(match &mut self.tx.0 {
            Inner::Sqlite(tx) => bound_sqlite(self.sql, self.values)
                .fetch_all(&mut **tx)
                .await?
                .into_iter()
                .map(Row::Sqlite)
                .collect(),
            Inner::Postgres(tx) => bound_postgres(self.sql, self.values)
                .fetch_all(&mut **tx)
                .await?
                .into_iter()
                .map(Row::Postgres)
                .collect(),
        })
    }

    pub(crate) async fn one_row(self) -> Result<()> {
        if self.rows().await?.is_empty() { Err(Error::NoRow) } else { Ok(()) }
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

fn bound_postgres(sql: SqlStr, values: Vec<Value>) -> SqlxQuery<'static, Postgres, PgArguments> {
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
