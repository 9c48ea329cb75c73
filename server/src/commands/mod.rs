//! The server's own commands besides `serve`: one file for each.

use std::{io::Write as _, sync::Arc};

use anyhow::Context as _;
use clap::ArgMatches;
use platform::Platform;

use crate::{
    boot::{self, Schema},
    cli::{self, Common},
    modules,
    settings::Settings,
};

mod account;
mod cache;
mod config;
mod db;
mod doctor;
mod jobs;
mod openapi;
mod settings;

pub(crate) use self::{
    account::{run_api, run_login, run_logout, run_whoami},
    cache::run_cache,
    config::{ConfigCommand, run_config},
    db::{DbCommand, run_db},
    doctor::run_doctor,
    jobs::{run_jobs, run_schedule},
    openapi::print_openapi,
    settings::run_settings,
};

/// `socle <command of a module> …`: opens what the server stands on, builds the module, and lets it run.
pub(crate) async fn run_of_module(common: Common, name: &str, matches: &ArgMatches) -> anyhow::Result<()> {
    let settings = cli::settings(&common, []).await?;
    // The first account may come before the first start.
    let is_first_run = (name, matches.subcommand_name()) == ("user", Some("create"));
    let schema = if is_first_run { Schema::New } else { Schema::Ready };
    let (platform, built) = quiet_platform(&settings, schema).await?;
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

/// The platform and its modules for one command: nothing runs in the background, and only warnings are logged.
async fn quiet_platform(settings: &Settings, schema: Schema) -> anyhow::Result<(Platform, modules::Built)> {
    telemetry::start_logs(&telemetry::Config { filter: "warn".to_owned(), ..settings.log.clone() })?;
    if schema != Schema::Ready {
        boot::data_folder(&settings.server.data)?;
    }
    let platform = boot::platform(settings, settings.server.public_url.clone(), schema).await?;
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
