//! What names and values may be, and what is said of those that may not.

use serde_json::json;

use super::run::{DatasetInput, Pair};
use crate::error::Error;

/// Characters of a metric's, param's or tag's key at most.
pub(crate) const ITEM_KEY_CHARS_MAX: usize = 250;
const PARAM_VALUE_CHARS_MAX: usize = 6_000;

/// What the tags of one kind of thing may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TagLimits {
    value_chars_max: usize,
    /// A longer value is cut rather than refused.
    is_cut: bool,
}

pub(crate) const RUN_TAG: TagLimits = TagLimits { value_chars_max: 8_000, is_cut: true };
pub(crate) const EXPERIMENT_TAG: TagLimits = TagLimits { value_chars_max: 20_000, is_cut: false };
pub(crate) const MODEL_TAG: TagLimits = TagLimits { value_chars_max: 100_000, is_cut: false };

/// PostgreSQL keeps no NUL character.
pub(crate) fn check_text(path: &str, text: &str) -> Result<(), Error> {
    if text.contains('\0') {
        return Err(Error::invalid(format!(
            "Invalid value for parameter '{path}': it holds a NUL character."
        )));
    }
    Ok(())
}

/// A key of a metric, param or tag. `path` names it in the message, `metrics[3].name`.
pub(crate) fn check_key(path: &str, key: &str) -> Result<(), Error> {
    let is_fine = |letter: char| letter.is_alphanumeric() || "/_.- :".contains(letter);
    if !key.chars().all(is_fine) {
        return Err(invalid(
            path,
            key,
            "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and \
             slashes (/).",
        ));
    }
    check_as_path(path, key)
}

fn check_as_path(path: &str, name: &str) -> Result<(), Error> {
    let is_normal = !name.starts_with("..") && name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if is_normal {
        return Ok(());
    }
    Err(invalid(
        path,
        name,
        &format!(
            "Names may be treated as files in certain cases, and must not resolve to other names when treated as such. \
             This name would resolve to '{}'",
            normal(name)
        ),
    ))
}

/// What a path resolves to, by its text alone.
fn normal(name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let is_absolute = name.starts_with('/');
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if is_absolute => {}
            other => parts.push(other),
        }
    }
    let text = parts.join("/");
    match (is_absolute, text.is_empty()) {
        (true, _) => format!("/{text}"),
        (false, true) => ".".to_owned(),
        (false, false) => text,
    }
}

fn invalid(path: &str, value: &str, reason: &str) -> Error {
    let shown: String = value.chars().take(1_000).collect();
    Error::invalid(format!("Invalid value {} for parameter '{path}' supplied: {reason}", json!(shown)))
}

pub(crate) fn check_length(what: &str, text: &str, chars_max: usize) -> Result<(), Error> {
    if text.len() > chars_max && text.chars().count() > chars_max {
        return Err(Error::invalid(format!("'{what}' exceeds the maximum length of {chars_max} characters")));
    }
    Ok(())
}

/// Cut to so many characters.
fn cut(text: &mut String, chars_max: usize) {
    if let Some((at, _)) = text.char_indices().nth(chars_max) {
        text.truncate(at);
    }
}

/// `path` is `params[3]`, or empty for one by itself.
pub(crate) fn check_param(path: &str, param: &mut Pair) -> Result<(), Error> {
    check_key(&joined(path, "key"), &param.key)?;
    check_length("Param key", &param.key, ITEM_KEY_CHARS_MAX)?;
    check_text(&joined(path, "value"), &param.value)?;
    cut(&mut param.value, PARAM_VALUE_CHARS_MAX);
    Ok(())
}

pub(crate) fn check_tag(path: &str, limits: TagLimits, tag: &mut Pair) -> Result<(), Error> {
    let (key, value) = (joined(path, "key"), joined(path, "value"));
    check_key(&key, &tag.key)?;
    check_length(&key, &tag.key, ITEM_KEY_CHARS_MAX)?;
    check_text(&value, &tag.value)?;
    if limits.is_cut {
        cut(&mut tag.value, limits.value_chars_max);
        return Ok(());
    }
    check_length(&value, &tag.value, limits.value_chars_max)
}

pub(crate) fn joined(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

pub(crate) fn check_run_id(run_id: &str) -> Result<(), Error> {
    let fine = run_id.starts_with(|first: char| first.is_ascii_alphanumeric())
        && run_id.chars().count() <= 256
        && run_id.chars().all(|letter| letter.is_alphanumeric() || "_-".contains(letter));
    if fine {
        return Ok(());
    }
    let shown: String = run_id.chars().take(300).collect();
    Err(Error::invalid(format!("Invalid value {} for parameter 'run_id' supplied.", json!(shown))))
}

pub(crate) fn check_experiment_name(name: &str) -> Result<(), Error> {
    if name.is_empty() {
        return Err(Error::invalid("Invalid experiment name: ''"));
    }
    check_text("name", name)?;
    check_length("name", name, 500)
}

/// `field` is `name` or `new_name`.
pub(crate) fn check_model_name(field: &str, name: &str) -> Result<(), Error> {
    if name.trim().is_empty() {
        return Err(Error::invalid(format!("Missing value for required parameter '{field}'.")));
    }
    if name.contains(['/', ':']) {
        return Err(Error::invalid(format!("Invalid model name '{name}'. Names cannot contain '/' or ':'.")));
    }
    check_text(field, name)?;
    check_length(field, name, 256)?;
    check_as_path(field, name)
}

/// An alias to be set; names that mean versions are reserved.
pub(crate) fn check_alias(alias: &str, is_new: bool) -> Result<(), Error> {
    if alias.is_empty() {
        return Err(Error::invalid("Registered model alias name cannot be empty."));
    }
    if !alias.chars().all(|letter| letter.is_alphanumeric() || "_-".contains(letter)) {
        return Err(Error::invalid(format!(
            "Invalid alias name: '{alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-)."
        )));
    }
    check_length("Registered model alias name", alias, 255)?;
    if is_new && alias.eq_ignore_ascii_case("latest") {
        return Err(Error::invalid("'latest' alias name (case insensitive) is reserved."));
    }
    let number = alias.strip_prefix(['v', 'V']).unwrap_or("");
    if is_new && !number.is_empty() && number.chars().all(|digit| digit.is_ascii_digit()) {
        return Err(Error::invalid(format!("Version alias name '{alias}' is reserved.")));
    }
    Ok(())
}

pub(crate) fn check_dataset(input: &DatasetInput) -> Result<(), Error> {
    let check = |what: &str, text: &str, chars_max: usize| {
        check_text(what, text)?;
        check_length(what, text, chars_max)
    };
    check("name", &input.name, 500)?;
    check("digest", &input.digest, 36)?;
    check("source_type", &input.source_type, 65_535)?;
    check("source", &input.source, 65_535)?;
    check("schema", input.schema.as_deref().unwrap_or(""), 1_048_575)?;
    check("profile", input.profile.as_deref().unwrap_or(""), 16_777_215)?;
    for tag in &input.tags {
        check("input tag key", &tag.key, 255)?;
        check("input tag value", &tag.value, 500)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_names_and_normal_paths() {
        let check = |key: &str, fine: bool| assert_eq!(check_key("key", key).is_ok(), fine, "{key:?}");
        for key in ["loss", "train/loss", "a b", "a:b", "é_1", "a.b", "...".trim_matches('.'), "-"] {
            check(key, !key.is_empty());
        }
        for key in
            ["", "/a", "a/", "a//b", "a/../b", "./a", "..", "..a", ".", "a\tb", "a\u{0}b", "a'b", "a%b"]
        {
            check(key, false);
        }
        let message = check_key("metrics[3].name", "a/../b").unwrap_err().to_string();
        assert!(
            message.contains("parameter 'metrics[3].name'") && message.ends_with("resolve to 'b'"),
            "{message}"
        );
    }

    #[test]
    fn long_values_are_cut_or_refused() {
        let pair = |value: String| Pair { key: "k".to_owned(), value };
        let mut long = pair("é".repeat(9_000));
        check_tag("", RUN_TAG, &mut long).unwrap();
        assert_eq!(long.value.chars().count(), 8_000);
        let mut param = pair("x".repeat(6_001));
        check_param("", &mut param).unwrap();
        assert_eq!(param.value.len(), 6_000);
        assert!(check_tag("", EXPERIMENT_TAG, &mut pair("x".repeat(20_001))).is_err());
        assert!(check_tag("", EXPERIMENT_TAG, &mut pair("x".repeat(20_000))).is_ok());
        assert!(check_param("", &mut Pair { key: "k".repeat(251), value: String::new() }).is_err());
    }

    #[test]
    fn reserved_aliases_are_refused() {
        for (alias, fine) in
            [("champion", true), ("latest", false), ("Latest", false), ("v1", false), ("V12", false)]
        {
            assert_eq!(check_alias(alias, true).is_ok(), fine, "{alias}");
        }
        assert!(check_alias("v1x", true).is_ok() && check_alias("a b", true).is_err());
        assert!(check_alias("latest", false).is_ok());
    }

    #[test]
    fn run_ids_are_plain() {
        for (id, fine) in [("a1-_", true), ("", false), ("-a", false), ("a/b", false), ("é", false)] {
            assert_eq!(check_run_id(id).is_ok(), fine, "{id}");
        }
        assert!(check_run_id(&"a".repeat(256)).is_ok() && check_run_id(&"a".repeat(257)).is_err());
    }
}
