//! `socle config …`: the settings.

use clap::Subcommand;

use super::say;
use crate::cli::{self, Common};

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read all settings and tell every fault.
    Check,
    /// Show what is in force, without secrets.
    Show,
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
