use serde_json::json;
use testkit::Client;

use crate::{PASSWORD, bearer, create, log_in, text, with_admin};

#[tokio::test(flavor = "multi_thread")]
async fn people_are_created_listed_and_changed() {
    with_admin(async |app, admin| {
        let id = create(admin, "grace@example.org", "teacher").await;
        create(admin, "100%_sure@example.org", "student").await;
        let user = admin.get(&format!("/api/v1/users/{id}")).await.expect(200).json();
        assert_eq!((&user["roles"], &user["is_active"]), (&json!(["teacher"]), &json!(true)));
        assert!(!user.to_string().contains("argon2"), "{user}");

        let total = async |query: &str| admin.get(&format!("/api/v1/users?{query}")).await.expect(200).json()["total"].clone();
        assert_eq!(total("").await, 3);
        assert_eq!(total("search=GRACE").await, 2, "also by name");
        assert_eq!(total("search=grace%40").await, 1);
        assert_eq!(total("search=%25_s").await, 1, "no wildcards");
        assert_eq!(total("search=%25%25").await, 0);
        assert_eq!(total("role=student").await, 1);
        assert_eq!(total("is_active=false").await, 0);
        admin.get("/api/v1/users?roles=student").await.expect(400);

        let path = format!("/api/v1/users/{id}");
        let user = admin.patch(&path, json!({"role": "operator", "last_name": "H."})).await.expect(200).json();
        assert_eq!((&user["roles"], &user["last_name"]), (&json!(["operator"]), &json!("H.")));
        assert_eq!(total("role=operator").await, 1);

        let again = json!({"email": "GRACE@example.org", "password": PASSWORD, "role": "user"});
        assert_eq!(admin.post("/api/v1/users", again).await.expect(409).error(), "identity.email-taken");
        for (body, pointer) in [
            (json!({"email": "nobody", "password": PASSWORD, "role": "user"}), "/email"),
            (json!({"email": "a@example.org", "password": "short", "role": "user"}), "/password"),
            (json!({"email": "a@example.org", "password": "qwertyuiop", "role": "user"}), "/password"),
            (json!({"email": "a@example.org", "password": PASSWORD, "role": "root"}), "/role"),
            (json!({"email": "a@example.org", "password": PASSWORD, "role": "user", "first_name": "x".repeat(101)}), "/first_name"),
        ] {
            let refused = admin.post("/api/v1/users", body.clone()).await.expect(422).json();
            assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}: {refused}");
        }
        for extra in ["workspace_id", "is_verified", "id", "roles", "password_hash"] {
            let mut body = json!({"email": "a@example.org", "password": PASSWORD, "role": "user"});
            body[extra] = json!("x");
            admin.post("/api/v1/users", body).await.expect(422);
            admin.patch(&path, json!({extra: "x"})).await.expect(422);
        }
        log_in(&app.stranger(), "a@example.org", PASSWORD).await.expect(401);
        let roles = admin.get("/api/v1/roles").await.expect(200).json();
        assert_eq!(roles["total"], 5);
        let admins = roles["items"].as_array().unwrap().iter().find(|role| role["name"] == "admin").unwrap().clone();
        assert!(admins["permissions"].as_array().unwrap().contains(&json!("identity.audit.read")), "{admins}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_is_out_at_once_and_may_return() {
    with_admin(async |app, admin| {
        let id = create(admin, "grace@example.org", "user").await;
        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let grace = bearer(app, &pair["access_token"]);
        grace.get("/api/v1/auth/me").await.expect(200);
        let path = format!("/api/v1/users/{id}");
        admin.patch(&path, json!({"is_active": false})).await.expect(200);
        grace.get("/api/v1/auth/me").await.expect(401);
        let body = json!({"refresh_token": pair["refresh_token"]});
        app.stranger().post("/api/v1/auth/refresh", body).await.expect(401);
        log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(401);
        admin.patch(&path, json!({"is_active": true})).await.expect(200);
        log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200);
        grace.get("/api/v1/auth/me").await.expect(401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_counts_from_the_next_request_on() {
    with_admin(async |app, admin| {
        let id = create(admin, "grace@example.org", "admin").await;
        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let grace = bearer(app, &pair["access_token"]);
        grace.get("/api/v1/users").await.expect(200);
        admin.patch(&format!("/api/v1/users/{id}"), json!({"role": "user"})).await.expect(200);
        grace.get("/api/v1/users").await.expect(403);
        assert_eq!(grace.get("/api/v1/auth/me").await.expect(200).json()["roles"], json!(["user"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_always_left_to_administer() {
    with_admin(async |_, admin| {
        let me = text(&admin.get("/api/v1/auth/me").await.expect(200).json()["id"]);
        for change in [json!({"role": "user"}), json!({"is_active": false})] {
            let refused = admin.patch(&format!("/api/v1/users/{me}"), change).await.expect(409);
            assert_eq!(refused.error(), "identity.last-admin");
        }
        create(admin, "second@example.org", "admin").await;
        admin.patch(&format!("/api/v1/users/{me}"), json!({"role": "user"})).await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_route_asks_for_its_permission() {
    with_admin(async |app, admin| {
        let id = create(admin, "grace@example.org", "user").await;
        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let grace = bearer(app, &pair["access_token"]);
        let calls = async |client: &Client, expected: u16| {
            for path in ["/api/v1/users", "/api/v1/roles", "/api/v1/audit", &format!("/api/v1/users/{id}")] {
                assert_eq!(client.get(path).await.status, expected, "GET {path}");
            }
            for (path, body) in [
                ("/api/v1/users", json!({"email": "x@example.org", "password": PASSWORD, "role": "admin"})),
                ("/api/v1/workspaces", json!({"name": "Mine"})),
                (&format!("/api/v1/users/{id}/reset-password"), json!({})),
            ] {
                assert_eq!(client.post(path, body).await.status, expected, "POST {path}");
            }
            let change = client.patch(&format!("/api/v1/users/{id}"), json!({"role": "admin"})).await;
            assert_eq!(change.status, expected);
        };
        calls(&grace, 403).await;
        calls(&app.stranger(), 401).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_workspaces_people_do_not_exist() {
    with_admin(async |app, admin| {
        let id = create(admin, "grace@example.org", "user").await;
        let elsewhere = app.admin_elsewhere().await;
        for path in [format!("/api/v1/users/{id}"), "/api/v1/users/nonsense".to_owned()] {
            elsewhere.get(&path).await.expect(404);
            elsewhere.patch(&path, json!({"is_active": false})).await.expect(404);
            elsewhere.post(&format!("{path}/reset-password"), json!({})).await.expect(404);
        }
        let page = elsewhere.get("/api/v1/users").await.expect(200).json();
        assert!(!page.to_string().contains("grace@example.org"), "{page}");
        let audit = elsewhere.get("/api/v1/audit?limit=100").await.expect(200).json();
        assert!(!audit.to_string().contains("grace@example.org"), "{audit}");
        log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200);

        // The first administrator is a guest there: their role may change, their account may not.
        let guest = text(&admin.get("/api/v1/auth/me").await.expect(200).json()["id"]);
        let path = format!("/api/v1/users/{guest}");
        assert_eq!(
            elsewhere.patch(&path, json!({"is_active": false})).await.expect(403).error(),
            "identity.not-home"
        );
        elsewhere.post(&format!("{path}/reset-password"), json!({})).await.expect(403);
        elsewhere.patch(&path, json!({"role": "user"})).await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_are_switched_by_their_members_only() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let made = admin.post("/api/v1/workspaces", json!({"name": "École d'été"})).await.expect(201).json();
        assert_eq!((&made["slug"], &made["role"]), (&json!("ecole-d-ete"), &json!("admin")));
        let twin = admin.post("/api/v1/workspaces", json!({"name": "École d'été"})).await.expect(201).json();
        assert_eq!(twin["slug"], "ecole-d-ete-2");
        admin.post("/api/v1/workspaces", json!({"name": " "})).await.expect(422);
        assert_eq!(admin.get("/api/v1/workspaces").await.expect(200).json()["total"], 3);

        let body = json!({"workspace_id": made["id"]});
        let pair = admin.post("/api/v1/auth/workspace", body.clone()).await.expect(200).json();
        let there = bearer(app, &pair["access_token"]);
        assert_eq!(there.get("/api/v1/auth/me").await.expect(200).json()["workspace"]["id"], made["id"]);
        assert_eq!(there.get("/api/v1/users").await.expect(200).json()["total"], 1);
        // The older token goes on in the older workspace; a refresh stays in the new one.
        assert_eq!(admin.get("/api/v1/users").await.expect(200).json()["total"], 2);
        let next = json!({"refresh_token": pair["refresh_token"]});
        let next = app.stranger().post("/api/v1/auth/refresh", next).await.expect(200).json();
        let me = bearer(app, &next["access_token"]).get("/api/v1/auth/me").await.expect(200).json();
        assert_eq!(me["workspace"]["id"], made["id"]);

        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let grace = bearer(app, &pair["access_token"]);
        grace.post("/api/v1/auth/workspace", body).await.expect(404);
        grace.post("/api/v1/auth/workspace", json!({"workspace_id": "ws_1"})).await.expect(422);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_membership_is_lost_access() {
    with_admin(async |app, admin| {
        let id = create(admin, "grace@example.org", "user").await;
        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let grace = bearer(app, &pair["access_token"]);
        grace.get("/api/v1/auth/me").await.expect(200);
        // As another node would do it: this one notices when what it remembers grows old.
        let mut tx = app.platform.db.begin().await.unwrap();
        tx.query("DELETE FROM identity_memberships WHERE user_id = $1")
            .bind(id.as_str())
            .execute()
            .await
            .unwrap();
        tx.commit().await.unwrap();
        app.clock.advance(std::time::Duration::from_secs(6));
        grace.get("/api/v1/auth/me").await.expect(401);
        let body = json!({"refresh_token": pair["refresh_token"]});
        app.stranger().post("/api/v1/auth/refresh", body).await.expect(403);
        admin.get(&format!("/api/v1/users/{id}")).await.expect(404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_link_works_once() {
    with_admin(async |app, admin| {
        let id = create(admin, "grace@example.org", "user").await;
        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let path = format!("/api/v1/users/{id}/reset-password");
        let made = async || {
            let link = text(&admin.post(&path, json!({})).await.expect(200).json()["password_link"]);
            assert!(link.starts_with(&format!("{}/reset?token=", app.base)), "{link}");
            link.split("token=").nth(1).unwrap().to_owned()
        };
        let reset = async |token: &str, password: &str| {
            app.stranger().post("/auth/reset", json!({"token": token, "new_password": password})).await
        };
        let (older, token) = (made().await, made().await);
        assert_eq!(reset(&older, "another fine phrase").await.expect(410).error(), "identity.link-refused");
        reset(&token, "short").await.expect(422);
        reset(&token, "another fine phrase").await.expect(204);
        reset(&token, "yet another phrase").await.expect(410);
        bearer(app, &pair["access_token"]).get("/api/v1/auth/me").await.expect(401);
        log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(401);
        log_in(&app.stranger(), "grace@example.org", "another fine phrase").await.expect(200);

        let late = made().await;
        app.clock.advance(std::time::Duration::from_secs(3_600));
        reset(&late, "yet another phrase").await.expect(410);
        for junk in ["", "x", &"A".repeat(43)] {
            reset(junk, "yet another phrase").await.expect(410);
        }
    })
    .await;
}
