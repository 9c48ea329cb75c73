//! Predictions as MLflow's scoring server writes them for ONNX models.

use learn::{Data, Label, Port, Value as Output};
use serde_json::{Value, json};

/// One object a row, or one list for each output.
pub(crate) fn answer(ports: &[Port], outputs: Vec<Output>, as_records: bool) -> Value {
    let named = ports.iter().map(|port| port.name.clone()).zip(outputs);
    let predictions = if as_records {
        records(named.collect())
    } else {
        Value::Object(named.map(|(name, output)| (name, nested(&output))).collect())
    };
    json!({ "predictions": predictions })
}

/// Every output is a column. MLflow makes each one flat; where that makes columns of different lengths (labels beside a
/// matrix of scores), which MLflow refuses, a row holds its part as a list.
fn records(outputs: Vec<(String, Output)>) -> Value {
    let flat: Vec<(String, Vec<Value>)> =
        outputs.iter().map(|(name, output)| (name.clone(), elements(output))).collect();
    let count = flat.first().map_or(0, |(_, values)| values.len());
    let columns = if flat.iter().all(|(_, values)| values.len() == count) {
        flat
    } else {
        let rows = |output: &Output| match nested(output) {
            Value::Array(rows) => rows,
            scalar => vec![scalar],
        };
        outputs.iter().map(|(name, output)| (name.clone(), rows(output))).collect()
    };
    let count = columns.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
    let mut columns: Vec<_> = columns.into_iter().map(|(name, values)| (name, values.into_iter())).collect();
    let row = |_| {
        let cells =
            columns.iter_mut().map(|(name, values)| (name.clone(), values.next().unwrap_or_default()));
        Value::Object(cells.collect())
    };
    (0..count).map(row).collect()
}

/// JSON has neither NaN nor infinities: null.
fn number(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number)
}

fn elements(output: &Output) -> Vec<Value> {
    match output {
        Output::Tensor(tensor) => match tensor.data() {
            Data::F32(data) => data.iter().map(|value| number((*value).into())).collect(),
            Data::F64(data) => data.iter().map(|value| number(*value)).collect(),
            Data::I64(data) => data.iter().map(|value| (*value).into()).collect(),
            Data::Bool(data) => data.iter().map(|value| (*value).into()).collect(),
            Data::Text(data) => data.iter().map(|value| value.as_str().into()).collect(),
        },
        Output::Maps(maps) => maps.iter().map(|map| Value::Object(map.iter().map(entry).collect())).collect(),
    }
}

fn entry((label, score): &(Label, f32)) -> (String, Value) {
    let label = match label {
        Label::Int(label) => label.to_string(),
        Label::Text(label) => label.clone(),
    };
    (label, number((*score).into()))
}

fn nested(output: &Output) -> Value {
    let shape: &[usize] = match output {
        Output::Tensor(tensor) => tensor.shape(),
        Output::Maps(_) => return elements(output).into(),
    };
    let mut values = elements(output);
    if shape.is_empty() {
        return values.pop().unwrap_or_default();
    }
    for size in shape[1..].iter().rev() {
        if *size == 0 {
            return (0..shape[0]).map(|_| Value::Array(Vec::new())).collect();
        }
        let mut rest = values.into_iter();
        let mut lists = Vec::new();
        loop {
            let list: Vec<Value> = rest.by_ref().take(*size).collect();
            if list.is_empty() {
                break;
            }
            lists.push(Value::Array(list));
        }
        values = lists;
    }
    values.into()
}

#[cfg(test)]
mod tests {
    use learn::Tensor;

    use super::*;

    fn port(name: &str) -> Port {
        Port { name: name.to_owned(), kind: None, shape: None }
    }

    fn tensor(shape: &[usize], data: Data) -> Output {
        Output::Tensor(Tensor::new(shape.to_vec(), data).unwrap())
    }

    #[test]
    fn answers_have_mlflows_shapes() {
        let labels = || tensor(&[2], Data::I64(vec![1, 0]));
        let scores = || tensor(&[2, 2], Data::F32(vec![0.5, 0.25, f32::NAN, 1.0]));
        let maps = Output::Maps(vec![vec![(Label::Int(0), 0.5)], vec![(Label::Text("a".to_owned()), 1.0)]]);
        let check = |outputs: Vec<Output>, as_records: bool, expected: Value| {
            let ports = ["a", "b"].map(port);
            assert_eq!(answer(&ports, outputs, as_records)["predictions"], expected);
        };
        check(vec![labels(), scores()], false, json!({ "a": [1, 0], "b": [[0.5, 0.25], [null, 1.0]] }));
        check(
            vec![labels(), maps],
            true,
            json!([{ "a": 1, "b": { "0": 0.5 } }, { "a": 0, "b": { "a": 1.0 } }]),
        );
        check(vec![tensor(&[2, 1], Data::F64(vec![1.5, 2.5]))], true, json!([{ "a": 1.5 }, { "a": 2.5 }]));
        check(
            vec![labels(), scores()],
            true,
            json!([{ "a": 1, "b": [0.5, 0.25] }, { "a": 0, "b": [null, 1.0] }]),
        );
        // As MLflow: made flat, two numbers a row become four rows.
        check(vec![scores()], true, json!([{ "a": 0.5 }, { "a": 0.25 }, { "a": null }, { "a": 1.0 }]));
        check(vec![tensor(&[], Data::Bool(vec![true]))], false, json!({ "a": true }));
    }
}
