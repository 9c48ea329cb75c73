use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ml::{Config, Needs, ROUTES};
use reqwest::Method;
use serde_json::json;
use testkit::{App, Client, Modules, engines};

use crate::{experiment, get, log, path, post, refused, run, with_admin};

/// A path that could be right.
fn concrete(path: &str) -> String {
    path.replace("{*path}", "x")
        .replace("{*key}", "x")
        .replace("{model_id}", "m-1")
        .replace("{action}", "create")
        .replace("{upload_id}", &format!("{}-{}", "0".repeat(32), "0".repeat(16)))
        .replace("{number}", "1")
        .replace("{trace_id}", "tr-1")
        .replace("{assessment_id}", "a-1")
        .replace("{webhook_id}", "w")
        .replace("{dataset_id}", "d-1")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_asks_who_calls_and_what_they_may() {
    with_admin(async |app, admin| {
        // A role of the server's own that holds nothing of this module.
        let member = app.member("student").await;
        for route in ROUTES {
            for place in route.paths().iter().map(|path| concrete(path)) {
                let body = (route.method != Method::GET).then(|| json!({}));
                let stranger = app.stranger().send(route.method.clone(), &place, body.clone()).await;
                if route.needs == Needs::Nothing {
                    stranger.expect(200);
                    continue;
                }
                refused(&stranger, 401, "UNAUTHENTICATED");
                let below = format!("/t/default{place}");
                refused(&app.stranger().send(route.method.clone(), &below, body.clone()).await, 401, "UNAUTHENTICATED");
                let full = json!({
                    "name": "x", "new_name": "y", "experiment_id": "0", "experiment_name": "x", "run_id": "x", "key": "k",
                    "value": 1, "timestamp": 1, "metric_key": "k", "alias": "a", "version": "1", "source": "s3://x",
                    "stage": "None", "model_json": "{}", "status": 2, "models": [{ "model_id": "m" }],
                    "experiment_ids": ["0"], "run_ids": ["x"],
                });
                let query = "?name=x&experiment_id=0&experiment_name=x&run_id=x&run_ids=x&metric_key=k&alias=a&version=1";
                let (place, body) = if route.method == Method::GET {
                    (format!("{place}{query}"), None)
                } else {
                    (place, Some(full))
                };
                let answer = member.send(route.method.clone(), &place, body.clone()).await;
                if answer.status == 400 {
                    // Texts are read before the permission is asked for; nothing of the workspace is told by that.
                    refused(&answer, 400, "INVALID_PARAMETER_VALUE");
                } else {
                    let message = refused(&answer, 403, "PERMISSION_DENIED");
                    assert!(message.contains(route.needs.permission().unwrap()), "{place}: {message}");
                }
                let answer = admin.send(route.method.clone(), &place, body).await;
                assert!(answer.status < 500 || answer.status == 501, "{place}: {}", answer.text());
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_log_runs_and_operators_keep_the_registry() {
    with_admin(async |app, _| {
        let (user, operator) = (app.member("user").await, app.member("operator").await);
        let id = experiment(&user, "theirs").await;
        run(&user, &id, "one", 1).await;
        let message = refused(
            &user.send(Method::POST, &path("registered-models/create"), Some(json!({ "name": "m" }))).await,
            403,
            "PERMISSION_DENIED",
        );
        assert!(message.contains("ml.models.write"), "{message}");
        post(&operator, "registered-models/create", json!({ "name": "m" })).await;
        assert_eq!(get(&user, "registered-models/get?name=m").await["registered_model"]["name"], "m");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_know_nothing_of_one_another() {
    with_admin(async |app, admin| {
        let id = experiment(admin, "mine").await;
        let run_id = run(admin, &id, "one", 1).await;
        post(admin, "registered-models/create", json!({ "name": "m" })).await;
        let model = post(admin, "logged-models", json!({ "experiment_id": id })).await;
        let model = model["model"]["info"]["model_id"].as_str().unwrap().to_owned();
        let other = app.admin_elsewhere().await;
        for place in [
            format!("experiments/get?experiment_id={id}"),
            "experiments/get-by-name?experiment_name=mine".to_owned(),
            format!("runs/get?run_id={run_id}"),
            format!("artifacts/list?run_id={run_id}"),
            "registered-models/get?name=m".to_owned(),
            format!("logged-models/{model}"),
        ] {
            refused(&other.get(&path(&place)).await, 404, "RESOURCE_DOES_NOT_EXIST");
        }
        // A run that is not there has no points: to the others this one is not there.
        let point = json!([{ "key": "a", "value": 1, "timestamp": 1 }]);
        log(admin, &run_id, json!({ "metrics": point })).await;
        for place in [
            format!("metrics/get-history?run_id={run_id}&metric_key=a"),
            format!("metrics/get-history-bulk-interval?run_ids={run_id}&metric_key=a"),
        ] {
            assert_eq!(get(admin, &place).await["metrics"].as_array().unwrap().len(), 1, "{place}");
            assert_eq!(get(&other, &place).await, json!({}), "{place}");
        }
        for (rest, body) in [
            ("runs/update", json!({ "run_id": run_id })),
            ("runs/delete", json!({ "run_id": run_id })),
            ("runs/set-tag", json!({ "run_id": run_id, "key": "a", "value": "b" })),
            ("runs/log-batch", json!({ "run_id": run_id })),
            ("experiments/delete", json!({ "experiment_id": id })),
            ("runs/create", json!({ "experiment_id": id })),
        ] {
            refused(&other.post(&path(rest), body).await, 404, "RESOURCE_DOES_NOT_EXIST");
        }
        assert_eq!(post(&other, "runs/search", json!({ "experiment_ids": [id] })).await, json!({}));
        // The same names and numbers are free there.
        assert_eq!(experiment(&other, "mine").await, id);
        post(&other, "registered-models/create", json!({ "name": "m" })).await;
    })
    .await;
}

async fn with(client: &Client, header: (&str, &str), place: &str) -> testkit::Answer {
    let request = client.request(Method::GET, place).header(header.0, header.1);
    client.finish(place, request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_are_named_by_path_or_header() {
    with_admin(async |_, admin| {
        let made = admin.post("/api/v1/workspaces", json!({ "name": "Second" })).await.expect(201).json();
        let (slug, id) = (made["slug"].as_str().unwrap(), made["id"].as_str().unwrap());
        let place = "/api/2.0/mlflow/experiments/create";
        admin.post(&format!("/t/{slug}{place}"), json!({ "name": "there" })).await.expect(200);
        let by_name = path("experiments/get-by-name?experiment_name=there");
        refused(&admin.get(&by_name).await, 404, "RESOURCE_DOES_NOT_EXIST");
        admin.get(&format!("/t/{id}{by_name}")).await.expect(200);
        with(admin, ("x-mlflow-workspace", slug), &by_name).await.expect(200);
        refused(
            &with(admin, ("x-mlflow-workspace", "default"), &by_name).await,
            404,
            "RESOURCE_DOES_NOT_EXIST",
        );
        refused(&admin.get(&format!("/t/none{by_name}")).await, 404, "RESOURCE_DOES_NOT_EXIST");
    })
    .await;
    with_admin(async |app, admin| {
        let other = app.admin_elsewhere().await;
        let spaces = admin.get("/api/v1/workspaces").await.expect(200).json();
        let own = spaces["items"].as_array().into_iter().flatten().find(|space| space["slug"] != "elsewhere");
        let own = own.unwrap()["slug"].as_str().unwrap().to_owned();
        let place = format!("/t/{own}{}", path("experiments/get?experiment_id=0"));
        refused(&other.get(&place).await, 404, "RESOURCE_DOES_NOT_EXIST");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_and_passwords_are_taken_by_basic() {
    with_admin(async |app, admin| {
        get(admin, "experiments/get?experiment_id=0").await;
        let place = path("experiments/get?experiment_id=0");
        let stranger = app.stranger();
        let basic = |text: &str| format!("Basic {}", BASE64.encode(text));
        let sessions = async || {
            let listed = admin.get("/api/v1/auth/sessions").await.expect(200).json();
            listed["total"].as_u64().unwrap()
        };
        let before = sessions().await;
        for _ in 0..3 {
            let shown = basic("admin@example.org:a sound pass phrase 41");
            with(&stranger, ("authorization", &shown), &place).await.expect(200);
        }
        // One sign-in served all three.
        assert_eq!(sessions().await, before + 1);
        for wrong in ["admin@example.org:wrong", "nobody@example.org:x", "x", ":", "admin@example.org:"] {
            refused(&with(&stranger, ("authorization", &basic(wrong)), &place).await, 401, "UNAUTHENTICATED");
        }
        refused(&with(&stranger, ("authorization", "Basic !"), &place).await, 401, "UNAUTHENTICATED");
        refused(&with(&stranger, ("authorization", "Bearer x"), &place).await, 401, "UNAUTHENTICATED");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_authentication_everybody_works_in_the_first_workspace() {
    fn open() -> Modules {
        Modules {
            manifests: &[&ml::MANIFEST],
            build: |platform| {
                let config = Config { auth_disabled: true, ..Config::default() };
                vec![ml::build(platform, config).expect("the settings are sound")]
            },
            aliases: &[],
        }
    }
    for engine in engines() {
        let app = App::start(&engine, open()).await;
        // Also before anybody has an account: it is the workspace that the first administrator will get.
        let stranger = app.stranger();
        let id = experiment(&stranger, "open").await;
        let admin = app.admin().await;
        get(&admin, &format!("experiments/get?experiment_id={id}")).await;
        // Only here, and only this module.
        stranger.get("/api/v1/users").await.expect(401);
        let wrong =
            with(&stranger, ("authorization", "Bearer x"), &path("experiments/get?experiment_id=0")).await;
        refused(&wrong, 401, "UNAUTHENTICATED");
        app.stop().await;
    }
}

/// With another last letter.
fn spoilt(text: &str) -> String {
    let last = if text.ends_with('x') { 'y' } else { 'x' };
    format!("{}{last}", &text[..text.len() - 1])
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_show_keys_and_tokens_of_services() {
    with_admin(async |app, admin| {
        get(admin, "experiments/get?experiment_id=0").await;
        let (read, write) = (path("experiments/get?experiment_id=0"), path("experiments/create"));
        let stranger = app.stranger();
        let basic = |text: String| format!("Basic {}", BASE64.encode(text));
        let key = async |scopes: serde_json::Value| {
            let body = json!({ "name": "train", "scopes": scopes });
            let made = admin.post("/api/v1/auth/api-keys", body).await.expect(201).json();
            made["key"].as_str().unwrap().to_owned()
        };
        // MLFLOW_TRACKING_TOKEN, and either half of MLFLOW_TRACKING_USERNAME and _PASSWORD.
        let whole = key(json!([])).await;
        for shown in [
            format!("Bearer {whole}"),
            basic(format!("admin@example.org:{whole}")),
            basic(format!("token:{whole}")),
            basic(format!("{whole}:")),
        ] {
            with(&stranger, ("authorization", &shown), &read).await.expect(200);
        }
        with(&stranger, ("x-api-key", &whole), &read).await.expect(200);
        let broken = format!("Bearer {}", spoilt(&whole));
        refused(&with(&stranger, ("authorization", &broken), &read).await, 401, "UNAUTHENTICATED");

        let shown = format!("Bearer {}", key(json!(["ml.runs.read"])).await);
        with(&stranger, ("authorization", &shown), &read).await.expect(200);
        let request = stranger.request(Method::POST, &write).header("authorization", &shown);
        let answer = stranger.finish(&write, request.json(&json!({ "name": "x" }))).await;
        assert!(refused(&answer, 403, "PERMISSION_DENIED").contains("ml.runs.write"));
        let models = path("registered-models/search");
        refused(&with(&stranger, ("authorization", &shown), &models).await, 403, "PERMISSION_DENIED");
        // A key is for the workspace that it was made in.
        let second = admin.post("/api/v1/workspaces", json!({ "name": "Second" })).await.expect(201).json();
        let there = format!("/t/{}{read}", second["slug"].as_str().unwrap());
        admin.get(&there).await.expect(200);
        let shown = format!("Bearer {whole}");
        refused(&with(&stranger, ("authorization", &shown), &there).await, 404, "RESOURCE_DOES_NOT_EXIST");

        let body = json!({ "name": "Trainer", "role": "admin", "scopes": ["ml.runs.read"] });
        let service = admin.post("/api/v1/service-accounts", body).await.expect(201).json();
        let id = service["id"].as_str().unwrap();
        let secrets = format!("/api/v1/service-accounts/{id}/secrets");
        let secret = admin.post(&secrets, json!({})).await.expect(201).json()["client_secret"].clone();
        let secret = secret.as_str().unwrap();
        let shown = basic(format!("{id}:{secret}"));
        for _ in 0..2 {
            with(&stranger, ("authorization", &shown), &read).await.expect(200);
        }
        refused(&with(&stranger, ("authorization", &shown), &models).await, 403, "PERMISSION_DENIED");
        let wrong = basic(format!("{id}:{}", spoilt(secret)));
        refused(&with(&stranger, ("authorization", &wrong), &read).await, 401, "UNAUTHENTICATED");
        let form = "grant_type=client_credentials";
        let request = stranger
            .request(Method::POST, "/oauth/token")
            .header("authorization", &shown)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        let token = stranger.finish("/oauth/token", request).await.expect(200).json();
        let shown = format!("Bearer {}", token["access_token"].as_str().unwrap());
        with(&stranger, ("authorization", &shown), &read).await.expect(200);
    })
    .await;
}
