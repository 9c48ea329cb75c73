use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use testkit::{App, Modules, on_each_engine};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{PASSWORD, bearer, create, log_in, text, with_admin};

#[tokio::test(flavor = "multi_thread")]
async fn json_and_the_older_form_both_sign_in() {
    with_admin(async |app, admin| {
        create(admin, "Grace@Example.org", "operator").await;
        let pair = log_in(&app.stranger(), " grace@EXAMPLE.org", PASSWORD).await.expect(200).json();
        assert_eq!((&pair["token_type"], &pair["expires_in"]), (&json!("bearer"), &json!(900)));
        let me = bearer(app, &pair["access_token"]).get("/auth/me").await.expect(200).json();
        assert_eq!(me["email"], "Grace@Example.org");
        assert_eq!(me["roles"], json!(["operator"]));
        assert!(me["permissions"].as_array().unwrap().contains(&json!("admin.tasks.read")), "{me}");
        assert!(!me["permissions"].as_array().unwrap().contains(&json!("identity.users.read")), "{me}");
        assert_eq!(me["workspaces"][0]["id"], me["workspace"]["id"]);
        assert!(me["last_login_at"].is_string(), "{me}");

        let form = |fields: &str| {
            let fields = fields.to_owned();
            async move {
                let request = app.stranger().request(Method::POST, "/api/v1/auth/login");
                let request =
                    request.header("content-type", "application/x-www-form-urlencoded").body(fields);
                app.stranger().finish("form", request).await
            }
        };
        let password = PASSWORD.replace(' ', "+");
        form(&format!("grant_type=password&username=grace%40example.org&password={password}&client_id=x"))
            .await
            .expect(200);
        form(&format!("username=grace%40example.org&password={password}")).await.expect(200);
        form(&format!("grant_type=client_credentials&username=a&password={password}")).await.expect(400);
        form("username=grace").await.expect(422);

        let narrow = form(&format!("username=grace%40example.org&password={password}&scope=read"))
            .await
            .expect(200)
            .json();
        let me = bearer(app, &narrow["access_token"]).get("/api/v1/auth/me").await.expect(200).json();
        assert_eq!(me["scopes"], json!(["read"]));
        assert!(
            me["permissions"].as_array().unwrap().iter().all(|name| text(name).ends_with(".read")),
            "{me}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_narrow_an_administrator() {
    with_admin(async |app, _| {
        let body = "username=admin%40example.org&password=a+sound+pass+phrase+41&scope=read";
        let request = app.stranger().request(Method::POST, "/api/v1/auth/login");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let pair = app.stranger().finish("form", request).await.expect(200).json();
        let reader = bearer(app, &pair["access_token"]);
        reader.get("/api/v1/users").await.expect(200);
        reader.post("/api/v1/workspaces", json!({"name": "x"})).await.expect(403);
        // A refresh keeps the scopes.
        let body = json!({"refresh_token": pair["refresh_token"]});
        let pair = app.stranger().post("/api/v1/auth/refresh", body).await.expect(200).json();
        bearer(app, &pair["access_token"]).post("/api/v1/workspaces", json!({"name": "x"})).await.expect(403);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_which_addresses_exist() {
    with_admin(async |app, admin| {
        let id = create(admin, "known@example.org", "user").await;
        let off = create(admin, "disabled@example.org", "user").await;
        admin.patch(&format!("/api/v1/users/{off}"), json!({"is_active": false})).await.expect(200);
        let stranger = app.stranger();
        let mut seen = Vec::new();
        for (email, password) in [
            ("known@example.org", "a wrong password"),
            ("unknown@example.org", "a wrong password"),
            ("disabled@example.org", PASSWORD),
            ("not an address", "a wrong password"),
        ] {
            let answer = log_in(&stranger, email, password).await.expect(401);
            let mut body = answer.json();
            for field in ["request_id", "timestamp"] {
                body.as_object_mut().unwrap().remove(field);
            }
            seen.push((body, answer.header("www-authenticate").to_owned()));
        }
        assert!(seen.iter().all(|one| *one == seen[0]), "{seen:#?}");
        assert_eq!(seen[0].0["error"], "identity.bad-credentials");
        assert!(!seen[0].0.to_string().contains(&id));

        // That the same work is done for each is a test of the password pool, which hashes a decoy for the unknown.
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_limited_per_account_and_nobody_is_locked_out() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let stranger = app.stranger();
        for _ in 0..5 {
            log_in(&stranger, "grace@example.org", "wrong").await.expect(401);
        }
        let refused = log_in(&stranger, "GRACE@example.org", PASSWORD).await.expect(429);
        assert_eq!(refused.error(), "identity.too-many-attempts");
        assert_eq!(refused.header("retry-after"), "60");
        app.clock.advance(Duration::from_secs(60));
        log_in(&stranger, "grace@example.org", PASSWORD).await.expect(200);
        // What succeeds is given back: it may happen as often as one likes.
        for _ in 0..8 {
            app.clock.advance(Duration::from_secs(60));
            log_in(&stranger, "grace@example.org", PASSWORD).await.expect(200);
            log_in(&stranger, "grace@example.org", PASSWORD).await.expect(200);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_limited_per_address() {
    with_admin(async |app, _| {
        let stranger = app.stranger();
        for guess in 0..20 {
            log_in(&stranger, &format!("guess{guess}@example.org"), "wrong").await.expect(401);
        }
        log_in(&stranger, "another@example.org", "wrong").await.expect(429);
        app.clock.advance(Duration::from_secs(300));
        log_in(&stranger, "another@example.org", "wrong").await.expect(401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_bodies_are_refused_quickly() {
    on_each_engine(Modules::NONE, async |app: &App| {
        let stranger = app.stranger();
        log_in(&stranger, "a@example.org", &"x".repeat(20_000)).await.expect(413);
        // Ten megabytes are refused at their beginning.
        let mut connection = TcpStream::connect(app.base.trim_start_matches("http://")).await.unwrap();
        let head = "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10485760\r\n\r\n";
        connection.write_all(head.as_bytes()).await.unwrap();
        connection.write_all(&[b'x'; 32 * 1024]).await.unwrap();
        let mut answer = [0; 12];
        tokio::time::timeout(Duration::from_secs(5), connection.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(&answer, b"HTTP/1.1 413");
        let unknown = json!({"email": "a@b", "password": "x", "role": "admin"});
        stranger.post("/api/v1/auth/login", unknown).await.expect(422);
        stranger.post("/api/v1/auth/login", json!({"email": "a@b"})).await.expect(422);
        stranger.post("/api/v1/auth/login", json!([])).await.expect(422);
        let request = stranger.request(Method::POST, "/api/v1/auth/login").header("content-type", "text/plain").body("x");
        stranger.finish("text", request).await.expect(415);
        let request = stranger.request(Method::POST, "/api/v1/auth/login").header("content-type", "application/json");
        stranger.finish("no JSON", request.body("{")).await.expect(400);
    })
    .await;
}
