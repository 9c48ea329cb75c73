//! Devices, clients that register, what keeps them, and log-outs.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    PASSWORD, bearer,
    oauth::{Browser, CALLBACK, client, encoded, exchange, grace, location, post_form, query, visit},
    signing::part,
    text, with_admin,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_device_gets_in_by_a_code_that_its_user_types() {
    with_admin(async |app, admin| {
        let browser = grace(app, admin).await;
        let ask = async || {
            let pairs = [("client_id", "socle-cli"), ("scope", "openid offline_access read write")];
            post_form(app, "/oauth/device_authorization", &pairs, None).await.expect(200).json()
        };
        let poll = async |code: &Value| {
            let code = text(code);
            let pairs = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("client_id", "socle-cli"),
                ("device_code", &code),
            ];
            post_form(app, "/oauth/token", &pairs, None).await
        };
        let wait = |seconds| app.clock.advance(Duration::from_secs(seconds));
        let codes = ask().await;
        assert_eq!((&codes["expires_in"], &codes["interval"]), (&json!(600), &json!(5)));
        assert_eq!(codes["verification_uri"], format!("{}/device", app.base));
        let user_code = text(&codes["user_code"]);
        assert!(text(&codes["verification_uri_complete"]).ends_with(&format!("?user_code={user_code}")));
        assert_eq!(poll(&codes["device_code"]).await.expect(400).json()["error"], "authorization_pending");
        assert_eq!(poll(&codes["device_code"]).await.expect(400).json()["error"], "slow_down");
        wait(9);
        assert_eq!(poll(&codes["device_code"]).await.expect(400).json()["error"], "slow_down", "10 s by now");
        wait(20);
        let typed = user_code.to_lowercase().replace('-', " ");
        let shown =
            browser.post("/api/v1/oauth/device/lookup", json!({"user_code": typed})).await.expect(200).json();
        assert_eq!((&shown["client"]["id"], &shown["redirect_host"]), (&json!("socle-cli"), &json!(null)));
        browser.post("/api/v1/oauth/device/approve", json!({"user_code": typed})).await.expect(204);
        browser.post("/api/v1/oauth/device/approve", json!({"user_code": typed})).await.expect(404);
        let tokens = poll(&codes["device_code"]).await.expect(200).json();
        let program = bearer(app, &tokens["access_token"]);
        assert_eq!(program.get("/auth/me").await.expect(200).json()["email"], "grace@example.org");
        assert_eq!(poll(&codes["device_code"]).await.expect(400).json()["error"], "invalid_grant", "once");
        program.get("/auth/me").await.expect(200);
        program.post("/api/v1/auth/logout", json!({})).await.expect(204);
        program.get("/auth/me").await.expect(401);

        let denied = ask().await;
        browser
            .post("/api/v1/oauth/device/deny", json!({"user_code": denied["user_code"]}))
            .await
            .expect(204);
        assert_eq!(poll(&denied["device_code"]).await.expect(400).json()["error"], "access_denied");
        let late = ask().await;
        wait(600);
        assert_eq!(poll(&late["device_code"]).await.expect(400).json()["error"], "expired_token");
        browser
            .post("/api/v1/oauth/device/lookup", json!({"user_code": late["user_code"]}))
            .await
            .expect(404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_finds_registers_and_signs_in_by_itself() {
    with_admin(async |app, admin| {
        // As MCP clients do: 401, RFC 9728, RFC 8414, RFC 7591, code.
        let refused = app.stranger().get("/api/v1/users").await.expect(401);
        let challenge = refused.headers["www-authenticate"].to_str().unwrap().to_owned();
        let place = format!("{}/.well-known/oauth-protected-resource", app.base);
        assert_eq!(challenge, format!("Bearer resource_metadata=\"{place}\""));
        let resource = app.stranger().get("/.well-known/oauth-protected-resource").await.expect(200).json();
        assert_eq!(
            (&resource["resource"], &resource["authorization_servers"]),
            (&json!(app.base), &json!([app.base]))
        );
        let server = app.stranger().get("/.well-known/oauth-authorization-server").await.expect(200).json();
        assert_eq!(server, app.stranger().get("/.well-known/openid-configuration").await.expect(200).json());
        assert_eq!(
            (&server["issuer"], &server["code_challenge_methods_supported"]),
            (&json!(app.base), &json!(["S256"]))
        );
        let place = text(&server["registration_endpoint"]).strip_prefix(&app.base).unwrap().to_owned();
        let about = json!({"client_name": "An editor", "redirect_uris": ["http://127.0.0.1:33418/callback"],
            "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"], "software_id": "unknown members are not looked at"});
        let made = app.stranger().post(&place, about).await.expect(201);
        assert_eq!(made.headers["cache-control"], "no-store");
        let made = made.json();
        assert!(made.get("client_secret").is_none(), "{made}");
        let id = text(&made["client_id"]);
        let browser = grace(app, admin).await;
        // Another port than it registered with: it takes one that is free.
        let callback = "http://127.0.0.1:51000/callback";
        let own = [("redirect_uri", callback), ("resource", app.base.as_str()), ("scope", "read")];
        let asked = browser.get(&format!("/oauth/authorize?{}", query(&id, &own))).await.expect(303);
        let request = location(&asked).strip_prefix("/consent?request=").unwrap().to_owned();
        let shown = browser.get(&format!("/api/v1/oauth/requests/{request}")).await.expect(200).json();
        assert_eq!(
            (&shown["client"]["registered_by_itself"], &shown["redirect_host"]),
            (&json!(true), &json!("127.0.0.1"))
        );
        let code = browser.code(&query(&id, &own)).await;
        let tokens = exchange(app, &id, &code, &[("redirect_uri", callback), ("resource", &app.base)])
            .await
            .expect(200)
            .json();
        assert_eq!(part(&text(&tokens["access_token"]), 1)["aud"], json!(app.base));
        bearer(app, &tokens["access_token"]).get("/api/v1/users").await.expect(200);
        // Asked each time: anybody on the machine could answer at that address.
        let again = browser.get(&format!("/oauth/authorize?{}", query(&id, &own))).await.expect(303);
        assert!(location(&again).starts_with("/consent?"));

        let secret = json!({"redirect_uris": [CALLBACK]});
        let made = app.stranger().post(&place, secret).await.expect(201).json();
        assert!(made["client_secret"].is_string() && made["client_secret_expires_at"] == 0, "{made}");
        assert_eq!(
            (&made["client_name"], &made["token_endpoint_auth_method"]),
            (&json!("app.example.org"), &json!("client_secret_basic"))
        );
        for (about, error) in [
            (json!({}), "invalid_redirect_uri"),
            (json!({"redirect_uris": ["javascript:alert(1)"]}), "invalid_redirect_uri"),
            (
                json!({"redirect_uris": [CALLBACK], "grant_types": ["client_credentials"]}),
                "invalid_client_metadata",
            ),
            (json!({"redirect_uris": [CALLBACK], "grant_types": ["implicit"]}), "invalid_client_metadata"),
            (json!({"redirect_uris": [CALLBACK], "response_types": ["token"]}), "invalid_client_metadata"),
            (
                json!({"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "private_key_jwt"}),
                "invalid_client_metadata",
            ),
            (json!({"redirect_uris": [CALLBACK], "client_name": "\u{202e}elcoS"}), "invalid_client_metadata"),
            (json!({"redirect_uris": [CALLBACK], "scope": "everything"}), "invalid_client_metadata"),
            (json!({"redirect_uris": vec![CALLBACK; 11]}), "invalid_redirect_uri"),
        ] {
            let refused = app.stranger().post(&place, about.clone()).await.expect(400).json();
            assert_eq!(refused["error"], error, "{about}");
        }
        let list = admin.get("/api/v1/oauth/clients?registered_by_itself=true").await.expect(200).json();
        assert_eq!(list["total"], 2);

        // Closed, it is not even told of.
        let closed = json!({"value": "closed"});
        admin.put("/api/v1/settings/identity.client_registration", closed).await.expect(200);
        app.stranger().post(&place, json!({"redirect_uris": [CALLBACK]})).await.expect(400);
        let server = app.stranger().get("/.well-known/oauth-authorization-server").await.expect(200).json();
        assert!(server.get("registration_endpoint").is_none(), "{server}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_kept_by_who_keeps_the_installation() {
    with_admin(async |app, admin| {
        let (id, secret) = client(admin, "confidential", json!({})).await;
        let path = format!("/api/v1/oauth/clients/{id}");
        let shown = admin.get(&path).await.expect(200).json();
        assert!(!shown.to_string().contains(&secret), "{shown}");
        let changed =
            admin.patch(&path, json!({"name": "Other", "scopes": ["read"]})).await.expect(200).json();
        assert_eq!((&changed["name"], &changed["scopes"]), (&json!("Other"), &json!(["read"])));
        admin.patch(&path, json!({"redirect_uris": ["http://app.example.org/"]})).await.expect(422);
        admin.patch(&path, json!({"redirect_uris": []})).await.expect(422);
        let next = admin.post(&format!("{path}/secret"), json!({})).await.expect(201).json();
        let pairs = [("token", "x")];
        post_form(app, "/oauth/introspect", &pairs, Some((&id, &secret))).await.expect(401);
        let next = text(&next["client_secret"]);
        post_form(app, "/oauth/introspect", &pairs, Some((&id, &next))).await.expect(200);

        let browser = grace(app, admin).await;
        let (public, _) = client(admin, "public", json!({})).await;
        let code = browser.code(&query(&public, &[])).await;
        let tokens = exchange(app, &public, &code, &[]).await.expect(200).json();
        let program = bearer(app, &tokens["access_token"]);
        program.get("/api/v1/users").await.expect(200);
        admin
            .patch(&format!("/api/v1/oauth/clients/{public}"), json!({"is_active": false}))
            .await
            .expect(200);
        program.get("/api/v1/users").await.expect(401);
        visit(app, &format!("/oauth/authorize?{}", query(&public, &[]))).await.expect(400);
        admin.delete(&format!("/api/v1/oauth/clients/{public}")).await.expect(204);
        admin.get(&format!("/api/v1/oauth/clients/{public}")).await.expect(404);
        admin.delete("/api/v1/oauth/clients/socle-cli").await.expect(422);

        let member = app.member("user").await;
        let elsewhere = app.admin_elsewhere().await;
        for client in [&member, &elsewhere] {
            client.get("/api/v1/oauth/clients").await.expect(403);
            client.post("/api/v1/oauth/clients", json!({"name": "x", "kind": "public"})).await.expect(403);
            client.delete(&path).await.expect(403);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_logs_its_user_out() {
    with_admin(async |app, admin| {
        let browser = grace(app, admin).await;
        let (id, _) = client(admin, "public", json!({})).await;
        let code = browser.code(&query(&id, &[("scope", "openid offline_access")])).await;
        let tokens = exchange(app, &id, &code, &[]).await.expect(200).json();
        let hint = text(&tokens["id_token"]);
        let bye = "https://app.example.org/bye";

        // Anybody can send a browser here: without a hint the user says so, on our own page.
        let page = browser.get("/oauth/logout").await.expect(200);
        let html = page.text();
        let csrf =
            html.split("name=\"csrf_token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        browser.get("/auth/me").await.expect(200);
        assert!(page.headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
        browser.form("/oauth/logout", "csrf_token=wrong").await.expect(200);
        browser.get("/auth/me").await.expect(200);

        // The ID token may be old.
        app.clock.advance(Duration::from_secs(840));
        let pairs = encoded(&[("id_token_hint", &hint), ("post_logout_redirect_uri", bye), ("state", "s&t")]);
        let done = browser.get(&format!("/oauth/logout?{pairs}")).await.expect(303);
        assert_eq!(location(&done), format!("{bye}?state=s%26t"));
        assert!(
            done.headers
                .get_all("set-cookie")
                .iter()
                .all(|cookie| cookie.to_str().unwrap().contains("Max-Age=0"))
        );
        browser.get("/auth/me").await.expect(401);
        bearer(app, &tokens["access_token"]).get("/auth/me").await.expect(401);

        let browser = Browser::sign_in(app, "grace@example.org", PASSWORD).await;
        let page = browser.get("/oauth/logout").await.expect(200).text();
        let fresh =
            page.split("name=\"csrf_token\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        assert_ne!(fresh, csrf);
        browser.form("/oauth/logout", &format!("csrf_token={csrf}")).await.expect(200);
        browser.form("/oauth/logout", &format!("csrf_token={fresh}")).await.expect(303);
        browser.get("/auth/me").await.expect(401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn public_clients_in_browsers_reach_what_they_need_and_nothing_else() {
    with_admin(async |app, _| {
        let preflight = async |path: &str| {
            let stranger = app.stranger();
            let request = stranger
                .request(Method::OPTIONS, path)
                .header("origin", "https://app.example.org")
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "authorization,content-type");
            let answer = stranger.finish(path, request).await;
            assert!(answer.headers.get("access-control-allow-credentials").is_none(), "{path}");
            answer.headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned())
        };
        for path in [
            "/oauth/token",
            "/oauth/userinfo",
            "/oauth/revoke",
            "/oauth/register",
            "/.well-known/jwks.json",
            "/.well-known/openid-configuration",
            "/.well-known/oauth-protected-resource",
        ] {
            assert_eq!(preflight(path).await.as_deref(), Some("https://app.example.org"), "{path}");
        }
        for path in
            ["/oauth/authorize", "/oauth/logout", "/api/v1/auth/me", "/api/v1/oauth/clients", "/oauth/tokens"]
        {
            assert_eq!(preflight(path).await, None, "{path}");
        }
    })
    .await;
}
