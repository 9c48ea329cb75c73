//! The forms in which rows come, as MLflow's scoring servers take them.

use std::collections::HashMap;

use learn::Kind;
use serde_json::{Map, Value};

use super::{Schema, ServingError};

#[derive(Debug)]
pub(crate) struct Asked {
    pub(super) rows: Rows,
    /// Where the rows stand in the body: the pointer that faults begin with.
    pub(super) key: &'static str,
    pub(crate) params: Map<String, Value>,
}

#[derive(Debug)]
pub(super) enum Rows {
    Frame(Frame),
    /// Without names.
    List(Vec<Value>),
    /// By input: what stands there may be a list of any depth.
    Named(Vec<(String, Value)>),
}

/// A table: all rows are as long as there are columns.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<Value>>,
    pub(super) order: Order,
}

/// How a cell is found in the body, for the pointers of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Row, then place of the column.
    Places,
    /// Row, then name of the column.
    Names,
    /// Name of the column, then row.
    Columns,
}

const FORMS: [&str; 4] = ["dataframe_split", "dataframe_records", "instances", "inputs"];

pub(crate) fn read_json(bytes: &[u8]) -> Result<Asked, ServingError> {
    let body: Value = serde_json::from_slice(bytes).map_err(|error| {
        let is_nan = bytes.windows(3).any(|part| part == b"NaN");
        let hint = if is_nan { "; JSON has no NaN: write null for what is missing" } else { "" };
        ServingError::input("", format!("the body is no JSON: {error}{hint}"))
    })?;
    let Value::Object(mut body) = body else {
        return Err(ServingError::input(
            "",
            format!("the body is to be an object with one of {}", FORMS.join(", ")),
        ));
    };
    let given: Vec<&str> = FORMS.into_iter().filter(|form| body.contains_key(*form)).collect();
    let [form] = given[..] else {
        let found: Vec<_> = body.keys().map(String::as_str).collect();
        return Err(ServingError::input(
            "",
            format!(
                "the body is to have exactly one of {}; it has {}",
                FORMS.join(", "),
                if found.is_empty() { "none".to_owned() } else { found.join(", ") }
            ),
        ));
    };
    let params = match body.remove("params") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(params)) => params,
        Some(_) => return Err(ServingError::input("/params", "params is to be an object")),
    };
    let value = body.remove(form).unwrap_or_default();
    let (rows, key) = match form {
        "dataframe_split" => (Rows::Frame(split(value)?), "/dataframe_split/data"),
        "dataframe_records" => (Rows::Frame(records(value, "/dataframe_records")?), "/dataframe_records"),
        "instances" => (instances(value)?, "/instances"),
        _ => (inputs(value)?, "/inputs"),
    };
    Ok(Asked { rows, key, params })
}

fn split(value: Value) -> Result<Frame, ServingError> {
    const AT: &str = "/dataframe_split";
    let Value::Object(mut split) = value else {
        return Err(ServingError::input(AT, "dataframe_split is to be an object with columns and data"));
    };
    if let Some(other) = split.keys().find(|key| !matches!(key.as_str(), "columns" | "index" | "data")) {
        return Err(ServingError::input(
            AT,
            format!("dataframe_split has columns, index and data, and no {other:?}"),
        ));
    }
    let Some(Value::Array(data)) = split.remove("data") else {
        return Err(ServingError::input(AT, "dataframe_split is to have data: a list of rows"));
    };
    let mut rows = Vec::with_capacity(data.len());
    for (at, row) in data.into_iter().enumerate() {
        match row {
            Value::Array(row) => rows.push(row),
            other => {
                let shown = shown(&other);
                return Err(ServingError::input(
                    format!("{AT}/data/{at}"),
                    format!("row {at}: {shown}, where a list of cells is expected"),
                ));
            }
        }
    }
    let columns = match split.remove("columns") {
        None | Some(Value::Null) => (0..rows.first().map_or(0, Vec::len)).map(|at| at.to_string()).collect(),
        Some(Value::Array(columns)) => columns.iter().map(name).collect::<Vec<_>>(),
        Some(_) => {
            return Err(ServingError::input(format!("{AT}/columns"), "columns is to be a list of names"));
        }
    };
    for (at, row) in rows.iter().enumerate() {
        if row.len() != columns.len() {
            return Err(ServingError::input(
                format!("{AT}/data/{at}"),
                format!("row {at} has {} cells, and there are {} columns", row.len(), columns.len()),
            ));
        }
    }
    frame(columns, rows, Order::Places)
}

/// Column names may be numbers.
fn name(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(super) fn frame(
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
    order: Order,
) -> Result<Frame, ServingError> {
    let mut seen = std::collections::HashSet::new();
    match columns.iter().find(|column| !seen.insert(column.as_str())) {
        Some(column) => Err(ServingError::input("", format!("column {column:?} is there twice"))),
        None => Ok(Frame { columns, rows, order }),
    }
}

pub(super) fn records(value: Value, at: &str) -> Result<Frame, ServingError> {
    let Value::Array(list) = value else {
        return Err(ServingError::input(at, format!("{} is to be a list of objects", &at[1..])));
    };
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut columns: Vec<String> = Vec::new();
    let mut rows: Vec<Vec<Value>> = Vec::with_capacity(list.len());
    for (row_at, record) in list.into_iter().enumerate() {
        let Value::Object(record) = record else {
            return Err(ServingError::input(
                format!("{at}/{row_at}"),
                format!("row {row_at}: {}, where an object is expected", shown(&record)),
            ));
        };
        let mut row = vec![Value::Null; columns.len()];
        for (column, value) in record {
            let place = *places.entry(column).or_insert_with_key(|column| {
                columns.push(column.clone());
                columns.len() - 1
            });
            if place >= row.len() {
                row.resize(place + 1, Value::Null);
            }
            row[place] = value;
        }
        rows.push(row);
        // A hostile body could have a column of its own in every row.
        if columns.len().saturating_mul(rows.len()) > 50_000_000 {
            return Err(ServingError::input(at, "the rows have too many different columns"));
        }
    }
    // What a row leaves out is missing in it.
    rows.iter_mut().for_each(|row| row.resize(columns.len(), Value::Null));
    frame(columns, rows, Order::Names)
}

fn instances(value: Value) -> Result<Rows, ServingError> {
    const AT: &str = "/instances";
    let Value::Array(list) = value else {
        return Err(ServingError::input(AT, "instances is to be a list"));
    };
    if !list.first().is_some_and(Value::is_object) {
        return Ok(Rows::List(list));
    }
    let count = list.len();
    let mut columns: Vec<(String, Vec<Value>)> = Vec::new();
    for (at, instance) in list.into_iter().enumerate() {
        let Value::Object(instance) = instance else {
            return Err(ServingError::input(
                format!("{AT}/{at}"),
                format!("row {at}: {}, where an object is expected", shown(&instance)),
            ));
        };
        for (column, value) in instance {
            match columns.iter_mut().find(|(name, _)| *name == column) {
                Some((_, values)) => values.push(value),
                None => columns.push((column, vec![value])),
            }
        }
        if let Some((name, _)) = columns.iter().find(|(_, values)| values.len() != at + 1) {
            return Err(ServingError::input(
                format!("{AT}/{at}"),
                format!("instances of {count} rows: {name:?} is not in every one up to row {at}"),
            ));
        }
    }
    Ok(Rows::Named(columns.into_iter().map(|(name, values)| (name, Value::Array(values))).collect()))
}

fn inputs(value: Value) -> Result<Rows, ServingError> {
    Ok(match value {
        Value::Object(inputs) => Rows::Named(inputs.into_iter().collect()),
        Value::Array(list) if list.first().is_some_and(Value::is_object) => {
            Rows::Frame(records(Value::Array(list), "/inputs")?)
        }
        Value::Array(list) => Rows::List(list),
        Value::Null => return Err(ServingError::input("/inputs", "inputs is null")),
        scalar => Rows::List(vec![scalar]),
    })
}

/// With a header. What a cell is follows from the signature, else from how it looks; what pandas takes for missing is
/// missing.
pub(crate) fn read_csv(bytes: &[u8], schema: &Schema) -> Result<Asked, ServingError> {
    let fault = |error: csv::Error| ServingError::input("", format!("the body is no CSV: {error}"));
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(bytes);
    let header = reader.headers().map_err(fault)?;
    let columns: Vec<String> =
        header.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
    let kinds: Vec<Option<Kind>> = columns
        .iter()
        .map(|column| {
            let of_name = |field: &&super::Field| field.name.as_deref() == Some(column);
            schema.fields().iter().find(of_name).map(|field| field.kind)
        })
        .collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(fault)?;
        rows.push(record.iter().zip(&kinds).map(|(text, kind)| cell(text, *kind)).collect());
    }
    Ok(Asked { rows: Rows::Frame(frame(columns, rows, Order::Places)?), key: "", params: Map::new() })
}

fn cell(text: &str, kind: Option<Kind>) -> Value {
    const MISSING: [&str; 9] = ["", "NaN", "nan", "NA", "N/A", "null", "NULL", "None", "<NA>"];
    let is_text = kind == Some(Kind::Text);
    if MISSING.contains(&text) {
        return Value::Null;
    }
    if is_text {
        return text.into();
    }
    let bare = text.trim();
    let is_number = bare.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
    match bare {
        "True" | "true" | "TRUE" => true.into(),
        "False" | "false" | "FALSE" => false.into(),
        bare if is_number => match (bare.parse::<i64>(), bare.parse::<f64>()) {
            (Ok(whole), _) => whole.into(),
            (_, Ok(number)) if number.is_finite() => number.into(),
            _ => text.into(),
        },
        _ => text.into(),
    }
}

/// A value for people, not too long.
pub(super) fn shown(value: &Value) -> String {
    let text = match value {
        Value::Array(list) => return format!("a list of {}", list.len()),
        Value::Object(_) => return "an object".to_owned(),
        other => other.to_string(),
    };
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read() {
        let read = |text: &str| read_json(text.as_bytes()).unwrap().rows;
        let Rows::Frame(frame) =
            read(r#"{"dataframe_split":{"columns":["a",1],"index":[5],"data":[[1,2]]}}"#)
        else {
            panic!("a frame")
        };
        assert_eq!(frame.columns, ["a", "1"]);
        let Rows::Frame(frame) = read(r#"{"dataframe_records":[{"a":1},{"b":2,"a":3}],"params":{}}"#) else {
            panic!("a frame")
        };
        assert_eq!(frame.columns, ["a", "b"]);
        assert_eq!(frame.rows, [[1.into(), Value::Null], [3.into(), 2.into()]]);
        let Rows::Named(columns) = read(r#"{"instances":[{"a":[1]},{"a":[2]}]}"#) else { panic!("by name") };
        assert_eq!(columns, [("a".to_owned(), serde_json::json!([[1], [2]]))]);
        assert!(matches!(read(r#"{"instances":[[1,2]]}"#), Rows::List(list) if list.len() == 1));
        assert!(matches!(read(r#"{"inputs":{"a":[1]},"more":1}"#), Rows::Named(_)));
        assert!(matches!(read(r#"{"inputs":7}"#), Rows::List(_)));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, pointer, expected) in [
            ("{", "", "no JSON"),
            (r#"{"inputs":[NaN]}"#, "", "write null"),
            ("[]", "", "an object with one of"),
            ("{}", "", "exactly one"),
            (r#"{"inputs":[],"instances":[]}"#, "", "it has inputs, instances"),
            (r#"{"inputs":[1],"params":3}"#, "/params", "object"),
            (r#"{"dataframe_split":[]}"#, "/dataframe_split", "columns and data"),
            (r#"{"dataframe_split":{"data":1}}"#, "/dataframe_split", "list of rows"),
            (r#"{"dataframe_split":{"data":[],"x":1}}"#, "/dataframe_split", "no \"x\""),
            (r#"{"dataframe_split":{"data":[[1],[1,2]]}}"#, "/dataframe_split/data/1", "row 1 has 2 cells"),
            (r#"{"dataframe_split":{"columns":["a","a"],"data":[]}}"#, "", "twice"),
            (r#"{"dataframe_records":{"a":1}}"#, "/dataframe_records", "list of objects"),
            (r#"{"dataframe_records":[{"a":1},2]}"#, "/dataframe_records/1", "row 1: 2"),
            (r#"{"instances":{"a":1}}"#, "/instances", "list"),
            (r#"{"instances":[{"a":1},{"b":1}]}"#, "/instances/1", "not in every one"),
            (r#"{"inputs":null}"#, "/inputs", "null"),
        ] {
            let ServingError::Input(faults) = read_json(text.as_bytes()).unwrap_err() else {
                panic!("{text}")
            };
            assert_eq!(faults[0].pointer, pointer, "{text}");
            assert!(faults[0].detail.contains(expected), "{text}: {}", faults[0].detail);
        }
    }

    #[test]
    fn csv_is_typed_by_the_signature() {
        let text = Schema::Columns(vec![super::super::Field {
            name: Some("zip".to_owned()),
            kind: Kind::Text,
            type_name: "string".to_owned(),
            required: true,
            shape: Vec::new(),
        }]);
        let Rows::Frame(frame) = read_csv(b"zip,a,b\n07,1.5,\n\"x\",-2,True\n", &text).unwrap().rows else {
            panic!("a frame")
        };
        assert_eq!(frame.rows[0], [Value::from("07"), Value::from(1.5), Value::Null]);
        assert_eq!(frame.rows[1], [Value::from("x"), Value::from(-2), Value::from(true)]);
        assert!(read_csv(b"a,b\n1\n", &Schema::Nothing).is_err());
        assert!(read_csv(b"a\n\xff\n", &Schema::Nothing).is_err());
    }
}
