use std::path::Path;

use serde_json::{Value, json};
use testkit::{App, Client};

use crate::{PASSWORD, bearer, cli::user, create, log_in, text, with_admin};

/// Of "correct horse battery", by the `bcrypt` package for Python and by Django.
const BCRYPT: &str = "$2b$06$7PTillA5cOZJTkDbxWsvieSLHfM.uiRR4RglXVLW7ZMcq3.KPtH.C";
const DJANGO: &str =
    "pbkdf2_sha256$20000$SUSt31vT9cvgN6q3XSDg2l$3p0YnyX1BImOpXk90DVrIQ87KwplSk2mxiUvc2NqKWQ=";

async fn import(app: &App, file: &Path, more: &[&str]) -> anyhow::Result<()> {
    let file = file.display().to_string();
    user(app, &[&["import", file.as_str()], more].concat()).await
}

async fn total(admin: &Client) -> u64 {
    admin.get("/api/v1/users").await.expect(200).json()["total"].as_u64().unwrap()
}

async fn stored_hash(app: &App, email: &str) -> String {
    let mut tx = app.platform.db.read().await.unwrap();
    let sql = "SELECT password_hash AS value FROM identity_users WHERE email_key = $1";
    tx.query(sql).bind(email).one().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn imported_accounts_sign_in_and_are_rehashed() {
    with_admin(async |app, admin| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users.csv");
        // A byte order mark, quoted fields, spaces, accents; a password in clear for one.
        let rows = format!(
            "\u{feff}email,first_name,last_name,role,password_hash,password,is_active,is_verified,locale\r\n\
             one@example.org,\"Zoë, \"\"Z\"\"\",Müller,teacher,{BCRYPT},,true,true,fr\r\n\
             two@example.org,Two,,user|student,{DJANGO},,1,0,\r\n\
             three@example.org,Three,,,,{PASSWORD},yes,no,en\r\n\
             four@example.org,Four,,,{BCRYPT},,false,,\r\n"
        );
        std::fs::write(&file, rows).unwrap();
        import(app, &file, &["--dry-run"]).await.unwrap();
        assert_eq!(total(admin).await, 1);
        import(app, &file, &[]).await.unwrap();
        assert_eq!(total(admin).await, 5);
        let stranger = app.stranger();
        for email in ["one@example.org", "two@example.org", "three@example.org"] {
            let before = stored_hash(app, email).await;
            log_in(&stranger, email, "correct horse batterY").await.expect(401);
            assert_eq!(stored_hash(app, email).await, before);
            log_in(&stranger, email, PASSWORD).await.expect(200);
            assert!(stored_hash(app, email).await.starts_with("$argon2id$"), "{email}");
            log_in(&stranger, email, PASSWORD).await.expect(200);
            log_in(&stranger, email, "correct horse batterY").await.expect(401);
        }
        log_in(&stranger, "four@example.org", PASSWORD).await.expect(401);
        let pair = log_in(&stranger, "one@example.org", PASSWORD).await.expect(200).json();
        let me = bearer(app, &pair["access_token"]).get("/api/v1/auth/me").await.expect(200).json();
        assert_eq!((&me["first_name"], &me["locale"]), (&json!("Zoë, \"Z\""), &json!("fr")));
        assert_eq!((&me["roles"], &me["is_verified"]), (&json!(["teacher"]), &json!(true)));
        let two = admin.get("/api/v1/users?search=two@").await.expect(200).json();
        assert_eq!(two["items"][0]["roles"], json!(["student", "user"]));

        // Twice the same file changes nothing, with --update neither: not even the passwords that were rehashed.
        let changed = stored_hash(app, "one@example.org").await;
        let before = admin.get("/api/v1/users").await.expect(200).json();
        import(app, &file, &[]).await.unwrap();
        import(app, &file, &["--update"]).await.unwrap();
        assert_eq!(admin.get("/api/v1/users").await.expect(200).json(), before);
        assert_eq!(stored_hash(app, "one@example.org").await, changed);
        // With --update what is otherwise is changed, and only that.
        let rows = "email,last_name,role\none@example.org,Meier,user\n";
        std::fs::write(&file, rows).unwrap();
        import(app, &file, &[]).await.unwrap();
        import(app, &file, &["--update"]).await.unwrap();
        let one = admin.get("/api/v1/users?search=one@").await.expect(200).json()["items"][0].clone();
        assert_eq!((&one["last_name"], &one["roles"]), (&json!("Meier"), &json!(["user"])));
        assert_eq!(one["first_name"], "Zoë, \"Z\"");
        log_in(&stranger, "one@example.org", PASSWORD).await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_one_fault_nothing_is_imported() {
    with_admin(async |app, admin| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users.csv");
        let gone = create(admin, "gone@example.org", "user").await;
        admin.delete(&format!("/api/v1/users/{gone}")).await.expect(204);
        let before = total(admin).await;
        for fault in [
            "nobody,,,".to_owned(),
            "b@example.org,,root,".to_owned(),
            "b@example.org,,user,$1$md5$crypt".to_owned(),
            format!("b@example.org,,user,$2b$20${}", "a".repeat(53)),
            "b@example.org,,user".to_owned(),
            "A@EXAMPLE.org,,user,".to_owned(),
            "gone@example.org,,user,".to_owned(),
            "b@example.org,\"two\nlines\",user,".to_owned(),
        ] {
            let rows = format!("email,first_name,role,password_hash\na@example.org,Ada,user,{BCRYPT}\n{fault}\nc@example.org,C,user,\n");
            std::fs::write(&file, rows).unwrap();
            let error = format!("{:#}", import(app, &file, &[]).await.unwrap_err());
            assert!(error.contains("1 lines have faults"), "{fault}: {error}");
            assert!(import(app, &file, &["--dry-run"]).await.is_err(), "{fault}");
            assert_eq!(total(admin).await, before, "{fault}");
        }
        import(app, &file, &["--skip-faulty"]).await.unwrap();
        assert_eq!(total(admin).await, before + 2);
        for (rows, told) in [
            ("", "email"),
            ("name,role\nx,user\n", "is no column"),
            ("email,email\n", "twice"),
            ("role\nuser\n", "email among them"),
        ] {
            std::fs::write(&file, rows).unwrap();
            let error = format!("{:#}", import(app, &file, &[]).await.unwrap_err());
            assert!(error.contains(told), "{rows}: {error}");
        }
        std::fs::write(&file, b"email,first_name\na@example.org,\xff\n").unwrap();
        assert!(import(app, &file, &[]).await.is_err());
        assert!(import(app, &folder.path().join("missing.csv"), &[]).await.is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_can_be_imported() {
    with_admin(async |app, admin| {
        let folder = tempfile::tempdir().unwrap();
        create(admin, "grace@example.org", "operator").await;
        let id = create(admin, "zoë+x@example.org", "teacher").await;
        admin
            .patch(&format!("/api/v1/users/{id}"), json!({"is_active": false, "first_name": "a,\"b\""}))
            .await
            .expect(200);
        for (format, name) in [("csv", "users.csv"), ("jsonl", "users.jsonl")] {
            let (plain, whole) = (folder.path().join(format!("plain-{name}")), folder.path().join(name));
            let (plain_name, whole_name) = (plain.display().to_string(), whole.display().to_string());
            user(app, &["export", "--format", format, "--output", &plain_name]).await.unwrap();
            user(app, &["export", "--format", format, "--with-hashes", "--output", &whole_name])
                .await
                .unwrap();
            let plain = std::fs::read_to_string(plain).unwrap();
            assert!(!plain.contains("$argon2") && plain.contains("zoë+x@example.org"), "{plain}");
            assert!(std::fs::read_to_string(&whole).unwrap().contains("$argon2id$"));
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&whole).unwrap().permissions().mode() & 0o777, 0o600);

            // Into another workspace's place: the accounts are deleted and purged first.
            let before = admin.get("/api/v1/users").await.expect(200).json();
            for user in before["items"].as_array().unwrap() {
                if user["email"] != "admin@example.org" {
                    let path = format!("/api/v1/users/{}", text(&user["id"]));
                    admin.delete(&path).await.expect(204);
                    admin.post(&format!("{path}/purge"), json!({})).await.expect(204);
                }
            }
            assert_eq!(total(admin).await, 1);
            import(app, &whole, &[]).await.unwrap();
            let after = admin.get("/api/v1/users").await.expect(200).json();
            assert_eq!(after["total"], before["total"]);
            // Accounts of one moment have no order.
            let by_address = |list: &Value| {
                let mut items = list["items"].as_array().unwrap().clone();
                items.sort_by_key(|item| text(&item["email"]));
                items
            };
            for (one, other) in by_address(&after).iter().zip(&by_address(&before)) {
                for field in ["email", "first_name", "last_name", "roles", "is_active", "is_verified"] {
                    assert_eq!(one[field], other[field], "{format}");
                }
            }
            log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200);
        }
    })
    .await;
}
