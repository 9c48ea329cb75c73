//! Documents that name a test as the proof of what they say: `file::name` in backticks, where `file.rs` holds the test. Such names
//! rot when tests move.

use std::{collections::HashMap, fs, path::Path};

use crate::sources::files;

/// The documents whose claims are checked.
const DOCUMENTS: &[&str] = &["docs/security.md"];

pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut sources: HashMap<String, Vec<String>> = HashMap::new();
    for area in ["crates", "server"] {
        for path in files(&root.join(area), "rs")? {
            let Some(stem) = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()) else {
                continue;
            };
            sources.entry(stem).or_default().push(fs::read_to_string(&path)?);
        }
    }
    let mut faults = Vec::new();
    for document in DOCUMENTS {
        let text = fs::read_to_string(root.join(document)).unwrap_or_default();
        for (file, test) in claims(&text) {
            let signature = format!("fn {test}(");
            let found =
                sources.get(file).is_some_and(|all| all.iter().any(|source| source.contains(&signature)));
            if !found {
                faults.push(format!("{document} names the test `{file}::{test}`, which is not there"));
            }
        }
    }
    Ok(faults)
}

/// Every `file::name` between backticks.
fn claims(text: &str) -> Vec<(&str, &str)> {
    let is_name = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter_map(|quoted| quoted.split_once("::"))
        .filter(|(file, test)| is_name(file) && is_name(test))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_names_of_tests_between_backticks() {
        let text = "proved by `attack_jwt::none_is_refused` and `a::b`, not by `Type::name` or x::y";
        assert_eq!(claims(text), [("attack_jwt", "none_is_refused"), ("a", "b")]);
    }
}
