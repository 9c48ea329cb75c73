//! `MLmodel`, the file that MLflow writes beside every model: its flavors and its signature.

use std::collections::BTreeMap;

use learn::Kind;
use serde::Deserialize;
use serde_json::Value;

use super::ServingError;

/// What a version's files say about it.
#[derive(Debug, Clone)]
pub(crate) struct Described {
    /// The ONNX file, below the model's folder.
    pub(crate) file: String,
    pub(crate) inputs: Schema,
    pub(crate) params: Vec<Param>,
}

/// One side of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Schema {
    /// The model was logged without one.
    Nothing,
    Columns(Vec<Field>),
    Tensors(Vec<Field>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: Option<String>,
    pub(crate) kind: Kind,
    /// As the signature calls it.
    pub(crate) type_name: String,
    pub(crate) required: bool,
    /// Of a tensor; open dimensions are `None`.
    pub(crate) shape: Vec<Option<usize>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) type_name: String,
    pub(crate) is_list: bool,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    flavors: BTreeMap<String, serde_yaml_ng::Value>,
    #[serde(default)]
    signature: Option<Signature>,
}

/// Each a JSON text within the YAML. What it says of outputs is not read: those that the model gives have names and types.
#[derive(Deserialize)]
struct Signature {
    #[serde(default)]
    inputs: Option<String>,
    #[serde(default)]
    params: Option<String>,
}

const FLAVOR: &str = "onnx";

impl Described {
    /// `title` is the version for people.
    pub(crate) fn read(text: &str, title: &str) -> Result<Self, ServingError> {
        let broken = |what: &dyn std::fmt::Display| {
            ServingError::NotServable(format!("the file MLmodel of {title} cannot be read: {what}"))
        };
        let file: File = serde_yaml_ng::from_str(text).map_err(|error| broken(&error))?;
        let Some(flavor) = file.flavors.get(FLAVOR) else {
            let flavors: Vec<_> = file.flavors.keys().map(String::as_str).collect();
            return Err(ServingError::NotServable(format!(
                "{title} is of flavor {}, and this server runs ONNX: bring the model into that form (skl2onnx for \
                 scikit-learn, torch.onnx for PyTorch), log it with mlflow.onnx.log_model, and register that",
                if flavors.is_empty() { "none".to_owned() } else { flavors.join(", ") },
            )));
        };
        let data = flavor.get("data").and_then(serde_yaml_ng::Value::as_str);
        let data = data.ok_or_else(|| broken(&"its flavor onnx names no file (data)"))?;
        let signature = file.signature.unwrap_or(Signature { inputs: None, params: None });
        let schema = |text: &Option<String>| match text {
            None => Ok(Schema::Nothing),
            Some(text) => Schema::read(text).map_err(|what| broken(&what)),
        };
        Ok(Self {
            file: data.to_owned(),
            inputs: schema(&signature.inputs)?,
            params: signature.params.as_deref().map(params).unwrap_or_default(),
        })
    }

    /// What a caller gave of the signature's params must be of their types. ONNX has no use for them, as in MLflow.
    pub(crate) fn check_params(&self, given: &serde_json::Map<String, Value>) -> Result<(), ServingError> {
        for param in &self.params {
            let Some(value) = given.get(&param.name).filter(|value| !value.is_null()) else { continue };
            let fits = match (param.is_list, value) {
                (true, Value::Array(values)) => values.iter().all(|value| is_of(value, &param.type_name)),
                (true, _) => false,
                (false, value) => is_of(value, &param.type_name),
            };
            if !fits {
                let list = if param.is_list { "a list of " } else { "" };
                return Err(ServingError::input(
                    format!("/params/{}", param.name),
                    format!("params: {:?} is to be {list}{}", param.name, param.type_name),
                ));
            }
        }
        Ok(())
    }
}

fn is_of(value: &Value, type_name: &str) -> bool {
    match type_name {
        "integer" | "long" => value.is_i64(),
        "float" | "double" => value.is_number(),
        "boolean" => value.is_boolean(),
        "string" | "datetime" => value.is_string(),
        _ => true,
    }
}

fn params(text: &str) -> Vec<Param> {
    let list: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
    list.iter()
        .filter_map(|param| {
            Some(Param {
                name: param.get("name")?.as_str()?.to_owned(),
                // An object's type is written as an object.
                type_name: param.get("type")?.as_str()?.to_owned(),
                is_list: param.get("shape").is_some_and(|shape| !shape.is_null()),
            })
        })
        .collect()
}

impl Schema {
    fn read(text: &str) -> Result<Self, String> {
        let list: Vec<Value> =
            serde_json::from_str(text).map_err(|error| format!("its signature: {error}"))?;
        let is_tensor = |field: &Value| field.get("type").and_then(Value::as_str) == Some("tensor");
        if list.is_empty() {
            return Ok(Self::Nothing);
        }
        let fields =
            |read: fn(&Value) -> Result<Field, String>| list.iter().map(read).collect::<Result<Vec<_>, _>>();
        if list.iter().all(is_tensor) {
            Ok(Self::Tensors(fields(Field::tensor)?))
        } else {
            Ok(Self::Columns(fields(Field::column)?))
        }
    }

    pub(crate) fn fields(&self) -> &[Field] {
        match self {
            Self::Nothing => &[],
            Self::Columns(fields) | Self::Tensors(fields) => fields,
        }
    }
}

impl Field {
    fn column(value: &Value) -> Result<Self, String> {
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let name = text("name").map(str::to_owned);
        let type_name = text("type").unwrap_or("?");
        let kind = match type_name {
            "boolean" => Kind::Bool,
            "integer" => Kind::I32,
            "long" => Kind::I64,
            "float" => Kind::F32,
            "double" => Kind::F64,
            "string" => Kind::Text,
            other => {
                let name = name.unwrap_or_default();
                return Err(format!("column {name:?} is of type {other}, which no ONNX input takes"));
            }
        };
        let required = value.get("required").and_then(Value::as_bool);
        // The older way to say it.
        let optional = value.get("optional").and_then(Value::as_bool);
        Ok(Self {
            name,
            kind,
            type_name: type_name.to_owned(),
            required: required.unwrap_or(!optional.unwrap_or(false)),
            shape: Vec::new(),
        })
    }

    fn tensor(value: &Value) -> Result<Self, String> {
        let name = value.get("name").and_then(Value::as_str).map(str::to_owned);
        let spec = value.get("tensor-spec").ok_or("a tensor of its signature has no tensor-spec")?;
        let type_name = spec.get("dtype").and_then(Value::as_str).unwrap_or("?");
        let kind = match type_name {
            "float16" | "float32" => Kind::F32,
            "float64" => Kind::F64,
            "int8" => Kind::I8,
            "uint8" => Kind::U8,
            "int16" | "int32" | "uint16" => Kind::I32,
            "int64" | "uint32" | "uint64" => Kind::I64,
            "bool" => Kind::Bool,
            other if other.starts_with("str") || other == "object" || other.starts_with('U') => Kind::Text,
            other => return Err(format!("a tensor of its signature is of type {other}")),
        };
        let dims = spec.get("shape").and_then(Value::as_array).ok_or("a tensor-spec without shape")?;
        let shape = dims.iter().map(|dim| dim.as_u64().and_then(|dim| usize::try_from(dim).ok())).collect();
        Ok(Self { name, kind, type_name: type_name.to_owned(), required: true, shape })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
artifact_path: model
flavors:
  onnx: {code: null, data: model.onnx, onnx_version: 1.19.0, providers: [CPUExecutionProvider]}
  python_function: {loader_module: mlflow.onnx}
signature:
  inputs: '[{"type": "double", "name": "a", "required": true}, {"type": "long", "name": "b", "required": false}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 1]}}]'
  params: '[{"name": "p", "type": "double", "default": 0.5, "shape": null}]'
"#;

    #[test]
    fn mlmodel_is_read() {
        let described = Described::read(FILE, "version 1 of m").unwrap();
        assert_eq!(described.file, "model.onnx");
        let Schema::Columns(columns) = &described.inputs else { panic!("{described:?}") };
        assert_eq!((columns[0].kind, columns[0].required), (Kind::F64, true));
        assert_eq!((columns[1].name.as_deref(), columns[1].required), (Some("b"), false));
        let tensor = r#"[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 1]}}]"#;
        assert_eq!(Schema::read(tensor).unwrap().fields()[0].shape, [None, Some(1)]);
        let given = |text: &str| serde_json::from_str(text).unwrap();
        assert!(described.check_params(&given(r#"{"p": 1, "unknown": []}"#)).is_ok());
        assert!(described.check_params(&given(r#"{"p": "x"}"#)).is_err());
    }

    #[test]
    fn what_is_no_onnx_is_told() {
        for (text, expected) in [
            ("flavors: {sklearn: {}, python_function: {}}", "of flavor python_function, sklearn"),
            ("{}", "of flavor none"),
            ("flavors: {onnx: {}}", "names no file"),
            (": [", "cannot be read"),
            (
                "flavors: {onnx: {data: m.onnx}}\nsignature: {inputs: '[{\"type\":\"binary\",\"name\":\"x\"}]'}",
                "binary",
            ),
            ("flavors: {onnx: {data: m.onnx}}\nsignature: {inputs: '{'}", "signature"),
        ] {
            let error = Described::read(text, "version 1 of m").unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
