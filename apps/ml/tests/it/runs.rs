use serde_json::json;

use crate::{experiment, get, log, path, post, refused, run, text, with_admin};

#[tokio::test(flavor = "multi_thread")]
async fn experiments_come_change_and_go() {
    with_admin(async |_, admin| {
        let default = get(admin, "experiments/get?experiment_id=0").await["experiment"].clone();
        assert_eq!((&default["name"], &default["lifecycle_stage"]), (&json!("Default"), &json!("active")));
        let body = json!({ "name": "iris", "tags": [{ "key": "team", "value": "a" }] });
        let id = text(&post(admin, "experiments/create", body.clone()).await["experiment_id"]);
        let again = admin.post(&path("experiments/create"), body).await;
        refused(&again, 400, "RESOURCE_ALREADY_EXISTS");
        let made = get(admin, "experiments/get-by-name?experiment_name=iris").await["experiment"].clone();
        assert_eq!(made["experiment_id"], json!(id));
        assert_eq!(made["artifact_location"], json!(format!("mlflow-artifacts:/{id}")));
        assert_eq!(made["tags"], json!([{ "key": "team", "value": "a" }]));
        let missing = admin.get(&path("experiments/get-by-name?experiment_name=none")).await;
        assert!(refused(&missing, 404, "RESOURCE_DOES_NOT_EXIST").contains("'none'"));

        post(admin, "experiments/update", json!({ "experiment_id": id, "new_name": "flowers" })).await;
        let tag = json!({ "experiment_id": id, "key": "team", "value": "b" });
        post(admin, "experiments/set-experiment-tag", tag).await;
        let one = run(admin, &id, "first", 1).await;
        post(admin, "experiments/delete", json!({ "experiment_id": id })).await;
        let gone = get(admin, &format!("experiments/get?experiment_id={id}")).await["experiment"].clone();
        assert_eq!((&gone["name"], &gone["lifecycle_stage"]), (&json!("flowers"), &json!("deleted")));
        let info = get(admin, &format!("runs/get?run_id={one}")).await["run"]["info"].clone();
        assert_eq!(info["lifecycle_stage"], "deleted", "its runs go with it");
        let late = admin.post(&path("runs/create"), json!({ "experiment_id": id })).await;
        assert!(refused(&late, 400, "INVALID_PARAMETER_VALUE").contains("'active' state"));
        let names = async |view: i64| {
            let found =
                post(admin, "experiments/search", json!({ "max_results": 10, "view_type": view })).await;
            let list = found["experiments"].as_array().cloned().unwrap_or_default();
            list.iter().map(|experiment| text(&experiment["name"])).collect::<Vec<_>>()
        };
        assert_eq!(
            (names(1).await, names(2).await),
            (vec!["Default".to_owned()], vec!["flowers".to_owned()])
        );
        assert_eq!(names(3).await.len(), 2);
        post(admin, "experiments/restore", json!({ "experiment_id": id })).await;
        let info = get(admin, &format!("runs/get?run_id={one}")).await["run"]["info"].clone();
        assert_eq!(info["lifecycle_stage"], "active");
        let twice = admin.post(&path("experiments/restore"), json!({ "experiment_id": id })).await;
        refused(&twice, 404, "RESOURCE_DOES_NOT_EXIST");
        post(admin, "experiments/delete-experiment-tag", json!({ "experiment_id": id, "key": "team" })).await;
        let twice = admin
            .post(&path("experiments/delete-experiment-tag"), json!({ "experiment_id": id, "key": "team" }))
            .await;
        refused(&twice, 404, "RESOURCE_DOES_NOT_EXIST");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_lives() {
    with_admin(async |_, admin| {
        let id = experiment(admin, "iris").await;
        let body = json!({
            "experiment_id": id, "start_time": 5, "user_id": "ada",
            "tags": [{ "key": "mlflow.parentRunId", "value": "p" }],
        });
        let made = post(admin, "runs/create", body).await["run"].clone();
        let run_id = text(&made["info"]["run_id"]);
        let name = text(&made["info"]["run_name"]);
        assert_eq!(made["info"]["run_uuid"], made["info"]["run_id"]);
        assert_eq!((&made["info"]["status"], &made["inputs"]), (&json!("RUNNING"), &json!({})));
        assert_eq!(made["info"]["artifact_uri"], json!(format!("mlflow-artifacts:/{id}/{run_id}/artifacts")));
        assert!(made["info"].get("end_time").is_none());
        let tags = made["data"]["tags"].as_array().unwrap();
        assert!(tags.contains(&json!({ "key": "mlflow.runName", "value": name })), "{tags:?}");

        post(admin, "runs/log-parameter", json!({ "run_id": run_id, "key": "lr", "value": "0.1" })).await;
        post(admin, "runs/log-parameter", json!({ "run_uuid": run_id, "key": "lr", "value": "0.1" })).await;
        let other = json!({ "run_id": run_id, "key": "lr", "value": "0.2" });
        let message =
            refused(&admin.post(&path("runs/log-parameter"), other).await, 400, "INVALID_PARAMETER_VALUE");
        let expected =
            format!("Param with key='lr' was already logged with value='0.1' for run ID='{run_id}'");
        assert!(message.contains(&expected), "{message}");
        post(admin, "runs/set-tag", json!({ "run_id": run_id, "key": "a", "value": "1" })).await;
        post(admin, "runs/set-tag", json!({ "run_id": run_id, "key": "a", "value": "2" })).await;
        post(admin, "runs/set-tag", json!({ "run_id": run_id, "key": "mlflow.runName", "value": "named" }))
            .await;
        let update = json!({ "run_id": run_id, "status": "FINISHED", "end_time": "99" });
        let info = post(admin, "runs/update", update).await["run_info"].clone();
        assert_eq!((&info["end_time"], &info["run_name"]), (&json!(99), &json!("named")));
        let found = get(admin, &format!("runs/get?run_id={run_id}")).await["run"].clone();
        assert_eq!(found["data"]["params"], json!([{ "key": "lr", "value": "0.1" }]));
        let tags = found["data"]["tags"].as_array().unwrap();
        assert!(tags.contains(&json!({ "key": "a", "value": "2" })), "{tags:?}");
        post(admin, "runs/delete-tag", json!({ "run_id": run_id, "key": "a" })).await;
        let twice = admin.post(&path("runs/delete-tag"), json!({ "run_id": run_id, "key": "a" })).await;
        refused(&twice, 404, "RESOURCE_DOES_NOT_EXIST");

        post(admin, "runs/delete", json!({ "run_id": run_id })).await;
        let late =
            admin.post(&path("runs/set-tag"), json!({ "run_id": run_id, "key": "b", "value": "" })).await;
        assert!(refused(&late, 400, "INVALID_PARAMETER_VALUE").contains("Current state is deleted"));
        post(admin, "runs/restore", json!({ "run_id": run_id })).await;
        post(admin, "runs/set-tag", json!({ "run_id": run_id, "key": "b", "value": "" })).await;
        let unknown = admin.get(&path("runs/get?run_id=none")).await;
        assert_eq!(refused(&unknown, 404, "RESOURCE_DOES_NOT_EXIST"), "Run with id=none not found");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_and_outputs_stay_with_their_run() {
    with_admin(async |_, admin| {
        let id = experiment(admin, "iris").await;
        let (one, other) = (run(admin, &id, "one", 1).await, run(admin, &id, "other", 2).await);
        let dataset = json!({ "name": "iris", "digest": "d1", "source_type": "http", "source": "{}", "schema": "s" });
        let tags = json!([{ "key": "mlflow.data.context", "value": "training" }]);
        let body = json!({
            "run_id": one, "datasets": [{ "dataset": dataset, "tags": tags }], "models": [{ "model_id": "m-1" }],
        });
        post(admin, "runs/log-inputs", body.clone()).await;
        post(admin, "runs/log-inputs", body).await;
        post(admin, "runs/log-inputs", json!({ "run_id": other, "datasets": [{ "dataset": dataset }] })).await;
        post(admin, "runs/outputs", json!({ "run_id": one, "models": [{ "model_id": "m-2", "step": "4" }] })).await;
        let found = get(admin, &format!("runs/get?run_id={one}")).await["run"].clone();
        assert_eq!(
            found["inputs"],
            json!({ "dataset_inputs": [{ "tags": tags, "dataset": dataset }], "model_inputs": [{ "model_id": "m-1" }] })
        );
        assert_eq!(found["outputs"], json!({ "model_outputs": [{ "model_id": "m-2", "step": 4 }] }));
        let summaries = post(admin, "experiments/search-datasets", json!({ "experiment_ids": [id] })).await;
        assert_eq!(summaries["dataset_summaries"].as_array().unwrap().len(), 2, "{summaries}");
        let empty = json!([{ "dataset": { "name": "", "digest": "d" }, "tags": [{ "value": "v" }] }, { "tags": [] }]);
        post(admin, "runs/log-inputs", json!({ "run_id": other, "datasets": empty })).await;
        let found = get(admin, &format!("runs/get?run_id={other}")).await["run"]["inputs"]["dataset_inputs"].clone();
        let shown = |name: &str, digest: &str| json!({ "name": name, "digest": digest, "source_type": "", "source": "" });
        let found = found.as_array().unwrap();
        assert!(found.contains(&json!({ "dataset": shown("", "") })), "{found:?}");
        let tagged = json!({ "dataset": shown("", "d"), "tags": [{ "key": "", "value": "v" }] });
        assert!(found.contains(&tagged), "{found:?}");
        let bad = json!({ "run_id": one, "datasets": [{ "dataset": { "name": "x".repeat(501), "digest": "d" } }] });
        refused(&admin.post(&path("runs/log-inputs"), bad).await, 400, "INVALID_PARAMETER_VALUE");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_all_or_nothing() {
    with_admin(async |_, admin| {
        let id = experiment(admin, "iris").await;
        let run_id = run(admin, &id, "one", 1).await;
        log(admin, &run_id, json!({ "params": [{ "key": "p", "value": "1" }] })).await;
        let metric = json!([{ "key": "loss", "value": 1.5, "timestamp": 1 }]);
        let body = json!({
            "run_id": run_id, "metrics": metric, "tags": [{ "key": "t", "value": "x" }],
            "params": [{ "key": "q", "value": "1" }, { "key": "p", "value": "2" }],
        });
        let message =
            refused(&admin.post(&path("runs/log-batch"), body).await, 400, "INVALID_PARAMETER_VALUE");
        assert!(message.contains("{'key': 'p', 'old_value': '1', 'new_value': '2'}"), "{message}");
        let data = get(admin, &format!("runs/get?run_id={run_id}")).await["run"]["data"].clone();
        assert!(data.get("metrics").is_none(), "{data}");
        assert_eq!(data["params"].as_array().unwrap().len(), 1);
        assert!(!data.to_string().contains("\"t\""));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_of_one_run_lose_nothing() {
    with_admin(async |_, admin| {
        let id = experiment(admin, "iris").await;
        let run_id = run(admin, &id, "one", 1).await;
        let writers = (0..200).map(|writer| {
            let (admin, run_id) = (admin.clone(), run_id.clone());
            async move {
                for step in 0..5 {
                    let metrics: Vec<_> = ["loss", "acc"]
                        .iter()
                        .map(|key| json!({ "key": key, "value": writer, "timestamp": step, "step": writer * 5 + step }))
                        .collect();
                    log(&admin, &run_id, json!({ "metrics": metrics })).await;
                }
                let params = json!([{ "key": format!("p{writer}"), "value": "v" }]);
                log(&admin, &run_id, json!({ "params": params })).await;
                let one = json!({ "run_id": run_id, "key": "own", "value": writer, "timestamp": writer, "step": 7 });
                post(&admin, "runs/log-metric", one).await;
            }
        });
        futures::future::join_all(writers).await;
        let found = get(admin, &format!("runs/get?run_id={run_id}")).await["run"]["data"].clone();
        assert_eq!(found["params"].as_array().unwrap().len(), 200);
        assert_eq!((&found["metrics"][1]["key"], &found["metrics"][1]["step"]), (&json!("loss"), &json!(999)));
        // The greatest time counts at the same step, whoever came last.
        assert_eq!((&found["metrics"][2]["key"], &found["metrics"][2]["value"]), (&json!("own"), &json!(199.0)));
        let points = get(admin, &format!("metrics/get-history?run_id={run_id}&metric_key=loss")).await;
        let steps: Vec<_> =
            points["metrics"].as_array().unwrap().iter().map(|point| point["step"].as_i64().unwrap()).collect();
        assert_eq!(steps.len(), 1_000, "nothing is lost, and nothing is there twice");
        // A history goes by time, then by step.
        let expected: Vec<_> = (0..5).flat_map(|time| (0..200).map(move |writer| writer * 5 + time)).collect();
        assert_eq!(steps, expected);
        let own = get(admin, &format!("metrics/get-history?run_id={run_id}&metric_key=own")).await;
        assert_eq!(own["metrics"].as_array().unwrap().len(), 200);
    })
    .await;
}
