use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use testkit::{Answer, App, Client};

use crate::{
    PASSWORD, bearer, create, log_in,
    registration::{open_to_all, patient},
    text,
};

async fn grace(app: &App, admin: &Client) -> Client {
    create(admin, "grace@example.org", "user").await;
    let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
    bearer(app, &pair["access_token"])
}

async fn change(client: &Client, email: &str) -> Answer {
    client.post("/api/v1/auth/email", json!({"new_email": email, "current_password": PASSWORD})).await
}

async fn confirm(app: &App, token: &str) -> Answer {
    app.stranger().post("/api/v1/auth/email/confirm", json!({ "token": token })).await
}

async fn token(app: &App, to: &str, template: &str) -> String {
    let mails = app.mails_to(to).await;
    mails.iter().rfind(|mail| mail.template == template).unwrap_or_else(|| panic!("{mails:?}")).token()
}

async fn me(client: &Client) -> Value {
    client.get("/api/v1/auth/me").await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_addresses_confirm_in_either_order() {
    open_to_all(patient, async |app, admin| {
        let grace = grace(app, admin).await;
        let (mut old, mut new) = ("grace@example.org", "hopper@example.org");
        for first_old in [true, false] {
            change(&grace, new).await.expect(202);
            assert_eq!(me(&grace).await["pending_email"], new);
            let tokens =
                [token(app, old, "email-change-old").await, token(app, new, "email-change-new").await];
            let (first, second) = if first_old { (0, 1) } else { (1, 0) };
            let half = confirm(app, &tokens[first]).await.expect(200).json();
            assert_eq!(half, json!({"done": false, "waiting_for": if first_old { "new" } else { "old" }}));
            confirm(app, &tokens[first]).await.expect(410);
            assert_eq!(me(&grace).await["email"], old);
            let whole = confirm(app, &tokens[second]).await.expect(200).json();
            assert_eq!(whole, json!({"done": true, "waiting_for": null}));
            let now = me(&grace).await;
            assert_eq!((&now["email"], &now["pending_email"]), (&json!(new), &Value::Null));
            assert_eq!(now["is_verified"], true);
            log_in(&app.stranger(), old, PASSWORD).await.expect(401);
            log_in(&app.stranger(), new, PASSWORD).await.expect(200);
            for to in [old, new] {
                assert_eq!(app.mails_to(to).await.pop().unwrap().template, "email-changed");
            }
            (old, new) = (new, old);
        }
        let audit = admin.get("/api/v1/audit?action=identity.email-changed").await.expect(200).json();
        let detail = &audit["items"][0]["detail"];
        assert_eq!(detail, &json!({"before": "hopper@example.org", "after": "grace@example.org"}));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_replaces_a_change_kills_its_links() {
    open_to_all(patient, async |app, admin| {
        let grace = grace(app, admin).await;
        change(&grace, "first@example.org").await.expect(202);
        let older = token(app, "grace@example.org", "email-change-old").await;
        change(&grace, "second@example.org").await.expect(202);
        confirm(app, &older).await.expect(410);
        confirm(app, &token(app, "first@example.org", "email-change-new").await).await.expect(410);
        let cancelled = token(app, "second@example.org", "email-change-new").await;
        grace.delete("/api/v1/auth/email").await.expect(204);
        assert_eq!(me(&grace).await["pending_email"], Value::Null);
        confirm(app, &cancelled).await.expect(410);

        // A day, no longer; and neither a reset nor an administrator's word leaves one open.
        change(&grace, "second@example.org").await.expect(202);
        let late = token(app, "second@example.org", "email-change-new").await;
        app.clock.advance(Duration::from_secs(86_400));
        confirm(app, &late).await.expect(410);
        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let grace = bearer(app, &pair["access_token"]);
        change(&grace, "second@example.org").await.expect(202);
        let open = token(app, "second@example.org", "email-change-new").await;
        app.stranger().post("/api/v1/auth/forgot", json!({"email": "grace@example.org"})).await.expect(202);
        let body = json!({"token": token(app, "grace@example.org", "reset").await, "new_password": PASSWORD});
        app.stranger().post("/api/v1/auth/reset", body).await.expect(204);
        confirm(app, &open).await.expect(410);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_takes_the_password_and_a_sign_in_of_late() {
    open_to_all(patient, async |app, admin| {
        let grace = grace(app, admin).await;
        let wrong = json!({"new_email": "a@example.org", "current_password": "a wrong password"});
        let refused = grace.post("/api/v1/auth/email", wrong).await.expect(422);
        assert_eq!(refused.error(), "identity.wrong-password");
        change(&grace, "Grace@Example.org").await.expect(422);
        change(&grace, "no address").await.expect(422);
        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        app.clock.advance(Duration::from_secs(899));
        change(&bearer(app, &pair["access_token"]), "a@example.org").await.expect(202);
        app.clock.advance(Duration::from_secs(2));
        let body = json!({"refresh_token": pair["refresh_token"]});
        let pair = app.stranger().post("/api/v1/auth/refresh", body).await.expect(200).json();
        let refused = change(&bearer(app, &pair["access_token"]), "a@example.org").await.expect(403);
        assert_eq!(refused.error(), "identity.confirm-first");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_told_to_its_owner_alone() {
    open_to_all(patient, async |app, admin| {
        let grace = grace(app, admin).await;
        create(admin, "taken@example.org", "user").await;
        change(&grace, "taken@example.org").await.expect(202);
        let mails = app.mails_to("taken@example.org").await;
        assert_eq!(
            mails.iter().map(|mail| mail.template.as_str()).collect::<Vec<_>>(),
            ["already-registered"]
        );
        let half = confirm(app, &token(app, "grace@example.org", "email-change-old").await).await;
        assert_eq!(half.expect(200).json()["waiting_for"], "new");
        assert_eq!(me(&grace).await["email"], "grace@example.org");

        // Taken between the asking and the confirming.
        change(&grace, "free@example.org").await.expect(202);
        create(admin, "free@example.org", "user").await;
        confirm(app, &token(app, "grace@example.org", "email-change-old").await).await.expect(200);
        let late = token(app, "free@example.org", "email-change-new").await;
        assert_eq!(confirm(app, &late).await.expect(409).error(), "identity.email-taken");
        assert_eq!(me(&grace).await["email"], "grace@example.org");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_links_at_once_change_it_once() {
    open_to_all(patient, async |app, admin| {
        let grace = grace(app, admin).await;
        change(&grace, "hopper@example.org").await.expect(202);
        let tokens = [
            token(app, "grace@example.org", "email-change-old").await,
            token(app, "hopper@example.org", "email-change-new").await,
        ];
        let answers = join_all((0..10).map(|number| confirm(app, &tokens[number % 2]))).await;
        let done = answers.iter().filter(|answer| answer.status == 200 && answer.json()["done"] == true);
        assert_eq!(done.count(), 1, "{:?}", answers.iter().map(Answer::text).collect::<Vec<_>>());
        assert_eq!(answers.iter().filter(|answer| answer.status == 410).count(), 8);
        assert_eq!(me(&grace).await["email"], "hopper@example.org");
        assert_eq!(text(&me(&grace).await["first_name"]), "Grace");
    })
    .await;
}
