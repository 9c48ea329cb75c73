//! Plain ONNX operators, as far as converters of models for tables put them between those of `ai.onnx.ml`.

use super::{
    Given,
    arrange::{
        Comparison, Two, along, cast, compare, elementwise, gather, join, like, log_sum_exp, place, places,
        product, reduce, reshaped, transpose,
    },
    attributes::Attributes,
};
use crate::{Data, Kind, LoadError, RunError, Tensor, tensor::count};

#[derive(Debug)]
pub(super) enum Plain {
    Constant(Tensor),
    Identity,
    Cast(Kind),
    Reshape(Option<Vec<i64>>),
    Flatten(i64),
    Squeeze(Option<Vec<i64>>),
    Unsqueeze(Option<Vec<i64>>),
    Transpose(Option<Vec<i64>>),
    Concat(i64),
    Gather(i64),
    Elementwise(Two),
    Compare(Comparison),
    Map(fn(f64) -> f64),
    Not,
    Softmax { axis: i64, is_log: bool },
    Arg { is_max: bool, axis: i64, keeps: bool },
    Reduce { with: fn(&[f64]) -> f64, axes: Option<Vec<i64>>, keeps: bool },
    MatMul,
    Gemm { alpha: f64, beta: f64, flip: (bool, bool) },
}

fn sum(values: &[f64]) -> f64 {
    values.iter().sum()
}

impl Plain {
    /// `None` for an operator that is not known here.
    pub(super) fn read(name: &str, attributes: &Attributes<'_>) -> Result<Option<Self>, LoadError> {
        let axes = || attributes.has("axes").then(|| attributes.ints("axes").to_vec());
        let keeps = attributes.int("keepdims") != Some(0);
        let reduce = |with: fn(&[f64]) -> f64| Self::Reduce { with, axes: axes(), keeps };
        Ok(Some(match name {
            "Constant" => Self::Constant(constant(attributes)?),
            "Identity" => Self::Identity,
            "Cast" => {
                let number = attributes.int("to").and_then(|to| i32::try_from(to).ok()).unwrap_or(0);
                Self::Cast(Kind::of(number).ok_or_else(|| {
                    LoadError::Unsupported(format!("a cast to ONNX's type {number} is not known here"))
                })?)
            }
            "Reshape" => Self::Reshape(attributes.has("shape").then(|| attributes.ints("shape").to_vec())),
            "Flatten" => Self::Flatten(attributes.int("axis").unwrap_or(1)),
            "Squeeze" => Self::Squeeze(axes()),
            "Unsqueeze" => Self::Unsqueeze(axes()),
            "Transpose" => Self::Transpose(attributes.has("perm").then(|| attributes.ints("perm").to_vec())),
            "Concat" => Self::Concat(attributes.int("axis").unwrap_or(0)),
            "Gather" => Self::Gather(attributes.int("axis").unwrap_or(0)),
            "Add" | "Sum" => Self::Elementwise(Two::Add),
            "Sub" => Self::Elementwise(Two::Sub),
            "Mul" => Self::Elementwise(Two::Mul),
            "Div" => Self::Elementwise(Two::Div),
            "Pow" => Self::Elementwise(Two::Pow),
            "Min" => Self::Elementwise(Two::Min),
            "Max" => Self::Elementwise(Two::Max),
            "Less" => Self::Compare(Comparison::Less),
            "LessOrEqual" => Self::Compare(Comparison::LessOrEqual),
            "Greater" => Self::Compare(Comparison::Greater),
            "GreaterOrEqual" => Self::Compare(Comparison::GreaterOrEqual),
            "Equal" => Self::Compare(Comparison::Equal),
            "Not" => Self::Not,
            "Relu" => Self::Map(|value| if value < 0.0 { 0.0 } else { value }),
            "Sigmoid" => Self::Map(super::scores::logistic),
            "Tanh" => Self::Map(f64::tanh),
            "Exp" => Self::Map(f64::exp),
            "Log" => Self::Map(f64::ln),
            "Sqrt" => Self::Map(f64::sqrt),
            "Abs" => Self::Map(f64::abs),
            "Neg" => Self::Map(|value| -value),
            "Floor" => Self::Map(f64::floor),
            "Ceil" => Self::Map(f64::ceil),
            "Reciprocal" => Self::Map(f64::recip),
            "Softmax" | "LogSoftmax" => {
                Self::Softmax { axis: attributes.int("axis").unwrap_or(-1), is_log: name == "LogSoftmax" }
            }
            "ArgMax" | "ArgMin" => {
                if attributes.int("select_last_index") == Some(1) {
                    return Err(LoadError::Unsupported(format!(
                        "{name} that gives the last index is not known here"
                    )));
                }
                Self::Arg { is_max: name == "ArgMax", axis: attributes.int("axis").unwrap_or(0), keeps }
            }
            "ReduceSum" => reduce(sum),
            "ReduceMean" => reduce(|values| sum(values) / values.len() as f64),
            "ReduceSumSquare" => reduce(|values| values.iter().map(|value| value * value).sum()),
            "ReduceLogSumExp" => reduce(log_sum_exp),
            "ReduceMax" => reduce(|values| values.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
            "ReduceMin" => reduce(|values| values.iter().copied().fold(f64::INFINITY, f64::min)),
            "MatMul" => Self::MatMul,
            "Gemm" => Self::Gemm {
                alpha: attributes.float("alpha").unwrap_or(1.0).into(),
                beta: attributes.float("beta").unwrap_or(1.0).into(),
                flip: (attributes.int("transA") == Some(1), attributes.int("transB") == Some(1)),
            },
            _ => return Ok(None),
        }))
    }

    pub(super) fn run(&self, given: &Given<'_>) -> Result<Tensor, RunError> {
        if let Self::Constant(tensor) = self {
            return Ok(tensor.clone());
        }
        let first = given.tensor(0)?;
        let shape = first.shape();
        // Axes stand in the node, or, in newer files, in a second input.
        let or_second = |own: &Option<Vec<i64>>| match (own, given.maybe(1)?) {
            (Some(own), _) => Ok(Some(own.clone())),
            (None, Some(tensor)) => tensor.ints().map(Some),
            (None, None) => Ok(None),
        };
        match self {
            Self::Constant(tensor) => Ok(tensor.clone()),
            Self::Identity => Ok(first.clone()),
            Self::Cast(kind) => Tensor::new(shape.to_vec(), cast(first, *kind)?),
            Self::Reshape(own) => {
                let wanted = or_second(own)?.ok_or_else(|| RunError("no shape is given".to_owned()))?;
                Tensor::new(reshaped(shape, &wanted)?, first.data().clone())
            }
            Self::Flatten(axis) => {
                let axis = if *axis == shape.len() as i64 { shape.len() } else { place(*axis, shape.len())? };
                let (rows, columns) = (count(&shape[..axis])?, count(&shape[axis..])?);
                Tensor::new(vec![rows, columns], first.data().clone())
            }
            Self::Squeeze(own) => {
                let axes = places(or_second(own)?, shape.len())?;
                let stays = |at: usize| match &axes {
                    Some(axes) => !axes.contains(&at),
                    None => shape[at] != 1,
                };
                let kept = (0..shape.len()).filter(|at| stays(*at)).map(|at| shape[at]).collect();
                Tensor::new(kept, first.data().clone())
            }
            Self::Unsqueeze(own) => {
                let axes = or_second(own)?.unwrap_or_default();
                let rank = shape.len() + axes.len();
                let axes = places(Some(axes), rank)?.unwrap_or_default();
                let mut rest = shape.iter().copied();
                let made = (0..rank).map(|at| if axes.contains(&at) { 1 } else { rest.next().unwrap_or(1) });
                Tensor::new(made.collect(), first.data().clone())
            }
            Self::Transpose(order) => transpose(first, order.as_deref()),
            Self::Concat(axis) => {
                let tensors = given.tensors()?;
                join(&tensors, place(*axis, shape.len())?)
            }
            Self::Gather(axis) => gather(first, given.tensor(1)?, place(*axis, shape.len())?),
            Self::Elementwise(two) => {
                let mut sum = first.clone();
                for tensor in &given.tensors()?[1..] {
                    sum = elementwise(&sum, tensor, *two)?;
                }
                Ok(sum)
            }
            Self::Compare(comparison) => compare(first, given.tensor(1)?, *comparison),
            Self::Map(map) => {
                let mapped = first.doubles()?.into_iter().map(map).collect();
                Tensor::new(shape.to_vec(), like(first, mapped))
            }
            Self::Not => {
                let bools = first.ints()?.into_iter().map(|value| value == 0).collect();
                Tensor::new(shape.to_vec(), Data::Bool(bools))
            }
            Self::Softmax { axis, is_log } => {
                let axis = place(*axis, shape.len())?;
                along(first, axis, |values| {
                    let whole = log_sum_exp(values);
                    let logs = values.iter().map(|value| value - whole);
                    if *is_log { logs.collect() } else { logs.map(f64::exp).collect() }
                })
                .and_then(|(shape, values)| Tensor::new(shape, like(first, values)))
            }
            Self::Arg { is_max, axis, keeps } => {
                let axis = place(*axis, shape.len())?;
                let (mut shape, found) = along(first, axis, |values| {
                    let sign = if *is_max { 1.0 } else { -1.0 };
                    let signed: Vec<f64> = values.iter().map(|value| sign * value).collect();
                    vec![super::scores::greatest(&signed) as f64]
                })?;
                if !keeps {
                    shape.remove(axis);
                }
                Tensor::new(shape, Data::I64(found.into_iter().map(|at| at as i64).collect()))
            }
            Self::Reduce { with, axes, keeps } => {
                let axes = places(or_second(axes)?, shape.len())?;
                let mut axes =
                    axes.filter(|axes| !axes.is_empty()).unwrap_or_else(|| (0..shape.len()).collect());
                axes.sort_unstable();
                reduce(first, &axes, *with, *keeps)
            }
            Self::MatMul => product(first, given.tensor(1)?, (false, false)),
            Self::Gemm { alpha, beta, flip } => {
                let made = product(first, given.tensor(1)?, *flip)?;
                let scaled = made.doubles()?.into_iter().map(|value| alpha * value).collect();
                let scaled = Tensor::new(made.shape().to_vec(), like(&made, scaled))?;
                let Some(third) = given.maybe(2)? else { return Ok(scaled) };
                let more = third.doubles()?.into_iter().map(|value| beta * value).collect();
                elementwise(&scaled, &Tensor::new(third.shape().to_vec(), like(third, more))?, Two::Add)
            }
        }
    }
}

fn constant(attributes: &Attributes<'_>) -> Result<Tensor, LoadError> {
    let made = match attributes.tensor("value")? {
        Some(tensor) => return Ok(tensor),
        None if attributes.has("value_float") => {
            Tensor::new(vec![], Data::F32(attributes.float("value_float").into_iter().collect()))
        }
        None if attributes.has("value_int") => {
            Tensor::new(vec![], Data::I64(attributes.int("value_int").into_iter().collect()))
        }
        None if attributes.has("value_floats") => {
            let floats = attributes.floats("value_floats");
            Tensor::new(vec![floats.len()], Data::F32(floats.to_vec()))
        }
        None => {
            let ints = attributes.ints("value_ints");
            Tensor::new(vec![ints.len()], Data::I64(ints.to_vec()))
        }
    };
    made.map_err(|error| attributes.broken(error))
}
