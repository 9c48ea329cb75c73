//! Tables of keys with their values: tags and params of everything that has them.

use std::collections::HashMap;

use db::{Row, Tx, Value};

use super::rows;
use crate::model::Pair;

/// A table of pairs, and the column of whose they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    name: &'static str,
    owner: &'static str,
    /// Whether rows name the experiment too, for searches.
    has_experiment: bool,
}

pub(crate) const PARAMS: Table = Table { name: "ml_params", owner: "run", has_experiment: true };
pub(crate) const RUN_TAGS: Table = Table { name: "ml_run_tags", owner: "run", has_experiment: true };
pub(crate) const EXPERIMENT_TAGS: Table =
    Table { name: "ml_experiment_tags", owner: "experiment", has_experiment: false };
pub(crate) const INPUT_TAGS: Table = Table { name: "ml_input_tags", owner: "input", has_experiment: false };
pub(crate) const LOGGED_PARAMS: Table =
    Table { name: "ml_logged_params", owner: "model", has_experiment: false };
pub(crate) const LOGGED_TAGS: Table = Table { name: "ml_logged_tags", owner: "model", has_experiment: false };
pub(crate) const MODEL_TAGS: Table = Table { name: "ml_model_tags", owner: "model", has_experiment: false };
pub(crate) const VERSION_TAGS: Table =
    Table { name: "ml_version_tags", owner: "version", has_experiment: false };

pub(crate) const TRACE_TAGS: Table = Table { name: "ml_trace_tags", owner: "trace", has_experiment: false };
pub(crate) const EVALUATION_TAGS: Table =
    Table { name: "ml_evaluation_tags", owner: "dataset", has_experiment: false };
pub(crate) const TRACE_METADATA: Table =
    Table { name: "ml_trace_metadata", owner: "trace", has_experiment: false };

/// What becomes of a key that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Present {
    Overwritten,
    Kept,
}

/// Each key once: the last value of the same key counts.
fn unique(pairs: &[Pair]) -> Vec<&Pair> {
    let mut places: HashMap<&str, usize> = HashMap::with_capacity(pairs.len());
    let mut unique: Vec<&Pair> = Vec::with_capacity(pairs.len());
    for pair in pairs {
        match places.get(pair.key.as_str()) {
            Some(at) => unique[*at] = pair,
            None => {
                places.insert(&pair.key, unique.len());
                unique.push(pair);
            }
        }
    }
    // In one order for all transactions, so that none waits for another that waits for it.
    unique.sort_unstable_by(|one, other| one.key.cmp(&other.key));
    unique
}

/// As they are read again after [`put`]: each key once, in the order of the keys.
pub(crate) fn settled(pairs: &[Pair]) -> Vec<Pair> {
    unique(pairs).into_iter().cloned().collect()
}

/// Gives how many rows were written. `experiment` is the row of the owner's.
pub(crate) async fn put(
    tx: &mut Tx,
    table: Table,
    owner: i64,
    experiment: i64,
    pairs: &[Pair],
    present: Present,
) -> db::Result<u64> {
    put_all(tx, table, &[(owner, experiment, pairs)], present).await
}

/// The same for several owners, each of them once.
pub(crate) async fn put_all(
    tx: &mut Tx,
    table: Table,
    all: &[(i64, i64, &[Pair])],
    present: Present,
) -> db::Result<u64> {
    let Table { name, owner: column, has_experiment } = table;
    let mut values: Vec<Value> = Vec::new();
    for (owner, experiment, pairs) in all {
        for pair in unique(pairs) {
            values.extend([(*owner).into(), (&pair.key).into(), (&pair.value).into()]);
            if has_experiment {
                values.push((*experiment).into());
            }
        }
    }
    let (columns, width) = if has_experiment { (", experiment", 4) } else { ("", 3) };
    let tail = match present {
        Present::Kept => "ON CONFLICT DO NOTHING".to_owned(),
        Present::Overwritten => format!("ON CONFLICT ({column}, key) DO UPDATE SET value = excluded.value"),
    };
    rows::insert(tx, &format!("{name} ({column}, key, value{columns})"), &tail, width, values).await
}

/// Whether it was there.
pub(crate) async fn delete(tx: &mut Tx, table: Table, owner: i64, key: &str) -> db::Result<bool> {
    let sql = format!("DELETE FROM {} WHERE {} = $1 AND key = $2", table.name, table.owner);
    Ok(tx.query_built(sql).bind(owner).bind(key).execute().await? > 0)
}

pub(crate) fn read(row: &Row) -> db::Result<Pair> {
    Ok(Pair { key: row.get("key")?, value: row.get("value")? })
}

pub(crate) async fn list(tx: &mut Tx, table: Table, owner: i64) -> db::Result<Vec<Pair>> {
    let sql = format!("SELECT key, value FROM {} WHERE {} = $1 ORDER BY key", table.name, table.owner);
    tx.query_built(sql).bind(owner).map(read).await
}

/// Of many owners at once.
pub(crate) async fn list_of(
    tx: &mut Tx,
    table: Table,
    owners: &[i64],
) -> db::Result<HashMap<i64, Vec<Pair>>> {
    list_keys_of(tx, table, owners, None).await
}

/// The same, of these keys only where they are told.
pub(crate) async fn list_keys_of(
    tx: &mut Tx,
    table: Table,
    owners: &[i64],
    keys: Option<&[String]>,
) -> db::Result<HashMap<i64, Vec<Pair>>> {
    let Table { name, owner, .. } = table;
    let Some((among, first)) = rows::among(keys) else { return Ok(HashMap::new()) };
    let wanted: Vec<Value> = owners.iter().map(|owner| (*owner).into()).collect();
    let before = format!("SELECT {owner} AS owner, key, value FROM {name} WHERE {among}{owner}");
    let mut found: HashMap<i64, Vec<Pair>> = HashMap::with_capacity(owners.len());
    rows::each_in(tx, &before, &format!("ORDER BY {owner}, key"), &first, &wanted, |row| {
        found.entry(row.get("owner")?).or_default().push(read(row)?);
        Ok(())
    })
    .await?;
    Ok(found)
}

/// Those of these keys that are there.
pub(crate) async fn find(
    tx: &mut Tx,
    table: Table,
    owner: i64,
    keys: &[&str],
) -> db::Result<HashMap<String, String>> {
    let wanted: Vec<Value> = keys.iter().map(|key| (*key).into()).collect();
    let before = format!("SELECT key, value FROM {} WHERE {} = $1 AND key", table.name, table.owner);
    let found = rows::rows_in(tx, &before, "", &[owner.into()], &wanted).await?;
    found.iter().map(|row| read(row).map(|pair| (pair.key, pair.value))).collect()
}
