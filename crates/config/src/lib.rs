//! Settings, read once, before any port opens.
//!
//! They come from `socle.toml`, then `SOCLE_…` variables (`SOCLE_DATABASE__URL` for `database.url`; two underscores are
//! a dot), then the command line. All faults are told at once: a key that nothing reads, a value of the wrong kind, and
//! whatever [`Faults`] a section's own `validate` finds, each with the line or variable that it came from.

mod load;

pub use load::{Error, Source, load};

/// Collects what is wrong with the values, so that one run tells everything.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

/// One fault: which setting, what is wrong with it and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Dotted: `database.url`.
    pub setting: String,
    pub reason: String,
}

impl Faults {
    pub fn add(&mut self, setting: impl Into<String>, reason: impl ToString) {
        self.0.push(Fault { setting: setting.into(), reason: reason.to_string() });
    }

    /// Adds the fault unless `fine`.
    pub fn require(&mut self, fine: bool, setting: &str, reason: &str) {
        if !fine {
            self.add(setting, reason);
        }
    }

    pub fn into_vec(self) -> Vec<Fault> {
        self.0
    }
}
