//! Settings, read once, before any port opens.
//!
//! They come from `socle.toml`, then `.env`, then `SOCLE_…` variables (`SOCLE_DATABASE__URL` for `database.url`; two
//! underscores are a dot), then the command line; the later wins. All faults are told at once: lines that are no TOML, a
//! key that nothing reads, a value of the wrong kind, a secret that is not where it should be, and whatever [`Faults`] a
//! section's own `validate` finds, each with its file, line and column, or its variable, and a hint what is allowed.
//!
//! A reading's life: [`Draft::read`] puts the sources together, asks the type for its [`Shape`] and takes out what it does
//! not know; the caller fetches secrets that stand elsewhere ([`Draft::wanted`], [`Draft::supply`]); [`Draft::finish`]
//! makes the values, lets `validate` look, and gives either [`Loaded`] or every fault.

mod draft;
mod env;
mod faults;
mod file;
mod hints;
mod redact;
mod reference;
mod shape;
mod words;

pub use draft::{Draft, Loaded};
pub use env::{Source, variable_of};
pub use faults::{Error, Fault, Faults, Located, Place};
pub use redact::redact;
pub use reference::{Reference, Wanted};
pub use shape::{Kind, Shape};
