//! The link against a real Redis, which the test stops and starts.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use redis::cmd;
use redislink::{Away, Config, Error, Notice, RedisLink, Subscription};
use testkit::{RedisServer, eventually};

async fn set(link: &RedisLink, value: &str) -> Result<(), Error> {
    link.run::<()>(cmd("SET").arg(link.key("it")).arg(value)).await
}

async fn get(link: &RedisLink) -> Result<Option<String>, Error> {
    link.run(cmd("GET").arg(link.key("it"))).await
}

/// Skips what says nothing of the payload.
async fn next_message(subscription: &mut Subscription) -> (String, String) {
    loop {
        if let Notice::Message { channel, payload } = subscription.recv().await {
            return (channel, String::from_utf8(payload).unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_all_is_away_and_nothing_is_heard() {
    let link = RedisLink::open(&Config::default()).unwrap();
    assert!(!link.is_configured() && !link.is_up());
    assert_eq!(link.connection().await.err(), Some(Away));
    assert!(matches!(set(&link, "x").await, Err(Error::Away(Away))));
    let mut subscription = link.subscribe("news");
    tokio::select! {
        notice = subscription.recv() => panic!("{notice:?}"),
        () = tokio::task::yield_now() => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_scripts_and_pipelines_go_through() {
    let Some(link) = testkit::redis() else { return };
    set(&link, "one").await.unwrap();
    assert_eq!(get(&link).await.unwrap().as_deref(), Some("one"));
    assert!(link.is_up());

    // A script that Redis has never seen, twice.
    let script = redis::Script::new(&format!("return ARGV[1] .. '{}'", link.prefix()));
    for _ in 0..2 {
        let said: String = link.invoke(&script.arg("a")).await.unwrap();
        assert_eq!(said, format!("a{}", link.prefix()));
    }
    let both: (String, i64) =
        link.run_all(redis::pipe().get(link.key("it")).del(link.key("it"))).await.unwrap();
    assert_eq!(both, ("one".to_owned(), 1));

    // A wrong command is not an outage.
    assert!(matches!(link.run::<()>(&cmd("NOSUCHCOMMAND")).await, Err(Error::Refused(_))));
    assert!(link.is_up());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_takes_no_writes_is_up_and_not_well() {
    let Some(server) = RedisServer::start().await else { return };
    let link = RedisLink::open(&server.config()).unwrap();
    link.check().await.unwrap();
    server.configure("maxmemory", "1").await;
    assert!(matches!(link.check().await, Err(Error::Refused(_))));
    assert!(matches!(set(&link, "x").await, Err(Error::Refused(_))));
    assert!(link.is_up());
    assert_eq!(get(&link).await.unwrap(), None);
    server.configure("maxmemory", "0").await;
    link.check().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_away_at_once_and_ends_by_itself() {
    let Some(mut server) = RedisServer::start().await else { return };
    let link = RedisLink::open(&server.config()).unwrap();
    set(&link, "one").await.unwrap();

    server.stop();
    eventually("the outage is noticed", async || (!link.is_up()).then_some(())).await;
    // Many callers, none of whom waits: a second for each would take hours.
    for _ in 0..10_000 {
        assert!(matches!(get(&link).await, Err(Error::Away(Away))));
    }

    server.start_again().await;
    eventually("the link is back", async || link.is_up().then_some(())).await;
    assert_eq!(get(&link).await.unwrap(), None);
    set(&link, "two").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_comes_late_is_found() {
    let Some(mut server) = RedisServer::start().await else { return };
    let config = server.config();
    server.stop();
    let link = RedisLink::open(&config).unwrap();
    assert!(matches!(set(&link, "x").await, Err(Error::Away(Away))));
    server.start_again().await;
    eventually("the link is up", async || set(&link, "x").await.ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_is_away_until_it_answers() {
    let Some(server) = RedisServer::start().await else { return };
    let link = RedisLink::open(&Config { timeout_ms: 100, ..server.config() }).unwrap();
    eventually("the link is up", async || set(&link, "x").await.ok()).await;
    // Holds all other commands for a while, as a slow disk or a long script would.
    let pausing = RedisLink::open(&server.config()).unwrap();
    pausing.run::<()>(cmd("CLIENT").arg("PAUSE").arg(3_000)).await.unwrap();
    assert!(matches!(get(&link).await, Err(Error::Away(Away))));
    eventually("the outage is noticed", async || (!link.is_up()).then_some(())).await;
    // Nobody waits any more.
    for _ in 0..1_000 {
        assert!(matches!(get(&link).await, Err(Error::Away(Away))));
    }
    eventually("the link is up again", async || get(&link).await.ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_slow_command_is_no_outage() {
    let Some(server) = RedisServer::start().await else { return };
    let link = RedisLink::open(&Config { timeout_ms: 1_000, ..server.config() }).unwrap();
    eventually("the link is up", async || set(&link, "x").await.ok()).await;
    let pausing = RedisLink::open(&server.config()).unwrap();
    pausing.run::<()>(cmd("CLIENT").arg("PAUSE").arg(1_300)).await.unwrap();
    assert!(matches!(get(&link).await, Err(Error::Away(Away))));
    // The keeper is asking; callers may go on meanwhile, and are answered once Redis is.
    assert!(link.is_up());
    assert_eq!(get(&link).await.unwrap().as_deref(), Some("x"));
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_hear_their_channel_and_only_that() {
    let Some(link) = testkit::redis() else { return };
    let mut news = link.subscribe("news");
    let mut rooms = link.subscribe_pattern("rooms:*");
    assert_eq!(news.recv().await, Notice::Subscribed);
    assert_eq!(rooms.recv().await, Notice::Subscribed);
    link.publish("rooms:1", b"in a room").await.unwrap();
    link.publish("other", b"nobody hears").await.unwrap();
    assert_eq!(link.publish("news", b"\xff\x00raw").await.unwrap(), 1);
    assert_eq!(next_message(&mut rooms).await, ("rooms:1".to_owned(), "in a room".to_owned()));
    let raw = Notice::Message { channel: "news".to_owned(), payload: b"\xff\x00raw".to_vec() };
    assert_eq!(news.recv().await, raw);
    drop(news);
    eventually("the subscription has ended", async || {
        (link.publish("news", b"x").await.unwrap() == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_tells_of_gaps_and_comes_back() {
    let Some(mut server) = RedisServer::start().await else { return };
    let link = RedisLink::open(&server.config()).unwrap();
    let mut news = link.subscribe("news");
    assert_eq!(news.recv().await, Notice::Subscribed);
    link.publish("news", b"one").await.unwrap();
    assert_eq!(next_message(&mut news).await.1, "one");

    server.stop();
    assert_eq!(news.recv().await, Notice::Lost);
    server.start_again().await;
    assert_eq!(news.recv().await, Notice::Subscribed);
    eventually("the link is up", async || link.publish("news", b"two").await.ok()).await;
    assert_eq!(next_message(&mut news).await.1, "two");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_sent() {
    let Some(server) = RedisServer::start().await else { return };
    let open = RedisLink::open(&server.config()).unwrap();
    open.run::<()>(cmd("CONFIG").arg("SET").arg("requirepass").arg("open sesame")).await.unwrap();
    let with = |credentials: &str| Config {
        url: kernel::Secret::new(server.url().replace("redis://", &format!("redis://{credentials}"))),
        ..server.config()
    };
    let link = RedisLink::open(&with(":open%20sesame@")).unwrap();
    set(&link, "x").await.unwrap();
    let mut news = link.subscribe("news");
    assert_eq!(news.recv().await, Notice::Subscribed);
    let wrong = RedisLink::open(&with(":wrong@")).unwrap();
    assert!(matches!(set(&wrong, "x").await, Err(Error::Away(Away))));
}
