//! Socle as an OAuth 2.1 and OpenID provider.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testkit::{Answer, App, Client};

use crate::{PASSWORD, bearer, create, signing::part, text, with_admin};

pub(crate) const CALLBACK: &str = "https://app.example.org/callback";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

/// A browser whose user is signed in.
pub(crate) struct Browser {
    http: reqwest::Client,
    base: String,
    cookies: String,
    csrf: String,
}

impl Browser {
    pub(crate) async fn sign_in(app: &App, email: &str, password: &str) -> Self {
        let body = json!({"email": email, "password": password});
        let answer = app.stranger().post("/auth/session", body).await.expect(200);
        let values = answer.headers.get_all("set-cookie").iter();
        let pairs: Vec<_> =
            values.map(|value| value.to_str().unwrap().split(';').next().unwrap().to_owned()).collect();
        let csrf = pairs.iter().find_map(|pair| pair.strip_prefix("socle_csrf=")).unwrap().to_owned();
        Self { http: no_redirects(), base: app.base.clone(), cookies: pairs.join("; "), csrf }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = self.http.get(format!("{}{path}", self.base)).header("cookie", &self.cookies);
        Client::new(&self.base).finish(path, request).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        let request = self.http.post(format!("{}{path}", self.base)).header("cookie", &self.cookies);
        Client::new(&self.base).finish(path, request.header("x-csrf-token", &self.csrf).json(&body)).await
    }

    pub(crate) async fn form(&self, path: &str, body: &str) -> Answer {
        let request = self.http.post(format!("{}{path}", self.base)).header("cookie", &self.cookies);
        let request =
            request.header("content-type", "application/x-www-form-urlencoded").body(body.to_owned());
        Client::new(&self.base).finish(path, request).await
    }

    /// Asks, is asked, says yes: where the browser ends up.
    pub(crate) async fn let_in(&self, query: &str) -> url::Url {
        let asked = self.get(&format!("/oauth/authorize?{query}")).await.expect(303);
        let place = location(&asked);
        let Some(id) = place.strip_prefix("/consent?request=") else { return place.parse().unwrap() };
        let path = format!("/api/v1/oauth/requests/{id}/approve");
        let answer = self.post(&path, json!({})).await.expect(200).json();
        text(&answer["redirect_to"]).parse().unwrap()
    }

    /// A code for this client.
    pub(crate) async fn code(&self, query: &str) -> String {
        let back = self.let_in(query).await;
        parameter(&back, "code").unwrap_or_else(|| panic!("no code: {back}"))
    }
}

pub(crate) fn no_redirects() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client can be made")
}

/// Without cookies, and without following redirects.
pub(crate) async fn visit(app: &App, path: &str) -> Answer {
    app.stranger().finish(path, no_redirects().get(format!("{}{path}", app.base))).await
}

pub(crate) fn location(answer: &Answer) -> String {
    answer.headers["location"].to_str().unwrap().to_owned()
}

pub(crate) fn parameter(url: &url::Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

pub(crate) fn encoded(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// What a well-behaved client asks with.
pub(crate) fn query(client: &str, more: &[(&str, &str)]) -> String {
    let challenge = challenge(VERIFIER);
    let mut pairs = vec![
        ("client_id", client),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
        ("state", "a state"),
    ];
    pairs.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    pairs.extend(more.iter().filter(|(_, value)| !value.is_empty()).copied());
    encoded(&pairs)
}

pub(crate) async fn post_form(
    app: &App,
    path: &str,
    pairs: &[(&str, &str)],
    basic: Option<(&str, &str)>,
) -> Answer {
    let stranger = app.stranger();
    let mut request = stranger
        .request(Method::POST, path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(encoded(pairs));
    if let Some((id, secret)) = basic {
        request = request.basic_auth(id, Some(secret));
    }
    stranger.finish(path, request).await
}

/// A client that the administrator registers: its id, and its secret if it has one.
pub(crate) async fn client(admin: &Client, kind: &str, more: Value) -> (String, String) {
    let mut body = json!({"name": "Reports", "kind": kind, "redirect_uris": [CALLBACK],
        "post_logout_redirect_uris": ["https://app.example.org/bye"]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let made = admin.post("/api/v1/oauth/clients", body).await.expect(201).json();
    (text(&made["id"]), made["client_secret"].as_str().unwrap_or_default().to_owned())
}

pub(crate) async fn exchange(app: &App, client: &str, code: &str, more: &[(&str, &str)]) -> Answer {
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("client_id", client),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    pairs.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    pairs.extend(more.iter().filter(|(_, value)| !value.is_empty()).copied());
    post_form(app, "/oauth/token", &pairs, None).await
}

fn code_grant(code: &str) -> [(&str, &str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]
}

pub(crate) async fn grace(app: &App, admin: &Client) -> Browser {
    create(admin, "grace@example.org", "admin").await;
    Browser::sign_in(app, "grace@example.org", PASSWORD).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_becomes_tokens() {
    with_admin(async |app, admin| {
        let browser = grace(app, admin).await;
        let (id, _) = client(admin, "public", json!({})).await;
        let scopes = ("scope", "openid profile email offline_access read unknown");
        let query = query(&id, &[scopes, ("nonce", "n-0S6_WzA2Mj")]);

        let asked = browser.get(&format!("/oauth/authorize?{query}")).await.expect(303);
        assert_eq!(asked.headers["cache-control"], "no-store");
        let request = location(&asked).strip_prefix("/consent?request=").unwrap().to_owned();
        let shown = browser.get(&format!("/api/v1/oauth/requests/{request}")).await.expect(200).json();
        assert_eq!(
            (&shown["client"]["name"], &shown["client"]["registered_by_itself"], &shown["redirect_host"]),
            (&json!("Reports"), &json!(false), &json!("app.example.org"))
        );
        let names: Vec<_> =
            shown["scopes"].as_array().unwrap().iter().map(|scope| text(&scope["name"])).collect();
        assert_eq!(names, ["openid", "profile", "email", "offline_access", "read"]);
        assert_eq!((&shown["already_granted"], &shown["workspace"]["name"]), (&json!(false), &json!("Main")));
        // Another user's request does not exist.
        admin.get(&format!("/api/v1/oauth/requests/{request}")).await.expect(404);
        admin.post(&format!("/api/v1/oauth/requests/{request}/approve"), json!({})).await.expect(404);

        let path = format!("/api/v1/oauth/requests/{request}/approve");
        let back: url::Url =
            text(&browser.post(&path, json!({})).await.expect(200).json()["redirect_to"]).parse().unwrap();
        browser.post(&path, json!({})).await.expect(404);
        assert!(back.as_str().starts_with(&format!("{CALLBACK}?code=")), "{back}");
        assert_eq!(parameter(&back, "state").as_deref(), Some("a state"));
        assert_eq!(parameter(&back, "iss").as_deref(), Some(app.base.as_str()));
        let code = parameter(&back, "code").unwrap();

        let answer = exchange(app, &id, &code, &[]).await.expect(200);
        assert_eq!(answer.headers["cache-control"], "no-store");
        let tokens = answer.json();
        assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(900)));
        assert_eq!(tokens["scope"], "openid profile email offline_access read");
        let access = part(&text(&tokens["access_token"]), 1);
        assert_eq!((&access["client_id"], &access["scope"]), (&json!(id), &tokens["scope"]));
        let id_token = text(&tokens["id_token"]);
        let (header, claims) = (part(&id_token, 0), part(&id_token, 1));
        assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")));
        assert_eq!(
            (&claims["iss"], &claims["aud"], &claims["nonce"], &claims["sub"]),
            (&json!(app.base), &json!(id), &json!("n-0S6_WzA2Mj"), &access["sub"])
        );
        assert_eq!(
            (&claims["email"], &claims["name"]),
            (&json!("grace@example.org"), &json!("Grace Hopper"))
        );
        assert_eq!((&claims["acr"], &claims["amr"]), (&json!("aal1"), &json!(["pwd"])));
        let half = &Sha256::digest(text(&tokens["access_token"]))[..16];
        assert_eq!(text(&claims["at_hash"]), URL_SAFE_NO_PAD.encode(half));
        let keys = app.stranger().get("/.well-known/jwks.json").await.expect(200).json();
        assert!(keys["keys"].as_array().unwrap().iter().any(|key| key["kid"] == header["kid"]), "{keys}");

        // It may read, for grace is an administrator; it may not write, for it did not ask.
        let program = bearer(app, &tokens["access_token"]);
        program.get("/api/v1/users").await.expect(200);
        program.post("/api/v1/workspaces", json!({"name": "x"})).await.expect(403);
        assert_eq!(
            program.get("/api/v1/auth/sessions").await.expect(403).error(),
            "identity.own-session-needed"
        );
        let info = program.get("/oauth/userinfo").await.expect(200).json();
        assert_eq!((&info["sub"], &info["email_verified"]), (&access["sub"], &json!(false)));
        program.post("/oauth/userinfo", json!({})).await.expect(200);

        // Refreshed with fewer scopes for once, and with all again.
        let refresh = text(&tokens["refresh_token"]);
        let pairs = [("grant_type", "refresh_token"), ("client_id", &id), ("refresh_token", &refresh)];
        let next = post_form(app, "/oauth/token", &[&pairs[..], &[("scope", "openid")]].concat(), None).await;
        let next = next.expect(200).json();
        assert_eq!(next["scope"], "openid");
        bearer(app, &next["access_token"]).get("/api/v1/users").await.expect(403);
        let refresh = text(&next["refresh_token"]);
        let pairs = [("grant_type", "refresh_token"), ("client_id", &id), ("refresh_token", &refresh)];
        let next = post_form(app, "/oauth/token", &pairs, None).await.expect(200).json();
        assert_eq!(next["scope"], tokens["scope"]);
        bearer(app, &next["access_token"]).get("/api/v1/users").await.expect(200);

        // Put out by its user.
        let list = browser.get("/api/v1/auth/applications").await.expect(200).json();
        assert_eq!((&list["total"], &list["items"][0]["id"]), (&json!(1), &json!(id)));
        let path = format!("{}/api/v1/auth/applications/{id}", app.base);
        let request = browser.http.delete(path).header("cookie", &browser.cookies);
        app.stranger().finish("revoke", request.header("x-csrf-token", &browser.csrf)).await.expect(204);
        bearer(app, &next["access_token"]).get("/api/v1/users").await.expect(401);
        let refresh = text(&next["refresh_token"]);
        let pairs = [("grant_type", "refresh_token"), ("client_id", &id), ("refresh_token", &refresh)];
        let refused = post_form(app, "/oauth/token", &pairs, None).await.expect(400).json();
        assert_eq!(refused["error"], "invalid_grant");
        let audit = admin.get("/api/v1/audit?limit=100").await.expect(200).json().to_string();
        for action in ["client-created", "client-let-in", "client-signed-in", "client-revoked"] {
            assert!(audit.contains(&format!("identity.{action}")), "{action}");
        }
        for secret in [&code, &refresh] {
            assert!(!audit.contains(secret.as_str()));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_signed_in_signs_in_first_and_consent_is_remembered() {
    with_admin(async |app, admin| {
        let (id, secret) =
            client(admin, "confidential", json!({"id_token_signed_response_alg": "ES256"})).await;
        let asked = query(&id, &[("scope", "openid")]);
        let place = location(&visit(app, &format!("/oauth/authorize?{asked}")).await.expect(303));
        let next = place.strip_prefix("/login?next=").unwrap();
        let next = url::form_urlencoded::parse(format!("n={next}").as_bytes()).next().unwrap().1.into_owned();
        assert_eq!(next, format!("/oauth/authorize?{asked}"));
        // A form comes back as a query, with the cookies that a form from elsewhere does not bring.
        let form = no_redirects()
            .post(format!("{}/oauth/authorize", app.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(encoded(&[("client_id", id.as_str())]));
        let form = app.stranger().finish("form", form).await.expect(303);
        assert_eq!(location(&form), format!("/oauth/authorize?client_id={id}"));

        let browser = grace(app, admin).await;
        let code = browser.code(&asked).await;
        let basic = Some((id.as_str(), secret.as_str()));
        let tokens = post_form(app, "/oauth/token", &code_grant(&code), basic).await.expect(200).json();
        assert_eq!(part(&text(&tokens["id_token"]), 0)["alg"], "ES256");
        assert!(tokens.get("refresh_token").is_none(), "not without offline_access: {tokens}");

        // Not asked again, also not silently; but for more it is.
        for more in [vec![], vec![("prompt", "none")]] {
            let again = browser
                .get(&format!(
                    "/oauth/authorize?{}",
                    query(&id, &[&[("scope", "openid")], &more[..]].concat())
                ))
                .await;
            assert!(location(&again.expect(303)).starts_with(CALLBACK));
        }
        for (more, error) in [
            (vec![("scope", "openid write"), ("prompt", "none")], "consent_required"),
            (vec![("scope", "openid"), ("prompt", "none login")], "invalid_request"),
            (vec![("scope", "openid"), ("prompt", "none"), ("max_age", "0")], "login_required"),
        ] {
            app.clock.advance(Duration::from_secs(1));
            let back = browser.get(&format!("/oauth/authorize?{}", query(&id, &more))).await.expect(303);
            let back: url::Url = location(&back).parse().unwrap();
            assert_eq!(parameter(&back, "error").as_deref(), Some(error), "{back}");
            assert_eq!(parameter(&back, "state").as_deref(), Some("a state"));
        }
        let silent =
            visit(app, &format!("/oauth/authorize?{}", query(&id, &[("prompt", "none")]))).await.expect(303);
        let back: url::Url = location(&silent).parse().unwrap();
        assert_eq!(parameter(&back, "error").as_deref(), Some("login_required"));
        for prompt in ["consent", "select_account"] {
            let asked = browser
                .get(&format!("/oauth/authorize?{}", query(&id, &[("scope", "openid"), ("prompt", prompt)])))
                .await;
            let request = location(&asked.expect(303)).strip_prefix("/consent?request=").unwrap().to_owned();
            let shown = browser.get(&format!("/api/v1/oauth/requests/{request}")).await.expect(200).json();
            assert_eq!(shown["already_granted"], true);
        }

        // Who must show again who they are does, before the client is let in.
        app.clock.advance(Duration::from_secs(60));
        for more in [("prompt", "login"), ("max_age", "30")] {
            let asked =
                browser.get(&format!("/oauth/authorize?{}", query(&id, &[("scope", "openid"), more]))).await;
            let request = location(&asked.expect(303)).strip_prefix("/consent?request=").unwrap().to_owned();
            let path = format!("/api/v1/oauth/requests/{request}/approve");
            assert_eq!(browser.post(&path, json!({})).await.expect(403).error(), "identity.confirm-first");
            let fresh = Browser::sign_in(app, "grace@example.org", PASSWORD).await;
            let back = text(&fresh.post(&path, json!({})).await.expect(200).json()["redirect_to"]);
            let code = parameter(&back.parse().unwrap(), "code").unwrap();
            let tokens = post_form(app, "/oauth/token", &code_grant(&code), basic).await.expect(200).json();
            let claims = part(&text(&tokens["id_token"]), 1);
            assert_eq!(claims["auth_time"], claims["iat"], "{more:?}");
        }
        // The sign-in that `prompt=login` leads to is enough for it.
        let place = location(
            &visit(app, &format!("/oauth/authorize?{}", query(&id, &[("prompt", "login")])))
                .await
                .expect(303),
        );
        assert!(!place.contains("prompt") && place.contains("max_age"), "{place}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_may_say_no_or_less() {
    with_admin(async |app, admin| {
        let browser = grace(app, admin).await;
        let (id, _) = client(admin, "public", json!({})).await;
        let request = async |scope: &str| {
            let asked = browser
                .get(&format!("/oauth/authorize?{}", query(&id, &[("scope", scope)])))
                .await
                .expect(303);
            location(&asked).strip_prefix("/consent?request=").unwrap().to_owned()
        };
        let no = request("read write").await;
        let back =
            browser.post(&format!("/api/v1/oauth/requests/{no}/deny"), json!({})).await.expect(200).json();
        let back: url::Url = text(&back["redirect_to"]).parse().unwrap();
        assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
        assert_eq!(parameter(&back, "state").as_deref(), Some("a state"));
        assert_eq!(parameter(&back, "iss").as_deref(), Some(app.base.as_str()));
        let less = request("read write").await;
        let path = format!("/api/v1/oauth/requests/{less}/approve");
        for scopes in [json!(["read", "identity.users.write"]), json!([])] {
            browser.post(&path, json!({"scopes": scopes})).await.expect(422);
        }
        let back = browser.post(&path, json!({"scopes": ["read"]})).await.expect(200).json();
        let code = parameter(&text(&back["redirect_to"]).parse().unwrap(), "code").unwrap();
        let tokens = exchange(app, &id, &code, &[]).await.expect(200).json();
        assert_eq!(tokens["scope"], "read");
        assert!(
            tokens.get("id_token").is_none() && tokens["refresh_token"].is_string(),
            "plain OAuth: {tokens}"
        );
        app.clock.advance(Duration::from_secs(601));
        let late = request("read write").await;
        app.clock.advance(Duration::from_secs(600));
        browser.get(&format!("/api/v1/oauth/requests/{late}")).await.expect(404);
    })
    .await;
}
