use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use testkit::{App, Client};

use crate::{experiment, get, log, path, post, refused, run, text, with_admin};

const FILES: &str = "/api/2.0/mlflow-artifacts/artifacts";

async fn put(client: &Client, place: &str) {
    let place = format!("{FILES}/{place}");
    let request = client.request(Method::PUT, &place).body("content");
    client.finish(&place, request).await.expect(200);
}

/// Runs the job by hand; what it did.
async fn purge(app: &App) -> serde_json::Value {
    let admin = app.admin().await;
    let task = admin.post("/api/v1/schedules/ml.purge/run", json!({})).await.expect(202).json();
    let task = format!("/api/v1/tasks/{}", text(&task["task_id"]));
    testkit::eventually("the purge is over", async || {
        let task = admin.get(&task).await.expect(200).json();
        (task["state"] == "succeeded").then(|| task["result"].clone())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_long_ago_goes_for_good_with_its_files() {
    with_admin(async |app, admin| {
        let (kept, gone) = (experiment(admin, "kept").await, experiment(admin, "gone").await);
        let (stays, goes) = (run(admin, &kept, "stays", 1).await, run(admin, &kept, "goes", 2).await);
        let inside = run(admin, &gone, "inside", 3).await;
        for (number, run_id) in [(&kept, &stays), (&kept, &goes), (&gone, &inside)] {
            put(admin, &format!("{number}/{run_id}/artifacts/model/file")).await;
            log(admin, run_id, json!({ "metrics": [{ "key": "m", "value": 1, "timestamp": 1 }], "params": [{ "key": "p", "value": "v" }] })).await;
        }
        let model = post(admin, "logged-models", json!({ "experiment_id": kept })).await;
        let model_id = text(&model["model"]["info"]["model_id"]);
        put(admin, &format!("{kept}/models/{model_id}/artifacts/MLmodel")).await;
        admin.delete(&path(&format!("logged-models/{model_id}"))).await.expect(200);
        post(admin, "runs/delete", json!({ "run_id": goes })).await;
        post(admin, "experiments/delete", json!({ "experiment_id": gone })).await;
        let nothing = json!({ "runs": 0, "logged_models": 0, "experiments": 0, "files": 0 });
        assert_eq!(purge(app).await, nothing, "nothing is old enough");
        post(admin, "runs/restore", json!({ "run_id": goes })).await;
        post(admin, "runs/delete", json!({ "run_id": goes })).await;

        // Its night passes too: the schedule may come first.
        app.clock.advance(Duration::from_secs(31 * 86_400));
        purge(app).await;
        let admin = &app.admin().await;
        assert_eq!(purge(app).await, nothing);
        for run_id in [&goes, &inside] {
            refused(&admin.get(&path(&format!("runs/get?run_id={run_id}"))).await, 404, "RESOURCE_DOES_NOT_EXIST");
        }
        refused(&admin.get(&path(&format!("experiments/get?experiment_id={gone}"))).await, 404, "RESOURCE_DOES_NOT_EXIST");
        refused(&admin.get(&path(&format!("logged-models/{model_id}?allow_deleted=true"))).await, 404, "RESOURCE_DOES_NOT_EXIST");
        for place in [format!("{kept}/{goes}/artifacts/model/file"), format!("{gone}/{inside}/artifacts/model/file"),
            format!("{kept}/models/{model_id}/artifacts/MLmodel")] {
            refused(&admin.get(&format!("{FILES}/{place}")).await, 404, "RESOURCE_DOES_NOT_EXIST");
        }
        admin.get(&format!("{FILES}/{kept}/{stays}/artifacts/model/file")).await.expect(200);
        assert_eq!(get(admin, &format!("runs/get?run_id={stays}")).await["run"]["data"]["params"][0]["key"], "p");
        // The name is free again, and the number is another.
        assert_ne!(experiment(admin, "gone").await, gone);
        let written = admin.get("/api/v1/audit?action=ml.purged").await.expect(200).json();
        assert_eq!(written["items"].as_array().unwrap().len(), 3, "{written}");
    })
    .await;
}
