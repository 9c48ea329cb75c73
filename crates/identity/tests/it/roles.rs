use serde_json::{Value, json};
use testkit::Client;

use crate::{PASSWORD, bearer, create, log_in, text, with_admin};

async fn signed_in(app: &testkit::App, email: &str) -> Client {
    let pair = log_in(&app.stranger(), email, PASSWORD).await.expect(200).json();
    bearer(app, &pair["access_token"])
}

/// What the access token itself says.
fn claims(client: &Client) -> Value {
    let token = client.token.clone().unwrap();
    let body = token.split('.').nth(1).unwrap();
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, body).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_may_have_several_roles() {
    with_admin(async |app, admin| {
        let id = create(admin, "grace@example.org", "etudiant").await;
        let path = format!("/api/v1/users/{id}");
        assert_eq!(admin.get(&path).await.expect(200).json()["roles"], json!(["student"]));
        let make = json!({"name": "keeper", "permissions": ["identity.audit.read"]});
        admin.post("/api/v1/roles", make).await.expect(201);
        let given = admin.put(&format!("{path}/roles/keeper"), json!({})).await.expect(200).json();
        assert_eq!(given["roles"], json!(["keeper", "student"]));
        // Again changes nothing.
        admin.put(&format!("{path}/roles/keeper"), json!({})).await.expect(200);
        let grace = signed_in(app, "grace@example.org").await;
        let me = grace.get("/auth/me").await.expect(200).json();
        assert_eq!(me["roles"], json!(["keeper", "student"]));
        assert_eq!(me["workspaces"][0]["roles"], json!(["keeper", "student"]));
        assert_eq!(me["permissions"], json!(["identity.audit.read"]), "what the roles grant together");
        assert_eq!(claims(&grace)["roles"], json!(["keeper", "student"]));
        grace.get("/api/v1/audit").await.expect(200);

        let total = async |query: &str| {
            admin.get(&format!("/api/v1/users?{query}")).await.expect(200).json()["total"].clone()
        };
        assert_eq!(total("role=keeper").await, 1);
        assert_eq!(total("role=etudiant").await, 1);
        assert_eq!(total("role=admin").await, 1);
        assert_eq!(total("role=%25").await, 0, "no wildcards");
        assert_eq!(total("role=______").await, 0);

        // Taken away, it is gone from live sessions.
        let taken = admin.delete(&format!("{path}/roles/keeper")).await.expect(200).json();
        assert_eq!(taken["roles"], json!(["student"]));
        grace.get("/api/v1/audit").await.expect(403);
        admin.delete(&format!("{path}/roles/keeper")).await.expect(404);
        let last = admin.delete(&format!("{path}/roles/etudiant")).await.expect(409);
        assert_eq!(last.error(), "identity.last-role");
        admin.put(&format!("{path}/roles/root"), json!({})).await.expect(422);
        // PATCH replaces them all.
        admin.put(&format!("{path}/roles/enseignant"), json!({})).await.expect(200);
        let user = admin.patch(&path, json!({"role": "operator"})).await.expect(200).json();
        assert_eq!(user["roles"], json!(["operator"]));

        let log = admin.get("/api/v1/audit?action=identity.role-given").await.expect(200).json();
        let first = &log["items"].as_array().unwrap().last().unwrap()["detail"];
        assert_eq!(first["before"]["roles"], json!(["student"]));
        assert_eq!(first["after"]["roles"], json!(["keeper", "student"]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_make_roles_of_their_own() {
    with_admin(async |app, admin| {
        let known = admin.get("/api/v1/permissions?page_size=100").await.expect(200).json();
        let known = known["items"].as_array().unwrap();
        let find = |name: &str| known.iter().find(|known| known["name"] == name).unwrap();
        assert_eq!(find("identity.users.read")["module"], "identity");
        assert_eq!(find("identity.users.read")["installation"], false);
        assert_eq!(find("admin.settings.write")["installation"], true);
        assert!(known.iter().all(|known| !known["description"].as_str().unwrap().is_empty()));

        let body = json!({"name": "keeper", "description": "Keeps the door",
            "permissions": ["identity.users.read", "identity.audit.read", "identity.users.read"]});
        let made = admin.post("/api/v1/roles", body.clone()).await.expect(201).json();
        assert_eq!(made["permissions"], json!(["identity.audit.read", "identity.users.read"]));
        assert_eq!(made["is_built_in"], false);
        assert_eq!(admin.post("/api/v1/roles", body).await.expect(409).error(), "identity.role-taken");
        for (body, pointer) in [
            (json!({"name": "Root", "permissions": []}), "/name"),
            (json!({"name": "enseignant", "permissions": []}), "/name"),
            (json!({"name": "x", "permissions": ["*"]}), "/permissions"),
            (json!({"name": "x", "permissions": ["identity.users.fly"]}), "/permissions"),
            (json!({"name": "x", "permissions": [], "description": "x".repeat(201)}), "/description"),
        ] {
            let refused = admin.post("/api/v1/roles", body.clone()).await.expect(422).json();
            assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}: {refused}");
        }
        for name in ["admin", "teacher"] {
            let taken =
                admin.post("/api/v1/roles", json!({"name": name, "permissions": []})).await.expect(409);
            assert_eq!(taken.error(), "identity.role-taken");
            let path = format!("/api/v1/roles/{name}");
            assert_eq!(admin.get(&path).await.expect(200).json()["is_built_in"], true);
            let change = json!({"permissions": ["identity.users.read"]});
            assert_eq!(admin.patch(&path, change).await.expect(409).error(), "identity.role-built-in");
            assert_eq!(admin.delete(&path).await.expect(409).error(), "identity.role-built-in");
        }

        // A change reaches live sessions with their next request.
        create(admin, "grace@example.org", "keeper").await;
        let grace = signed_in(app, "grace@example.org").await;
        grace.get("/api/v1/users").await.expect(200);
        let change = json!({"permissions": ["identity.audit.read"]});
        admin.patch("/api/v1/roles/keeper", change).await.expect(200);
        grace.get("/api/v1/users").await.expect(403);
        grace.get("/api/v1/audit").await.expect(200);
        let log = admin.get("/api/v1/audit?action=identity.role-updated").await.expect(200).json();
        let detail = &log["items"][0]["detail"];
        assert_eq!(detail["before"]["permissions"], json!(["identity.audit.read", "identity.users.read"]));
        assert_eq!(detail["after"]["permissions"], json!(["identity.audit.read"]));

        let held = admin.delete("/api/v1/roles/keeper").await.expect(409);
        assert_eq!(held.error(), "identity.role-held");
        let users = admin.get("/api/v1/users?role=keeper").await.expect(200).json();
        let id = text(&users["items"][0]["id"]);
        admin.patch(&format!("/api/v1/users/{id}"), json!({"role": "user"})).await.expect(200);
        admin.delete("/api/v1/roles/keeper").await.expect(204);
        admin.get("/api/v1/roles/keeper").await.expect(404);
        admin.delete("/api/v1/roles/keeper").await.expect(404);

        // Another workspace has none of it.
        admin.post("/api/v1/roles", json!({"name": "ours", "permissions": []})).await.expect(201);
        let elsewhere = app.admin_elsewhere().await;
        elsewhere.get("/api/v1/roles/ours").await.expect(404);
        elsewhere.delete("/api/v1/roles/ours").await.expect(404);
        elsewhere.post("/api/v1/roles", json!({"name": "ours", "permissions": []})).await.expect(201);
    })
    .await;
}

/// What belongs to the installation is for members of its first workspace.
#[tokio::test(flavor = "multi_thread")]
async fn administrators_elsewhere_steer_their_workspace_only() {
    with_admin(async |app, admin| {
        let elsewhere = app.admin_elsewhere().await;
        let (mine, theirs) = (admin.get("/auth/me").await.json(), elsewhere.get("/auth/me").await.json());
        let known = admin.get("/api/v1/permissions?page_size=100").await.expect(200).json();
        let known = known["items"].as_array().unwrap();
        let beyond: Vec<_> = known.iter().filter(|known| known["installation"] == true).collect();
        assert!(beyond.len() >= 12, "{beyond:?}");
        for permission in known {
            let held = |me: &Value| me["permissions"].as_array().unwrap().contains(&permission["name"]);
            assert!(held(&mine), "{permission}");
            assert_eq!(held(&theirs), permission["installation"] == false, "{permission}");
        }
        let roles = elsewhere.get("/api/v1/roles/admin").await.expect(200).json();
        assert!(!roles["permissions"].as_array().unwrap().contains(&json!("admin.settings.write")));

        let first = text(&mine["workspace"]["id"]);
        for path in [
            "/api/v1/settings",
            "/api/v1/settings/changes",
            "/api/v1/schedules",
            "/api/v1/queues",
            "/api/v1/cache",
            "/api/v1/limits",
            "/api/v1/system",
            "/api/v1/mail",
            "/api/v1/installation/workspaces",
        ] {
            assert_eq!(elsewhere.get(path).await.status, 403, "GET {path}");
            assert_eq!(admin.get(path).await.status, 200, "GET {path}");
        }
        for path in [
            "/api/v1/workspaces",
            "/api/v1/queues/default/pause",
            "/api/v1/queues/default/resume",
            "/api/v1/mail/test",
            &format!("/api/v1/workspaces/{first}/restore"),
        ] {
            assert_eq!(elsewhere.post(path, json!({"name": "More"})).await.status, 403, "POST {path}");
        }
        let rename = json!({"value": "Theirs"});
        elsewhere.put("/api/v1/settings/installation.name", rename).await.expect(403);
        elsewhere.delete("/api/v1/cache").await.expect(403);
        // Nor by a role that they make or give themselves.
        let grab = json!({"name": "grab", "permissions": ["admin.settings.write"]});
        assert_eq!(
            elsewhere.post("/api/v1/roles", grab).await.expect(403).error(),
            "identity.role-beyond-caller"
        );
        // Somebody who is in both holds it in the first one only.
        let there = json!({"workspace_id": theirs["workspace"]["id"]});
        let pair = admin.post("/auth/workspace", there).await.expect(200).json();
        bearer(app, &pair["access_token"]).get("/api/v1/settings").await.expect(403);
    })
    .await;
}
