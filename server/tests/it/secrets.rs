//! What nobody may read in a log, however much is logged.

use std::{fs::File, process::Stdio};

use serde_json::{Value, json};
use testkit::{Client, eventually};

use crate::harness::{EMAIL, Folder, PASSWORD};

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_logged_even_at_trace_level() {
    let folder = Folder::new();
    let path = folder.path().join("log.txt");
    let mut command = folder.socle();
    command.args(["serve", "--listen", "127.0.0.1:0"]).env("SOCLE_LOG", "trace");
    let mut child = command.stdout(Stdio::null()).stderr(File::create(&path).unwrap()).spawn().unwrap();
    let read = || std::fs::read_to_string(&path).unwrap();
    let part = |begin: &str, end: char| {
        let text = read();
        let at = text.find(begin)? + begin.len();
        text[at..].split_once(end).map(|(found, _)| found.to_owned())
    };
    let base = eventually("the server listens", async || part("\"url\":\"", '"')).await;
    let first = eventually("the link is printed", async || part("/welcome?token=", '\n')).await;

    let stranger = Client::new(&base);
    let body = json!({"token": first.trim(), "email": EMAIL, "password": PASSWORD, "first_name": "Ada", "last_name": "Byron"});
    stranger.post("/api/v1/auth/first-run", body).await.expect(201);
    let login = json!({"email": EMAIL, "password": PASSWORD});
    let pair = stranger.post("/api/v1/auth/login", login).await.expect(200).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (access, refresh) = (text(&pair["access_token"]), text(&pair["refresh_token"]));
    let wrong = "another pass phrase 97";
    let bad = json!({"email": EMAIL, "password": wrong});
    stranger.post("/api/v1/auth/login", bad).await.expect(401);
    let admin = Client { token: Some(access.clone()), ..stranger.clone() };
    admin.get("/api/v1/users").await.expect(200);
    let renewed =
        stranger.post("/api/v1/auth/refresh", json!({"refresh_token": refresh})).await.expect(200).json();
    let camera = json!({"name": "Yard", "enabled": false, "source": {"kind": "rtsp", "url": "rtsp://me:cam-secret-5@10.9.8.7/live"}});
    admin.post("/api/v1/surveillance/cameras", camera).await.expect(201);

    let lines = eventually("the log tells of the last request", async || {
        let text = read();
        text.contains("/api/v1/surveillance/cameras").then_some(text)
    })
    .await;
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(lines.contains("\"level\":\"TRACE\""), "the log is as loud as can be");
    // The token's signature is what makes it one; the link was printed for people, so only the log's own lines count.
    let signature = |token: &str| token.rsplit('.').next().unwrap().to_owned();
    let secrets = [
        PASSWORD.to_owned(),
        wrong.to_owned(),
        signature(&access),
        refresh,
        signature(&text(&renewed["access_token"])),
        text(&renewed["refresh_token"]),
        first.trim().to_owned(),
        "cam-secret-5".to_owned(),
    ];
    for line in lines.lines().filter(|line| line.starts_with('{')) {
        for secret in &secrets {
            assert!(!line.contains(secret.as_str()), "{secret:?} is in the log: {line}");
        }
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
}
