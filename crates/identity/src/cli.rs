//! `socle user …`, `socle token …` and `socle key …`, for who sits at the machine.

mod keys;
mod tokens;

use std::io::{self, BufRead as _};

use anyhow::{Context as _, bail};
use clap::{Arg, ArgAction, ArgMatches};
use kernel::{Allow, Permission, Secret};
use platform::Command;
use serde_json::json;

use crate::{
    model::{Email, Member, Workspace},
    permissions::{ReadUsers, WriteUsers},
    service::{Identity, NewUser, UserChange},
};

const WHY: &str = "command line";

/// The shape of the commands, before a database is open.
pub(crate) const SHAPES: &[fn() -> clap::Command] = &[user, tokens::shape, keys::shape];

pub(crate) fn commands(identity: Identity) -> Vec<Command> {
    let (of_users, of_tokens, of_keys) = (identity.clone(), identity.clone(), identity);
    vec![
        Command::new(user(), move |matches| run(of_users, matches)),
        Command::new(tokens::shape(), move |matches| tokens::run(of_tokens, matches)),
        Command::new(keys::shape(), move |matches| keys::run(of_keys, matches)),
    ]
}

fn workspace_flag() -> Arg {
    Arg::new("workspace")
        .long("workspace")
        .value_name("SLUG")
        .global(true)
        .help("The workspace, by its name in addresses [default: the first one]")
}

fn json_flag() -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).global(true).help("Print JSON for programs")
}

/// The workspace that a command is about.
async fn workspace_of(identity: &Identity, matches: &ArgMatches) -> anyhow::Result<Workspace> {
    let slug = text(matches, "workspace");
    let found = identity.workspace_of_command(slug).await?;
    found.with_context(|| format!("there is no workspace {:?}", slug.unwrap_or_default()))
}

fn user() -> clap::Command {
    let email =
        || Arg::new("email").long("email").value_name("ADDRESS").required(true).help("The account's address");
    let role = || {
        Arg::new("role")
            .long("role")
            .value_name("ROLE")
            .required(true)
            .help("admin, operator, user, teacher or student")
    };
    clap::Command::new("user")
        .about("People: create, list, give roles, reset passwords")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(workspace_flag())
        .arg(json_flag())
        .subcommand(
            clap::Command::new("create")
                .about("Create an account")
                .arg(email())
                .arg(role())
                .arg(Arg::new("first-name").long("first-name").default_value("").hide_default_value(true))
                .arg(Arg::new("last-name").long("last-name").default_value("").hide_default_value(true))
                .arg(
                    Arg::new("password-stdin")
                        .long("password-stdin")
                        .action(ArgAction::SetTrue)
                        .required(true)
                        .help("Read the password from the first line of standard input"),
                ),
        )
        .subcommand(clap::Command::new("list").about("List the people of a workspace"))
        .subcommand(
            clap::Command::new("set-role").about("Give a person another role").arg(email()).arg(role()),
        )
        .subcommand(
            clap::Command::new("reset-password")
                .about("Print a link by which a person sets a new password")
                .arg(email()),
        )
}

async fn run(identity: Identity, matches: ArgMatches) -> anyhow::Result<()> {
    let (name, matches) = matches.subcommand().context("which of create, list, set-role, reset-password?")?;
    let workspace = workspace_of(&identity, matches).await?;
    let as_json = matches.get_flag("json");
    match name {
        "create" => create(&identity, &workspace, matches, as_json).await,
        "list" => list(&identity, &workspace, as_json).await,
        "set-role" => {
            let member = find(&identity, &workspace, matches).await?;
            let change =
                UserChange { role: text(matches, "role").map(str::to_owned), ..UserChange::default() };
            let allow = allow::<WriteUsers>(&identity, &workspace);
            let member = identity.update_user(&allow, member.user.id, change).await.map_err(told)?;
            print(&member, as_json)
        }
        "reset-password" => {
            let member = find(&identity, &workspace, matches).await?;
            let allow = allow::<WriteUsers>(&identity, &workspace);
            let link = identity.make_reset_link(&allow, member.user.id, false).await.map_err(told)?;
            if as_json {
                say(&json!({ "password_link": link.url, "expires_at": link.expires_at }).to_string())
            } else {
                say(&format!("{}\nworks once, until {}", link.url.unwrap_or_default(), link.expires_at))
            }
        }
        other => bail!("there is no command user {other}"),
    }
}

async fn create(
    identity: &Identity,
    workspace: &Workspace,
    matches: &ArgMatches,
    as_json: bool,
) -> anyhow::Result<()> {
    let given = |name| text(matches, name).unwrap_or_default().to_owned();
    let new = NewUser {
        email: given("email"),
        password: Some(password_from_stdin().await?),
        locale: None,
        first_name: given("first-name"),
        last_name: given("last-name"),
        role: given("role"),
        is_verified: true,
    };
    let member = identity.create_user(&allow::<WriteUsers>(identity, workspace), new).await.map_err(told)?;
    print(&member, as_json)
}

async fn list(identity: &Identity, workspace: &Workspace, as_json: bool) -> anyhow::Result<()> {
    let members = identity.list_all_users(&allow::<ReadUsers>(identity, workspace)).await?;
    if as_json {
        let rows: Vec<_> = members.iter().map(row_json).collect();
        return say(&serde_json::to_string_pretty(&rows)?);
    }
    let mut rows = vec![["ADDRESS", "NAME", "ROLES", "ACTIVE", "LAST LOG-IN"].map(str::to_owned)];
    rows.extend(members.iter().map(|member| {
        let user = &member.user;
        [
            user.email.clone(),
            format!("{} {}", user.first_name, user.last_name).trim().to_owned(),
            member.roles.join(","),
            if user.is_active { "yes" } else { "no" }.to_owned(),
            user.last_login_at.map_or_else(|| "never".to_owned(), |at| format!("{at:.0}")),
        ]
    }));
    say(&columns(&rows))
}

async fn find(identity: &Identity, workspace: &Workspace, matches: &ArgMatches) -> anyhow::Result<Member> {
    let typed = text(matches, "email").unwrap_or_default();
    let email = Email::parse(typed).with_context(|| format!("{typed:?} is no e-mail address"))?;
    let found = identity.find_user_by_email(&allow::<ReadUsers>(identity, workspace), &email).await?;
    found.with_context(|| format!("nobody in the workspace {} has the address {typed}", workspace.slug))
}

fn allow<P: Permission>(identity: &Identity, workspace: &Workspace) -> Allow<P> {
    Allow::system(WHY, workspace.id, identity.clock())
}

fn text<'m>(matches: &'m ArgMatches, name: &str) -> Option<&'m str> {
    matches.try_get_one::<String>(name).ok().flatten().map(String::as_str)
}

/// The error as people read it; its database causes stay in the chain.
fn told(error: crate::Error) -> anyhow::Error {
    anyhow::Error::new(error)
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

fn row_json(member: &Member) -> serde_json::Value {
    let user = &member.user;
    json!({
        "id": user.id,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "role": member.roles.first(),
        "roles": member.roles,
        "is_active": user.is_active,
        "created_at": user.created_at,
        "last_login_at": user.last_login_at,
    })
}

fn print(member: &Member, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return say(&serde_json::to_string_pretty(&row_json(member))?);
    }
    say(&format!("{}  {}  {}", member.user.id, member.user.email, member.roles.join(",")))
}

fn say(text: &str) -> anyhow::Result<()> {
    use io::Write as _;
    writeln!(io::stdout().lock(), "{text}").context("could not write to standard output")
}

/// Rows under each other, each column as wide as its widest cell.
fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: [usize; N] =
        std::array::from_fn(|i| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0));
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["A", "B"], ["long", "é"]].map(|row| row.map(str::to_owned));
        assert_eq!(columns(&rows), "A     B\nlong  é");
    }
}
