//! SQLite files of other programs.

use db::{Config, Db, Error};

async fn count(db: &Db) -> i64 {
    let mut tx = db.read().await.unwrap();
    tx.query("SELECT COUNT(*) AS value FROM cats").one().await.unwrap()
}

#[tokio::test]
async fn files_of_other_programs_are_only_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("theirs.db");
    assert!(matches!(Db::open_read_only(&file).await, Err(Error::Open { .. })));
    assert!(!file.exists(), "none is made");

    let theirs = Db::open(&Config::default(), file.clone()).await.unwrap();
    let add = async || {
        let mut tx = theirs.begin().await.unwrap();
        tx.script("CREATE TABLE IF NOT EXISTS cats (name TEXT); INSERT INTO cats VALUES ('Tom')".to_owned())
            .await
            .unwrap();
        tx.commit().await.unwrap();
    };
    add().await;
    let ours = Db::open_read_only(&file).await.unwrap();
    assert_eq!(count(&ours).await, 1);
    // Neither stands in the other's way.
    let mut tx = ours.read().await.unwrap();
    let begun: i64 = tx.query("SELECT COUNT(*) AS value FROM cats").one().await.unwrap();
    add().await;
    assert_eq!(tx.query("SELECT COUNT(*) AS value FROM cats").one::<i64>().await.unwrap(), begun);
    drop(tx);
    assert_eq!(count(&ours).await, 2);

    let refused = match ours.begin().await {
        Ok(mut tx) => tx.query("DELETE FROM cats").execute().await.map(drop),
        Err(error) => Err(error),
    };
    assert!(refused.is_err());
    assert_eq!(count(&theirs).await, 2);
    ours.close().await;
    theirs.close().await;
}
