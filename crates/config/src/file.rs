//! `socle.toml` with the place of everything in it.

use std::{collections::BTreeMap, ops::Range, path::Path};

use serde::Deserialize as _;
use toml::{
    Spanned, Table,
    de::{DeTable, DeValue},
};

use crate::{Fault, Located, Place};

/// A read file: its values, and where each stands.
#[derive(Debug, Default)]
pub(crate) struct File {
    pub(crate) values: Table,
    /// Dotted names to the places of their keys.
    pub(crate) places: BTreeMap<String, Place>,
    pub(crate) faults: Vec<Located>,
}

impl File {
    /// Goes on after a line that is no TOML, so that all of them are told.
    pub(crate) fn parse(path: &Path, bytes: Vec<u8>) -> Self {
        let mut file = Self::default();
        let (text, unreadable) = decode(bytes);
        for (line, column) in unreadable {
            let place = Place::File { path: path.to_owned(), line, column };
            file.faults.push(not_utf8(place));
        }
        if !file.faults.is_empty() && text.contains('\0') {
            // UTF-16, or no text at all: each line would be a fault.
            file.faults.truncate(1);
            return file;
        }
        let text = text.as_str();
        let place = |span: Range<usize>| {
            let (line, column) = position(text, span.start);
            Place::File { path: path.to_owned(), line, column }
        };
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            file.syntax(place(error.span().unwrap_or(0..0)), error.message());
        }
        index(document.get_ref(), "", &mut |name, span| {
            file.places.insert(name, place(span));
        });
        match Table::deserialize(toml::de::Deserializer::from(document)) {
            Ok(values) => file.values = values,
            Err(error) => file.syntax(place(error.span().unwrap_or(0..0)), error.message()),
        }
        file
    }

    fn syntax(&mut self, place: Place, message: &str) {
        let fault = Fault {
            setting: String::new(),
            reason: format!("this is no TOML: {}", message.trim().replace('\n', "; ")),
            hint: Some("texts stand in quotes, sections in [brackets], one key = value on a line".to_owned()),
        };
        // One slip often makes several messages on its line; the first says it best.
        let line =
            |place: &Place| matches!(place, Place::File { line, .. } if *line > 0).then(|| place.clone());
        let known = self.faults.iter().any(|known| match (line(&known.place), line(&place)) {
            (Some(Place::File { line: a, .. }), Some(Place::File { line: b, .. })) => a == b,
            _ => false,
        });
        if !known {
            self.faults.push(Located { fault, place });
        }
    }
}

/// The text, and line and column of what is not UTF-8, once for each line.
pub(crate) fn decode(bytes: Vec<u8>) -> (String, Vec<(usize, usize)>) {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return (text, Vec::new()),
        Err(error) => error.into_bytes(),
    };
    let (mut text, mut unreadable) = (String::new(), Vec::<(usize, usize)>::new());
    let (mut line, mut column) = (1, 1);
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            (line, column) = if character == '\n' { (line + 1, 1) } else { (line, column + 1) };
        }
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            if unreadable.last().is_none_or(|(last, _)| *last < line) {
                unreadable.push((line, column));
            }
            text.push(char::REPLACEMENT_CHARACTER);
            column += 1;
        }
    }
    (text, unreadable)
}

pub(crate) fn not_utf8(place: Place) -> Located {
    let fault = Fault {
        setting: String::new(),
        reason: "this is not UTF-8".to_owned(),
        hint: Some("save the file as UTF-8".to_owned()),
    };
    Located { fault, place }
}

fn index(table: &DeTable<'_>, prefix: &str, note: &mut impl FnMut(String, Range<usize>)) {
    for (key, value) in table {
        let dot = if prefix.is_empty() { "" } else { "." };
        let name = format!("{prefix}{dot}{}", key.get_ref());
        note(name.clone(), key.span());
        inside(value, &name, note);
    }
}

fn inside(value: &Spanned<DeValue<'_>>, name: &str, note: &mut impl FnMut(String, Range<usize>)) {
    match value.get_ref() {
        DeValue::Table(table) => index(table, name, note),
        DeValue::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                let name = format!("{name}[{number}]");
                note(name.clone(), item.span());
                inside(item, &name, note);
            }
        }
        _ => {}
    }
}

/// Line and column from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
