//! `socle workspace …`.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use clap::{Arg, ArgAction, ArgMatches};
use kernel::{Allow, Ctx, Locale};
use platform::{ExitWith, parse_amount};
use serde_json::json;

use super::{
    allow, columns, no_workspace, say, text,
    users::{all_members, row_json},
};
use crate::{
    model::{Email, MemberFilter, Workspace},
    permissions::{ReadUsers, WriteQuotas, WriteUsers, WriteWorkspaces},
    service::{Identity, NewInvitation, Standing, WorkspaceChange},
};

pub(super) fn shape() -> clap::Command {
    let slug = || Arg::new("slug").value_name("SLUG").required(true).help("Its name in addresses");
    let email = || Arg::new("email").value_name("ADDRESS").required(true).help("An e-mail address");
    clap::Command::new("workspace")
        .about("Workspaces: create, rename, delete, members, invitations, quotas")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .global(true)
                .help("Print JSON for programs"),
        )
        .subcommand(clap::Command::new("list").about("List the workspaces").arg(
            Arg::new("deleted").long("deleted").action(ArgAction::SetTrue).help("Those that were deleted"),
        ))
        .subcommand(
            clap::Command::new("create")
                .about("Create a workspace; invite its administrator then")
                .arg(Arg::new("name").value_name("NAME").required(true)),
        )
        .subcommand(clap::Command::new("show").about("Show a workspace").arg(slug()))
        .subcommand(
            clap::Command::new("update")
                .about("Rename a workspace")
                .arg(slug())
                .arg(Arg::new("name").long("name").value_name("NAME"))
                .arg(Arg::new("new-slug").long("slug").value_name("SLUG").help("Another name in addresses")),
        )
        .subcommand(
            clap::Command::new("delete")
                .about("Delete a workspace: its members lose it at once; restore brings it back")
                .arg(slug())
                .arg(
                    Arg::new("yes")
                        .long("yes")
                        .action(ArgAction::SetTrue)
                        .required(true)
                        .help("Yes, this one"),
                ),
        )
        .subcommand(clap::Command::new("restore").about("Bring a deleted workspace back").arg(slug()))
        .subcommand(
            clap::Command::new("members")
                .about("List the people of a workspace, or take one out")
                .arg(slug())
                .arg(Arg::new("remove").long("remove").value_name("ADDRESS").help("Take this person out")),
        )
        .subcommand(
            clap::Command::new("invite")
                .about("Invite somebody by mail, and print the link")
                .arg(slug())
                .arg(email())
                .arg(Arg::new("role").long("role").value_name("ROLE").default_value("user"))
                .arg(Arg::new("locale").long("locale").value_parser(["en", "fr"]).default_value("en")),
        )
        .subcommand(
            clap::Command::new("quota")
                .about("Show what a workspace uses and may use, or set it")
                .arg(slug())
                .arg(
                    Arg::new("set")
                        .long("set")
                        .value_name("RESOURCE=LIMIT")
                        .action(ArgAction::Append)
                        .help("Such as cameras=10 or storage=50GB; none takes the bound away"),
                ),
        )
}

pub(super) async fn run(identity: Identity, matches: ArgMatches) -> anyhow::Result<()> {
    let (name, matches) = matches.subcommand().context("which command of workspace?")?;
    let as_json = matches.get_flag("json");
    match name {
        "list" => list(&identity, matches.get_flag("deleted"), as_json).await,
        "create" => {
            let first = first(&identity).await?;
            let allow: Allow<WriteWorkspaces> = allow(&identity, &first);
            let name = text(matches, "name").unwrap_or_default();
            print(&identity.create_empty_workspace(&allow, name).await?, as_json)
        }
        other => {
            let slug = text(matches, "slug").unwrap_or_default();
            let workspace = identity.any_workspace_of_command(Some(slug)).await?;
            let workspace = workspace.ok_or_else(|| no_workspace(slug))?;
            one(&identity, other, &workspace, matches, as_json).await
        }
    }
}

async fn one(
    identity: &Identity,
    name: &str,
    workspace: &Workspace,
    matches: &ArgMatches,
    as_json: bool,
) -> anyhow::Result<()> {
    let ctx = Ctx::system(super::WHY, workspace.id, identity.clock().now());
    match name {
        "show" => print(workspace, as_json),
        "update" => {
            let given = |name| text(matches, name).map(str::to_owned);
            let change = WorkspaceChange { name: given("name"), slug: given("new-slug") };
            print(&identity.update_workspace(&ctx, workspace.id, change).await?, as_json)
        }
        "delete" => {
            let deleted = identity.delete_workspace(&ctx, workspace.id, &workspace.slug).await?;
            print(&deleted, as_json)
        }
        "restore" => {
            let allow: Allow<WriteWorkspaces> = allow(identity, workspace);
            print(&identity.restore_workspace(&allow, workspace.id).await?, as_json)
        }
        "members" => members(identity, workspace, matches, as_json).await,
        "invite" => {
            let new = NewInvitation {
                email: text(matches, "email").unwrap_or_default().to_owned(),
                role: text(matches, "role").unwrap_or_default().to_owned(),
                locale: text(matches, "locale").and_then(Locale::parse),
            };
            let allow: Allow<WriteUsers> = allow(identity, workspace);
            let (invitation, link) = identity.invite(&allow, new).await?;
            if as_json {
                let row = json!({ "id": invitation.id, "email": invitation.email, "role": invitation.role,
                    "link": link, "expires_at": invitation.expires_at });
                return say(&serde_json::to_string_pretty(&row)?);
            }
            say(&format!("{link}\nworks once, for {}, until {}", invitation.email, invitation.expires_at))
        }
        "quota" => quota(identity, workspace, matches, as_json).await,
        other => bail!("there is no command workspace {other}"),
    }
}

async fn first(identity: &Identity) -> anyhow::Result<Workspace> {
    let first = identity.workspace_of_command(None).await?;
    first.context("there is no workspace, and none could be made")
}

async fn list(identity: &Identity, deleted: bool, as_json: bool) -> anyhow::Result<()> {
    let first = first(identity).await?;
    let allow: Allow<WriteWorkspaces> = allow(identity, &first);
    let (all, _) = identity.list_all_workspaces(&allow, deleted, i64::MAX, 0).await?;
    if as_json {
        let rows: Vec<_> = all
            .iter()
            .map(|counted| {
                let mut row = shown(&counted.workspace);
                row["members"] = json!(counted.members);
                row
            })
            .collect();
        return say(&serde_json::to_string_pretty(&rows)?);
    }
    let mut rows = vec![["SLUG", "NAME", "MEMBERS", "CREATED"].map(str::to_owned)];
    rows.extend(all.into_iter().map(|counted| {
        let workspace = counted.workspace;
        [workspace.slug, workspace.name, counted.members.to_string(), format!("{:.0}", workspace.created_at)]
    }));
    say(&columns(&rows))
}

async fn members(
    identity: &Identity,
    workspace: &Workspace,
    matches: &ArgMatches,
    as_json: bool,
) -> anyhow::Result<()> {
    let reading: Allow<ReadUsers> = allow(identity, workspace);
    if let Some(typed) = text(matches, "remove") {
        let email =
            Email::parse(typed).ok_or_else(|| ExitWith::usage(format!("{typed:?} is no e-mail address")))?;
        let found = identity.find_user_by_email(&reading, &email, false).await?;
        let member = found.ok_or_else(|| {
            ExitWith::not_found(format!("nobody in {} has the address {typed}", workspace.slug))
        })?;
        let writing: Allow<WriteUsers> = allow(identity, workspace);
        identity.remove_member(&writing, member.user.id).await?;
        return if as_json { say("{}") } else { say(&format!("{typed} is no longer in {}", workspace.slug)) };
    }
    let members = all_members(identity, workspace, &MemberFilter::default()).await?;
    if as_json {
        return say(&serde_json::to_string_pretty(&members.iter().map(row_json).collect::<Vec<_>>())?);
    }
    let mut rows = vec![["ADDRESS", "ROLES", "ACTIVE"].map(str::to_owned)];
    rows.extend(members.into_iter().map(|member| {
        let active = if member.user.is_active { "yes" } else { "no" };
        [member.user.email, member.roles.join(","), active.to_owned()]
    }));
    say(&columns(&rows))
}

async fn quota(
    identity: &Identity,
    workspace: &Workspace,
    matches: &ArgMatches,
    as_json: bool,
) -> anyhow::Result<()> {
    let mut wanted = BTreeMap::new();
    for typed in matches.get_many::<String>("set").into_iter().flatten() {
        let (resource, limit) = typed
            .split_once('=')
            .ok_or_else(|| ExitWith::usage(format!("{typed:?} is not like cameras=10")))?;
        let limit = match limit {
            "none" => None,
            number => Some(parse_amount(number).ok_or_else(|| {
                ExitWith::usage(format!("{number:?} is neither a number, nor a size like 10GB, nor none"))
            })?),
        };
        wanted.insert(resource.to_owned(), limit);
    }
    let allow: Allow<WriteQuotas> = allow(identity, workspace);
    let standings = if wanted.is_empty() {
        identity.quotas_of(&allow, workspace.id).await?
    } else {
        identity.set_quotas(&allow, workspace.id, wanted).await?
    };
    if as_json {
        let row = |standing: &Standing| {
            json!({ "resource": standing.spec.resource, "used": standing.used, "limit": standing.limit,
                "unit": standing.spec.unit, "per": standing.spec.per.name() })
        };
        return say(&serde_json::to_string_pretty(&standings.iter().map(row).collect::<Vec<_>>())?);
    }
    let mut rows = vec![["RESOURCE", "USED", "LIMIT", "UNIT", "PER"].map(str::to_owned)];
    rows.extend(standings.iter().map(|standing| {
        [
            standing.spec.resource.to_owned(),
            standing.used.to_string(),
            standing.limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string()),
            standing.spec.unit.to_owned(),
            standing.spec.per.name().unwrap_or_default().to_owned(),
        ]
    }));
    say(&columns(&rows))
}

fn shown(workspace: &Workspace) -> serde_json::Value {
    json!({
        "id": workspace.id,
        "slug": workspace.slug,
        "name": workspace.name,
        "is_first": workspace.is_first,
        "created_at": workspace.created_at,
        "deleted_at": workspace.deleted_at,
    })
}

fn print(workspace: &Workspace, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return say(&serde_json::to_string_pretty(&shown(workspace))?);
    }
    let state = if workspace.deleted_at.is_some() { "  deleted" } else { "" };
    say(&format!("{}  {}  {}{state}", workspace.id, workspace.slug, workspace.name))
}
