//! Traces, as a plain OTLP receiver gets them: one from the caller's request, through the job that it makes, to the call that
//! the job makes.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use jobs::{Handlers, Job, JobContext, JobError};
use kernel::ToProblem as _;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value as Any, trace::v1::Span,
};
use outbound::Outbound;
use platform::{Manifest, Parts, Platform};
use prost::Message as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use testkit::{Modules, eventually, on_each_engine};
use tokio::net::TcpListener;
use web::{Caller, Json};

/// Attributes of the resource that sent a span.
type Labels = Vec<(String, String)>;

/// What arrived: spans with the attributes of their service, and the credentials shown.
#[derive(Clone, Default)]
struct Received(Arc<Mutex<Vec<(Span, Labels)>>>);

impl Received {
    fn spans(&self) -> Vec<Span> {
        self.0.lock().unwrap().iter().map(|(span, _)| span.clone()).collect()
    }
}

async fn take(State(received): State<Received>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if headers.get("authorization").is_none_or(|value| value != "Bearer of-traces") {
        return StatusCode::UNAUTHORIZED;
    }
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    for resource in request.resource_spans {
        let attributes = resource.resource.unwrap_or_default().attributes;
        let attributes: Vec<_> = attributes
            .into_iter()
            .map(|pair| match pair.value.and_then(|value| value.value) {
                Some(Any::StringValue(text)) => (pair.key, text),
                other => panic!("{}: {other:?}", pair.key),
            })
            .collect();
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            received.0.lock().unwrap().push((span, attributes.clone()));
        }
    }
    StatusCode::OK
}

/// Serves until the test ends.
#[expect(clippy::disallowed_methods, reason = "the runtime ends with the test")]
async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// Calls an upstream.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
struct Call {
    url: String,
}

impl Job for Call {
    const KIND: &'static str = "test.call";
}

async fn call(_: JobContext, job: Call) -> Result<serde_json::Value, JobError> {
    let config =
        outbound::Config { private_allowed: vec!["127.0.0.1".to_owned()], ..outbound::Config::default() };
    let outbound = Outbound::new(&config).map_err(|error| JobError::fatal(error.problem()))?;
    let answer = outbound.to("upstream").get(&job.url).send().await.map_err(JobError::retry)?;
    Ok(json!({"status": answer.status.as_u16()}))
}

#[utoipa::path(post, path = "/api/v1/test/call", operation_id = "test_call", responses((status = 200)))]
async fn enqueue(
    State(platform): State<Platform>,
    Caller(ctx): Caller,
    Json(job): Json<Call>,
) -> web::Result<Json<serde_json::Value>> {
    let mut tx = platform.db.begin().await?;
    let id = platform.jobs.enqueue(&mut tx, &ctx, job).await?;
    tx.commit().await?;
    Ok(Json(json!({"task_id": id})))
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
    build: |platform| {
        vec![Parts {
            routes: web::OpenApiRouter::new().routes(web::routes!(enqueue)).with_state(platform.clone()),
            jobs: Handlers::new().on(call),
            schedules: Vec::new(),
            commands: Vec::new(),
            checks: Vec::new(),
            rooms: Vec::new(),
            services: Vec::new(),
        }]
    },
    aliases: &[],
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_goes_from_the_request_through_the_job_to_the_upstream() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let received = Received::default();
    let receiver = serve(Router::new().route("/v1/traces", post(take)).with_state(received.clone())).await;
    let seen: Arc<Mutex<Vec<HeaderMap>>> = Arc::default();
    let kept = seen.clone();
    let upstream = Router::new().route(
        "/there",
        get(move |headers: HeaderMap| async move {
            kept.lock().unwrap().push(headers);
            "fine"
        }),
    );
    let upstream = serve(upstream).await;
    let mut traces = telemetry::TracesConfig {
        url: receiver,
        service_name: "socle-test".to_owned(),
        ..Default::default()
    };
    traces.attributes.insert("deployment.environment.name".to_owned(), "test".to_owned());
    traces.headers.insert("authorization".to_owned(), kernel::Secret::new("Bearer of-traces".to_owned()));
    let started = telemetry::start(&telemetry::Config::default(), &traces).unwrap();

    on_each_engine(MODULES, async |app| {
        received.0.lock().unwrap().clear();
        seen.lock().unwrap().clear();
        let admin = app.admin().await;
        let path = "/api/v1/test/call";
        let request = admin
            .request(reqwest::Method::POST, path)
            .header("traceparent", format!("00-{TRACE}-{CALLER}-01"))
            .header("tracestate", "vendor=1")
            .header("x-request-id", "request-of-the-test")
            .json(&json!({"url": format!("{upstream}/there?token=secret")}));
        admin.finish(path, request).await.expect(200);

        let spans = eventually("all spans of the trace arrived", async || {
            let all = received.spans();
            let of_trace: Vec<_> = all.into_iter().filter(|span| hex(&span.trace_id) == TRACE).collect();
            let has = |name: &str| of_trace.iter().any(|span| span.name == name);
            (has("POST /api/v1/test/call") && has("job test.call") && has("GET upstream")).then_some(of_trace)
        })
        .await;
        let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
        let (request, job, call) =
            (named("POST /api/v1/test/call"), named("job test.call"), named("GET upstream"));
        assert_eq!(hex(&request.parent_span_id), CALLER);
        assert_eq!(job.parent_span_id, request.span_id, "the job goes on from the request");
        assert_eq!(call.parent_span_id, job.span_id, "the call goes on from the job");
        // Server, consumer, client of the OTLP enumeration.
        assert_eq!([request.kind, job.kind, call.kind], [2, 5, 3]);
        assert!(!format!("{spans:?}").contains("token=secret"), "addresses may hold secrets");

        let headers = seen.lock().unwrap().clone();
        assert_eq!(headers.len(), 1);
        let expected = format!("00-{TRACE}-{}-01", hex(&call.span_id));
        assert_eq!(headers[0]["traceparent"], expected.as_str(), "the upstream goes on from the call");
        assert_eq!(headers[0]["x-request-id"], "request-of-the-test");
    })
    .await;

    // A request that nobody traces begins a trace of its own.
    let all = received.spans();
    let login = all.iter().find(|span| span.name.ends_with("/auth/login")).unwrap();
    assert!(login.parent_span_id.is_empty() && hex(&login.trace_id) != TRACE);
    let attributes = received.0.lock().unwrap()[0].1.clone();
    for expected in [("service.name", "socle-test"), ("deployment.environment.name", "test")] {
        assert!(
            attributes.iter().any(|(name, value)| (name.as_str(), value.as_str()) == expected),
            "{attributes:?}"
        );
    }

    // What is left is sent at the end.
    received.0.lock().unwrap().clear();
    tracing::info_span!("last words").in_scope(|| ());
    started.stop().await;
    let names: Vec<_> = received.spans().into_iter().map(|span| span.name).collect();
    assert!(names.contains(&"last words".to_owned()), "{names:?}");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
