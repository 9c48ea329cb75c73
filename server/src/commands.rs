//! The server's own commands besides `serve`.

use std::{io::Write as _, sync::Arc};

use anyhow::{Context as _, bail};
use clap::{ArgMatches, Subcommand};
use kernel::{Clock as _, SystemClock};
use platform::Platform;

use crate::{
    boot,
    cli::{self, Common},
    console, modules,
    settings::Settings,
};

#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Say which migrations are applied and which are pending.
    Status,
    /// Apply what is pending.
    Upgrade,
    /// Take migrations back, newest first. Their tables and rows are gone then.
    Downgrade {
        /// How many.
        #[arg(long, default_value_t = 1)]
        steps: usize,
        /// Only those of one module.
        #[arg(long)]
        module: Option<String>,
        /// All of them.
        #[arg(long, conflicts_with = "steps")]
        all: bool,
    },
    /// List what was applied, and when.
    History,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read all settings and tell every fault.
    Check,
    /// Show what is in force, without secrets.
    Show,
}

pub(crate) async fn run_db(command: DbCommand, settings: Settings, json: bool) -> anyhow::Result<()> {
    boot::data_folder(&settings.server.data)?;
    let db = boot::open_database(&settings).await?;
    let migrator = boot::migrator(&db)?;
    let now = SystemClock.now();
    let plan_lines = |plan: &db::Plan| {
        plan.iter().map(|(module, version, name)| format!("{module} {version:04} {name}")).collect::<Vec<_>>()
    };
    match command {
        DbCommand::Status => {
            let state = migrator.state(&db).await?;
            if json {
                print_json(
                    &serde_json::json!({"engine": db.engine().name(), "applied": state.applied.len(), "pending": plan_lines(&state.pending)}),
                )?;
            } else {
                say(&format!(
                    "{}: {} applied, {} pending",
                    db.engine().name(),
                    state.applied.len(),
                    state.pending.len()
                ))?;
                for line in plan_lines(&state.pending) {
                    say(&format!("  pending {line}"))?;
                }
            }
        }
        DbCommand::Upgrade => {
            let plan = migrator.upgrade(&db, now).await?;
            report("applied", &plan_lines(&plan), json)?;
        }
        DbCommand::Downgrade { steps, module, all } => {
            if let Some(module) = &module
                && !modules::migrations().iter().any(|(name, _)| name == module)
            {
                bail!("there is no module {module}");
            }
            let steps = if all { usize::MAX } else { steps };
            let plan = migrator.downgrade(&db, module.as_deref(), steps).await?;
            report("taken back", &plan_lines(&plan), json)?;
        }
        DbCommand::History => {
            let state = migrator.state(&db).await?;
            if json {
                let rows: Vec<_> = state.applied.iter().map(|row| serde_json::json!({"module": row.module, "version": row.version, "name": row.name, "applied_at": row.applied_at})).collect();
                print_json(&serde_json::Value::from(rows))?;
            } else {
                for row in state.applied {
                    say(&format!("{}  {} {:04} {}", row.applied_at, row.module, row.version, row.name))?;
                }
            }
        }
    }
    db.close().await;
    Ok(())
}

fn report(verb: &str, lines: &[String], json: bool) -> anyhow::Result<()> {
    if json {
        return print_json(&serde_json::json!({ verb.replace(' ', "_"): lines }));
    }
    for line in lines {
        say(&format!("{verb} {line}"))?;
    }
    say(&format!("{} migrations {verb}", lines.len()))
}

pub(crate) async fn run_jobs(
    command: admin::JobsCommand,
    settings: Settings,
    json: bool,
) -> anyhow::Result<()> {
    let (platform, built) = quiet_platform(&settings).await?;
    let workspace = built
        .identity
        .default_workspace()
        .await?
        .context("there is no workspace yet: create the first user")?;
    admin::run_jobs_command(command, json, &platform.db, &platform.jobs, workspace).await?;
    platform.db.close().await;
    Ok(())
}

pub(crate) fn run_config(command: ConfigCommand, common: &Common) -> anyhow::Result<()> {
    let settings = cli::settings(common, [])?;
    match command {
        ConfigCommand::Check => say("the settings are fine"),
        ConfigCommand::Show => {
            for (setting, value) in settings.summary() {
                say(&format!("{setting:<20} {value}"))?;
            }
            Ok(())
        }
    }
}

pub(crate) async fn run_doctor(settings: Settings) -> anyhow::Result<()> {
    let mut faults = 0;
    let mut check = |name: &str, outcome: Result<String, String>| {
        let (mark, detail) = match outcome {
            Ok(detail) => ("ok  ", detail),
            Err(detail) => {
                faults += 1;
                ("BAD ", detail)
            }
        };
        say(&format!("{mark} {name:<12} {detail}"))
    };
    check("settings", Ok("read".to_owned()))?;
    let folder =
        boot::data_folder(&settings.server.data).map(|()| settings.server.data.display().to_string());
    check("data folder", folder.map_err(|error| format!("{error:#}")))?;
    check("ffmpeg", ffmpeg_version(&settings.surveillance.ffmpeg))?;
    match quiet_platform(&settings).await {
        Err(error) => check("database", Err(format!("{error:#}")))?,
        Ok((platform, built)) => {
            check("database", Ok(format!("{}, schema up to date", platform.db.engine().name())))?;
            let stored = platform.storage.ping().await;
            check(
                "file store",
                stored.map(|()| platform.storage.place().to_owned()).map_err(|error| error.to_string()),
            )?;
            for part in &built.parts {
                for component in &part.checks {
                    check(component.name, component.run().await)?;
                }
            }
        }
    }
    if faults == 0 { Ok(()) } else { bail!("{faults} of these need attention") }
}

/// What the program says of itself on its first line.
fn ffmpeg_version(program: &std::path::Path) -> Result<String, String> {
    let name = program.display();
    let output = std::process::Command::new(program).arg("-version").output().map_err(|error| {
        format!("{name} does not start ({error}); install ffmpeg, or name it in surveillance.ffmpeg")
    })?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().next().map(str::to_owned).ok_or_else(|| format!("{name} says nothing of its version"))
}

/// `socle <command of a module> …`: opens what the server stands on, builds the module, and lets it run.
pub(crate) async fn run_of_module(common: Common, name: &str, matches: &ArgMatches) -> anyhow::Result<()> {
    let settings = cli::settings(&common, [])?;
    let (platform, built) = quiet_platform(&settings).await?;
    let command = built
        .parts
        .into_iter()
        .flat_map(|part| part.commands)
        .find(|command| command.command.get_name() == name)
        .with_context(|| format!("{name} is listed but not built"))?;
    let outcome = command.run(matches.clone()).await;
    platform.db.close().await;
    outcome
}

/// Prints what `/openapi.json` answers, from modules on an empty database in memory of a temporary folder.
pub(crate) async fn print_openapi() -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("socle-openapi-{}", std::process::id()));
    let settings = Settings {
        server: crate::settings::Server { data: folder.clone(), ..Default::default() },
        ..Settings::default()
    };
    boot::data_folder(&folder)?;
    let (platform, built) = quiet_platform(&settings).await?;
    let assembled = platform::assemble(
        &platform,
        &settings.http,
        built.identity.authenticator(),
        built.parts,
        modules::aliases(),
        console::pages(),
    );
    let text = assembled.openapi.to_pretty_json()?;
    platform.db.close().await;
    drop(std::fs::remove_dir_all(&folder));
    say(&text)
}

/// The platform and its modules for one command: nothing runs in the background, and only warnings are logged.
async fn quiet_platform(settings: &Settings) -> anyhow::Result<(Platform, modules::Built)> {
    telemetry::start_logs(&telemetry::Config { filter: "warn".to_owned(), ..settings.log.clone() })?;
    boot::data_folder(&settings.server.data)?;
    let platform = boot::platform(settings, settings.server.public_url.clone()).await?;
    let built = modules::build_all(&platform, settings, Vec::new(), Arc::new(String::new))?;
    Ok((platform, built))
}

fn print_json(value: &serde_json::Value) -> anyhow::Result<()> {
    say(&format!("{value:#}"))
}

/// A line to standard output; a reader that closes the pipe early is no error.
fn say(line: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{line}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
