//! Attacks on the borders of workspaces and on roles.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{App, Client};

use crate::{
    PASSWORD, bearer, create,
    invitations::{accept, invite},
    log_in, text, with_admin,
};

async fn signed_in(app: &App, email: &str) -> Client {
    let pair = log_in(&app.stranger(), email, PASSWORD).await.expect(200).json();
    bearer(app, &pair["access_token"])
}

/// Somebody who may manage people and roles, but is no administrator.
async fn manager(app: &App, admin: &Client) -> Client {
    let body = json!({"name": "manager", "permissions":
        ["identity.users.read", "identity.users.write", "identity.roles.write"]});
    admin.post("/api/v1/roles", body).await.expect(201);
    create(admin, "manager@example.org", "manager").await;
    signed_in(app, "manager@example.org").await
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_or_makes_more_than_they_hold() {
    with_admin(async |app, admin| {
        let manager = manager(app, admin).await;
        let refused = async |method: Method, path: &str, body: Value| {
            let answer = manager.send(method, path, Some(body)).await;
            assert_eq!(
                (answer.status, answer.error()),
                (403, "identity.role-beyond-caller".to_owned()),
                "{path}"
            );
        };
        let own = text(&manager.get("/auth/me").await.json()["id"]);
        let other = create(admin, "grace@example.org", "user").await;
        let boss = text(&admin.get("/auth/me").await.json()["id"]);
        for id in [&own, &other] {
            refused(Method::PATCH, &format!("/api/v1/users/{id}"), json!({"role": "admin"})).await;
            refused(Method::PUT, &format!("/api/v1/users/{id}/roles/admin"), json!({})).await;
        }
        refused(Method::POST, "/api/v1/invitations", json!({"email": "x@example.org", "role": "admin"}))
            .await;
        let body = json!({"email": "x@example.org", "password": PASSWORD, "role": "admin"});
        refused(Method::POST, "/api/v1/users", body).await;
        // Who holds more is not theirs to manage.
        refused(Method::DELETE, &format!("/api/v1/members/{boss}"), json!({})).await;
        refused(Method::DELETE, &format!("/api/v1/users/{boss}/roles/admin"), json!({})).await;
        refused(Method::PUT, &format!("/api/v1/users/{boss}/roles/manager"), json!({})).await;
        // A custom role with more than its maker holds; one's own made larger; everything at once.
        let body = json!({"name": "grab", "permissions": ["identity.audit.read"]});
        refused(Method::POST, "/api/v1/roles", body).await;
        let body = json!({"permissions": ["identity.users.write", "identity.audit.read"]});
        refused(Method::PATCH, "/api/v1/roles/manager", body).await;
        for everything in [json!(["*"]), json!(["identity.*"]), json!(["read"])] {
            let body = json!({"name": "all", "permissions": everything});
            manager.post("/api/v1/roles", body).await.expect(422);
        }
        // Role rename tricks: a name in the body counts nowhere, names are compared as they are.
        for body in [json!({"name": "admin"}), json!({"is_built_in": true}), json!({"workspace_id": null})] {
            manager.patch("/api/v1/roles/manager", body).await.expect(422);
        }
        for name in ["admin", "Admin", "admin ", "аdmin", "admin\u{0}", "ADMIN", "enseignant"] {
            let answer = manager.post("/api/v1/roles", json!({"name": name, "permissions": []})).await;
            assert!([409, 422].contains(&answer.status), "{name:?}: {}", answer.text());
        }
        refused(Method::PATCH, &format!("/api/v1/users/{own}"), json!({"role": "admin"})).await;
        // A role that holds more is not theirs to change or delete, even to make it smaller.
        let body = json!({"name": "auditor", "permissions": ["identity.audit.read"]});
        admin.post("/api/v1/roles", body).await.expect(201);
        refused(Method::PATCH, "/api/v1/roles/auditor", json!({"permissions": []})).await;
        refused(Method::DELETE, "/api/v1/roles/auditor", json!({})).await;
        assert_eq!(manager.get("/auth/me").await.json()["roles"], json!(["manager"]));
    })
    .await;
}

/// A token with few scopes gives no role that holds more.
#[tokio::test(flavor = "multi_thread")]
async fn a_narrow_token_makes_nobody_an_administrator() {
    with_admin(async |app, admin| {
        let id = create(admin, "grace@example.org", "user").await;
        let form = "username=admin@example.org&password=a%20sound%20pass%20phrase%2041&scope=write%20identity.users.read";
        let request = app
            .stranger()
            .request(Method::POST, "/api/v1/auth/login")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        let pair = app.stranger().finish("login", request).await.expect(200).json();
        let narrow = bearer(app, &pair["access_token"]);
        let path = format!("/api/v1/users/{id}");
        let refused = narrow.patch(&path, json!({"role": "admin"})).await.expect(403);
        assert_eq!(refused.error(), "identity.role-beyond-caller");
        narrow.put(&format!("{path}/roles/admin"), json!({})).await.expect(403);
        let make = json!({"name": "readers", "permissions": ["identity.audit.read"]});
        narrow.post("/api/v1/roles", make).await.expect(403);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_body_names_a_role_or_workspace_that_it_should_not() {
    with_admin(async |app, admin| {
        let token = invite(app, admin, "joan@example.org", "user").await;
        for extra in ["role", "roles", "workspace_id", "is_verified", "email", "id"] {
            let mut body = json!({"token": token, "password": PASSWORD});
            body[extra] = json!("admin");
            app.stranger().post("/api/v1/auth/invitation/accept", body).await.expect(422);
        }
        for (path, body) in [
            ("/api/v1/invitations", json!({"email": "x@example.org", "role": "user"})),
            ("/api/v1/roles", json!({"name": "x", "permissions": []})),
            ("/api/v1/workspaces", json!({"name": "x"})),
        ] {
            for extra in ["workspace_id", "id", "is_first", "is_built_in", "invited_by", "created_at"] {
                let mut body = body.clone();
                body[extra] = json!("x");
                admin.post(path, body).await.expect(422);
            }
        }
        let grace = create(admin, "grace@example.org", "user").await;
        let path = format!("/api/v1/users/{grace}");
        for body in [json!({"roles": ["admin"]}), json!({"workspace_id": "x"}), json!({"home": "x"})] {
            admin.patch(&path, body).await.expect(422);
        }
        let me = signed_in(app, "grace@example.org").await;
        me.patch("/auth/me", json!({"roles": ["admin"]})).await.expect(422);
        me.patch("/auth/me", json!({"role": "admin"})).await.expect(422);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_are_for_one_address_and_one_use() {
    with_admin(async |app, admin| {
        // Used up.
        let token = invite(app, admin, "joan@example.org", "user").await;
        let both = join_all((0..10).map(|_| {
            let (stranger, token) = (app.stranger(), token.clone());
            async move { accept(&stranger, &token).await.status }
        }))
        .await;
        assert_eq!(both.iter().filter(|status| **status == 204).count(), 1, "{both:?}");
        accept(&app.stranger(), &token).await.expect(410);
        // Somebody else's.
        create(admin, "grace@example.org", "user").await;
        create(admin, "mallory@example.org", "user").await;
        let elsewhere = app.admin_elsewhere().await;
        let token = invite(app, &elsewhere, "grace@example.org", "admin").await;
        let mallory = signed_in(app, "mallory@example.org").await;
        let refused =
            mallory.post("/api/v1/auth/invitation/accept", json!({"token": token})).await.expect(403);
        assert_eq!(refused.error(), "identity.invitation-for-another");
        // Nor does a password make the account another's.
        accept(&app.stranger(), &token).await.expect(401);
        accept(&mallory, &token).await.expect(403);
        log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200);
        // Made up.
        for junk in ["", "x", &"A".repeat(43), &"A".repeat(4_000)] {
            accept(&app.stranger(), junk).await.expect(410);
        }
        // Another workspace's invitations are not there.
        let list = elsewhere.get("/api/v1/invitations").await.expect(200).json();
        let path = format!("/api/v1/invitations/{}", text(&list["items"][0]["id"]));
        admin.delete(&path).await.expect(404);
        admin.post(&format!("{path}/resend"), json!({})).await.expect(404);
        assert_eq!(admin.get("/api/v1/invitations").await.json()["total"], 0);
    })
    .await;
}

/// What somebody sent out does not outlive their right to it.
#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_dies_with_its_makers_right() {
    with_admin(async |app, admin| {
        let second = create(admin, "second@example.org", "admin").await;
        let boss = signed_in(app, "second@example.org").await;
        let token = invite(app, &boss, "joan@example.org", "admin").await;
        let look = async |expected: u16| {
            app.stranger().post("/api/v1/auth/invitation", json!({"token": token})).await.expect(expected);
        };
        look(200).await;
        let path = format!("/api/v1/users/{second}");
        admin.patch(&path, json!({"role": "operator"})).await.expect(200);
        look(410).await;
        accept(&app.stranger(), &token).await.expect(410);
        admin.patch(&path, json!({"role": "admin"})).await.expect(200);
        look(200).await;
        admin.patch(&path, json!({"is_active": false})).await.expect(200);
        look(410).await;
        admin.patch(&path, json!({"is_active": true})).await.expect(200);
        admin.delete(&format!("/api/v1/members/{second}")).await.expect(204);
        look(410).await;
        log_in(&app.stranger(), "joan@example.org", PASSWORD).await.expect(401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_administrator_stays_whoever_is_fastest() {
    with_admin(async |app, admin| {
        let mut ids = vec![text(&admin.get("/auth/me").await.json()["id"])];
        for number in 0..9 {
            ids.push(create(admin, &format!("a{number}@example.org"), "admin").await);
        }
        // Each is taken down in two ways at once, all by the same administrator, who falls too.
        let calls = ids.iter().flat_map(|id| {
            let path = format!("/api/v1/users/{id}");
            [
                (Method::PATCH, path.clone(), json!({"role": "user"})),
                (Method::DELETE, path.replace("/users/", "/members/"), json!({})),
            ]
        });
        let calls = calls.map(|(method, path, body)| {
            let admin = admin.clone();
            async move { admin.send(method, &path, Some(body)).await.status }
        });
        let statuses = join_all(calls).await;
        assert_eq!(statuses.len(), 20);
        let mut tx = app.platform.db.read().await.unwrap();
        let left: i64 = tx
            .query("SELECT COUNT(*) AS value FROM identity_memberships WHERE role = 'admin'")
            .one()
            .await
            .unwrap();
        assert!(left >= 1, "{statuses:?}");
    })
    .await;
}

/// Twenty who leave at once: one must stay.
#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_who_leave_at_once_one_stays() {
    with_admin(async |app, admin| {
        let workspace = text(&admin.get("/auth/me").await.json()["workspace"]["id"]);
        let mut all = vec![admin.clone()];
        for number in 0..19 {
            create(admin, &format!("a{number}@example.org"), "admin").await;
            all.push(signed_in(app, &format!("a{number}@example.org")).await);
        }
        let path = format!("/api/v1/workspaces/{workspace}/leave");
        let statuses = join_all(all.iter().map(async |one| one.post(&path, json!({})).await.status)).await;
        assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 19, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 1, "{statuses:?}");
    })
    .await;
}
