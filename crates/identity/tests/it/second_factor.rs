use std::{process::Command, time::Duration};

use serde_json::{Value, json};
use testkit::Client;

use crate::{
    PASSWORD, bearer, create,
    factors::{Device, answer, audited, challenge, enrol, form, mails, next_code, protected},
    log_in, text, with_admin,
};

const LOGIN: &str = "/api/v1/auth/login";
const SESSION: &str = "/api/v1/auth/session";
const ANSWER: &str = "/api/v1/auth/second-factor";
const ANSWER_IN_BROWSER: &str = "/api/v1/auth/session/second-factor";

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_app_is_set_up_and_asked_for() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let grace = bearer(app, &pair["access_token"]);
        let before = grace.get("/api/v1/auth/security").await.expect(200).json();
        assert_eq!(before["totp"], json!({"enabled": false, "since": null}));
        assert_eq!((&before["password"], &before["recovery_codes_left"]), (&json!(true), &json!(0)));
        grace.post("/api/v1/auth/totp/confirm", json!({"code": "123456"})).await.expect(409);
        grace.post("/api/v1/auth/recovery-codes", json!({})).await.expect(409);
        grace.delete("/api/v1/auth/totp").await.expect(409);

        let setup = grace.post("/api/v1/auth/totp", json!({})).await.expect(200).json();
        let secret = text(&setup["secret"]);
        assert_eq!(secret.len(), 32, "160 bits");
        let uri = text(&setup["uri"]);
        assert!(
            uri.starts_with("otpauth://totp/") && uri.contains(&secret) && uri.contains("issuer=Socle"),
            "{uri}"
        );
        assert!(uri.contains("grace%40example.org") || uri.contains("grace@example.org"), "{uri}");
        assert!(text(&setup["qr_svg"]).starts_with("<svg "), "{setup}");
        // It counts only when it was shown to work.
        log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200);
        let device = Device::new(&secret);
        let wrong = grace.post("/api/v1/auth/totp/confirm", json!({"code": "000000"})).await.expect(422);
        assert_eq!(wrong.error(), "identity.wrong-code");
        let code = device.code(app);
        let codes = grace.post("/api/v1/auth/totp/confirm", json!({"code": code})).await.expect(200).json();
        let codes: Vec<_> = codes["recovery_codes"].as_array().unwrap().iter().map(text).collect();
        assert_eq!(codes.len(), 10);
        assert!(codes.iter().all(|code| code.len() == 29 && code.matches('-').count() == 5), "{codes:?}");
        let after = grace.get("/api/v1/auth/security").await.expect(200).json();
        assert_eq!((&after["totp"]["enabled"], &after["recovery_codes_left"]), (&json!(true), &json!(10)));

        let asked = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(401);
        assert_eq!(asked.error(), "identity.second-factor-required");
        let asked = asked.json()["second_factor"].clone();
        assert_eq!(asked["methods"], json!(["totp", "recovery_code"]));
        assert_eq!(asked["expires_in"], 300);
        // The code that set it up was used by that.
        answer(app, ANSWER, asked["challenge"].as_str().unwrap(), &code).await.expect(401);
        next_code(app);
        let pair = answer(app, ANSWER, asked["challenge"].as_str().unwrap(), &device.code(app)).await;
        let pair = pair.expect(200).json();
        bearer(app, &pair["access_token"]).get("/api/v1/auth/me").await.expect(200);
        // A browser's.
        next_code(app);
        let asked = challenge(app, SESSION, "grace@example.org").await;
        let me = answer(app, ANSWER_IN_BROWSER, &asked, &device.code(app)).await.expect(200);
        assert_eq!(me.json()["email"], "grace@example.org");
        assert_eq!(me.headers.get_all("set-cookie").iter().count(), 2);

        let log = audited(admin, "identity.login").await;
        assert_eq!(log[0]["detail"]["methods"], json!(["pwd", "otp", "mfa"]), "{log:#?}");
        assert_eq!(log[0]["detail"]["second_factor"], "totp");
        assert_eq!(audited(admin, "identity.totp-enabled").await.len(), 1);
        assert_eq!(mails(app, "grace@example.org").await, ["An authenticator app protects your account"]);
        // Secrets stand nowhere to be read.
        let log = admin.get("/api/v1/audit?limit=100").await.expect(200).text();
        assert!(!log.contains(&secret) && !log.contains(&codes[0]), "{log}");
        let mut tx = app.platform.db.read().await.unwrap();
        let kept: Vec<u8> = tx.query("SELECT secret AS value FROM identity_totp").rows().await.unwrap()[0]
            .get("value")
            .unwrap();
        let plain = totp_rs::Secret::try_from_base32(&secret).unwrap();
        assert!(!kept.windows(20).any(|part| part == plain.as_ref()), "the secret is sealed");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn older_clients_send_the_code_at_once() {
    with_admin(async |app, admin| {
        let grace = protected(app, admin, "grace").await;
        let body = |code: &str| json!({"email": grace.email, "password": PASSWORD, "code": code});
        app.stranger().post(LOGIN, body(&grace.device.code(app))).await.expect(200);
        next_code(app);
        app.stranger().post(SESSION, body(&grace.device.code(app))).await.expect(200);
        let wrong = app.stranger().post(LOGIN, body("000000")).await.expect(401);
        assert_eq!(wrong.error(), "identity.wrong-code");
        app.stranger().post(LOGIN, body(&grace.codes[0])).await.expect(200);
        // An empty field is none.
        let empty = app.stranger().post(LOGIN, body(" ")).await.expect(401);
        assert_eq!(empty.error(), "identity.second-factor-required");
        next_code(app);
        let code = grace.device.code(app);
        let fields = [("username", grace.email.as_str()), ("password", PASSWORD), ("code", &code)];
        form(app, LOGIN, &fields).await.expect(200);
        // Who has none may send what they like.
        create(admin, "linus@example.org", "user").await;
        let body = json!({"email": "linus@example.org", "password": PASSWORD, "code": "123456"});
        app.stranger().post(LOGIN, body).await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recovery_codes_work_once_each() {
    with_admin(async |app, admin| {
        let grace = protected(app, admin, "grace").await;
        let asked = challenge(app, LOGIN, &grace.email).await;
        let typed = grace.codes[0].to_uppercase().replace('-', " ");
        answer(app, ANSWER, &asked, &typed).await.expect(200);
        let asked = challenge(app, LOGIN, &grace.email).await;
        answer(app, ANSWER, &asked, &grace.codes[0]).await.expect(401);
        answer(app, ANSWER, &asked, &grace.codes[1]).await.expect(200);
        let left = grace.client.get("/api/v1/auth/security").await.expect(200).json();
        assert_eq!(left["recovery_codes_left"], 8);
        assert_eq!(mails(app, &grace.email).await[1], "A recovery code was used");

        let made = grace.client.post("/api/v1/auth/recovery-codes", json!({})).await.expect(200).json();
        assert_eq!(made["recovery_codes"].as_array().unwrap().len(), 10);
        let asked = challenge(app, LOGIN, &grace.email).await;
        answer(app, ANSWER, &asked, &grace.codes[2]).await.expect(401);
        answer(app, ANSWER, &asked, made["recovery_codes"][0].as_str().unwrap()).await.expect(200);
        // Somebody else's are nobody's.
        let linus = protected(app, admin, "linus").await;
        let asked = challenge(app, LOGIN, &linus.email).await;
        answer(app, ANSWER, &asked, made["recovery_codes"][1].as_str().unwrap()).await.expect(401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_ask_again_who_it_is() {
    with_admin(async |app, admin| {
        let grace = protected(app, admin, "grace").await;
        // The session is fresh from its sign-in; some time later it is not.
        let later = async || {
            app.clock.advance(Duration::from_secs(901));
            let code = grace.device.code(app);
            let body = json!({"email": grace.email, "password": PASSWORD, "code": code});
            let pair = app.stranger().post(LOGIN, body).await.expect(200).json();
            app.clock.advance(Duration::from_secs(890));
            let body = json!({"refresh_token": pair["refresh_token"]});
            let pair = app.stranger().post("/api/v1/auth/refresh", body).await.expect(200).json();
            app.clock.advance(Duration::from_secs(15));
            bearer(app, &pair["access_token"])
        };
        let client = later().await;
        let refused = async |client: &Client| {
            for (method, path) in [
                ("POST", "/api/v1/auth/totp"),
                ("DELETE", "/api/v1/auth/totp"),
                ("POST", "/api/v1/auth/recovery-codes"),
                ("POST", "/api/v1/auth/passkeys/start"),
            ] {
                let answer = client.send(method.parse().unwrap(), path, Some(json!({}))).await.expect(403);
                assert_eq!(answer.error(), "identity.confirm-first", "{method} {path}");
            }
        };
        refused(&client).await;
        let until = client.get("/api/v1/auth/security").await.expect(200).json()["confirmed_until"].clone();

        let confirm = async |body: Value| client.post("/api/v1/auth/confirm", body).await;
        assert_eq!(
            confirm(json!({"password": "wrong"})).await.expect(422).error(),
            "identity.wrong-password"
        );
        assert_eq!(confirm(json!({"code": "000000"})).await.expect(422).error(), "identity.wrong-code");
        for junk in [json!({}), json!({"password": PASSWORD, "code": "1"}), json!({"pin": "1"})] {
            confirm(junk).await.expect(422);
        }
        refused(&client).await;
        confirm(json!({"password": PASSWORD})).await.expect(204);
        let after = client.get("/api/v1/auth/security").await.expect(200).json()["confirmed_until"].clone();
        assert!(text(&after) > text(&until), "{until} {after}");
        client.post("/api/v1/auth/recovery-codes", json!({})).await.expect(200);

        let client = later().await;
        refused(&client).await;
        let code = grace.device.code(app);
        client.post("/api/v1/auth/confirm", json!({"code": code})).await.expect(204);
        client.post("/api/v1/auth/confirm", json!({"code": code})).await.expect(422);
        client.delete("/api/v1/auth/totp").await.expect(204);
        log_in(&app.stranger(), &grace.email, PASSWORD).await.expect(200);
        let left = client.get("/api/v1/auth/security").await.expect(200).json();
        assert_eq!(left["recovery_codes_left"], 0, "they stood in for it");
        let admin = app.admin().await;
        assert_eq!(audited(&admin, "identity.confirm-failed").await.len(), 3);
        assert_eq!(audited(&admin, "identity.confirmed").await.len(), 2);
        assert!(
            mails(app, &grace.email)
                .await
                .contains(&"The authenticator app was removed from your account".to_owned())
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_resets_what_was_lost() {
    with_admin(async |app, admin| {
        let grace = protected(app, admin, "grace").await;
        let path = format!("/api/v1/users/{}/second-factor", grace.id);
        grace.client.delete(&path).await.expect(403);
        app.admin_elsewhere().await.delete(&path).await.expect(404);
        let asked = challenge(app, LOGIN, &grace.email).await;
        admin.delete(&path).await.expect(204);
        grace.client.get("/api/v1/auth/me").await.expect(401);
        // What was begun is over.
        answer(app, ANSWER, &asked, &grace.codes[0]).await.expect(401);
        let pair = log_in(&app.stranger(), &grace.email, PASSWORD).await.expect(200).json();
        let again = bearer(app, &pair["access_token"]);
        let security = again.get("/api/v1/auth/security").await.expect(200).json();
        assert_eq!(
            (&security["totp"]["enabled"], &security["recovery_codes_left"]),
            (&json!(false), &json!(0))
        );
        let log = audited(admin, "identity.second-factor-reset").await;
        assert_eq!((&log[0]["target"], &log[0]["detail"]["totp"]), (&json!(grace.id), &json!(true)));
        assert!(
            mails(app, &grace.email).await.contains(&"An administrator reset your second factor".to_owned())
        );
        enrol(app, &again).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_lets_nobody_on_without_one() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let grace = bearer(app, &pair["access_token"]);
        let policy = async |value: &str| {
            admin.put("/api/v1/settings/identity.second_factor", json!({"value": value})).await.expect(200);
            app.clock.advance(Duration::from_secs(6));
        };
        policy("administrators").await;
        grace.get("/api/v1/auth/sessions").await.expect(200);
        let (device, _) = {
            let refused = admin.get("/api/v1/users").await.expect(403);
            assert_eq!(refused.error(), "identity.second-factor-needed");
            // Routes of other modules alike.
            assert_eq!(admin.get("/api/v1/notifications").await.expect(403).error(), "identity.second-factor-needed");
            assert_eq!(admin.get("/api/v1/auth/me").await.expect(200).json()["second_factor_needed"], true);
            assert_eq!(admin.get("/api/v1/auth/security").await.expect(200).json()["second_factor_required"], true);
            admin.patch("/api/v1/auth/me", json!({"first_name": "x"})).await.expect(403);
            admin.post("/api/v1/auth/password", json!({})).await.expect(403);
            enrol(app, admin).await
        };
        admin.get("/api/v1/users").await.expect(200);
        policy("everyone").await;
        assert_eq!(grace.get("/api/v1/auth/sessions").await.expect(403).error(), "identity.second-factor-needed");
        grace.post("/api/v1/auth/logout", json!({})).await.expect(204);
        let body = json!({"email": "admin@example.org", "password": "a sound pass phrase 41", "code": device.code(app)});
        app.stranger().post(LOGIN, body).await.expect(200);
        // Removing it leads back to where one must set one up.
        admin.delete("/api/v1/auth/totp").await.expect(204);
        admin.get("/api/v1/users").await.expect(403);
    })
    .await;
}

/// A program by other people reads the same secret the same way.
#[tokio::test(flavor = "multi_thread")]
async fn oathtool_agrees() {
    let run = |secret: &str, at: &str| {
        let output = Command::new("oathtool").args(["--totp", "--base32", "--now", at, secret]).output();
        output.ok().map(|output| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    };
    if run("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "2026-01-05 08:00:00 UTC").is_none() {
        assert!(std::env::var_os("CI").is_none(), "the test script installs oathtool");
        return eprintln!("skipped: there is no oathtool (apt install oathtool)");
    }
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let grace = bearer(app, &pair["access_token"]);
        let setup = grace.post("/api/v1/auth/totp", json!({})).await.expect(200).json();
        let secret = text(&setup["secret"]);
        let shown = || {
            run(&secret, &kernel::Clock::now(&*app.clock).strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
                .unwrap()
        };
        grace.post("/api/v1/auth/totp/confirm", json!({"code": shown()})).await.expect(200);
        for _ in 0..5 {
            next_code(app);
            let body = json!({"email": "grace@example.org", "password": PASSWORD, "code": shown()});
            app.stranger().post(LOGIN, body).await.expect(200);
        }
    })
    .await;
}
