//! MLflow's webhooks: made, told and tested by its calls.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, routing::post as answering};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, StatusCode};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{App, Client, Modules, TestConfig, engines, eventually};

use crate::{get, path, post, refused, text, with_admin};

type Heard = Arc<Mutex<Vec<(HeaderMap, Value, Vec<u8>)>>>;

/// Refuses the first message, and takes all others.
async fn receiver() -> (String, Heard) {
    async fn hear(State(heard): State<Heard>, headers: HeaderMap, body: Bytes) -> StatusCode {
        let value = serde_json::from_slice(&body).unwrap();
        let mut heard = heard.lock().unwrap();
        heard.push((headers, value, body.to_vec()));
        if heard.len() == 1 { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }
    }
    let heard = Heard::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = Router::new().route("/hook", answering(hear)).with_state(heard.clone());
    #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, heard)
}

fn modules() -> Modules {
    Modules {
        manifests: &[&ml::MANIFEST],
        build: |platform| {
            let config = ml::Config { webhook_plain_http: true, ..ml::Config::default() };
            vec![ml::build(platform, config).expect("the settings are sound")]
        },
        aliases: &[],
    }
}

async fn with_receiver(test: impl AsyncFn(&App, &Client, &str, &Heard)) {
    for engine in engines() {
        let mut config = TestConfig::default();
        config.outbound.private_allowed = vec!["127.0.0.0/8".to_owned()];
        let app = App::start_with(&engine, modules(), config).await;
        let admin = app.admin().await;
        let (url, heard) = receiver().await;
        test(&app, &admin, &url, &heard).await;
        app.stop().await;
    }
}

fn event(entity: &str, action: &str) -> Value {
    json!({ "entity": entity, "action": action })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_in_the_registry_is_told_and_signed() {
    with_receiver(async |app, admin, url, heard| {
        let events = json!([
            event("REGISTERED_MODEL", "CREATED"),
            event("MODEL_VERSION_ALIAS", "CREATED"),
            event("PROMPT", "CREATED")
        ]);
        let body =
            json!({ "name": "hook", "url": url, "events": events, "secret": "hush", "description": "d" });
        let made = post(admin, "webhooks", body).await["webhook"].clone();
        assert_eq!((&made["status"], &made["events"], made.get("secret")), (&json!("ACTIVE"), &events, None));
        let deaf = json!({ "name": "deaf", "url": url, "events": events, "status": "DISABLED" });
        post(admin, "webhooks", deaf).await;
        let experiment = crate::experiment(admin, "iris").await;
        let run_id = crate::run(admin, &experiment, "one", 1).await;

        post(
            admin,
            "registered-models/create",
            json!({ "name": "m", "tags": [{ "key": "a", "value": "b" }] }),
        )
        .await;
        // The first attempt is refused, and the same message comes again.
        eventually("it comes again", async || {
            app.clock.advance(Duration::from_secs(5));
            (heard.lock().unwrap().len() == 2).then_some(())
        })
        .await;
        let (first, second) = {
            let all = heard.lock().unwrap();
            (all[0].clone(), all[1].clone())
        };
        assert_eq!(first.0["x-mlflow-delivery-id"], second.0["x-mlflow-delivery-id"]);
        assert_eq!(
            (&second.1["entity"], &second.1["action"]),
            (&json!("registered_model"), &json!("created"))
        );
        assert_eq!(second.1["data"], json!({ "name": "m", "tags": { "a": "b" }, "description": "" }));
        let header = |name: &str| second.0[name].to_str().unwrap().to_owned();
        let signed = format!("{}.{}.", header("x-mlflow-delivery-id"), header("x-mlflow-timestamp"));
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"hush").unwrap();
        mac.update(signed.as_bytes());
        mac.update(&second.2);
        let expected = format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()));
        assert_eq!(header("x-mlflow-signature"), expected);

        let version = json!({ "name": "m", "source": format!("runs:/{run_id}/model") });
        post(admin, "model-versions/create", version).await;
        post(admin, "registered-models/alias", json!({ "name": "m", "alias": "best", "version": "1" })).await;
        let prompt = json!({ "name": "p", "tags": [{ "key": "mlflow.prompt.is_prompt", "value": "true" }] });
        post(admin, "registered-models/create", prompt).await;
        eventually("what was asked for", async || (heard.lock().unwrap().len() == 4).then_some(())).await;
        let mut told: Vec<_> = heard.lock().unwrap()[2..]
            .iter()
            .map(|(_, body, _)| (text(&body["entity"]), body["data"].clone()))
            .collect();
        told.sort_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(
            told[0],
            ("model_version_alias".to_owned(), json!({ "name": "m", "alias": "best", "version": "1" }))
        );
        assert_eq!(told[1], ("prompt".to_owned(), json!({ "name": "p", "tags": {}, "description": "" })));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_made_changed_tested_and_deleted() {
    with_receiver(async |app, admin, url, heard| {
        let events = json!([event("MODEL_VERSION_TAG", "SET")]);
        let body = json!({ "name": "hook", "url": url, "events": events });
        let id = text(&post(admin, "webhooks", body.clone()).await["webhook"]["webhook_id"]);
        let place = path(&format!("webhooks/{id}"));
        let tested = post(admin, &format!("webhooks/{id}/test"), json!({})).await["result"].clone();
        assert_eq!((&tested["success"], &tested["response_status"]), (&json!(false), &json!(503)));
        let wanted = json!({ "event": event("PROMPT_ALIAS", "DELETED") });
        let tested = post(admin, &format!("webhooks/{id}/test"), wanted).await["result"].clone();
        assert_eq!((&tested["success"], &tested["response_status"]), (&json!(true), &json!(200)));
        let example = heard.lock().unwrap()[1].clone();
        assert_eq!(example.1["data"], json!({ "name": "example_prompt", "alias": "example_alias" }));
        assert!(!example.0.contains_key("x-mlflow-signature"), "there is no secret");

        let change = json!({ "name": "other", "description": "d", "status": "DISABLED" });
        let after =
            admin.send(Method::PATCH, &place, Some(change)).await.expect(200).json()["webhook"].clone();
        assert_eq!(
            (&after["name"], &after["description"], &after["status"]),
            (&json!("other"), &json!("d"), &json!("DISABLED"))
        );
        assert_eq!((&after["events"], &after["url"]), (&events, &json!(url)));
        for name in ["b", "c", "d"] {
            let mut body = body.clone();
            body["name"] = json!(name);
            post(admin, "webhooks", body).await;
        }
        let (mut names, mut token) = (String::new(), String::new());
        loop {
            let page = get(admin, &format!("webhooks?max_results=3&page_token={token}")).await;
            names.extend(page["webhooks"].as_array().unwrap().iter().map(|one| text(&one["name"])));
            match page.get("next_page_token") {
                Some(next) => token = text(next),
                None => break,
            }
        }
        assert_eq!(names, "dcbother");
        let other = app.admin_elsewhere().await;
        refused(&other.get(&place).await, 404, "RESOURCE_DOES_NOT_EXIST");
        assert_eq!(get(&other, "webhooks").await, json!({}));
        admin.delete(&place).await.expect(200);
        refused(&admin.delete(&place).await, 404, "RESOURCE_DOES_NOT_EXIST");
        let told = admin.get("/api/v1/audit?action=ml.webhook-deleted").await.expect(200).json();
        assert_eq!(told["items"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_webhook_is_refused() {
    with_admin(async |app, admin| {
        let body = json!({ "name": "hook", "url": "https://example.org/hook", "events": [event("PROMPT", "CREATED")] });
        for (name, value) in [
            ("name", json!("")),
            ("name", json!("a b")),
            ("name", json!("a".repeat(64))),
            ("url", json!("")),
            ("url", json!("http://example.org/")),
            ("url", json!("ftp://example.org/")),
            ("url", json!("https://")),
            ("url", json!("https://127.0.0.1/")),
            ("url", json!("https://[::1]/")),
            ("url", json!("https://169.254.169.254/latest")),
            ("events", json!([])),
            ("events", json!("PROMPT")),
            ("events", json!([{}])),
            ("events", json!([event("PROMPT", "DELETED")])),
            ("events", json!([event("MODEL", "CREATED")])),
            ("status", json!("GONE")),
            ("secret", json!("a\u{0}b")),
        ] {
            let mut body = body.clone();
            body[name] = value;
            refused(&admin.post(&path("webhooks"), body).await, 400, "INVALID_PARAMETER_VALUE");
        }
        let id = text(&post(admin, "webhooks", body.clone()).await["webhook"]["webhook_id"]);
        let change = json!({ "url": "https://10.0.0.1/" });
        let answer = admin.send(Method::PATCH, &path(&format!("webhooks/{id}")), Some(change)).await;
        refused(&answer, 400, "INVALID_PARAMETER_VALUE");
        for wrong in ["webhooks?max_results=1001", "webhooks?max_results=-1", "webhooks?page_token=x"] {
            refused(&admin.get(&path(wrong)).await, 400, "INVALID_PARAMETER_VALUE");
        }
        let operator = app.member("operator").await;
        refused(&operator.post(&path("webhooks"), body).await, 403, "PERMISSION_DENIED");
    })
    .await;
}
