//! Redis stopped and started under load, and two nodes on one Redis.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use testkit::{Client, Database, RedisServer, TestEngine, engines, eventually};
use tokio::task::JoinSet;

use crate::harness::{Folder, Server};

const STATS: &str = "/api/v1/surveillance/stats";

/// A rule for one path, and none that the load could run into.
const RULES: &str = r#"[{name = "reads", burst = 0}, {name = "narrow", routes = ["GET /api/v1/topics"], who = "signed_in",
    key = "user", burst = 50, per_s = 86400}]"#;

fn environment<'e>(redis: &'e str, prefix: &'e str) -> Vec<(&'e str, &'e str)> {
    vec![
        ("SOCLE_REDIS_URL", redis),
        ("SOCLE_REDIS__PREFIX", prefix),
        // Time for a machine that does much else.
        ("SOCLE_REDIS__TIMEOUT_MS", "2000"),
        ("SOCLE_LIMITS__TRUSTED_NETWORKS", "[]"),
        ("SOCLE_LIMITS__RULES", RULES),
        ("SOCLE_IDENTITY__SECRET", "thirty-two bytes and some more, for tests"),
    ]
}

/// Requests without a pause, until it is told to end.
struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    failed: Arc<Mutex<Vec<String>>>,
    clients: JoinSet<()>,
}

impl Load {
    fn start(client: &Client) -> Self {
        let mut load = Self {
            stop: Arc::default(),
            done: Arc::default(),
            failed: Arc::default(),
            clients: JoinSet::new(),
        };
        for path in [STATS, "/api/v1/users", "/api/v1/auth/me", "/api/v1/cache"] {
            let (client, stop, done, failed) =
                (client.clone(), load.stop.clone(), load.done.clone(), load.failed.clone());
            load.clients.spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let answer = client.get(path).await;
                    if answer.status != 200 {
                        failed.lock().unwrap().push(format!("{path}: {} {}", answer.status, answer.text()));
                    }
                    done.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        load
    }

    async fn go_on(&self, requests: usize) {
        let from = self.done.load(Ordering::SeqCst);
        eventually("requests are answered", async || {
            (self.done.load(Ordering::SeqCst) > from + requests).then_some(())
        })
        .await;
    }

    async fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.clients.join_all().await;
        let failed = self.failed.lock().unwrap();
        assert!(failed.is_empty(), "{} requests failed, such as {}", failed.len(), failed[0]);
    }
}

async fn ready(client: &Client) -> (u16, Value) {
    let answer = client.get("/health/ready").await;
    (answer.status, answer.json())
}

/// How many of these calls come through the narrow rule.
async fn rush(clients: &[Client], calls: usize) -> usize {
    // The session is read once, not two hundred times at once.
    for client in clients {
        client.get("/api/v1/auth/me").await.expect(200);
    }
    let mut callers = JoinSet::new();
    for call in 0..calls {
        let client = clients[call % clients.len()].clone();
        callers.spawn(async move { client.get("/api/v1/topics").await });
    }
    let mut passed = 0;
    for answer in callers.join_all().await {
        assert!(answer.header("ratelimit-policy").contains("\"narrow\";q=50;w=86400"));
        if answer.status == 200 {
            passed += 1;
            continue;
        }
        let answer = answer.expect(429);
        assert_eq!(answer.error(), "too-many-requests");
        assert!(
            answer.header("ratelimit").starts_with("\"narrow\";r=0;t="),
            "{}",
            answer.header("ratelimit")
        );
        assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
    }
    passed
}

fn log_lines(server: &Server, text: &str) -> usize {
    server.log.lock().unwrap().iter().filter(|line| line.contains(text)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_stops_and_starts_under_load_and_no_request_fails() {
    let Some(mut redis) = RedisServer::start().await else { return };
    let url = redis.url();
    let mut server = Server::start_in(Folder::new(), &environment(&url, "socle")).await;
    let admin = server.admin().await;
    let stranger = server.stranger();
    let health = stranger.get("/health").await.expect(200).json();
    assert_eq!((&health["status"], &health["redis"]), (&json!("ok"), &json!(true)), "{health}");
    assert_eq!(ready(&stranger).await.1["checks"]["redis"], "ok");
    assert_eq!(rush(std::slice::from_ref(&admin), 100).await, 50);
    let load = Load::start(&admin);
    load.go_on(200).await;

    redis.stop();
    eventually("readiness says so", async || {
        let (status, body) = ready(&stranger).await;
        assert_eq!((status, body["status"].as_str()), (200, Some("ready")), "{body}");
        (body["checks"]["redis"] == "degraded").then_some(())
    })
    .await;
    load.go_on(200).await;
    assert_eq!(stranger.get("/health").await.expect(503).json()["redis"], false);
    assert!(stranger.get("/metrics").await.text().contains("redis_up 0"));
    assert_eq!(admin.get("/api/v1/cache").await.expect(200).json()["is_up"], false);
    assert_eq!(admin.get("/api/v1/limits").await.expect(200).json()["is_up"], false);
    // The process counts by itself: from full, and exactly.
    assert_eq!(rush(std::slice::from_ref(&admin), 100).await, 50);

    redis.start_again().await;
    eventually("readiness says so", async || {
        (ready(&stranger).await.1["checks"]["redis"] == "ok").then_some(())
    })
    .await;
    load.go_on(200).await;
    eventually("answers are kept again", async || {
        let cache = admin.get("/api/v1/cache").await.expect(200).json();
        (cache["is_up"] == true && cache["entries"].as_u64() > Some(0)).then_some(())
    })
    .await;
    assert!(stranger.get("/metrics").await.text().contains("redis_up 1"));
    // Redis counts again, and has forgotten.
    assert_eq!(rush(std::slice::from_ref(&admin), 100).await, 50);
    load.end().await;
    assert_eq!((log_lines(&server, "redis is away"), log_lines(&server, "redis is back")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_takes_no_writes_is_told_once_and_shown_as_degraded() {
    let Some(redis) = RedisServer::start().await else { return };
    let url = redis.url();
    let mut server = Server::start_in(Folder::new(), &environment(&url, "socle")).await;
    let admin = server.admin().await;
    let stranger = server.stranger();
    assert_eq!(ready(&stranger).await.1["checks"]["redis"], "ok");

    redis.configure("maxmemory", "1").await;
    // The process counts by itself, from full and exactly, and fails nobody.
    assert_eq!(rush(std::slice::from_ref(&admin), 100).await, 50);
    let (status, body) = ready(&stranger).await;
    assert_eq!((status, &body["checks"]["redis"]), (200, &json!("degraded")), "{body}");
    let told = log_lines(&server, "redis refuses commands");
    // Once a minute, however long this machine takes.
    assert!((1..10).contains(&told), "{told} lines for more than 100 requests");

    redis.configure("maxmemory", "0").await;
    assert_eq!(ready(&stranger).await.1["checks"]["redis"], "ok");
}

/// PostgreSQL and Redis, as two nodes of one installation have them; `None` where either is missing.
async fn two_nodes() -> Option<(Server, Server, Database)> {
    let url = testkit::redis_url()?;
    let engine = engines().into_iter().find(|engine| *engine != TestEngine::Sqlite)?;
    let mut folders = [Folder::new(), Folder::new()];
    let database = Database::create(&engine, folders[0].temp.path()).await;
    let prefix = format!("test-{}", database.url.rsplit('_').next().unwrap_or_default());
    for folder in &mut folders {
        folder.database_url = Some(database.url.clone());
    }
    let [one, other] = folders;
    let first = Server::start_in(one, &environment(&url, &prefix)).await;
    let second = Server::start_in(other, &environment(&url, &prefix)).await;
    Some((first, second, database))
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_exactly_over_two_nodes() {
    let Some((mut first, second, database)) = two_nodes().await else { return };
    let here = first.admin().await;
    let there = Client { base: second.base.clone(), ..here.clone() };
    assert_eq!(rush(&[here.clone(), there.clone()], 200).await, 50);

    // Failed log-ins: five to an account, wherever they are tried.
    let wrong = json!({"email": "nobody@example.org", "password": "not the right one"});
    for attempt in 0..5 {
        let server = if attempt % 2 == 0 { &first } else { &second };
        server.stranger().post("/auth/login", wrong.clone()).await.expect(401);
    }
    for server in [&first, &second] {
        server.stranger().post("/auth/login", wrong.clone()).await.expect(429);
    }
    drop((first, second));
    database.drop_database().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_forgets_the_other_does_not_remember() {
    let Some((mut first, second, database)) = two_nodes().await else { return };
    let here = first.admin().await;
    let there = Client { base: second.base.clone(), ..here.clone() };
    for client in [&here, &there] {
        assert_eq!(client.get(STATS).await.expect(200).json()["cameras"]["total"], 0);
    }
    let entries = there.get("/api/v1/cache").await.expect(200).json()["entries"].clone();
    assert!(entries.as_u64() > Some(0), "{entries}");
    let camera =
        json!({"name": "Yard", "enabled": false, "source": {"kind": "rtsp", "url": "rtsp://10.9.8.7/live"}});
    here.post("/api/v1/surveillance/cameras", camera).await.expect(201);
    for client in [&there, &here] {
        assert_eq!(client.get(STATS).await.expect(200).json()["cameras"]["total"], 1);
    }
    drop((first, second));
    database.drop_database().await;
}
