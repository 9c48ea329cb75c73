//! Webhooks of the running binary.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::{Value, json};
use testkit::eventually;
use tokio::net::TcpListener;
use web::Json;

use crate::harness::{Folder, Server};

/// How often each message came, by the id of the change that it tells of; and the ids that it came under.
type Received = Arc<Mutex<BTreeMap<String, Vec<String>>>>;

async fn take(State(received): State<Received>, headers: HeaderMap, Json(body): Json<Value>) -> StatusCode {
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    let change = body["data"]["change_id"].as_str().unwrap().to_owned();
    received.lock().unwrap().entry(change).or_default().push(id);
    StatusCode::NO_CONTENT
}

/// Serves until the test ends.
#[expect(clippy::disallowed_methods, reason = "the runtime ends with the test")]
async fn receiver(received: Received) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", post(take)).with_state(received);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/")
}

/// The process dies while events stand in the outbox, while messages are made of them, and while they are on their way.
#[tokio::test(flavor = "multi_thread")]
async fn every_event_reaches_its_webhook_though_the_server_is_killed() {
    let environment = [
        ("SOCLE_NOTIFICATIONS__WEBHOOK_PLAIN_HTTP", "true"),
        ("SOCLE_NOTIFICATIONS__WEBHOOK_POLL_MS", "20"),
        ("SOCLE_OUTBOUND__PRIVATE_ALLOWED", "['127.0.0.0/8']"),
        // What a killed process had begun is begun again soon.
        ("SOCLE_JOBS__HEARTBEAT_MS", "300"),
        ("SOCLE_JOBS__LEASE_MS", "1500"),
    ];
    let received = Received::default();
    let url = receiver(received.clone()).await;
    let mut server = Server::start_in(Folder::new(), &environment).await;
    let admin = server.admin().await;
    admin.post("/api/v1/webhooks", json!({"url": url, "topics": ["settings.changed"]})).await.expect(201);
    let mut changes = 0;
    for pause_ms in [0, 10, 25, 60, 150] {
        let admin = server.admin().await;
        for _ in 0..10 {
            changes += 1;
            let value = json!({"value": 200 + changes % 7});
            admin.put("/api/v1/settings/jobs.keep_h", value).await.expect(200);
        }
        tokio::time::sleep(std::time::Duration::from_millis(pause_ms)).await;
        server = Server::start_in(server.kill(), &environment).await;
    }
    let admin = server.admin().await;
    let told = admin.get("/api/v1/settings/changes?limit=100").await.expect(200).json();
    let told: Vec<_> = told["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told.len(), changes);
    eventually("every change arrives", async || {
        let received = received.lock().unwrap();
        told.iter().all(|id| received.contains_key(id)).then_some(())
    })
    .await;
    for (change, ids) in &*received.lock().unwrap() {
        assert!(ids.iter().all(|id| id == &ids[0]), "{change} came under several ids: {ids:?}");
    }
}
