//! Files of our own, and rules that hold for each of them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

/// Longer than this is two files.
const LINES_MAX: usize = 600;

/// All files below `folder` with this extension, sorted.
pub(crate) fn files(folder: &Path, extension: &str) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir()
                && !matches!(
                    path.file_name().and_then(|name| name.to_str()),
                    Some("target" | "node_modules" | "dist")
                )
            {
                found.extend(files(&path, extension)?);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Names of the folders right below `folder`, sorted.
pub(crate) fn folders(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").exists() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

pub(crate) fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut faults = Vec::new();
    for area in ["server", "crates", "engines", "apps", "xtask"] {
        for path in files(&root.join(area), "rs")? {
            let text = fs::read_to_string(&path)?;
            let lines = text.lines().count();
            if lines > LINES_MAX {
                faults.push(format!("{}: {lines} lines; split it by use case", shown(root, &path)));
            }
        }
    }
    Ok(faults)
}
