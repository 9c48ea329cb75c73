use jobs::{Handlers, Job, JobContext, JobError};
use kernel::{Ctx, Problem, UserId, WorkspaceId};
use platform::{Manifest, Notice, Notify, Parts, Platform, Topic};
use realtime::{Event, Room};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use testkit::{App, Client, Modules, TestConfig, engines, eventually};

pub(crate) use testkit::Program;

/// Told in the application and by mail.
pub(crate) const LOUD: &str = "test.loud";
/// Told in the application only.
pub(crate) const QUIET: &str = "test.quiet";
/// What webhooks hear.
pub(crate) const HAPPENED: &str = "test.happened";

const fn notice(topic: &'static str, email: bool) -> Notice {
    Notice {
        topic,
        label: ["A test", "Un essai"],
        title: ["{{ what }} seen", "{{ what }} aperçu à l'entrée"],
        body: ["Look at {{ what }}.", "Regardez {{ what }}."],
        in_app: true,
        email,
    }
}

pub(crate) const MANIFEST: Manifest = Manifest {
    name: "test",
    migrations: db::Migrations::NONE,
    permissions: &[],
    topics: &[
        Topic { name: HAPPENED, description: "Something happened", stored: true },
        Topic { name: "test.frame", description: "A frame", stored: false },
    ],
    notices: &[notice(LOUD, true), notice(QUIET, false)],
    settings: &[],
    quotas: &[],
    commands: &[],
};

/// Fails at once, for good.
#[derive(Serialize, Deserialize)]
pub(crate) struct Doomed {}

impl Job for Doomed {
    const KIND: &'static str = "test.doomed";
}

async fn fail(_: JobContext, _: Doomed) -> Result<Value, JobError> {
    Err(JobError::fatal(Problem::unprocessable("test.doomed", "it had to be")))
}

pub(crate) const MODULES: Modules = Modules {
    manifests: &[&MANIFEST],
    build: |_: &Platform| {
        vec![Parts {
            routes: web::OpenApiRouter::new(),
            jobs: Handlers::new().on(fail),
            schedules: Vec::new(),
            commands: Vec::new(),
            checks: Vec::new(),
            rooms: Vec::new(),
            services: Vec::new(),
        }]
    },
    aliases: &[],
};

/// Runs the test on each engine, with settings of its own.
pub(crate) async fn on_each_engine_with(config: impl Fn() -> TestConfig, mut test: impl AsyncFnMut(&App)) {
    for engine in engines() {
        eprintln!("engine: {engine:?}");
        let app = App::start_with(&engine, MODULES, config()).await;
        test(&app).await;
        app.stop().await;
    }
}

/// A person, as the API knows them.
pub(crate) struct Somebody {
    pub(crate) client: Client,
    pub(crate) id: UserId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) email: String,
}

pub(crate) async fn somebody(client: Client) -> Somebody {
    let me = client.get("/api/v1/auth/me").await.expect(200).json();
    Somebody {
        id: me["id"].as_str().unwrap().parse().unwrap(),
        workspace: me["workspace"]["id"].as_str().unwrap().parse().unwrap(),
        email: me["email"].as_str().unwrap().to_owned(),
        client,
    }
}

pub(crate) fn ctx(app: &App, workspace: WorkspaceId) -> Ctx {
    Ctx::system("test", workspace, kernel::Clock::now(&*app.clock))
}

/// As any module does it; waits until everybody is told.
pub(crate) async fn notify(app: &App, workspace: WorkspaceId, notify: Notify) -> Value {
    let mut tx = app.platform.db.begin().await.unwrap();
    let task = app.platform.jobs.enqueue(&mut tx, &ctx(app, workspace), notify).await.unwrap();
    tx.commit().await.unwrap();
    let task = eventually("the task ends", async || {
        let mut tx = app.platform.db.read().await.unwrap();
        let task = app.platform.jobs.find(&mut tx, workspace, task).await.unwrap().unwrap();
        task.state.is_finished().then_some(task)
    })
    .await;
    assert_eq!(task.state, jobs::State::Succeeded, "{task:?}");
    task.result.unwrap_or_default()
}

/// An event as any module publishes it.
pub(crate) async fn publish(app: &App, workspace: WorkspaceId, data: Value) {
    let mut tx = app.platform.db.begin().await.unwrap();
    let event = Event { topic: HAPPENED, room: Room::workspace(workspace), workspace, data };
    app.platform.events.publish(&mut tx, &event).await.unwrap();
    tx.commit().await.unwrap();
}

/// The whole of a person's choices, with some changed.
pub(crate) async fn prefer(client: &Client, change: Value) -> Value {
    let path = "/api/v1/notifications/preferences";
    let mut preferences = client.get(path).await.expect(200).json();
    for (key, value) in change.as_object().unwrap() {
        preferences[key] = value.clone();
    }
    client.put(path, preferences).await.expect(200).json()
}

pub(crate) fn choice(topic: &str, in_app: bool, email: bool) -> Value {
    json!({ "topic": topic, "in_app": in_app, "email": email })
}
