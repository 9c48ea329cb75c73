//! MOTA, IDF1 and HOTA in one walk over the pictures.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Row, by_frame};
use crate::assign::{FORBIDDEN, assign};

/// Overlap from which a box counts as found in MOTA and IDF1.
const OVERLAP_MIN: f32 = 0.5;
/// HOTA's thresholds: 0.05, 0.10 … 0.95.
const ALPHAS: usize = 19;

/// All scores, each a fraction; MOTA may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrackScore {
    pub mota: f64,
    pub idf1: f64,
    pub hota: f64,
    pub deta: f64,
    pub assa: f64,
    pub truth: usize,
    pub found: usize,
    pub matched: usize,
    pub false_positives: usize,
    pub misses: usize,
    pub id_switches: usize,
}

/// One picture: indices of ids, and overlaps row-major `[truth][found]`.
struct Picture {
    truth: Vec<usize>,
    found: Vec<usize>,
    iou: Vec<f32>,
}

/// Numbers ids from 0 in order of appearance.
#[derive(Default)]
struct Ids(HashMap<u64, usize>);

impl Ids {
    fn index(&mut self, id: u64) -> usize {
        let next = self.0.len();
        *self.0.entry(id).or_insert(next)
    }
}

/// Scores `found` against `truth`. Truth rows with score 0 are ignored, together with what is found on them.
pub fn score(truth: &[Row], found: &[Row]) -> TrackScore {
    let (pictures, truth_ids, found_ids) = align(truth, found);
    let mut result = clear(&pictures, truth_ids);
    result.idf1 = identity(&pictures, truth_ids, found_ids);
    (result.hota, result.deta, result.assa) = hota(&pictures, truth_ids, found_ids);
    result
}

fn align(truth: &[Row], found: &[Row]) -> (Vec<Picture>, usize, usize) {
    let (truth, found) = (by_frame(truth), by_frame(found));
    let mut frames: Vec<u32> = truth.keys().chain(found.keys()).copied().collect();
    frames.sort_unstable();
    frames.dedup();
    let (mut truth_ids, mut found_ids) = (Ids::default(), Ids::default());
    let none = Vec::new();
    let pictures = frames
        .into_iter()
        .map(|frame| {
            let all = truth.get(&frame).unwrap_or(&none);
            let kept = without_ignored(all, found.get(&frame).unwrap_or(&none));
            let real: Vec<&Row> = all.iter().filter(|row| row.score != 0.0).collect();
            let pairs = real.iter().flat_map(|t| kept.iter().map(move |f| t.bbox.iou(&f.bbox)));
            Picture {
                iou: pairs.collect(),
                truth: real.iter().map(|row| truth_ids.index(row.id)).collect(),
                found: kept.iter().map(|row| found_ids.index(row.id)).collect(),
            }
        })
        .collect();
    (pictures, truth_ids.0.len(), found_ids.0.len())
}

/// Drops what lies on ignored truth rather than on real truth.
fn without_ignored<'a>(truth: &[Row], found: &'a [Row]) -> Vec<&'a Row> {
    if truth.iter().all(|row| row.score != 0.0) {
        return found.iter().collect();
    }
    let cost: Vec<f32> = truth
        .iter()
        .flat_map(|t| found.iter().map(move |f| t.bbox.iou(&f.bbox)))
        .map(|iou| if iou >= OVERLAP_MIN { 1.0 - iou } else { FORBIDDEN })
        .collect();
    let pairs = assign(&cost, truth.len(), found.len());
    let ignored = |i: usize| pairs.iter().zip(truth).any(|(pair, t)| *pair == Some(i) && t.score == 0.0);
    found.iter().enumerate().filter(|(i, _)| !ignored(*i)).map(|(_, row)| row).collect()
}

impl Picture {
    /// Pairs of positions that maximise the sum of `value(t, f, iou)` over pairs where it is given.
    fn pairs(&self, value: impl Fn(usize, usize, f32) -> Option<f32>) -> Vec<(usize, usize, f32)> {
        let columns = self.found.len();
        let cost: Vec<f32> = self
            .iou
            .iter()
            .enumerate()
            .map(|(i, &iou)| {
                value(self.truth[i / columns], self.found[i % columns], iou).map_or(FORBIDDEN, |v| -v)
            })
            .collect();
        assign(&cost, self.truth.len(), columns)
            .into_iter()
            .enumerate()
            .filter_map(|(t, f)| f.map(|f| (t, f, self.iou[t * columns + f])))
            .collect()
    }
}

fn clear(pictures: &[Picture], truth_ids: usize) -> TrackScore {
    let mut score = TrackScore::default();
    let mut last_match: Vec<Option<usize>> = vec![None; truth_ids];
    let mut previous: Vec<Option<usize>> = vec![None; truth_ids];
    for picture in pictures {
        // Whoever was matched in the picture before stays matched if the overlap still holds.
        let pairs = picture.pairs(|t, f, iou| {
            (iou >= OVERLAP_MIN).then(|| iou + if previous[t] == Some(f) { 1000.0 } else { 0.0 })
        });
        previous.fill(None);
        for &(t, f, _) in &pairs {
            let (truth, found) = (picture.truth[t], picture.found[f]);
            if last_match[truth].is_some_and(|last| last != found) {
                score.id_switches += 1;
            }
            last_match[truth] = Some(found);
            previous[truth] = Some(found);
        }
        score.truth += picture.truth.len();
        score.found += picture.found.len();
        score.matched += pairs.len();
    }
    score.misses = score.truth - score.matched;
    score.false_positives = score.found - score.matched;
    let errors = (score.misses + score.false_positives + score.id_switches) as f64;
    score.mota = 1.0 - errors / score.truth.max(1) as f64;
    score
}

fn identity(pictures: &[Picture], truth_ids: usize, found_ids: usize) -> f64 {
    let mut together = vec![0.0f32; truth_ids * found_ids];
    let (mut truth, mut found) = (0, 0);
    for picture in pictures {
        truth += picture.truth.len();
        found += picture.found.len();
        for (i, &iou) in picture.iou.iter().enumerate() {
            if iou >= OVERLAP_MIN {
                let columns = picture.found.len();
                together[picture.truth[i / columns] * found_ids + picture.found[i % columns]] += 1.0;
            }
        }
    }
    let cost: Vec<f32> = together.iter().map(|n| -n).collect();
    let pairs = assign(&cost, truth_ids, found_ids);
    let right: f32 =
        pairs.iter().enumerate().filter_map(|(t, f)| f.map(|f| together[t * found_ids + f])).sum();
    if truth + found == 0 { 0.0 } else { 2.0 * f64::from(right) / (truth + found) as f64 }
}

/// HOTA, DetA and AssA, means over the thresholds.
fn hota(pictures: &[Picture], truth_ids: usize, found_ids: usize) -> (f64, f64, f64) {
    let mut together = vec![0.0f64; truth_ids * found_ids];
    let mut truth_count = vec![0.0f64; truth_ids];
    let mut found_count = vec![0.0f64; found_ids];
    for picture in pictures {
        let (rows, columns) = (picture.truth.len(), picture.found.len());
        picture.truth.iter().for_each(|&t| truth_count[t] += 1.0);
        picture.found.iter().for_each(|&f| found_count[f] += 1.0);
        let row_sum: Vec<f32> =
            (0..rows).map(|t| picture.iou[t * columns..(t + 1) * columns].iter().sum()).collect();
        let column_sum: Vec<f32> =
            (0..columns).map(|f| (0..rows).map(|t| picture.iou[t * columns + f]).sum()).collect();
        for t in 0..rows {
            for f in 0..columns {
                let iou = picture.iou[t * columns + f];
                let share = row_sum[t] + column_sum[f] - iou;
                if share > f32::EPSILON {
                    together[picture.truth[t] * found_ids + picture.found[f]] += f64::from(iou / share);
                }
            }
        }
    }
    let alignment: Vec<f32> = together
        .iter()
        .enumerate()
        .map(|(i, &n)| (n / (truth_count[i / found_ids] + found_count[i % found_ids] - n)) as f32)
        .collect();
    let mut matched = [0.0f64; ALPHAS];
    let mut joint = vec![vec![0.0f64; truth_ids * found_ids]; ALPHAS];
    for picture in pictures {
        for (t, f, iou) in picture.pairs(|t, f, iou| Some(alignment[t * found_ids + f] * iou)) {
            let pair = picture.truth[t] * found_ids + picture.found[f];
            for alpha in (0..ALPHAS).filter(|&a| iou >= (a + 1) as f32 * 0.05 - f32::EPSILON) {
                matched[alpha] += 1.0;
                joint[alpha][pair] += 1.0;
            }
        }
    }
    let (truth, found) = (truth_count.iter().sum::<f64>(), found_count.iter().sum::<f64>());
    let (mut hota, mut deta, mut assa) = (0.0, 0.0, 0.0);
    for (n, joint) in matched.iter().zip(&joint) {
        let d = n / (truth + found - n).max(1.0);
        let sum: f64 = joint
            .iter()
            .enumerate()
            .map(|(i, &m)| {
                m * m / (truth_count[i / found_ids.max(1)] + found_count[i % found_ids.max(1)] - m).max(1.0)
            })
            .sum();
        let a = sum / n.max(1.0);
        hota += (d * a).sqrt();
        deta += d;
        assa += a;
    }
    let n = ALPHAS as f64;
    (hota / n, deta / n, assa / n)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::BBox;

    fn row(frame: u32, id: u64, x: f32) -> Row {
        Row { frame, id, bbox: BBox::new(x, 0.0, 10.0, 20.0), score: 1.0 }
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-6
    }

    #[test]
    fn the_truth_scores_one() {
        let truth: Vec<Row> =
            (1..=10).flat_map(|f| [row(f, 1, f as f32), row(f, 2, 100.0 - f as f32)]).collect();
        let s = score(&truth, &truth);
        assert!(close(s.mota, 1.0) && close(s.idf1, 1.0) && close(s.hota, 1.0), "{s:?}");
        let nothing = score(&truth, &[]);
        assert!(
            close(nothing.mota, 0.0) && close(nothing.idf1, 0.0) && close(nothing.hota, 0.0),
            "{nothing:?}"
        );
        assert!(score(&[], &truth).false_positives == 20);
    }

    #[test]
    fn a_broken_id_costs_one_switch_and_half_the_identity() {
        let truth: Vec<Row> = (1..=10).map(|f| row(f, 1, 0.0)).collect();
        let found: Vec<Row> = (1..=10).map(|f| row(f, if f <= 5 { 1 } else { 2 }, 0.0)).collect();
        let s = score(&truth, &found);
        assert_eq!(s.id_switches, 1);
        assert!(close(s.mota, 0.9) && close(s.idf1, 0.5), "{s:?}");
        // DetA 1; each match shares 5 of 10 frames: AssA 0.5, HOTA √0.5.
        assert!(close(s.deta, 1.0) && close(s.assa, 0.5) && close(s.hota, 0.5f64.sqrt()), "{s:?}");
    }

    #[test]
    fn ignored_truth_neither_helps_nor_hurts() {
        let mut truth: Vec<Row> = (1..=4).map(|f| row(f, 1, 0.0)).collect();
        let mut ignored = row(2, 9, 50.0);
        ignored.score = 0.0;
        truth.push(ignored);
        let mut found = truth.clone();
        assert!(close(score(&truth, &found).mota, 1.0));
        found.retain(|r| r.id != 9);
        assert!(close(score(&truth, &found).mota, 1.0));
    }

    #[test]
    fn misses_false_alarms_and_switches_add_up() {
        let truth: Vec<Row> = (1..=10).map(|f| row(f, 1, 0.0)).collect();
        let found: Vec<Row> = (1..=8).map(|f| row(f, 1, 0.0)).chain([row(3, 5, 300.0)]).collect();
        let s = score(&truth, &found);
        assert_eq!((s.misses, s.false_positives, s.id_switches), (2, 1, 0));
        assert!(close(s.mota, 0.7));
    }
}
