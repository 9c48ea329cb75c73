use reqwest::{Method, multipart};
use testkit::{Answer, Client, test_data};

use crate::{path, text, with_admin};

async fn upload(client: &Client, file: Vec<u8>, detection: Option<&str>) -> Answer {
    let mut form = multipart::Form::new().part("file", multipart::Part::bytes(file).file_name("people.onnx"));
    if let Some(detection) = detection {
        form = form.text("detection", detection.to_owned());
    }
    let path = path("models");
    let request = client.request(Method::POST, &path).multipart(form);
    client.finish(&path, request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_model_is_refused() {
    with_admin(async |app, admin| {
        let garbage: Vec<u8> = (0..20_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for bytes in [garbage, b"".to_vec(), b"hello".to_vec(), vec![0; 4096]] {
            let refused = upload(admin, bytes, None).await.expect(422);
            assert_eq!(refused.error(), "surveillance.model-invalid");
        }
        let nothing = multipart::Form::new().text("name", "x");
        let list = path("models");
        admin.finish(&list, admin.request(Method::POST, &list).multipart(nothing)).await.expect(400);
        admin.post(&list, serde_json::json!({})).await.expect(415);
        assert_eq!(admin.get(&list).await.expect(200).json()["total"], 0);
        let viewer = app.member("user").await;
        upload(&viewer, b"hello".to_vec(), None).await.expect(403);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_come_serve_and_go() {
    let (Some(nano), Some(person)) =
        (test_data("vision/models/yolox_nano_416.onnx"), test_data("vision/models/person_yolox_192.onnx"))
    else {
        return;
    };
    with_admin(async |app, admin| {
        let bytes = std::fs::read(&nano).unwrap();
        upload(admin, bytes[..bytes.len() / 2].to_vec(), None).await.expect(422);
        upload(admin, bytes.clone(), Some("family: party")).await.expect(422);
        let first = upload(admin, bytes.clone(), None).await.expect(201).json();
        assert_eq!(
            (&first["name"], &first["active"], &first["classes"]),
            (&"people".into(), &true.into(), &80.into())
        );
        assert_eq!(
            (text(&first["family"]).as_str(), &first["input"]),
            ("yolox", &serde_json::json!([416, 416]))
        );
        let again = upload(admin, bytes, None).await.expect(201).json();
        assert_eq!(again["id"], first["id"], "the same file is the same model");
        let second = upload(admin, std::fs::read(&person).unwrap(), None).await.expect(201).json();
        assert_eq!((&second["active"], &second["classes"]), (&false.into(), &1.into()));

        let one = |model: &serde_json::Value| path(&format!("models/{}", text(&model["id"])));
        let active =
            admin.post(&format!("{}/activate", one(&second)), serde_json::json!({})).await.expect(200).json();
        assert_eq!(active["active"], true);
        let list = admin.get(&path("models")).await.expect(200).json();
        let active: Vec<bool> = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|model| model["active"].as_bool().unwrap())
            .collect();
        assert_eq!(active, [true, false], "newest first, one active");
        let other = app.admin_elsewhere().await;
        other.delete(&one(&first)).await.expect(404);
        admin.delete(&one(&first)).await.expect(204);
        admin.delete(&one(&first)).await.expect(404);
    })
    .await;
}
