//! Single values of a body: what they are, what is expected, where they stand.

use learn::{Data, Kind};
use serde_json::Value;

use super::{Field, ServingError, request::shown};

/// Collects cells of one kind.
pub(super) struct Reader {
    kind: Kind,
    pub(super) data: Data,
}

impl Reader {
    pub(super) fn new(kind: Kind, count: usize) -> Self {
        let data = match kind {
            Kind::F32 => Data::F32(Vec::with_capacity(count)),
            Kind::F64 => Data::F64(Vec::with_capacity(count)),
            Kind::I64 | Kind::I32 | Kind::U8 | Kind::I8 => Data::I64(Vec::with_capacity(count)),
            Kind::Bool => Data::Bool(Vec::with_capacity(count)),
            Kind::Text => Data::Text(Vec::with_capacity(count)),
        };
        Self { kind, data }
    }

    /// Whether it is what the signature and the model take.
    pub(super) fn read(&mut self, value: &Value, signed: Option<Kind>, may_miss: bool) -> bool {
        if value.is_null() {
            match &mut self.data {
                Data::F32(data) if may_miss => data.push(f32::NAN),
                Data::F64(data) if may_miss => data.push(f64::NAN),
                _ => return false,
            }
            return true;
        }
        if signed.is_some_and(|kind| !is_of(value, kind)) {
            return false;
        }
        // Columns of booleans may go into a matrix of numbers.
        let number = match value {
            Value::Bool(value) if signed == Some(Kind::Bool) => Some(f64::from(u8::from(*value))),
            value => value.as_f64(),
        };
        match &mut self.data {
            Data::F32(data) => push(data, number.map(|number| number as f32)),
            Data::F64(data) => push(data, number),
            Data::I64(data) => {
                let is_bool = value.is_boolean() && signed == Some(Kind::Bool);
                let whole =
                    if is_bool { number.map(|number| number as i64) } else { whole(value, self.kind) };
                push(data, whole)
            }
            Data::Bool(data) => push(data, value.as_bool()),
            Data::Text(data) => push(data, value.as_str().map(str::to_owned)),
        }
    }
}

fn push<T>(data: &mut Vec<T>, value: Option<T>) -> bool {
    let is_there = value.is_some();
    data.extend(value);
    is_there
}

/// A whole number within the kind's bounds; it may be written with a point and zeros.
fn whole(value: &Value, kind: Kind) -> Option<i64> {
    let number = value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
    })?;
    let fits = match kind {
        Kind::I32 => i32::try_from(number).is_ok(),
        Kind::U8 => u8::try_from(number).is_ok(),
        Kind::I8 => i8::try_from(number).is_ok(),
        _ => true,
    };
    fits.then_some(number)
}

pub(super) fn is_of(value: &Value, kind: Kind) -> bool {
    match kind {
        Kind::F32 | Kind::F64 => value.is_number(),
        Kind::Bool => value.is_boolean(),
        Kind::Text => value.is_string(),
        kind => whole(value, kind).is_some(),
    }
}

pub(super) fn expects(kind: Kind) -> &'static str {
    match kind {
        Kind::F32 | Kind::F64 => "a number",
        Kind::I64 => "a whole number",
        Kind::I32 => "a whole number of 32 bits",
        Kind::U8 => "a whole number from 0 to 255",
        Kind::I8 => "a whole number from -128 to 127",
        Kind::Bool => "true or false",
        Kind::Text => "a text",
    }
}

pub(super) fn shape_text(shape: &[Option<usize>]) -> String {
    let dims: Vec<_> = shape.iter().map(|dim| dim.map_or("?".to_owned(), |dim| dim.to_string())).collect();
    format!("[{}]", dims.join(", "))
}

pub(super) fn check_shape(field: &Field, shape: &[usize]) -> Result<(), String> {
    let fits = field.shape.len() == shape.len()
        && field.shape.iter().zip(shape).all(|(dim, given)| dim.is_none_or(|dim| dim == *given));
    if fits {
        return Ok(());
    }
    let name = field.name.as_deref().map(|name| format!(" {name:?}")).unwrap_or_default();
    Err(format!(
        "the tensor{name} is to be of shape {}, and what was sent has {shape:?}",
        shape_text(&field.shape)
    ))
}

/// A part of a JSON Pointer.
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

const DEPTH_MAX: usize = 8;

/// The cells of a list of lists, and its shape, which the first of everything tells.
pub(super) fn flat<'a>(value: &'a Value, at: &str) -> Result<(Vec<usize>, Vec<&'a Value>), ServingError> {
    let mut shape = Vec::new();
    let mut first = Some(value);
    while let Some(Value::Array(list)) = first {
        shape.push(list.len());
        first = list.first();
        if shape.len() > DEPTH_MAX {
            return Err(ServingError::input(at, format!("lists may be {DEPTH_MAX} deep")));
        }
    }
    let mut cells = Vec::new();
    collect(value, &shape, at, &mut cells)?;
    Ok((shape, cells))
}

fn collect<'a>(
    value: &'a Value,
    shape: &[usize],
    at: &str,
    cells: &mut Vec<&'a Value>,
) -> Result<(), ServingError> {
    match (value, shape) {
        (Value::Array(list), [count, below @ ..]) if list.len() == *count => {
            for (index, value) in list.iter().enumerate() {
                match (value, below) {
                    // The innermost lists are long: no place is written down for what is fine.
                    (value, []) if !value.is_array() => cells.push(value),
                    (value, below) => collect(value, below, &format!("{at}/{index}"), cells)?,
                }
            }
            Ok(())
        }
        (value, []) if !value.is_array() => {
            cells.push(value);
            Ok(())
        }
        (value, shape) => {
            let expected = shape.first().map_or("one value".to_owned(), |count| format!("a list of {count}"));
            Err(ServingError::input(
                at,
                format!("{at}: {}, where {expected} is expected as before it", shown(value)),
            ))
        }
    }
}

/// Pointer and words for the cell of this number.
pub(super) fn place_within(shape: &[usize], index: usize, at: &str) -> (String, String) {
    let mut rest = index;
    let mut parts = Vec::with_capacity(shape.len());
    for size in shape.iter().rev() {
        parts.push(rest % size);
        rest /= size;
    }
    let pointer = parts.iter().rev().fold(at.to_owned(), |pointer, part| format!("{pointer}/{part}"));
    (pointer.clone(), pointer)
}
