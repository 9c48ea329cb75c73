use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use db::{Db, Migrator};
use jobs::{Config, Enqueue, Handlers, Job, JobContext, Jobs, Options, Task};
use kernel::{Clock, Ctx, Secret, SystemClock, TaskId, WorkspaceId};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, Connection};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A task of the tests. What it does is up to each test's handlers.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub(crate) struct Work {
    pub(crate) n: i64,
}

impl Job for Work {
    const KIND: &'static str = "test.work";
}

/// As [`Work`], with little patience.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Hasty {}

impl Job for Hasty {
    const KIND: &'static str = "test.hasty";
    fn options() -> Options {
        Options { max_attempts: 2, timeout: Duration::from_millis(100), ..Options::default() }
    }
}

/// A database of its own, with the tables and a ledger in which effects are counted.
pub(crate) struct Stage {
    pub(crate) db: Db,
    pub(crate) url: String,
    pub(crate) workspace: WorkspaceId,
    server: Option<String>,
    _folder: Option<tempfile::TempDir>,
}

pub(crate) async fn open(url: &str) -> Db {
    let config = db::Config { url: Secret::new(url.to_owned()), connections_max: 8, ..db::Config::default() };
    Db::open(&config, "unused".into()).await.unwrap()
}

impl Stage {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("jobs.db").display());
        Self::new(url, None, Some(folder)).await
    }

    /// `None` if no server is named.
    pub(crate) async fn postgres() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = std::env::var("SOCLE_TEST_POSTGRES_URL").ok()?;
        let name = format!("jobs_test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        on_server(&server, format!("CREATE DATABASE {name}")).await;
        let (base, _) =
            server.rsplit_once('/').filter(|(base, _)| !base.ends_with('/')).unwrap_or((&server, ""));
        Some(Self::new(format!("{base}/{name}"), Some(server.clone()), None).await)
    }

    async fn new(url: String, server: Option<String>, folder: Option<tempfile::TempDir>) -> Self {
        let db = open(&url).await;
        let now = SystemClock.now();
        Self::migrator(&db).upgrade(&db, now).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        tx.script("CREATE TABLE ledger (n BIGINT NOT NULL, attempt BIGINT NOT NULL)".to_owned())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        Self { db, url, workspace: WorkspaceId::new(now), server, _folder: folder }
    }

    pub(crate) fn migrator(db: &Db) -> Migrator {
        Migrator::new(db.engine(), &[("jobs", jobs::MIGRATIONS)]).unwrap()
    }

    pub(crate) async fn drop_database(&self) {
        self.db.close().await;
        let (Some(server), Some((_, name))) = (&self.server, self.url.rsplit_once('/')) else { return };
        on_server(server, format!("DROP DATABASE {name} WITH (FORCE)")).await;
    }

    pub(crate) fn ctx(&self) -> Ctx {
        Ctx::system("test", self.workspace, SystemClock.now())
    }

    /// A handle with `change`d quick settings.
    pub(crate) fn jobs(&self, change: impl FnOnce(&mut Config)) -> Jobs {
        let mut config = quick();
        change(&mut config);
        assert_eq!(config.validate(), Vec::<String>::new());
        Jobs::new(self.db.clone(), Arc::new(SystemClock), config)
    }

    pub(crate) async fn enqueue<J: Job>(&self, jobs: &Jobs, job: J) -> TaskId {
        self.enqueue_with(jobs, job, Enqueue::default()).await
    }

    pub(crate) async fn enqueue_with<J: Job>(&self, jobs: &Jobs, job: J, how: Enqueue) -> TaskId {
        let mut tx = self.db.begin().await.unwrap();
        let id = jobs.enqueue_with(&mut tx, &self.ctx(), job, how).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    pub(crate) async fn task(&self, id: TaskId) -> Task {
        let mut tx = self.db.read().await.unwrap();
        self.jobs(|_| {}).find(&mut tx, self.workspace, id).await.unwrap().unwrap()
    }

    /// The task, once it is as wanted.
    pub(crate) async fn wait(&self, id: TaskId, wanted: impl Fn(&Task) -> bool) -> Task {
        let begun = Instant::now();
        loop {
            let task = self.task(id).await;
            if wanted(&task) {
                return task;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "waited in vain: {task:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn finished(&self, id: TaskId) -> Task {
        self.wait(id, |task| task.state.is_finished()).await
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let mut tx = self.db.read().await.unwrap();
        tx.query(sql).one().await.unwrap()
    }

    pub(crate) async fn execute(&self, sql: &'static str) -> u64 {
        let mut tx = self.db.begin().await.unwrap();
        let rows = tx.query(sql).execute().await.unwrap();
        tx.commit().await.unwrap();
        rows
    }
}

async fn on_server(server: &str, sql: String) {
    let mut connection =
        sqlx::PgConnection::connect(server).await.expect("SOCLE_TEST_POSTGRES_URL is reachable");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Settings under which a suite does not wait.
pub(crate) fn quick() -> Config {
    Config {
        poll_ms: 20,
        heartbeat_ms: 100,
        lease_ms: 700,
        backoff_min_ms: 5,
        backoff_max_ms: 20,
        cancel_grace_ms: 500,
        shutdown_grace_ms: 2_000,
        ..Config::default()
    }
}

/// A worker in this process.
pub(crate) struct Working {
    shutdown: CancellationToken,
    worker: JoinHandle<()>,
}

impl Working {
    #[expect(clippy::disallowed_methods, reason = "a test awaits its own worker")]
    pub(crate) fn start(jobs: &Jobs, handlers: Handlers) -> Self {
        let shutdown = CancellationToken::new();
        let worker = tokio::spawn(jobs.clone().run(handlers, shutdown.clone()));
        Self { shutdown, worker }
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.worker.await.unwrap();
    }
}

/// Writes the effect of task number `n` and completes the task, in one transaction.
pub(crate) async fn write_ledger(ctx: &JobContext, n: i64) -> Result<serde_json::Value, jobs::JobError> {
    let mut tx = ctx.db().begin().await?;
    tx.query("INSERT INTO ledger (n, attempt) VALUES ($1, $2)").bind(n).bind(ctx.attempt).execute().await?;
    ctx.complete_in(&mut tx, serde_json::json!({ "n": n })).await?;
    tx.commit().await?;
    Ok(serde_json::Value::Null)
}
