//! The rules as callers meet them, on one node without Redis.

use reqwest::Method;
use serde_json::json;
use testkit::{Answer, Client, eventually};

use crate::harness::{Folder, Server, failure, run};

async fn from(client: &Client, path: &str, address: &str) -> Answer {
    client.finish(path, client.request(Method::GET, path).header("x-forwarded-for", address)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_have_fifty_an_hour_and_what_is_open_stays_open() {
    let environment = [
        ("SOCLE_LIMITS__TRUSTED_NETWORKS", "[]"),
        ("SOCLE_HTTP__TRUSTED_PROXIES", "[\"127.0.0.1\"]"),
        ("SOCLE_LIMITS__ABUSE_REFUSALS", "5"),
    ];
    let mut server = Server::start_in(Folder::new(), &environment).await;
    let admin = server.admin().await;
    let stranger = server.stranger();
    for call in 1..=50 {
        let answer = from(&stranger, "/api/v1/users", "192.0.2.1").await.expect(401);
        let left = format!("\"anonymous-hour\";r={};t=", 50 - call);
        assert!(answer.header("ratelimit").starts_with(&left), "{}", answer.header("ratelimit"));
        assert_eq!(
            answer.header("ratelimit-policy"),
            "\"anonymous-hour\";q=50;w=3600, \"anonymous-day\";q=200;w=86400"
        );
    }
    for _ in 0..20 {
        let answer = from(&stranger, "/api/v1/users", "192.0.2.1").await.expect(429);
        assert_eq!(answer.error(), "too-many-requests");
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=72).contains(&wait), "{wait}");
    }
    // A token that does not count makes nobody.
    let liar = Client { token: Some("not a token".to_owned()), ..stranger.clone() };
    from(&liar, "/api/v1/users", "192.0.2.1").await.expect(429);
    // Others are not concerned: another address, another /64, who has an account, and what everybody must reach.
    from(&stranger, "/api/v1/users", "192.0.2.2").await.expect(401);
    from(&stranger, "/api/v1/users", "2001:db8:0:1::1").await.expect(401);
    from(&admin, "/api/v1/users", "192.0.2.1").await.expect(200);
    for open in ["/health", "/health/ready", "/metrics", "/openapi.json", "/api/v1/auth/first-run", "/"] {
        let answer = from(&stranger, open, "192.0.2.1").await.expect(200);
        assert_eq!(answer.header("ratelimit"), "", "{open}");
    }

    // IPv6: one /64 is one caller.
    for host in 1..50 {
        from(&stranger, "/api/v1/users", &format!("2001:db8:0:1::{host:x}")).await.expect(401);
    }
    from(&stranger, "/api/v1/users", "2001:db8:0:1:ffff::1").await.expect(429);

    let told = eventually("the audit log tells of it", async || {
        let log = admin.get("/api/v1/audit?action=limits.abuse").await.expect(200).json();
        log["items"].as_array().filter(|items| !items.is_empty()).cloned()
    })
    .await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["detail"], json!({"rule": "anonymous-hour", "key": "192.0.2.1"}));
    let text = stranger.get("/metrics").await.text();
    assert!(text.contains("limits_refused_total{rule=\"anonymous-hour\"} 22"), "{text}");

    let limits = admin.get("/api/v1/limits").await.expect(200).json();
    assert_eq!((&limits["engine"], &limits["trusted_networks"]), (&json!("memory"), &json!([])));
    let rule = limits["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == "anonymous-hour");
    assert_eq!(rule.unwrap()["refused"], 22);
}

#[tokio::test(flavor = "multi_thread")]
async fn this_machine_is_trusted_but_not_an_unknown_proxy_on_it() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let stranger = server.stranger();
    for _ in 0..60 {
        let answer = stranger.get("/api/v1/users").await.expect(401);
        assert_eq!(answer.header("ratelimit"), "\"anonymous-hour\";r=50;t=0");
    }
    assert_eq!(admin.get("/api/v1/users").await.expect(200).header("ratelimit"), "\"reads\";r=3000;t=0");
    // All its callers are one to us.
    for call in 0..50 {
        from(&stranger, "/api/v1/users", &format!("192.0.2.{call}")).await.expect(401);
    }
    from(&stranger, "/api/v1/users", "192.0.2.200").await.expect(429);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_ones_own_and_of_older_paths() {
    let folder = Folder::new();
    let settings = r#"
        [limits]
        trusted_networks = []
        [[limits.rules]]
        name = "writes"
        routes = ["POST,PUT /api/*"]
        except = ["/api/v1/auth/*"]
        who = "signed_in"
        key = "workspace"
        burst = 4
        cost = 2
        [[limits.rules]]
        name = "looking"
        routes = ["tag:limits"]
        burst = 3
        [[limits.rules]]
        name = "older-reads"
        routes = ["GET *"]
        older_paths = true
        key = "token"
        who = "signed_in"
        burst = 2
    "#;
    std::fs::write(folder.path().join("socle.toml"), settings).unwrap();
    let mut server = Server::start_in(folder, &[]).await;
    let admin = server.admin().await;
    for _ in 0..2 {
        admin.post("/api/v1/workspaces", json!({"name": "More"})).await.expect(201);
    }
    let answer = admin.post("/api/v1/workspaces", json!({"name": "More"})).await.expect(429);
    assert!(answer.header("ratelimit").starts_with("\"writes\";r=0;t="));
    for _ in 0..3 {
        admin.get("/api/v1/limits").await.expect(200);
    }
    admin.get("/api/v1/limits").await.expect(429);

    for _ in 0..2 {
        admin.get("/auth/me").await.expect(200);
    }
    admin.get("/auth/me").await.expect(429);
    admin.get("/api/v1/auth/me").await.expect(200);
    // A new token is a new key.
    server.sign_in(crate::harness::EMAIL).await.get("/auth/me").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cache_command_asks_redis_or_says_whom_to_ask() {
    let folder = Folder::new();
    let said = failure(folder.socle().args(["cache", "stats"]));
    assert!(said.contains("redis.url") && said.contains("/api/v1/cache"), "{said}");

    let Some(redis) = testkit::RedisServer::start().await else { return };
    let url = redis.url();
    let mut server = Server::start_in(folder, &[("SOCLE_REDIS_URL", &url)]).await;
    let admin = server.admin().await;
    admin.get("/api/v1/surveillance/stats").await.expect(200);
    let cache = |arguments: &[&str]| {
        let output = run(server.folder.socle().env("SOCLE_REDIS_URL", &url).arg("cache").args(arguments));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        said
    };
    assert!(cache(&["stats"]).contains("surveillance.stats"));
    let cleared: serde_json::Value =
        serde_json::from_str(&cache(&["clear", "surveillance.stats", "--json"])).unwrap();
    assert_eq!(cleared, json!({"removed": 1}));
    assert!(cache(&["stats"]).contains("0 entries"));

    // The same over HTTP, one entry at a time.
    admin.get("/api/v1/surveillance/stats").await.expect(200);
    let body = admin.get("/api/v1/cache").await.expect(200).json();
    assert_eq!(
        (&body["engine"], &body["is_up"], &body["entries"]),
        (&json!("redis"), &json!(true), &json!(1))
    );
    admin.get("/api/v1/cache/surveillance.stats/nothing").await.expect(404);
    admin.delete("/api/v1/cache/no.such").await.expect(404);
    assert_eq!(admin.delete("/api/v1/cache").await.expect(200).json(), json!({"removed": 1}));
    server.member(&admin, "student").await.get("/api/v1/cache").await.expect(403);
}
