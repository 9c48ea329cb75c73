//! Points of metrics: how they are kept, and which counts as the latest.

use std::cmp::Ordering;

/// One value of one metric.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    pub(crate) at_ms: i64,
    pub(crate) step: i64,
    pub(crate) value: f64,
}

/// Bytes of a point: three little endian numbers.
const BYTES: usize = 24;

impl Point {
    /// Infinities are kept as the largest numbers, as MLflow does.
    pub(crate) fn new(at_ms: i64, step: i64, value: f64) -> Self {
        let value = if value.is_infinite() { f64::MAX.copysign(value) } else { value };
        Self { at_ms, step, value }
    }

    /// NaN stands where zero does, after it, so that the order is total.
    fn number(&self) -> (f64, bool) {
        if self.value.is_nan() { (0.0, true) } else { (self.value, false) }
    }

    fn by_value(&self, other: &Self) -> Ordering {
        let ((own, own_nan), (others, others_nan)) = (self.number(), other.number());
        own.total_cmp(&others).then(own_nan.cmp(&others_nan))
    }

    /// In the order of a history: time, step, value.
    fn by_time(&self, other: &Self) -> Ordering {
        (self.at_ms, self.step).cmp(&(other.at_ms, other.step)).then_with(|| self.by_value(other))
    }

    /// In the order of a sampled history: step, time, value.
    fn by_step(&self, other: &Self) -> Ordering {
        (self.step, self.at_ms).cmp(&(other.step, other.at_ms)).then_with(|| self.by_value(other))
    }
}

pub(crate) fn pack(points: &[Point]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(points.len() * BYTES);
    for point in points {
        bytes.extend(point.at_ms.to_le_bytes());
        bytes.extend(point.step.to_le_bytes());
        bytes.extend(point.value.to_le_bytes());
    }
    bytes
}

fn unpack(bytes: &[u8]) -> impl Iterator<Item = Point> {
    bytes.chunks_exact(BYTES).map(|point| {
        let part = |at: usize| <[u8; 8]>::try_from(&point[at..at + 8]).unwrap_or_default();
        Point {
            at_ms: i64::from_le_bytes(part(0)),
            step: i64::from_le_bytes(part(8)),
            value: f64::from_le_bytes(part(16)),
        }
    })
}

/// Adds the points of a metric to those of others: how long its name is (16 bits, little endian), how many points (32 bits),
/// the name, the points as [`pack`] has them.
pub(crate) fn pack_with(others: &mut Vec<u8>, key: &str, points: &[Point]) {
    let length = u16::try_from(key.len()).expect("the name is short");
    let count = u32::try_from(points.len()).expect("the points are few");
    others.extend(length.to_le_bytes());
    others.extend(count.to_le_bytes());
    others.extend(key.as_bytes());
    others.extend(pack(points));
}

/// Metric by metric what [`pack_with`] put together: its name, its points packed. Ends where bytes make no sense.
pub(crate) fn apart(bytes: &[u8]) -> impl Iterator<Item = (&str, &[u8])> {
    let mut left = bytes;
    std::iter::from_fn(move || {
        let (length, rest) = left.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (key, rest) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
        let bytes = usize::try_from(u32::from_le_bytes(*count)).ok()?.checked_mul(BYTES)?;
        let (points, rest) = rest.split_at_checked(bytes)?;
        left = rest;
        Some((str::from_utf8(key).ok()?, points))
    })
}

/// All points of what was packed, by time, each once.
pub(crate) fn history<'b>(chunks: impl IntoIterator<Item = &'b [u8]>) -> Vec<Point> {
    let mut points: Vec<Point> = chunks.into_iter().flat_map(unpack).collect();
    points.sort_unstable_by(Point::by_time);
    points.dedup_by(|one, other| one.by_time(other) == Ordering::Equal);
    points
}

/// The greatest by step, time and value: not the last that came.
pub(crate) fn latest(points: &[Point]) -> Option<Point> {
    points.iter().copied().max_by(Point::by_step)
}

/// So many of these steps at most, evenly spread over them by their rank, the first and the last among them.
pub(crate) fn sampled(mut points: Vec<Point>, steps: Option<(i64, i64)>, max: usize) -> Vec<Point> {
    if let Some((from, to)) = steps {
        points.retain(|point| (from..=to).contains(&point.step));
    }
    points.sort_unstable_by(Point::by_step);
    let (count, max) = (points.len(), max.max(1));
    if count <= max {
        return points;
    }
    if max == 1 {
        return points.split_off(count - 1);
    }
    // The first of each of `max` buckets whose sizes differ by one at most, the larger ones first (SQL's NTILE).
    let (size, larger) = (count / max, count % max);
    let mut kept: Vec<Point> = (0..max).map(|bucket| points[bucket * size + bucket.min(larger)]).collect();
    kept[max - 1] = points[count - 1];
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn point(at_ms: i64, step: i64, value: f64) -> Point {
        Point::new(at_ms, step, value)
    }

    #[test]
    fn a_point_that_came_twice_is_there_once() {
        let chunks = [
            pack(&[point(2, 0, 1.0), point(1, 0, f64::NAN), point(1, 0, 0.0)]),
            pack(&[point(2, 0, 1.0), point(1, 0, f64::NAN)]),
        ];
        let points = history(chunks.iter().map(Vec::as_slice));
        let shown: Vec<_> = points.iter().map(|point| (point.at_ms, point.value.to_string())).collect();
        assert_eq!(shown, [(1, "0".to_owned()), (1, "NaN".to_owned()), (2, "1".to_owned())]);
    }

    #[test]
    fn the_latest_is_not_the_last() {
        let check = |points: &[(i64, i64, f64)], expected: f64| {
            let points: Vec<_> = points.iter().map(|(at, step, value)| point(*at, *step, *value)).collect();
            assert_eq!(latest(&points).unwrap().value, expected, "{points:?}");
        };
        check(&[(5, 2, 1.0), (9, 1, 2.0)], 1.0);
        check(&[(9, 1, 2.0), (5, 1, 3.0)], 2.0);
        check(&[(5, 1, 2.0), (5, 1, 3.0), (5, 1, 1.0)], 3.0);
        assert_eq!(point(0, 0, f64::NEG_INFINITY).value, f64::MIN);
        assert!(latest(&[]).is_none());
    }

    #[test]
    fn a_sample_keeps_both_ends() {
        let points: Vec<_> = (0..1_000).map(|step| point(step, step, 0.0)).collect();
        let steps = |max| sampled(points.clone(), None, max).iter().map(|p| p.step).collect::<Vec<_>>();
        assert_eq!(steps(3), [0, 334, 999]);
        assert_eq!(steps(1), [999]);
        assert_eq!(steps(1_000).len(), 1_000);
        assert_eq!(sampled(points.clone(), Some((5, 7)), 10).len(), 3);
    }

    proptest! {
        #[test]
        fn what_was_packed_together_comes_apart(
            all in prop::collection::vec((".{1,20}", prop::collection::vec(any::<i64>(), 1..9)), 0..9),
        ) {
            let mut bytes = Vec::new();
            let mut expected = Vec::new();
            for (key, steps) in &all {
                let points: Vec<_> = steps.iter().map(|step| point(1, *step, 0.5)).collect();
                pack_with(&mut bytes, key, &points);
                expected.push((key.as_str(), pack(&points)));
            }
            let found: Vec<_> = apart(&bytes).map(|(key, points)| (key, points.to_vec())).collect();
            prop_assert_eq!(&found, &expected);
            // Half of it is no reason to fall over.
            prop_assert!(apart(&bytes[..bytes.len() / 2]).count() <= all.len());
        }

        #[test]
        fn packed_points_come_back(points in prop::collection::vec((any::<i64>(), any::<i64>(), any::<f64>()), 0..50)) {
            let points: Vec<_> = points.into_iter().map(|(at, step, value)| point(at, step, value)).collect();
            let bytes = pack(&points);
            let found = history([&bytes[..]]);
            prop_assert!(found.len() <= points.len());
            for kept in &points {
                prop_assert!(found.iter().any(|other| kept.by_time(other) == Ordering::Equal));
            }
        }
    }
}
