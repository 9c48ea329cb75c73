//! One SQL text on two engines.
//!
//! [`Db`] is SQLite in a file (one writer, many readers, WAL) or PostgreSQL; [`Tx`] is a transaction on either. A store
//! writes `tx.query("SELECT … WHERE id = $1").bind(id).optional::<Camera>()` and does not know which it talks to.
//! What differs stands in a `match tx.engine()` with a comment on why.
//!
//! Rules that keep one text enough:
//! * integers are `BIGINT`, floats `DOUBLE PRECISION`, truth `BOOLEAN`, bytes `BYTEA`, everything else `TEXT`;
//! * an id is its wire text, a time is integer microseconds since 1970 (UTC), JSON is text behind [`Json`];
//! * `SUM` and friends are cast (`CAST(SUM(x) AS BIGINT)`), because PostgreSQL widens them.
//!
//! A transaction's life: [`Db::begin`] takes the writer (SQLite: `BEGIN IMMEDIATE`, so that it can never fail half-way
//! with "database is locked"), the service calls store functions with `&mut Tx`, then [`Tx::commit`]; dropping it rolls
//! back. [`Db::read`] takes a reader. Nothing slow may be awaited while a `Tx` is open.

mod config;
mod demand;
mod error;
mod meter;
mod migrate;
mod pool;
mod row;
pub mod soft_delete;
mod sqlite;
pub mod transfer;
mod tx;
mod value;
mod whole;

pub use config::{Config, Synchronous};
pub use error::{Error, OnConstraint, Result};
pub use include_dir;
pub use meter::count_statements;
pub use migrate::{AppliedMigration, Downgrade, Migrations, Migrator, Plan, SchemaState, Upgrade};
pub use pool::{Db, Ear, Engine, PoolState, without_password};
pub use row::{Column, FromRow, Json, Row};
pub use tx::{Query, Tx};
pub use value::Value;

/// The `.up.sql` and `.down.sql` files of a folder of the calling crate, embedded.
#[macro_export]
macro_rules! migrations {
    // One name for all, because `include_dir!` takes a literal and nothing that a macro puts together.
    ("migrations") => {{
        // `include_dir!` names its crate without a path.
        use $crate::include_dir;
        static FOLDER: $crate::include_dir::Dir<'static> =
            $crate::include_dir::include_dir!("$CARGO_MANIFEST_DIR/migrations");
        $crate::Migrations::new(&FOLDER)
    }};
}
