//! Boxes, zones, labels and the clock, drawn straight onto a YUV picture.

use crate::font::{GLYPH_HEIGHT, GLYPH_WIDTH, glyph};
use crate::frame::Frame;
use crate::geometry::{BBox, Point};
use crate::rules::{Rule, ZoneConfig};
use crate::track::{TrackPoint, TrackedObject};

/// A colour in the picture's own space (BT.601, limited range).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color {
    pub y: u8,
    pub u: u8,
    pub v: u8,
}

impl Color {
    pub const WHITE: Self = Self { y: 235, u: 128, v: 128 };
    pub const BLACK: Self = Self { y: 16, u: 128, v: 128 };
    pub const GREEN: Self = Self::rgb(60, 210, 90);
    pub const RED: Self = Self::rgb(235, 60, 50);
    pub const YELLOW: Self = Self::rgb(250, 210, 50);
    pub const BLUE: Self = Self::rgb(70, 150, 250);

    pub const fn rgb(r: u8, g: u8, b: u8) -> Self {
        let (r, g, b) = (r as i32, g as i32, b as i32);
        Self {
            y: (16 + (66 * r + 129 * g + 25 * b + 128) / 256) as u8,
            u: (128 + (-38 * r - 74 * g + 112 * b) / 256) as u8,
            v: (128 + (112 * r - 94 * g - 18 * b) / 256) as u8,
        }
    }

    /// A colour that stays with an id, from a wheel of twelve.
    pub fn of_id(id: u64) -> Self {
        const WHEEL: [Color; 12] = [
            Color::rgb(60, 210, 90),
            Color::rgb(250, 210, 50),
            Color::rgb(70, 150, 250),
            Color::rgb(250, 120, 40),
            Color::rgb(200, 90, 240),
            Color::rgb(60, 220, 220),
            Color::rgb(250, 110, 170),
            Color::rgb(160, 220, 50),
            Color::rgb(120, 120, 250),
            Color::rgb(240, 180, 130),
            Color::rgb(110, 230, 170),
            Color::rgb(220, 220, 220),
        ];
        WHEEL[(id % 12) as usize]
    }
}

/// Draws on one picture. Whatever lies outside the picture is cut off.
pub struct Overlay<'a> {
    frame: &'a mut Frame,
    /// Line width and pixel size of letters.
    scale: i32,
}

impl<'a> Overlay<'a> {
    /// Line width follows the picture's size: 1 up to 480 lines, then one more for each 480.
    pub fn new(frame: &'a mut Frame) -> Self {
        let scale = (frame.height() as i32 / 480).max(0) + 1;
        Self { frame, scale }
    }

    /// A tracked object: box with class, id and score.
    pub fn object(&mut self, object: &TrackedObject) {
        let label = format!("{} {} {:.0}%", object.class, object.track, object.score * 100.0);
        self.bbox(&object.bbox, Color::of_id(object.track.0), Some(&label));
    }

    /// A box in image pixels, its label above it (or inside, at the picture's upper edge).
    pub fn bbox(&mut self, bbox: &BBox, color: Color, label: Option<&str>) {
        let (x0, y0) = (whole(bbox.x), whole(bbox.y));
        let (x1, y1) = (whole(bbox.right()), whole(bbox.bottom()));
        let t = self.scale.max(2);
        self.fill(x0, y0, x1, y0 + t, color);
        self.fill(x0, y1 - t, x1, y1, color);
        self.fill(x0, y0, x0 + t, y1, color);
        self.fill(x1 - t, y0, x1, y1, color);
        if let Some(text) = label {
            let height = self.text_height();
            let top = if y0 >= height { y0 - height } else { y0 + t };
            self.label(x0.max(0), top, text, Color::BLACK, color);
        }
    }

    /// A zone as people drew it, in normalised coordinates, with its name.
    pub fn zone(&mut self, zone: &ZoneConfig, active: bool) {
        let color = if active { Color::RED } else { Color::YELLOW };
        let name = if zone.name.is_empty() { &zone.id } else { &zone.name };
        let at = match &zone.rule {
            Rule::Intrusion { polygon, .. } | Rule::Loitering { polygon, .. } => {
                self.polygon(polygon, color);
                polygon.first().copied()
            }
            Rule::LineCrossing { line, .. } => {
                self.line(line[0], line[1], color);
                Some(line[0])
            }
        };
        if let Some(at) = at {
            let (x, y) = self.pixel(at);
            self.label(x, y, name, Color::BLACK, color);
        }
    }

    /// A closed outline, normalised coordinates.
    pub fn polygon(&mut self, points: &[Point], color: Color) {
        for (i, &a) in points.iter().enumerate() {
            self.line(a, points[(i + 1) % points.len()], color);
        }
    }

    /// A straight line, normalised coordinates.
    pub fn line(&mut self, a: Point, b: Point, color: Color) {
        let (a, b) = (self.pixel(a), self.pixel(b));
        self.stroke(a, b, color);
    }

    /// The way of a track's feet.
    pub fn path(&mut self, path: &[TrackPoint], color: Color) {
        let foot = |p: &TrackPoint| {
            let f = p.bbox.foot();
            (whole(f.x), whole(f.y))
        };
        for pair in path.windows(2) {
            self.stroke(foot(&pair[0]), foot(&pair[1]), color);
        }
    }

    /// The clock, or any text, at the lower left.
    pub fn clock(&mut self, text: &str) {
        let y = self.frame.height() as i32 - self.text_height() - 2;
        self.label(2, y, text, Color::WHITE, Color::BLACK);
    }

    /// Text on a filled ground; `x`, `y` are its upper left corner in image pixels. Cut off after 80 characters.
    pub fn label(&mut self, x: i32, y: i32, text: &str, color: Color, ground: Color) {
        let s = self.scale;
        let advance = (GLYPH_WIDTH as i32 + 1) * s;
        let count = text.chars().take(80).count() as i32;
        self.fill(x, y, x + count * advance + 3 * s, y + self.text_height(), ground);
        for (i, character) in text.chars().take(80).enumerate() {
            let left = x + 2 * s + i as i32 * advance;
            for (row, bits) in glyph(character).into_iter().enumerate() {
                for column in 0..GLYPH_WIDTH {
                    if bits >> (GLYPH_WIDTH - 1 - column) & 1 == 1 {
                        let (px, py) = (left + column as i32 * s, y + 2 * s + row as i32 * s);
                        self.fill_luma(px, py, px + s, py + s, color.y);
                    }
                }
            }
        }
    }

    fn text_height(&self) -> i32 {
        (GLYPH_HEIGHT as i32 + 4) * self.scale
    }

    fn pixel(&self, p: Point) -> (i32, i32) {
        let (w, h) = (self.frame.width() as f32 - 1.0, self.frame.height() as f32 - 1.0);
        (whole(p.x * w), whole(p.y * h))
    }

    /// Bresenham's line with a square pen.
    fn stroke(&mut self, (mut x, mut y): (i32, i32), (x1, y1): (i32, i32), color: Color) {
        let (dx, dy) = ((x1 - x).abs(), -(y1 - y).abs());
        let (sx, sy) = ((x1 - x).signum(), (y1 - y).signum());
        let mut error = dx + dy;
        let pen = self.scale.max(2);
        loop {
            self.fill(x, y, x + pen, y + pen, color);
            if (x, y) == (x1, y1) {
                return;
            }
            let twice = 2 * error;
            if twice >= dy {
                error += dy;
                x += sx;
            }
            if twice <= dx {
                error += dx;
                y += sy;
            }
        }
    }

    fn fill(&mut self, x0: i32, y0: i32, x1: i32, y1: i32, color: Color) {
        self.fill_luma(x0, y0, x1, y1, color.y);
        let (cw, ch) = self.frame.chroma_size();
        let (_, u, v) = self.frame.planes_mut();
        for (plane, value) in [(u, color.u), (v, color.v)] {
            fill_plane(
                plane,
                cw,
                ch,
                [x0.div_euclid(2), y0.div_euclid(2), (x1 + 1) / 2, (y1 + 1) / 2],
                value,
            );
        }
    }

    fn fill_luma(&mut self, x0: i32, y0: i32, x1: i32, y1: i32, value: u8) {
        let (width, height) = (self.frame.width(), self.frame.height());
        fill_plane(self.frame.planes_mut().0, width, height, [x0, y0, x1, y1], value);
    }
}

/// The nearest whole pixel; what lies far outside any picture is pulled in, so that lines stay short.
fn whole(value: f32) -> i32 {
    let far = 2.0 * crate::frame::SIDE_MAX as f32;
    value.round().clamp(-far, far) as i32
}

/// Fills a rectangle, half open, cut at the plane's edges.
fn fill_plane(plane: &mut [u8], width: usize, height: usize, [x0, y0, x1, y1]: [i32; 4], value: u8) {
    let clamp = |v: i32, max: usize| v.clamp(0, max as i32) as usize;
    let (x0, x1) = (clamp(x0, width), clamp(x1, width));
    let (y0, y1) = (clamp(y0, height), clamp(y1, height));
    if x0 >= x1 {
        return;
    }
    for y in y0..y1 {
        plane[y * width + x0..y * width + x1].fill(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_box_has_four_sides_and_an_empty_middle() {
        let mut frame = Frame::new(100, 80).unwrap();
        Overlay::new(&mut frame).bbox(&BBox::new(20.0, 20.0, 40.0, 30.0), Color::GREEN, None);
        let at = |x: usize, y: usize| frame.luma()[y * 100 + x];
        for (x, y) in [(20, 30), (59, 30), (40, 20), (40, 49)] {
            assert_eq!(at(x, y), Color::GREEN.y, "{x} {y}");
        }
        assert_eq!((at(40, 35), at(18, 30)), (16, 16));
    }

    #[test]
    fn text_leaves_marks_and_differs_by_letter() {
        let draw = |text: &str| {
            let mut frame = Frame::new(100, 40).unwrap();
            Overlay::new(&mut frame).clock(text);
            frame.into_data()
        };
        assert_ne!(draw("12:00"), draw("12:01"));
        assert!(draw("A").iter().filter(|&&p| p == 235).count() > 8);
    }

    #[test]
    fn primary_colours_are_where_the_standard_puts_them() {
        let red = Color::rgb(255, 0, 0);
        assert!(red.y.abs_diff(81) <= 1 && red.u.abs_diff(90) <= 1 && red.v.abs_diff(240) <= 1, "{red:?}");
    }

    proptest! {
        #[test]
        fn drawing_outside_never_panics(x in -1e9f32..1e9, y in -1e9f32..1e9, w in 0f32..1e9, h in 0f32..1e9) {
            let mut frame = Frame::new(33, 17).unwrap();
            let mut overlay = Overlay::new(&mut frame);
            overlay.bbox(&BBox::new(x, y, w, h), Color::RED, Some("out"));
            overlay.line(Point::new(x, y), Point::new(w, h), Color::RED);
        }
    }
}
