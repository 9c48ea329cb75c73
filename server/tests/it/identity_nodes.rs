//! One installation's log-ins, sessions and tokens over two processes that share PostgreSQL and Redis: what holds on one holds
//! on the other.

use futures::future::join_all;
use kernel::{Clock as _, SystemClock};
use serde_json::{Value, json};
use testkit::{Client, eventually};
use totp_rs::{Builder, Secret};

use crate::{
    harness::{EMAIL, PASSWORD},
    nodes::{Nodes, nodes},
};

async fn log_in(client: &Client, email: &str, password: &str) -> testkit::Answer {
    client.post("/api/v1/auth/login", json!({"email": email, "password": password})).await
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

impl Nodes {
    /// Strangers at the one node and the other, by turns.
    fn by_turns(&self) -> impl Iterator<Item = Client> + '_ {
        [&self.a, &self.b].into_iter().cycle().map(|server| server.stranger())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_log_ins_count_on_both_nodes_together() {
    let Some(nodes) = nodes().await else { return };
    let mut by_turns = nodes.by_turns();
    // Five for an account; which address it is does not matter.
    for _ in 0..5 {
        log_in(&by_turns.next().unwrap(), "nobody@example.org", "wrong horse battery").await.expect(401);
    }
    for stranger in [nodes.a.stranger(), nodes.b.stranger()] {
        let refused = log_in(&stranger, "nobody@example.org", "wrong horse battery").await.expect(429);
        assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
    }
    // Fifteen more are left to the address.
    let mut refused = 0;
    for number in 0..20 {
        let email = format!("nobody.{number}@example.org");
        refused +=
            u32::from(log_in(&by_turns.next().unwrap(), &email, "wrong horse battery").await.status == 429);
    }
    assert!((4..=6).contains(&refused), "{refused}");
    drop(by_turns);
    nodes.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_of_refreshes_over_both_nodes_ends_nothing_and_a_replay_ends_the_session_on_both() {
    let Some(nodes) = nodes().await else { return };
    let first = log_in(&nodes.a.stranger(), EMAIL, PASSWORD).await.expect(200).json();
    let refresh = async |client: &Client, token: &Value| {
        client.post("/api/v1/auth/refresh", json!({"refresh_token": token})).await
    };
    let strangers: Vec<_> = nodes.by_turns().take(50).collect();
    let answers = join_all(strangers.iter().map(|stranger| refresh(stranger, &first["refresh_token"]))).await;
    let next: Vec<_> = answers.into_iter().map(|answer| answer.expect(200).json()).collect();
    assert!(next.iter().all(|pair| pair["refresh_token"] == next[0]["refresh_token"]));
    let second = refresh(&nodes.b.stranger(), &next[0]["refresh_token"]).await.expect(200).json();

    // Shown again by somebody else, the replaced token ends the session, for both nodes.
    let thief = reqwest::Client::builder().user_agent("a thief").build().unwrap();
    let thief = Client { http: thief, ..nodes.a.stranger() };
    let holder = Client { token: Some(text(&second["access_token"])), ..nodes.b.stranger() };
    holder.get("/auth/me").await.expect(200);
    refresh(&thief, &first["refresh_token"]).await.expect(401);
    eventually("node B hears that the session is over", async || {
        (holder.get("/auth/me").await.status == 401).then_some(())
    })
    .await;
    refresh(&nodes.b.stranger(), &second["refresh_token"]).await.expect(401);
    nodes.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_for_a_user_on_one_node_holds_on_the_other() {
    let Some(nodes) = nodes().await else { return };
    let member = nodes.a.member(&nodes.admin, "operator").await;
    let at_b = nodes.at_b(&member);
    let me = at_b.get("/auth/me").await.expect(200).json();
    let id = text(&me["id"]);
    at_b.get("/api/v1/tasks").await.expect(200);

    nodes.admin.patch(&format!("/api/v1/users/{id}"), json!({"role": "user"})).await.expect(200);
    eventually("node B hears of the other role", async || {
        (at_b.get("/api/v1/tasks").await.status == 403).then_some(())
    })
    .await;
    nodes.admin.patch(&format!("/api/v1/users/{id}"), json!({"is_active": false})).await.expect(200);
    eventually("node B hears that the account is disabled", async || {
        (at_b.get("/auth/me").await.status == 401).then_some(())
    })
    .await;
    log_in(&nodes.b.stranger(), "a.operator@example.org", PASSWORD).await.expect(401);
    nodes.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forgotten_passwords_count_on_both_nodes_together() {
    let Some(nodes) = nodes().await else { return };
    let mut by_turns = nodes.by_turns();
    let forgot = async |client: &Client, email: &str| {
        client.post("/api/v1/auth/forgot", json!({"email": email})).await
    };
    for _ in 0..5 {
        forgot(&by_turns.next().unwrap(), "nobody@example.org").await.expect(202);
    }
    for stranger in [nodes.a.stranger(), nodes.b.stranger()] {
        forgot(&stranger, "nobody@example.org").await.expect(429);
        // The address that asks is used up too.
        forgot(&stranger, "another@example.org").await.expect(429);
    }
    drop(by_turns);
    nodes.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_secrets_of_one_node_count_on_the_other_until_they_are_revoked() {
    let Some(nodes) = nodes().await else { return };
    let key = nodes.admin.post("/api/v1/auth/api-keys", json!({"name": "export"})).await.expect(201).json();
    let program = Client { token: Some(text(&key["key"])), ..nodes.b.stranger() };
    program.get("/auth/me").await.expect(200);
    let body = json!({"name": "Importer", "role": "user"});
    let account = nodes.admin.post("/api/v1/service-accounts", body).await.expect(201).json();
    let place = format!("/api/v1/service-accounts/{}/secrets", text(&account["id"]));
    let secret = nodes.admin.post(&place, json!({})).await.expect(201).json();
    let grant = async |server: &Client| {
        let request = server
            .request(reqwest::Method::POST, "/oauth/token")
            .basic_auth(text(&secret["client_id"]), Some(text(&secret["client_secret"])))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        server.finish("/oauth/token", request).await
    };
    let token = grant(&nodes.b.stranger()).await.expect(200).json();
    let service = Client { token: Some(text(&token["access_token"])), ..nodes.b.stranger() };
    service.get("/auth/me").await.expect(200);

    let gone = format!("/api/v1/auth/api-keys/{}", text(&key["id"]));
    nodes.admin.delete(&gone).await.expect(204);
    nodes.admin.delete(&format!("{place}/{}", text(&secret["id"]))).await.expect(204);
    for (holder, what) in [(&program, "key"), (&service, "secret")] {
        eventually("node B hears that it is revoked", async || {
            (holder.get("/auth/me").await.status == 401).then_some(())
        })
        .await;
        eprintln!("node B refuses the {what}");
    }
    grant(&nodes.b.stranger()).await.expect(401);
    nodes.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_the_second_step_counts_on_one_node_once() {
    let Some(nodes) = nodes().await else { return };
    let setup = nodes.admin.post("/api/v1/auth/totp", json!({})).await.expect(200).json();
    let secret = Secret::try_from_base32(text(&setup["secret"])).unwrap();
    let app = Builder::new().with_secret(secret).with_account_name("x").build_noncompliant();
    let now = u64::try_from(SystemClock.now().as_second()).unwrap();
    let code = json!({"code": app.generate(now).to_string()});
    let codes = nodes.admin.post("/api/v1/auth/totp/confirm", code).await.expect(200).json();

    // The next step's: the one that confirmed is used up. Few at a time, since wrong ones count as failures.
    let sign_in = async |code: String, times: usize| {
        let body = json!({"email": EMAIL, "password": PASSWORD, "code": code});
        let strangers: Vec<_> = nodes.by_turns().take(times).collect();
        let all = strangers.iter().map(|stranger| stranger.post("/api/v1/auth/login", body.clone()));
        let mut statuses: Vec<_> = join_all(all).await.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        statuses
    };
    assert_eq!(sign_in(app.generate(now + 30).to_string(), 3).await, [200, 401, 401]);
    assert_eq!(sign_in(text(&codes["recovery_codes"][0]), 2).await, [200, 401]);
    nodes.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_holds_over_both_nodes_together() {
    let Some(nodes) = nodes().await else { return };
    let workspace = text(&nodes.admin.get("/auth/me").await.expect(200).json()["workspace"]["id"]);
    let quotas = format!("/api/v1/workspaces/{workspace}/quotas");
    nodes.admin.put(&quotas, json!({"cameras": 3})).await.expect(200);
    let admins = [nodes.admin.clone(), nodes.at_b(&nodes.admin)];
    let add = |number: usize| {
        let camera = json!({
            "name": format!("Camera {number}"), "enabled": false, "source": {"kind": "rtsp", "url": "rtsp://10.9.8.7/live"},
        });
        let admin = &admins[number % 2];
        async move { admin.post("/api/v1/surveillance/cameras", camera).await }
    };
    let mut statuses: Vec<_> = join_all((0..8).map(add)).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 201, 402, 402, 402, 402, 402]);
    // A bound that one node takes away is gone on the other too, once what it knew is old.
    admins[1].put(&quotas, json!({"cameras": null})).await.expect(200);
    add(9).await.expect(201);
    eventually("node A lets more in", async || (add(10).await.status == 201).then_some(())).await;
    nodes.end().await;
}
