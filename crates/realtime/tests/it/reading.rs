//! How far clients have read, what an administrator may read, and what the socket refuses.

use futures::{SinkExt as _, StreamExt as _};
use realtime::{Event, Room};
use serde_json::{Value, json};
use testkit::{App, Client, Modules, eventually, on_each_engine};
use tokio_tungstenite::tungstenite::Message;

use crate::listener::{Listener, publish, workspace};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_a_name_goes_on_where_it_acknowledged() {
    on_each_engine(Modules::NONE, async |app| {
        let admin = app.admin().await;
        let workspace = workspace(&admin).await;
        let mut phone = Listener::connect_as(app, &admin, "?client=phone").await;
        assert!(phone.welcome.get("acked").is_none());
        // Never here before: from now on.
        assert_eq!(phone.join_with(json!({"resume": true})).await["type"], "joined");
        publish(app, &app.platform.events, workspace, 1).await;
        publish(app, &app.platform.events, workspace, 2).await;
        let first = phone.hear_of("event").await["offset"].as_i64().unwrap();
        phone.hear_of("event").await;
        phone.say(json!({"type": "ack", "offset": first})).await;
        // What was never delivered cannot have been read.
        phone.say(json!({"type": "ack", "offset": i64::MAX})).await;
        phone.socket.close(None).await.unwrap();
        while phone.socket.next().await.is_some() {}

        let mut back = eventually("the acknowledgement is written", async || {
            let back = Listener::connect_as(app, &admin, "?client=phone").await;
            (back.welcome["acked"] == first).then_some(back)
        })
        .await;
        back.say(json!({"type": "join", "room": back.room, "resume": true})).await;
        assert_eq!(back.numbers(1).await, [2]);
        // Another client of the same user, and one without a name, have read nothing.
        for query in ["?client=tablet", ""] {
            assert!(Listener::connect_as(app, &admin, query).await.welcome.get("acked").is_none());
        }
        admin.get("/ws?client=with%20space").await.expect(400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_reads_what_was_told_lately() {
    on_each_engine(Modules::NONE, async |app| {
        let admin = app.admin().await;
        let workspace = workspace(&admin).await;
        for number in 0..5 {
            publish(app, &app.platform.events, workspace, number).await;
        }
        let me = admin.get("/api/v1/auth/me").await.expect(200).json();
        for (user, topic) in [(me["id"].as_str().unwrap(), "test.mine"), ("usr_x", "test.theirs")] {
            let room = Room::named("user", user);
            let event = Event { topic, room, workspace, data: json!({"secret": true}) };
            let mut tx = app.platform.db.begin().await.unwrap();
            app.platform.events.publish(&mut tx, &event).await.unwrap();
            tx.commit().await.unwrap();
        }
        let path = "/api/v1/realtime/events";
        let all = admin.get(&format!("{path}?limit=100")).await.expect(200).json();
        let topics: Vec<_> = all["items"].as_array().unwrap().iter().map(|item| &item["topic"]).collect();
        assert_eq!(topics[0], "test.mine", "{all}");
        assert!(!topics.contains(&&json!("test.theirs")), "{all}");

        let mut numbers = Vec::new();
        let mut cursor = String::new();
        loop {
            let page =
                admin.get(&format!("{path}?limit=2&topic=test.counted{cursor}")).await.expect(200).json();
            numbers
                .extend(page["items"].as_array().unwrap().iter().map(|item| item["data"]["number"].clone()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(Value::from(numbers), json!([4, 3, 2, 1, 0]));
        admin.get(&format!("{path}?limit=101")).await.expect(400);
        admin.get(&format!("{path}?cursor=nonsense")).await.expect(400);
        app.member("operator").await.get(path).await.expect(403);
        let elsewhere = app.admin_elsewhere().await.get(path).await.expect(200).json();
        assert_eq!(
            elsewhere["items"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|item| item["topic"] == "test.counted")
                .count(),
            0
        );
    })
    .await;
}

/// The code with which the server closes after this was sent.
async fn closed_after(app: &App, client: &Client, messages: Vec<Message>) -> Option<u16> {
    let mut listener = Listener::connect(app, client).await;
    for message in messages {
        // The server may have closed half-way: its reason can still be read.
        if listener.socket.send(message).await.is_err() {
            break;
        }
    }
    loop {
        match listener.socket.next().await? {
            Ok(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
            Ok(_) => {}
            Err(_) => return None,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_is_refused_with_a_reason() {
    on_each_engine(Modules::NONE, async |app| {
        let admin = app.admin().await;
        let large = Message::text("x".repeat(64 * 1024 + 1));
        assert_eq!(closed_after(app, &admin, vec![large]).await, Some(1009));
        let ping = || Message::text(json!({"type": "ping"}).to_string());
        let flood = std::iter::repeat_with(ping).take(2_000).collect();
        assert_eq!(closed_after(app, &admin, flood).await, Some(4429));
    })
    .await;
}
