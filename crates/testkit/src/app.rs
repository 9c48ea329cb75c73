use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use admin::Overview;
use cache::Cache;
use db::Migrations;
use identity::Identity;
use jobs::Jobs;
use limits::Limits;
use outbound::Outbound;
use platform::{Assembled, Directory, HttpConfig, Manifest, Parts, Platform, Quotas, Role, Spawner};
use realtime::Events;
use redislink::RedisLink;
use serde_json::{Value, json};
use settings::RuntimeSettings;
use storage::Storage;
use tokio::net::TcpListener;

use crate::{Client, Database, MockClock, TestEngine, engines, redis};

/// The modules under test, beside identity and admin, which are always there.
#[derive(Clone)]
pub struct Modules {
    pub manifests: &'static [&'static Manifest],
    pub build: fn(&Platform) -> Vec<Parts>,
    pub aliases: &'static [web::Alias],
}

impl Modules {
    /// Identity and admin alone.
    pub const NONE: Self = Self { manifests: &[], build: |_| Vec::new(), aliases: &[] };
}

/// Settings that a test may want otherwise than the defaults.
#[derive(Default)]
pub struct TestConfig {
    pub identity: identity::Config,
    pub limits: limits::Config,
    pub mail: notifications::MailConfig,
    pub notifications: notifications::Config,
    pub outbound: outbound::Config,
    pub realtime: realtime::Config,
}

/// A running server.
pub struct App {
    pub base: String,
    pub platform: Platform,
    pub clock: Arc<MockClock>,
    pub identity: Identity,
    pub openapi: Value,
    pub data: PathBuf,
    database: Database,
    folder: tempfile::TempDir,
}

const PASSWORD: &str = "a sound pass phrase 41";

/// Runs the test on SQLite and, where there is one, on PostgreSQL.
pub async fn on_each_engine(modules: Modules, test: impl AsyncFn(&App)) {
    for engine in engines() {
        eprintln!("engine: {engine:?}");
        let app = App::start(&engine, modules.clone()).await;
        test(&app).await;
        app.stop().await;
    }
}

impl App {
    /// # Panics
    ///
    /// When anything of the server does not start: there is no test then.
    pub async fn start(engine: &TestEngine, modules: Modules) -> Self {
        Self::start_with(engine, modules, TestConfig::default()).await
    }

    /// As [`start`](Self::start), with other settings.
    ///
    /// # Panics
    ///
    /// Likewise.
    pub async fn start_with(engine: &TestEngine, modules: Modules, config: TestConfig) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let data = folder.path().to_owned();
        let clock = Arc::new(MockClock::default());
        let now = kernel::Clock::now(&*clock);
        let database = Database::migrated(engine, &data, &migrations(&modules), now).await;
        let db = database.db.clone();

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let base = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        // What nodes share comes with the database that they share.
        let link = match engine {
            TestEngine::Sqlite => RedisLink::none(),
            TestEngine::Postgres(_) => redis().unwrap_or_else(RedisLink::none),
        };
        let events = Events::new(db.clone(), clock.clone(), config.realtime, link.clone());
        events.prepare().await.expect("the outbox can be read");
        let manifests = [modules.manifests, &[&notifications::MANIFEST, &admin::MANIFEST]].concat();
        let specs =
            manifests.iter().flat_map(|manifest| manifest.settings).chain(identity::MANIFEST.settings);
        let runtime = RuntimeSettings::new(db.clone(), events.clone(), specs);
        let platform = Platform {
            jobs: Jobs::new(
                db.clone(),
                clock.clone(),
                jobs::Config { poll_ms: 20, shutdown_grace_ms: 2_000, ..jobs::Config::default() },
            ),
            events,
            cache: Cache::new(link.clone(), &cache::Config::default(), clock.clone()),
            // By the test's own clock, which Redis does not know.
            limits: Limits::new(RedisLink::none(), &config.limits, clock.clone())
                .expect("the limits are fine"),
            outbound: Outbound::new(&config.outbound).expect("a client is made"),
            settings: runtime,
            directory: Directory::default(),
            quotas: Quotas::default(),
            redis: link,
            db,
            storage: Storage::open(&storage::Config::default(), data.join("files"))
                .expect("a folder can be made"),
            clock: clock.clone(),
            spawner: Spawner::default(),
            data: data.clone(),
            public_url: base.clone(),
            sends_mail: config.mail.is_configured(),
        };
        let (identity, identity_parts) =
            identity::build(&platform, config.identity, &manifests).expect("identity is built");
        let mut parts = vec![
            identity_parts,
            notifications::build(
                &platform,
                config.mail,
                config.notifications,
                &[&manifests[..], &[&identity::MANIFEST]].concat(),
            )
            .expect("notifications are built"),
        ];
        parts.extend((modules.build)(&platform));
        let overview = Overview {
            version: "test",
            roles: Role::ALL.to_vec(),
            manifests: modules.manifests,
            checks: parts.iter().flat_map(|part| part.checks.iter().cloned()).collect(),
            render_metrics: Arc::new(String::new),
            metrics_token: kernel::Secret::default(),
        };
        parts.push(admin::build(&platform, overview).expect("admin is built"));
        let aliases = [identity::ALIASES, admin::ALIASES, modules.aliases].concat();
        let Assembled { router, openapi, handlers, services } = platform::assemble(
            &platform,
            &HttpConfig::default(),
            identity.authenticator(),
            parts,
            aliases,
            test_pages(),
        );
        let spawner = &platform.spawner;
        let every = std::time::Duration::from_millis(50);
        spawner.spawn("settings", platform.settings.clone().run(every, spawner.token()));
        spawner.spawn("outbox", platform.events.clone().run(spawner.token()));
        spawner.spawn("wake-ups", platform.jobs.clone().wake_others(spawner.token()));
        spawner.spawn("jobs", platform.jobs.clone().run(handlers, spawner.token()));
        for service in services {
            spawner.spawn(service.name, service.start(spawner.token()));
        }
        let stop = spawner.token();
        let router = router.layer(axum::middleware::from_fn(count_statements));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        spawner.spawn("http", async move {
            tokio::select! {
                outcome = axum::serve(listener, service) => outcome,
                () = stop.cancelled() => Ok(()),
            }
        });
        Self {
            base,
            clock,
            identity,
            openapi: serde_json::to_value(&openapi).expect("plain data serializes"),
            data,
            database,
            folder,
            platform,
        }
    }

    /// Ends everything and forgets the database.
    pub async fn stop(self) {
        self.platform.spawner.stop().await;
        self.database.drop_database().await;
        drop(self.folder);
    }

    /// Nobody.
    pub fn stranger(&self) -> Client {
        Client::new(&self.base)
    }

    /// The administrator of the first workspace; made by the one-time link at the first call.
    ///
    /// # Panics
    ///
    /// When the server does not let the first administrator in.
    pub async fn admin(&self) -> Client {
        let email = "admin@example.org";
        let link = self.identity.first_run_link(&self.base).await.expect("the users can be read");
        if let Some(link) = link {
            let token = link.split("token=").nth(1).expect("the link holds its token").to_owned();
            let body = json!({"token": token, "email": email, "password": PASSWORD, "first_name": "Ada", "last_name": "Byron"});
            self.stranger().post("/api/v1/auth/first-run", body).await.expect(201);
        }
        self.sign_in(email, PASSWORD).await
    }

    /// A new member of the first workspace with this role.
    ///
    /// # Panics
    ///
    /// When the administrator may not create the user.
    pub async fn member(&self, role: &str) -> Client {
        let admin = self.admin().await;
        self.new_member(&admin, role).await
    }

    /// The administrator of another workspace, who is nobody in the first one.
    ///
    /// # Panics
    ///
    /// When the workspace cannot be made.
    pub async fn admin_elsewhere(&self) -> Client {
        let admin = self.admin().await;
        let made = admin.post("/api/v1/workspaces", json!({"name": "Elsewhere"})).await.expect(201).json();
        let there = admin
            .post("/api/v1/auth/workspace", json!({"workspace_id": made["id"]}))
            .await
            .expect(200)
            .json();
        let token = there["access_token"].as_str().map(str::to_owned);
        self.new_member(&Client { token, ..admin }, "admin").await
    }

    async fn new_member(&self, admin: &Client, role: &str) -> Client {
        let id = kernel::UserId::new(kernel::Clock::now(&*self.clock)).to_string();
        let email = format!("{role}.{id}@example.org");
        let body = json!({"email": email, "password": PASSWORD, "first_name": "Test", "last_name": "Member", "role": role});
        admin.post("/api/v1/users", body).await.expect(201);
        self.sign_in(&email, PASSWORD).await
    }

    /// # Panics
    ///
    /// When the log-in is refused.
    pub async fn sign_in(&self, email: &str, password: &str) -> Client {
        let stranger = self.stranger();
        let body = json!({"email": email, "password": password});
        let pair = stranger.post("/api/v1/auth/login", body).await.expect(200).json();
        Client { token: pair["access_token"].as_str().map(str::to_owned), ..stranger }
    }
}

fn migrations(modules: &Modules) -> Vec<(&'static str, Migrations)> {
    let mut all = vec![
        ("jobs", jobs::MIGRATIONS),
        ("realtime", realtime::MIGRATIONS),
        ("platform", platform::MIGRATIONS),
        ("settings", settings::MIGRATIONS),
        (identity::MANIFEST.name, identity::MANIFEST.migrations),
        (notifications::MANIFEST.name, notifications::MANIFEST.migrations),
        (admin::MANIFEST.name, admin::MANIFEST.migrations),
    ];
    all.extend(modules.manifests.iter().map(|manifest| (manifest.name, manifest.migrations)));
    all
}

/// The header in which a test finds how many statements its request gave to the database.
pub const STATEMENTS: &str = "x-test-statements";

async fn count_statements(
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> axum::response::Response {
    let (mut response, statements) = db::count_statements(next.run(request)).await;
    response.headers_mut().insert(STATEMENTS, statements.into());
    response
}

/// A page that panics, for the test of what happens then.
fn test_pages() -> axum::Router {
    async fn panics() -> &'static str {
        panic!("this handler always panics")
    }
    axum::Router::new().route("/test/panic", axum::routing::get(panics))
}
