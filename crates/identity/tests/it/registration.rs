use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Answer, App, Client, Modules, Program, TestConfig, engines};

use crate::{PASSWORD, bearer, create, log_in, text};

/// Open for registration, with a mail server that is never asked: the tests read what was ordered.
pub(crate) async fn open_to_all(change: impl Fn(&mut TestConfig), test: impl AsyncFn(&App, &Client)) {
    for engine in engines() {
        eprintln!("engine: {engine:?}");
        let mut config = TestConfig::default();
        config.mail.url = kernel::Secret::new("smtp://127.0.0.1:9?tls=none".to_owned());
        config.mail.from = "socle@example.org".to_owned();
        change(&mut config);
        let app = App::start_with(&engine, Modules::NONE, config).await;
        let admin = app.admin().await;
        set(&admin, "identity.registration", json!("open")).await;
        test(&app, &admin).await;
        app.stop().await;
    }
}

/// So many may register from here as a test needs.
pub(crate) fn patient(config: &mut TestConfig) {
    config.identity.self_service_max = 1_000;
}

pub(crate) async fn set(admin: &Client, key: &str, value: Value) {
    admin.put(&format!("/api/v1/settings/{key}"), json!({ "value": value })).await.expect(200);
}

pub(crate) fn registration(email: &str, password: &str) -> Value {
    json!({"email": email, "password": password, "first_name": "Grace", "last_name": "Hopper"})
}

pub(crate) async fn register(client: &Client, email: &str, password: &str) -> Answer {
    client.post("/api/v1/auth/register", registration(email, password)).await
}

pub(crate) async fn verify(client: &Client, token: &str) -> Answer {
    client.post("/api/v1/auth/verify", json!({ "token": token })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_begins_with_a_confirmed_address() {
    open_to_all(patient, async |app, admin| {
        let stranger = app.stranger();
        let options = stranger.get("/api/v1/auth/options").await.expect(200).json();
        assert_eq!((&options["registration"], &options["password_reset"]), (&json!("open"), &json!(true)));
        let mut body = registration("Grace@Example.org", PASSWORD);
        body["locale"] = json!("fr");
        let answer = stranger.post("/auth/register", body).await.expect(202).json();
        assert_eq!(answer["status"], "pending");

        let mails = app.mails_to("Grace@Example.org").await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert_eq!((mails[0].template.as_str(), mails[0].locale.as_str()), ("verify", "fr"));
        let url = text(&mails[0].params["url"]);
        assert!(url.starts_with(&format!("{}/verify?token=", app.base)), "{url}");
        // Not before the address is confirmed, and without saying why.
        log_in(&stranger, "grace@example.org", PASSWORD).await.expect(401);
        let listed = admin.get("/api/v1/users?is_verified=false").await.expect(200).json();
        assert_eq!((&listed["total"], &listed["items"][0]["roles"]), (&json!(1), &json!(["user"])));
        assert_eq!(listed["items"][0]["email"], "Grace@Example.org");

        verify(&stranger, &mails[0].token()).await.expect(204);
        assert_eq!(verify(&stranger, &mails[0].token()).await.expect(410).error(), "identity.link-refused");
        let pair = log_in(&stranger, "grace@example.org", PASSWORD).await.expect(200).json();
        let me = bearer(app, &pair["access_token"]).get("/api/v1/auth/me").await.expect(200).json();
        assert_eq!((&me["is_verified"], &me["first_name"]), (&json!(true), &json!("Grace")));
        assert_eq!((&me["locale"], &me["roles"]), (&json!("fr"), &json!(["user"])));
        for action in ["identity.registered", "identity.email-verified"] {
            let found = admin.get(&format!("/api/v1/audit?action={action}")).await.expect(200).json();
            assert_eq!(found["items"].as_array().unwrap().len(), 1, "{action}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_is_closed_unless_an_administrator_opens_it() {
    open_to_all(patient, async |app, admin| {
        set(admin, "identity.registration", json!("closed")).await;
        let stranger = app.stranger();
        let options = stranger.get("/api/v1/auth/options").await.expect(200).json();
        assert_eq!(options["registration"], "closed");
        let refused = register(&stranger, "grace@example.org", PASSWORD).await.expect(403);
        assert_eq!(refused.error(), "identity.registration-closed");
        set(admin, "identity.registration", json!("open")).await;
        // The role that they get: one that exists and does not hold everything.
        for (role, given) in [("student", "student"), ("admin", "user"), ("nobody", "user")] {
            set(admin, "identity.registration_role", json!(role)).await;
            let email = format!("new.{role}@example.org");
            register(&stranger, &email, PASSWORD).await.expect(202);
            assert_eq!(app.mails_to(&email).await.len(), 1);
            let path = format!("/api/v1/users?search={email}");
            let listed = admin.get(&path).await.expect(200).json();
            assert_eq!(listed["items"][0]["roles"], json!([given]), "{listed}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_works_for_a_day_and_comes_again() {
    open_to_all(patient, async |app, _| {
        let stranger = app.stranger();
        register(&stranger, "grace@example.org", PASSWORD).await.expect(202);
        let first = app.mails_to("grace@example.org").await[0].token();
        app.clock.advance(Duration::from_secs(86_400));
        verify(&stranger, &first).await.expect(410);
        let resend = async |email: &str| {
            stranger.post("/api/v1/auth/verify/resend", json!({ "email": email })).await.expect(202).json()
        };
        let known = resend("grace@example.org").await;
        assert_eq!(known, resend("nobody@example.org").await);
        let mails = app.mails_to("grace@example.org").await;
        assert_eq!((mails.len(), mails[1].template.as_str()), (2, "verify"));
        assert!(app.mails_to("nobody@example.org").await.is_empty());
        verify(&stranger, &mails[1].token()).await.expect(204);
        log_in(&stranger, "grace@example.org", PASSWORD).await.expect(200);
        // Nothing is left to confirm.
        resend("grace@example.org").await;
        assert_eq!(app.mails_to("grace@example.org").await.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn weak_passwords_and_odd_bodies_are_told_and_cost_no_attempt() {
    open_to_all(
        |_| (),
        async |app, _| {
            let stranger = app.stranger();
            for (email, password, pointer) in [
                ("grace@example.org", "short", "/password"),
                ("grace@example.org", "password", "/password"),
                ("grace@example.org", "grace@example.org", "/password"),
                ("no address", PASSWORD, "/email"),
                ("grace@example.org", &"x".repeat(129), "/password"),
            ] {
                let refused = register(&stranger, email, password).await.expect(422).json();
                assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
            }
            let mut body = registration("grace@example.org", PASSWORD);
            body["first_name"] = json!("Grace\r\nBcc: all@example.org");
            stranger.post("/api/v1/auth/register", body).await.expect(422);
            // Five an hour for an account, and for an address; then one comes back each twelve minutes.
            for _ in 0..5 {
                register(&stranger, "grace@example.org", PASSWORD).await.expect(202);
            }
            let refused = register(&stranger, "grace@example.org", PASSWORD).await.expect(429);
            assert_eq!(
                (refused.error().as_str(), refused.header("retry-after")),
                ("identity.too-many-attempts", "720")
            );
            register(&stranger, "other@example.org", PASSWORD).await.expect(429);
            app.clock.advance(Duration::from_secs(720));
            register(&stranger, "other@example.org", PASSWORD).await.expect(202);
            // Each thing has buckets of its own.
            stranger.post("/api/v1/auth/forgot", json!({"email": "grace@example.org"})).await.expect(202);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_an_account_is_told_so_by_mail_alone() {
    open_to_all(patient, async |app, admin| {
        let id = create(admin, "grace@example.org", "user").await;
        let stranger = app.stranger();
        register(&stranger, "grace@example.org", "another fine phrase").await.expect(202);
        let mails = app.mails_to("grace@example.org").await;
        assert_eq!((mails.len(), mails[0].template.as_str()), (1, "already-registered"));
        assert_eq!(mails[0].params["sign_in_url"], format!("{}/login", app.base));
        log_in(&stranger, "grace@example.org", "another fine phrase").await.expect(401);
        log_in(&stranger, "grace@example.org", PASSWORD).await.expect(200);
        // Who was disabled is not written to.
        admin.patch(&format!("/api/v1/users/{id}"), json!({"is_active": false})).await.expect(200);
        let before = app.mails_to("grace@example.org").await.len();
        register(&stranger, "grace@example.org", PASSWORD).await.expect(202);
        stranger.post("/api/v1/auth/forgot", json!({"email": "grace@example.org"})).await.expect(202);
        assert_eq!(app.mails_to("grace@example.org").await.len(), before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_reset_by_mail() {
    open_to_all(patient, async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let stranger = app.stranger();
        let pair = log_in(&stranger, "grace@example.org", PASSWORD).await.expect(200).json();
        let forgot = async |email: &str| {
            stranger.post("/api/v1/auth/forgot", json!({ "email": email })).await.expect(202).json()
        };
        assert_eq!(forgot("GRACE@example.org").await, forgot("nobody@example.org").await);
        forgot("grace@example.org").await;
        let mails = app.mails_to("grace@example.org").await;
        assert_eq!(mails.iter().map(|mail| mail.template.as_str()).collect::<Vec<_>>(), ["reset", "reset"]);
        let reset = async |token: &str, password: &str| {
            stranger.post("/api/v1/auth/reset", json!({"token": token, "new_password": password})).await
        };
        // The first mail may come last: both work, until one is used.
        reset(&mails[0].token(), "another fine phrase").await.expect(204);
        reset(&mails[0].token(), "another fine phrase").await.expect(410);
        reset(&mails[1].token(), "another fine phrase").await.expect(410);
        bearer(app, &pair["access_token"]).get("/api/v1/auth/me").await.expect(401);
        let pair = log_in(&stranger, "grace@example.org", "another fine phrase").await.expect(200).json();
        // Whoever reads the mail of the address has it.
        let me = bearer(app, &pair["access_token"]).get("/api/v1/auth/me").await.expect(200).json();
        assert_eq!(me["is_verified"], true);
        assert_eq!(app.mails_to("grace@example.org").await[2].template, "password-changed");
        forgot("grace@example.org").await;
        let late = app.mails_to("grace@example.org").await[3].token();
        app.clock.advance(Duration::from_secs(3_600));
        reset(&late, "yet another phrase").await.expect(410);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_arrive_with_links_that_work() {
    let Some(sink) = Program::start("smtp-sink.py", |_| Vec::new()) else { return };
    let url = format!("smtp://127.0.0.1:{}?tls=none", sink.port);
    let change = |config: &mut TestConfig| {
        config.mail.url = kernel::Secret::new(url.clone());
        config.mail.rate_per_minute = 100_000;
    };
    let cell = std::cell::Cell::new(0);
    open_to_all(change, async |app, _| {
        let stranger = app.stranger();
        let mut body = registration("zoe@exämple.org", PASSWORD);
        body["locale"] = json!("fr");
        stranger.post("/api/v1/auth/register", body).await.expect(202);
        cell.set(cell.get() + 1);
        let mail = sink.seen(cell.get()).await.pop().unwrap();
        assert_eq!(mail["rcpt"], json!(["zoe@xn--exmple-cua.org"]));
        assert_eq!(mail["subject"], "Confirmez votre adresse pour Socle");
        assert_eq!((&mail["parts"], &mail["defects"]), (&json!(["text/plain", "text/html"]), &json!([])));
        let (plain, html) = (text(&mail["text"]), text(&mail["html"]));
        let link = plain
            .split_whitespace()
            .find(|word| word.starts_with("http") && word.contains("token="))
            .unwrap();
        assert!(html.contains(link.split("token=").nth(1).unwrap()) && !plain.contains("Grace"), "{html}");
        verify(&stranger, link.split("token=").nth(1).unwrap()).await.expect(204);
        log_in(&stranger, "zoe@exämple.org", PASSWORD).await.expect(200);
    })
    .await;
    assert_eq!(sink.lines().len(), cell.get());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_mail_server_the_answers_are_the_same() {
    open_to_all(
        |config| config.mail = notifications::MailConfig::default(),
        async |app, admin| {
            let stranger = app.stranger();
            let options = stranger.get("/api/v1/auth/options").await.expect(200).json();
            assert_eq!(options["password_reset"], false);
            stranger.post("/api/v1/auth/forgot", json!({"email": "admin@example.org"})).await.expect(202);
            register(&stranger, "grace@example.org", PASSWORD).await.expect(202);
            app.mails().await;
            // An administrator helps: the address is vouched for, and a link sets the password.
            let listed = admin.get("/api/v1/users?search=grace").await.expect(200).json();
            let path = format!("/api/v1/users/{}", text(&listed["items"][0]["id"]));
            admin.patch(&path, json!({"is_verified": true})).await.expect(200);
            log_in(&stranger, "grace@example.org", PASSWORD).await.expect(401);
            admin.post(&format!("{path}/reset-password"), json!({"send": true})).await.expect(409);
            let link = admin.post(&format!("{path}/reset-password"), json!({})).await.expect(200).json();
            let token = text(&link["password_link"]).split("token=").nth(1).unwrap().to_owned();
            let body = json!({"token": token, "new_password": PASSWORD});
            stranger.post("/api/v1/auth/reset", body).await.expect(204);
            log_in(&stranger, "grace@example.org", PASSWORD).await.expect(200);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_from_somewhere_new_is_told() {
    open_to_all(patient, async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let with = |device: &str| {
            let http = reqwest::Client::builder().user_agent(device.to_owned()).build().unwrap();
            Client { http, ..app.stranger() }
        };
        let count = async || {
            let mails = app.mails_to("grace@example.org").await;
            mails.iter().filter(|mail| mail.template == "new-sign-in").count()
        };
        // Not of the first one, nor of another device at a known address.
        for device in ["Firefox at home", "curl"] {
            log_in(&with(device), "grace@example.org", PASSWORD).await.expect(200);
        }
        assert_eq!(count().await, 0);
        // After a month neither is known any more.
        app.clock.advance(Duration::from_secs(31 * 86_400));
        log_in(&with("Chromium <abroad>"), "grace@example.org", PASSWORD).await.expect(200);
        assert_eq!(count().await, 1);
        let told = app.mails_to("grace@example.org").await.pop().unwrap();
        assert_eq!(told.params["device"], "Chromium <abroad>");
        log_in(&with("Chromium <abroad>"), "grace@example.org", PASSWORD).await.expect(200);
        assert_eq!(count().await, 1);
    })
    .await;
}
