//! Points, boxes and polygons. Pixel coordinates have their origin at the top left corner of the picture;
//! normalised coordinates (zones) divide them by width and height, so they lie in 0.0..=1.0.

use serde::{Deserialize, Serialize};

/// A point, either in pixels or normalised; the field that holds it says which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub x: f32,
    pub y: f32,
}

impl Point {
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    /// Euclidean distance to `other`.
    pub fn distance(self, other: Self) -> f32 {
        (self.x - other.x).hypot(self.y - other.y)
    }

    /// Whether both coordinates are finite and lie in 0.0..=1.0.
    pub fn is_normalised(self) -> bool {
        (0.0..=1.0).contains(&self.x) && (0.0..=1.0).contains(&self.y)
    }
}

/// An upright box: left, top, width and height in image pixels. Width and height are never negative in boxes
/// that this crate makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BBox {
    pub x: f32,
    pub y: f32,
    pub w: f32,
    pub h: f32,
}

impl BBox {
    pub const fn new(x: f32, y: f32, w: f32, h: f32) -> Self {
        Self { x, y, w, h }
    }

    /// From two opposite corners, in any order.
    pub fn from_corners(x0: f32, y0: f32, x1: f32, y1: f32) -> Self {
        Self::new(x0.min(x1), y0.min(y1), (x1 - x0).abs(), (y1 - y0).abs())
    }

    pub fn right(&self) -> f32 {
        self.x + self.w
    }

    pub fn bottom(&self) -> f32 {
        self.y + self.h
    }

    pub fn area(&self) -> f32 {
        self.w.max(0.0) * self.h.max(0.0)
    }

    pub fn center(&self) -> Point {
        Point::new(self.x + self.w * 0.5, self.y + self.h * 0.5)
    }

    /// Middle of the lower edge: where a person stands.
    pub fn foot(&self) -> Point {
        Point::new(self.x + self.w * 0.5, self.bottom())
    }

    /// Area of the common part of both boxes.
    pub fn intersection(&self, other: &Self) -> f32 {
        let w = self.right().min(other.right()) - self.x.max(other.x);
        let h = self.bottom().min(other.bottom()) - self.y.max(other.y);
        if w > 0.0 && h > 0.0 { w * h } else { 0.0 }
    }

    /// Intersection over union, 0.0..=1.0; 0 when both are empty.
    pub fn iou(&self, other: &Self) -> f32 {
        let common = self.intersection(other);
        let union = self.area() + other.area() - common;
        if union > 0.0 { (common / union).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The smallest box holding both.
    pub fn union(&self, other: &Self) -> Self {
        Self::from_corners(
            self.x.min(other.x),
            self.y.min(other.y),
            self.right().max(other.right()),
            self.bottom().max(other.bottom()),
        )
    }

    /// Grown by `dx` on the left and right and by `dy` above and below.
    pub fn grow(&self, dx: f32, dy: f32) -> Self {
        Self::new(self.x - dx, self.y - dy, (self.w + 2.0 * dx).max(0.0), (self.h + 2.0 * dy).max(0.0))
    }

    /// The part inside a picture of `width` × `height` pixels; empty (zero size) when there is none.
    pub fn clip(&self, width: f32, height: f32) -> Self {
        let x0 = self.x.clamp(0.0, width);
        let y0 = self.y.clamp(0.0, height);
        let x1 = self.right().clamp(x0, width);
        let y1 = self.bottom().clamp(y0, height);
        Self::new(x0, y0, x1 - x0, y1 - y0)
    }

    pub fn is_finite(&self) -> bool {
        self.x.is_finite() && self.y.is_finite() && self.w.is_finite() && self.h.is_finite()
    }
}

/// Twice the signed area of the triangle a, b, c: positive when c lies to the right of a→b as seen on the
/// screen (y grows downwards).
pub fn cross(a: Point, b: Point, c: Point) -> f32 {
    (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
}

/// Whether the closed segments a-b and c-d have a point in common.
pub fn segments_meet(a: Point, b: Point, c: Point, d: Point) -> bool {
    let (d1, d2) = (cross(c, d, a), cross(c, d, b));
    let (d3, d4) = (cross(a, b, c), cross(a, b, d));
    if ((d1 > 0.0) != (d2 > 0.0) || d1 == 0.0 || d2 == 0.0)
        && ((d3 > 0.0) != (d4 > 0.0) || d3 == 0.0 || d4 == 0.0)
        && !(d1 == 0.0 && d2 == 0.0)
    {
        let proper = d1 * d2 <= 0.0 && d3 * d4 <= 0.0;
        if proper {
            return true;
        }
    }
    let on = |p: Point, q: Point, r: Point, turn: f32| {
        turn == 0.0
            && r.x >= p.x.min(q.x)
            && r.x <= p.x.max(q.x)
            && r.y >= p.y.min(q.y)
            && r.y <= p.y.max(q.y)
    };
    on(c, d, a, d1) || on(c, d, b, d2) || on(a, b, c, d3) || on(a, b, d, d4)
}

/// Even-odd rule; points on the border may count as either side.
pub fn polygon_contains(polygon: &[Point], p: Point) -> bool {
    let mut inside = false;
    let mut j = polygon.len().wrapping_sub(1);
    for i in 0..polygon.len() {
        let (a, b) = (polygon[i], polygon[j]);
        if (a.y > p.y) != (b.y > p.y) && p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x {
            inside = !inside;
        }
        j = i;
    }
    inside
}

/// Area by the shoelace formula, always positive.
pub fn polygon_area(polygon: &[Point]) -> f32 {
    let n = polygon.len();
    (0..n)
        .map(|i| {
            let (a, b) = (polygon[i], polygon[(i + 1) % n]);
            a.x * b.y - b.x * a.y
        })
        .sum::<f32>()
        .abs()
        * 0.5
}

/// Shortest distance from `p` to the segment a-b.
pub fn segment_distance(a: Point, b: Point, p: Point) -> f32 {
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let length2 = dx * dx + dy * dy;
    if length2 == 0.0 {
        return a.distance(p);
    }
    let t = (((p.x - a.x) * dx + (p.y - a.y) * dy) / length2).clamp(0.0, 1.0);
    Point::new(a.x + t * dx, a.y + t * dy).distance(p)
}

/// Whether two edges of the closed polygon meet anywhere but in the corner that neighbours share.
pub fn polygon_crosses_itself(polygon: &[Point]) -> bool {
    let n = polygon.len();
    for i in 0..n {
        let (a, b) = (polygon[i], polygon[(i + 1) % n]);
        for j in i + 1..n {
            let (c, d) = (polygon[j], polygon[(j + 1) % n]);
            let next = j == i + 1;
            let previous = i == 0 && j == n - 1;
            let meets = if next || previous {
                // Neighbours share one corner; they cross only where they fold back on each other.
                let (tip, corner, other) = if next { (a, b, d) } else { (c, a, b) };
                let dot =
                    (tip.x - corner.x) * (other.x - corner.x) + (tip.y - corner.y) * (other.y - corner.y);
                cross(tip, corner, other) == 0.0 && dot > 0.0
            } else {
                segments_meet(a, b, c, d)
            };
            if meets {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_box() -> impl Strategy<Value = BBox> {
        (-50f32..200.0, -50f32..200.0, 0f32..100.0, 0f32..100.0)
            .prop_map(|(x, y, w, h)| BBox::new(x, y, w, h))
    }

    fn any_point() -> impl Strategy<Value = Point> {
        (0f32..1.0, 0f32..1.0).prop_map(|(x, y)| Point::new(x, y))
    }

    proptest! {
        #[test]
        fn iou_is_symmetric_and_bounded(a in any_box(), b in any_box()) {
            prop_assert!((a.iou(&b) - b.iou(&a)).abs() < 1e-5);
            prop_assert!((0.0..=1.0).contains(&a.iou(&b)));
            if a.area() > 0.0 {
                prop_assert!((a.iou(&a) - 1.0).abs() < 1e-3);
            }
        }

        #[test]
        fn the_union_holds_both(a in any_box(), b in any_box()) {
            let u = a.union(&b);
            prop_assert!((u.intersection(&a) - a.area()).abs() <= a.area() * 1e-3 + 1e-2);
            prop_assert!((u.intersection(&b) - b.area()).abs() <= b.area() * 1e-3 + 1e-2);
        }

        #[test]
        fn clipped_boxes_stay_inside(a in any_box()) {
            let c = a.clip(100.0, 80.0);
            prop_assert!(c.x >= 0.0 && c.y >= 0.0 && c.right() <= 100.001 && c.bottom() <= 80.001);
            prop_assert!(c.area() <= a.area() + 1e-2);
        }

        #[test]
        fn a_triangle_holds_its_middle_and_never_crosses_itself(a in any_point(), b in any_point(), c in any_point()) {
            let t = [a, b, c];
            prop_assume!(polygon_area(&t) > 1e-3);
            let middle = Point::new((a.x + b.x + c.x) / 3.0, (a.y + b.y + c.y) / 3.0);
            prop_assert!(polygon_contains(&t, middle));
            prop_assert!(!polygon_crosses_itself(&t));
        }

        #[test]
        fn meeting_is_symmetric(a in any_point(), b in any_point(), c in any_point(), d in any_point()) {
            prop_assert_eq!(segments_meet(a, b, c, d), segments_meet(c, d, a, b));
        }
    }

    #[test]
    fn a_bow_tie_crosses_itself_and_a_square_does_not() {
        let p = Point::new;
        assert!(polygon_crosses_itself(&[p(0.0, 0.0), p(1.0, 1.0), p(1.0, 0.0), p(0.0, 1.0)]));
        assert!(!polygon_crosses_itself(&[p(0.0, 0.0), p(1.0, 0.0), p(1.0, 1.0), p(0.0, 1.0)]));
        assert!(polygon_crosses_itself(&[p(0.0, 0.0), p(1.0, 0.0), p(0.5, 0.0), p(0.5, 1.0)]), "folded back");
    }

    #[test]
    fn segments_meet_where_they_touch_or_cross() {
        let p = Point::new;
        assert!(segments_meet(p(0.0, 0.0), p(2.0, 2.0), p(0.0, 2.0), p(2.0, 0.0)));
        assert!(segments_meet(p(0.0, 0.0), p(1.0, 0.0), p(1.0, 0.0), p(1.0, 1.0)));
        assert!(!segments_meet(p(0.0, 0.0), p(1.0, 0.0), p(2.0, 0.0), p(3.0, 0.0)));
        assert!(!segments_meet(p(0.0, 0.0), p(1.0, 0.0), p(0.0, 1.0), p(1.0, 1.0)));
    }
}
