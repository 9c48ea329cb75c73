//! Webhooks as a real receiver takes them, and as the `standardwebhooks` library verifies them.

use std::time::Duration;

use kernel::{Clock as _, SystemClock};
use serde_json::{Value, json};
use testkit::{App, TestConfig, eventually};

use crate::helpers::{HAPPENED, Program, Somebody, on_each_engine_with, publish, somebody};

fn receiver() -> Option<Program> {
    Program::start("webhook-receiver.py", |folder| vec![folder.join("secret").display().to_string()])
}

/// The receiver is on this machine, which webhooks may not call unless somebody allows it.
fn config() -> TestConfig {
    let mut config = TestConfig::default();
    config.notifications.webhook_plain_http = true;
    config.notifications.webhook_poll_ms = 20;
    config.notifications.webhook_timeout_ms = 3_000;
    config.outbound.private_allowed = vec!["127.0.0.0/8".to_owned()];
    config.outbound.breaker_failures = 20;
    config
}

/// Receivers refuse messages that are minutes old: here the test's clock must agree with the world's.
fn set_clock(app: &App) {
    let ahead = SystemClock.now().duration_since(kernel::Clock::now(&*app.clock));
    app.clock.advance(Duration::try_from(ahead).expect("the test's clock starts in the past"));
}

struct Hook {
    path: String,
    secret: String,
}

async fn hook(admin: &Somebody, receiver: &Program, path: &str, topics: Value) -> Hook {
    let url = format!("http://127.0.0.1:{}{path}", receiver.port);
    let body = json!({ "url": url, "topics": topics, "description": "a test" });
    let made = admin.client.post("/api/v1/webhooks", body).await.expect(201);
    assert_eq!(made.header("cache-control"), "no-store");
    let made = made.json();
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"), "{secret}");
    Hook { path: format!("/api/v1/webhooks/{}", made["id"].as_str().unwrap()), secret }
}

fn set_secrets(receiver: &Program, secrets: &[&str]) {
    std::fs::write(receiver.folder.path().join("secret"), secrets.join("\n")).unwrap();
}

/// The newest delivery, once it is as asked.
async fn delivery(admin: &Somebody, hook: &Hook, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    eventually(what, async || {
        let list = admin.client.get(&format!("{}/deliveries", hook.path)).await.expect(200).json();
        list["items"].as_array().unwrap().first().filter(|first| fits(first)).cloned()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_signed_so_that_another_languages_library_takes_them() {
    let Some(receiver) = receiver() else { return };
    on_each_engine_with(config, async |app| {
        set_clock(app);
        let ada = somebody(app.admin().await).await;
        publish(app, ada.workspace, json!({ "n": "before it listened" })).await;
        let hook = hook(&ada, &receiver, "/ok", json!(["test.*"])).await;
        set_secrets(&receiver, &[&hook.secret]);
        let before = receiver.lines().len();
        publish(app, ada.workspace, json!({ "n": 1, "name": "Zoë\n\u{1f600}" })).await;
        let got = receiver.seen(before + 1).await.split_off(before);
        assert_eq!(got[0]["verified"][&hook.secret], true, "{}", got[0]);
        assert_eq!(got[0]["body"]["type"], HAPPENED);
        assert_eq!(got[0]["body"]["data"], json!({ "n": 1, "name": "Zoë\n\u{1f600}" }));
        assert!(got[0]["body"]["timestamp"].as_str().unwrap().ends_with('Z'));
        assert_eq!(got[0]["headers"]["content-type"], "application/json");
        let done = delivery(&ada, &hook, "it is delivered", |one| one["status"] == "delivered").await;
        assert_eq!((&done["attempts"], &done["response_status"]), (&json!(1), &json!(204)));
        assert_eq!(done["message_id"], got[0]["headers"]["webhook-id"]);
        let detail = format!("{}/deliveries/{}", hook.path, done["id"].as_str().unwrap());
        let detail = ada.client.get(&detail).await.expect(200).json();
        let payload: Value = serde_json::from_str(detail["payload"].as_str().unwrap()).unwrap();
        assert_eq!(payload, got[0]["body"]);
        assert!(ada.client.get(&hook.path).await.expect(200).json()["last_delivery_at"].is_string());

        // A new secret: both sign for a while.
        let rotated =
            ada.client.post(&format!("{}/rotate_secret", hook.path), json!({})).await.expect(200).json();
        let fresh = rotated["secret"].as_str().unwrap().to_owned();
        set_secrets(&receiver, &[&hook.secret, &fresh]);
        publish(app, ada.workspace, json!({ "n": 2 })).await;
        let got = receiver.seen(before + 2).await.split_off(before);
        assert_eq!(got[1]["verified"], json!({ &hook.secret: true, &fresh: true }), "{}", got[1]);
        // Over by then; the receiver would refuse so young a message for its age alone, so only the count is looked at.
        app.clock.advance(Duration::from_secs(25 * 3_600));
        publish(app, ada.workspace, json!({ "n": 3 })).await;
        let got = receiver.seen(before + 3).await.split_off(before);
        let signatures = got[2]["headers"]["webhook-signature"].as_str().unwrap();
        assert_eq!(signatures.split(' ').count(), 1, "{signatures}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_tried_again_under_the_same_id() {
    let Some(receiver) = receiver() else { return };
    on_each_engine_with(config, async |app| {
        let ada = somebody(app.admin().await).await;
        let hook = hook(&ada, &receiver, "/flaky", json!([HAPPENED])).await;
        let before = receiver.lines().len();
        publish(app, ada.workspace, json!({})).await;
        let waiting = delivery(&ada, &hook, "another attempt waits", |one| one["attempts"] == 1).await;
        assert_eq!((&waiting["status"], &waiting["response_status"]), (&json!("pending"), &json!(500)));
        assert!(waiting["next_at"].is_string() && waiting["error"].is_string());
        assert!(ada.client.get(&hook.path).await.json()["failing_since"].is_string());
        app.clock.advance(Duration::from_secs(6));
        let done = delivery(&ada, &hook, "the second attempt", |one| one["status"] == "delivered").await;
        assert_eq!(done["attempts"], 2);
        let got = receiver.seen(before + 2).await.split_off(before);
        assert_eq!(got[0]["headers"]["webhook-id"], got[1]["headers"]["webhook-id"]);
        assert_eq!(ada.client.get(&hook.path).await.json()["failing_since"], Value::Null);
        let detail = format!("{}/deliveries/{}", hook.path, done["id"].as_str().unwrap());
        assert_eq!(ada.client.get(&detail).await.json()["response_body"], "thanks");

        // By hand, once more: a delivery of its own, the same message.
        ada.client.post(&format!("{detail}/redeliver"), json!({})).await.expect(202);
        let again = delivery(&ada, &hook, "it is delivered again", |one| {
            one["id"] != done["id"] && one["status"] == "delivered"
        })
        .await;
        assert_eq!(again["message_id"], done["message_id"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_gone_or_lost_is_switched_off() {
    let Some(receiver) = receiver() else { return };
    on_each_engine_with(config, async |app| {
        let ada = somebody(app.admin().await).await;
        let told = async |title: &str| {
            eventually("the administrator is told", async || {
                let list = ada.client.get("/api/v1/notifications").await.json();
                let title = format!("The webhook to {title} was switched off");
                list["items"].as_array()?.iter().find(|item| item["title"] == title.as_str()).cloned()
            })
            .await
        };
        let gone = hook(&ada, &receiver, "/gone", json!(["*"])).await;
        publish(app, ada.workspace, json!({})).await;
        let failed = delivery(&ada, &gone, "it fails", |one| one["status"] == "failed").await;
        assert_eq!((&failed["response_status"], &failed["next_at"]), (&json!(410), &Value::Null));
        let state = ada.client.get(&gone.path).await.expect(200).json();
        assert_eq!((&state["is_enabled"], state["disabled_why"].is_string()), (&json!(false), true));
        assert_eq!(told("127.0.0.1").await["level"], "error");
        let redeliver = format!("{}/deliveries/{}/redeliver", gone.path, failed["id"].as_str().unwrap());
        assert_eq!(
            ada.client.post(&redeliver, json!({})).await.expect(409).error(),
            "notifications.webhook-disabled"
        );
        ada.client.delete(&gone.path).await.expect(204);
        ada.client.get(&gone.path).await.expect(404);

        let lost = hook(&ada, &receiver, "/fail", json!(["*"])).await;
        publish(app, ada.workspace, json!({})).await;
        delivery(&ada, &lost, "the first failure", |one| one["attempts"] == 1).await;
        let state = eventually("five days later", async || {
            app.clock.advance(Duration::from_secs(12 * 3_600));
            let admin = app.admin().await;
            let state = admin.get(&lost.path).await.expect(200).json();
            (state["is_enabled"] == false).then_some(state)
        })
        .await;
        assert!(state["disabled_why"].as_str().unwrap().contains("5 days"), "{state}");
        // Switched on again, it has a fresh start.
        let admin = app.admin().await;
        let state = admin.patch(&lost.path, json!({ "is_enabled": true })).await.expect(200).json();
        assert_eq!((&state["failing_since"], &state["disabled_why"]), (&Value::Null, &Value::Null));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_large_busy_and_redirecting_receivers() {
    let Some(receiver) = receiver() else { return };
    let quick = || {
        let mut config = config();
        config.notifications.webhook_timeout_ms = 300;
        config
    };
    on_each_engine_with(quick, async |app| {
        let ada = somebody(app.admin().await).await;
        let check = async |path: &str, response: Value, status: &str| {
            let hook = hook(&ada, &receiver, path, json!(["*"])).await;
            publish(app, ada.workspace, json!({})).await;
            let one = delivery(&ada, &hook, path, |one| one["attempts"] == 1).await;
            assert_eq!((&one["response_status"], &one["status"]), (&response, &json!(status)), "{one}");
            ada.client.delete(&hook.path).await.expect(204);
            one
        };
        check("/slow", Value::Null, "pending").await;
        check("/large", json!(200), "delivered").await;
        check("/moved", json!(302), "pending").await;
        let busy = check("/busy", json!(429), "pending").await;
        let next: kernel::Timestamp = busy["next_at"].as_str().unwrap().parse().unwrap();
        let wait_s = next.duration_since(kernel::Clock::now(&*app.clock)).as_secs();
        assert!((7_190..=7_200).contains(&wait_s), "as the receiver asked: {wait_s}");
        let busy = check("/busy-until", json!(429), "pending").await;
        let next: kernel::Timestamp = busy["next_at"].as_str().unwrap().parse().unwrap();
        let wait_s = next.duration_since(kernel::Clock::now(&*app.clock)).as_secs();
        // Seconds by our own plan; how much of the two hours is left depends on when the answer is read.
        assert!((3_600..=7_200).contains(&wait_s), "until the date that the receiver named: {wait_s}");
    })
    .await;
    assert!(receiver.lines().iter().all(|line| line["followed"].is_null()), "redirects are not followed");
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_topics_and_rooms_are_kept_apart() {
    let Some(receiver) = receiver() else { return };
    on_each_engine_with(config, async |app| {
        let ada = somebody(app.admin().await).await;
        let bob = somebody(app.admin_elsewhere().await).await;
        let all = hook(&ada, &receiver, "/ok?all", json!(["*"])).await;
        let other = hook(&ada, &receiver, "/ok?other", json!(["jobs.task_changed"])).await;
        let foreign = hook(&bob, &receiver, "/ok?foreign", json!(["*"])).await;
        // To one person's room: nobody else's business, and no webhook's.
        let to = platform::Recipients::User(ada.id);
        let told = platform::Notify::new(to, crate::helpers::QUIET).param("what", "x");
        crate::helpers::notify(app, ada.workspace, told).await;
        publish(app, ada.workspace, json!({ "mine": true })).await;
        delivery(&ada, &all, "it is delivered", |one| one["status"] == "delivered").await;
        publish(app, bob.workspace, json!({ "theirs": true })).await;
        delivery(&bob, &foreign, "theirs is delivered", |one| one["status"] == "delivered").await;
        let topics = async |person: &Somebody, hook: &Hook| {
            let list = person.client.get(&format!("{}/deliveries", hook.path)).await.expect(200).json();
            let items = list["items"].as_array().unwrap();
            items.iter().map(|item| item["topic"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        // Neither the task that told her, nor those that delivered, nor what her own room heard.
        assert_eq!(topics(&ada, &all).await, [HAPPENED]);
        assert_eq!(topics(&ada, &other).await, [""; 0]);
        assert_eq!(topics(&bob, &foreign).await, [HAPPENED]);
        bob.client.get(&all.path).await.expect(404);
        bob.client.patch(&all.path, json!({ "is_enabled": false })).await.expect(404);
        bob.client.delete(&all.path).await.expect(404);
        bob.client.post(&format!("{}/test", all.path), json!({})).await.expect(404);
        bob.client.post(&format!("{}/rotate_secret", all.path), json!({})).await.expect(404);
        bob.client.get(&format!("{}/deliveries", all.path)).await.expect(404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_validated_tested_and_audited() {
    let Some(receiver) = receiver() else { return };
    on_each_engine_with(config, async |app| {
        set_clock(app);
        let ada = somebody(app.admin().await).await;
        let topics = ada.client.get("/api/v1/topics").await.expect(200).json();
        let names: Vec<_> =
            topics["items"].as_array().unwrap().iter().map(|topic| topic["name"].as_str().unwrap()).collect();
        assert!(names.contains(&HAPPENED) && names.contains(&"jobs.task_changed"), "{names:?}");
        assert!(
            !names.contains(&"test.frame") && names.iter().all(|name| !name.starts_with("notifications."))
        );
        let check = async |url: &str, topics: Value, pointer: &str| {
            let body = json!({ "url": url, "topics": topics });
            let answer = ada.client.post("/api/v1/webhooks", body).await.expect(422).json();
            assert_eq!(answer["errors"][0]["pointer"], pointer, "{answer}");
        };
        check("example.org/hook", json!(["*"]), "/url").await;
        check("ftp://example.org/", json!(["*"]), "/url").await;
        check("https://u:p@example.org/", json!(["*"]), "/url").await;
        check("https://10.1.2.3/hook", json!(["*"]), "/url").await;
        check("http://169.254.169.254/latest/meta-data", json!(["*"]), "/url").await;
        check("https://example.org/", json!([]), "/topics").await;
        check("https://example.org/", json!(["test.nothing"]), "/topics").await;
        check("https://example.org/", json!(["te*"]), "/topics").await;
        check("https://example.org/", json!("*"), "/topics").await;

        let hook = hook(&ada, &receiver, "/ok", json!(["*"])).await;
        set_secrets(&receiver, &[&hook.secret]);
        assert!(!ada.client.get(&hook.path).await.expect(200).text().contains("whsec_"), "told once only");
        let list = ada.client.get("/api/v1/webhooks").await.expect(200);
        assert!(!list.text().contains("whsec_"));
        assert_eq!(list.json()["items"].as_array().unwrap().len(), 1);
        ada.client.patch(&hook.path, json!({ "is_enabled": false, "description": "off" })).await.expect(200);
        let before = receiver.lines().len();
        // Also to one that is switched off: to try it before it is switched on.
        ada.client.post(&format!("{}/test", hook.path), json!({})).await.expect(202);
        let got = receiver.seen(before + 1).await.split_off(before);
        assert_eq!(got[0]["body"]["type"], "notifications.webhook_test");
        assert_eq!(got[0]["verified"][&hook.secret], true, "{}", got[0]);
        publish(app, ada.workspace, json!({ "while": "off" })).await;
        ada.client.patch(&hook.path, json!({ "is_enabled": true })).await.expect(200);
        publish(app, ada.workspace, json!({ "while": "on" })).await;
        let got = receiver.seen(before + 2).await.split_off(before);
        assert_eq!(
            got[1]["body"]["data"],
            json!({ "while": "on" }),
            "what happened while it was off is not made up for"
        );
        ada.client.delete(&hook.path).await.expect(204);
        let audit = ada.client.get("/api/v1/audit?limit=100").await.expect(200);
        for action in ["webhook-created", "webhook-changed", "webhook-deleted"] {
            assert!(audit.text().contains(action), "{action}");
        }
        assert!(!audit.text().contains("whsec_"));
    })
    .await;
}
