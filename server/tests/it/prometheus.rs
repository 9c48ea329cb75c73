//! A real Prometheus reads the real server, with our alert rules.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use reqwest::multipart;
use serde_json::json;
use testkit::Client;

use crate::harness::{EMAIL, Folder, Server};

/// A program of Debian's `prometheus` package; `None`, said aloud, where it is not installed.
fn program(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&paths).map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "{name} is missing: install Debian's prometheus"
        );
        eprintln!("skipped: {name} is not installed (Debian package prometheus)");
    }
    found
}

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/prometheus").canonicalize().unwrap()
}

/// Does a little of everything that the metrics count.
async fn exercise(server: &mut Server) {
    let admin = server.admin().await;
    admin.get("/api/v1/users").await.expect(200);
    server
        .stranger()
        .post("/auth/login", json!({"email": EMAIL, "password": "wrong wrong wrong"}))
        .await
        .expect(401);
    server.stranger().get("/health/ready").await.expect(200);
    let models = "/api/v1/surveillance/models";
    let part = multipart::Part::bytes(b"no model".to_vec()).file_name("a.onnx");
    let form = multipart::Form::new().part("file", part);
    admin.finish(models, admin.request(reqwest::Method::POST, models).multipart(form)).await;
}

const TOKEN: &str = "a token for prometheus";

async fn server() -> Server {
    let redis = std::env::var("SOCLE_TEST_REDIS_URL").unwrap_or_default();
    assert!(
        !redis.is_empty() || std::env::var("CI").as_deref() != Ok("true"),
        "SOCLE_TEST_REDIS_URL is missing: redis_up cannot be seen"
    );
    let prefix = format!("prometheus-{}", std::process::id());
    let environment = [
        ("SOCLE_HTTP__METRICS_TOKEN", TOKEN),
        ("SOCLE_REDIS__URL", redis.as_str()),
        ("SOCLE_REDIS__PREFIX", prefix.as_str()),
    ];
    Server::start_in(Folder::new(), &environment).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_are_well_formed_explained_and_for_those_with_the_token() {
    let mut server = server().await;
    exercise(&mut server).await;
    let stranger = server.stranger();
    stranger.get("/metrics").await.expect(401);
    let wrong = Client { token: Some("a token of no use".to_owned()), ..stranger.clone() };
    wrong.get("/metrics").await.expect(401);
    let scraper = Client { token: Some(TOKEN.to_owned()), ..stranger };
    let text = scraper.get("/metrics").await.expect(200).text();

    let guide = std::fs::read_to_string(deploy().join("../../docs/observability.md")).unwrap();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = line.split_whitespace().next().unwrap();
        assert!(text.contains(&format!("# HELP {name} ")), "{name} has no meaning in server/src/meanings.rs");
        assert!(guide.contains(&format!("`{name}`")), "{name} is not in docs/observability.md");
    }
    for name in
        ["http_requests_total", "storage_operations_total", "process_memory_limit_bytes", "disk_free_bytes"]
    {
        assert!(text.contains(name), "{name} is missing");
    }
    if let Some(promtool) = program("promtool") {
        let mut check = Command::new(promtool)
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let said = check.wait_with_output().unwrap();
        let complaint =
            [said.stdout, said.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(said.status.success() && complaint.is_empty(), "{complaint}");
    }
}

#[test]
fn the_rules_are_sound_and_each_alert_fires_and_stays_quiet() {
    let Some(promtool) = program("promtool") else { return };
    for arguments in [["check", "rules", "alerts.yml"], ["test", "rules", "tests/alerts_test.yml"]] {
        let said = Command::new(&promtool).args(arguments).current_dir(deploy()).output().unwrap();
        let text =
            [said.stdout, said.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(said.status.success(), "{text}");
    }
}

#[test]
fn every_alert_has_two_tests_and_a_paragraph_in_the_runbook() {
    let read = |path: &str| std::fs::read_to_string(deploy().join(path)).unwrap();
    let (rules, tests, runbook) =
        (read("alerts.yml"), read("tests/alerts_test.yml"), read("../../docs/runbook.md"));
    let alerts: Vec<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert_eq!(alerts.len(), 16);
    for alert in alerts {
        assert!(tests.contains(&format!("name: {alert} fires")), "{alert}");
        assert!(tests.contains(&format!("name: {alert} stays quiet")), "{alert}");
        assert!(runbook.contains(&format!("## {alert}\n")), "{alert} has no paragraph");
        assert!(rules.contains(&format!("docs/runbook.md#{}\n", alert.to_lowercase())), "{alert}");
    }
}
