//! Work that waits for its time, or for others.

use jobs::{Handlers, Job, Options};
use kernel::UserId;
use platform::OUTGOING;
use serde::{Deserialize, Serialize};

use crate::{model::DeliveryId, service::Notifications};

/// Mails what waits in a batch.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SendBatch {
    pub(crate) user: UserId,
    pub(crate) batch: String,
}

impl Job for SendBatch {
    const KIND: &'static str = "notifications.send_batch";

    fn options() -> Options {
        Options { queue: OUTGOING, max_attempts: 24, ..Options::default() }
    }

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", self.user, self.batch))
    }
}

/// Makes one attempt at a delivery; the next one is a task of its own.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Deliver {
    pub(crate) delivery: DeliveryId,
    /// Also to a webhook that is switched off, and only once: a test.
    pub(crate) force: bool,
}

impl Job for Deliver {
    const KIND: &'static str = "notifications.deliver";

    fn options() -> Options {
        Options { queue: OUTGOING, max_attempts: 10, ..Options::default() }
    }
}

pub(crate) fn handlers(notifications: Notifications) -> Handlers {
    let (notify, mail, batch, deliver) =
        (notifications.clone(), notifications.clone(), notifications.clone(), notifications);
    Handlers::new()
        .on(move |ctx, job| {
            let notifications = notify.clone();
            async move { notifications.notify(ctx, job).await }
        })
        .on(move |ctx, job| {
            let notifications = mail.clone();
            async move { notifications.send_mail(ctx, job).await }
        })
        .on(move |ctx, job| {
            let notifications = batch.clone();
            async move { notifications.send_batch(ctx, job).await }
        })
        .on(move |ctx, job| {
            let notifications = deliver.clone();
            async move { notifications.deliver(ctx, job).await }
        })
}
