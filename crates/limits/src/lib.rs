//! How often is too often, per key: one count for all nodes, or one per process.
//!
//! A [`Limiter`] is a leaky bucket per key (GCRA, as in ITU-T I.371): [`Quota`] says how many at once and over how long
//! they come back. [`Limiter::check`] takes from the bucket or tells when to come again; [`Limiter::give_back`] returns
//! what a caller did not misuse, so that only failures count. [`Limits`] holds the rules of section `[limits]`, which the
//! HTTP layer in `platform` asks for every request, and the limiters of modules; [`noting()`] tells that layer what they said.
//!
//! A check's life, with Redis: one script reads and writes all the buckets that a request needs, by the server's clock and
//! in one step, so a quota of 50 lets exactly 50 through, however many nodes ask at once; and a request that one bucket
//! refuses takes nothing from the others. While Redis is away each process counts by itself, from full buckets, with
//! `governor`; that is also what happens where no Redis is configured.

mod bucket;
mod config;
mod key;
mod local;
mod noting;
mod quota;
mod rules;
mod shared;

use std::sync::{Arc, PoisonError, RwLock};

use ipnet::IpNet;
use kernel::Clock;
use redislink::RedisLink;

pub use config::{Config, KeyKind, RuleConfig, Who};
pub use key::{Caller, network};
pub use local::KEYS_MAX;
pub use noting::{Noted, noting};
pub use quota::{Left, Quota, Refused};
pub use rules::{Call, Rule, Verdict};

use bucket::Bucket;
use rules::Rules;

/// The handle. Cheap to clone.
#[derive(Clone)]
pub struct Limits(Arc<Inner>);

struct Inner {
    redis: RedisLink,
    clock: Arc<dyn Clock>,
    is_enabled: bool,
    trusted: Vec<IpNet>,
    rules: Rules,
    /// Those of modules, for [`Limits::overview`].
    limiters: RwLock<Vec<Arc<Bucket>>>,
    abuse: Abuse,
}

/// What is a limiter of a module for, in words.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// `module.what`.
    pub name: &'static str,
    pub routes: &'static [&'static str],
    /// What a bucket stands for: `account`, `address`.
    pub key: &'static str,
}

/// One rule as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleOverview {
    pub name: String,
    pub routes: Vec<String>,
    pub key: String,
    pub burst: u32,
    pub per_s: u64,
    pub cost: u32,
    /// By this process since its start.
    pub refused: u64,
}

/// All limits of this installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overview {
    /// `memory` or `redis`.
    pub engine: &'static str,
    /// `false`: Redis is away, and each process counts by itself.
    pub is_up: bool,
    pub is_enabled: bool,
    pub trusted_networks: Vec<String>,
    pub rules: Vec<RuleOverview>,
}

impl Limits {
    /// An error when a rule or a network of the settings is wrong; [`Config::validate`] tells all of them.
    pub fn new(redis: RedisLink, config: &Config, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let faults = config.validate();
        if !faults.is_empty() {
            return Err(faults.join("; "));
        }
        Ok(Self(Arc::new(Inner {
            rules: Rules::new(config, &clock)?,
            abuse: Abuse::new(config, &clock)?,
            redis,
            clock,
            is_enabled: config.enabled,
            trusted: config.networks()?,
            limiters: RwLock::default(),
        })))
    }

    /// A limiter of a module's own. Two of one name share their buckets, on all nodes.
    pub fn limiter(&self, about: About, quota: Quota) -> Limiter {
        let bucket = Arc::new(Bucket::new(about.name, quota, &self.0.clock).about(about.routes, about.key));
        self.0.limiters.write().unwrap_or_else(PoisonError::into_inner).push(bucket.clone());
        Limiter { bucket, redis: self.0.redis.clone() }
    }

    /// The rules that apply to a call; none where limits are switched off.
    pub fn applying(&self, call: &Call<'_>) -> Vec<&Rule> {
        if self.0.is_enabled { self.0.rules.applying(call).collect() } else { Vec::new() }
    }

    /// Takes from the bucket of each rule, or from none of them.
    pub async fn check(&self, rules: &[&Rule], caller: &Caller) -> Verdict {
        rules::check(&self.0.redis, rules, caller).await
    }

    /// Whether callers from there are never refused.
    pub fn is_trusted(&self, address: std::net::IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.trusted.iter().any(|network| network.contains(&address))
    }

    /// To be told of every refusal; `true` once per key, rule and window, when there were so many that somebody should
    /// know.
    pub async fn is_abuse(&self, rule: &str, key: &str) -> bool {
        self.0.abuse.is_new(&self.0.redis, &format!("{rule} {key}")).await
    }

    pub fn overview(&self) -> Overview {
        let inner = &self.0;
        let limiters = inner.limiters.read().unwrap_or_else(PoisonError::into_inner);
        let rules = inner.rules.iter().map(Rule::overview);
        Overview {
            engine: if inner.redis.is_configured() { "redis" } else { "memory" },
            is_up: !inner.redis.is_configured() || inner.redis.is_up(),
            is_enabled: inner.is_enabled,
            trusted_networks: inner.trusted.iter().map(ToString::to_string).collect(),
            rules: rules.chain(limiters.iter().map(|bucket| bucket.overview(1))).collect(),
        }
    }
}

/// Buckets by key, all of one [`Quota`]. Cheap to clone.
#[derive(Clone)]
pub struct Limiter {
    bucket: Arc<Bucket>,
    redis: RedisLink,
}

impl Limiter {
    /// Takes `cost` from the key's bucket, or nothing and an error. A cost beyond the burst counts as the burst.
    pub async fn check(&self, key: &str, cost: u32) -> Result<Left, Refused> {
        let taken = bucket::take_all(&self.redis, &[(&self.bucket, key, cost)]).await;
        let outcome = taken.map(|left| left[0]).map_err(|(_, refused)| refused);
        noting::note(&self.bucket, &outcome);
        outcome
    }

    /// Returns what an earlier [`check`](Self::check) of this key took.
    pub async fn give_back(&self, key: &str, cost: u32) {
        self.bucket.give_back(&self.redis, key, cost).await;
        noting::note_given_back(&self.bucket, cost);
    }
}

/// Tells abuse from bad luck: many refusals of one key within a window, told once.
struct Abuse {
    refusals: Bucket,
    told: Bucket,
}

impl Abuse {
    fn new(config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, String> {
        let window = std::time::Duration::from_secs(config.abuse_window_s);
        let quota = |burst| Quota::new(burst, window).ok_or("limits.abuse_… must not be zero");
        Ok(Self {
            refusals: Bucket::new("limits.refusals", quota(config.abuse_refusals)?, clock),
            told: Bucket::new("limits.told", quota(1)?, clock),
        })
    }

    async fn is_new(&self, redis: &RedisLink, key: &str) -> bool {
        // Counted by this process, so that a flood costs Redis no second round trip; told once by all of them.
        self.refusals.is_too_often_here(key) && bucket::take_all(redis, &[(&self.told, key, 1)]).await.is_ok()
    }
}
