//! `socle key …`: the keys that sign tokens.

use anyhow::bail;
use clap::{Arg, ArgAction, ArgMatches};
use kernel::Timestamp;
use serde_json::json;

use super::{WHY, columns, json_flag, say};
use crate::{
    model::{KeyState, SigningKey},
    service::Identity,
};

pub(super) fn shape() -> clap::Command {
    clap::Command::new("key")
        .about("Keys that sign tokens: list, rotate")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(json_flag())
        .subcommand(clap::Command::new("list").about("List the key pairs and where each stands"))
        .subcommand(
            clap::Command::new("rotate")
                .about("Make new keys; tokens that the present ones signed go on to work")
                .arg(
                    Arg::new("revoke")
                        .long("revoke")
                        .action(ArgAction::SetTrue)
                        .help("Refuse what the present keys signed from now on: somebody may know them"),
                ),
        )
}

pub(super) async fn run(identity: Identity, matches: ArgMatches) -> anyhow::Result<()> {
    let workspace = identity.workspace_of_command(None).await?;
    let Some(workspace) = workspace else { bail!("there is no workspace yet") };
    let (name, inner) = matches.subcommand().unwrap_or(("", &matches));
    let keys = match name {
        "list" => {
            let allow = kernel::Allow::system(WHY, workspace.id, identity.clock());
            identity.list_signing_keys(&allow).await?
        }
        "rotate" => {
            let allow = kernel::Allow::system(WHY, workspace.id, identity.clock());
            identity.rotate_signing_keys(&allow, inner.get_flag("revoke")).await?
        }
        other => bail!("there is no command key {other}"),
    };
    print(&keys, inner.get_flag("json"))
}

fn print(keys: &[(SigningKey, KeyState)], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let rows: Vec<_> = keys
            .iter()
            .map(|(key, state)| {
                json!({ "id": key.id, "algorithm": key.algorithm.name(), "state": state.name(),
                    "created_at": key.created_at, "active_from": key.active_from })
            })
            .collect();
        return say(&serde_json::to_string_pretty(&rows)?);
    }
    if keys.is_empty() {
        return say("no key pairs yet: one is made when the first token asks for it");
    }
    let shown = |at: Timestamp| format!("{at:.0}");
    let mut rows = vec![["KEY", "ALGORITHM", "STATE", "SIGNS FROM"].map(str::to_owned)];
    rows.extend(keys.iter().map(|(key, state)| {
        [key.id.clone(), key.algorithm.name().to_owned(), state.name().to_owned(), shown(key.active_from)]
    }));
    say(&columns(&rows))
}
