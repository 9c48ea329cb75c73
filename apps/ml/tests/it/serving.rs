//! Predictions over HTTP. The models are written here by hand, so small that the answers can be reckoned on paper; those that
//! scikit-learn makes are compared with MLflow's own answers by `scripts/mlflow/serving.py`.

use learn::proto::{
    AttributeProto, DimProto, GraphProto, ModelProto, NodeProto, OperatorSetProto, ShapeProto, TensorProto,
    TensorTypeProto, TypeProto, ValueProto,
};
use prost::Message as _;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, App, Client, Modules, on_each_engine};

use crate::{experiment, modules, post, run, with_admin};

/// This test program again, for the processes that models compute in.
pub(crate) fn worker() -> ml::Worker {
    let arguments = ["--exact", "serving::worker_process", "--ignored", "--nocapture"];
    ml::Worker { program: std::env::current_exe().unwrap(), arguments: arguments.map(Into::into).to_vec() }
}

#[test]
#[ignore = "a process that other tests begin"]
fn worker_process() {
    ml::work();
}

fn value(name: &str, dims: &[i64]) -> ValueProto {
    let dim = |size: &i64| DimProto { dim_value: (*size >= 0).then_some(*size), dim_param: None };
    let shape = Some(ShapeProto { dim: dims.iter().map(dim).collect() });
    let tensor_type = Some(TensorTypeProto { elem_type: 1, shape });
    ValueProto { name: name.to_owned(), r#type: Some(TypeProto { tensor_type, sequence_type: None }) }
}

fn floats(name: &str, floats: &[f32]) -> AttributeProto {
    AttributeProto { name: name.to_owned(), floats: floats.to_vec(), kind: 6, ..AttributeProto::default() }
}

pub(crate) fn node(
    op_type: &str,
    domain: &str,
    inputs: &[&str],
    output: &str,
    attribute: Vec<AttributeProto>,
) -> NodeProto {
    NodeProto {
        input: inputs.iter().map(|name| (*name).to_owned()).collect(),
        output: vec![output.to_owned()],
        name: String::new(),
        op_type: op_type.to_owned(),
        attribute,
        domain: domain.to_owned(),
    }
}

pub(crate) fn file(
    node: Vec<NodeProto>,
    initializer: Vec<TensorProto>,
    inputs: &[&str],
    columns: i64,
) -> Vec<u8> {
    let input = inputs.iter().map(|name| value(name, &[-1, columns])).collect();
    let graph =
        GraphProto { node, name: "g".to_owned(), initializer, input, output: vec![value("y", &[-1, 1])] };
    let set = |domain: &str, version| OperatorSetProto { domain: domain.to_owned(), version };
    let opset_import = vec![set("", 17), set("ai.onnx.ml", 3)];
    ModelProto { ir_version: Some(8), graph: Some(graph), opset_import }.encode_to_vec()
}

/// 2 a + 3 b + `more`, after what is missing became 10 if so wanted.
pub(crate) fn linear(more: f32, imputes: bool) -> Vec<u8> {
    let attributes = vec![floats("coefficients", &[2.0, 3.0]), floats("intercepts", &[more])];
    let missing = AttributeProto {
        name: "replaced_value_float".to_owned(),
        f: Some(f32::NAN),
        kind: 1,
        ..AttributeProto::default()
    };
    let imputer =
        node("Imputer", "ai.onnx.ml", &["X"], "I", vec![floats("imputed_value_floats", &[10.0]), missing]);
    let last = |input: &str| node("LinearRegressor", "ai.onnx.ml", &[input], "y", attributes.clone());
    let nodes = if imputes { vec![imputer, last("I")] } else { vec![last("X")] };
    file(nodes, vec![], &["X"], 2)
}

/// p - q, of two inputs, by the engine for networks.
fn difference() -> Vec<u8> {
    file(vec![node("Sub", "", &["p", "q"], "y", vec![])], vec![], &["p", "q"], 1)
}

pub(crate) const COLUMNS: &str =
    r#"[{"type": "double", "name": "a", "required": true}, {"type": "long", "name": "b", "required": true}]"#;

fn mlmodel(inputs: Option<&str>) -> String {
    let signature = inputs.map(|inputs| {
        format!("signature:\n  inputs: '{inputs}'\n  params: '[{{\"name\": \"p\", \"type\": \"double\"}}]'\n")
    });
    format!("flavors:\n  onnx: {{data: model.onnx}}\n{}", signature.unwrap_or_default())
}

/// Logs files as a model and registers them. Gives the folder.
pub(crate) async fn register(client: &Client, name: &str, files: &[(&str, Vec<u8>)]) -> String {
    let made = client.post(&crate::path("registered-models/create"), json!({ "name": name })).await;
    assert!(made.status == 200 || made.text().contains("RESOURCE_ALREADY_EXISTS"), "{}", made.text());
    let found = client.get(&crate::path("experiments/get-by-name?experiment_name=serving")).await;
    let id = match found.status {
        200 => found.json()["experiment"]["experiment_id"].as_str().unwrap().to_owned(),
        _ => experiment(client, "serving").await,
    };
    let run_id = run(client, &id, "one", 1).await;
    let folder = format!("{id}/{run_id}/artifacts/model");
    for (file, bytes) in files {
        put(client, &format!("{folder}/{file}"), bytes.clone()).await;
    }
    let body = json!({ "name": name, "source": format!("mlflow-artifacts:/{folder}"), "run_id": run_id });
    post(client, "model-versions/create", body).await;
    folder
}

async fn put(client: &Client, place: &str, bytes: Vec<u8>) {
    let place = format!("/api/2.0/mlflow-artifacts/artifacts/{place}");
    client.finish(&place, client.request(Method::PUT, &place).body(bytes)).await.expect(200);
}

pub(crate) fn files(inputs: Option<&str>, onnx: Vec<u8>) -> [(&'static str, Vec<u8>); 2] {
    [("MLmodel", mlmodel(inputs).into_bytes()), ("model.onnx", onnx)]
}

fn place(rest: &str) -> String {
    match rest.split_once('?') {
        Some((name, query)) => format!("/api/v1/ml/models/{name}/invocations?{query}"),
        None => format!("/api/v1/ml/models/{rest}/invocations"),
    }
}

pub(crate) async fn ask(client: &Client, rest: &str, body: Value) -> Answer {
    client.post(&place(rest), body).await
}

/// What it says to rows of (1, 2), and which version says so.
pub(crate) async fn said(client: &Client, rest: &str) -> (f64, String) {
    let body = json!({ "dataframe_split": { "columns": ["a", "b"], "data": [[1, 2]] } });
    let answer = ask(client, rest, body).await.expect(200);
    (answer.json()["predictions"][0]["y"].as_f64().unwrap(), answer.header("x-model-version").to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_rows_is_answered_as_mlflow_does() {
    with_admin(async |app, admin| {
        register(admin, "m", &files(Some(COLUMNS), linear(1.0, false))).await;
        // A table whatever form it came in, since the signature has columns.
        let records = json!([{ "y": 9.0 }, { "y": 3.5 }]);
        for body in [
            json!({ "dataframe_split": { "columns": ["b", "more", "a"], "index": [4, 5], "data": [[2, "x", 1], [0, null, 1.25]] } }),
            json!({ "dataframe_records": [{ "a": 1, "b": 2, "c": [] }, { "b": 0.0, "a": 1.25 }] }),
            json!({ "instances": [{ "a": 1, "b": 2 }, { "a": 1.25, "b": 0 }] }),
            json!({ "inputs": { "a": [1, 1.25], "b": [2, 0] } }),
            json!({ "inputs": [{ "a": 1, "b": 2 }, { "a": 1.25, "b": 0 }], "params": { "p": 1, "other": true } }),
            json!({ "instances": [[1, 2], [1.25, 0]] }),
        ] {
            assert_eq!(ask(admin, "m", body.clone()).await.expect(200).json(), json!({ "predictions": records }), "{body}");
        }
        let csv = admin.request(Method::POST, &place("m")).header("content-type", "text/csv; charset=utf-8");
        let csv = admin.finish("csv", csv.body("b,a,c\n2,1,\n0,1.25,x\n")).await.expect(200);
        assert_eq!(csv.json()["predictions"], records);

        // Without a signature the answer has the form of the question.
        register(admin, "bare", &files(None, linear(1.0, false))).await;
        let frame = json!({ "dataframe_split": { "columns": [0, 1], "data": [[1, 2], [1.25, 0]] } });
        assert_eq!(ask(admin, "bare", frame).await.expect(200).json()["predictions"], records);
        let lists = json!({ "y": [[9.0], [3.5]] });
        for body in [json!({ "instances": [[1, 2], [1.25, 0]] }), json!({ "inputs": { "X": [[1, 2], [1.25, 0]] } })] {
            assert_eq!(ask(admin, "bare", body).await.expect(200).json()["predictions"], lists);
        }
        let tensor = r#"[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}}]"#;
        register(admin, "tensor", &files(Some(tensor), linear(1.0, false))).await;
        for body in [
            json!({ "inputs": [[1, 2], [1.25, 0]] }),
            json!({ "dataframe_split": { "columns": ["u", "v"], "data": [[1, 2], [1.25, 0]] } }),
            json!({ "dataframe_records": [{ "u": [1, 2] }, { "u": [1.25, 0] }] }),
        ] {
            assert_eq!(ask(admin, "tensor", body.clone()).await.expect(200).json()["predictions"], lists, "{body}");
        }
        // Several inputs are columns by name.
        let columns = r#"[{"type": "double", "name": "q"}, {"type": "double", "name": "p"}]"#;
        register(admin, "two", &files(Some(columns), difference())).await;
        let body = json!({ "dataframe_records": [{ "p": 3, "q": 1 }, { "p": 1, "q": 3 }] });
        assert_eq!(ask(admin, "two", body).await.expect(200).json()["predictions"], json!([{ "y": 2.0 }, { "y": -2.0 }]));

        let shown = admin.get(&place("m")).await.expect(200).json();
        assert_eq!((&shown["version"], &shown["signature"]), (&json!(1), &json!("columns")));
        assert_eq!(shown["inputs"][1], json!({ "name": "b", "type": "long", "required": true, "shape": null }));
        assert_eq!(shown["outputs"][0], json!({ "name": "y", "type": "float32", "required": true, "shape": [null, 1] }));
        assert_eq!(shown["params"], json!([{ "name": "p", "type": "double" }]));

        let user = app.member("user").await;
        assert_eq!(said(&user, "m").await.0, 9.0);
        let other = app.admin_elsewhere().await;
        ask(&other, "m", json!({ "inputs": [[1, 2]] })).await.expect(404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_that_is_asked_for_answers() {
    with_admin(async |_, admin| {
        for more in [1.0, 2.0, 3.0] {
            register(admin, "m", &files(Some(COLUMNS), linear(more, false))).await;
        }
        let version = |value: f64, version: &str| (value, version.to_owned());
        assert_eq!(said(admin, "m").await, version(11.0, "3"), "the newest, as long as there is no champion");
        post(admin, "registered-models/alias", json!({ "name": "m", "alias": "champion", "version": "1" }))
            .await;
        post(admin, "registered-models/alias", json!({ "name": "m", "alias": "next", "version": "2" })).await;
        let stage =
            json!({ "name": "m", "version": "2", "stage": "Production", "archive_existing_versions": false });
        post(admin, "model-versions/transition-stage", stage).await;
        for (rest, expected) in [
            ("m", version(9.0, "1")),
            ("m?version=3", version(11.0, "3")),
            ("m?alias=next", version(10.0, "2")),
            ("m@next", version(10.0, "2")),
            ("m?stage=production", version(10.0, "2")),
            ("m?stage=None", version(11.0, "3")),
        ] {
            assert_eq!(said(admin, rest).await, expected, "{rest}");
        }
        let rows = || json!({ "inputs": [[1, 2]] });
        for (rest, status) in [
            ("unknown", 404),
            ("m?version=9", 404),
            ("m?alias=nobody", 404),
            ("m@nobody", 404),
            ("m?stage=Staging", 404),
            ("m?stage=Nowhere", 400),
            ("m?version=1&alias=next", 400),
            ("m?version=x", 400),
            ("m?verion=1", 400),
        ] {
            let answer = ask(admin, rest, rows()).await;
            assert!(
                answer.status == status || status == 400 && answer.status == 422,
                "{rest}: {}",
                answer.text()
            );
            assert_eq!(admin.get(&place(rest)).await.status, answer.status, "{rest}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_told_with_its_place() {
    with_admin(async |_, admin| {
        register(admin, "m", &files(Some(COLUMNS), linear(1.0, false))).await;
        let tensor =
            r#"[{"type": "tensor", "name": "X", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]"#;
        register(admin, "t", &files(Some(tensor), linear(1.0, false))).await;
        let split = |data: Value| json!({ "dataframe_split": { "columns": ["a", "b"], "data": data } });
        let at = "/dataframe_split/data";
        for (model, body, pointer, expected) in [
            ("m", json!({}), "", "exactly one of dataframe_split"),
            (
                "m",
                json!({ "dataframe_records": [{ "a": 1, "c": 2 }] }),
                "/dataframe_records",
                r#"missing the columns ["b"]; it was given ["c"]"#,
            ),
            (
                "m",
                split(json!([[1, 2], ["x", 2]])),
                &format!("{at}/1/0"),
                r#"row 1, column "a": "x", where a number is expected (double)"#,
            ),
            (
                "m",
                split(json!([[1, 2.5]])),
                &format!("{at}/0/1"),
                r#"row 0, column "b": 2.5, where a whole number is expected (long)"#,
            ),
            ("m", split(json!([[null, 2]])), &format!("{at}/0/0"), "null, where a number is expected"),
            ("m", split(json!([[true, 2]])), &format!("{at}/0/0"), "true, where a number"),
            ("m", split(json!([[[1, 2], 2]])), &format!("{at}/0/0"), "a list of 2, where a number"),
            ("m", split(json!([[1]])), &format!("{at}/0"), "row 0 has 1 cells, and there are 2 columns"),
            ("m", split(json!([])), at, "no rows"),
            ("m", json!({ "instances": [[1, 2], [1]] }), "/instances/1", "row 1 has 1 values"),
            ("m", json!({ "instances": [[1]] }), "/instances", r#"missing the columns ["b"]"#),
            ("m", json!({ "inputs": { "a": [1, 2], "b": [1] } }), "/inputs/b", "has 1 values"),
            ("m", json!({ "inputs": { "a": [1], "b": ["x"] } }), "/inputs/b/0", r#"row 0, column "b": "x""#),
            ("m", json!({ "inputs": [[1, 2]], "params": { "p": "x" } }), "/params/p", "double"),
            (
                "t",
                json!({ "inputs": { "X": [[1, 2, 3]] } }),
                "/inputs/X",
                "shape [?, 2], and what was sent has [1, 3]",
            ),
            (
                "t",
                json!({ "inputs": { "X": [[1, 2], [1]] } }),
                "/inputs/X/1",
                "a list of 1, where a list of 2",
            ),
            ("t", json!({ "inputs": { "X": [[1, 2], [1, "y"]] } }), "/inputs/X/1/1", "\"y\", where a number"),
            ("t", json!({ "inputs": { "Y": [[1, 2]] } }), "/inputs", "missing the inputs"),
            ("t", json!({ "inputs": [[[[[[[[[[1]]]]]]]]]] }), "/inputs", "8 deep"),
        ] {
            let answer = ask(admin, model, body.clone()).await.expect(400);
            assert_eq!(answer.error(), "ml.invalid-input", "{body}");
            let fault = answer.json()["errors"][0].clone();
            assert_eq!(fault["pointer"], json!(pointer), "{body}: {fault}");
            let detail = fault["detail"].as_str().unwrap();
            assert!(detail.contains(expected), "{body}: {detail}");
        }
        let raw = async |kind: &str, body: &'static str| {
            let request = admin.request(Method::POST, &place("m")).header("content-type", kind).body(body);
            admin.finish(body, request).await
        };
        assert!(
            raw("application/json", r#"{"inputs": [[NaN, 1]]}"#)
                .await
                .expect(400)
                .text()
                .contains("write null")
        );
        raw("text/csv", "a,b\n1\n").await.expect(400);
        raw("text/csv", "a\n1\n").await.expect(400);
        raw("text/plain", "a,b\n1,2\n").await.expect(415);
        // Where the model was made for it, what is missing is taken.
        register(admin, "imputes", &files(Some(COLUMNS), linear(1.0, true))).await;
        let answer = ask(admin, "imputes", split(json!([[null, 2]]))).await.expect(200);
        assert_eq!(answer.json()["predictions"], json!([{ "y": 27.0 }]));
        assert_eq!(admin.get(&place("imputes")).await.expect(200).json()["takes_missing"], json!(true));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_served_is_told() {
    with_admin(async |_, admin| {
        let other = b"flavors: {sklearn: {}, python_function: {}}".to_vec();
        register(admin, "sklearn", &[("MLmodel", other)]).await;
        register(admin, "empty", &[]).await;
        register(admin, "half", &[("MLmodel", mlmodel(None).into_bytes())]).await;
        register(admin, "broken", &files(None, b"what is this?".to_vec())).await;
        register(admin, "climbs", &[("MLmodel", b"flavors: {onnx: {data: ../../x}}".to_vec())]).await;
        let svm = node("SVMRegressor", "ai.onnx.ml", &["X"], "y", vec![]);
        register(admin, "svm", &files(None, file(vec![svm], vec![], &["X"], 2))).await;
        for (name, tags) in
            [("far", json!([])), ("prompt", json!([{ "key": "mlflow.prompt.is_prompt", "value": "true" }]))]
        {
            post(admin, "registered-models/create", json!({ "name": name, "tags": tags })).await;
            post(
                admin,
                "model-versions/create",
                json!({ "name": name, "source": "s3://bucket/m", "tags": tags }),
            )
            .await;
        }
        for (name, expected) in [
            ("sklearn", "of flavor python_function, sklearn, and this server runs ONNX"),
            ("empty", "no file MLmodel"),
            ("half", "no file model.onnx"),
            ("broken", "no ONNX model"),
            ("climbs", "no path below it"),
            ("svm", "SVMRegressor"),
            ("far", "s3://bucket/m, which this server does not keep"),
            ("prompt", "is a prompt"),
        ] {
            let answer = ask(admin, name, json!({ "inputs": [[1, 2]] })).await.expect(409);
            assert_eq!(answer.error(), "ml.not-servable");
            assert!(answer.text().contains(expected), "{}", answer.text());
            admin.get(&place(name)).await.expect(409);
        }
        post(admin, "registered-models/create", json!({ "name": "new" })).await;
        ask(admin, "new", json!({ "inputs": [[1, 2]] })).await.expect(404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_loaded_once_however_many_ask() {
    with_admin(async |_, admin| {
        let folder = register(admin, "m", &files(Some(COLUMNS), linear(1.0, false))).await;
        let asking = (0..20).map(|_| said(admin, "m"));
        assert!(futures::future::join_all(asking).await.iter().all(|(value, _)| *value == 9.0));
        // It is not read again: what lies there now is nothing at all.
        put(admin, &format!("{folder}/model.onnx"), b"gone".to_vec()).await;
        assert_eq!(said(admin, "m").await.0, 9.0);
        // A version that is gone does not answer from memory.
        admin
            .send(
                Method::DELETE,
                &crate::path("model-versions/delete"),
                Some(json!({ "name": "m", "version": "1" })),
            )
            .await
            .expect(200);
        ask(admin, "m?version=1", json!({ "inputs": [[1, 2]] })).await.expect(404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_bodies_and_memory_have_limits() {
    let modules = Modules {
        build: |platform| {
            let config = ml::Config {
                serving_memory_max: "1MB".to_owned(),
                serving_body_bytes_max: 1_024,
                serving_rows_max: 2,
                ..ml::Config::default()
            };
            vec![ml::build_with(platform, config, worker()).expect("sound")]
        },
        ..modules()
    };
    on_each_engine(modules, async |app: &App| {
        let admin = &app.admin().await;
        register(admin, "m", &files(Some(COLUMNS), linear(1.0, false))).await;
        ask(admin, "m", json!({ "inputs": [[1, 2], [3, 4]] })).await.expect(200);
        let answer = ask(admin, "m", json!({ "inputs": [[1, 2], [3, 4], [5, 6]] })).await.expect(413);
        assert_eq!(answer.error(), "ml.too-many-rows");
        ask(admin, "m", json!({ "inputs": [[1, 2]], "params": { "x": "y".repeat(2_000) } }))
            .await
            .expect(413);
        let weights = TensorProto {
            name: "W".to_owned(),
            dims: vec![600_000],
            data_type: 1,
            raw_data: Some(vec![0; 2_400_000].into()),
            ..TensorProto::default()
        };
        let large = file(vec![node("Identity", "", &["X"], "y", vec![])], vec![weights], &["X"], 1);
        register(admin, "large", &files(None, large)).await;
        let answer = ask(admin, "large", json!({ "inputs": [[1]] })).await.expect(409);
        assert!(answer.text().contains("ml.serving_memory_max"), "{}", answer.text());
    })
    .await;
}
