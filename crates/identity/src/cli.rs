//! `socle user …`, `socle token …`, `socle key …`, `socle workspace …` and `socle audit …`, for who sits at the machine.

mod audit;
mod files;
mod keys;
mod tokens;
mod users;
mod workspace;

use std::io;

use anyhow::Context as _;
use clap::{Arg, ArgAction, ArgMatches};
use kernel::{Allow, Permission};
use platform::{Command, ExitWith};

use crate::{model::Workspace, service::Identity};

const WHY: &str = "command line";

/// The shape of the commands, before a database is open.
pub(crate) const SHAPES: &[fn() -> clap::Command] =
    &[users::shape, tokens::shape, keys::shape, workspace::shape, audit::shape];

pub(crate) fn commands(identity: Identity) -> Vec<Command> {
    let (of_users, of_tokens, of_keys) = (identity.clone(), identity.clone(), identity.clone());
    let (of_workspaces, of_audits) = (identity.clone(), identity);
    vec![
        Command::new(users::shape(), move |matches| users::run(of_users, matches)),
        Command::new(tokens::shape(), move |matches| tokens::run(of_tokens, matches)),
        Command::new(keys::shape(), move |matches| keys::run(of_keys, matches)),
        Command::new(workspace::shape(), move |matches| workspace::run(of_workspaces, matches)),
        Command::new(audit::shape(), move |matches| audit::run(of_audits, matches)),
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
    found.ok_or_else(|| no_workspace(slug.unwrap_or_default()).into())
}

fn no_workspace(slug: &str) -> ExitWith {
    ExitWith::not_found(format!("there is no workspace {slug:?}"))
}

fn allow<P: Permission>(identity: &Identity, workspace: &Workspace) -> Allow<P> {
    Allow::system(WHY, workspace.id, identity.clock())
}

fn text<'m>(matches: &'m ArgMatches, name: &str) -> Option<&'m str> {
    matches.try_get_one::<String>(name).ok().flatten().map(String::as_str)
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
