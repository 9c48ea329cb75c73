//! Migrations through the command line, on each engine.

use std::path::Path;

use db::{Config, Db, Engine, FromRow, Row};
use kernel::Secret;
use testkit::{Database, TestEngine, engines};

use crate::harness::{EMAIL, Folder, PASSWORD, Server, failure, run};

async fn folder_on(engine: &TestEngine) -> (Folder, Database) {
    let mut folder = Folder::new();
    let database = Database::create(engine, folder.temp.path()).await;
    folder.database_url = Some(database.url.clone());
    (folder, database)
}

#[track_caller]
fn db_command(folder: &Folder, arguments: &[&str]) -> String {
    let output = run(folder.socle().arg("db").args(arguments));
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Everything that makes up the schema, as sorted text.
async fn schema(url: &str, folder: &Path) -> Vec<String> {
    struct Line(String);
    impl FromRow for Line {
        fn from_row(row: &Row) -> db::Result<Self> {
            Ok(Self(row.get("line")?))
        }
    }
    let db =
        Db::open(&Config { url: Secret::new(url.to_owned()), ..Config::default() }, folder.join("unused"))
            .await
            .unwrap();
    let mut tx = db.begin().await.unwrap();
    let query = match tx.engine() {
        Engine::Sqlite => {
            "SELECT type || ' ' || name || ' ' || COALESCE(sql, '') AS line FROM sqlite_master WHERE name <> 'sqlite_sequence' AND name NOT LIKE '%db_migrations%' ORDER BY 1"
        }
        Engine::Postgres => {
            "SELECT CAST(table_name || ' ' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || COALESCE(column_default, '') AS TEXT) AS line FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'db_migrations' \
            UNION ALL SELECT CAST(indexdef AS TEXT) FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'db_migrations' ORDER BY 1"
        }
    };
    let lines: Vec<Line> = tx.query(query).all().await.unwrap();
    drop(tx);
    db.close().await;
    lines.into_iter().map(|line| line.0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn up_down_up_is_the_identity() {
    for engine in engines() {
        let (folder, database) = folder_on(&engine).await;
        let applied = db_command(&folder, &["upgrade"]);
        assert!(applied.contains("identity 0001") && applied.contains("surveillance 0001"), "{applied}");
        let first = schema(&database.url, &folder.path()).await;
        assert!(first.len() > 20, "{first:?}");
        assert!(db_command(&folder, &["status"]).contains("0 pending"));
        assert!(db_command(&folder, &["upgrade"]).contains("0 migrations applied"));

        db_command(&folder, &["downgrade", "--all"]);
        assert_eq!(
            schema(&database.url, &folder.path()).await,
            Vec::<String>::new(),
            "downgrading leaves something behind"
        );
        db_command(&folder, &["upgrade"]);
        assert_eq!(schema(&database.url, &folder.path()).await, first);

        // One step at a time, there and back.
        let one = db_command(&folder, &["downgrade"]);
        assert!(one.contains("1 migration taken back"), "{one}");
        assert!(db_command(&folder, &["status"]).contains("1 pending"));
        db_command(&folder, &["upgrade"]);
        assert_eq!(schema(&database.url, &folder.path()).await, first);
        assert!(db_command(&folder, &["history"]).lines().count() >= 4);
        database.drop_database().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn up_and_down_to_a_number() {
    for engine in engines() {
        let (folder, database) = folder_on(&engine).await;
        let json = |arguments: &[&str]| -> serde_json::Value {
            serde_json::from_str(&db_command(&folder, &[arguments, &["--json"]].concat())).unwrap()
        };
        let all = json(&["upgrade"])["applied"].as_array().unwrap().len();
        assert_eq!(json(&["downgrade", "-2"])["taken_back"].as_array().unwrap().len(), 2);
        assert_eq!(json(&["downgrade", "to", "3"])["taken_back"].as_array().unwrap().len(), all - 5);
        let history = json(&["history"]);
        let last = history.as_array().unwrap().last().unwrap();
        assert_eq!((history.as_array().unwrap().len(), &last["number"]), (3, &serde_json::json!(3)));
        assert_eq!(json(&["upgrade", "to", "4"])["applied"].as_array().unwrap().len(), 1);
        db_command(&folder, &["upgrade"]);
        db_command(&folder, &["downgrade", "to", "1", "--module", "surveillance"]);
        let current = json(&["current"]);
        let surveillance =
            current.as_array().unwrap().iter().find(|row| row["module"] == "surveillance").unwrap();
        assert_eq!(surveillance["version"], 1);
        let head = surveillance["head"].as_i64().unwrap();
        assert!(head >= 3);
        assert!(db_command(&folder, &["current"]).contains("(not the newest)"));
        db_command(&folder, &["upgrade", "to", &head.to_string(), "--module", "surveillance"]);
        assert_eq!(json(&["status"])["pending"], serde_json::json!([]));
        for (wrong, expected) in [
            (&["upgrade", "to", "900"][..], "only"),
            (&["downgrade", "to", "900"], "to go up, upgrade"),
            (&["downgrade", "sideways"], "write it like"),
            (&["upgrade", "5"], "write it like"),
            (&["downgrade", "-1", "--module", "chef"], "no module chef"),
        ] {
            let said = failure(folder.socle().arg("db").args(wrong));
            assert!(said.contains(expected), "{wrong:?}: {said}");
        }
        database.drop_database().await;
    }
}

const READING: [&[&str]; 8] = [
    &["db", "status"],
    &["db", "current"],
    &["db", "history"],
    &["jobs", "list"],
    &["schedule", "list"],
    &["settings", "list"],
    &["user", "list"],
    &["cameras", "list"],
];

#[tokio::test(flavor = "multi_thread")]
async fn where_no_database_is_none_is_made() {
    let folder = Folder::new();
    let nowhere = folder.path().join("nowhere");
    let on = |words: &[&str]| {
        let mut command = folder.socle();
        command.arg("--data").arg(&nowhere).args(words);
        command
    };
    for words in READING
        .into_iter()
        .chain([&["db", "downgrade"][..], &["user", "set-role", "--email", "a@b.org", "--role", "user"]])
    {
        let said = failure(&mut on(words));
        assert!(
            said.contains("there is no database at") && said.contains("nowhere/socle.db"),
            "{words:?}: {said}"
        );
        assert!(said.contains("--data"), "{words:?}: {said}");
        assert!(!nowhere.exists(), "{words:?}");
    }
    let doctor = run(&mut on(&["doctor"]));
    let said = String::from_utf8_lossy(&doctor.stdout);
    assert!(said.lines().any(|line| line.starts_with("ok") && line.contains("none yet at")), "{said}");
    assert!(!nowhere.join("socle.db").exists());

    // The first account may come before the first start.
    let mut first = on(&["user", "create", "--email", EMAIL, "--role", "admin", "--password-stdin"]);
    let mut first = first.stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut first.stdin.take().unwrap(), format!("{PASSWORD}\n").as_bytes()).unwrap();
    assert!(first.wait().unwrap().success());
    let users = run(&mut on(&["user", "list"]));
    assert!(String::from_utf8_lossy(&users.stdout).contains(EMAIL));
    let said = String::from_utf8_lossy(&run(&mut on(&["doctor"])).stdout).into_owned();
    assert!(said.contains("schema up to date"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_change_no_schema() {
    for engine in engines() {
        let (folder, database) = folder_on(&engine).await;
        if database.db.engine() == Engine::Postgres {
            // Empty, and it stays so.
            assert!(db_command(&folder, &["status"]).starts_with("postgresql: 0 applied"));
            let mut tx = database.db.read().await.unwrap();
            let query = tx.query("SELECT to_regclass('db_migrations') IS NULL AS value");
            assert!(query.one::<bool>().await.unwrap());
            drop(tx);
        }
        db_command(&folder, &["upgrade"]);
        db_command(&folder, &["downgrade"]);
        for words in READING {
            let output = run(folder.socle().args(words));
            let said = String::from_utf8_lossy(&output.stderr);
            if words[0] == "db" {
                assert!(output.status.success(), "{words:?}: {said}");
            } else {
                assert!(
                    said.contains("the database is at") && said.contains("`socle db upgrade`"),
                    "{words:?}: {said}"
                );
            }
        }
        let doctor = run(folder.socle().arg("doctor"));
        let said = String::from_utf8_lossy(&doctor.stdout);
        assert!(!doctor.status.success() && said.contains("the database is at"), "{said}");
        assert!(db_command(&folder, &["status"]).contains("1 pending"));
        database.drop_database().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_taken_back_under_a_server() {
    for engine in engines() {
        let (folder, database) = folder_on(&engine).await;
        let server = Server::start_in(folder, &[]).await;
        for words in [&["downgrade"][..], &["downgrade", "--all"]] {
            let said = failure(server.folder.socle().arg("db").args(words));
            assert!(said.contains("a socle server") && said.contains("stop it first"), "{said}");
            assert!(said.contains("--force"), "{said}");
        }
        assert!(db_command(&server.folder, &["status"]).contains("0 pending"));
        assert!(db_command(&server.folder, &["downgrade", "--force"]).contains("1 migration taken back"));
        let folder = server.kill();
        db_command(&folder, &["upgrade"]);
        testkit::eventually("PostgreSQL has seen that the server is gone", async || {
            run(folder.socle().args(["db", "downgrade"])).status.success().then_some(())
        })
        .await;
        database.drop_database().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_the_settings_is_told() {
    let folder = Folder::new();
    let file = folder.path().join("socle.toml");
    let text = "[database]\nurl = \"mysql://db/x\"\nconnections_min = 9\nconnections_max = 3\nacquire_timeout_ms = 0\nsynchronous = \"off\"\n";
    std::fs::write(&file, text).unwrap();
    let said = failure(folder.socle().arg("--config").arg(&file).args(["db", "status"]));
    assert!(said.contains("database.synchronous"), "{said}");
    std::fs::write(&file, text.replace("synchronous = \"off\"\n", "")).unwrap();
    let said = failure(folder.socle().arg("--config").arg(&file).args(["db", "status"]));
    for setting in ["database.url", "database.connections_min", "database.acquire_timeout_ms"] {
        assert!(said.contains(setting), "{setting} is missing in:\n{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_migrations_are_written_in_a_checkout_only() {
    let folder = Folder::new();
    let said = failure(folder.socle().args(["db", "new", "surveillance", "add_site"]));
    assert!(said.contains("no source checkout"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_start_together_migrate_once() {
    for engine in engines() {
        let (folder, database) = folder_on(&engine).await;
        let nodes: Vec<_> = (0..4)
            .map(|_| {
                folder.socle().args(["db", "upgrade"]).stdout(std::process::Stdio::piped()).spawn().unwrap()
            })
            .collect();
        let said: Vec<String> = nodes
            .into_iter()
            .map(|node| {
                let output = node.wait_with_output().unwrap();
                assert!(output.status.success());
                String::from_utf8(output.stdout).unwrap()
            })
            .collect();
        let busy = said.iter().filter(|text| !text.starts_with("0 migrations applied")).count();
        assert_eq!(busy, 1, "{said:?}");
        database.drop_database().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_or_unknown_migration_stops_the_start() {
    for engine in engines() {
        let (folder, database) = folder_on(&engine).await;
        db_command(&folder, &["upgrade"]);
        let mut tx = database.db.begin().await.unwrap();
        tx.query("UPDATE db_migrations SET checksum = 'other' WHERE module = 'identity' AND version = 1")
            .execute()
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let said = failure(folder.socle().args(["serve", "--listen", "127.0.0.1:0"]));
        assert!(said.contains("identity 1") && said.contains("changed after it was applied"), "{said}");

        let mut tx = database.db.begin().await.unwrap();
        tx.query("UPDATE db_migrations SET version = 900 WHERE module = 'identity' AND version = 1")
            .execute()
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let said = failure(folder.socle().args(["db", "status"]));
        assert!(said.contains("identity 900") && said.contains("a newer Socle"), "{said}");
        database.drop_database().await;
    }
}
