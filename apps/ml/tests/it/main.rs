//! ML as its clients see it: over HTTP, on SQLite and, where there is one, on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod artifacts;
mod columns;
mod docs;
mod evaluation;
mod faults;
mod hostile;
mod import_file;
mod injection;
mod labels;
mod metrics;
mod models;
mod purge;
mod quotas;
mod runs;
mod search;
mod serving;
mod statements;
mod trace_files;
mod traces;
mod webhooks;

use serde_json::{Value, json};
use testkit::{Answer, App, Client, Modules, on_each_engine};

fn modules() -> Modules {
    Modules {
        manifests: &[&ml::MANIFEST],
        build: |platform| {
            let built = ml::build_with(platform, ml::Config::default(), serving::worker());
            vec![built.expect("the defaults are sound")]
        },
        aliases: &[],
    }
}

/// Runs a test on each engine, with the first administrator there.
async fn with_admin(test: impl AsyncFn(&App, &Client)) {
    on_each_engine(modules(), async |app| {
        let admin = app.admin().await;
        test(app, &admin).await;
    })
    .await;
}

fn path(rest: &str) -> String {
    format!("/api/2.0/mlflow/{rest}")
}

/// A call that must go well.
async fn post(client: &Client, rest: &str, body: Value) -> Value {
    client.post(&path(rest), body).await.expect(200).json()
}

async fn get(client: &Client, rest: &str) -> Value {
    client.get(&path(rest)).await.expect(200).json()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// Gives its id.
async fn experiment(client: &Client, name: &str) -> String {
    text(&post(client, "experiments/create", json!({ "name": name })).await["experiment_id"])
}

/// Gives its id.
async fn run(client: &Client, experiment: &str, name: &str, start: i64) -> String {
    let body = json!({ "experiment_id": experiment, "run_name": name, "start_time": start });
    text(&post(client, "runs/create", body).await["run"]["info"]["run_id"])
}

async fn log(client: &Client, run: &str, mut batch: Value) {
    batch["run_id"] = json!(run);
    post(client, "runs/log-batch", batch).await;
}

/// The status, code and message of an answer in MLflow's form.
#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) -> String {
    let body = answer.clone().expect(status).json();
    assert_eq!(body["error_code"], code, "{body}");
    assert_eq!(answer.header("content-type"), "application/json");
    text(&body["message"])
}
