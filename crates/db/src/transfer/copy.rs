use futures::TryStreamExt as _;

use super::{
    Step,
    catalog::{Column, Table, quoted},
    digest::Digest,
};
use crate::{Db, Engine, Error, Result, Tx, Value};

/// One statement carries at most this many rows, parameters (SQLite takes 32,766) and bytes.
const ROWS_MAX: usize = 500;
const PARAMETERS_MAX: usize = 10_000;
const BYTES_MAX: usize = 1 << 20;

/// Copies a table in one transaction. Gives the digest of what was read.
pub(super) async fn copy_table(
    source: &mut Tx,
    from: &Table,
    to_db: &Db,
    to: &Table,
    progress: &mut (dyn FnMut(Step<'_>) + Send),
) -> Result<Digest> {
    let rows: u64 =
        source.query_built(format!("SELECT COUNT(*) AS value FROM {}", from.quoted())).one().await?;
    progress(Step::Table { name: &from.name, rows });
    let mut tx = to_db.begin().await?;
    defer_foreign_keys(&mut tx).await?;
    let mut batch = Batch::new(to, tx.engine());
    let mut digest = Digest::default();
    {
        let sql = format!("SELECT {} FROM {}", from.column_list(), from.quoted());
        let mut rows = source.query_built(sql).stream();
        while let Some(row) = rows.try_next().await? {
            let row = from.read(&row)?;
            batch.check(&row)?;
            digest.add(&row);
            if batch.push(row) {
                progress(Step::Copied { rows: batch.write(&mut tx).await? });
            }
        }
    }
    progress(Step::Copied { rows: batch.write(&mut tx).await? });
    if let (Some(number), Some((column, into))) = (counter(source, from).await?, &to.numbered) {
        set_counter(&mut tx, to, column, into, number).await?;
    }
    tx.commit().await?;
    Ok(digest)
}

/// Rows of one table may refer to each other: what is declared `DEFERRABLE` is checked at the end.
pub(super) async fn defer_foreign_keys(tx: &mut Tx) -> Result<()> {
    let sql = match tx.engine() {
        Engine::Sqlite => "PRAGMA defer_foreign_keys = ON",
        Engine::Postgres => "SET CONSTRAINTS ALL DEFERRED",
    };
    tx.script(sql.to_owned()).await
}

struct Batch<'t> {
    table: &'t Table,
    engine: Engine,
    rows_max: usize,
    rows: usize,
    bytes: usize,
    values: Vec<Value>,
}

impl<'t> Batch<'t> {
    fn new(table: &'t Table, engine: Engine) -> Self {
        let rows_max = ROWS_MAX.min(PARAMETERS_MAX / table.columns.len().max(1)).max(1);
        Self { table, engine, rows_max, rows: 0, bytes: 0, values: Vec::new() }
    }

    /// What the target's engine cannot hold.
    fn check(&self, row: &[Value]) -> Result<()> {
        let refuse = |column: &Column, what: &str| {
            let place = format!("{}.{}", self.table.name, column.name);
            Err(Error::Transfer(format!("{place} holds {what}, which {} cannot store", self.engine.name())))
        };
        for (column, value) in self.table.columns.iter().zip(row) {
            match (self.engine, value) {
                (Engine::Postgres, Value::Text(Some(text))) if text.contains('\0') => {
                    return refuse(column, "a text with a NUL character");
                }
                (Engine::Sqlite, Value::Float(Some(number))) if number.is_nan() => {
                    return refuse(column, "a number that is not one (NaN)");
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// `true` when it is full.
    fn push(&mut self, row: Vec<Value>) -> bool {
        self.bytes += row.iter().map(size).sum::<usize>();
        self.rows += 1;
        self.values.extend(row);
        self.rows >= self.rows_max || self.bytes >= BYTES_MAX
    }

    async fn write(&mut self, tx: &mut Tx) -> Result<u64> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        if rows == 0 {
            return Ok(0);
        }
        tx.query_built(self.insert(rows)).bind_all(self.values.drain(..)).execute().await
    }

    fn insert(&self, rows: usize) -> String {
        let columns = self.table.columns.len();
        let mut tuples = Vec::with_capacity(rows);
        for row in 0..rows {
            let places: Vec<_> = (1..=columns).map(|column| format!("${}", row * columns + column)).collect();
            tuples.push(format!("({})", places.join(",")));
        }
        // A column GENERATED ALWAYS AS IDENTITY takes its old numbers only when asked to.
        let overriding = match (self.engine, &self.table.numbered) {
            (Engine::Postgres, Some(_)) => " OVERRIDING SYSTEM VALUE",
            _ => "",
        };
        format!(
            "INSERT INTO {} ({}){overriding} VALUES {}",
            self.table.quoted(),
            self.table.column_list(),
            tuples.join(",")
        )
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Text(Some(text)) => text.len(),
        Value::Bytes(Some(bytes)) => bytes.len(),
        _ => 8,
    }
}

/// The highest number that the database ever gave out in this table, also to rows that are gone.
async fn counter(tx: &mut Tx, table: &Table) -> Result<Option<i64>> {
    let Some((column, sequence)) = &table.numbered else { return Ok(None) };
    let highest = format!("SELECT MAX({}) AS value FROM {}", quoted(column), table.quoted());
    let highest = tx.query_built(highest).one::<Option<i64>>().await?.unwrap_or(0);
    let given: Option<i64> = match tx.engine() {
        Engine::Sqlite => {
            tx.query("SELECT seq AS value FROM sqlite_sequence WHERE name = $1")
                .bind(&table.name)
                .optional()
                .await?
        }
        // The name comes quoted from pg_get_serial_sequence.
        Engine::Postgres => {
            let sql =
                format!("SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS value FROM {sequence}");
            tx.query_built(sql).optional().await?
        }
    };
    Ok(Some(highest.max(given.unwrap_or(0))))
}

async fn set_counter(tx: &mut Tx, table: &Table, column: &str, sequence: &str, number: i64) -> Result<()> {
    match tx.engine() {
        Engine::Sqlite => {
            tx.query("DELETE FROM sqlite_sequence WHERE name = $1").bind(&table.name).execute().await?;
            tx.query("INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)")
                .bind(&table.name)
                .bind(number)
                .execute()
                .await?;
        }
        Engine::Postgres => {
            tracing::debug!(table = table.name, column, sequence, number, "setting a sequence");
            // One that never gave a number begins at 1.
            tx.query("SELECT setval(CAST($1 AS TEXT)::regclass, $2, $3) AS value")
                .bind(sequence)
                .bind(number.max(1))
                .bind(number > 0)
                .one::<i64>()
                .await?;
        }
    }
    Ok(())
}
