use serde_json::json;
use testkit::{App, Client};

use crate::{PASSWORD, bearer, create, log_in, text, with_admin};

/// A workspace of the administrator, and a token for it.
async fn another(app: &App, admin: &Client, name: &str) -> (String, Client) {
    let made = admin.post("/api/v1/workspaces", json!({"name": name})).await.expect(201).json();
    let pair = admin.post("/auth/workspace", json!({"workspace_id": made["id"]})).await.expect(200).json();
    (text(&made["id"]), bearer(app, &pair["access_token"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_are_renamed() {
    with_admin(async |app, admin| {
        let (id, there) = another(app, admin, "École").await;
        let path = format!("/api/v1/workspaces/{id}");
        let shown = there.get(&path).await.expect(200).json();
        assert_eq!((&shown["slug"], &shown["is_first"]), (&json!("ecole"), &json!(false)));
        let changed = there.patch(&path, json!({"name": "Lycée", "slug": "lycee"})).await.expect(200).json();
        assert_eq!((&changed["name"], &changed["slug"]), (&json!("Lycée"), &json!("lycee")));
        let me = there.get("/auth/me").await.expect(200).json();
        assert_eq!(me["workspace"]["name"], "Lycée", "at once");
        assert_eq!(
            there.patch(&path, json!({"slug": "main"})).await.expect(409).error(),
            "identity.name-taken"
        );
        there.patch(&path, json!({"slug": "Not A Slug"})).await.expect(422);
        there.patch(&path, json!({"name": " "})).await.expect(422);
        there.patch(&path, json!({"is_first": true})).await.expect(422);
        let log = there.get("/api/v1/audit?action=identity.workspace-updated").await.expect(200).json();
        assert_eq!(log["items"][0]["detail"]["before"]["slug"], "ecole");

        // Of who does not look after the installation only the workspace of the credential.
        create(&there, "grace@example.org", "admin").await;
        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let grace = bearer(app, &pair["access_token"]);
        grace.patch(&path, json!({"name": "Collège"})).await.expect(200);
        let first = text(&admin.get("/auth/me").await.json()["workspace"]["id"]);
        for path in [format!("/api/v1/workspaces/{first}"), "/api/v1/workspaces/nonsense".to_owned()] {
            grace.get(&path).await.expect(404);
            grace.patch(&path, json!({"name": "Mine"})).await.expect(404);
        }
        // The first administrator reads any, and lists them all.
        admin.get(&path).await.expect(200);
        let all = admin.get("/api/v1/installation/workspaces").await.expect(200).json();
        assert_eq!((&all["total"], &all["items"][1]["members"]), (&json!(2), &json!(2)));
        assert_eq!(all["items"][0]["is_first"], true);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_workspace_is_gone_at_once_and_may_come_back() {
    with_admin(async |app, admin| {
        let (id, there) = another(app, admin, "École").await;
        create(&there, "grace@example.org", "user").await;
        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let grace = bearer(app, &pair["access_token"]);
        grace.get("/auth/me").await.expect(200);
        let path = format!("/api/v1/workspaces/{id}");
        let delete = async |client: &Client, path: &str, body| {
            client.send(reqwest::Method::DELETE, path, Some(body)).await
        };
        let refused = delete(&there, &path, json!({"confirm": "ecol"})).await.expect(422).json();
        assert_eq!(refused["errors"][0]["pointer"], "/confirm");
        delete(&grace, &path, json!({"confirm": "ecole"})).await.expect(403);
        delete(&there, &path, json!({"confirm": "ecole"})).await.expect(204);

        grace.get("/auth/me").await.expect(401);
        there.get("/auth/me").await.expect(401);
        log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(403);
        // Who has another workspace goes on there.
        let body = json!({"refresh_token": pair["refresh_token"]});
        app.stranger().post("/auth/refresh", body).await.expect(403);
        let list = admin.get("/api/v1/workspaces").await.expect(200).json();
        assert_eq!(list["total"], 1, "{list}");
        admin.post("/auth/workspace", json!({"workspace_id": id})).await.expect(404);
        let gone = admin.get("/api/v1/installation/workspaces?deleted=true").await.expect(200).json();
        assert_eq!(gone["items"][0]["id"], json!(id));

        admin.post(&format!("{path}/restore"), json!({})).await.expect(200);
        assert_eq!(
            admin.post(&format!("{path}/restore"), json!({})).await.expect(409).error(),
            "identity.not-deleted"
        );
        log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200);
        let pair = admin.post("/auth/workspace", json!({"workspace_id": id})).await.expect(200).json();
        let there = bearer(app, &pair["access_token"]);
        let log = there.get("/api/v1/audit?limit=100").await.expect(200).json().to_string();
        assert!(log.contains("workspace-deleted") && log.contains("workspace-restored"), "{log}");

        let first = text(&admin.get("/auth/me").await.json()["workspace"]["id"]);
        let refused = delete(admin, &format!("/api/v1/workspaces/{first}"), json!({"confirm": "main"})).await;
        assert_eq!(refused.expect(409).error(), "identity.first-workspace");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_moves_on_when_its_workspace_goes() {
    with_admin(async |app, admin| {
        let (id, there) = another(app, admin, "École").await;
        // The refresh token of the pair is in the deleted workspace; its successor is in the next one.
        let pair = there.post("/auth/workspace", json!({"workspace_id": id})).await.expect(200).json();
        let body = json!({"confirm": "ecole"});
        let path = format!("/api/v1/workspaces/{id}");
        there.send(reqwest::Method::DELETE, &path, Some(body)).await.expect(204);
        let body = json!({"refresh_token": pair["refresh_token"]});
        let next = app.stranger().post("/auth/refresh", body).await.expect(200).json();
        let me = bearer(app, &next["access_token"]).get("/auth/me").await.expect(200).json();
        assert_eq!(me["workspace"]["slug"], "main");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_leave_and_are_taken_out() {
    with_admin(async |app, admin| {
        let first = text(&admin.get("/auth/me").await.json()["workspace"]["id"]);
        let leave = format!("/api/v1/workspaces/{first}/leave");
        assert_eq!(admin.post(&leave, json!({})).await.expect(409).error(), "identity.last-admin");
        let me = text(&admin.get("/auth/me").await.json()["id"]);
        assert_eq!(
            admin.delete(&format!("/api/v1/members/{me}")).await.expect(409).error(),
            "identity.last-admin"
        );

        let id = create(admin, "grace@example.org", "user").await;
        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let grace = bearer(app, &pair["access_token"]);
        grace.get("/auth/me").await.expect(200);
        admin.delete(&format!("/api/v1/members/{id}")).await.expect(204);
        grace.get("/auth/me").await.expect(401);
        admin.get(&format!("/api/v1/users/{id}")).await.expect(404);
        admin.delete(&format!("/api/v1/members/{id}")).await.expect(404);
        assert_eq!(
            log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(403).error(),
            "identity.no-workspace"
        );

        create(admin, "joan@example.org", "admin").await;
        let pair = log_in(&app.stranger(), "joan@example.org", PASSWORD).await.expect(200).json();
        let joan = bearer(app, &pair["access_token"]);
        let (elsewhere, _) = another(app, admin, "Elsewhere").await;
        joan.post(&format!("/api/v1/workspaces/{elsewhere}/leave"), json!({})).await.expect(404);
        joan.post(&leave, json!({})).await.expect(204);
        joan.get("/auth/me").await.expect(401);
        let log = admin.get("/api/v1/audit?limit=100").await.expect(200).json().to_string();
        assert!(log.contains("identity.member-removed") && log.contains("identity.workspace-left"), "{log}");
    })
    .await;
}
