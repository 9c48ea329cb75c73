//! Prints one line a figure: `engine what value`. The peer (`peer.py`) prints the same lines. One thread, as Python has.

use std::{
    cell::Cell,
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use cache::{Cache, Config, Namespace};
use futures::future::join_all;
use kernel::{Secret, SystemClock};
use redislink::RedisLink;

const TTL: Duration = Duration::from_secs(600);
const ROUNDS: usize = 5;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let url = std::env::args().nth(1).unwrap_or_default();
    let prefix = format!("bench-{}", std::process::id());
    let config = redislink::Config { url: Secret::new(url), prefix, timeout_ms: 5_000, ..redislink::Config::default() };
    measure("memory", RedisLink::none(), 200_000).await;
    let link = RedisLink::open(&config)?;
    anyhow::ensure!(link.answers().await, "redis does not answer");
    measure("redis", link, 10_000).await;
    Ok(())
}

async fn measure(engine: &str, link: RedisLink, calls: usize) {
    let cache = Cache::new(link, &Config::default(), Arc::new(SystemClock));
    let things = cache.namespace("bench");
    // About 1 kB of JSON, as a page of a list is.
    let value: Vec<(u64, String)> = (0..20).map(|id| (id, "a name of some length, for size".to_owned())).collect();
    let hit = || async {
        let kept: Result<Vec<(u64, String)>, Infallible> =
            things.get_or_compute("key", TTL, || async { Ok(value.clone()) }).await;
        std::hint::black_box(kept.map_or(0, |kept| kept.len()))
    };
    hit().await;
    let mut one = Vec::new();
    let mut many = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        for _ in 0..calls {
            hit().await;
        }
        one.push(started.elapsed().as_secs_f64() * 1e6 / calls as f64);
        let started = Instant::now();
        for _ in 0..calls / 100 {
            join_all((0..100).map(|_| hit())).await;
        }
        many.push(started.elapsed().as_secs_f64() * 1e6 / (calls / 100 * 100) as f64);
    }
    println!("{engine} hit_us {:.2}", median(one));
    println!("{engine} hit_100_at_once_us {:.2}", median(many));
    let (computed, seconds) = single_flight(&things).await;
    println!("{engine} cold_1000_computed {computed}");
    println!("{engine} cold_1000_ms {:.0}", seconds * 1e3);
    cache.clear().await;
}

/// 1000 callers of one cold key whose computation takes 50 ms.
async fn single_flight(things: &Namespace) -> (usize, f64) {
    let computed = Cell::new(0);
    let ask = || async {
        let compute = || async {
            computed.set(computed.get() + 1);
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok::<_, Infallible>(1)
        };
        things.get_or_compute("cold", TTL, compute).await
    };
    let started = Instant::now();
    join_all((0..1_000).map(|_| ask())).await;
    (computed.get(), started.elapsed().as_secs_f64())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
