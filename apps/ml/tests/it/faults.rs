use reqwest::Method;
use serde_json::{Value, json};

use crate::{experiment, path, post, refused, run, with_admin};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_as_mlflow_says_it() {
    with_admin(async |_, admin| {
        let id = experiment(admin, "iris").await;
        let run_id = run(admin, &id, "one", 1).await;
        let check = async |rest: &str, body: Value, part: &str| {
            let answer = admin.post(&path(rest), body).await;
            let message = refused(&answer, 400, "INVALID_PARAMETER_VALUE");
            assert!(message.contains(part), "{rest}: {message}");
        };
        check("experiments/create", json!({}), "Missing value for required parameter 'name'. See the API docs").await;
        check("experiments/create", json!({ "name": 1 }), "Invalid value 1 for parameter 'name' supplied.").await;
        check("experiments/create", json!({ "name": "x".repeat(501) }), "maximum length of 500").await;
        check("experiments/create", json!({ "name": "x", "artifact_location": "/tmp/x" }), "artifact location").await;
        check("experiments/create", json!({ "name": "a\u{0}b" }), "NUL").await;
        check("runs/create", json!({ "experiment_id": "x" }), "Experiment ID must be a valid integer").await;
        let names = json!({ "experiment_id": id, "run_name": "a", "tags": [{ "key": "mlflow.runName", "value": "b" }] });
        check("runs/create", names, "different values").await;
        check("runs/update", json!({ "run_id": run_id, "status": "DONE" }), "parameter 'status'").await;
        check("runs/log-metric", json!({ "run_id": run_id, "key": "a", "timestamp": 1 }), "parameter 'value'").await;
        let metric = |key: &str, timestamp: i64| {
            json!({ "run_id": run_id, "key": key, "value": 1, "timestamp": timestamp })
        };
        check("runs/log-metric", metric("a", -1), "nonnegative long").await;
        check("runs/log-metric", metric("a/../b", 1), "would resolve to 'b'").await;
        check("runs/log-metric", metric("a'b", 1), "Names may only contain").await;
        check("runs/log-metric", metric(&"k".repeat(251), 1), "maximum length of 250").await;
        let metrics = |count: usize| -> Vec<Value> {
            (0..count).map(|at| json!({ "key": format!("m{at}"), "value": 1, "timestamp": 1 })).collect()
        };
        let pairs = |count: usize| -> Vec<Value> {
            (0..count).map(|at| json!({ "key": format!("p{at}"), "value": "v" })).collect()
        };
        let batch = |metrics: Vec<Value>, params: Vec<Value>, tags: Vec<Value>| {
            json!({ "run_id": run_id, "metrics": metrics, "params": params, "tags": tags })
        };
        check("runs/log-batch", batch(metrics(1_001), vec![], vec![]), "at most 1000 metrics. Got 1001").await;
        check("runs/log-batch", batch(vec![], pairs(101), vec![]), "at most 100 params. Got 101").await;
        check("runs/log-batch", batch(vec![], vec![], pairs(101)), "at most 100 tags. Got 101").await;
        check("runs/log-batch", batch(metrics(901), pairs(100), vec![]), "metrics, params, and tags. Got 1001").await;
        let twice = [pairs(1), pairs(1)].concat();
        check("runs/log-batch", batch(vec![], twice, vec![]), "Duplicate parameter keys").await;
        let keyless = vec![json!({ "value": 1, "timestamp": 1 })];
        check("runs/log-batch", batch(keyless, vec![], vec![]), "'metrics[0].key'").await;
        // MLflow's documents know a limit of 1 MB, its server does not.
        let wide = vec![json!({ "key": "wide", "value": "x".repeat(1_000_000) })];
        post(admin, "runs/log-batch", batch(vec![], wide, vec![])).await;
        post(admin, "runs/log-batch", batch(metrics(900), pairs(100), vec![])).await;
        let long = vec![json!({ "key": "long", "value": "é".repeat(7_000) })];
        post(admin, "runs/log-batch", batch(vec![], long, vec![])).await;
        let found = admin.get(&path(&format!("runs/get?run_id={run_id}"))).await.expect(200).json();
        let params = found["run"]["data"]["params"].as_array().unwrap();
        let long = params.iter().find(|param| param["key"] == "long").unwrap();
        assert_eq!(long["value"].as_str().unwrap().chars().count(), 6_000, "cut, as MLflow cuts it");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_calls_are_told_in_mlflows_form() {
    with_admin(async |_, admin| {
        let raw = async |kind: &str, body: &str| {
            let place = path("experiments/create");
            let request =
                admin.request(Method::POST, &place).header("content-type", kind).body(body.to_owned());
            admin.finish(&place, request).await
        };
        for body in ["not json", "[1]", "", "{\"name\":", "null", "\"x\""] {
            let message = refused(&raw("application/json", body).await, 400, "INVALID_PARAMETER_VALUE");
            assert!(message.starts_with("Missing value for required parameter 'name'."), "{body}: {message}");
        }
        let message = refused(&raw("text/plain", "{\"name\":\"x\"}").await, 400, "INVALID_PARAMETER_VALUE");
        assert!(message.contains("Content-Type must be one of ['application/json']"), "{message}");
        raw("application/json; charset=utf-8", "{\"name\":\"x\",\"unknown\":1}").await.expect(200);
        for place in [
            path("nothing/here"),
            path("scorers/list"),
            "/api/3.0/mlflow/gateway/endpoints".to_owned(),
            "/ajax-api/2.0/mlflow/x".to_owned(),
            "/t/default/api/2.0/mlflow/x".to_owned(),
        ] {
            refused(&admin.post(&place, json!({})).await, 404, "ENDPOINT_NOT_FOUND");
        }
        refused(&admin.get(&path("runs/create")).await, 405, "BAD_REQUEST");
        assert_eq!(admin.get("/version").await.expect(200).text(), ml::MLFLOW_VERSION);
        let info = admin.get("/api/3.0/mlflow/server-info").await.expect(200).json();
        assert_eq!(info["store_type"], "SqlStore");
    })
    .await;
}
