//! The rules as callers meet them, on one node without Redis.

use reqwest::Method;
use serde_json::json;
use testkit::{Answer, Client, eventually};

use crate::harness::{EMAIL, Folder, PASSWORD, Server, failure, run};

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
    // All its callers are one to us, whatever they say of themselves.
    for call in 0..50 {
        from(&stranger, "/api/v1/users", &format!("192.0.2.{call}")).await.expect(401);
    }
    for claimed in ["192.0.2.200", "127.0.0.1", "::1", "192.0.2.200, 127.0.0.1"] {
        from(&stranger, "/api/v1/users", claimed).await.expect(429);
    }
    for name in ["forwarded", "x-real-ip"] {
        let request = stranger.request(Method::GET, "/api/v1/users").header(name, "127.0.0.1");
        stranger.finish(name, request).await.expect(429);
    }
    stranger.get("/api/v1/users").await.expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_behind_a_trusted_proxy_cannot_choose_its_address() {
    let server = Server::start_in(Folder::new(), &[("SOCLE_HTTP__TRUSTED_PROXIES", "[\"127.0.0.1\"]")]).await;
    let stranger = server.stranger();
    // A line of the caller's own, and one that the proxy added, with the port as some do.
    let call = async |claimed: &str| {
        let request = stranger.request(Method::GET, "/api/v1/users");
        let request = request.header("x-forwarded-for", claimed).header("x-forwarded-for", "192.0.2.1:4711");
        stranger.finish(claimed, request).await
    };
    for number in 0..50 {
        call(&format!("198.51.100.{number}")).await.expect(401);
    }
    call("198.51.100.200").await.expect(429);
    call("127.0.0.1").await.expect(429);
    // The proxy does not tell whose it is: its callers share its own address, which is not exempt.
    for number in 0..50 {
        from(&stranger, "/api/v1/users", &format!("198.51.100.{number}, unknown")).await.expect(401);
    }
    from(&stranger, "/api/v1/users", "198.51.100.200, unknown").await.expect(429);
    // This machine by way of its own proxy.
    for _ in 0..60 {
        from(&stranger, "/api/v1/users", "127.0.0.1").await.expect(401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn log_in_and_writes_say_where_the_caller_stands() {
    let mut server = Server::start_in(Folder::new(), &[("SOCLE_LIMITS__TRUSTED_NETWORKS", "[]")]).await;
    let admin = server.admin().await;
    let stranger = server.stranger();
    let log_in = async |password: &str| {
        stranger.post("/api/v1/auth/login", json!({"email": EMAIL, "password": password})).await
    };
    let policy = "\"identity.login-address\";q=20;w=300, \"identity.login-account\";q=5;w=300";
    let answer = log_in(PASSWORD).await.expect(200);
    assert_eq!(answer.header("ratelimit-policy"), policy);
    // What was no misuse is given back.
    assert_eq!(answer.header("ratelimit"), "\"identity.login-account\";r=5;t=0");
    for failure in 1..=5 {
        let answer = log_in("not the right one").await.expect(401);
        assert_eq!(answer.header("ratelimit-policy"), policy);
        let left = format!("\"identity.login-account\";r={};t=", 5 - failure);
        assert!(answer.header("ratelimit").starts_with(&left), "{}", answer.header("ratelimit"));
    }
    let answer = log_in("not the right one").await.expect(429);
    let state = format!("\"identity.login-account\";r=0;t={}", answer.header("retry-after"));
    assert_eq!((answer.header("ratelimit-policy"), answer.header("ratelimit")), (policy, state.as_str()));

    let answer = admin.post("/api/v1/workspaces", json!({"name": "More"})).await.expect(201);
    assert_eq!(answer.header("ratelimit-policy"), "\"writes\";q=600;w=60");
    let id = answer.json()["id"].clone();
    for (method, path) in [
        (Method::PUT, "/api/v1/settings/jobs.keep_h"),
        (Method::PATCH, "/api/v1/auth/me"),
        (Method::DELETE, "/api/v1/cache"),
        (Method::POST, "/api/v1/auth/workspace"),
    ] {
        let body = json!({"value": 24, "workspace_id": id});
        let answer = admin.send(method, path, Some(body)).await;
        assert!(answer.header("ratelimit").starts_with("\"writes\";r="), "{path}: {}", answer.status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_counts_as_one_however_it_is_written() {
    const RULES: &str =
        r#"[{name = "mine", routes = ["GET /api/v1/topics"], who = "signed_in", key = "token", burst = 4}]"#;
    let environment = [("SOCLE_LIMITS__TRUSTED_NETWORKS", "[]"), ("SOCLE_LIMITS__RULES", RULES)];
    let mut server = Server::start_in(Folder::new(), &environment).await;
    server.admin().await;
    let stranger = server.stranger();
    let credentials = json!({"email": EMAIL, "password": PASSWORD});
    let pair = stranger.post("/api/v1/auth/login", credentials.clone()).await.expect(200).json();
    let token = pair["access_token"].as_str().unwrap();
    let with = async |value: String| {
        let request = stranger.request(Method::GET, "/api/v1/topics").header("authorization", value);
        stranger.finish("/api/v1/topics", request).await
    };
    for scheme in ["Bearer ", "bearer ", "Bearer  ", "BEARER   "] {
        with(format!("{scheme}{token}")).await.expect(200);
    }
    with(format!("beareR {token}")).await.expect(429);
    // A refreshed token is of the same session; another log-in is another one.
    let body = json!({"refresh_token": pair["refresh_token"]});
    let fresh = stranger.post("/api/v1/auth/refresh", body).await.expect(200).json();
    with(format!("Bearer {}", fresh["access_token"].as_str().unwrap())).await.expect(429);
    let other = stranger.post("/api/v1/auth/login", credentials).await.expect(200).json();
    with(format!("Bearer {}", other["access_token"].as_str().unwrap())).await.expect(200);
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
