//! Schedules and queues over HTTP, and tasks in the words of older clients.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Client, eventually, on_each_engine};

use crate::{MODULES, reaches, start};

const FORGET: &str = "/api/v1/schedules/admin.forget_old";

async fn task_ends(client: &Client, answer: &Value) -> Value {
    reaches(client, answer["status_url"].as_str().unwrap(), "succeeded").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_changed_run_and_reset() {
    on_each_engine(MODULES, async |app| {
        let admin = app.admin().await;
        let list = admin.get("/api/v1/schedules").await.expect(200).json();
        let own =
            list["items"].as_array().unwrap().iter().find(|item| item["name"] == "admin.forget_old").unwrap();
        assert_eq!(
            (&own["cron"], &own["time_zone"], &own["catch_up"]),
            (&json!("17 * * * *"), &json!("UTC"), &json!("once"))
        );
        assert_eq!((&own["next_at"], &own["last_at"]), (&json!("2026-01-05T08:17:00Z"), &Value::Null));

        let change = json!({"cron": "0 9 * * MON-FRI", "time_zone": "Europe/Paris", "catch_up": "skip"});
        let changed = admin.patch(FORGET, change).await.expect(200).json();
        assert_eq!(
            (&changed["is_overridden"], &changed["next_at"]),
            (&json!(true), &json!("2026-01-06T08:00:00Z"))
        );
        let refused = admin.patch(FORGET, json!({"cron": "whenever"})).await.expect(422).json();
        assert_eq!(
            (&refused["error"], &refused["errors"][0]["pointer"]),
            (&json!("jobs.bad-schedule"), &json!("/cron"))
        );
        admin.patch(FORGET, json!({"cron": "0 0 30 2 *"})).await.expect(422);
        admin.patch(FORGET, json!({"time_zone": "Mars/Olympus"})).await.expect(422);
        admin.patch(FORGET, json!({"catch_up": "maybe"})).await.expect(422);
        admin.patch(FORGET, json!({"crom": "0 0 * * *"})).await.expect(422);
        assert_eq!(admin.get(FORGET).await.expect(200).json()["cron"], "0 9 * * MON-FRI");
        let paused = admin.patch(FORGET, json!({"is_paused": true})).await.expect(200).json();
        assert_eq!((&paused["is_paused"], &paused["next_at"]), (&json!(true), &Value::Null));
        let own = admin.delete(&format!("{FORGET}/overrides")).await.expect(200).json();
        assert_eq!((&own["cron"], &own["is_overridden"]), (&json!("17 * * * *"), &json!(false)));

        // By hand, also while it is paused. The task belongs to the installation, and those who may see schedules see it.
        let accepted = admin.post(&format!("{FORGET}/run"), json!({})).await.expect(202).json();
        assert_eq!(accepted["status"], "pending");
        task_ends(&admin, &accepted).await;
        let of_installation = admin.get("/api/v1/tasks?scope=installation").await.expect(200).json();
        assert_eq!(of_installation["items"][0]["id"], accepted["task_id"]);
        assert_eq!(admin.get("/api/v1/tasks").await.expect(200).json()["total"], 0);
        let runs = admin.get(&format!("{FORGET}/runs")).await.expect(200).json();
        assert_eq!(
            (&runs["items"][0]["reason"], &runs["items"][0]["task_state"]),
            (&json!("manual"), &json!("succeeded"))
        );
        let state = admin.get(FORGET).await.expect(200).json();
        assert_eq!(
            (&state["last_task_id"], &state["last_outcome"]),
            (&accepted["task_id"], &json!("succeeded"))
        );

        let audit = admin.get("/api/v1/audit").await.expect(200).json();
        let actions: Vec<_> = audit["items"].as_array().unwrap().iter().map(|row| &row["action"]).collect();
        for action in ["admin.schedule-changed", "admin.schedule-reset", "admin.schedule-run"] {
            assert!(actions.contains(&&json!(action)), "{action}: {actions:?}");
        }

        admin.get("/api/v1/schedules/nobody.knows").await.expect(404);
        admin.post("/api/v1/schedules/nobody.knows/run", json!({})).await.expect(404);
        let student = app.member("student").await;
        student.get("/api/v1/schedules").await.expect(403);
        student.get(accepted["status_url"].as_str().unwrap()).await.expect(403);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_fires_when_its_time_has_come() {
    on_each_engine(MODULES, async |app| {
        let admin = app.admin().await;
        // Until a worker has it in the books, nothing is planned.
        eventually("the schedule is in the books", async || {
            let mut tx = app.platform.db.read().await.unwrap();
            let rows: i64 = tx.query("SELECT COUNT(*) AS value FROM jobs_schedules").one().await.unwrap();
            (rows > 0).then_some(())
        })
        .await;
        let path = "/api/v1/workspaces";
        let request = admin.request(reqwest::Method::POST, path).header("Idempotency-Key", "once");
        admin.finish(path, request.json(&json!({"name": "Kept"}))).await.expect(201);
        let kept = async || -> i64 {
            let mut tx = app.platform.db.read().await.unwrap();
            tx.query("SELECT COUNT(*) AS value FROM platform_idempotency").one().await.unwrap()
        };
        for (minutes, planned, reason, answers) in [
            (17, "2026-01-05T08:17:00Z", "due", 1),
            (24 * 60, "2026-01-06T08:17:00Z", "due", 0),
            (90, "2026-01-06T09:17:00Z", "catch_up", 0),
        ] {
            app.clock.advance(Duration::from_secs(minutes * 60));
            // Tokens live for a quarter of an hour.
            let admin = app.admin().await;
            let run = eventually("it fires", async || {
                let runs = admin.get(&format!("{FORGET}/runs?limit=1")).await.expect(200).json();
                runs["items"]
                    .get(0)
                    .filter(|run| run["planned_at"] == planned && run["task_state"] == "succeeded")
                    .cloned()
            })
            .await;
            assert_eq!((run["reason"].as_str(), kept().await), (Some(reason), answers), "{planned}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_are_paused_and_tasks_discarded() {
    on_each_engine(MODULES, async |app| {
        let admin = app.admin().await;
        let paused = admin.post("/api/v1/queues/default/pause", json!({})).await.expect(200).json();
        assert_eq!((&paused["name"], &paused["is_paused"]), (&json!("default"), &json!(true)));
        let task = start(app, &admin, "well").await;
        eventually("it waits", async || {
            let queues = admin.get("/api/v1/queues").await.expect(200).json();
            (queues["items"][0]["waiting"] == 1).then_some(())
        })
        .await;
        assert_eq!(admin.get(&task).await.expect(200).json()["state"], "pending");
        admin.post("/api/v1/queues/nowhere/pause", json!({})).await.expect(404);
        app.admin_elsewhere().await.delete(&task).await.expect(404);
        let other = start(app, &admin, "well").await;
        admin.delete(&other).await.expect(204);
        admin.get(&other).await.expect(404);
        let open = admin.post("/api/v1/queues/default/resume", json!({})).await.expect(200).json();
        assert_eq!(open["is_paused"], false);
        reaches(&admin, &task, "succeeded").await;
        let running = start(app, &admin, "never").await;
        reaches(&admin, &running, "running").await;
        admin.delete(&running).await.expect(409);
        admin.post(&format!("{running}/cancel"), json!({})).await.expect(200);
        reaches(&admin, &running, "cancelled").await;
    })
    .await;
}

/// Clients of before know four states; a client that names a version of the API gets that version.
#[tokio::test(flavor = "multi_thread")]
async fn older_clients_read_their_own_words() {
    on_each_engine(MODULES, async |app| {
        let admin = app.admin().await;
        let older = async |task: &str, path: &str| {
            let id = task.rsplit('/').next().unwrap();
            admin.get(&format!("{path}/{id}")).await.expect(200).json()
        };
        let well = start(app, &admin, "well").await;
        let badly = start(app, &admin, "badly").await;
        let never = start(app, &admin, "never").await;
        reaches(&admin, &well, "succeeded").await;
        reaches(&admin, &badly, "failed").await;
        eventually("it says what it does", async || {
            (older(&never, "/api/tasks").await["status"] == "under way").then_some(())
        })
        .await;
        for path in ["/api/tasks", "/api/qcm/tasks"] {
            let body = older(&well, path).await;
            assert_eq!((&body["state"], &body["progress"]), (&json!("SUCCESS"), &json!(100)));
            assert_eq!((&body["result"], body.get("error")), (&json!({"applause": true}), None));
            assert_eq!(body["task_state"], "succeeded");
            let body = older(&badly, path).await;
            assert_eq!((&body["state"], &body["error"]), (&json!("FAILURE"), &json!("the audience left")));
            assert_eq!(body.get("result"), None);
            let body = older(&never, path).await;
            assert_eq!((&body["state"], &body["progress"]), (&json!("PROGRESS"), &json!(40)));
        }
        let id = well.rsplit('/').next().unwrap();
        let path = format!("/api/tasks/{id}");
        let request = admin.request(reqwest::Method::GET, &path).header("API-Version", "1");
        let body = admin.finish(&path, request).await.expect(200).json();
        assert_eq!((&body["state"], &body["status_url"]), (&json!("succeeded"), &json!(well)));
        // The rest of the unversioned paths is as it was.
        let list = admin.get("/api/tasks?state=succeeded").await.expect(200).json();
        assert_eq!(list["items"][0]["state"], "succeeded");
        admin
            .post(&format!("/api/tasks/{}/cancel", never.rsplit('/').next().unwrap()), json!({}))
            .await
            .expect(200);
        reaches(&admin, &never, "cancelled").await;
        assert_eq!(older(&never, "/api/tasks").await["error"], "the task was cancelled");
        app.admin_elsewhere().await.get(&path).await.expect(404);
        app.stranger().get(&path).await.expect(401);
    })
    .await;
}
