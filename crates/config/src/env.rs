//! Variables, and what their texts mean.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::{
    Fault, Kind, Located, Place, Shape,
    file::{decode, not_utf8},
};

/// Where settings come from, weakest first.
#[derive(Debug, Default)]
pub struct Source {
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// `.env`, if there is one: read here, never put into the process's environment.
    pub dot_env: Option<PathBuf>,
    /// All variables as they are; those that begin with `SOCLE_` are settings.
    pub environment: Vec<(String, String)>,
    /// Dotted settings from the command line.
    pub flags: Vec<(String, String)>,
}

/// Variables with a short name of their own.
const SHORT: [(&str, &str); 9] = [
    ("SOCLE_LISTEN", "server.listen"),
    ("SOCLE_DATA", "server.data"),
    ("SOCLE_ROLES", "server.roles"),
    ("SOCLE_MODE", "server.mode"),
    ("SOCLE_DATABASE_URL", "database.url"),
    ("SOCLE_REDIS_URL", "redis.url"),
    ("SOCLE_STORAGE_URL", "storage.url"),
    ("SOCLE_LOG", "log.filter"),
    ("SOCLE_AUTH_DISABLED", "ml.auth_disabled"),
];

/// Variables that begin as ours do and are no settings: where the files are, and what tests and tools need.
const NO_SETTINGS: [&str; 4] = ["SOCLE_BIN", "SOCLE_CONFIG", "SOCLE_ENV_FILE", "SOCLE_SCREENS"];
const NO_SETTINGS_PREFIX: [&str; 2] = ["SOCLE_TEST_", "SOCLE_E2E_"];

/// The setting that a variable stands for, if it is one.
pub(crate) fn setting_of(variable: &str) -> Option<String> {
    if NO_SETTINGS.contains(&variable) || NO_SETTINGS_PREFIX.iter().any(|prefix| variable.starts_with(prefix))
    {
        return None;
    }
    match SHORT.iter().find(|(short, _)| *short == variable) {
        Some((_, setting)) => Some((*setting).to_owned()),
        None => {
            let name = variable.strip_prefix("SOCLE_")?;
            Some(name.to_ascii_lowercase().replace("__", "."))
        }
    }
}

/// The variable for a setting: `SOCLE_DATABASE__URL` for `database.url`, or the short name.
pub fn variable_of(setting: &str) -> String {
    match SHORT.iter().find(|(_, long)| *long == setting) {
        Some((short, _)) => (*short).to_owned(),
        None => format!("SOCLE_{}", setting.to_ascii_uppercase().replace('.', "__")),
    }
}

/// The lines of `.env`: name, value, number of the line.
pub(crate) fn dot_env(path: &Path, faults: &mut Vec<Located>) -> Vec<(String, String, usize)> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let place = Place::DotEnv { path: path.to_owned(), line: 1, name: String::new() };
            let fault = Fault {
                setting: String::new(),
                reason: format!("the file cannot be read: {error}"),
                hint: Some("name another with SOCLE_ENV_FILE, or set that to nothing".to_owned()),
            };
            faults.push(Located { fault, place });
            return Vec::new();
        }
    };
    let (text, unreadable) = decode(bytes);
    for (line, _) in &unreadable {
        let place = Place::DotEnv { path: path.to_owned(), line: *line, name: "?".to_owned() };
        faults.push(not_utf8(place));
    }
    let mut entries = Vec::new();
    // Read in one piece, because values may go over several lines; the line is looked up by the name.
    for entry in dotenvy::from_read_iter(text.as_bytes()) {
        match entry {
            Ok((name, value)) => {
                let line = line_of(&text, &name);
                entries.push((name, value, line));
            }
            Err(error) => {
                let line = match &error {
                    dotenvy::Error::LineParse(line, _) => {
                        text.lines().position(|known| known.trim() == line.trim()).map_or(1, |at| at + 1)
                    }
                    _ => 1,
                };
                let fault = Fault {
                    setting: String::new(),
                    reason: "this is no line of a .env file".to_owned(),
                    hint: Some("write NAME=value, with quotes around values that hold spaces".to_owned()),
                };
                let place = Place::DotEnv { path: path.to_owned(), line, name: "?".to_owned() };
                faults.push(Located { fault, place });
            }
        }
    }
    entries
}

fn line_of(text: &str, name: &str) -> usize {
    let gives = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    text.lines().position(gives).map_or(1, |at| at + 1)
}

/// A text from outside the file becomes what the place takes; what does not fit stays a text, and is a fault later.
pub(crate) fn value(text: &str, shape: Option<&Shape>) -> Value {
    let as_toml = || format!("x = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("x"));
    match shape {
        Some(Shape::Value(Kind::Text | Kind::Secret | Kind::Choice(_))) => Value::String(text.to_owned()),
        Some(Shape::Value(Kind::Any)) if !text.starts_with('[') => Value::String(text.to_owned()),
        Some(Shape::List(inner)) if !text.starts_with('[') => Value::Array(
            text.split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| value(item, Some(inner)))
                .collect(),
        ),
        _ => as_toml().unwrap_or_else(|| Value::String(text.to_owned())),
    }
}
