use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, App};

use crate::{PASSWORD, create, with_admin};

/// A browser that holds the two cookies.
struct Browser<'a> {
    app: &'a App,
    session: String,
    csrf: String,
}

impl Browser<'_> {
    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let stranger = self.app.stranger();
        let cookies = format!("theme=dark; socle_session={}; socle_csrf={}", self.session, self.csrf);
        let mut request = stranger.request(method, path).header("cookie", cookies);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        stranger.finish(path, request).await
    }
}

fn set_cookies(answer: &Answer) -> Vec<String> {
    let values = answer.headers.get_all("set-cookie");
    values.iter().map(|value| value.to_str().expect("cookies are ASCII").to_owned()).collect()
}

fn value(cookies: &[String], name: &str) -> String {
    let cookie = cookies.iter().find_map(|cookie| cookie.strip_prefix(&format!("{name}=")));
    cookie.and_then(|cookie| cookie.split(';').next()).unwrap_or_else(|| panic!("{cookies:?}")).to_owned()
}

async fn sign_in(app: &App) -> Browser<'_> {
    let body = json!({"email": "grace@example.org", "password": PASSWORD});
    let answer = app.stranger().post("/auth/session", body).await.expect(200);
    assert_eq!(answer.json()["email"], "grace@example.org");
    assert!(answer.json().get("access_token").is_none());
    let cookies = set_cookies(&answer);
    Browser { app, session: value(&cookies, "socle_session"), csrf: value(&cookies, "socle_csrf") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_signs_in_and_out() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let body = json!({"email": "grace@example.org", "password": PASSWORD});
        let cookies = set_cookies(&app.stranger().post("/auth/session", body).await.expect(200));
        let (session, csrf) = (&cookies[0], &cookies[1]);
        for part in ["socle_session=", "; HttpOnly", "; SameSite=Lax", "; Path=/", "; Max-Age="] {
            assert!(session.contains(part), "{session}");
        }
        assert!(
            csrf.contains("socle_csrf=") && !csrf.contains("HttpOnly") && csrf.contains("SameSite=Lax"),
            "{csrf}"
        );
        assert!(!session.contains("Secure"), "over http the browser would drop it: {session}");

        let browser = sign_in(app).await;
        browser.send(Method::GET, "/auth/me", &[], None).await.expect(200);
        let answer = browser
            .send(Method::DELETE, "/auth/session", &[("x-csrf-token", &browser.csrf)], None)
            .await
            .expect(204);
        assert!(
            set_cookies(&answer).iter().all(|cookie| cookie.contains("Max-Age=0")),
            "{:?}",
            set_cookies(&answer)
        );
        browser.send(Method::GET, "/auth/me", &[], None).await.expect(401);

        let wrong = json!({"email": "grace@example.org", "password": "wrong"});
        assert_eq!(
            app.stranger().post("/auth/session", wrong).await.expect(401).error(),
            "identity.bad-credentials"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unsafe_methods_need_the_sessions_own_csrf_token() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let (browser, other) = (sign_in(app).await, sign_in(app).await);
        assert_ne!(browser.csrf, other.csrf);
        let change = || Some(json!({"first_name": "Changed"}));
        for headers in [
            vec![],
            vec![("x-csrf-token", "")],
            vec![("x-csrf-token", "wrong")],
            // Planted: another session's token, also as the cookie.
            vec![("x-csrf-token", other.csrf.as_str())],
        ] {
            let answer = browser.send(Method::PATCH, "/auth/me", &headers, change()).await.expect(403);
            assert_eq!(answer.error(), "identity.csrf", "{headers:?}");
        }
        let planted = Browser { app, session: browser.session.clone(), csrf: other.csrf.clone() };
        planted.send(Method::PATCH, "/auth/me", &[("x-csrf-token", &other.csrf)], change()).await.expect(403);
        browser
            .send(Method::PATCH, "/auth/me", &[("x-csrf-token", &browser.csrf)], change())
            .await
            .expect(200);
        // An access token needs none: no browser sends it by itself.
        admin.patch("/auth/me", json!({"first_name": "Ada"})).await.expect(200);
        // The same rule on routes that ask for a permission.
        browser.send(Method::POST, "/api/v1/workspaces", &[], Some(json!({"name": "x"}))).await.expect(403);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_pages_are_refused() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let browser = sign_in(app).await;
        let change = || Some(json!({"first_name": "Changed"}));
        let own = app.base.clone();
        for (origin, status) in [
            (own.as_str(), 200),
            ("https://evil.example", 403),
            ("null", 403),
            ("http://127.0.0.1", 403),
            (&format!("{own}.evil.example"), 403),
        ] {
            let headers = [("x-csrf-token", browser.csrf.as_str()), ("origin", origin)];
            let answer = browser.send(Method::PATCH, "/auth/me", &headers, change()).await;
            assert_eq!(answer.status, status, "{origin}: {}", answer.text());
        }
        // Not even to sign somebody in under the attacker's account.
        let stranger = app.stranger();
        let body = json!({"email": "grace@example.org", "password": PASSWORD});
        let request = stranger
            .request(Method::POST, "/auth/session")
            .header("origin", "https://evil.example")
            .json(&body);
        assert_eq!(
            stranger.finish("login CSRF", request).await.expect(403).error(),
            "identity.foreign-origin"
        );
        // A WebSocket carries cookies from any page.
        let upgrade =
            [("connection", "upgrade"), ("upgrade", "websocket"), ("origin", "https://evil.example")];
        browser.send(Method::GET, "/api/v1/auth/me", &upgrade, None).await.expect(403);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_is_no_token_and_junk_is_nobody() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let browser = sign_in(app).await;
        let as_token = testkit::Client { token: Some(browser.session.clone()), ..app.stranger() };
        as_token.get("/auth/me").await.expect(401);
        for junk in ["x", &"A".repeat(43), &admin.token.clone().unwrap()] {
            let forged = Browser { app, session: junk.to_owned(), csrf: String::new() };
            forged.send(Method::GET, "/auth/me", &[], None).await.expect(401);
        }
    })
    .await;
}
