//! What a workspace may use only so much of.

use futures::future::join_all;
use serde_json::{Value, json};
use testkit::{Client, eventually};

use crate::{
    alive::{children, online, walk_camera},
    path, switched_off, text, with_admin, zone,
};

async fn set(admin: &Client, limits: Value) {
    let me = admin.get("/api/v1/auth/me").await.expect(200).json();
    let path = format!("/api/v1/workspaces/{}/quotas", text(&me["workspace"]["id"]));
    admin.put(&path, limits).await.expect(200);
}

async fn used(admin: &Client, resource: &str) -> i64 {
    let all = admin.get("/api/v1/quotas").await.expect(200).json();
    let found = all["items"].as_array().unwrap().iter().find(|item| item["resource"] == resource);
    found.unwrap()["used"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_has_as_many_cameras_as_it_may() {
    with_admin(async |_, admin| {
        admin.post(&path("cameras"), switched_off("Door")).await.expect(201);
        set(admin, json!({ "cameras": 5 })).await;
        // Of twenty at once exactly the rest get in.
        let all = join_all((0..20).map(|number| {
            let (admin, name) = (admin.clone(), format!("Camera {number}"));
            async move { admin.post(&path("cameras"), switched_off(&name)).await }
        }))
        .await;
        assert_eq!(all.iter().filter(|answer| answer.status == 201).count(), 4);
        let refused = all.into_iter().find(|answer| answer.status != 201).unwrap().expect(402);
        assert_eq!(refused.error(), "quota.reached");
        let body = refused.json();
        assert_eq!(
            (&body["resource"], &body["limit"], &body["used"]),
            (&json!("cameras"), &json!(5), &json!(5))
        );
        assert!(body["detail"].as_str().unwrap().contains("administrator of the installation"), "{body}");
        assert_eq!(used(admin, "cameras").await, 5);

        // Removed makes room; restored needs it again.
        let list = admin.get(&path("cameras")).await.expect(200).json();
        let one = path(&format!("cameras/{}", text(&list["items"][0]["id"])));
        admin.delete(&one).await.expect(204);
        admin.post(&path("cameras"), switched_off("Another")).await.expect(201);
        admin.post(&format!("{one}/restore"), json!({})).await.expect(402);
        set(admin, json!({ "cameras": 6 })).await;
        admin.post(&format!("{one}/restore"), json!({})).await.expect(200);
        admin.post(&path("cameras"), switched_off("One too many")).await.expect(402);
        set(admin, json!({ "cameras": null })).await;
        admin.post(&path("cameras"), switched_off("One too many")).await.expect(201);
    })
    .await;
}

/// The event is kept; its pictures and its clip are left out, and the administrators hear of it once.
#[tokio::test(flavor = "multi_thread")]
async fn recording_goes_on_without_room() {
    with_admin(async |app, admin| {
        set(admin, json!({ "storage": 100 })).await;
        let id = walk_camera(app, admin, json!([zone()])).await;
        online(admin, &id).await;
        let events = path(&format!("events?camera_id={id}"));
        let left = eventually("an event without its clip", async || {
            let events = admin.get(&events).await.expect(200).json();
            let found =
                events["items"].as_array().unwrap().iter().find(|event| event["clip_state"] == "failed");
            found.cloned()
        })
        .await;
        assert_eq!(left["state"], "ended");
        assert_eq!(used(admin, "storage").await, 0);
        let files = app.platform.storage.list("surveillance").await.unwrap();
        assert!(files.is_empty(), "{files:?}");
        eventually("the administrators are told", async || {
            let notices = admin.get("/api/v1/notifications").await.expect(200).json();
            let told = notices["items"].as_array().unwrap().clone();
            told.into_iter().find(|notice| notice["topic"] == "identity.quota_near")
        })
        .await;
        // With room again, so do pictures and clips come.
        set(admin, json!({ "storage": null })).await;
        eventually("a clip", async || {
            let events = admin.get(&events).await.expect(200).json();
            events["items"].as_array().unwrap().iter().find(|event| event["clip_state"] == "ready").cloned()
        })
        .await;
        assert!(used(admin, "storage").await > 1_000);
    })
    .await;
}

/// Nothing runs for a workspace that was deleted.
#[tokio::test(flavor = "multi_thread")]
async fn cameras_stop_with_their_workspace_and_come_back_with_it() {
    with_admin(async |app, admin| {
        let made = admin.post("/api/v1/workspaces", json!({ "name": "Shop" })).await.expect(201).json();
        let there = json!({ "workspace_id": made["id"] });
        let pair = admin.post("/api/v1/auth/workspace", there).await.expect(200).json();
        let shop = Client { token: Some(text(&pair["access_token"])), ..admin.clone() };
        let id = walk_camera(app, &shop, json!([])).await;
        online(&shop, &id).await;
        assert!(!children(app).is_empty());
        let own = format!("/api/v1/workspaces/{}", text(&made["id"]));
        admin.send(reqwest::Method::DELETE, &own, Some(json!({ "confirm": "shop" }))).await.expect(204);
        eventually("its camera stops", async || children(app).is_empty().then_some(())).await;
        admin.post(&format!("{own}/restore"), json!({})).await.expect(200);
        eventually("its camera is back", async || (!children(app).is_empty()).then_some(())).await;
    })
    .await;
}
