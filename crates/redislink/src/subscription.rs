use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use redis::{Client, Msg, RedisResult, aio::PubSub};
use tokio::{
    runtime::Handle,
    sync::mpsc,
    task::AbortHandle,
    time::{self, Instant},
};

use crate::{
    Inner,
    keeper::{CONNECT_MAX, PAUSE_MAX, PAUSE_MIN},
};

/// What a subscriber hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Redis knows of the subscription: what is published from now on arrives. After a [`Notice::Lost`], what was
    /// published in between did not, and has to be fetched by other means.
    Subscribed,
    Message {
        /// Without the prefix.
        channel: String,
        payload: Vec<u8>,
    },
    /// The connection is gone; the subscription is trying to come back.
    Lost,
}

/// A subscription that renews itself. Ends when it is dropped.
///
/// `recv` gives `Subscribed`, then messages, then `Lost`, then `Subscribed` again, and so on. Without a configured Redis
/// it never gives anything.
pub struct Subscription {
    notices: mpsc::Receiver<Notice>,
    /// Without Redis there is no task, and this end keeps the channel open.
    _idle: Option<mpsc::Sender<Notice>>,
    task: Option<AbortHandle>,
}

/// Notices that wait for a slow subscriber; then the task stops reading, and Redis ends the connection when its own
/// buffer (`client-output-buffer-limit pubsub`) is full: the subscriber hears `Lost`, never a silent gap.
const QUEUE: usize = 4096;
/// Between two questions to a Redis that has nothing to say; half of what notices that the connection is dead.
const PING_EVERY: Duration = Duration::from_secs(2);

impl Subscription {
    pub(crate) fn start(inner: Option<&Arc<Inner>>, name: String, is_pattern: bool) -> Self {
        let (sender, notices) = mpsc::channel(QUEUE);
        let Some(inner) = inner else { return Self { notices, _idle: Some(sender), task: None } };
        let topic = Topic { client: inner.client.clone(), skip: inner.prefix.len() + 1, name, is_pattern };
        // Outside the tracked spawner: it holds nothing that shutdown must wait for, and ends with this handle.
        let task = Handle::current().spawn(topic.follow(sender));
        Self { notices, _idle: None, task: Some(task.abort_handle()) }
    }

    /// The next notice. Can be dropped half-way, as in `select!`, without losing one.
    pub async fn recv(&mut self) -> Notice {
        match self.notices.recv().await {
            Some(notice) => notice,
            // The task ends only with this handle, or with the runtime.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

struct Topic {
    client: Client,
    name: String,
    is_pattern: bool,
    /// Bytes of the prefix and its colon.
    skip: usize,
}

impl Topic {
    async fn follow(self, notices: mpsc::Sender<Notice>) {
        let mut pause = PAUSE_MIN;
        loop {
            let connected = time::timeout(CONNECT_MAX, self.connect()).await;
            let Ok(Ok(connection)) = connected else {
                // The keeper tells of the outage; it would be the same news twice.
                time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
                continue;
            };
            if notices.send(Notice::Subscribed).await.is_err() {
                return;
            }
            let since = Instant::now();
            self.hear(connection, &notices).await;
            metrics::counter!("redis_subscriptions_lost_total").increment(1);
            if notices.send(Notice::Lost).await.is_err() {
                return;
            }
            // A connection that did not hold is no reason to hammer at the door.
            if since.elapsed() > PAUSE_MAX {
                pause = PAUSE_MIN;
            } else {
                time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }

    async fn connect(&self) -> RedisResult<PubSub> {
        let mut connection = self.client.get_async_pubsub().await?;
        if self.is_pattern {
            connection.psubscribe(&self.name).await?;
        } else {
            connection.subscribe(&self.name).await?;
        }
        Ok(connection)
    }

    /// Until the connection is gone, or the subscriber is.
    async fn hear(&self, connection: PubSub, notices: &mpsc::Sender<Notice>) {
        let (mut sink, mut stream) = connection.split();
        loop {
            match time::timeout(PING_EVERY, stream.next()).await {
                Ok(Some(message)) => {
                    let Some(notice) = self.notice(&message) else { continue };
                    if notices.send(notice).await.is_err() {
                        return;
                    }
                }
                Ok(None) => return,
                // Silence. The answer to a PING comes past the messages, which wait in the stream meanwhile.
                Err(_) => match time::timeout(PING_EVERY, sink.ping::<redis::Value>()).await {
                    Ok(Ok(_)) => {}
                    _ => return,
                },
            }
        }
    }

    fn notice(&self, message: &Msg) -> Option<Notice> {
        let channel = message.get_channel_name().get(self.skip..)?.to_owned();
        Some(Notice::Message { channel, payload: message.get_payload_bytes().to_vec() })
    }
}
