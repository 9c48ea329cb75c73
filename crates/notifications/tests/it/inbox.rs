use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use platform::{Level, Message, Notify, Recipients, Words};
use serde_json::{Value, json};
use testkit::{TestConfig, eventually, on_each_engine};
use tokio_tungstenite::tungstenite;

use crate::helpers::{LOUD, MODULES, QUIET, choice, notify, on_each_engine_with, prefer, somebody};

const LIST: &str = "/api/v1/notifications";

#[tokio::test(flavor = "multi_thread")]
async fn people_read_what_they_were_told_and_nobody_else_does() {
    on_each_engine(MODULES, async |app| {
        let ada = somebody(app.admin().await).await;
        let other = somebody(app.member("user").await).await;
        let stranger = somebody(app.admin_elsewhere().await).await;
        let seen = Notify::new(Recipients::User(ada.id), QUIET)
            .level(Level::Warning)
            .link("/surveillance")
            .param("what", "a <b>cat</b>");
        assert_eq!(notify(app, ada.workspace, seen).await, json!({ "in_app": 1, "email": 0 }));
        app.clock.advance(Duration::from_secs(1));
        notify(app, ada.workspace, Notify::new(Recipients::User(ada.id), QUIET).param("what", "a dog")).await;

        let list = ada.client.get(LIST).await.expect(200).json();
        let items = list["items"].as_array().unwrap();
        assert_eq!(items.len(), 2);
        assert_eq!(items[1]["title"], "a <b>cat</b> seen");
        assert_eq!(items[1]["level"], "warning");
        assert_eq!(items[1]["link"], "/surveillance");
        assert_eq!((&items[0]["read_at"], &items[0]["link"]), (&Value::Null, &Value::Null));
        let french = ada.client.request(reqwest::Method::GET, LIST).header("accept-language", "fr");
        let french = ada.client.finish(LIST, french).await.expect(200).json();
        assert_eq!(french["items"][0]["title"], "a dog aperçu à l'entrée");

        // One at a time.
        let page = ada.client.get(&format!("{LIST}?limit=1")).await.expect(200).json();
        let next = page["next_cursor"].as_str().unwrap();
        let page = ada.client.get(&format!("{LIST}?limit=1&cursor={next}")).await.expect(200).json();
        assert_eq!((&page["items"][0]["id"], &page["next_cursor"]), (&items[1]["id"], &Value::Null));

        let count = async || {
            ada.client.get(&format!("{LIST}/unread_count")).await.expect(200).json()["count"].clone()
        };
        assert_eq!(count().await, 2);
        let first = items[0]["id"].as_str().unwrap();
        for _ in 0..2 {
            let read = ada.client.post(&format!("{LIST}/{first}/read"), json!({})).await.expect(200).json();
            assert!(read["read_at"].is_string());
        }
        assert_eq!(count().await, 1);
        let unread = ada.client.get(&format!("{LIST}?unread=true")).await.expect(200).json();
        assert_eq!(unread["items"].as_array().unwrap().len(), 1);

        // Others see none of it, and can do nothing to it.
        for person in [&other, &stranger] {
            assert_eq!(person.client.get(LIST).await.expect(200).json()["items"], json!([]));
            person.client.post(&format!("{LIST}/{first}/read"), json!({})).await.expect(404);
            person.client.delete(&format!("{LIST}/{first}")).await.expect(404);
        }
        assert_eq!(
            ada.client.post(&format!("{LIST}/read_all"), json!({})).await.expect(200).json()["count"],
            0
        );
        assert_eq!(count().await, 0);
        ada.client.delete(&format!("{LIST}/{first}")).await.expect(204);
        ada.client.delete(&format!("{LIST}/{first}")).await.expect(404);
        assert_eq!(ada.client.get(LIST).await.expect(200).json()["items"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_whom_it_is_for_are_told() {
    on_each_engine(MODULES, async |app| {
        let ada = somebody(app.admin().await).await;
        let operator = somebody(app.member("operator").await).await;
        let student = somebody(app.member("student").await).await;
        let gone = somebody(app.member("operator").await).await;
        ada.client
            .patch(&format!("/api/v1/users/{}", gone.id), json!({ "is_active": false }))
            .await
            .expect(200);
        let told = async |to: Recipients| {
            let message = Message::Text { title: Words::new("x", "x"), body: Words::default() };
            let told = notify(app, ada.workspace, Notify { message, ..Notify::new(to, QUIET) }).await;
            told["in_app"].as_u64().unwrap()
        };
        // The administrator holds everything; who is disabled is told nothing.
        assert_eq!(told(Recipients::Permission("surveillance.cameras.write".to_owned())).await, 2);
        assert_eq!(told(Recipients::Role("operator".to_owned())).await, 1);
        assert_eq!(told(Recipients::Workspace).await, 3);
        assert_eq!(told(Recipients::User(gone.id)).await, 0);
        let foreign = somebody(app.admin_elsewhere().await).await;
        assert_eq!(told(Recipients::User(foreign.id)).await, 0, "no member of this workspace");
        let count = async |client: &testkit::Client| {
            client.get("/api/v1/notifications/unread_count").await.expect(200).json()["count"].clone()
        };
        assert_eq!(count(&ada.client).await, 2);
        assert_eq!(count(&operator.client).await, 3);
        assert_eq!(count(&student.client).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_told_fails_its_task() {
    on_each_engine(MODULES, async |app| {
        let ada = somebody(app.admin().await).await;
        let to = || Recipients::User(ada.id);
        let wrong = [
            Notify::new(to(), "test.unknown").param("what", "x"),
            Notify::new(to(), QUIET),
            Notify::new(to(), QUIET).param("what", "x").link("https://example.org"),
        ];
        for job in wrong {
            let mut tx = app.platform.db.begin().await.unwrap();
            let ctx = crate::helpers::ctx(app, ada.workspace);
            let task = app.platform.jobs.enqueue(&mut tx, &ctx, job).await.unwrap();
            tx.commit().await.unwrap();
            let path = format!("/api/v1/tasks/{task}");
            let task = eventually("it fails", async || {
                let task = ada.client.get(&path).await.expect(200).json();
                (task["state"] == "failed").then_some(task)
            })
            .await;
            assert_eq!(task["problem"]["error"], "notifications.message", "{task}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn preferences_are_checked_and_kept() {
    on_each_engine(MODULES, async |app| {
        let ada = somebody(app.admin().await).await;
        let path = "/api/v1/notifications/preferences";
        let start = ada.client.get(path).await.expect(200).json();
        let topic = |preferences: &Value, name: &str| {
            let topics = preferences["topics"].as_array().unwrap().clone();
            topics.into_iter().find(|topic| topic["topic"] == name).unwrap()
        };
        assert_eq!(topic(&start, LOUD), json!({ "topic": LOUD, "title": "A test", "in_app": true, "email": true }));
        assert_eq!(topic(&start, QUIET)["email"], false);
        let rest = json!({ "digest": "off", "digest_at": "08:00", "quiet_from": null, "quiet_to": null, "time_zone": "UTC" });
        for (key, value) in rest.as_object().unwrap() {
            assert_eq!(&start[key], value, "{key}");
        }

        let change = json!({
            "topics": [choice(QUIET, false, true)],
            "digest": "daily", "digest_at": "18:30", "quiet_from": "22:00", "quiet_to": "06:15",
            "time_zone": "Europe/Paris",
        });
        let kept = prefer(&ada.client, change).await;
        assert_eq!(kept, ada.client.get(path).await.expect(200).json());
        assert_eq!((&topic(&kept, QUIET)["in_app"], &topic(&kept, QUIET)["email"]), (&json!(false), &json!(true)));
        assert_eq!(topic(&kept, LOUD)["email"], true, "what is left out follows its default");
        assert_eq!((&kept["digest_at"], &kept["quiet_to"]), (&json!("18:30"), &json!("06:15")));

        let check = async |change: Value, pointers: &[&str]| {
            let mut body = start.clone();
            for (key, value) in change.as_object().unwrap() {
                body[key] = value.clone();
            }
            let answer = ada.client.put(path, body).await.expect(422).json();
            let found: Vec<_> =
                answer["errors"].as_array().unwrap().iter().map(|fault| fault["pointer"].as_str().unwrap()).collect();
            assert_eq!(found, pointers, "{answer}");
        };
        check(json!({ "time_zone": "Mars/Olympus" }), &["/time_zone"]).await;
        check(json!({ "digest_at": "8 o'clock", "quiet_from": "25:00", "time_zone": "" }), &[
            "/digest_at", "/quiet_from", "/quiet_to", "/time_zone",
        ])
        .await;
        check(json!({ "topics": [choice("test.unknown", true, true)] }), &["/topics/0/topic"]).await;
        check(json!({ "digest": "weekly" }), &["/digest"]).await;

        // Not told where they do not want it.
        let told = notify(app, ada.workspace, Notify::new(Recipients::User(ada.id), QUIET).param("what", "x")).await;
        assert_eq!(told, json!({ "in_app": 0, "email": 1 }));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_persons_room_hears_of_it_at_once() {
    on_each_engine(MODULES, async |app| {
        let ada = somebody(app.admin().await).await;
        let ticket = ada.client.post("/api/v1/realtime/tickets", json!({})).await;
        let ticket = ticket.json()["ticket"].as_str().expect("a ticket").to_owned();
        let url = format!("{}/ws?ticket={ticket}", app.base.replacen("http", "ws", 1));
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let join = json!({ "type": "join", "room": format!("user:{}", ada.id) }).to_string();
        socket.send(tungstenite::Message::text(join)).await.unwrap();
        let mut next = async |kind: &str| loop {
            let message =
                tokio::time::timeout(Duration::from_secs(20), socket.next()).await.unwrap().unwrap().unwrap();
            let Ok(text) = message.into_text() else { continue };
            let Ok(value) = serde_json::from_str::<Value>(&text) else { continue };
            if value["type"] == kind {
                return value;
            }
        };
        next("joined").await;
        notify(app, ada.workspace, Notify::new(Recipients::User(ada.id), QUIET).param("what", "x")).await;
        let event = next("event").await;
        assert_eq!(
            (&event["topic"], &event["data"]["unread_count"]),
            (&json!("notifications.created"), &json!(1))
        );
        let id = event["data"]["id"].as_str().unwrap();
        ada.client.post(&format!("{LIST}/{id}/read"), json!({})).await.expect(200);
        let event = next("event").await;
        assert_eq!(
            (&event["topic"], &event["data"]["unread_count"]),
            (&json!("notifications.read"), &json!(0))
        );
        assert_eq!(event["data"]["id"], id);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_hear_of_tasks_that_failed() {
    on_each_engine_with(TestConfig::default, async |app| {
        let ada = somebody(app.admin().await).await;
        let student = somebody(app.member("student").await).await;
        let mut tx = app.platform.db.begin().await.unwrap();
        let ctx = crate::helpers::ctx(app, ada.workspace);
        for _ in 0..3 {
            app.platform.jobs.enqueue(&mut tx, &ctx, crate::helpers::Doomed {}).await.unwrap();
        }
        tx.commit().await.unwrap();
        let items = eventually("the failure is told", async || {
            // They wait a moment for others of their kind.
            app.clock.advance(Duration::from_secs(11));
            let items = ada.client.get(LIST).await.expect(200).json()["items"].clone();
            (items.as_array().unwrap().iter().any(|item| item["topic"] == "notifications.task_failed"))
                .then_some(items)
        })
        .await;
        assert_eq!(items[0]["title"], "The task test.doomed failed");
        assert_eq!((&items[0]["level"], &items[0]["body"]), (&json!("error"), &json!("it had to be")));
        assert_eq!(student.client.get(LIST).await.expect(200).json()["items"], json!([]));
    })
    .await;
}
