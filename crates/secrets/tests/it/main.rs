//! Against a small server that speaks Vault's KV version 2 answers: neither Vault nor OpenBao is in Debian.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Json, Router,
    extract::Path,
    http::{HeaderMap, StatusCode},
    routing::get,
};
use kernel::Secret;
use secrets::{Config, Error, Vault};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const TOKEN: &str = "hvs.reader";

/// Gives the address, and how often it was asked.
async fn store() -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let read = move |Path(path): Path<String>, headers: HeaderMap| async move {
        count.fetch_add(1, Ordering::Relaxed);
        if headers.get("x-vault-token").is_none_or(|token| token != TOKEN) {
            return (StatusCode::FORBIDDEN, Json(json!({"errors": ["permission denied"]})));
        }
        match path.as_str() {
            "socle/prod" => {
                (StatusCode::OK, Json(secret(&json!({"key": "s3cret", "port": 5432, "none": ""}))))
            }
            "sealed" => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"errors": ["Vault is sealed"]}))),
            _ => (StatusCode::NOT_FOUND, Json(json!({"errors": []}))),
        }
    };
    let app = Router::new().route("/v1/kv/data/{*path}", get(read));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "a test has no spawner")]
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, asked)
}

/// As Vault 1.x and OpenBao 2.x answer `GET /v1/:mount/data/:path`.
fn secret(fields: &Value) -> Value {
    json!({
        "request_id": "6b3bd8d4-8f6a-5f0d-7b2f-000000000000", "lease_id": "", "renewable": false, "lease_duration": 0,
        "data": {
            "data": fields,
            "metadata": {
                "created_time": "2026-01-02T03:04:05.678901234Z", "custom_metadata": null, "deletion_time": "",
                "destroyed": false, "version": 3
            }
        },
        "wrap_info": null, "warnings": null, "auth": null
    })
}

fn config(url: &str, token: &str) -> Config {
    Config {
        url: url.to_owned(),
        token: Secret::new(token.to_owned()),
        timeout_ms: 2_000,
        ..Config::default()
    }
}

fn refused(outcome: Result<String, Error>, reason: &str, hint: &str) {
    let error = outcome.unwrap_err();
    assert!(error.reason.contains(reason) && error.hint.contains(hint), "{error:?}");
    assert!(!format!("{error:?}").contains(TOKEN));
}

#[tokio::test]
async fn a_secret_is_read_once_for_all_its_keys() {
    let (url, asked) = store().await;
    let mut vault = Vault::open(&config(&url, TOKEN)).unwrap();
    assert_eq!(vault.get("kv", "socle/prod", "key").await.unwrap(), "s3cret");
    refused(vault.get("kv", "socle/prod", "kee").await, "no key kee", "key, none, port");
    refused(vault.get("kv", "socle/prod", "port").await, "no text", "as a text");
    refused(vault.get("kv", "socle/prod", "none").await, "is empty", "");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_is_wrong_is_told_with_what_to_do() {
    let (url, _) = store().await;
    let mut vault = Vault::open(&config(&url, TOKEN)).unwrap();
    refused(vault.get("kv", "other", "key").await, "nothing at kv/other", "vault kv get");
    refused(vault.get("kv", "sealed", "key").await, "sealed", "unseal");
    let mut vault = Vault::open(&config(&url, "wrong")).unwrap();
    refused(vault.get("kv", "socle/prod", "key").await, "does not let this token", "kv/data/socle/prod");
    let mut vault = Vault::open(&config("http://127.0.0.1:1", TOKEN)).unwrap();
    refused(
        vault.get("kv", "socle/prod", "key").await,
        "does not answer at http://127.0.0.1:1",
        "secrets.url",
    );
}

#[test]
fn without_address_or_token_nothing_is_asked() {
    let reason = |config: Config| Vault::open(&config).err().map(|error| error.hint).unwrap_or_default();
    assert!(reason(Config::default()).contains("VAULT_ADDR"));
    assert!(reason(config("http://127.0.0.1:1", "")).contains("VAULT_TOKEN"));
    let from_variables = Config::default().or_from(|name| Some(format!("http://{name}")));
    assert_eq!(from_variables.url, "http://VAULT_ADDR");
    assert_eq!(from_variables.token.expose(), "http://VAULT_TOKEN");
    assert!(Config { url: "vault:8200".to_owned(), ..Config::default() }.validate()[0].contains("https://"));
}
