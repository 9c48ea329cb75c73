//! Filters and orders as SQL. Texts of callers only ever become parameters.

mod evaluation;
mod experiments;
mod logged;
mod registry;
mod runs;
mod traces;

use db::{Engine, Row, Tx, Value};

use crate::{
    error::Error,
    model::{
        Page, Place,
        filter::{Op, Operand},
    },
};

pub(crate) use evaluation::evaluation_sets;
pub(crate) use experiments::experiments;
pub(crate) use logged::{LoggedOrder, LoggedSearch, logged_models};
pub(crate) use registry::{models, versions};
pub(crate) use runs::{Phase, RunSearch, runs};
pub(crate) use traces::traces;

/// A statement in the making.
struct Builder {
    engine: Engine,
    values: Vec<Value>,
    conditions: Vec<String>,
}

impl Builder {
    fn new(tx: &Tx) -> Self {
        Self { engine: tx.engine(), values: Vec::new(), conditions: Vec::new() }
    }

    /// The place of a parameter.
    fn bind(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    fn list<V: Into<Value> + Clone>(&mut self, values: &[V]) -> String {
        let places: Vec<_> = values.iter().map(|value| self.bind(value.clone())).collect();
        format!("({})", places.join(", "))
    }

    /// `left` is an expression of ours; the operand is the caller's.
    fn compare(&mut self, left: &str, op: Op, operand: &Operand) -> String {
        let sign = match op {
            Op::Equal => "=",
            Op::NotEqual => "<>",
            Op::Less => "<",
            Op::LessOrEqual => "<=",
            Op::Greater => ">",
            Op::GreaterOrEqual => ">=",
            Op::Like | Op::ILike => return self.like(left, op, operand),
            Op::RLike => match self.engine {
                Engine::Sqlite => "REGEXP",
                Engine::Postgres => "~",
            },
            Op::In => "IN",
            Op::NotIn => "NOT IN",
            Op::IsNull => return format!("{left} IS NULL"),
            Op::IsNotNull => return format!("{left} IS NOT NULL"),
        };
        let right = match operand {
            Operand::Text(text) => self.bind(text),
            Operand::Int(number) => self.bind(*number),
            Operand::Float(number) => self.bind(*number),
            Operand::List(values) => self.list(&values.iter().map(String::as_str).collect::<Vec<_>>()),
            Operand::None => "NULL".to_owned(),
        };
        format!("{left} {sign} {right}")
    }

    /// SQLite's LIKE knows no case of ASCII letters, so it serves for ILIKE, and GLOB for LIKE. PostgreSQL's would take a
    /// backslash for an escape; MLflow's patterns have none.
    fn like(&mut self, left: &str, op: Op, operand: &Operand) -> String {
        let Operand::Text(pattern) = operand else { return "FALSE".to_owned() };
        match (self.engine, op) {
            (Engine::Sqlite, Op::Like) => {
                let place = self.bind(glob(pattern));
                format!("{left} GLOB {place}")
            }
            (Engine::Sqlite, _) => {
                let place = self.bind(pattern);
                format!("{left} LIKE {place}")
            }
            (Engine::Postgres, op) => {
                let place = self.bind(pattern);
                let word = if op == Op::Like { "LIKE" } else { "ILIKE" };
                format!("{left} {word} {place} ESCAPE ''")
            }
        }
    }

    fn wheres(&self) -> String {
        if self.conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", self.conditions.join(" AND "))
        }
    }

    /// Rows by these keys, `limit` at most of those that come after the page. `id` is the column that tells them apart.
    async fn list_after(
        mut self,
        tx: &mut Tx,
        id: &str,
        from: &str,
        keys: &[Key],
        page: Option<&Page>,
        limit: i64,
    ) -> Result<Vec<Found>, Error> {
        if let Some(page) = page {
            self.go_on_after(keys, page)?;
        }
        let limit = self.bind(limit);
        let (places, wheres, order) = (select_keys(keys), self.wheres(), order_by(keys));
        let sql = format!("SELECT {id} AS id{places} FROM {from}{wheres}{order} LIMIT {limit}");
        let found = |row: &Row| Ok(Found { id: row.get("id")?, places: places_of(row, keys)? });
        tx.query_built(sql).bind_all(self.values).map(found).await.map_err(|error| {
            if error.is_pattern() {
                Error::invalid(
                    "The database takes other regular expressions: one of those in the filter is none.",
                )
            } else {
                error.into()
            }
        })
    }

    /// Only what comes after the page's last row.
    fn go_on_after(&mut self, keys: &[Key], page: &Page) -> Result<(), Error> {
        let wrong = || Error::invalid("Invalid page token");
        if page.places.len() != keys.len() {
            return Err(wrong());
        }
        let mut equals: Vec<String> = Vec::new();
        let mut ways: Vec<String> = Vec::new();
        for (at, (key, place)) in keys.iter().zip(&page.places).enumerate() {
            let sign = if key.is_ascending { ">" } else { "<" };
            let value = &key.value;
            let (after, equal) = match (place, key.kind, &key.rank) {
                (Place::Absent(rank), _, Some(expression)) => {
                    let place = self.bind(*rank);
                    (format!("{expression} > {place}"), format!("{expression} = {place}"))
                }
                (place, kind, rank) => {
                    let place = match (place, kind) {
                        (Place::Int(number), Kind::Int) => self.bind(*number),
                        (Place::Bits(bits), Kind::Float) => self.bind(f64::from_bits(*bits)),
                        (Place::Text(text), Kind::Text) if !text.contains('\0') => self.bind(text),
                        _ => return Err(wrong()),
                    };
                    match rank {
                        Some(rank) => (
                            format!("({rank} > 0 OR ({rank} = 0 AND {value} {sign} {place}))"),
                            format!("({rank} = 0 AND {value} = {place})"),
                        ),
                        None => {
                            if at == 0 {
                                // Said once more by itself, so that an index can begin there.
                                self.conditions.push(format!("{value} {sign}= {place}"));
                            }
                            (format!("{value} {sign} {place}"), format!("{value} = {place}"))
                        }
                    }
                }
            };
            ways.push(equals.iter().cloned().chain([after]).collect::<Vec<_>>().join(" AND "));
            equals.push(equal);
        }
        self.conditions.push(format!("(({}))", ways.join(") OR (")));
        Ok(())
    }
}

/// What a list is ordered by. `rank` says of a value that may be missing where its absence stands: 0 where it is there.
struct Key {
    rank: Option<String>,
    value: String,
    is_ascending: bool,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Int,
    Float,
    Text,
}

impl Key {
    fn plain(value: &str, is_ascending: bool, kind: Kind) -> Self {
        Self { rank: None, value: value.to_owned(), is_ascending, kind }
    }

    /// NULL comes last, whatever the direction.
    fn nullable(value: &str, is_ascending: bool, kind: Kind) -> Self {
        let rank = Some(format!("CASE WHEN {value} IS NULL THEN 1 ELSE 0 END"));
        Self { rank, ..Self::plain(value, is_ascending, kind) }
    }
}

/// Columns that give a row's place back.
fn select_keys(keys: &[Key]) -> String {
    keys.iter()
        .enumerate()
        .map(|(at, key)| match &key.rank {
            Some(rank) => format!(", CAST({rank} AS BIGINT) AS rank{at}, {} AS key{at}", key.value),
            None => format!(", {} AS key{at}", key.value),
        })
        .collect()
}

fn order_by(keys: &[Key]) -> String {
    let parts: Vec<_> = keys
        .iter()
        .flat_map(|key| {
            let direction = if key.is_ascending { "ASC" } else { "DESC" };
            key.rank.clone().into_iter().chain([format!("{} {direction}", key.value)])
        })
        .collect();
    format!(" ORDER BY {}", parts.join(", "))
}

fn places_of(row: &Row, keys: &[Key]) -> db::Result<Vec<Place>> {
    let place = |(at, key): (usize, &Key)| {
        if key.rank.is_some() {
            let rank: i64 = row.get(&format!("rank{at}"))?;
            if rank > 0 {
                return Ok(Place::Absent(rank));
            }
        }
        let column = format!("key{at}");
        Ok(match key.kind {
            Kind::Int => Place::Int(row.get(&column)?),
            Kind::Float => Place::Bits(row.get::<f64>(&column)?.to_bits()),
            Kind::Text => Place::Text(row.get(&column)?),
        })
    };
    keys.iter().enumerate().map(place).collect()
}

/// A row that was found, with its place in the list.
pub(crate) struct Found {
    pub(crate) id: i64,
    pub(crate) places: Vec<Place>,
}

/// `%` and `_` as GLOB has them; what GLOB would take for a sign of its own stands in brackets.
fn glob(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    for letter in pattern.chars() {
        match letter {
            '%' => text.push('*'),
            '_' => text.push('?'),
            '*' | '?' | '[' => text.extend(['[', letter, ']']),
            letter => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn patterns_become_globs() {
        for (pattern, expected) in [("a%b_", "a*b?"), ("50*[x]?", "50[*][[]x][?]"), ("", "")] {
            assert_eq!(super::glob(pattern), expected);
        }
    }
}
