//! Settings that administrators change while the server runs.

use jobs::State;
use kernel::{Ctx, WorkspaceId};
use serde_json::{Value, json};
use settings::RuntimeSettings;
use testkit::{App, Client, Modules, eventually, on_each_engine};

use crate::{MODULES, reaches, start};

async fn setting(client: &Client, key: &str) -> Value {
    let list = client.get("/api/v1/settings").await.expect(200).json();
    list["items"].as_array().unwrap().iter().find(|item| item["key"] == key).unwrap().clone()
}

async fn set(client: &Client, key: &str, value: Value) -> Value {
    client.put(&format!("/api/v1/settings/{key}"), json!({"value": value})).await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_checked_kept_and_told() {
    on_each_engine(Modules::NONE, async |app| {
        let admin = app.admin().await;
        let before = setting(&admin, "jobs.keep_h").await;
        assert_eq!((&before["value"], &before["is_default"]), (&json!(168), &json!(true)));
        assert_eq!(
            (&before["kind"], &before["unit"], &before["max"]),
            (&json!("integer"), &json!("h"), &json!(87_600.0))
        );

        let after = set(&admin, "jobs.keep_h", json!(24)).await;
        assert_eq!(
            (&after["value"], &after["default"], &after["is_default"]),
            (&json!(24), &json!(168), &json!(false))
        );
        assert!(after["updated_at"].is_string());
        assert_eq!(after["updated_by"], admin.get("/api/v1/auth/me").await.json()["id"]);
        assert_eq!(setting(&admin, "jobs.keep_h").await, after);

        for wrong in [json!(0), json!(87_601), json!("24"), json!(1.5), Value::Null, json!([24])] {
            let answer = admin.put("/api/v1/settings/jobs.keep_h", json!({"value": wrong})).await.expect(422);
            assert_eq!(answer.error(), "settings.invalid-value");
            let detail = answer.json()["errors"][0]["detail"].to_string();
            assert!(detail.contains("from 1 to 87600"), "{detail}");
        }
        let unknown = admin.put("/api/v1/settings/jobs.kep_h", json!({"value": 1})).await.expect(404);
        assert!(unknown.text().contains("jobs.keep_h"), "{}", unknown.text());
        admin.put("/api/v1/settings/jobs.keep_h", json!({})).await.expect(422);

        // The same again is no change.
        set(&admin, "jobs.keep_h", json!(24)).await;
        let audit = admin.get("/api/v1/audit").await.expect(200).json();
        let told =
            audit["items"].as_array().unwrap().iter().filter(|row| row["action"] == "admin.setting-changed");
        assert_eq!(told.count(), 1, "{audit}");
        let history = admin.get("/api/v1/settings/changes?key=jobs.keep_h").await.expect(200).json();
        let items = history["items"].as_array().unwrap();
        assert_eq!(items.len(), 1);
        assert_eq!((&items[0]["old"], &items[0]["new"]), (&Value::Null, &json!(24)));

        let back = admin.delete("/api/v1/settings/jobs.keep_h").await.expect(200).json();
        assert_eq!((&back["value"], &back["is_default"]), (&json!(168), &json!(true)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_undone_unless_another_followed() {
    on_each_engine(Modules::NONE, async |app| {
        let admin = app.admin().await;
        let newest = async || {
            let page = admin.get("/api/v1/settings/changes?limit=1").await.expect(200).json();
            page["items"][0].clone()
        };
        let undo = |id: &Value, query: &str| {
            format!("/api/v1/settings/changes/{}/undo{query}", id.as_str().unwrap())
        };
        set(&admin, "installation.name", json!("First")).await;
        let first = newest().await;
        set(&admin, "installation.name", json!("Second")).await;
        let second = newest().await;

        let refused = admin.post(&undo(&first["id"], ""), json!({})).await.expect(409);
        assert_eq!(refused.error(), "settings.changed-since");
        let item = admin.post(&undo(&second["id"], ""), json!({})).await.expect(200).json();
        assert_eq!(item["value"], "First");
        let undoing = newest().await;
        assert_eq!((&undoing["undo_of"], &undoing["new"]), (&second["id"], &json!("First")));
        assert_eq!(
            admin.post(&undo(&second["id"], ""), json!({})).await.expect(409).error(),
            "settings.already-undone"
        );
        // What holds is what the first change had set, so that one can go too; its undoing can be undone.
        let item = admin.post(&undo(&first["id"], ""), json!({})).await.expect(200).json();
        assert_eq!((&item["value"], &item["is_default"]), (&json!("Socle"), &json!(true)));
        let item = admin.post(&undo(&newest().await["id"], ""), json!({})).await.expect(200).json();
        assert_eq!(item["value"], "First");

        set(&admin, "installation.name", json!("Third")).await;
        let item = admin.post(&undo(&undoing["id"], "?force=true"), json!({})).await.expect(200).json();
        assert_eq!(item["value"], "Second");
        admin
            .post("/api/v1/settings/changes/chg_00000000000000000000000000/undo", json!({}))
            .await
            .expect(404);

        let all = admin.get("/api/v1/settings/changes?limit=100").await.expect(200).json();
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page =
                admin.get(&format!("/api/v1/settings/changes?limit=2{cursor}")).await.expect(200).json();
            seen.extend(page["items"].as_array().unwrap().clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(Value::from(seen), all["items"]);
        admin.get("/api/v1/settings/changes?key=nothing").await.expect(404);
        admin.get("/api/v1/settings/changes?limit=101").await.expect(400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_who_may_change_and_titles_speak_the_callers_language() {
    on_each_engine(Modules::NONE, async |app| {
        app.admin().await;
        let member = app.member("user").await;
        member.get("/api/v1/settings").await.expect(403);
        member.put("/api/v1/settings/jobs.keep_h", json!({"value": 1})).await.expect(403);
        let admin = app.admin().await;
        let request =
            admin.request("GET".parse().unwrap(), "/api/v1/settings").header("accept-language", "fr");
        let french = admin.finish("settings", request).await.expect(200).json();
        assert!(french.to_string().contains("Conserver les tâches terminées"), "{french}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_node_follows() {
    on_each_engine(Modules::NONE, async |app| {
        let admin = app.admin().await;
        let other = another_node(app).await;
        set(&admin, "installation.name", json!("Both")).await;
        eventually("the other node knows", async || {
            (other.find("installation.name").unwrap().value == "Both").then_some(())
        })
        .await;
        // And what the other one changes is known here, and told to the workspace.
        let me = admin.get("/api/v1/auth/me").await.json();
        let workspace: WorkspaceId = me["workspace"]["id"].as_str().unwrap().parse().unwrap();
        let ctx = Ctx::system("test", workspace, app.platform.clock.now());
        other.set(&ctx, "installation.name", Some(json!("Other"))).await.unwrap();
        eventually("this node knows", async || {
            (admin.get("/api/v1/installation").await.json()["name"] == "Other").then_some(())
        })
        .await;
        let mut tx = app.platform.db.read().await.unwrap();
        let told: i64 = tx
            .query("SELECT COUNT(*) AS value FROM realtime_outbox WHERE topic = 'settings.changed'")
            .one()
            .await
            .unwrap();
        assert_eq!(told, 2);
    })
    .await;
}

/// A copy of the database that is put back has a lower version; what it says holds.
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_is_followed() {
    on_each_engine(Modules::NONE, async |app| {
        let admin = app.admin().await;
        set(&admin, "installation.name", json!("First")).await;
        let keep = async |sql: &str| {
            let mut tx = app.platform.db.begin().await.unwrap();
            tx.script(sql.to_owned()).await.unwrap();
            tx.commit().await.unwrap();
        };
        keep(
            "CREATE TABLE kept_values AS SELECT * FROM settings_values;
             CREATE TABLE kept_version AS SELECT * FROM settings_version",
        )
        .await;
        set(&admin, "installation.name", json!("Second")).await;
        set(&admin, "jobs.keep_h", json!(24)).await;
        keep(
            "DELETE FROM settings_values;
             INSERT INTO settings_values SELECT * FROM kept_values;
             DELETE FROM settings_version;
             INSERT INTO settings_version SELECT * FROM kept_version;
             DELETE FROM settings_changes WHERE position > (SELECT version FROM settings_version)",
        )
        .await;
        eventually("the server knows", async || {
            (setting(&admin, "installation.name").await["value"] == "First").then_some(())
        })
        .await;
        assert_eq!(setting(&admin, "jobs.keep_h").await["is_default"], true);
        // And goes on from there.
        set(&admin, "installation.name", json!("Third")).await;
        assert_eq!(setting(&admin, "installation.name").await["value"], "Third");
    })
    .await;
}

async fn another_node(app: &App) -> RuntimeSettings {
    let specs = admin::MANIFEST.settings;
    let other = RuntimeSettings::new(app.platform.db.clone(), app.platform.events.clone(), specs);
    let every = std::time::Duration::from_millis(20);
    app.platform.spawner.spawn("other settings", other.clone().run(every, app.platform.spawner.token()));
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_leave_one_chain() {
    on_each_engine(Modules::NONE, async |app| {
        let admin = app.admin().await;
        let writes = (1..=20).map(|hours| {
            let admin = admin.clone();
            async move { set(&admin, "jobs.keep_failed_h", json!(hours)).await }
        });
        futures::future::join_all(writes).await;
        let page = admin.get("/api/v1/settings/changes?key=jobs.keep_failed_h&limit=100").await.json();
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), 20);
        for (later, earlier) in items.iter().zip(&items[1..]) {
            assert_eq!(later["old"], earlier["new"], "each change begins where the one before ended");
        }
        assert_eq!(setting(&admin, "jobs.keep_failed_h").await["value"], items[0]["new"]);
    })
    .await;
}

/// The settings of this module are read when the work is done: no restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_takes_effect_at_once() {
    on_each_engine(MODULES, async |app| {
        let admin = app.admin().await;
        set(&admin, "jobs.keep_h", json!(3)).await;
        let task = start(app, &admin, "well").await;
        reaches(&admin, &task, "succeeded").await;
        let mut tx = app.platform.db.read().await.unwrap();
        let kept: i64 = tx
            .query("SELECT expires_at - finished_at AS value FROM jobs_tasks WHERE kind = 'test.play' AND state = $1")
            .bind(State::Succeeded.name())
            .one()
            .await
            .unwrap();
        assert_eq!(kept, 3 * 3_600_000_000);
        drop(tx);

        set(&admin, "installation.name", json!("École Pasteur")).await;
        set(&admin, "installation.sign_in_notice", json!("Closed on Sunday")).await;
        let shown = app.stranger().get("/api/v1/installation").await.expect(200).json();
        assert_eq!((&shown["name"], &shown["sign_in_notice"]), (&json!("École Pasteur"), &json!("Closed on Sunday")));

        // A caller that does not say its language.
        assert_eq!(setting(&admin, "jobs.keep_h").await["title"], "Keep finished work");
        set(&admin, "installation.default_language", json!("fr")).await;
        assert_eq!(setting(&admin, "jobs.keep_h").await["title"], "Conserver les tâches terminées");
    })
    .await;
}
