//! Buckets in Redis: at each key stands the time, in µs by the server's clock, at which the bucket is full again.

use std::{sync::LazyLock, time::Duration};

use redis::Script;
use redislink::{Error, RedisLink};

use crate::quota::{Left, Quota, Refused, seconds};

/// GCRA over several buckets: from all of them or from none.
///
/// KEYS: a bucket each. ARGV: step in µs, burst and cost of each. Gives the number of the bucket that refuses for the
/// longest (0: none) and its wait in µs, then what remains and the µs to full of each. Numbers are whole, and below 2^53.
///
/// No bucket needs longer than its own span to fill. One that says so was written before the server's clock was set back: it
/// counts as empty, and is written so, or it would stay empty until the old hour comes again.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local time = redis.call('TIME')
         local now = time[1] * 1000000 + time[2]
         local function keep(key, full_at)
           local ms = math.ceil((full_at - now) / 1000)
           redis.call('SET', key, string.format('%.0f', full_at), 'PX', string.format('%.0f', ms))
         end
         local answer, full_at, worst = {0, 0}, {}, -1
         for i = 1, #KEYS do
           local step, burst, cost = tonumber(ARGV[3*i-2]), tonumber(ARGV[3*i-1]), tonumber(ARGV[3*i])
           local before = math.max(tonumber(redis.call('GET', KEYS[i]) or 0), now)
           if before > now + step * burst then
             before = now + step * burst
             keep(KEYS[i], before)
           end
           full_at[i] = before + step * cost
           local wait = full_at[i] - step * burst - now
           if wait > 0 and wait > worst then
             worst = wait
             answer[1], answer[2] = i, wait
           end
           answer[2*i+1] = math.floor((now + step * burst - full_at[i]) / step)
           answer[2*i+2] = full_at[i] - now
         end
         if answer[1] == 0 then
           for i = 1, #KEYS do
             if full_at[i] > now then keep(KEYS[i], full_at[i]) end
           end
         end
         return answer",
    )
});

/// KEYS: a bucket. ARGV: µs to give back, and µs from empty to full.
static GIVE_BACK: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local full_at = redis.call('GET', KEYS[1])
         if not full_at then return 0 end
         local time = redis.call('TIME')
         local now = time[1] * 1000000 + time[2]
         full_at = math.min(tonumber(full_at), now + tonumber(ARGV[2])) - tonumber(ARGV[1])
         if full_at <= now then return redis.call('DEL', KEYS[1]) end
         local ms = math.ceil((full_at - now) / 1000)
         redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', string.format('%.0f', ms))
         return 1",
    )
});

/// What each bucket still holds, or the number of the one that refuses.
pub(crate) async fn take_all(
    link: &RedisLink,
    asks: &[(&str, Quota, &str, u32)],
) -> Result<Result<Vec<Left>, (usize, Refused)>, Error> {
    let mut script = TAKE.prepare_invoke();
    for (name, quota, key, cost) in asks {
        script
            .key(place(link, name, key))
            .arg(micros(quota.step()))
            .arg(quota.burst())
            .arg(quota.cost(*cost));
    }
    let answer: Vec<i64> = link.invoke(&script).await?;
    let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
    let (refused, wait) = match answer.get(..2) {
        Some(&[refused, wait]) => (usize::try_from(refused).unwrap_or(0), unsigned(wait)),
        _ => (0, 0),
    };
    if refused > 0 {
        return Ok(Err((refused - 1, Refused::after(Duration::from_micros(wait)))));
    }
    let left = answer[2..].chunks_exact(2).map(|pair| Left {
        remaining: u32::try_from(pair[0]).unwrap_or(0),
        reset_s: seconds(Duration::from_micros(unsigned(pair[1]))),
    });
    Ok(Ok(left.collect()))
}

pub(crate) async fn give_back(
    link: &RedisLink,
    name: &str,
    quota: Quota,
    key: &str,
    cost: u32,
) -> Result<(), Error> {
    let step = micros(quota.step());
    let mut script = GIVE_BACK.key(place(link, name, key));
    let script = script.arg(step * u64::from(quota.cost(cost))).arg(step * u64::from(quota.burst()));
    link.invoke::<()>(script).await
}

/// Keys may be e-mail addresses, or long: Redis sees their hashes.
fn place(link: &RedisLink, name: &str, key: &str) -> String {
    let hash = blake3::hash(key.as_bytes()).to_hex();
    link.key(&format!("limit:{name}:{}", &hash[..32]))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
