//! What artifacts take up counts into the workspace's quota of storage.

use std::time::Duration;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client};

use crate::{experiment, post, refused, run, text, with_admin};

const FILES: &str = "/api/2.0/mlflow-artifacts/artifacts";

async fn set(admin: &Client, limit: Value) {
    let me = admin.get("/api/v1/auth/me").await.expect(200).json();
    let path = format!("/api/v1/workspaces/{}/quotas", text(&me["workspace"]["id"]));
    admin.put(&path, json!({ "storage": limit })).await.expect(200);
}

async fn used(admin: &Client) -> i64 {
    let all = admin.get("/api/v1/quotas").await.expect(200).json();
    let found = all["items"].as_array().unwrap().iter().find(|item| item["resource"] == "storage");
    found.unwrap()["used"].as_i64().unwrap()
}

async fn put(client: &Client, place: &str, size: usize) -> Answer {
    let place = format!("{FILES}/{place}");
    let request = client.request(Method::PUT, &place).body(vec![7_u8; size]);
    client.finish(&place, request).await
}

/// Without a length: it is known when the last byte has come.
async fn put_unannounced(client: &Client, place: &str, pieces: usize) -> Answer {
    let place = format!("{FILES}/{place}");
    let pieces = futures::stream::iter((0..pieces).map(|_| Ok::<_, std::io::Error>(vec![7_u8; 1_000])));
    let request = client.request(Method::PUT, &place).body(reqwest::Body::wrap_stream(pieces));
    client.finish(&place, request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_take_room_and_give_it_back() {
    with_admin(async |app, admin| {
        set(admin, json!(10_000)).await;
        put(admin, "0/a/one", 4_000).await.expect(200);
        put_unannounced(admin, "0/a/two", 4).await.expect(200);
        assert_eq!(used(admin).await, 8_000);
        for refusal in [
            put(admin, "0/a/three", 2_001).await,
            put_unannounced(admin, "0/a/three", 3).await,
            // In the place of what is there, too.
            put(admin, "0/a/one", 6_001).await,
        ] {
            let message = refused(&refusal, 402, "RESOURCE_LIMIT_EXCEEDED");
            assert!(message.contains("the workspace may use 10.0 kB, and uses 8.0 kB"), "{message}");
        }
        let message = refused(&put(admin, "0/a/large", 2 << 20).await, 402, "RESOURCE_LIMIT_EXCEEDED");
        assert!(message.starts_with("Storage: "), "{message}");
        assert_eq!(used(admin).await, 8_000);
        assert_eq!(
            admin.get(&format!("{FILES}/0/a/one")).await.expect(200).body.len(),
            4_000,
            "it stays as it was"
        );
        refused(&admin.get(&format!("{FILES}/0/a/three")).await, 404, "RESOURCE_DOES_NOT_EXIST");

        put(admin, "0/a/one", 6_000).await.expect(200);
        assert_eq!(used(admin).await, 10_000);
        put(admin, "0/a/one", 1_000).await.expect(200);
        assert_eq!(used(admin).await, 5_000, "smaller again");
        // What is over a limit that was lowered may still be made smaller, and be deleted.
        set(admin, json!(100)).await;
        put(admin, "0/a/two", 3_000).await.expect(200);
        refused(&put(admin, "0/b", 1).await, 402, "RESOURCE_LIMIT_EXCEEDED");
        admin.delete(&format!("{FILES}/0/a/one")).await.expect(200);
        assert_eq!(used(admin).await, 3_000);
        admin.delete(&format!("{FILES}/0/a")).await.expect(200);
        admin.delete(&format!("{FILES}/0/a")).await.expect(200);
        assert_eq!(used(admin).await, 0);

        set(admin, Value::Null).await;
        let id = experiment(admin, "iris").await;
        let run_id = run(admin, &id, "one", 1).await;
        put(admin, &format!("{id}/{run_id}/artifacts/model/file"), 700).await.expect(200);
        assert_eq!(used(admin).await, 700, "it is counted where nothing is bounded, too");
        post(admin, "runs/delete", json!({ "run_id": run_id })).await;
        assert_eq!(used(admin).await, 700, "it can be brought back");
        app.clock.advance(Duration::from_secs(31 * 86_400));
        let admin = app.admin().await;
        admin.post("/api/v1/schedules/ml.purge/run", json!({})).await.expect(202);
        testkit::eventually("the artifacts are gone for good", async || {
            (used(&admin).await == 0).then_some(())
        })
        .await;
        let other = app.admin_elsewhere().await;
        put(&other, "0/x", 50).await.expect(200);
        assert_eq!(used(&admin).await, 0, "each workspace has its own");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_uploads_at_once_those_get_in_for_which_there_is_room() {
    with_admin(async |_, admin| {
        set(admin, json!(70_500)).await;
        let all = join_all((0..20).map(|number| {
            let admin = admin.clone();
            async move {
                if number % 2 == 0 {
                    put(&admin, &format!("0/files/{number}"), 10_000).await
                } else {
                    put_unannounced(&admin, &format!("0/files/{number}"), 10).await
                }
            }
        }))
        .await;
        let taken = all.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(taken, 7);
        for answer in all.iter().filter(|answer| answer.status != 200) {
            refused(answer, 402, "RESOURCE_LIMIT_EXCEEDED");
        }
        let listed = admin.get(&format!("{FILES}?path=0/files")).await.expect(200).json();
        assert_eq!(listed["files"].as_array().unwrap().len(), 7, "what was refused is not there");
        assert_eq!(used(admin).await, 70_000);
        // The same file by many at once: it counts once.
        set(admin, json!(100_000)).await;
        let all = join_all((0..20).map(|number| {
            let admin = admin.clone();
            async move { put(&admin, "0/files/same", 20_000 + number).await.status }
        }))
        .await;
        assert_eq!(all, vec![200; 20]);
        let used = used(admin).await;
        assert!((90_000..=90_019).contains(&used), "{used}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_count_until_they_are_joined_or_left() {
    with_admin(async |_, admin| {
        set(admin, json!(10_000)).await;
        let act = async |action: &str, body: Value| {
            admin.post(&format!("/api/2.0/mlflow-artifacts/mpu/{action}/0/model"), body).await
        };
        let send = async |upload: &Value, number: usize, size: usize| {
            let place = format!("/api/2.0/mlflow-artifacts/parts/{}/{number}", text(upload));
            let request = admin.request(Method::PUT, &place).body(vec![7_u8; size]);
            admin.finish(&place, request).await
        };
        let begun = act("create", json!({ "path": "big", "num_parts": 3 })).await.expect(200).json();
        let upload = &begun["upload_id"];
        send(upload, 1, 4_000).await.expect(200);
        send(upload, 2, 4_000).await.expect(200);
        refused(&send(upload, 3, 2_001).await, 402, "RESOURCE_LIMIT_EXCEEDED");
        send(upload, 2, 5_000).await.expect(200);
        assert_eq!(used(admin).await, 9_000);
        // There is no room for the parts and the whole, and none is needed.
        let parts = json!([{ "part_number": 1 }, { "part_number": 2 }]);
        act("complete", json!({ "path": "big", "upload_id": upload, "parts": parts })).await.expect(200);
        assert_eq!(used(admin).await, 9_000);
        assert_eq!(admin.get(&format!("{FILES}/0/model/big")).await.expect(200).body.len(), 9_000);

        let begun = act("create", json!({ "path": "other", "num_parts": 1 })).await.expect(200).json();
        send(&begun["upload_id"], 1, 1_000).await.expect(200);
        assert_eq!(used(admin).await, 10_000);
        act("abort", json!({ "path": "other", "upload_id": begun["upload_id"] })).await.expect(200);
        assert_eq!(used(admin).await, 9_000);
    })
    .await;
}
