//! `socle user …`: people.

use std::io::{self, BufRead as _};

use anyhow::{Context as _, bail};
use clap::{Arg, ArgAction, ArgGroup, ArgMatches};
use kernel::{Locale, Secret, Timestamp};
use platform::ExitWith;
use serde_json::json;

use super::{allow, columns, files, json_flag, say, text, workspace_flag, workspace_of};
use crate::{
    model::{Email, Member, MemberFilter, Workspace},
    permissions::{ReadUsers, WriteUsers},
    service::{Identity, NewUser, UserChange},
};

/// Accounts read at a time.
const PAGE: i64 = 500;

fn email() -> Arg {
    Arg::new("email").long("email").value_name("ADDRESS").required(true).help("The account's address")
}

fn role() -> Arg {
    Arg::new("role")
        .long("role")
        .value_name("ROLE")
        .help("admin, operator, user, teacher, student, or one that the workspace made")
}

fn names() -> [Arg; 3] {
    let name = |id: &'static str| Arg::new(id).long(id).value_name("NAME");
    let locale = Arg::new("locale").long("locale").value_parser(["en", "fr"]).help("The language of mails");
    [name("first-name"), name("last-name"), locale]
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

pub(super) fn shape() -> clap::Command {
    let of_one = |name: &'static str, about: &'static str| clap::Command::new(name).about(about).arg(email());
    clap::Command::new("user")
        .about("People: create, list, change, delete, import, export")
        .after_help("Exit codes: 0 done, 1 failed, 2 wrong usage, 3 there is no such account, 4 it is in the way of another.")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(workspace_flag())
        .arg(json_flag())
        .subcommand(
            clap::Command::new("create")
                .about("Create an account")
                .arg(email())
                .arg(role().required(true))
                .args(names())
                .arg(flag("password-stdin", "Read the password from the first line of standard input"))
                .arg(flag("send-link", "Mail a link by which they choose a password"))
                .group(ArgGroup::new("credential").args(["password-stdin", "send-link"]).required(true)),
        )
        .subcommand(
            clap::Command::new("list")
                .about("List the people of a workspace")
                .arg(Arg::new("search").long("search").value_name("TEXT").help("Part of the address or the name"))
                .arg(role())
                .arg(flag("disabled", "Only those that are disabled"))
                .arg(flag("unverified", "Only those whose address is not confirmed"))
                .arg(flag("deleted", "Those that were deleted and can be restored")),
        )
        .subcommand(of_one("show", "Show an account"))
        .subcommand(
            of_one("update", "Change an account")
                .args(names())
                .arg(role())
                .arg(Arg::new("new-email").long("new-email").value_name("ADDRESS").help("Another address"))
                .arg(
                    Arg::new("verified")
                        .long("verified")
                        .value_parser(["true", "false"])
                        .help("Whether somebody vouches for the address"),
                ),
        )
        .subcommand(of_one("disable", "Keep an account from signing in, and end its sessions"))
        .subcommand(of_one("enable", "Let a disabled account sign in again"))
        .subcommand(of_one("delete", "Delete an account; it can be restored until it is purged"))
        .subcommand(of_one("restore", "Bring a deleted account back"))
        .subcommand(
            of_one("purge", "Remove a deleted account for good, with all personal data")
                .arg(flag("yes", "Do it: this cannot be undone").required(true)),
        )
        .subcommand(files::import_shape())
        .subcommand(files::export_shape())
        .subcommand(
            of_one("set-role", "Give a person another role, in place of those they have")
                .arg(role().required(true)),
        )
        .subcommand(
            of_one("reset-password", "Print a link by which a person sets a new password")
                .arg(flag("send", "Mail it to them instead")),
        )
}

pub(super) async fn run(identity: Identity, matches: ArgMatches) -> anyhow::Result<()> {
    let (name, matches) = matches.subcommand().context("which command of socle user?")?;
    let workspace = workspace_of(&identity, matches).await?;
    let as_json = matches.get_flag("json");
    let write = || allow::<WriteUsers>(&identity, &workspace);
    match name {
        "create" => create(&identity, &workspace, matches, as_json).await,
        "list" => list(&identity, &workspace, matches, as_json).await,
        "show" => print(&find(&identity, &workspace, matches, false).await?, as_json),
        "update" | "set-role" | "disable" | "enable" => {
            let member = find(&identity, &workspace, matches, false).await?;
            let change = change(name, matches);
            if change.is_empty() {
                return Err(ExitWith::usage("nothing to change: name what is to be otherwise").into());
            }
            print(&identity.update_user(&write(), member.user.id, change).await?, as_json)
        }
        "delete" => {
            let mut member = find(&identity, &workspace, matches, false).await?;
            let allow = write();
            identity.delete_user(&allow, member.user.id).await?;
            member.user.deleted_at = Some(allow.now);
            print(&member, as_json)
        }
        "restore" => {
            let member = find(&identity, &workspace, matches, true).await?;
            print(&identity.restore_user(&write(), member.user.id).await?, as_json)
        }
        "purge" => {
            let member = find(&identity, &workspace, matches, true).await?;
            identity.purge_user(&write(), member.user.id).await?;
            if as_json {
                say(&json!({ "id": member.user.id, "purged": true }).to_string())
            } else {
                say(&format!("{}  purged", member.user.id))
            }
        }
        "import" => files::import(&identity, &workspace, matches, as_json).await,
        "export" => files::export(&identity, &workspace, matches, as_json).await,
        "reset-password" => {
            let member = find(&identity, &workspace, matches, false).await?;
            let link = identity.make_reset_link(&write(), member.user.id, matches.get_flag("send")).await?;
            match (as_json, link.url) {
                (true, url) => {
                    say(&json!({ "password_link": url, "expires_at": link.expires_at }).to_string())
                }
                (false, Some(url)) => say(&format!("{url}\nworks once, until {}", link.expires_at)),
                (false, None) => say(&format!("sent to {}", member.user.email)),
            }
        }
        other => bail!("there is no command user {other}"),
    }
}

fn change(command: &str, matches: &ArgMatches) -> UserChange {
    let given = |name| text(matches, name).map(str::to_owned);
    match command {
        "disable" | "enable" => UserChange { is_active: Some(command == "enable"), ..UserChange::default() },
        _ => UserChange {
            first_name: given("first-name"),
            last_name: given("last-name"),
            locale: text(matches, "locale").and_then(Locale::parse),
            role: given("role"),
            email: given("new-email"),
            is_verified: text(matches, "verified").map(|word| word == "true"),
            ..UserChange::default()
        },
    }
}

async fn create(
    identity: &Identity,
    workspace: &Workspace,
    matches: &ArgMatches,
    as_json: bool,
) -> anyhow::Result<()> {
    let given = |name| text(matches, name).unwrap_or_default().to_owned();
    let send_link = matches.get_flag("send-link");
    let new = NewUser {
        email: given("email"),
        password: if send_link { None } else { Some(password_from_stdin().await?) },
        locale: text(matches, "locale").and_then(Locale::parse),
        first_name: given("first-name"),
        last_name: given("last-name"),
        role: given("role"),
        // Who has a password by hand has no mail that would prove it.
        is_verified: !send_link,
    };
    let member = identity.create_user(&allow::<WriteUsers>(identity, workspace), new).await?;
    print(&member, as_json)
}

async fn list(
    identity: &Identity,
    workspace: &Workspace,
    matches: &ArgMatches,
    as_json: bool,
) -> anyhow::Result<()> {
    let only = |name: &str| matches.get_flag(name).then_some(false);
    let filter = MemberFilter {
        search: text(matches, "search").map(str::to_owned),
        role: text(matches, "role").map(crate::model::sought_role),
        is_active: only("disabled"),
        is_verified: only("unverified"),
        kind: None,
        deleted: matches.get_flag("deleted"),
    };
    let members = all_members(identity, workspace, &filter).await?;
    if as_json {
        let rows: Vec<_> = members.iter().map(row_json).collect();
        return say(&serde_json::to_string_pretty(&rows)?);
    }
    let mut rows = vec![["ADDRESS", "NAME", "ROLES", "STATE", "LAST LOG-IN"].map(str::to_owned)];
    rows.extend(members.iter().map(|member| {
        let user = &member.user;
        [
            user.email.clone(),
            format!("{} {}", user.first_name, user.last_name).trim().to_owned(),
            member.roles.join(","),
            state(member).to_owned(),
            shown(user.last_login_at),
        ]
    }));
    say(&columns(&rows))
}

fn state(member: &Member) -> &'static str {
    match &member.user {
        user if user.deleted_at.is_some() => "deleted",
        user if !user.is_active => "disabled",
        user if !user.is_verified => "unverified",
        _ => "active",
    }
}

fn shown(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "never".to_owned(), |at| format!("{at:.0}"))
}

pub(super) async fn find(
    identity: &Identity,
    workspace: &Workspace,
    matches: &ArgMatches,
    deleted: bool,
) -> anyhow::Result<Member> {
    let typed = text(matches, "email").unwrap_or_default();
    let email =
        Email::parse(typed).ok_or_else(|| ExitWith::usage(format!("{typed:.300?} is no e-mail address")))?;
    let allow = allow::<ReadUsers>(identity, workspace);
    let found = identity.find_user_by_email(&allow, &email, deleted).await?;
    let whom = if deleted { "no deleted account" } else { "nobody" };
    found.ok_or_else(|| {
        let told = format!("{whom} in the workspace {} has the address {typed}", workspace.slug);
        ExitWith::not_found(told).into()
    })
}

/// The first line, without its end. More than a password could be is not read.
async fn password_from_stdin() -> anyhow::Result<Secret<String>> {
    const BYTES_MAX: u64 = 4_096;
    tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::Read::take(io::stdin().lock(), BYTES_MAX)
            .read_line(&mut line)
            .context("could not read the password")?;
        Ok(Secret::new(line.trim_end_matches(['\r', '\n']).to_owned()))
    })
    .await?
}

/// Page by page.
pub(super) async fn all_members(
    identity: &Identity,
    workspace: &Workspace,
    filter: &MemberFilter,
) -> anyhow::Result<Vec<Member>> {
    let mut members = Vec::new();
    loop {
        let offset = i64::try_from(members.len())?;
        let allow = allow::<ReadUsers>(identity, workspace);
        let (some, total) = identity.list_users(&allow, filter, PAGE, offset).await?;
        let is_last = some.is_empty();
        members.extend(some);
        if is_last || members.len() as u64 >= total {
            return Ok(members);
        }
    }
}

pub(super) fn row_json(member: &Member) -> serde_json::Value {
    let user = &member.user;
    json!({
        "id": user.id,
        "kind": user.kind.name(),
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "locale": user.locale.map(Locale::tag),
        "role": member.roles.first(),
        "roles": member.roles,
        "is_active": user.is_active,
        "is_verified": user.is_verified,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        "last_login_at": user.last_login_at,
        "deleted_at": user.deleted_at,
    })
}

fn print(member: &Member, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return say(&serde_json::to_string_pretty(&row_json(member))?);
    }
    let user = &member.user;
    let name = format!("{} {}", user.first_name, user.last_name);
    let rows = [
        ["id", &user.id.to_string()],
        ["address", &user.email],
        ["name", name.trim()],
        ["roles", &member.roles.join(",")],
        ["state", state(member)],
        ["created", &shown(Some(user.created_at))],
        ["last log-in", &shown(user.last_login_at)],
    ];
    say(&columns(&rows.map(|row| row.map(str::to_owned))))
}
