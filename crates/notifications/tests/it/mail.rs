//! Mails as a real server takes them, and as Python's own parser reads them.

use std::time::Duration;

use kernel::{Locale, Secret};
use notifications::MailConfig;
use platform::{Level, Mail, Notify, Recipients};
use serde_json::{Map, Value, json};
use testkit::{App, Client, TestConfig, eventually};

use crate::helpers::{LOUD, Program, Somebody, ctx, notify, on_each_engine_with, prefer, somebody};

fn config(url: String) -> TestConfig {
    let mail = MailConfig {
        url: Secret::new(url),
        from: "Socle at work <socle@exämple.org>".to_owned(),
        reply_to: "help@example.org".to_owned(),
        rate_per_minute: 100_000,
        timeout_ms: 2_000,
        ..MailConfig::default()
    };
    TestConfig { mail, ..TestConfig::default() }
}

fn plain(sink: &Program) -> TestConfig {
    config(format!("smtp://127.0.0.1:{}?tls=none", sink.port))
}

fn sink(arguments: &[&str]) -> Option<Program> {
    let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
    Program::start("smtp-sink.py", move |_| arguments.clone())
}

fn seen(user: &Somebody) -> Notify {
    Notify::new(Recipients::User(user.id), LOUD)
        .param("what", "Zoë & co <script>")
        .link("/surveillance/events/1")
}

async fn task(app: &App, client: &Client, path: &str, state: &str) -> Value {
    eventually(state, async || {
        // A failed attempt waits before the next.
        app.clock.advance(Duration::from_secs(2));
        let task = client.get(path).await.expect(200).json();
        assert!(state == "failed" || task["state"] != "failed", "{task}");
        (task["state"] == state).then_some(task)
    })
    .await
}

async fn send(app: &App, user: &Somebody, mail: Mail) -> String {
    let mut tx = app.platform.db.begin().await.unwrap();
    let task = app.platform.jobs.enqueue(&mut tx, &ctx(app, user.workspace), mail).await.unwrap();
    tx.commit().await.unwrap();
    format!("/api/v1/tasks/{task}")
}

fn test_mail(to: &str) -> Mail {
    Mail { to: to.to_owned(), template: "test".to_owned(), params: Map::new(), locale: Locale::French }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_arrives_whole_in_the_readers_language() {
    let Some(sink) = sink(&[]) else { return };
    let mut count = 0;
    on_each_engine_with(
        || plain(&sink),
        async |app| {
            let ada = somebody(app.admin().await).await;
            ada.client.patch("/api/v1/auth/me", json!({ "locale": "fr" })).await.expect(200);
            notify(app, ada.workspace, seen(&ada)).await;
            count += 1;
            let mail = sink.seen(count).await.pop().unwrap();
            assert_eq!(mail["subject"], "Zoë & co <script> aperçu à l'entrée");
            assert_eq!(mail["from"], "Socle at work <socle@xn--exmple-cua.org>");
            assert_eq!(mail["rcpt"], json!([ada.email]));
            assert_eq!(mail["kind"], "multipart/alternative");
            assert_eq!(mail["parts"], json!(["text/plain", "text/html"]));
            assert_eq!(mail["defects"], json!([]));
            let (text, html) = (mail["text"].as_str().unwrap(), mail["html"].as_str().unwrap());
            assert!(text.contains("Regardez Zoë & co <script>."), "{text}");
            assert!(text.contains(&format!("{}/surveillance/events/1", app.base)), "{text}");
            assert!(
                html.contains("Regardez Zoë &amp; co &lt;script&gt;.") && !html.contains("<script>"),
                "{html}"
            );
            let header = |name: &str| mail["headers"][name].as_str().unwrap_or_default().to_owned();
            assert!(header("message-id").ends_with("@xn--exmple-cua.org>"), "{}", header("message-id"));
            assert_eq!(header("reply-to"), "help@example.org");
            assert_eq!(header("auto-submitted"), "auto-generated");
            assert!(
                header("date").ends_with("GMT") || header("date").ends_with("+0000"),
                "{}",
                header("date")
            );
            assert_eq!(header("list-unsubscribe-post"), "List-Unsubscribe=One-Click");

            // The link shows a page, and does nothing by itself.
            let url = header("list-unsubscribe").trim_matches(['<', '>']).to_owned();
            let path = url.strip_prefix(&app.base).unwrap().to_owned();
            let page = app.stranger().get(&path).await.expect(200);
            assert!(
                page.header("content-type").starts_with("text/html") && page.text().contains("<form"),
                "{}",
                page.text()
            );
            let preferences = "/api/v1/notifications/preferences";
            let by_mail = async || {
                let topics = ada.client.get(preferences).await.expect(200).json()["topics"].clone();
                topics.as_array().unwrap().iter().filter(|topic| topic["email"] == true).count()
            };
            let before = by_mail().await;
            // As mail programs press it: no cookie, no token, a form (RFC 8058).
            let stranger = app.stranger();
            let request = stranger
                .request(reqwest::Method::POST, &path)
                .header("content-type", "application/x-www-form-urlencoded")
                .body("List-Unsubscribe=One-Click");
            stranger.finish(&path, request).await.expect(200);
            assert_eq!(by_mail().await, before - 1);
            assert_eq!(notify(app, ada.workspace, seen(&ada)).await["email"], 0);
            // A link that was changed leads nowhere.
            let wrong = path.replace("unsubscribe/", "unsubscribe/x");
            app.stranger().get(&wrong).await.expect(404);
            app.stranger().post(&wrong, json!({})).await.expect(404);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deferred_mail_is_sent_again_and_a_refused_one_is_not() {
    let (Some(deferring), Some(refusing)) = (sink(&["--defer", "2"]), sink(&["--refuse"])) else { return };
    on_each_engine_with(
        || plain(&deferring),
        async |app| {
            let ada = somebody(app.admin().await).await;
            let before = deferring.lines().iter().filter(|line| line["subject"].is_string()).count();
            let path = send(app, &ada, test_mail("Zoë <zoe@example.org>")).await;
            let done = task(app, &ada.client, &path, "succeeded").await;
            assert_eq!(done["result"]["outcome"], "sent");
            let mails: Vec<Value> = deferring
                .lines()
                .into_iter()
                .filter(|line| line["subject"].is_string())
                .skip(before)
                .collect();
            assert_eq!(mails.len(), 1, "one, whatever came before: {mails:?}");
            assert_eq!(mails[0]["subject"], "Le courrier de Socle fonctionne : vérifié");
            assert_eq!(mails[0]["to"], "Zoë <zoe@example.org>");
            assert_eq!(mails[0]["headers"]["list-unsubscribe"], Value::Null, "nothing to unsubscribe from");
        },
    )
    .await;
    assert_eq!(deferring.lines().iter().filter(|line| line["deferred"] == true).count(), 2);

    on_each_engine_with(
        || plain(&refusing),
        async |app| {
            let ada = somebody(app.admin().await).await;
            let path = send(app, &ada, test_mail("nobody@example.org")).await;
            let failed = task(app, &ada.client, &path, "failed").await;
            assert_eq!(failed["attempt"], 1, "5xx is final: {failed}");
            assert_eq!(failed["problem"]["error"], "notifications.mail-refused");
            assert!(
                failed["problem"]["detail"].as_str().unwrap().contains("nobody of this name"),
                "{failed}"
            );
            // What could begin a header of its own, or is no address or template.
            for mail in [
                test_mail("a@example.org\r\nBcc: all@example.org"),
                test_mail("nobody"),
                Mail { template: "nothing".to_owned(), ..test_mail("a@example.org") },
            ] {
                let path = send(app, &ada, mail).await;
                let failed = task(app, &ada.client, &path, "failed").await;
                assert_eq!(failed["attempt"], 1, "{failed}");
            }
        },
    )
    .await;
    assert_eq!(refusing.lines().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_holds_nobody_for_long() {
    let Some(sink) = sink(&["--hang"]) else { return };
    on_each_engine_with(
        || {
            let mut config = plain(&sink);
            config.mail.timeout_ms = 100;
            config
        },
        async |app| {
            let ada = somebody(app.admin().await).await;
            let path = send(app, &ada, test_mail("a@example.org")).await;
            eventually("another attempt waits", async || {
                let task = ada.client.get(&path).await.expect(200).json();
                (task["state"] == "retrying").then_some(())
            })
            .await;
            ada.client.post(&format!("{path}/cancel"), json!({})).await.expect(200);
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn starttls_and_log_in() {
    let Some(sink) = Program::start("smtp-sink.py", |folder| {
        let ca = folder.join("ca.pem").display().to_string();
        ["--starttls", &ca, "--auth", "me@example.org:p/ss w@rd"].map(str::to_owned).into()
    }) else {
        return;
    };
    let with = |password: &str, ca: bool| {
        let mut config = config(format!("smtp://me%40example.org:{password}@localhost:{}", sink.port));
        if ca {
            config.mail.ca_file = sink.folder.path().join("ca.pem");
        }
        config
    };
    let mut count = 0;
    on_each_engine_with(
        || with("p%2Fss%20w%40rd", true),
        async |app| {
            let ada = somebody(app.admin().await).await;
            let accepted = ada.client.post("/api/v1/mail/test", json!({})).await.expect(202).json();
            task(app, &ada.client, accepted["status_url"].as_str().unwrap(), "succeeded").await;
            count += 1;
            let mail = sink.seen(count).await.pop().unwrap();
            assert_eq!((&mail["tls"], &mail["user"]), (&json!(true), &json!("me@example.org")));
            assert_eq!(mail["rcpt"], json!([ada.email]), "the caller's own address");
            assert_eq!(mail["subject"], "Mail from Socle works");
        },
    )
    .await;
    // A wrong password is final; a certificate that nobody vouches for is no reason to speak in clear.
    on_each_engine_with(
        || with("wrong", true),
        async |app| {
            let ada = somebody(app.admin().await).await;
            let path = send(app, &ada, test_mail("a@example.org")).await;
            let failed = task(app, &ada.client, &path, "failed").await;
            assert!(failed["problem"]["detail"].as_str().unwrap().contains("535"), "{failed}");
        },
    )
    .await;
    on_each_engine_with(
        || with("p%2Fss%20w%40rd", false),
        async |app| {
            let ada = somebody(app.admin().await).await;
            let path = send(app, &ada, test_mail("a@example.org")).await;
            eventually("it waits for better days", async || {
                let task = ada.client.get(&path).await.expect(200).json();
                (task["state"] == "retrying").then_some(())
            })
            .await;
            ada.client.post(&format!("{path}/cancel"), json!({})).await.expect(200);
        },
    )
    .await;
    assert_eq!(sink.lines().len(), count);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_mails_are_skipped_and_it_is_said() {
    on_each_engine_with(TestConfig::default, async |app| {
        let ada = somebody(app.admin().await).await;
        let state = ada.client.get("/api/v1/mail").await.expect(200).json();
        assert_eq!(state, json!({ "is_configured": false, "from": null }));
        let refused = ada.client.post("/api/v1/mail/test", json!({})).await.expect(409);
        assert_eq!(refused.error(), "notifications.mail-not-configured");
        let path = send(app, &ada, test_mail("a@example.org")).await;
        assert_eq!(task(app, &ada.client, &path, "succeeded").await["result"]["outcome"], "skipped");
        notify(app, ada.workspace, seen(&ada)).await;
        eventually("nothing waits to be mailed", async || {
            let list = ada.client.get("/api/v1/tasks?kind=notifications.send_batch").await.expect(200).json();
            (list["total"] == 1 && list["items"][0]["state"] == "succeeded").then_some(())
        })
        .await;
    })
    .await;
    let Some(sink) = sink(&[]) else { return };
    on_each_engine_with(
        || plain(&sink),
        async |app| {
            let ada = somebody(app.admin().await).await;
            let state = ada.client.get("/api/v1/mail").await.expect(200).json();
            assert_eq!(
                state,
                json!({ "is_configured": true, "from": "Socle at work <socle@xn--exmple-cua.org>" })
            );
            let wrong = json!({ "to": "a@example.org\nBcc: x@example.org" });
            ada.client.post("/api/v1/mail/test", wrong).await.expect(422);
            app.member("student").await.get("/api/v1/mail").await.expect(403);
        },
    )
    .await;
}

/// The notifications that the sink took since `before`, once the clock has moved and nothing is left in line. There is one at
/// least; what tells of an account is none.
async fn notifications_after(ada: &Somebody, sink: &Program, before: usize) -> Vec<Value> {
    eventually("what is due is sent", async || {
        let mut open = 0;
        for state in ["pending", "running", "retrying"] {
            let path = format!("/api/v1/tasks?kind=notifications.send_batch&state={state}");
            let list = ada.client.get(&path).await.expect(200).json();
            open += list["total"].as_u64().unwrap();
        }
        (open == 0).then_some(())
    })
    .await;
    // The sink has them before we read what it says.
    eventually("the sink tells of it", async || {
        let mut mails = sink.lines().split_off(before);
        mails.retain(|mail| mail["headers"]["list-unsubscribe"].is_string());
        (!mails.is_empty()).then_some(mails)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_hours_hold_mails_until_they_end() {
    let Some(sink) = sink(&[]) else { return };
    on_each_engine_with(
        || plain(&sink),
        async |app| {
            // The clock says 08:00 in London, 09:00 in Paris.
            let ada = somebody(app.admin().await).await;
            let change = json!({ "quiet_from": "22:00", "quiet_to": "09:30", "time_zone": "Europe/Paris" });
            prefer(&ada.client, change).await;
            let before = sink.lines().len();
            for what in ["one", "two"] {
                notify(app, ada.workspace, Notify::new(Recipients::User(ada.id), LOUD).param("what", what))
                    .await;
            }
            // An error does not wait.
            let error = Notify::new(Recipients::User(ada.id), LOUD).level(Level::Error).param("what", "fire");
            notify(app, ada.workspace, error).await;
            let first = sink.seen(before + 1).await.split_off(before);
            assert_eq!((first.len(), &first[0]["subject"]), (1, &json!("fire seen")), "{first:?}");
            app.clock.advance(Duration::from_secs(29 * 60));
            // The first token was for a quarter of an hour.
            let ada = Somebody { client: app.admin().await, ..ada };
            let waiting =
                ada.client.get("/api/v1/tasks?kind=notifications.send_batch&state=pending").await.json();
            assert_eq!(waiting["total"], 1, "one mail for both");
            app.clock.advance(Duration::from_secs(2 * 60));
            let held = notifications_after(&ada, &sink, before + 1).await;
            assert_eq!(held.len(), 1, "{held:?}");
            assert_eq!(held[0]["subject"], "2 notifications from Socle");
            let text = held[0]["text"].as_str().unwrap();
            assert!(
                text.contains("one seen") && text.contains("two seen") && !text.contains("fire"),
                "{text}"
            );
            // They are over: the next goes out at once.
            notify(app, ada.workspace, Notify::new(Recipients::User(ada.id), LOUD).param("what", "three"))
                .await;
            assert_eq!(sink.seen(before + 3).await[before + 2]["subject"], "three seen");
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn digests_collect_and_disabled_accounts_get_nothing() {
    let Some(sink) = sink(&[]) else { return };
    on_each_engine_with(
        || plain(&sink),
        async |app| {
            let ada = somebody(app.admin().await).await;
            let bob = somebody(app.member("user").await).await;
            prefer(&ada.client, json!({ "digest": "daily", "digest_at": "10:00" })).await;
            prefer(&bob.client, json!({ "digest": "hourly" })).await;
            let before = sink.lines().len();
            for number in 0..3 {
                let what = format!("thing {number}");
                let told = Notify::new(Recipients::Workspace, LOUD).param("what", what);
                assert_eq!(notify(app, ada.workspace, told).await["email"], 2);
            }
            ada.client
                .patch(&format!("/api/v1/users/{}", bob.id), json!({ "is_active": false }))
                .await
                .expect(200);
            // Beyond the hour, and beyond ten o'clock.
            app.clock.advance(Duration::from_secs(2 * 3_600 + 60));
            let ada = Somebody { client: app.admin().await, ..ada };
            let mails = notifications_after(&ada, &sink, before).await;
            assert_eq!(mails.len(), 1, "{mails:?}");
            assert_eq!(
                (&mails[0]["subject"], &mails[0]["rcpt"]),
                (&json!("3 notifications from Socle"), &json!([ada.email]))
            );
            let html = mails[0]["html"].as_str().unwrap();
            assert!((0..3).all(|number| html.contains(&format!("thing {number} seen"))), "{html}");
        },
    )
    .await;
}
