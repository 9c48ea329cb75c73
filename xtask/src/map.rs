//! The code map of ARCHITECTURE.md against the folders that are there: such maps rot.

use std::{fs, path::Path};

use crate::sources::folders;

pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap_or_default();
    let mut faults = Vec::new();
    for area in ["crates", "engines", "apps"] {
        let there = folders(&root.join(area))?;
        for name in &there {
            if !text.contains(&format!("`{area}/{name}`")) {
                faults.push(format!("ARCHITECTURE.md: the code map lacks `{area}/{name}`"));
            }
        }
        for (at, _) in text.match_indices(&format!("`{area}/")) {
            let name = text[at + area.len() + 2..].split(['`', '/']).next().unwrap_or("");
            if !name.is_empty() && !there.iter().any(|known| known == name) {
                faults.push(format!("ARCHITECTURE.md names `{area}/{name}`, which is not there"));
            }
        }
    }
    Ok(faults)
}
