//! Upkeep: what is old goes, what was left behind is taken up.

use std::time::Duration;

use kernel::Timestamp;
use tokio_util::sync::CancellationToken;

use super::Notifications;
use crate::{error::Error, jobs::SendBatch, store};

/// How often mails that nothing took are looked for.
const LOOK: Duration = Duration::from_secs(60);
/// Every how many looks what is old is purged.
const PURGE_EVERY: u32 = 60;
/// A batch whose time is over for so long has no task any more, or one that waits for its next attempt.
const OVERDUE: Duration = Duration::from_secs(15 * 60);
/// A notification that could not be mailed for so long is not news any more.
const MAIL_KEEP: Duration = Duration::from_secs(3 * 24 * 3_600);
const BATCHES: i64 = 500;

fn days(number: u32) -> Duration {
    Duration::from_secs(u64::from(number) * 24 * 3_600)
}

impl Notifications {
    /// Until told to stop.
    pub(crate) async fn keep(self, stop: CancellationToken) {
        let mut looks = 0_u32;
        loop {
            if let Err(error) = self.upkeep(looks.is_multiple_of(PURGE_EVERY)).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "the upkeep of notifications failed; trying again");
            }
            looks = looks.wrapping_add(1);
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    async fn upkeep(&self, purge: bool) -> Result<(), Error> {
        let now = self.clock.now();
        let before = |by: Duration| now.checked_sub(by).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut tx = self.db.read().await?;
        let overdue = store::mails::list_overdue(&mut tx, before(OVERDUE), BATCHES).await?;
        drop(tx);
        if !overdue.is_empty() {
            let mut tx = self.db.begin().await?;
            for batch in overdue {
                let ctx = self.system_ctx("mails that were left behind", batch.workspace);
                // One that is under way is found by its key, and no second is made.
                self.jobs.enqueue(&mut tx, &ctx, SendBatch { user: batch.user, batch: batch.batch }).await?;
            }
            tx.commit().await?;
        }
        if purge {
            self.purge(now).await?;
        }
        Ok(())
    }

    /// What is older than the settings keep.
    pub(crate) async fn purge(&self, now: Timestamp) -> Result<(), Error> {
        let before = |by: Duration| now.checked_sub(by).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut tx = self.db.begin().await?;
        let items = store::items::purge(&mut tx, before(days(self.config.keep_days))).await?;
        let deliveries =
            store::deliveries::purge(&mut tx, before(days(self.config.delivery_keep_days))).await?;
        let mails = store::mails::purge(&mut tx, before(MAIL_KEEP)).await?;
        store::webhooks::forget_previous_secrets(&mut tx, now).await?;
        tx.commit().await?;
        if items + deliveries + mails > 0 {
            tracing::info!(items, deliveries, mails, "old notifications purged");
        }
        Ok(())
    }
}
