//! The history of metrics, and the latest point of each.

use db::{FromRow, Row, Tx, Value};

use super::rows;
use crate::model::{Point, latest, pack};

/// What is logged of one metric of one run.
pub(crate) struct Series<'k> {
    run: i64,
    experiment: i64,
    key: &'k str,
    points: &'k [Point],
    latest: Point,
}

impl<'k> Series<'k> {
    /// None for no points.
    pub(crate) fn new(run: i64, experiment: i64, key: &'k str, points: &'k [Point]) -> Option<Self> {
        Some(Self { run, experiment, key, points, latest: latest(points)? })
    }
}

fn value(point: &Point) -> Value {
    Value::Float((!point.value.is_nan()).then_some(point.value))
}

/// `series` in the order of their runs and keys, each once, so that two calls never wait for one another.
pub(crate) async fn append(tx: &mut Tx, series: &[Series<'_>]) -> db::Result<()> {
    let mut chunks = Vec::with_capacity(series.len() * 4);
    let mut heads = Vec::with_capacity(series.len() * 6);
    for one in series {
        let chunk: i64 = rand::random();
        chunks.extend([one.run.into(), one.key.into(), chunk.into(), pack(one.points).into()]);
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
    rows::insert(tx, "ml_points (run, key, chunk, points)", "", 4, chunks).await?;
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
    let before = "SELECT run, points FROM ml_points WHERE key = $1 AND run";
    rows::select_in(tx, before, "", &[key.into()], &wanted).await
}
