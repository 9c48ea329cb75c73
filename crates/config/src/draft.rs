use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use serde::{Serialize, de::DeserializeOwned};
use serde_path_to_error::Segment;
use toml::{Table, Value};

use crate::{
    Error, Fault, Faults, Kind, Located, Place, Reference, Shape, Source, Wanted,
    env::{self, setting_of},
    file::File,
    hints,
};

/// All sources in one table, before it becomes a type.
#[derive(Debug)]
pub struct Draft {
    shape: Shape,
    values: Table,
    places: BTreeMap<String, Place>,
    faults: Vec<Located>,
    /// Secrets that stood elsewhere: setting and reference.
    references: BTreeMap<String, String>,
    wanted: Vec<Wanted>,
    variables: BTreeMap<String, String>,
}

/// Settings that are fit to start with.
#[derive(Debug)]
pub struct Loaded<T> {
    pub settings: T,
    /// What one may start with, but should know.
    pub warnings: Vec<Located>,
    places: BTreeMap<String, Place>,
    references: BTreeMap<String, String>,
    given: Table,
}

impl<T> Loaded<T> {
    /// Where a setting comes from.
    pub fn place(&self, setting: &str) -> Place {
        place_of(&self.places, setting)
    }

    /// Where a secret stands, if it stands elsewhere.
    pub fn reference(&self, setting: &str) -> Option<&str> {
        self.references.get(setting).map(String::as_str)
    }

    /// The value that a source gives: secrets too, so not to be shown as it is.
    pub fn given(&self, setting: &str) -> Option<&Value> {
        let mut found = self.given.get(setting.split('.').next()?)?;
        for part in setting.split('.').skip(1) {
            found = found.get(part)?;
        }
        Some(found)
    }
}

impl Draft {
    /// Puts the sources together, and takes out what `T` does not know.
    pub fn read<T: DeserializeOwned>(source: &Source) -> Result<Self, Error> {
        let mut draft = Self {
            shape: Shape::of::<T>(),
            values: Table::new(),
            places: BTreeMap::new(),
            faults: Vec::new(),
            references: BTreeMap::new(),
            wanted: Vec::new(),
            variables: BTreeMap::new(),
        };
        if let Some(path) = &source.file {
            let bytes =
                std::fs::read(path).map_err(|source| Error::Unreadable { path: path.clone(), source })?;
            let file = File::parse(path, bytes);
            draft.values = file.values;
            draft.places = file.places;
            draft.faults = file.faults;
        }
        if let Some(path) = &source.dot_env {
            for (name, value, line) in env::dot_env(path, &mut draft.faults) {
                let place = Place::DotEnv { path: path.clone(), line, name: name.clone() };
                draft.variable(&name, &value, place);
            }
        }
        for (name, value) in &source.environment {
            draft.variable(name, value, Place::Variable(name.clone()));
        }
        for (setting, value) in &source.flags {
            let name = setting.rsplit('.').next().unwrap_or(setting);
            draft.put(setting, value, Place::Flag(format!("--{name}")));
        }
        draft.take_out_unknown();
        draft.look_up_references();
        Ok(draft)
    }

    /// A variable of the environment or of `.env`; those that are set to nothing count as not set.
    pub fn variable_value(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// A section by itself, before the rest is fetched; `None` where it is not fit, which [`finish`](Self::finish) tells.
    pub fn section<S: DeserializeOwned + Default>(&self, name: &str) -> Option<S> {
        match self.values.get(name) {
            None => Some(S::default()),
            Some(value) => value.clone().try_into().ok(),
        }
    }

    /// Secrets that the caller must fetch, and [`supply`](Self::supply).
    pub fn wanted(&self) -> &[Wanted] {
        &self.wanted
    }

    /// A fetched secret, or what is wrong and what to do.
    pub fn supply(&mut self, setting: &str, fetched: Result<String, (String, String)>) {
        match fetched {
            Ok(text) => drop(replace(&mut self.values, setting, Value::String(text))),
            Err((reason, hint)) => self.fault(setting, reason, Some(hint).filter(|hint| !hint.is_empty())),
        }
    }

    /// Makes the values, and lets `validate` look at them.
    pub fn finish<T: DeserializeOwned + Serialize + Default>(
        mut self,
        validate: impl FnOnce(&T, &mut Faults),
    ) -> Result<Loaded<T>, Error> {
        let given = self.values.clone();
        let parsed = self.parse::<T>();
        let defaults = Table::try_from(T::default()).unwrap_or_default();
        let mut warnings = Vec::new();
        if let Some(parsed) = &parsed {
            let mut faults = Faults::default();
            validate(parsed, &mut faults);
            let (faults, warned) = faults.into_parts();
            // A value that was taken out left its default, about which there is nothing to say.
            let told: BTreeSet<_> = self.faults.iter().map(|located| located.fault.setting.clone()).collect();
            let locate = |fault: Fault| Located { place: place_of(&self.places, &fault.setting), fault };
            let new: Vec<_> =
                faults.into_iter().filter(|fault| !told.contains(&fault.setting)).map(locate).collect();
            warnings = warned.into_iter().map(locate).collect();
            self.faults.extend(new);
        }
        match parsed {
            Some(settings) if self.faults.is_empty() => {
                Ok(Loaded { settings, warnings, places: self.places, references: self.references, given })
            }
            _ => {
                for Located { fault, .. } in &mut self.faults {
                    let hint = || hints::from_default(&fault.setting, &self.shape, &defaults);
                    fault.hint = fault.hint.take().or_else(|| Some(hint()));
                }
                self.faults.sort_by(|a, b| a.place.cmp(&b.place));
                self.faults.dedup();
                Err(Error::Faults(self.faults))
            }
        }
    }

    fn variable(&mut self, name: &str, value: &str, place: Place) {
        if value.is_empty() {
            return;
        }
        self.variables.insert(name.to_owned(), value.to_owned());
        if let Some(setting) = setting_of(name) {
            self.put(&setting, value, place);
        }
    }

    /// A value from outside the file.
    fn put(&mut self, setting: &str, text: &str, place: Place) {
        let value = env::value(text, self.shape.find(setting));
        // What stood below or above it in the file does not count any more.
        self.places.retain(|known, _| {
            !known.starts_with(&format!("{setting}.")) && !known.starts_with(&format!("{setting}["))
        });
        if let Err(section) = insert(&mut self.values, setting, value) {
            let fault = Fault {
                setting: setting.to_owned(),
                reason: format!("there is no such setting: {section} is no section"),
                hint: None,
            };
            self.faults.push(Located { fault, place });
            return;
        }
        self.places.insert(setting.to_owned(), place);
    }

    /// Without a hint, [`finish`](Self::finish) finds one.
    fn fault(&mut self, setting: &str, reason: impl Into<String>, hint: Option<String>) {
        self.fault_at(place_of(&self.places, setting), setting, reason, hint);
    }

    fn fault_at(&mut self, place: Place, setting: &str, reason: impl Into<String>, hint: Option<String>) {
        let fault = Fault { setting: setting.to_owned(), reason: reason.into(), hint };
        self.faults.push(Located { place, fault });
    }

    fn take_out_unknown(&mut self) {
        let mut unknown = Vec::new();
        let everything = self.shape.places();
        strip(&mut self.values, &self.shape, "", &everything, &mut unknown);
        for (setting, hint) in unknown {
            const REASON: &str = "there is no such setting";
            // Variables make no place for the section that they name; the file's keys stand in one that has its own.
            let is_inside =
                |name: &str| name.strip_prefix(&setting).is_some_and(|rest| rest.starts_with('.'));
            let by_variable: Vec<_> = self
                .places
                .iter()
                .filter(|(name, place)| is_inside(name) && !matches!(place, Place::File { .. }))
                .map(|(name, place)| (name.clone(), place.clone()))
                .collect();
            if by_variable.is_empty() || self.places.contains_key(&setting) {
                self.fault(&setting, REASON, Some(hint.clone()));
            }
            for (name, place) in by_variable {
                self.fault_at(place, &name, REASON, Some(hint.clone()));
            }
        }
    }

    fn look_up_references(&mut self) {
        let mut found = Vec::new();
        for (name, value) in &self.values {
            secrets(value, self.shape.find(name), name, &mut found);
        }
        for (setting, text) in found {
            let Some(parsed) = Reference::parse(&text) else { continue };
            match parsed {
                Err(reason) => {
                    let hint = "write file:/path, env:NAME or vault:mount/path#key";
                    self.fault(&setting, reason, Some(hint.to_owned()));
                }
                Ok(Reference::Vault { mount, path, key }) => {
                    self.wanted.push(Wanted { setting: setting.clone(), mount, path, key });
                }
                Ok(reference) => {
                    let fetched = reference.fetch(|name| self.variables.get(name).cloned());
                    if let Some(fetched) = fetched {
                        self.supply(&setting, fetched);
                    }
                }
            }
            self.references.insert(setting, text);
        }
    }

    /// Deserializes, taking out what cannot be read, so that every fault is found and not only the first. The sections
    /// have defaults for all, so what is left is always enough for `validate` to look at.
    fn parse<T: DeserializeOwned>(&mut self) -> Option<T> {
        let mut gone: Vec<(String, usize)> = Vec::new();
        // Each round but the last takes one wrong value out, so it ends.
        loop {
            let error = match serde_path_to_error::deserialize(Value::Table(self.values.clone())) {
                Ok(parsed) => return Some(parsed),
                Err(error) => error,
            };
            let steps: Vec<Segment> = error.path().iter().cloned().collect();
            let message = error.into_inner().message().to_owned();
            let (taken, setting) = take_out(&mut self.values, &steps, &mut gone);
            let (reason, hint) = hints::explain(&message, self.shape.find(&setting));
            self.fault(&setting, reason, hint);
            if !taken {
                return None;
            }
        }
    }
}

/// The place of a setting, or of the list or table of values that it stands in. A section that the file has says nothing
/// of a key that it does not have: sections are on the first level, so the way up ends at the second.
fn place_of(places: &BTreeMap<String, Place>, setting: &str) -> Place {
    let mut name = setting;
    loop {
        if let Some(place) = places.get(name) {
            return place.clone();
        }
        match name.rfind(['.', '[']) {
            Some(at) if name[..at].contains('.') => name = &name[..at],
            _ => return Place::Default,
        }
    }
}

fn insert(table: &mut Table, setting: &str, value: Value) -> Result<(), String> {
    match setting.split_once('.') {
        None => {
            table.insert(setting.to_owned(), value);
            Ok(())
        }
        Some((section, rest)) => match table.entry(section).or_insert_with(|| Value::Table(Table::new())) {
            Value::Table(inner) => insert(inner, rest, value),
            _ => Err(section.to_owned()),
        },
    }
}

/// Puts a value in the place of one that is there.
fn replace(table: &mut Table, setting: &str, value: Value) -> Option<()> {
    let mut parts = setting.split(['.', '[']).map(|part| part.trim_end_matches(']'));
    let mut found = table.get_mut(parts.next()?)?;
    for part in parts {
        found = match found {
            Value::Table(table) => table.get_mut(part)?,
            Value::Array(items) => items.get_mut(part.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    *found = value;
    Some(())
}

/// Takes keys out that the shape does not have; notes each with a hint.
fn strip(
    table: &mut Table,
    shape: &Shape,
    prefix: &str,
    everything: &[(String, Kind)],
    unknown: &mut Vec<(String, String)>,
) {
    let Shape::Section(known) = shape else { return };
    let dot = if prefix.is_empty() { "" } else { "." };
    table.retain(|key, value| {
        let name = format!("{prefix}{dot}{key}");
        match (known.iter().find(|(known, _)| *known == key), value) {
            (None, value) => {
                unknown.push((name, hints::for_unknown(key, prefix, known, everything, value)));
                false
            }
            (Some((_, inner)), Value::Table(table)) => {
                strip(table, inner, &name, everything, unknown);
                true
            }
            (Some((_, Shape::List(inner))), Value::Array(items)) => {
                for (number, item) in items.iter_mut().enumerate() {
                    if let Value::Table(table) = item {
                        strip(table, inner, &format!("{name}[{number}]"), everything, unknown);
                    }
                }
                true
            }
            _ => true,
        }
    });
}

/// Texts in places of secrets.
fn secrets(value: &Value, shape: Option<&Shape>, name: &str, found: &mut Vec<(String, String)>) {
    match (value, shape) {
        (Value::String(text), Some(Shape::Value(Kind::Secret))) => {
            found.push((name.to_owned(), text.clone()))
        }
        (Value::Table(table), Some(shape)) => {
            for (key, value) in table {
                secrets(value, shape.find(key), &format!("{name}.{key}"), found);
            }
        }
        (Value::Array(items), Some(Shape::List(inner))) => {
            for (number, item) in items.iter().enumerate() {
                secrets(item, Some(inner), &format!("{name}[{number}]"), found);
            }
        }
        _ => {}
    }
}

/// Removes what the steps lead to, or the nearest thing around it. Gives the name that it had in the file.
fn take_out(values: &mut Table, steps: &[Segment], gone: &mut Vec<(String, usize)>) -> (bool, String) {
    let mut name = String::new();
    let mut now = String::new();
    let mut path: Vec<(String, Option<usize>)> = Vec::new();
    for step in steps {
        match step {
            Segment::Map { key } => {
                let dot = if name.is_empty() { "" } else { "." };
                name.push_str(&format!("{dot}{key}"));
                now.push_str(&format!("{dot}{key}"));
                path.push((key.clone(), None));
            }
            Segment::Seq { index } => {
                // Items before it may have been taken out.
                let mut original = *index;
                let mut before: Vec<_> =
                    gone.iter().filter(|(list, _)| *list == name).map(|(_, at)| *at).collect();
                before.sort_unstable();
                for at in before {
                    if at <= original {
                        original += 1;
                    }
                }
                if std::ptr::eq(step, steps.last().unwrap_or(step)) {
                    gone.push((name.clone(), original));
                }
                name.push_str(&format!("[{original}]"));
                now.push_str(&format!("[{index}]"));
                path.push((String::new(), Some(*index)));
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    while !path.is_empty() {
        if remove(values, &path) {
            return (true, name);
        }
        path.pop();
    }
    (false, name)
}

fn remove(values: &mut Table, path: &[(String, Option<usize>)]) -> bool {
    let Some(((last_key, last_index), way)) = path.split_last() else { return false };
    let mut holder = Value::Table(std::mem::take(values));
    let removed = (|| {
        let mut found = &mut holder;
        for (key, index) in way {
            found = match (found, index) {
                (Value::Table(table), None) => table.get_mut(key)?,
                (Value::Array(items), Some(index)) => items.get_mut(*index)?,
                _ => return None,
            };
        }
        match (found, last_index) {
            (Value::Table(table), None) => table.remove(last_key).map(drop),
            (Value::Array(items), Some(index)) if *index < items.len() => {
                items.remove(*index);
                Some(())
            }
            _ => None,
        }
    })()
    .is_some();
    if let Value::Table(table) = holder {
        *values = table;
    }
    removed
}

impl Source {
    /// This process's variables, `socle.toml` and `.env` of the folder where there are such.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<(String, String)>) -> Self {
        let there = |name: &str| Some(PathBuf::from(name)).filter(|path| path.exists());
        let dot_env = match std::env::var_os("SOCLE_ENV_FILE") {
            None => there(".env"),
            Some(name) => Some(PathBuf::from(name)).filter(|path| !path.as_os_str().is_empty()),
        };
        let file = file.or_else(|| there("socle.toml"));
        // What is no UTF-8 is no setting of ours.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self { file, dot_env, environment: environment.collect(), flags }
    }
}
