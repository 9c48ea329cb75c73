//! Tasks over HTTP, with a job of the test's own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod schedules;
mod settings;

use jobs::{Handlers, Job, JobContext, JobError, Options};
use kernel::{Ctx, Problem, WorkspaceId};
use platform::{Manifest, Parts, Platform};
use serde::{Deserialize, Serialize};
use serde_json::json;
use testkit::{App, Client, Modules, eventually, on_each_engine};

/// Succeeds, fails, or goes on until it is cancelled.
#[derive(Serialize, Deserialize)]
struct Play {
    ending: String,
}

impl Job for Play {
    const KIND: &'static str = "test.play";

    fn options() -> Options {
        Options { max_attempts: 1, ..Options::default() }
    }
}

async fn play(ctx: JobContext, job: Play) -> Result<serde_json::Value, JobError> {
    ctx.progress(40, "under way").await?;
    match job.ending.as_str() {
        "well" => Ok(json!({"applause": true})),
        "badly" => Err(JobError::fatal(Problem::unprocessable("test.booed", "the audience left"))),
        _ => {
            ctx.cancel.cancelled().await;
            Err(JobError::retry("stopped"))
        }
    }
}

const MANIFEST: Manifest = Manifest {
    name: "test",
    migrations: db::Migrations::NONE,
    permissions: &[],
    topics: &[],
    notices: &[],
    settings: &[],
    quotas: &[],
    commands: &[],
};

const MODULES: Modules = Modules {
    manifests: &[&MANIFEST],
    build: |_: &Platform| {
        vec![Parts {
            routes: web::OpenApiRouter::new(),
            jobs: Handlers::new().on(play),
            schedules: Vec::new(),
            commands: Vec::new(),
            checks: Vec::new(),
            rooms: Vec::new(),
            services: Vec::new(),
        }]
    },
    aliases: &[],
};

async fn start(app: &App, client: &Client, ending: &str) -> String {
    let me = client.get("/api/v1/auth/me").await.expect(200).json();
    let workspace: WorkspaceId = me["workspace"]["id"].as_str().unwrap().parse().unwrap();
    let ctx = Ctx::system("test", workspace, app.platform.clock.now());
    let mut tx = app.platform.db.begin().await.unwrap();
    let id = app.platform.jobs.enqueue(&mut tx, &ctx, Play { ending: ending.to_owned() }).await.unwrap();
    tx.commit().await.unwrap();
    format!("/api/v1/tasks/{id}")
}

async fn reaches(client: &Client, task: &str, state: &str) -> serde_json::Value {
    eventually(state, async || {
        let body = client.get(task).await.expect(200).json();
        (body["state"] == state).then_some(body)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_tells_its_end() {
    on_each_engine(MODULES, async |app| {
        let admin = app.admin().await;
        let task = start(app, &admin, "well").await;
        let body = reaches(&admin, &task, "succeeded").await;
        assert_eq!((body["progress"].as_u64(), &body["result"]), (Some(100), &json!({"applause": true})));
        assert_eq!(body["status_url"], task.as_str());

        let task = start(app, &admin, "badly").await;
        let body = reaches(&admin, &task, "failed").await;
        assert_eq!(body["problem"]["error"], "test.booed");
        admin.post(&format!("{task}/cancel"), json!({})).await.expect(409);
        admin.post(&format!("{task}/retry"), json!({})).await.expect(200);
        reaches(&admin, &task, "failed").await;

        let list = admin.get("/api/v1/tasks?state=failed&kind=test.play").await.expect(200).json();
        assert_eq!(list["total"], 1);
        admin.get("/api/v1/tasks?state=lazy").await.expect(400);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_task_is_cancelled() {
    on_each_engine(MODULES, async |app| {
        let admin = app.admin().await;
        let task = start(app, &admin, "never").await;
        let body = reaches(&admin, &task, "running").await;
        assert!(body["started_at"].is_string());
        admin.post(&format!("{task}/cancel"), json!({})).await.expect(200);
        reaches(&admin, &task, "cancelled").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_of_another_workspace_do_not_exist() {
    on_each_engine(MODULES, async |app| {
        let admin = app.admin().await;
        let task = start(app, &admin, "well").await;
        let foreign = app.admin_elsewhere().await;
        foreign.get(&task).await.expect(404);
        foreign.post(&format!("{task}/cancel"), json!({})).await.expect(404);
        foreign.post(&format!("{task}/retry"), json!({})).await.expect(404);
        assert_eq!(foreign.get("/api/v1/tasks").await.expect(200).json()["total"], 0);
        app.member("student").await.get(&task).await.expect(403);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_a_problem_and_the_server_lives_on() {
    on_each_engine(MODULES, async |app| {
        let answer = app.stranger().get("/test/panic").await.expect(500);
        assert_eq!(answer.error(), "internal");
        assert_eq!(answer.json()["request_id"], answer.header("x-request-id"));
        assert!(!answer.text().contains("always panics"), "causes are logged, never told");
        app.stranger().get("/health").await.expect(200);
        let system = app.admin().await.get("/api/v1/system").await.expect(200).json();
        assert_eq!(system["components"][0]["status"], "ok");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_system_tells_of_breakers_pool_redis_and_nodes() {
    on_each_engine(MODULES, async |app| {
        let admin = app.admin().await;
        // Nobody listens on port 1; five failures open the breaker of what the installation calls.
        let own = app.platform.outbound.to("models").with(|policy| {
            policy.private_allowed = true;
            policy.attempts = 1;
        });
        for _ in 0..5 {
            own.get("http://127.0.0.1:1/").send().await.unwrap_err();
        }
        let run = platform::nodes::run(app.platform.clone(), "9.9.9", platform::Role::ALL.to_vec());
        app.platform.spawner.spawn("node", run);
        let node = eventually("a node tells of itself", async || {
            let system = admin.get("/api/v1/system").await.expect(200).json();
            system["nodes"].as_array().unwrap().first().cloned()
        })
        .await;
        assert_eq!(
            (&node["version"], &node["roles"]),
            (&json!("9.9.9"), &json!(["web", "worker", "camera"]))
        );

        // One that was not heard of for a minute is not told of any more.
        let later = app.platform.clock.now() + std::time::Duration::from_secs(61);
        let mut tx = app.platform.db.read().await.unwrap();
        assert_eq!(platform::nodes::list(&mut tx, later).await.unwrap(), []);
        drop(tx);

        let system = admin.get("/api/v1/system").await.expect(200).json();
        let breaker = &system["breakers"][0];
        assert_eq!(
            (&breaker["name"], &breaker["state"], &breaker["failures"]),
            (&json!("models"), &json!("open"), &json!(5))
        );
        assert!(breaker["opened_at"].is_string(), "{breaker}");
        let has_redis = app.platform.redis.is_configured();
        assert_eq!(system["redis"], json!({"is_configured": has_redis, "is_up": has_redis}));
        assert!(system["database"]["connections"].as_u64().unwrap() > 0, "{}", system["database"]);
        let disk = |name: &str| system["disk"][name].as_u64().unwrap();
        assert!(0 < disk("free_bytes") && disk("free_bytes") < disk("size_bytes"), "{}", system["disk"]);
        let ready = app.stranger().get("/health/ready").await.expect(200).json();
        assert_eq!(ready["checks"]["outbound"], "degraded");
    })
    .await;
}
