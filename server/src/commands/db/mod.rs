//! `socle db …`: the schema, and what is in it.

mod held;
mod new;
mod transfer;

use anyhow::bail;
use clap::Subcommand;
use db::{Db, Downgrade, Migrator, Plan, SchemaState, Upgrade};
use kernel::{Clock as _, SystemClock};
use serde_json::json;

use self::transfer::MoveArguments;
use super::{print_json, say};
use crate::{boot, modules, settings::Settings};

#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Say which migrations are applied and which are pending.
    Status,
    /// Say how far each module's schema is.
    Current,
    /// Apply what is pending.
    #[command(after_help = "Examples:\n  socle db upgrade\n  socle db upgrade to 5\n  \
        socle db upgrade to 2 --module surveillance")]
    Upgrade {
        /// `to N`: only so far. N counts as in `history`; with `--module` it is that module's own number.
        #[arg(value_name = "to N", num_args = 0..=2)]
        target: Vec<String>,
        /// Only those of one module.
        #[arg(long)]
        module: Option<String>,
    },
    /// Take migrations back, newest first. Their tables and rows are gone then.
    #[command(after_help = "Examples:\n  socle db downgrade -1\n  socle db downgrade to 5\n  \
        socle db downgrade to 1 --module surveillance\n  socle db downgrade --all")]
    Downgrade {
        /// `-N`: the last N (default: 1); `to N`: all after the Nth, counted as in `history`, or with `--module` by that
        /// module's own numbers.
        #[arg(value_name = "-N | to N", num_args = 0..=2, allow_negative_numbers = true)]
        target: Vec<String>,
        /// How many; the same as `-N`.
        #[arg(long, conflicts_with_all = ["target", "all"])]
        steps: Option<usize>,
        /// Only those of one module.
        #[arg(long)]
        module: Option<String>,
        /// All of them.
        #[arg(long, conflicts_with = "target")]
        all: bool,
        /// Also while a server works on the database: it will fail on what is missing.
        #[arg(long)]
        force: bool,
    },
    /// List what was applied, and when, in order.
    History,
    /// Write the two files of a new migration, in a source checkout.
    #[command(after_help = "Example:\n  socle db new surveillance add_site\n  \
        writes apps/surveillance/migrations/0003_add_site.up.sql and .down.sql")]
    New {
        /// Whose migration it is.
        module: String,
        /// What it does, in small letters and underscores.
        name: String,
    },
    /// Copy everything into another database, SQLite or PostgreSQL, and verify it.
    Move(MoveArguments),
}

pub(crate) async fn run_db(command: DbCommand, settings: Settings, json: bool) -> anyhow::Result<()> {
    let command = match command {
        DbCommand::New { module, name } => {
            return new::write(&std::env::current_dir()?, &module, &name, json);
        }
        DbCommand::Move(arguments) => return transfer::run(arguments, &settings, json).await,
        other => other,
    };
    let is_forced = match &command {
        DbCommand::Downgrade { force, .. } => Some(*force),
        _ => None,
    };
    // Held until the end: no server starts in between.
    let _locks = match is_forced {
        Some(false) => held::hold(&held::url_of(&settings), &settings, WHY)?,
        _ => Vec::new(),
    };
    let db = match command {
        DbCommand::Upgrade { .. } => boot::open_or_make_database(&settings).await?,
        _ => boot::open_existing_database(&settings).await?,
    };
    let outcome = async {
        if is_forced == Some(false) {
            held::refuse_servers(&db, &held::url_of(&settings), WHY).await?;
        }
        run_schema(command, &db, json).await
    };
    let outcome = outcome.await;
    db.close().await;
    outcome
}

const WHY: &str = "it needs what would be taken back (--force does it all the same)";

async fn run_schema(command: DbCommand, db: &Db, json: bool) -> anyhow::Result<()> {
    let migrator = boot::migrator(db)?;
    match command {
        DbCommand::Status => status(db, &migrator.state(db).await?, json),
        DbCommand::Current => current(&migrator, &migrator.state(db).await?, json),
        DbCommand::History => history(&migrator.state(db).await?, json),
        DbCommand::Upgrade { target, module } => {
            known(module.as_deref())?;
            let to = match &target[..] {
                [] => None,
                words => Some(to(words)?),
            };
            let reach = Upgrade { module: module.as_deref(), to };
            let plan = migrator.upgrade_to(db, SystemClock.now(), reach).await?;
            report("applied", &lines(&plan), json)
        }
        DbCommand::Downgrade { target, steps, module, all, force: _ } => {
            known(module.as_deref())?;
            let reach = match (&target[..], steps) {
                _ if all => Downgrade::All,
                (_, Some(steps)) => Downgrade::Steps(steps),
                ([], None) => Downgrade::Steps(1),
                ([steps], None) => Downgrade::Steps(back(steps)?),
                (words, None) => Downgrade::To(to(words)?),
            };
            let plan = migrator.downgrade_to(db, module.as_deref(), reach).await?;
            report("taken back", &lines(&plan), json)
        }
        DbCommand::New { .. } | DbCommand::Move(_) => unreachable!("they need no open database"),
    }
}

fn status(db: &Db, state: &SchemaState, json: bool) -> anyhow::Result<()> {
    let pending = lines(&state.pending);
    if json {
        return print_json(
            &json!({"engine": db.engine().name(), "applied": state.applied.len(), "pending": pending}),
        );
    }
    say(&format!("{}: {} applied, {} pending", db.engine().name(), state.applied.len(), pending.len()))?;
    pending.iter().try_for_each(|line| say(&format!("  pending {line}")))
}

fn current(migrator: &Migrator, state: &SchemaState, json: bool) -> anyhow::Result<()> {
    let modules: Vec<_> = migrator
        .heads()
        .into_iter()
        .map(|(module, head)| {
            let version =
                state.applied.iter().filter(|row| row.module == module).map(|row| row.version).max();
            (module, version.unwrap_or(0), head)
        })
        .collect();
    if json {
        let items: Vec<_> = modules
            .iter()
            .map(|(module, version, head)| json!({"module": module, "version": version, "head": head}))
            .collect();
        return print_json(&items.into());
    }
    for (module, version, head) in modules {
        let note = if version == head { "" } else { "  (not the newest)" };
        say(&format!("{module:<16} {version:04} of {head:04}{note}"))?;
    }
    Ok(())
}

fn history(state: &SchemaState, json: bool) -> anyhow::Result<()> {
    if json {
        let rows: Vec<_> = (1..)
            .zip(&state.applied)
            .map(|(number, row)| json!({"number": number, "module": row.module, "version": row.version, "name": row.name, "applied_at": row.applied_at}))
            .collect();
        return print_json(&rows.into());
    }
    for (number, row) in (1..).zip(&state.applied) {
        say(&format!("{number:>3}  {}  {} {:04} {}", row.applied_at, row.module, row.version, row.name))?;
    }
    Ok(())
}

fn lines(plan: &Plan) -> Vec<String> {
    plan.iter().map(|(module, version, name)| format!("{module} {version:04} {name}")).collect()
}

fn report(verb: &str, lines: &[String], json: bool) -> anyhow::Result<()> {
    if json {
        return print_json(&json!({ verb.replace(' ', "_"): lines }));
    }
    for line in lines {
        say(&format!("{verb} {line}"))?;
    }
    let word = if lines.len() == 1 { "migration" } else { "migrations" };
    say(&format!("{} {word} {verb}", lines.len()))
}

fn known(module: Option<&str>) -> anyhow::Result<()> {
    if let Some(module) = module
        && !modules::migrations().iter().any(|(name, _)| *name == module)
    {
        bail!("there is no module {module}");
    }
    Ok(())
}

/// `to N`.
fn to(words: &[String]) -> anyhow::Result<i64> {
    match words {
        [to, number] if to == "to" => match number.parse() {
            Ok(number) if number >= 0 => Ok(number),
            _ => bail!("{number} is no number of a migration: write it like `to 5`"),
        },
        _ => bail!("{} is not understood: write it like `to 5`", words.join(" ")),
    }
}

/// `-N`.
fn back(word: &str) -> anyhow::Result<usize> {
    match word.strip_prefix('-').map(str::parse) {
        Some(Ok(steps)) => Ok(steps),
        _ => bail!("{word} is not understood: write it like `-1`, or `to 5`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_parsed() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(to(&words("to 5")).unwrap(), 5);
        assert_eq!(to(&words("to 0")).unwrap(), 0);
        for wrong in ["5", "to -1", "to five", "until 5"] {
            assert!(to(&words(wrong)).is_err(), "{wrong}");
        }
        assert_eq!(back("-3").unwrap(), 3);
        for wrong in ["3", "--3", "-x", "to"] {
            assert!(back(wrong).is_err(), "{wrong}");
        }
    }
}
