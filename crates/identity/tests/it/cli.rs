use clap::Command as Shape;
use testkit::App;

use crate::{PASSWORD, bearer, create, log_in, with_admin};

/// `socle user …` as the binary runs it.
pub(crate) async fn user(app: &App, arguments: &[&str]) -> anyhow::Result<()> {
    let (_, parts) = identity::build(&app.platform, identity::Config::default(), &[])?;
    let command = parts.commands.into_iter().next().expect("identity has a command");
    let shape: Shape = identity::MANIFEST.commands[0]();
    let matches = shape.try_get_matches_from([&["user"], arguments].concat())?;
    command.run(matches).await
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
