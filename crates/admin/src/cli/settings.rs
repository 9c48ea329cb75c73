use ::settings::{Change, ChangeId, Item, RuntimeSettings};
use clap::Subcommand;
use kernel::{Ctx, Locale};
use serde_json::{Value, json};

use super::table::print;

/// Look at the settings that can be changed while the server runs, and change them.
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:\n  socle settings list\n  socle settings set jobs.keep_h 24\n  \
    socle settings history --key jobs.keep_h\n  socle settings undo chg_…\n\nA running server follows within seconds.")]
pub enum SettingsCommand {
    /// List all settings and what they are.
    List,
    /// Show one setting: its value, default, and what it takes.
    Get { key: String },
    /// Change a setting.
    Set {
        key: String,
        /// A text as it is; true, false or a number for the others.
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Put a setting back to its default.
    Reset { key: String },
    /// List changes, newest first.
    History {
        /// Only of this setting.
        #[arg(long)]
        key: Option<String>,
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Take a change back.
    Undo {
        id: ChangeId,
        /// Also when the setting was changed again since.
        #[arg(long)]
        force: bool,
    },
}

/// Runs `socle settings …`.
pub async fn run_settings_command(
    command: SettingsCommand,
    as_json: bool,
    settings: &RuntimeSettings,
    ctx: &Ctx,
) -> anyhow::Result<()> {
    let item = match command {
        SettingsCommand::List => {
            let items = settings.list();
            return if as_json {
                print(&format!("{:#}\n", Value::from(items.iter().map(describe).collect::<Vec<_>>())))
            } else {
                print(&items.iter().map(line).collect::<String>())
            };
        }
        SettingsCommand::History { key, limit } => {
            let mut changes = settings.changes(key.as_deref(), None, limit.min(10_000)).await?;
            changes.truncate(limit);
            return if as_json {
                print(&format!(
                    "{:#}\n",
                    Value::from(changes.iter().map(describe_change).collect::<Vec<_>>())
                ))
            } else {
                print(&changes.iter().map(change_line).collect::<String>())
            };
        }
        SettingsCommand::Get { key } => settings.find(&key)?,
        SettingsCommand::Set { key, value } => {
            let value = settings.find(&key)?.spec.kind.parse(&value);
            settings.set(ctx, &key, Some(value)).await?
        }
        SettingsCommand::Reset { key } => settings.set(ctx, &key, None).await?,
        SettingsCommand::Undo { id, force } => settings.undo(ctx, id, force).await?,
    };
    if as_json {
        return print(&format!("{:#}\n", describe(&item)));
    }
    let spec = item.spec;
    print(&format!(
        "{}  {}\n  {}; default {}\n",
        line(&item).trim_end(),
        spec.description.in_language(Locale::English),
        spec.kind.allowed(),
        item.default,
    ))
}

fn line(item: &Item) -> String {
    let mark = if item.is_default { "" } else { "  (set)" };
    let unit = item.spec.unit.map_or(String::new(), |unit| format!(" {unit}"));
    format!("{:<36} {}{unit}{mark}\n", item.spec.key, item.value)
}

fn describe(item: &Item) -> Value {
    json!({
        "key": item.spec.key,
        "group": item.spec.group,
        "title": item.spec.title.in_language(Locale::English),
        "kind": item.spec.kind.name(),
        "unit": item.spec.unit,
        "allowed": item.spec.kind.allowed(),
        "default": item.default,
        "value": item.value,
        "is_default": item.is_default,
        "updated_at": item.updated_at.map(|at| at.to_string()),
        "updated_by": item.updated_by,
    })
}

fn change_line(change: &Change) -> String {
    let shown = |value: &Option<Value>| value.as_ref().map_or("default".to_owned(), Value::to_string);
    let mark = match (change.undo_of, change.is_undone) {
        (Some(of), _) => format!("  (undoes {of})"),
        (None, true) => "  (undone)".to_owned(),
        (None, false) => String::new(),
    };
    format!(
        "{}  {:.19}  {:<28} {} → {}  by {}{mark}\n",
        change.id,
        change.at.to_string(),
        change.key,
        shown(&change.old),
        shown(&change.new),
        change.by,
    )
}

fn describe_change(change: &Change) -> Value {
    json!({
        "id": change.id.to_string(),
        "key": change.key,
        "old": change.old,
        "new": change.new,
        "by": change.by,
        "at": change.at.to_string(),
        "undo_of": change.undo_of.map(|id| id.to_string()),
        "is_undone": change.is_undone,
    })
}
