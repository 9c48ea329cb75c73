//! Models written by hand: what must come out can be reckoned on paper. Those of scikit-learn itself are compared with ONNX
//! Runtime by `scripts/mlflow/serving.py`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::HashMap;

use bytes::Bytes;
use learn::{
    Data, Label, LoadError, Model, Tensor, Value,
    proto::{
        AttributeProto, DimProto, EntryProto, GraphProto, ModelProto, NodeProto, OperatorSetProto,
        ShapeProto, TensorProto, TensorTypeProto, TypeProto, ValueProto,
    },
};
use proptest::prelude::*;
use prost::Message as _;

const FLOAT: i32 = 1;
const INT64: i32 = 7;

fn value(name: &str, elem_type: i32, dims: &[i64]) -> ValueProto {
    let dim = |size: &i64| DimProto { dim_value: (*size >= 0).then_some(*size), dim_param: None };
    let shape = Some(ShapeProto { dim: dims.iter().map(dim).collect() });
    let tensor_type = Some(TensorTypeProto { elem_type, shape });
    ValueProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type, sequence_type: None }) }
}

fn node(
    op_type: &str,
    domain: &str,
    inputs: &[&str],
    outputs: &[&str],
    attribute: Vec<AttributeProto>,
) -> NodeProto {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    NodeProto {
        input: texts(inputs),
        output: texts(outputs),
        name: String::new(),
        op_type: op_type.to_owned(),
        attribute,
        domain: domain.to_owned(),
    }
}

const ML: &str = "ai.onnx.ml";

fn floats(name: &str, floats: &[f32]) -> AttributeProto {
    AttributeProto { name: name.to_owned(), floats: floats.to_vec(), kind: 6, ..AttributeProto::default() }
}

fn ints(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto { name: name.to_owned(), ints: ints.to_vec(), kind: 7, ..AttributeProto::default() }
}

fn texts(name: &str, texts: &[&str]) -> AttributeProto {
    let strings = texts.iter().map(|text| Bytes::copy_from_slice(text.as_bytes())).collect();
    AttributeProto { name: name.to_owned(), strings, kind: 8, ..AttributeProto::default() }
}

fn text(name: &str, text: &str) -> AttributeProto {
    let s = Some(Bytes::copy_from_slice(text.as_bytes()));
    AttributeProto { name: name.to_owned(), s, kind: 3, ..AttributeProto::default() }
}

fn tensor(name: &str, dims: &[i64], data: &[f32]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: FLOAT,
        raw_data: Some(data.iter().flat_map(|value| value.to_le_bytes()).collect()),
        ..TensorProto::default()
    }
}

fn file(
    node: Vec<NodeProto>,
    initializer: Vec<TensorProto>,
    input: Vec<ValueProto>,
    output: Vec<ValueProto>,
) -> Bytes {
    let graph = GraphProto { node, name: "g".to_owned(), initializer, input, output };
    let set = |domain: &str, version| OperatorSetProto { domain: domain.to_owned(), version };
    let opset_import = vec![set("", 17), set(ML, 3)];
    ModelProto { ir_version: Some(8), graph: Some(graph), opset_import }.encode_to_vec().into()
}

fn load(file: Bytes) -> Result<Model, LoadError> {
    Model::load(file, &HashMap::new())
}

fn rows(columns: usize, values: &[f32]) -> Tensor {
    Tensor::new(vec![values.len() / columns, columns], Data::F32(values.to_vec())).unwrap()
}

fn data(value: &Value) -> &Data {
    match value {
        Value::Tensor(tensor) => tensor.data(),
        Value::Maps(_) => panic!("a tensor is expected"),
    }
}

/// One tree a list of weights: column 0 at most 1.5, else column 1 at most 0.
fn trees(op_type: &str, more: Vec<AttributeProto>) -> NodeProto {
    let mut attributes = vec![
        ints("nodes_treeids", &[0, 0, 0, 0, 0]),
        ints("nodes_nodeids", &[0, 1, 2, 3, 4]),
        ints("nodes_featureids", &[0, 0, 1, 0, 0]),
        floats("nodes_values", &[1.5, 0.0, 0.0, 0.0, 0.0]),
        texts("nodes_modes", &["BRANCH_LEQ", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"]),
        ints("nodes_truenodeids", &[1, 0, 3, 0, 0]),
        ints("nodes_falsenodeids", &[2, 0, 4, 0, 0]),
    ];
    attributes.extend(more);
    let outputs: &[&str] = if op_type.ends_with("Classifier") { &["label", "scores"] } else { &["y"] };
    node(op_type, ML, &["X"], outputs, attributes)
}

fn targets(kind: &str, weights: &[f32]) -> Vec<AttributeProto> {
    vec![
        ints(&format!("{kind}_treeids"), &[0, 0, 0]),
        ints(&format!("{kind}_nodeids"), &[1, 3, 4]),
        ints(&format!("{kind}_ids"), &[0, 0, 0]),
        floats(&format!("{kind}_weights"), weights),
    ]
}

#[test]
fn trees_tell_numbers_and_classes() {
    let x = || vec![value("X", FLOAT, &[-1, 2])];
    let mut more = targets("target", &[1.0, 2.0, 3.0]);
    more.push(floats("base_values", &[0.5]));
    let regressor =
        file(vec![trees("TreeEnsembleRegressor", more)], vec![], x(), vec![value("y", FLOAT, &[-1, 1])]);
    let model = load(regressor).unwrap();
    let asked = || rows(2, &[1.5, 9.0, 1.6, 0.0, 1.6, 0.1]);
    assert_eq!(data(&model.run(vec![asked()]).unwrap()[0]), &Data::F32(vec![1.5, 2.5, 3.5]));
    assert!(model.run(vec![rows(1, &[1.0])]).is_err(), "one column is too few");

    // One sum tells both classes: more than one half is the second.
    let mut more = targets("class", &[0.25, 0.5, 0.75]);
    more.push(texts("classlabels_strings", &["no", "yes"]));
    let outputs = || vec![value("label", 8, &[-1]), value("scores", FLOAT, &[-1, 2])];
    let model = load(file(vec![trees("TreeEnsembleClassifier", more)], vec![], x(), outputs())).unwrap();
    let said = model.run(vec![asked()]).unwrap();
    assert_eq!(data(&said[0]), &Data::Text(["no", "no", "yes"].map(str::to_owned).to_vec()));
    assert_eq!(data(&said[1]), &Data::F32(vec![0.75, 0.25, 0.5, 0.5, 0.25, 0.75]));

    // Of either sign, it is what the logistic curve makes of it: more than nothing is the second.
    let mut more = targets("class", &[-1.0, 0.0, 1.0]);
    more.extend([
        ints("classlabels_int64s", &[7, 8]),
        text("post_transform", "LOGISTIC"),
        floats("base_values", &[0.0]),
    ]);
    let zip = node("ZipMap", ML, &["scores"], &["maps"], vec![ints("classlabels_int64s", &[7, 8])]);
    let outputs = vec![value("label", INT64, &[-1]), ValueProto { name: "maps".to_owned(), r#type: None }];
    let model = load(file(vec![trees("TreeEnsembleClassifier", more), zip], vec![], x(), outputs)).unwrap();
    let said = model.run(vec![asked()]).unwrap();
    assert_eq!(data(&said[0]), &Data::I64(vec![7, 7, 8]));
    let Value::Maps(maps) = &said[1] else { panic!("maps are expected") };
    assert_eq!(maps[1], [(Label::Int(7), 0.5), (Label::Int(8), 0.5)]);
    assert!((maps[2][1].1 - 0.731_058_6).abs() < 1e-6);
}

#[test]
fn linear_models_and_what_comes_before_them() {
    let scaler =
        node("Scaler", ML, &["X"], &["S"], vec![floats("offset", &[1.0, 0.0]), floats("scale", &[2.0, 0.5])]);
    let linear = node(
        "LinearClassifier",
        ML,
        &["S"],
        &["label", "raw"],
        vec![
            floats("coefficients", &[1.0, 0.0, 0.0, 1.0, -1.0, -1.0]),
            floats("intercepts", &[0.0, 0.0, 0.25]),
            ints("classlabels_ints", &[0, 1, 2]),
            text("post_transform", "SOFTMAX"),
        ],
    );
    let norm = node("Normalizer", ML, &["raw"], &["scores"], vec![text("norm", "L1")]);
    let outputs = vec![value("label", INT64, &[-1]), value("scores", FLOAT, &[-1, 3])];
    let model =
        load(file(vec![scaler, linear, norm], vec![], vec![value("X", FLOAT, &[-1, 2])], outputs)).unwrap();
    // Scaled: (2, 0), (0, 3), (-2, 0).
    let said = model.run(vec![rows(2, &[2.0, 0.0, 1.0, 6.0, 0.0, 0.0])]).unwrap();
    assert_eq!(data(&said[0]), &Data::I64(vec![0, 1, 2]));
    let Data::F32(scores) = data(&said[1]) else { panic!("floats are expected") };
    assert!(scores.chunks(3).all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-6), "{scores:?}");
    assert!(!model.takes_missing);
}

/// Weights that may stand beside the file.
fn network(external: bool) -> Bytes {
    let mut weights = tensor("W", &[2, 1], &[1.0, -1.0]);
    if external {
        let entry = |key: &str, value: &str| EntryProto { key: key.to_owned(), value: value.to_owned() };
        weights.raw_data = None;
        weights.data_location = 1;
        weights.external_data = vec![entry("location", "w.data"), entry("offset", "4"), entry("length", "8")];
    }
    let nodes =
        vec![node("MatMul", "", &["X", "W"], &["h"], vec![]), node("Relu", "", &["h"], &["y"], vec![])];
    file(nodes, vec![weights], vec![value("X", FLOAT, &[-1, 2])], vec![value("y", FLOAT, &[-1, 1])])
}

#[test]
fn networks_are_run_with_weights_within_and_beside() {
    let asked = || vec![rows(2, &[3.0, 1.0, 1.0, 3.0])];
    let said = load(network(false)).unwrap().run(asked()).unwrap();
    assert_eq!(data(&said[0]), &Data::F32(vec![2.0, 0.0]));
    let file = network(true);
    assert_eq!(Model::weights_beside(&file).unwrap().into_iter().collect::<Vec<_>>(), ["w.data"]);
    assert!(load(file.clone()).is_err(), "the weights are not there");
    let bytes: Vec<u8> = [9.0_f32, 1.0, -1.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let beside = HashMap::from([("w.data".to_owned(), Bytes::from(bytes))]);
    let said = Model::load(file, &beside).unwrap().run(asked()).unwrap();
    assert_eq!(data(&said[0]), &Data::F32(vec![2.0, 0.0]));
    let cut = HashMap::from([("w.data".to_owned(), Bytes::from_static(&[0; 8]))]);
    assert!(Model::load(network(true), &cut).is_err());
}

#[test]
fn what_cannot_be_run_is_told() {
    let x = || vec![value("X", FLOAT, &[-1, 2])];
    let y = || vec![value("y", FLOAT, &[-1, 1])];
    let check = |nodes: Vec<NodeProto>, expected: &str| {
        let error = load(file(nodes, vec![], x(), y())).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(vec![node("SVMRegressor", ML, &["X"], &["y"], vec![])], "SVMRegressor");
    check(vec![node("Nonsense", "", &["X"], &["y"], vec![])], "Nonsense");
    check(vec![node("Loop", "", &["X"], &["y"], vec![])], "nobody could say when it ends");
    check(vec![node("Binarizer", ML, &["Z"], &["y"], vec![])], "which nothing gives");
    check(vec![node("Binarizer", ML, &["X"], &["z"], vec![])], "nothing gives the output");
    let lost = |parent: &str, child: &[i64]| {
        let mut broken = trees("TreeEnsembleRegressor", targets("target", &[1.0, 2.0, 3.0]));
        broken.attribute.retain(|attribute| attribute.name != parent);
        broken.attribute.push(ints(parent, child));
        vec![broken]
    };
    check(lost("nodes_truenodeids", &[99, 0, 3, 0, 0]), "not there");
    // Round and round.
    check(lost("nodes_falsenodeids", &[2, 0, 2, 0, 0]), "lead to the same one");
    check(lost("target_ids", &[0, 0, 5]), "leaves do not fit");
    check(lost("nodes_featureids", &[0, 0, -1, 0, 0]), "negative");
    assert!(matches!(load(Bytes::from_static(b"not at all")), Err(LoadError::NotOnnx(_))));
    assert!(load(Bytes::new()).is_err());
}

#[test]
fn graphs_within_graphs_have_a_bottom() {
    let mut graph = GraphProto::default();
    for _ in 0..2_000 {
        let then = AttributeProto {
            name: "then_branch".to_owned(),
            g: Some(graph),
            kind: 5,
            ..AttributeProto::default()
        };
        graph =
            GraphProto { node: vec![node("If", "", &["c"], &["y"], vec![then])], ..GraphProto::default() };
    }
    let bytes = ModelProto { graph: Some(graph), ..ModelProto::default() };
    // The test's own stack is not what is tried here.
    let worker =
        std::thread::Builder::new().stack_size(256 << 20).spawn(move || Bytes::from(bytes.encode_to_vec()));
    let bytes = worker.unwrap().join().unwrap();
    assert!(load(bytes).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_bring_it_down(at in 0_usize..4_000, byte: u8, tail in proptest::collection::vec(any::<u8>(), 0..60)) {
        let mut more = targets("class", &[0.25, 0.5, 0.75]);
        more.push(ints("classlabels_int64s", &[0, 1]));
        let nodes = vec![trees("TreeEnsembleClassifier", more)];
        let outputs = vec![value("label", INT64, &[-1]), value("scores", FLOAT, &[-1, 2])];
        for whole in [file(nodes, vec![], vec![value("X", FLOAT, &[-1, 2])], outputs), network(false)] {
            let mut bytes = whole.to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.extend_from_slice(&tail);
            if let Ok(model) = load(bytes.into()) {
                drop(model.run(vec![rows(2, &[1.0, 2.0, f32::NAN, 4.0])]));
            }
        }
    }
}
