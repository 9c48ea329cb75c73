//! Several nodes on one Redis, and a Redis that goes away.

use std::{convert::Infallible, sync::Arc};

use cache::{Cache, Config};
use redislink::RedisLink;
use testkit::{MockClock, RedisServer, eventually};
use tokio::{sync::Notify, task::JoinSet};

use super::{MINUTE, Source, read};

/// Two caches that share nothing but Redis.
fn two_nodes(config: &redislink::Config) -> [Cache; 2] {
    [(); 2].map(|()| {
        let link = RedisLink::open(config).unwrap();
        Cache::new(link, &Config::default(), Arc::new(MockClock::default()))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_computes_for_all() {
    let Some(config) = testkit::redis_config() else { return };
    let (nodes, source) = (two_nodes(&config), Source::default());
    let begun = Arc::new(Notify::new());
    let mut callers = JoinSet::new();
    for caller in 0..100 {
        let (things, source, begun) =
            (nodes[caller % 2].namespace("test.things"), source.clone(), begun.clone());
        callers.spawn(async move {
            let slow = || async {
                begun.notified().await;
                source.read().await
            };
            things.get_or_compute("key", MINUTE, slow).await.unwrap()
        });
    }
    tokio::task::yield_now().await;
    begun.notify_one();
    assert!(callers.join_all().await.into_iter().all(|value| value == 1));
    assert_eq!(source.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_on_one_node_is_a_delete_on_the_other() {
    let Some(config) = testkit::redis_config() else { return };
    let [a, b] = two_nodes(&config);
    let (on_a, on_b, source) = (a.namespace("test.things"), b.namespace("test.things"), Source::default());
    assert_eq!((read(&on_a, &source).await, read(&on_b, &source).await), (1, 1));
    on_b.delete("key").await;
    assert_eq!(read(&on_a, &source).await, 2);

    // While the other node computes: what it read before the delete is not kept.
    on_b.delete("key").await;
    let (begun, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let old = tokio::spawn({
        let (on_a, begun, end) = (on_a.clone(), begun.clone(), end.clone());
        async move {
            let slow = || async {
                begun.notify_one();
                end.notified().await;
                Ok::<_, Infallible>(0)
            };
            on_a.get_or_compute("key", MINUTE, slow).await.unwrap()
        }
    });
    begun.notified().await;
    on_b.delete_pattern("*").await;
    end.notify_one();
    assert_eq!(old.await.unwrap(), 0);
    assert_eq!(read(&on_b, &source).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_all_is_computed_until_it_is_back() {
    let Some(mut server) = RedisServer::start().await else { return };
    let [cache, _] = two_nodes(&server.config());
    let (things, source) = (cache.namespace("test.things"), Source::default());
    assert_eq!((read(&things, &source).await, read(&things, &source).await), (1, 1));
    server.stop();
    assert_eq!((read(&things, &source).await, read(&things, &source).await), (2, 3));
    things.set("other", &1, MINUTE).await;
    assert!(!things.delete("key").await);
    assert!(!cache.stats().await.is_up);
    server.start_again().await;
    eventually("values are kept again", async || {
        let value = read(&things, &source).await;
        (read(&things, &source).await == value).then_some(())
    })
    .await;
    assert!(cache.stats().await.is_up);
}

/// A network that parts one node from Redis: what it deletes meanwhile is not there when it comes back.
#[tokio::test(flavor = "multi_thread")]
async fn a_delete_that_redis_missed_is_repeated() {
    let Some(server) = RedisServer::start().await else { return };
    let through = Door::open(&server.url()).await;
    let config = server.config();
    let parted = redislink::Config { url: kernel::Secret::new(through.url()), ..config.clone() };
    let clock = Arc::new(MockClock::default());
    let cache = Cache::new(RedisLink::open(&parted).unwrap(), &Config::default(), clock.clone());
    let other = Cache::new(RedisLink::open(&config).unwrap(), &Config::default(), clock);
    let (here, there) = (cache.namespace("test.things"), other.namespace("test.things"));
    for key in ["one", "page:1", "page:2"] {
        here.set(key, &1, MINUTE).await;
        assert!(there.exists(key).await);
    }
    through.shut();
    eventually("the node is parted", async || (!cache.stats().await.is_up).then_some(())).await;
    here.delete("one").await;
    here.delete_pattern("page:*").await;
    assert!(there.exists("one").await, "the other node cannot know yet");
    through.unshut();
    eventually("the deletes have arrived", async || {
        let gone =
            !there.exists("one").await && !there.exists("page:1").await && !there.exists("page:2").await;
        gone.then_some(())
    })
    .await;
}

/// A TCP forwarder that can be shut.
struct Door {
    port: u16,
    is_shut: tokio::sync::watch::Sender<bool>,
}

impl Door {
    async fn open(redis: &str) -> Self {
        let target = redis.trim_start_matches("redis://").trim_end_matches("/0").to_owned();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_shut = tokio::sync::watch::Sender::new(false);
        let state = is_shut.subscribe();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (target, mut state) = (target.clone(), state.clone());
                tokio::spawn(async move {
                    if *state.borrow() {
                        return;
                    }
                    let mut far = tokio::net::TcpStream::connect(target).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = state.wait_for(|shut| *shut) => {}
                    }
                });
            }
        });
        Self { port, is_shut }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    fn shut(&self) {
        self.is_shut.send_replace(true);
    }

    fn unshut(&self) {
        self.is_shut.send_replace(false);
    }
}
