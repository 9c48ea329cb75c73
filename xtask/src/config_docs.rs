//! `docs/config.md` from the rustdoc of the settings: every struct whose doc says ``Section `[name]`.`` and its fields.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::Context as _;

use crate::sources::files;

const FILE: &str = "docs/config.md";

struct Section {
    name: String,
    fields: Vec<(String, String, String)>,
}

pub(crate) fn write(root: &Path) -> anyhow::Result<()> {
    let text = render(root)?;
    fs::write(root.join(FILE), text).with_context(|| format!("writing {FILE}"))?;
    println!("gen: {FILE}");
    Ok(())
}

pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let there = fs::read_to_string(root.join(FILE)).unwrap_or_default();
    Ok(if there == render(root)? { Vec::new() } else { vec![format!("{FILE} is stale: run `make gen`")] })
}

fn render(root: &Path) -> anyhow::Result<String> {
    let mut sections = Vec::new();
    for area in ["server", "crates", "apps"] {
        for path in files(&root.join(area), "rs")? {
            sections.extend(sections_of(&fs::read_to_string(&path)?));
        }
    }
    sections.sort_by(|a, b| a.name.cmp(&b.name));
    let mut text = String::from(
        "# Settings\n\n\
         Generated from the sources by `make gen`. Settings come from `socle.toml`, then from the environment, then from the\n\
         command line; the later wins. `[database] url` is `SOCLE_DATABASE__URL` in the environment: section and key in\n\
         capitals, two underscores between them. Short names: `SOCLE_LISTEN`, `SOCLE_DATA`, `SOCLE_ROLES`,\n\
         `SOCLE_DATABASE_URL`, `SOCLE_REDIS_URL`, `SOCLE_STORAGE_URL`, `SOCLE_LOG`. An unknown setting, or a value that does\n\
         not fit, stops the start; all faults are told at once. `socle config check` only looks.\n",
    );
    for section in sections {
        write!(text, "\n## `[{}]`\n\n| key | kind | meaning |\n| --- | --- | --- |\n", section.name)?;
        for (name, kind, doc) in section.fields {
            writeln!(text, "| `{name}` | {kind} | {} |", doc.replace('|', "\\|"))?;
        }
    }
    Ok(text)
}

fn sections_of(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut doc = String::new();
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(more) = line.strip_prefix("///") {
            if !doc.is_empty() {
                doc.push(' ');
            }
            doc.push_str(more.trim());
            continue;
        }
        if let Some(name) = doc.strip_prefix("Section `[").and_then(|rest| rest.split(']').next())
            && (line.starts_with("pub struct") || line.starts_with("pub(crate) struct"))
        {
            sections.push(Section { name: name.to_owned(), fields: Vec::new() });
            inside = true;
        } else if inside && line.starts_with('}') {
            inside = false;
        } else if inside
            && let Some((name, kind)) = field(line)
            && let Some(section) = sections.last_mut()
        {
            section.fields.push((name, plain_kind(&kind), doc.clone()));
        }
        if !line.starts_with("#[") {
            doc.clear();
        }
    }
    sections
}

/// `pub name: Kind,` or `pub(crate) name: Kind,`.
fn field(line: &str) -> Option<(String, String)> {
    let rest = line.strip_prefix("pub(crate) ").or_else(|| line.strip_prefix("pub "))?;
    let (name, kind) = rest.trim_end_matches(',').split_once(": ")?;
    Some((name.to_owned(), kind.to_owned()))
}

/// A Rust type as somebody who writes TOML reads it.
fn plain_kind(kind: &str) -> String {
    let kind = kind.trim();
    for (open, name) in [("Vec<", "list of "), ("Option<", ""), ("Secret<", "secret ")] {
        if let Some(inner) = kind.strip_prefix(open) {
            return format!("{name}{}", plain_kind(inner.trim_end_matches('>')));
        }
    }
    match kind {
        "String" | "PathBuf" | "IpAddr" => "text",
        "bool" => "true or false",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i64" => "whole number",
        "f32" | "f64" => "number",
        kind if kind.starts_with("BTreeMap<") => "table",
        _ => "text",
    }
    .to_owned()
}
