//! `socle audit …`.

use anyhow::{Context as _, bail};
use clap::{Arg, ArgAction, ArgMatches};
use jiff::SignedDuration;
use kernel::{Allow, Ctx, Timestamp};
use platform::ExitWith;
use serde_json::json;

use super::{allow, no_workspace, say, text};
use crate::{
    model::{AuditEntry, AuditFilter, ChainEnd, Workspace},
    permissions::ReadAudit,
    service::{AuditFormat, Identity, written},
};

pub(super) fn shape() -> clap::Command {
    let filters = |command: clap::Command| {
        let option = |name, value, help| Arg::new(name).long(name).value_name(value).help(help);
        command
            .arg(option(
                "action",
                "ACTION",
                "Such as identity.login-failed; how it begins, with a * at its end",
            ))
            .arg(option("actor", "ID", "A user's id or e-mail address"))
            .arg(option("target", "ID", "What it was done to"))
            .arg(option("address", "ADDRESS", "The caller's network address"))
            .arg(option("search", "TEXT", "Part of the action, the actor, the target or the details"))
            .arg(option("from", "TIME", "From this time on, such as 2026-01-31T00:00:00Z"))
            .arg(option("to", "TIME", "Before this time"))
    };
    clap::Command::new("audit")
        .about("The audit log: read, export, verify, prune")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(
            Arg::new("workspace")
                .long("workspace")
                .value_name("SLUG")
                .global(true)
                .help("The workspace, by its name in addresses [default: the first one]"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .global(true)
                .help("Print JSON for programs"),
        )
        .subcommand(
            clap::Command::new("verify")
                .about("Check that nobody changed the log; exit code 1 where somebody did")
                .arg(
                    Arg::new("all").long("all").action(ArgAction::SetTrue).help("The logs of all workspaces"),
                )
                .arg(
                    Arg::new("since-head")
                        .long("since-head")
                        .value_name("SEQ:HASH")
                        .conflicts_with("all")
                        .help("A head that an earlier check printed: the log must still hold that row"),
                ),
        )
        .subcommand(
            filters(clap::Command::new("list").about("Print the newest rows"))
                .arg(Arg::new("limit").long("limit").value_name("ROWS").default_value("50")),
        )
        .subcommand(
            filters(clap::Command::new("export").about("Print all rows that fit, oldest first"))
                .arg(Arg::new("format").long("format").value_parser(["csv", "json"]).default_value("csv")),
        )
        .subcommand(
            clap::Command::new("prune")
                .about("Delete old rows; the log stays verifiable, and one that is broken stays as it is")
                .arg(
                    Arg::new("keep-days")
                        .long("keep-days")
                        .value_name("DAYS")
                        .value_parser(clap::value_parser!(u32).range(1..=36_500))
                        .help("Keep those of so many days [default: identity.audit_keep_days]"),
                )
                .arg(
                    Arg::new("all").long("all").action(ArgAction::SetTrue).help("The logs of all workspaces"),
                ),
        )
}

pub(super) async fn run(identity: Identity, matches: ArgMatches) -> anyhow::Result<()> {
    let (name, matches) = matches.subcommand().context("which of verify, list, export, prune?")?;
    match name {
        "verify" => verify(&identity, matches).await,
        "list" => list(&identity, matches).await,
        "export" => export(&identity, matches).await,
        "prune" => prune(&identity, matches).await,
        other => bail!("there is no command audit {other}"),
    }
}

/// One, by its slug also when it was deleted; or all.
async fn workspaces(identity: &Identity, matches: &ArgMatches) -> anyhow::Result<Vec<Workspace>> {
    if matches.try_get_one::<bool>("all").ok().flatten().copied().unwrap_or(false) {
        return Ok(identity.every_workspace().await?);
    }
    let slug = text(matches, "workspace");
    let found = identity.any_workspace_of_command(slug).await?;
    Ok(vec![found.ok_or_else(|| no_workspace(slug.unwrap_or_default()))?])
}

async fn verify(identity: &Identity, matches: &ArgMatches) -> anyhow::Result<()> {
    let kept = match text(matches, "since-head") {
        None => None,
        Some(text) => Some(
            ChainEnd::parse(text)
                .ok_or_else(|| ExitWith::usage(format!("{text:?} is no head like 42:9f86d0…")))?,
        ),
    };
    let as_json = matches.get_flag("json");
    let (mut broken, mut rows) = (0, Vec::new());
    for workspace in workspaces(identity, matches).await? {
        let allow: Allow<ReadAudit> = allow(identity, &workspace);
        let verified = identity.verify_audit(&allow, kept).await?;
        broken += usize::from(verified.fault.is_some());
        if as_json {
            rows.push(json!({
                "workspace": workspace.slug,
                "ok": verified.fault.is_none(),
                "checked": verified.checked,
                "from_seq": verified.from_seq,
                "to_seq": verified.head.seq,
                "head": verified.head.to_string(),
                "fault": verified.fault.map(|fault| json!({ "seq": fault.seq, "what": fault.what })),
            }));
            continue;
        }
        match verified.fault {
            None => say(&format!(
                "{}: ok, {} rows from {} to {}\nhead {}",
                workspace.slug, verified.checked, verified.from_seq, verified.head.seq, verified.head
            ))?,
            Some(fault) => say(&format!(
                "{}: BROKEN at row {}: {}\n{} rows before it are fine",
                workspace.slug, fault.seq, fault.what, verified.checked
            ))?,
        }
    }
    if as_json {
        say(&serde_json::to_string_pretty(&rows)?)?;
    }
    match broken {
        0 => Ok(()),
        1 => bail!("the audit log was changed: see docs/audit.md"),
        many => bail!("{many} audit logs were changed: see docs/audit.md"),
    }
}

fn filter(matches: &ArgMatches) -> anyhow::Result<AuditFilter> {
    let given = |name| text(matches, name).map(str::to_owned);
    let time = |name| -> anyhow::Result<Option<Timestamp>> {
        let Some(text) = text(matches, name) else { return Ok(None) };
        Ok(Some(text.parse().map_err(|_| {
            ExitWith::usage(format!("--{name}: {text:?} is no time like 2026-01-31T00:00:00Z"))
        })?))
    };
    Ok(AuditFilter {
        action: given("action"),
        actor: given("actor"),
        target: given("target"),
        address: given("address"),
        search: given("search"),
        from: time("from")?,
        to: time("to")?,
    })
}

async fn list(identity: &Identity, matches: &ArgMatches) -> anyhow::Result<()> {
    let workspace = workspaces(identity, matches).await?.swap_remove(0);
    let limit: usize = text(matches, "limit")
        .unwrap_or("50")
        .parse()
        .map_err(|_| ExitWith::usage("--limit must be a number"))?;
    let allow: Allow<ReadAudit> = allow(identity, &workspace);
    let mut rows = identity.list_audit(&allow, &filter(matches)?, None, limit).await?;
    rows.truncate(limit);
    if matches.get_flag("json") {
        return print(AuditFormat::Json, rows, true, true);
    }
    let mut lines = vec![["TIME", "ACTION", "ACTOR", "TARGET", "ADDRESS", "DETAIL"].map(str::to_owned)];
    lines.extend(rows.into_iter().map(|row| {
        [
            format!("{:.0}", row.at),
            row.action,
            row.actor_email.unwrap_or_default(),
            row.target.unwrap_or_default(),
            row.address.unwrap_or_default(),
            row.detail,
        ]
    }));
    say(&super::columns(&lines))
}

async fn export(identity: &Identity, matches: &ArgMatches) -> anyhow::Result<()> {
    let workspace = workspaces(identity, matches).await?.swap_remove(0);
    let is_json = matches.get_flag("json") || text(matches, "format") == Some("json");
    let format = if is_json { AuditFormat::Json } else { AuditFormat::Csv };
    let (allow, filter) = (allow::<ReadAudit>(identity, &workspace), filter(matches)?);
    let (mut after, mut is_first) = (0, true);
    loop {
        let rows = identity.export_audit(&allow, &filter, after).await?;
        let last = rows.last().map(|row| row.seq);
        print(format, rows, is_first, last.is_none())?;
        let Some(last) = last else { return Ok(()) };
        (after, is_first) = (last, false);
    }
}

fn print(format: AuditFormat, rows: Vec<AuditEntry>, is_first: bool, is_last: bool) -> anyhow::Result<()> {
    use std::io::Write as _;
    let bytes = written(format, rows, is_first, is_last);
    std::io::stdout().lock().write_all(&bytes).context("could not write to standard output")
}

async fn prune(identity: &Identity, matches: &ArgMatches) -> anyhow::Result<()> {
    let days = matches.get_one::<u32>("keep-days").copied().unwrap_or(identity.config().audit_keep_days);
    if days == 0 {
        return Err(
            ExitWith::usage("identity.audit_keep_days is 0, which keeps all rows: name --keep-days").into()
        );
    }
    let now = identity.clock().now();
    let before = now - SignedDuration::from_hours(24 * i64::from(days));
    let (mut done, mut broken) = (Vec::new(), 0);
    for workspace in workspaces(identity, matches).await? {
        let ctx = Ctx::system(super::WHY, workspace.id, now);
        match identity.prune_audit(&ctx, before).await? {
            Ok(rows) => done.push((workspace.slug, rows)),
            Err(fault) => {
                broken += 1;
                eprintln!(
                    "{}: left as it is, since it is broken at row {}: {}",
                    workspace.slug, fault.seq, fault.what
                );
            }
        }
    }
    if matches.get_flag("json") {
        let rows: Vec<_> =
            done.iter().map(|(slug, rows)| json!({ "workspace": slug, "deleted": rows })).collect();
        say(&serde_json::to_string_pretty(&rows)?)?;
    } else {
        for (slug, rows) in done {
            say(&format!("{slug}: {rows} rows deleted"))?;
        }
    }
    if broken > 0 { bail!("{broken} logs are broken, and nothing was deleted of them") } else { Ok(()) }
}
