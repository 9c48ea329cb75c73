use futures::future::join_all;
use serde_json::{Value, json};
use testkit::{Modules, on_each_engine};

use crate::{PASSWORD, bearer, log_in, with_admin};

fn body(token: &str, email: &str) -> Value {
    json!({"token": token, "email": email, "password": PASSWORD, "first_name": "Ada", "last_name": "Byron"})
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_makes_one_administrator() {
    on_each_engine(Modules::NONE, async |app| {
        let stranger = app.stranger();
        assert_eq!(stranger.get("/auth/first-run").await.expect(200).json(), json!({"required": true}));
        let link = app.identity.first_run_link("http://localhost:8000/").await.unwrap().unwrap();
        let token = link.strip_prefix("http://localhost:8000/welcome?token=").unwrap();
        stranger.post("/auth/first-run", body("x", "a@example.org")).await.expect(410);
        stranger.post("/auth/first-run", body(&"A".repeat(43), "a@example.org")).await.expect(410);
        stranger.post("/auth/first-run", body(token, "nobody")).await.expect(422);
        // Of ten at once, one wins.
        let emails: Vec<_> = (0..10).map(|number| format!("ada{number}@example.org")).collect();
        let answers =
            join_all(emails.iter().map(|email| stranger.post("/auth/first-run", body(token, email)))).await;
        let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
        assert_eq!(made.len(), 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
        let me = made[0].json();
        assert_eq!((&me["roles"], &me["is_verified"]), (&json!(["admin"]), &json!(true)));
        assert_eq!(made[0].headers.get_all("set-cookie").iter().count(), 2);
        assert!(answers.iter().all(|answer| [201, 409, 410].contains(&answer.status)));

        assert_eq!(stranger.get("/auth/first-run").await.expect(200).json(), json!({"required": false}));
        assert_eq!(app.identity.first_run_link("http://localhost").await.unwrap(), None);
        stranger.post("/auth/first-run", body(token, "b@example.org")).await.expect(409);
        let pair = log_in(&stranger, me["email"].as_str().unwrap(), PASSWORD).await.expect(200).json();
        assert_eq!(
            bearer(app, &pair["access_token"]).get("/api/v1/users").await.expect(200).json()["total"],
            1
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_links_make_one_administrator() {
    on_each_engine(Modules::NONE, async |app| {
        let mut tokens = Vec::new();
        for _ in 0..4 {
            let link = app.identity.first_run_link(&app.base).await.unwrap().unwrap();
            tokens.push(link.split("token=").nth(1).unwrap().to_owned());
        }
        let stranger = app.stranger();
        let answers = join_all(tokens.iter().enumerate().map(async |(number, token)| {
            stranger.post("/auth/first-run", body(token, &format!("ada{number}@example.org"))).await.status
        }))
        .await;
        assert_eq!(answers.iter().filter(|status| **status == 201).count(), 1, "{answers:?}");
        assert!(answers.iter().all(|status| [201, 409].contains(status)), "{answers:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_looked_up_for_display() {
    with_admin(async |app, admin| {
        let me = admin.get("/api/v1/auth/me").await.expect(200).json();
        let id = me["id"].as_str().unwrap().parse().unwrap();
        let unknown = kernel::UserId::new(kernel::Clock::now(&*app.clock));
        let names = app.identity.names(&[id, unknown]).await.unwrap();
        assert_eq!(names.len(), 1);
        assert_eq!(names[&id], "Ada Byron");
    })
    .await;
}
