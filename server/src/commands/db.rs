//! `socle db …`: the schema.

use anyhow::bail;
use clap::Subcommand;
use kernel::{Clock as _, SystemClock};

use super::{print_json, say};
use crate::{boot, modules, settings::Settings};

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

pub(crate) async fn run_db(command: DbCommand, settings: Settings, json: bool) -> anyhow::Result<()> {
    boot::data_folder(&settings.server.data)?;
    let db = boot::open_database(&settings).await?;
    let migrator = boot::migrator(&db)?;
    let now = SystemClock.now();
    let plan_lines = |plan: &::db::Plan| {
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
