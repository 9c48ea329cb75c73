use futures::{SinkExt as _, StreamExt as _};
use kernel::WorkspaceId;
use realtime::{Event, Events, Room};
use serde_json::{Value, json};
use testkit::{App, Client};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

/// A client of `/ws`, for its workspace's room.
pub(crate) struct Listener {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>,
    pub(crate) welcome: Value,
    pub(crate) room: String,
}

impl Listener {
    pub(crate) async fn connect(app: &App, client: &Client) -> Self {
        Self::connect_as(app, client, "").await
    }

    /// `query`: such as `?client=phone`.
    pub(crate) async fn connect_as(app: &App, client: &Client, query: &str) -> Self {
        let url = format!("{}/ws{query}", app.base.replace("http", "ws"));
        let mut request = url.into_client_request().unwrap();
        let token = client.token.as_deref().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let (socket, _) = connect_async(request).await.unwrap();
        let mut listener = Self { socket, welcome: Value::Null, room: String::new() };
        listener.welcome = listener.hear().await;
        listener.room = format!("workspace:{}", listener.welcome["workspace"].as_str().unwrap());
        listener
    }

    pub(crate) async fn hear(&mut self) -> Value {
        loop {
            match self.socket.next().await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next message of this type; what else comes is passed over.
    pub(crate) async fn hear_of(&mut self, kind: &str) -> Value {
        loop {
            let heard = self.hear().await;
            if heard["type"] == kind {
                return heard;
            }
        }
    }

    /// The numbers of the next events.
    pub(crate) async fn numbers(&mut self, count: usize) -> Vec<i64> {
        let mut numbers = Vec::new();
        let mut last = 0;
        while numbers.len() < count {
            let heard = self.hear_of("event").await;
            let offset = heard["offset"].as_i64().unwrap();
            assert!(offset > last, "offsets go up: {heard} after {last}");
            last = offset;
            numbers.push(heard["data"]["number"].as_i64().unwrap());
        }
        numbers
    }

    pub(crate) async fn say(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    pub(crate) async fn join(&mut self, offset: Option<i64>) -> Value {
        self.join_with(json!({"offset": offset})).await
    }

    /// Joins with more in the message; gives the answer.
    pub(crate) async fn join_with(&mut self, more: Value) -> Value {
        let mut message = json!({"type": "join", "room": self.room});
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.say(message).await;
        self.hear().await
    }
}

pub(crate) async fn workspace(client: &Client) -> WorkspaceId {
    let me = client.get("/api/v1/auth/me").await.expect(200).json();
    me["workspace"]["id"].as_str().unwrap().parse().unwrap()
}

pub(crate) fn event(workspace: WorkspaceId, number: i64) -> Event {
    let room = Room::workspace(workspace);
    Event { topic: "test.counted", room, workspace, data: json!({"number": number}) }
}

/// In a transaction of its own.
pub(crate) async fn publish(app: &App, events: &Events, workspace: WorkspaceId, number: i64) {
    let mut tx = app.platform.db.begin().await.unwrap();
    events.publish(&mut tx, &event(workspace, number)).await.unwrap();
    tx.commit().await.unwrap();
}
