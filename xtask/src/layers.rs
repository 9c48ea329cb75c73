//! Which file of a module may use which: the table of the house, read from the `use crate::…` lines.

use std::{collections::BTreeSet, fs, path::Path};

use crate::sources::{files, folders, shown};

/// What may be used by each part of a module besides `config`, `error` and `model`'s own siblings. A part is a file of
/// `src/` or a folder of that name. Parts that are not here are the module's own (an engine of its domain, such as
/// `capture`): they may use anything but the front doors, and be used by services and what is above them.
const TABLE: [(&str, &[&str]); 9] = [
    ("config", &["model"]),
    ("permissions", &[]),
    ("error", &["model"]),
    ("model", &["error"]),
    ("store", &["model", "error", "config"]),
    ("http", &["service", "model", "error", "permissions", "config"]),
    ("jobs", &["service", "model", "error", "permissions", "config"]),
    ("events", &["service", "model", "error", "permissions", "config"]),
    ("cli", &["service", "model", "error", "permissions", "config"]),
];

const FRONT_DOORS: [&str; 2] = ["http", "cli"];

pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut faults = Vec::new();
    let mut modules: Vec<_> =
        ["identity", "admin", "notifications"].map(|name| root.join("crates").join(name)).into();
    modules.extend(folders(&root.join("apps"))?.iter().map(|name| root.join("apps").join(name)));
    for module in modules.iter().filter(|module| module.exists()) {
        for needed in ["lib.rs", "permissions.rs"] {
            if !module.join("src").join(needed).exists() {
                faults.push(format!("{}: a module has a src/{needed}", shown(root, module)));
            }
        }
        for path in files(&module.join("src"), "rs")? {
            let part = part_of(&module.join("src"), &path);
            if part == "lib" {
                continue;
            }
            let allowed = TABLE.iter().find(|(name, _)| *name == part).map(|(_, allowed)| *allowed);
            for used in uses(&fs::read_to_string(&path)?) {
                let fine = used == part
                    || match allowed {
                        Some(allowed) => allowed.contains(&used.as_str()) || is_own(&used, &part),
                        None => !FRONT_DOORS.contains(&used.as_str()),
                    };
                if !fine {
                    faults.push(format!("{}: {part} may not use {used}", shown(root, &path)));
                }
            }
        }
    }
    Ok(faults)
}

/// A part of the module's own, which front doors may use as they do services.
fn is_own(used: &str, part: &str) -> bool {
    let in_table = TABLE.iter().any(|(name, _)| *name == used) || used == "service";
    !in_table && !matches!(part, "config" | "permissions" | "error" | "model" | "store")
}

/// `http` for `src/http.rs` and `src/http/tasks.rs`.
fn part_of(src: &Path, path: &Path) -> String {
    let inner = path.strip_prefix(src).unwrap_or(path);
    let first = inner.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned());
    first.unwrap_or_default().trim_end_matches(".rs").to_owned()
}

/// The modules that `use crate::x`, `use crate::{x, y::z}` and `crate::x::` name. Types (in capitals) come from lib.rs.
fn uses(text: &str) -> BTreeSet<String> {
    let code: String = text
        .split("#[cfg(test)]")
        .next()
        .unwrap_or("")
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => {
                found.insert(word(rest));
            }
            Some(group) => {
                let mut depth = 1;
                let mut start = true;
                for (index, letter) in group.char_indices() {
                    match letter {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' => {}
                        letter if start && !letter.is_whitespace() => {
                            found.insert(word(&group[index..]));
                        }
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                    start = depth == 1 && (letter == ',' || (start && letter.is_whitespace()));
                }
            }
        }
    }
    found.retain(|name| name.starts_with(|letter: char| letter.is_ascii_lowercase()));
    found
}

fn word(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_found_in_every_form() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(uses(text).iter().map(String::as_str).collect::<Vec<_>>(), expected, "{text}");
        };
        check("use crate::store;", &["store"]);
        check("use crate::store::cameras;", &["store"]);
        check("use crate::{error::Error, model::{Camera, Zone}, store};", &["error", "model", "store"]);
        check("use crate::{\n    error::Error,\n    store,\n};", &["error", "store"]);
        check("use crate::Config;", &[]);
        check("let x = crate::http::routes();", &["http"]);
        check("// use crate::http;", &[]);
        check("#[cfg(test)]\nmod tests { use crate::http; }", &[]);
    }
}
