use std::collections::{BTreeMap, BTreeSet};

use sqlx::{Row as _, postgres::PgRow};

use crate::{Engine, Error, FromRow, Result, Row, Tx, Value, error::Source, row::Inner, sqlite::Cell};

/// A table as both engines describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    /// By name; without columns that the database computes.
    pub(super) columns: Vec<Column>,
    /// A column of a type that is not known to both engines.
    pub(super) unreadable: Option<String>,
    /// Tables that its foreign keys refer to, itself left out.
    pub(super) parents: BTreeSet<String>,
    /// The column that the database numbers, and PostgreSQL's sequence for it (empty on SQLite).
    pub(super) numbered: Option<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// What both engines store alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int,
    Float,
    Text,
    Bytes,
}

impl Kind {
    fn parse(declared: &str) -> Option<Self> {
        match declared.to_ascii_uppercase().as_str() {
            "BOOLEAN" => Some(Self::Bool),
            "BIGINT" | "INTEGER" => Some(Self::Int),
            "DOUBLE PRECISION" => Some(Self::Float),
            "TEXT" => Some(Self::Text),
            "BYTEA" => Some(Self::Bytes),
            _ => None,
        }
    }

    /// The value at a place of a row, under its own kind only: nothing is converted on the way.
    pub(super) fn read(self, row: &Row, index: usize) -> Result<Value, Source> {
        match &row.0 {
            Inner::Sqlite(row) => self.of_cell(row.cell(index).ok_or("there is no such column")?),
            Inner::Postgres(row) => Ok(self.of_postgres(row, index)?),
        }
    }

    fn of_cell(self, cell: Cell<'_>) -> Result<Value, Source> {
        Ok(match (self, cell) {
            (Self::Bool, Cell::Null) => Value::Bool(None),
            (Self::Int, Cell::Null) => Value::Int(None),
            (Self::Float, Cell::Null) => Value::Float(None),
            (Self::Text, Cell::Null) => Value::Text(None),
            (Self::Bytes, Cell::Null) => Value::Bytes(None),
            (Self::Bool, Cell::Int(value)) => Value::from(value != 0),
            (Self::Int, Cell::Int(value)) => Value::from(value),
            (Self::Float, Cell::Float(value)) => Value::from(value),
            (Self::Text, Cell::Text(text)) => Value::from(std::str::from_utf8(text)?),
            (Self::Bytes, Cell::Bytes(bytes)) => Value::from(bytes),
            (kind, cell) => return Err(format!("{} where {kind:?} is declared", cell.kind()).into()),
        })
    }

    fn of_postgres(self, row: &PgRow, index: usize) -> Result<Value, sqlx::Error> {
        Ok(match self {
            Self::Bool => Value::Bool(row.try_get(index)?),
            // INTEGER is four bytes wide there.
            Self::Int => Value::Int(
                row.try_get(index)
                    .or_else(|_| row.try_get::<Option<i32>, _>(index).map(|value| value.map(i64::from)))?,
            ),
            Self::Float => Value::Float(row.try_get(index)?),
            Self::Text => Value::Text(row.try_get(index)?),
            Self::Bytes => Value::Bytes(row.try_get(index)?),
        })
    }
}

impl Table {
    /// `"a", "b"`.
    pub(super) fn column_list(&self) -> String {
        let names: Vec<_> = self.columns.iter().map(|column| quoted(&column.name)).collect();
        names.join(", ")
    }

    pub(super) fn quoted(&self) -> String {
        quoted(&self.name)
    }

    pub(super) fn read(&self, row: &Row) -> Result<Vec<Value>> {
        self.columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                column.kind.read(row, index).map_err(|source| Error::Column {
                    column: format!("{}.{}", self.name, column.name),
                    source,
                })
            })
            .collect()
    }
}

/// Names in the catalog are no input of a caller, but may be words of SQL (`position`).
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

struct Described {
    table: String,
    column: String,
    declared: String,
    is_computed: bool,
    sequence: Option<String>,
}

impl FromRow for Described {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            table: row.get("table_name")?,
            column: row.get("column_name")?,
            declared: row.get("declared")?,
            is_computed: row.get("is_computed")?,
            sequence: row.get("sequence")?,
        })
    }
}

struct Reference {
    table: String,
    parent: String,
}

impl FromRow for Reference {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { table: row.get("table_name")?, parent: row.get("parent")? })
    }
}

const SQLITE_COLUMNS: &str = "
    SELECT t.name AS table_name, c.name AS column_name, c.type AS declared, c.hidden > 0 AS is_computed,
        CASE WHEN c.pk = 1 AND m.sql LIKE '%AUTOINCREMENT%' THEN '' END AS sequence
    FROM pragma_table_list AS t JOIN pragma_table_xinfo(t.name) AS c JOIN sqlite_master AS m ON m.name = t.name
    WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite~_%' ESCAPE '~' AND m.type = 'table'
    ORDER BY t.name, c.name";

const POSTGRES_COLUMNS: &str = "
    SELECT CAST(t.table_name AS TEXT) AS table_name, CAST(c.column_name AS TEXT) AS column_name,
        CAST(c.data_type AS TEXT) AS declared, c.is_generated = 'ALWAYS' AS is_computed,
        pg_get_serial_sequence(quote_ident(t.table_schema) || '.' || quote_ident(t.table_name), c.column_name) AS sequence
    FROM information_schema.tables AS t
    JOIN information_schema.columns AS c ON c.table_schema = t.table_schema AND c.table_name = t.table_name
    WHERE t.table_schema = current_schema() AND t.table_type = 'BASE TABLE'
    ORDER BY CAST(t.table_name AS TEXT) COLLATE \"C\", CAST(c.column_name AS TEXT) COLLATE \"C\"";

const SQLITE_REFERENCES: &str = "
    SELECT t.name AS table_name, f.\"table\" AS parent
    FROM pragma_table_list AS t JOIN pragma_foreign_key_list(t.name) AS f
    WHERE t.schema = 'main' AND t.type = 'table'";

const POSTGRES_REFERENCES: &str = "
    SELECT CAST(child.relname AS TEXT) AS table_name, CAST(parent.relname AS TEXT) AS parent
    FROM pg_constraint AS f JOIN pg_class AS child ON child.oid = f.conrelid JOIN pg_class AS parent ON parent.oid = f.confrelid
    WHERE f.contype = 'f' AND child.relnamespace = CAST(quote_ident(current_schema()) AS regnamespace)";

/// All tables but those of the migrations and of the copy itself.
pub(super) async fn tables(tx: &mut Tx) -> Result<BTreeMap<String, Table>> {
    let (columns, references) = match tx.engine() {
        Engine::Sqlite => (SQLITE_COLUMNS, SQLITE_REFERENCES),
        Engine::Postgres => (POSTGRES_COLUMNS, POSTGRES_REFERENCES),
    };
    let described: Vec<Described> = tx.query(columns).all().await?;
    let mut tables = BTreeMap::new();
    for row in described {
        if row.table == "db_migrations" || row.table == super::MARKER {
            continue;
        }
        let table = tables.entry(row.table.clone()).or_insert_with(|| Table {
            name: row.table.clone(),
            columns: Vec::new(),
            unreadable: None,
            parents: BTreeSet::new(),
            numbered: None,
        });
        if row.is_computed {
            continue;
        }
        match Kind::parse(&row.declared) {
            Some(kind) => table.columns.push(Column { name: row.column.clone(), kind }),
            None => table.unreadable = Some(format!("{}.{} is {}", row.table, row.column, row.declared)),
        }
        if let Some(sequence) = row.sequence {
            table.numbered = Some((row.column, sequence));
        }
    }
    for row in tx.query(references).all::<Reference>().await? {
        if let Some(table) = tables.get_mut(&row.table).filter(|_| row.table != row.parent) {
            table.parents.insert(row.parent);
        }
    }
    Ok(tables)
}

/// Parents before children; by name among equals.
pub(super) fn in_order(mut tables: BTreeMap<String, Table>) -> Result<Vec<Table>> {
    let mut ordered: Vec<Table> = Vec::new();
    while !tables.is_empty() {
        let ready =
            tables.values().find(|table| !table.parents.iter().any(|parent| tables.contains_key(parent)));
        let Some(name) = ready.map(|table| table.name.clone()) else {
            let names: Vec<_> = tables.into_keys().collect();
            return Err(Error::Transfer(format!(
                "the foreign keys of {} go in a circle: no order to copy them in",
                names.join(", ")
            )));
        };
        ordered.extend(tables.remove(&name));
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, parents: &[&str]) -> (String, Table) {
        let parents = parents.iter().map(|&parent| parent.to_owned()).collect();
        (
            name.to_owned(),
            Table { name: name.to_owned(), columns: Vec::new(), unreadable: None, parents, numbered: None },
        )
    }

    #[test]
    fn parents_come_before_children() {
        let tables = [table("a", &["c"]), table("b", &[]), table("c", &["b", "elsewhere"])].into();
        let names: Vec<_> = in_order(tables).unwrap().into_iter().map(|table| table.name).collect();
        assert_eq!(names, ["b", "c", "a"]);
    }

    #[test]
    fn a_circle_is_told() {
        let refused = in_order([table("a", &["b"]), table("b", &["a"])].into()).unwrap_err().to_string();
        assert!(refused.contains("a, b") && refused.contains("circle"), "{refused}");
    }
}
