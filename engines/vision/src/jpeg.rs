//! Pictures for people: a frame as JPEG.

use jpeg_encoder::{Encoder, EncodingError, ImageBuffer, JpegColorType, SamplingFactor};

use crate::frame::Frame;

/// A frame could not be encoded.
#[derive(Debug, thiserror::Error)]
#[error("could not encode a JPEG of {width}x{height}")]
pub struct JpegError {
    width: usize,
    height: usize,
    #[source]
    source: EncodingError,
}

/// A baseline JPEG (4:2:0) of the frame; `quality` 1..=100, clamped. Drawing, if any, comes before ([`crate::Overlay`]).
pub fn encode_jpeg(frame: &Frame, quality: u8) -> Result<Vec<u8>, JpegError> {
    let mut out = Vec::with_capacity(frame.width() * frame.height() / 6 + 1024);
    let mut encoder = Encoder::new(&mut out, quality.clamp(1, 100));
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.encode_image(Planes::new(frame)).map_err(|source| JpegError {
        width: frame.width(),
        height: frame.height(),
        source,
    })?;
    Ok(out)
}

/// Hands the encoder full-range rows, each colour sample doubled; it halves them again.
struct Planes<'a> {
    frame: &'a Frame,
    luma: [u8; 256],
    chroma: [u8; 256],
}

impl<'a> Planes<'a> {
    fn new(frame: &'a Frame) -> Self {
        let expand = |value: usize, zero: f32, gain: f32, keep: f32| {
            ((value as f32 - zero) * gain + keep).round().clamp(0.0, 255.0) as u8
        };
        let mut planes = Self { frame, luma: [0; 256], chroma: [0; 256] };
        for value in 0..256 {
            planes.luma[value] = expand(value, 16.0, 255.0 / 219.0, 0.0);
            planes.chroma[value] = expand(value, 128.0, 255.0 / 224.0, 128.0);
        }
        planes
    }
}

impl ImageBuffer for Planes<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.frame.width() as u16
    }

    fn height(&self) -> u16 {
        self.frame.height() as u16
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let (row, width) = (usize::from(y), self.frame.width());
        let (cw, _) = self.frame.chroma_size();
        let (luma, u, v) = self.frame.planes();
        buffers[0].extend(luma[row * width..(row + 1) * width].iter().map(|&p| self.luma[usize::from(p)]));
        let chroma = row / 2 * cw..(row / 2 + 1) * cw;
        for (buffer, plane) in buffers[1..].iter_mut().zip([u, v]) {
            for &p in &plane[chroma.clone()] {
                let value = self.chroma[usize::from(p)];
                buffer.extend_from_slice(&[value, value]);
            }
            if width % 2 == 1 {
                buffer.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jpeg_has_its_markers_and_grows_with_quality() {
        let mut frame = Frame::new(65, 33).unwrap();
        frame.planes_mut().0.iter_mut().enumerate().for_each(|(i, p)| *p = (i * 7 % 200) as u8 + 16);
        let fine = encode_jpeg(&frame, 95).unwrap();
        let coarse = encode_jpeg(&frame, 20).unwrap();
        assert_eq!((&fine[..3], &fine[fine.len() - 2..]), (&[0xff, 0xd8, 0xff][..], &[0xff, 0xd9][..]));
        assert!(coarse.len() < fine.len());
        // The size stands in the frame header: SOF0, length, precision, height, width.
        let sof = fine.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
        assert_eq!(fine[sof + 5..sof + 9], [0, 33, 0, 65]);
    }
}
