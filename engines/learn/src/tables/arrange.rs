//! What plain operators do with tensors.

use crate::{Data, Kind, RunError, Tensor, tensor::count};

#[derive(Debug, Clone, Copy)]
pub(super) enum Two {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    Min,
    Max,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
}

pub(super) fn log_sum_exp(values: &[f64]) -> f64 {
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if max.is_finite() { max + values.iter().map(|value| (value - max).exp()).sum::<f64>().ln() } else { max }
}

/// A dimension, counted from the end where it is negative.
pub(super) fn place(axis: i64, rank: usize) -> Result<usize, RunError> {
    let rank = i64::try_from(rank).unwrap_or(i64::MAX);
    let at = if axis < 0 { axis + rank } else { axis };
    usize::try_from(at)
        .ok()
        .filter(|_| at < rank)
        .ok_or_else(|| RunError(format!("there is no dimension {axis} of {rank}")))
}

pub(super) fn places(axes: Option<Vec<i64>>, rank: usize) -> Result<Option<Vec<usize>>, RunError> {
    axes.map(|axes| axes.into_iter().map(|axis| place(axis, rank)).collect()).transpose()
}

/// Floats of the kind that the tensor has; whole numbers stay whole.
pub(super) fn like(tensor: &Tensor, values: Vec<f64>) -> Data {
    match tensor.data() {
        Data::F64(_) => Data::F64(values),
        Data::I64(_) => Data::I64(values.into_iter().map(|value| value as i64).collect()),
        _ => Data::F32(values.into_iter().map(|value| value as f32).collect()),
    }
}

/// Elements by their places, all of which are there.
pub(super) fn pick(data: &Data, places: &[usize]) -> Data {
    fn picked<T: Clone>(data: &[T], places: &[usize]) -> Vec<T> {
        places.iter().map(|at| data[*at].clone()).collect()
    }
    match data {
        Data::F32(data) => Data::F32(picked(data, places)),
        Data::F64(data) => Data::F64(picked(data, places)),
        Data::I64(data) => Data::I64(picked(data, places)),
        Data::Bool(data) => Data::Bool(picked(data, places)),
        Data::Text(data) => Data::Text(picked(data, places)),
    }
}

/// Side by side along a dimension.
pub(super) fn join(tensors: &[&Tensor], axis: usize) -> Result<Tensor, RunError> {
    let first = tensors.first().ok_or_else(|| RunError("nothing to join".to_owned()))?;
    let mut shape = first.shape().to_vec();
    let fits = |tensor: &&Tensor| {
        let dims = tensor.shape();
        dims.len() == shape.len() && (0..dims.len()).all(|at| at == axis || dims[at] == shape[at])
    };
    if !tensors.iter().all(fits) || axis >= shape.len() {
        let shapes: Vec<_> = tensors.iter().map(|tensor| tensor.shape()).collect();
        return Err(RunError(format!("{shapes:?} do not fit beside each other")));
    }
    shape[axis] = tensors.iter().map(|tensor| tensor.shape()[axis]).sum();
    let (rows, _) = (count(&shape[..axis])?, count(&shape)?);
    macro_rules! joined {
        ($kind:ident) => {{
            let mut all = Vec::with_capacity(count(&shape)?);
            for row in 0..rows {
                for tensor in tensors {
                    let Data::$kind(data) = tensor.data() else {
                        return Err(RunError("tensors of different kinds are to be joined".to_owned()));
                    };
                    let width = data.len() / rows;
                    all.extend_from_slice(&data[row * width..(row + 1) * width]);
                }
            }
            Data::$kind(all)
        }};
    }
    let data = match first.data() {
        Data::F32(_) => joined!(F32),
        Data::F64(_) => joined!(F64),
        Data::I64(_) => joined!(I64),
        Data::Bool(_) => joined!(Bool),
        Data::Text(_) => joined!(Text),
    };
    Tensor::new(shape, data)
}

pub(super) fn gather(tensor: &Tensor, indices: &Tensor, axis: usize) -> Result<Tensor, RunError> {
    let shape = tensor.shape();
    let (outer, size, inner) = (count(&shape[..axis])?, shape[axis], count(&shape[axis + 1..])?);
    let size_signed = i64::try_from(size).unwrap_or(i64::MAX);
    let wanted: Option<Vec<usize>> = indices
        .ints()?
        .into_iter()
        .map(|at| usize::try_from(if at < 0 { at + size_signed } else { at }).ok().filter(|at| *at < size))
        .collect();
    let wanted = wanted.ok_or_else(|| RunError(format!("an index beyond {size} is asked for")))?;
    let made = [&shape[..axis], indices.shape(), &shape[axis + 1..]].concat();
    let mut order = Vec::with_capacity(count(&made)?);
    for outer in 0..outer {
        for at in &wanted {
            let from = (outer * size + at) * inner;
            order.extend(from..from + inner);
        }
    }
    Tensor::new(made, pick(tensor.data(), &order))
}

pub(super) fn transpose(tensor: &Tensor, order: Option<&[i64]>) -> Result<Tensor, RunError> {
    let shape = tensor.shape();
    let order: Vec<usize> = match order {
        Some(order) => places(Some(order.to_vec()), shape.len())?.unwrap_or_default(),
        None => (0..shape.len()).rev().collect(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted.into_iter().ne(0..shape.len()) {
        return Err(RunError(format!("{order:?} is no order of {} dimensions", shape.len())));
    }
    let own = strides(shape, shape);
    let made: Vec<usize> = order.iter().map(|axis| shape[*axis]).collect();
    let steps: Vec<usize> = order.iter().map(|axis| own[*axis]).collect();
    let order = walk(&made, &steps);
    Tensor::new(made, pick(tensor.data(), &order))
}

/// How far apart neighbours of each dimension are within `shape`; 0 where it is stretched to `wide`.
fn strides(shape: &[usize], wide: &[usize]) -> Vec<usize> {
    let mut steps = vec![0; wide.len()];
    let mut step = 1;
    for (at, size) in shape.iter().enumerate().rev() {
        let place = wide.len() - shape.len() + at;
        steps[place] = if *size == 1 && wide[place] != 1 { 0 } else { step };
        step *= size;
    }
    steps
}

/// Places of all elements of a shape, in its order, where neighbours are so far apart.
fn walk(shape: &[usize], steps: &[usize]) -> Vec<usize> {
    let mut all = vec![0];
    for (size, step) in shape.iter().zip(steps) {
        all = all.iter().flat_map(|from| (0..*size).map(move |at| from + at * step)).collect();
    }
    all
}

/// The shape that both are stretched to.
fn stretched(one: &[usize], other: &[usize]) -> Result<Vec<usize>, RunError> {
    let rank = one.len().max(other.len());
    let dim = |shape: &[usize], at: usize| (at + shape.len()).checked_sub(rank).map_or(1, |at| shape[at]);
    let both = |at: usize| match (dim(one, at), dim(other, at)) {
        (one, other) if one == other || other == 1 => Some(one),
        (1, other) => Some(other),
        _ => None,
    };
    let shape: Option<Vec<usize>> = (0..rank).map(both).collect();
    let shape = shape.ok_or_else(|| RunError(format!("the shapes {one:?} and {other:?} do not fit")))?;
    count(&shape)?;
    Ok(shape)
}

fn pairs<T: Copy, U>(
    (one, one_shape): (&[T], &[usize]),
    (other, other_shape): (&[T], &[usize]),
    shape: &[usize],
    with: impl Fn(T, T) -> U,
) -> Vec<U> {
    let ones = walk(shape, &strides(one_shape, shape));
    let others = walk(shape, &strides(other_shape, shape));
    ones.into_iter().zip(others).map(|(at, beside)| with(one[at], other[beside])).collect()
}

pub(super) fn elementwise(one: &Tensor, other: &Tensor, two: Two) -> Result<Tensor, RunError> {
    let shape = stretched(one.shape(), other.shape())?;
    let floats = move |a: f64, b: f64| match two {
        Two::Add => a + b,
        Two::Sub => a - b,
        Two::Mul => a * b,
        Two::Div => a / b,
        Two::Pow => a.powf(b),
        Two::Min => a.min(b),
        Two::Max => a.max(b),
    };
    if let (Data::I64(a), Data::I64(b)) = (one.data(), other.data()) {
        let ints = move |a: i64, b: i64| match two {
            Two::Add => a.wrapping_add(b),
            Two::Sub => a.wrapping_sub(b),
            Two::Mul => a.wrapping_mul(b),
            Two::Div => a.checked_div(b).unwrap_or(0),
            Two::Pow => floats(a as f64, b as f64) as i64,
            Two::Min => a.min(b),
            Two::Max => a.max(b),
        };
        let made = pairs((a, one.shape()), (b, other.shape()), &shape, ints);
        return Tensor::new(shape, Data::I64(made));
    }
    let (a, b) = (one.doubles()?, other.doubles()?);
    let made = pairs((&a, one.shape()), (&b, other.shape()), &shape, floats);
    let is_double = [one, other].iter().any(|tensor| matches!(tensor.data(), Data::F64(_)));
    // Of two numbers with 32 bits, one step with 64 that is rounded once is exact.
    let data =
        if is_double { Data::F64(made) } else { Data::F32(made.into_iter().map(|v| v as f32).collect()) };
    Tensor::new(shape, data)
}

pub(super) fn compare(one: &Tensor, other: &Tensor, comparison: Comparison) -> Result<Tensor, RunError> {
    let shape = stretched(one.shape(), other.shape())?;
    if let (Data::Text(a), Data::Text(b)) = (one.data(), other.data()) {
        if comparison != Comparison::Equal {
            return Err(RunError("texts are only compared for being the same".to_owned()));
        }
        let (a, b): (Vec<&str>, Vec<&str>) =
            (a.iter().map(String::as_str).collect(), b.iter().map(String::as_str).collect());
        let made = pairs((&a, one.shape()), (&b, other.shape()), &shape, |a, b| a == b);
        return Tensor::new(shape, Data::Bool(made));
    }
    let (a, b) = (one.doubles()?, other.doubles()?);
    let holds = move |a: f64, b: f64| match comparison {
        Comparison::Less => a < b,
        Comparison::LessOrEqual => a <= b,
        Comparison::Greater => a > b,
        Comparison::GreaterOrEqual => a >= b,
        Comparison::Equal => a == b,
    };
    let made = pairs((&a, one.shape()), (&b, other.shape()), &shape, holds);
    Tensor::new(shape, Data::Bool(made))
}

/// What `with` makes of each line along a dimension; all lines become equally long.
pub(super) fn along(
    tensor: &Tensor,
    axis: usize,
    with: impl Fn(&[f64]) -> Vec<f64>,
) -> Result<(Vec<usize>, Vec<f64>), RunError> {
    let mut shape = tensor.shape().to_vec();
    let (outer, size, inner) = (count(&shape[..axis])?, shape[axis], count(&shape[axis + 1..])?);
    if size == 0 {
        return Err(RunError("there is nothing along this dimension".to_owned()));
    }
    let values = tensor.doubles()?;
    let mut lines = Vec::with_capacity(outer * inner);
    for outer in 0..outer {
        for inner_at in 0..inner {
            let line: Vec<f64> = (0..size).map(|at| values[(outer * size + at) * inner + inner_at]).collect();
            lines.push(with(&line));
        }
    }
    let length = lines.first().map_or(size, Vec::len);
    shape[axis] = length;
    let mut made = Vec::with_capacity(lines.len() * length);
    for outer in 0..outer {
        let beside = &lines[outer * inner..(outer + 1) * inner];
        for at in 0..length {
            made.extend(beside.iter().map(|line| line[at]));
        }
    }
    Ok((shape, made))
}

pub(super) fn reduce(
    tensor: &Tensor,
    axes: &[usize],
    with: fn(&[f64]) -> f64,
    keeps: bool,
) -> Result<Tensor, RunError> {
    // The dimensions that go come last, so that each result is made of neighbours.
    let rank = tensor.shape().len();
    let stays: Vec<usize> = (0..rank).filter(|at| !axes.contains(at)).collect();
    let order: Vec<i64> = stays.iter().chain(axes).map(|at| *at as i64).collect();
    let turned = transpose(tensor, Some(&order))?;
    let size = count(&turned.shape()[stays.len()..])?;
    if size == 0 {
        return Err(RunError("there is nothing to reduce".to_owned()));
    }
    let made = turned.doubles()?.chunks_exact(size).map(with).collect();
    let shape = (0..rank).filter_map(|at| match axes.contains(&at) {
        false => Some(tensor.shape()[at]),
        true => keeps.then_some(1),
    });
    Tensor::new(shape.collect(), like(tensor, made))
}

pub(super) fn product(one: &Tensor, other: &Tensor, flip: (bool, bool)) -> Result<Tensor, RunError> {
    let (rows, inner) = one.table()?;
    let (rows, inner) = if flip.0 { (inner, rows) } else { (rows, inner) };
    let (other_rows, columns) = match other.shape() {
        [length] => (*length, 1),
        _ => other.table()?,
    };
    let (other_inner, columns) = if flip.1 { (columns, other_rows) } else { (other_rows, columns) };
    if inner != other_inner {
        return Err(RunError(format!("{:?} cannot be multiplied by {:?}", one.shape(), other.shape())));
    }
    let is_double = [one, other].iter().any(|tensor| matches!(tensor.data(), Data::F64(_)));
    let (a, b) = (one.doubles()?, other.doubles()?);
    let mut made = vec![0.0; count(&[rows, columns])?];
    for row in 0..rows {
        let line = &mut made[row * columns..(row + 1) * columns];
        for at in 0..inner {
            let value = if flip.0 { a[at * rows + row] } else { a[row * inner + at] };
            for (column, sum) in line.iter_mut().enumerate() {
                let weight = if flip.1 { b[column * inner + at] } else { b[at * columns + column] };
                *sum += value * weight;
            }
        }
    }
    let shape = match (one.shape().len(), other.shape().len()) {
        (1, 1) => vec![],
        (1, _) => vec![columns],
        (_, 1) => vec![rows],
        _ => vec![rows, columns],
    };
    let data =
        if is_double { Data::F64(made) } else { Data::F32(made.into_iter().map(|v| v as f32).collect()) };
    Tensor::new(shape, data)
}

pub(super) fn reshaped(shape: &[usize], wanted: &[i64]) -> Result<Vec<usize>, RunError> {
    let refuse = || RunError(format!("{shape:?} cannot become {wanted:?}"));
    let mut open = None;
    let mut made = Vec::with_capacity(wanted.len());
    for (at, dim) in wanted.iter().enumerate() {
        made.push(match *dim {
            -1 if open.is_none() => {
                open = Some(at);
                1
            }
            0 => *shape.get(at).ok_or_else(refuse)?,
            dim => usize::try_from(dim).map_err(|_| refuse())?,
        });
    }
    if let Some(at) = open {
        let rest = count(&made)?;
        made[at] = count(shape)?.checked_div(rest).ok_or_else(refuse)?;
    }
    if count(&made)? == count(shape)? { Ok(made) } else { Err(refuse()) }
}

pub(super) fn cast(tensor: &Tensor, kind: Kind) -> Result<Data, RunError> {
    Ok(match kind {
        Kind::F32 => match tensor.data() {
            Data::Text(texts) => Data::F32(texts.iter().map(|text| number(text)).collect::<Result<_, _>>()?),
            _ => Data::F32(tensor.floats()?),
        },
        Kind::F64 => match tensor.data() {
            Data::Text(texts) => Data::F64(texts.iter().map(|text| number(text)).collect::<Result<_, _>>()?),
            _ => Data::F64(tensor.doubles()?),
        },
        Kind::I64 | Kind::I32 | Kind::U8 | Kind::I8 => match tensor.data() {
            Data::Text(texts) => Data::I64(texts.iter().map(|text| number(text)).collect::<Result<_, _>>()?),
            _ => Data::I64(tensor.ints()?),
        },
        Kind::Bool => Data::Bool(tensor.doubles()?.into_iter().map(|value| value != 0.0).collect()),
        Kind::Text => Data::Text(match tensor.data() {
            Data::Text(texts) => texts.clone(),
            Data::I64(ints) => ints.iter().map(i64::to_string).collect(),
            Data::Bool(bools) => bools.iter().map(|value| i64::from(*value).to_string()).collect(),
            Data::F32(floats) => floats.iter().map(f32::to_string).collect(),
            Data::F64(floats) => floats.iter().map(f64::to_string).collect(),
        }),
    })
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, RunError> {
    text.trim().parse().map_err(|_| RunError(format!("{text:?} is no number")))
}
