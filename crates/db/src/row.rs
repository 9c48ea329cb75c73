use std::sync::Arc;

use kernel::{Id, IdKind, Timestamp};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row as _, postgres::PgRow};

use crate::{
    Error, Result, Value,
    error::Source,
    sqlite::{Cell, SqliteRow},
};

/// One row of a result, from either engine.
#[derive(Clone)]
pub struct Row(pub(crate) Inner);

#[derive(Clone)]
pub(crate) enum Inner {
    Sqlite(SqliteRow),
    Postgres(Arc<PgRow>),
}

impl From<PgRow> for Row {
    fn from(row: PgRow) -> Self {
        Self(Inner::Postgres(Arc::new(row)))
    }
}

impl Row {
    /// The value of a column by its name in the `SELECT`.
    pub fn get<T: Column>(&self, column: &str) -> Result<T> {
        T::read(self, column)
    }
}

/// A type that a column can be read as.
pub trait Column: Sized {
    fn read(row: &Row, column: &str) -> Result<Self>;
}

/// A type that a row can be read as. Implemented once beside the type, in the store.
pub trait FromRow: Sized {
    fn from_row(row: &Row) -> Result<Self>;
}

pub(crate) fn unreadable(column: &str, source: impl Into<Source>) -> Error {
    Error::Column { column: column.to_owned(), source: source.into() }
}

macro_rules! plain_columns {
    ($($type:ty => $convert:expr;)*) => {$(
        impl Column for $type {
            fn read(row: &Row, column: &str) -> Result<Self> {
                match &row.0 {
                    Inner::Sqlite(row) => match row.cell_of(column) {
                        Some(cell) => $convert(cell).ok_or_else(|| other_kind::<$type>(cell)),
                        None => Err(MISSING.into()),
                    },
                    Inner::Postgres(row) => row.try_get(column).map_err(Source::from),
                }
                .map_err(|source| unreadable(column, source))
            }
        }
        impl Column for Option<$type> {
            fn read(row: &Row, column: &str) -> Result<Self> {
                match &row.0 {
                    Inner::Sqlite(row) => match row.cell_of(column) {
                        Some(Cell::Null) => Ok(None),
                        Some(cell) => $convert(cell).map(Some).ok_or_else(|| other_kind::<$type>(cell)),
                        None => Err(MISSING.into()),
                    },
                    Inner::Postgres(row) => row.try_get(column).map_err(Source::from),
                }
                .map_err(|source| unreadable(column, source))
            }
        }
    )*};
}

const MISSING: &str = "there is no such column";

fn other_kind<T>(cell: Cell<'_>) -> Source {
    format!("{} cannot be read as {}", cell.kind(), std::any::type_name::<T>()).into()
}

// In SQLite a value has a kind and a column has none: an expression gives integers where PostgreSQL gives floats, and other
// programs' files hold what they like.
plain_columns! {
    bool => |cell| match cell {
        Cell::Int(value) => Some(value != 0),
        _ => None,
    };
    i64 => |cell| match cell {
        Cell::Int(value) => Some(value),
        Cell::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => Some(value as i64),
        Cell::Text(text) => std::str::from_utf8(text).ok()?.trim().parse().ok(),
        _ => None,
    };
    f64 => |cell| match cell {
        Cell::Int(value) => Some(value as f64),
        Cell::Float(value) => Some(value),
        Cell::Text(text) => std::str::from_utf8(text).ok()?.trim().parse().ok(),
        _ => None,
    };
    String => |cell| match cell {
        Cell::Text(text) | Cell::Bytes(text) => std::str::from_utf8(text).ok().map(str::to_owned),
        Cell::Int(value) => Some(value.to_string()),
        Cell::Float(value) => Some(value.to_string()),
        Cell::Null => None,
    };
    Vec<u8> => |cell| match cell {
        Cell::Text(bytes) | Cell::Bytes(bytes) => Some(bytes.to_vec()),
        _ => None,
    };
}

macro_rules! converted_columns {
    ($($type:ty: $raw:ty, $convert:expr;)*) => {$(
        impl Column for $type {
            fn read(row: &Row, column: &str) -> Result<Self> {
                let raw: $raw = row.get(column)?;
                $convert(raw).map_err(|source| unreadable(column, source))
            }
        }
        impl Column for Option<$type> {
            fn read(row: &Row, column: &str) -> Result<Self> {
                let raw: Option<$raw> = row.get(column)?;
                raw.map($convert).transpose().map_err(|source| unreadable(column, source))
            }
        }
    )*};
}

converted_columns! {
    u64: i64, u64::try_from;
    u32: i64, u32::try_from;
    u16: i64, u16::try_from;
    u8: i64, u8::try_from;
    Timestamp: i64, Timestamp::from_microsecond;
}

impl<K: IdKind> Column for Id<K> {
    fn read(row: &Row, column: &str) -> Result<Self> {
        row.get::<String>(column)?.parse().map_err(|source: kernel::IdError| unreadable(column, source))
    }
}

impl<K: IdKind> Column for Option<Id<K>> {
    fn read(row: &Row, column: &str) -> Result<Self> {
        let text: Option<String> = row.get(column)?;
        text.map(|text| text.parse())
            .transpose()
            .map_err(|source: kernel::IdError| unreadable(column, source))
    }
}

/// A column that holds JSON as text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> Column for Json<T> {
    fn read(row: &Row, column: &str) -> Result<Self> {
        let text: String = row.get(column)?;
        serde_json::from_str(&text).map(Json).map_err(|source| unreadable(column, source))
    }
}

impl<T: DeserializeOwned> Column for Option<Json<T>> {
    fn read(row: &Row, column: &str) -> Result<Self> {
        let text: Option<String> = row.get(column)?;
        text.map(|text| serde_json::from_str(&text).map(Json))
            .transpose()
            .map_err(|source| unreadable(column, source))
    }
}

impl<T: Serialize> From<Json<T>> for Value {
    /// Values that we store always serialize: plain data, text keys.
    fn from(Json(value): Json<T>) -> Self {
        Self::Text(Some(serde_json::to_string(&value).expect("plain data with text keys serializes")))
    }
}

impl<T: Serialize> From<Option<Json<T>>> for Value {
    fn from(value: Option<Json<T>>) -> Self {
        value.map_or(Self::Text(None), Self::from)
    }
}

/// The first column of a row by itself: `SELECT COUNT(*) AS value …`.
macro_rules! scalar_rows {
    ($($type:ty),*) => {$(
        impl FromRow for $type {
            fn from_row(row: &Row) -> Result<Self> {
                row.get("value")
            }
        }
    )*};
}

scalar_rows!(bool, i64, f64, String, Vec<u8>, u64, Timestamp, Option<i64>, Option<String>);

impl<K: IdKind> FromRow for Id<K> {
    fn from_row(row: &Row) -> Result<Self> {
        row.get("value")
    }
}
