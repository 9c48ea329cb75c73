//! What becomes of the sums that trees and linear models make: classes, and scores between 0 and 1.

use super::attributes::Attributes;
use crate::{Data, LoadError, RunError, Tensor, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transform {
    None,
    Logistic,
    Softmax,
    SoftmaxZero,
}

impl Transform {
    pub(super) fn read(attributes: &Attributes<'_>) -> Result<Self, LoadError> {
        Ok(match attributes.text("post_transform").as_deref() {
            None | Some("NONE") => Self::None,
            Some("LOGISTIC") => Self::Logistic,
            Some("SOFTMAX") => Self::Softmax,
            Some("SOFTMAX_ZERO") => Self::SoftmaxZero,
            Some(other) => {
                return Err(LoadError::Unsupported(format!("post_transform {other} is not known here")));
            }
        })
    }

    pub(super) fn apply(self, scores: &mut [f64]) {
        let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        match self {
            Self::None => {}
            Self::Logistic => scores.iter_mut().for_each(|score| *score = logistic(*score)),
            Self::Softmax => {
                scores.iter_mut().for_each(|score| *score = (*score - max).exp());
                let sum: f64 = scores.iter().sum();
                scores.iter_mut().for_each(|score| *score /= sum);
            }
            // What is zero stays zero.
            Self::SoftmaxZero => {
                let is_something = |score: f64| score.abs() > 1e-7;
                let mut sum = 0.0;
                for score in scores.iter_mut() {
                    if is_something(*score) {
                        *score = (*score - max).exp();
                        sum += *score;
                    } else {
                        *score *= (-max).exp();
                    }
                }
                scores.iter_mut().for_each(|score| *score /= sum);
            }
        }
    }
}

pub(super) fn logistic(value: f64) -> f64 {
    let positive = 1.0 / (1.0 + (-value.abs()).exp());
    if value < 0.0 { 1.0 - positive } else { positive }
}

/// Names of classes, which are whole numbers or texts.
#[derive(Debug, Clone)]
pub(super) enum Classes {
    Ints(Vec<i64>),
    Texts(Vec<String>),
}

impl Classes {
    /// From the first of `ints` that the node has, else from `texts`.
    pub(super) fn read(attributes: &Attributes<'_>, ints: &str, texts: &str) -> Self {
        let texts = attributes.texts(texts);
        if texts.is_empty() { Self::Ints(attributes.ints(ints).to_vec()) } else { Self::Texts(texts) }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Ints(classes) => classes.len(),
            Self::Texts(classes) => classes.len(),
        }
    }

    /// Those that won, one a row.
    pub(super) fn chosen(&self, winners: &[usize]) -> Result<Value, RunError> {
        fn pick<T: Clone>(classes: &[T], winners: &[usize]) -> Result<Vec<T>, RunError> {
            let missing = |at: &usize| RunError(format!("class {at} has no name"));
            winners.iter().map(|at| classes.get(*at).cloned().ok_or_else(|| missing(at))).collect()
        }
        let data = match self {
            Self::Ints(classes) => Data::I64(pick(classes, winners)?),
            Self::Texts(classes) => Data::Text(pick(classes, winners)?),
        };
        Ok(Value::Tensor(Tensor::new(vec![winners.len()], data)?))
    }
}

/// Where the greatest is, the first of those that are alike.
pub(super) fn greatest(scores: &[f64]) -> usize {
    let mut best = 0;
    for (at, score) in scores.iter().enumerate().skip(1) {
        if *score > scores[best] {
            best = at;
        }
    }
    best
}

pub(super) fn as_floats(shape: Vec<usize>, scores: Vec<f64>) -> Result<Value, RunError> {
    let floats = scores.into_iter().map(|score| score as f32).collect();
    Ok(Value::Tensor(Tensor::new(shape, Data::F32(floats))?))
}
