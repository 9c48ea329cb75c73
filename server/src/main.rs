//! The binary `socle`: reads the command line and the settings, builds the modules, and serves or runs one command.
//!
//! A start, in order: settings are read and every fault told at once (`settings.rs`); the port is bound and the data
//! folder checked; the database is opened and brought up to date under a lock (`boot.rs`); the modules are built
//! (`modules.rs`, the only list of them); their services start; requests are answered (`serve.rs`).

mod boot;
mod cli;
mod commands;
mod console;
mod http;
mod meanings;
mod modules;
mod serve;
mod settings;

use std::process::ExitCode;

use kernel::ToProblem as _;
use platform::ExitWith;

/// For all of the process, SQLite too. Its settings are in `.cargo/config.toml`; `MALLOC_CONF` changes them.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // A process that a model computes in: it needs no settings, no database and no runtime.
    if ml::Worker::is_asked_for() {
        return ml::work();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("socle: the asynchronous runtime cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(cli::run());
    // Blocking work that is left (a model on a frame) must not hold the process.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("socle: {error:#}");
            ExitCode::from(code(&error))
        }
    }
}

/// What a script may tell apart: 1 failed, 2 wrong usage, 3 not found, 4 in the way of something.
fn code(error: &anyhow::Error) -> u8 {
    let of = |cause: &(dyn std::error::Error + 'static)| {
        if let Some(exit) = cause.downcast_ref::<ExitWith>() {
            return Some(exit.code);
        }
        Some(match cause.downcast_ref::<identity::Error>()?.problem().status {
            404 | 410 => ExitWith::NOT_FOUND,
            409 => ExitWith::CONFLICT,
            400 | 422 => ExitWith::USAGE,
            _ => ExitWith::FAILED,
        })
    };
    error.chain().find_map(of).unwrap_or(ExitWith::FAILED)
}
