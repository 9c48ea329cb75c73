use std::collections::HashMap;

use bytes::Bytes;

use crate::{LoadError, RunError, proto::TensorProto};

/// What a tensor's elements are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    F32,
    F64,
    I64,
    I32,
    U8,
    I8,
    Bool,
    Text,
}

impl Kind {
    /// By ONNX's number. `None` for types that this crate has no use for (halves, complex numbers).
    pub(crate) fn of(number: i32) -> Option<Self> {
        Some(match number {
            1 => Self::F32,
            2 => Self::U8,
            3 => Self::I8,
            6 => Self::I32,
            7 => Self::I64,
            8 => Self::Text,
            9 => Self::Bool,
            11 => Self::F64,
            _ => return None,
        })
    }

    /// As numpy and MLflow's signatures call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::I64 => "int64",
            Self::I32 => "int32",
            Self::U8 => "uint8",
            Self::I8 => "int8",
            Self::Bool => "bool",
            Self::Text => "str",
        }
    }
}

/// Row-major elements. Whole numbers of any width are kept as 64 bits.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    F32(Vec<f32>),
    F64(Vec<f64>),
    I64(Vec<i64>),
    Bool(Vec<bool>),
    Text(Vec<String>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Data,
}

/// What a model gives: a tensor, or for every row what each class got (`ZipMap`).
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Tensor(Tensor),
    Maps(Vec<Vec<(Label, f32)>>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Label {
    Int(i64),
    Text(String),
}

/// No tensor has more elements: a broken or hostile model must not take the machine's memory.
pub(crate) const ELEMENTS_MAX: usize = 1 << 27;

impl Data {
    pub fn len(&self) -> usize {
        match self {
            Self::F32(data) => data.len(),
            Self::F64(data) => data.len(),
            Self::I64(data) => data.len(),
            Self::Bool(data) => data.len(),
            Self::Text(data) => data.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How many elements a shape has.
pub(crate) fn count(shape: &[usize]) -> Result<usize, RunError> {
    shape
        .iter()
        .try_fold(1_usize, |count, dim| count.checked_mul(*dim))
        .filter(|count| *count <= ELEMENTS_MAX)
        .ok_or_else(|| RunError(format!("a tensor of shape {shape:?} is too large")))
}

impl Tensor {
    /// # Errors
    ///
    /// A shape that has another number of elements.
    pub fn new(shape: Vec<usize>, data: Data) -> Result<Self, RunError> {
        if count(&shape)? == data.len() {
            Ok(Self { shape, data })
        } else {
            Err(RunError(format!("{} elements do not make the shape {shape:?}", data.len())))
        }
    }

    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub fn data(&self) -> &Data {
        &self.data
    }

    pub(crate) fn into_data(self) -> Data {
        self.data
    }

    /// As a table: rows and columns. One dimension is one row, as ONNX's operators for tables have it.
    pub(crate) fn table(&self) -> Result<(usize, usize), RunError> {
        match self.shape[..] {
            [columns] => Ok((1, columns)),
            [rows, columns] => Ok((rows, columns)),
            _ => Err(RunError(format!("a table of rows is expected, and the shape is {:?}", self.shape))),
        }
    }

    pub(crate) fn floats(&self) -> Result<Vec<f32>, RunError> {
        Ok(match &self.data {
            Data::F32(data) => data.clone(),
            Data::F64(data) => data.iter().map(|value| *value as f32).collect(),
            Data::I64(data) => data.iter().map(|value| *value as f32).collect(),
            Data::Bool(data) => data.iter().map(|value| f32::from(u8::from(*value))).collect(),
            Data::Text(_) => return Err(RunError("numbers are expected, and there are texts".to_owned())),
        })
    }

    pub(crate) fn doubles(&self) -> Result<Vec<f64>, RunError> {
        match &self.data {
            Data::F64(data) => Ok(data.clone()),
            Data::I64(data) => Ok(data.iter().map(|value| *value as f64).collect()),
            _ => Ok(self.floats()?.into_iter().map(f64::from).collect()),
        }
    }

    pub(crate) fn ints(&self) -> Result<Vec<i64>, RunError> {
        match &self.data {
            Data::I64(data) => Ok(data.clone()),
            Data::Bool(data) => Ok(data.iter().map(|value| i64::from(*value)).collect()),
            // Toward zero, as casts are.
            _ => Ok(self.doubles()?.into_iter().map(|value| value as i64).collect()),
        }
    }

    /// What a file holds. `beside` are the files of weights that lie next to it, by name.
    pub(crate) fn read(proto: &TensorProto, beside: &HashMap<String, Bytes>) -> Result<Self, LoadError> {
        let name = &proto.name;
        let broken = |what: &str| LoadError::Broken(format!("tensor {name:?} {what}"));
        let kind = Kind::of(proto.data_type).ok_or_else(|| {
            LoadError::Unsupported(format!("tensor {name:?} is of ONNX's type {}", proto.data_type))
        })?;
        let shape: Vec<usize> = proto
            .dims
            .iter()
            .map(|dim| usize::try_from(*dim).map_err(|_| broken("has a negative dimension")))
            .collect::<Result<_, _>>()?;
        let raw = match proto.data_location {
            1 => Some(external(proto, beside)?),
            _ => proto.raw_data.clone(),
        };
        let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).map_err(|_| broken("holds no UTF-8"));
        let data = match (kind, raw) {
            (Kind::Text, _) => Data::Text(proto.string_data.iter().map(text).collect::<Result<_, _>>()?),
            (Kind::F32, Some(raw)) => Data::F32(pieces(&raw).map(f32::from_le_bytes).collect()),
            (Kind::F32, None) => Data::F32(proto.float_data.clone()),
            (Kind::F64, Some(raw)) => Data::F64(pieces(&raw).map(f64::from_le_bytes).collect()),
            (Kind::F64, None) => Data::F64(proto.double_data.clone()),
            (Kind::I64, Some(raw)) => Data::I64(pieces(&raw).map(i64::from_le_bytes).collect()),
            (Kind::I64, None) => Data::I64(proto.int64_data.clone()),
            (Kind::I32, Some(raw)) => Data::I64(pieces(&raw).map(|b| i32::from_le_bytes(b).into()).collect()),
            (Kind::U8, Some(raw)) => Data::I64(raw.iter().map(|value| i64::from(*value)).collect()),
            (Kind::I8, Some(raw)) => Data::I64(pieces(&raw).map(|b| i8::from_le_bytes(b).into()).collect()),
            (Kind::Bool, Some(raw)) => Data::Bool(raw.iter().map(|value| *value != 0).collect()),
            (Kind::Bool, None) => Data::Bool(proto.int32_data.iter().map(|value| *value != 0).collect()),
            (Kind::I32 | Kind::U8 | Kind::I8, None) => {
                Data::I64(proto.int32_data.iter().map(|value| i64::from(*value)).collect())
            }
        };
        Self::new(shape, data).map_err(|error| broken(&format!("is not whole: {error}")))
    }
}

fn pieces<const N: usize>(raw: &Bytes) -> impl Iterator<Item = [u8; N]> {
    raw.as_chunks().0.iter().copied()
}

/// A tensor's part of a file of weights.
fn external(proto: &TensorProto, beside: &HashMap<String, Bytes>) -> Result<Bytes, LoadError> {
    let entry =
        |key: &str| proto.external_data.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
    let location = entry("location").map_or("", String::as_str);
    let file = beside.get(location).ok_or_else(|| LoadError::Weights(location.to_owned()))?;
    let number = |key: &str| entry(key).map(|text| text.parse::<usize>()).transpose();
    let whole = || -> Option<Bytes> {
        let from = number("offset").ok()?.unwrap_or(0);
        let length = number("length").ok()?.unwrap_or_else(|| file.len().saturating_sub(from));
        let to = from.checked_add(length)?;
        (to <= file.len()).then(|| file.slice(from..to))
    };
    whole().ok_or_else(|| LoadError::Broken(format!("tensor {:?} lies outside {location:?}", proto.name)))
}
