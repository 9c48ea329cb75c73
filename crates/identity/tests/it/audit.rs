use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

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

/// The chain as who holds the installation's secret would check it, from the table alone.
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
        let secret = std::fs::read(app.data.join("secrets/identity.key")).unwrap();
        let mac = |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).unwrap();
        let key = mac(secret.trim_ascii()).chain_update(b"socle audit rows").finalize().into_bytes();
        let mut before = vec![0; 32];
        for (row, number) in rows.iter().zip(1_i64..) {
            assert_eq!(row.get::<i64>("seq").unwrap(), number);
            assert_eq!(row.get::<Vec<u8>>("prev_hash").unwrap(), before);
            let mut hasher = mac(&key);
            hasher.update(&before);
            let mut field = |text: Option<String>| match text {
                None => hasher.update(&[0]),
                Some(text) => {
                    hasher.update(&[1]);
                    hasher.update(&(text.len() as u64).to_be_bytes());
                    hasher.update(text.as_bytes());
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
            assert_eq!(hasher.finalize().into_bytes().to_vec(), before, "row {number}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_filtered_and_exported() {
    with_admin(async |app, admin| {
        let id = create(admin, "grace@example.org", "user").await;
        let stranger = app.stranger();
        log_in(&stranger, "=cmd@example.org", "wrong").await.expect(401);
        log_in(&stranger, "GRACE@example.org", "wrong").await.expect(401);
        app.clock.advance(std::time::Duration::from_secs(3_600));
        log_in(&stranger, "grace@example.org", PASSWORD).await.expect(200);
        let admin = app.admin().await;
        let count = async |query: &str| {
            let page = admin.get(&format!("/api/v1/audit?limit=100&{query}")).await.expect(200).json();
            page["items"].as_array().unwrap().len()
        };
        assert_eq!(count("action=identity.login-failed").await, 2);
        assert_eq!(count("action=identity.login").await, 3);
        assert_eq!(count("action=identity.login*").await, 5);
        assert_eq!(count("action=identity.").await, 7);
        assert_eq!(count("action=identity_login*").await, 0, "no wildcards");
        assert_eq!(count("action=%25*").await, 0);
        assert_eq!(count(&format!("target={id}")).await, 2);
        assert_eq!(count("address=127.0.0.1").await, 7);
        assert_eq!(count("address=10.0.0.1").await, 0);
        assert_eq!(count("q=GRACE").await, 3);
        assert_eq!(count("q=%25%25").await, 0);
        assert_eq!(count("from=2026-01-05T09:00:00Z").await, 2);
        assert_eq!(count("to=2026-01-05T09:00:00Z").await, 5);
        admin.get("/api/v1/audit?from=yesterday").await.expect(400);

        let csv = admin.get("/api/v1/audit/export").await.expect(200);
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        assert!(
            csv.header("content-disposition").contains("audit-20260105"),
            "{}",
            csv.header("content-disposition")
        );
        let mut reader = csv::Reader::from_reader(csv.body.as_slice());
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 7);
        assert_eq!(&rows[0][3], "identity.first-run");
        assert!(rows.iter().any(|row| &row[2] == "'=cmd@example.org"), "{rows:?}");
        let all = admin.get("/api/v1/audit/export?format=json").await.expect(200).json();
        let mut listed = admin.get("/api/v1/audit?limit=100").await.expect(200).json()["items"].clone();
        listed.as_array_mut().unwrap().reverse();
        assert_eq!(all, listed);
        let none = admin.get("/api/v1/audit/export?format=json&q=nothing-like-it").await.expect(200);
        assert_eq!(none.json(), json!([]));
        let some =
            admin.get("/api/v1/audit/export?format=json&action=identity.login-failed").await.expect(200);
        assert_eq!(some.json().as_array().unwrap().len(), 2);
        admin.get("/api/v1/audit/export?format=xml").await.expect(400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_rows_go_and_the_chain_stays_whole() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let head = admin.get("/api/v1/audit/verify").await.expect(200).json()["head"].clone();
        assert_eq!(app.identity.keep_audit_now().await.unwrap(), (0, 0));
        app.clock.advance(std::time::Duration::from_secs(366 * 86_400));
        let admin = app.admin().await;
        // The schedule may be faster than this.
        app.identity.keep_audit_now().await.unwrap();
        let verified = testkit::eventually("the old rows are gone", async || {
            let verified = admin.get("/api/v1/audit/verify").await.expect(200).json();
            (verified["from_seq"] == 4 && verified["to_seq"] == 5).then_some(verified)
        })
        .await;
        assert_eq!((&verified["ok"], &verified["checked"]), (&json!(true), &json!(2)));
        let left = admin.get("/api/v1/audit?limit=100").await.expect(200).json();
        let mut actions: Vec<_> =
            left["items"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
        actions.sort_unstable();
        assert_eq!(actions, ["identity.audit-pruned", "identity.login"]);
        // The last row that went is still known; one before it is not.
        let since = async |head: &str| {
            admin.get(&format!("/api/v1/audit/verify?since_head={head}")).await.expect(200).json()["ok"]
                .clone()
        };
        assert_eq!(since(head.as_str().unwrap()).await, true);
        assert_eq!(since(&format!("2:{}", "0".repeat(64))).await, false);
        assert_eq!(app.identity.keep_audit_now().await.unwrap(), (0, 0));
        assert_eq!(app.identity.verify_audit_now().await.unwrap(), (2, 0));

        // What is broken is kept as it is.
        let mut tx = app.platform.db.begin().await.unwrap();
        tx.query("UPDATE identity_audit SET detail = '{\"x\":1}' WHERE seq = 5").execute().await.unwrap();
        tx.commit().await.unwrap();
        app.clock.advance(std::time::Duration::from_secs(400 * 86_400));
        assert_eq!(app.identity.keep_audit_now().await.unwrap(), (0, 1));
    })
    .await;
}
