//! Every path that older clients call, in one table, and what becomes of it. `docs/compat.md` is the same table.

use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::harness::{EMAIL, PASSWORD, Server};

/// What becomes of a path today.
enum State {
    /// Answers: who calls, with what, what must come.
    Works { who: Who, body: Option<fn() -> Value>, status: u16, shows: &'static [&'static str] },
    /// Tried elsewhere: where.
    TriedIn(&'static str),
    /// Comes with the module of this name.
    Coming(&'static str),
}

#[derive(Clone, Copy, PartialEq)]
enum Who {
    Anybody,
    Admin,
}

struct Row {
    module: &'static str,
    method: &'static str,
    path: &'static str,
    state: State,
}

const fn works(
    module: &'static str,
    method: &'static str,
    path: &'static str,
    who: Who,
    status: u16,
    shows: &'static [&'static str],
) -> Row {
    Row { module, method, path, state: State::Works { who, body: None, status, shows } }
}

const fn with(mut row: Row, body: fn() -> Value) -> Row {
    if let State::Works { who, status, shows, .. } = row.state {
        row.state = State::Works { who, body: Some(body), status, shows };
    }
    row
}

const fn tried_in(
    module: &'static str,
    method: &'static str,
    path: &'static str,
    place: &'static str,
) -> Row {
    Row { module, method, path, state: State::TriedIn(place) }
}

const fn coming(module: &'static str, method: &'static str, path: &'static str, with: &'static str) -> Row {
    Row { module, method, path, state: State::Coming(with) }
}

fn credentials() -> Value {
    json!({"email": EMAIL, "password": PASSWORD})
}

fn nothing() -> Value {
    json!({})
}

fn renamed() -> Value {
    json!({"name": "Yard, renamed"})
}

const CAMERA: &[&str] = &["id", "name", "source"];
const TOKENS: &[&str] = &["access_token", "refresh_token", "token_type"];
use Who::{Admin, Anybody};

/// `{cam}` stands for a camera that the test makes.
const TABLE: &[Row] = &[
    with(works("all", "POST", "/auth/login", Anybody, 200, TOKENS), credentials),
    with(works("all", "POST", "/api/auth/login", Anybody, 200, TOKENS), credentials),
    with(works("all", "POST", "/auth/register", Anybody, 403, &["identity.registration-closed"]), nothing),
    with(
        works("all", "POST", "/api/auth/register", Anybody, 403, &["identity.registration-closed"]),
        nothing,
    ),
    works("all", "GET", "/auth/me", Admin, 200, &["id", "email"]),
    works("all", "GET", "/api/auth/me", Admin, 200, &["id", "email"]),
    with(works("all", "POST", "/auth/refresh", Anybody, 422, &["refresh_token"]), nothing),
    with(works("all", "POST", "/api/auth/refresh", Anybody, 422, &["refresh_token"]), nothing),
    tried_in("all", "POST", "/auth/logout", "compat.rs: the_form_and_the_link_sign_in_and_out"),
    tried_in("all", "POST", "/api/auth/logout", "compat.rs: the_form_and_the_link_sign_in_and_out"),
    works(
        "all",
        "GET",
        "/health",
        Anybody,
        200,
        &["\"status\":\"ok\"", "\"db\":true", "\"redis\":false", "\"auth\":true"],
    ),
    works("all", "GET", "/health/ready", Anybody, 200, &["\"status\":\"ready\"", "\"database\":\"ok\""]),
    works("web", "GET", "/", Anybody, 200, &["<!doctype html"]),
    works("web", "GET", "/login", Anybody, 200, &["<!doctype html"]),
    works("web", "GET", "/signup", Anybody, 200, &["<!doctype html"]),
    works("web", "GET", "/dashboard", Anybody, 200, &["<!doctype html"]),
    works("web", "GET", "/admin", Anybody, 200, &["<!doctype html"]),
    tried_in("web", "POST", "/login (form)", "compat.rs: the_form_and_the_link_sign_in_and_out"),
    tried_in("web", "GET", "/logout", "compat.rs: the_form_and_the_link_sign_in_and_out"),
    works("surveillance", "GET", "/api/cameras", Admin, 200, &["items", "total"]),
    with(works("surveillance", "POST", "/api/cameras/{cam}/config", Admin, 200, CAMERA), renamed),
    with(works("surveillance", "PUT", "/api/cameras/{cam}", Admin, 200, CAMERA), renamed),
    coming("surveillance", "POST", "/api/cameras/discover", "surveillance (ONVIF)"),
    works("surveillance", "GET", "/video_feed/{cam}", Admin, 503, &["surveillance.no-picture"]),
    works("surveillance", "GET", "/api/events", Admin, 200, &["items", "next_cursor"]),
    with(
        works(
            "surveillance",
            "POST",
            "/api/event/evt_00000000000000000000000000/acknowledge",
            Admin,
            404,
            &["surveillance.event-not-found"],
        ),
        nothing,
    ),
    works("surveillance", "GET", "/api/export/events/csv", Admin, 200, &["id,"]),
    works("surveillance", "GET", "/api/stats", Admin, 200, &["cameras", "by_kind"]),
    works("surveillance", "GET", "/api/dashboard/stats", Admin, 200, &["cameras", "by_kind"]),
    coming("surveillance", "POST", "/api/chat", "chat"),
    coming("surveillance", "GET", "/api/ai/synthesis", "chat"),
    tried_in(
        "surveillance",
        "Socket.IO",
        "connect, new_event, frame_update",
        "the tests of crates/realtime and apps/surveillance",
    ),
    coming("exams", "POST", "/api/qcm/generate", "exams"),
    works(
        "exams",
        "GET",
        "/api/tasks/task_00000000000000000000000000",
        Admin,
        404,
        &["admin.task-not-found"],
    ),
    works(
        "exams",
        "GET",
        "/api/qcm/tasks/task_00000000000000000000000000",
        Admin,
        404,
        &["admin.task-not-found"],
    ),
    coming("exams", "GET, POST", "/api/qcm, /api/v1/qcm, /api/v2/qcm", "exams"),
    coming("exams", "GET, PUT, DELETE", "/api/qcm/{id}", "exams"),
    coming("exams", "Socket.IO", "join_room, qcm_generated, new_exam", "exams"),
    coming("lofi", "GET", "/events", "lofi"),
    coming("lofi", "GET", "/videos", "lofi"),
    coming("lofi", "POST", "/pipeline/run", "lofi"),
    coming("lofi", "GET", "/pipeline/status", "lofi"),
    coming(
        "chat",
        "*",
        "/api/workflows…, /api/models, /api/settings, /api/vector-stores…, /api/chatkit",
        "chat",
    ),
    coming("chat", "*", "/v1/chat/completions, /v1/embeddings, /v1/models, /v1/responses", "chat"),
    tried_in(
        "ml",
        "*",
        "/api/2.0/mlflow/…, /api/3.0/mlflow/…, /api/2.0/mlflow-artifacts/…, /ajax-api/…",
        "apps/ml/tests/it, scripts/mlflow.sh",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_older_path_answers_or_says_where_it_stands() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let camera =
        json!({"name": "Yard", "enabled": false, "source": {"kind": "rtsp", "url": "rtsp://10.9.8.7/live"}});
    let camera = admin.post("/api/v1/surveillance/cameras", camera).await.expect(201).json();
    let id = camera["id"].as_str().unwrap();
    for row in TABLE {
        let path = row.path.replace("{cam}", id);
        match &row.state {
            State::Works { who, body, status, shows } => {
                let client = if *who == Admin { admin.clone() } else { server.stranger() };
                let answer = client.send(row.method.parse().unwrap(), &path, body.map(|body| body())).await;
                let text = answer.text();
                assert_eq!(answer.status, *status, "{} {path}: {text}", row.method);
                for shown in *shows {
                    assert!(
                        text.to_lowercase().contains(&shown.to_lowercase()),
                        "{} {path} lacks {shown}: {text}",
                        row.method
                    );
                }
            }
            State::TriedIn(place) => assert!(!place.is_empty()),
            // Who builds it must come by here: a path that answers is no longer one to come.
            State::Coming(module) => {
                if !matches!(row.method, "GET" | "POST") || path.contains([',', '…', '{']) {
                    continue;
                }
                let answer = admin.send(row.method.parse().unwrap(), &path, None).await;
                let is_page = answer.header("content-type").starts_with("text/html");
                assert!(
                    matches!(answer.status, 404 | 405) || is_page,
                    "{path} answers {}: is it not from {module} now?",
                    answer.status
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_and_the_link_sign_in_and_out() {
    let mut server = Server::start().await;
    server.admin().await;
    let browser = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let post = async |password: &str, origin: Option<&str>| {
        // Both values hold nothing but letters, digits, @, dots and spaces.
        let form = format!("email={}&password={}", EMAIL.replace('@', "%40"), password.replace(' ', "+"));
        let mut request = browser
            .post(format!("{}/login", server.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        request.send().await.unwrap()
    };
    let answer = post(PASSWORD, Some(&server.base)).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["location"]),
        (303, &"/dashboard".parse().unwrap())
    );
    let cookies: Vec<_> = answer
        .headers()
        .get_all("set-cookie")
        .iter()
        .map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned())
        .collect();
    let cookies = cookies.join("; ");
    let me = async || {
        let request = browser.get(format!("{}/auth/me", server.base)).header("cookie", &cookies);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(me().await, 200);
    let wrong = post("not the pass phrase", None).await;
    assert_eq!(wrong.headers()["location"], "/login?error=credentials");
    assert!(wrong.headers().get("set-cookie").is_none());
    assert_eq!(post(PASSWORD, Some("https://evil.example.org")).await.status(), 403);

    let leave = async |site: &str| {
        let request = browser.get(format!("{}/logout", server.base)).header("cookie", &cookies);
        request.header("sec-fetch-site", site).send().await.unwrap()
    };
    assert_eq!(leave("cross-site").await.headers()["location"], "/");
    assert_eq!(me().await, 200, "another site's page cannot sign anybody out");
    let answer = leave("same-origin").await;
    assert_eq!((answer.status().as_u16(), &answer.headers()["location"]), (303, &"/login".parse().unwrap()));
    assert_eq!(me().await, 401);

    for path in ["/auth/logout", "/api/auth/logout"] {
        let program = server.sign_in(EMAIL).await;
        program.post(path, json!({})).await.expect(204);
        program.get("/auth/me").await.expect(401);
    }
}

#[test]
fn the_page_is_the_table() {
    let mut text = String::from(
        "# Paths that older clients call\n\n\
         The table that `server/tests/it/compat.rs` walks; write it again with `SOCLE_TEST_WRITE=1 make test CRATE=server`.\n\
         Each path answers at exactly this place, through the same handlers as its home under `/api/v1`.\n\n\
         | from | method | path | today |\n| --- | --- | --- | --- |\n",
    );
    for Row { module, method, path, state } in TABLE {
        let today = match state {
            State::Works { .. } => "answers".to_owned(),
            State::TriedIn(place) => format!("answers ({place})"),
            State::Coming(module) => format!("comes with {module}"),
        };
        text.push_str(&format!("| {module} | {method} | `{path}` | {today} |\n"));
    }
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/compat.md");
    if std::env::var_os("SOCLE_TEST_WRITE").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap_or_default(), text, "docs/compat.md is stale");
}
