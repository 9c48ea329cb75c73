//! What is in force and where it comes from, without secrets.

use config::{Kind, Loaded, Place, Shape, redact};
use toml::{Table, Value};

use super::Settings;

/// One setting as it is shown.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Shown {
    pub(crate) setting: String,
    pub(crate) value: Value,
    /// A file with line and column, a variable, a flag, or `default`.
    pub(crate) from: String,
}

/// Last parts of names whose values are not shown, whatever their type.
const SECRET_NAMES: [&str; 5] = ["password", "secret", "token", "secret_key", "access_key"];

/// Every setting in the order of the sections.
pub(crate) fn show(loaded: &Loaded<Settings>) -> anyhow::Result<Vec<Shown>> {
    let values = Table::try_from(&loaded.settings)?;
    let mut shown = Vec::new();
    for (section, shape) in Shape::of::<Settings>().keys() {
        for (key, shape) in shape.keys() {
            let setting = format!("{section}.{key}");
            let value = values.get(*section).and_then(|section| section.get(key)).cloned();
            let place = loaded.place(&setting);
            let value =
                shown_value(loaded, &setting, shape, value.unwrap_or_else(|| Value::String(String::new())));
            let from = if place == Place::Default { "default".to_owned() } else { place.to_string() };
            shown.push(Shown { setting, value, from });
        }
    }
    Ok(shown)
}

fn shown_value(loaded: &Loaded<Settings>, setting: &str, shape: &Shape, value: Value) -> Value {
    let last = setting.rsplit('.').next().unwrap_or(setting);
    let is_secret = *shape == Shape::Value(Kind::Secret) || SECRET_NAMES.contains(&last);
    if let Some(reference) = loaded.reference(setting) {
        return Value::String(reference.to_owned());
    }
    match (loaded.given(setting), value) {
        (Some(Value::String(text)), _) if is_secret && !text.is_empty() => Value::String(shown_secret(text)),
        (_, value) => without_credentials(value),
    }
}

/// An address is worth showing without its password; anything else is not.
fn shown_secret(text: &str) -> String {
    const ADDRESSES: [&str; 7] = ["postgres", "postgresql", "sqlite", "redis", "rediss", "smtp", "smtps"];
    match text.split_once("://") {
        Some((scheme, _)) if ADDRESSES.contains(&scheme) => redact(text),
        _ => kernel::REDACTED.to_owned(),
    }
}

fn without_credentials(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(redact(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(without_credentials).collect()),
        Value::Table(table) => {
            let keep = |(key, value)| {
                let is_secret = SECRET_NAMES.iter().any(|name| key == *name);
                let value = if is_secret {
                    Value::String(kernel::REDACTED.to_owned())
                } else {
                    without_credentials(value)
                };
                (key, value)
            };
            Value::Table(table.into_iter().map(keep).collect())
        }
        other => other,
    }
}
