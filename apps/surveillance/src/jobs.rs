//! Work that outlives a request.

use ::jobs::{Handlers, Job, JobContext, Options};
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

pub(crate) fn handlers(sentinel: Sentinel) -> Handlers {
    Handlers::new().on(move |job: JobContext, clip: MakeClip| {
        let sentinel = sentinel.clone();
        async move { sentinel.make_clip(&job, clip.event).await }
    })
}
