//! Who can write in the database, but does not hold the installation's secret, changes the audit log; `verify` finds it.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use testkit::{App, Client};

use crate::{create, log_in, with_admin};

async fn script(app: &App, statements: &[String]) {
    let mut tx = app.platform.db.begin().await.unwrap();
    for statement in statements {
        tx.query_built(statement.clone())
            .execute()
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    tx.commit().await.unwrap();
}

fn lines(text: &str) -> Vec<String> {
    text.split(';').map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Writes the tables down, so that each attack begins with what was there.
const KEEP: &str = "CREATE TABLE kept_rows AS SELECT * FROM identity_audit;
    CREATE TABLE kept_heads AS SELECT * FROM identity_audit_heads";
const PUT_BACK: &str = "DELETE FROM identity_audit; DELETE FROM identity_audit_heads; DELETE FROM identity_audit_anchors;
    INSERT INTO identity_audit SELECT * FROM kept_rows; INSERT INTO identity_audit_heads SELECT * FROM kept_heads";

async fn verify(admin: &Client, query: &str) -> Value {
    admin.get(&format!("/api/v1/audit/verify{query}")).await.expect(200).json()
}

/// Ten rows in the first workspace's log; its id.
async fn ten(app: &App, admin: &Client) -> String {
    create(admin, "grace@example.org", "user").await;
    for number in 0..7 {
        log_in(&app.stranger(), &format!("nobody{number}@example.org"), "wrong").await.expect(401);
    }
    let me = admin.get("/auth/me").await.expect(200).json();
    let fine = verify(admin, "").await;
    assert_eq!((&fine["ok"], &fine["checked"]), (&Value::Bool(true), &Value::from(10)), "{fine}");
    me["workspace"]["id"].as_str().unwrap().to_owned()
}

/// The chain of all rows, made anew without the key, after `sql` changed some.
async fn rechain(app: &App) {
    let mut tx = app.platform.db.begin().await.unwrap();
    let rows = tx.query("SELECT * FROM identity_audit ORDER BY seq").rows().await.unwrap();
    let mut before = vec![0_u8; 32];
    for row in &rows {
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
        let hash = hasher.finalize().to_vec();
        tx.query("UPDATE identity_audit SET prev_hash = $2, hash = $3 WHERE id = $1")
            .bind(row.get::<String>("id").unwrap())
            .bind(before)
            .bind(hash.clone())
            .execute()
            .await
            .unwrap();
        before = hash;
    }
    let last: i64 = rows.last().unwrap().get("seq").unwrap();
    tx.query("UPDATE identity_audit_heads SET seq = $1, hash = $2, mac = NULL")
        .bind(last)
        .bind(before)
        .execute()
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_in_the_database_is_found() {
    with_admin(async |app, admin| {
        let workspace = ten(app, admin).await;
        script(app, &lines(KEEP)).await;
        let head = verify(admin, "").await["head"].as_str().unwrap().to_owned();
        let other = "aud_00000000000000000000000000";
        // What is done, the row that is told, and whether a later row can stand on it without showing it.
        let attacks = [
            (format!("UPDATE identity_audit SET id = '{other}' WHERE seq = 4"), 4),
            ("UPDATE identity_audit SET at = at + 1 WHERE seq = 4".to_owned(), 4),
            ("UPDATE identity_audit SET actor_id = 'usr_00000000000000000000000000' WHERE seq = 4".to_owned(), 4),
            ("UPDATE identity_audit SET actor_email = 'x@example.org' WHERE seq = 4".to_owned(), 4),
            ("UPDATE identity_audit SET actor_email = NULL WHERE seq = 4".to_owned(), 4),
            ("UPDATE identity_audit SET action = 'identity.login' WHERE seq = 4".to_owned(), 4),
            ("UPDATE identity_audit SET target = 'x' WHERE seq = 4".to_owned(), 4),
            ("UPDATE identity_audit SET address = '10.0.0.1' WHERE seq = 4".to_owned(), 4),
            ("UPDATE identity_audit SET request_id = 'x' WHERE seq = 4".to_owned(), 4),
            ("UPDATE identity_audit SET detail = '{\"a\":1}' WHERE seq = 4".to_owned(), 4),
            (
                "UPDATE identity_audit SET prev_hash = (SELECT hash FROM kept_rows WHERE seq = 1) WHERE seq = 4"
                    .to_owned(),
                4,
            ),
            ("UPDATE identity_audit SET hash = prev_hash WHERE seq = 4".to_owned(), 4),
            ("UPDATE identity_audit SET seq = 99 WHERE seq = 4".to_owned(), 4),
            ("DELETE FROM identity_audit WHERE seq = 4".to_owned(), 4),
            ("DELETE FROM identity_audit WHERE seq = 1".to_owned(), 1),
            ("DELETE FROM identity_audit WHERE seq > 8".to_owned(), 9),
            // With the head set back, by the hash that the row had.
            (
                "DELETE FROM identity_audit WHERE seq > 8;
                 UPDATE identity_audit_heads SET seq = 8, hash = (SELECT hash FROM kept_rows WHERE seq = 8)"
                    .to_owned(),
                8,
            ),
            (
                "DELETE FROM identity_audit WHERE seq > 8;
                 UPDATE identity_audit_heads SET seq = 8, mac = NULL, hash = (SELECT hash FROM kept_rows WHERE seq = 8)"
                    .to_owned(),
                8,
            ),
            ("DELETE FROM identity_audit".to_owned(), 1),
            ("DELETE FROM identity_audit; DELETE FROM identity_audit_heads".to_owned(), 1),
            ("DELETE FROM identity_audit_heads".to_owned(), 1),
            ("UPDATE identity_audit_heads SET hash = (SELECT hash FROM kept_rows WHERE seq = 1)".to_owned(), 10),
            ("UPDATE identity_audit_heads SET mac = hash".to_owned(), 10),
            ("UPDATE identity_audit_heads SET mac = NULL".to_owned(), 10),
            // Two rows change places.
            (
                "UPDATE identity_audit SET seq = 99 WHERE seq = 4; UPDATE identity_audit SET seq = 4 WHERE seq = 5;
                 UPDATE identity_audit SET seq = 5 WHERE seq = 99"
                    .to_owned(),
                4,
            ),
            // A row more, at the end and before the beginning.
            (
                format!(
                    "INSERT INTO identity_audit SELECT '{other}', workspace_id, 11, at, actor_id, actor_email, action, target,
                         address, request_id, detail, hash, hash FROM kept_rows WHERE seq = 10"
                ),
                11,
            ),
            (
                format!(
                    "INSERT INTO identity_audit SELECT '{other}', workspace_id, 0, at, actor_id, actor_email, action, target,
                         address, request_id, detail, prev_hash, hash FROM kept_rows WHERE seq = 1"
                ),
                0,
            ),
            // As if retention had taken the first rows.
            (
                format!(
                    "DELETE FROM identity_audit WHERE seq < 5; INSERT INTO identity_audit_anchors
                     SELECT '{workspace}', 4, hash, 1, hash FROM kept_rows WHERE seq = 4"
                ),
                5,
            ),
        ];
        for (attack, seq) in attacks {
            script(app, &lines(&attack)).await;
            let found = verify(admin, "").await;
            assert_eq!((&found["ok"], &found["fault"]["seq"]), (&Value::Bool(false), &Value::from(seq)), "{attack}: {found}");
            script(app, &lines(PUT_BACK)).await;
        }

        // All of it anew, without the key.
        for change in ["UPDATE identity_audit SET detail = '{}' WHERE seq = 2", "DELETE FROM identity_audit WHERE seq > 7"] {
            script(app, &lines(change)).await;
            rechain(app).await;
            let found = verify(admin, "").await;
            assert_eq!(found["ok"], Value::Bool(false), "{change}: {found}");
            script(app, &lines(PUT_BACK)).await;
        }
        assert_eq!(verify(admin, &format!("?since_head={head}")).await["ok"], Value::Bool(true));
    })
    .await;
}

/// The rows that come after an attack do not heal it.
#[tokio::test(flavor = "multi_thread")]
async fn a_cut_log_stays_cut_when_it_grows_again() {
    with_admin(async |app, admin| {
        ten(app, admin).await;
        script(app, &lines(KEEP)).await;
        for mac in ["mac", "NULL", "hash"] {
            let cut = format!(
                "DELETE FROM identity_audit WHERE seq > 8;
                 UPDATE identity_audit_heads SET seq = 8, mac = {mac}, hash = (SELECT hash FROM kept_rows WHERE seq = 8)"
            );
            script(app, &lines(&cut)).await;
            for number in 0..3 {
                log_in(&app.stranger(), &format!("later{number}@example.org"), "wrong").await.expect(401);
            }
            let found = verify(admin, "").await;
            assert_eq!((&found["ok"], &found["fault"]["seq"]), (&Value::Bool(false), &Value::from(9)), "{found}");
            script(app, &lines(PUT_BACK)).await;
        }
    })
    .await;
}

/// A database that is put back as a whole to an earlier state is in itself in order: what was kept outside tells.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_put_back_is_found_by_what_was_kept_outside() {
    with_admin(async |app, admin| {
        ten(app, admin).await;
        script(app, &lines(KEEP)).await;
        log_in(&app.stranger(), "later@example.org", "wrong").await.expect(401);
        let later = verify(admin, "").await["head"].as_str().unwrap().to_owned();
        app.identity.verify_audit_now().await.unwrap();
        script(app, &lines(PUT_BACK)).await;
        assert_eq!(verify(admin, "").await["ok"], Value::Bool(true));
        let found = verify(admin, &format!("?since_head={later}")).await;
        assert_eq!(
            (&found["ok"], &found["fault"]["seq"]),
            (&Value::Bool(false), &Value::from(11)),
            "{found}"
        );
        // The daily look keeps the ends with the files.
        let (_, broken) = app.identity.verify_audit_now().await.unwrap();
        assert_eq!(broken, 1);
        admin.get("/api/v1/audit/verify?since_head=nonsense").await.expect(400);
    })
    .await;
}
