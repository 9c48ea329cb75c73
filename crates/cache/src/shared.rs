//! The store in Redis, one for all nodes.
//!
//! Beside each value, at `…:lease:…`, stands the token of the node that is computing it. Taking, keeping and deleting go
//! through scripts and pipelines, so that a delete takes the lease away too: what was read before it is not kept after it
//! (leases as in Nishtala et al., Scaling Memcache at Facebook, NSDI 2013).
//!
//! Each place (namespace and workspace) has a sorted set, `…:index:…`, of its keys by the time at which they expire: a
//! pattern is looked for there, and costs nothing for the keys of others.

use std::{collections::HashSet, sync::LazyLock, time::Duration};

use redis::{Script, ScriptInvocation, cmd, pipe};
use redislink::{Error, RedisLink};

use crate::key;

/// A node that dies while it computes keeps the others waiting for at most this long.
pub(crate) const LEASE: Duration = Duration::from_secs(5);
/// Keys asked for by one step of a scan.
const SCAN_COUNT: usize = 500;

/// Notes the key in its place's index for `ttl` ms, and forgets what has expired there. In all scripts KEYS are value,
/// lease and index; ARGV are the key within its place, and a token.
const NOTE: &str = "
local function note(ttl)
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
  redis.call('ZADD', KEYS[3], 'GT', now + ttl, ARGV[1])
  redis.call('PEXPIRE', KEYS[3], ttl, 'NX')
  redis.call('PEXPIRE', KEYS[3], ttl, 'GT')
end
";
/// The value, or else the lease. Also ARGV: lease in ms, 1 to pass over the value.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    script(
        "if ARGV[4] == '0' then local v = redis.call('GET', KEYS[1]) if v then return {1, v} end end
         if redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then note(ARGV[3]) return {2, ''} end
         return {0, ''}",
    )
});
/// Also ARGV: value, time to live in ms. 1 when it was kept.
static KEEP: LazyLock<Script> = LazyLock::new(|| {
    script(
        "if redis.call('GET', KEYS[2]) ~= ARGV[2] then return 0 end
         redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
         redis.call('DEL', KEYS[2])
         note(ARGV[4])
         return 1",
    )
});
/// Whatever is being computed. Also ARGV: value, time to live in ms.
static SET: LazyLock<Script> = LazyLock::new(|| {
    script(
        "redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
         redis.call('DEL', KEYS[2])
         note(ARGV[4])",
    )
});
/// Also ARGV: ms to go on for, or 0 to give it up.
static RENEW: LazyLock<Script> = LazyLock::new(|| {
    script(
        "if redis.call('GET', KEYS[2]) ~= ARGV[2] then return 0 end
         if ARGV[3] == '0' then return redis.call('DEL', KEYS[2]) end
         redis.call('PEXPIRE', KEYS[2], ARGV[3])
         note(ARGV[3])
         return 1",
    )
});

fn script(body: &str) -> Script {
    Script::new(&format!("{NOTE}{body}"))
}

#[derive(Clone)]
pub(crate) struct Shared {
    link: RedisLink,
}

pub(crate) enum Taken {
    Value(Vec<u8>),
    /// We compute.
    Lease,
    /// Another node does.
    Busy,
}

impl Shared {
    pub(crate) fn new(link: RedisLink) -> Self {
        Self { link }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.link.is_up()
    }

    fn value(&self, key: &str) -> String {
        self.link.key(&format!("cache:{key}"))
    }

    fn lease(&self, key: &str) -> String {
        self.link.key(&format!("lease:{key}"))
    }

    fn index(&self, place: &str) -> String {
        self.link.key(&format!("index:{place}"))
    }

    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.link.run(cmd("GET").arg(self.value(key))).await
    }

    pub(crate) async fn take(&self, key: &str, token: &str, pass_over: bool) -> Result<Taken, Error> {
        let mut script = self.on(&TAKE, key, token);
        script.arg(millis(LEASE)).arg(u8::from(pass_over));
        let (found, value): (u8, Vec<u8>) = self.link.invoke(&script).await?;
        Ok(match found {
            1 => Taken::Value(value),
            2 => Taken::Lease,
            _ => Taken::Busy,
        })
    }

    pub(crate) async fn keep(
        &self,
        key: &str,
        token: &str,
        bytes: &[u8],
        ttl: Duration,
    ) -> Result<bool, Error> {
        self.link.invoke(self.on(&KEEP, key, token).arg(bytes).arg(millis(ttl))).await
    }

    pub(crate) async fn renew(&self, key: &str, token: &str) -> Result<bool, Error> {
        self.link.invoke(self.on(&RENEW, key, token).arg(millis(LEASE))).await
    }

    pub(crate) async fn give_up(&self, key: &str, token: &str) -> Result<bool, Error> {
        self.link.invoke(self.on(&RENEW, key, token).arg(0)).await
    }

    pub(crate) async fn set(&self, key: &str, bytes: &[u8], ttl: Duration) -> Result<(), Error> {
        self.link.invoke(self.on(&SET, key, "").arg(bytes).arg(millis(ttl))).await
    }

    fn on<'s>(&self, script: &'s Script, key: &str, token: &str) -> ScriptInvocation<'s> {
        let (place, rest) = key::split(key);
        let mut invocation = script.prepare_invoke();
        invocation.key(self.value(key)).key(self.lease(key)).key(self.index(place)).arg(rest).arg(token);
        invocation
    }

    pub(crate) async fn delete(&self, key: &str) -> Result<bool, Error> {
        let (place, rest) = key::split(key);
        let mut all = pipe();
        all.cmd("DEL").arg(self.value(key));
        all.cmd("DEL").arg(self.lease(key)).ignore();
        all.cmd("ZREM").arg(self.index(place)).arg(rest).ignore();
        let (deleted,): (bool,) = self.link.run_all(&all).await?;
        Ok(deleted)
    }

    /// All keys below `prefix` whose rest fits; how many values there were.
    pub(crate) async fn delete_pattern(&self, prefix: &str, pattern: &str) -> Result<u64, Error> {
        if key::is_place(prefix) {
            return self.delete_in_place(prefix, pattern).await;
        }
        // Leases first: nobody keeps a value of before once we have begun.
        self.delete_everywhere("lease:", prefix, pattern).await?;
        self.delete_everywhere("cache:", prefix, pattern).await
    }

    async fn delete_in_place(&self, place: &str, pattern: &str) -> Result<u64, Error> {
        let index = self.index(place);
        let (mut deleted, mut cursor) = (0, 0_u64);
        loop {
            let asked = key::for_redis(pattern);
            let (next, found): (u64, Vec<(String, f64)>) = self
                .link
                .run(
                    cmd("ZSCAN").arg(&index).arg(cursor).arg("MATCH").arg(asked).arg("COUNT").arg(SCAN_COUNT),
                )
                .await?;
            let fitting: Vec<String> = found
                .into_iter()
                .map(|(rest, _)| rest)
                .filter(|rest| key::fits(pattern.as_bytes(), rest.as_bytes()))
                .collect();
            if !fitting.is_empty() {
                let full = |rest: &String| format!("{place}{rest}");
                let values: Vec<_> = fitting.iter().map(|rest| self.value(&full(rest))).collect();
                let leases: Vec<_> = fitting.iter().map(|rest| self.lease(&full(rest))).collect();
                let mut all = pipe();
                all.cmd("UNLINK").arg(leases).ignore();
                all.cmd("UNLINK").arg(values);
                all.cmd("ZREM").arg(&index).arg(fitting).ignore();
                let (some,): (u64,) = self.link.run_all(&all).await?;
                deleted += some;
            }
            cursor = next;
            if cursor == 0 {
                return Ok(deleted);
            }
        }
    }

    async fn delete_everywhere(&self, kind: &str, prefix: &str, pattern: &str) -> Result<u64, Error> {
        let begin = self.link.key(&format!("{kind}{prefix}"));
        let asked = format!("{}{}", key::literal(&begin), key::for_redis(pattern));
        let mut deleted = 0;
        let mut cursor = 0;
        loop {
            let (next, found) = self.scan(cursor, &asked).await?;
            let fitting: Vec<_> = found
                .into_iter()
                .filter(|full| {
                    full.strip_prefix(&begin)
                        .is_some_and(|rest| key::fits(pattern.as_bytes(), rest.as_bytes()))
                })
                .collect();
            if !fitting.is_empty() {
                deleted += self.link.run::<u64>(cmd("UNLINK").arg(fitting)).await?;
            }
            cursor = next;
            if cursor == 0 {
                return Ok(deleted);
            }
        }
    }

    /// Each key with the size of its value; stops after `max`.
    pub(crate) async fn each(&self, max: usize, mut see: impl FnMut(&str, usize)) -> Result<(), Error> {
        let begin = self.link.key("cache:");
        let asked = format!("{}*", key::literal(&begin));
        // A scan may tell a key twice.
        let mut seen = HashSet::new();
        let mut cursor = 0;
        loop {
            let (next, mut found) = self.scan(cursor, &asked).await?;
            found.retain(|full| seen.insert(full.clone()));
            if !found.is_empty() {
                let mut sizes = pipe();
                for full in &found {
                    sizes.cmd("STRLEN").arg(full);
                }
                let sizes: Vec<usize> = self.link.run_all(&sizes).await?;
                for (full, size) in found.iter().zip(sizes) {
                    see(full.strip_prefix(&begin).unwrap_or(full), size);
                }
            }
            cursor = next;
            if cursor == 0 || seen.len() >= max {
                return Ok(());
            }
        }
    }

    async fn scan(&self, cursor: u64, pattern: &str) -> Result<(u64, Vec<String>), Error> {
        self.link.run(cmd("SCAN").arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(SCAN_COUNT)).await
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}
