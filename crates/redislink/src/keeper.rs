//! The task that connects, watches and connects again.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, ErrorKind, RedisError, RedisResult, ServerErrorKind, aio::MultiplexedConnection,
};
use tokio::{runtime::Handle, time};

use crate::Inner;

/// To make a connection, with log-in and TLS.
pub(crate) const CONNECT_MAX: Duration = Duration::from_secs(2);
/// Between two questions to an idle Redis.
const PING_EVERY: Duration = Duration::from_secs(1);
/// Between two attempts to connect: doubled from the first to the second.
pub(crate) const PAUSE_MIN: Duration = Duration::from_millis(50);
pub(crate) const PAUSE_MAX: Duration = Duration::from_secs(1);

pub(crate) enum State {
    /// Never connected yet: callers wait.
    Starting,
    Up(Arc<Live>),
    /// It let somebody down: callers go on without, the keeper asks.
    Doubt(Arc<Live>),
    Down,
}

pub(crate) struct Live {
    pub(crate) connection: MultiplexedConnection,
}

/// The connection is at fault, or the server behind it is not able to work yet or any more; not the command.
pub(crate) fn is_of_connection(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Io
            | ErrorKind::Parse
            | ErrorKind::AuthenticationFailed
            | ErrorKind::Server(ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown)
    )
}

/// Runs outside the tracked spawner: it holds nothing that shutdown must wait for, and ends with the last handle.
pub(crate) fn start(inner: &Arc<Inner>) {
    let weak = Arc::downgrade(inner);
    drop(Handle::current().spawn(keep(weak)));
}

async fn keep(weak: Weak<Inner>) {
    let mut told_away = false;
    let mut pause = PAUSE_MIN;
    loop {
        let Some(inner) = weak.upgrade() else { return };
        let present = match &*inner.state.borrow() {
            State::Up(live) => Some((live.clone(), true)),
            State::Doubt(live) => Some((live.clone(), false)),
            State::Starting | State::Down => None,
        };
        if let Some((live, is_trusted)) = present {
            if is_trusted {
                await_reason(inner).await;
                let Some(inner) = weak.upgrade() else { return };
                if is_well(&live, inner.timeout).await {
                    inner.state.send_if_modified(|state| match state {
                        State::Doubt(doubted) if Arc::ptr_eq(doubted, &live) => {
                            *state = State::Up(live.clone());
                            true
                        }
                        _ => false,
                    });
                    continue;
                }
                inner.doubt(&live);
            } else if is_well(&live, inner.timeout).await {
                inner.state.send_replace(State::Up(live));
                continue;
            }
        }

        let Some(inner) = weak.upgrade() else { return };
        match connect(&inner).await {
            Ok(connection) => {
                inner.state.send_replace(State::Up(Arc::new(Live { connection })));
                metrics::gauge!("redis_up").set(1.0);
                if told_away {
                    tracing::info!("redis is back");
                }
                (told_away, pause) = (false, PAUSE_MIN);
            }
            Err(error) => {
                inner.state.send_replace(State::Down);
                metrics::gauge!("redis_up").set(0.0);
                if !told_away {
                    tracing::warn!(%error, "redis is away; going on without it until it is back");
                }
                told_away = true;
                drop(inner);
                time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}

/// Until it is time to ask, or somebody waited in vain, or was let down.
async fn await_reason(inner: Arc<Inner>) {
    let mut changes = inner.state.subscribe();
    tokio::select! {
        () = time::sleep(PING_EVERY) => {}
        () = inner.suspicion.notified() => {}
        _ = changes.wait_for(|state| !matches!(state, State::Up(_))) => {}
    }
}

async fn is_well(live: &Live, timeout: Duration) -> bool {
    let mut connection = live.connection.clone();
    let ping = async move { redis::cmd("PING").query_async::<String>(&mut connection).await };
    matches!(time::timeout(timeout, ping).await, Ok(Ok(_)))
}

async fn connect(inner: &Inner) -> RedisResult<MultiplexedConnection> {
    // The time limit of commands is the callers' own, which also covers the way into the queue.
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT_MAX)).set_response_timeout(None);
    let attempt = async {
        let mut connection = inner.client.get_multiplexed_async_connection_with_config(&config).await?;
        // A server that is still loading its data takes connections, and refuses all else.
        redis::cmd("PING").query_async::<String>(&mut connection).await?;
        Ok(connection)
    };
    match time::timeout(CONNECT_MAX, attempt).await {
        Ok(outcome) => outcome,
        Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
    }
}
