//! The whole content of one database into another, of either engine: `socle db move`.
//!
//! The target gets its schema from the same migrations. Then each table is copied in one transaction, parents before
//! children, from one consistent view of the source; read back; and compared by number of rows and a checksum. While
//! that goes on the target holds a table `db_move`, and no server starts on it. After an interruption, `resume` keeps
//! the tables that are equal already and copies the others again.

mod catalog;
mod copy;
mod digest;

use std::collections::{BTreeMap, BTreeSet};

use kernel::Timestamp;

use self::{catalog::Table, copy::copy_table, digest::Digest};
use crate::{Config, Db, Engine, Error, Migrations, Migrator, Result, Tx};

/// The table that marks an unfinished copy, and names its source.
const MARKER: &str = "db_move";

/// What to do with a target that is not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// Touch nothing and say so.
    #[default]
    Refuse,
    /// Delete all rows of Socle's tables first.
    Replace,
    /// Go on with a copy that was interrupted.
    Resume,
}

/// What goes on, for a progress bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    Begin { tables: usize },
    Table { name: &'a str, rows: u64 },
    Copied { rows: u64 },
    Verify { name: &'a str },
    Done { name: &'a str },
}

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    pub tables: Vec<TableReport>,
    /// Tables of the source that no module of this Socle has.
    pub left_out: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableReport {
    pub name: String,
    pub rows: u64,
    /// Over all rows, independent of their order and of the engine.
    pub checksum: String,
    /// It was equal before, and left as it is.
    pub was_there: bool,
}

/// From where to where. Both should be opened without time limits for statements.
pub struct Transfer<'a> {
    pub from: &'a Db,
    pub to: &'a Db,
    /// How the source is named in the target's marker and in messages; holds no password.
    pub source: String,
    pub modules: &'a [(&'static str, Migrations)],
    pub existing: Existing,
    pub now: Timestamp,
}

impl Transfer<'_> {
    /// Copies everything. On an error the target stays marked as unfinished, and the source as it was.
    pub async fn run(&self, progress: &mut (dyn FnMut(Step<'_>) + Send)) -> Result<Report> {
        self.check_source().await?;
        self.prepare_target().await?;
        let outcome = self.copy(progress).await;
        if let Err(Error::Column { column, source }) = outcome {
            return Err(Error::Transfer(format!(
                "a value of {column} is not of its column's type: {source}"
            )));
        }
        outcome
    }

    async fn check_source(&self) -> Result<()> {
        let state = Migrator::new(self.from.engine(), self.modules)?.state(self.from).await?;
        if state.applied.is_empty() {
            return Err(Error::Transfer(format!(
                "{} holds nothing of Socle: there is nothing to copy",
                self.source
            )));
        }
        if !state.pending.is_empty() {
            return Err(Error::Transfer(format!(
                "{} lacks {} migrations of this version of Socle: run `socle db upgrade` on it first",
                self.source,
                state.pending.len()
            )));
        }
        Ok(())
    }

    /// Marks the target and gives it the schema, after making sure that nothing is lost by it.
    async fn prepare_target(&self) -> Result<()> {
        let mut tx = self.to.begin().await?;
        let unfinished = unfinished(&mut tx).await?;
        match (&unfinished, self.existing) {
            (Some(source), Existing::Resume) if *source != self.source => {
                return Err(Error::Transfer(format!(
                    "the target is an unfinished copy of {source}, not of {}: name that source, or begin again with --force",
                    self.source
                )));
            }
            (Some(source), Existing::Refuse) => {
                return Err(Error::Transfer(format!(
                    "the target is an unfinished copy of {source}: go on with --resume, or begin again with --force"
                )));
            }
            (None, Existing::Resume) => {
                return Err(Error::Transfer(
                    "the target is no unfinished copy: there is nothing to resume".to_owned(),
                ));
            }
            (None, Existing::Refuse) => {
                let filled = self.filled(&mut tx).await?;
                if !filled.is_empty() {
                    return Err(Error::Transfer(format!(
                        "the target is not empty: {}; name an empty database, or let --force delete all rows of Socle's tables there",
                        filled.join(", ")
                    )));
                }
            }
            (_, Existing::Replace) | (Some(_), Existing::Resume) => {}
        }
        if unfinished.is_none() {
            tx.script(format!("CREATE TABLE {MARKER} (source TEXT NOT NULL, started_at BIGINT NOT NULL)"))
                .await?;
        } else {
            tx.query("DELETE FROM db_move").execute().await?;
        }
        tx.query("INSERT INTO db_move (source, started_at) VALUES ($1, $2)")
            .bind(&self.source)
            .bind(self.now)
            .execute()
            .await?;
        tx.commit().await?;
        Migrator::new(self.to.engine(), self.modules)?.upgrade_copy(self.to, self.now).await?;
        Ok(())
    }

    /// Tables of the target that hold something, with their numbers of rows. Rows that migrations put there do not count
    /// where nothing else is.
    async fn filled(&self, tx: &mut Tx) -> Result<Vec<String>> {
        let mut filled = Vec::new();
        for table in catalog::tables(tx).await?.into_values() {
            let rows: u64 =
                tx.query_built(format!("SELECT COUNT(*) AS value FROM {}", table.quoted())).one().await?;
            if rows > 0 {
                filled.push((table.name, rows));
            }
        }
        if !filled.is_empty() && self.is_as_migrated(tx).await? {
            filled.clear();
        }
        Ok(filled.into_iter().map(|(name, rows)| format!("{name} has {rows} rows")).collect())
    }

    /// Whether the target holds what migrations put there, and nothing else. Compared with a database that is made for it.
    async fn is_as_migrated(&self, tx: &mut Tx) -> Result<bool> {
        let file = std::env::temp_dir().join(format!("socle-move-{}.db", std::process::id()));
        let scratch = Db::open(&Config::default(), file.clone()).await?;
        let outcome = self.equals_fresh(tx, &scratch).await;
        scratch.close().await;
        for suffix in ["", "-wal", "-shm"] {
            // What is not there needs no removing.
            drop(std::fs::remove_file(format!("{}{suffix}", file.display())));
        }
        outcome
    }

    async fn equals_fresh(&self, tx: &mut Tx, scratch: &Db) -> Result<bool> {
        Migrator::new(scratch.engine(), self.modules)?.upgrade(scratch, self.now).await?;
        let mut fresh = scratch.read().await?;
        let expected = catalog::tables(&mut fresh).await?;
        for (name, table) in catalog::tables(tx).await? {
            let Some(made) = expected.get(&name) else { continue };
            if Digest::of(tx, &table).await? != Digest::of(&mut fresh, made).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn copy(&self, progress: &mut (dyn FnMut(Step<'_>) + Send)) -> Result<Report> {
        let mut source = self.from.read().await?;
        let mut tx = self.to.begin().await?;
        let targets = catalog::tables(&mut tx).await?;
        tx.commit().await?;
        let mut sources = catalog::tables(&mut source).await?;
        let mut pairs = BTreeMap::new();
        for (name, target) in &targets {
            // A table that the source does not have is of somebody else, in the target's database: left alone.
            if let Some(from) = sources.remove(name) {
                pairs.insert(name.clone(), (from.clone(), target.clone()));
                same_columns(&from, target)?;
            }
        }
        let order = catalog::in_order(pairs.values().map(|(_, to)| (to.name.clone(), to.clone())).collect())?;
        let kept = match self.existing {
            Existing::Resume => self.equal_tables(&mut source, &order).await?,
            _ => BTreeSet::new(),
        };
        self.empty(order.iter().rev().filter(|table| !kept.contains(&table.name))).await?;

        progress(Step::Begin { tables: order.len() });
        let mut report = Report { left_out: sources.into_keys().collect(), ..Report::default() };
        for table in &order {
            let (from, to) = &pairs[&table.name];
            let was_there = kept.contains(&table.name);
            let digest = if was_there {
                Digest::of(&mut source, from).await?
            } else {
                let copied = copy_table(&mut source, from, self.to, to, progress).await;
                let digest = copied.map_err(|error| within(&table.name, error))?;
                progress(Step::Verify { name: &table.name });
                self.verify(to, digest).await?;
                digest
            };
            progress(Step::Done { name: &table.name });
            report.tables.push(TableReport {
                name: table.name.clone(),
                rows: digest.rows,
                checksum: digest.hex(),
                was_there,
            });
        }
        let mut tx = self.to.begin().await?;
        tx.script(format!("DROP TABLE {MARKER}")).await?;
        tx.commit().await?;
        // What the planner knows of the tables is of empty ones.
        let mut tx = self.to.begin().await?;
        tx.script("ANALYZE".to_owned()).await?;
        tx.commit().await?;
        Ok(report)
    }

    async fn verify(&self, table: &Table, expected: Digest) -> Result<()> {
        let mut tx = self.to.read().await?;
        let found = Digest::of(&mut tx, table).await?;
        if found == expected {
            return Ok(());
        }
        Err(Error::Transfer(format!(
            "{} does not read back as it was written: {} rows with checksum {}, where the source has {} with {}",
            table.name,
            found.rows,
            found.hex(),
            expected.rows,
            expected.hex()
        )))
    }

    /// Those that are in the target already as they are in the source, with all that they refer to.
    async fn equal_tables(&self, source: &mut Tx, order: &[Table]) -> Result<BTreeSet<String>> {
        let mut equal = BTreeSet::new();
        for table in order {
            let mut tx = self.to.read().await?;
            // A table is emptied only with all that refer to it.
            let stands = table.parents.iter().all(|parent| equal.contains(parent));
            if stands && Digest::of(source, table).await? == Digest::of(&mut tx, table).await? {
                equal.insert(table.name.clone());
            }
        }
        Ok(equal)
    }

    async fn empty(&self, tables: impl Iterator<Item = &Table>) -> Result<()> {
        let mut tx = self.to.begin().await?;
        copy::defer_foreign_keys(&mut tx).await?;
        for table in tables {
            tx.query_built(format!("DELETE FROM {}", table.quoted())).execute().await?;
        }
        tx.commit().await
    }
}

/// What the engine said, and of which table.
fn within(table: &str, error: Error) -> Error {
    match error {
        Error::Sql(source) | Error::Constraint { source, .. } => {
            Error::Transfer(format!("{table} cannot be copied: {source}"))
        }
        other => other,
    }
}

fn same_columns(from: &Table, to: &Table) -> Result<()> {
    if let Some(unreadable) = from.unreadable.as_ref().or(to.unreadable.as_ref()) {
        return Err(Error::Transfer(format!("{unreadable}, a type that cannot be copied between engines")));
    }
    if from.columns == to.columns {
        return Ok(());
    }
    let names = |table: &Table| {
        table
            .columns
            .iter()
            .map(|column| format!("{} {:?}", column.name, column.kind))
            .collect::<Vec<_>>()
            .join(", ")
    };
    Err(Error::Transfer(format!(
        "{} differs between the engines: {} in the source, {} in the target",
        from.name,
        names(from),
        names(to)
    )))
}

/// The source of the copy that this database is, if it is one that was not finished.
pub(crate) async fn unfinished(tx: &mut Tx) -> Result<Option<String>> {
    let there = match tx.engine() {
        Engine::Sqlite => "SELECT COUNT(*) > 0 AS value FROM sqlite_master WHERE name = 'db_move'",
        Engine::Postgres => "SELECT to_regclass('db_move') IS NOT NULL AS value",
    };
    if !tx.query(there).one::<bool>().await? {
        return Ok(None);
    }
    let source: Option<String> = tx.query("SELECT source AS value FROM db_move").optional().await?;
    Ok(Some(source.unwrap_or_else(|| "another database".to_owned())))
}

/// How many connections of running servers a PostgreSQL database has; none can be seen on SQLite.
pub async fn servers_connected(db: &Db) -> Result<u64> {
    let mut tx = db.read().await?;
    match tx.engine() {
        Engine::Sqlite => Ok(0),
        Engine::Postgres => {
            tx.query(
                "SELECT COUNT(*) AS value FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name = 'socle' AND pid <> pg_backend_pid()",
            )
            .one()
            .await
        }
    }
}
