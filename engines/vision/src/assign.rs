//! The assignment problem: rows to columns at the least total cost.

/// Costs at or above this are forbidden pairs.
pub(crate) const FORBIDDEN: f32 = 1.0e4;

/// Optimal assignment by shortest augmenting paths (Jonker and Volgenant 1987), O(rows² · columns).
/// `cost` is row-major `[rows][columns]`, every value finite. Returns each row's column; pairs that cost
/// [`FORBIDDEN`] or more are left apart.
pub(crate) fn assign(cost: &[f32], rows: usize, columns: usize) -> Vec<Option<usize>> {
    debug_assert_eq!(cost.len(), rows * columns);
    if rows == 0 || columns == 0 {
        return vec![None; rows];
    }
    if rows > columns {
        let mut turned = vec![0.0; cost.len()];
        for r in 0..rows {
            for c in 0..columns {
                turned[c * rows + r] = cost[r * columns + c];
            }
        }
        let mut result = vec![None; rows];
        for (c, r) in assign(&turned, columns, rows).into_iter().enumerate() {
            if let Some(r) = r {
                result[r] = Some(c);
            }
        }
        return result;
    }
    // Potentials and matching with a dummy column 0; all indices are one-based as in the usual formulation.
    let mut u = vec![0.0f64; rows + 1];
    let mut v = vec![0.0f64; columns + 1];
    let mut row_of = vec![0usize; columns + 1];
    let mut way = vec![0usize; columns + 1];
    let mut least = vec![f64::INFINITY; columns + 1];
    let mut used = vec![false; columns + 1];
    for row in 1..=rows {
        row_of[0] = row;
        least.fill(f64::INFINITY);
        used.fill(false);
        let mut at = 0;
        loop {
            used[at] = true;
            let r = row_of[at];
            let (mut delta, mut next) = (f64::INFINITY, 0);
            for c in 1..=columns {
                if used[c] {
                    continue;
                }
                let reduced = f64::from(cost[(r - 1) * columns + c - 1]) - u[r] - v[c];
                if reduced < least[c] {
                    least[c] = reduced;
                    way[c] = at;
                }
                if least[c] < delta {
                    delta = least[c];
                    next = c;
                }
            }
            for c in 0..=columns {
                if used[c] {
                    u[row_of[c]] += delta;
                    v[c] -= delta;
                } else {
                    least[c] -= delta;
                }
            }
            at = next;
            if row_of[at] == 0 {
                break;
            }
        }
        while at != 0 {
            let previous = way[at];
            row_of[at] = row_of[previous];
            at = previous;
        }
    }
    let mut result = vec![None; rows];
    for c in 1..=columns {
        let r = row_of[c];
        if r > 0 && cost[(r - 1) * columns + c - 1] < FORBIDDEN {
            result[r - 1] = Some(c - 1);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn total(cost: &[f32], columns: usize, pairs: &[Option<usize>]) -> f32 {
        pairs.iter().enumerate().filter_map(|(r, c)| c.map(|c| cost[r * columns + c])).sum()
    }

    /// The best total over all ways to place the rows, by trying each.
    fn brute(cost: &[f32], rows: usize, columns: usize, row: usize, used: &mut Vec<bool>) -> f32 {
        if row == rows {
            return 0.0;
        }
        let mut best = f32::INFINITY;
        for c in 0..columns {
            if !used[c] {
                used[c] = true;
                best = best.min(cost[row * columns + c] + brute(cost, rows, columns, row + 1, used));
                used[c] = false;
            }
        }
        best
    }

    proptest! {
        #[test]
        fn as_good_as_trying_everything(rows in 1usize..5, extra in 0usize..3, seed in prop::collection::vec(0u16..1000, 40)) {
            let columns = rows + extra;
            let cost: Vec<f32> = (0..rows * columns).map(|i| f32::from(seed[i % seed.len()]) + i as f32 * 0.01).collect();
            let pairs = assign(&cost, rows, columns);
            let best = brute(&cost, rows, columns, 0, &mut vec![false; columns]);
            prop_assert!((total(&cost, columns, &pairs) - best).abs() < 0.1);
            let mut seen: Vec<_> = pairs.iter().flatten().collect();
            seen.sort();
            seen.dedup();
            prop_assert_eq!(seen.len(), rows);
        }
    }

    #[test]
    fn forbidden_pairs_stay_apart_and_tall_problems_turn() {
        let f = FORBIDDEN;
        assert_eq!(assign(&[f, 1.0, f, f], 2, 2), vec![Some(1), None]);
        assert_eq!(assign(&[3.0, 1.0, 2.0], 3, 1), vec![None, Some(0), None]);
        assert_eq!(assign(&[], 0, 3), vec![]);
        assert_eq!(assign(&[], 2, 0), vec![None, None]);
    }
}
