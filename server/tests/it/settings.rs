//! Settings as people give them: every fault at once and no port, secrets from elsewhere, production mode, `socle config`.

use std::{
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use testkit::eventually;

use crate::harness::{Folder, Server, failure, run};

/// Ten faults of ten kinds, each on a line of its own.
const TEN_FAULTS: &str = r#"
[server]
lisen = "127.0.0.1:1"
shutdown_s = "soon"
roles = ["web", "chef"]

[databas]
url = "x"

[database]
synchronous = "ful"
connections_max = -4

[http]
trusted_proxies = ["10.0.0.300"]
timeout_s = 0

[log]
filter = "a=b=c"

[identity]
secret = "file:/nowhere/identity.key"
"#;

const EXPECTED: [(usize, &str, &str); 10] = [
    (3, "server.lisen: there is no such setting", "did you mean `listen`?"),
    (
        4,
        "server.shutdown_s: must be a whole number, 0 or more, and this is the text \"soon\"",
        "for example `shutdown_s = 8` (the default)",
    ),
    (
        5,
        "server.roles: \"chef\" is none of web, worker, camera",
        "for example `roles = \"web,worker,camera\"` (the default)",
    ),
    (7, "databas: there is no such setting", "did you mean `database`?"),
    (11, "database.synchronous: \"ful\" is none of `normal`, `full`", "did you mean `full`?"),
    (
        12,
        "database.connections_max: must be a whole number from 0 to 4294967295, and this is the number -4",
        "for example `connections_max = 16` (the default)",
    ),
    (15, "http.trusted_proxies[0]: ", "for example `trusted_proxies = []` (the default)"),
    (16, "http.timeout_s: must be from 1 to 600", "for example `timeout_s = 30` (the default)"),
    (19, "log.filter: ", "for example `filter = \"info"),
    (22, "identity.secret: the file /nowhere/identity.key cannot be read", "readable for the user"),
];

#[tokio::test(flavor = "multi_thread")]
async fn ten_faults_give_ten_messages_and_no_port_opens() {
    let folder = Folder::new();
    let file = folder.path().join("ten.toml");
    std::fs::write(&file, TEN_FAULTS).unwrap();
    let address = {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap()
    };
    let mut command = folder.socle();
    command.arg("--config").arg(&file).args(["serve", "--listen", &address.to_string()]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // Somebody who knocks all the time, from before the start until after the end.
    while child.try_wait().unwrap().is_none() {
        assert!(TcpStream::connect(address).is_err(), "a port opened");
        std::thread::sleep(Duration::from_millis(1));
    }
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("10 faults in the settings; nothing was started"), "{said}");
    let lines: Vec<_> = said.lines().collect();
    for (line, fault, hint) in EXPECTED {
        let begin = format!("{}:{line}:", file.display());
        let at = lines.iter().position(|told| told.trim_start().starts_with(&begin));
        let at = at.unwrap_or_else(|| panic!("line {line} is missing in:\n{said}"));
        let told = lines.get(at + 1).and_then(|next| next.trim_start().strip_prefix("hint: "));
        let hinted = told.is_some_and(|told| told.contains(hint));
        assert!(lines[at].contains(fault) && hinted, "{fault} … {hint} is missing in:\n{said}");
    }
    let mut there: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    there.retain(|name| name != "ten.toml");
    assert!(there.is_empty(), "nothing was made: {there:?}");

    let output = run(folder.socle().arg("--config").arg(&file).args(["--json", "config", "check"]));
    assert!(!output.status.success());
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["faults"].as_array().unwrap().len(), 10);
    let is_whole = |fault: &Value| fault["place"].is_string() && fault["hint"].is_string();
    assert!(told["faults"].as_array().unwrap().iter().all(is_whole), "{told}");
}

#[test]
fn a_wrong_value_is_one_fault_at_its_own_place() {
    let folder = Folder::new();
    let file = folder.path().join("socle.toml");
    let check = |text: &str, expected: &[&str]| {
        std::fs::write(&file, text).unwrap();
        let mut command = folder.socle();
        command.env("SOCLE_HTTPP__X", "1").args(["config", "check"]);
        let said = failure(&mut command).replace(&format!("{}", file.display()), "socle.toml");
        let told: Vec<_> =
            said.lines().skip(1).filter(|line| !line.trim_start().starts_with("hint: ")).collect();
        assert_eq!(told.len(), expected.len() + 1, "{said}");
        assert!(said.contains("variable SOCLE_HTTPP__X: httpp.x: there is no such setting"), "{said}");
        for fault in expected {
            assert!(said.contains(fault), "{fault} is missing in:\n{said}");
        }
    };
    check("[database]\nconnections_max = 0\n", &["socle.toml:2:1: database.connections_max: must be from 1"]);
    check("[outbound]\ntimeout_ms = 0\n", &["socle.toml:2:1: outbound.timeout_ms: must be from 1"]);
    check("", &[]);
    let said = failure(folder.socle().args(["--config", "/nowhere/socle.toml", "config", "check"]));
    assert_eq!(said.matches("No such file").count(), 1, "{said}");
}

fn shown(command: &mut Command) -> Vec<Value> {
    let output = run(command.args(["--json", "config", "show"]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice::<Value>(&output.stdout).unwrap().as_array().unwrap().clone()
}

fn find<'s>(shown: &'s [Value], setting: &str) -> (&'s Value, &'s str) {
    let found = shown.iter().find(|shown| shown["setting"] == setting).unwrap();
    (&found["value"], found["from"].as_str().unwrap())
}

#[test]
fn what_is_in_force_is_shown_with_its_source_and_without_secrets() {
    let folder = Folder::new();
    let text = "[database]\nurl = \"postgres://me:hunter2@db.example.org/socle\"\n[storage]\naccess_key = \"hunter2\"\nsecret_key = \"hunter2\"\n\
                [mail]\nurl = \"smtp://me:hunter2@mail.example.org:587\"\nfrom = \"a@example.org\"\n[http]\ntimeout_s = 20\n";
    std::fs::write(folder.path().join("socle.toml"), text).unwrap();
    std::fs::write(
        folder.path().join(".env"),
        "SOCLE_HTTP__TIMEOUT_S=21\nSOCLE_REDIS_URL=redis://:hunter2@cache:6379/0\n",
    )
    .unwrap();
    std::fs::write(folder.path().join("identity.key"), "hunter2".repeat(8) + "abcdefgh\n").unwrap();
    let command = || {
        let mut command = folder.socle();
        command.env("SOCLE_LOG", "warn").env("SOCLE_IDENTITY__SECRET", "file:identity.key");
        command
    };
    let shown = shown(&mut command());
    assert_eq!(find(&shown, "http.timeout_s"), (&json!(21), ".env:1: SOCLE_HTTP__TIMEOUT_S"));
    assert_eq!(find(&shown, "log.filter"), (&json!("warn"), "variable SOCLE_LOG"));
    assert_eq!(
        find(&shown, "database.url"),
        (&json!("postgres://me:***@db.example.org/socle"), "socle.toml:2:1")
    );
    assert_eq!(find(&shown, "redis.url").0, "redis://:***@cache:6379/0");
    assert_eq!(find(&shown, "mail.url").0, "smtp://me:***@mail.example.org:587");
    assert_eq!(
        (find(&shown, "storage.access_key").0, find(&shown, "storage.secret_key").0),
        (&json!("***"), &json!("***"))
    );
    assert_eq!(find(&shown, "identity.secret").0, "file:identity.key");
    assert_eq!(find(&shown, "server.shutdown_s").1, "default");
    assert!(shown.len() > 60);
    let output = run(command().args(["config", "show"]));
    let all = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(all.contains("http.timeout_s") && !all.contains("hunter2"), "{all}");
    // The flag is above all.
    let output = run(command().args(["--data", "elsewhere", "--json", "config", "show"]));
    let shown: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(find(&shown, "server.data"), (&json!("elsewhere"), "--data"));
}

#[test]
fn the_references_are_printed() {
    let folder = Folder::new();
    let printed = |what: &str| String::from_utf8(run(folder.socle().args(["config", what])).stdout).unwrap();
    assert!(printed("docs").contains("## `[database]`"));
    assert!(printed("example").parse::<toml::Table>().is_ok());
    let schema: Value = serde_json::from_str(&printed("schema")).unwrap();
    assert_eq!(
        schema["properties"]["server"]["properties"]["mode"]["enum"],
        json!(["development", "production"])
    );
}

#[test]
fn production_refuses_what_development_warns_of() {
    let folder = Folder::new();
    let file = folder.path().join("socle.toml");
    let unsafe_settings = |mode: &str| {
        let text = format!(
            "[server]\nmode = \"{mode}\"\npublic_url = \"http://socle.example.org\"\n[http]\ncors_origins = [\"*\"]\n\
             [log]\nfilter = \"info,web=debug\"\n[identity]\nsecret = \"changemechangemechangemechangeme\"\n"
        );
        std::fs::write(&file, text).unwrap();
    };
    unsafe_settings("production");
    let said = failure(folder.socle().args(["serve", "--listen", "127.0.0.1:0"]));
    for (setting, line) in
        [("server.public_url", 3), ("http.cors_origins", 5), ("log.filter", 7), ("identity.secret", 9)]
    {
        let told = said.lines().any(|told| {
            told.contains(&format!("socle.toml:{line}:"))
                && told.contains(setting)
                && told.contains("production mode refuses")
        });
        assert!(told, "{setting} is missing in:\n{said}");
    }
    assert!(said.contains("hint: draw one: openssl rand -base64 48"), "{said}");
    assert!(!said.contains("changeme"), "{said}");

    unsafe_settings("development");
    let output = run(folder.socle().args(["config", "check"]));
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.matches("warning: ").count(), 4, "{said}");

    // Short secrets are refused in both.
    std::fs::write(&file, "[identity]\nsecret = \"short\"\n").unwrap();
    let said = failure(folder.socle().args(["config", "check"]));
    assert!(said.contains("identity.secret") && said.contains("32"), "{said}");

    std::fs::write(&file, "[server]\nmode = \"production\"\n").unwrap();
    let said = failure(folder.socle().args(["config", "check"]));
    assert!(said.contains("server.public_url") && said.contains("is not set"), "{said}");
    std::fs::write(&file, "[server]\nmode = \"production\"\npublic_url = \"https://socle.example.org\"\n")
        .unwrap();
    let output = run(folder.socle().args(["config", "check"]));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "the settings are fine\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_comes_from_vault() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // A KV version 2 answer: there is no Vault and no OpenBao among Debian's packages.
    let answer = |headers: axum::http::HeaderMap| async move {
        if headers.get("x-vault-token").is_none_or(|token| token != "hvs.reader") {
            return (axum::http::StatusCode::FORBIDDEN, axum::Json(json!({"errors": ["permission denied"]})));
        }
        let metadata = json!({"created_time": "2026-01-02T03:04:05Z", "custom_metadata": null, "deletion_time": "", "destroyed": false, "version": 1});
        let data = json!({"data": {"key": "hE2Jx0cVbqQm1pZ7Rk5uTn9sWd3fYg8aLo6iCv4x"}, "metadata": metadata});
        let body = json!({"request_id": "1", "lease_id": "", "renewable": false, "lease_duration": 0, "data": data, "wrap_info": null, "warnings": null, "auth": null});
        (axum::http::StatusCode::OK, axum::Json(body))
    };
    let app = axum::Router::new().route("/v1/kv/data/socle/prod", axum::routing::get(answer));
    #[expect(clippy::disallowed_methods, reason = "a test has no spawner")]
    tokio::spawn(async move { axum::serve(listener, app).await });

    let folder = Folder::new();
    std::fs::write(folder.path().join("token"), "hvs.reader\n").unwrap();
    let environment = |folder: &Folder, reference: &str| {
        let mut command = folder.socle();
        command
            .env("SOCLE_SECRETS__URL", &url)
            .env("SOCLE_SECRETS__TOKEN", "file:token")
            .env("SOCLE_IDENTITY__SECRET", reference);
        command
    };
    let shown = shown(&mut environment(&folder, "vault:kv/socle/prod#key"));
    assert_eq!(find(&shown, "identity.secret").0, "vault:kv/socle/prod#key");
    let said = failure(environment(&folder, "vault:kv/socle/prod#kee").args(["config", "check"]));
    assert!(
        said.contains("variable SOCLE_IDENTITY__SECRET: identity.secret: kv/socle/prod has no key kee"),
        "{said}"
    );
    assert!(said.contains("hint: its keys are key"), "{said}");
    let said = failure(
        environment(&folder, "vault:kv/socle/prod#key")
            .env("SOCLE_SECRETS__TOKEN", "wrong")
            .args(["config", "check"]),
    );
    assert!(said.contains("does not let this token read kv/socle/prod"), "{said}");
    let said = failure(
        folder.socle().env("SOCLE_IDENTITY__SECRET", "vault:kv/socle/prod#key").args(["config", "check"]),
    );
    assert!(said.contains("VAULT_ADDR"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_follows_the_command_line() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let socle = |arguments: &[&str]| {
        let mut command = server.folder.socle();
        command.args(arguments);
        command
    };
    let output = run(&mut socle(&["--json", "settings", "set", "installation.name", "École Pasteur"]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    eventually("the server knows", async || {
        let shown = server.stranger().get("/api/v1/installation").await.expect(200).json();
        (shown["name"] == "École Pasteur").then_some(())
    })
    .await;
    let history = run(&mut socle(&["--json", "settings", "history", "--key", "installation.name"]));
    let history: Value = serde_json::from_slice(&history.stdout).unwrap();
    assert_eq!(
        (&history[0]["new"], &history[0]["by"]),
        (&json!("École Pasteur"), &json!("system: command line"))
    );
    let said = failure(&mut socle(&["settings", "set", "jobs.keep_h", "much"]));
    assert!(said.contains("must be a whole number from 1 to 87600"), "{said}");
    let said = failure(&mut socle(&["settings", "get", "jobs.kep_h"]));
    assert!(said.contains("did you mean jobs.keep_h"), "{said}");
    assert!(run(&mut socle(&["settings", "undo", history[0]["id"].as_str().unwrap()])).status.success());
    let output = run(&mut socle(&["settings", "get", "installation.name"]));
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"Socle\""));
    let changes = admin.get("/api/v1/settings/changes").await.expect(200).json();
    assert_eq!(changes["items"].as_array().unwrap().len(), 2);
}
