//! `socle db new`: the two files of a migration, under the next number.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::json;

use super::super::{print_json, say};
use crate::modules;

pub(super) fn write(start: &Path, module: &str, name: &str, json: bool) -> anyhow::Result<()> {
    let files = create(start, module, name)?;
    if json {
        return print_json(&json!({"files": files}));
    }
    for file in files {
        say(&format!("wrote {}", file.display()))?;
    }
    say("write the way up and the way back, then run `socle db upgrade` of a new build")
}

fn create(start: &Path, module: &str, name: &str) -> anyhow::Result<[PathBuf; 2]> {
    let is_plain = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_')
    };
    if !is_plain(name) {
        bail!("{name:?} is no name of a migration: small letters, digits and underscores, such as add_site");
    }
    let names: Vec<_> = modules::migrations().into_iter().map(|(name, _)| name).collect();
    if !names.contains(&module) {
        bail!("there is no module {module}; there are {}", names.join(", "));
    }
    let root = checkout(start).context(
        "there is no source checkout of Socle here: `socle db new` writes files for developers, who then build with them",
    )?;
    let folder = ["crates", "apps"]
        .iter()
        .map(|area| root.join(area).join(module))
        .find(|folder| folder.is_dir())
        .with_context(|| format!("{} has no folder of the module {module}", root.display()))?
        .join("migrations");
    std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let number = next_number(&folder)?;
    let file = |direction: &str| folder.join(format!("{number:04}_{name}.{direction}.sql"));
    let files = [file("up"), file("down")];
    let texts = [
        "-- Runs on SQLite and on PostgreSQL; where they need different text, add a .up.postgres.sql beside this file.\n",
        "-- Takes the way up back completely: up, down, up must give the same schema as up.\n",
    ];
    for (file, text) in files.iter().zip(texts) {
        std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(files)
}

/// The folder at or above this one that holds the workspace.
fn checkout(start: &Path) -> Option<PathBuf> {
    let is_root = |folder: &&Path| {
        folder.join("crates/db/Cargo.toml").is_file() && folder.join("server/Cargo.toml").is_file()
    };
    start.ancestors().find(is_root).map(Path::to_path_buf)
}

fn next_number(folder: &Path) -> anyhow::Result<u32> {
    let mut highest = 0;
    for entry in std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let name = entry?.file_name();
        let number = name.to_string_lossy().split('_').next().and_then(|number| number.parse().ok());
        highest = highest.max(number.unwrap_or(0));
    }
    Ok(highest + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkout_with(module: &str) -> PathBuf {
        let root = std::env::temp_dir().join(format!("socle-new-{}-{module}", std::process::id()));
        for file in ["crates/db/Cargo.toml", "server/Cargo.toml"] {
            std::fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            std::fs::write(root.join(file), "").unwrap();
        }
        std::fs::create_dir_all(root.join("apps").join(module)).unwrap();
        root
    }

    #[test]
    fn numbers_go_on() {
        let root = checkout_with("surveillance");
        let inner = root.join("apps/surveillance");
        let first = create(&inner, "surveillance", "things").unwrap();
        assert!(first[0].ends_with("apps/surveillance/migrations/0001_things.up.sql"), "{first:?}");
        let second = create(&root, "surveillance", "more").unwrap();
        assert!(second[1].ends_with("0002_more.down.sql") && second[1].is_file(), "{second:?}");
        for wrong in ["Add", "add-site", "", "1st", "../x"] {
            let refused = create(&root, "surveillance", wrong).unwrap_err().to_string();
            assert!(refused.contains("small letters"), "{wrong}: {refused}");
        }
        assert!(create(&root, "chef", "x").unwrap_err().to_string().contains("no module chef"));
        std::fs::remove_dir_all(root).unwrap();
        let elsewhere = create(Path::new("/"), "surveillance", "x").unwrap_err().to_string();
        assert!(elsewhere.contains("no source checkout"), "{elsewhere}");
    }
}
