use std::{ops::Range, sync::Arc};

use rusqlite::types::ValueRef;

/// One row, read out of SQLite: two pieces of memory, however many columns it has.
#[derive(Debug, Clone)]
pub(crate) struct SqliteRow {
    names: Arc<Names>,
    cells: Vec<Place>,
    /// What the texts and bytes of the row are, one after the other.
    bytes: Vec<u8>,
}

#[derive(Debug, Clone)]
enum Place {
    Null,
    Int(i64),
    Float(f64),
    Text(Range<usize>),
    Bytes(Range<usize>),
}

/// A value as SQLite holds it: a column's declared type binds nobody there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'r> {
    Null,
    Int(i64),
    Float(f64),
    /// UTF-8, unless another program wrote it.
    Text(&'r [u8]),
    Bytes(&'r [u8]),
}

impl Cell<'_> {
    /// What of a value may stand in an error.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "bytes",
        }
    }
}

/// The columns of a result.
#[derive(Debug, Default)]
pub(super) struct Names {
    text: String,
    ends: Vec<usize>,
}

impl Names {
    pub(super) fn of(statement: &rusqlite::Statement<'_>) -> rusqlite::Result<Self> {
        let mut names = Self::default();
        for index in 0..statement.column_count() {
            names.text.push_str(statement.column_name(index)?);
            names.ends.push(names.text.len());
        }
        Ok(names)
    }

    fn position(&self, name: &str) -> Option<usize> {
        let mut start = 0;
        self.ends.iter().position(|&end| {
            let found = &self.text[start..end] == name;
            start = end;
            found
        })
    }
}

impl SqliteRow {
    pub(super) fn new(names: Names) -> Self {
        let cells = Vec::with_capacity(names.ends.len());
        Self { names: Arc::new(names), cells, bytes: Vec::new() }
    }

    /// Takes the place of what was read before.
    pub(super) fn read(&mut self, row: &rusqlite::Row<'_>) -> rusqlite::Result<()> {
        self.cells.clear();
        self.bytes.clear();
        for index in 0..self.names.ends.len() {
            self.cells.push(match row.get_ref(index)? {
                ValueRef::Null => Place::Null,
                ValueRef::Integer(value) => Place::Int(value),
                ValueRef::Real(value) => Place::Float(value),
                ValueRef::Text(text) => Place::Text(keep(&mut self.bytes, text)),
                ValueRef::Blob(bytes) => Place::Bytes(keep(&mut self.bytes, bytes)),
            });
        }
        Ok(())
    }

    pub(crate) fn cell(&self, index: usize) -> Option<Cell<'_>> {
        Some(match self.cells.get(index)? {
            Place::Null => Cell::Null,
            Place::Int(value) => Cell::Int(*value),
            Place::Float(value) => Cell::Float(*value),
            Place::Text(range) => Cell::Text(&self.bytes[range.clone()]),
            Place::Bytes(range) => Cell::Bytes(&self.bytes[range.clone()]),
        })
    }

    pub(crate) fn cell_of(&self, name: &str) -> Option<Cell<'_>> {
        self.cell(self.names.position(name)?)
    }
}

fn keep(all: &mut Vec<u8>, some: &[u8]) -> Range<usize> {
    let start = all.len();
    all.extend_from_slice(some);
    start..all.len()
}
