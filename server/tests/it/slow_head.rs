//! A client that takes its time over the head of a request does not keep its connection.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::harness::{Folder, Server};

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_never_ends_is_cut_off_and_others_are_served() {
    let server = Server::start_in(Folder::new(), &[("SOCLE_HTTP__HEADER_TIMEOUT_S", "1")]).await;
    let address = server.base.trim_start_matches("http://").to_owned();
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: a\r\nx-slow: ").await.unwrap();
        slow.push(stream);
    }
    server.stranger().get("/health/live").await.expect(200);
    for mut stream in slow {
        // A byte now and then does not buy time.
        let _ = stream.write_all(b"x").await;
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut rest)).await;
        // Closed with or without a word; never answered 200.
        drop(ended.expect("the server closes the connection"));
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&rest));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_used_again_and_a_long_answer_is_not_cut() {
    let server = Server::start_in(Folder::new(), &[("SOCLE_HTTP__HEADER_TIMEOUT_S", "1")]).await;
    let address = server.base.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    for _ in 0..3 {
        stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        let mut head = [0; 4096];
        let read = stream.read(&mut head).await.unwrap();
        assert!(head[..read].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head[..read]));
        // Well within the time for a head.
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_ends_idle_connections_and_exits() {
    let mut server = Server::start().await;
    let address = server.base.trim_start_matches("http://").to_owned();
    let mut idle = TcpStream::connect(&address).await.unwrap();
    idle.write_all(b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut head = [0; 4096];
    assert!(idle.read(&mut head).await.unwrap() > 0);
    server.signal(rustix::process::Signal::TERM);
    let mut rest = Vec::new();
    drop(idle.read_to_end(&mut rest).await);
    let status = tokio::task::spawn_blocking(move || server.child.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
}
