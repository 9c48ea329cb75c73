//! Offsets are read in order, whoever commits first.

use std::time::Duration;

use db::Engine;
use testkit::{Modules, on_each_engine};

use crate::listener::{Listener, event, publish, workspace};

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_at_once_lose_no_event() {
    on_each_engine(Modules::NONE, async |app| {
        let admin = app.admin().await;
        let workspace = workspace(&admin).await;
        let mut listener = Listener::connect(app, &admin).await;
        listener.join(None).await;
        let writers = (0..6_i64).map(|writer| {
            let (db, events) = (app.platform.db.clone(), app.platform.events.clone());
            app.platform.spawner.spawn("writer", async move {
                for turn in 0..20 {
                    let mut tx = db.begin().await.unwrap();
                    events.publish(&mut tx, &event(workspace, writer * 100 + turn)).await.unwrap();
                    // Some take their time between their position and their commit, and some take it all back.
                    tokio::time::sleep(Duration::from_millis(((writer + turn) % 5 * 7).unsigned_abs())).await;
                    if turn % 4 == 3 {
                        tx.rollback().await.unwrap();
                    } else {
                        tx.commit().await.unwrap();
                    }
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        let mut heard = listener.numbers(6 * 15).await;
        for writer in writers {
            writer.await.unwrap();
        }
        heard.sort_unstable();
        let expected: Vec<_> = (0..6)
            .flat_map(|writer| (0..20).filter(|turn| turn % 4 != 3).map(move |turn| writer * 100 + turn))
            .collect();
        assert_eq!(heard, expected);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_transaction_is_waited_for() {
    on_each_engine(Modules::NONE, async |app| {
        if app.platform.db.engine() == Engine::Sqlite {
            return; // One writer: there is no slow one beside a fast one.
        }
        let admin = app.admin().await;
        let workspace = workspace(&admin).await;
        let events = &app.platform.events;
        let mut listener = Listener::connect(app, &admin).await;
        listener.join(None).await;
        publish(app, events, workspace, 0).await;
        let seen = listener.hear().await["offset"].as_i64().unwrap();

        let mut slow = app.platform.db.begin().await.unwrap();
        events.publish(&mut slow, &event(workspace, 1)).await.unwrap();
        publish(app, events, workspace, 2).await;
        // Comes back while the slow one is open: what it has not seen is before and after what is committed.
        let mut back = Listener::connect(app, &admin).await;
        assert_eq!(back.join(Some(seen)).await["type"], "joined");
        // A node that starts now must not begin behind what is still open.
        let late = realtime::Events::new(
            app.platform.db.clone(),
            app.clock.clone(),
            realtime::Config::default(),
            redislink::RedisLink::none(),
        );
        late.prepare().await.unwrap();
        slow.commit().await.unwrap();
        assert_eq!(listener.numbers(2).await, [1, 2]);
        assert_eq!(back.numbers(2).await, [1, 2]);
        assert!(late.offset() <= seen, "{} is behind {seen}", late.offset());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_that_stays_holds_nobody_up() {
    on_each_engine(Modules::NONE, async |app| {
        let admin = app.admin().await;
        let workspace = workspace(&admin).await;
        let events = &app.platform.events;
        let mut listener = Listener::connect(app, &admin).await;
        listener.join(None).await;
        for number in 0..10 {
            let mut tx = app.platform.db.begin().await.unwrap();
            events.publish(&mut tx, &event(workspace, -1)).await.unwrap();
            tx.rollback().await.unwrap();
            publish(app, events, workspace, number).await;
        }
        assert_eq!(listener.numbers(10).await, (0..10).collect::<Vec<_>>());
    })
    .await;
}
