//! `socle token …`: API keys of people and secrets of service accounts.

use anyhow::{Context as _, bail};
use clap::{Arg, ArgAction, ArgMatches};
use jiff::SignedDuration;
use kernel::{ApiKeyId, Ctx, Timestamp, UserId};
use serde_json::json;

use super::{WHY, allow, columns, json_flag, say, text, users::find, workspace_flag, workspace_of};
use crate::{
    model::{ApiKey, ServiceSecret, ServiceSecretId, Workspace},
    permissions::{WriteServiceAccounts, WriteUsers},
    service::{Identity, NewApiKey},
};

pub(super) fn shape() -> clap::Command {
    let owner = || {
        [
            Arg::new("email").long("email").value_name("ADDRESS").help("The person whose API keys these are"),
            Arg::new("service")
                .long("service")
                .value_name("ID")
                .conflicts_with("email")
                .help("The service account whose secrets these are"),
        ]
    };
    clap::Command::new("token")
        .about("API keys of people and secrets of service accounts: create, list, revoke")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(workspace_flag())
        .arg(json_flag())
        .subcommand(
            clap::Command::new("create")
                .about("Make an API key or a secret, and print it: it is told this once")
                .args(owner())
                .arg(Arg::new("name").long("name").value_name("TEXT").help("What an API key is for"))
                .arg(
                    Arg::new("scope")
                        .long("scope")
                        .value_name("SCOPE")
                        .action(ArgAction::Append)
                        .help("Narrow an API key: read, write or a permission; may come several times"),
                )
                .arg(
                    Arg::new("days")
                        .long("days")
                        .value_name("DAYS")
                        .value_parser(clap::value_parser!(u32).range(1..=36_500))
                        .help("How long it works [default: until it is revoked]"),
                ),
        )
        .subcommand(clap::Command::new("list").about("List those that are not revoked").args(owner()))
        .subcommand(
            clap::Command::new("revoke")
                .about("Refuse one from now on")
                .args(owner())
                .arg(Arg::new("id").required(true).value_name("ID").help("Id of the API key or secret")),
        )
}

/// Whose they are.
enum Owner {
    Person(UserId),
    Service(UserId),
}

pub(super) async fn run(identity: Identity, matches: ArgMatches) -> anyhow::Result<()> {
    let (name, matches) = matches.subcommand().context("which of create, list, revoke?")?;
    let workspace = workspace_of(&identity, matches).await?;
    let owner = owner(&identity, &workspace, matches).await?;
    let as_json = matches.get_flag("json");
    match name {
        "create" => create(&identity, &workspace, &owner, matches, as_json).await,
        "list" => list(&identity, &workspace, &owner, as_json).await,
        "revoke" => revoke(&identity, &workspace, &owner, text(matches, "id").unwrap_or_default()).await,
        other => bail!("there is no command token {other}"),
    }
}

async fn owner(identity: &Identity, workspace: &Workspace, matches: &ArgMatches) -> anyhow::Result<Owner> {
    match (text(matches, "email"), text(matches, "service")) {
        (Some(_), _) => Ok(Owner::Person(find(identity, workspace, matches, false).await?.user.id)),
        (None, Some(id)) => {
            Ok(Owner::Service(id.parse().with_context(|| format!("{id:?} is no service account"))?))
        }
        (None, None) => bail!("say whose: --email ADDRESS or --service ID"),
    }
}

async fn create(
    identity: &Identity,
    workspace: &Workspace,
    owner: &Owner,
    matches: &ArgMatches,
    as_json: bool,
) -> anyhow::Result<()> {
    let days = matches.get_one::<u32>("days").copied();
    let expires_at =
        days.map(|days| identity.clock().now() + SignedDuration::from_hours(24 * i64::from(days)));
    let (id, secret) = match owner {
        Owner::Person(user) => {
            let scopes = matches.get_many::<String>("scope").into_iter().flatten().cloned().collect();
            let name = text(matches, "name").unwrap_or("command line").to_owned();
            let new = NewApiKey { name, scopes, expires_at };
            let (key, text) =
                identity.create_api_key_for(&allow::<WriteUsers>(identity, workspace), *user, new).await?;
            (key.id.to_string(), text)
        }
        Owner::Service(id) => {
            let allow = allow::<WriteServiceAccounts>(identity, workspace);
            let (secret, text) = identity.create_service_secret(&allow, *id, expires_at).await?;
            (secret.id.to_string(), text)
        }
    };
    if as_json {
        return say(&json!({ "id": id, "secret": secret.expose(), "expires_at": expires_at }).to_string());
    }
    say(secret.expose())
}

async fn list(
    identity: &Identity,
    workspace: &Workspace,
    owner: &Owner,
    as_json: bool,
) -> anyhow::Result<()> {
    let (mut shown, mut rows) =
        (vec![["ID", "BEGINS", "NAME", "EXPIRES", "LAST USED"].map(str::to_owned)], Vec::new());
    match owner {
        Owner::Person(user) => {
            let (keys, _) = identity.list_api_keys(*user, i64::MAX, 0).await?;
            for ApiKey { id, name, prefix, scopes, expires_at, last_used_at, .. } in keys {
                rows.push(json!({ "id": id, "name": name, "prefix": prefix, "scopes": scopes,
                    "expires_at": expires_at, "last_used_at": last_used_at }));
                shown.push([id.to_string(), prefix, name, time(expires_at), time(last_used_at)]);
            }
        }
        Owner::Service(id) => {
            let allow = kernel::Allow::system(WHY, workspace.id, identity.clock());
            let (account, secrets) = identity.get_service_account(&allow, *id).await?;
            for ServiceSecret { id, prefix, expires_at, last_used_at, .. } in secrets {
                rows.push(json!({ "id": id, "name": account.name, "prefix": prefix,
                    "expires_at": expires_at, "last_used_at": last_used_at }));
                shown.push([
                    id.to_string(),
                    prefix,
                    account.name.clone(),
                    time(expires_at),
                    time(last_used_at),
                ]);
            }
        }
    }
    if as_json { say(&serde_json::to_string_pretty(&rows)?) } else { say(&columns(&shown)) }
}

async fn revoke(identity: &Identity, workspace: &Workspace, owner: &Owner, id: &str) -> anyhow::Result<()> {
    match owner {
        Owner::Person(user) => {
            let id: ApiKeyId = id.parse()?;
            let ctx = Ctx::system(WHY, workspace.id, identity.clock().now());
            identity.revoke_api_key(&ctx, *user, id).await.map_err(anyhow::Error::from)
        }
        Owner::Service(account) => {
            let id: ServiceSecretId = id.parse()?;
            let allow = allow::<WriteServiceAccounts>(identity, workspace);
            identity.revoke_service_secret(&allow, *account, id).await.map_err(anyhow::Error::from)
        }
    }
}

fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "never".to_owned(), |at| format!("{at:.0}"))
}
