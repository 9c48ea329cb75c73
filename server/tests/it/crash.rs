//! The server stops when it is told to, and loses nothing when it is killed.

use rustix::process::Signal;
use serde_json::json;
use testkit::eventually;

use crate::harness::Server;

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_told_to() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Server::start().await;
        server.signal(signal);
        let status = eventually("the server ends", async || server.child.try_wait().unwrap()).await;
        assert!(status.success(), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_kill_9() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let mut acknowledged = Vec::new();
    for number in 0..20 {
        let made = admin
            .post("/api/v1/workspaces", json!({"name": format!("Workspace {number}")}))
            .await
            .expect(201);
        acknowledged.push(made.json()["id"].clone());
    }
    let folder = server.kill();
    let mut server = Server::start_in(folder, &[]).await;
    assert!(server.first_run.is_none(), "the administrator is there");
    let admin = server.admin().await;
    let kept = admin.get("/api/v1/workspaces?page_size=100").await.expect(200).json();
    let kept: Vec<_> = kept["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect();
    for id in acknowledged {
        assert!(kept.contains(&id), "{id} was acknowledged and is gone");
    }
}
