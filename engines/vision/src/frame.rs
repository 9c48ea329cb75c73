//! One picture in the layout that decoders write: planar YUV 4:2:0, 8 bit, limited range.

use crate::geometry::BBox;

/// The largest side accepted, in pixels; keeps a broken header from asking for terabytes.
pub const SIDE_MAX: usize = 16_384;

/// Why a frame cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("a picture of {width}x{height} is outside 2x2 to {SIDE_MAX}x{SIDE_MAX}")]
    Size { width: usize, height: usize },
    #[error("a {width}x{height} yuv420p picture takes {expected} bytes, not {actual}")]
    Length { width: usize, height: usize, expected: usize, actual: usize },
}

/// A yuv420p picture: `[Y: width*height][U: cw*ch][V: cw*ch]` in one buffer, `cw = ⌈width/2⌉`, `ch = ⌈height/2⌉`,
/// rows without padding, exactly what `ffmpeg -f rawvideo -pix_fmt yuv420p` writes. Keep a few and refill them
/// through [`Frame::data_mut`]; nothing here allocates per picture.
#[derive(Clone, Debug)]
pub struct Frame {
    data: Vec<u8>,
    width: usize,
    height: usize,
    time_us: i64,
}

impl Frame {
    /// Bytes of one yuv420p picture of this size.
    pub fn byte_len(width: usize, height: usize) -> usize {
        width * height + 2 * (width.div_ceil(2) * height.div_ceil(2))
    }

    /// A black picture at media time 0.
    pub fn new(width: usize, height: usize) -> Result<Self, FrameError> {
        if !(2..=SIDE_MAX).contains(&width) || !(2..=SIDE_MAX).contains(&height) {
            return Err(FrameError::Size { width, height });
        }
        let mut data = vec![128; Self::byte_len(width, height)];
        data[..width * height].fill(16);
        Ok(Self { data, width, height, time_us: 0 })
    }

    /// Takes over a decoder's buffer. `time_us` is media time in microseconds.
    pub fn from_yuv420p(
        width: usize,
        height: usize,
        data: Vec<u8>,
        time_us: i64,
    ) -> Result<Self, FrameError> {
        if !(2..=SIDE_MAX).contains(&width) || !(2..=SIDE_MAX).contains(&height) {
            return Err(FrameError::Size { width, height });
        }
        let expected = Self::byte_len(width, height);
        if data.len() != expected {
            return Err(FrameError::Length { width, height, expected, actual: data.len() });
        }
        Ok(Self { data, width, height, time_us })
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn height(&self) -> usize {
        self.height
    }

    /// Media time in microseconds.
    pub fn time_us(&self) -> i64 {
        self.time_us
    }

    pub fn set_time_us(&mut self, time_us: i64) {
        self.time_us = time_us;
    }

    /// The three planes one after the other.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The same, to be filled by the caller's reader.
    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    pub fn into_data(self) -> Vec<u8> {
        self.data
    }

    /// Width and height of the colour planes.
    pub fn chroma_size(&self) -> (usize, usize) {
        (self.width.div_ceil(2), self.height.div_ceil(2))
    }

    /// Y, U and V, each row-major without padding.
    pub fn planes(&self) -> (&[u8], &[u8], &[u8]) {
        let (cw, ch) = self.chroma_size();
        let (y, rest) = self.data.split_at(self.width * self.height);
        let (u, v) = rest.split_at(cw * ch);
        (y, u, v)
    }

    /// The same, writable.
    pub fn planes_mut(&mut self) -> (&mut [u8], &mut [u8], &mut [u8]) {
        let (cw, ch) = self.chroma_size();
        let (y, rest) = self.data.split_at_mut(self.width * self.height);
        let (u, v) = rest.split_at_mut(cw * ch);
        (y, u, v)
    }

    /// The luma plane.
    pub fn luma(&self) -> &[u8] {
        &self.data[..self.width * self.height]
    }

    /// Makes this picture a copy of `other`, reusing the buffer where it is large enough.
    pub fn copy_from(&mut self, other: &Frame) {
        self.data.clear();
        self.data.extend_from_slice(&other.data);
        self.width = other.width;
        self.height = other.height;
        self.time_us = other.time_us;
    }

    /// The picture's own rectangle.
    pub fn bounds(&self) -> BBox {
        BBox::new(0.0, 0.0, self.width as f32, self.height as f32)
    }

    /// Mean absolute difference of horizontal neighbours inside `area`, sampled on every second row: a cheap
    /// measure of sharpness, 0 for a flat or empty area.
    pub fn sharpness(&self, area: &BBox) -> f32 {
        let area = area.clip(self.width as f32, self.height as f32);
        let (x0, x1) = (area.x as usize, area.right() as usize);
        let (y0, y1) = (area.y as usize, area.bottom() as usize);
        if x1 < x0 + 2 || y1 <= y0 {
            return 0.0;
        }
        let luma = self.luma();
        let (mut sum, mut count) = (0u64, 0u64);
        for y in (y0..y1).step_by(2) {
            let row = &luma[y * self.width + x0..y * self.width + x1];
            sum += row.windows(2).map(|p| u64::from(p[0].abs_diff(p[1]))).sum::<u64>();
            count += row.len() as u64 - 1;
        }
        sum as f32 / count as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_sizes_round_the_colour_planes_up() {
        let frame = Frame::new(5, 3).unwrap();
        let (y, u, v) = frame.planes();
        assert_eq!((y.len(), u.len(), v.len()), (15, 6, 6));
        assert_eq!(frame.data().len(), Frame::byte_len(5, 3));
    }

    #[test]
    fn wrong_lengths_and_sizes_are_refused() {
        assert_eq!(
            Frame::from_yuv420p(4, 4, vec![0; 23], 0).unwrap_err(),
            FrameError::Length { width: 4, height: 4, expected: 24, actual: 23 }
        );
        assert!(matches!(Frame::new(0, 4), Err(FrameError::Size { .. })));
        assert!(matches!(Frame::new(4, SIDE_MAX + 1), Err(FrameError::Size { .. })));
    }

    #[test]
    fn stripes_are_sharper_than_a_flat_wall() {
        let mut frame = Frame::new(32, 32).unwrap();
        assert_eq!(frame.sharpness(&frame.bounds()), 0.0);
        frame.planes_mut().0.iter_mut().enumerate().for_each(|(i, p)| *p = if i % 2 == 0 { 200 } else { 50 });
        assert!(frame.sharpness(&frame.bounds()) > 100.0);
        assert_eq!(frame.sharpness(&BBox::new(100.0, 100.0, 5.0, 5.0)), 0.0);
    }
}
