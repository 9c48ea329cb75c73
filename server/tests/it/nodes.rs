//! Two web nodes and a worker on one PostgreSQL and one Redis: what happens on one is heard on the other, also when the
//! one that a client was on is killed, or Redis is away.

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use testkit::{Client, Database, RedisServer, TestEngine, engines};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::harness::{Folder, Server};

pub(crate) struct Nodes {
    pub(crate) a: Server,
    pub(crate) b: Server,
    _worker: Server,
    redis: RedisServer,
    pub(crate) admin: Client,
    room: String,
    database: Database,
}

/// So long a node knows a session, when nobody tells it that the session has ended.
const SESSION_AGE_MS: &str = "10000";

/// `None` where PostgreSQL or Redis is not at hand.
pub(crate) async fn nodes() -> Option<Nodes> {
    let engine = engines().into_iter().find(|engine| matches!(engine, TestEngine::Postgres(_)))?;
    let redis = RedisServer::start().await?;
    let url = redis.url();
    let scratch = tempfile::tempdir().unwrap();
    let database = Database::create(&engine, scratch.path()).await;
    let start = async |roles: &str| {
        let mut folder = Folder::new();
        folder.database_url = Some(database.url.clone());
        let secret = ("SOCLE_IDENTITY__SECRET", "the nodes of one installation share this secret");
        let age = ("SOCLE_IDENTITY__SESSION_CACHE_MS", SESSION_AGE_MS);
        Server::start_in(folder, &[("SOCLE_REDIS_URL", &url), ("SOCLE_ROLES", roles), secret, age]).await
    };
    let mut a = start("web").await;
    let b = start("web").await;
    let worker = start("worker").await;
    let admin = a.admin().await;
    let me = admin.get("/auth/me").await.expect(200).json();
    let room = format!("workspace:{}", me["workspace"]["id"].as_str().unwrap());
    Some(Nodes { a, b, _worker: worker, redis, admin, room, database })
}

struct Listener(WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>);

impl Listener {
    async fn join(base: &str, token: &str, room: &str, offset: Option<i64>) -> Self {
        let mut request = format!("{}/ws", base.replace("http", "ws")).into_client_request().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let mut listener = Self(connect_async(request).await.unwrap().0);
        assert_eq!(listener.hear().await["type"], "welcome");
        let join = json!({"type": "join", "room": room, "offset": offset});
        listener.0.send(Message::text(join.to_string())).await.unwrap();
        listener
    }

    async fn hear(&mut self) -> Value {
        loop {
            match self.0.next().await.expect("the socket is open").expect("the socket works") {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next changes of settings that are told: the change's id, and the offset.
    async fn changes(&mut self, count: usize) -> Vec<(Value, i64)> {
        let mut changes = Vec::new();
        while changes.len() < count {
            let heard = self.hear().await;
            assert_ne!(heard["type"], "reset", "{heard}");
            if heard["type"] == "event" && heard["topic"] == "settings.changed" {
                changes.push((heard["data"]["change_id"].clone(), heard["offset"].as_i64().unwrap()));
            }
        }
        changes
    }
}

impl Nodes {
    /// The same caller at the other node.
    pub(crate) fn at_b(&self, client: &Client) -> Client {
        Client { base: self.b.base.clone(), ..client.clone() }
    }

    /// Ends the nodes and forgets their database.
    pub(crate) async fn end(self) {
        drop((self.a, self.b, self._worker));
        self.database.drop_database().await;
    }

    fn token(&self) -> &str {
        self.admin.token.as_deref().unwrap()
    }

    /// Things happen on node B: settings change there.
    async fn happen_on_b(&self, count: usize) {
        let b = self.at_b(&self.admin);
        for number in 0..count {
            let value = json!({"value": 200 + (number + 1) % 7});
            b.put("/api/v1/settings/jobs.keep_h", value).await.expect(200);
        }
    }

    /// All changes of settings, the oldest first.
    async fn all_changes(&self) -> Vec<Value> {
        let b = self.at_b(&self.admin);
        let feed = b.get("/api/v1/settings/changes?limit=100").await.expect(200).json();
        feed["items"].as_array().unwrap().iter().rev().map(|item| item["id"].clone()).collect()
    }
}

fn ids(changes: &[(Value, i64)]) -> Vec<Value> {
    changes.iter().map(|(id, _)| id.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_loses_nothing_when_its_node_is_killed() {
    let Some(mut nodes) = nodes().await else { return };
    let mut on_a = Listener::join(&nodes.a.base, nodes.token(), &nodes.room, None).await;
    assert_eq!(on_a.hear().await["type"], "joined");
    nodes.happen_on_b(10).await;
    let mut heard = on_a.changes(10).await;
    let (_, offset) = *heard.last().as_ref().unwrap();
    let offset = *offset;

    // A ticket of one node opens the other, once.
    let ticket = nodes.admin.post("/api/v1/realtime/tickets", json!({})).await.expect(201).json();
    let url =
        format!("{}/ws?ticket={}", nodes.b.base.replace("http", "ws"), ticket["ticket"].as_str().unwrap());
    drop(connect_async(&url).await.unwrap());
    assert!(connect_async(&url).await.is_err(), "a ticket works once");

    let b = nodes.b.base.clone();
    let folder = Folder::new();
    let a = std::mem::replace(&mut nodes.a.folder, folder);
    nodes.a.child.kill().unwrap();
    nodes.happen_on_b(10).await;
    let mut on_b = Listener::join(&b, nodes.token(), &nodes.room, Some(offset)).await;
    nodes.happen_on_b(10).await;
    heard.extend(on_b.changes(20).await);
    assert_eq!(ids(&heard), nodes.all_changes().await, "each once, in order");
    drop(a);

    // Without Redis the nodes find events by looking, and with it again they are told.
    nodes.redis.stop();
    nodes.happen_on_b(5).await;
    let mut more = on_b.changes(5).await;
    nodes.redis.start_again().await;
    nodes.happen_on_b(5).await;
    more.extend(on_b.changes(5).await);
    heard.extend(more);
    assert_eq!(ids(&heard), nodes.all_changes().await);
    nodes.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_cross_nodes_without_redis_too() {
    let Some(mut nodes) = nodes().await else { return };
    let mut on_a = Listener::join(&nodes.a.base, nodes.token(), &nodes.room, None).await;
    assert_eq!(on_a.hear().await["type"], "joined");
    nodes.happen_on_b(3).await;
    let mut heard = on_a.changes(3).await;
    nodes.redis.stop();
    nodes.happen_on_b(10).await;
    heard.extend(on_a.changes(10).await);
    nodes.redis.start_again().await;
    nodes.happen_on_b(10).await;
    heard.extend(on_a.changes(10).await);
    assert_eq!(ids(&heard), nodes.all_changes().await, "each once, in order");
    nodes.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_on_one_node_is_heard_on_the_other() {
    let Some(nodes) = nodes().await else { return };
    let on_a = nodes.a.sign_in(crate::harness::EMAIL).await;
    let on_b = nodes.at_b(&on_a);
    on_b.get("/auth/me").await.expect(200);
    let known = std::time::Instant::now();
    on_a.post("/auth/logout", json!({})).await.expect(204);
    let ended = testkit::eventually("node B hears of the log-out", async || {
        (on_b.get("/auth/me").await.status == 401).then(|| known.elapsed())
    })
    .await;
    // Otherwise it was only the age of what B knew.
    assert!(ended.as_millis() < SESSION_AGE_MS.parse().unwrap(), "{ended:?}");
    nodes.end().await;
}
