use jobs::Job;
use kernel::{Actor, Ctx, ToProblem as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use testkit::{App, Client};

use crate::{create, text, with_admin};

#[derive(Serialize, Deserialize)]
struct Work {
    number: u32,
}

impl Job for Work {
    const KIND: &'static str = "test.work";
}

async fn me(client: &Client) -> Value {
    client.get("/auth/me").await.expect(200).json()
}

/// The administrator's context, as a handler of some module would have it.
async fn ctx(app: &App, admin: &Client) -> Ctx {
    let me = me(admin).await;
    let now = kernel::Clock::now(&*app.clock);
    let workspace = text(&me["workspace"]["id"]).parse().unwrap();
    Ctx { actor: Actor::User(text(&me["id"]).parse().unwrap()), ..Ctx::system("test", workspace, now) }
}

async fn order(app: &App, ctx: &Ctx, number: u32) -> Result<(), jobs::Error> {
    let mut tx = app.platform.db.begin().await.unwrap();
    app.platform.jobs.enqueue(&mut tx, ctx, Work { number }).await?;
    tx.commit().await.unwrap();
    Ok(())
}

async fn notices(app: &App) -> Vec<Value> {
    let mut tx = app.platform.db.read().await.unwrap();
    let rows =
        tx.query("SELECT args FROM jobs_tasks WHERE kind = 'notifications.notify' ORDER BY id").rows().await;
    let args = rows
        .unwrap()
        .iter()
        .map(|row| serde_json::from_str(&row.get::<String>("args").unwrap()).unwrap())
        .collect::<Vec<Value>>();
    let mut told: Vec<_> = args.into_iter().filter(|args| args["topic"] == "identity.quota_near").collect();
    told.sort_by_key(|args| args["message"]["params"]["percent"].as_i64());
    told
}

async fn quota(client: &Client, resource: &str) -> Value {
    let all = client.get("/api/v1/quotas").await.expect(200).json();
    all["items"].as_array().unwrap().iter().find(|item| item["resource"] == resource).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_a_day_are_counted_and_come_back_at_midnight() {
    with_admin(async |app, admin| {
        let workspace = text(&me(admin).await["workspace"]["id"]);
        let path = format!("/api/v1/workspaces/{workspace}/quotas");
        let ctx = ctx(app, admin).await;
        let shown = quota(admin, "jobs").await;
        assert_eq!(
            (&shown["limit"], &shown["used"], &shown["per"]),
            (&json!(null), &json!(0), &json!("day"))
        );
        assert_eq!(shown["resets_at"], "2026-01-06T00:00:00Z");
        assert_eq!(shown["label"]["fr"], "Tâches par jour");
        order(app, &ctx, 0).await.unwrap();
        assert_eq!(quota(admin, "jobs").await["used"], 1);

        // What was ordered before counts when the bound comes.
        admin.put(&path, json!({"jobs": 10})).await.expect(200);
        for number in 1..8 {
            order(app, &ctx, number).await.unwrap();
        }
        let told = notices(app).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["message"]["params"]["percent"], 80);
        for number in 8..10 {
            order(app, &ctx, number).await.unwrap();
        }
        let told = notices(app).await;
        assert_eq!(told.len(), 2, "once each: {told:?}");
        assert_eq!(
            (&told[1]["message"]["params"]["percent"], &told[1]["to"]["role"]),
            (&json!(100), &json!("admin"))
        );

        let refused = order(app, &ctx, 10).await.unwrap_err().problem();
        assert_eq!((refused.status, &*refused.code), (429, "quota.reached"));
        // 08:00 to midnight.
        assert_eq!(refused.retry_after_s, Some(16 * 3_600));
        assert!(
            refused.detail.contains("10") && refused.detail.contains("administrator"),
            "{}",
            refused.detail
        );
        // What Socle does by itself goes on, and so do mails.
        let system = Ctx::system("test", ctx.workspace, ctx.now);
        order(app, &system, 11).await.unwrap();
        admin
            .post("/api/v1/invitations", json!({"email": "x@example.org", "role": "user"}))
            .await
            .expect(201);
        assert_eq!(quota(admin, "jobs").await["used"], 10);
        assert_eq!(notices(app).await.len(), 2);

        app.clock.advance(std::time::Duration::from_secs(16 * 3_600));
        let later = Ctx { now: kernel::Clock::now(&*app.clock), ..ctx.clone() };
        order(app, &later, 12).await.unwrap();
        let admin = app.admin().await;
        assert_eq!(quota(&admin, "jobs").await["used"], 1);
        admin.put(&path, json!({"jobs": null})).await.expect(200);
        for number in 20..40 {
            order(app, &later, number).await.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_exactly_the_rest_gets_through() {
    with_admin(async |app, admin| {
        let workspace = text(&me(admin).await["workspace"]["id"]);
        let ctx = ctx(app, admin).await;
        admin.put(&format!("/api/v1/workspaces/{workspace}/quotas"), json!({"jobs": 5})).await.expect(200);
        order(app, &ctx, 0).await.unwrap();
        let all = (1..21).map(|number| order(app, &ctx, number));
        let fine = futures::future::join_all(all).await.into_iter().filter(Result::is_ok).count();
        assert_eq!(fine, 4);
        let mut tx = app.platform.db.read().await.unwrap();
        let kept: i64 = tx
            .query("SELECT COUNT(*) AS value FROM jobs_tasks WHERE kind = 'test.work'")
            .one()
            .await
            .unwrap();
        assert_eq!(kept, 5);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quotas_are_set_by_who_looks_after_the_installation() {
    with_admin(async |app, admin| {
        let elsewhere = app.admin_elsewhere().await;
        let there = text(&me(&elsewhere).await["workspace"]["id"]);
        let path = format!("/api/v1/workspaces/{there}/quotas");
        elsewhere.get("/api/v1/quotas").await.expect(200);
        elsewhere.put(&path, json!({"jobs": 1_000_000})).await.expect(403);
        elsewhere.get(&path).await.expect(403);
        admin.put(&path, json!({"jobs": 3})).await.expect(200);
        assert_eq!(quota(&elsewhere, "jobs").await["limit"], 3);
        assert_eq!(quota(admin, "jobs").await["limit"], json!(null));
        for wrong in [json!({"jobs": -1}), json!({"jobs": "many"}), json!({"nothing": 1}), json!([])] {
            admin.put(&path, wrong).await.expect(422);
        }
        let nobody = "/api/v1/workspaces/ws_00000000000000000000000000/quotas";
        admin.put(nobody, json!({"jobs": 1})).await.expect(404);
        admin.get(nobody).await.expect(404);
        let log = elsewhere.get("/api/v1/audit?action=identity.quotas-changed").await.expect(200).json();
        let detail = &log["items"][0]["detail"];
        assert_eq!((&detail["before"]["jobs"], &detail["after"]["jobs"]), (&json!(null), &json!(3)));
        // The same again is no change.
        admin.put(&path, json!({"jobs": 3})).await.expect(200);
        let log = elsewhere.get("/api/v1/audit?action=identity.quotas-changed").await.expect(200).json();
        assert_eq!(log["items"].as_array().unwrap().len(), 1);
        create(admin, "grace@example.org", "user").await;
    })
    .await;
}
