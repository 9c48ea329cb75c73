use std::collections::BTreeMap;

use include_dir::Dir;
use kernel::Timestamp;

use crate::{Db, Engine, Error, FromRow, Result, Row, Tx, transfer};

/// A module's numbered SQL files: `0001_cameras.up.sql` and `0001_cameras.down.sql`. Where the engines need different
/// text, `0001_cameras.up.postgres.sql` stands beside and wins on PostgreSQL.
#[derive(Clone, Copy)]
pub struct Migrations(Option<&'static Dir<'static>>);

impl Migrations {
    /// Of a module that keeps no rows.
    pub const NONE: Self = Self(None);

    pub const fn new(folder: &'static Dir<'static>) -> Self {
        Self(Some(folder))
    }
}

#[derive(Debug, Clone)]
struct Migration {
    module: &'static str,
    version: i64,
    name: String,
    up: String,
    down: String,
    checksum: String,
}

/// A migration that the database has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedMigration {
    pub module: String,
    pub version: i64,
    pub name: String,
    pub applied_at: Timestamp,
    checksum: String,
    position: i64,
}

impl FromRow for AppliedMigration {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            module: row.get("module")?,
            version: row.get("version")?,
            name: row.get("name")?,
            applied_at: row.get("applied_at")?,
            checksum: row.get("checksum")?,
            position: row.get("position")?,
        })
    }
}

/// What `upgrade` would do, or what `downgrade` did: `(module, version, name)` in order.
pub type Plan = Vec<(String, i64, String)>;

/// How far to go up. `to` counts the migrations of all modules in the order of [`Migrator::state`], or is the number of
/// the one `module`'s own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Upgrade<'a> {
    pub module: Option<&'a str>,
    pub to: Option<i64>,
}

/// How far to go down, counted like [`Upgrade::to`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Downgrade {
    Steps(usize),
    To(i64),
    All,
}

/// The database against the files.
#[derive(Debug)]
pub struct SchemaState {
    pub applied: Vec<AppliedMigration>,
    pub pending: Plan,
}

/// Brings a database to the schema that the modules' files describe, and back.
#[derive(Debug)]
pub struct Migrator {
    migrations: Vec<Migration>,
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS db_migrations (
    module TEXT NOT NULL, version BIGINT NOT NULL, name TEXT NOT NULL, checksum TEXT NOT NULL,
    applied_at BIGINT NOT NULL, position BIGINT NOT NULL, PRIMARY KEY (module, version))";

/// Any constant does, as long as every Socle uses the same: "socle" in ASCII.
const ADVISORY_LOCK: i64 = 0x73_6f_63_6c_65;

impl Migrator {
    /// Reads the files of all modules, in the order in which they are to be applied. A misnamed or missing file is an
    /// error here, before any database is touched.
    pub fn new(engine: Engine, modules: &[(&'static str, Migrations)]) -> Result<Self> {
        let mut migrations = Vec::new();
        for (module, folder) in modules {
            if let Some(folder) = folder.0 {
                migrations.extend(read_folder(engine, module, folder)?);
            }
        }
        Ok(Self { migrations })
    }

    /// Compares, and refuses to go on when an applied file has changed or is gone. Only reads.
    pub async fn state(&self, db: &Db) -> Result<SchemaState> {
        let mut tx = db.read().await?;
        refuse_unfinished(&mut tx).await?;
        let there = match tx.engine() {
            Engine::Sqlite => "SELECT COUNT(*) > 0 AS value FROM sqlite_master WHERE name = 'db_migrations'",
            Engine::Postgres => "SELECT to_regclass('db_migrations') IS NOT NULL AS value",
        };
        let state = if tx.query(there).one::<bool>().await? {
            self.compare(&mut tx).await?
        } else {
            self.against(Vec::new())?
        };
        tx.rollback().await?;
        Ok(state)
    }

    /// Applies what is pending, all or nothing, while other nodes wait.
    pub async fn upgrade(&self, db: &Db, now: Timestamp) -> Result<Plan> {
        self.upgrade_to(db, now, Upgrade::default()).await
    }

    /// Applies what is pending up to a point, all or nothing, while other nodes wait.
    pub async fn upgrade_to(&self, db: &Db, now: Timestamp, reach: Upgrade<'_>) -> Result<Plan> {
        let tx = self.lock(db).await?;
        self.upgrade_in(tx, now, reach).await
    }

    /// The same in a copy that is not finished.
    pub(crate) async fn upgrade_copy(&self, db: &Db, now: Timestamp) -> Result<Plan> {
        let tx = self.lock_any(db).await?;
        self.upgrade_in(tx, now, Upgrade::default()).await
    }

    async fn upgrade_in(&self, mut tx: Tx, now: Timestamp, reach: Upgrade<'_>) -> Result<Plan> {
        let state = self.compare(&mut tx).await?;
        let mut pending: Vec<_> =
            self.migrations.iter().filter(|migration| !migration.is_in(&state.applied)).collect();
        if let Some(module) = reach.module {
            pending.retain(|migration| migration.module == module);
        }
        if let Some(to) = reach.to {
            let known =
                self.migrations.iter().filter(|known| reach.module.is_none_or(|name| known.module == name));
            let there = state.applied.iter().filter(|row| reach.module.is_none_or(|name| row.module == name));
            let (highest, there) = (count(known), count(there));
            if to > highest {
                return Err(Error::Target(format!(
                    "there are only {highest} migrations, so none to go up to {to}"
                )));
            }
            if to < there {
                return Err(Error::Target(format!(
                    "{there} are applied already; to go down to {to}, downgrade"
                )));
            }
            pending.truncate(usize::try_from(to - there).unwrap_or(0));
        }
        let mut position = state.applied.iter().map(|row| row.position).max().unwrap_or(0);
        for migration in &pending {
            tracing::info!(module = migration.module, version = migration.version, "applying a migration");
            run(&mut tx, migration, &migration.up).await?;
            position += 1;
            tx.query("INSERT INTO db_migrations (module, version, name, checksum, applied_at, position) VALUES ($1, $2, $3, $4, $5, $6)")
                .bind(migration.module)
                .bind(migration.version)
                .bind(&migration.name)
                .bind(&migration.checksum)
                .bind(now)
                .bind(position)
                .execute()
                .await?;
        }
        tx.commit().await?;
        Ok(pending.into_iter().map(Migration::key).collect())
    }

    /// Takes back the last `steps` migrations, of one module or of all, newest first.
    pub async fn downgrade(&self, db: &Db, module: Option<&str>, steps: usize) -> Result<Plan> {
        self.downgrade_to(db, module, Downgrade::Steps(steps)).await
    }

    /// Takes back migrations of one module or of all, newest first, down to a point.
    pub async fn downgrade_to(&self, db: &Db, module: Option<&str>, reach: Downgrade) -> Result<Plan> {
        let mut tx = self.lock(db).await?;
        let mut applied = self.compare(&mut tx).await?.applied;
        applied.retain(|row| module.is_none_or(|module| row.module == module));
        applied.sort_by_key(|row| std::cmp::Reverse(row.position));
        let steps = match reach {
            Downgrade::Steps(steps) => steps,
            Downgrade::All => applied.len(),
            Downgrade::To(to) => {
                let there = count(applied.iter());
                if !(0..=there).contains(&to) {
                    return Err(Error::Target(format!(
                        "{there} are applied, so a way down to {to} there is not; to go up, upgrade"
                    )));
                }
                usize::try_from(there - to).unwrap_or(0)
            }
        };
        let mut done = Plan::new();
        for row in applied.into_iter().take(steps) {
            let migration = self
                .migrations
                .iter()
                .find(|known| known.module == row.module && known.version == row.version);
            let migration = migration.ok_or_else(|| row.fault("its file is gone"))?;
            tracing::info!(module = migration.module, version = migration.version, "taking a migration back");
            run(&mut tx, migration, &migration.down).await?;
            tx.query("DELETE FROM db_migrations WHERE module = $1 AND version = $2")
                .bind(migration.module)
                .bind(migration.version)
                .execute()
                .await?;
            done.push(migration.key());
        }
        tx.commit().await?;
        Ok(done)
    }

    /// Each module that has migrations: its name and the highest number among its files.
    pub fn heads(&self) -> Vec<(&'static str, i64)> {
        let mut heads: Vec<(&'static str, i64)> = Vec::new();
        for migration in &self.migrations {
            match heads.iter_mut().find(|(module, _)| *module == migration.module) {
                Some((_, version)) => *version = migration.version.max(*version),
                None => heads.push((migration.module, migration.version)),
            }
        }
        heads
    }

    /// As [`lock_any`](Self::lock_any); an unfinished copy of another database is refused.
    async fn lock(&self, db: &Db) -> Result<Tx> {
        let mut tx = self.lock_any(db).await?;
        refuse_unfinished(&mut tx).await?;
        Ok(tx)
    }

    async fn lock_any(&self, db: &Db) -> Result<Tx> {
        let mut tx = db.begin().await?;
        match tx.engine() {
            // BEGIN IMMEDIATE holds the only write lock already.
            Engine::Sqlite => {}
            Engine::Postgres => {
                tx.query("SET LOCAL statement_timeout = 0").execute().await?;
                tx.query("SET LOCAL lock_timeout = 0").execute().await?;
                tx.query("SELECT pg_advisory_xact_lock($1)").bind(ADVISORY_LOCK).execute().await?;
            }
        }
        tx.script(TABLE.to_owned()).await?;
        Ok(tx)
    }

    async fn compare(&self, tx: &mut Tx) -> Result<SchemaState> {
        self.against(tx.query("SELECT * FROM db_migrations ORDER BY position").all().await?)
    }

    fn against(&self, applied: Vec<AppliedMigration>) -> Result<SchemaState> {
        for row in &applied {
            let known = self
                .migrations
                .iter()
                .find(|known| known.module == row.module && known.version == row.version);
            match known {
                None => return Err(row.fault("is applied, but this version of Socle has no file for it; a newer Socle made this database")),
                Some(known) if known.checksum != row.checksum => {
                    return Err(row.fault("its file changed after it was applied; put the old file back and add a new one"));
                }
                Some(_) => {}
            }
        }
        let pending = self
            .migrations
            .iter()
            .filter(|migration| !migration.is_in(&applied))
            .map(Migration::key)
            .collect();
        Ok(SchemaState { applied, pending })
    }
}

async fn refuse_unfinished(tx: &mut Tx) -> Result<()> {
    match transfer::unfinished(tx).await? {
        None => Ok(()),
        Some(source) => Err(Error::Transfer(format!(
            "this database is an unfinished copy of {source}; finish it with `socle db move --resume`, or begin again \
             with `socle db move --force`"
        ))),
    }
}

impl AppliedMigration {
    fn fault(&self, reason: &str) -> Error {
        Error::Migration { module: self.module.clone(), version: self.version, reason: reason.to_owned() }
    }
}

impl Migration {
    fn is_in(&self, applied: &[AppliedMigration]) -> bool {
        applied.iter().any(|row| row.module == self.module && row.version == self.version)
    }

    fn key(&self) -> (String, i64, String) {
        (self.module.to_owned(), self.version, self.name.clone())
    }
}

fn count(of: impl Iterator) -> i64 {
    i64::try_from(of.count()).unwrap_or(i64::MAX)
}

async fn run(tx: &mut Tx, migration: &Migration, sql: &str) -> Result<()> {
    tx.script(sql.to_owned()).await.map_err(|error| Error::Migration {
        module: migration.module.to_owned(),
        version: migration.version,
        reason: match &error {
            Error::Sql(source)
            | Error::Constraint { source, .. }
            | Error::Contended(source)
            | Error::Slow(source)
            | Error::Full(source)
            | Error::Unreachable(source) => source.to_string(),
            other => other.to_string(),
        },
    })
}

fn read_folder(engine: Engine, module: &'static str, folder: &Dir<'static>) -> Result<Vec<Migration>> {
    let fault = |version, reason: String| Error::Migration { module: module.to_owned(), version, reason };
    if let Some(inner) = folder.dirs().next() {
        return Err(fault(0, format!("{} is a folder; migrations are files", inner.path().display())));
    }
    let mut ups = BTreeMap::new();
    let mut downs = BTreeMap::new();
    for file in folder.files() {
        let name = file.path().to_str().unwrap_or("a file that is not UTF-8 by name");
        let misnamed = || fault(0, format!("{name} is not named like 0001_name.up.sql"));
        let text = file.contents_utf8().ok_or_else(|| fault(0, format!("{name} is not UTF-8")))?;
        let (stem, direction, only) = match name.split('.').collect::<Vec<_>>()[..] {
            [stem, direction, "sql"] => (stem, direction, None),
            [stem, direction, "postgres", "sql"] => (stem, direction, Some(Engine::Postgres)),
            _ => return Err(misnamed()),
        };
        let (number, title) = stem.split_once('_').ok_or_else(misnamed)?;
        // Four digits or more: the folder then lists them in their order.
        let version: i64 = number.parse().map_err(|_| misnamed())?;
        if number.len() < 4 || version < 1 || title.is_empty() {
            return Err(misnamed());
        }
        let files = match direction {
            "up" => &mut ups,
            "down" => &mut downs,
            _ => return Err(misnamed()),
        };
        let before = match only {
            Some(other) if other != engine => None,
            // The engine's own text wins over the common one, in whichever order they come.
            Some(_) => files.insert(version, (title, text, true)).filter(|(_, _, is_own)| *is_own),
            None => match files.get(&version) {
                Some((_, _, false)) => files.get(&version).copied(),
                Some(_) => None,
                None => files.insert(version, (title, text, false)),
            },
        };
        if let Some((other, ..)) = before {
            return Err(fault(version, format!("{other} and {title} have the same number")));
        }
    }
    let mut migrations = Vec::new();
    // Numbers may leave gaps, so that what is made side by side does not meet; but each folder has a beginning.
    if let Some(first) = ups.keys().next().copied().filter(|first| *first != 1) {
        return Err(fault(first, "number 1 is missing before it".to_owned()));
    }
    for (version, (title, up, _)) in ups {
        let (of, down, _) =
            downs.remove(&version).ok_or_else(|| fault(version, "it has no .down.sql".to_owned()))?;
        if of != title {
            return Err(fault(version, format!("its way up is called {title}, its way down {of}")));
        }
        migrations.push(Migration {
            module,
            version,
            name: title.to_owned(),
            up: up.to_owned(),
            down: down.to_owned(),
            checksum: blake3::hash(up.as_bytes()).to_hex().to_string(),
        });
    }
    match downs.keys().next() {
        Some(version) => Err(fault(*version, "it has no .up.sql".to_owned())),
        None => Ok(migrations),
    }
}
