use axum::{body::Body, http::StatusCode, response::Response};
use kernel::{RequestId, TraceParent};
use outbound::Error;
use serde_json::json;
use telemetry::trace::{Scope, within};
use tokio::io::AsyncReadExt as _;

use crate::{outbound, upstream::Upstream};

fn answer(status: u16, header: Option<(&str, &str)>) -> Response {
    let mut answer = Response::builder().status(status);
    if let Some((name, value)) = header {
        answer = answer.header(name, value);
    }
    answer.body(Body::from(r#"{"fine":true}"#)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_reads_is_tried_again_until_it_works() {
    let upstream =
        Upstream::http(|number, _| async move { answer(if number < 3 { 503 } else { 200 }, None) }).await;
    let answer = outbound(|_| {}).to("test").get(upstream.url("/")).send().await.unwrap().success().unwrap();
    assert_eq!(answer.json::<serde_json::Value>().unwrap(), json!({"fine": true}));
    assert_eq!(upstream.calls(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_something_is_sent_once_unless_told() {
    let upstream = Upstream::http(|_, _| async move { answer(503, None) }).await;
    let to = outbound(|_| {}).to("test");
    assert_eq!(to.post(upstream.url("/")).json(&json!({})).send().await.unwrap().status, 503);
    assert_eq!(upstream.calls(), 1);
    let told = to.post(upstream.url("/")).json(&json!({})).idempotent().send().await.unwrap();
    assert!(matches!(told.success(), Err(Error::Status { status: 503, .. })));
    assert_eq!(upstream.calls(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_the_callers_fault_is_not_tried_again() {
    let upstream = Upstream::http(|_, _| async move { answer(404, None) }).await;
    assert_eq!(outbound(|_| {}).to("test").get(upstream.url("/")).send().await.unwrap().status, 404);
    assert_eq!(upstream.calls(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_kept_to_and_bounded_by_the_whole_time() {
    // Within the whole time: waited for. An hour: the answer is given as it is.
    for (wait, calls, status) in [("1", 2, StatusCode::OK), ("3600", 1, StatusCode::TOO_MANY_REQUESTS)] {
        let upstream = Upstream::http(move |number, _| async move {
            if number == 1 { answer(429, Some(("retry-after", wait))) } else { answer(200, None) }
        })
        .await;
        let begun = std::time::Instant::now();
        let got = outbound(|_| {}).to("test").get(upstream.url("/")).send().await.unwrap();
        assert_eq!((got.status, upstream.calls()), (status, calls), "{wait}");
        assert!(calls == 1 || begun.elapsed().as_secs() >= 1, "it came back before it was asked to");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_may_be_a_date() {
    let upstream = Upstream::http(|number, _| async move {
        if number == 1 {
            answer(503, Some(("retry-after", "Tue, 31 Dec 2999 23:59:59 GMT")))
        } else {
            answer(200, None)
        }
    })
    .await;
    let got = outbound(|_| {}).to("test").get(upstream.url("/")).send().await.unwrap();
    assert_eq!((got.status.as_u16(), upstream.calls()), (503, 1), "nobody waits until then");
    assert!(got.retry_after().unwrap().as_secs() > 1_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_connection_is_tried_again() {
    let upstream = Upstream::tcp(|mut stream| async move {
        let mut head = [0; 1024];
        let _ = stream.read(&mut head).await;
        // A reset rather than an end.
        stream.set_zero_linger().unwrap();
    })
    .await;
    let failure = outbound(|_| {}).to("test").get(upstream.url("/")).send().await.unwrap_err();
    assert!(matches!(failure, Error::Broken { .. }), "{failure:?}");
    assert_eq!(upstream.calls(), 3);
    let failure = outbound(|_| {}).to("test").post(upstream.url("/")).send().await.unwrap_err();
    assert!(matches!(failure, Error::Broken { .. }), "{failure:?}");
    assert_eq!(upstream.calls(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn trace_and_request_go_along() {
    let upstream = Upstream::http(|_, request| async move {
        let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let seen = json!({"trace": header("traceparent"), "state": header("tracestate"), "id": header("x-request-id")});
        Response::new(Body::from(seen.to_string()))
    })
    .await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let scope = Scope {
        request_id: RequestId::parse("req-of-a-caller"),
        trace_parent: Some(parent.parse::<TraceParent>().unwrap().with_state("vendor=1")),
    };
    let call = outbound(|_| {}).to("test").get(upstream.url("/")).send();
    let seen: serde_json::Value = within(scope, call).await.unwrap().json().unwrap();
    assert_eq!(seen, json!({"trace": parent, "state": "vendor=1", "id": "req-of-a-caller"}));
    let call = outbound(|_| {}).to("test").get(upstream.url("/")).send();
    let seen: serde_json::Value = call.await.unwrap().json().unwrap();
    assert_eq!(seen, json!({"trace": null, "state": null, "id": null}));
}
