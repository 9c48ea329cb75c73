use std::time::Duration;

use serde_json::json;

use crate::{path, switched_off, text, with_admin, zone};

#[tokio::test(flavor = "multi_thread")]
async fn cameras_come_change_and_go() {
    with_admin(async |_, admin| {
        let made = admin.post(&path("cameras"), switched_off("Door")).await.expect(201).json();
        let one = path(&format!("cameras/{}", text(&made["id"])));
        assert_eq!(made["source"]["url"], "rtsp://***:***@10.9.8.7/live");
        assert_eq!(
            (&made["fps"], &made["record"], &made["detection"]["model"]),
            (&json!(5.0), &json!("events"), &json!("auto"))
        );
        assert_eq!(made["health"]["state"], "stopped");
        let taken = admin.post(&path("cameras"), switched_off("Door")).await.expect(409);
        assert_eq!(taken.error(), "surveillance.camera-name-taken");

        let changed = admin.patch(&one, json!({ "name": "Gate", "fps": 2.5 })).await.expect(200).json();
        assert_eq!((&changed["name"], &changed["fps"]), (&json!("Gate"), &json!(2.5)));
        assert_eq!(changed["source"], made["source"], "what was not named stays");
        let list = admin.get(&path("cameras?page_size=1")).await.expect(200).json();
        assert_eq!((&list["total"], &list["items"][0]["name"]), (&json!(1), &json!("Gate")));
        admin.get(&path("cameras?pagesize=1")).await.expect(400);

        admin.delete(&one).await.expect(204);
        admin.get(&one).await.expect(404);
        admin.delete(&one).await.expect(404);
        admin.get(&path("cameras/cam_nonsense")).await.expect(404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_camera_can_be_restored_until_it_is_purged() {
    with_admin(async |app, admin| {
        let made = admin.post(&path("cameras"), switched_off("Door")).await.expect(201).json();
        let kept = admin.post(&path("cameras"), switched_off("Yard")).await.expect(201).json();
        let one = path(&format!("cameras/{}", text(&made["id"])));
        assert_eq!(made["deleted_at"], json!(null));
        let names = async |query: &str| {
            let list = admin.get(&path(&format!("cameras{query}"))).await.expect(200).json();
            let items = list["items"].as_array().unwrap();
            assert_eq!(list["total"], items.len());
            items.iter().map(|camera| text(&camera["name"])).collect::<Vec<_>>()
        };
        admin.post(&format!("{one}/restore"), json!({})).await.expect(404);
        admin.delete(&one).await.expect(204);
        assert_eq!(
            (names("").await, names("?deleted=true").await),
            (vec!["Yard".into()], vec!["Door".to_owned()])
        );
        let list = admin.get(&path("cameras?deleted=true")).await.expect(200).json();
        assert!(list["items"][0]["deleted_at"].is_string(), "{list}");
        // Nothing reaches it meanwhile.
        admin.get(&one).await.expect(404);
        admin.patch(&one, json!({ "name": "Gate" })).await.expect(404);
        admin.put(&format!("{one}/zones"), json!([])).await.expect(404);
        admin.post(&format!("{one}/restart"), json!({})).await.expect(404);
        assert!(!admin.get(&path("cameras.yaml")).await.expect(200).text().contains("Door"));
        assert_eq!(app.admin_elsewhere().await.get(&path("cameras?deleted=true")).await.json()["total"], 0);
        let restore = format!("{one}/restore");
        app.member("user").await.post(&restore, json!({})).await.expect(403);
        app.admin_elsewhere().await.post(&restore, json!({})).await.expect(404);

        // Its name is free, and then it cannot come back under it.
        let other = admin.post(&path("cameras"), switched_off("Door")).await.expect(201).json();
        let taken = admin.post(&restore, json!({})).await.expect(409);
        assert_eq!(taken.error(), "surveillance.camera-name-taken");
        admin.delete(&path(&format!("cameras/{}", text(&other["id"])))).await.expect(204);
        let back = admin.post(&restore, json!({})).await.expect(200).json();
        for field in ["id", "name", "source", "detection", "zones", "created_at", "deleted_at"] {
            assert_eq!(back[field], made[field], "{field}");
        }
        assert_eq!(names("").await, ["Door", "Yard"]);

        admin.delete(&one).await.expect(204);
        admin.delete(&path(&format!("cameras/{}", text(&kept["id"])))).await.expect(204);
        assert_eq!(names("?deleted=true").await.len(), 3);
        let purge = async || {
            let admin = app.admin().await;
            let run = "/api/v1/schedules/surveillance.purge_cameras/run";
            let task = admin.post(run, json!({})).await.expect(202).json()["task_id"].clone();
            let task = format!("/api/v1/tasks/{}", text(&task));
            let task = testkit::eventually("the purge is over", async || {
                let task = admin.get(&task).await.expect(200).json();
                (task["state"] == "succeeded").then_some(task)
            })
            .await;
            task["result"]["purged"].as_u64().unwrap()
        };
        assert_eq!(purge().await, 0, "nothing is old enough");
        assert_eq!(names("?deleted=true").await.len(), 3);
        // Its night passes too: the schedule may come first.
        app.clock.advance(Duration::from_secs(31 * 86_400));
        purge().await;
        let admin = app.admin().await;
        assert_eq!(admin.get(&path("cameras?deleted=true")).await.expect(200).json()["total"], 0);
        admin.post(&restore, json!({})).await.expect(404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named() {
    with_admin(async |_, admin| {
        let check = async |change: serde_json::Value, pointer: &str| {
            let mut input = switched_off("Door");
            for (name, value) in change.as_object().unwrap() {
                input[name] = value.clone();
            }
            let answer = admin.post(&path("cameras"), input).await.expect(422).json();
            assert_eq!(answer["errors"][0]["pointer"], pointer, "{answer}");
        };
        check(json!({ "name": "  " }), "/name").await;
        check(json!({ "fps": 0 }), "/fps").await;
        check(json!({ "source": { "kind": "rtsp", "url": "http://10.0.0.1/" } }), "/source/url").await;
        check(json!({ "source": { "kind": "http", "url": "file:///etc/passwd" } }), "/source/url").await;
        check(json!({ "source": { "kind": "rtsp", "url": "rtsp://***:***@10.0.0.1/" } }), "/source/url")
            .await;
        check(json!({ "source": { "kind": "file", "url": "video.mp4" } }), "/source/url").await;
        check(
            json!({ "source": { "kind": "file", "url": "/v.mp4", "loop": true, "real_time": false } }),
            "/source/real_time",
        )
        .await;
        check(json!({ "detection": { "model": "best" } }), "/detection/model").await;
        check(json!({ "colour": "red" }), "/colour").await;
        check(
            json!({ "zones": [zone(), { "name": "Line", "kind": "line_crossing", "points": [[0.1, 0.1]] }] }),
            "/zones/1/points",
        )
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn zones_are_checked_and_keep_their_ids() {
    with_admin(async |_, admin| {
        let made = admin.post(&path("cameras"), switched_off("Door")).await.expect(201).json();
        let zones = path(&format!("cameras/{}/zones", text(&made["id"])));
        let refuse = async |points: serde_json::Value| {
            let input = json!([zone(), { "name": "Bad", "kind": "intrusion", "points": points }]);
            let answer = admin.put(&zones, input).await.expect(422).json();
            assert_eq!(answer["errors"][0]["pointer"], "/1/points", "{answer}");
        };
        refuse(json!([[0.1, 0.1], [0.9, 0.9]])).await;
        refuse(json!([[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]])).await;
        refuse(json!([[0.1, 0.1], [1.9, 0.9], [0.9, 0.1]])).await;

        let set = admin.put(&zones, json!([zone()])).await.expect(200).json();
        let id = text(&set["zones"][0]["id"]);
        let mut moved = zone();
        moved["id"] = json!(id);
        moved["points"][0] = json!([0.1, 0.1]);
        let set = admin.put(&zones, json!([moved])).await.expect(200).json();
        assert_eq!((&set["zones"][0]["id"], set["zones"].as_array().unwrap().len()), (&json!(id), 1));
        let none = admin.put(&zones, json!([])).await.expect(200).json();
        assert_eq!(none["zones"], json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_credentials_stay_with_their_camera() {
    with_admin(async |app, admin| {
        let made = admin.post(&path("cameras"), switched_off("Door")).await.expect(201).json();
        let one = path(&format!("cameras/{}", text(&made["id"])));
        let shown = made["source"].clone();
        admin.patch(&one, json!({ "source": shown })).await.expect(200);
        let elsewhere = json!({ "source": { "kind": "rtsp", "url": "rtsp://***:***@evil.example/live" } });
        admin.patch(&one, elsewhere).await.expect(422);
        let mut tx = app.platform.db.read().await.unwrap();
        let kept: String =
            tx.query("SELECT source_url AS value FROM surveillance_cameras").one().await.unwrap();
        assert_eq!(kept, "rtsp://admin:hunter22@10.9.8.7/live");
        drop(tx);
        for route in ["cameras", "cameras.yaml"] {
            assert!(!admin.get(&path(route)).await.expect(200).text().contains("hunter22"), "{route}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_workspace_knows_nothing() {
    with_admin(async |app, admin| {
        let made = admin.post(&path("cameras"), switched_off("Door")).await.expect(201).json();
        let one = path(&format!("cameras/{}", text(&made["id"])));
        let other = app.admin_elsewhere().await;
        for rest in ["", "/snapshot.jpg", "/live.mjpeg"] {
            other.get(&format!("{one}{rest}")).await.expect(404);
        }
        other.patch(&one, json!({ "name": "Mine" })).await.expect(404);
        other.put(&format!("{one}/zones"), json!([])).await.expect(404);
        other.post(&format!("{one}/restart"), json!({})).await.expect(404);
        other.delete(&one).await.expect(404);
        assert_eq!(other.get(&path("cameras")).await.expect(200).json()["total"], 0);
        assert!(!other.get(&path("cameras.yaml")).await.expect(200).text().contains("Door"));
        // The same name is free there.
        other.post(&path("cameras"), switched_off("Door")).await.expect(201);

        let viewer = app.member("user").await;
        viewer.get(&one).await.expect(200);
        viewer.patch(&one, json!({ "name": "Mine" })).await.expect(403);
        viewer.post(&path("cameras"), switched_off("Mine")).await.expect(403);
        app.stranger().get(&one).await.expect(401);
    })
    .await;
}
