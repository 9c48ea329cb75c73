//! What people read about the settings, from the rustdoc of the settings themselves: every struct whose doc says
//! ``Section `[name]`.`` (or ``[[name]]`` for a list of tables) and its fields. Three files come of it: `docs/config.md`,
//! `docs/config.schema.json`, and `socle.example.toml`. That nothing is missing, and that the defaults told are the real
//! ones, is what the tests of `server` look at.

mod example;
mod read;
mod schema;

use std::{fmt::Write as _, fs, path::Path};

use anyhow::Context as _;

use crate::sources::files;
use read::{Section, sections_of};

type Render = fn(&[Section]) -> anyhow::Result<String>;

const FILES: [(&str, Render); 3] = [
    ("docs/config.md", markdown),
    ("docs/config.schema.json", schema::render),
    ("socle.example.toml", example::render),
];

pub(crate) fn write(root: &Path) -> anyhow::Result<()> {
    let sections = sections(root)?;
    for (file, render) in FILES {
        fs::write(root.join(file), render(&sections)?).with_context(|| format!("writing {file}"))?;
        println!("gen: {file}");
    }
    Ok(())
}

pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let sections = sections(root)?;
    let mut faults = Vec::new();
    for (file, render) in FILES {
        if fs::read_to_string(root.join(file)).unwrap_or_default() != render(&sections)? {
            faults.push(format!("{file} is stale: run `make gen`"));
        }
    }
    for section in &sections {
        for field in &section.fields {
            if field.default_words.is_empty() {
                let (section, key) = (&section.name, &field.name);
                faults.push(format!(
                    "{section}.{key}: its doc tells no default (\"Default 30.\", \"Empty (the default): …\")"
                ));
            }
        }
    }
    Ok(faults)
}

fn sections(root: &Path) -> anyhow::Result<Vec<Section>> {
    let mut sections = Vec::new();
    for area in ["server", "crates", "apps"] {
        for path in files(&root.join(area), "rs")? {
            sections.extend(sections_of(&fs::read_to_string(&path)?));
        }
    }
    sections.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sections)
}

const HEAD: &str = "\
# Settings

Generated from the sources by `make gen`; `socle config docs` prints it. How settings are given, secrets that stand elsewhere
and production mode: [settings.md](settings.md).

Settings come from `socle.toml`, then `.env`, then the environment, then the command line; the later wins. `[database] url` is
`SOCLE_DATABASE__URL` in the environment: section and key in capitals, two underscores between them. Short names:
`SOCLE_LISTEN`, `SOCLE_DATA`, `SOCLE_ROLES`, `SOCLE_MODE`, `SOCLE_DATABASE_URL`, `SOCLE_REDIS_URL`, `SOCLE_STORAGE_URL`,
`SOCLE_LOG`. An unknown setting, or a value that does not fit, stops the start; all faults are told at once.
`socle config check` only looks, `socle config show` tells what is in force and where it comes from.
";

fn markdown(sections: &[Section]) -> anyhow::Result<String> {
    let mut text = String::from(HEAD);
    for section in sections {
        let name =
            if section.is_list { format!("[[{}]]", section.name) } else { format!("[{}]", section.name) };
        write!(
            text,
            "\n## `{name}`\n\n| key | kind | unit | default | meaning |\n| --- | --- | --- | --- | --- |\n"
        )?;
        for field in &section.fields {
            let default = match &field.default {
                Some(value) if value == "\"\"" => "empty".to_owned(),
                Some(value) => format!("`{value}`"),
                None => field.default_words.clone(),
            };
            let cells = [field.kind.words(), field.unit.to_owned(), default, field.doc.clone()];
            let cells = cells.map(|cell| cell.replace('|', "\\|")).join(" | ");
            writeln!(text, "| `{}` | {cells} |", field.name)?;
        }
    }
    Ok(text)
}
