//! Which crate may stand on which: apps → crates, apps → engines, engines on nothing of ours; the shared crates in floors.

use std::{fs, path::Path};

use crate::sources::folders;

/// The shared crates, floor by floor: a crate stands only on those of lower floors.
const FLOORS: [&[&str]; 7] = [
    &["kernel", "config"],
    &["telemetry"],
    &["db", "web", "storage", "redislink", "outbound", "secrets"],
    &["cache", "limits", "jobs", "realtime"],
    &["settings"],
    &["platform"],
    &["identity", "admin", "notifications"],
];

/// A test kit may look at everything but apps and engines.
const TESTKIT: &str = "testkit";

pub(crate) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut faults = Vec::new();
    let crates = folders(&root.join("crates"))?;
    let engines = folders(&root.join("engines"))?;
    let apps = folders(&root.join("apps"))?;
    for name in &engines {
        for used in dependencies(&root.join("engines").join(name))? {
            if crates.contains(&used) || apps.contains(&used) || engines.contains(&used) {
                faults.push(format!("engines/{name} uses {used}: an engine knows nothing of Socle"));
            }
        }
    }
    for name in &apps {
        for used in dependencies(&root.join("apps").join(name))? {
            if apps.contains(&used) {
                faults.push(format!("apps/{name} uses apps/{used}: apps meet through platform only"));
            }
            if ["identity", "admin", "notifications", TESTKIT].contains(&used.as_str()) {
                faults.push(format!("apps/{name} uses crates/{used}: modules meet through platform only"));
            }
        }
    }
    for name in crates.iter().filter(|name| *name != TESTKIT) {
        let Some(floor) = floor(name) else {
            faults.push(format!("crates/{name} stands on no floor; add it to xtask/src/arrows.rs"));
            continue;
        };
        for used in dependencies(&root.join("crates").join(name))? {
            if apps.contains(&used) || engines.contains(&used) || used == TESTKIT {
                faults.push(format!("crates/{name} uses {used}: arrows go down only"));
            }
            if crates.contains(&used) && self::floor(&used).is_some_and(|other| other >= floor) {
                faults.push(format!("crates/{name} uses crates/{used}, which is on no lower floor"));
            }
        }
    }
    let kernel = dependencies(&root.join("crates/kernel"))?;
    for heavy in ["axum", "sqlx", "tokio", "reqwest"] {
        if kernel.iter().any(|used| used == heavy) {
            faults.push(format!("crates/kernel uses {heavy}: everything is rebuilt after kernel"));
        }
    }
    Ok(faults)
}

fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&name))
}

/// Names below `[dependencies]` of a manifest.
fn dependencies(folder: &Path) -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(folder.join("Cargo.toml"))?;
    let mut names = Vec::new();
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line == "[dependencies]";
        } else if inside && let Some((name, _)) = line.split_once(['.', ' ', '=']) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}
