use reqwest::Method;
use serde_json::json;
use testkit::{Answer, Client};

use crate::{experiment, get, path, refused, run, with_admin};

const BASE: &str = "/api/2.0/mlflow-artifacts/artifacts";

/// The status of a request whose path goes out letter for letter.
async fn raw(client: &Client, method: &str, place: &str) -> u16 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let host = client.base.trim_start_matches("http://");
    let token = client.token.as_deref().unwrap();
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let head = format!(
        "{method} {place} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\ncontent-length: 0\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

async fn put(client: &Client, place: &str, bytes: Vec<u8>) -> Answer {
    let place = format!("{BASE}/{place}");
    let request = client.request(Method::PUT, &place).body(bytes);
    client.finish(&place, request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_go_up_and_down_and_away() {
    with_admin(async |_, admin| {
        let id = experiment(admin, "iris").await;
        let run_id = run(admin, &id, "one", 1).await;
        let root = format!("{id}/{run_id}/artifacts");
        let large: Vec<u8> = (0..20_000_000_u32).map(|at| (at % 251) as u8).collect();
        put(admin, &format!("{root}/model/weights.bin"), large.clone()).await.expect(200);
        put(admin, &format!("{root}/model/MLmodel"), b"flavors: {}".to_vec()).await.expect(200);
        put(admin, &format!("{root}/a%20b%23%25.txt"), Vec::new()).await.expect(200);
        let down = admin.get(&format!("{BASE}/{root}/model/weights.bin")).await.expect(200);
        assert!(down.body == large, "{} bytes came back", down.body.len());
        assert_eq!(down.header("x-content-type-options"), "nosniff");
        assert!(down.header("content-disposition").starts_with("attachment"));

        let listed = get(admin, &format!("artifacts/list?run_id={run_id}")).await;
        assert_eq!(listed["root_uri"], json!(format!("mlflow-artifacts:/{root}")));
        let expected = json!([
            { "path": "a b#%.txt", "is_dir": false, "file_size": 0 },
            { "path": "model", "is_dir": true },
        ]);
        assert_eq!(listed["files"], expected);
        let below = get(admin, &format!("artifacts/list?run_id={run_id}&path=model")).await;
        assert_eq!(
            below["files"][1],
            json!({ "path": "model/weights.bin", "is_dir": false, "file_size": 20_000_000 })
        );
        let by_proxy = admin.get(&format!("{BASE}?path={root}/model")).await.expect(200).json();
        assert_eq!(by_proxy["files"][0], json!({ "path": "MLmodel", "is_dir": false, "file_size": 11 }));

        let part = format!("{BASE}/{root}/model/weights.bin");
        let ranged = admin.request(Method::GET, &part).header("range", "bytes=251-500");
        let ranged = admin.finish(&part, ranged).await.expect(206);
        assert_eq!(
            (&ranged.body[..], ranged.header("content-range")),
            (&large[251..501], "bytes 251-500/20000000")
        );
        let beyond = admin.request(Method::GET, &part).header("range", "bytes=20000000-");
        refused(&admin.finish(&part, beyond).await, 416, "BAD_REQUEST");
        let shown = admin.get(&format!("/get-artifact?run_id={run_id}&path=model/MLmodel")).await.expect(200);
        assert_eq!(shown.text(), "flavors: {}");

        put(admin, &format!("{root}/model/MLmodel"), b"again".to_vec()).await.expect(200);
        assert_eq!(admin.get(&format!("{BASE}/{root}/model/MLmodel")).await.expect(200).text(), "again");
        admin.delete(&format!("{BASE}/{root}/model")).await.expect(200);
        let gone = admin.get(&format!("{BASE}/{root}/model/MLmodel")).await;
        refused(&gone, 404, "RESOURCE_DOES_NOT_EXIST");
        let left = get(admin, &format!("artifacts/list?run_id={run_id}")).await;
        assert_eq!(left["files"].as_array().unwrap().len(), 1);
        let parts = admin.post("/api/2.0/mlflow-artifacts/mpu/create/x", json!({})).await;
        refused(&parts, 501, "NOT_IMPLEMENTED");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_climbs_out_of_the_workspace() {
    with_admin(async |app, admin| {
        put(admin, "0/secret.txt", b"mine".to_vec()).await.expect(200);
        // As a client that brings nothing home by itself sends them.
        for place in ["%2e%2e/x", "../x", "0/%2e%2e/%2e%2e/x", "0/../../x", "0/%2e/x", "/etc/passwd"] {
            for method in ["GET", "PUT", "DELETE"] {
                assert_eq!(raw(admin, method, &format!("{BASE}/{place}")).await, 400, "{method} {place}");
            }
        }
        for place in
            ["..%2fx", "%252e%252e%252fx", "%2fetc%2fpasswd", "0/%5c..%5cx", "0//x", "0/a%00b", "c:/x"]
        {
            refused(&put(admin, place, b"x".to_vec()).await, 400, "INVALID_PARAMETER_VALUE");
            refused(&admin.get(&format!("{BASE}/{place}")).await, 400, "INVALID_PARAMETER_VALUE");
            refused(&admin.delete(&format!("{BASE}/{place}")).await, 400, "INVALID_PARAMETER_VALUE");
        }
        for folder in ["../x", "/etc", "..", "a/../../b", "%2e%2e"] {
            let answer = admin.get(&format!("{BASE}?path={folder}")).await;
            refused(&answer, 400, "INVALID_PARAMETER_VALUE");
        }
        let id = experiment(admin, "iris").await;
        let run_id = run(admin, &id, "one", 1).await;
        for folder in ["../..", "/etc", "a/../../../.."] {
            let answer = admin.get(&path(&format!("artifacts/list?run_id={run_id}&path={folder}"))).await;
            refused(&answer, 400, "INVALID_PARAMETER_VALUE");
        }
        let other = app.admin_elsewhere().await;
        refused(&other.get(&format!("{BASE}/0/secret.txt")).await, 404, "RESOURCE_DOES_NOT_EXIST");
        put(&other, "0/secret.txt", b"theirs".to_vec()).await.expect(200);
        assert_eq!(admin.get(&format!("{BASE}/0/secret.txt")).await.expect(200).text(), "mine");
    })
    .await;
}
