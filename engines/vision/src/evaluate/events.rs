//! Precision and recall of zone events.

use serde::{Deserialize, Serialize};

use crate::assign::{FORBIDDEN, assign};

/// Something that happened in a zone from `start_us` to `end_us`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub zone: String,
    pub start_us: i64,
    pub end_us: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventScore {
    pub truth: usize,
    pub found: usize,
    pub matched: usize,
}

impl EventScore {
    /// 1 when nothing was found.
    pub fn precision(&self) -> f64 {
        if self.found == 0 { 1.0 } else { self.matched as f64 / self.found as f64 }
    }

    /// 1 when there was nothing to find.
    pub fn recall(&self) -> f64 {
        if self.truth == 0 { 1.0 } else { self.matched as f64 / self.truth as f64 }
    }

    /// Counts of two scores together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            truth: self.truth + other.truth,
            found: self.found + other.found,
            matched: self.matched + other.matched,
        }
    }
}

/// Matches events one to one: same zone, and overlapping in time once `tolerance_us` is added on both sides. As
/// many as possible are matched, the ones with the closest ends first.
pub fn score_events(truth: &[Span], found: &[Span], tolerance_us: i64) -> EventScore {
    let cost: Vec<f32> = truth
        .iter()
        .flat_map(|t| found.iter().map(move |f| (t, f)))
        .map(|(t, f)| {
            let apart = t.start_us.max(f.start_us) - t.end_us.min(f.end_us);
            if t.zone != f.zone || apart > tolerance_us {
                return FORBIDDEN;
            }
            let off = (t.start_us - f.start_us).abs() + (t.end_us - f.end_us).abs();
            (off as f32 * 1e-6).min(FORBIDDEN * 0.001)
        })
        .collect();
    let matched = assign(&cost, truth.len(), found.len()).into_iter().flatten().count();
    EventScore { truth: truth.len(), found: found.len(), matched }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(zone: &str, start_us: i64, end_us: i64) -> Span {
        Span { zone: zone.into(), start_us, end_us }
    }

    #[test]
    fn doubles_cost_precision_and_misses_cost_recall() {
        let truth = [span("a", 0, 10), span("a", 100, 110), span("b", 0, 10)];
        let found = [span("a", 1, 4), span("a", 6, 9), span("a", 99, 120)];
        let score = score_events(&truth, &found, 0);
        assert_eq!(score, EventScore { truth: 3, found: 3, matched: 2 });
        assert_eq!(score_events(&truth, &truth, 0).recall(), 1.0);
        assert_eq!(score_events(&[], &found, 0).precision(), 0.0);
        assert_eq!(score_events(&[span("a", 0, 10)], &[span("a", 15, 20)], 5).matched, 1);
        assert_eq!(score_events(&[span("a", 0, 10)], &[span("a", 16, 20)], 5).matched, 0);
    }
}
