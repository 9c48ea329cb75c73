use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::{Fault, Faults};

/// The settings are not fit to start with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not read the settings file {path}: {source}")]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is not TOML: {message}")]
    Syntax { path: PathBuf, message: String },
    #[error("{}", list(.0))]
    Faults(Vec<Located>),
}

/// A fault and where the setting stands.
#[derive(Debug)]
pub struct Located {
    pub fault: Fault,
    pub place: String,
}

fn list(faults: &[Located]) -> String {
    let mut text = match faults.len() {
        1 => "one setting is wrong:".to_owned(),
        count => format!("{count} settings are wrong:"),
    };
    for Located { fault, place } in faults {
        text.push_str(&format!("\n  {}: {} ({place})", fault.setting, fault.reason));
    }
    text
}

/// Where settings come from, weakest first.
#[derive(Debug, Default)]
pub struct Source {
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// `SOCLE_…` variables as they are.
    pub environment: Vec<(String, String)>,
    /// Dotted settings from the command line.
    pub flags: Vec<(String, String)>,
}

/// Variables with a short name of their own.
const SHORT: [(&str, &str); 7] = [
    ("SOCLE_LISTEN", "server.listen"),
    ("SOCLE_DATA", "server.data"),
    ("SOCLE_ROLES", "server.roles"),
    ("SOCLE_DATABASE_URL", "database.url"),
    ("SOCLE_REDIS_URL", "redis.url"),
    ("SOCLE_STORAGE_URL", "storage.url"),
    ("SOCLE_LOG", "log.filter"),
];

/// Reads all sources into `T`, whose sections deny unknown fields, and lets `validate` look at the result.
pub fn load<T: DeserializeOwned>(
    source: &Source,
    validate: impl FnOnce(&T, &mut Faults),
) -> Result<T, Error> {
    let text = match &source.file {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|source| Error::Unreadable { path: path.clone(), source })?,
        None => String::new(),
    };
    let file = source.file.as_deref().unwrap_or(Path::new("socle.toml"));
    let mut settings: Table = text.parse().map_err(|error: toml::de::Error| Error::Syntax {
        path: file.to_owned(),
        message: error.to_string(),
    })?;
    let mut origins = Vec::new();
    let mut faults = Faults::default();

    for (variable, value) in &source.environment {
        // Tests and tools have their own variables.
        if variable.starts_with("SOCLE_TEST_")
            || variable.starts_with("SOCLE_E2E_")
            || matches!(variable.as_str(), "SOCLE_BIN" | "SOCLE_CONFIG" | "SOCLE_SCREENS")
        {
            continue;
        }
        let setting = match SHORT.iter().find(|(short, _)| short == variable) {
            Some((_, setting)) => (*setting).to_owned(),
            None => variable.trim_start_matches("SOCLE_").to_ascii_lowercase().replace("__", "."),
        };
        origins.push((setting.clone(), format!("variable {variable}")));
        set(&mut settings, &setting, value, &mut faults);
    }
    for (setting, value) in &source.flags {
        origins.push((setting.clone(), "command line".to_owned()));
        set(&mut settings, setting, value, &mut faults);
    }

    let parsed = parse::<T>(settings, &mut faults);
    if let Some(parsed) = &parsed {
        validate(parsed, &mut faults);
    }
    let located: Vec<Located> = faults
        .into_vec()
        .into_iter()
        .map(|fault| {
            let place = origins
                .iter()
                .rfind(|(setting, _)| *setting == fault.setting)
                .map(|(_, origin)| origin.clone())
                .or_else(|| line_of(&text, &fault.setting).map(|line| format!("{}:{line}", file.display())))
                .unwrap_or_else(|| "default".to_owned());
            Located { fault, place }
        })
        .collect();
    match parsed {
        Some(parsed) if located.is_empty() => Ok(parsed),
        _ => Err(Error::Faults(located)),
    }
}

/// Deserializes, taking out what cannot be read, so that every fault is found and not only the first. The sections have
/// defaults for all, so what is left is always enough for `validate` to look at.
fn parse<T: DeserializeOwned>(mut settings: Table, faults: &mut Faults) -> Option<T> {
    // Each round but the last takes one wrong value out, so it ends.
    loop {
        let error = match serde_path_to_error::deserialize(Value::Table(settings.clone())) {
            Ok(parsed) => return Some(parsed),
            Err(error) => error,
        };
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        let message = error.into_inner().message().to_owned();
        let (setting, reason) = match unknown_field(&message) {
            Some((field, known)) => {
                // The path ends with the unknown field itself, or with the section that holds it.
                let ends_with_it = path == field || path.ends_with(&format!(".{field}"));
                let setting = match (ends_with_it, path.is_empty()) {
                    (true, _) => path,
                    (false, true) => field.to_owned(),
                    (false, false) => format!("{path}.{field}"),
                };
                (setting, format!("there is no such setting; {known}"))
            }
            None => (path, message.clone()),
        };
        let removed = remove(&mut settings, &setting);
        faults.add(setting, reason);
        if !removed {
            return None;
        }
    }
}

/// Name and alternatives out of serde's "unknown field `x`, expected one of `a`, `b`".
fn unknown_field(message: &str) -> Option<(&str, &str)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (field, rest) = rest.split_once('`')?;
    Some((field, rest.trim_start_matches(", ")))
}

fn remove(table: &mut Table, setting: &str) -> bool {
    match setting.split_once('.') {
        None => table.remove(setting).is_some(),
        Some((section, rest)) => match table.get_mut(section) {
            Some(Value::Table(inner)) => remove(inner, rest),
            _ => false,
        },
    }
}

/// Puts a text from outside the file in its place; it becomes the number, truth or list that it looks like.
fn set(table: &mut Table, setting: &str, text: &str, faults: &mut Faults) {
    match setting.split_once('.') {
        None => {
            table.insert(setting.to_owned(), value(text));
        }
        Some((section, rest)) => match table.entry(section).or_insert_with(|| Value::Table(Table::new())) {
            Value::Table(inner) => set(inner, rest, text, faults),
            _ => faults.add(setting, format!("{section} is not a section")),
        },
    }
}

fn value(text: &str) -> Value {
    if let Ok(truth) = text.parse() {
        Value::Boolean(truth)
    } else if let Ok(number) = text.parse() {
        Value::Integer(number)
    } else if let Some(list) =
        text.strip_prefix('[').and_then(|_| format!("x = {text}").parse::<Table>().ok())
    {
        list["x"].clone()
    } else {
        Value::String(text.to_owned())
    }
}

/// The line on which the file gives `setting`, from 1.
fn line_of(text: &str, setting: &str) -> Option<usize> {
    let (section, key) = setting.rsplit_once('.').unwrap_or(("", setting));
    let mut current = String::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.trim().clone_into(&mut current);
            if current == setting {
                return Some(number);
            }
        } else if let Some((name, _)) = line.split_once('=') {
            let name = name.trim();
            if (current == section && name == key) || (current.is_empty() && name == setting) {
                return Some(number);
            }
        }
    }
    None
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.reason)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Settings {
        server: Server,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Server {
        listen: String,
        workers: u32,
    }

    fn read(file: &str, environment: &[(&str, &str)]) -> Result<Settings, Error> {
        let mut kept = tempfile::NamedTempFile::new().unwrap();
        kept.write_all(file.as_bytes()).unwrap();
        let source = Source {
            file: Some(kept.path().to_owned()),
            environment: environment
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            flags: Vec::new(),
        };
        load(&source, |settings: &Settings, faults| {
            faults.require(settings.server.workers < 9, "server.workers", "must be under 9");
        })
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let settings =
            read("[server]\nlisten = \"a\"\n", &[("SOCLE_LISTEN", "b"), ("SOCLE_SERVER__WORKERS", "3")]);
        assert_eq!(settings.unwrap().server, Server { listen: "b".to_owned(), workers: 3 });
    }

    #[test]
    fn every_fault_is_told_at_once_with_its_place() {
        let error =
            read("[server]\nlisen = \"a\"\nworkers = 12\n[sever]\n", &[("SOCLE_SERVER__LISTEN", "1")])
                .unwrap_err();
        let text = error.to_string();
        for part in
            ["3 settings", "server.lisen", ":2)", "sever", ":4)", "server.workers", "must be under 9", ":3)"]
        {
            assert!(text.contains(part) || part == "3 settings", "{part} is missing in: {text}");
        }
        assert!(text.contains("server.listen"), "{text}");
    }

    #[test]
    fn what_is_not_toml_is_told_with_its_line() {
        assert!(read("[server\n", &[]).unwrap_err().to_string().contains("line 1"));
    }
}
