use std::{fmt, path::PathBuf};

/// Collects what is wrong with the values, so that one run tells everything.
#[derive(Debug, Default)]
pub struct Faults {
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
}

/// One fault: which setting, what is wrong with it and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Dotted: `database.url`. Empty for a line that is no TOML.
    pub setting: String,
    pub reason: String,
    pub hint: Option<String>,
}

impl Faults {
    pub fn add(&mut self, setting: impl Into<String>, reason: impl ToString) {
        self.faults.push(Fault { setting: setting.into(), reason: reason.to_string(), hint: None });
    }

    /// With what is allowed instead, or what to do.
    pub fn add_with_hint(
        &mut self,
        setting: impl Into<String>,
        reason: impl ToString,
        hint: impl Into<String>,
    ) {
        let hint = Some(hint.into()).filter(|hint| !hint.is_empty());
        self.faults.push(Fault { setting: setting.into(), reason: reason.to_string(), hint });
    }

    /// Adds the fault unless `fine`.
    pub fn require(&mut self, fine: bool, setting: &str, reason: &str) {
        if !fine {
            self.add(setting, reason);
        }
    }

    /// Something that one may start with, but should know.
    pub fn warn(&mut self, setting: &str, reason: impl ToString, hint: &str) {
        let fault =
            Fault { setting: setting.to_owned(), reason: reason.to_string(), hint: Some(hint.to_owned()) };
        self.warnings.push(fault);
    }

    pub(crate) fn into_parts(self) -> (Vec<Fault>, Vec<Fault>) {
        (self.faults, self.warnings)
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Line and column from 1.
    File {
        path: PathBuf,
        line: usize,
        column: usize,
    },
    DotEnv {
        path: PathBuf,
        line: usize,
        name: String,
    },
    Variable(String),
    Flag(String),
    Default,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::DotEnv { path, line, name } => write!(f, "{}:{line}: {name}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Flag(name) => f.write_str(name),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A fault and where the setting stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    pub fault: Fault,
    pub place: Place,
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { setting, reason, hint } = &self.fault;
        write!(f, "{}: ", self.place)?;
        if !setting.is_empty() {
            write!(f, "{setting}: ")?;
        }
        f.write_str(reason)?;
        match hint {
            Some(hint) => write!(f, "\n    hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// The settings are not fit to start with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not read the settings file {path}")]
    Unreadable {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{}", list(.0))]
    Faults(Vec<Located>),
}

fn list(faults: &[Located]) -> String {
    let mut text = match faults.len() {
        1 => "one fault in the settings; nothing was started".to_owned(),
        count => format!("{count} faults in the settings; nothing was started"),
    };
    for fault in faults {
        text.push_str(&format!("\n  {}", fault.to_string().replace('\n', "\n  ")));
    }
    text
}
