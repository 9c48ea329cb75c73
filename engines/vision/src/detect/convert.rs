//! From the decoder's picture to the model's input in one pass: crop, resize, YUV to RGB, scaling, padding.

use super::config::{ChannelOrder, Layout, Resize};
use crate::frame::Frame;
use crate::geometry::BBox;

/// How pixels become input values.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalisation {
    pub layout: Layout,
    pub channels: ChannelOrder,
    /// Value = `pixel · factor[c] + offset[c]`, c in the model's channel order.
    pub factor: [f32; 3],
    pub offset: [f32; 3],
    pub pad: u8,
}

/// Where a region of the picture lies in the input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// Input pixels per image pixel.
    pub scale_x: f32,
    pub scale_y: f32,
    /// Left and top of the picture's part in the input, in input pixels.
    pub left: usize,
    pub top: usize,
    /// Its size there.
    pub width: usize,
    pub height: usize,
    /// The region, image pixels.
    pub region: BBox,
}

impl Placement {
    /// Fits `region` into an input of `width` × `height`.
    pub fn new(region: BBox, width: usize, height: usize, resize: Resize) -> Self {
        let (rw, rh) = (region.w.max(1.0), region.h.max(1.0));
        let (fx, fy) = (width as f32 / rw, height as f32 / rh);
        if resize == Resize::Stretch {
            return Self { scale_x: fx, scale_y: fy, left: 0, top: 0, width, height, region };
        }
        let scale = fx.min(fy);
        let w = ((rw * scale).round() as usize).clamp(1, width);
        let h = ((rh * scale).round() as usize).clamp(1, height);
        let (left, top) = match resize {
            Resize::LetterboxCenter => ((width - w) / 2, (height - h) / 2),
            _ => (0, 0),
        };
        Self { scale_x: scale, scale_y: scale, left, top, width: w, height: h, region }
    }

    /// A box of the input in image pixels.
    pub fn to_image(&self, bbox: &BBox) -> BBox {
        BBox::new(
            (bbox.x - self.left as f32) / self.scale_x + self.region.x,
            (bbox.y - self.top as f32) / self.scale_y + self.region.y,
            bbox.w / self.scale_x,
            bbox.h / self.scale_y,
        )
    }
}

/// Source samples of one axis: for each target position the first sample and `count` weights that sum to 1.
/// Bilinear where the picture grows; where it shrinks each target averages what it covers, so that small people
/// do not fall between samples.
#[derive(Clone, Debug, Default)]
struct Taps {
    count: usize,
    index: Vec<u32>,
    weight: Vec<f32>,
}

impl Taps {
    /// `step` source samples per target, beginning at `start`; clamped at the borders of a line of `len` samples.
    fn fill(&mut self, start: f32, step: f32, targets: usize, len: usize) {
        self.index.clear();
        self.weight.clear();
        let reach = step.max(1.0);
        self.count = (reach.ceil() as usize + 1).min(len);
        for i in 0..targets {
            let middle = start + (i as f32 + 0.5) * step;
            let (from, to) = (middle - reach * 0.5, middle + reach * 0.5);
            let first = (from.max(0.0) as usize).min(len - self.count);
            self.index.push(first as u32);
            let at = self.weight.len();
            // How much of [from, to] each sample covers; what lies outside goes to the border's sample.
            for k in 0..self.count {
                let left = if first + k == 0 { f32::MIN } else { (first + k) as f32 };
                let right = if first + k + 1 == len { f32::MAX } else { (first + k + 1) as f32 };
                self.weight.push((to.min(right) - from.max(left)).max(0.0));
            }
            let sum: f32 = self.weight[at..].iter().sum();
            self.weight[at..].iter_mut().for_each(|w| *w /= sum.max(f32::EPSILON));
        }
    }
}

/// Converts pictures; keeps its tables and line buffers.
#[derive(Clone, Debug, Default)]
pub struct Converter {
    x_luma: Taps,
    x_chroma: Taps,
    y_luma: Taps,
    y_chroma: Taps,
    line: Vec<f32>,
    y: Vec<f32>,
    u: Vec<f32>,
    v: Vec<f32>,
}

impl Converter {
    /// Fills `out` (3 · width · height values) with `place.region` of `frame`. BT.601, limited range.
    pub fn convert(
        &mut self,
        frame: &Frame,
        place: &Placement,
        width: usize,
        height: usize,
        norm: &Normalisation,
        out: &mut [f32],
    ) {
        debug_assert_eq!(out.len(), 3 * width * height);
        let (cw, ch) = frame.chroma_size();
        let (sx, sy) = (1.0 / place.scale_x, 1.0 / place.scale_y);
        let (rx, ry) = (place.region.x, place.region.y);
        self.x_luma.fill(rx, sx, place.width, frame.width());
        self.y_luma.fill(ry, sy, place.height, frame.height());
        self.x_chroma.fill(rx * 0.5, sx * 0.5, place.width, cw);
        self.y_chroma.fill(ry * 0.5, sy * 0.5, place.height, ch);
        for buffer in [&mut self.y, &mut self.u, &mut self.v] {
            buffer.resize(place.width, 0.0);
        }
        let (luma, cb, cr) = frame.planes();
        if (place.width, place.height) != (width, height) {
            pad(out, width * height, norm);
        }
        for row in 0..place.height {
            let Self { x_luma, x_chroma, y_luma, y_chroma, line, .. } = self;
            sample(luma, frame.width(), y_luma, row, x_luma, line, &mut self.y);
            sample(cb, cw, y_chroma, row, x_chroma, line, &mut self.u);
            sample(cr, cw, y_chroma, row, x_chroma, line, &mut self.v);
            let at = (row + place.top) * width + place.left;
            write_row(&self.y, &self.u, &self.v, norm, out, at, width * height);
        }
    }
}

/// One target line: averages source rows, then samples along x.
fn sample(
    plane: &[u8],
    width: usize,
    rows: &Taps,
    row: usize,
    columns: &Taps,
    line: &mut Vec<f32>,
    out: &mut [f32],
) {
    let (Some(&first), Some(&last)) = (columns.index.first(), columns.index.last()) else { return };
    let (first, end) = (first as usize, last as usize + columns.count);
    line.clear();
    line.resize(end - first, 0.0);
    let top = rows.index[row] as usize;
    for (k, &weight) in rows.weight[row * rows.count..(row + 1) * rows.count].iter().enumerate() {
        let source = &plane[(top + k) * width + first..(top + k) * width + end];
        for (target, &pixel) in line.iter_mut().zip(source) {
            *target += f32::from(pixel) * weight;
        }
    }
    match columns.count {
        2 => gather::<2>(line, columns, first, out),
        3 => gather::<3>(line, columns, first, out),
        4 => gather::<4>(line, columns, first, out),
        5 => gather::<5>(line, columns, first, out),
        count => {
            let taps = columns.index.iter().zip(columns.weight.chunks_exact(count));
            for (target, (&index, weights)) in out.iter_mut().zip(taps) {
                let at = index as usize - first;
                *target = line[at..at + count].iter().zip(weights).map(|(p, w)| p * w).sum();
            }
        }
    }
}

/// Samples along x with a number of weights that the compiler knows.
fn gather<const N: usize>(line: &[f32], columns: &Taps, first: usize, out: &mut [f32]) {
    let (weights, _) = columns.weight.as_chunks::<N>();
    for (target, (&index, weights)) in out.iter_mut().zip(columns.index.iter().zip(weights)) {
        if let Some(pixels) = line[index as usize - first..].first_chunk::<N>() {
            *target = pixels.iter().zip(weights).map(|(p, w)| p * w).sum();
        }
    }
}

fn pad(out: &mut [f32], plane: usize, norm: &Normalisation) {
    let value = |c: usize| f32::from(norm.pad) * norm.factor[c] + norm.offset[c];
    match norm.layout {
        Layout::Nchw => (0..3).for_each(|c| out[c * plane..(c + 1) * plane].fill(value(c))),
        Layout::Nhwc => {
            out.chunks_exact_mut(3).for_each(|p| p.copy_from_slice(&[value(0), value(1), value(2)]))
        }
    }
}

/// Red, green and blue of BT.601 limited range, 0..=255.
#[inline(always)]
fn rgb(y: f32, u: f32, v: f32) -> [f32; 3] {
    let luma = (y - 16.0) * 1.164_383;
    let (cb, cr) = (u - 128.0, v - 128.0);
    [luma + 1.596_027 * cr, luma - 0.391_762 * cb - 0.812_968 * cr, luma + 2.017_232 * cb]
        .map(|c| c.clamp(0.0, 255.0))
}

fn write_row(
    y: &[f32],
    u: &[f32],
    v: &[f32],
    norm: &Normalisation,
    out: &mut [f32],
    at: usize,
    plane: usize,
) {
    let n = y.len();
    let swap = norm.channels == ChannelOrder::Bgr;
    // Factors in the order red, green, blue.
    let order = if swap { [2, 1, 0] } else { [0, 1, 2] };
    let (factor, offset) = (order.map(|c| norm.factor[c]), order.map(|c| norm.offset[c]));
    let pixels = y.iter().zip(u).zip(v);
    match norm.layout {
        Layout::Nchw => {
            let (first, rest) = out.split_at_mut(plane);
            let (second, third) = rest.split_at_mut(plane);
            let (red, blue) = if swap { (third, first) } else { (first, third) };
            let targets = red[at..at + n].iter_mut().zip(&mut second[at..at + n]).zip(&mut blue[at..at + n]);
            for (((r, g), b), ((y, u), v)) in targets.zip(pixels) {
                let p = rgb(*y, *u, *v);
                *r = p[0] * factor[0] + offset[0];
                *g = p[1] * factor[1] + offset[1];
                *b = p[2] * factor[2] + offset[2];
            }
        }
        Layout::Nhwc => {
            for (target, ((y, u), v)) in out[at * 3..(at + n) * 3].chunks_exact_mut(3).zip(pixels) {
                let p = rgb(*y, *u, *v);
                for (c, &to) in order.iter().enumerate() {
                    target[to] = p[c] * factor[c] + offset[c];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(layout: Layout) -> Normalisation {
        Normalisation { layout, channels: ChannelOrder::Rgb, factor: [1.0; 3], offset: [0.0; 3], pad: 114 }
    }

    /// A picture of one colour given as Y, U, V.
    fn flat(width: usize, height: usize, yuv: [u8; 3]) -> Frame {
        let mut frame = Frame::new(width, height).unwrap();
        let (y, u, v) = frame.planes_mut();
        y.fill(yuv[0]);
        u.fill(yuv[1]);
        v.fill(yuv[2]);
        frame
    }

    #[test]
    fn colours_and_padding_come_out_in_both_layouts() {
        // Y 81, U 90, V 240 is pure red in BT.601 limited range.
        let frame = flat(64, 32, [81, 90, 240]);
        let place = Placement::new(frame.bounds(), 32, 32, Resize::Letterbox);
        assert_eq!((place.width, place.height), (32, 16));
        let mut out = vec![0.0; 3 * 32 * 32];
        Converter::default().convert(&frame, &place, 32, 32, &plain(Layout::Nchw), &mut out);
        assert!((out[0] - 254.0).abs() < 2.0 && out[1024] < 2.0 && out[2048] < 2.0, "{:?}", &out[..3]);
        assert_eq!(out[1023], 114.0);
        let mut mixed = vec![0.0; 3 * 32 * 32];
        Converter::default().convert(&frame, &place, 32, 32, &plain(Layout::Nhwc), &mut mixed);
        for i in 0..1024 {
            for c in 0..3 {
                assert_eq!(mixed[i * 3 + c], out[c * 1024 + i]);
            }
        }
    }

    #[test]
    fn a_crop_shows_its_part_of_the_picture() {
        let mut frame = flat(64, 64, [16, 128, 128]);
        for y in 32..64 {
            frame.planes_mut().0[y * 64 + 32..(y + 1) * 64].fill(235);
        }
        let place = Placement::new(BBox::new(32.0, 32.0, 32.0, 32.0), 16, 16, Resize::Stretch);
        let mut out = vec![0.0; 3 * 256];
        Converter::default().convert(&frame, &place, 16, 16, &plain(Layout::Nchw), &mut out);
        assert!(out.iter().all(|&v| v > 250.0));
        assert_eq!(place.to_image(&BBox::new(0.0, 0.0, 16.0, 16.0)), BBox::new(32.0, 32.0, 32.0, 32.0));
    }

    #[test]
    fn placements_map_back() {
        for resize in [Resize::Letterbox, Resize::LetterboxCenter, Resize::Stretch] {
            let place = Placement::new(BBox::new(10.0, 20.0, 640.0, 360.0), 416, 416, resize);
            let input =
                BBox::new(place.left as f32, place.top as f32, 640.0 * place.scale_x, 360.0 * place.scale_y);
            let image = place.to_image(&input);
            assert!((image.x - 10.0).abs() < 0.01 && (image.y - 20.0).abs() < 0.01, "{resize:?} {image:?}");
            assert!((image.w - 640.0).abs() < 0.1 && (image.h - 360.0).abs() < 0.1, "{resize:?} {image:?}");
        }
    }

    #[test]
    fn tiny_pictures_and_crops_at_the_border_do_not_reach_outside() {
        let frame = flat(2, 2, [100, 128, 128]);
        let mut out = vec![0.0; 3 * 64];
        let place = Placement::new(frame.bounds(), 8, 8, Resize::Stretch);
        Converter::default().convert(&frame, &place, 8, 8, &plain(Layout::Nchw), &mut out);
        let frame = flat(33, 17, [100, 128, 128]);
        let place = Placement::new(BBox::new(20.0, 10.0, 13.0, 7.0), 8, 8, Resize::Letterbox);
        Converter::default().convert(&frame, &place, 8, 8, &plain(Layout::Nchw), &mut out);
        assert!(out.iter().all(|v| v.is_finite()));
    }
}
