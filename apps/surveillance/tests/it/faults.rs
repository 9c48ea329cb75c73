//! Sources that do not work say why, and what to do.

use serde_json::{Value, json};
use testkit::{App, Client};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{path, scene, with_admin};

async fn test(client: &Client, kind: &str, url: &str) -> Value {
    let body = json!({ "source": { "kind": kind, "url": url } });
    client.post(&path("cameras/test"), body).await.expect(200).json()
}

/// Answers every request on a port of its own with this.
async fn serve(app: &App, answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = app.platform.spawner.token();
    app.platform.spawner.spawn("test http", async move {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            let Ok((mut stream, _)) = accepted else { return };
            let mut asked = [0; 2048];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_works_shows_what_it_is() {
    with_admin(async |app, admin| {
        let file = scene::walk(app, "walk.mp4");
        let found = test(admin, "file", &file.display().to_string()).await;
        assert_eq!(
            (&found["ok"], &found["width"], &found["height"], &found["codec"]),
            (&json!(true), &json!(640), &json!(360), &json!("h264"))
        );
        assert_eq!(found["fps"], 10.0);
        assert!(found["snapshot"].as_str().unwrap().starts_with("data:image/jpeg;base64,/9j/"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_do_not_say_why() {
    with_admin(async |app, admin| {
        let media = scene::media(app);
        let whole = scene::walk(app, "walk.mp4");
        let bytes = std::fs::read(&whole).unwrap();
        std::fs::write(media.join("half.mp4"), &bytes[..bytes.len() / 2]).unwrap();
        std::fs::write(media.join("notes.txt"), "not a video").unwrap();
        scene::ffmpeg(&["-f", "lavfi", "-i", "sine=d=1"], &[], &media.join("sound.wav"));
        let nobody = {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap().to_string()
        };
        let page = serve(app, "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello").await;
        let missing = serve(app, "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        let locked = serve(app, "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic realm=\"cam\"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        let away = serve(app, "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/secrets\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;

        let check = async |kind: &str, url: &str, part: &str| {
            let found = test(admin, kind, url).await;
            let said = found["error"].as_str().unwrap_or_else(|| panic!("{url}: {found}"));
            assert!(said.contains(part), "{url}: {found}");
            assert_eq!(found["ok"], false);
            assert!(!found["hint"].as_str().unwrap().is_empty(), "{url}: {found}");
            for secret in ["hunter22", "doorman"] {
                assert!(!found.to_string().contains(secret), "{found}");
            }
        };
        let file = |name: &str| media.join(name).display().to_string();
        check("file", &file("half.mp4"), "damaged").await;
        check("file", &file("notes.txt"), "not a video").await;
        check("file", &file("sound.wav"), "no picture").await;
        check("file", &file("none.mp4"), "no such file").await;
        check("file", &file(""), "folder").await;
        check("file", "/etc/passwd", "outside").await;
        check("rtsp", &format!("rtsp://doorman:hunter22@{nobody}/live"), "refused the connection").await;
        check("http", &format!("http://doorman:hunter22@{nobody}/live"), "cannot be reached").await;
        check("http", &page, "not a video").await;
        check("http", &missing, "no stream at this path").await;
        check("http", &locked.replace("http://", "http://doorman:hunter22@"), "user name or password").await;
        check("http", &away, "may not be used").await;
        check("http", "http://169.254.169.254/", "may not be used").await;
        check("rtsp", "rtsp://no-such-host.invalid/live", "not known").await;
    })
    .await;
}
