use kernel::{Id, IdKind, Timestamp};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row as _, postgres::PgRow, sqlite::SqliteRow};

use crate::{Error, Result, Value};

/// One row of a result, from either engine.
pub enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
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

pub(crate) fn unreadable(column: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Column { column: column.to_owned(), source: source.into() }
}

macro_rules! plain_columns {
    ($($type:ty),*) => {$(
        impl Column for $type {
            fn read(row: &Row, column: &str) -> Result<Self> {
                match row {
                    Row::Sqlite(row) => row.try_get_unchecked(column),
                    Row::Postgres(row) => row.try_get(column),
                }
                .map_err(|source| unreadable(column, source))
            }
        }
        impl Column for Option<$type> {
            fn read(row: &Row, column: &str) -> Result<Self> {
                match row {
                    // Unchecked, a NULL would read as zero: ask for it first.
                    Row::Sqlite(row) => row.try_get::<Option<$type>, _>(column)
                        .or_else(|_| row.try_get_unchecked(column).map(Some)),
                    Row::Postgres(row) => row.try_get(column),
                }
                .map_err(|source| unreadable(column, source))
            }
        }
    )*};
}

plain_columns!(bool, i64, f64, String, Vec<u8>);

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
