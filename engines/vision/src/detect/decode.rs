//! From model outputs to candidate boxes in input pixels, one function per family.

use super::config::Family;
use super::session::Output;
use crate::geometry::BBox;

/// A box before suppression: input pixels and an index into the class names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) bbox: BBox,
    pub(super) score: f32,
    pub(super) class: usize,
}

/// What the decoder needs to know of the model.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    pub(super) family: Family,
    pub(super) classes: usize,
    /// YOLOX: boxes come decoded. DETR: boxes are corners scaled by the second input rather than normalised.
    pub(super) decoded: bool,
    pub(super) strides: &'static [usize],
    /// Lowest threshold per class: candidates below are dropped at once.
    pub(super) thresholds: Vec<f32>,
    /// The smallest of them.
    pub(super) threshold_min: f32,
}

pub(super) const STRIDES: &[usize] = &[8, 16, 32];
pub(super) const STRIDES_WITH_64: &[usize] = &[8, 16, 32, 64];

/// Cells of all grids of an input.
pub(super) fn cells(width: usize, height: usize, strides: &[usize]) -> usize {
    strides.iter().map(|s| width.div_ceil(*s) * height.div_ceil(*s)).sum()
}

/// Column, row and stride of each cell in output order.
fn grid(width: usize, height: usize, strides: &[usize]) -> impl Iterator<Item = (f32, f32, f32)> {
    strides.iter().flat_map(move |&stride| {
        let (columns, rows) = (width.div_ceil(stride), height.div_ceil(stride));
        (0..columns * rows).map(move |i| ((i % columns) as f32, (i / columns) as f32, stride as f32))
    })
}

fn centred(cx: f32, cy: f32, w: f32, h: f32) -> BBox {
    BBox::new(cx - w * 0.5, cy - h * 0.5, w, h)
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// The best class of a row of scores.
fn best(scores: &[f32]) -> (usize, f32) {
    let mut found = (0, f32::NEG_INFINITY);
    for (class, &score) in scores.iter().enumerate() {
        if score > found.1 {
            found = (class, score);
        }
    }
    found
}

impl Spec {
    fn accept(&self, out: &mut Vec<Candidate>, bbox: BBox, score: f32, class: usize) {
        if self.thresholds.get(class).is_some_and(|&t| score >= t)
            && bbox.is_finite()
            && bbox.w > 0.0
            && bbox.h > 0.0
        {
            out.push(Candidate { bbox, score: score.min(1.0), class });
        }
    }

    /// All candidates above their class's threshold, in output order. Outputs of an unexpected shape give an
    /// error text.
    pub(super) fn decode(
        &self,
        outputs: &[Output],
        width: usize,
        height: usize,
        out: &mut Vec<Candidate>,
    ) -> Result<(), String> {
        out.clear();
        let first = outputs.first().ok_or("the model gave no output")?;
        match self.family {
            Family::Yolox => self.yolox(rows(first, 5 + self.classes)?, width, height, out),
            Family::Yolov5 => self.yolov5(rows(first, 5 + self.classes)?, out),
            Family::Yolov8 => self.yolov8(first, out)?,
            Family::Nanodet => self.nanodet(rows(first, self.classes + 32)?, width, height, out),
            Family::EndToEnd => self.end_to_end(rows(first, 6)?, out),
            Family::Detr => self.detr(outputs, width, height, out)?,
        }
        Ok(())
    }

    fn yolox(&self, rows: &[f32], width: usize, height: usize, out: &mut Vec<Candidate>) {
        let columns = 5 + self.classes;
        for (row, (gx, gy, stride)) in rows.chunks_exact(columns).zip(grid(width, height, self.strides)) {
            if row[4] < self.threshold_min {
                continue;
            }
            let (class, score) = best(&row[5..]);
            let bbox = if self.decoded {
                centred(row[0], row[1], row[2], row[3])
            } else {
                let (w, h) = (row[2].exp() * stride, row[3].exp() * stride);
                centred((row[0] + gx) * stride, (row[1] + gy) * stride, w, h)
            };
            self.accept(out, bbox, row[4] * score, class);
        }
    }

    fn yolov5(&self, rows: &[f32], out: &mut Vec<Candidate>) {
        for row in rows.chunks_exact(5 + self.classes) {
            if row[4] >= self.threshold_min {
                let (class, score) = best(&row[5..]);
                self.accept(out, centred(row[0], row[1], row[2], row[3]), row[4] * score, class);
            }
        }
    }

    /// Attributes are rows here: `[4+C][N]`.
    fn yolov8(&self, output: &Output, out: &mut Vec<Candidate>) -> Result<(), String> {
        let n = match output.shape[..] {
            [1, attributes, n] if attributes == 4 + self.classes => n,
            _ => return Err(unexpected(output)),
        };
        let attribute = |a: usize| &output.data[a * n..(a + 1) * n];
        let mut score = vec![f32::NEG_INFINITY; n];
        let mut class = vec![0usize; n];
        for c in 0..self.classes {
            for ((s, k), &value) in score.iter_mut().zip(&mut class).zip(attribute(4 + c)) {
                if value > *s {
                    *s = value;
                    *k = c;
                }
            }
        }
        let (x, y, w, h) = (attribute(0), attribute(1), attribute(2), attribute(3));
        for i in 0..n {
            if score[i] >= self.threshold_min {
                self.accept(out, centred(x[i], y[i], w[i], h[i]), score[i], class[i]);
            }
        }
        Ok(())
    }

    /// Distances to the four sides are expectations over 8 bins (Generalized Focal Loss, Li et al. 2020).
    fn nanodet(&self, rows: &[f32], width: usize, height: usize, out: &mut Vec<Candidate>) {
        for (row, (gx, gy, stride)) in
            rows.chunks_exact(self.classes + 32).zip(grid(width, height, self.strides))
        {
            let (class, score) = best(&row[..self.classes]);
            if score < self.threshold_min {
                continue;
            }
            let side = |k: usize| {
                let bins = &row[self.classes + k * 8..self.classes + (k + 1) * 8];
                let top = bins.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let (mut sum, mut mean) = (0.0, 0.0);
                for (i, b) in bins.iter().enumerate() {
                    let e = (b - top).exp();
                    sum += e;
                    mean += e * i as f32;
                }
                mean / sum * stride
            };
            let (cx, cy) = (gx * stride, gy * stride);
            let (x0, y0, x1, y1) = (cx - side(0), cy - side(1), cx + side(2), cy + side(3));
            self.accept(out, BBox::from_corners(x0, y0, x1, y1), score, class);
        }
    }

    fn end_to_end(&self, rows: &[f32], out: &mut Vec<Candidate>) {
        for row in rows.chunks_exact(6) {
            if row[5] >= 0.0 {
                self.accept(out, BBox::from_corners(row[0], row[1], row[2], row[3]), row[4], row[5] as usize);
            }
        }
    }

    fn detr(
        &self,
        outputs: &[Output],
        width: usize,
        height: usize,
        out: &mut Vec<Candidate>,
    ) -> Result<(), String> {
        let boxes = outputs
            .iter()
            .find(|o| o.shape.last() == Some(&4) && o.shape.len() >= 2)
            .ok_or("the model gave no boxes")?;
        if self.decoded {
            // labels, boxes (corners in pixels of the size passed in) and scores.
            let flat = |part: &str| {
                let queries = boxes.data.len() / 4;
                outputs
                    .iter()
                    .find(|o| o.name.contains(part) && o.data.len() == queries)
                    .ok_or(format!("the model gave no {part}"))
            };
            let (labels, scores) = (flat("label")?, flat("score")?);
            for ((b, label), score) in boxes.data.chunks_exact(4).zip(&labels.data).zip(&scores.data) {
                if *label >= 0.0 {
                    self.accept(out, BBox::from_corners(b[0], b[1], b[2], b[3]), *score, *label as usize);
                }
            }
            return Ok(());
        }
        let logits = outputs
            .iter()
            .find(|o| o.shape.last() == Some(&self.classes) && !std::ptr::eq(*o, boxes))
            .ok_or("the model gave no class scores")?;
        let (w, h) = (width as f32, height as f32);
        for (b, row) in boxes.data.chunks_exact(4).zip(logits.data.chunks_exact(self.classes)) {
            let (class, logit) = best(row);
            self.accept(out, centred(b[0] * w, b[1] * h, b[2] * w, b[3] * h), sigmoid(logit), class);
        }
        Ok(())
    }
}

fn unexpected(output: &Output) -> String {
    format!("output {:?} has the unexpected shape {:?}", output.name, output.shape)
}

/// The flat data of an output `[1, N, columns]`.
fn rows(output: &Output, columns: usize) -> Result<&[f32], String> {
    match output.shape[..] {
        [1, _, c] if c == columns => Ok(&output.data),
        [_, c] if c == columns => Ok(&output.data),
        _ => Err(unexpected(output)),
    }
}

#[cfg(test)]
mod tests;
