//! The tracking server as a process: what it said is kept, whatever happens to it.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Client, eventually};

use crate::harness::{Server, run};

fn path(rest: &str) -> String {
    format!("/api/2.0/mlflow/{rest}")
}

async fn begin(client: &Client) -> String {
    let made =
        client.post(&path("runs/create"), json!({ "experiment_id": "0", "start_time": 1 })).await.expect(200);
    made.json()["run"]["info"]["run_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn points_that_were_acknowledged_outlive_kill_9() {
    const WRITERS: usize = 8;
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let run_id = begin(&admin).await;
    // Each writes one batch after the other until the server is gone, and counts what was acknowledged.
    let counts: [AtomicUsize; WRITERS] = Default::default();
    let write = async |writer: usize| {
        for step in 0.. {
            let metrics: Vec<_> = (0..50)
                .map(|at| json!({ "key": format!("w{writer}"), "value": at, "timestamp": at, "step": step }))
                .collect();
            let body = json!({ "run_id": run_id, "metrics": metrics });
            match admin.request(Method::POST, &path("runs/log-batch")).json(&body).send().await {
                Ok(answer) if answer.status() == 200 => counts[writer].store(step + 1, Ordering::SeqCst),
                _ => return,
            }
        }
    };
    let kill = async {
        eventually("every writer got on", async || {
            counts.iter().all(|count| count.load(Ordering::SeqCst) >= 3).then_some(())
        })
        .await;
        server.kill()
    };
    let (folder, _) = futures::future::join(kill, join_all((0..WRITERS).map(write))).await;
    let mut server = Server::start_in(folder, &[]).await;
    let admin = server.admin().await;
    for (writer, count) in counts.iter().enumerate() {
        let place = path(&format!("metrics/get-history?run_id={run_id}&metric_key=w{writer}"));
        let history = admin.get(&place).await.expect(200).json();
        let points = history["metrics"].as_array().unwrap();
        let acknowledged = count.load(Ordering::SeqCst) * 50;
        // One more may have been written and not told; never a part of one.
        assert!(
            [acknowledged, acknowledged + 50].contains(&points.len()),
            "{} of {acknowledged}",
            points.len()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_half_artifact_is_there_after_kill_9() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let run_id = begin(&admin).await;
    let place = |name: &str| format!("/api/2.0/mlflow-artifacts/artifacts/0/{run_id}/artifacts/{name}");
    let put = |name: &str, body: reqwest::Body| admin.request(Method::PUT, &place(name)).body(body).send();
    assert_eq!(put("whole.bin", vec![7_u8; 3_000_000].into()).await.unwrap().status(), 200);
    // An upload that never ends by itself.
    let sent = std::sync::Arc::new(AtomicUsize::new(0));
    let counted = sent.clone();
    let endless = futures::stream::unfold(counted, |counted| async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        counted.fetch_add(1, Ordering::SeqCst);
        Some((Ok::<_, std::io::Error>(&[1_u8; 65_536][..]), counted))
    });
    let kill = async {
        // More than one part of those in which files are written.
        eventually("much of it has arrived", async || (sent.load(Ordering::SeqCst) > 200).then_some(()))
            .await;
        server.kill()
    };
    let upload = put("half.bin", reqwest::Body::wrap_stream(endless));
    let (folder, upload) = futures::future::join(kill, upload).await;
    assert!(upload.is_err(), "nobody said that it was there");
    let mut server = Server::start_in(folder, &[]).await;
    let admin = server.admin().await;
    let listed = admin.get(&path(&format!("artifacts/list?run_id={run_id}"))).await.expect(200).json();
    assert_eq!(listed["files"], json!([{ "path": "whole.bin", "is_dir": false, "file_size": 3_000_000 }]));
    let half = format!("/api/2.0/mlflow-artifacts/artifacts/0/{run_id}/artifacts/half.bin");
    admin.get(&half).await.expect(404);
    let whole = admin.get(&half.replace("half", "whole")).await.expect(200);
    assert!(whole.body == vec![7_u8; 3_000_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_goes_by_the_command_line() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let (kept, gone) = (begin(&admin).await, begin(&admin).await);
    admin.post(&path("runs/delete"), json!({ "run_id": gone })).await.expect(200);
    let gc = |more: &[&str]| {
        let output = run(server.folder.socle().args(["ml", "gc"]).args(more));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(gc(&[]), "0 runs, 0 logged models, 0 experiments, 0 files\n");
    assert_eq!(gc(&["--older-than-days", "0"]), "1 runs, 0 logged models, 0 experiments, 0 files\n");
    admin.get(&path(&format!("runs/get?run_id={kept}"))).await.expect(200);
    let answer: Value = admin.get(&path(&format!("runs/get?run_id={gone}"))).await.expect(404).json();
    assert_eq!(answer["error_code"], "RESOURCE_DOES_NOT_EXIST");
}

/// Everything that is imported, made on a server that stands in for a genuine one (`scripts/mlflow.sh` imports from that).
async fn fill(client: &Client) -> String {
    let made = client
        .post(
            &path("experiments/create"),
            json!({ "name": "trained", "tags": [{ "key": "a", "value": "b" }] }),
        )
        .await;
    let number = made.expect(200).json()["experiment_id"].as_str().unwrap().to_owned();
    let mut last = String::new();
    for at in 0..3 {
        let body = json!({ "experiment_id": number, "start_time": at, "run_name": format!("run {at}"), "user_id": "ada" });
        let made = client.post(&path("runs/create"), body).await.expect(200).json();
        last = made["run"]["info"]["run_id"].as_str().unwrap().to_owned();
        let metrics: Vec<_> = (0..100)
            .map(|step| json!({ "key": "loss", "value": if step == 7 { json!("NaN") } else { json!(step) }, "timestamp": step, "step": step }))
            .collect();
        let batch = json!({ "run_id": last, "metrics": metrics, "params": [{ "key": "p", "value": "v" }], "tags": [{ "key": "t", "value": "w" }] });
        client.post(&path("runs/log-batch"), batch).await.expect(200);
    }
    for trace in 1..=3_u8 {
        let span = |number: u8, parent: Option<u8>| {
            json!({
                "traceId": format!("{trace:032x}"), "spanId": format!("{number:016x}"),
                "parentSpanId": parent.map_or(String::new(), |parent| format!("{parent:016x}")),
                "name": format!("step {number}"), "startTimeUnixNano": "1767225600000000000",
                "endTimeUnixNano": format!("17672256{number:02}000000000"), "status": { "code": 1 },
                "attributes": [
                    { "key": "mlflow.spanType", "value": { "stringValue": "\"TOOL\"" } },
                    { "key": "tries", "value": { "intValue": "3" } },
                ],
            })
        };
        let body =
            json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span(1, None), span(2, Some(1))] }] }] });
        let request =
            client.request(Method::POST, "/v1/traces").header("x-mlflow-experiment-id", &number).json(&body);
        client.finish("/v1/traces", request).await.expect(200);
    }
    let traced = format!("/api/3.0/mlflow/traces/tr-{:032x}", 1);
    client
        .send(Method::PATCH, &format!("{traced}/tags"), Some(json!({ "key": "team", "value": "red" })))
        .await
        .expect(200);
    for assessment in [
        json!({ "assessment_name": "good", "feedback": { "value": 0.5 } }),
        json!({ "assessment_name": "answer", "expectation": { "value": "yes" } }),
    ] {
        client.post(&format!("{traced}/assessments"), json!({ "assessment": assessment })).await.expect(200);
    }
    for name in ["model/MLmodel", "model/a b#%.bin"] {
        let name = name.replace('%', "%25").replace('#', "%23").replace(' ', "%20");
        let place = format!("/api/2.0/mlflow-artifacts/artifacts/{number}/{last}/artifacts/{name}");
        let request = client.request(Method::PUT, &place).body(name.clone());
        client.finish(&place, request).await.expect(200);
    }
    client
        .post(&path("registered-models/create"), json!({ "name": "m'1", "description": "d" }))
        .await
        .expect(200);
    for _ in 0..2 {
        let source = format!("mlflow-artifacts:/{number}/{last}/artifacts/model");
        let version = json!({ "name": "m'1", "source": source, "run_id": last, "tags": [{ "key": "k", "value": "v" }] });
        client.post(&path("model-versions/create"), version).await.expect(200);
    }
    client
        .post(&path("registered-models/alias"), json!({ "name": "m'1", "alias": "champion", "version": "2" }))
        .await
        .expect(200);
    client
        .post(
            &path("model-versions/transition-stage"),
            json!({ "name": "m'1", "version": "1", "stage": "Staging" }),
        )
        .await
        .expect(200);
    last
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_is_imported_once() {
    let mut theirs = Server::start().await;
    let there = theirs.admin().await;
    let run_id = fill(&there).await;
    let gone = begin(&there).await;
    there.post(&path("runs/delete"), json!({ "run_id": gone })).await.expect(200);
    let mut ours = Server::start().await;
    let here = ours.admin().await;
    // Numbers differ: the names count.
    here.post(&path("experiments/create"), json!({ "name": "was here before" })).await.expect(200);
    let import = || {
        let mut command = ours.folder.socle();
        command
            .args(["ml", "import", "--from", &theirs.base])
            .env("MLFLOW_TRACKING_TOKEN", there.token.as_deref().unwrap());
        let output = run(&mut command);
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
        told
    };
    let first = import();
    for line in [
        "artifacts: 2 there, 2 taken",
        "experiments: 2 there, 1 taken",
        "model versions: 2 there, 2 taken",
        "points: 300 there, 300 taken",
        "registered models: 1 there, 1 taken",
        "runs: 4 there, 4 taken",
        "spans: 6 there, 6 taken",
        "traces: 3 there, 3 taken",
    ] {
        assert!(first.contains(line), "{line} in {first}");
    }
    let second = import();
    assert!(
        second.lines().filter(|line| line.contains(" there, ")).all(|line| line.contains(", 0 taken over")),
        "{second}"
    );
    let whole = async |client: &Client, place: &str| client.get(&path(place)).await.expect(200).json();
    let run_of = |mut value: Value| {
        for name in ["experiment_id", "artifact_uri"] {
            value["run"]["info"][name] = Value::Null;
        }
        value
    };
    for place in [format!("runs/get?run_id={run_id}"), format!("runs/get?run_id={gone}")] {
        assert_eq!(run_of(whole(&here, &place).await), run_of(whole(&there, &place).await));
    }
    let traced = format!("/api/3.0/mlflow/traces/get?trace_id=tr-{:032x}", 1);
    let trace_of = async |client: &Client| {
        let mut trace = client.get(&traced).await.expect(200).json()["trace"].clone();
        let info = &mut trace["trace_info"];
        info["trace_location"] = Value::Null;
        // Here it is told of, there it was made from its spans alone.
        info["trace_metadata"] = Value::Null;
        info["tags"]["mlflow.artifactLocation"] = Value::Null;
        trace
    };
    let trace = trace_of(&here).await;
    assert_eq!(trace["spans"].as_array().unwrap().len(), 2);
    assert_eq!(trace["trace_info"]["assessments"].as_array().unwrap().len(), 2);
    assert_eq!(trace, trace_of(&there).await);
    let history = format!("metrics/get-history?run_id={run_id}&metric_key=loss");
    assert_eq!(whole(&here, &history).await, whole(&there, &history).await);
    let files = format!("artifacts/list?run_id={run_id}&path=model");
    assert_eq!(whole(&here, &files).await["files"], whole(&there, &files).await["files"]);
    let version =
        whole(&here, "registered-models/alias?name=m'1&alias=champion").await["model_version"].clone();
    assert_eq!((&version["version"], &version["run_id"]), (&json!("2"), &json!(run_id)));
    let at = whole(&here, "model-versions/get-download-uri?name=m'1&version=2").await["artifact_uri"].clone();
    let listed =
        whole(&here, &format!("runs/get?run_id={run_id}")).await["run"]["info"]["artifact_uri"].clone();
    assert_eq!(at, json!(format!("{}/model", listed.as_str().unwrap())));
    // Numbers go on where the other server's ended.
    let next = here
        .post(&path("model-versions/create"), json!({ "name": "m'1", "source": "s3://b/m" }))
        .await
        .expect(200)
        .json();
    assert_eq!(next["model_version"]["version"], "3");
    let wrong = run(ours.folder.socle().args(["ml", "import", "--from", "/mlruns/mlflow.db"]));
    assert!(!wrong.status.success());
}
