//! The server stops when it is told to, and loses nothing when it is killed.

use rustix::process::Signal;
use serde_json::json;
use testkit::eventually;

use crate::harness::Server;

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_told_to() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Server::start().await;
        server.signal(signal);
        let status = eventually("the server ends", async || server.child.try_wait().unwrap()).await;
        assert!(status.success(), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_kill_9() {
    let mut server = Server::start().await;
    let admin = server.admin().await;
    let mut acknowledged = Vec::new();
    for number in 0..20 {
        let made = admin
            .post("/api/v1/workspaces", json!({"name": format!("Workspace {number}")}))
            .await
            .expect(201);
        acknowledged.push(made.json()["id"].clone());
    }
    let folder = server.kill();
    let mut server = Server::start_in(folder, &[]).await;
    assert!(server.first_run.is_none(), "the administrator is there");
    let admin = server.admin().await;
    let kept = admin.get("/api/v1/workspaces?page_size=100").await.expect(200).json();
    let kept: Vec<_> = kept["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect();
    for id in acknowledged {
        assert!(kept.contains(&id), "{id} was acknowledged and is gone");
    }
}

/// A walker who crosses an empty yard again and again: 6 s, made here.
fn scene(folder: &std::path::Path) -> std::path::PathBuf {
    let media = folder.join("media");
    std::fs::create_dir_all(&media).unwrap();
    let file = media.join("yard.mp4");
    let yard = "nullsrc=s=640x360:r=10:d=6,geq=lum='110+35*sin(X/9)*cos(Y/7)+20*sin((X+Y)/23)':cb=128:cr=128";
    let walker = "color=c=0xe8e8e8:s=50x130:r=10:d=6";
    let way = "overlay=x='if(lt(t,1),-200,-60+(t-1)*180)':y=170";
    let made = std::process::Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-y",
            "-f",
            "lavfi",
            "-i",
            yard,
            "-f",
            "lavfi",
            "-i",
            walker,
            "-filter_complex",
            way,
        ])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p"])
        .arg(&file)
        .status()
        .unwrap();
    assert!(made.success());
    file
}

async fn events(client: &testkit::Client) -> Vec<serde_json::Value> {
    let feed = client.get("/api/v1/surveillance/events?limit=100").await.expect(200).json();
    feed["items"].as_array().unwrap().clone()
}

/// Command lines of the processes that work on this folder.
fn children_of(folder: &std::path::Path) -> usize {
    let name = folder.to_string_lossy().into_owned();
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok())
        .filter(|line| line.starts_with(b"ffmpeg") || line.windows(7).any(|part| part == b"/ffmpeg"))
        .filter(|line| String::from_utf8_lossy(line).contains(&name))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_while_recording_loses_no_event_and_leaves_no_half_clip() {
    let quick = [
        ("SOCLE_SURVEILLANCE__SEGMENT_MS", "1000"),
        ("SOCLE_SURVEILLANCE__PRE_ROLL_MS", "2000"),
        ("SOCLE_SURVEILLANCE__POST_ROLL_MS", "1000"),
    ];
    let folder = crate::harness::Folder::new();
    let file = scene(&folder.path());
    let mut server = Server::start_in(folder, &quick).await;
    let admin = server.admin().await;
    let camera = json!({
        "name": "Yard", "fps": 10, "record": "events",
        "source": {"kind": "file", "url": file.to_string_lossy(), "loop": true, "real_time": true},
        "zones": [{"name": "All", "kind": "intrusion", "points": [[0.02, 0.02], [0.98, 0.02], [0.98, 0.999], [0.02, 0.999]]}],
    });
    admin.post("/api/v1/surveillance/cameras", camera).await.expect(201);
    eventually("somebody is in the yard", async || {
        events(&admin).await.iter().any(|event| event["state"] == "active").then_some(())
    })
    .await;
    let before = events(&admin).await;

    let folder = server.kill();
    eventually("ffmpeg ends with its server", async || (children_of(&folder.path()) == 0).then_some(()))
        .await;
    let mut server = Server::start_in(folder, &quick).await;
    let admin = server.admin().await;
    let after = events(&admin).await;
    for event in &before {
        let kept = after.iter().find(|kept| kept["id"] == event["id"]);
        assert!(kept.is_some(), "{event} was told and is gone");
    }
    for event in &before {
        let path = format!("/api/v1/surveillance/events/{}", event["id"].as_str().unwrap());
        let settled = eventually("the interrupted event is settled", async || {
            let event = admin.get(&path).await.expect(200).json();
            let clip = event["clip_state"].as_str().unwrap().to_owned();
            (event["state"] == "ended" && ["ready", "failed", "none"].contains(&clip.as_str()))
                .then_some(event)
        })
        .await;
        if settled["clip_state"] == "ready" {
            let clip = admin.get(&format!("{path}/clip.mp4")).await.expect(200);
            let kept = server.folder.path().join("clip.mp4");
            std::fs::write(&kept, &clip.body).unwrap();
            let decoded = std::process::Command::new("ffmpeg")
                .args(["-v", "error", "-xerror", "-i"])
                .arg(&kept)
                .args(["-f", "null", "-"])
                .status()
                .unwrap();
            assert!(decoded.success(), "a clip that is shown plays to its end");
        } else {
            admin.get(&format!("{path}/clip.mp4")).await.expect(404);
        }
    }
    // The camera goes on by itself, and a stop by hand gives one clip job per event.
    eventually("the camera is back", async || {
        let seen = events(&admin).await;
        seen.iter().any(|event| before.iter().all(|old| old["id"] != event["id"])).then_some(())
    })
    .await;
    let tasks = admin.get("/api/v1/tasks?kind=surveillance.make_clip&page_size=100").await.expect(200).json();
    let mut clips: Vec<_> = tasks["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["result"]["event"].to_string())
        .filter(|id| id != "null")
        .collect();
    let all = clips.len();
    clips.sort();
    clips.dedup();
    assert_eq!(clips.len(), all, "no event's clip is made twice");
}
