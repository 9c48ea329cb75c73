use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{PASSWORD, bearer, create, log_in, with_admin};

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_written_down_without_secrets() {
    with_admin(async |app, admin| {
        let id = create(admin, "grace@example.org", "user").await;
        let stranger = app.stranger();
        log_in(&stranger, "grace@example.org", "a wrong guess").await.expect(401);
        log_in(&stranger, "nobody@example.org", "a wrong guess").await.expect(401);
        // Typed into the wrong field.
        log_in(&stranger, "my secret pass phrase", "x").await.expect(401);
        let pair = log_in(&stranger, "grace@example.org", PASSWORD).await.expect(200).json();
        let grace = bearer(app, &pair["access_token"]);
        let change = json!({"current_password": PASSWORD, "new_password": "another fine phrase"});
        grace.post("/auth/password", change).await.expect(204);
        grace.post("/auth/logout", json!({})).await.expect(204);
        admin.patch(&format!("/api/v1/users/{id}"), json!({"role": "operator"})).await.expect(200);
        admin.post(&format!("/api/v1/users/{id}/reset-password"), json!({})).await.expect(200);

        let all = admin.get("/api/v1/audit?limit=100").await.expect(200).json();
        assert_eq!(all["next_cursor"], json!(null));
        let items = all["items"].as_array().unwrap();
        let actions: Vec<_> = items.iter().rev().map(|item| item["action"].as_str().unwrap()).collect();
        assert_eq!(
            actions,
            [
                "identity.first-run",
                "identity.login",
                "identity.user-created",
                "identity.login-failed",
                "identity.login-failed",
                "identity.login-failed",
                "identity.login",
                "identity.password-changed",
                "identity.logout",
                "identity.user-updated",
                "identity.reset-link-made",
            ]
        );
        let text = all.to_string();
        for secret in [PASSWORD, "a wrong guess", "another fine phrase", "my secret pass phrase", "argon2"] {
            assert!(!text.contains(secret), "{secret}");
        }
        let failed = &items[7];
        assert_eq!(
            (&failed["actor_id"], &failed["actor_email"]),
            (&json!(null), &json!("grace@example.org"))
        );
        assert_eq!((&failed["target"], &failed["address"]), (&json!(id), &json!("127.0.0.1")));
        let changed = &items[1];
        assert_eq!(changed["actor_email"], "admin@example.org");
        assert_eq!(changed["detail"]["before"]["roles"], json!(["user"]));
        assert_eq!(changed["detail"]["after"]["roles"], json!(["operator"]));
        assert!(changed["request_id"].as_str().unwrap().starts_with("req_"), "{changed}");

        // Page by page it is the same list.
        let mut paged = Vec::new();
        let mut query = "limit=4".to_owned();
        loop {
            let feed = admin.get(&format!("/api/v1/audit?{query}")).await.expect(200).json();
            paged.extend(feed["items"].as_array().unwrap().clone());
            let Some(cursor) = feed["next_cursor"].as_str() else { break };
            query = format!("limit=4&cursor={cursor}");
        }
        assert_eq!(&paged, items);
        let by_grace = admin
            .get("/api/v1/audit?actor=grace@example.org&action=identity.logout")
            .await
            .expect(200)
            .json();
        assert_eq!(by_grace["items"].as_array().unwrap().len(), 1);
        admin.get("/api/v1/audit?cursor=nonsense").await.expect(400);
        admin.get("/api/v1/audit?limit=0").await.expect(400);
    })
    .await;
}

/// The chain as an outsider would check it, from the table alone.
#[tokio::test(flavor = "multi_thread")]
async fn rows_are_chained() {
    with_admin(async |app, admin| {
        let stranger = app.stranger();
        let logins = (0..10).map(|number| {
            let (stranger, email) = (stranger.clone(), format!("nobody{number}@example.org"));
            async move { log_in(&stranger, &email, "wrong").await.expect(401) }
        });
        futures::future::join_all(logins).await;
        create(admin, "grace@example.org", "user").await;

        let mut tx = app.platform.db.read().await.unwrap();
        let rows = tx.query("SELECT * FROM identity_audit ORDER BY workspace_id, seq").rows().await.unwrap();
        assert_eq!(rows.len(), 13);
        let mut before = vec![0; 32];
        for (row, number) in rows.iter().zip(1_i64..) {
            assert_eq!(row.get::<i64>("seq").unwrap(), number);
            assert_eq!(row.get::<Vec<u8>>("prev_hash").unwrap(), before);
            let mut hasher = Sha256::new();
            hasher.update(&before);
            let mut field = |text: Option<String>| match text {
                None => hasher.update([0]),
                Some(text) => {
                    hasher.update([1]);
                    hasher.update((text.len() as u64).to_be_bytes());
                    hasher.update(text);
                }
            };
            for column in ["id", "workspace_id"] {
                field(Some(row.get(column).unwrap()));
            }
            for column in ["seq", "at"] {
                field(Some(row.get::<i64>(column).unwrap().to_string()));
            }
            for column in ["actor_id", "actor_email"] {
                field(row.get(column).unwrap());
            }
            field(Some(row.get("action").unwrap()));
            for column in ["target", "address"] {
                field(row.get(column).unwrap());
            }
            for column in ["request_id", "detail"] {
                field(Some(row.get(column).unwrap()));
            }
            before = row.get("hash").unwrap();
            assert_eq!(hasher.finalize().to_vec(), before, "row {number}");
        }
    })
    .await;
}
