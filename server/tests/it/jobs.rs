//! `socle jobs …` and `socle schedule …`: tables for people, JSON for scripts, exit codes for both.

use serde_json::{Value, json};
use testkit::eventually;

use crate::harness::{Folder, Server, failure, run};

fn said(folder: &Folder, arguments: &[&str]) -> String {
    let output = run(folder.socle().args(arguments));
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn said_json(folder: &Folder, arguments: &[&str]) -> Value {
    let text = said(folder, &[&["--json"], arguments].concat());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
}

const NAME: &str = "admin.forget_old";

/// The command line writes to the database of a running server, whose worker does the rest.
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_run_from_the_command_line() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let folder = &server.folder;
    assert!(said(folder, &["schedule", "list"]).contains("17 * * * *"));
    let task = said_json(folder, &["schedule", "run", NAME])["task_id"].as_str().unwrap().to_owned();
    eventually("the server's worker has done it", async || {
        (said_json(folder, &["jobs", "show", &task])["state"] == "succeeded").then_some(())
    })
    .await;
    let history = said_json(folder, &["schedule", "history", NAME]);
    assert_eq!((&history[0]["task_id"], &history[0]["reason"]), (&json!(task), &json!("manual")));
    assert!(said(folder, &["schedule", "history", NAME]).contains(&task));
    assert_eq!(admin.get(&format!("/api/v1/tasks/{task}")).await.expect(200).json()["state"], "succeeded");

    let set =
        said_json(folder, &["schedule", "set", NAME, "--cron", "@daily", "--time-zone", "Europe/Paris"]);
    assert_eq!((&set[0]["cron"], &set[0]["is_overridden"]), (&json!("@daily"), &json!(true)));
    assert!(said(folder, &["schedule", "pause", NAME]).contains("paused"));
    assert_eq!(said_json(folder, &["schedule", "show", NAME])["next_at"], Value::Null);
    said(folder, &["schedule", "resume", NAME]);
    assert_eq!(said_json(folder, &["schedule", "reset", NAME])[0]["cron"], "17 * * * *");
}

#[test]
fn tasks_and_queues_are_told_and_steered() {
    let folder = Folder::new();
    said(&folder, &["db", "upgrade"]);
    // Nobody serves: the task stays in line.
    let task = said_json(&folder, &["schedule", "run", NAME])["task_id"].as_str().unwrap().to_owned();
    let table = said(&folder, &["jobs", "list", "--state", "pending"]);
    assert!(table.starts_with("ID ") && table.contains(&task) && table.ends_with("1 in all\n"), "{table}");
    assert_eq!(said_json(&folder, &["jobs", "list", "--kind", NAME])[0]["id"], task.as_str());
    assert_eq!(said_json(&folder, &["jobs", "queues"])[0]["waiting"], 1);
    assert_eq!(said_json(&folder, &["jobs", "pause", "default"])[0]["is_paused"], true);
    assert!(said(&folder, &["jobs", "resume", "default"]).contains("open"));
    assert_eq!(said_json(&folder, &["jobs", "cancel", &task])["state"], "cancelled");
    assert_eq!(said_json(&folder, &["jobs", "retry", &task])["state"], "pending");
    assert!(said(&folder, &["jobs", "discard", &task]).contains("is discarded"));

    // The kind has a unique key: one at a time.
    let all = |words: &[&str]| said_json(&folder, &[&["jobs"], words, &["--all", "--kind", NAME]].concat());
    for _ in 0..3 {
        said(&folder, &["schedule", "run", NAME]);
        assert_eq!(all(&["cancel", "--queue", "nowhere"]), json!({"cancelled": 0, "left_out": 0}));
        assert_eq!(all(&["cancel"]), json!({"cancelled": 1, "left_out": 0}));
    }
    assert_eq!(all(&["retry"]), json!({"retried": 0, "left_out": 0}), "what was cancelled stays so");
    assert_eq!(
        said(&folder, &["jobs", "retry", "--all", "--state", "cancelled"]),
        "1 task is back in line; 2 tasks are left out, since another with the same unique key is under way\n"
    );
    let gone = said(&folder, &["jobs", "discard", "--all", "--state", "cancelled"]);
    assert_eq!(gone, "2 tasks are discarded\n");

    let refused = |arguments: &[&str], code: i32, expected: &str| {
        let output = run(folder.socle().args(arguments));
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    };
    refused(&["jobs", "show", &task], 1, "does not exist");
    refused(&["jobs", "retry", "camera"], 2, "task_");
    refused(&["jobs", "list", "--state", "lazy"], 2, "possible values");
    refused(&["jobs", "retry"], 2, "<ID>");
    refused(&["jobs", "retry", &task, "--all"], 2, "cannot be used with");
    refused(&["jobs", "cancel", &task, "--kind", NAME], 2, "cannot be used with");
    refused(&["jobs", "retry", "--all", "--state", "running"], 1, "running cannot be retried");
    refused(&["jobs", "discard", "--all"], 1, "--state");
    refused(&["jobs", "pause", "nowhere"], 1, "there is no queue nowhere");
    refused(&["schedule", "run", "nobody.knows"], 1, "there is no schedule nobody.knows");
    refused(&["schedule", "set", NAME], 1, "nothing to set");
    refused(&["schedule", "set", NAME, "--cron", "whenever"], 1, "five fields");
    refused(&["schedule", "set", NAME, "--time-zone", "Mars/Olympus"], 1, "IANA");
    assert!(failure(folder.socle().args(["schedule", "set", NAME, "--catch-up", "maybe"])).contains("skip"));
}
