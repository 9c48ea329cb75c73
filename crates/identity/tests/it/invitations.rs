use serde_json::{Value, json};
use testkit::{App, Client};

use crate::{PASSWORD, bearer, create, log_in, text, with_admin};

/// Tokens of the invitations that were mailed to an address.
pub(crate) async fn mailed(app: &App, email: &str) -> Vec<String> {
    let mut tx = app.platform.db.read().await.unwrap();
    let rows =
        tx.query("SELECT args FROM jobs_tasks WHERE kind = 'notifications.mail'").rows().await.unwrap();
    let args =
        rows.iter().map(|row| serde_json::from_str::<Value>(&row.get::<String>("args").unwrap()).unwrap());
    args.filter(|mail| mail["to"] == email && mail["template"] == "invitation")
        .map(|mail| text(&mail["params"]["link_url"]).split("token=").nth(1).unwrap().to_owned())
        .collect()
}

/// Invites an address; the token that its owner gets.
pub(crate) async fn invite(app: &App, inviter: &Client, email: &str, role: &str) -> String {
    let before = mailed(app, email).await;
    inviter.post("/api/v1/invitations", json!({"email": email, "role": role})).await.expect(201);
    mailed(app, email).await.into_iter().find(|token| !before.contains(token)).expect("a mail was enqueued")
}

pub(crate) async fn accept(client: &Client, token: &str) -> testkit::Answer {
    let body = json!({"token": token, "password": PASSWORD, "first_name": "Joan", "last_name": "Clarke"});
    client.post("/api/v1/auth/invitation/accept", body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_person_joins_by_the_mails_link() {
    with_admin(async |app, admin| {
        let token = invite(app, admin, "joan@example.org", "etudiant").await;
        let list = admin.get("/api/v1/invitations").await.expect(200).json();
        let shown = &list["items"][0];
        assert_eq!((&shown["email"], &shown["role"]), (&json!("joan@example.org"), &json!("student")));
        assert_eq!(shown["is_expired"], false);
        assert!(!list.to_string().contains(&token), "the link is for who reads the mail");
        let stranger = app.stranger();
        let offer =
            stranger.post("/api/v1/auth/invitation", json!({"token": token})).await.expect(200).json();
        assert_eq!((&offer["workspace"], &offer["inviter"]), (&json!("Main"), &json!("Ada Byron")));
        assert_eq!((&offer["role"], &offer["has_account"]), (&json!("student"), &json!(false)));

        let body = json!({"token": token});
        let refused = stranger.post("/api/v1/auth/invitation/accept", body).await.expect(422).json();
        assert_eq!(refused["errors"][0]["pointer"], "/password");
        let body = json!({"token": token, "password": "qwertyuiop"});
        stranger.post("/api/v1/auth/invitation/accept", body).await.expect(422);
        accept(&stranger, &token).await.expect(204);
        let pair = log_in(&stranger, "joan@example.org", PASSWORD).await.expect(200).json();
        let me = bearer(app, &pair["access_token"]).get("/auth/me").await.expect(200).json();
        assert_eq!((&me["roles"], &me["is_verified"]), (&json!(["student"]), &json!(true)));
        assert_eq!(me["first_name"], "Joan");
        assert_eq!(admin.get("/api/v1/invitations").await.expect(200).json()["total"], 0);
        let log = admin.get("/api/v1/audit?limit=100").await.expect(200).json().to_string();
        assert!(log.contains("identity.invited") && log.contains("identity.invitation-accepted"), "{log}");
        assert!(!log.contains(&token) && !log.contains(PASSWORD));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_an_account_is_signed_in_and_joins() {
    with_admin(async |app, admin| {
        create(admin, "joan@example.org", "user").await;
        let elsewhere = app.admin_elsewhere().await;
        // Memberships are told by their age.
        app.clock.advance(std::time::Duration::from_secs(1));
        let token = invite(app, &elsewhere, "JOAN@example.org", "operator").await;
        let offer = app.stranger().post("/api/v1/auth/invitation", json!({"token": token})).await.expect(200);
        assert_eq!(offer.json()["has_account"], true);
        assert_eq!(accept(&app.stranger(), &token).await.expect(401).error(), "identity.sign-in-first");
        let pair = log_in(&app.stranger(), "joan@example.org", PASSWORD).await.expect(200).json();
        let joan = bearer(app, &pair["access_token"]);
        joan.post("/api/v1/auth/invitation/accept", json!({"token": token})).await.expect(204);
        let me = joan.get("/auth/me").await.expect(200).json();
        assert_eq!(me["workspaces"].as_array().unwrap().len(), 2);
        assert_eq!(me["workspaces"][1]["roles"], json!(["operator"]));
        assert_eq!(me["workspace"]["slug"], "main", "where one was, one stays");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_are_sent_again_revoked_and_expire() {
    with_admin(async |app, admin| {
        let first = invite(app, admin, "joan@example.org", "user").await;
        let again = json!({"email": "Joan@Example.org", "role": "user"});
        assert_eq!(
            admin.post("/api/v1/invitations", again).await.expect(409).error(),
            "identity.already-invited"
        );
        let me = json!({"email": "admin@example.org", "role": "user"});
        assert_eq!(
            admin.post("/api/v1/invitations", me).await.expect(409).error(),
            "identity.already-member"
        );
        for (body, pointer) in [
            (json!({"email": "nobody", "role": "user"}), "/email"),
            (json!({"email": "x@example.org", "role": "root"}), "/role"),
        ] {
            let refused = admin.post("/api/v1/invitations", body).await.expect(422).json();
            assert_eq!(refused["errors"][0]["pointer"], pointer);
        }
        let id = text(&admin.get("/api/v1/invitations").await.json()["items"][0]["id"]);
        let path = format!("/api/v1/invitations/{id}");
        admin.post(&format!("{path}/resend"), json!({})).await.expect(200);
        let second = mailed(app, "joan@example.org").await.into_iter().find(|token| *token != first).unwrap();
        assert_eq!(accept(&app.stranger(), &first).await.expect(410).error(), "identity.link-refused");
        app.clock.advance(std::time::Duration::from_secs(7 * 86_400));
        accept(&app.stranger(), &second).await.expect(410);
        let admin = app.admin().await;
        assert_eq!(admin.get("/api/v1/invitations").await.json()["items"][0]["is_expired"], true);
        // An expired one does not stand in the way.
        let third = invite(app, &admin, "joan@example.org", "operator").await;
        let list = admin.get("/api/v1/invitations").await.expect(200).json();
        assert_eq!(list["total"], 1);
        let path = format!("/api/v1/invitations/{}", text(&list["items"][0]["id"]));
        admin.delete(&path).await.expect(204);
        admin.delete(&path).await.expect(404);
        accept(&app.stranger(), &third).await.expect(410);
        let body = json!({"token": third});
        app.stranger().post("/api/v1/auth/invitation", body).await.expect(410);
    })
    .await;
}

/// Nobody can sign in without a workspace, so for such an account the link must do.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_in_no_workspace_comes_back_by_invitation() {
    with_admin(async |app, admin| {
        let id = create(admin, "joan@example.org", "user").await;
        admin.delete(&format!("/api/v1/members/{id}")).await.expect(204);
        log_in(&app.stranger(), "joan@example.org", PASSWORD).await.expect(403);
        let elsewhere = app.admin_elsewhere().await;
        let token = invite(app, &elsewhere, "joan@example.org", "user").await;
        let body = json!({"token": token, "password": "another fine phrase"});
        app.stranger().post("/api/v1/auth/invitation/accept", body).await.expect(204);
        let pair =
            log_in(&app.stranger(), "joan@example.org", "another fine phrase").await.expect(200).json();
        let me = bearer(app, &pair["access_token"]).get("/auth/me").await.expect(200).json();
        assert_eq!((&me["id"], &me["workspace"]["slug"]), (&json!(id), &json!("elsewhere")));
        // The account is at home there now.
        elsewhere.patch(&format!("/api/v1/users/{id}"), json!({"is_active": false})).await.expect(200);
        admin.get(&format!("/api/v1/users/{id}")).await.expect(404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invitations_are_limited_per_workspace_and_address() {
    with_admin(async |app, admin| {
        let invite = async |client: &Client, email: String| {
            client.post("/api/v1/invitations", json!({"email": email, "role": "user"})).await
        };
        invite(admin, "joan@example.org".to_owned()).await.expect(201);
        let id = text(&admin.get("/api/v1/invitations").await.json()["items"][0]["id"]);
        for _ in 0..4 {
            admin.post(&format!("/api/v1/invitations/{id}/resend"), json!({})).await.expect(200);
        }
        let refused = admin.post(&format!("/api/v1/invitations/{id}/resend"), json!({})).await.expect(429);
        assert_eq!(refused.error(), "identity.too-many-invitations");
        assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
        // The address is spared from other workspaces too.
        let elsewhere = app.admin_elsewhere().await;
        invite(&elsewhere, "joan@example.org".to_owned()).await.expect(429);
        // What was refused for another reason costs nothing.
        for _ in 0..60 {
            invite(&elsewhere, "no address".to_owned()).await.expect(422);
            invite(&elsewhere, "admin@example.org".to_owned()).await.expect(409);
        }
        for number in 0..50 {
            invite(&elsewhere, format!("p{number}@example.org")).await.expect(201);
        }
        invite(&elsewhere, "one-more@example.org".to_owned()).await.expect(429);
    })
    .await;
}
