//! `socle db move`: everything into another database.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use db::{
    Config, Db,
    transfer::{Existing, Report, Step, Transfer},
};
use indicatif::{ProgressBar, ProgressStyle};
use kernel::{Clock as _, Secret, SystemClock};
use serde_json::json;

use super::{
    super::{print_json, say},
    held::{self, file_of, hold, is_same, refuse_servers},
};
use crate::{modules, settings::Settings};

#[derive(Debug, Args)]
#[command(
    after_help = "Stop the server first. Files (clips, snapshots, models) are not touched: they stay in the data folder \
    or in S3.\n\nExamples:\n  socle db move --from sqlite://data/socle.db --to postgres://socle@db/socle\n  \
    socle db move --from @old-url.txt --to @new-url.txt   (addresses from files, so that no password is in the \
    process list)\n  socle db move --from sqlite://data/socle.db --to postgres://socle@db/socle --resume"
)]
pub(crate) struct MoveArguments {
    /// Address of the database to copy, or `@FILE` with the address in it [default: the configured one].
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// Address of the database to fill, or `@FILE` with the address in it. It must be empty.
    #[arg(long, value_name = "URL")]
    to: String,
    /// Delete all rows of Socle's tables in the target first.
    #[arg(long, conflicts_with = "resume")]
    force: bool,
    /// Go on with a copy that was interrupted: tables that are equal already are kept.
    #[arg(long)]
    resume: bool,
}

const WHY: &str = "what it writes meanwhile would be lost";

pub(super) async fn run(arguments: MoveArguments, settings: &Settings, json: bool) -> anyhow::Result<()> {
    let from_url = match &arguments.from {
        Some(text) => address(text)?,
        None => held::url_of(settings),
    };
    let to_url = address(&arguments.to)?;
    let from_file = file_of(&from_url);
    if let Some(file) = &from_file
        && !file.is_file()
    {
        bail!("there is no SQLite file {}", file.display());
    }
    if is_same(&from_url, &to_url) {
        bail!("source and target are the same database");
    }
    let _locks = [hold(&from_url, settings, WHY)?, hold(&to_url, settings, WHY)?];
    let existing = match (arguments.force, arguments.resume) {
        (true, _) => Existing::Replace,
        (_, true) => Existing::Resume,
        _ => Existing::Refuse,
    };

    let from = open(&from_url, settings).await.context("the source cannot be opened")?;
    let to = open(&to_url, settings).await.context("the target cannot be opened")?;
    for (db, url) in [(&from, &from_url), (&to, &to_url)] {
        refuse_servers(db, url, WHY).await?;
    }
    let transfer = Transfer {
        from: &from,
        to: &to,
        source: db::without_password(&from_url),
        modules: &modules::migrations(),
        existing,
        now: SystemClock.now(),
    };
    let bar = if json { ProgressBar::hidden() } else { ProgressBar::no_length() };
    bar.set_style(ProgressStyle::with_template(
        "{prefix:>7} {msg:32} {wide_bar} {human_pos}/{human_len} rows  {per_sec}",
    )?);
    let outcome = transfer.run(&mut |step| show(&bar, step)).await;
    bar.finish_and_clear();
    from.close().await;
    to.close().await;
    let report = outcome?;
    if json { print_json(&body(&report)) } else { tell(&report, &db::without_password(&to_url)) }
}

fn show(bar: &ProgressBar, step: Step<'_>) {
    match step {
        Step::Begin { tables } => bar.set_prefix(format!("0/{tables}")),
        Step::Table { name, rows } => {
            bar.reset();
            bar.set_length(rows);
            bar.set_message(name.to_owned());
        }
        Step::Copied { rows } => bar.inc(rows),
        Step::Verify { name } => bar.set_message(format!("{name} (verifying)")),
        Step::Done { .. } => {
            let prefix = bar.prefix();
            if let Some((done, all)) = prefix.split_once('/')
                && let Ok(done) = done.parse::<usize>()
            {
                bar.set_prefix(format!("{}/{all}", done + 1));
            }
        }
    }
}

fn body(report: &Report) -> serde_json::Value {
    let tables: Vec<_> = report
        .tables
        .iter()
        .map(|table| {
            json!({"name": table.name, "rows": table.rows, "checksum": table.checksum, "was_there": table.was_there})
        })
        .collect();
    let rows: u64 = report.tables.iter().map(|table| table.rows).sum();
    json!({"tables": tables, "rows": rows, "left_out": report.left_out})
}

fn tell(report: &Report, to: &str) -> anyhow::Result<()> {
    for table in &report.tables {
        let note = if table.was_there { "  (was there already)" } else { "" };
        say(&format!("{:<36} {:>10} rows  {}{note}", table.name, table.rows, &table.checksum[..16]))?;
    }
    for table in &report.left_out {
        say(&format!("{table:<36}   left out: no table of this Socle"))?;
    }
    let rows: u64 = report.tables.iter().map(|table| table.rows).sum();
    say(&format!(
        "copied and verified: {} tables, {rows} rows; now set database.url to {to}",
        report.tables.len()
    ))
}

/// Without time limits: one statement reads a whole table.
async fn open(url: &str, settings: &Settings) -> db::Result<Db> {
    let config = Config {
        url: Secret::new(url.to_owned()),
        connections_min: 0,
        connections_max: 4,
        statement_timeout_ms: 0,
        lock_timeout_ms: 0,
        transaction_idle_timeout_ms: 0,
        slow_ms: 0,
        ..settings.database.clone()
    };
    Db::open_as("socle move", &config, PathBuf::new()).await
}

/// The text, or what stands in the file `@…`.
fn address(text: &str) -> anyhow::Result<String> {
    let url = match text.strip_prefix('@') {
        Some(file) => {
            std::fs::read_to_string(file).with_context(|| format!("{file} cannot be read"))?.trim().to_owned()
        }
        None => text.to_owned(),
    };
    if ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| url.starts_with(scheme)) {
        return Ok(url);
    }
    bail!(
        "{:?} is no address of a database: write sqlite://path or postgres://user:password@host:5432/database",
        db::without_password(&url)
    )
}
