//! Work that outlives a request.

use ::jobs::{Handlers, Job, JobContext, Options, Schedule};
use serde::{Deserialize, Serialize};

use crate::{model::EventId, service::Sentinel};

/// Joins the recording of an event into its clip.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MakeClip {
    pub(crate) event: EventId,
}

impl Job for MakeClip {
    const KIND: &'static str = "surveillance.make_clip";

    fn options() -> Options {
        Options { timeout: std::time::Duration::from_secs(300), ..Options::default() }
    }

    fn unique_key(&self) -> Option<String> {
        Some(self.event.to_string())
    }
}

/// Deletes for good what was removed long enough ago.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PurgeCameras {}

impl Job for PurgeCameras {
    const KIND: &'static str = "surveillance.purge_cameras";

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

pub(crate) fn schedules() -> Vec<Schedule> {
    vec![Schedule::new(
        PurgeCameras::KIND,
        "Deletes cameras for good that were removed more than surveillance.deleted_retention_days ago",
        "20 3 * * *",
        |_| PurgeCameras {},
    )]
}

pub(crate) fn handlers(sentinel: Sentinel) -> Handlers {
    let purging = sentinel.clone();
    Handlers::new()
        .on(move |job: JobContext, clip: MakeClip| {
            let sentinel = sentinel.clone();
            async move { sentinel.make_clip(&job, clip.event).await }
        })
        .on(move |job: JobContext, _: PurgeCameras| {
            let sentinel = purging.clone();
            async move {
                let purged = sentinel.purge_cameras(job.now()).await?;
                Ok(serde_json::json!({ "purged": purged }))
            }
        })
}
