//! What to do about a fault.

use toml::{Table, Value};

use crate::{
    Kind, Shape,
    words::{alternatives, nearest},
};

/// For a key that its section does not have.
pub(crate) fn for_unknown(
    key: &str,
    prefix: &str,
    known: &[(&'static str, Shape)],
    everything: &[(String, Kind)],
    value: &Value,
) -> String {
    let near = nearest(key, known.iter().map(|(known, _)| *known));
    if !near.is_empty() {
        return format!("did you mean {}?", alternatives(&near));
    }
    // Right name, wrong section.
    let elsewhere: Vec<_> = everything
        .iter()
        .map(|(place, _)| place.as_str())
        .filter(|place| place.rsplit('.').next() == Some(key))
        .collect();
    if !elsewhere.is_empty() && !value.is_table() {
        return format!("did you mean {}?", alternatives(&elsewhere));
    }
    takes(prefix, known)
}

/// What a section has.
fn takes(section: &str, known: &[(&'static str, Shape)]) -> String {
    let names: Vec<_> = known.iter().map(|(known, _)| *known).collect();
    let what = if section.is_empty() { "the sections are".to_owned() } else { format!("[{section}] takes") };
    format!("{what} {}", names.join(", "))
}

/// Where nothing better is known: the default of the setting, or of the list or table of values that it stands in.
pub(crate) fn from_default(setting: &str, shape: &Shape, defaults: &Table) -> String {
    if let Some(Shape::Section(known)) = shape.find(setting) {
        return takes(setting, known);
    }
    // Of a key in an item the list's default says nothing; sections are on the first level, so the way up ends at the second.
    let mut name = if setting.contains("].") { "" } else { setting };
    while let Some(at) = name.rfind(['.', '[']).filter(|_| name.contains('.')) {
        if let Some(value) = find(defaults, name) {
            let key = name.rsplit('.').next().unwrap_or(name);
            return format!("for example `{key} = {value}` (the default)");
        }
        name = &name[..at];
    }
    "leave it out, and its default holds".to_owned()
}

fn find<'d>(defaults: &'d Table, name: &str) -> Option<&'d Value> {
    let mut parts = name.split('.');
    let first = defaults.get(parts.next()?)?;
    parts.try_fold(first, |found, part| found.get(part))
}

/// What serde says, for somebody who writes TOML: the reason, and a hint if there is a better one than the default.
pub(crate) fn explain(message: &str, shape: Option<&Shape>) -> (String, Option<String>) {
    let Some(shape) = shape else { return (message.to_owned(), None) };
    if let Shape::Value(Kind::Choice(words)) = shape
        && let Some(given) = message.strip_prefix("unknown variant `").and_then(|rest| rest.split('`').next())
    {
        let near = nearest(given, words.iter().copied());
        let hint = (!near.is_empty()).then(|| format!("did you mean {}?", alternatives(&near)));
        return (format!("{given:?} is none of {}", alternatives(words).replace(" or ", ", ")), hint);
    }
    // "invalid type: string \"x\", expected u64": what came stands between.
    let came = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))
        .and_then(|rest| rest.rsplit_once(", expected ").map(|(came, _)| came))
        .filter(|_| !matches!(shape, Shape::Value(Kind::Any)));
    match came {
        None => (message.to_owned(), None),
        Some(_) if matches!(shape, Shape::Value(Kind::Secret)) => {
            (format!("must be {}", shape.words()), None)
        }
        Some(came) => (format!("must be {}, and this is {}", shape.words(), in_words(came)), None),
    }
}

/// serde's name of a value in TOML's words.
fn in_words(came: &str) -> String {
    for (from, to) in [
        ("string ", "the text "),
        ("integer ", "the number "),
        ("floating point ", "the number "),
        ("boolean ", ""),
        ("sequence", "a list"),
        ("map", "a section"),
    ] {
        if let Some(rest) = came.strip_prefix(from) {
            return format!("{to}{}", rest.replace('`', ""));
        }
    }
    came.to_owned()
}
