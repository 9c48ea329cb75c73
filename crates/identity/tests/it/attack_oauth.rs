//! What an attacker sends to the provider.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{App, Client};

use crate::{
    bearer,
    oauth::{
        Browser, CALLBACK, VERIFIER, challenge, client, encoded, exchange, grace, location, parameter,
        post_form, query, visit,
    },
    signing::part,
    text, with_admin,
};

async fn error(answer: testkit::Answer) -> String {
    assert_eq!(answer.status, 400, "{}", answer.text());
    text(&answer.json()["error"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_works_once_and_for_its_client_alone() {
    with_admin(async |app, admin| {
        let browser = grace(app, admin).await;
        let (id, _) = client(admin, "public", json!({})).await;
        let (other, _) = client(admin, "public", json!({})).await;
        let scope = [("scope", "openid offline_access read")];
        let code = browser.code(&query(&id, &scope)).await;
        // Another client, which got hold of it by a mix-up, or by another's redirect.
        assert_eq!(error(exchange(app, &other, &code, &[]).await).await, "invalid_grant");
        for (name, value, told) in [
            ("code_verifier", "", "invalid_request"),
            ("code_verifier", "x", "invalid_grant"),
            ("code_verifier", challenge(VERIFIER).as_str(), "invalid_grant"),
            ("code_verifier", VERIFIER.to_lowercase().as_str(), "invalid_grant"),
            ("redirect_uri", "https://app.example.org/callback/", "invalid_grant"),
            ("redirect_uri", "https://evil.example/", "invalid_grant"),
            ("resource", "https://evil.example/", "invalid_target"),
            ("code", "", "invalid_request"),
            ("code", &code[1..], "invalid_grant"),
            ("code", &code.to_lowercase(), "invalid_grant"),
            ("code", "' OR 1=1 --", "invalid_grant"),
        ] {
            assert_eq!(
                error(exchange(app, &id, &code, &[(name, value)]).await).await,
                told,
                "{name}={value}"
            );
        }
        let doubled = [
            ("grant_type", "authorization_code"),
            ("client_id", &id),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", "x"),
            ("code_verifier", VERIFIER),
        ];
        assert_eq!(error(post_form(app, "/oauth/token", &doubled, None).await).await, "invalid_request");

        let tokens = exchange(app, &id, &code, &[]).await.expect(200).json();
        let program = bearer(app, &tokens["access_token"]);
        program.get("/auth/me").await.expect(200);
        // Shown again, by whomever: what it gave is over.
        assert_eq!(error(exchange(app, &id, &code, &[]).await).await, "invalid_grant");
        program.get("/auth/me").await.expect(401);
        let refresh = text(&tokens["refresh_token"]);
        let pairs = [("grant_type", "refresh_token"), ("client_id", &id), ("refresh_token", &refresh)];
        assert_eq!(error(post_form(app, "/oauth/token", &pairs, None).await).await, "invalid_grant");
        let audit = admin.get("/api/v1/audit?action=identity.code-reused").await.expect(200).json();
        assert_eq!(audit["items"].as_array().unwrap().len(), 1, "{audit}");

        let late = browser.code(&query(&id, &scope)).await;
        app.clock.advance(Duration::from_secs(60));
        assert_eq!(error(exchange(app, &id, &late, &[]).await).await, "invalid_grant");
        // Of many at once, one is answered.
        let code = browser.code(&query(&id, &scope)).await;
        let answers = futures::future::join_all((0..10).map(|_| exchange(app, &id, &code, &[]))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_where_no_client_registered() {
    with_admin(async |app, admin| {
        let browser = grace(app, admin).await;
        let (id, _) =
            client(admin, "public", json!({"redirect_uris": [CALLBACK, "http://127.0.0.1/cb"]})).await;
        for wrong in [
            "",
            "https://app.example.org/callback/",
            "https://app.example.org/callback/../evil",
            "https://app.example.org/callback%2f..%2fevil",
            "https://app.example.org/callback?x=1",
            "https://app.example.org/callback#x",
            "https://app.example.org/callbackevil",
            "https://app.example.org/CALLBACK",
            "https://APP.example.org/callback",
            "https://app.example.org:444/callback",
            "https://app.example.org.evil.example/callback",
            "https://app.example.org@evil.example/callback",
            "https://evil.example/callback",
            "https://evil.example#app.example.org/callback",
            "https://evil.example?https://app.example.org/callback",
            "http://app.example.org/callback",
            "//app.example.org/callback",
            "/callback",
            "javascript:alert(document.domain)",
            "data:text/html,<script>alert(1)</script>",
            "http://127.0.0.1:80.evil.example/cb",
            "http://127.0.0.1:80@evil.example/cb",
            "http://localhost/cb",
            "http://[::1]/cb",
            "https://app.example.org/callback\u{0}",
            "https://app.example.org/callback https://evil.example",
        ] {
            for caller in ["stranger", "signed in"] {
                let path = format!("/oauth/authorize?{}", query(&id, &[("redirect_uri", wrong)]));
                let answer =
                    if caller == "stranger" { visit(app, &path).await } else { browser.get(&path).await };
                assert_eq!(answer.status, 400, "{wrong}: {caller}");
                assert!(answer.headers.get("location").is_none(), "{wrong}");
                assert!(!answer.text().contains("<script>"), "{wrong}");
            }
        }
        // Two addresses, of which one is right.
        let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example", query(&id, &[]));
        visit(app, &format!("/oauth/authorize?{twice}")).await.expect(400);
        for wrong in ["", "app_00000000000000000000000001", "' OR 1=1 --", "socle-cli", "<script>"] {
            let answer = visit(app, &format!("/oauth/authorize?{}", query(wrong, &[]))).await.expect(400);
            assert!(
                answer.headers.get("location").is_none() && !answer.text().contains("<script>"),
                "{wrong}"
            );
        }
        let fine = query(&id, &[("redirect_uri", "http://127.0.0.1:50123/cb")]);
        browser.code(&fine).await;

        // Neither after a log-out.
        let code = browser.code(&query(&id, &[("scope", "openid")])).await;
        let hint = text(&exchange(app, &id, &code, &[]).await.expect(200).json()["id_token"]);
        for wrong in [
            "https://evil.example/",
            "https://app.example.org/bye/",
            "https://app.example.org/bye@evil.example",
            "//evil.example",
            "javascript:alert(1)",
            CALLBACK,
        ] {
            for pairs in [
                encoded(&[("id_token_hint", &hint), ("post_logout_redirect_uri", wrong)]),
                encoded(&[("client_id", &id), ("post_logout_redirect_uri", wrong)]),
                encoded(&[("post_logout_redirect_uri", wrong)]),
            ] {
                let answer = browser.get(&format!("/oauth/logout?{pairs}")).await;
                assert_eq!(answer.status, 400, "{wrong}");
                assert!(answer.headers.get("location").is_none(), "{wrong}");
            }
        }
        browser.get("/auth/me").await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn weaker_ways_are_not_offered() {
    with_admin(async |app, admin| {
        let browser = grace(app, admin).await;
        for kind in ["public", "confidential"] {
            let (id, _) = client(admin, kind, json!({})).await;
            for (more, told) in [
                (vec![("code_challenge_method", "plain")], "invalid_request"),
                (vec![("code_challenge_method", "")], "invalid_request"),
                (vec![("code_challenge_method", "s256")], "invalid_request"),
                (vec![("code_challenge", ""), ("code_challenge_method", "")], "invalid_request"),
                (vec![("code_challenge", "")], "invalid_request"),
                (vec![("code_challenge", "x")], "invalid_request"),
                (vec![("code_challenge", &"=".repeat(43))], "invalid_request"),
                (vec![("response_type", "token")], "unsupported_response_type"),
                (vec![("response_type", "id_token")], "unsupported_response_type"),
                (vec![("response_type", "code token")], "unsupported_response_type"),
                (vec![("response_type", "")], "unsupported_response_type"),
                (vec![("response_mode", "fragment")], "invalid_request"),
                (vec![("response_mode", "web_message")], "invalid_request"),
                (vec![("request", "eyJhbGciOiJub25lIn0.e30.")], "request_not_supported"),
                (vec![("request_uri", "https://evil.example/r")], "request_not_supported"),
                (vec![("resource", "https://evil.example/")], "invalid_target"),
                (vec![("scope", "*")], "invalid_scope"),
                (vec![("prompt", "evil")], "invalid_request"),
                (vec![("max_age", "-1")], "invalid_request"),
                (vec![("state", &"s".repeat(3_000))], "invalid_request"),
            ] {
                let back = browser.get(&format!("/oauth/authorize?{}", query(&id, &more))).await.expect(303);
                let back: url::Url = location(&back).parse().unwrap();
                assert!(back.as_str().starts_with(&format!("{CALLBACK}?")), "{back}");
                assert_eq!(parameter(&back, "error").as_deref(), Some(told), "{more:?}");
                assert!(parameter(&back, "code").is_none());
            }
            let doubled = format!("{}&code_challenge_method=plain", query(&id, &[]));
            let back = browser.get(&format!("/oauth/authorize?{doubled}")).await.expect(303);
            assert_eq!(
                parameter(&location(&back).parse().unwrap(), "error").as_deref(),
                Some("invalid_request")
            );
        }
        let (id, _) =
            client(admin, "public", json!({"grant_types": ["refresh_token"], "redirect_uris": []})).await;
        for (grant, told) in [
            ("authorization_code", "unauthorized_client"),
            ("client_credentials", "invalid_client"),
            ("password", "unsupported_grant_type"),
        ] {
            let pairs = [
                ("grant_type", grant),
                ("client_id", &id),
                ("code", "x"),
                ("code_verifier", "y"),
                ("username", "a"),
                ("password", "b"),
            ];
            let answer = post_form(app, "/oauth/token", &pairs, None).await;
            assert_eq!(answer.json()["error"], told, "{grant}");
        }
        let pairs = [("client_id", id.as_str())];
        let answer = post_form(app, "/oauth/device_authorization", &pairs, None).await;
        assert_eq!(error(answer).await, "unauthorized_client");
    })
    .await;
}

async fn grant(app: &App, browser: &Browser, client: &str, scope: &str) -> Value {
    let code = browser.code(&query(client, &[("scope", scope)])).await;
    exchange(app, client, &code, &[]).await.expect(200).json()
}

async fn refresh(app: &App, client: &str, token: &str, more: &[(&str, &str)]) -> testkit::Answer {
    let pairs =
        [&[("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)], more].concat();
    post_form(app, "/oauth/token", &pairs, None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_stay_with_their_client_and_never_grow() {
    with_admin(async |app, admin| {
        let browser = grace(app, admin).await;
        let (id, _) = client(admin, "public", json!({})).await;
        let (other, secret) = client(admin, "confidential", json!({})).await;
        let tokens = grant(app, &browser, &id, "openid offline_access read").await;
        let token = text(&tokens["refresh_token"]);
        for wider in ["write", "read write", "identity.users.write", "*", "openid offline_access read email"]
        {
            assert_eq!(
                error(refresh(app, &id, &token, &[("scope", wider)]).await).await,
                "invalid_scope",
                "{wider}"
            );
        }
        assert_eq!(
            error(refresh(app, &id, &token, &[("resource", "https://evil.example")]).await).await,
            "invalid_target"
        );
        // Another client, a public one without its secret, the door of people's own programs.
        assert_eq!(error(refresh(app, "socle-cli", &token, &[]).await).await, "invalid_grant");
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        let basic = Some((other.as_str(), secret.as_str()));
        assert_eq!(error(post_form(app, "/oauth/token", &pairs, basic).await).await, "invalid_grant");
        app.stranger().post("/api/v1/auth/refresh", json!({"refresh_token": token})).await.expect(401);
        // None of this ended the grant.
        let next = refresh(app, &id, &token, &[]).await.expect(200).json();
        let program = bearer(app, &next["access_token"]);
        program.get("/auth/me").await.expect(200);
        // A refresh token that was replaced is shown again: the grant is over.
        app.clock.advance(Duration::from_secs(11));
        assert_eq!(error(refresh(app, &id, &token, &[]).await).await, "invalid_grant");
        program.get("/auth/me").await.expect(401);
        assert_eq!(error(refresh(app, &id, &text(&next["refresh_token"]), &[]).await).await, "invalid_grant");

        // An ID token, a refresh token, a code: none is an access token.
        let tokens = grant(app, &browser, &id, "openid offline_access read").await;
        let code = browser.code(&query(&id, &[])).await;
        for wrong in [text(&tokens["id_token"]), text(&tokens["refresh_token"]), code] {
            let caller = Client { token: Some(wrong.clone()), ..app.stranger() };
            caller.get("/auth/me").await.expect(401);
            caller.get("/oauth/userinfo").await.expect(401);
        }
        // An access token is no hint of who signs out, nor is an ID token that was changed.
        let (head, tail) =
            text(&tokens["id_token"]).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        for wrong in [
            text(&tokens["access_token"]),
            format!("{head}.{}", tail.replacen(&tail[..1], "_", 1)),
            "x".into(),
        ] {
            browser
                .get(&format!("/oauth/logout?{}", encoded(&[("id_token_hint", &wrong)])))
                .await
                .expect(400);
        }
        browser.get("/auth/me").await.expect(200);

        // What a client holds does not reach what protects the account, however wide it is.
        let wide = grant(app, &browser, &id, "openid offline_access read write").await;
        let wide = bearer(app, &wide["access_token"]);
        wide.get("/api/v1/users").await.expect(200);
        for (path, body) in [
            ("/api/v1/auth/api-keys", json!({"name": "mine"})),
            (
                "/api/v1/auth/password",
                json!({"current_password": "x", "new_password": "another fine phrase"}),
            ),
            ("/api/v1/auth/totp", json!({})),
            ("/api/v1/auth/confirm", json!({"password": crate::PASSWORD})),
            (
                "/api/v1/auth/workspace",
                json!({"workspace_id": part(&text(&tokens["access_token"]), 1)["ws"]}),
            ),
        ] {
            wide.post(path, body).await.expect(403);
        }
        let me = part(wide.token.as_deref().unwrap(), 1);
        // Nor does it let in others.
        let asked = browser.get(&format!("/oauth/authorize?{}", query(&other, &[]))).await.expect(303);
        let request = location(&asked).strip_prefix("/consent?request=").unwrap().to_owned();
        wide.post(&format!("/api/v1/oauth/requests/{request}/approve"), json!({})).await.expect(403);
        assert_eq!(me["client_id"], json!(id));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_asks_after_or_revokes_anothers_tokens() {
    with_admin(async |app, admin| {
        let browser = grace(app, admin).await;
        let (id, secret) = client(admin, "confidential", json!({})).await;
        let (other, other_secret) = client(admin, "confidential", json!({})).await;
        let code = browser.code(&query(&id, &[("scope", "openid offline_access read")])).await;
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let mine = (id.as_str(), secret.as_str());
        // A secret is needed where there is one.
        for basic in [None, Some((id.as_str(), "")), Some((id.as_str(), other_secret.as_str()))] {
            let with_id = [&pairs[..], &[("client_id", id.as_str())]].concat();
            post_form(app, "/oauth/token", &with_id, basic).await.expect(401);
        }
        let tokens = post_form(app, "/oauth/token", &pairs, Some(mine)).await.expect(200).json();
        let ask =
            async |token: &str, basic| post_form(app, "/oauth/introspect", &[("token", token)], basic).await;
        let (access, refresh) = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
        for token in [&access, &refresh] {
            let told = ask(token, Some(mine)).await.expect(200).json();
            assert_eq!(
                (&told["active"], &told["client_id"], &told["username"]),
                (&json!(true), &json!(id), &json!("grace@example.org"))
            );
            let theirs = ask(token, Some((&other, &other_secret))).await.expect(200).json();
            assert_eq!(theirs, json!({"active": false}));
            ask(token, None).await.expect(401);
        }
        let own = text(&Value::String(admin.token.clone().unwrap()));
        for junk in [own.as_str(), "", "x", &text(&tokens["id_token"])] {
            let answer = ask(junk, Some(mine)).await;
            assert!(answer.status == 400 || answer.json() == json!({"active": false}), "{}", answer.text());
        }
        let (public, _) = client(admin, "public", json!({})).await;
        let asked = [("token", access.as_str()), ("client_id", public.as_str())];
        post_form(app, "/oauth/introspect", &asked, None).await.expect(401);

        let revoke =
            async |token: &str, basic| post_form(app, "/oauth/revoke", &[("token", token)], basic).await;
        revoke(&access, Some((&other, &other_secret))).await.expect(200);
        revoke(&refresh, None).await.expect(401);
        bearer(app, &tokens["access_token"]).get("/auth/me").await.expect(200);
        revoke("nonsense", Some(mine)).await.expect(200);
        revoke(&refresh, Some(mine)).await.expect(200);
        bearer(app, &tokens["access_token"]).get("/auth/me").await.expect(401);
        assert_eq!(ask(&access, Some(mine)).await.expect(200).json(), json!({"active": false}));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_bounded() {
    with_admin(async |app, admin| {
        let browser = grace(app, admin).await;
        let pairs = [("client_id", "socle-cli"), ("scope", "read")];
        let codes = post_form(app, "/oauth/device_authorization", &pairs, None).await.expect(200).json();
        let mut refused = 0;
        for number in 0..30 {
            let guess = format!(
                "BCDF-{}{}HJ",
                ["B", "C", "D", "F", "G", "H"][number / 6],
                ["K", "L", "M", "N", "P", "Q"][number % 6]
            );
            let answer = browser.post("/api/v1/oauth/device/lookup", json!({"user_code": guess})).await;
            assert!([404, 429].contains(&answer.status), "{}", answer.text());
            refused += u32::from(answer.status == 429);
        }
        assert_eq!(refused, 20, "ten in five minutes");
        let right = json!({"user_code": codes["user_code"]});
        browser.post("/api/v1/oauth/device/approve", right.clone()).await.expect(429);
        app.clock.advance(Duration::from_secs(300));
        browser.post("/api/v1/oauth/device/approve", right).await.expect(204);

        let about = json!({"redirect_uris": [CALLBACK]});
        let mut statuses = Vec::new();
        for _ in 0..25 {
            statuses.push(app.stranger().post("/oauth/register", about.clone()).await.status);
        }
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 20, "{statuses:?}");
        assert!(statuses.iter().all(|status| [201, 429].contains(status)));
        let long = format!("{{\"redirect_uris\":[\"{CALLBACK}\"],\"x\":\"{}\"}}", "x".repeat(100_000));
        let request = app.stranger().request(reqwest::Method::POST, "/oauth/register").body(long);
        app.stranger().finish("long", request).await.expect(413);
    })
    .await;
}
