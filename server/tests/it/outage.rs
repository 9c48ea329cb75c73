//! PostgreSQL crashes under load, and behind PgBouncer. The test's own PostgreSQL: others go on beside it.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use db::{Config, Db};
use kernel::Secret;
use serde_json::json;
use tempfile::TempDir;
use testkit::{Client, eventually};

use crate::harness::{Folder, Server};

/// A PostgreSQL server that the test may stop.
struct Postgres {
    folder: TempDir,
    url: String,
}

fn script(arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/postgres.sh");
    let output = Command::new(script).args(arguments).stdin(Stdio::null()).output().expect("the script runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A folder that PostgreSQL's own user can reach.
fn open_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

impl Postgres {
    /// None where the tests go without PostgreSQL.
    fn start() -> Option<Self> {
        if std::env::var("SOCLE_TEST_POSTGRES_URL").unwrap_or_default().is_empty() {
            eprintln!("left out: SOCLE_TEST_POSTGRES_URL is not set");
            return None;
        }
        let folder = open_folder();
        let cluster = folder.path().join("cluster");
        // What a crash of the server must not lose.
        let url = script(&["start", cluster.to_str().unwrap(), "synchronous_commit=on"]);
        Some(Self { folder, url })
    }

    fn control(&self, verb: &str, more: &[&str]) {
        let cluster = self.folder.path().join("cluster");
        script(&[&[verb, cluster.to_str().unwrap()], more].concat());
    }

    async fn connect(&self) -> Db {
        let config = Config { url: Secret::new(self.url.clone()), ..Config::default() };
        Db::open_as("socle test", &config, "unused".into()).await.unwrap()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let cluster = self.folder.path().join("cluster");
        script(&["stop", cluster.to_str().unwrap()]);
    }
}

/// One request of the load.
struct Sent {
    began: Instant,
    status: u16,
    retry_after: String,
    error: String,
    id: Option<String>,
}

/// Creates workspaces as fast as it can until told to stop.
async fn write_on(
    client: Client,
    name: usize,
    stop: Arc<AtomicBool>,
    refused: Arc<AtomicUsize>,
) -> Vec<Sent> {
    let mut all = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let body = json!({"name": format!("Workspace {name} {}", all.len())});
        let answer = client.post("/api/v1/workspaces", body).await;
        let told = answer.json();
        if answer.status != 201 {
            refused.fetch_add(1, Ordering::Relaxed);
        }
        all.push(Sent {
            began,
            status: answer.status,
            retry_after: answer.header("retry-after").to_owned(),
            error: told["error"].as_str().unwrap_or_default().to_owned(),
            id: told["id"].as_str().map(str::to_owned),
        });
    }
    all
}

async fn workspaces(db: &Db) -> Vec<String> {
    let mut tx = db.read().await.unwrap();
    tx.query("SELECT id AS value FROM identity_workspaces").all().await.unwrap()
}

async fn connections(db: &Db) -> i64 {
    let mut tx = db.read().await.unwrap();
    tx.query("SELECT COUNT(*) AS value FROM pg_stat_activity WHERE application_name = 'socle'")
        .one()
        .await
        .unwrap()
}

/// Connections that the server says it has.
async fn pooled(server: &Server) -> i64 {
    let metrics = server.stranger().get("/metrics").await.expect(200).text();
    let line = metrics.lines().find_map(|line| line.strip_prefix("db_pool_connections{state=\"open\"} "));
    line.and_then(|number| number.parse().ok()).expect("the metric is there")
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_crashes_and_stops_under_load() {
    const WRITERS: usize = 6;
    let Some(postgres) = Postgres::start() else { return };
    let folder = Folder { database_url: Some(postgres.url.clone()), ..Folder::new() };
    let settings = [
        ("SOCLE_DATABASE__CONNECTIONS_MIN", "2"),
        ("SOCLE_DATABASE__CONNECTIONS_MAX", "8"),
        ("SOCLE_DATABASE__IDLE_S", "2"),
        ("SOCLE_DATABASE__ACQUIRE_TIMEOUT_MS", "3000"),
    ];
    let mut server = Server::start_in(folder, &settings).await;
    let admin = server.admin().await;
    let watcher = postgres.connect().await;
    // Some connections are beside the pool: who waits for wake-ups.
    let beside = eventually("the connections are counted", async || {
        let (open, all) = (pooled(&server).await, connections(&watcher).await);
        (open == pooled(&server).await).then_some(all - open)
    })
    .await;
    watcher.close().await;

    let (stop, refused) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let writers: Vec<_> =
        (0..WRITERS).map(|name| write_on(admin.clone(), name, stop.clone(), refused.clone())).collect();
    let load = futures::future::join_all(writers);
    let faults = async {
        let mut outages = Vec::new();
        for mode in ["immediate", "fast"] {
            // Some writes before, then nothing, then some again.
            let watcher = postgres.connect().await;
            let before = workspaces(&watcher).await.len();
            eventually("writes go on", async || {
                (workspaces(&watcher).await.len() > before + 20).then_some(())
            })
            .await;
            watcher.close().await;
            let so_far = refused.load(Ordering::Relaxed);
            let began = Instant::now();
            postgres.control("down", &[mode]);
            eventually("requests are refused", async || {
                (refused.load(Ordering::Relaxed) >= so_far + WRITERS).then_some(())
            })
            .await;
            let ready = server.stranger().get("/health/ready").await.expect(503).json();
            assert_eq!(ready["checks"]["database"], "down", "{ready}");
            assert_eq!(server.stranger().get("/health").await.expect(503).json()["db"], false);
            server.stranger().get("/health/live").await.expect(200);
            postgres.control("up", &[]);
            outages.push((began, Instant::now()));
            eventually("the server is ready again", async || {
                (server.stranger().get("/health/ready").await.status == 200).then_some(())
            })
            .await;
        }
        let watcher = postgres.connect().await;
        let before = workspaces(&watcher).await.len();
        eventually("writes go on", async || (workspaces(&watcher).await.len() > before + 20).then_some(()))
            .await;
        watcher.close().await;
        stop.store(true, Ordering::Relaxed);
        outages
    };
    let (sent, outages) = futures::join!(load, faults);
    let sent: Vec<Sent> = sent.into_iter().flatten().collect();

    for request in sent.iter().filter(|request| request.status != 201) {
        assert_eq!(request.status, 503, "{}", request.error);
        assert!(request.error.starts_with("database-"), "{}", request.error);
        assert!(
            request.retry_after.parse::<u32>().is_ok_and(|seconds| seconds >= 1),
            "{:?}",
            request.retry_after
        );
        let after_all = outages.iter().all(|(_, end)| request.began > *end);
        assert!(!after_all, "a request that came after the outages was refused: {}", request.error);
        let in_one = outages
            .iter()
            .any(|(began, end)| request.began < *end && *began < request.began + Duration::from_secs(60));
        assert!(in_one, "a request that no outage touched was refused: {}", request.error);
    }
    let watcher = postgres.connect().await;
    let kept = workspaces(&watcher).await;
    let acknowledged: Vec<_> = sent.iter().filter_map(|request| request.id.as_ref()).collect();
    assert!(acknowledged.len() > 60, "{}", acknowledged.len());
    for id in &acknowledged {
        assert!(kept.contains(id), "{id} was acknowledged and is gone");
    }
    // An answer that was lost on the way may have been a write that was kept: at most one for each request then under way.
    assert!(kept.len() <= acknowledged.len() + 1 + 2 * WRITERS, "{} of {}", kept.len(), acknowledged.len());
    eprintln!(
        "{} acknowledged, {} refused, {} kept",
        acknowledged.len(),
        refused.load(Ordering::Relaxed),
        kept.len()
    );

    let most = connections(&watcher).await;
    assert!(most <= 8 + beside, "{most} connections");
    eventually("no connection is left over, and the overflow is closed", async || {
        let (open, all) = (pooled(&server).await, connections(&watcher).await);
        (all - open == beside && open < 8).then_some(())
    })
    .await;
    let metrics = server.stranger().get("/metrics").await.expect(200).text();
    for name in [
        "db_errors_total{engine=\"postgresql\",reason=",
        "db_pool_connections{state=\"open\"}",
        "db_query_duration_seconds_bucket",
    ] {
        assert!(metrics.contains(name), "{name} is missing in\n{metrics}");
    }
    watcher.close().await;
    drop(server);
}

/// PgBouncer in transaction mode, with few connections to the server.
struct Bouncer {
    child: Child,
    _folder: TempDir,
    url: String,
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        // Dead already if the test killed it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn pgbouncer() -> Option<PathBuf> {
    let found = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.is_file());
    assert!(
        found.is_some() || std::env::var("CI").as_deref() != Ok("true"),
        "pgbouncer is not installed, and a pipeline must not leave it out"
    );
    found
}

impl Bouncer {
    /// In front of this database, with a pool of so many connections.
    fn start(program: &Path, url: &str, pool: u32) -> Self {
        let (credentials, address) = url.split_once("://").unwrap().1.split_once('@').unwrap();
        let (user, password) = credentials.split_once(':').unwrap();
        let (host, database) = address.split_once('/').unwrap();
        let (host, port) = host.split_once(':').unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = free.local_addr().unwrap().port();
        drop(free);
        let folder = open_folder();
        let file = folder.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n{database} = host={host} port={port} dbname={database} user={user} password={password}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {listen}\nauth_type = any\npool_mode = transaction\n\
             default_pool_size = {pool}\nmax_client_conn = 200\nunix_socket_dir =\nquery_wait_timeout = 20\n"
        );
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(program);
        // It refuses to run as root.
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "nobody"]);
        }
        let child = command.arg("-q").arg(&file).stderr(Stdio::null()).spawn().expect("pgbouncer starts");
        Self { child, _folder: folder, url: format!("postgres://{user}@127.0.0.1:{listen}/{database}") }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_works_behind_pgbouncer_in_transaction_mode() {
    let Some(engine) = testkit::engines().into_iter().find(|engine| *engine != testkit::TestEngine::Sqlite)
    else {
        return;
    };
    let Some(program) = pgbouncer() else {
        eprintln!("left out: pgbouncer is not installed");
        return;
    };
    let temp = tempfile::tempdir().unwrap();
    let database = testkit::Database::create(&engine, temp.path()).await;
    let bouncer = Bouncer::start(&program, &database.url, 3);
    let config = Config {
        url: Secret::new(bouncer.url.clone()),
        statement_cache: 0,
        statement_timeout_ms: 300,
        ..Config::default()
    };
    let direct =
        eventually("pgbouncer listens", async || Db::open(&config, "unused".into()).await.ok()).await;
    // The time-out of a statement holds for each transaction, and does not leak into another client's.
    let mut tx = direct.begin().await.unwrap();
    let slow = tx.query("SELECT pg_sleep(30)").execute().await.unwrap_err();
    assert!(matches!(slow, db::Error::Slow(_)), "{slow}");
    drop(tx);
    let patient =
        Db::open(&Config { statement_timeout_ms: 0, ..config.clone() }, "unused".into()).await.unwrap();
    for _ in 0..4 {
        let mut tx = patient.begin().await.unwrap();
        tx.query("SELECT pg_sleep(0.4)").execute().await.unwrap();
        tx.commit().await.unwrap();
    }
    direct.close().await;
    patient.close().await;

    let folder = Folder { database_url: Some(bouncer.url.clone()), ..Folder::new() };
    let mut server = Server::start_in(folder, &[("SOCLE_DATABASE__STATEMENT_CACHE", "0")]).await;
    let admin = server.admin().await;
    let writes = (0..40).map(|number| {
        let admin = admin.clone();
        async move {
            admin
                .post("/api/v1/workspaces", json!({"name": format!("Workspace {number}")}))
                .await
                .expect(201);
            admin.get("/api/v1/workspaces").await.expect(200);
        }
    });
    futures::future::join_all(writes).await;
    let list = admin.get("/api/v1/workspaces?page_size=1").await.expect(200).json();
    assert_eq!(list["total"], 41);
    server.stranger().get("/health/ready").await.expect(200);
    drop(server);
    drop(bouncer);
    database.drop_database().await;
}
