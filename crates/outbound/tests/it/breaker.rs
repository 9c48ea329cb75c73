use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{body::Body, response::Response};
use outbound::{BreakerState, Error, Outbound};

use crate::{outbound, upstream::Upstream};

fn state(outbound: &Outbound, name: &str) -> BreakerState {
    outbound.breakers().into_iter().find(|breaker| breaker.name == name).unwrap().state
}

/// An upstream that hangs until it is told not to.
async fn sick(is_well: Arc<AtomicBool>) -> Upstream {
    Upstream::http(move |_, _| {
        let is_well = is_well.clone();
        async move {
            if !is_well.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            Response::new(Body::from("well"))
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_upstream_is_cut_off_tried_and_taken_back_while_others_go_on() {
    let is_well = Arc::new(AtomicBool::new(false));
    let (upstream, other) =
        (sick(is_well.clone()).await, Upstream::http(|_, _| async { Response::new(Body::empty()) }).await);
    let outbound = outbound(|config| {
        config.timeout_ms = 100;
        config.attempts = 1;
        config.breaker_failures = 3;
        config.breaker_open_ms = 300;
    });
    let (to, others) = (outbound.to("sick"), outbound.to("fine"));

    for _ in 0..3 {
        let failure = to.get(upstream.url("/")).send().await.unwrap_err();
        assert!(matches!(failure, Error::Timeout { .. }), "{failure:?}");
        others.get(other.url("/")).send().await.unwrap().success().unwrap();
    }
    assert_eq!(state(&outbound, "sick"), BreakerState::Open);
    // Open: told at once, nothing is sent.
    let failure = to.get(upstream.url("/")).send().await.unwrap_err();
    assert!(matches!(failure, Error::Open { .. }), "{failure:?}");
    assert_eq!(upstream.calls(), 3);
    others.get(other.url("/")).send().await.unwrap().success().unwrap();
    assert_eq!(state(&outbound, "fine"), BreakerState::Closed);

    // Half-open: one call tries and fails, so it opens again.
    while upstream.calls() == 3 {
        drop(to.get(upstream.url("/")).send().await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!((state(&outbound, "sick"), upstream.calls()), (BreakerState::Open, 4));

    // Well again: the next try closes it.
    is_well.store(true, Ordering::SeqCst);
    while to.get(upstream.url("/")).send().await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(state(&outbound, "sick"), BreakerState::Closed);
    let info = outbound.breakers();
    assert!(info.iter().all(|breaker| breaker.failures == 0 && breaker.opened_ago.is_none()), "{info:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_host_has_its_own() {
    let fine = Upstream::http(|_, _| async { Response::new(Body::empty()) }).await;
    let outbound = outbound(|config| config.breaker_failures = 1);
    let to = outbound.to("webhooks").with(|policy| policy.attempts = 1);
    // Nobody listens on port 1.
    let failure = to.clone().each("dead.example").post("http://127.0.0.1:1/").send().await.unwrap_err();
    assert!(matches!(failure, Error::Connect { .. }), "{failure:?}");
    to.clone().each("fine.example").post(fine.url("/")).send().await.unwrap().success().unwrap();
    assert_eq!(state(&outbound, "webhooks/dead.example"), BreakerState::Open);
    assert_eq!(state(&outbound, "webhooks/fine.example"), BreakerState::Closed);
    assert!(outbound.breakers().iter().all(|breaker| breaker.is_one_of_many));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_was_cut_short_says_nothing_of_the_upstream() {
    let upstream = Upstream::http(|number, _| async move {
        if number > 1 {
            std::future::pending::<()>().await;
        }
        Response::new(Body::from("first"))
    })
    .await;
    let outbound = outbound(|config| {
        config.concurrency_max = 1;
        config.queue_timeout_ms = 60_000;
        config.breaker_failures = 1;
    });
    let to = outbound.to("narrow").with(|policy| policy.attempts = 1);
    let within = |limit_ms| {
        to.clone().with(|policy| {
            policy.timeout = Duration::from_millis(limit_ms);
            policy.total_timeout = policy.timeout;
        })
    };
    // Who reads in pieces has the one place until the other's time is almost over.
    let held = to.get(upstream.url("/")).open().await.unwrap();
    let (cut, ()) = tokio::join!(within(500).get(upstream.url("/")).send(), async {
        tokio::time::sleep(Duration::from_millis(450)).await;
        drop(held);
    });
    assert!(matches!(&cut, Err(Error::Timeout { after, .. }) if after.as_millis() < 250), "{cut:?}");
    assert_eq!(state(&outbound, "narrow"), BreakerState::Closed);
    // With its time to itself, a silence is a failure.
    let failure = within(100).get(upstream.url("/")).send().await.unwrap_err();
    assert!(matches!(failure, Error::Timeout { .. }), "{failure:?}");
    assert_eq!(state(&outbound, "narrow"), BreakerState::Open);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_the_callers_fault_do_not_open_it() {
    let upstream =
        Upstream::http(|_, _| async { Response::builder().status(400).body(Body::empty()).unwrap() }).await;
    let outbound = outbound(|config| config.breaker_failures = 1);
    for _ in 0..3 {
        assert_eq!(outbound.to("strict").get(upstream.url("/")).send().await.unwrap().status, 400);
    }
    assert_eq!(state(&outbound, "strict"), BreakerState::Closed);
}
