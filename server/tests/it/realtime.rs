//! The realtime channel: who may join, and what a client that was away still gets.

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::harness::{Folder, Server};

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

async fn connect(server: &Server, token: &str) -> Socket {
    let mut request = format!("{}/ws", server.base.replace("http", "ws")).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    connect_async(request).await.unwrap().0
}

async fn hear(socket: &mut Socket) -> Value {
    loop {
        match socket.next().await.expect("the socket is open").expect("the socket works") {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn say(socket: &mut Socket, message: Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_are_guarded() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let me = admin.get("/auth/me").await.json();
    let mut socket = connect(&server, admin.token.as_deref().unwrap()).await;
    let welcome = hear(&mut socket).await;
    assert_eq!(welcome["type"], "welcome");
    assert_eq!(welcome["user"], me["id"]);
    let own = format!("workspace:{}", me["workspace"]["id"].as_str().unwrap());
    say(&mut socket, json!({"type": "join", "room": own})).await;
    assert_eq!(hear(&mut socket).await["type"], "joined");
    for (room, status) in [
        ("workspace:ws_00000000000000000000000000", 403),
        ("user:usr_00000000000000000000000000", 403),
        ("camera:cam_00000000000000000000000000", 404),
        ("task:task_00000000000000000000000000", 404),
        ("kitchen:1", 404),
        ("nonsense", 404),
    ] {
        say(&mut socket, json!({"type": "join", "room": room})).await;
        let answer = hear(&mut socket).await;
        assert_eq!(
            (answer["type"].as_str(), answer["status"].as_u64()),
            (Some("error"), Some(status)),
            "{room}: {answer}"
        );
    }
    say(&mut socket, json!({"type": "shout"})).await;
    assert_eq!(hear(&mut socket).await["error"], "realtime.message");
    say(&mut socket, json!({"type": "ping"})).await;
    assert_eq!(hear(&mut socket).await["type"], "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_foreign_pages_cannot_connect() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    server.stranger().get("/ws").await.expect(401);
    server.stranger().get("/ws?ticket=nonsense").await.expect(401);
    let answer = admin.get("/ws").await.expect(426);
    assert_eq!((answer.header("upgrade"), answer.header("connection")), ("websocket", "Upgrade"));
    assert_eq!(answer.json()["title"], "Upgrade Required");

    let ticket = admin.post("/api/v1/realtime/tickets", json!({})).await.expect(201).json();
    let url =
        format!("{}/ws?ticket={}", server.base.replace("http", "ws"), ticket["ticket"].as_str().unwrap());
    let mut socket = connect_async(&url).await.unwrap().0;
    assert_eq!(hear(&mut socket).await["type"], "welcome");
    assert!(connect_async(&url).await.is_err(), "a ticket works once");
}

/// The next `count` changes of settings that are told: the changes' ids, and the last offset.
async fn changes(socket: &mut Socket, count: usize) -> (Vec<Value>, i64) {
    let (mut ids, mut offset) = (Vec::new(), 0);
    while ids.len() < count {
        let heard = hear(socket).await;
        assert_ne!(heard["type"], "reset", "{heard}");
        if heard["topic"] == "settings.changed" {
            ids.push(heard["data"]["change_id"].clone());
            offset = heard["offset"].as_i64().unwrap();
        }
    }
    (ids, offset)
}

async fn change_settings(admin: &testkit::Client, values: std::ops::Range<u32>) {
    for value in values {
        admin.put("/api/v1/settings/jobs.keep_h", json!({ "value": value })).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_resumes_where_it_was_after_the_server_was_killed() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let me = admin.get("/auth/me").await.json();
    let room = format!("workspace:{}", me["workspace"]["id"].as_str().unwrap());
    let mut socket = connect(&server, admin.token.as_deref().unwrap()).await;
    say(&mut socket, json!({"type": "join", "room": room})).await;
    while hear(&mut socket).await["type"] != "joined" {}
    change_settings(&admin, 200..205).await;
    let (mut heard, offset) = changes(&mut socket, 5).await;
    change_settings(&admin, 205..210).await;

    let server = Server::start_in(server.kill(), &[]).await;
    let admin = testkit::Client { base: server.base.clone(), ..admin };
    change_settings(&admin, 210..215).await;
    let mut socket = connect(&server, admin.token.as_deref().unwrap()).await;
    say(&mut socket, json!({"type": "join", "room": room, "offset": offset})).await;
    change_settings(&admin, 215..220).await;
    heard.extend(changes(&mut socket, 15).await.0);
    let all = admin.get("/api/v1/settings/changes?limit=100").await.expect(200).json();
    let all: Vec<_> = all["items"].as_array().unwrap().iter().rev().map(|item| item["id"].clone()).collect();
    assert_eq!(heard, all, "each once, in order");
}

/// A poll that waits for news is neither slow nor late, also when its client answers no ping and the session ends by that.
#[tokio::test(flavor = "multi_thread")]
async fn long_polls_are_no_latency_and_no_timeout() {
    const METRICS: &str = "a token for prometheus";
    let settings = [
        ("SOCLE_HTTP__TIMEOUT_S", "1"),
        ("SOCLE_HTTP__METRICS_TOKEN", METRICS),
        ("SOCLE_REALTIME__PING_S", "1"),
    ];
    let mut server = Server::start_in(Folder::new(), &settings).await;
    let admin = server.admin().await;
    let http = reqwest::Client::new();
    let door = format!("{}/socket.io/?EIO=4&transport=polling", server.base);
    let open = http.get(&door).send().await.unwrap().text().await.unwrap();
    let open: Value = serde_json::from_str(open.trim_start_matches('0')).unwrap();
    let session = format!("{door}&sid={}", open["sid"].as_str().unwrap());
    let connect = format!("40{}", json!({"token": admin.token}));
    assert_eq!(http.post(&session).body(connect).send().await.unwrap().status(), 200);
    // Until the session is over, since nobody answers its pings: the last poll outlasts `http.timeout_s`.
    let mut polls = 0;
    loop {
        let answer = http.get(&session).send().await.unwrap();
        if answer.status() == 400 {
            break;
        }
        assert_eq!(answer.status(), 200);
        polls += 1;
    }
    assert!(polls >= 2, "a ping, and the end: {polls}");
    let metrics = http.get(format!("{}/metrics", server.base)).bearer_auth(METRICS);
    let text = metrics.send().await.unwrap().text().await.unwrap();
    let of = |name: &str| text.lines().filter(|line| line.starts_with(name)).collect::<Vec<_>>().join("\n");
    let requests = of("http_requests_total");
    assert!(requests.contains("route=\"/socket.io/\"") && !requests.contains("status=\"504\""), "{requests}");
    let gets = of("http_request_duration_seconds_count");
    let polls = gets.lines().filter(|line| line.contains("socket.io") && line.contains("GET"));
    assert_eq!(polls.count(), 0, "{gets}");
    assert!(gets.contains("/auth/login"), "{gets}");
}
