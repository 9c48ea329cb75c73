//! Scores against ground truth: CLEAR-MOT, identity and HOTA for tracks, precision and recall for zone events.
//!
//! Definitions: MOTA after Bernardin and Stiefelhagen (2008), IDF1 after Ristani et al. (2016), HOTA after Luiten
//! et al. (2021), each as the reference implementation TrackEval computes it. Only [`score`] and
//! [`score_events`] are needed; the text functions read and write the MOTChallenge format.

mod events;
mod tracks;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

pub use events::{EventScore, Span, score_events};
pub use tracks::{TrackScore, score};

use crate::geometry::BBox;

/// A box of a track in one picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Picture number, from 1.
    pub frame: u32,
    pub id: u64,
    /// Image pixels.
    pub bbox: BBox,
    /// Score of a result; for ground truth, 0 marks a row to be ignored.
    pub score: f32,
}

/// A line that is no MOTChallenge row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is no MOTChallenge row: {text:?}")]
pub struct RowError {
    pub line: usize,
    pub text: String,
}

/// Reads MOTChallenge text: `frame, id, x, y, w, h, score, …` per line. Empty lines are skipped, a missing score
/// is 1, an id of -1 (detections) becomes 0.
pub fn parse_rows(text: &str) -> Result<Vec<Row>, RowError> {
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let row = parse_row(line)
            .ok_or_else(|| RowError { line: index + 1, text: line.chars().take(80).collect() })?;
        rows.push(row);
    }
    Ok(rows)
}

fn parse_row(line: &str) -> Option<Row> {
    let mut numbers = line.split(',').map(|part| part.trim().parse::<f64>().ok().filter(|v| v.is_finite()));
    let mut next = || numbers.next().flatten();
    let (frame, id) = (next()?, next()?);
    let bbox = BBox::new(next()? as f32, next()? as f32, next()? as f32, next()? as f32);
    if frame < 1.0 || frame > f64::from(u32::MAX) || bbox.w < 0.0 || bbox.h < 0.0 {
        return None;
    }
    let score = numbers.next().map_or(Some(1.0), |v| v)? as f32;
    Some(Row { frame: frame as u32, id: id.max(0.0) as u64, bbox, score })
}

/// Writes rows in the MOTChallenge result format.
pub fn write_rows(rows: &[Row]) -> String {
    let mut text = String::with_capacity(rows.len() * 48);
    for row in rows {
        let b = row.bbox;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{},{},{:.2},{:.2},{:.2},{:.2},{:.4},-1,-1,-1",
            row.frame, row.id, b.x, b.y, b.w, b.h, row.score
        );
    }
    text
}

/// The rows of frames `first..=last`.
pub fn between(rows: &[Row], first: u32, last: u32) -> Vec<Row> {
    rows.iter().filter(|row| (first..=last).contains(&row.frame)).copied().collect()
}

fn by_frame(rows: &[Row]) -> BTreeMap<u32, Vec<Row>> {
    let mut frames: BTreeMap<u32, Vec<Row>> = BTreeMap::new();
    for row in rows {
        frames.entry(row.frame).or_default().push(*row);
    }
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_survive_a_round_trip() {
        let rows = [Row { frame: 3, id: 7, bbox: BBox::new(1.5, 2.25, 30.0, 60.0), score: 0.5 }];
        assert_eq!(parse_rows(&write_rows(&rows)).unwrap(), rows);
        assert_eq!(parse_rows("\n1,-1,1,2,3,4\n").unwrap()[0].id, 0);
    }

    #[test]
    fn broken_lines_are_named() {
        assert_eq!(parse_rows("1,1,1,1,1,1,1\n2,x,1,1,1,1,1").unwrap_err().line, 2);
        assert!(parse_rows("0,1,1,1,1,1,1").is_err());
        assert!(parse_rows("1,1,1,NaN,1,1,1").is_err());
        assert!(parse_rows("1,1,1,1").is_err());
    }
}
