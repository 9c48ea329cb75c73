//! A whole Socle for a test: own database, own clock, real HTTP on a port of its own.
//!
//! ```ignore
//! #[tokio::test(flavor = "multi_thread")]
//! async fn a_camera_can_be_added() {
//!     testkit::on_each_engine(modules(), async |app| {
//!         let admin = app.admin().await;
//!         admin.post("/api/v1/surveillance/cameras", json!({ … })).await.expect(201);
//!     })
//!     .await;
//! }
//! ```
//! SQLite always; PostgreSQL too when `SOCLE_TEST_POSTGRES_URL` names a server on which databases may be made, and then
//! with the Redis of `SOCLE_TEST_REDIS_URL` where there is one: the embedded installation, and the one of several nodes.
//! Wait for conditions with [`eventually`], never for a time.

mod app;
mod client;
mod clock;
mod data;
mod engine;
mod mails;
mod program;
mod redis;
mod wait;

pub use app::{App, Modules, STATEMENTS, TestConfig, on_each_engine};
pub use client::{Answer, Client};
pub use clock::MockClock;
pub use data::test_data;
pub use engine::{Database, TestEngine, engines};
pub use mails::SentMail;
pub use program::Program;
pub use redis::{RedisServer, redis, redis_config, redis_url};
pub use wait::eventually;
