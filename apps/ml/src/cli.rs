//! The command line: `socle ml …`.

use std::{io::Write as _, path::PathBuf};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use clap::{Arg, ArgMatches, value_parser};
use kernel::{Allow, Secret};
use platform::Command;

use crate::{
    permissions::{WriteModels, WriteRuns},
    service::{Database, Imported, Ml, Server, Source},
};

pub(crate) const SHAPES: &[fn() -> clap::Command] = &[shape];

pub(crate) fn commands(ml: Ml) -> Vec<Command> {
    vec![Command::new(shape(), move |matches| run(ml, matches))]
}

fn shape() -> clap::Command {
    clap::Command::new("ml")
        .about("Experiments and models: import from an MLflow server, delete for good")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            clap::Command::new("gc")
                .about("Delete for good, with their artifacts, what was deleted: runs, logged models, experiments")
                .arg(
                    Arg::new("older-than-days")
                        .long("older-than-days")
                        .value_name("DAYS")
                        .value_parser(value_parser!(u32))
                        .help("Only what was deleted so long ago; 0 for all of it [default: ml.deleted_keep_days]"),
                )
                .arg(
                    Arg::new("workspace")
                        .long("workspace")
                        .value_name("SLUG")
                        .help("Of one workspace, by its name in addresses or its id [default: of all]"),
                ),
        )
        .subcommand(
            clap::Command::new("import")
                .about("Take over what another MLflow server has, or its database; a second time changes nothing")
                .arg(
                    Arg::new("from")
                        .long("from")
                        .value_name("URL|FILE")
                        .required(true)
                        .help("Address of the server, as MLFLOW_TRACKING_URI has it, or its SQLite file"),
                )
                .arg(
                    Arg::new("artifacts")
                        .long("artifacts")
                        .value_name("FOLDER")
                        .value_parser(value_parser!(PathBuf))
                        .help("With a file: where the server keeps artifacts, its --artifacts-destination"),
                )
                .arg(
                    Arg::new("workspace")
                        .long("workspace")
                        .value_name("SLUG")
                        .help("Into this workspace, by its name in addresses or its id [default: the first one]"),
                )
                .after_help(
                    "Credentials for the other server are read from MLFLOW_TRACKING_TOKEN, or from \
                     MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.\n\nExamples:\n  \
                     socle ml import --from http://mlflow:5000\n  \
                     socle ml import --from mlflow.db --artifacts mlartifacts",
                ),
        )
}

async fn run(ml: Ml, matches: ArgMatches) -> anyhow::Result<()> {
    let (name, matches) = matches.subcommand().context("which of gc, import?")?;
    match name {
        "gc" => gc(&ml, matches).await,
        _ => import(&ml, matches).await,
    }
}

/// A line to standard output; a reader that closes the pipe early is no error.
fn say(line: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{line}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

async fn gc(ml: &Ml, matches: &ArgMatches) -> anyhow::Result<()> {
    let workspace = match matches.get_one::<String>("workspace") {
        Some(named) => {
            let found = ml.find_workspace(Some(named)).await?;
            Some(found.with_context(|| format!("there is no workspace {named:?}"))?)
        }
        None => None,
    };
    let days = matches.get_one::<u32>("older-than-days").copied().unwrap_or(ml.config.deleted_keep_days);
    let now = ml.clock.now();
    let before_ms = now.as_millisecond() - i64::from(days) * 86_400_000;
    let purged = ml.purge(workspace, now, before_ms).await?;
    say(&format!(
        "{} runs, {} logged models, {} experiments, {} files",
        purged.runs, purged.logged_models, purged.experiments, purged.files
    ))
}

/// What the other server is shown, from the variables that MLflow's own clients read.
fn authorization() -> Option<Secret<String>> {
    let filled = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let text = match (filled("MLFLOW_TRACKING_TOKEN"), filled("MLFLOW_TRACKING_USERNAME")) {
        (Some(token), _) => format!("Bearer {token}"),
        (None, Some(name)) => {
            let password = filled("MLFLOW_TRACKING_PASSWORD").unwrap_or_default();
            format!("Basic {}", BASE64.encode(format!("{name}:{password}")))
        }
        (None, None) => return None,
    };
    Some(Secret::new(text))
}

/// The file that it names; `None` for the address of a server.
fn file_of(from: &str) -> anyhow::Result<Option<PathBuf>> {
    if from.starts_with("http://") || from.starts_with("https://") {
        return Ok(None);
    }
    // As MLflow's --backend-store-uri has it: three strokes, and a fourth where the path begins at the root.
    let file = from.strip_prefix("sqlite:///").unwrap_or(from);
    anyhow::ensure!(
        !file.contains("://"),
        "{from:?} is neither the address of a server nor a SQLite file: for another database start `mlflow server` on \
         it, and name that"
    );
    Ok(Some(PathBuf::from(file)))
}

async fn import(ml: &Ml, matches: &ArgMatches) -> anyhow::Result<()> {
    let from = matches.get_one::<String>("from").context("from where?")?;
    let artifacts = matches.get_one::<PathBuf>("artifacts").cloned();
    let named = matches.get_one::<String>("workspace").map(String::as_str);
    let workspace = ml.find_workspace(named).await?.with_context(|| match named {
        Some(slug) => format!("there is no workspace {slug:?}"),
        None => "there is no workspace yet: make the first account, or start the server once".to_owned(),
    })?;
    let source = match file_of(from)? {
        None => {
            anyhow::ensure!(
                artifacts.is_none(),
                "--artifacts goes with a database file: a server gives its own"
            );
            Source::Server(Server::new(&ml.outbound, from, authorization()))
        }
        Some(file) => Source::Database(Database::open(&file, artifacts).await?),
    };
    let runs = Allow::<WriteRuns>::system("command line", workspace, &*ml.clock);
    let models = Allow::<WriteModels>::system("command line", workspace, &*ml.clock);
    let imported = ml.import(&runs, &models, &source, |told| eprintln!("{told}")).await?;
    show(&imported)
}

fn show(imported: &Imported) -> anyhow::Result<()> {
    for (kind, count) in &imported.counts {
        say(&format!("{kind}: {} there, {} taken over now", count.there, count.taken))?;
    }
    for left in &imported.left_out {
        say(&format!("left out: {left}"))?;
    }
    for (why, (first, count)) in &imported.without_files {
        let others = match count - 1 {
            0 => String::new(),
            others => format!(" and of {others} more"),
        };
        say(&format!("left out: files of {first}{others}: {why}"))?;
    }
    for difference in &imported.differences {
        say(&format!("not alike: {difference}"))?;
    }
    anyhow::ensure!(imported.differences.is_empty(), "not everything is here as it is there");
    say("everything that was taken over was read again, and is as it is there")
}
