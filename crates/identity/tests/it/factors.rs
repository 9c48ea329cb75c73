//! What the tests of second factors share: an authenticator app, and sign-ins step by step.

use std::time::Duration;

use kernel::Clock as _;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, App, Client};
use totp_rs::{Builder, Secret, Totp};

use crate::{PASSWORD, bearer, create, log_in, text};

/// An authenticator app, by another hand than the server's checks.
pub(crate) struct Device(Totp);

impl Device {
    pub(crate) fn new(secret: &str) -> Self {
        let secret = Secret::try_from_base32(secret).expect("the secret is base 32");
        Self(Builder::new().with_secret(secret).with_account_name("x").build_noncompliant())
    }

    /// What it shows now.
    pub(crate) fn code(&self, app: &App) -> String {
        self.code_at(app, 0)
    }

    /// What it shows so many steps from now.
    pub(crate) fn code_at(&self, app: &App, steps: i64) -> String {
        let at = app.clock.now().as_second() + steps * 30;
        self.0.generate(u64::try_from(at).expect("after 1970")).to_string()
    }
}

/// One step on, so that the next code is another.
pub(crate) fn next_code(app: &App) {
    app.clock.advance(Duration::from_secs(30));
}

/// Sets an app up; the device and the recovery codes.
pub(crate) async fn enrol(app: &App, client: &Client) -> (Device, Vec<String>) {
    let setup = client.post("/api/v1/auth/totp", json!({})).await.expect(200).json();
    let device = Device::new(setup["secret"].as_str().unwrap());
    let confirmed =
        client.post("/api/v1/auth/totp/confirm", json!({"code": device.code(app)})).await.expect(200);
    let codes = confirmed.json()["recovery_codes"].as_array().unwrap().iter().map(text).collect();
    next_code(app);
    (device, codes)
}

/// A user with an app: their session of before, the device, the recovery codes, and their id.
pub(crate) struct Protected {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) client: Client,
    pub(crate) device: Device,
    pub(crate) codes: Vec<String>,
}

pub(crate) async fn protected(app: &App, admin: &Client, name: &str) -> Protected {
    let email = format!("{name}@example.org");
    let id = create(admin, &email, "user").await;
    let pair = log_in(&app.stranger(), &email, PASSWORD).await.expect(200).json();
    let client = bearer(app, &pair["access_token"]);
    let (device, codes) = enrol(app, &client).await;
    Protected { id, email, client, device, codes }
}

/// The challenge that a right password brings.
pub(crate) async fn challenge(app: &App, path: &str, email: &str) -> String {
    let asked = app.stranger().post(path, json!({"email": email, "password": PASSWORD})).await.expect(401);
    assert_eq!(asked.error(), "identity.second-factor-required");
    text(&asked.json()["second_factor"]["challenge"])
}

pub(crate) async fn answer(app: &App, path: &str, challenge: &str, code: &str) -> Answer {
    app.stranger().post(path, json!({"challenge": challenge, "code": code})).await
}

/// The titles of the mails about its security that were ordered for this address; other mails have none.
pub(crate) async fn mails(app: &App, email: &str) -> Vec<String> {
    let mut tx = app.platform.db.read().await.unwrap();
    let rows =
        tx.query("SELECT args FROM jobs_tasks WHERE kind = 'notifications.mail' ORDER BY id").rows().await;
    let args = rows.unwrap().into_iter().map(|row| row.get::<String>("args").unwrap());
    let args = args.map(|args| serde_json::from_str::<Value>(&args).unwrap());
    let titled = args
        .filter(|args| args["to"] == email)
        .filter_map(|args| Some(args["params"]["title"].as_str()?.to_owned()));
    titled.collect()
}

/// Of the audit log, newest first, the rows of one action.
pub(crate) async fn audited(admin: &Client, action: &str) -> Vec<Value> {
    let page = admin.get(&format!("/api/v1/audit?limit=100&action={action}")).await.expect(200).json();
    page["items"].as_array().unwrap().clone()
}

/// A form as pages without scripts send it.
pub(crate) async fn form(app: &App, path: &str, fields: &[(&str, &str)]) -> Answer {
    let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let client = Client { http, ..app.stranger() };
    let request = client.request(Method::POST, path);
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
    client.finish(path, request).await
}
