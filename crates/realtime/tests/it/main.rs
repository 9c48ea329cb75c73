//! What clients of the socket may rely on, on both engines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use futures::{SinkExt as _, StreamExt as _};
use kernel::WorkspaceId;
use realtime::{Event, Room};
use serde_json::{Value, json};
use testkit::{App, Client, Modules, eventually, on_each_engine};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

struct Listener {
    socket: WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>,
    room: String,
}

impl Listener {
    async fn connect(app: &App, client: &Client) -> Self {
        let mut request = format!("{}/ws", app.base.replace("http", "ws")).into_client_request().unwrap();
        let token = client.token.as_deref().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let (socket, _) = connect_async(request).await.unwrap();
        let mut listener = Self { socket, room: String::new() };
        let welcome = listener.hear().await;
        listener.room = format!("workspace:{}", welcome["workspace"].as_str().unwrap());
        listener
    }

    async fn hear(&mut self) -> Value {
        loop {
            match self.socket.next().await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn say(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn join(&mut self, offset: Option<i64>) -> Value {
        let room = self.room.clone();
        self.say(json!({"type": "join", "room": room, "offset": offset})).await;
        self.hear().await
    }
}

async fn workspace(client: &Client) -> WorkspaceId {
    let me = client.get("/api/v1/auth/me").await.expect(200).json();
    me["workspace"]["id"].as_str().unwrap().parse().unwrap()
}

async fn publish(app: &App, workspace: WorkspaceId, number: i64, commit: bool) {
    let mut tx = app.platform.db.begin().await.unwrap();
    let event = Event {
        topic: "test.counted",
        room: Room::workspace(workspace),
        workspace,
        data: json!({"number": number}),
    };
    app.platform.events.publish(&mut tx, &event).await.unwrap();
    if commit {
        tx.commit().await.unwrap();
    } else {
        tx.rollback().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_commits_is_heard_once_and_in_order() {
    on_each_engine(Modules::NONE, async |app| {
        let admin = app.admin().await;
        let workspace = workspace(&admin).await;
        let mut listener = Listener::connect(app, &admin).await;
        assert_eq!(listener.join(None).await["type"], "joined");
        for number in 0..50 {
            publish(app, workspace, number, number % 5 != 0).await;
        }
        let mut last = 0;
        for number in (0..50).filter(|number| number % 5 != 0) {
            let heard = listener.hear().await;
            assert_eq!(
                (heard["topic"].as_str(), heard["data"]["number"].as_i64()),
                (Some("test.counted"), Some(number))
            );
            let offset = heard["offset"].as_i64().unwrap();
            assert!(offset > last);
            last = offset;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_was_away_gets_what_it_missed_and_nothing_twice() {
    on_each_engine(Modules::NONE, async |app| {
        let admin = app.admin().await;
        let workspace = workspace(&admin).await;
        let mut listener = Listener::connect(app, &admin).await;
        listener.join(None).await;
        publish(app, workspace, 1, true).await;
        let seen = listener.hear().await["offset"].as_i64().unwrap();
        drop(listener);

        publish(app, workspace, 2, true).await;
        publish(app, workspace, 3, true).await;
        let mut back = Listener::connect(app, &admin).await;
        let room = back.room.clone();
        back.say(json!({"type": "join", "room": room, "offset": seen})).await;
        publish(app, workspace, 4, true).await;
        let mut numbers = Vec::new();
        while numbers.len() < 3 {
            let heard = back.hear().await;
            if heard["type"] == "event" {
                numbers.push(heard["data"]["number"].as_i64().unwrap());
            }
        }
        assert_eq!(numbers, [2, 3, 4]);
        back.say(json!({"type": "ping"})).await;
        assert!(
            ["pong", "joined"].contains(&back.hear().await["type"].as_str().unwrap()),
            "nothing comes twice"
        );

        // An offset of another installation cannot be resumed.
        let mut lost = Listener::connect(app, &admin).await;
        assert_eq!(lost.join(Some(i64::MAX)).await["type"], "reset");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_workspaces_hear_nothing() {
    on_each_engine(Modules::NONE, async |app| {
        let admin = app.admin().await;
        let here = workspace(&admin).await;
        let foreign = app.admin_elsewhere().await;
        let mut listener = Listener::connect(app, &foreign).await;
        listener.say(json!({"type": "join", "room": format!("workspace:{here}")})).await;
        assert_eq!(listener.hear().await["status"], 403);
        assert_eq!(listener.join(None).await["type"], "joined");
        publish(app, here, 1, true).await;
        publish(app, workspace(&foreign).await, 2, true).await;
        assert_eq!(listener.hear().await["data"]["number"], 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_reach_only_those_who_watch() {
    on_each_engine(Modules::NONE, async |app| {
        let admin = app.admin().await;
        let room = Room::workspace(workspace(&admin).await);
        app.platform.events.broadcast(&room, "test.frame", &json!({"lost": true}));
        let mut listener = Listener::connect(app, &admin).await;
        listener.join(None).await;
        assert_eq!(app.platform.events.watchers(&room), 1);
        app.platform.events.broadcast(&room, "test.frame", &json!({"number": 1}));
        let heard = listener.hear().await;
        assert_eq!((heard["type"].as_str(), heard["data"]["number"].as_i64()), (Some("frame"), Some(1)));
        assert!(heard.get("offset").is_none());
        drop(listener);
        eventually("the room is empty", async || (app.platform.events.watchers(&room) == 0).then_some(()))
            .await;
    })
    .await;
}
