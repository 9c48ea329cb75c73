//! The command line: `socle analyze`, `socle cameras …`, `socle models …`.

mod analyze;
mod cameras;
mod models;

use std::io::Write as _;

use anyhow::Context as _;
use clap::{Arg, ArgAction, ArgMatches};
use kernel::{Allow, Permission, WorkspaceId};
use platform::Command;

pub use analyze::{analyze, analyze_command};

use crate::service::Sentinel;

/// The shape of the commands that need a database. `analyze` needs none and stands apart.
pub(crate) const SHAPES: &[fn() -> clap::Command] = &[cameras::shape, models::shape];

pub(crate) fn commands(sentinel: &Sentinel) -> Vec<Command> {
    let (of_cameras, of_models) = (sentinel.clone(), sentinel.clone());
    vec![
        Command::new(cameras::shape(), move |matches| cameras::run(of_cameras, matches)),
        Command::new(models::shape(), move |matches| models::run(of_models, matches)),
    ]
}

/// A command of a workspace's things, with the flags that all of them take.
fn of_workspace(name: &'static str, about: &'static str) -> clap::Command {
    clap::Command::new(name)
        .about(about)
        .subcommand_required(true)
        .arg_required_else_help(true)
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

/// The workspace that the flags name.
async fn workspace(sentinel: &Sentinel, matches: &ArgMatches) -> anyhow::Result<WorkspaceId> {
    let named = matches.get_one::<String>("workspace").map(String::as_str);
    let found = sentinel.find_workspace(named).await?;
    found.with_context(|| match named {
        Some(slug) => format!("there is no workspace {slug:?}"),
        None => "there is no workspace yet: make the first account, or start the server once".to_owned(),
    })
}

fn allow<P: Permission>(sentinel: &Sentinel, workspace: WorkspaceId) -> Allow<P> {
    Allow::system("command line", workspace, &*sentinel.clock)
}

fn flag(matches: &ArgMatches, name: &str) -> bool {
    matches.get_one::<bool>(name).copied().unwrap_or(false)
}

/// A line to standard output; a reader that closes the pipe early is no error.
fn say(line: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{line}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// An error of the service for a person at a terminal: every field that is wrong.
fn told(error: crate::error::Error) -> anyhow::Error {
    match error {
        crate::error::Error::Invalid(faults) => {
            let lines: Vec<String> =
                faults.iter().map(|fault| format!("  {}: {}", fault.pointer, fault.detail)).collect();
            anyhow::anyhow!("the input is wrong:\n{}", lines.join("\n"))
        }
        other => other.into(),
    }
}
