//! Sentinel as its clients see it: over HTTP, on SQLite and, where there is one, on PostgreSQL. Cameras are files and
//! streams that ffmpeg makes here.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alive;
mod cameras;
mod events;
mod faults;
mod models;
mod pets;
mod quotas;
mod scene;
mod transfer;

use std::time::Duration;

use serde_json::{Value, json};
use surveillance::Config;
use testkit::{App, Client, Modules, on_each_engine};

fn modules() -> Modules {
    Modules {
        manifests: &[&surveillance::MANIFEST],
        build: |platform| {
            let config = Config {
                segment_ms: 1_000,
                pre_roll_ms: 2_000,
                post_roll_ms: 1_000,
                stall_ms: 4_000,
                connect_timeout_ms: 6_000,
                ..Config::default()
            };
            vec![surveillance::build(platform, config).expect("these settings are sound")]
        },
        aliases: surveillance::ALIASES,
    }
}

/// Runs a test on each engine, with the first administrator there and a clock that goes on as time does.
async fn with_admin(test: impl AsyncFn(&App, &Client)) {
    on_each_engine(modules(), async |app| {
        let admin = app.admin().await;
        let clock = app.clock.clone();
        let ticking = app.platform.spawner.spawn("test clock", async move {
            let step = Duration::from_millis(50);
            let mut ticks = tokio::time::interval(step);
            loop {
                ticks.tick().await;
                clock.advance(step);
            }
        });
        test(app, &admin).await;
        ticking.abort();
    })
    .await;
}

const BASE: &str = "/api/v1/surveillance";

fn path(rest: &str) -> String {
    format!("{BASE}/{rest}")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// A zone over nearly the whole picture.
fn zone() -> Value {
    json!({
        "name": "Yard", "kind": "intrusion", "severity": "high",
        "points": [[0.02, 0.02], [0.98, 0.02], [0.98, 0.999], [0.02, 0.999]],
    })
}

/// A camera that nobody opens.
fn switched_off(name: &str) -> Value {
    json!({ "name": name, "enabled": false, "source": { "kind": "rtsp", "url": "rtsp://admin:hunter22@10.9.8.7/live" } })
}
