use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, App, Client};

use crate::{
    PASSWORD,
    authenticator::Device,
    bearer, create,
    factors::{answer, audited, challenge, mails, protected},
    log_in, text, with_admin,
};

const START: &str = "/api/v1/auth/passkey/start";
const SIGN_IN: &str = "/api/v1/auth/session/passkey";
const PASSKEYS: &str = "/api/v1/auth/passkeys";
const LOGIN: &str = "/api/v1/auth/login";
const SESSION: &str = "/api/v1/auth/session";

async fn signed_in(app: &App, admin: &Client, email: &str) -> Client {
    create(admin, email, "user").await;
    let pair = log_in(&app.stranger(), email, PASSWORD).await.expect(200).json();
    bearer(app, &pair["access_token"])
}

async fn add(client: &Client, device: &Device, name: &str) -> Value {
    let options = client.post("/api/v1/auth/passkeys/start", json!({})).await.expect(200).json();
    let credential = device.create(&options).await;
    client.post(PASSKEYS, json!({"name": name, "credential": credential})).await.expect(201).json()
}

/// Without a name.
async fn sign_in(app: &App, device: &Device) -> Answer {
    let begun = app.stranger().post(START, json!({})).await.expect(200).json();
    let credential = device.get(&begun["options"]).await;
    app.stranger().post(SIGN_IN, json!({"challenge": begun["challenge"], "credential": credential})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_signs_in_without_name_password_or_code() {
    with_admin(async |app, admin| {
        let grace = signed_in(app, admin, "grace@example.org").await;
        assert_eq!(
            grace.get("/api/v1/auth/security").await.expect(200).json()["passkeys_work"],
            false,
            "by address"
        );
        let device = Device::new(app);
        let options = grace.post("/api/v1/auth/passkeys/start", json!({})).await.expect(200).json();
        let asked = &options["publicKey"];
        assert_eq!((&asked["rp"]["id"], &asked["rp"]["name"]), (&json!("localhost"), &json!("Socle")));
        assert_eq!(asked["user"]["name"], "grace@example.org");
        assert_eq!(asked["authenticatorSelection"]["userVerification"], "required");
        assert_eq!(asked["authenticatorSelection"]["residentKey"], "preferred");
        let credential = device.create(&options).await;
        let unnamed = json!({"name": " ", "credential": credential});
        assert_eq!(grace.post(PASSKEYS, unnamed).await.expect(422).json()["errors"][0]["pointer"], "/name");
        let added = grace
            .post(PASSKEYS, json!({"name": "My phone", "credential": credential}))
            .await
            .expect(201)
            .json();
        assert_eq!(added["name"], "My phone");
        assert_eq!(added["recovery_codes"].as_array().unwrap().len(), 10, "with the first factor");

        let begun = app.stranger().post(START, json!({})).await.expect(200).json();
        assert_eq!(begun["options"]["mediation"], "conditional");
        let listed = begun["options"]["publicKey"]["allowCredentials"].as_array();
        assert!(listed.is_none_or(Vec::is_empty), "nobody is named: {begun}");
        let me = sign_in(app, &device).await.expect(200);
        assert_eq!(me.json()["email"], "grace@example.org");
        assert_eq!(me.headers.get_all("set-cookie").iter().count(), 2);
        let log = audited(admin, "identity.login").await;
        assert_eq!(log[0]["detail"]["methods"], json!(["swk", "user", "mfa"]), "{log:#?}");
        assert_eq!(mails(app, "grace@example.org").await, ["A passkey was added to your account"]);

        let list = grace.get(PASSKEYS).await.expect(200).json();
        assert_eq!(list["total"], 1);
        assert!(list["items"][0]["last_used_at"].is_string(), "{list}");
        let path = format!("{PASSKEYS}/{}", text(&added["id"]));
        assert_eq!(
            grace.patch(&path, json!({"name": "Old phone"})).await.expect(200).json()["name"],
            "Old phone"
        );
        let linus = signed_in(app, admin, "linus@example.org").await;
        linus.patch(&path, json!({"name": "Mine"})).await.expect(404);
        linus.delete(&path).await.expect(404);
        grace.delete(&path).await.expect(204);
        sign_in(app, &device).await.expect(401);
        log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200);
        let left = grace.get("/api/v1/auth/security").await.expect(200).json();
        assert_eq!((&left["passkeys"], &left["recovery_codes_left"]), (&json!(0), &json!(0)));
        let names: Vec<_> =
            ["added", "renamed", "removed"].map(|what| format!("identity.passkey-{what}")).into();
        for name in names {
            assert_eq!(audited(admin, &name).await.len(), 1, "{name}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_a_second_factor_and_confirms() {
    with_admin(async |app, admin| {
        let grace = signed_in(app, admin, "grace@example.org").await;
        let (phone, key) = (Device::new(app), Device::counting(app));
        let codes = add(&grace, &phone, "Phone").await["recovery_codes"].clone();
        assert_eq!(add(&grace, &key, "Key").await["recovery_codes"], json!([]), "only with the first");
        // A device that holds one of them already is told so.
        let again = grace.post("/api/v1/auth/passkeys/start", json!({})).await.expect(200).json();
        assert_eq!(again["publicKey"]["excludeCredentials"].as_array().unwrap().len(), 2);

        for (login, answer_path) in
            [(LOGIN, "/api/v1/auth/second-factor"), (SESSION, "/api/v1/auth/session/second-factor")]
        {
            for device in [&phone, &key] {
                let asked = challenge(app, login, "grace@example.org").await;
                let body = json!({"challenge": asked});
                let options =
                    app.stranger().post("/api/v1/auth/second-factor/passkey", body).await.expect(200).json();
                let credential = device.get(&options).await;
                let body = json!({"challenge": asked, "credential": credential});
                app.stranger().post(answer_path, body).await.expect(200);
            }
        }
        let log = audited(admin, "identity.login").await;
        assert_eq!(log[0]["detail"]["methods"], json!(["pwd", "swk", "user", "mfa"]));
        // What a program can show.
        let asked = challenge(app, LOGIN, "grace@example.org").await;
        answer(app, "/api/v1/auth/second-factor", &asked, codes[0].as_str().unwrap()).await.expect(200);

        let before = grace.get("/api/v1/auth/security").await.expect(200).json()["confirmed_until"].clone();
        app.clock.advance(std::time::Duration::from_secs(60));
        let options = grace.post("/api/v1/auth/confirm/passkey", json!({})).await.expect(200).json();
        let credential = key.get(&options).await;
        let body = json!({"credential": credential});
        grace.post("/api/v1/auth/confirm", body.clone()).await.expect(204);
        let after = grace.get("/api/v1/auth/security").await.expect(200).json()["confirmed_until"].clone();
        assert!(text(&after) > text(&before));
        grace.post("/api/v1/auth/confirm", body).await.expect(422);
        let linus = signed_in(app, admin, "linus@example.org").await;
        assert_eq!(
            linus.post("/api/v1/auth/confirm/passkey", json!({})).await.expect(409).error(),
            "identity.no-passkeys"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_replayed_and_unverified_signatures_are_refused() {
    with_admin(async |app, admin| {
        let grace = signed_in(app, admin, "grace@example.org").await;
        let linus = signed_in(app, admin, "linus@example.org").await;
        let (hers, his) = (Device::new(app), Device::new(app));
        add(&grace, &hers, "Hers").await;
        add(&linus, &his, "His").await;
        let send = async |challenge: &Value, credential: &Value| {
            app.stranger().post(SIGN_IN, json!({"challenge": challenge, "credential": credential})).await
        };
        let begin = async || app.stranger().post(START, json!({})).await.expect(200).json();

        // Failures are limited; that is not what is tried here.
        let rest = || app.clock.advance(std::time::Duration::from_secs(61));

        // Another origin, where a phisher's page asked.
        let begun = begin().await;
        for origin in ["http://evil.localhost:8080", "http://localhost:1", "https://localhost"] {
            rest();
            let credential = hers.moved(origin).get(&begun["options"]).await;
            let refused = send(&begun["challenge"], &credential).await.expect(401);
            assert_eq!(refused.error(), "identity.passkey-refused", "{origin}");
        }
        // Without fingerprint or PIN.
        let mut unverified = begun["options"].clone();
        unverified["publicKey"]["userVerification"] = json!("discouraged");
        let credential = hers.get(&unverified).await;
        send(&begun["challenge"], &credential).await.expect(401);
        // Another challenge than the one that was signed.
        app.clock.advance(std::time::Duration::from_secs(900));
        let begun = begin().await;
        let other = begin().await;
        let credential = hers.get(&begun["options"]).await;
        send(&other["challenge"], &credential).await.expect(401);
        // Somebody else's handle under one's own signature.
        let mut borrowed = his.get(&begun["options"]).await;
        borrowed["response"]["userHandle"] = credential["response"]["userHandle"].clone();
        send(&begun["challenge"], &borrowed).await.expect(401);
        // A signature that was touched.
        let mut touched = credential.clone();
        touched["response"]["signature"] = his.get(&begun["options"]).await["response"]["signature"].clone();
        send(&begun["challenge"], &touched).await.expect(401);
        // It still works, once.
        send(&begun["challenge"], &credential).await.expect(200);
        let replayed = send(&begun["challenge"], &credential).await.expect(401);
        assert_eq!(replayed.error(), "identity.challenge-refused");
        let again = hers.get(&begun["options"]).await;
        send(&begun["challenge"], &again).await.expect(401);
        // Too late, and made up.
        let late = begin().await;
        let credential = hers.get(&late["options"]).await;
        app.clock.advance(std::time::Duration::from_secs(300));
        send(&late["challenge"], &credential).await.expect(401);
        for junk in ["", "x", &"A".repeat(500)] {
            send(&json!(junk), &credential).await.expect(401);
        }
        send(&late["challenge"], &json!({})).await.expect(422);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn as_a_second_factor_only_ones_own_counts() {
    with_admin(async |app, admin| {
        let grace = signed_in(app, admin, "grace@example.org").await;
        let linus = signed_in(app, admin, "linus@example.org").await;
        let (hers, his) = (Device::new(app), Device::new(app));
        add(&grace, &hers, "Hers").await;
        add(&linus, &his, "His").await;
        let asked = challenge(app, LOGIN, "grace@example.org").await;
        let begin = "/api/v1/auth/second-factor/passkey";
        let mut options = app.stranger().post(begin, json!({"challenge": asked})).await.expect(200).json();
        let right = hers.get(&options).await;
        options["publicKey"].as_object_mut().unwrap().remove("allowCredentials");
        let wrong = his.get(&options).await;
        let send = async |credential: &Value| {
            let body = json!({"challenge": asked, "credential": credential});
            app.stranger().post("/api/v1/auth/second-factor", body).await
        };
        assert_eq!(send(&wrong).await.expect(401).error(), "identity.passkey-refused");
        // That of a sign-in without a name is none of this challenge.
        let begun = app.stranger().post(START, json!({})).await.expect(200).json();
        let other = hers.get(&begun["options"]).await;
        send(&other).await.expect(401);
        send(&right).await.expect(200);
        send(&right).await.expect(401);
        // Nor is what was signed here one of those.
        let body = json!({"challenge": begun["challenge"], "credential": right});
        app.stranger().post(SIGN_IN, body).await.expect(401);
        // Who has an app only is asked for no passkey.
        let ada = protected(app, admin, "ada").await;
        let asked = challenge(app, LOGIN, &ada.email).await;
        app.stranger().post(begin, json!({"challenge": asked})).await.expect(401);
        app.stranger().post(begin, json!({"challenge": "x"})).await.expect(401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_found_by_its_counter() {
    with_admin(async |app, admin| {
        let grace = signed_in(app, admin, "grace@example.org").await;
        let key = Device::counting(app);
        add(&grace, &key, "Key").await;
        sign_in(app, &key).await.expect(200);
        let copy = key.cloned();
        sign_in(app, &key).await.expect(200);
        sign_in(app, &copy).await.expect(401);
        assert_eq!(audited(admin, "identity.passkey-cloned").await.len(), 1);
        assert!(mails(app, "grace@example.org").await.contains(&"A passkey may have been copied".to_owned()));
        sign_in(app, &key).await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_is_for_one_session_once() {
    with_admin(async |app, admin| {
        let grace = signed_in(app, admin, "grace@example.org").await;
        let linus = signed_in(app, admin, "linus@example.org").await;
        let device = Device::new(app);
        let options = grace.post("/api/v1/auth/passkeys/start", json!({})).await.expect(200).json();
        let body = json!({"name": "Key", "credential": device.create(&options).await});
        let refused = linus.post(PASSKEYS, body.clone()).await.expect(422);
        assert_eq!(refused.error(), "identity.passkey-refused");
        // Not into somebody else's account although they began one of their own.
        linus.post("/api/v1/auth/passkeys/start", json!({})).await.expect(200);
        linus.post(PASSKEYS, body.clone()).await.expect(422);
        grace.post(PASSKEYS, body.clone()).await.expect(201);
        grace.post(PASSKEYS, body).await.expect(422);
        // From a page of another origin.
        let options = grace.post("/api/v1/auth/passkeys/start", json!({})).await.expect(200).json();
        let phished = Device::at("http://evil.localhost").create(&options).await;
        grace.post(PASSKEYS, json!({"name": "x", "credential": phished})).await.expect(422);
        // Without fingerprint or PIN.
        let mut options = grace.post("/api/v1/auth/passkeys/start", json!({})).await.expect(200).json();
        options["publicKey"]["authenticatorSelection"]["userVerification"] = json!("discouraged");
        let unverified = device.create(&options).await;
        grace.post(PASSKEYS, json!({"name": "x", "credential": unverified})).await.expect(422);
        // A stolen session that is not fresh.
        app.clock.advance(std::time::Duration::from_secs(600));
        let pair = {
            let asked = challenge(app, LOGIN, "grace@example.org").await;
            let options = json!({"challenge": asked});
            let options =
                app.stranger().post("/api/v1/auth/second-factor/passkey", options).await.expect(200).json();
            let body = json!({"challenge": asked, "credential": device.get(&options).await});
            app.stranger().post("/api/v1/auth/second-factor", body).await.expect(200).json()
        };
        app.clock.advance(std::time::Duration::from_secs(890));
        let pair = app
            .stranger()
            .post("/api/v1/auth/refresh", json!({"refresh_token": pair["refresh_token"]}))
            .await;
        app.clock.advance(std::time::Duration::from_secs(30));
        let stolen = bearer(app, &pair.expect(200).json()["access_token"]);
        stolen.post("/api/v1/auth/passkeys/start", json!({})).await.expect(403);
        let list = stolen.get(PASSKEYS).await.expect(200).json();
        let path = format!("{PASSKEYS}/{}", text(&list["items"][0]["id"]));
        assert_eq!(
            stolen.send(Method::DELETE, &path, None).await.expect(403).error(),
            "identity.confirm-first"
        );
    })
    .await;
}
