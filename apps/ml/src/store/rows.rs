//! Statements over many rows, in few sizes, so that the engines' caches of prepared statements are not filled with one for
//! each number of rows.

use db::{Engine, FromRow, Row, Tx, Value};
const SIZES: [usize; 6] = [256, 128, 64, 16, 4, 1];

/// `INSERT INTO {head} VALUES (…), (…) {tail}` over all rows, each of `width` values. Gives how many were written.
pub(crate) async fn insert(
    tx: &mut Tx,
    head: &str,
    tail: &str,
    width: usize,
    values: Vec<Value>,
) -> db::Result<u64> {
    let mut written = 0;
    for (sql, values) in statements(tx.engine(), head, tail, width, values) {
        written += tx.query_built(sql).bind_all(values).execute().await?;
    }
    Ok(written)
}

/// The same for a `tail` that returns something.
pub(crate) async fn insert_returning(
    tx: &mut Tx,
    head: &str,
    tail: &str,
    width: usize,
    values: Vec<Value>,
) -> db::Result<Vec<Row>> {
    let mut returned = Vec::with_capacity(values.len() / width);
    for (sql, values) in statements(tx.engine(), head, tail, width, values) {
        returned.extend(tx.query_built(sql).bind_all(values).rows().await?);
    }
    Ok(returned)
}

fn statements(
    engine: Engine,
    head: &str,
    tail: &str,
    width: usize,
    values: Vec<Value>,
) -> impl Iterator<Item = (String, Vec<Value>)> {
    let mut left = values.len() / width;
    let mut values = values.into_iter();
    std::iter::from_fn(move || {
        let rows = SIZES.into_iter().find(|size| *size <= left)?;
        let mut sql = format!("INSERT INTO {head} VALUES ");
        for row in 0..rows {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            for column in 1..=width {
                sql.push_str(if column == 1 { "" } else { ", " });
                match engine {
                    // SQLite takes `$1` for a name, and looks through all names for each parameter that is bound.
                    Engine::Sqlite => sql.push('?'),
                    Engine::Postgres => {
                        sql.push('$');
                        sql.push_str(&(row * width + column).to_string());
                    }
                }
            }
            sql.push(')');
        }
        sql.push(' ');
        sql.push_str(tail);
        left -= rows;
        Some((sql, values.by_ref().take(rows * width).collect()))
    })
}

/// All rows of `{before} IN (…) {after}` for these values. The last of them may be asked for several times. `first` are
/// the parameters before.
pub(crate) async fn select_in<T: FromRow>(
    tx: &mut Tx,
    before: &str,
    after: &str,
    first: &[Value],
    wanted: &[Value],
) -> db::Result<Vec<T>> {
    let mut found = Vec::new();
    each_in(tx, before, after, first, wanted, |row| {
        found.push(T::from_row(row)?);
        Ok(())
    })
    .await?;
    Ok(found)
}

/// As [`select_in`], for a caller that reads the rows by itself.
pub(crate) async fn rows_in(
    tx: &mut Tx,
    before: &str,
    after: &str,
    first: &[Value],
    wanted: &[Value],
) -> db::Result<Vec<Row>> {
    let mut found = Vec::new();
    for (sql, values) in questions(before, after, first, wanted) {
        found.extend(tx.query_built(sql).bind_all(values).rows().await?);
    }
    Ok(found)
}

/// As [`rows_in`], one row after the other.
pub(crate) async fn each_in(
    tx: &mut Tx,
    before: &str,
    after: &str,
    first: &[Value],
    wanted: &[Value],
    mut take: impl FnMut(&Row) -> db::Result<()>,
) -> db::Result<()> {
    for (sql, values) in questions(before, after, first, wanted) {
        tx.query_built(sql).bind_all(values).each(&mut take).await?;
    }
    Ok(())
}

fn questions(
    before: &str,
    after: &str,
    first: &[Value],
    wanted: &[Value],
) -> impl Iterator<Item = (String, Vec<Value>)> {
    wanted.chunks(SIZES[0]).map(move |some| {
        let size = SIZES.into_iter().rev().find(|size| *size >= some.len()).unwrap_or(SIZES[0]);
        let places: Vec<_> = (1..=size).map(|at| format!("${}", first.len() + at)).collect();
        let padding = std::iter::repeat_n(&some[some.len() - 1], size - some.len());
        let values = first.iter().chain(some).chain(padding).cloned().collect();
        (format!("{before} IN ({}) {after}", places.join(", ")), values)
    })
}

/// The condition that a key is among these, for the beginning of [`rows_in`], with its parameters; none where nothing can be.
pub(crate) fn among(keys: Option<&[String]>) -> Option<(String, Vec<Value>)> {
    match keys {
        None => Some((String::new(), Vec::new())),
        Some([]) => None,
        Some(keys) => {
            let places: Vec<_> = (1..=keys.len()).map(|at| format!("${at}")).collect();
            let condition = format!("key IN ({}) AND ", places.join(", "));
            Some((condition, keys.iter().map(Value::from).collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SIZES;

    #[test]
    fn sizes_fall_to_one() {
        assert!(SIZES.windows(2).all(|pair| pair[0] > pair[1]) && SIZES.last() == Some(&1));
    }
}
