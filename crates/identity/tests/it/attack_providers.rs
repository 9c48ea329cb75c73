//! What a hostile provider, or somebody between it and a browser, tries.

use serde_json::{Value, json};
use testkit::{Answer, App};

use crate::{
    create,
    fake_provider::{CLIENT, Departed, Fake, Signed, come_back, cookie, depart, sign_in, with_provider},
};

fn refused(answer: &Answer, code: &str) {
    assert_eq!((answer.status, answer.header("location")), (303, format!("/login?error={code}").as_str()));
    assert!(cookie(answer, "socle_session").is_none());
}

/// Comes back with a code for claims that were bent.
async fn bent(app: &App, fake: &Fake, signed: Signed, bend: impl FnOnce(&mut Value)) -> Answer {
    let departed = depart(app, "").await;
    let mut claims = fake.claims(app, &departed, "g-1", "grace@example.org");
    bend(&mut claims);
    let code = fake.code(&departed, &claims, signed);
    back(app, &departed, &code).await
}

async fn back(app: &App, departed: &Departed, code: &str) -> Answer {
    // Returns that fail are limited per address; that is not what is tried here.
    app.clock.advance(std::time::Duration::from_secs(16));
    let cookies = format!("socle_provider={}", departed.cookie);
    come_back(app, &cookies, &[("code", code), ("state", &departed.param("state"))]).await
}

async fn verified(app: &App, admin: &testkit::Client, email: &str) -> String {
    let id = create(admin, email, "user").await;
    let mut tx = app.platform.db.begin().await.unwrap();
    tx.query("UPDATE identity_users SET is_verified = TRUE WHERE id = $1")
        .bind(id.as_str())
        .execute()
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn id_tokens_that_are_not_for_us_do_not_count() {
    with_provider(
        |_| {},
        async |app, admin, fake| {
            verified(app, admin, "grace@example.org").await;
            let failed = |answer: &Answer| refused(answer, "provider-failed");
            failed(
                &bent(app, fake, Signed::Well, |claims| claims["iss"] = json!("https://evil.example")).await,
            );
            failed(
                &bent(app, fake, Signed::Well, |claims| claims["iss"] = json!(format!("{}/", fake.base)))
                    .await,
            );
            failed(&bent(app, fake, Signed::Well, |claims| claims["aud"] = json!("another")).await);
            failed(&bent(app, fake, Signed::Well, |claims| claims["aud"] = json!([CLIENT, "another"])).await);
            failed(&bent(app, fake, Signed::Well, |claims| claims["nonce"] = json!("another")).await);
            failed(
                &bent(app, fake, Signed::Well, |claims| {
                    drop(claims.as_object_mut().unwrap().remove("nonce"))
                })
                .await,
            );
            failed(&bent(app, fake, Signed::Well, |claims| claims["exp"] = json!(1_000)).await);
            failed(
                &bent(app, fake, Signed::Well, |claims| drop(claims.as_object_mut().unwrap().remove("exp")))
                    .await,
            );
            failed(
                &bent(app, fake, Signed::Well, |claims| claims["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA"))
                    .await,
            );
            // `none` and HS256 stand in its own list of algorithms.
            failed(&bent(app, fake, Signed::Not, |_| {}).await);
            failed(&bent(app, fake, Signed::ByOurSecret, |_| {}).await);
            failed(&bent(app, fake, Signed::ByAnother, |_| {}).await);
            let fine = bent(app, fake, Signed::Well, |_| {}).await;
            assert!(cookie(&fine, "socle_session").is_some(), "{}", fine.header("location"));
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_in_the_browser_that_asked_and_once() {
    with_provider(
        |_| {},
        async |app, admin, fake| {
            verified(app, admin, "grace@example.org").await;
            let (hers, his) = (depart(app, "").await, depart(app, "").await);
            let code = |departed: &Departed| {
                fake.code(departed, &fake.claims(app, departed, "g-1", "grace@example.org"), Signed::Well)
            };
            let (state, cookies) = (hers.param("state"), format!("socle_provider={}", hers.cookie));
            let right = code(&hers);
            // Somebody else's answer in her browser, hers in his, none at all, junk.
            refused(
                &come_back(app, &cookies, &[("code", &code(&his)), ("state", &his.param("state"))]).await,
                "provider-state",
            );
            refused(
                &come_back(
                    app,
                    &format!("socle_provider={}", his.cookie),
                    &[("code", &right), ("state", &state)],
                )
                .await,
                "provider-state",
            );
            refused(&come_back(app, "", &[("code", &right), ("state", &state)]).await, "provider-state");
            refused(
                &come_back(app, "socle_provider=AAAA", &[("code", &right), ("state", &state)]).await,
                "provider-state",
            );
            refused(&come_back(app, &cookies, &[("code", &right)]).await, "provider-state");
            refused(&come_back(app, &cookies, &[("code", &right), ("state", "")]).await, "provider-state");
            // A code that was made for another departure has another verifier and nonce.
            refused(
                &come_back(app, &cookies, &[("code", &code(&his)), ("state", &state)]).await,
                "provider-failed",
            );
            // From a provider that says it is another (RFC 9207).
            let query = [("code", right.as_str()), ("state", &state), ("iss", "https://evil.example")];
            refused(&come_back(app, &cookies, &query).await, "provider-failed");
            refused(
                &come_back(app, &cookies, &[("error", "access_denied"), ("state", &state)]).await,
                "provider-refused",
            );
            let fine = come_back(app, &cookies, &[("code", &right), ("state", &state)]).await;
            assert!(cookie(&fine, "socle_session").is_some());
            // Once, even where the provider would give tokens again.
            refused(
                &come_back(app, &cookies, &[("code", &code(&hers)), ("state", &state)]).await,
                "provider-state",
            );
            // Ten minutes.
            let late = depart(app, "").await;
            app.clock.advance(std::time::Duration::from_secs(600));
            refused(&back(app, &late, &code(&late)).await, "provider-state");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_an_account_by_claiming_its_address() {
    let bend = |provider: &mut identity::ProviderConfig| provider.allow_sign_up = true;
    with_provider(bend, async |app, admin, fake| {
        let claim = async |subject: &str, email: &str, is_verified: Value| {
            bent(app, fake, Signed::Well, |claims| {
                claims["sub"] = json!(subject);
                claims["email"] = json!(email);
                claims["email_verified"] = is_verified;
            })
            .await
        };
        let grace = verified(app, admin, "grace@example.org").await;
        create(admin, "unverified@example.org", "user").await;
        let mut tx = app.platform.db.begin().await.unwrap();
        tx.query("UPDATE identity_users SET is_verified = FALSE WHERE email_key = 'unverified@example.org'")
            .execute()
            .await
            .unwrap();
        tx.commit().await.unwrap();
        // Verified there and here, or not at all.
        refused(&claim("e-1", "grace@example.org", json!(false)).await, "provider-unverified");
        refused(&claim("e-1", "grace@example.org", Value::Null).await, "provider-unverified");
        refused(&claim("e-1", "new@example.org", json!(false)).await, "provider-unverified");
        refused(&claim("e-1", "unverified@example.org", json!(true)).await, "provider-unverified");
        refused(&claim("e-1", "no address", json!(true)).await, "provider-no-account");
        // A disabled account stays out, also when it is linked.
        sign_in(app, fake, "g-1", "grace@example.org").await.expect(303);
        let disabled = format!("/api/v1/users/{grace}");
        admin.patch(&disabled, json!({"is_active": false})).await.expect(200);
        refused(&claim("g-1", "grace@example.org", json!(true)).await, "provider-no-account");
        refused(&claim("e-2", "grace@example.org", json!(true)).await, "provider-no-account");
        admin.patch(&disabled, json!({"is_active": true})).await.expect(200);
        // Linked already: another account there is another person.
        refused(&claim("e-2", "grace@example.org", json!(true)).await, "provider-taken");
        // Look-alikes are other addresses, and the domain of a service account is nobody's.
        let alike = claim("e-3", "gr\u{0430}ce@example.org", json!(true)).await;
        let session = cookie(&alike, "socle_session");
        if let Some(session) = session {
            let browser = crate::fake_provider::browser(app);
            let request = browser
                .request(reqwest::Method::GET, "/api/v1/auth/me")
                .header("cookie", format!("socle_session={session}"));
            assert_ne!(browser.finish("me", request).await.expect(200).json()["id"], json!(grace));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_leads_to_no_private_address() {
    with_provider(
        |_| {},
        async |app, admin, fake| {
            verified(app, admin, "grace@example.org").await;
            let port = fake.base.rsplit(':').next().unwrap().to_owned();
            for endpoint in [
                "http://169.254.169.254/latest/meta-data".to_owned(),
                "http://10.0.0.1/token".to_owned(),
                "http://[::1]/token".to_owned(),
                // The same machine by another name than the settings have.
                format!("http://localhost:{port}/token"),
                format!("http://127.0.0.2:{port}/token"),
                "file:///etc/passwd".to_owned(),
            ] {
                fake.discovery(json!({"token_endpoint": endpoint}));
                app.clock.advance(std::time::Duration::from_secs(3_601));
                refused(&sign_in(app, fake, "g-1", "grace@example.org").await, "provider-failed");
            }
            // Keys from there: nothing begins.
            for document in [
                json!({"jwks_uri": "http://169.254.169.254/keys"}),
                json!({"issuer": "https://evil.example"}),
                json!({"authorization_endpoint": "javascript:alert(1)"}),
            ] {
                fake.discovery(document);
                app.clock.advance(std::time::Duration::from_secs(3_601));
                let away = crate::fake_provider::browser(app)
                    .get("/api/v1/auth/providers/corp/start")
                    .await
                    .expect(303);
                assert_eq!(away.header("location"), "/login?error=provider-failed");
            }
        },
    )
    .await;
    // Without leave, not even its own.
    with_provider(
        |provider| {
            provider.allow_private = false;
            provider.issuer = provider.issuer.replace("http://", "https://");
        },
        async |app, _, fake| {
            let away =
                crate::fake_provider::browser(app).get("/api/v1/auth/providers/corp/start").await.expect(303);
            assert_eq!(away.header("location"), "/login?error=provider-failed");
            assert_eq!(fake.read(), 0);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_goes_to_no_other_site() {
    with_provider(
        |_| {},
        async |app, admin, fake| {
            verified(app, admin, "grace@example.org").await;
            for evil in [
                "https://evil.example",
                "//evil.example",
                "/\\evil.example",
                "/%2Fevil.example",
                "/%5Cevil.example",
                "\\\\evil.example",
                "/\t/evil.example",
                "javascript:alert(1)",
                "evil.example",
            ] {
                let query: String = url::form_urlencoded::Serializer::new(String::from("?"))
                    .append_pair("next", evil)
                    .finish();
                let departed = depart(app, &query).await;
                let claims = fake.claims(app, &departed, "g-1", "grace@example.org");
                let code = fake.code(&departed, &claims, Signed::Well);
                let back = back(app, &departed, &code).await;
                assert_eq!(back.header("location"), "/dashboard", "{evil}");
                assert!(cookie(&back, "socle_session").is_some());
            }
            let unknown = crate::fake_provider::browser(app);
            unknown.get("/api/v1/auth/providers/other/start").await.expect(404);
            unknown.get("/api/v1/auth/providers/other/callback?code=x&state=y").await.expect(404);
        },
    )
    .await;
}
