//! Bad input gets a clear problem, and the server lives on.

use reqwest::Method;
use serde_json::json;

use crate::harness::Server;

#[tokio::test(flavor = "multi_thread")]
async fn bad_bodies_are_problems() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let path = "/api/v1/surveillance/cameras";
    let send = async |content_type: &str, body: Vec<u8>| {
        let request = admin.request(Method::POST, path).header("content-type", content_type).body(body);
        admin.finish(path, request).await
    };

    let huge = send("application/json", format!("{{\"name\":\"{}\"}}", "x".repeat(10 << 20)).into_bytes())
        .await
        .expect(413);
    assert_eq!(huge.error(), "body-too-large");
    assert_eq!(send("text/plain", b"{}".to_vec()).await.expect(415).error(), "content-type");
    assert_eq!(send("application/xml", b"<a/>".to_vec()).await.expect(415).error(), "content-type");
    assert_eq!(send("application/json", Vec::new()).await.expect(400).error(), "invalid-json");
    assert_eq!(send("application/json", b"{\"name\":".to_vec()).await.expect(400).error(), "invalid-json");
    assert_eq!(send("application/json", b"{} {}".to_vec()).await.status, 422);
    assert_eq!(
        send("application/json", vec![b'"', 0xff, 0xfe, b'"']).await.expect(400).error(),
        "invalid-json"
    );
    let deep = "[".repeat(100_000).into_bytes();
    assert!((400..=422).contains(&send("application/json", deep).await.status));
    assert_eq!(send("application/json", b"[null, null]".to_vec()).await.expect(422).error(), "invalid-body");
    let wrong = send("application/json", b"{\"name\":7}".to_vec()).await.expect(422);
    assert_eq!(wrong.error(), "invalid-body");
    assert_eq!(wrong.json()["errors"][0]["pointer"], "/name");
    assert_eq!(wrong.header("content-type"), "application/problem+json");
    assert_eq!(wrong.json()["request_id"], wrong.header("x-request-id"));

    server.stranger().get("/health").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_queries_and_paths_are_problems() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let check = async |path: &str, status: u16| admin.get(path).await.expect(status);
    check("/api/v1/users?page=0", 400).await;
    check("/api/v1/users?page_size=101", 400).await;
    check("/api/v1/users?page=minus", 400).await;
    let unknown = check("/api/v1/users?pge=1", 400).await;
    assert_eq!(unknown.error(), "invalid-query");
    check("/api/v1/surveillance/cameras/nonsense", 404).await;
    check("/api/v1/surveillance/cameras/cam_00000000000000000000000000", 404).await;
    check("/api/v1/surveillance/events?cursor=nonsense", 400).await;
    check("/api/v1/nothing/here", 404).await;
    assert_eq!(admin.delete("/api/v1/system").await.expect(405).error(), "method-not-allowed");
    let versioned = admin.request(Method::GET, "/api/users").header("api-version", "9");
    assert_eq!(admin.finish("/api/users", versioned).await.expect(400).error(), "unknown-api-version");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_do_not_count_are_refused() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let mut other = Server::start().await;
    let foreign = other.admin().await.token;
    let good = admin.token.clone().unwrap();
    let (head, rest) = good.split_once('.').unwrap();
    let forged = format!("{head}.{}x", &rest[..rest.len() - 1]);
    for token in [Some(forged), foreign, Some("nonsense".to_owned()), Some(String::new())] {
        let caller = testkit::Client { token: token.clone(), ..server.stranger() };
        let answer = caller.get("/auth/me").await.expect(401);
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{token:?}");
    }
    admin.get("/auth/me").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_names_its_request_and_is_guarded() {
    let server = Server::start().await;
    let stranger = server.stranger();
    let mine = stranger.request(Method::GET, "/health").header("x-request-id", "my-request-0001");
    let answer = stranger.finish("/health", mine).await.expect(200);
    assert_eq!(answer.header("x-request-id"), "my-request-0001");
    assert_eq!(answer.header("api-version"), "1");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(!answer.header("content-security-policy").contains("unsafe"));
    assert_eq!(answer.json(), json!({"status": "ok", "db": true, "redis": false, "auth": true}));
    let bad = stranger.request(Method::GET, "/health").header("x-request-id", "no spaces please");
    assert!(stranger.finish("/health", bad).await.header("x-request-id").starts_with("req_"));
    let ready = stranger.get("/health/ready").await.expect(200).json();
    assert_eq!(ready["checks"]["database"], "ok");

    let foreign = stranger.request(Method::GET, "/health").header("origin", "https://evil.example");
    assert_eq!(stranger.finish("/health", foreign).await.header("access-control-allow-origin"), "");
    // Methods that callers make up make no series each.
    for method in ["BREW", "PROPFIND"] {
        let request = stranger.request(Method::from_bytes(method.as_bytes()).unwrap(), "/health");
        stranger.finish("/health", request).await.expect(405);
    }
    let metrics = stranger.get("/metrics").await.expect(200).text();
    assert!(metrics.contains("method=\"OTHER\"") && !metrics.contains("BREW"), "{metrics}");
    assert!(
        metrics.contains("http_requests_total{") && metrics.contains("process_resident_memory_bytes"),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_creation_is_answered_once() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let path = "/api/v1/workspaces";
    let send = async |name: &str| {
        let request = admin
            .request(Method::POST, path)
            .header("idempotency-key", "the-same-key")
            .json(&json!({"name": name}));
        admin.finish(path, request).await
    };
    let first = send("Twice").await.expect(201);
    let second = send("Twice").await.expect(201);
    assert_eq!(first.json(), second.json());
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!(send("Other").await.expect(422).error(), "idempotency-key-reused");
}
