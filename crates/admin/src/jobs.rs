//! What the installation does for itself.

use ::jobs::{Handlers, Job, JobContext, Schedule};
use platform::Platform;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Deletes what nobody may look at any more.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ForgetOld {}

impl Job for ForgetOld {
    const KIND: &'static str = "admin.forget_old";

    /// One at a time.
    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

pub(crate) fn schedules() -> Vec<Schedule> {
    vec![Schedule::new(
        "admin.forget_old",
        "Deletes answers kept for idempotency keys after a day, finished tasks past their time, and the history of \
         schedules",
        "17 * * * *",
        |_| ForgetOld {},
    )]
}

pub(crate) fn handlers(platform: &Platform) -> Handlers {
    let platform = platform.clone();
    Handlers::new().on(move |job: JobContext, _: ForgetOld| {
        let platform = platform.clone();
        async move {
            let mut tx = platform.db.begin().await?;
            let answers = platform::forget_old_answers(&mut tx, platform.clock.now()).await?;
            tx.commit().await?;
            job.progress(50, "tasks").await?;
            let tasks = platform.jobs.forget_old().await?;
            Ok(json!({ "answers": answers, "tasks": tasks }))
        }
    })
}
