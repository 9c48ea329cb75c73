use std::path::Path;

use db::{Config, Db};
use kernel::Secret;
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
                execute(server, &format!("CREATE DATABASE {name}")).await;
                let url = with_database(server, &name);
                let config =
                    Config { url: Secret::new(url.clone()), connections_max: 8, ..Config::default() };
                let db = Db::open_as("socle test", &config, folder.join("unused"))
                    .await
                    .expect("the new database opens");
                Self { db, url, made: Some((server.clone(), name)) }
            }
        }
    }

    pub async fn drop_database(self) {
        self.db.close().await;
        if let Some((server, name)) = self.made {
            execute(&server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
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

async fn execute(server: &str, statement: &str) {
    let mut connection =
        PgConnection::connect(server).await.expect("SOCLE_TEST_POSTGRES_URL names a server that answers");
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(&mut connection)
        .await
        .expect("SOCLE_TEST_POSTGRES_URL names a user who may make databases");
    drop(connection.close().await);
}

/// The server's URL with another database's name in it.
fn with_database(server: &str, name: &str) -> String {
    let (address, query) = server.split_once('?').map_or((server, ""), |(address, query)| (address, query));
    let start = address.find("://").map_or(0, |at| at + 3);
    let end = address[start..].find('/').map_or(address.len(), |at| start + at);
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    format!("{}/{name}{query}", &address[..end])
}
