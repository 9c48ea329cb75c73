//! `cargo run -p xtask -- tidy` checks the house's own rules; `-- gen` writes `docs/config.md` from the sources.

mod arrows;
mod claims;
mod config_docs;
mod layers;
mod map;
mod sources;

use std::{path::PathBuf, process::ExitCode};

fn main() -> ExitCode {
    // As cargo says now: while compiling it may have been another clone that shares the target folder.
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("xtask"), PathBuf::from);
    let root = own.join("..");
    let outcome = match std::env::args().nth(1).as_deref() {
        Some("tidy") => tidy(&root),
        Some("gen") => config_docs::write(&root),
        _ => Err(anyhow::anyhow!("usage: xtask tidy | gen")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn tidy(root: &std::path::Path) -> anyhow::Result<()> {
    let mut faults = Vec::new();
    faults.extend(arrows::check(root)?);
    faults.extend(layers::check(root)?);
    faults.extend(map::check(root)?);
    faults.extend(claims::check(root)?);
    faults.extend(sources::check(root)?);
    faults.extend(config_docs::check(root)?);
    if faults.is_empty() {
        println!("tidy: the house is in order");
        return Ok(());
    }
    for fault in &faults {
        eprintln!("tidy: {fault}");
    }
    anyhow::bail!("{} places are out of order", faults.len())
}
