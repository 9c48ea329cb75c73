//! What becomes of a source that fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use redislink::RedisLink;
use tokio::task::JoinSet;

use crate::{MINUTE, cache_on};

pub(crate) async fn a_refresh_that_fails_takes_nothing_away(link: RedisLink) {
    let (cache, clock) = cache_on(link);
    let things = cache.namespace("test.things");
    let slow = || async {
        std::thread::sleep(Duration::from_millis(50));
        Ok::<_, &str>(1)
    };
    assert_eq!(things.get_or_compute("key", MINUTE, slow).await, Ok(1));
    // So close to its end that the chance of an early refresh is 98 of 100 each time, and never a miss.
    clock.advance(MINUTE - Duration::from_millis(1));
    for _ in 0..20 {
        let found = things.get_or_compute("key", MINUTE, || async { Err::<i32, _>("down") }).await;
        assert_eq!(found, Ok(1), "the value is good until it expires");
    }
    let stats = cache.stats().await.namespaces.remove(0);
    assert!(stats.load_errors > 0 && stats.loads == stats.load_errors + 1, "{stats:?}");
    clock.advance(Duration::from_millis(1));
    let found = things.get_or_compute("key", MINUTE, || async { Err::<i32, _>("down") }).await;
    assert_eq!(found, Err("down"), "and no longer");
}

/// Fails five times, and is asked by many who want the same.
#[derive(Clone, Default)]
struct Ailing {
    asked: Arc<AtomicUsize>,
    present: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

const FAILURES: usize = 5;

impl Ailing {
    async fn read(&self) -> Result<usize, &'static str> {
        let present = self.present.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(present, Ordering::SeqCst);
        // The others have time to come together.
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.present.fetch_sub(1, Ordering::SeqCst);
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        if number > FAILURES { Ok(number) } else { Err("down") }
    }
}

pub(crate) async fn who_fails_is_asked_by_one_at_a_time(link: RedisLink) {
    let (cache, _) = cache_on(link);
    let (things, source) = (cache.namespace("test.things"), Ailing::default());
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        let (things, source) = (things.clone(), source.clone());
        callers.spawn(async move { things.get_or_compute("key", MINUTE, || source.read()).await });
    }
    let answers = callers.join_all().await;
    // Each failure is told to who asked; all the others have what came in the end.
    let failed = answers.iter().filter(|answer| answer.is_err()).count();
    let fine = answers.iter().filter(|answer| **answer == Ok(FAILURES + 1)).count();
    assert_eq!((failed, fine), (FAILURES, 50 - FAILURES));
    assert_eq!(source.asked.load(Ordering::SeqCst), FAILURES + 1);
    assert_eq!(source.most.load(Ordering::SeqCst), 1, "one at a time");
}
