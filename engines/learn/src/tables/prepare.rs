//! Operators that bring columns into the form that a model wants, and answers into the form that people want.

use std::collections::HashMap;

use super::{
    Given,
    arrange::{join, pick},
    attributes::Attributes,
    scores::Classes,
};
use crate::{Data, Label, LoadError, RunError, Tensor, Value, tensor::count};

#[derive(Debug)]
pub(super) enum Prepare {
    /// (value - offset) * scale, by column.
    Scale {
        offset: Vec<f32>,
        scale: Vec<f32>,
    },
    Normalize(Norm),
    /// Columns by their numbers.
    Extract,
    /// Scores of classes with the classes' names.
    Zip(Classes),
    Encode(Box<Encode>),
    /// What is missing is put in: by column, or the same everywhere.
    ImputeFloats {
        missing: f32,
        with: Vec<f32>,
    },
    ImputeInts {
        missing: i64,
        with: Vec<i64>,
    },
    OneHot {
        places: Places,
        count: usize,
        refuses_unknown: bool,
    },
    Binarize(f32),
    /// Tables side by side.
    Join,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Norm {
    Max,
    L1,
    L2,
}

/// Where a value stands in a list.
#[derive(Debug)]
pub(super) enum Places {
    Ints(HashMap<i64, usize>),
    Texts(HashMap<String, usize>),
    /// By their bits; every NaN is the same.
    Floats(HashMap<u64, usize>),
}

/// `LabelEncoder`: what stands for each of some values, and for all others.
#[derive(Debug)]
pub(super) struct Encode {
    places: Places,
    values: Data,
    /// One element, of the same kind as the values.
    otherwise: Data,
}

fn bits(value: f64) -> u64 {
    // -0.0 is 0.0.
    if value.is_nan() { u64::MAX } else { (value + 0.0).to_bits() }
}

impl Places {
    fn of(data: &Data) -> Self {
        match data {
            Data::Text(texts) => Self::Texts(texts.iter().cloned().zip(0..).collect()),
            Data::I64(ints) => Self::Ints(ints.iter().copied().zip(0..).collect()),
            Data::Bool(bools) => Self::Ints(bools.iter().map(|value| i64::from(*value)).zip(0..).collect()),
            Data::F32(floats) => {
                Self::Floats(floats.iter().map(|value| bits((*value).into())).zip(0..).collect())
            }
            Data::F64(floats) => Self::Floats(floats.iter().map(|value| bits(*value)).zip(0..).collect()),
        }
    }

    /// For each element where it stands.
    fn find(&self, tensor: &Tensor) -> Result<Vec<Option<usize>>, RunError> {
        Ok(match (self, tensor.data()) {
            (Self::Texts(places), Data::Text(texts)) => {
                texts.iter().map(|text| places.get(text).copied()).collect()
            }
            (Self::Texts(_), _) => {
                return Err(RunError("texts are expected, and there are numbers".to_owned()));
            }
            (Self::Ints(places), _) => {
                tensor.ints()?.iter().map(|value| places.get(value).copied()).collect()
            }
            (Self::Floats(places), _) => {
                tensor.doubles()?.iter().map(|value| places.get(&bits(*value)).copied()).collect()
            }
        })
    }
}

impl Prepare {
    /// `None` for an operator that is not known here.
    pub(super) fn read(name: &str, attributes: &Attributes<'_>) -> Result<Option<Self>, LoadError> {
        Ok(Some(match name {
            "Scaler" => {
                let (offset, scale) =
                    (attributes.floats("offset").to_vec(), attributes.floats("scale").to_vec());
                Self::Scale { offset, scale }
            }
            "Normalizer" => Self::Normalize(match attributes.text("norm").as_deref() {
                None | Some("MAX") => Norm::Max,
                Some("L1") => Norm::L1,
                Some("L2") => Norm::L2,
                Some(other) => return Err(attributes.broken(format_args!("there is no norm {other}"))),
            }),
            "ArrayFeatureExtractor" => Self::Extract,
            "ZipMap" => Self::Zip(Classes::read(attributes, "classlabels_int64s", "classlabels_strings")),
            "LabelEncoder" => Self::Encode(Box::new(Encode::read(attributes)?)),
            "Imputer" => {
                let (floats, ints) =
                    (attributes.floats("imputed_value_floats"), attributes.ints("imputed_value_int64s"));
                match (floats.is_empty(), ints.is_empty()) {
                    (false, _) => Self::ImputeFloats {
                        missing: attributes.float("replaced_value_float").unwrap_or(0.0),
                        with: floats.to_vec(),
                    },
                    (true, false) => Self::ImputeInts {
                        missing: attributes.int("replaced_value_int64").unwrap_or(0),
                        with: ints.to_vec(),
                    },
                    (true, true) => return Err(attributes.broken("nothing is put in for what is missing")),
                }
            }
            "OneHotEncoder" => {
                let texts = attributes.texts("cats_strings");
                let categories = if texts.is_empty() {
                    Data::I64(attributes.ints("cats_int64s").to_vec())
                } else {
                    Data::Text(texts)
                };
                Self::OneHot {
                    places: Places::of(&categories),
                    count: categories.len(),
                    refuses_unknown: attributes.int("zeros") == Some(0),
                }
            }
            "Binarizer" => Self::Binarize(attributes.float("threshold").unwrap_or(0.0)),
            "FeatureVectorizer" => Self::Join,
            _ => return Ok(None),
        }))
    }

    pub(super) fn run(&self, given: &Given<'_>) -> Result<Vec<Value>, RunError> {
        let tensor = given.tensor(0)?;
        let shape = tensor.shape().to_vec();
        let made = match self {
            Self::Zip(classes) => return Ok(vec![zip(tensor, classes)?]),
            Self::Scale { offset, scale } => {
                let (_, columns) = tensor.table()?;
                let at = |list: &[f32], column: usize, what: &str| match list {
                    [one] => Ok(*one),
                    list if list.len() == columns => Ok(list[column]),
                    list => Err(RunError(format!("{} of {what} for {columns} columns", list.len()))),
                };
                let mut floats = tensor.floats()?;
                for row in floats.chunks_exact_mut(columns.max(1)) {
                    for (column, value) in row.iter_mut().enumerate() {
                        *value = (*value - at(offset, column, "offset")?) * at(scale, column, "scale")?;
                    }
                }
                Data::F32(floats)
            }
            Self::Normalize(norm) => {
                let (_, columns) = tensor.table()?;
                let mut floats = tensor.floats()?;
                for row in floats.chunks_exact_mut(columns.max(1)) {
                    let by = match norm {
                        Norm::Max => row.iter().copied().fold(f32::MIN, f32::max),
                        Norm::L1 => row.iter().map(|value| value.abs()).sum(),
                        Norm::L2 => row.iter().map(|value| value * value).sum::<f32>().sqrt(),
                    };
                    if by != 0.0 {
                        row.iter_mut().for_each(|value| *value /= by);
                    }
                }
                Data::F32(floats)
            }
            Self::Extract => return Ok(vec![Value::Tensor(extract(tensor, given.tensor(1)?)?)]),
            Self::Encode(encode) => encode.run(tensor)?,
            Self::ImputeFloats { missing, with } => {
                let (_, columns) = tensor.table()?;
                let mut floats = tensor.floats()?;
                for (at, value) in floats.iter_mut().enumerate() {
                    if *value == *missing || value.is_nan() && missing.is_nan() {
                        *value = if with.len() == columns { with[at % columns] } else { with[0] };
                    }
                }
                match tensor.data() {
                    Data::F64(_) => Data::F64(floats.into_iter().map(f64::from).collect()),
                    _ => Data::F32(floats),
                }
            }
            Self::ImputeInts { missing, with } => {
                let (_, columns) = tensor.table()?;
                let mut ints = tensor.ints()?;
                for (at, value) in ints.iter_mut().enumerate() {
                    if value == missing {
                        *value = if with.len() == columns { with[at % columns] } else { with[0] };
                    }
                }
                Data::I64(ints)
            }
            Self::OneHot { places, count: categories, refuses_unknown } => {
                let found = places.find(tensor)?;
                let shape = [&shape[..], &[*categories]].concat();
                let mut floats = vec![0.0; count(&shape)?];
                for (at, place) in found.into_iter().enumerate() {
                    match place {
                        Some(place) => floats[at * categories + place] = 1.0,
                        None if *refuses_unknown => {
                            return Err(RunError(format!(
                                "row {at} has a category that the model was not trained with"
                            )));
                        }
                        None => {}
                    }
                }
                return Ok(vec![Value::Tensor(Tensor::new(shape, Data::F32(floats))?)]);
            }
            Self::Binarize(threshold) => {
                let floats = tensor.floats()?;
                Data::F32(floats.into_iter().map(|value| f32::from(u8::from(value > *threshold))).collect())
            }
            Self::Join => {
                let mut floats = Vec::new();
                for tensor in given.tensors()? {
                    let (rows, columns) = tensor.table()?;
                    floats.push(Tensor::new(vec![rows, columns], Data::F32(tensor.floats()?))?);
                }
                return Ok(vec![Value::Tensor(join(&floats.iter().collect::<Vec<_>>(), 1)?)]);
            }
        };
        Ok(vec![Value::Tensor(Tensor::new(shape, made)?)])
    }
}

fn zip(tensor: &Tensor, classes: &Classes) -> Result<Value, RunError> {
    let (_, columns) = tensor.table()?;
    if columns != classes.len() || columns == 0 {
        return Err(RunError(format!("{columns} scores for {} classes", classes.len())));
    }
    let label = |at: usize| match classes {
        Classes::Ints(classes) => Label::Int(classes[at]),
        Classes::Texts(classes) => Label::Text(classes[at].clone()),
    };
    let floats = tensor.floats()?;
    let rows = floats.chunks_exact(columns);
    Ok(Value::Maps(
        rows.map(|row| row.iter().enumerate().map(|(at, score)| (label(at), *score)).collect()).collect(),
    ))
}

/// Along the last dimension.
fn extract(tensor: &Tensor, columns: &Tensor) -> Result<Tensor, RunError> {
    let width = tensor.shape().last().copied().filter(|width| *width > 0);
    let width = width.ok_or_else(|| RunError("there are no columns to take from".to_owned()))?;
    let wanted = columns.ints()?;
    let wanted: Vec<usize> = wanted
        .into_iter()
        .map(|column| usize::try_from(column).ok().filter(|column| *column < width))
        .collect::<Option<_>>()
        .ok_or_else(|| RunError(format!("a column beyond the {width} that there are is asked for")))?;
    let rows = tensor.data().len() / width;
    let mut shape = tensor.shape().to_vec();
    if shape.len() == 1 {
        shape.insert(0, 1);
    }
    let last = shape.len() - 1;
    shape[last] = wanted.len();
    count(&shape)?;
    let places: Vec<usize> =
        (0..rows).flat_map(|row| wanted.iter().map(move |column| row * width + column)).collect();
    Tensor::new(shape, pick(tensor.data(), &places))
}

impl Encode {
    fn read(attributes: &Attributes<'_>) -> Result<Self, LoadError> {
        // The oldest form: texts and their places in a list.
        let classes = attributes.texts("classes_strings");
        if !classes.is_empty() {
            let count = i64::try_from(classes.len()).unwrap_or(i64::MAX);
            let otherwise = Data::I64(vec![attributes.int("default_int64").unwrap_or(-1)]);
            let values = Data::I64((0..count).collect());
            return Ok(Self { places: Places::of(&Data::Text(classes)), values, otherwise });
        }
        let list = |name: &str| -> Result<Option<Data>, LoadError> {
            if let Some(tensor) = attributes.tensor(&format!("{name}_tensor"))? {
                return Ok(Some(tensor.into_data()));
            }
            let has = |kind: &str| attributes.has(&format!("{name}_{kind}"));
            Ok(if has("strings") {
                Some(Data::Text(attributes.texts(&format!("{name}_strings"))))
            } else if has("int64s") {
                Some(Data::I64(attributes.ints(&format!("{name}_int64s")).to_vec()))
            } else if has("floats") {
                Some(Data::F32(attributes.floats(&format!("{name}_floats")).to_vec()))
            } else {
                None
            })
        };
        let (Some(keys), Some(values)) = (list("keys")?, list("values")?) else {
            return Err(attributes.broken("it has no keys or no values"));
        };
        if keys.len() != values.len() {
            return Err(attributes.broken("its keys and values are of different lengths"));
        }
        let given =
            attributes.tensor("default_tensor")?.map(Tensor::into_data).filter(|data| data.len() == 1);
        let otherwise = match (given, &values) {
            (Some(data), _) if std::mem::discriminant(&data) == std::mem::discriminant(&values) => data,
            (_, Data::I64(_)) => Data::I64(vec![attributes.int("default_int64").unwrap_or(-1)]),
            (_, Data::F32(_)) => Data::F32(vec![attributes.float("default_float").unwrap_or(0.0)]),
            (_, Data::F64(_)) => Data::F64(vec![attributes.float("default_float").unwrap_or(0.0).into()]),
            (_, Data::Text(_)) => {
                Data::Text(vec![attributes.text("default_string").unwrap_or_else(|| "_Unused".to_owned())])
            }
            (_, Data::Bool(_)) => return Err(attributes.broken("its values are booleans")),
        };
        Ok(Self { places: Places::of(&keys), values, otherwise })
    }

    fn run(&self, tensor: &Tensor) -> Result<Data, RunError> {
        let found = self.places.find(tensor)?;
        fn taken<T: Clone>(found: &[Option<usize>], values: &[T], otherwise: &[T]) -> Vec<T> {
            found.iter().map(|place| place.map_or(&otherwise[0], |at| &values[at]).clone()).collect()
        }
        Ok(match (&self.values, &self.otherwise) {
            (Data::I64(values), Data::I64(otherwise)) => Data::I64(taken(&found, values, otherwise)),
            (Data::F32(values), Data::F32(otherwise)) => Data::F32(taken(&found, values, otherwise)),
            (Data::F64(values), Data::F64(otherwise)) => Data::F64(taken(&found, values, otherwise)),
            (Data::Text(values), Data::Text(otherwise)) => Data::Text(taken(&found, values, otherwise)),
            _ => return Err(RunError("its values and what stands for others are of two kinds".to_owned())),
        })
    }
}
