//! The real thing, where its data is: people in a yard, seen by a real model.

use serde_json::json;
use testkit::{eventually, test_data};

use crate::{path, scene, text, with_admin};

#[tokio::test(flavor = "multi_thread")]
async fn people_walk_through_a_real_yard() {
    let (Some(video), Some(model)) =
        (test_data("vision/video/pets09_s2l1.mp4"), test_data("vision/models/yolox_nano_416.onnx"))
    else {
        return;
    };
    with_admin(async |app, admin| {
        let form = reqwest::multipart::Form::new()
            .part("file", reqwest::multipart::Part::bytes(std::fs::read(&model).unwrap()).file_name("yolox_nano.onnx"));
        let models = path("models");
        admin.finish(&models, admin.request(reqwest::Method::POST, &models).multipart(form)).await.expect(201);
        let file = scene::media(app).join("pets.mp4");
        // The first twenty seconds are enough: the whole clip takes a while.
        scene::ffmpeg(&["-t", "20", "-i", &video.display().to_string()], &["-c:v", "libx264", "-preset", "ultrafast"], &file);
        let zone = json!({ "name": "Crossing", "kind": "intrusion", "points": [[0.3, 0.4], [0.7, 0.4], [0.7, 0.7], [0.3, 0.7]] });
        let source = json!({ "kind": "file", "url": file.display().to_string(), "real_time": false });
        let input = json!({ "name": "Yard", "source": source, "fps": 7, "zones": [zone] });
        let id = text(&admin.post(&path("cameras"), input).await.expect(201).json()["id"]);
        eventually("the recording's end", async || {
            let camera = admin.get(&path(&format!("cameras/{id}"))).await.expect(200).json();
            assert!(["motion", "yolox_nano"].contains(&camera["health"]["detector"].as_str().unwrap()));
            (camera["health"]["state"] == "finished").then_some(())
        })
        .await;
        let events = admin.get(&path(&format!("events?camera_id={id}"))).await.expect(200).json();
        let events = events["items"].as_array().unwrap();
        assert!(!events.is_empty());
        for event in events {
            assert_eq!((&event["class"], &event["zone_name"]), (&json!("person"), &json!("Crossing")));
            assert_eq!(text(&event["evidence"]["model"]).len(), 64);
            assert!(event["confidence"].as_f64().unwrap() > 0.3);
            admin.get(event["snapshot_url"].as_str().unwrap()).await.expect(200);
        }
    })
    .await;
}
