use std::borrow::Cow;

use rusqlite::{
    ToSql,
    types::{ToSqlOutput, ValueRef},
};

use crate::Value;

/// `$1` as `?1`. SQLite takes the first for a name, which gets the next free place, and the second for a place.
pub(super) fn numbered(sql: &str) -> Cow<'_, str> {
    if !sql.contains('$') {
        return Cow::Borrowed(sql);
    }
    let mut numbered = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find(['$', '\'', '"']) {
        let (before, from) = rest.split_at(at);
        numbered.push_str(before);
        let sign = from.as_bytes()[0];
        rest = if sign == b'$' {
            let is_number = from[1..].starts_with(|next: char| next.is_ascii_digit());
            numbered.push(if is_number { '?' } else { '$' });
            &from[1..]
        } else {
            // As it stands up to the closing quote; a doubled one closes and opens again.
            let end = from[1..].find(char::from(sign)).map_or(from.len(), |end| end + 2);
            numbered.push_str(&from[..end]);
            &from[end..]
        };
    }
    numbered.push_str(rest);
    Cow::Owned(numbered)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Self::Bool(Some(value)) => ValueRef::Integer((*value).into()),
            Self::Int(Some(value)) => ValueRef::Integer(*value),
            Self::Float(Some(value)) => ValueRef::Real(*value),
            Self::Text(Some(value)) => ValueRef::Text(value.as_bytes()),
            Self::Bytes(Some(value)) => ValueRef::Blob(value),
            Self::Bool(None) | Self::Int(None) | Self::Float(None) | Self::Text(None) | Self::Bytes(None) => {
                ValueRef::Null
            }
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn numbers_become_places_and_quotes_stay() {
        for (sql, expected) in [
            ("SELECT 1", "SELECT 1"),
            ("WHERE a = $1 AND b = $12", "WHERE a = ?1 AND b = ?12"),
            ("json_extract(x, '$.a') = $1", "json_extract(x, '$.a') = ?1"),
            ("'it''s $1' || $2 || \"$3\"", "'it''s $1' || ?2 || \"$3\""),
            ("$x, $1", "$x, ?1"),
            ("é $1 'unclosed $2", "é ?1 'unclosed $2"),
            ("$", "$"),
        ] {
            assert_eq!(numbered(sql), expected);
        }
    }
}
