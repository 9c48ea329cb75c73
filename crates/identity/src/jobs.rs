//! Work that outlives a request.

use ::jobs::{Handlers, Job, JobContext, Options, Priority, Schedule};
use serde::{Deserialize, Serialize};

use crate::service::Identity;

/// Does what a stranger asked for, and tells them by mail alone. The request that asks writes one of these and nothing
/// else, so that its answer takes as long for an address that has an account as for one that has none.
#[derive(Serialize, Deserialize)]
pub(crate) struct AnswerByMail {
    /// Sealed, because a registration holds the hash of a password; base64.
    pub(crate) sealed: String,
}

impl Job for AnswerByMail {
    const KIND: &'static str = "identity.answer_by_mail";

    fn options() -> Options {
        Options { priority: Priority::High, max_attempts: 10, ..Options::default() }
    }
}

/// Removes what was deleted, or is over, since long.
#[derive(Serialize, Deserialize)]
pub(crate) struct RemoveOld {}

impl Job for RemoveOld {
    const KIND: &'static str = "identity.remove_old";

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

pub(crate) fn schedules() -> Vec<Schedule> {
    vec![Schedule::new(
        RemoveOld::KIND,
        "Purges accounts that were deleted more than identity.deleted_keep_days ago, and sessions and links of long ago",
        "40 3 * * *",
        |_| RemoveOld {},
    )]
}

pub(crate) fn handlers(identity: Identity) -> Handlers {
    let keeper = identity.clone();
    Handlers::new()
        .on(move |job: JobContext, asked: AnswerByMail| {
            let identity = identity.clone();
            async move { identity.answer_by_mail(&job, &asked).await }
        })
        .on(move |job: JobContext, _: RemoveOld| {
            let identity = keeper.clone();
            async move { Ok(identity.remove_old(job.now()).await?.shown()) }
        })
}
