//! `socle config …`: the settings of `socle.toml`, `.env`, the environment and the command line.

use anyhow::bail;
use clap::Subcommand;
use serde_json::json;

use super::{print_json, say};
use crate::{
    cli::{self, Common},
    settings::show,
};

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read all settings and tell every fault; fetches the secrets that they refer to.
    Check,
    /// Show what is in force and where each value comes from, without secrets.
    Show,
    /// Print the reference of all settings, in Markdown.
    Docs,
    /// Print the JSON schema of socle.toml.
    Schema,
    /// Print a socle.toml with every setting at its default.
    Example,
}

const DOCS: &str = include_str!("../../../docs/config.md");
const SCHEMA: &str = include_str!("../../../docs/config.schema.json");
const EXAMPLE: &str = include_str!("../../../socle.example.toml");

pub(crate) async fn run_config(command: ConfigCommand, common: &Common) -> anyhow::Result<()> {
    match command {
        ConfigCommand::Docs => say(DOCS.trim_end()),
        ConfigCommand::Schema => say(SCHEMA.trim_end()),
        ConfigCommand::Example => say(EXAMPLE.trim_end()),
        ConfigCommand::Check => check(common).await,
        ConfigCommand::Show => {
            let shown = show(&cli::load(common, []).await?)?;
            if common.json {
                return print_json(&serde_json::to_value(shown)?);
            }
            let width = shown.iter().map(|shown| shown.setting.len()).max().unwrap_or(0);
            for shown in shown {
                say(&format!("{:<width$} = {}  # {}", shown.setting, shown.value, shown.from))?;
            }
            Ok(())
        }
    }
}

async fn check(common: &Common) -> anyhow::Result<()> {
    let describe = |located: &config::Located| {
        json!({
            "setting": located.fault.setting,
            "reason": located.fault.reason,
            "hint": located.fault.hint,
            "place": located.place.to_string(),
        })
    };
    match cli::load(common, []).await {
        Ok(loaded) if common.json => {
            let warnings: Vec<_> = loaded.warnings.iter().map(describe).collect();
            print_json(&json!({"faults": [], "warnings": warnings}))
        }
        Ok(loaded) => {
            for warning in &loaded.warnings {
                say(&format!("warning: {warning}"))?;
            }
            say("the settings are fine")
        }
        Err(config::Error::Faults(faults)) if common.json => {
            print_json(&json!({"faults": faults.iter().map(describe).collect::<Vec<_>>(), "warnings": []}))?;
            bail!("{} faults in the settings", faults.len())
        }
        Err(error) => Err(error.into()),
    }
}
