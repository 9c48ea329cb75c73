use std::time::Duration;

use serde_json::{Value, json};
use testkit::{App, Client, eventually};

use crate::{
    PASSWORD, bearer, create, log_in,
    registration::{open_to_all, patient, register, set},
    text, with_admin,
};

async fn total(admin: &Client, query: &str) -> Value {
    admin.get(&format!("/api/v1/users{query}")).await.expect(200).json()["total"].clone()
}

async fn upkeep(app: &App, admin: &Client) {
    let path = "/api/v1/schedules/identity.remove_old/run";
    let task = admin.post(path, json!({})).await.expect(202).json();
    let path = format!("/api/v1/tasks/{}", text(&task["task_id"]));
    eventually("the upkeep is done", async || {
        app.clock.advance(Duration::from_millis(50));
        (admin.get(&path).await.expect(200).json()["state"] == "succeeded").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_deleted_restored_and_purged() {
    with_admin(async |app, admin| {
        let id = create(admin, "grace@example.org", "operator").await;
        let path = format!("/api/v1/users/{id}");
        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let grace = bearer(app, &pair["access_token"]);
        let sessions = admin.get(&format!("{path}/sessions")).await.expect(200).json();
        assert_eq!((&sessions["total"], &sessions["items"][0]["current"]), (&json!(1), &json!(false)));
        admin.post(&format!("{path}/restore"), json!({})).await.expect(404);
        admin.post(&format!("{path}/purge"), json!({})).await.expect(404);

        admin.delete(&path).await.expect(204);
        admin.delete(&path).await.expect(404);
        admin.get(&path).await.expect(404);
        grace.get("/api/v1/auth/me").await.expect(401);
        let body = json!({"refresh_token": pair["refresh_token"]});
        app.stranger().post("/api/v1/auth/refresh", body).await.expect(401);
        log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(401);
        assert_eq!((total(admin, "").await, total(admin, "?deleted=true").await), (json!(1), json!(1)));
        let listed = admin.get("/api/v1/users?deleted=true&search=grace").await.expect(200).json();
        assert!(listed["items"][0]["deleted_at"].is_string(), "{listed}");
        // The address stays reserved.
        let body = json!({"email": "Grace@example.org", "password": PASSWORD, "role": "user"});
        let refused = admin.post("/api/v1/users", body.clone()).await.expect(409);
        assert_eq!(refused.error(), "identity.email-of-deleted");

        let restored = admin.post(&format!("{path}/restore"), json!({})).await.expect(200).json();
        assert_eq!((&restored["deleted_at"], &restored["roles"]), (&Value::Null, &json!(["operator"])));
        grace.get("/api/v1/auth/me").await.expect(401);
        log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200);

        admin.delete(&path).await.expect(204);
        admin.post(&format!("{path}/purge"), json!({})).await.expect(204);
        admin.post(&format!("{path}/restore"), json!({})).await.expect(404);
        assert_eq!(total(admin, "?deleted=true").await, json!(0));
        let mut tx = app.platform.db.read().await.unwrap();
        for column in ["email", "first_name", "last_name"] {
            let sql = format!("SELECT {column} AS value FROM identity_users WHERE id = $1");
            let left: String = tx.query_built(sql).bind(&id).one().await.unwrap();
            assert_eq!(left, "", "{column}");
        }
        drop(tx);
        assert!(app.identity.names(&[id.parse().unwrap()]).await.unwrap().is_empty());
        // Free again; and what happened is still told.
        let again = admin.post("/api/v1/users", body).await.expect(201).json();
        assert_ne!(again["id"], id);
        for action in ["user-deleted", "user-restored", "user-purged"] {
            let path = format!("/api/v1/audit?action=identity.{action}");
            let audit = admin.get(&path).await.expect(200).json();
            assert_eq!(audit["items"][0]["target"], id, "{action}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_administrator_stays() {
    with_admin(async |app, admin| {
        let own = text(&admin.get("/api/v1/auth/me").await.expect(200).json()["id"]);
        let refused = admin.delete(&format!("/api/v1/users/{own}")).await.expect(409);
        assert_eq!(refused.error(), "identity.own-account");
        let delete_me = async |client: &Client, body: Value| {
            client.send(reqwest::Method::DELETE, "/api/v1/auth/me", Some(body)).await
        };
        let password = json!({"current_password": "a sound pass phrase 41"});
        assert_eq!(delete_me(admin, password.clone()).await.expect(409).error(), "identity.last-admin");
        assert_eq!(delete_me(admin, json!({})).await.expect(422).error(), "identity.wrong-password");
        delete_me(admin, json!({"current_password": "a wrong password"})).await.expect(422);

        let id = create(admin, "second@example.org", "admin").await;
        let pair = log_in(&app.stranger(), "second@example.org", PASSWORD).await.expect(200).json();
        let second = bearer(app, &pair["access_token"]);
        // A workspace of which nobody else is an administrator keeps its only one.
        let made = second.post("/api/v1/workspaces", json!({"name": "Mine"})).await.expect(201).json();
        assert!(made["id"].is_string());
        assert_eq!(
            admin.delete(&format!("/api/v1/users/{id}")).await.expect(409).error(),
            "identity.last-admin"
        );
        let off = json!({"is_active": false});
        admin.patch(&format!("/api/v1/users/{id}"), off).await.expect(409);
        // Of two administrators, one may go.
        create(admin, "third@example.org", "admin").await;
        delete_me(admin, password).await.expect(204);
        admin.get("/api/v1/auth/me").await.expect(401);
        assert_eq!(total(&second, "?role=admin").await, json!(2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_accounts_are_purged_by_themselves() {
    open_to_all(patient, async |app, admin| {
        let id = create(admin, "grace@example.org", "user").await;
        let young = create(admin, "young@example.org", "user").await;
        register(&app.stranger(), "never@example.org", PASSWORD).await.expect(202);
        assert_eq!(app.mails_to("never@example.org").await.len(), 1);
        admin.delete(&format!("/api/v1/users/{id}")).await.expect(204);
        assert_eq!(app.mails_to("grace@example.org").await[0].params["days"], 30);
        app.clock.advance(Duration::from_secs(29 * 86_400));
        let admin = app.admin().await;
        admin.delete(&format!("/api/v1/users/{young}")).await.expect(204);
        upkeep(app, &admin).await;
        assert_eq!(total(&admin, "?deleted=true").await, json!(2));
        app.clock.advance(Duration::from_secs(86_500));
        let admin = app.admin().await;
        upkeep(app, &admin).await;
        let left = admin.get("/api/v1/users?deleted=true").await.expect(200).json();
        assert_eq!((&left["total"], &left["items"][0]["id"]), (&json!(1), &json!(young)));
        // Who never confirmed the address is gone too.
        assert_eq!(total(&admin, "?search=never").await, json!(0));
        // By then the sessions of the first days are over since long.
        set(&admin, "identity.deleted_keep_days", json!(0)).await;
        app.clock.advance(Duration::from_secs(60 * 86_400));
        let admin = app.admin().await;
        upkeep(app, &admin).await;
        assert_eq!(total(&admin, "?deleted=true").await, json!(0));
        let mut tx = app.platform.db.read().await.unwrap();
        let sessions: i64 = tx.query("SELECT COUNT(*) AS value FROM identity_sessions").one().await.unwrap();
        let links: i64 = tx.query("SELECT COUNT(*) AS value FROM identity_links").one().await.unwrap();
        assert_eq!((sessions, links), (1, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_end_sessions_and_vouch_for_addresses() {
    open_to_all(patient, async |app, admin| {
        let body = json!({"email": "grace@example.org", "send_link": true, "first_name": "Grace", "role": "user", "locale": "fr"});
        let made = admin.post("/api/v1/users", body).await.expect(201).json();
        assert_eq!((&made["is_verified"], &made["kind"]), (&json!(false), &json!("person")));
        let mail = app.mails_to("grace@example.org").await.pop().unwrap();
        assert_eq!((mail.template.as_str(), mail.locale.as_str()), ("set-password", "fr"));
        let body = json!({"token": mail.token(), "new_password": PASSWORD});
        app.stranger().post("/api/v1/auth/reset", body).await.expect(204);
        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let grace = bearer(app, &pair["access_token"]);
        assert_eq!(grace.get("/api/v1/auth/me").await.expect(200).json()["is_verified"], true);

        let path = format!("/api/v1/users/{}", text(&made["id"]));
        admin.delete(&format!("{path}/sessions")).await.expect(204);
        grace.get("/api/v1/auth/me").await.expect(401);
        assert_eq!(admin.get(&format!("{path}/sessions")).await.expect(200).json()["total"], 0);

        app.mails().await;
        let changed = admin.patch(&path, json!({"email": "hopper@example.org"})).await.expect(200).json();
        assert_eq!((&changed["email"], &changed["is_verified"]), (&json!("hopper@example.org"), &json!(false)));
        for to in ["grace@example.org", "hopper@example.org"] {
            assert_eq!(app.mails_to(to).await.pop().unwrap().template, "email-changed");
        }
        log_in(&app.stranger(), "hopper@example.org", PASSWORD).await.expect(200);
        admin.patch(&path, json!({"email": "admin@example.org"})).await.expect(409);
        let vouched = admin.patch(&path, json!({"is_verified": true})).await.expect(200).json();
        assert_eq!(vouched["is_verified"], true);
        let own = text(&admin.get("/api/v1/auth/me").await.expect(200).json()["id"]);
        admin.patch(&format!("/api/v1/users/{own}"), json!({"email": "x@example.org"})).await.expect(409);
        let link = admin.post(&format!("{path}/reset-password"), json!({"send": true})).await.expect(200).json();
        assert_eq!(link["password_link"], Value::Null);
        assert_eq!(app.mails_to("hopper@example.org").await.pop().unwrap().template, "reset");
        for (body, status) in [
            (json!({"email": "a@example.org", "role": "user"}), 422),
            (json!({"email": "a@example.org", "role": "user", "send_link": true, "password": PASSWORD}), 422),
            (json!({"email": "a@example.org", "role": "user", "password": PASSWORD, "is_verified": true}), 422),
        ] {
            admin.post("/api/v1/users", body).await.expect(status);
        }
    })
    .await;
}
