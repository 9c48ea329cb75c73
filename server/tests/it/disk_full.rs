//! The data folder's file system runs full: a small one of its own.

use std::{fs::File, io::Write as _, path::Path, process::Command};

use serde_json::json;
use testkit::eventually;

use crate::harness::{Folder, Server};

/// A file system in memory over the data folder, taken away at the end.
struct Mounted<'f>(&'f Path);

impl<'f> Mounted<'f> {
    fn on(folder: &'f Path, size: &str) -> Option<Self> {
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder)
            .output();
        if mount.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "no file system can be mounted, and a pipeline must not leave this out"
        );
        eprintln!("left out: this user may not mount a file system");
        None
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        // Lazily: the server's files may still be open.
        drop(Command::new("umount").arg("--lazy").arg(self.0).status());
    }
}

/// Takes all room that is left.
fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    for size in [1 << 16, 1 << 12, 1] {
        let piece = vec![0; size];
        while file.write_all(&piece).is_ok() {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writes_and_nothing_else() {
    let outer = tempfile::tempdir().unwrap();
    let data = outer.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let Some(mounted) = Mounted::on(&data, "16m") else { return };
    let folder = Folder { temp: tempfile::tempdir_in(&data).unwrap(), database_url: None };
    let mut server = Server::start_in(folder, &[]).await;
    let admin = server.admin().await;
    let mut acknowledged = Vec::new();
    let mut number = 0;
    let mut write = async |client: &testkit::Client| {
        number += 1;
        let answer = client.post("/api/v1/workspaces", json!({"name": format!("Workspace {number}")})).await;
        if answer.status == 201 {
            acknowledged.push(answer.json()["id"].as_str().unwrap().to_owned());
        }
        answer
    };
    for _ in 0..5 {
        write(&admin).await.expect(201);
    }
    for round in 0..2 {
        let ballast = data.join("ballast");
        fill(&ballast);
        // What the write-ahead log has room for still goes in.
        let refused = eventually("writes are refused", async || {
            let answer = write(&admin).await;
            (answer.status != 201).then_some(answer)
        })
        .await;
        for answer in [refused, write(&admin).await, write(&admin).await] {
            assert_eq!(answer.status, 507, "{}", answer.text());
            assert_eq!(answer.error(), "database-full");
            assert!(!answer.header("retry-after").is_empty());
        }
        // Reads go on, and say so.
        for path in ["/api/v1/workspaces", "/api/v1/users", "/api/v1/auth/me", "/api/v1/surveillance/cameras"]
        {
            admin.get(path).await.expect(200);
        }
        assert_eq!(server.stranger().get("/health").await.expect(200).json()["db"], true);
        let ready = server.stranger().get("/health/ready").await.expect(503).json();
        assert_eq!(ready["checks"]["database"], "down", "{ready}");
        let metrics = server.stranger().get("/metrics").await.expect(200).text();
        assert!(metrics.contains("db_errors_total{engine=\"sqlite\",reason=\"full\"}"), "{metrics}");

        std::fs::remove_file(&ballast).unwrap();
        eventually("the server is ready again", async || {
            (server.stranger().get("/health/ready").await.status == 200).then_some(())
        })
        .await;
        write(&admin).await.expect(201);
        eprintln!("round {round}: fine");
    }
    // Nothing that was acknowledged is lost, also not by a crash.
    let folder = server.kill();
    let mut server = Server::start_in(folder, &[]).await;
    let admin = server.admin().await;
    let mut kept = Vec::new();
    for page in 1.. {
        let list =
            admin.get(&format!("/api/v1/workspaces?page_size=100&page={page}")).await.expect(200).json();
        let items = list["items"].as_array().unwrap();
        kept.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        if items.is_empty() {
            break;
        }
    }
    for id in &acknowledged {
        assert!(kept.contains(id), "{id} was acknowledged and is gone");
    }
    assert_eq!(kept.len(), acknowledged.len() + 1, "nothing that was refused is there");
    drop(server);
    drop(mounted);
}
