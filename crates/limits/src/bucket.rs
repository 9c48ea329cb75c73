use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use kernel::Clock;
use metrics::{Counter, counter};
use redislink::RedisLink;

use crate::{
    RuleOverview,
    local::Local,
    quota::{Left, Quota, Refused},
    shared,
};

/// All buckets of one name and quota, in Redis and, while it is away, in this process.
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) quota: Quota,
    routes: Vec<String>,
    key: String,
    local: Local,
    refused: AtomicU64,
    checked_metric: Counter,
    refused_metric: Counter,
}

impl Bucket {
    pub(crate) fn new(name: &str, quota: Quota, clock: &Arc<dyn Clock>) -> Self {
        Self {
            name: name.to_owned(),
            quota,
            routes: Vec::new(),
            key: String::new(),
            local: Local::new(quota, clock.clone()),
            refused: AtomicU64::new(0),
            checked_metric: counter!("limits_checked_total", "rule" => name.to_owned()),
            refused_metric: counter!("limits_refused_total", "rule" => name.to_owned()),
        }
    }

    /// For people.
    pub(crate) fn about(self, routes: &[impl ToString], key: &str) -> Self {
        Self { routes: routes.iter().map(ToString::to_string).collect(), key: key.to_owned(), ..self }
    }

    pub(crate) fn overview(&self, cost: u32) -> RuleOverview {
        RuleOverview {
            name: self.name.clone(),
            routes: self.routes.clone(),
            key: self.key.clone(),
            burst: self.quota.burst(),
            per_s: self.quota.per().as_secs(),
            cost,
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    pub(crate) async fn give_back(&self, redis: &RedisLink, key: &str, cost: u32) {
        // To both: it may have been taken from either, and a full bucket stays full.
        self.local.give_back(key, cost);
        // Where Redis does not take it back, it comes back with time; the link tells of a Redis that refuses.
        drop(shared::give_back(redis, &self.name, self.quota, key, cost).await);
    }

    /// Only in this process, whatever Redis knows.
    pub(crate) fn is_too_often_here(&self, key: &str) -> bool {
        self.local.check(key, 1).is_err()
    }

    fn count(&self, refused: bool) {
        self.checked_metric.increment(1);
        if refused {
            self.refused.fetch_add(1, Ordering::Relaxed);
            self.refused_metric.increment(1);
        }
    }
}

/// Takes a cost from the key's bucket of each, or from none; then the number of the one that refuses.
pub(crate) async fn take_all(
    redis: &RedisLink,
    asks: &[(&Bucket, &str, u32)],
) -> Result<Vec<Left>, (usize, Refused)> {
    let outcome = match in_redis(redis, asks).await {
        Some(outcome) => outcome,
        None => here(asks),
    };
    let refused = outcome.as_ref().err().map(|(index, _)| *index);
    for (index, (bucket, ..)) in asks.iter().enumerate() {
        bucket.count(refused == Some(index));
    }
    outcome
}

/// `None`: not configured, away, or it cannot count.
async fn in_redis(
    redis: &RedisLink,
    asks: &[(&Bucket, &str, u32)],
) -> Option<Result<Vec<Left>, (usize, Refused)>> {
    if !redis.is_configured() {
        return None;
    }
    let asks: Vec<_> =
        asks.iter().map(|(bucket, key, cost)| (bucket.name.as_str(), bucket.quota, *key, *cost)).collect();
    match shared::take_all(redis, &asks).await {
        Ok(outcome) => Some(outcome),
        // Away, or it refuses: the link tells of both, and this process counts by itself.
        Err(_) => {
            metrics::counter!("limits_local_total").increment(1);
            None
        }
    }
}

fn here(asks: &[(&Bucket, &str, u32)]) -> Result<Vec<Left>, (usize, Refused)> {
    let mut left = Vec::with_capacity(asks.len());
    for (index, (bucket, key, cost)) in asks.iter().enumerate() {
        match bucket.local.check(key, *cost) {
            Ok(one) => left.push(one),
            Err(refused) => {
                for (bucket, key, cost) in &asks[..index] {
                    bucket.local.give_back(key, *cost);
                }
                return Err((index, refused));
            }
        }
    }
    Ok(left)
}
