use serde_json::json;

use crate::{PASSWORD, bearer, create, log_in, text, with_admin};

#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_counts_at_once() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let grace = bearer(app, &pair["access_token"]);
        grace.get("/auth/me").await.expect(200);
        grace.post("/auth/logout", json!({})).await.expect(204);
        assert_eq!(grace.get("/auth/me").await.expect(401).error(), "identity.session-ended");
        let body = json!({"refresh_token": pair["refresh_token"]});
        app.stranger().post("/auth/refresh", body).await.expect(401);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_and_ended_by_their_user_alone() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let mut clients = Vec::new();
        for _ in 0..3 {
            let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
            clients.push(bearer(app, &pair["access_token"]));
        }
        let page = clients[0].get("/api/v1/auth/sessions?page_size=2").await.expect(200).json();
        assert_eq!((&page["total"], &page["total_pages"]), (&json!(3), &json!(2)));
        let all = clients[0].get("/api/v1/auth/sessions").await.expect(200).json();
        let items = all["items"].as_array().unwrap();
        assert_eq!(items.iter().filter(|item| item["current"] == true).count(), 1);
        assert_eq!(items[0]["address"], "127.0.0.1");
        assert_eq!((&items[0]["kind"], &items[0]["client"]), (&json!("program"), &json!(null)));
        let other = items.iter().find(|item| item["current"] == false).map(|item| text(&item["id"])).unwrap();

        // The administrator's own sessions are others: this one does not exist for them.
        admin.delete(&format!("/api/v1/auth/sessions/{other}")).await.expect(404);
        clients[0].delete(&format!("/api/v1/auth/sessions/{other}")).await.expect(204);
        clients[0].delete(&format!("/api/v1/auth/sessions/{other}")).await.expect(404);
        clients[0].delete("/api/v1/auth/sessions/nonsense").await.expect(404);
        let mut live = 0;
        for client in &clients {
            live += u32::from(client.get("/api/v1/auth/me").await.status == 200);
        }
        assert_eq!(live, 2);
        clients[0].delete("/api/v1/auth/sessions").await.expect(204);
        clients[0].get("/api/v1/auth/me").await.expect(200);
        assert_eq!(clients[0].get("/api/v1/auth/sessions").await.expect(200).json()["total"], 1);
        clients[0].get("/api/v1/auth/sessions?pagesize=2").await.expect(400);
        clients[0].get("/api/v1/auth/sessions?page=0").await.expect(400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_change_asks_for_the_old_and_ends_the_others() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let one = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let two = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let (one, two) = (bearer(app, &one["access_token"]), bearer(app, &two["access_token"]));
        two.get("/api/v1/auth/me").await.expect(200);
        let change = |current: &str, new: &str| json!({"current_password": current, "new_password": new});
        let wrong =
            one.post("/api/v1/auth/password", change("wrong", "another fine phrase")).await.expect(422);
        assert_eq!(wrong.error(), "identity.wrong-password");
        for weak in ["short", "password123", "grace@example.org", "grace@EXAMPLE.org"] {
            let refused = one.post("/api/v1/auth/password", change(PASSWORD, weak)).await.expect(422).json();
            assert_eq!(refused["errors"][0]["pointer"], "/new_password", "{weak}: {refused}");
        }
        one.post("/api/v1/auth/password", change(PASSWORD, "another fine phrase")).await.expect(204);
        one.get("/api/v1/auth/me").await.expect(200);
        two.get("/api/v1/auth/me").await.expect(401);
        log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(401);
        log_in(&app.stranger(), "grace@example.org", "another fine phrase").await.expect(200);
        // A stolen session cannot try passwords without end: one was tried above.
        for _ in 0..4 {
            one.post("/api/v1/auth/password", change("wrong", "yet another phrase")).await.expect(422);
        }
        one.post("/api/v1/auth/password", change("wrong", "yet another phrase")).await.expect(429);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_changes_and_nothing_else_does() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let grace = bearer(app, &pair["access_token"]);
        let me = grace
            .patch("/api/v1/auth/me", json!({"first_name": " Amazing ", "locale": "fr"}))
            .await
            .expect(200)
            .json();
        assert_eq!(
            (&me["first_name"], &me["last_name"], &me["locale"]),
            (&json!("Amazing"), &json!("Hopper"), &json!("fr"))
        );
        let me = grace.patch("/api/v1/auth/me", json!({"locale": null})).await.expect(200).json();
        assert_eq!((&me["first_name"], &me["locale"]), (&json!("Amazing"), &json!(null)));
        for body in [
            json!({"role": "admin"}),
            json!({"roles": ["admin"]}),
            json!({"workspace_id": me["workspace"]["id"]}),
            json!({"is_verified": true}),
            json!({"email": "other@example.org"}),
            json!({"locale": "de"}),
            json!({"first_name": "x".repeat(101)}),
            json!({"first_name": "a\u{0}b"}),
        ] {
            let answer = grace.patch("/api/v1/auth/me", body.clone()).await;
            assert_eq!(answer.status, 422, "{body}");
        }
    })
    .await;
}
