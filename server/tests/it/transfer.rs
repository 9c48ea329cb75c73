//! `socle db move`: SQLite to PostgreSQL and back, whole and interrupted.

use std::{collections::BTreeMap, path::Path, process::Command};

use db::{Config, Db};
use kernel::Secret;
use serde_json::{Value, json};
use testkit::{Database, TestEngine, engines, eventually};

use crate::{
    fill::{self, Column, dump},
    harness::{Folder, Server, failure, run, socle},
};

/// PostgreSQL, where the tests have one.
fn postgres() -> Option<TestEngine> {
    engines().into_iter().find(|engine| *engine != TestEngine::Sqlite)
}

async fn open(url: &str) -> Db {
    Db::open(&Config { url: Secret::new(url.to_owned()), ..Config::default() }, "unused".into())
        .await
        .unwrap()
}

fn sqlite(folder: &Folder, name: &str) -> String {
    format!("sqlite://{}", folder.path().join(name).display())
}

fn move_command(folder: &Folder, from: &str, to: &str, more: &[&str]) -> Command {
    let mut command = socle(&folder.path());
    command.args(["db", "move", "--json", "--from", from, "--to", to]).args(more);
    command
}

#[track_caller]
fn moved(folder: &Folder, from: &str, to: &str, more: &[&str]) -> Value {
    let output = run(&mut move_command(folder, from, to, more));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn upgrade(folder: &Folder, url: &str) {
    let output = run(socle(&folder.path()).env("SOCLE_DATABASE_URL", url).args(["db", "upgrade"]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A SQLite database with so many rows in every table.
async fn filled(folder: &Folder, rows: usize) -> (String, Vec<String>, BTreeMap<String, Vec<Column>>) {
    let url = sqlite(folder, "first.db");
    upgrade(folder, &url);
    let db = open(&url).await;
    let tables = fill::every_table(&db, rows).await;
    let mut tx = db.begin().await.unwrap();
    // The last numbers were given out and are gone: they must not come again.
    tx.query("DELETE FROM realtime_outbox WHERE position > 5").execute().await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = db.read().await.unwrap();
    let columns = fill::columns(&mut tx).await;
    drop(tx);
    db.close().await;
    (url, tables, columns)
}

/// The number that the next event gets.
async fn next_position(db: &Db) -> i64 {
    let mut tx = db.begin().await.unwrap();
    tx.query(
        "INSERT INTO realtime_outbox (room, topic, workspace_id, data, at) VALUES ('r', 't', 'w', '{}', 1)",
    )
    .execute()
    .await
    .unwrap();
    let position = tx.query("SELECT MAX(position) AS value FROM realtime_outbox").one().await.unwrap();
    tx.rollback().await.unwrap();
    position
}

#[tokio::test(flavor = "multi_thread")]
async fn there_and_back_gives_equal_rows() {
    let Some(engine) = postgres() else { return };
    const ROWS: usize = 1_100;
    let folder = Folder::new();
    let (first, tables, columns) = filled(&folder, ROWS).await;
    let database = Database::create(&engine, &folder.path()).await;

    let report = moved(&folder, &first, &database.url, &[]);
    let told = report["tables"].as_array().unwrap();
    assert_eq!(told.len(), tables.len(), "{report}");
    for table in told {
        let expected = if table["name"] == "realtime_outbox" { 5 } else { ROWS };
        assert_eq!(table["rows"], expected, "{table}");
    }
    let from = open(&first).await;
    let expected = dump(&from, &columns).await;
    assert!(expected.len() > ROWS * (tables.len() - 1), "every table is filled");
    assert!(dump(&database.db, &columns).await == expected, "PostgreSQL holds other rows than SQLite");

    let second = sqlite(&folder, "second.db");
    let back = moved(&folder, &database.url, &second, &[]);
    assert_eq!(back["tables"], report["tables"], "counts and checksums do not depend on the engine");
    let to = open(&second).await;
    assert!(dump(&to, &columns).await == expected, "the copy of the copy holds other rows");

    // No number is given twice.
    let next = i64::try_from(ROWS).unwrap() + 1;
    for db in [&from, &database.db, &to] {
        assert_eq!(next_position(db).await, next);
    }
    from.close().await;
    to.close().await;
    database.drop_database().await;
}

/// What a client sees of an installation.
async fn view(server: &mut Server) -> Vec<Value> {
    let admin = server.admin().await;
    let mut seen = Vec::new();
    for path in [
        "/api/v1/workspaces?page_size=100",
        "/api/v1/users?page_size=100",
        "/api/v1/roles?page_size=100",
        "/api/v1/surveillance/cameras?page_size=100",
        "/api/v1/surveillance/cameras?deleted=true",
    ] {
        let mut list = admin.get(path).await.expect(200).json();
        for item in list["items"].as_array_mut().unwrap() {
            // What changes by looking.
            for field in ["last_login_at", "health"] {
                item.as_object_mut().unwrap().remove(field);
            }
        }
        seen.push(list);
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_goes_on_where_it_was() {
    let Some(engine) = postgres() else { return };
    let mut server = Server::start().await;
    let admin = server.admin().await;
    server.member(&admin, "operator").await;
    admin.post("/api/v1/workspaces", json!({"name": "Second"})).await.expect(201);
    for name in ["Door", "Yard"] {
        let camera = json!({"name": name, "enabled": false, "source": {"kind": "rtsp", "url": "rtsp://a:b@10.9.8.7/live"}});
        let made = admin.post("/api/v1/surveillance/cameras", camera).await.expect(201).json();
        if name == "Yard" {
            let id = made["id"].as_str().unwrap();
            admin.delete(&format!("/api/v1/surveillance/cameras/{id}")).await.expect(204);
        }
    }
    let before = view(&mut server).await;
    assert_eq!((&before[3]["total"], &before[4]["total"]), (&json!(1), &json!(1)));

    // While it serves, what it writes would be lost.
    let folder = &server.folder;
    let first = sqlite(folder, "socle.db");
    let database = Database::create(&engine, &folder.path()).await;
    database.db.close().await;
    let refused = failure(&mut move_command(folder, &first, &database.url, &[]));
    assert!(refused.contains("a socle server works on") && refused.contains("stop it first"), "{refused}");

    let mut folder = server.kill();
    moved(&folder, &first, &database.url, &[]);
    folder.database_url = Some(database.url.clone());
    let mut server = Server::start_in(folder, &[]).await;
    assert!(server.first_run.is_none(), "the administrator is there");
    assert_eq!(view(&mut server).await, before, "on PostgreSQL");
    let elsewhere = Folder::new();
    let refused = failure(&mut move_command(&elsewhere, &database.url, &sqlite(&elsewhere, "x.db"), &[]));
    assert!(refused.contains("holds") && refused.contains("stop it first"), "{refused}");

    let mut folder = server.kill();
    let second = sqlite(&folder, "back.db");
    // The killed server's connections end when PostgreSQL notices.
    eventually("the copy is let in", async || {
        run(&mut move_command(&folder, &database.url, &second, &[])).status.success().then_some(())
    })
    .await;
    folder.database_url = Some(second);
    let mut server = Server::start_in(folder, &[]).await;
    assert_eq!(view(&mut server).await, before, "on SQLite again");
    drop(server);
    database.drop_database().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_overwritten_unasked() {
    let folder = Folder::new();
    let (first, _, columns) = filled(&folder, 20).await;
    let second = sqlite(&folder, "second.db");
    // What only `upgrade` has touched counts as empty, with the roles that are built in.
    upgrade(&folder, &second);
    moved(&folder, &first, &second, &[]);

    let refuse = |from: &str, to: &str, more: &[&str], expected: &str| {
        let said = failure(&mut move_command(&folder, from, to, more));
        assert!(said.contains(expected), "{said}");
    };
    refuse(&first, &second, &[], "not empty");
    refuse(&first, &second, &[], "identity_users has 20 rows");
    refuse(&first, &second, &["--resume"], "nothing to resume");
    refuse(&first, &first, &[], "the same database");
    refuse(&sqlite(&folder, "none.db"), &second, &[], "there is no SQLite file");
    assert!(!folder.path().join("none.db").exists());
    refuse("mysql://me:hunter2@db/x", &second, &[], "no address of a database");
    refuse(&first, "@nowhere.txt", &[], "nowhere.txt cannot be read");
    refuse(&first, "postgres://me:hunter2@127.0.0.1:1/none", &[], "the target cannot be opened");
    let said = failure(&mut move_command(&folder, &first, "postgres://me:hunter2@127.0.0.1:1/none", &[]));
    assert!(!said.contains("hunter2"), "{said}");

    let to = open(&second).await;
    let mut tx = to.begin().await.unwrap();
    tx.query("UPDATE identity_workspaces SET name = 'changed'").execute().await.unwrap();
    tx.commit().await.unwrap();
    std::fs::write(folder.path().join("to.txt"), format!("{second}\n")).unwrap();
    moved(&folder, &first, &format!("@{}", folder.path().join("to.txt").display()), &["--force"]);
    let from = open(&first).await;
    assert!(dump(&to, &columns).await == dump(&from, &columns).await);

    // A source that lacks migrations is not guessed at.
    to.close().await;
    from.close().await;
    let output = run(socle(&folder.path()).env("SOCLE_DATABASE_URL", &first).args(["db", "downgrade", "-1"]));
    assert!(output.status.success());
    refuse(&first, &second, &["--force"], "lacks 1 migrations");
}

fn serve(folder: &Path, url: &str) -> Command {
    let mut command = socle(folder);
    command.env("SOCLE_DATABASE_URL", url).args(["serve", "--listen", "127.0.0.1:0"]);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_copy_is_marked_and_can_be_resumed() {
    for engine in engines() {
        let folder = Folder::new();
        let (first, _, columns) = filled(&folder, 400).await;
        let target = tempfile::tempdir().unwrap();
        let database = Database::create(&engine, target.path()).await;
        let marked = async || {
            let mut tx = database.db.read().await.unwrap();
            tx.query("SELECT source AS value FROM db_move").one::<String>().await.ok()
        };
        let mut copying = move_command(&folder, &first, &database.url, &[])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let source = eventually("the copy has begun", marked).await;
        assert_eq!(source, first);
        copying.kill().unwrap();
        assert!(!copying.wait().unwrap().success(), "it was killed half-way");
        assert!(marked().await.is_some());

        let said = failure(&mut serve(&folder.path(), &database.url));
        assert!(said.contains("unfinished copy") && said.contains("--resume"), "{said}");
        let said = failure(&mut move_command(&folder, &first, &database.url, &[]));
        assert!(said.contains("--resume") && said.contains("--force"), "{said}");
        std::fs::copy(folder.path().join("first.db"), folder.path().join("other.db")).unwrap();
        let said =
            failure(&mut move_command(&folder, &sqlite(&folder, "other.db"), &database.url, &["--resume"]));
        assert!(said.contains("not of"), "{said}");

        moved(&folder, &first, &database.url, &["--resume"]);
        let from = open(&first).await;
        assert!(dump(&database.db, &columns).await == dump(&from, &columns).await);
        assert!(marked().await.is_none(), "it is finished");

        // As if it had been killed later: a finished table is kept, one that differs is copied again.
        let mut tx = database.db.begin().await.unwrap();
        tx.script("CREATE TABLE db_move (source TEXT NOT NULL, started_at BIGINT NOT NULL)".to_owned())
            .await
            .unwrap();
        tx.query("INSERT INTO db_move (source, started_at) VALUES ($1, 1)")
            .bind(&first)
            .execute()
            .await
            .unwrap();
        tx.query("DELETE FROM jobs_tasks WHERE progress > 100").execute().await.unwrap();
        tx.commit().await.unwrap();
        let report = moved(&folder, &first, &database.url, &["--resume"]);
        for table in report["tables"].as_array().unwrap() {
            assert_eq!(table["was_there"], table["name"] != "jobs_tasks", "{table}");
        }
        assert!(dump(&database.db, &columns).await == dump(&from, &columns).await);
        from.close().await;
        database.drop_database().await;
    }
}
