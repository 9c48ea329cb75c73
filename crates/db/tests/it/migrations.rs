//! Files of migrations: what stops a start, and how far up and down they go.

use db::{
    Downgrade, Engine, Migrations, Migrator, Upgrade,
    include_dir::{Dir, DirEntry, File},
};
use kernel::Timestamp;
use testkit::{Database, engines};

/// A folder of these files. Leaked, because files of migrations live as long as the program.
fn folder(files: &[(&'static str, &'static str)]) -> Migrations {
    let entries: Vec<_> =
        files.iter().map(|(name, text)| DirEntry::File(File::new(name, text.as_bytes()))).collect();
    Migrations::new(Box::leak(Box::new(Dir::new("", Box::leak(entries.into_boxed_slice())))))
}

#[test]
fn a_wrong_set_of_files_stops_the_start() {
    let check = |files: &[&'static str], expected: Option<&str>| {
        let files: Vec<_> = files.iter().map(|name| (*name, "SELECT 1")).collect();
        for engine in [Engine::Sqlite, Engine::Postgres] {
            let outcome = Migrator::new(engine, &[("things", folder(&files))]).map(drop);
            match (expected, outcome) {
                (None, Ok(())) => {}
                (Some(reason), Err(error)) => {
                    let said = error.to_string();
                    assert!(said.contains(reason) && said.contains("things"), "{files:?}: {said}");
                }
                (expected, outcome) => panic!("{files:?}: {outcome:?} instead of {expected:?}"),
            }
        }
    };
    check(&["0001_a.up.sql", "0001_a.down.sql", "0002_b.up.sql", "0002_b.down.sql"], None);
    check(&["0001_a.up.postgres.sql", "0001_a.up.sql", "0001_a.down.sql"], None);
    check(&["a.sql"], Some("not named like"));
    check(&["0001_a.up.sql", "0001_a.down.sql", "notes.txt"], Some("not named like"));
    check(&["1_a.up.sql", "1_a.down.sql"], Some("not named like"));
    check(&["0000_a.up.sql", "0000_a.down.sql"], Some("not named like"));
    check(&["0001_.up.sql", "0001_.down.sql"], Some("not named like"));
    check(&["0001_a.sideways.sql"], Some("not named like"));
    check(&["0001_a.up.sql"], Some("no .down.sql"));
    check(&["0001_a.down.sql"], Some("no .up.sql"));
    check(&["0002_a.up.sql", "0002_a.down.sql"], Some("number 1 is missing"));
    check(&["0001_a.up.sql", "0001_b.up.sql", "0001_a.down.sql"], Some("same number"));
    check(&["0001_a.up.sql", "0001_b.down.sql"], Some("called a"));
}

#[tokio::test(flavor = "multi_thread")]
async fn up_and_down_go_as_far_as_they_are_told() {
    let tables = |names: [&'static str; 2]| {
        let [first, second] = names;
        let text = |sql: String| &*Box::leak(sql.into_boxed_str());
        folder(&[
            ("0001_a.up.sql", text(format!("CREATE TABLE {first} (id TEXT PRIMARY KEY)"))),
            ("0001_a.down.sql", text(format!("DROP TABLE {first}"))),
            ("0002_b.up.sql", text(format!("CREATE TABLE {second} (id TEXT PRIMARY KEY)"))),
            ("0002_b.down.sql", text(format!("DROP TABLE {second}"))),
        ])
    };
    let modules = [("here", tables(["a", "b"])), ("there", tables(["c", "d"]))];
    let now = Timestamp::UNIX_EPOCH;
    for engine in engines() {
        let temp = tempfile::tempdir().unwrap();
        let database = Database::create(&engine, temp.path()).await;
        let db = &database.db;
        let migrator = Migrator::new(db.engine(), &modules).unwrap();
        assert_eq!(migrator.heads(), [("here", 2), ("there", 2)]);
        let applied = async || {
            let state = migrator.state(db).await.unwrap();
            state.applied.iter().map(|row| format!("{}{}", row.module, row.version)).collect::<Vec<_>>()
        };

        let up = |module, to| Upgrade { module, to: Some(to) };
        migrator.upgrade_to(db, now, up(None, 1)).await.unwrap();
        assert_eq!(applied().await, ["here1"]);
        migrator.upgrade_to(db, now, up(Some("there"), 1)).await.unwrap();
        migrator.upgrade_to(db, now, up(None, 3)).await.unwrap();
        assert_eq!(applied().await, ["here1", "there1", "here2"]);
        for (module, to) in [(None, 5), (Some("here"), 3), (None, 2), (Some("here"), 1)] {
            let refused = migrator.upgrade_to(db, now, up(module, to)).await.unwrap_err();
            assert!(matches!(refused, db::Error::Target(_)), "{refused}");
        }
        migrator.upgrade(db, now).await.unwrap();
        assert_eq!(applied().await.len(), 4);

        migrator.downgrade_to(db, None, Downgrade::Steps(1)).await.unwrap();
        migrator.downgrade_to(db, Some("here"), Downgrade::To(1)).await.unwrap();
        assert_eq!(applied().await, ["here1", "there1"]);
        for to in [-1, 3] {
            let refused = migrator.downgrade_to(db, None, Downgrade::To(to)).await.unwrap_err();
            assert!(matches!(refused, db::Error::Target(_)), "{refused}");
        }
        migrator.downgrade_to(db, None, Downgrade::To(0)).await.unwrap();
        assert_eq!(applied().await, Vec::<String>::new());
        database.drop_database().await;
    }
}
