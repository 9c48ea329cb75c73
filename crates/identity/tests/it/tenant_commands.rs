use testkit::App;

use crate::{create, log_in, with_admin};

/// `socle workspace …` and `socle audit …` as the binary runs them.
async fn run(app: &App, words: &str) -> anyhow::Result<()> {
    let words: Vec<_> = words.split(' ').collect();
    let (_, parts) = identity::build(&app.platform, identity::Config::default(), &[])?;
    let command = parts.commands.into_iter().find(|command| command.command.get_name() == words[0]);
    let command = command.expect("identity has the command");
    let matches = command.command.clone().try_get_matches_from(words)?;
    command.run(matches).await
}

#[tokio::test(flavor = "multi_thread")]
async fn workspaces_are_kept_on_the_command_line() {
    with_admin(async |app, admin| {
        for words in [
            "workspace list",
            "workspace create Shop",
            "workspace show shop --json",
            "workspace update shop --name Store --slug store",
            "workspace invite store joan@example.org --role admin --locale fr",
            "workspace quota store --set jobs=5k",
            "workspace quota store --json",
            "workspace members main",
            "workspace delete store --yes",
            "workspace list --deleted --json",
            "workspace restore store",
        ] {
            run(app, words).await.unwrap_or_else(|error| panic!("{words}: {error:#}"));
        }
        create(admin, "grace@example.org", "user").await;
        run(app, "workspace members main --remove grace@example.org").await.unwrap();
        log_in(&app.stranger(), "grace@example.org", crate::PASSWORD).await.expect(403);
        let token = crate::invitations::mailed(app, "joan@example.org").await.remove(0);
        crate::invitations::accept(&app.stranger(), &token).await.expect(204);
        let all = admin.get("/api/v1/installation/workspaces").await.expect(200).json();
        assert_eq!((&all["items"][1]["slug"], &all["items"][1]["members"]), (&"store".into(), &1.into()));
        for (words, told) in [
            ("workspace show nowhere", "nowhere"),
            ("workspace delete main --yes", "first workspace"),
            ("workspace delete store", "--yes"),
            ("workspace restore store", "not deleted"),
            ("workspace quota store --set cats=1", "no resource"),
            ("workspace quota store --set jobs=many", "many"),
            ("workspace invite store joan@example.org", "member already"),
            ("workspace members main --remove admin@example.org", "no active administrator"),
        ] {
            let error = format!("{:#}", run(app, words).await.unwrap_err());
            assert!(error.contains(told), "{words}: {error}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_is_checked_on_the_command_line() {
    with_admin(async |app, admin| {
        let verified = admin.get("/api/v1/audit/verify").await.expect(200).json();
        let head = verified["head"].as_str().unwrap();
        for words in [
            "audit verify".to_owned(),
            "audit verify --all --json".to_owned(),
            format!("audit verify --since-head {head}"),
            "audit list --action identity.* --limit 5".to_owned(),
            "audit export --format json".to_owned(),
            "audit export --search login".to_owned(),
            "audit prune --keep-days 30".to_owned(),
        ] {
            run(app, &words).await.unwrap_or_else(|error| panic!("{words}: {error:#}"));
        }
        for (words, told) in [
            ("audit verify --since-head nonsense", "no head"),
            ("audit verify --workspace nowhere", "nowhere"),
            ("audit list --from yesterday", "--from"),
            ("audit prune --keep-days 0", "keep-days"),
        ] {
            let error = format!("{:#}", run(app, words).await.unwrap_err());
            assert!(error.contains(told), "{words}: {error}");
        }
        let mut tx = app.platform.db.begin().await.unwrap();
        tx.query("UPDATE identity_audit SET action = 'x' WHERE seq = 1").execute().await.unwrap();
        tx.commit().await.unwrap();
        let error = format!("{:#}", run(app, "audit verify").await.unwrap_err());
        assert!(error.contains("changed"), "{error}");
        run(app, "audit verify --all --json").await.unwrap_err();
    })
    .await;
}
