//! Who may hear a room is asked again when what somebody may has changed.

use futures::{SinkExt as _, StreamExt as _};
use jobs::Job;
use kernel::{Ctx, WorkspaceId};
use realtime::{Config, Event, Room};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use testkit::{App, Client, Modules, TestConfig, engines};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::listener::{Listener, workspace};

/// Waits for ever: nobody knows how to do it.
#[derive(Serialize, Deserialize)]
struct Waiting {}

impl Job for Waiting {
    const KIND: &'static str = "test.waiting";
}

/// An operator, who may see tasks, and the room of one.
struct Stage {
    admin: Client,
    operator: Client,
    /// Where the administrator changes the operator.
    path: String,
    workspace: WorkspaceId,
    room: Room,
}

impl Stage {
    async fn of(app: &App) -> Self {
        let admin = app.admin().await;
        let operator = app.member("operator").await;
        let me = operator.get("/api/v1/auth/me").await.expect(200).json();
        let workspace = workspace(&admin).await;
        let ctx = Ctx::system("test", workspace, kernel::Clock::now(&*app.clock));
        let mut tx = app.platform.db.begin().await.unwrap();
        let task = app.platform.jobs.enqueue(&mut tx, &ctx, Waiting {}).await.unwrap();
        tx.commit().await.unwrap();
        let path = format!("/api/v1/users/{}", me["id"].as_str().unwrap());
        Self { admin, operator, path, workspace, room: Room::named("task", task) }
    }

    async fn become_a(&self, role: &str) {
        self.admin.patch(&self.path, json!({ "role": role })).await.expect(200);
    }

    async fn publish(&self, app: &App, room: Room, number: i64) {
        let event = Event {
            topic: "test.counted",
            room,
            workspace: self.workspace,
            data: json!({ "number": number }),
        };
        let mut tx = app.platform.db.begin().await.unwrap();
        app.platform.events.publish(&mut tx, &event).await.unwrap();
        tx.commit().await.unwrap();
    }
}

async fn on_each_engine(test: impl AsyncFn(&App)) {
    for engine in engines() {
        eprintln!("engine: {engine:?}");
        let realtime = Config { ping_s: 2, ..Config::default() };
        let config = TestConfig { realtime, ..TestConfig::default() };
        let app = App::start_with(&engine, Modules::NONE, config).await;
        test(&app).await;
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_left_when_the_permission_for_it_goes() {
    on_each_engine(async |app| {
        let stage = Stage::of(app).await;
        let everybody = Room::workspace(stage.workspace);
        let mut listener = Listener::connect(app, &stage.operator).await;
        let join = json!({ "type": "join", "room": stage.room.as_str() });
        listener.say(join.clone()).await;
        assert_eq!(listener.hear_of("joined").await["room"], stage.room.as_str());
        listener.say(json!({ "type": "join", "room": everybody.as_str() })).await;
        assert_eq!(listener.hear_of("joined").await["room"], everybody.as_str());
        stage.publish(app, stage.room.clone(), 1).await;
        assert_eq!(counted(&mut listener).await, json!(1));

        stage.become_a("user").await;
        let refused = listener.hear_of("error").await;
        assert_eq!(
            (&refused["room"], &refused["status"], &refused["error"]),
            (&json!(stage.room.as_str()), &json!(403), &json!("denied")),
            "{refused}"
        );
        assert_eq!(listener.hear_of("left").await["room"], stage.room.as_str());
        stage.publish(app, stage.room.clone(), 2).await;
        stage.publish(app, everybody, 3).await;
        assert_eq!(counted(&mut listener).await, json!(3), "the task's room is heard no more, the other is");
        listener.say(join.clone()).await;
        assert_eq!(listener.hear_of("error").await["status"], 403);

        stage.become_a("operator").await;
        loop {
            listener.say(join.clone()).await;
            let answer = listener.hear().await;
            if answer["type"] == "joined" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    })
    .await;
}

async fn counted(listener: &mut Listener) -> Value {
    loop {
        let heard = listener.hear_of("event").await;
        if heard["topic"] == "test.counted" {
            return heard["data"]["number"].clone();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_socket_io_leaves_it_too() {
    on_each_engine(async |app| {
        let stage = Stage::of(app).await;
        let mut client = Older::connect(app, &stage.operator).await;
        client.join(&stage.room).await;
        stage.publish(app, stage.room.clone(), 1).await;
        assert_eq!(client.event("test.counted").await[1]["number"], 1);

        stage.become_a("user").await;
        let refused = client.event("problem").await;
        assert_eq!(
            (&refused[1]["room"], &refused[1]["status"], &refused[1]["error"]),
            (&json!(stage.room.as_str()), &json!(403), &json!("denied")),
            "{refused}"
        );
        assert_eq!(client.event("left").await[1]["room"], stage.room.as_str());
        stage.publish(app, stage.room.clone(), 2).await;
        // In this one it is from the start.
        stage.publish(app, Room::workspace(stage.workspace), 3).await;
        assert_eq!(client.event("test.counted").await[1]["number"], 3);
    })
    .await;
}

/// A client of Socket.IO over WebSocket, as far as it is needed here.
struct Older(WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>);

impl Older {
    async fn connect(app: &App, client: &Client) -> Self {
        let url = format!("{}/socket.io/?EIO=4&transport=websocket", app.base.replace("http", "ws"));
        let mut request = url.into_client_request().unwrap();
        let token = client.token.as_deref().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let mut older = Self(connect_async(request).await.unwrap().0);
        older.packet("0").await;
        older.0.send(Message::text("40")).await.unwrap();
        older.packet("40").await;
        older
    }

    /// The rest of the next packet that begins so.
    async fn packet(&mut self, kind: &str) -> String {
        loop {
            let Message::Text(text) = self.0.next().await.unwrap().unwrap() else { continue };
            if text == "2" {
                self.0.send(Message::text("3")).await.unwrap();
            } else if let Some(rest) = text.strip_prefix(kind) {
                return rest.to_owned();
            }
        }
    }

    /// The next event of this name: it, and what comes with it.
    async fn event(&mut self, name: &str) -> Value {
        loop {
            let event: Value = serde_json::from_str(&self.packet("42").await).unwrap();
            if event[0] == name {
                return event;
            }
        }
    }

    async fn join(&mut self, room: &Room) {
        let ask = json!(["join", { "room": room.as_str() }]);
        self.0.send(Message::text(format!("421{ask}"))).await.unwrap();
        let answer: Value = serde_json::from_str(&self.packet("431").await).unwrap();
        assert_eq!(answer[0]["room"], room.as_str(), "{answer}");
    }
}
