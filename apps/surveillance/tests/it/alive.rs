//! A camera at work: pictures, an event with its snapshot and clip, viewers, and what happens when ffmpeg dies.

use std::{collections::BTreeSet, fs};

use futures::StreamExt as _;
use serde_json::{Value, json};
use testkit::{App, Client, eventually};

use crate::{path, scene, text, with_admin, zone};

async fn health(admin: &Client, id: &str) -> Value {
    admin.get(&path(&format!("cameras/{id}"))).await.expect(200).json()["health"].clone()
}

pub(crate) async fn online(admin: &Client, id: &str) -> Value {
    eventually("the camera is online", async || {
        Some(health(admin, id).await).filter(|health| health["state"] == "online")
    })
    .await
}

/// At least four seconds at ten pictures a second, none missing and no gap.
fn check_clip(video: &[u8]) {
    let (pictures, seconds) = scene::measure(video);
    assert!(pictures >= 40, "{pictures}");
    assert!((seconds * 10.0 - f64::from(pictures)).abs() < 3.0, "{pictures} pictures in {seconds} s");
}

/// A camera over the walk, looped; its id.
pub(crate) async fn walk_camera(app: &App, admin: &Client, zones: Value) -> String {
    let file = scene::walk(app, "walk.mp4");
    let source = json!({ "kind": "file", "url": file.display().to_string(), "loop": true });
    let input = json!({ "name": "Yard", "source": source, "fps": 10, "zones": zones });
    text(&admin.post(&path("cameras"), input).await.expect(201).json()["id"])
}

/// Process ids of ffmpeg children that work on something in this app's data folder.
pub(crate) fn children(app: &App) -> BTreeSet<u32> {
    let folder = app.data.display().to_string();
    let Ok(processes) = fs::read_dir("/proc") else { return BTreeSet::new() };
    processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            let program = line.split('\0').next().unwrap_or("");
            program.ends_with("ffmpeg") && line.contains(&folder)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_walks_in() {
    with_admin(async |app, admin| {
        let id = walk_camera(app, admin, json!([zone()])).await;
        let found = online(admin, &id).await;
        assert_eq!(
            (&found["detector"], &found["width"], &found["height"]),
            (&json!("motion"), &json!(640), &json!(360))
        );

        // Kept from here on, unless the event makes it forgotten.
        admin.get(&path("stats")).await.expect(200);
        let started = eventually("an event", async || {
            let events =
                admin.get(&path(&format!("events?camera_id={id}&kind=intrusion"))).await.expect(200).json();
            events["items"].as_array().unwrap().first().cloned()
        })
        .await;
        assert_eq!(
            (&started["zone_name"], &started["severity"], &started["camera_name"]),
            (&json!("Yard"), &json!("high"), &json!("Yard"))
        );
        let link = format!("/surveillance/events/{}", text(&started["id"]));
        let told = eventually("people are told", async || {
            let list = admin.get("/api/v1/notifications").await.expect(200).json();
            list["items"].as_array().unwrap().iter().find(|item| item["link"] == link.as_str()).cloned()
        })
        .await;
        assert_eq!(
            (&told["topic"], &told["level"], &told["title"], &told["body"]),
            (
                &json!("surveillance.anomaly"),
                &json!("error"),
                &json!("Intrusion: Yard"),
                &json!("Zone: Yard")
            )
        );
        let one = path(&format!("events/{}", text(&started["id"])));
        let ready = eventually("its clip", async || {
            let event = admin.get(&one).await.expect(200).json();
            assert_ne!(event["clip_state"], "failed");
            Some(event).filter(|event| event["clip_state"] == "ready")
        })
        .await;
        assert_eq!(ready["state"], "ended");
        assert!(ready["evidence"]["polyline"].as_array().unwrap().len() > 1);
        let bounds = ready["evidence"]["box"].as_array().unwrap();
        assert!(bounds.iter().all(|side| (-0.3..=1.3).contains(&side.as_f64().unwrap())), "{bounds:?}");

        let snapshot = admin.get(ready["snapshot_url"].as_str().unwrap()).await.expect(200);
        assert_eq!((snapshot.header("content-type"), &snapshot.body[..2]), ("image/jpeg", &[0xff, 0xd8][..]));
        let boxed = admin.get(&format!("{one}/snapshot.jpg?box=true")).await.expect(200);
        assert_ne!(boxed.body, snapshot.body);
        let asked = format!("{one}/snapshot.jpg");
        let request =
            admin.request(reqwest::Method::GET, &asked).header("if-none-match", snapshot.header("etag"));
        admin.finish(&asked, request).await.expect(304);

        let url = text(&ready["clip_url"]);
        let clip = admin.get(&url).await.expect(200);
        assert_eq!((clip.header("content-type"), clip.header("accept-ranges")), ("video/mp4", "bytes"));
        // Two seconds before, one after, and the walk itself.
        check_clip(&clip.body);
        let index = |name: &[u8]| clip.body.windows(4).position(|part| part == name).unwrap();
        assert!(index(b"moov") < index(b"mdat"), "the index stands first, so that it plays while it loads");
        let request = admin.request(reqwest::Method::GET, &url).header("range", "bytes=4-7");
        let part = admin.finish(&url, request).await.expect(206);
        assert_eq!(
            (part.body.as_slice(), part.header("content-range")),
            (&b"ftyp"[..], format!("bytes 4-7/{}", clip.body.len()).as_str())
        );
        let request = admin.request(reqwest::Method::GET, &url).header("range", "bytes=99999999-");
        admin.finish(&url, request).await.expect(416);
        let tasks = admin.get("/api/v1/tasks?kind=surveillance.make_clip").await.expect(200).json();
        assert!(tasks["total"].as_u64().unwrap() >= 1);
        eventually("somebody walks in again, and people are told once", async || {
            let told = admin.get("/api/v1/tasks?kind=notifications.notify").await.expect(200).json();
            let events = admin.get(&path("events?limit=100")).await.expect(200).json();
            let events = events["items"].as_array().unwrap();
            let series: BTreeSet<_> =
                events.iter().map(|event| (text(&event["kind"]), event["zone_id"].to_string())).collect();
            assert!(told["total"].as_u64().unwrap() <= series.len() as u64, "{told}");
            (events.len() > series.len()).then_some(())
        })
        .await;
        let stats = admin.get(&path("stats")).await.expect(200).json();
        assert_eq!(stats["cameras"], json!({ "total": 1, "online": 1 }));
        assert!(stats["by_kind"]["intrusion"].as_u64().unwrap() >= 1);

        admin.delete(&path(&format!("cameras/{id}"))).await.expect(204);
        eventually("ffmpeg is gone", async || children(app).is_empty().then_some(())).await;
        admin.get(&one).await.expect(200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_ffmpeg_comes_back_and_leaves_nothing() {
    with_admin(async |app, admin| {
        let id = walk_camera(app, admin, json!([])).await;
        for round in 1..=5_u64 {
            online(admin, &id).await;
            let before = children(app);
            assert_eq!(before.len(), 1, "one child per camera");
            let killed = std::process::Command::new("kill")
                .args(["-9", &before.first().unwrap().to_string()])
                .status();
            assert!(killed.unwrap().success());
            eventually("another child, and pictures", async || {
                let health = health(admin, &id).await;
                let now = children(app);
                (health["restarts"] == round
                    && health["state"] == "online"
                    && !now.is_empty()
                    && now.is_disjoint(&before))
                .then_some(())
            })
            .await;
        }
        // A dead child that nobody waited for would still be one of ours.
        let me = std::process::id();
        let zombies = fs::read_to_string(format!("/proc/{me}/task/{me}/children")).unwrap_or_default();
        for pid in zombies.split_whitespace() {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            assert!(!stat.contains("(ffmpeg) Z"), "{stat}");
        }
        admin.patch(&path(&format!("cameras/{id}")), json!({ "enabled": false })).await.expect(200);
        eventually("ffmpeg is gone", async || children(app).is_empty().then_some(())).await;
        assert_eq!(health(admin, &id).await["state"], "stopped");
    })
    .await;
}

/// Reads a live stream until two whole pictures have come.
async fn two_pictures(client: &Client, path: &str) {
    let response = client.request(reqwest::Method::GET, path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("multipart/x-mixed-replace; boundary="), "{kind}");
    let mut stream = response.bytes_stream();
    let mut seen: Vec<u8> = Vec::new();
    let ends = |seen: &[u8]| seen.windows(4).filter(|part| *part == b"\xff\xd9\r\n").count();
    while ends(&seen) < 2 {
        seen.extend(stream.next().await.expect("the stream goes on").unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_share_a_camera_and_end_with_it() {
    with_admin(async |app, admin| {
        let id = walk_camera(app, admin, json!([zone()])).await;
        online(admin, &id).await;
        let live = path(&format!("cameras/{id}/live.mjpeg"));
        let alias = format!("/video_feed/{id}");
        let plain = format!("{live}?overlay=false");
        tokio::join!(two_pictures(admin, &live), two_pictures(admin, &alias), two_pictures(admin, &plain));
        let drawn = admin.get(&path(&format!("cameras/{id}/snapshot.jpg?overlay=true"))).await.expect(200);
        assert_eq!(&drawn.body[..2], [0xff, 0xd8]);

        // A viewer of a camera that goes sees the end, not a stand-still.
        let response = admin.request(reqwest::Method::GET, &live).send().await.unwrap();
        admin.delete(&path(&format!("cameras/{id}"))).await.expect(204);
        let mut stream = response.bytes_stream();
        while let Some(piece) = stream.next().await {
            piece.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_camera_takes_new_zones_without_a_new_child() {
    with_admin(async |app, admin| {
        let id = walk_camera(app, admin, json!([])).await;
        online(admin, &id).await;
        let before = children(app);
        admin.put(&path(&format!("cameras/{id}/zones")), json!([zone()])).await.expect(200);
        eventually("an event of the new zone", async || {
            let events = admin.get(&path(&format!("events?camera_id={id}"))).await.expect(200).json();
            (!events["items"].as_array().unwrap().is_empty()).then_some(())
        })
        .await;
        assert_eq!(children(app), before, "the same child all along");
        admin.patch(&path(&format!("cameras/{id}")), json!({ "fps": 5 })).await.expect(200);
        eventually("another child", async || {
            let now = children(app);
            (!now.is_empty() && now.is_disjoint(&before)).then_some(())
        })
        .await;
        admin.delete(&path(&format!("cameras/{id}"))).await.expect(204);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_gone_through_once_and_at_once() {
    with_admin(async |app, admin| {
        let file = scene::walk(app, "walk.mp4");
        let source = json!({ "kind": "file", "url": file.display().to_string(), "real_time": false });
        let input = json!({ "name": "Recording", "source": source, "fps": 10, "zones": [zone()] });
        let id = text(&admin.post(&path("cameras"), input).await.expect(201).json()["id"]);
        eventually("its end", async || (health(admin, &id).await["state"] == "finished").then_some(())).await;
        let ready = eventually("the clip of its one event", async || {
            let events = admin.get(&path(&format!("events?camera_id={id}"))).await.expect(200).json();
            let events = events["items"].as_array().unwrap().clone();
            assert!(events.len() <= 1, "{events:?}");
            events.into_iter().next().filter(|event| event["clip_state"] == "ready")
        })
        .await;
        assert_eq!(ready["state"], "ended");
        let clip = admin.get(ready["clip_url"].as_str().unwrap()).await.expect(200);
        check_clip(&clip.body);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_in_no_process_list() {
    with_admin(async |app, admin| {
        // Somebody who takes connections and never answers: ffmpeg waits, with its arguments there to be read.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let held = app.platform.spawner.spawn("test rtsp", async move {
            let mut held = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                held.push(stream);
            }
        });
        let source = json!({ "kind": "rtsp", "url": format!("rtsp://admin:hunter22@{address}/live") });
        let input = json!({ "name": "Silent", "source": source });
        let id = text(&admin.post(&path("cameras"), input).await.expect(201).json()["id"]);
        eventually("its child", async || (!children(app).is_empty()).then_some(())).await;
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            for file in ["cmdline", "environ"] {
                let text = fs::read(entry.path().join(file)).unwrap_or_default();
                assert!(!text.windows(8).any(|part| part == b"hunter22"), "{}", entry.path().display());
            }
        }
        let shown = eventually("it gives up on the silence", async || {
            let health = health(admin, &id).await;
            (health["restarts"].as_u64() > Some(0)).then_some(health)
        })
        .await;
        assert!(!shown.to_string().contains("hunter22"));
        admin.delete(&path(&format!("cameras/{id}"))).await.expect(204);
        held.abort();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_hear_of_a_camera_that_is_down_and_of_its_return() {
    with_admin(async |app, admin| {
        let nobody = {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap()
        };
        let source = json!({ "kind": "http", "url": format!("http://{nobody}/live") });
        let made = admin.post(&path("cameras"), json!({ "name": "Gate", "source": source, "fps": 10 })).await;
        let id = text(&made.expect(201).json()["id"]);
        eventually("it cannot be reached", async || {
            let state = health(admin, &id).await["state"].clone();
            (state == "reconnecting" || state == "failed").then_some(())
        })
        .await;
        let told = async |title: &str| {
            eventually(title, async || {
                let list = admin.get("/api/v1/notifications").await.expect(200).json();
                list["items"].as_array().unwrap().iter().find(|item| item["title"] == title).cloned()
            })
            .await
        };
        let list = admin.get("/api/v1/notifications").await.expect(200).json();
        assert_eq!(list["items"], json!([]), "not yet");
        app.clock.advance(std::time::Duration::from_secs(301));
        let down = told("Gate gives no picture").await;
        assert_eq!((&down["level"], &down["body"]), (&json!("warning"), &json!("For 5 min now.")));
        assert_eq!(down["link"], format!("/surveillance/cameras/{id}"));
        let file = scene::walk(app, "walk.mp4");
        let source = json!({ "kind": "file", "url": file.display().to_string(), "loop": true });
        let input = json!({ "name": "Gate", "source": source, "fps": 10 });
        admin.put(&path(&format!("cameras/{id}")), input).await.expect(200);
        assert_eq!(told("Gate is back").await["level"], "success");
    })
    .await;
}
