//! The same promises in memory and in Redis.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::disallowed_methods, reason = "tasks of a test end with its runtime")]

mod failing;
mod nodes;

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cache::{Cache, Config, Namespace};
use failing::{a_refresh_that_fails_takes_nothing_away, who_fails_is_asked_by_one_at_a_time};
use kernel::{Clock as _, WorkspaceId};
use redislink::RedisLink;
use testkit::MockClock;
use tokio::{sync::Notify, task::JoinSet};

testkit::on_each_store!(
    gives_back_what_it_was_given,
    entries_expire,
    patterns_keep_to_their_place,
    one_computes_for_all,
    errors_are_not_kept,
    nothing_is_kept_too,
    a_delete_during_the_computation_wins,
    a_leader_who_goes_away_leaves_the_lead,
    what_cannot_be_read_is_computed_anew,
    the_dear_is_refreshed_by_one,
    a_refresh_that_fails_takes_nothing_away,
    who_fails_is_asked_by_one_at_a_time,
    stats_tell_what_is_there,
    a_cached_function_in_one_line,
    switched_off_nothing_is_kept,
);

const MINUTE: Duration = Duration::from_secs(60);

fn cache_on(link: RedisLink) -> (Cache, Arc<MockClock>) {
    let clock = Arc::new(MockClock::default());
    (Cache::new(link, &Config::default(), clock.clone()), clock)
}

/// Counts how often it is asked.
#[derive(Clone, Default)]
struct Source(Arc<AtomicUsize>);

impl Source {
    async fn read(&self) -> Result<usize, Infallible> {
        Ok(self.0.fetch_add(1, Ordering::SeqCst) + 1)
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

async fn read(namespace: &Namespace, source: &Source) -> usize {
    namespace.get_or_compute("key", MINUTE, || source.read()).await.unwrap()
}

async fn gives_back_what_it_was_given(link: RedisLink) {
    let (cache, _) = cache_on(link);
    let things = cache.namespace("test.things");
    assert_eq!(things.get::<Vec<String>>("a").await, None);
    assert!(!things.exists("a").await && things.ttl("a").await.is_none());
    let value = vec!["é".to_owned(), "\0".to_owned()];
    for key in ["a", "", "with:colon*and?", &"long é".repeat(100)] {
        things.set(key, &value, MINUTE).await;
        assert_eq!(things.get(key).await.as_ref(), Some(&value), "{key}");
        assert_eq!(things.ttl(key).await, Some(MINUTE));
        assert!(things.exists(key).await);
        assert!(things.delete(key).await);
        assert!(!things.delete(key).await);
        assert_eq!(things.get::<Vec<String>>(key).await, None);
    }
    things.set("a", &"x".repeat(cache::VALUE_MAX), MINUTE).await;
    assert!(!things.exists("a").await, "too large to be kept");
}

async fn entries_expire(link: RedisLink) {
    let (cache, clock) = cache_on(link);
    let (things, source) = (cache.namespace("test.things"), Source::default());
    assert_eq!(read(&things, &source).await, 1);
    clock.advance(Duration::from_secs(59));
    assert_eq!(read(&things, &source).await, 1);
    assert_eq!(things.ttl("key").await, Some(Duration::from_secs(1)));
    clock.advance(Duration::from_secs(1));
    assert!(!things.exists("key").await);
    assert_eq!(read(&things, &source).await, 2);
}

async fn patterns_keep_to_their_place(link: RedisLink) {
    let (cache, clock) = cache_on(link);
    let workspaces = [WorkspaceId::new(clock.now()), WorkspaceId::new(clock.now())];
    let mut places = Vec::new();
    for name in ["test.a", "test.b", "test", "test-a"] {
        let shared = cache.namespace(name);
        places.extend([shared.of(workspaces[0]), shared.of(workspaces[1]), shared]);
    }
    let keys = ["page:1", "page:2", "page", "[page]", "pa\\ge", "other"];
    for place in &places {
        for key in keys {
            place.set(key, &1, MINUTE).await;
        }
    }
    let first = &places[0];
    assert_eq!(first.delete_pattern("page:?").await, 2);
    assert_eq!(first.delete_pattern("[page]").await, 1);
    assert_eq!(first.delete_pattern("pa\\g*").await, 1);
    assert!(first.exists("page").await && first.exists("other").await);
    assert_eq!(first.delete_pattern("*").await, 2);
    for place in &places[1..] {
        for key in keys {
            assert!(place.exists(key).await, "{key} of another place is gone");
        }
    }
    assert_eq!(cache.clear_namespace("test.a").await, 12);
    assert_eq!(cache.clear_namespace("test*").await, 0);
    assert_eq!(cache.clear_namespace("test").await, 18);
    assert_eq!(cache.clear().await, 36);
}

async fn one_computes_for_all(link: RedisLink) {
    let (cache, _) = cache_on(link);
    let (things, source) = (cache.namespace("test.things"), Source::default());
    let begun = Arc::new(Notify::new());
    let mut callers = JoinSet::new();
    for _ in 0..200 {
        let (things, source, begun) = (things.clone(), source.clone(), begun.clone());
        callers.spawn(async move {
            things
                .get_or_compute("key", MINUTE, || async {
                    begun.notified().await;
                    source.read().await
                })
                .await
                .unwrap()
        });
    }
    tokio::task::yield_now().await;
    begun.notify_one();
    let values = callers.join_all().await;
    assert_eq!((values.len(), source.count()), (200, 1));
    assert!(values.iter().all(|value| *value == 1));
}

async fn errors_are_not_kept(link: RedisLink) {
    let (cache, _) = cache_on(link);
    let (things, source) = (cache.namespace("test.things"), Source::default());
    let failed: Result<usize, &str> = things.get_or_compute("key", MINUTE, || async { Err("no") }).await;
    assert_eq!(failed, Err("no"));
    assert_eq!(read(&things, &source).await, 1);
    let stats = cache.stats().await.namespaces.remove(0);
    assert_eq!((stats.loads, stats.load_errors), (2, 1));
}

async fn nothing_is_kept_too(link: RedisLink) {
    let (cache, clock) = cache_on(link);
    let (things, source) = (cache.namespace("test.things"), Source::default());
    let ask = async || -> Option<u8> {
        let nothing = || async {
            source.read().await?;
            Ok::<_, Infallible>(None)
        };
        things.find_or_compute("key", MINUTE, Duration::from_secs(5), nothing).await.unwrap()
    };
    assert_eq!((ask().await, ask().await, source.count()), (None, None, 1));
    assert!(!things.exists("key").await);
    assert_eq!(cache.stats().await.namespaces[0].negative_hits, 1);
    clock.advance(Duration::from_secs(5));
    assert_eq!((ask().await, source.count()), (None, 2));
    // To those who do not ask for nothing, it is as good as absent.
    assert_eq!(read(&things, &source).await, 3);
    assert_eq!(things.get("key").await, Some(3));
}

async fn a_delete_during_the_computation_wins(link: RedisLink) {
    let (cache, _) = cache_on(link);
    let (things, source) = (cache.namespace("test.things"), Source::default());
    for forget in ["one", "pattern"] {
        let (begun, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let old = tokio::spawn({
            let (things, source, begun, end) = (things.clone(), source.clone(), begun.clone(), end.clone());
            async move {
                let slow = || async {
                    let value = source.read().await;
                    begun.notify_one();
                    end.notified().await;
                    value
                };
                things.get_or_compute("key", MINUTE, slow).await.unwrap()
            }
        });
        begun.notified().await;
        let before = source.count();
        if forget == "one" {
            things.delete("key").await;
        } else {
            things.delete_pattern("k*").await;
        }
        // Who asks after the delete does not wait for what was read before it.
        assert_eq!(read(&things, &source).await, before + 1, "{forget}");
        end.notify_one();
        assert_eq!(old.await.unwrap(), before);
        assert_eq!(things.get("key").await, Some(before + 1), "the old value must not come back");
        things.delete("key").await;
    }
}

async fn a_leader_who_goes_away_leaves_the_lead(link: RedisLink) {
    let (cache, _) = cache_on(link);
    let (things, source) = (cache.namespace("test.things"), Source::default());
    let begun = Arc::new(Notify::new());
    let leader = tokio::spawn({
        let (things, begun) = (things.clone(), begun.clone());
        async move {
            let never = || async {
                begun.notify_one();
                std::future::pending::<Result<usize, Infallible>>().await
            };
            things.get_or_compute("key", MINUTE, never).await
        }
    });
    begun.notified().await;
    let follower = tokio::spawn({
        let (things, source) = (things.clone(), source.clone());
        async move { read(&things, &source).await }
    });
    tokio::task::yield_now().await;
    leader.abort();
    assert_eq!(follower.await.unwrap(), 1);
}

async fn what_cannot_be_read_is_computed_anew(link: RedisLink) {
    let (cache, _) = cache_on(link);
    let (things, source) = (cache.namespace("test.things"), Source::default());
    things.set("key", &"a text of an older version", MINUTE).await;
    assert_eq!(things.get::<usize>("key").await, None);
    assert_eq!(read(&things, &source).await, 1);
    assert_eq!(things.get("key").await, Some(1));
}

async fn the_dear_is_refreshed_by_one(link: RedisLink) {
    let (cache, clock) = cache_on(link);
    let (things, source) = (cache.namespace("test.things"), Source::default());
    let dear = async || {
        let slow = || async {
            std::thread::sleep(Duration::from_millis(50));
            source.read().await
        };
        things.get_or_compute("key", MINUTE, slow).await.unwrap()
    };
    assert_eq!(dear().await, 1);
    // So close to its end that the chance of an early refresh is 98 of 100 each time, and never a miss.
    clock.advance(MINUTE - Duration::from_millis(1));
    let mut refreshed = false;
    for _ in 0..50 {
        refreshed |= dear().await == 2;
    }
    assert!(refreshed);
    assert_eq!(source.count(), 2, "one refresh is enough");
    assert_eq!(things.ttl("key").await, Some(MINUTE));
}

async fn stats_tell_what_is_there(link: RedisLink) {
    let (cache, clock) = cache_on(link);
    let (things, source) = (cache.namespace("test.things"), Source::default());
    let workspace = WorkspaceId::new(clock.now());
    read(&things, &source).await;
    read(&things, &source).await;
    read(&things.of(workspace), &source).await;
    cache.namespace("test.other").set("x", &1, MINUTE).await;
    let stats = cache.stats().await;
    assert_eq!(stats.engine, if cache.is_shared() { "redis" } else { "memory" });
    assert!(stats.is_up && stats.memory_bytes > 0);
    assert_eq!((stats.entries, stats.namespaces.len()), (3, 2));
    let of = &stats.namespaces[1];
    assert_eq!((of.name.as_str(), of.entries, of.hits, of.misses, of.loads), ("test.things", 2, 1, 2, 2));
    assert_eq!(of.hit_ratio(), Some(1.0 / 3.0));
    let entry = cache.find("test.things", Some(workspace), "key").await.unwrap();
    assert_eq!((entry.value, entry.ttl), (Some(serde_json::json!(2)), MINUTE));
    assert!(cache.delete("test.things", Some(workspace), "key").await);
    assert_eq!(cache.find("test.things", Some(workspace), "key").await, None);
    assert!(cache.find("test.things", None, "key").await.is_some());
    assert_eq!(cache.find("no:name", None, "key").await, None);
}

async fn a_cached_function_in_one_line(link: RedisLink) {
    let (cache, clock) = cache_on(link);
    let source = Source::default();
    let pages = cache.cached::<u32, usize>("test.pages", MINUTE);
    let (here, there) = (WorkspaceId::new(clock.now()), WorkspaceId::new(clock.now()));
    let get = async |workspace, page| pages.get(workspace, &page, || source.read()).await.unwrap();
    assert_eq!((get(here, 1).await, get(here, 2).await, get(there, 1).await), (1, 2, 3));
    pages.forget(here, &1).await;
    assert_eq!((get(here, 1).await, get(here, 2).await, get(there, 1).await), (4, 2, 3));
    pages.clear(here).await;
    assert_eq!((get(here, 1).await, get(here, 2).await, get(there, 1).await), (5, 6, 3));
}

async fn switched_off_nothing_is_kept(link: RedisLink) {
    let config = Config { enabled: false, ..Config::default() };
    let cache = Cache::new(link, &config, Arc::new(MockClock::default()));
    let (things, source) = (cache.namespace("test.things"), Source::default());
    assert_eq!((read(&things, &source).await, read(&things, &source).await), (1, 2));
    things.set("key", &7, MINUTE).await;
    assert_eq!(things.get::<usize>("key").await, None);
}

/// The memory engine's bound: what is too much goes, the rest stays usable.
#[tokio::test]
async fn memory_is_bounded() {
    let config = Config { memory_bytes_max: 1024 * 1024, ..Config::default() };
    let cache = Cache::new(RedisLink::none(), &config, Arc::new(MockClock::default()));
    let things = cache.namespace("test.things");
    for key in 0..1_000 {
        things.set(&key.to_string(), &"x".repeat(10_000), MINUTE).await;
    }
    let stats = cache.stats().await;
    assert!(stats.memory_bytes <= 1024 * 1024 && stats.entries > 50, "{stats:?}");
}
