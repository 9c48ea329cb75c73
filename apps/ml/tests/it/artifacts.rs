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
        let shown =
            admin.get(&format!("/get-artifact?run_id={run_id}&path=./model//MLmodel")).await.expect(200);
        assert_eq!((&*shown.text(), shown.header("content-type")), ("flavors: {}", "text/plain"));
        assert_eq!(shown.header("content-disposition"), "attachment; filename=MLmodel");
        let odd = admin.get(&format!("{BASE}/{root}/a%20b%23%25.txt")).await.expect(200);
        assert_eq!(odd.header("content-disposition"), "attachment; filename=\"a b#%.txt\"");
        for folder in [".", "./", "model/.."] {
            let answer = admin.get(&path(&format!("artifacts/list?run_id={run_id}&path={folder}"))).await;
            assert_eq!(answer.status, if folder.ends_with("..") { 400 } else { 200 }, "{folder}");
        }

        let place = format!("/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run_id}&path=notes/a.md");
        let sent = |place: &str, body: Vec<u8>| admin.request(Method::POST, place).body(body);
        admin.finish(&place, sent(&place, b"# note".to_vec())).await.expect(200);
        let note = admin.get(&format!("/get-artifact?run_id={run_id}&path=notes/a.md")).await.expect(200);
        assert_eq!((&*note.text(), note.header("content-type")), ("# note", "text/plain"));
        for (place, body) in [
            (place.as_str(), Vec::new()),
            (place.as_str(), vec![0; (10 << 20) + 1]),
            (&place.replace("run_uuid", "x"), b"x".to_vec()),
            (&place.replace("notes/a.md", ""), b"x".to_vec()),
            (&place.replace("notes/a.md", "../x"), b"x".to_vec()),
        ] {
            let answer = admin.finish(place, sent(place, body)).await;
            refused(&answer, 400, "INVALID_PARAMETER_VALUE");
        }
        admin.delete(&format!("{BASE}/{root}/notes")).await.expect(200);

        put(admin, &format!("{root}/model/MLmodel"), b"again".to_vec()).await.expect(200);
        assert_eq!(admin.get(&format!("{BASE}/{root}/model/MLmodel")).await.expect(200).text(), "again");
        admin.delete(&format!("{BASE}/{root}/model")).await.expect(200);
        let gone = admin.get(&format!("{BASE}/{root}/model/MLmodel")).await;
        refused(&gone, 404, "RESOURCE_DOES_NOT_EXIST");
        let left = get(admin, &format!("artifacts/list?run_id={run_id}")).await;
        assert_eq!(left["files"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_somebody_elses_is_shown_without_our_origin() {
    with_admin(async |_, admin| {
        let run_id = run(admin, "0", "r", 1).await;
        let root = format!("0/{run_id}/artifacts");
        put(admin, &format!("{root}/report.html"), b"<script>1</script>".to_vec()).await.expect(200);
        put(admin, &format!("{root}/drawing.svg"), b"<svg/>".to_vec()).await.expect(200);
        let place = |name: &str| format!("/get-artifact?run_id={run_id}&path={name}");

        let saved = admin.get(&place("report.html")).await.expect(200);
        assert!(saved.header("content-disposition").starts_with("attachment"));
        assert_eq!(saved.header("x-frame-options"), "DENY");
        for method in [Method::GET, Method::HEAD] {
            let framed = place("report.html&inline=true");
            let shown = admin.finish(&framed, admin.request(method, &framed)).await.expect(200);
            assert_eq!(shown.header("content-disposition"), "inline");
            assert_eq!(shown.header("x-frame-options"), "SAMEORIGIN");
            assert!(shown.header("content-type").starts_with("text/html"));
            let policy = shown.header("content-security-policy");
            assert!(policy.starts_with("sandbox allow-scripts; default-src 'none'"), "{policy}");
            assert!(!policy.contains("allow-same-origin"));
        }
        // Nothing else is a page.
        let drawing = admin.get(&place("drawing.svg&inline=true")).await.expect(200);
        assert!(drawing.header("content-disposition").starts_with("attachment"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_climbs_out_of_the_workspace() {
    with_admin(async |app, admin| {
        put(admin, "0/secret.txt", b"mine".to_vec()).await.expect(200);
        // As a client that brings nothing home by itself sends them.
        for place in ["%2e%2e/x", "../x", "0/%2e%2e/%2e%2e/x", "0/../../x", "/etc/passwd"] {
            for method in ["GET", "PUT", "DELETE"] {
                assert_eq!(raw(admin, method, &format!("{BASE}/{place}")).await, 400, "{method} {place}");
            }
        }
        for place in ["..%2fx", "%252e%252e%252fx", "%2fetc%2fpasswd", "0/%5c..%5cx", "0/a%00b", "c:/x"] {
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

#[tokio::test(flavor = "multi_thread")]
async fn large_files_come_in_parts() {
    with_admin(async |app, admin| {
        let id = experiment(admin, "iris").await;
        let run_id = run(admin, &id, "one", 1).await;
        let folder = format!("{id}/{run_id}/artifacts/model");
        let act = async |client: &Client, action: &str, body: serde_json::Value| {
            client.post(&format!("/api/2.0/mlflow-artifacts/mpu/{action}/{folder}"), body).await
        };
        let begin = async |count: u64| {
            act(admin, "create", json!({ "path": "/home/me/big file.bin", "num_parts": count })).await.expect(200).json()
        };
        let send = async |credential: &serde_json::Value, bytes: Vec<u8>| {
            let mut request = reqwest::Client::new().put(credential["url"].as_str().unwrap()).body(bytes);
            for (name, value) in credential["headers"].as_object().unwrap() {
                request = request.header(name, value.as_str().unwrap());
            }
            let answer = request.send().await.unwrap();
            assert!(answer.status() != 200 || answer.headers().contains_key("etag"));
            answer.status().as_u16()
        };
        let begun = begin(3).await;
        let credentials = begun["credentials"].as_array().unwrap();
        assert_eq!((credentials.len(), &credentials[2]["part_number"]), (3, &json!(3)));
        let pieces: Vec<Vec<u8>> = [1, 2, 3].map(|byte| vec![byte; 6_000_000]).into();
        // In any order, and one of them twice.
        for at in [2, 0, 2] {
            assert_eq!(send(&credentials[at], pieces[at].clone()).await, 200);
        }
        let whole = json!({
            "path": "/home/me/big file.bin", "upload_id": begun["upload_id"],
            "parts": [{ "part_number": 1, "etag": "1" }, { "part_number": 2, "etag": "2" }, { "part_number": 3, "etag": "3" }],
        });
        refused(&act(admin, "complete", whole.clone()).await, 400, "INVALID_PARAMETER_VALUE");
        let place = format!("{BASE}/{folder}/big%20file.bin");
        refused(&admin.get(&place).await, 404, "RESOURCE_DOES_NOT_EXIST");
        assert_eq!(get(admin, &format!("artifacts/list?run_id={run_id}")).await.get("files"), None, "nothing of it is there");
        assert_eq!(send(&credentials[1], pieces[1].clone()).await, 200);
        act(admin, "complete", whole.clone()).await.expect(200);
        assert!(admin.get(&place).await.expect(200).body == pieces.concat());
        refused(&act(admin, "complete", whole).await, 404, "RESOURCE_DOES_NOT_EXIST");

        let begun = begin(1).await;
        let (id, one) = (&begun["upload_id"], &begun["credentials"][0]);
        assert_eq!(send(one, vec![1]).await, 200);
        let other = app.admin_elsewhere().await;
        let parts = json!([{ "part_number": 1 }]);
        let theirs = json!({ "path": "big file.bin", "upload_id": id, "parts": parts });
        refused(&act(&other, "complete", theirs).await, 404, "RESOURCE_DOES_NOT_EXIST");
        let elsewhere = json!({ "path": "other.bin", "upload_id": id, "parts": parts });
        refused(&act(admin, "complete", elsewhere).await, 404, "RESOURCE_DOES_NOT_EXIST");
        act(admin, "abort", json!({ "path": "big file.bin", "upload_id": id })).await.expect(200);
        refused(&act(admin, "complete", json!({ "path": "big file.bin", "upload_id": id, "parts": parts })).await, 404, "RESOURCE_DOES_NOT_EXIST");
        for wrong in [
            json!({ "num_parts": 1 }),
            json!({ "path": "x", "num_parts": 0 }),
            json!({ "path": "x", "num_parts": 10_001 }),
            json!({ "path": "a/..", "num_parts": 1 }),
            json!({ "path": "a/", "num_parts": 1 }),
        ] {
            refused(&act(admin, "create", wrong).await, 400, "INVALID_PARAMETER_VALUE");
        }
        refused(&act(admin, "explode", json!({ "path": "x" })).await, 400, "INVALID_PARAMETER_VALUE");
        let gap = json!({ "path": "x", "upload_id": id, "parts": [{ "part_number": 2 }] });
        refused(&act(admin, "complete", gap).await, 400, "INVALID_PARAMETER_VALUE");
        for number in ["0", "10001", "x"] {
            let place = format!("/api/2.0/mlflow-artifacts/parts/{}/{number}", id.as_str().unwrap());
            let request = admin.request(Method::PUT, &place).body("x");
            refused(&admin.finish(&place, request).await, 400, "INVALID_PARAMETER_VALUE");
        }
        refused(&admin.get(&format!("/api/2.0/mlflow-artifacts/presigned/{folder}/x")).await, 501, "NOT_IMPLEMENTED");
    })
    .await;
}
