//! SQLite's write-ahead log: folded into the file beside those who write and read.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use db::{Config, Db};

/// Some 40 pages.
const ROW_BYTES: i64 = 160_000;
/// A log with all of them would have 160 MB.
const ROWS: i64 = 1_000;
/// What the log may grow to, with one commit more.
const LOG_BYTES_MAX: u64 = 70_000_000;

async fn open(folder: &Path) -> (Db, PathBuf) {
    let file = folder.join("test.db");
    let db = Db::open(&Config::default(), file.clone()).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    tx.script("CREATE TABLE things (id BIGINT PRIMARY KEY, content BLOB NOT NULL)".to_owned()).await.unwrap();
    tx.commit().await.unwrap();
    (db, folder.join("test.db-wal"))
}

async fn write(db: &Db, id: i64) {
    let mut tx = db.begin().await.unwrap();
    let insert = tx.query("INSERT INTO things (id, content) VALUES ($1, zeroblob($2))");
    insert.bind(id).bind(ROW_BYTES).execute().await.unwrap();
    tx.commit().await.unwrap();
}

async fn count(tx: &mut db::Tx) -> i64 {
    tx.query("SELECT COUNT(*) AS value FROM things").one().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_an_end_although_writes_never_pause() {
    let folder = tempfile::tempdir().unwrap();
    let (db, log) = open(folder.path()).await;
    let mut largest = 0;
    for id in 0..ROWS {
        write(&db, id).await;
        largest = largest.max(fs::metadata(&log).unwrap().len());
        // Each sees what was committed before it, be it in the log or in the file.
        assert_eq!(count(&mut db.read().await.unwrap()).await, id + 1);
    }
    assert!(largest < LOG_BYTES_MAX, "{largest}");
    db.close().await;
    assert_eq!(fs::metadata(&log).unwrap_err().kind(), io::ErrorKind::NotFound);

    let db = Db::open(&Config::default(), folder.path().join("test.db")).await.unwrap();
    assert_eq!(count(&mut db.read().await.unwrap()).await, ROWS);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_sees_the_same_while_the_log_is_folded() {
    let folder = tempfile::tempdir().unwrap();
    let (db, _) = open(folder.path()).await;
    write(&db, 0).await;
    let mut before = db.read().await.unwrap();
    assert_eq!(count(&mut before).await, 1);
    for id in 1..200 {
        write(&db, id).await;
    }
    assert_eq!(count(&mut before).await, 1);
    drop(before);
    assert_eq!(count(&mut db.read().await.unwrap()).await, 200);
    db.close().await;
}
