use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Starts background tasks that shutdown knows of. `tokio::spawn` is not to be used beside it.
#[derive(Debug, Clone, Default)]
pub struct Spawner {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Spawner {
    /// A task that shutdown waits for; it should watch [`token`](Self::token).
    pub fn spawn<T: Send + 'static>(
        &self,
        name: &'static str,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        tracing::trace!(name, "task started");
        self.tracker.spawn(task)
    }

    /// For a part that starts tasks by itself, such as one for each connection: shutdown waits for them too.
    pub fn tracker(&self) -> TaskTracker {
        self.tracker.clone()
    }

    /// Cancelled when the server stops.
    pub fn token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Tells every task to end, and waits until all have.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}
