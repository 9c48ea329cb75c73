use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::Path,
};

use db::{Config, Db, Engine, Migrations, Migrator};
use kernel::{Secret, Timestamp};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// An engine that tests run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestEngine {
    Sqlite,
    /// URL of a server on which databases may be made.
    Postgres(String),
}

/// SQLite, and PostgreSQL where `SOCLE_TEST_POSTGRES_URL` is set.
pub fn engines() -> Vec<TestEngine> {
    let mut engines = vec![TestEngine::Sqlite];
    match std::env::var("SOCLE_TEST_POSTGRES_URL") {
        Ok(url) if !url.is_empty() => engines.push(TestEngine::Postgres(url)),
        _ => eprintln!("PostgreSQL is left out: SOCLE_TEST_POSTGRES_URL is not set"),
    }
    engines
}

/// A fresh, empty database. PostgreSQL's is dropped by [`Database::drop_database`].
pub struct Database {
    pub db: Db,
    /// How another process opens it.
    pub url: String,
    made: Option<(String, String)>,
}

impl Database {
    /// `folder`: where SQLite keeps its file.
    ///
    /// # Panics
    ///
    /// When the server cannot be reached or does not let us make a database.
    pub async fn create(engine: &TestEngine, folder: &Path) -> Self {
        match engine {
            TestEngine::Sqlite => {
                let file = folder.join("test.db");
                let url = format!("sqlite://{}", file.display());
                let db = Db::open(&Config::default(), file).await.expect("SQLite opens its file");
                Self { db, url, made: None }
            }
            TestEngine::Postgres(server) => {
                let name = format!("socle_test_{}", unique());
                execute(server, &format!("CREATE DATABASE {name}")).await.expect(MAY_MAKE);
                Self::open(server, name, folder).await
            }
        }
    }

    /// The same with its schema. PostgreSQL copies it from a template, which the first test of these migrations leaves on the
    /// server for all others.
    ///
    /// # Panics
    ///
    /// Likewise, and when the schema cannot be made.
    pub async fn migrated(
        engine: &TestEngine,
        folder: &Path,
        migrations: &[(&'static str, Migrations)],
        now: Timestamp,
    ) -> Self {
        let TestEngine::Postgres(server) = engine else {
            let made = Self::create(engine, folder).await;
            upgrade(&made.db, migrations, now).await;
            return made;
        };
        let template = template(migrations);
        let name = format!("socle_test_{}", unique());
        // Files are copied as they are: without a line in the log for each page, and so without much to write when it goes.
        let copy = format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy");
        if execute(server, &copy).await.is_err() {
            let first = Self::create(engine, folder).await;
            upgrade(&first.db, migrations, now).await;
            first.db.close().await;
            let (_, made) = first.made.expect("PostgreSQL's databases are made");
            // Another test may have been quicker.
            if execute(server, &format!("ALTER DATABASE {made} RENAME TO {template}")).await.is_err() {
                execute(server, &format!("DROP DATABASE {made}")).await.expect(MAY_MAKE);
            }
            execute(server, &copy).await.expect("a template can be copied");
        }
        Self::open(server, name, folder).await
    }

    async fn open(server: &str, name: String, folder: &Path) -> Self {
        let url = with_database(server, &name);
        let config = Config { url: Secret::new(url.clone()), connections_max: 8, ..Config::default() };
        let db =
            Db::open_as("socle test", &config, folder.join("unused")).await.expect("the new database opens");
        Self { db, url, made: Some((server.to_owned(), name)) }
    }

    pub async fn drop_database(self) {
        self.db.close().await;
        if let Some((server, name)) = self.made {
            execute(&server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.expect(MAY_MAKE);
        }
    }
}

/// Database names must not meet, also between processes.
#[expect(
    clippy::disallowed_methods,
    reason = "a name for the machine's real world, not part of what is tested"
)]
pub(crate) fn unique() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

/// One name for one set of migrations.
fn template(migrations: &[(&'static str, Migrations)]) -> String {
    let migrator = Migrator::new(Engine::Postgres, migrations).expect("the migrations are well named");
    let mut hasher = DefaultHasher::new();
    format!("{migrator:?}").hash(&mut hasher);
    format!("socle_template_{:016x}", hasher.finish())
}

async fn upgrade(db: &Db, migrations: &[(&'static str, Migrations)], now: Timestamp) {
    let migrator = Migrator::new(db.engine(), migrations).expect("the migrations are well named");
    migrator.upgrade(db, now).await.expect("the schema is made");
}

const MAY_MAKE: &str = "SOCLE_TEST_POSTGRES_URL names a user who may make databases";

async fn execute(server: &str, statement: &str) -> Result<(), sqlx::Error> {
    let mut connection =
        PgConnection::connect(server).await.expect("SOCLE_TEST_POSTGRES_URL names a server that answers");
    let outcome = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await;
    drop(connection.close().await);
    outcome.map(drop)
}

/// The server's URL with another database's name in it.
fn with_database(server: &str, name: &str) -> String {
    let (address, query) = server.split_once('?').map_or((server, ""), |(address, query)| (address, query));
    let start = address.find("://").map_or(0, |at| at + 3);
    let end = address[start..].find('/').map_or(address.len(), |at| start + at);
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    format!("{}/{name}{query}", &address[..end])
}
