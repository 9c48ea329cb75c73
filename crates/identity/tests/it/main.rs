//! Identity as its clients see it: over HTTP, on SQLite and, where there is one, on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod api_keys;
mod attack_accounts;
mod attack_audit;
mod attack_browser;
mod attack_factors;
mod attack_oauth;
mod attack_providers;
mod attack_tenants;
mod attack_tokens;
mod audit;
mod authenticator;
mod browser;
mod cli;
mod deletion;
mod email_change;
mod factors;
mod fake_provider;
mod first_run;
mod import;
mod independent_provider;
mod invitations;
mod jwt;
mod login;
mod oauth;
mod oauth_clients;
mod passkeys;
mod people;
mod providers;
mod quotas;
mod refresh;
mod registration;
mod roles;
mod second_factor;
mod service_accounts;
mod sessions;
mod signing;
mod tenant_commands;
mod workspaces;

use serde_json::{Value, json};
use testkit::{Answer, App, Client, Modules, on_each_engine};

const PASSWORD: &str = "correct horse battery";

/// Runs a test on each engine, with the first administrator there.
async fn with_admin(test: impl AsyncFn(&App, &Client)) {
    on_each_engine(Modules::NONE, async |app| {
        let admin = app.admin().await;
        test(app, &admin).await;
    })
    .await;
}

/// A member of the administrator's workspace with [`PASSWORD`]; their id.
async fn create(admin: &Client, email: &str, role: &str) -> String {
    let body = json!({"email": email, "password": PASSWORD, "first_name": "Grace", "last_name": "Hopper", "role": role});
    text(&admin.post("/api/v1/users", body).await.expect(201).json()["id"])
}

async fn log_in(client: &Client, email: &str, password: &str) -> Answer {
    client.post("/api/v1/auth/login", json!({"email": email, "password": password})).await
}

/// A caller who holds this access token.
fn bearer(app: &App, token: &Value) -> Client {
    Client { token: Some(text(token)), ..app.stranger() }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
