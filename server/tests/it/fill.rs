//! Rows for every table, made from the schema alone, and everything that a database holds as text to compare.

use std::collections::{BTreeMap, BTreeSet};

use db::{Db, FromRow, Row, Tx, Value};

/// A column as SQLite describes it.
pub(crate) struct Column {
    pub(crate) table: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    is_required: bool,
    key: i64,
}

impl FromRow for Column {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            table: row.get("table_name")?,
            name: row.get("name")?,
            kind: row.get("type")?,
            is_required: row.get("required")?,
            key: row.get("pk")?,
        })
    }
}

struct Reference {
    table: String,
    column: String,
    parent: String,
    parent_column: String,
}

impl FromRow for Reference {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            table: row.get("table_name")?,
            column: row.get("column_name")?,
            parent: row.get("parent")?,
            parent_column: row.get("parent_column")?,
        })
    }
}

/// All columns of all tables of Socle, by table, from a SQLite database.
pub(crate) async fn columns(tx: &mut Tx) -> BTreeMap<String, Vec<Column>> {
    let all: Vec<Column> = tx
        .query(
            "SELECT t.name AS table_name, c.name AS name, c.type AS type, c.\"notnull\" > 0 AS required, c.pk AS pk
             FROM pragma_table_list AS t JOIN pragma_table_info(t.name) AS c
             WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name NOT LIKE 'db~_%' ESCAPE '~'
             ORDER BY t.name, c.name",
        )
        .all()
        .await
        .unwrap();
    let mut tables = BTreeMap::<String, Vec<Column>>::new();
    for column in all {
        tables.entry(column.table.clone()).or_default().push(column);
    }
    tables
}

/// Makes so many rows in every table of a SQLite database: extremes, texts of all kinds, NULL where it may be.
pub(crate) async fn every_table(db: &Db, rows: usize) -> Vec<String> {
    let mut tx = db.begin().await.unwrap();
    let mut tables = columns(&mut tx).await;
    let references: Vec<Reference> = tx
        .query(
            "SELECT t.name AS table_name, f.\"from\" AS column_name, f.\"table\" AS parent, f.\"to\" AS parent_column
             FROM pragma_table_list AS t JOIN pragma_foreign_key_list(t.name) AS f WHERE t.schema = 'main'",
        )
        .all()
        .await
        .unwrap();
    let names: Vec<String> = tables.keys().cloned().collect();
    for table in &names {
        tx.query_built(format!("DELETE FROM {table}")).execute().await.ok();
    }
    let mut done = BTreeSet::new();
    while !tables.is_empty() {
        let ready = tables
            .keys()
            .find(|table| {
                references
                    .iter()
                    .all(|of| of.table != **table || of.parent == **table || done.contains(&of.parent))
            })
            .cloned()
            .expect("foreign keys do not go in a circle");
        let columns = tables.remove(&ready).unwrap();
        let sql: String = tx
            .query("SELECT sql AS value FROM sqlite_master WHERE name = $1")
            .bind(&ready)
            .one()
            .await
            .unwrap();
        tx.query_built(format!("DELETE FROM {ready}")).execute().await.unwrap();
        let indexed = indexed(&mut tx, &ready).await;
        let list: Vec<_> = columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let places: Vec<_> = (1..=columns.len()).map(|place| format!("${place}")).collect();
        let insert = format!("INSERT INTO {ready} ({}) VALUES ({})", list.join(", "), places.join(", "));
        for row in 0..rows {
            let mut values = Vec::new();
            for column in &columns {
                let parent = references.iter().find(|of| of.table == ready && of.column == column.name);
                values.push(match parent {
                    Some(of) => {
                        let query = format!(
                            "SELECT {} AS value FROM {} ORDER BY 1 LIMIT 1 OFFSET {row}",
                            of.parent_column, of.parent
                        );
                        Value::from(tx.query_built(query).one::<String>().await.unwrap())
                    }
                    None => value(column, row, &sql, indexed.contains(&column.name)),
                });
            }
            tx.query_built(insert.clone())
                .bind_all(values)
                .execute()
                .await
                .unwrap_or_else(|error| panic!("{ready}: {error:?}"));
        }
        done.insert(ready);
    }
    tx.commit().await.unwrap();
    names
}

struct Name(String);

impl FromRow for Name {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self(row.get("value")?))
    }
}

/// Columns of a table that some index holds.
pub(crate) async fn indexed(tx: &mut Tx, table: &str) -> BTreeSet<String> {
    let names: Vec<Name> = tx
        .query(
            "SELECT c.name AS value FROM pragma_index_list($1) AS i JOIN pragma_index_info(i.name) AS c
             WHERE c.name IS NOT NULL",
        )
        .bind(table)
        .all()
        .await
        .unwrap();
    names.into_iter().map(|name| name.0).collect()
}

fn value(column: &Column, row: usize, table_sql: &str, is_indexed: bool) -> Value {
    let number = i64::try_from(row).unwrap();
    let may_be_null = !column.is_required && column.key == 0 && row % 3 == 1;
    match column.kind.as_str() {
        "TEXT" if may_be_null => Value::Text(None),
        "TEXT" => match checked(table_sql, &column.name) {
            Some(word) => Value::from(word),
            // Its order, its escapes and its length differ from row to row; one row holds 100 kB.
            // An index of PostgreSQL takes no such text.
            None if row == 7 && !is_indexed => Value::from(format!("{}{row}", "long ".repeat(20_000))),
            None => Value::from(format!("{}-é'\"\\\n\t☃𝄞-{row}", column.name)),
        },
        "INTEGER" if column.key > 0 => Value::from(number + 1),
        "BIGINT" | "INTEGER" if may_be_null => Value::Int(None),
        "BIGINT" | "INTEGER" => Value::from([i64::MAX, i64::MIN, 0].get(row).copied().unwrap_or(number)),
        "DOUBLE PRECISION" if may_be_null => Value::Float(None),
        "DOUBLE PRECISION" => {
            Value::from([f64::MAX, 5e-324, -0.1, f64::INFINITY].get(row).copied().unwrap_or(row as f64 * 0.1))
        }
        "BOOLEAN" if may_be_null => Value::Bool(None),
        // At most one row is it.
        "BOOLEAN" if column.name == "is_first" => Value::from(row == 0),
        "BOOLEAN" => Value::from(row.is_multiple_of(2)),
        "BYTEA" if may_be_null => Value::Bytes(None),
        "BYTEA" => Value::from([&[0, 255, 39][..], &number.to_be_bytes()[..]].concat()),
        other => panic!(
            "{}.{} is {other}: only TEXT, BIGINT, DOUBLE PRECISION, BOOLEAN and BYTEA",
            column.table, column.name
        ),
    }
}

/// The first word that a `CHECK (column IN ('…'` allows.
fn checked(table_sql: &str, column: &str) -> Option<String> {
    let (_, rest) = table_sql.split_once(&format!("({column} IN ('"))?;
    Some(rest.split('\'').next()?.to_owned())
}

/// Every row of every table as text, sorted: equal dumps are equal databases. `columns` are those of a SQLite database.
pub(crate) async fn dump(db: &Db, columns: &BTreeMap<String, Vec<Column>>) -> Vec<String> {
    let mut tx = db.read().await.unwrap();
    let mut lines = Vec::new();
    for (table, columns) in columns {
        let list: Vec<_> = columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let rows = tx.query_built(format!("SELECT {} FROM {table}", list.join(", "))).rows().await.unwrap();
        lines.extend(rows.iter().map(|row| {
            let shown = |column: &Column| {
                let name = &column.name;
                match column.kind.as_str() {
                    "TEXT" => format!("{:?}", row.get::<Option<String>>(name).unwrap()),
                    "BIGINT" | "INTEGER" => format!("{:?}", row.get::<Option<i64>>(name).unwrap()),
                    "DOUBLE PRECISION" => format!("{:?}", row.get::<Option<f64>>(name).unwrap()),
                    "BOOLEAN" => format!("{:?}", row.get::<Option<bool>>(name).unwrap()),
                    _ => format!("{:?}", row.get::<Option<Vec<u8>>>(name).unwrap()),
                }
            };
            let cells: Vec<_> = columns.iter().map(shown).collect();
            format!("{table}: {}", cells.join(" | "))
        }));
    }
    lines.sort();
    lines
}
