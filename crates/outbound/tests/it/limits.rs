use std::time::Duration;

use axum::{body::Body, response::Response};
use outbound::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{outbound, upstream::Upstream};

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_upstream_takes_its_time_and_no_more() {
    let upstream = Upstream::hanging().await;
    let to = outbound(|config| config.timeout_ms = 100).to("test").with(|policy| policy.attempts = 2);
    let failure = to.get(upstream.url("/")).send().await.unwrap_err();
    assert!(
        matches!(&failure, Error::Timeout { after, .. } if *after == Duration::from_millis(100)),
        "{failure:?}"
    );
    assert_eq!(upstream.calls(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_time_bounds_all_attempts() {
    let upstream = Upstream::hanging().await;
    let to = outbound(|config| {
        config.timeout_ms = 400;
        config.total_timeout_ms = 500;
        config.attempts = 10;
        config.breaker_failures = 20;
    })
    .to("test");
    let failure = to.get(upstream.url("/")).send().await.unwrap_err();
    assert!(matches!(failure, Error::Timeout { .. }), "{failure:?}");
    assert!(upstream.calls() <= 2, "{} attempts in the time of one", upstream.calls());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_trickles_is_given_up() {
    let upstream = Upstream::tcp(|mut stream| async move {
        let mut head = [0; 1024];
        let _ = stream.read(&mut head).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n").await;
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let to = outbound(|config| config.timeout_ms = 200).to("test").with(|policy| policy.attempts = 1);
    let failure = to.get(upstream.url("/")).send().await.unwrap_err();
    assert!(matches!(failure, Error::Timeout { .. }), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_huge_answer_is_not_read() {
    let upstream = Upstream::http(|_, request| async move {
        let endless = futures_of("x".repeat(1000));
        if request.uri().path() == "/told" {
            Response::new(Body::from(vec![b'x'; 5_000]))
        } else {
            Response::new(Body::new(endless))
        }
    })
    .await;
    let to = outbound(|config| config.bytes_max = 4_000).to("test");
    for path in ["/told", "/endless"] {
        let failure = to.get(upstream.url(path)).send().await.unwrap_err();
        assert!(matches!(failure, Error::TooLarge { max: 4_000, .. }), "{path}: {failure:?}");
        let mut pieces = to.get(upstream.url(path)).open().await.unwrap().success().unwrap();
        let failure = loop {
            match pieces.next().await {
                Ok(piece) => assert!(piece.is_some(), "{path} ended without a fault"),
                Err(failure) => break failure,
            }
        };
        assert!(matches!(failure, Error::TooLarge { max: 4_000, .. }), "{path}: {failure:?}");
    }
}

/// A body without an end.
fn futures_of(piece: String) -> Endless {
    Endless(piece.into())
}

struct Endless(bytes::Bytes);

impl axum::body::HttpBody for Endless {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        std::task::Poll::Ready(Some(Ok(http_body::Frame::data(self.0.clone()))))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_come_as_they_are_sent_and_a_silence_ends_them() {
    let upstream = Upstream::tcp(|mut stream| async move {
        let mut head = [0; 1024];
        let _ = stream.read(&mut head).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nfirst").await;
        std::future::pending::<()>().await;
    })
    .await;
    let to = outbound(|config| config.timeout_ms = 300).to("test");
    let mut pieces = to.get(upstream.url("/")).open().await.unwrap().success().unwrap();
    assert_eq!(pieces.length(), Some(10));
    assert_eq!(pieces.next().await.unwrap().unwrap(), "first");
    assert!(matches!(pieces.next().await, Err(Error::Timeout { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_failed_can_be_read_in_pieces_too() {
    let upstream =
        Upstream::http(
            |_, _| async move { Response::builder().status(503).body(Body::from("later")).unwrap() },
        )
        .await;
    let to = outbound(|_| {}).to("test").with(|policy| policy.attempts = 1);
    let mut pieces = to.get(upstream.url("/")).open().await.unwrap();
    assert_eq!((pieces.status.as_u16(), pieces.length()), (503, Some(5)));
    assert_eq!(pieces.next().await.unwrap().unwrap(), "later");
    assert_eq!(pieces.next().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_beyond_the_bulkhead_wait_a_while_and_harm_nobody_else() {
    let (hanging, fine) =
        (Upstream::hanging().await, Upstream::http(|_, _| async { Response::new(Body::empty()) }).await);
    let outbound = outbound(|config| {
        config.timeout_ms = 5_000;
        config.concurrency_max = 2;
        config.queue_timeout_ms = 50;
    });
    let slow = outbound.to("slow").with(|policy| policy.attempts = 1);
    let held: Vec<_> = (0..2).map(|_| slow.get(hanging.url("/")).send()).collect();
    let held = held.into_iter().map(Box::pin).collect::<Vec<_>>();
    let mut all = tokio::task::JoinSet::new();
    for call in held {
        all.spawn(call);
    }
    while hanging.calls() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let failure = slow.get(hanging.url("/")).send().await.unwrap_err();
    assert!(matches!(failure, Error::Busy { .. }), "{failure:?}");
    assert_eq!(hanging.calls(), 2);
    outbound.to("other").get(fine.url("/")).send().await.unwrap().success().unwrap();
    // Who gives up gives the place back.
    all.shutdown().await;
    let call =
        slow.with(|policy| policy.timeout = Duration::from_millis(50)).get(hanging.url("/")).send().await;
    assert!(matches!(call, Err(Error::Timeout { .. })), "{call:?}");
}
