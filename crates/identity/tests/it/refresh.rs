use std::time::Duration;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, App};

use crate::{PASSWORD, bearer, create, log_in, text, with_admin};

async fn refresh(app: &App, token: &Value) -> Answer {
    app.stranger().post("/api/v1/auth/refresh", json!({"refresh_token": token})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_token_works_once_and_a_replay_ends_the_session() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let first = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let second = refresh(app, &first["refresh_token"]).await.expect(200).json();
        assert_ne!(first["refresh_token"], second["refresh_token"]);
        assert_ne!(first["access_token"], second["access_token"]);
        let third = refresh(app, &second["refresh_token"]).await.expect(200).json();
        bearer(app, &third["access_token"]).get("/api/v1/auth/me").await.expect(200);

        app.clock.advance(Duration::from_secs(11));
        assert_eq!(
            refresh(app, &first["refresh_token"]).await.expect(401).error(),
            "identity.refresh-refused"
        );
        // The family is gone: for the thief and for the owner.
        refresh(app, &third["refresh_token"]).await.expect(401);
        let answer = bearer(app, &third["access_token"]).get("/api/v1/auth/me").await.expect(401);
        assert_eq!(answer.error(), "identity.session-ended");
        let audit = admin.get("/api/v1/audit?action=identity.refresh-reused").await.expect(200).json();
        assert_eq!(audit["items"].as_array().unwrap().len(), 1, "{audit}");
        // Other sessions of the user are untouched.
        log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_refreshes_at_once_log_nobody_out() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let answers = join_all((0..50).map(|_| refresh(app, &pair["refresh_token"]))).await;
        let pairs: Vec<Value> = answers.into_iter().map(|answer| answer.expect(200).json()).collect();
        // All got the same successor, so that whichever the client keeps goes on.
        assert!(pairs.iter().all(|other| other["refresh_token"] == pairs[0]["refresh_token"]));
        join_all(pairs.iter().map(async |pair| {
            bearer(app, &pair["access_token"]).get("/api/v1/auth/me").await.expect(200);
        }))
        .await;
        app.clock.advance(Duration::from_secs(600));
        let next = refresh(app, &pairs[49]["refresh_token"]).await.expect(200).json();
        bearer(app, &next["access_token"]).get("/api/v1/auth/me").await.expect(200);
        let audit = admin.get("/api/v1/audit?action=identity.refresh-reused").await.expect(200).json();
        assert_eq!(audit["items"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_racer_of_two_rotations_still_gets_the_present_token() {
    with_admin(async |app, _| {
        let first =
            log_in(&app.stranger(), "admin@example.org", "a sound pass phrase 41").await.expect(200).json();
        let second = refresh(app, &first["refresh_token"]).await.expect(200).json();
        let third = refresh(app, &second["refresh_token"]).await.expect(200).json();
        let late = refresh(app, &first["refresh_token"]).await.expect(200).json();
        assert_eq!(late["refresh_token"], third["refresh_token"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_grace_time_is_for_the_same_client_only() {
    with_admin(async |app, _| {
        let pair =
            log_in(&app.stranger(), "admin@example.org", "a sound pass phrase 41").await.expect(200).json();
        let next = refresh(app, &pair["refresh_token"]).await.expect(200).json();
        let stranger = app.stranger();
        let request = stranger
            .request(Method::POST, "/api/v1/auth/refresh")
            .header("user-agent", "another client")
            .json(&json!({"refresh_token": pair["refresh_token"]}));
        stranger.finish("another client", request).await.expect(401);
        refresh(app, &next["refresh_token"]).await.expect(401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_tokens_end_nobodys_session() {
    with_admin(async |app, _| {
        let pair =
            log_in(&app.stranger(), "admin@example.org", "a sound pass phrase 41").await.expect(200).json();
        let token = text(&pair["refresh_token"]);
        for (place, _) in token.char_indices().step_by(9) {
            let other = if &token[place..=place] == "A" { "B" } else { "A" };
            let forged = format!("{}{other}{}", &token[..place], &token[place + 1..]);
            refresh(app, &json!(forged)).await.expect(401);
        }
        for junk in ["", "x", &"A".repeat(86), &"é".repeat(43), &text(&pair["access_token"])] {
            refresh(app, &json!(junk)).await.expect(401);
        }
        refresh(app, &json!(42)).await.expect(422);
        refresh(app, &json!(token)).await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_when_idle_and_at_last() {
    with_admin(async |app, _| {
        let day = Duration::from_secs(86_400);
        let pair =
            log_in(&app.stranger(), "admin@example.org", "a sound pass phrase 41").await.expect(200).json();
        app.clock.advance(7 * day);
        refresh(app, &pair["refresh_token"]).await.expect(401);

        let mut pair =
            log_in(&app.stranger(), "admin@example.org", "a sound pass phrase 41").await.expect(200).json();
        for _ in 0..4 {
            app.clock.advance(6 * day);
            pair = refresh(app, &pair["refresh_token"]).await.expect(200).json();
        }
        app.clock.advance(6 * day);
        refresh(app, &pair["refresh_token"]).await.expect(401);
    })
    .await;
}
