//! The same promises in memory and in Redis.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{sync::Arc, time::Duration};

use kernel::{Clock, SystemClock};
use limits::{About, Call, Caller, Config, Left, Limiter, Limits, Quota, RuleConfig, Verdict};
use redislink::RedisLink;
use testkit::{RedisServer, eventually};
use tokio::task::JoinSet;

testkit::on_each_store!(
    exactly_the_quota_comes_through,
    what_is_given_back_counts_for_nothing_and_never_gives_more,
    a_refusal_tells_when_to_come_again,
    costs_count_and_never_exceed_the_burst,
    keys_and_names_are_apart,
    who_one_rule_refuses_takes_nothing_from_the_others,
    many_refusals_are_abuse_once,
    it_comes_back_with_time,
    what_limiters_say_is_noted_for_the_answer,
);

const HOUR: Duration = Duration::from_secs(3_600);

fn limits_on(link: RedisLink, config: &Config) -> Limits {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Limits::new(link, config, clock).unwrap()
}

fn limiter(link: RedisLink, burst: u32, per: Duration) -> Limiter {
    let about = About { name: "test.limiter", routes: &[], key: "test" };
    limits_on(link, &Config::default()).limiter(about, Quota::new(burst, per).unwrap())
}

/// How many of 200 at once come through.
async fn rush(limiters: &[Limiter]) -> usize {
    let mut callers = JoinSet::new();
    for caller in 0..200 {
        let limiter = limiters[caller % limiters.len()].clone();
        callers.spawn(async move { limiter.check("everybody", 1).await.is_ok() });
    }
    callers.join_all().await.into_iter().filter(|passed| *passed).count()
}

async fn exactly_the_quota_comes_through(link: RedisLink) {
    // A quota whose step is no whole number of microseconds, too.
    for (burst, per) in [(50, HOUR), (7, HOUR), (1, HOUR), (97, 24 * HOUR)] {
        let about = About { name: "test.rush", routes: &[], key: "test" };
        let one = limits_on(link.clone(), &Config::default()).limiter(about, Quota::new(burst, per).unwrap());
        let key = burst.to_string();
        let mut callers = JoinSet::new();
        for _ in 0..200 {
            let (one, key) = (one.clone(), key.clone());
            callers.spawn(async move { one.check(&key, 1).await.ok() });
        }
        let mut left: Vec<u32> =
            callers.join_all().await.into_iter().flatten().map(|left| left.remaining).collect();
        left.sort_unstable();
        assert_eq!(left, (0..burst).collect::<Vec<_>>());
    }
}

async fn what_is_given_back_counts_for_nothing_and_never_gives_more(link: RedisLink) {
    let limiter = limiter(link, 5, HOUR);
    for _ in 0..50 {
        limiter.check("a", 1).await.unwrap();
        limiter.give_back("a", 1).await;
    }
    for _ in 0..20 {
        limiter.give_back("a", 1).await;
    }
    assert_eq!(limiter.check("a", 5).await.unwrap().remaining, 0);
    assert!(limiter.check("a", 1).await.is_err());
    limiter.give_back("a", 2).await;
    assert_eq!(limiter.check("a", 1).await.unwrap().remaining, 1);
}

async fn a_refusal_tells_when_to_come_again(link: RedisLink) {
    let limiter = limiter(link, 4, HOUR);
    for taken in 1..=4_u64 {
        let left = limiter.check("a", 1).await.unwrap();
        assert_eq!(u64::from(left.remaining), 4 - taken);
        // The clock goes on between the calls, by much less than the bounds here.
        assert!(left.reset_s <= 900 * taken && left.reset_s > 900 * taken - 300, "{left:?}");
    }
    let refused = limiter.check("a", 1).await.unwrap_err();
    assert!(refused.retry_after_s <= 900 && refused.retry_after_s > 600, "{refused:?}");
    let refused = limiter.check("a", 2).await.unwrap_err();
    assert!(refused.retry_after_s <= 1_800 && refused.retry_after_s > 1_500, "{refused:?}");
}

async fn costs_count_and_never_exceed_the_burst(link: RedisLink) {
    let limiter = limiter(link, 10, HOUR);
    assert_eq!(limiter.check("a", 0).await.unwrap().remaining, 10);
    assert_eq!(limiter.check("a", 7).await.unwrap().remaining, 3);
    assert!(limiter.check("a", 4).await.is_err());
    assert_eq!(limiter.check("a", 3).await.unwrap().remaining, 0);
    assert_eq!(limiter.check("b", 1_000).await.unwrap().remaining, 0);
}

async fn keys_and_names_are_apart(link: RedisLink) {
    let limits = limits_on(link, &Config::default());
    let quota = Quota::new(1, HOUR).unwrap();
    let one = limits.limiter(About { name: "test.one", routes: &["POST /x"], key: "account" }, quota);
    let other = limits.limiter(About { name: "test.other", routes: &[], key: "address" }, quota);
    let again = limits.limiter(About { name: "test.again", routes: &[], key: "account" }, quota);
    for limiter in [&one, &other, &again] {
        for key in ["a", "b", "", &"long".repeat(1_000)] {
            assert!(limiter.check(key, 1).await.is_ok());
            assert!(limiter.check(key, 1).await.is_err());
        }
    }
    let shown = limits.overview().rules.into_iter().find(|rule| rule.name == "test.one").unwrap();
    assert_eq!((shown.burst, shown.per_s, shown.refused), (1, 3_600, 4));
    assert_eq!((shown.routes, shown.key.as_str()), (vec!["POST /x".to_owned()], "account"));
}

async fn who_one_rule_refuses_takes_nothing_from_the_others(link: RedisLink) {
    let rule = |name: &str, burst| RuleConfig {
        name: name.to_owned(),
        routes: vec!["/test/*".to_owned()],
        burst,
        per_s: 3_600,
        ..RuleConfig::default()
    };
    let config = Config { rules: vec![rule("narrow", 3), rule("wide", 5)], ..Config::default() };
    let limits = limits_on(link, &config);
    let call =
        Call { method: "GET", path: "/test/it", is_older: false, tags: &[], is_signed_in: Some(false) };
    let rules = limits.applying(&call);
    let caller = Caller { address: "192.0.2.1".parse().ok(), ..Caller::default() };
    for taken in 1..=3 {
        let Verdict::Fine(left) = limits.check(&rules, &caller).await else { panic!("refused") };
        assert_eq!((left[0].remaining, left[1].remaining), (3 - taken, 5 - taken));
    }
    for _ in 0..10 {
        let Verdict::Refused { rule: 0, key, .. } = limits.check(&rules, &caller).await else {
            panic!("let in")
        };
        assert_eq!(key, "192.0.2.1");
    }
    let Verdict::Fine(left) = limits.check(&rules[1..], &caller).await else { panic!("refused") };
    assert_eq!(left[0].remaining, 1);
    // Of whom nothing is known, nothing is counted.
    for _ in 0..10 {
        let Verdict::Fine(left) = limits.check(&rules, &Caller::default()).await else { panic!("refused") };
        assert_eq!(left[0], Left { remaining: 3, reset_s: 0 });
    }
}

async fn many_refusals_are_abuse_once(link: RedisLink) {
    let limits = limits_on(link, &Config { abuse_refusals: 10, ..Config::default() });
    let mut told = Vec::new();
    for refusal in 1..=100 {
        if limits.is_abuse("rule", "key").await {
            told.push(refusal);
        }
    }
    assert_eq!(told, [11]);
    assert!(!limits.is_abuse("rule", "other").await);
}

async fn it_comes_back_with_time(link: RedisLink) {
    let limiter = limiter(link, 2, Duration::from_millis(100));
    limiter.check("a", 2).await.unwrap();
    eventually("one comes back", async || limiter.check("a", 1).await.ok()).await;
}

async fn what_limiters_say_is_noted_for_the_answer(link: RedisLink) {
    let limits = limits_on(link, &Config::default());
    let quota = Quota::new(2, HOUR).unwrap();
    let one = limits.limiter(About { name: "test.one", routes: &[], key: "test" }, quota);
    let other = limits.limiter(About { name: "test.other", routes: &[], key: "test" }, quota);
    one.check("a", 1).await.unwrap();
    let ((), noted) = limits::noting(async {}).await;
    assert!(noted.is_empty(), "{noted:?}");
    let (refused, noted) = limits::noting(async {
        one.check("a", 1).await.unwrap();
        other.check("a", 1).await.unwrap();
        other.give_back("a", 1).await;
        one.check("a", 1).await.unwrap_err()
    })
    .await;
    let left: Vec<_> =
        noted.iter().map(|noted| (noted.name.as_str(), noted.quota, noted.left.remaining)).collect();
    assert_eq!(left, [("test.one", quota, 0), ("test.other", quota, 2)]);
    assert_eq!((noted[0].left.reset_s, noted[1].left.reset_s), (refused.retry_after_s, 0));
}

/// Two processes as far as Redis can tell: two links, two handles.
#[tokio::test(flavor = "multi_thread")]
async fn exactly_the_quota_comes_through_over_two_nodes() {
    let Some(config) = testkit::redis_config() else { return };
    let node = || limiter(RedisLink::open(&config).unwrap(), 50, HOUR);
    assert_eq!(rush(&[node(), node()]).await, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_each_node_counts_until_it_is_back() {
    let Some(mut server) = RedisServer::start().await else { return };
    let link = RedisLink::open(&server.config()).unwrap();
    let limits = limits_on(link.clone(), &Config::default());
    let about = About { name: "test.limiter", routes: &[], key: "test" };
    let limiter = limits.limiter(about, Quota::new(3, HOUR).unwrap());
    limiter.check("a", 3).await.unwrap();
    assert!(limiter.check("a", 1).await.is_err());

    server.stop();
    eventually("the outage is noticed", async || (!link.is_up()).then_some(())).await;
    assert!(!limits.overview().is_up);
    // By itself, from a full bucket; and no more than that.
    limiter.check("a", 3).await.unwrap();
    assert!(limiter.check("a", 1).await.is_err());

    server.start_again().await;
    eventually("redis is back", async || link.is_up().then_some(())).await;
    assert_eq!(limiter.check("a", 1).await.unwrap().remaining, 2, "Redis counts, and came back empty");
    assert!(limits.overview().is_up);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_whose_clock_was_set_back_locks_nobody_out() {
    let Some(link) = testkit::redis() else { return };
    let make = |per| {
        let about = About { name: "test.clock", routes: &[], key: "test" };
        limits_on(link.clone(), &Config::default()).limiter(about, Quota::new(2, per).unwrap())
    };
    make(HOUR).check("a", 2).await.unwrap();
    let found: Vec<String> = link.run(redis::cmd("KEYS").arg(link.key("limit:test.clock:*"))).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    // As it stands there when the week is taken back in which it was written.
    let in_a_week = SystemClock.now() + Duration::from_secs(7 * 86_400);
    let put = async || {
        let mut set = redis::cmd("SET");
        link.run::<()>(set.arg(&found[0]).arg(in_a_week.as_microsecond())).await.unwrap();
    };
    put().await;
    let limiter = make(Duration::from_millis(500));
    assert_eq!(limiter.check("a", 1).await.unwrap_err().retry_after_s, 1);
    eventually("it comes back", async || limiter.check("a", 1).await.ok()).await;
    put().await;
    limiter.give_back("a", 1).await;
    limiter.check("a", 1).await.unwrap();
}
