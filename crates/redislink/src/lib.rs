//! What the nodes of one installation share: one Redis (or Valkey), or nothing.
//!
//! [`RedisLink::none`] is the embedded default: every caller then keeps to its own process. A configured Redis that is
//! away never fails a request: [`RedisLink::run`] and its siblings say [`Error::Away`] at once, the caller goes on by
//! itself, and the link comes back without help.
//!
//! An outage: a command meets a broken connection; the link is *in doubt*, and from then on every caller hears `Away`
//! without waiting. The keeper, a task that lives as long as the link, asks `PING`; without an answer it says once in the
//! log that Redis is away, sets `redis_up` to 0 and tries to connect again with growing pauses of a second at most. When
//! that works it says so once, and the next command goes through. An idle link is asked every second, so that an outage is
//! noticed before a request meets it.
//!
//! A Redis that answers and refuses (it is full, a replica, or the user may not) is up: callers hear [`Error::Refused`] and go
//! on by themselves, the log tells of it once a minute, and [`RedisLink::check`] tells readiness.
//!
//! A command that runs into its time limit may be slow for reasons of its own, or of this process: the keeper asks `PING`
//! at once, and only if that stays without an answer too is the link in doubt.

mod config;
mod keeper;
mod subscription;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use redis::{
    Client, Cmd, FromRedisValue, Pipeline, RedisError, RedisResult, ScriptInvocation,
    aio::MultiplexedConnection,
};
use tokio::sync::{Notify, watch};

pub use config::{Config, ConfigError};
use keeper::{Live, State};
pub use subscription::{Notice, Subscription};

/// Redis is not configured, or does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("redis is away")]
pub struct Away;

/// Why a command gave no value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not configured, or it does not answer: go on without it.
    #[error(transparent)]
    Away(#[from] Away),
    /// It answered, with an error: a fault of the command, or of how Redis is set up (memory, rights).
    #[error("redis refused a command")]
    Refused(#[source] RedisError),
}

/// Between two lines in the log about commands that Redis refuses: it may refuse one for every request.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// The handle. Cheap to clone.
#[derive(Clone)]
pub struct RedisLink(Option<Arc<Inner>>);

struct Inner {
    client: Client,
    prefix: String,
    timeout: Duration,
    state: watch::Sender<State>,
    /// Somebody waited in vain: the keeper should ask.
    suspicion: Notify,
    /// When the log last told of a refused command.
    told_refused: Mutex<Option<Instant>>,
}

impl RedisLink {
    /// No Redis: every process for itself.
    pub fn none() -> Self {
        Self(None)
    }

    /// Does not wait for Redis: one that is away does not stop the start. Must be called within a runtime, where the
    /// keeper then runs.
    pub fn open(config: &Config) -> Result<Self, ConfigError> {
        if config.url.expose().is_empty() {
            return Ok(Self::none());
        }
        let inner = Arc::new(Inner {
            client: config.client()?,
            prefix: config.prefix.clone(),
            timeout: Duration::from_millis(config.timeout_ms),
            state: watch::Sender::new(State::Starting),
            suspicion: Notify::new(),
            told_refused: Mutex::default(),
        });
        keeper::start(&inner);
        Ok(Self(Some(inner)))
    }

    pub fn is_configured(&self) -> bool {
        self.0.is_some()
    }

    /// Configured, and it answers.
    pub fn is_up(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| matches!(*inner.state.borrow(), State::Up(_)))
    }

    /// As [`is_up`](Self::is_up), waiting for the first connection of a link that was just opened.
    pub async fn answers(&self) -> bool {
        match &self.0 {
            Some(inner) => inner.live().await.is_ok(),
            None => false,
        }
    }

    /// Whether it takes a write: one that is full, or a replica, answers and takes none.
    pub async fn check(&self) -> Result<(), Error> {
        self.run(redis::cmd("SET").arg(self.key("check")).arg(1).arg("PX").arg(60_000)).await
    }

    /// What keys and channels of this installation begin with, without the colon.
    pub fn prefix(&self) -> &str {
        self.0.as_ref().map_or("socle", |inner| inner.prefix.as_str())
    }

    /// `prefix:name`.
    pub fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix())
    }

    /// A connection that many callers share. [`run`](Self::run) and its siblings are better: they notice an outage.
    pub async fn connection(&self) -> Result<MultiplexedConnection, Away> {
        Ok(self.0.as_ref().ok_or(Away)?.live().await?.connection.clone())
    }

    /// One command.
    pub async fn run<T: FromRedisValue + Send>(&self, command: &Cmd) -> Result<T, Error> {
        self.with(|mut connection| Box::pin(async move { command.query_async(&mut connection).await })).await
    }

    /// Several commands on one way there and back.
    pub async fn run_all<T: FromRedisValue + Send>(&self, commands: &Pipeline) -> Result<T, Error> {
        self.with(|mut connection| Box::pin(async move { commands.query_async(&mut connection).await })).await
    }

    /// A script, by its hash; its text is sent only to a Redis that does not know it.
    pub async fn invoke<T: FromRedisValue + Send>(&self, script: &ScriptInvocation<'_>) -> Result<T, Error> {
        self.with(|mut connection| Box::pin(async move { script.invoke_async(&mut connection).await })).await
    }

    /// To all subscribers on all nodes; how many there were. `channel` is without prefix.
    pub async fn publish(&self, channel: &str, payload: &[u8]) -> Result<u64, Error> {
        self.run(redis::cmd("PUBLISH").arg(self.key(channel)).arg(payload)).await
    }

    /// Hears one channel, given without prefix. Begins, ends and begins again by itself; see [`Subscription`].
    pub fn subscribe(&self, channel: &str) -> Subscription {
        Subscription::start(self.0.as_ref(), self.key(channel), false)
    }

    /// Hears all channels that fit a glob-style pattern (`rooms:*`), given without prefix.
    pub fn subscribe_pattern(&self, pattern: &str) -> Subscription {
        // The prefix holds no character that means something in a pattern: `Config::validate`.
        Subscription::start(self.0.as_ref(), self.key(pattern), true)
    }

    async fn with<'a, T>(
        &self,
        work: impl FnOnce(MultiplexedConnection) -> BoxFuture<'a, RedisResult<T>>,
    ) -> Result<T, Error> {
        let inner = self.0.as_ref().ok_or(Away)?;
        let live = inner.live().await?;
        match tokio::time::timeout(inner.timeout, work(live.connection.clone())).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) if keeper::is_of_connection(&error) => {
                metrics::counter!("redis_errors_total", "kind" => "connection").increment(1);
                tracing::debug!(%error, "redis: the connection failed");
                inner.doubt(&live);
                Err(Away.into())
            }
            Ok(Err(error)) => {
                metrics::counter!("redis_errors_total", "kind" => "refused").increment(1);
                inner.tell_refused(&error);
                Err(Error::Refused(error))
            }
            Err(_) => {
                metrics::counter!("redis_errors_total", "kind" => "timeout").increment(1);
                inner.suspicion.notify_one();
                Err(Away.into())
            }
        }
    }
}

impl Inner {
    /// At once, except for the first connection of a link that was just opened.
    async fn live(&self) -> Result<Arc<Live>, Away> {
        match &*self.state.borrow() {
            State::Up(live) => return Ok(live.clone()),
            State::Doubt(_) | State::Down => return Err(Away),
            State::Starting => {}
        }
        let mut changes = self.state.subscribe();
        let first = changes.wait_for(|state| !matches!(state, State::Starting));
        match tokio::time::timeout(keeper::CONNECT_MAX, first).await {
            Ok(Ok(state)) => match &*state {
                State::Up(live) => Ok(live.clone()),
                _ => Err(Away),
            },
            _ => Err(Away),
        }
    }

    fn tell_refused(&self, error: &RedisError) {
        let mut told = self.told_refused.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            *told = Some(Instant::now());
            tracing::warn!(%error, "redis refuses commands; what needs them goes on without");
        }
    }

    /// This connection let somebody down. Callers keep off Redis until the keeper knows more.
    fn doubt(&self, failed: &Arc<Live>) {
        self.state.send_if_modified(|state| match state {
            State::Up(live) if Arc::ptr_eq(live, failed) => {
                *state = State::Doubt(failed.clone());
                true
            }
            _ => false,
        });
    }
}
