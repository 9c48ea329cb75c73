use reqwest::Method;
use serde_json::json;
use testkit::{Answer, Client};

use crate::{path, switched_off, with_admin, zone};

async fn import(client: &Client, yaml: &str) -> Answer {
    let path = path("cameras.yaml");
    let request =
        client.request(Method::POST, &path).header("content-type", "application/yaml").body(yaml.to_owned());
    client.finish(&path, request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_comes_back_as_it_was() {
    with_admin(async |app, admin| {
        let mut door = switched_off("Door");
        door["zones"] = json!([zone()]);
        admin.post(&path("cameras"), door).await.expect(201);
        admin.post(&path("cameras"), switched_off("Gate")).await.expect(201);
        let before = admin.get(&path("cameras")).await.expect(200).json();
        let yaml = admin.get(&path("cameras.yaml")).await.expect(200);
        assert_eq!(yaml.header("content-type"), "application/yaml");
        let yaml = yaml.text();
        let done = import(admin, &yaml).await.expect(200).json();
        assert_eq!(done, json!({ "created": 0, "updated": 0, "unchanged": 2 }));
        let done = import(admin, &yaml.replace("fps: 5.0", "fps: 3.0")).await.expect(200).json();
        assert_eq!(done["updated"], 2);
        let after = admin.get(&path("cameras")).await.expect(200).json();
        assert_eq!(after["items"][0]["zones"], before["items"][0]["zones"], "zones keep their ids");

        // Where the cameras are new, their credentials must be written out.
        let other = app.admin_elsewhere().await;
        import(&other, &yaml).await.expect(422);
        let done = import(&other, &yaml.replace("***:***", "admin:other22")).await.expect(200).json();
        assert_eq!(done["created"], 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_file_changes_nothing() {
    with_admin(async |_, admin| {
        let good = "cameras:\n  - {name: Door, url: 'rtsp://10.9.8.7/live', enabled: false}\n";
        let check = async |yaml: &str, status: u16| {
            import(admin, yaml).await.expect(status);
            assert_eq!(admin.get(&path("cameras")).await.expect(200).json()["total"], 0, "{yaml}");
        };
        check("cameras: [", 422).await;
        check("just text", 422).await;
        check(&format!("{good}  - {{name: Gate, url: 'rtsp://10.9.8.8/live', fps: 900}}\n"), 422).await;
        check(&format!("{good}  - {{name: Door, url: 'rtsp://10.9.8.8/live'}}\n"), 422).await;
        check(&format!("{good}  - {{name: Gate, url: 'rtsp://10.9.8.8/live', colour: red}}\n"), 422).await;
        admin.post(&path("cameras.yaml"), json!({})).await.expect(415);
        assert_eq!(import(admin, good).await.expect(200).json()["created"], 1);
    })
    .await;
}
