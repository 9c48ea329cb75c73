//! Work that comes by itself.

use ::jobs::{Handlers, Job, JobContext, Options, Schedule};
use serde::{Deserialize, Serialize};

use crate::service::Ml;

/// Deletes for good what was deleted long enough ago.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Purge {}

impl Job for Purge {
    const KIND: &'static str = "ml.purge";

    fn options() -> Options {
        Options { timeout: std::time::Duration::from_secs(3_600), ..Options::default() }
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Tells one of MLflow's webhooks of one thing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TellWebhook {
    pub(crate) message: String,
}

impl Job for TellWebhook {
    const KIND: &'static str = "ml.tell_webhook";

    fn options() -> Options {
        Options { queue: platform::OUTGOING, max_attempts: 12, ..Options::default() }
    }
}

pub(crate) fn schedules() -> Vec<Schedule> {
    vec![Schedule::new(
        Purge::KIND,
        "Deletes runs, logged models and experiments for good, with their artifacts, that were deleted more than \
         ml.deleted_keep_days ago",
        "50 3 * * *",
        |_| Purge {},
    )]
}

pub(crate) fn handlers(ml: Ml) -> Handlers {
    let teller = ml.clone();
    Handlers::new()
        .on(move |job: JobContext, _: Purge| {
            let ml = ml.clone();
            async move { Ok(ml.purge_old(job.now()).await?.shown()) }
        })
        .on(move |job, order: TellWebhook| {
            let ml = teller.clone();
            async move { ml.deliver_to_webhook(job, order).await }
        })
}
