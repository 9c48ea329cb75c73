//! What belongs to traces beside their spans: runs, tags of the program, files.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    experiment, path, refused, run,
    traces::{found, id, send, span, tell, v3},
    with_admin,
};

#[tokio::test(flavor = "multi_thread")]
async fn links_to_runs_wait_for_traces_that_are_on_their_way() {
    with_admin(async |app, admin| {
        let number = experiment(admin, "traced").await;
        let (one, two) = (run(admin, &number, "one", 1).await, run(admin, &number, "two", 2).await);
        let link = async |traces: Value, run_id: &str| {
            let body = json!({ "trace_ids": traces, "run_id": run_id });
            admin.post(&path("traces/link-to-run"), body).await.expect(200);
        };
        let of = async |run_id: &str| {
            found(admin, &number, json!({ "filter": format!("run_id = '{run_id}'") })).await
        };
        link(json!([id(1), id(2), id(2), id(9)]), &one).await;
        link(json!([id(1)]), &two).await;
        assert_eq!(of(&one).await, "");
        // Another workspace's trace of that id is another trace.
        let other = app.admin_elsewhere().await;
        tell(&other, "0", 2, json!({})).await;
        tell(admin, &number, 1, json!({})).await;
        assert_eq!((&*of(&one).await, &*of(&two).await), ("1", "1"));
        send(admin, &number, &[span(2, 1, None, "x", json!({})), span(3, 1, None, "x", json!({}))])
            .await
            .expect(200);
        assert_eq!(
            found(
                admin,
                &number,
                json!({ "filter": format!("run_id = '{one}'"), "order_by": ["request_id"] })
            )
            .await,
            "12"
        );
        tell(admin, &number, 2, json!({})).await;
        assert_eq!((&*of(&two).await, of(&one).await.len()), ("1", 2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_says_of_itself_is_a_tag() {
    with_admin(async |_, admin| {
        let number = experiment(admin, "traced").await;
        let root = span(
            1,
            1,
            None,
            "x",
            json!({ "attributes": [
            { "key": "mlflow.traceTag.team", "value": { "stringValue": "blue" } },
            { "key": "session.id", "value": { "stringValue": "s-1" } },
            { "key": "user.id", "value": { "stringValue": "ada" } },
        ] }),
        );
        let resource = json!({ "attributes": [
            { "key": "service.name", "value": { "stringValue": "shop" } },
            { "key": "count", "value": { "intValue": "3" } },
            { "key": "telemetry.sdk.name", "value": { "stringValue": "x" } },
        ] });
        let body =
            json!({ "resourceSpans": [{ "resource": resource, "scopeSpans": [{ "spans": [root] }] }] });
        let request = admin
            .request(Method::POST, "/v1/traces")
            .header("x-mlflow-experiment-id", &number)
            // Spans that name a run which is not there are kept all the same.
            .header("x-mlflow-run-id", "none")
            .json(&body);
        admin.finish("/v1/traces", request).await.expect(200);
        let info =
            admin.get(&v3(&format!("traces/{}", id(1)))).await.expect(200).json()["trace"]["trace_info"]
                .clone();
        let tags = &info["tags"];
        assert_eq!(
            (&tags["service.name"], &tags["count"], &tags["team"]),
            (&json!("shop"), &json!("3"), &json!("blue"))
        );
        assert!(tags.get("telemetry.sdk.name").is_none());
        let metadata = &info["trace_metadata"];
        assert_eq!(
            (&metadata["mlflow.trace.session"], &metadata["mlflow.trace.user"]),
            (&json!("s-1"), &json!("ada"))
        );
        let elsewhere = json!({ "filter": "tags.`service.name` = 'shop'" });
        assert_eq!(found(admin, &number, elsewhere).await, "1");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_has_files() {
    with_admin(async |app, admin| {
        let number = experiment(admin, "traced").await;
        let attributes = json!([{ "key": "fruit", "value": { "stringValue": "apple" } }]);
        send(admin, &number, &[span(1, 1, None, "ask", json!({ "attributes": attributes }))])
            .await
            .expect(200);
        let place =
            |more: &str| format!("/ajax-api/3.0/mlflow/get-trace-artifact?request_id={}{more}", id(1));
        let file = admin.get(&place("")).await.expect(200);
        assert_eq!(file.header("content-disposition"), "attachment; filename=traces.json");
        let file = file.json();
        assert_eq!(
            (&file["spans"][0]["name"], &file["spans"][0]["attributes"]["fruit"]),
            (&json!("ask"), &json!("\"apple\""))
        );
        refused(&admin.get(&place("&path=a.png")).await, 404, "RESOURCE_DOES_NOT_EXIST");
        refused(&admin.get(&place("&path=../a.png")).await, 400, "INVALID_PARAMETER_VALUE");
        let root = format!("/api/2.0/mlflow-artifacts/artifacts/{number}/traces/{}/artifacts", id(1));
        let upload = format!("{root}/attachments/a.png");
        admin.finish(&upload, admin.request(Method::PUT, &upload).body("picture")).await.expect(200);
        assert_eq!(admin.get(&place("&path=a.png")).await.expect(200).text(), "picture");
        refused(&admin.get("/ajax-api/2.0/mlflow/get-trace-artifact").await, 400, "INVALID_PARAMETER_VALUE");
        refused(&app.admin_elsewhere().await.get(&place("")).await, 404, "RESOURCE_DOES_NOT_EXIST");
        // Told, and without spans: its file is where the client put it.
        tell(admin, &number, 2, json!({})).await;
        let told = format!("/ajax-api/2.0/mlflow/get-trace-artifact?request_id={}", id(2));
        refused(&admin.get(&told).await, 404, "RESOURCE_DOES_NOT_EXIST");
        let upload =
            format!("/api/2.0/mlflow-artifacts/artifacts/{number}/traces/{}/artifacts/traces.json", id(2));
        admin.finish(&upload, admin.request(Method::PUT, &upload).body("{}")).await.expect(200);
        assert_eq!(admin.get(&told).await.expect(200).text(), "{}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_have_files_for_the_browser() {
    with_admin(async |app, admin| {
        let run_id = run(admin, "0", "r", 1).await;
        let upload = format!("/api/2.0/mlflow-artifacts/artifacts/0/{run_id}/artifacts/model/MLmodel");
        admin.finish(&upload, admin.request(Method::PUT, &upload).body("flavors")).await.expect(200);
        admin.post(&path("registered-models/create"), json!({ "name": "m" })).await.expect(200);
        let version = json!({ "name": "m", "source": format!("runs:/{run_id}/model"), "run_id": run_id });
        admin.post(&path("model-versions/create"), version).await.expect(200);
        let place = |file: &str| format!("/model-versions/get-artifact?name=m&version=1&path={file}");
        let file = admin.get(&place("MLmodel")).await.expect(200);
        assert_eq!((&*file.text(), file.header("content-type")), ("flavors", "text/plain"));
        refused(&admin.get(&place("../MLmodel")).await, 400, "INVALID_PARAMETER_VALUE");
        refused(&admin.get(&place("none")).await, 404, "RESOURCE_DOES_NOT_EXIST");
        refused(&admin.get(&place("")).await, 400, "INVALID_PARAMETER_VALUE");
        refused(&app.admin_elsewhere().await.get(&place("MLmodel")).await, 404, "RESOURCE_DOES_NOT_EXIST");

        let made = admin
            .post(&path("logged-models"), json!({ "experiment_id": "0", "name": "l" }))
            .await
            .expect(200)
            .json();
        let model = made["model"]["info"]["model_id"].as_str().unwrap().to_owned();
        let root = made["model"]["info"]["artifact_uri"]
            .as_str()
            .unwrap()
            .strip_prefix("mlflow-artifacts:/")
            .unwrap()
            .to_owned();
        let upload = format!("/api/2.0/mlflow-artifacts/artifacts/{root}/MLmodel");
        admin.finish(&upload, admin.request(Method::PUT, &upload).body("logged")).await.expect(200);
        let place =
            |query: &str| format!("/ajax-api/2.0/mlflow/logged-models/{model}/artifacts/files{query}");
        assert_eq!(admin.get(&place("?artifact_file_path=MLmodel")).await.expect(200).text(), "logged");
        refused(&admin.get(&place("?artifact_file_path=../x")).await, 400, "INVALID_PARAMETER_VALUE");
        refused(&admin.get(&place("")).await, 400, "INVALID_PARAMETER_VALUE");
    })
    .await;
}
