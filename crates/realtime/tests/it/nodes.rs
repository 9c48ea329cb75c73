//! Two nodes on one database: what one raises, clients of the other hear; who is where is known on both.

use realtime::{Config, Events, Room};
use serde_json::json;
use testkit::{App, Modules, eventually, on_each_engine};
use tokio_util::sync::CancellationToken;

use crate::listener::{Listener, publish, workspace};

/// Another node of the same installation, without a door for clients. On SQLite there is none: `None`.
async fn other_node(app: &App) -> Option<(Events, CancellationToken)> {
    if app.platform.db.engine() == db::Engine::Sqlite {
        return None;
    }
    let (db, clock, redis) = (app.platform.db.clone(), app.clock.clone(), app.platform.redis.clone());
    let node = Events::new(db, clock, Config::default(), redis);
    node.prepare().await.unwrap();
    let stop = app.platform.spawner.token().child_token();
    app.platform.spawner.spawn("another node", node.clone().run(stop.clone()));
    Some((node, stop))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_another_node_is_heard_once() {
    on_each_engine(Modules::NONE, async |app| {
        let Some((node, _stop)) = other_node(app).await else { return };
        let admin = app.admin().await;
        let workspace = workspace(&admin).await;
        let mut listener = Listener::connect(app, &admin).await;
        listener.join(None).await;
        for number in 0..20 {
            let from = if number % 2 == 0 { &node } else { &app.platform.events };
            publish(app, from, workspace, number).await;
        }
        assert_eq!(listener.numbers(20).await, (0..20).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_go_to_nodes_where_somebody_watches() {
    on_each_engine(Modules::NONE, async |app| {
        if !app.platform.redis.is_configured() {
            return; // Frames travel by Redis only.
        }
        let Some((node, _stop)) = other_node(app).await else { return };
        let admin = app.admin().await;
        let room = Room::workspace(workspace(&admin).await);
        assert!(!node.is_watched(&room));
        let mut listener = Listener::connect(app, &admin).await;
        listener.join(None).await;
        eventually("the other node knows who watches", async || node.is_watched(&room).then_some(())).await;
        node.broadcast(&room, "test.frame", &json!({"number": 7}));
        assert_eq!(listener.hear_of("frame").await["data"]["number"], 7);
        drop(listener);
        eventually("nobody watches any more", async || (!node.is_watched(&room)).then_some(())).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_here_is_told_to_those_who_ask() {
    on_each_engine(Modules::NONE, async |app| {
        let admin = app.admin().await;
        let mut first = Listener::connect(app, &admin).await;
        let joined = first.join_with(json!({"presence": true})).await;
        assert_eq!(
            (joined["type"].as_str(), joined["presence"].as_i64()),
            (Some("joined"), Some(1)),
            "{joined}"
        );
        assert_eq!(first.hear_of("presence").await["connections"], 1);

        let operator = app.member("operator").await;
        let mut second = Listener::connect(app, &operator).await;
        assert_eq!(second.join(None).await["presence"], 2);
        let told = first.hear_of("presence").await;
        assert_eq!(
            (told["connections"].as_i64(), told["users"].as_array().unwrap().len()),
            (Some(2), 2),
            "{told}"
        );
        let room = second.room.clone();
        second.say(json!({"type": "who", "room": room})).await;
        let who = second.hear().await;
        assert_eq!(who["users"], told["users"], "{who}");
        assert!(who["users"].as_array().unwrap().contains(&second.welcome["user"]), "{who}");

        // In other rooms only how many; and nothing of rooms that one is not in.
        let own = format!("user:{}", second.welcome["user"].as_str().unwrap());
        second.say(json!({"type": "who", "room": own})).await;
        assert_eq!(second.hear().await["error"], "realtime.not-joined");
        second.say(json!({"type": "join", "room": own})).await;
        assert_eq!(second.hear().await["type"], "joined");
        second.say(json!({"type": "who", "room": own})).await;
        let who = second.hear().await;
        assert_eq!((who["connections"].as_i64(), who.get("users")), (Some(1), None), "{who}");

        drop(second);
        assert_eq!(first.hear_of("presence").await["connections"], 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_node_said_does_not_count() {
    on_each_engine(Modules::NONE, async |app| {
        let Some((_node, _stop)) = other_node(app).await else { return };
        let admin = app.admin().await;
        let room = Room::workspace(workspace(&admin).await);
        // Two that said so: one lives, one has been silent for a minute.
        let mut tx = app.platform.db.begin().await.unwrap();
        let now = "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT";
        for (node, age_s) in [("alive", 0), ("dead", 59)] {
            let seen =
                format!("INSERT INTO realtime_nodes (id, seen_at) VALUES ($1, {now} - {age_s} * 1000000)");
            tx.query_built(seen).bind(node).execute().await.unwrap();
            tx.query(
                "INSERT INTO realtime_presence (node_id, room, connections, users) VALUES ($1, $2, 10, '[]')",
            )
            .bind(node)
            .bind(room.as_str())
            .execute()
            .await
            .unwrap();
        }
        tx.commit().await.unwrap();
        let mut listener = Listener::connect(app, &admin).await;
        assert_eq!(listener.join(None).await["presence"], 11);
    })
    .await;
}
