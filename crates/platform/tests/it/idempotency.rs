use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use axum::routing::post;
use http::{Method, StatusCode};
use jobs::Handlers;
use platform::{Manifest, Parts, Platform};
use serde_json::{Value, json};
use testkit::{Modules, eventually, on_each_engine};
use tokio::sync::Semaphore;

const PATH: &str = "/api/v1/test/things";

static BEGUN: Semaphore = Semaphore::const_new(0);
static MAY_END: Semaphore = Semaphore::const_new(0);
static MADE: AtomicUsize = AtomicUsize::new(0);

/// Takes as long as the test wants.
async fn make(_: web::Caller) -> (StatusCode, axum::Json<Value>) {
    BEGUN.add_permits(1);
    MAY_END.acquire().await.unwrap().forget();
    let number = MADE.fetch_add(1, Ordering::SeqCst) + 1;
    (StatusCode::CREATED, axum::Json(json!({ "number": number })))
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
            routes: web::OpenApiRouter::new().route(PATH, post(make)),
            jobs: Handlers::new(),
            schedules: Vec::new(),
            commands: Vec::new(),
            checks: Vec::new(),
            rooms: Vec::new(),
            services: Vec::new(),
        }]
    },
    aliases: &[],
};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_gets_the_answer_when_it_asks_again() {
    on_each_engine(MODULES, async |app| {
        let admin = app.admin().await;
        let before = MADE.load(Ordering::SeqCst);
        let ask = async || {
            let request = admin.request(Method::POST, PATH).header("idempotency-key", "the-same-key");
            admin.finish(PATH, request.json(&json!({}))).await
        };
        tokio::select! {
            answer = ask() => panic!("it is not to be answered yet: {answer:?}"),
            begun = BEGUN.acquire() => begun.unwrap().forget(),
        }
        // The client has hung up. The server has time to notice, or not: the request goes on either way.
        assert_eq!(ask().await.expect(409).error(), "idempotency-key-under-way");
        tokio::time::sleep(Duration::from_millis(300)).await;
        MAY_END.add_permits(1);
        let answer = eventually("the first request ends", async || {
            let answer = ask().await;
            (answer.status != 409).then_some(answer)
        })
        .await;
        assert_eq!((answer.status, answer.header("idempotency-replayed")), (201, "true"));
        assert_eq!(answer.json()["number"], before + 1);
        assert_eq!(MADE.load(Ordering::SeqCst), before + 1, "it happened once");
    })
    .await;
}
