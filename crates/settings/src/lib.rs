//! Settings that administrators change while the server runs, with history and undo.
//!
//! A module declares what can be set as data, and reads it where it needs it, typed and without waiting:
//! ```ignore
//! pub(crate) const KEEP_H: Setting<i64> = Setting::integer("jobs.keep_h", 1..=87_600, 168)
//!     .unit("h")
//!     .group("jobs")
//!     .title("Keep finished work", "Conserver les travaux terminés");
//! // in the manifest: settings: &[KEEP_H.spec]
//! let hours = platform.settings.get(&KEEP_H);
//! ```
//! A change's life: [`RuntimeSettings::set`] checks the value against the declaration, and in one transaction counts the
//! version up, writes value and history, and tells the workspace's room (`settings.changed`). After the commit this
//! process reads the table again; the others see the new version within [`REFRESH`] and do the same. Reads never touch
//! the database. Secrets do not belong here: they are in the files and stores of `socle.toml`.

mod error;
mod handle;
mod model;
mod store;

pub use error::Error;
pub use handle::{CHANGED, REFRESH, Recorder, RuntimeSettings};
pub use model::{Change, ChangeId, Item, Kind, Setting, SettingSpec, SettingType, Text};

/// The tables of this crate; module name `settings`.
pub const MIGRATIONS: db::Migrations = db::migrations!("migrations");
