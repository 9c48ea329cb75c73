//! Non-maximum suppression.

use super::Detection;

/// Keeps the surest of detections of one class that overlap by more than `iou_max`; other classes do not matter
/// to each other. The result is sorted by falling score and at most `max` long. Sorting is stable, so equal
/// scores keep their order. O(kept · candidates).
pub fn suppress(mut candidates: Vec<Detection>, iou_max: f32, max: usize) -> Vec<Detection> {
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Detection> = Vec::with_capacity(candidates.len().min(max));
    for candidate in candidates {
        if kept.len() >= max {
            break;
        }
        if !kept.iter().any(|k| k.class == candidate.class && k.bbox.iou(&candidate.bbox) > iou_max) {
            kept.push(candidate);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::Class;
    use crate::geometry::BBox;
    use proptest::prelude::*;

    fn any_detection() -> impl Strategy<Value = Detection> {
        (0f32..100.0, 0f32..100.0, 1f32..40.0, 1f32..40.0, 0f32..1.0, 0u8..3).prop_map(
            |(x, y, w, h, score, c)| {
                let class = Class::from(["person", "car", "dog"][usize::from(c)]);
                Detection { bbox: BBox::new(x, y, w, h), score, class }
            },
        )
    }

    proptest! {
        #[test]
        fn survivors_do_not_overlap_and_everything_else_is_covered(
            all in prop::collection::vec(any_detection(), 0..40), iou in 0.1f32..0.9
        ) {
            let kept = suppress(all.clone(), iou, 1000);
            for (i, a) in kept.iter().enumerate() {
                prop_assert!(all.contains(a));
                for b in &kept[..i] {
                    prop_assert!(a.class != b.class || a.bbox.iou(&b.bbox) <= iou);
                    prop_assert!(a.score <= b.score);
                }
            }
            for d in &all {
                prop_assert!(kept.iter().any(|k| k == d
                    || (k.class == d.class && k.score >= d.score && k.bbox.iou(&d.bbox) > iou)));
            }
            prop_assert_eq!(suppress(kept.clone(), iou, 1000), kept);
        }
    }

    #[test]
    fn the_limit_keeps_the_surest() {
        let d =
            |x: f32, score| Detection { bbox: BBox::new(x, 0.0, 5.0, 5.0), score, class: "person".into() };
        let kept = suppress(vec![d(0.0, 0.2), d(10.0, 0.9), d(20.0, 0.5)], 0.5, 2);
        assert_eq!(kept.iter().map(|d| d.score).collect::<Vec<_>>(), [0.9, 0.5]);
    }
}
