//! One suite, both engines: what a store may rely on.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod foreign;
mod load;
mod log;
mod migrations;

use db::{FromRow, Json, OnConstraint as _, Row, Tx};
use kernel::{Timestamp, UserId};
use testkit::{Database, engines};

#[derive(Debug, PartialEq)]
struct Thing {
    id: UserId,
    truth: Option<bool>,
    number: Option<i64>,
    float: Option<f64>,
    text: Option<String>,
    bytes: Option<Vec<u8>>,
    at: Option<Timestamp>,
    json: Option<Json<Vec<String>>>,
}

impl FromRow for Thing {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            truth: row.get("truth")?,
            number: row.get("number")?,
            float: row.get("float")?,
            text: row.get("text")?,
            bytes: row.get("bytes")?,
            at: row.get("at")?,
            json: row.get("json")?,
        })
    }
}

const SCHEMA: &str = "CREATE TABLE things (id TEXT PRIMARY KEY, truth BOOLEAN, number BIGINT, float DOUBLE PRECISION, \
                      text TEXT UNIQUE, bytes BYTEA, at BIGINT, json TEXT)";

fn thing(text: Option<&str>) -> Thing {
    let at = Timestamp::from_microsecond(1_767_600_000_123_456).unwrap();
    Thing {
        id: UserId::new(at),
        truth: Some(true),
        number: Some(i64::MIN),
        float: Some(-0.1),
        text: text.map(str::to_owned),
        bytes: Some(vec![0, 255, 39]),
        at: Some(at),
        json: Some(Json(vec!["é".to_owned(), "'\"".to_owned()])),
    }
}

async fn insert(tx: &mut Tx, thing: &Thing) -> db::Result<u64> {
    tx.query("INSERT INTO things (id, truth, number, float, text, bytes, at, json) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(thing.id)
        .bind(thing.truth)
        .bind(thing.number)
        .bind(thing.float)
        .bind(thing.text.clone())
        .bind(thing.bytes.clone())
        .bind(thing.at)
        .bind(thing.json.clone())
        .execute()
        .await
}

async fn on_each_engine(test: impl AsyncFn(&Database)) {
    for engine in engines() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::create(&engine, folder.path()).await;
        let mut tx = database.db.begin().await.unwrap();
        tx.script(SCHEMA.to_owned()).await.unwrap();
        tx.commit().await.unwrap();
        test(&database).await;
        database.drop_database().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_value_round_trips() {
    on_each_engine(async |database| {
        let full = thing(Some("a"));
        let empty = Thing {
            truth: None,
            number: None,
            float: None,
            text: None,
            bytes: None,
            at: None,
            json: None,
            ..thing(None)
        };
        let mut tx = database.db.begin().await.unwrap();
        assert_eq!(insert(&mut tx, &full).await.unwrap(), 1);
        assert_eq!(insert(&mut tx, &empty).await.unwrap(), 1);
        tx.commit().await.unwrap();
        let mut tx = database.db.read().await.unwrap();
        for expected in [full, empty] {
            let found: Thing =
                tx.query("SELECT * FROM things WHERE id = $1").bind(expected.id).one().await.unwrap();
            assert_eq!(found, expected);
        }
        let count: i64 = tx.query("SELECT COUNT(*) AS value FROM things WHERE truth").one().await.unwrap();
        assert_eq!(count, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_violated_rule_has_one_name_on_both_engines() {
    #[derive(Debug)]
    enum Error {
        Taken,
        Other,
    }
    impl From<db::Error> for Error {
        fn from(_: db::Error) -> Self {
            Self::Other
        }
    }
    on_each_engine(async |database| {
        let mut tx = database.db.begin().await.unwrap();
        insert(&mut tx, &thing(Some("same"))).await.unwrap();
        let refused =
            insert(&mut tx, &thing(Some("same"))).await.on_constraint("things_text_key", || Error::Taken);
        assert!(matches!(refused, Err(Error::Taken)), "{refused:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_committed_is_gone() {
    on_each_engine(async |database| {
        let mut tx = database.db.begin().await.unwrap();
        insert(&mut tx, &thing(Some("a"))).await.unwrap();
        drop(tx);
        let mut tx = database.db.begin().await.unwrap();
        insert(&mut tx, &thing(Some("b"))).await.unwrap();
        tx.rollback().await.unwrap();
        let mut tx = database.db.read().await.unwrap();
        let count: i64 = tx.query("SELECT COUNT(*) AS value FROM things").one().await.unwrap();
        assert_eq!(count, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_do_not_write_and_are_not_blocked() {
    on_each_engine(async |database| {
        let mut writer = database.db.begin().await.unwrap();
        insert(&mut writer, &thing(Some("unseen"))).await.unwrap();
        let mut reader = database.db.read().await.unwrap();
        let count: i64 = reader.query("SELECT COUNT(*) AS value FROM things").one().await.unwrap();
        assert_eq!(count, 0);
        assert!(insert(&mut reader, &thing(Some("refused"))).await.is_err());
        drop(reader);
        writer.commit().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_writers_loses_nothing() {
    on_each_engine(async |database| {
        let writers = (0..100).map(|_| {
            let db = database.db.clone();
            async move {
                let mut tx = db.begin().await?;
                let count: i64 = tx.query("SELECT COUNT(*) AS value FROM things").one().await?;
                insert(&mut tx, &thing(None)).await?;
                tx.commit().await?;
                Ok::<i64, db::Error>(count)
            }
        });
        let done =
            futures::future::join_all(writers).await.into_iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(done, 100);
        let mut tx = database.db.read().await.unwrap();
        let count: i64 = tx.query("SELECT COUNT(*) AS value FROM things").one().await.unwrap();
        assert_eq!(count, 100);
    })
    .await;
}
