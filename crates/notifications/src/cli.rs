//! `socle mail …`, `socle webhook …`, `socle notify …`, for who sits at the machine.

use std::io::Write as _;

use anyhow::{Context as _, bail};
use clap::{Arg, ArgAction, ArgMatches};
use kernel::{Allow, Locale, Permission, WorkspaceId};
use platform::{Command, Level, Recipients};
use serde_json::json;

use crate::{
    model::{Delivery, TopicPattern, Webhook},
    permissions::{ReadWebhooks, WriteWebhooks},
    service::{Notifications, OwnWords, WebhookDraft},
};

/// The shape of the commands, before a database is open.
pub(crate) const SHAPES: &[fn() -> clap::Command] = &[mail, webhook, notify];

pub(crate) fn commands(notifications: Notifications) -> Vec<Command> {
    let (first, second) = (notifications.clone(), notifications.clone());
    vec![
        Command::new(mail(), move |matches| run_mail(first, matches)),
        Command::new(webhook(), move |matches| run_webhook(second, matches)),
        Command::new(notify(), move |matches| run_notify(notifications, matches)),
    ]
}

fn group(name: &'static str, about: &'static str) -> clap::Command {
    clap::Command::new(name)
        .about(about)
        .arg(
            Arg::new("workspace")
                .long("workspace")
                .value_name("SLUG")
                .global(true)
                .help("The workspace, by its name in addresses or its id [default: the first one]"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .global(true)
                .help("Print JSON for programs"),
        )
}

fn needed(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).value_name(value).required(true).help(help)
}

fn mail() -> clap::Command {
    group("mail", "Mail: try whether it can be sent")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help("Example:\n  socle mail test me@example.org")
        .subcommand(
            clap::Command::new("test")
                .about("Send a test mail, and say what the mail server answered")
                .arg(needed("address", "ADDRESS", "Where to"))
                .arg(Arg::new("language").long("language").default_value("en").value_parser(["en", "fr"])),
        )
}

fn webhook() -> clap::Command {
    let id = || needed("id", "WEBHOOK", "The webhook's id, wh_…");
    group("webhook", "Other systems that hear what happens: list, create, test, look at deliveries")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help(
            "Examples:\n  socle webhook create https://example.org/hook --topic 'surveillance.*'\n  \
             socle webhook test wh_01jd8x0000000000000000000a",
        )
        .subcommand(clap::Command::new("list").about("List the webhooks of a workspace"))
        .subcommand(
            clap::Command::new("create")
                .about("Create a webhook, and print its secret this once")
                .arg(needed("url", "URL", "What is called"))
                .arg(
                    Arg::new("topic")
                        .long("topic")
                        .value_name("TOPIC")
                        .action(ArgAction::Append)
                        .default_value("*")
                        .help("A name, module.* or *; may be given several times"),
                )
                .arg(Arg::new("description").long("description").default_value("").hide_default_value(true)),
        )
        .subcommand(
            clap::Command::new("test").about("Send a test message now, and say what came back").arg(id()),
        )
        .subcommand(clap::Command::new("deliveries").about("List what was sent lately").arg(id()))
        .subcommand(
            clap::Command::new("redeliver")
                .about("Have the running server send a message once more")
                .arg(id())
                .arg(needed("delivery", "DELIVERY", "The delivery's id, dlv_…")),
        )
}

fn notify() -> clap::Command {
    group("notify", "Tell a person of the workspace something, by the ways of their choice")
        .arg_required_else_help(true)
        .after_help(
            "Example:\n  socle notify ada@example.org 'Maintenance at noon' --body 'Ten minutes at most.'",
        )
        .arg(needed("email", "ADDRESS", "The person's address; * for everybody"))
        .arg(needed("title", "TITLE", "The headline"))
        .arg(Arg::new("body").long("body").value_name("TEXT").default_value("").hide_default_value(true))
        .arg(Arg::new("level").long("level").default_value("info").value_parser(Level::ALL.map(Level::name)))
        .arg(Arg::new("link").long("link").value_name("PATH").help("Where to look, such as /surveillance"))
}

async fn workspace(notifications: &Notifications, matches: &ArgMatches) -> anyhow::Result<WorkspaceId> {
    let name = text(matches, "workspace");
    let mut tx = notifications.db.read().await?;
    let found = notifications.directory.find_workspace(&mut tx, name).await?;
    found.with_context(|| match name {
        Some(name) => format!("there is no workspace {name:?}"),
        None => "there is no workspace yet: create the first user".to_owned(),
    })
}

fn allow<P: Permission>(notifications: &Notifications, workspace: WorkspaceId) -> Allow<P> {
    Allow::system("command line", workspace, &*notifications.clock)
}

fn text<'m>(matches: &'m ArgMatches, name: &str) -> Option<&'m str> {
    matches.try_get_one::<String>(name).ok().flatten().map(String::as_str)
}

async fn run_mail(notifications: Notifications, matches: ArgMatches) -> anyhow::Result<()> {
    let Some(("test", matches)) = matches.subcommand() else { bail!("which of: test?") };
    let address = text(matches, "address").unwrap_or_default();
    let locale = text(matches, "language").and_then(Locale::parse).unwrap_or_default();
    notifications.test_mail_now(address, locale).await.context("the mail was not sent")?;
    if matches.get_flag("json") {
        return say(&json!({ "sent_to": address }).to_string());
    }
    say(&format!("the mail server took the mail to {address}"))
}

async fn run_webhook(notifications: Notifications, matches: ArgMatches) -> anyhow::Result<()> {
    let (name, matches) =
        matches.subcommand().context("which of list, create, test, deliveries, redeliver?")?;
    let workspace = workspace(&notifications, matches).await?;
    let as_json = matches.get_flag("json");
    let write = allow::<WriteWebhooks>(&notifications, workspace);
    let read = allow::<ReadWebhooks>(&notifications, workspace);
    let id = |name| text(matches, name).unwrap_or_default();
    match name {
        "list" => {
            let webhooks = notifications.list_webhooks(&read).await?;
            if as_json {
                return say(&serde_json::Value::from(webhooks.iter().map(webhook_json).collect::<Vec<_>>())
                    .to_string());
            }
            for webhook in &webhooks {
                say(&webhook_line(webhook))?;
            }
            say(&format!("{} webhooks", webhooks.len()))
        }
        "create" => {
            let topics = matches.get_many::<String>("topic").unwrap_or_default().cloned().collect();
            let draft =
                WebhookDraft { url: id("url").to_owned(), description: id("description").to_owned(), topics };
            let webhook = notifications.create_webhook(&write, draft).await?;
            let secret = webhook.secret.expose();
            if as_json {
                let mut shown = webhook_json(&webhook);
                shown["secret"] = json!(secret);
                return say(&shown.to_string());
            }
            say(&format!("{}\nsecret, shown this once: {secret}", webhook_line(&webhook)))
        }
        "test" => {
            let done = notifications.test_webhook_now(&write, id("id").parse()?).await?;
            say(&delivery_line(&done, as_json))?;
            match done.error {
                None => Ok(()),
                Some(error) => bail!("the webhook did not take the message: {error}"),
            }
        }
        "deliveries" => {
            let feed = notifications.list_deliveries(&read, id("id").parse()?, None, 50).await?;
            for delivery in &feed.items {
                say(&delivery_line(delivery, as_json))?;
            }
            Ok(())
        }
        "redeliver" => {
            let (webhook, delivery) = (id("id").parse()?, id("delivery").parse()?);
            let (delivery, task) = notifications.redeliver(&write, webhook, delivery).await?;
            say(&match as_json {
                true => json!({ "delivery_id": delivery, "task_id": task }).to_string(),
                false => format!("{delivery} is in line as {task}"),
            })
        }
        other => bail!("there is no command webhook {other}"),
    }
}

async fn run_notify(notifications: Notifications, matches: ArgMatches) -> anyhow::Result<()> {
    let workspace = workspace(&notifications, &matches).await?;
    let given = |name| text(&matches, name).unwrap_or_default();
    let email = given("email");
    let mut tx = notifications.db.begin().await?;
    let to = if email == "*" {
        Recipients::Workspace
    } else {
        let members = notifications.directory.members(&mut tx, workspace).await?;
        let member = members.into_iter().find(|member| member.person.email.eq_ignore_ascii_case(email));
        let member = member.with_context(|| format!("nobody in the workspace has the address {email}"))?;
        Recipients::User(member.person.id)
    };
    let level = Level::parse(given("level")).unwrap_or_default();
    let words = OwnWords { title: given("title"), body: given("body"), link: text(&matches, "link") };
    let ctx = notifications.system_ctx("command line", workspace);
    let task = notifications.tell(&mut tx, &ctx, to, level, words).await?;
    tx.commit().await?;
    say(&match matches.get_flag("json") {
        true => json!({ "task_id": task }).to_string(),
        false => format!("in line as {task}; the running server tells them"),
    })
}

fn webhook_json(webhook: &Webhook) -> serde_json::Value {
    json!({
        "id": webhook.id,
        "url": webhook.url.as_str(),
        "description": webhook.description,
        "topics": webhook.topics.iter().map(TopicPattern::as_str).collect::<Vec<_>>(),
        "is_enabled": webhook.is_enabled,
        "failing_since": webhook.failing_since,
    })
}

fn webhook_line(webhook: &Webhook) -> String {
    let state = match (webhook.is_enabled, webhook.failing_since) {
        (false, _) => "off",
        (true, Some(_)) => "failing",
        (true, None) => "on",
    };
    let topics: Vec<&str> = webhook.topics.iter().map(TopicPattern::as_str).collect();
    format!("{}  {state:<7}  {}  {}", webhook.id, webhook.url.as_str(), topics.join(","))
}

fn delivery_line(delivery: &Delivery, as_json: bool) -> String {
    if as_json {
        let shown = json!({
            "id": delivery.id,
            "message_id": delivery.message,
            "topic": delivery.topic,
            "status": delivery.status.name(),
            "attempts": delivery.attempts,
            "response_status": delivery.response_status,
            "error": delivery.error,
            "created_at": delivery.created_at,
        });
        return shown.to_string();
    }
    let answer = delivery.response_status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let error = delivery.error.as_deref().unwrap_or_default();
    let line = format!(
        "{}  {:<9}  {answer:<3}  {:<28}  {:.0}  {error}",
        delivery.id,
        delivery.status.name(),
        delivery.topic,
        delivery.created_at
    );
    line.trim_end().to_owned()
}

/// A line to standard output; a reader that closes the pipe early is no error.
fn say(line: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{line}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
