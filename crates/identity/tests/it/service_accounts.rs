use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, App, Client};

use crate::{PASSWORD, bearer, log_in, text, with_admin};

async fn token(app: &App, body: &str, basic: Option<(&str, &str)>) -> Answer {
    let stranger = app.stranger();
    let mut request = stranger
        .request(Method::POST, "/oauth/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.to_owned());
    if let Some((id, secret)) = basic {
        request = request.basic_auth(id, Some(secret));
    }
    stranger.finish("/oauth/token", request).await
}

async fn account(admin: &Client, role: &str, scopes: Value) -> (String, String) {
    let body = json!({"name": "Importer", "role": role, "scopes": scopes});
    let made = admin.post("/api/v1/service-accounts", body).await.expect(201).json();
    (text(&made["id"]), secret(admin, &text(&made["id"])).await["client_secret"].as_str().unwrap().to_owned())
}

async fn secret(admin: &Client, id: &str) -> Value {
    admin.post(&format!("/api/v1/service-accounts/{id}/secrets"), json!({})).await.expect(201).json()
}

const GRANT: &str = "grant_type=client_credentials";

#[tokio::test(flavor = "multi_thread")]
async fn a_program_signs_in_by_its_secret() {
    with_admin(async |app, admin| {
        let (id, secret) = account(admin, "admin", json!([])).await;
        assert!(secret.starts_with("soclesec_"), "{secret}");
        let answer = token(app, GRANT, Some((&id, &secret))).await.expect(200);
        assert_eq!(answer.headers["cache-control"], "no-store");
        let got = answer.json();
        assert_eq!((&got["token_type"], &got["expires_in"]), (&json!("Bearer"), &json!(900)));
        assert!(got.get("refresh_token").is_none(), "{got}");
        let program = bearer(app, &got["access_token"]);
        let me = program.get("/auth/me").await.expect(200).json();
        assert_eq!((&me["id"], &me["first_name"]), (&json!(id), &json!("Importer")));
        program.get("/api/v1/users").await.expect(200);
        let post = token(app, &format!("{GRANT}&client_id={id}&client_secret={secret}"), None)
            .await
            .expect(200)
            .json();
        bearer(app, &post["access_token"]).get("/api/v1/users").await.expect(200);
        let narrow =
            token(app, &format!("{GRANT}&scope=read"), Some((&id, &secret))).await.expect(200).json();
        assert_eq!(narrow["scope"], "read");
        let narrow = bearer(app, &narrow["access_token"]);
        narrow.get("/api/v1/users").await.expect(200);
        narrow.post("/api/v1/workspaces", json!({"name": "x"})).await.expect(403);

        // It has no password, and cannot do what takes a session of one's own.
        log_in(&app.stranger(), &format!("{id}@service.invalid"), PASSWORD).await.expect(401);
        for path in ["/api/v1/auth/api-keys", "/api/v1/auth/sessions"] {
            assert_eq!(program.get(path).await.expect(403).error(), "identity.own-session-needed");
        }
        let shown = admin.get(&format!("/api/v1/service-accounts/{id}")).await.expect(200).json();
        assert!(
            shown["last_used_at"].is_string() && shown["secrets"][0]["last_used_at"].is_string(),
            "{shown}"
        );
        assert!(!shown.to_string().contains(&secret), "{shown}");
        let audit = admin.get("/api/v1/audit?action=identity.service-signed-in").await.expect(200).json();
        assert_eq!(audit["items"].as_array().unwrap().len(), 1, "once per session, not per token: {audit}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_replaced_without_a_pause() {
    with_admin(async |app, admin| {
        let (id, first) = account(admin, "admin", json!([])).await;
        let second = secret(admin, &id).await;
        let get = async |secret: &str| token(app, GRANT, Some((&id, secret))).await.expect(200).json();
        let old = bearer(app, &get(&first).await["access_token"]);
        let new = bearer(app, &get(second["client_secret"].as_str().unwrap()).await["access_token"]);
        let listed = admin.get(&format!("/api/v1/service-accounts/{id}")).await.expect(200).json();
        let ids: Vec<_> =
            listed["secrets"].as_array().unwrap().iter().map(|secret| text(&secret["id"])).collect();
        let oldest = ids.iter().find(|other| *other != second["id"].as_str().unwrap()).unwrap();
        admin.delete(&format!("/api/v1/service-accounts/{id}/secrets/{oldest}")).await.expect(204);
        admin.delete(&format!("/api/v1/service-accounts/{id}/secrets/{oldest}")).await.expect(404);
        old.get("/auth/me").await.expect(401);
        new.get("/auth/me").await.expect(200);
        token(app, GRANT, Some((&id, &first))).await.expect(401);

        let path = format!("/api/v1/service-accounts/{id}");
        admin.patch(&path, json!({"is_active": false})).await.expect(200);
        new.get("/auth/me").await.expect(401);
        let working = text(&second["client_secret"]);
        token(app, GRANT, Some((&id, &working))).await.expect(401);
        admin.patch(&path, json!({"is_active": true, "name": "Exporter"})).await.expect(200);
        let again = bearer(app, &get(&working).await["access_token"]);
        admin.delete(&path).await.expect(204);
        again.get("/auth/me").await.expect(401);
        token(app, GRANT, Some((&id, &working))).await.expect(401);
        admin.get(&path).await.expect(404);
        assert_eq!(admin.get("/api/v1/service-accounts").await.expect(200).json()["total"], 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_an_account_above_themselves() {
    with_admin(async |app, admin| {
        let (id, _) = account(admin, "admin", json!(["read"])).await;
        // Who may write service accounts, and little else.
        let mut tx = app.platform.db.begin().await.unwrap();
        let role = "INSERT INTO identity_roles (id, name, description, permissions) VALUES ('role_0000000000000000000000000y', 'keeper', '', $1)";
        let held = json!(["identity.service_accounts.read", "identity.service_accounts.write", "identity.users.read"]);
        tx.query(role).bind(held.to_string()).execute().await.unwrap();
        tx.commit().await.unwrap();
        crate::create(admin, "grace@example.org", "keeper").await;
        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let keeper = bearer(app, &pair["access_token"]);
        let body = json!({"name": "Mine", "role": "admin"});
        assert_eq!(
            keeper.post("/api/v1/service-accounts", body).await.expect(403).error(),
            "identity.role-beyond-caller"
        );
        let path = format!("/api/v1/service-accounts/{id}");
        keeper.get(&path).await.expect(200);
        keeper.post(&format!("{path}/secrets"), json!({})).await.expect(403);
        keeper.patch(&path, json!({"name": "Mine"})).await.expect(403);
        keeper.delete(&path).await.expect(403);
        let body = json!({"name": "Mine", "role": "keeper"});
        keeper.post("/api/v1/service-accounts", body).await.expect(201);
        let elsewhere = app.admin_elsewhere().await;
        for path in [path.clone(), format!("{path}/secrets")] {
            elsewhere.get(&path).await;
            elsewhere.post(&path, json!({})).await;
        }
        elsewhere.get(&path).await.expect(404);
        elsewhere.delete(&path).await.expect(404);
        elsewhere.post(&format!("{path}/secrets"), json!({})).await.expect(404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_endpoint_refuses_in_its_own_words() {
    with_admin(async |app, admin| {
        let (id, secret) = account(admin, "user", json!(["read"])).await;
        let (id, secret) = (id.as_str(), secret.as_str());
        let (other, _) = account(admin, "user", json!([])).await;
        let (rest, last) = secret.split_at(secret.len() - 1);
        let slip = format!("{rest}{}", if last == "x" { "y" } else { "x" });
        let junk = format!("{id}&client_secret=' OR 1=1 --");
        for (body, basic, status, error) in [
            (GRANT, None, 401, "invalid_client"),
            (GRANT, Some((id, "wrong")), 401, "invalid_client"),
            (GRANT, Some((id, slip.as_str())), 401, "invalid_client"),
            (GRANT, Some((other.as_str(), secret)), 401, "invalid_client"),
            (GRANT, Some(("usr_1", secret)), 401, "invalid_client"),
            (&format!("{GRANT}&client_id={junk}"), None, 401, "invalid_client"),
            (&format!("{GRANT}&client_secret={secret}"), Some((id, secret)), 400, "invalid_request"),
            (&format!("{GRANT}&{GRANT}"), Some((id, secret)), 400, "invalid_request"),
            (&format!("{GRANT}&scope=write"), Some((id, secret)), 400, "invalid_scope"),
            ("", Some((id, secret)), 400, "invalid_request"),
            ("grant_type=password&username=a&password=b", Some((id, secret)), 400, "unsupported_grant_type"),
            ("grant_type=implicit", Some((id, secret)), 400, "unsupported_grant_type"),
        ] {
            let answer = token(app, body, basic).await.expect(status);
            assert_eq!(answer.json()["error"], error, "{body}");
            assert!(answer.json()["error_description"].is_string());
        }
        let json = app.stranger().post("/oauth/token", json!({"grant_type": "client_credentials"})).await;
        assert_eq!(json.expect(400).json()["error"], "invalid_request");
        // A guesser runs dry; who knows the secret is let in again later.
        let mut last = 0;
        for _ in 0..120 {
            last = token(app, GRANT, Some((id, "wrong"))).await.status;
        }
        assert_eq!(last, 429);
        app.clock.advance(Duration::from_secs(300));
        token(app, GRANT, Some((id, secret))).await.expect(200);
    })
    .await;
}
