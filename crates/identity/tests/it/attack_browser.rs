//! What a page of somebody else's tries in a browser that is signed in here.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::App;

use crate::{
    PASSWORD, create,
    factors::form,
    fake_provider::{browser, cookie},
    with_admin,
};

/// Every unsafe operation that a signed-in caller can reach, as the server itself describes it.
fn unsafe_operations(app: &App) -> Vec<(Method, String)> {
    let mut found = Vec::new();
    for (path, item) in app.openapi["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let is_open = operation["security"]
                .as_array()
                .is_some_and(|list| list.iter().all(|item| item == &json!({})));
            if !is_open && ["post", "put", "patch", "delete"].contains(&method.as_str()) {
                let path: Vec<_> =
                    path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
                found.push((method.to_uppercase().parse().unwrap(), path.join("/")));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn no_unsafe_request_passes_without_the_sessions_token() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "admin").await;
        let sign_in = async || {
            let body = json!({"email": "grace@example.org", "password": PASSWORD});
            let signed = app.stranger().post("/api/v1/auth/session", body).await.expect(200);
            (cookie(&signed, "socle_session").unwrap(), cookie(&signed, "socle_csrf").unwrap())
        };
        let ((session, own), (_, other)) = (sign_in().await, sign_in().await);
        let operations = unsafe_operations(app);
        assert!(operations.len() > 25, "{}", operations.len());
        for path in
            ["/api/v1/auth/totp", "/api/v1/auth/confirm", "/api/v1/auth/passkeys", "/api/v1/auth/providers/x"]
        {
            assert!(operations.iter().any(|(_, known)| known == path), "{path}");
        }
        let browser = browser(app);
        for (method, path) in &operations {
            let call = async |headers: &[(&str, &str)]| {
                let mut request = browser
                    .request(method.clone(), path)
                    .header("cookie", format!("socle_session={session}"));
                for (name, value) in headers {
                    request = request.header(*name, *value);
                }
                browser.finish(path, request.json(&json!({}))).await
            };
            for headers in [vec![], vec![("x-csrf-token", "")], vec![("x-csrf-token", other.as_str())]] {
                let answer = call(&headers).await;
                assert_eq!(
                    (answer.status, answer.error().as_str()),
                    (403, "identity.csrf"),
                    "{method} {path}"
                );
            }
            // With the token, but from another site's page.
            for origin in ["https://evil.example", "null"] {
                let answer = call(&[("x-csrf-token", &own), ("origin", origin)]).await;
                assert_eq!(
                    (answer.status, answer.error().as_str()),
                    (403, "identity.foreign-origin"),
                    "{method} {path}"
                );
            }
        }
        let request = browser
            .request(Method::GET, "/api/v1/auth/me")
            .header("cookie", format!("socle_session={session}"));
        browser.finish("me", request).await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_signs_nobody_in() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let credentials = json!({"email": "grace@example.org", "password": PASSWORD});
        for (path, body) in [
            ("/api/v1/auth/session", credentials),
            ("/api/v1/auth/session/second-factor", json!({"challenge": "x", "code": "000000"})),
            ("/api/v1/auth/session/passkey", passkey()),
        ] {
            let stranger = app.stranger();
            let request =
                stranger.request(Method::POST, path).header("origin", "https://evil.example").json(&body);
            let refused = stranger.finish(path, request).await.expect(403);
            assert_eq!(refused.error(), "identity.foreign-origin", "{path}");
        }
    })
    .await;
}

fn passkey() -> Value {
    let response =
        json!({"authenticatorData": "AA", "clientDataJSON": "AA", "signature": "AA", "userHandle": null});
    let credential =
        json!({"id": "AA", "rawId": "AA", "type": "public-key", "extensions": {}, "response": response});
    json!({"challenge": "x", "credential": credential})
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_leads_to_no_other_site() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        for (next, expected) in [
            ("/surveillance/events?camera=1", "/surveillance/events?camera=1"),
            ("/consent?request=x", "/consent?request=x"),
            ("", "/dashboard"),
            ("https://evil.example", "/dashboard"),
            ("//evil.example", "/dashboard"),
            ("/\\evil.example", "/dashboard"),
            ("/%2Fevil.example", "/dashboard"),
            ("/%5cevil.example", "/dashboard"),
            ("/\r\nSet-Cookie: x=y", "/dashboard"),
            ("javascript:alert(1)", "/dashboard"),
            (".evil.example", "/dashboard"),
        ] {
            let fields = [("email", "grace@example.org"), ("password", PASSWORD), ("next", next)];
            let sent = form(app, "/login", &fields).await.expect(303);
            assert_eq!(sent.header("location"), expected, "{next:?}");
            // Nor when it was refused.
            let fields = [("email", "nobody@example.org"), ("password", "wrong"), ("next", next)];
            let sent = form(app, "/login", &fields).await;
            assert!(
                sent.header("location").starts_with("/login?error="),
                "{next:?}: {}",
                sent.header("location")
            );
            app.clock.advance(std::time::Duration::from_secs(60));
        }
    })
    .await;
}
