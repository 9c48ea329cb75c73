//! The history of metrics, and the latest point of each.

use std::collections::BTreeMap;

use db::{FromRow, Row, Tx, Value};

use super::rows;
use crate::model::{Point, apart, latest, pack, pack_with};

/// What is logged of one metric of one run.
pub(crate) struct Series<'k> {
    run: i64,
    experiment: i64,
    key: &'k str,
    points: &'k [Point],
    latest: Point,
}

impl<'k> Series<'k> {
    /// None for no points, or no name.
    pub(crate) fn new(run: i64, experiment: i64, key: &'k str, points: &'k [Point]) -> Option<Self> {
        let latest = latest(points).filter(|_| !key.is_empty())?;
        Some(Self { run, experiment, key, points, latest })
    }
}

fn value(point: &Point) -> Value {
    Value::Float((!point.value.is_nan()).then_some(point.value))
}

/// Points of a metric from which they get a row of their own at once.
const OWN_ROW: usize = 16;
/// Names that are longer stand in no row with others. MLflow's have 250 characters at most; a file that is imported may not know.
const MIXED_KEY_BYTES: usize = 1_000;
/// Rows with points of several metrics that a run has on average, before they are sorted by metric.
const MIXED_ROWS: u32 = 128;
/// Stands for the metric where a row has points of several. No metric's name is empty.
const MIXED: &str = "";

/// `series` in the order of their runs and keys, each once, so that two calls never wait for one another.
///
/// A row for each metric of each call would be far from all others of its call: a page of the database for 24 bytes. So few
/// points of many metrics go to one row together, and once in a while all such rows of a run are sorted by metric.
pub(crate) async fn append(tx: &mut Tx, series: &[Series<'_>]) -> db::Result<()> {
    let mut chunks = Vec::new();
    let mut mixed: BTreeMap<i64, Vec<u8>> = BTreeMap::new();
    let mut heads = Vec::with_capacity(series.len() * 6);
    for one in series {
        if one.points.len() < OWN_ROW && one.key.len() <= MIXED_KEY_BYTES {
            pack_with(mixed.entry(one.run).or_default(), one.key, one.points);
        } else {
            chunks.extend(row(one.run, one.key, pack(one.points)));
        }
        let Point { at_ms, step, .. } = one.latest;
        heads.extend([
            one.run.into(),
            one.key.into(),
            one.experiment.into(),
            value(&one.latest),
            step.into(),
            at_ms.into(),
        ]);
    }
    let full: Vec<i64> = mixed.keys().copied().filter(|_| rand::random_ratio(1, MIXED_ROWS)).collect();
    chunks.extend(mixed.into_iter().flat_map(|(run, points)| row(run, MIXED, points)));
    rows::insert(tx, POINTS, "", 4, chunks).await?;
    rows::insert(
        tx,
        "ml_latest (run, key, experiment, value, step, at_ms)",
        "ON CONFLICT (run, key) DO UPDATE SET value = excluded.value, step = excluded.step, at_ms = excluded.at_ms
         WHERE (excluded.step, excluded.at_ms, COALESCE(excluded.value, 0))
             > (ml_latest.step, ml_latest.at_ms, COALESCE(ml_latest.value, 0))",
        6,
        heads,
    )
    .await?;
    for run in full {
        sort(tx, run).await?;
    }
    Ok(())
}

const POINTS: &str = "ml_points (run, key, chunk, points)";

fn row(run: i64, key: &str, points: Vec<u8>) -> [Value; 4] {
    let chunk: i64 = rand::random();
    [run.into(), key.into(), chunk.into(), points.into()]
}

/// Sorts a run's rows of several metrics into rows of one.
pub(crate) async fn sort(tx: &mut Tx, run: i64) -> db::Result<()> {
    let mixed: Vec<Vec<u8>> = tx
        .query("DELETE FROM ml_points WHERE run = $1 AND key = $2 RETURNING points AS value")
        .bind(run)
        .bind(MIXED)
        .all()
        .await?;
    let mut by_key: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for (key, points) in mixed.iter().flat_map(|row| apart(row)) {
        by_key.entry(key).or_default().extend(points);
    }
    let chunks = by_key.into_iter().flat_map(|(key, points)| row(run, key, points)).collect();
    rows::insert(tx, POINTS, "", 4, chunks).await?;
    Ok(())
}

/// Packed points.
pub(crate) struct Chunk {
    pub(crate) run: i64,
    pub(crate) points: Vec<u8>,
}

impl FromRow for Chunk {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self { run: row.get("run")?, points: row.get("points")? })
    }
}

/// All that was logged of a metric, in no order.
pub(crate) async fn chunks(tx: &mut Tx, runs: &[i64], key: &str) -> db::Result<Vec<Chunk>> {
    let wanted: Vec<Value> = runs.iter().map(|run| (*run).into()).collect();
    let before = "SELECT run, key, points FROM ml_points WHERE key IN ($1, $2) AND run";
    let mut found = Vec::new();
    rows::each_in(tx, before, "", &[key.into(), MIXED.into()], &wanted, |row| {
        let chunk = Chunk::from_row(row)?;
        if row.get::<String>("key")? == MIXED {
            let of_key = apart(&chunk.points).filter(|(one, _)| *one == key);
            found.extend(of_key.map(|(_, points)| Chunk { run: chunk.run, points: points.to_vec() }));
        } else {
            found.push(chunk);
        }
        Ok(())
    })
    .await?;
    Ok(found)
}
