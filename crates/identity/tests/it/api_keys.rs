use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{App, Client, eventually};

use crate::{PASSWORD, bearer, create, log_in, text, with_admin};

async fn sign_in(app: &App, email: &str) -> Client {
    let pair = log_in(&app.stranger(), email, PASSWORD).await.expect(200).json();
    bearer(app, &pair["access_token"])
}

async fn key(owner: &Client, body: Value) -> Value {
    owner.post("/api/v1/auth/api-keys", body).await.expect(201).json()
}

async fn by_header(app: &App, key: &Value, path: &str) -> testkit::Answer {
    let stranger = app.stranger();
    let request = stranger.request(Method::GET, path).header("x-api-key", text(key));
    stranger.finish(path, request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_acts_for_its_owner_within_its_scopes() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "admin").await;
        let grace = sign_in(app, "grace@example.org").await;
        let made = key(&grace, json!({"name": "nightly export", "scopes": ["read", "read"]})).await;
        let whole = text(&made["key"]);
        assert!(whole.starts_with("socle_") && whole.len() == 55, "{whole}");
        assert!(whole.starts_with(&text(&made["prefix"])) && made["prefix"].as_str().unwrap().len() == 12);
        assert_eq!(
            (&made["scopes"], &made["expires_at"], &made["last_used_at"]),
            (&json!(["read"]), &json!(null), &json!(null))
        );
        let program = bearer(app, &made["key"]);
        let me = program.get("/auth/me").await.expect(200).json();
        assert_eq!((&me["email"], &me["scopes"]), (&json!("grace@example.org"), &json!(["read"])));
        assert_eq!(me["workspaces"].as_array().unwrap().len(), 1);
        assert!(
            me["permissions"].as_array().unwrap().iter().all(|name| text(name).ends_with(".read")),
            "{me}"
        );
        by_header(app, &made["key"], "/api/v1/users").await.expect(200);
        program.get("/api/v1/users").await.expect(200);
        program.post("/api/v1/workspaces", json!({"name": "x"})).await.expect(403);

        // It is told once, and its last use is noted.
        let listed = eventually("the use is noted", async || {
            let page = grace.get("/api/v1/auth/api-keys").await.expect(200).json();
            page["items"][0]["last_used_at"].is_string().then_some(page)
        })
        .await;
        assert_eq!(listed["total"], 1);
        assert!(!listed.to_string().contains(&whole), "{listed}");

        let id = text(&made["id"]);
        let path = format!("/api/v1/auth/api-keys/{id}");
        admin.delete(&path).await.expect(404);
        grace.delete(&path).await.expect(204);
        grace.delete(&path).await.expect(404);
        assert_eq!(program.get("/auth/me").await.expect(401).error(), "identity.token-refused");
        by_header(app, &made["key"], "/api/v1/users").await.expect(401);
        let audit = admin.get("/api/v1/audit?limit=100").await.expect(200).json().to_string();
        assert!(audit.contains("identity.api-key-created") && audit.contains("identity.api-key-revoked"));
        assert!(!audit.contains(&whole), "the key stays out of the audit log");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_never_holds_more_than_its_owner() {
    with_admin(async |app, admin| {
        let id = create(admin, "grace@example.org", "user").await;
        let grace = sign_in(app, "grace@example.org").await;
        let made =
            key(&grace, json!({"name": "wide", "scopes": ["identity.users.read", "write", "read"]})).await;
        let program = bearer(app, &made["key"]);
        program.get("/api/v1/users").await.expect(403);
        admin.patch(&format!("/api/v1/users/{id}"), json!({"role": "admin"})).await.expect(200);
        program.get("/api/v1/users").await.expect(200);
        admin.patch(&format!("/api/v1/users/{id}"), json!({"is_active": false})).await.expect(200);
        program.get("/auth/me").await.expect(401);
        admin.patch(&format!("/api/v1/users/{id}"), json!({"is_active": true})).await.expect(200);
        program.get("/auth/me").await.expect(200);
        // Out of the workspace, as another node would do it.
        let mut tx = app.platform.db.begin().await.unwrap();
        let gone = "DELETE FROM identity_memberships WHERE user_id = $1";
        tx.query(gone).bind(id.as_str()).execute().await.unwrap();
        tx.commit().await.unwrap();
        app.clock.advance(Duration::from_secs(6));
        program.get("/auth/me").await.expect(401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_expire_and_are_checked_before_they_are_made() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let grace = sign_in(app, "grace@example.org").await;
        let now = kernel::Clock::now(&*app.clock);
        let soon = (now + Duration::from_secs(60)).to_string();
        let made = key(&grace, json!({"name": "short", "expires_at": soon})).await;
        let program = bearer(app, &made["key"]);
        program.get("/auth/me").await.expect(200);
        app.clock.advance(Duration::from_secs(60));
        program.get("/auth/me").await.expect(401);
        for (body, pointer) in [
            (json!({"name": " "}), "/name"),
            (json!({"name": "x".repeat(101)}), "/name"),
            (json!({"name": "a\nb"}), "/name"),
            (json!({"name": "x", "scopes": ["everything"]}), "/scopes"),
            (json!({"name": "x", "expires_at": now.to_string()}), "/expires_at"),
            (json!({"name": "x", "user_id": "usr_1"}), "/user_id"),
        ] {
            let refused = grace.post("/api/v1/auth/api-keys", body.clone()).await.expect(422).json();
            assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}: {refused}");
        }
        // A session that was not confirmed lately is not enough.
        app.clock.advance(Duration::from_secs(841));
        let grace = {
            let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
            app.clock.advance(Duration::from_secs(899));
            bearer(app, &pair["access_token"])
        };
        grace.post("/api/v1/auth/api-keys", json!({"name": "x"})).await.expect(201);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_a_session_tells_keys_so() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "admin").await;
        let grace = sign_in(app, "grace@example.org").await;
        let made = key(&grace, json!({"name": "all"})).await;
        let program = bearer(app, &made["key"]);
        for (method, path, body) in [
            (Method::POST, "/api/v1/auth/api-keys", json!({"name": "child"})),
            (Method::GET, "/api/v1/auth/api-keys", Value::Null),
            (Method::DELETE, &format!("/api/v1/auth/api-keys/{}", text(&made["id"])), Value::Null),
            (
                Method::POST,
                "/api/v1/auth/password",
                json!({"current_password": PASSWORD, "new_password": "another fine phrase"}),
            ),
            (Method::PATCH, "/api/v1/auth/me", json!({"first_name": "x"})),
            (Method::GET, "/api/v1/auth/sessions", Value::Null),
            (Method::DELETE, "/api/v1/auth/sessions", Value::Null),
            (Method::POST, "/api/v1/auth/logout", json!({})),
        ] {
            let body = (!body.is_null()).then_some(body);
            let answer = program.send(method.clone(), path, body).await.expect(403);
            assert_eq!(answer.error(), "identity.own-session-needed", "{method} {path}");
        }
        // Matters of one's own need the class of scope, also where no permission is asked for.
        let narrow = key(&grace, json!({"name": "narrow", "scopes": ["identity.users.read"]})).await;
        let narrow = bearer(app, &narrow["key"]);
        narrow.get("/api/v1/users").await.expect(200);
        narrow.get("/api/v1/audit").await.expect(403);
        let answer = narrow.get("/api/v1/notifications").await.expect(403);
        assert_eq!(answer.error(), "insufficient-scope");
        program.get("/api/v1/notifications").await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_no_way_around_the_second_factor() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let grace = sign_in(app, "grace@example.org").await;
        let made = key(&grace, json!({"name": "older than the policy"})).await;
        let program = bearer(app, &made["key"]);
        program.get("/auth/me").await.expect(200);
        let everyone = json!({"value": "everyone"});
        admin.put("/api/v1/settings/identity.second_factor", everyone).await.expect(200);
        app.clock.advance(Duration::from_secs(6));
        assert_eq!(program.get("/auth/me").await.expect(403).error(), "identity.second-factor-needed");
    })
    .await;
}
