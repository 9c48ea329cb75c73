//! Settings that administrators change while the server runs, with history and undo.

use db::Db;

/// The handle. Cheap to clone.
#[derive(Clone)]
pub struct RuntimeSettings {
    db: Db,
}

impl RuntimeSettings {
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// The database beneath.
    pub fn db(&self) -> &Db {
        &self.db
    }
}
