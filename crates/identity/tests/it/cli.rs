use clap::Command as Shape;
use serde_json::json;
use testkit::App;

use crate::{PASSWORD, bearer, create, log_in, with_admin};

/// `socle user …` as the binary runs it.
pub(crate) async fn user(app: &App, arguments: &[&str]) -> anyhow::Result<()> {
    socle(app, "user", arguments).await
}

/// `socle <name> …` as the binary runs it.
async fn socle(app: &App, name: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let (_, parts) = identity::build(&app.platform, identity::Config::default(), &[])?;
    let command = parts.commands.into_iter().find(|command| command.command.get_name() == name);
    let shapes = identity::MANIFEST.commands.iter().map(|shape| shape());
    let shape: Shape = shapes.into_iter().find(|shape| shape.get_name() == name).expect("it has a shape");
    let matches = shape.try_get_matches_from([&[name], arguments].concat())?;
    command.expect("a shape has a command").run(matches).await
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_given_on_the_command_line() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        user(app, &["list"]).await.unwrap();
        user(app, &["list", "--json", "--workspace", "main"]).await.unwrap();
        user(app, &["set-role", "--email", "GRACE@example.org", "--role", "admin"]).await.unwrap();
        user(app, &["reset-password", "--email", "grace@example.org", "--json"]).await.unwrap();
        let pair = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let grace = bearer(app, &pair["access_token"]);
        grace.get("/api/v1/users").await.expect(200);
        let audit = grace.get("/api/v1/audit?actor=system:%20command%20line").await.expect(200).json();
        assert_eq!(audit["items"].as_array().unwrap().len(), 2, "{audit}");

        for (arguments, told) in [
            (&["set-role", "--email", "nobody@example.org", "--role", "user"][..], "nobody"),
            (&["set-role", "--email", "grace@example.org", "--role", "root"], "no role"),
            (&["list", "--workspace", "elsewhere"], "elsewhere"),
            (&["create", "--email", "x@example.org", "--role", "user"], "--password-stdin"),
        ] {
            let error = format!("{:#}", user(app, arguments).await.unwrap_err());
            assert!(error.contains(told), "{arguments:?}: {error}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_lives_on_the_command_line() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let email = ["--email", "grace@example.org"];
        let run =
            async |command: &str, more: &[&str]| user(app, &[&[command], &email[..], more].concat()).await;
        let state = async || {
            let listed = admin.get("/api/v1/users?search=grace").await.expect(200).json();
            listed["items"][0].clone()
        };
        run("show", &[]).await.unwrap();
        run("show", &["--json"]).await.unwrap();
        run("update", &["--first-name", "Grâce", "--locale", "fr", "--verified", "true"]).await.unwrap();
        assert_eq!(
            (&state().await["first_name"], &state().await["is_verified"]),
            (&"Grâce".into(), &true.into())
        );
        run("disable", &[]).await.unwrap();
        log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(401);
        run("enable", &["--json"]).await.unwrap();
        log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200);
        assert!(run("restore", &[]).await.is_err() && run("purge", &["--yes"]).await.is_err());
        run("delete", &[]).await.unwrap();
        assert!(run("show", &[]).await.is_err());
        user(app, &["list", "--deleted"]).await.unwrap();
        run("restore", &[]).await.unwrap();
        run("delete", &["--json"]).await.unwrap();
        assert!(run("purge", &[]).await.is_err(), "not without --yes");
        run("purge", &["--yes"]).await.unwrap();
        assert!(run("restore", &[]).await.is_err());
        // No mail server: a link cannot be sent.
        assert!(
            user(app, &["create", "--email", "a@example.org", "--role", "user", "--send-link"])
                .await
                .is_err()
        );
        assert!(
            user(app, &["delete", "--email", "admin@example.org"]).await.is_err(),
            "the last administrator"
        );
        assert!(user(app, &["update", "--email", "admin@example.org"]).await.is_err(), "nothing to change");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_secrets_are_made_and_revoked_on_the_command_line() {
    with_admin(async |app, admin| {
        create(admin, "grace@example.org", "user").await;
        let grace = log_in(&app.stranger(), "grace@example.org", PASSWORD).await.expect(200).json();
        let grace = bearer(app, &grace["access_token"]);
        let keys = async || grace.get("/api/v1/auth/api-keys").await.expect(200).json();
        let of_grace = ["--email", "grace@example.org"];
        let create =
            [&["create"], &of_grace[..], &["--name", "export", "--scope", "read", "--days", "9"]].concat();
        socle(app, "token", &create).await.unwrap();
        let made = keys().await["items"][0].clone();
        assert_eq!((&made["name"], &made["scopes"]), (&json!("export"), &json!(["read"])));
        assert!(made["expires_at"].is_string(), "{made}");
        socle(app, "token", &[&["list"], &of_grace[..], &["--json"]].concat()).await.unwrap();
        socle(app, "token", &[&["revoke", made["id"].as_str().unwrap()], &of_grace[..]].concat())
            .await
            .unwrap();
        assert_eq!(keys().await["total"], 0);

        let body = json!({"name": "Importer", "role": "user"});
        let account = admin.post("/api/v1/service-accounts", body).await.expect(201).json();
        let id = account["id"].as_str().unwrap();
        let place = format!("/api/v1/service-accounts/{id}");
        socle(app, "token", &["create", "--service", id, "--json"]).await.unwrap();
        let secret = admin.get(&place).await.expect(200).json()["secrets"][0]["id"].clone();
        socle(app, "token", &["list", "--service", id]).await.unwrap();
        socle(app, "token", &["revoke", "--service", id, secret.as_str().unwrap()]).await.unwrap();
        assert_eq!(admin.get(&place).await.expect(200).json()["secrets"], json!([]));

        socle(app, "key", &["list"]).await.unwrap();
        socle(app, "key", &["rotate"]).await.unwrap();
        socle(app, "key", &["list", "--json"]).await.unwrap();
        for (name, arguments, told) in [
            ("token", &["list"][..], "say whose"),
            ("token", &["list", "--email", "nobody@example.org"], "nobody"),
            ("token", &["create", "--service", "nonsense"], "no service account"),
            ("token", &["create", "--service", "usr_00000000000000000000000001"], "does not exist"),
            (
                "token",
                &["revoke", "--email", "grace@example.org", "key_00000000000000000000000001"],
                "does not exist",
            ),
            ("token", &["create", "--email", "grace@example.org", "--scope", "everything"], "everything"),
        ] {
            let error = format!("{:#}", socle(app, name, arguments).await.unwrap_err());
            assert!(error.contains(told), "{arguments:?}: {error}");
        }
    })
    .await;
}
