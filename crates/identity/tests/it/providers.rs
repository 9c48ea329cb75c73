use reqwest::Method;
use serde_json::json;
use testkit::{App, Client};

use crate::{
    PASSWORD, bearer, create,
    factors::{answer, audited, enrol, mails, next_code},
    fake_provider::{Signed, browser, come_back, cookie, depart, sign_in, with_provider},
    log_in, text,
};

/// Who holds this session's cookie.
async fn me(app: &App, session: &str) -> serde_json::Value {
    let browser = browser(app);
    let request =
        browser.request(Method::GET, "/api/v1/auth/me").header("cookie", format!("socle_session={session}"));
    browser.finish("me", request).await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verified_address_on_both_sides_signs_in() {
    with_provider(
        |_| {},
        async |app, admin, fake| {
            let options = app.stranger().get("/api/v1/auth/options").await.expect(200).json();
            assert_eq!(options["providers"], json!([{"id": "corp", "name": "Corporation"}]));
            let id = create(admin, "grace@example.org", "user").await;
            verify(app, &id, true).await;
            let departed = depart(app, "?next=/surveillance/events").await;
            assert_eq!(departed.param("client_id"), "socle");
            assert_eq!(departed.param("response_type"), "code");
            assert_eq!(departed.param("code_challenge_method"), "S256");
            assert_eq!(
                departed.param("redirect_uri"),
                format!("{}/api/v1/auth/providers/corp/callback", app.base)
            );
            assert_eq!(departed.param("scope"), "openid email profile");
            let claims = fake.claims(app, &departed, "g-1", "Grace@Example.org");
            let code = fake.code(&departed, &claims, Signed::Well);
            let cookies = format!("socle_provider={}", departed.cookie);
            let query = [("code", code.as_str()), ("state", &departed.param("state")), ("iss", &fake.base)];
            let back = come_back(app, &cookies, &query).await.expect(303);
            assert_eq!(back.header("location"), "/surveillance/events");
            let session = cookie(&back, "socle_session").unwrap();
            assert_eq!(me(app, &session).await["email"], "grace@example.org");
            let lines: Vec<_> =
                back.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
            assert!(
                lines.iter().any(|line| line.starts_with("socle_provider=;") && line.contains("Max-Age=0")),
                "{lines:?}"
            );

            // From now on it is the account there that counts, whatever its address.
            let back = sign_in(app, fake, "g-1", "renamed@example.org").await.expect(303);
            assert_eq!(me(app, &cookie(&back, "socle_session").unwrap()).await["id"], json!(id));
            assert_eq!(audited(admin, "identity.provider-linked").await.len(), 1);
            assert_eq!(audited(admin, "identity.login").await[0]["detail"]["methods"], json!(["fed"]));
            assert_eq!(mails(app, "grace@example.org").await, ["Corporation can now sign you in"]);
            assert_eq!(fake.read(), 1, "its documents are kept");
            app.clock.advance(std::time::Duration::from_secs(3_601));
            sign_in(app, fake, "g-1", "grace@example.org").await.expect(303);
            assert_eq!(fake.read(), 2);
            // A new key is looked for.
            fake.rotate();
            app.clock.advance(std::time::Duration::from_secs(60));
            let back = sign_in(app, fake, "g-1", "grace@example.org").await.expect(303);
            assert!(cookie(&back, "socle_session").is_some(), "{}", back.header("location"));
            assert_eq!(fake.read(), 3);
        },
    )
    .await;
}

async fn verify(app: &App, id: &str, is_verified: bool) {
    let mut tx = app.platform.db.begin().await.unwrap();
    let query = tx.query("UPDATE identity_users SET is_verified = $2 WHERE id = $1");
    assert_eq!(query.bind(id).bind(is_verified).execute().await.unwrap(), 1);
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_sign_up_gets_an_account_without_a_password() {
    let bend = |provider: &mut identity::ProviderConfig| {
        provider.allow_sign_up = true;
        provider.role = "student".to_owned();
    };
    with_provider(bend, async |app, admin, fake| {
        // Its address comes from the other place where providers tell it.
        let departed = depart(app, "").await;
        let mut claims = fake.claims(app, &departed, "l-1", "x");
        for name in ["email", "email_verified", "given_name", "family_name"] {
            claims.as_object_mut().unwrap().remove(name);
        }
        fake.userinfo(json!({"sub": "l-1", "email": "linus@example.org", "email_verified": true, "given_name": "Linus"}));
        let code = fake.code(&departed, &claims, Signed::Well);
        let cookies = format!("socle_provider={}", departed.cookie);
        let back = come_back(app, &cookies, &[("code", &code), ("state", &departed.param("state"))]).await.expect(303);
        assert_eq!(back.header("location"), "/dashboard");
        let session = cookie(&back, "socle_session").unwrap();
        let linus = me(app, &session).await;
        assert_eq!((&linus["email"], &linus["first_name"]), (&json!("linus@example.org"), &json!("Linus")));
        assert_eq!((&linus["roles"], &linus["is_verified"]), (&json!(["student"]), &json!(true)));
        assert_eq!(audited(admin, "identity.user-created").await[0]["detail"]["provider"], "corp");
        log_in(&app.stranger(), "linus@example.org", PASSWORD).await.expect(401);

        // It is the only way in, so it stays.
        let csrf = cookie(&back, "socle_csrf").unwrap();
        let cookies = format!("socle_session={session}; socle_csrf={csrf}");
        let call = async |method: Method, path: &str| {
            let browser = browser(app);
            let request = browser.request(method, path).header("cookie", &cookies).header("x-csrf-token", &csrf);
            browser.finish(path, request).await
        };
        let security = call(Method::GET, "/api/v1/auth/security").await.expect(200).json();
        assert_eq!((&security["password"], &security["providers"][0]["id"]), (&json!(false), &json!("corp")));
        let refused = call(Method::DELETE, "/api/v1/auth/providers/corp").await.expect(409);
        assert_eq!(refused.error(), "identity.last-door");
        let made = admin.post(&format!("/api/v1/users/{}/reset-password", text(&linus["id"])), json!({})).await;
        let link = text(&made.expect(200).json()["password_link"]);
        let reset = json!({"token": link.split("token=").nth(1).unwrap(), "new_password": PASSWORD});
        app.stranger().post("/auth/reset", reset).await.expect(204);
        let pair = log_in(&app.stranger(), "linus@example.org", PASSWORD).await.expect(200).json();
        let linus = bearer(app, &pair["access_token"]);
        linus.delete("/api/v1/auth/providers/nobody").await.expect(404);
        linus.delete("/api/v1/auth/providers/corp").await.expect(204);
        assert_eq!(audited(admin, "identity.provider-unlinked").await.len(), 1);
        assert!(mails(app, "linus@example.org").await.contains(&"Corporation can no longer sign you in".to_owned()));
        // The address is verified on both sides: the next visit links anew, and tells so.
        sign_in(app, fake, "l-1", "linus@example.org").await.expect(303);
        assert_eq!(audited(admin, "identity.provider-linked").await.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_second_factor_still_applies() {
    with_provider(
        |_| {},
        async |app, admin, fake| {
            let (grace, device) = with_app(app, admin).await;
            let back = sign_in(app, fake, "g-1", "grace@example.org").await.expect(303);
            assert!(cookie(&back, "socle_session").is_none());
            let location = back.header("location").to_owned();
            let fragment = location.strip_prefix("/login#").unwrap_or_else(|| panic!("{location}"));
            let fields: std::collections::HashMap<_, _> =
                url::form_urlencoded::parse(fragment.as_bytes()).collect();
            assert_eq!(fields["methods"], "totp,recovery_code");
            let done = answer(
                app,
                "/api/v1/auth/session/second-factor",
                &fields["second-factor"],
                &device.code(app),
            )
            .await;
            done.expect(200);
            assert_eq!(
                audited(admin, "identity.login").await[0]["detail"]["methods"],
                json!(["fed", "otp", "mfa"])
            );
            drop(grace);
        },
    )
    .await;
    // Unless the provider's word is taken for it, and it gives that word.
    with_provider(
        |provider| provider.trust_mfa = true,
        async |app, admin, fake| {
            with_app(app, admin).await;
            let back = sign_in(app, fake, "g-1", "grace@example.org").await.expect(303);
            assert!(cookie(&back, "socle_session").is_none());
            let departed = depart(app, "").await;
            let mut claims = fake.claims(app, &departed, "g-1", "grace@example.org");
            claims["amr"] = json!(["pwd", "mfa"]);
            let code = fake.code(&departed, &claims, Signed::Well);
            let cookies = format!("socle_provider={}", departed.cookie);
            let back = come_back(app, &cookies, &[("code", &code), ("state", &departed.param("state"))])
                .await
                .expect(303);
            assert!(cookie(&back, "socle_session").is_some(), "{}", back.header("location"));
            next_code(app);
        },
    )
    .await;
}

async fn with_app(app: &App, admin: &Client) -> (Client, crate::factors::Device) {
    let id = create(admin, "grace@example.org", "user").await;
    verify(app, &id, true).await;
    let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
    let grace = bearer(app, &pair["access_token"]);
    let (device, _) = enrol(app, &grace).await;
    (grace, device)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_signed_in_links_by_themselves() {
    with_provider(
        |_| {},
        async |app, admin, fake| {
            // Another address there than here, not verified here: it is the owner who says that it is theirs.
            let id = create(admin, "grace@example.org", "user").await;
            verify(app, &id, false).await;
            let body = json!({"email": "grace@example.org", "password": PASSWORD});
            let signed = app.stranger().post("/api/v1/auth/session", body).await.expect(200);
            let session = format!("socle_session={}", cookie(&signed, "socle_session").unwrap());
            let start = async |site: Option<&str>| {
                let browser = browser(app);
                let path = "/api/v1/auth/providers/corp/start?link=true&next=/account/security";
                let mut request = browser.request(Method::GET, path).header("cookie", &session);
                if let Some(site) = site {
                    request = request.header("sec-fetch-site", site);
                }
                browser.finish(path, request).await
            };
            for foreign in [None, Some("cross-site"), Some("same-site"), Some("none")] {
                assert_eq!(
                    start(foreign).await.expect(403).error(),
                    "identity.foreign-origin",
                    "{foreign:?}"
                );
            }
            let away = start(Some("same-origin")).await.expect(303);
            let departed = crate::fake_provider::Departed {
                url: url::Url::parse(away.header("location")).unwrap(),
                cookie: cookie(&away, "socle_provider").unwrap(),
            };
            let claims = fake.claims(app, &departed, "g-9", "private@example.com");
            let code = fake.code(&departed, &claims, Signed::Well);
            let cookies = format!("{session}; socle_provider={}", departed.cookie);
            let back = come_back(app, &cookies, &[("code", &code), ("state", &departed.param("state"))])
                .await
                .expect(303);
            assert_eq!(back.header("location"), "/account/security");
            let back = sign_in(app, fake, "g-9", "private@example.com").await.expect(303);
            assert_eq!(me(app, &cookie(&back, "socle_session").unwrap()).await["id"], json!(id));
            assert_eq!(audited(admin, "identity.provider-linked").await[0]["detail"]["by"], "owner");
            // Not when the sign-in was long ago.
            app.clock.advance(std::time::Duration::from_secs(901));
            assert_eq!(
                start(Some("same-origin")).await.expect(303).header("location"),
                "/account/security?error=confirm-first"
            );
        },
    )
    .await;
}
