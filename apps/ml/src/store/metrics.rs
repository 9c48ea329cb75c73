//! The history of metrics, and the latest point of each.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hasher as _},
    ops::RangeInclusive,
};

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

    fn is_mixed(&self) -> bool {
        self.points.len() < OWN_ROW && self.key.len() <= MIXED_KEY_BYTES
    }
}

fn value(point: &Point) -> Value {
    Value::Float((!point.value.is_nan()).then_some(point.value))
}

/// Points of a metric from which they get a row of their own at once.
const OWN_ROW: usize = 16;
/// Names that are longer stand in no row with others. MLflow's have 250 characters at most; a file that is imported may not know.
const MIXED_KEY_BYTES: usize = 1_000;
/// Stands for the metric where a row has points of several. No metric's name is empty.
const MIXED: &str = "";
/// Metrics of one call in such a row, about. To sort rows with more of them would hold up for too long who writes next.
const MIXED_KEYS: usize = 64;
/// Such rows of one call, at most; a power of two.
const PARTS_MAX: usize = 16;
/// Such rows of a part that a run has on average, before they are sorted by metric.
const MIXED_ROWS: u32 = 128;

/// `series` in the order of their runs and keys, each once, so that two calls never wait for one another.
///
/// A row for each metric of each call would be far from all others of its call: a page of the database for 24 bytes. So few
/// points of many metrics go to few rows together, and once in a while all such rows of a part of a run are sorted by metric.
pub(crate) async fn append(tx: &mut Tx, series: &[Series<'_>]) -> db::Result<()> {
    let mut chunks = Vec::new();
    let mut full = Vec::new();
    for of_run in series.chunk_by(|one, next| one.run == next.run) {
        let (mixed, own): (Vec<_>, Vec<_>) = of_run.iter().partition(|one| one.is_mixed());
        chunks.extend(own.iter().flat_map(|one| row(one.run, one.key, rand::random(), pack(one.points))));
        let count = (mixed.len() / MIXED_KEYS).next_power_of_two().min(PARTS_MAX);
        let mut parts = vec![Vec::new(); count];
        for one in &mixed {
            pack_with(&mut parts[part_of(one.key, count)], one.key, one.points);
        }
        for (number, points) in parts.into_iter().enumerate().filter(|(_, points)| !points.is_empty()) {
            let run = of_run[0].run;
            let place = place(number, count);
            chunks.extend(row(run, MIXED, rand::random_range(place.clone()), points));
            if rand::random_ratio(1, MIXED_ROWS) {
                full.push((run, place));
            }
        }
    }
    rows::insert(tx, POINTS, "", 4, chunks).await?;
    let heads = series.iter().flat_map(|one| {
        let Point { at_ms, step, .. } = one.latest;
        let value = value(&one.latest);
        [one.run.into(), one.key.into(), one.experiment.into(), value, step.into(), at_ms.into()]
    });
    rows::insert(
        tx,
        "ml_latest (run, key, experiment, value, step, at_ms)",
        "ON CONFLICT (run, key) DO UPDATE SET value = excluded.value, step = excluded.step, at_ms = excluded.at_ms
         WHERE (excluded.step, excluded.at_ms, COALESCE(excluded.value, 0))
             > (ml_latest.step, ml_latest.at_ms, COALESCE(ml_latest.value, 0))",
        6,
        heads.collect(),
    )
    .await?;
    for (run, place) in full {
        sort_part(tx, run, place).await?;
    }
    Ok(())
}

const POINTS: &str = "ml_points (run, key, chunk, points)";

fn row(run: i64, key: &str, chunk: i64, points: Vec<u8>) -> [Value; 4] {
    [run.into(), key.into(), chunk.into(), points.into()]
}

/// The same for the same name. Which one is of no account but for how well rows can be sorted.
fn part_of(key: &str, count: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    hasher.write(key.as_bytes());
    // The first bits: half as many parts are each two of these.
    ((u128::from(hasher.finish()) * count as u128) >> 64) as usize
}

/// Numbers of the rows of a part, of so many.
fn place(part: usize, count: usize) -> RangeInclusive<i64> {
    let width = (1_i128 << 64) / count as i128;
    let first = i128::from(i64::MIN) + part as i128 * width;
    first as i64..=(first + width - 1) as i64
}

/// Sorts a run's rows of several metrics into rows of one.
pub(crate) async fn sort(tx: &mut Tx, run: i64) -> db::Result<()> {
    sort_part(tx, run, place(0, 1)).await
}

async fn sort_part(tx: &mut Tx, run: i64, place: RangeInclusive<i64>) -> db::Result<()> {
    let mixed: Vec<Vec<u8>> = tx
        .query(
            "DELETE FROM ml_points WHERE run = $1 AND key = $2 AND chunk BETWEEN $3 AND $4
             RETURNING points AS value",
        )
        .bind(run)
        .bind(MIXED)
        .bind(*place.start())
        .bind(*place.end())
        .all()
        .await?;
    let mut by_key: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for (key, points) in mixed.iter().flat_map(|row| apart(row)) {
        by_key.entry(key).or_default().extend(points);
    }
    let chunks = by_key.into_iter().flat_map(|(key, points)| row(run, key, rand::random(), points)).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_all_numbers_between_them_and_a_name_stays_in_its_half() {
        for count in [1, 2, 4, 8, PARTS_MAX] {
            let places: Vec<_> = (0..count).map(|part| place(part, count)).collect();
            assert_eq!((*places[0].start(), *places[count - 1].end()), (i64::MIN, i64::MAX));
            assert!(places.windows(2).all(|two| *two[0].end() + 1 == *two[1].start()), "{places:?}");
            let names: Vec<_> = (0..1_000).map(|at| format!("layer.{at}/norm")).collect();
            let of = |part| names.iter().filter(|name| part_of(name, count) == part).count();
            assert!((0..count).all(|part| of(part) > 500 / count), "{count} parts");
            assert!(names.iter().all(|name| part_of(name, 2 * count) / 2 == part_of(name, count)));
        }
    }
}
