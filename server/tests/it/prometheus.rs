//! A real Prometheus reads the real server, with our alert rules.

use std::{
    collections::BTreeSet,
    io::Write as _,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use reqwest::multipart;
use serde_json::{Value, json};
use testkit::{Client, eventually};

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

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Prometheus on a free port, reading `target`; its own address.
fn start(program: &Path, folder: &Path, target: &str, token: &str) -> (Running, String) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = json!({
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [deploy().join("alerts.yml")],
        "scrape_configs": [{
            "job_name": "socle",
            "authorization": {"credentials": token},
            "static_configs": [{"targets": [target]}],
        }],
    });
    // JSON is YAML too.
    std::fs::write(folder.join("prometheus.yml"), config.to_string()).unwrap();
    let child = Command::new(program)
        .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", folder.join("tsdb").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--log.level=error")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    (Running(child), format!("http://127.0.0.1:{port}"))
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
    run_a_task(&admin).await;
}

/// A scheduled task, run now.
async fn run_a_task(admin: &Client) {
    let schedules = admin.get("/api/v1/schedules").await.expect(200).json();
    let name = schedules["items"][0]["name"].as_str().unwrap();
    let run = admin.post(&format!("/api/v1/schedules/{name}/run"), json!({})).await.expect(202).json();
    let url = run["status_url"].as_str().unwrap().to_owned();
    eventually("the task ends", async || {
        let state = admin.get(&url).await.expect(200).json()["state"].clone();
        ["succeeded", "failed"].iter().any(|end| state == *end).then_some(())
    })
    .await;
}

/// Names of metrics in a PromQL text: what has an underscore and is no function.
fn names(expression: &str) -> BTreeSet<String> {
    let mut quoted = false;
    let text: String = expression
        .chars()
        .map(|letter| {
            quoted ^= letter == '"';
            if quoted || letter == '"' { ' ' } else { letter }
        })
        .collect();
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| (word.contains('_') || *word == "up") && *word != "histogram_quantile")
        .map(str::to_owned)
        .collect()
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

async fn ask(http: &reqwest::Client, url: &str) -> Option<Value> {
    let answer: Value = http.get(url).send().await.ok()?.json().await.ok()?;
    Some(answer["data"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_reads_the_server_and_knows_every_metric_that_an_alert_names() {
    let Some(program) = program("prometheus") else { return };
    let mut server = server().await;
    exercise(&mut server).await;
    let folder = tempfile::tempdir().unwrap();
    let target = server.base.trim_start_matches("http://").to_owned();
    let (_prometheus, base) = start(&program, folder.path(), &target, TOKEN);
    let http = reqwest::Client::new();

    eventually("the target is up", async || {
        let targets = ask(&http, &format!("{base}/api/v1/targets")).await?;
        let target = &targets["activeTargets"][0];
        if target["health"] == "up" {
            return Some(());
        }
        eprintln!("{} {}", target["health"], target["lastError"]);
        None
    })
    .await;
    let rules = eventually("every rule is evaluated", async || {
        let data = ask(&http, &format!("{base}/api/v1/rules")).await?;
        let groups = data["groups"].as_array()?;
        let rules: Vec<Value> =
            groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect();
        (!rules.is_empty() && rules.iter().all(|rule| rule["health"] != "unknown")).then_some(rules)
    })
    .await;
    assert_eq!(rules.len(), 17);
    let mut wanted = BTreeSet::new();
    for rule in &rules {
        assert_eq!((&rule["health"], &rule["lastError"]), (&json!("ok"), &Value::Null), "{rule}");
        assert_eq!(rule["state"], "inactive", "a healthy server raises no alert: {rule}");
        for label in ["severity", "component"] {
            assert!(rule["labels"][label].is_string(), "{rule}");
        }
        wanted.extend(names(rule["query"].as_str().unwrap()));
    }
    // A later part of Socle brings backups, and with them the metric.
    wanted.remove("backup_last_success_timestamp_seconds");
    if std::env::var("SOCLE_TEST_REDIS_URL").is_ok_and(|url| !url.is_empty()) {
        assert!(wanted.contains("redis_up"));
    } else {
        eprintln!("redis_up is left out: SOCLE_TEST_REDIS_URL is not set");
        wanted.remove("redis_up");
    }
    let missing = eventually("the names are known", async || {
        let known = ask(&http, &format!("{base}/api/v1/label/__name__/values")).await?;
        let known: BTreeSet<String> = serde_json::from_value(known).ok()?;
        Some(wanted.difference(&known).cloned().collect::<Vec<_>>())
    })
    .await;
    assert!(missing.is_empty(), "alerts name metrics that the server does not give: {missing:?}");
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

/// A rate sees no first failure of a series that begins with it.
#[tokio::test(flavor = "multi_thread")]
async fn what_alerts_count_is_there_at_zero_before_anything_happens() {
    let server = server().await;
    let scraper = Client { token: Some(TOKEN.to_owned()), ..server.stranger() };
    let wanted = [
        "jobs_finished_total{kind=\"admin.forget_old\",outcome=\"failed\"} 0",
        "jobs_finished_total{kind=\"admin.forget_old\",outcome=\"succeeded\"} 0",
        "uploads_total{kind=\"model\",outcome=\"error\"} 0",
        "storage_operations_total{op=\"put\",outcome=\"error\"} 0",
    ];
    // The worker signs on beside the server's start.
    eventually("the counts are there", async || {
        let text = scraper.get("/metrics").await.expect(200).text();
        let missing: Vec<_> = wanted.iter().filter(|line| !text.lines().any(|has| has == **line)).collect();
        eprintln!("missing: {missing:?}");
        missing.is_empty().then_some(())
    })
    .await;
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
    assert_eq!(alerts.len(), 17);
    for alert in alerts {
        assert!(tests.contains(&format!("name: {alert} fires")), "{alert}");
        assert!(tests.contains(&format!("name: {alert} stays quiet")), "{alert}");
        assert!(runbook.contains(&format!("## {alert}\n")), "{alert} has no paragraph");
        assert!(rules.contains(&format!("docs/runbook.md#{}\n", alert.to_lowercase())), "{alert}");
    }
}
