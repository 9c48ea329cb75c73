//! What clients of the socket may rely on, on both engines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod listener;
mod nodes;
mod order;
mod reading;
mod rights;

use realtime::Room;
use serde_json::json;
use testkit::{App, Modules, eventually, on_each_engine};

use crate::listener::{Listener, event, workspace};

async fn publish(app: &App, workspace: kernel::WorkspaceId, number: i64, commit: bool) {
    let mut tx = app.platform.db.begin().await.unwrap();
    app.platform.events.publish(&mut tx, &event(workspace, number)).await.unwrap();
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
