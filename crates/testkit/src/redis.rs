use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use kernel::Secret;
use redislink::{Config, RedisLink};

use crate::{engine::unique, eventually};

/// The URL of the Redis for tests, from `SOCLE_TEST_REDIS_URL`. `None`, with a line on standard error, where there is none.
///
/// # Panics
///
/// In the pipeline (`CI=true`), where there must be one.
pub fn redis_url() -> Option<String> {
    match std::env::var("SOCLE_TEST_REDIS_URL") {
        Ok(url) if !url.is_empty() => Some(url),
        _ => {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "SOCLE_TEST_REDIS_URL is not set");
            eprintln!("Redis is left out: SOCLE_TEST_REDIS_URL is not set");
            None
        }
    }
}

/// Settings for the Redis for tests, with a prefix of their own and time for a loaded machine.
pub fn redis_config() -> Option<Config> {
    Some(config(redis_url()?))
}

/// A link to the Redis for tests; nobody else uses its prefix.
///
/// # Panics
///
/// When the URL is not one.
pub fn redis() -> Option<RedisLink> {
    Some(RedisLink::open(&redis_config()?).expect("SOCLE_TEST_REDIS_URL is a Redis URL"))
}

fn config(url: String) -> Config {
    let prefix = format!("test-{}", unique());
    Config { url: Secret::new(url), prefix, timeout_ms: 5_000, ..Config::default() }
}

/// A Redis of the test's own, which it may stop and start again.
pub struct RedisServer {
    port: u16,
    child: Option<Child>,
}

impl RedisServer {
    /// `None`, with a line on standard error, where `redis-server` (or `valkey-server`) is not installed.
    ///
    /// # Panics
    ///
    /// In the pipeline (`CI=true`), where it must be; and when it does not start.
    pub async fn start() -> Option<Self> {
        let mut server = Self { port: free_port(), child: None };
        match server.spawn() {
            Ok(child) => server.child = Some(child),
            Err(error) => {
                assert!(std::env::var("CI").as_deref() != Ok("true"), "redis-server does not start: {error}");
                eprintln!("skipped: redis-server does not start ({error})");
                return None;
            }
        }
        server.wait().await;
        Some(server)
    }

    fn spawn(&self) -> std::io::Result<Child> {
        let run = |program: &str| {
            Command::new(program)
                .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
                .arg(self.port.to_string())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
        };
        run("redis-server").or_else(|_| run("valkey-server"))
    }

    async fn wait(&self) {
        eventually("redis-server listens", async || {
            tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.ok()
        })
        .await;
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Settings for it, as [`redis_config`] gives them.
    pub fn config(&self) -> Config {
        config(self.url())
    }

    /// `CONFIG SET`.
    ///
    /// # Panics
    ///
    /// When it does not take it.
    pub async fn configure(&self, name: &str, value: &str) {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let connected = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await;
        let mut connection = connected.expect("redis-server listens");
        let command = format!("CONFIG SET {name} {value}\r\n");
        connection.write_all(command.as_bytes()).await.expect("redis-server reads");
        let mut answer = [0; 5];
        connection.read_exact(&mut answer).await.expect("redis-server answers");
        assert_eq!(&answer, b"+OK\r\n", "{command}");
    }

    /// Ends it at once, with all that it held.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Gone already is as good.
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// The same again, empty, on the same port.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn start_again(&mut self) {
        self.child = Some(self.spawn().expect("it started before"));
        self.wait().await;
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("a bound socket has an address").port()
}

/// Runs each of these functions as two tests: in memory (with [`RedisLink::none`]), and on Redis where there is one.
///
/// ```ignore
/// testkit::on_each_store!(keeps_what_it_is_given, forgets_in_time);
///
/// async fn keeps_what_it_is_given(link: RedisLink) { … }
/// ```
#[macro_export]
macro_rules! on_each_store {
    ($($test:ident),+ $(,)?) => {
        mod in_memory {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(redislink::RedisLink::none()).await;
            })+
        }
        mod on_redis {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                if let Some(link) = $crate::redis() {
                    super::$test(link).await;
                }
            })+
        }
    };
}
