//! More callers than connections, callers that give up, and statements that take too long.

use db::{Config, Db, Error};
use kernel::{Secret, ToProblem as _};
use testkit::{Database, TestEngine, engines, eventually};

/// The database with one connection to write through, and these limits.
async fn narrow(database: &Database, change: impl Fn(&mut Config)) -> Db {
    let mut config = Config {
        url: Secret::new(database.url.clone()),
        connections_min: 0,
        connections_max: 1,
        ..Config::default()
    };
    change(&mut config);
    Db::open(&config, "unused".into()).await.unwrap()
}

async fn on_each_engine(test: impl AsyncFn(&Database)) {
    for engine in engines() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::create(&engine, folder.path()).await;
        let mut tx = database.db.begin().await.unwrap();
        tx.script("CREATE TABLE things (id BIGINT PRIMARY KEY)".to_owned()).await.unwrap();
        tx.commit().await.unwrap();
        test(&database).await;
        database.drop_database().await;
    }
}

/// Looks this often whether there is a transaction, then goes away: a timer is too coarse for what takes microseconds.
async fn give_up_after(looks: i64, begin: impl Future<Output = db::Result<db::Tx>>) {
    let mut begin = std::pin::pin!(begin);
    for _ in 0..looks {
        if futures::poll!(&mut begin).is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_up_at_any_moment_leaves_nothing_behind() {
    on_each_engine(async |database| {
        let db = narrow(database, |_| ()).await;
        // A little later each time: before there is a connection, while its BEGIN is under way, after the answer.
        for turn in 0..300_i64 {
            give_up_after(turn, db.read()).await;
            let mut tx = db.begin().await.unwrap();
            tx.query("INSERT INTO things (id) VALUES ($1)").bind(turn).execute().await.unwrap();
            tx.commit().await.unwrap();
            give_up_after(turn, db.begin()).await;
            let mut tx = db.read().await.unwrap();
            let count: i64 = tx.query("SELECT COUNT(*) AS value FROM things").one().await.unwrap();
            assert_eq!(count, turn + 1);
        }
        db.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_when_the_line_is_full_is_told_at_once() {
    on_each_engine(async |database| {
        let db = narrow(database, |config| config.writers_waiting_max = 3).await;
        let holder = db.begin().await.unwrap();
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(db.begin())).collect();
        for writer in &mut waiting {
            assert!(futures::poll!(writer).is_pending());
        }
        assert_eq!(db.pool_state().writers_waiting, 3);

        let refused = db.begin().await.err().unwrap();
        assert!(matches!(refused, Error::Overloaded { waiting: 3 }), "{refused}");
        let problem = refused.problem();
        assert_eq!((problem.status, problem.retry_after_s), (503, Some(1)));

        // A place that is given up is free for the next.
        waiting.pop();
        assert_eq!(db.pool_state().writers_waiting, 2);
        waiting.push(Box::pin(db.begin()));
        assert!(futures::poll!(waiting.last_mut().unwrap()).is_pending());

        drop(holder);
        for writer in waiting {
            drop(writer.await.unwrap());
        }
        assert_eq!(db.pool_state().writers_waiting, 0);
        db.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_too_long_is_told_that_it_is_busy() {
    on_each_engine(async |database| {
        let db = narrow(database, |config| config.acquire_timeout_ms = 2_000).await;
        let holder = db.begin().await.unwrap();
        let refused = db.begin().await.err().unwrap();
        assert!(matches!(refused, Error::Busy), "{refused}");
        drop(holder);
        db.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_give_up_half_way_leave_nothing_behind() {
    on_each_engine(async |database| {
        let db = narrow(database, |_| {}).await;
        // Each is dropped after another number of steps: before its turn, within BEGIN, within a statement.
        for steps in 0..60 {
            let mut writer = Box::pin(async {
                let mut tx = db.begin().await?;
                tx.query("INSERT INTO things (id) VALUES (1)").execute().await?;
                std::future::pending::<db::Result<()>>().await
            });
            for _ in 0..steps {
                if futures::poll!(&mut writer).is_ready() {
                    panic!("it waits for ever");
                }
                tokio::task::yield_now().await;
            }
        }
        let mut tx = db.begin().await.unwrap();
        tx.query("INSERT INTO things (id) VALUES (1)").execute().await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(db.pool_state().writers_waiting, 0);
        eventually("the connection is back", async || {
            let state = db.pool_state();
            (state.open as usize == state.idle && state.open <= 2).then_some(())
        })
        .await;
        db.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_ends_what_takes_too_long() {
    for engine in engines().into_iter().filter(|engine| *engine != TestEngine::Sqlite) {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::create(&engine, folder.path()).await;
        let db = narrow(&database, |config| {
            config.connections_max = 2;
            config.statement_timeout_ms = 300;
            config.lock_timeout_ms = 100;
            config.transaction_idle_timeout_ms = 200;
        })
        .await;
        let mut tx = db.begin().await.unwrap();
        let slow = tx.query("SELECT pg_sleep(30)").execute().await.unwrap_err();
        assert!(matches!(slow, Error::Slow(_)), "{slow}");
        assert_eq!(slow.problem().status, 503);
        drop(tx);

        let mut holder = db.begin().await.unwrap();
        holder.query("SELECT pg_advisory_xact_lock(1)").execute().await.unwrap();
        let mut waiter = db.begin().await.unwrap();
        let locked = waiter.query("SELECT pg_advisory_xact_lock(1)").execute().await.unwrap_err();
        assert!(matches!(locked, Error::Busy), "{locked}");
        drop(waiter);

        // The holder does nothing, so its transaction ends without it.
        eventually("the idle transaction is ended", async || {
            let mut other = db.begin().await.unwrap();
            other.query("SELECT pg_advisory_xact_lock(1)").execute().await.ok()
        })
        .await;
        let ended = holder.query("SELECT 1").execute().await.unwrap_err();
        assert!(matches!(ended, Error::Unreachable(_)), "{ended}");
        drop(holder);
        // Another connection takes its place.
        db.ping().await.unwrap();
        db.close().await;
        database.drop_database().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_above_the_steady_ones_close_when_nobody_needs_them() {
    for engine in engines().into_iter().filter(|engine| *engine != TestEngine::Sqlite) {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::create(&engine, folder.path()).await;
        let db = narrow(&database, |config| {
            config.connections_min = 1;
            config.connections_max = 5;
            config.idle_s = 1;
        })
        .await;
        let mut busy = Vec::new();
        for _ in 0..5 {
            busy.push(db.read().await.unwrap());
        }
        assert_eq!(db.pool_state().open, 5);
        drop(busy);
        eventually("the overflow is closed", async || (db.pool_state().open == 1).then_some(())).await;
        db.ping().await.unwrap();
        db.close().await;
        database.drop_database().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlites_readers_close_when_nobody_needs_them() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::create(&TestEngine::Sqlite, folder.path()).await;
    let db = narrow(&database, |config| {
        config.connections_max = 5;
        config.idle_s = 1;
    })
    .await;
    let mut busy = Vec::new();
    for _ in 0..5 {
        busy.push(db.read().await.unwrap());
    }
    // And the one that writes.
    assert_eq!((db.pool_state().open, db.pool_state().idle), (6, 1));
    drop(busy);
    eventually("the readers are closed", async || (db.pool_state().open == 1).then_some(())).await;
    db.ping().await.unwrap();
    assert_eq!(db.pool_state().open, 2);
    db.close().await;
    assert!(matches!(db.read().await.err(), Some(Error::Unreachable(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_that_writes_to_the_file_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::create(&TestEngine::Sqlite, folder.path()).await;
    let other = narrow(&database, |_| {}).await;
    let holder = other.begin().await.unwrap();

    let hasty = narrow(&database, |config| config.acquire_timeout_ms = 100).await;
    let refused = hasty.begin().await.err().unwrap();
    assert!(matches!(refused, Error::Busy), "{refused}");
    assert_eq!(hasty.pool_state().writers_waiting, 0);

    let patient = narrow(&database, |_| {}).await;
    let mut waiting = Box::pin(patient.begin());
    assert!(futures::poll!(&mut waiting).is_pending());
    drop(holder);
    let mut tx = waiting.await.unwrap();
    tx.script("CREATE TABLE things (id BIGINT PRIMARY KEY)".to_owned()).await.unwrap();
    tx.commit().await.unwrap();
    for db in [hasty, patient, other] {
        db.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_after_the_other_needs_no_new_connections() {
    for engine in engines().into_iter().filter(|engine| *engine != TestEngine::Sqlite) {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::create(&engine, folder.path()).await;
        let db = narrow(&database, |config| config.connections_max = 4).await;
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let mut tx = db.read().await.unwrap();
            let pid: i64 = tx.query("SELECT CAST(pg_backend_pid() AS BIGINT) AS value").one().await.unwrap();
            seen.insert(pid);
        }
        assert!(seen.len() <= 4, "{} connections were opened for one caller", seen.len());
        db.close().await;
        database.drop_database().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_counted_for_who_asks() {
    on_each_engine(async |database| {
        let (_, statements) = db::count_statements(async {
            let mut tx = database.db.begin().await.unwrap();
            for id in 0..3_i64 {
                tx.query("INSERT INTO things (id) VALUES ($1)").bind(id).execute().await.unwrap();
            }
            tx.query("SELECT id AS value FROM things").all::<i64>().await.unwrap();
            tx.commit().await.unwrap();
        })
        .await;
        assert_eq!(statements, 4);
    })
    .await;
}
