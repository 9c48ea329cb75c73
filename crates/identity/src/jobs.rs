//! Work that outlives a request, or comes by itself.

use std::time::Duration;

use ::jobs::{Handlers, Job, JobContext, Options, Priority, Schedule};
use serde::{Deserialize, Serialize};
use serde_json::json;

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

/// Takes old rows of the audit log away.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeepAudit {}

impl Job for KeepAudit {
    const KIND: &'static str = "identity.keep_audit";

    fn options() -> Options {
        long()
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Looks along all chains of the audit log.
#[derive(Serialize, Deserialize)]
pub(crate) struct VerifyAudit {}

impl Job for VerifyAudit {
    const KIND: &'static str = "identity.verify_audit";

    fn options() -> Options {
        long()
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

fn long() -> Options {
    Options { timeout: Duration::from_secs(3_600), ..Options::default() }
}

pub(crate) fn schedules() -> Vec<Schedule> {
    vec![
        Schedule::new(
            RemoveOld::KIND,
            "Purges accounts that were deleted more than identity.deleted_keep_days ago, and sessions and links of long ago",
            "40 3 * * *",
            |_| RemoveOld {},
        ),
        Schedule::new(
            KeepAudit::KIND,
            "Deletes rows of the audit log that are older than identity.audit_keep_days, and old invitations",
            "35 3 * * *",
            |_| KeepAudit {},
        ),
        Schedule::new(VerifyAudit::KIND, "Checks that nobody changed the audit log", "5 4 * * *", |_| {
            VerifyAudit {}
        }),
    ]
}

pub(crate) fn handlers(identity: Identity) -> Handlers {
    let (removing, keeping, verifying) = (identity.clone(), identity.clone(), identity.clone());
    Handlers::new()
        .on(move |job: JobContext, asked: AnswerByMail| {
            let identity = identity.clone();
            async move { identity.answer_by_mail(&job, &asked).await }
        })
        .on(move |job: JobContext, _: RemoveOld| {
            let identity = removing.clone();
            async move { Ok(identity.remove_old(job.now()).await?.shown()) }
        })
        .on(move |job: JobContext, _: KeepAudit| {
            let identity = keeping.clone();
            async move {
                let (rows, broken) = identity.keep_audit(job.now()).await?;
                let invitations = identity.forget_invitations(job.now()).await?;
                Ok(json!({ "rows": rows, "broken": broken, "invitations": invitations }))
            }
        })
        .on(move |job: JobContext, _: VerifyAudit| {
            let identity = verifying.clone();
            async move {
                let (rows, broken) = identity.verify_all(job.now()).await?;
                Ok(json!({ "rows": rows, "broken": broken }))
            }
        })
}
