//! The motion gate: is anything moving, and where? Costs well under a millisecond, so that the detector may rest.
//!
//! The luma plane is averaged down to a small picture. Each of its pixels keeps a running mean and mean
//! deviation; a pixel moves where it differs from its mean by much more than its deviation. Two things that
//! change light but are not motion are taken out: a change of the whole picture (gain, sun behind a cloud) by
//! subtracting the median difference, and cast shadows, where a pixel is darker by a plausible factor while its
//! texture stays. Moving pixels join into regions.

use serde::{Deserialize, Serialize};

use crate::frame::Frame;
use crate::geometry::BBox;

/// Parameters of a [`MotionDetector`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MotionConfig {
    /// Width of the small picture in pixels; the height follows the aspect. 32..=480.
    pub width: usize,
    /// Least difference from the background, in grey levels.
    pub threshold: f32,
    /// The same in mean deviations of the pixel, which calms leaves and water.
    pub deviations: f32,
    /// Time in which the background follows a change that stays, in milliseconds.
    pub adapt_ms: u32,
    /// Smallest region, as a fraction of the picture.
    pub area_min: f32,
    /// A difference in more than this fraction of the picture is a change of light or of the view: the
    /// background starts anew.
    pub light_area: f32,
    /// Darkest factor that still counts as a shadow; 1.0 turns shadow handling off.
    pub shadow: f32,
    /// The most regions reported; the largest win.
    pub regions_max: usize,
}

impl Default for MotionConfig {
    fn default() -> Self {
        Self {
            width: 160,
            threshold: 12.0,
            deviations: 3.5,
            adapt_ms: 8_000,
            area_min: 0.0006,
            light_area: 0.65,
            shadow: 0.6,
            regions_max: 24,
        }
    }
}

/// What moved in one picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Motion {
    /// Fraction of the picture that moves, 0.0..=1.0.
    pub score: f32,
    /// Moving regions in image pixels, largest first.
    pub regions: Vec<BBox>,
    /// The light or the whole view changed; `regions` is empty and the background starts anew.
    pub light_change: bool,
}

impl Motion {
    pub fn is_quiet(&self) -> bool {
        self.regions.is_empty() && !self.light_change
    }
}

/// Keeps the background of one camera. Memory: about 30 bytes per pixel of the small picture.
#[derive(Clone, Debug)]
pub struct MotionDetector {
    config: MotionConfig,
    columns: usize,
    rows: usize,
    frame_size: (usize, usize),
    small: Vec<f32>,
    mean: Vec<f32>,
    deviation: Vec<f32>,
    mask: Vec<u8>,
    scratch: Vec<u8>,
    stack: Vec<u32>,
    last_us: Option<i64>,
    seen: u32,
}

impl MotionDetector {
    pub fn new(config: MotionConfig) -> Self {
        Self {
            config,
            columns: 0,
            rows: 0,
            frame_size: (0, 0),
            small: Vec::new(),
            mean: Vec::new(),
            deviation: Vec::new(),
            mask: Vec::new(),
            scratch: Vec::new(),
            stack: Vec::new(),
            last_us: None,
            seen: 0,
        }
    }

    /// New parameters; the background is kept where the small picture keeps its size.
    pub fn set_config(&mut self, config: MotionConfig) {
        if config.width != self.config.width {
            self.frame_size = (0, 0);
        }
        self.config = config;
    }

    /// Forgets the background: the next pictures teach it anew.
    pub fn reset(&mut self) {
        self.frame_size = (0, 0);
    }

    /// Which pixels of the small picture moved (row-major, 0 or 255) with its width and height.
    pub fn mask(&self) -> (&[u8], usize, usize) {
        (&self.mask, self.columns, self.rows)
    }

    /// Compares a picture with the background and lets the background learn. The first pictures only teach.
    pub fn step(&mut self, frame: &Frame) -> Motion {
        if self.frame_size != (frame.width(), frame.height()) {
            self.resize(frame.width(), frame.height());
        }
        shrink(frame, self.columns, self.rows, &mut self.small);
        let dt_us = self.last_us.map_or(0, |last| (frame.time_us() - last).clamp(0, 2_000_000));
        self.last_us = Some(frame.time_us());
        self.seen = self.seen.saturating_add(1);
        if self.seen == 1 {
            self.mean.copy_from_slice(&self.small);
            return Motion::default();
        }
        let shift = self.light_shift();
        let moving = self.difference(shift);
        let area = (self.columns * self.rows) as f32;
        let light_change = moving as f32 > self.config.light_area * area || shift.abs() > 40.0;
        // Fast at first, so that a scene which was busy at the start clears up.
        let steady = dt_us as f32 * 1e-3 / self.config.adapt_ms.max(1) as f32;
        let rate = steady.max(1.0 / (self.seen as f32 + 1.0)).min(0.5);
        if light_change {
            self.mean.copy_from_slice(&self.small);
            self.mask.fill(0);
            return Motion { score: moving as f32 / area, regions: Vec::new(), light_change: true };
        }
        self.learn(shift, rate);
        self.close();
        let (regions, pixels) = self.regions(frame);
        Motion { score: pixels as f32 / area, regions, light_change: false }
    }

    fn resize(&mut self, width: usize, height: usize) {
        self.frame_size = (width, height);
        self.columns = self.config.width.clamp(32, 480).min(width);
        self.rows = (self.columns * height).div_ceil(width).clamp(1, height);
        let n = self.columns * self.rows;
        for plane in [&mut self.small, &mut self.mean, &mut self.deviation] {
            plane.clear();
            plane.resize(n, 0.0);
        }
        self.deviation.fill(2.0);
        self.mask.clear();
        self.mask.resize(n, 0);
        self.scratch.clear();
        self.scratch.resize(n, 0);
        self.seen = 0;
        self.last_us = None;
    }

    /// Median difference to the background, from a histogram of every third pixel.
    fn light_shift(&self) -> f32 {
        let mut histogram = [0u32; 512];
        let mut count = 0;
        for (s, m) in self.small.iter().zip(&self.mean).step_by(3) {
            histogram[(s - m + 256.0).clamp(0.0, 511.0) as usize] += 1;
            count += 1;
        }
        let mut below = 0;
        for (bin, n) in histogram.iter().enumerate() {
            below += n;
            if below * 2 >= count {
                return if (bin as f32 - 255.5).abs() < 1.0 { 0.0 } else { bin as f32 - 255.5 };
            }
        }
        0.0
    }

    /// Fills the mask; returns the number of moving pixels.
    fn difference(&mut self, shift: f32) -> usize {
        let Self { config, small, mean, deviation, mask, .. } = self;
        let mut moving = 0;
        for (((m, s), b), d) in mask.iter_mut().zip(&*small).zip(&*mean).zip(&*deviation) {
            let limit = (d * config.deviations).clamp(config.threshold, config.threshold * 4.0);
            let on = (s - shift - b).abs() > limit;
            *m = u8::from(on) * 255;
            moving += usize::from(on);
        }
        if config.shadow < 1.0 {
            moving -= self.drop_shadows(shift);
        }
        moving
    }

    /// A shadow darkens evenly: against its neighbours the pixel keeps its ratio to the background. Returns how
    /// many pixels were taken out of the mask.
    fn drop_shadows(&mut self, shift: f32) -> usize {
        let (columns, rows) = (self.columns, self.rows);
        let mut dropped = 0;
        for y in 1..rows.saturating_sub(1) {
            for x in 1..columns.saturating_sub(1) {
                let i = y * columns + x;
                if self.mask[i] == 0 {
                    continue;
                }
                let ratio = |j: usize| (self.small[j] - shift) / self.mean[j].max(16.0);
                let own = ratio(i);
                if !(self.config.shadow..0.97).contains(&own) {
                    continue;
                }
                let even =
                    [i - 1, i + 1, i - columns, i + columns].iter().all(|&j| (ratio(j) - own).abs() < 0.035);
                if even {
                    self.scratch[i] = 1;
                    dropped += 1;
                }
            }
        }
        for (m, s) in self.mask.iter_mut().zip(&mut self.scratch) {
            if *s == 1 {
                *m = 0;
            }
            *s = 0;
        }
        dropped
    }

    /// Still pixels follow at `rate`, moving ones eight times slower: who stops moving becomes background, but
    /// not at once.
    fn learn(&mut self, shift: f32, rate: f32) {
        let Self { small, mean, deviation, mask, .. } = self;
        for (((s, m), d), on) in small.iter().zip(mean).zip(deviation).zip(&*mask) {
            let rate = if *on == 0 { rate } else { rate * 0.125 };
            let difference = s - *m;
            *d += rate * ((difference - shift).abs().min(40.0) - *d);
            *m += rate * difference;
        }
    }

    /// Removes single pixels, then grows what is left by one pixel.
    fn close(&mut self) {
        let (columns, rows) = (self.columns, self.rows);
        let Self { mask, scratch, .. } = self;
        for y in 0..rows {
            for x in 0..columns {
                let i = y * columns + x;
                let near = usize::from(x > 0 && mask[i - 1] != 0)
                    + usize::from(x + 1 < columns && mask[i + 1] != 0)
                    + usize::from(y > 0 && mask[i - columns] != 0)
                    + usize::from(y + 1 < rows && mask[i + columns] != 0);
                scratch[i] = match mask[i] {
                    0 if near >= 2 => 255,
                    0 => 0,
                    _ if near >= 1 => 255,
                    _ => 0,
                };
            }
        }
        std::mem::swap(mask, scratch);
        scratch.fill(0);
    }

    /// Connected regions (8 neighbours, gaps of one pixel) as boxes in image pixels, and the moving area.
    fn regions(&mut self, frame: &Frame) -> (Vec<BBox>, usize) {
        let (columns, rows) = (self.columns as i32, self.rows as i32);
        let area_min = (self.config.area_min * (columns * rows) as f32).max(3.0) as usize;
        let (sx, sy) = (frame.width() as f32 / columns as f32, frame.height() as f32 / rows as f32);
        let mut found: Vec<(usize, BBox)> = Vec::new();
        let mut pixels = 0;
        let Self { mask, scratch, stack, .. } = self;
        for start in 0..mask.len() {
            if mask[start] == 0 || scratch[start] != 0 {
                continue;
            }
            stack.push(start as u32);
            scratch[start] = 1;
            let (mut x0, mut y0, mut x1, mut y1, mut area) = (columns, rows, 0, 0, 0);
            while let Some(i) = stack.pop() {
                let (x, y) = (i as i32 % columns, i as i32 / columns);
                (x0, y0, x1, y1) = (x0.min(x), y0.min(y), x1.max(x), y1.max(y));
                area += 1;
                for ny in (y - 2).max(0)..(y + 3).min(rows) {
                    for nx in (x - 1).max(0)..(x + 2).min(columns) {
                        let j = (ny * columns + nx) as usize;
                        if mask[j] != 0 && scratch[j] == 0 {
                            scratch[j] = 1;
                            stack.push(j as u32);
                        }
                    }
                }
            }
            if area >= area_min {
                pixels += area;
                let bbox = BBox::from_corners(
                    x0 as f32 * sx,
                    y0 as f32 * sy,
                    (x1 + 1) as f32 * sx,
                    (y1 + 1) as f32 * sy,
                );
                found.push((area, bbox));
            }
        }
        scratch.fill(0);
        found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.y.total_cmp(&b.1.y)).then(a.1.x.total_cmp(&b.1.x)));
        found.truncate(self.config.regions_max.max(1));
        (found.into_iter().map(|(_, bbox)| bbox).collect(), pixels)
    }
}

/// Averages the luma plane down to `columns` × `rows`, O(pixels); of large pictures every second row is read.
fn shrink(frame: &Frame, columns: usize, rows: usize, out: &mut [f32]) {
    let (width, height) = (frame.width(), frame.height());
    let luma = frame.luma();
    let step = if height / rows >= 4 { 2 } else { 1 };
    for row in 0..rows {
        let (y0, y1) = (row * height / rows, ((row + 1) * height / rows).max(row * height / rows + 1));
        let target = &mut out[row * columns..(row + 1) * columns];
        target.fill(0.0);
        let mut lines = 0;
        for y in (y0..y1.min(height)).step_by(step) {
            lines += 1;
            let line = &luma[y * width..(y + 1) * width];
            for (column, sum) in target.iter_mut().enumerate() {
                let (x0, x1) = (column * width / columns, (column + 1) * width / columns);
                let pixels = &line[x0..x1.max(x0 + 1)];
                *sum += pixels.iter().map(|&p| u32::from(p)).sum::<u32>() as f32 / pixels.len() as f32;
            }
        }
        for sum in target {
            *sum /= lines.max(1) as f32;
        }
    }
}

#[cfg(test)]
mod tests;
