//! On PostgreSQL, workers in other processes hear at once that there is something to do: a notification without payload,
//! sent after the commit, outside of it, and at most once in a while however much is enqueued. It is a wake-up and no
//! more: whoever misses it finds the task at its next look.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{handlers::chain, queue::Inner};

const CHANNEL: &str = "socle_jobs";
/// At most one notification in this time: 100 a second cost PostgreSQL next to nothing.
const PAUSE: Duration = Duration::from_millis(10);
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Passes this process's wake-ups on, until `shutdown`.
pub(crate) async fn tell(jobs: &Inner, shutdown: CancellationToken) {
    if jobs.db.engine() == db::Engine::Sqlite {
        // One process, but for the command line.
        return shutdown.cancelled().await;
    }
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = jobs.to_tell.notified() => {}
        }
        tell_now(jobs).await;
        tokio::time::sleep(PAUSE).await;
    }
}

pub(crate) async fn tell_now(jobs: &Inner) {
    if let Err(error) = jobs.db.notify(CHANNEL).await {
        tracing::debug!(
            error = chain(&error),
            "could not wake the other workers; they will look by themselves"
        );
    }
}

/// Wakes this process's worker when another process says so. Ends only with the task that it runs in.
pub(crate) async fn hear(jobs: Arc<Inner>) {
    loop {
        match jobs.db.listen(CHANNEL).await {
            Ok(None) => return std::future::pending().await,
            Ok(Some(mut ear)) => loop {
                if let Err(error) = ear.heard().await {
                    tracing::warn!(
                        error = chain(&error),
                        "wake-ups are not heard for now; looking every while instead"
                    );
                    break;
                }
                jobs.enqueued.notify_one();
            },
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "wake-ups are not heard for now; looking every while instead"
                );
            }
        }
        tokio::time::sleep(AFTER_FAILURE).await;
    }
}
