//! Hands on what the outbox holds to webhooks. The position stands in the database and moves with the deliveries, in one
//! transaction: a crash loses nothing and doubles nothing, and of several nodes one reads at a time. Nothing is read beyond
//! where the outbox is whole, since on PostgreSQL a lower position may commit after a higher one.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::{Notifications, webhooks::new_delivery};
use crate::{
    error::Error,
    model::MessageId,
    store::{self, outbox::Happened},
};

/// Events handed on in one transaction.
const BATCH: i64 = 200;
/// Without webhooks the position moves this seldom: it only says where one would begin.
const REST: Duration = Duration::from_secs(10);

/// A message as receivers read it.
#[derive(Serialize)]
struct Payload<'p> {
    #[serde(rename = "type")]
    topic: &'p str,
    timestamp: kernel::Timestamp,
    data: &'p RawValue,
}

impl Notifications {
    /// Until told to stop.
    pub(crate) async fn read_outbox(self, stop: CancellationToken) {
        let pause = Duration::from_millis(self.config.webhook_poll_ms);
        let mut moved: Option<Instant> = None;
        while !stop.is_cancelled() {
            let mut wait = pause;
            match self.hand_on(moved.is_none_or(|moved| moved.elapsed() >= REST)).await {
                Ok(Step::More) => wait = Duration::ZERO,
                Ok(Step::Moved) => moved = Some(Instant::now()),
                Ok(Step::Rested) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "events could not be handed on to webhooks; trying again");
                    wait = pause.max(Duration::from_secs(1));
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn hand_on(&self, is_time: bool) -> Result<Step, Error> {
        // Read before the transactions begin, so that they see all of it.
        let settled = self.events.settled();
        let mut tx = self.db.read().await?;
        let position = store::outbox::position(&mut tx).await?;
        let newest = store::outbox::bounds(&mut tx).await?.newest;
        if position == newest || (settled <= position && position < newest) {
            return Ok(Step::Rested);
        }
        if !is_time && store::webhooks::list_enabled(&mut tx).await?.is_empty() {
            return Ok(Step::Rested);
        }
        drop(tx);

        let mut tx = self.db.begin().await?;
        let position = store::outbox::lock_position(&mut tx).await?;
        let bounds = store::outbox::bounds(&mut tx).await?;
        if bounds.newest < position {
            // Another outbox than before: restored, or moved to another engine. It counts from its own beginning.
            tracing::warn!(
                position,
                newest = bounds.newest,
                "the outbox begins anew; webhooks go on from here"
            );
            store::outbox::save_position(&mut tx, bounds.newest).await?;
            store::webhooks::begin_anew(&mut tx).await?;
            tx.commit().await?;
            return Ok(Step::Moved);
        }
        let webhooks = store::webhooks::list_enabled(&mut tx).await?;
        if position > 0 && bounds.oldest > position + 1 && !webhooks.is_empty() {
            metrics::counter!("webhooks_events_lost_total").increment(1);
            tracing::error!(
                position,
                oldest = bounds.oldest,
                "events may have been purged before webhooks heard of them: no worker ran for longer than realtime.keep_s"
            );
        }
        // Another node may have come further than this one has seen.
        let until = settled.min(bounds.newest).max(position);
        let happened = match webhooks.is_empty() {
            true => Vec::new(),
            false => store::outbox::after(&mut tx, position, until, BATCH).await?,
        };
        let is_all = happened.len() < BATCH as usize;
        for one in happened.iter().filter(|one| !is_own(one)) {
            let ctx = self.system_ctx("webhook", one.workspace);
            let listeners = webhooks.iter().filter(|webhook| {
                webhook.workspace == one.workspace
                    && one.position > webhook.after_position
                    && webhook.hears(&one.topic)
            });
            let mut message = None;
            for webhook in listeners {
                let (id, payload) = match &message {
                    Some(message) => message,
                    None => message.insert((MessageId::new(ctx.now), payload(one)?)),
                };
                let delivery = new_delivery(&ctx, webhook, *id, one.topic.clone(), payload.clone());
                self.order(&mut tx, &ctx, &delivery, false).await?;
            }
        }
        let reached = if is_all { until } else { happened.last().map_or(position, |last| last.position) };
        store::outbox::save_position(&mut tx, reached).await?;
        tx.commit().await?;
        Ok(if is_all { Step::Moved } else { Step::More })
    }
}

enum Step {
    More,
    Moved,
    Rested,
}

/// A task of this module that changed: a delivery would be told of its own delivery, without end.
fn is_own(happened: &Happened) -> bool {
    #[derive(serde::Deserialize)]
    struct Changed {
        kind: String,
    }
    happened.topic == "jobs.task_changed"
        && serde_json::from_str::<Changed>(&happened.data)
            .is_ok_and(|changed| changed.kind.starts_with("notifications."))
}

fn payload(happened: &Happened) -> Result<String, Error> {
    let fault = |source: serde_json::Error| {
        Error::Db(db::Error::Column { column: "data".to_owned(), source: source.into() })
    };
    let data: &RawValue = serde_json::from_str(&happened.data).map_err(fault)?;
    serde_json::to_string(&Payload { topic: &happened.topic, timestamp: happened.at, data }).map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_read_as_the_standard_says_and_never_of_themselves() {
        let happened = |topic: &str, data: &str| Happened {
            position: 1,
            topic: topic.to_owned(),
            workspace: kernel::WorkspaceId::new(kernel::Timestamp::UNIX_EPOCH),
            data: data.to_owned(),
            at: kernel::Timestamp::UNIX_EPOCH,
        };
        let text = payload(&happened("a.b", r#"{"z":1,"a":"é"}"#)).unwrap();
        assert_eq!(text, r#"{"type":"a.b","timestamp":"1970-01-01T00:00:00Z","data":{"z":1,"a":"é"}}"#);
        assert!(is_own(&happened(
            "jobs.task_changed",
            r#"{"kind":"notifications.deliver","state":"running"}"#
        )));
        assert!(!is_own(&happened("jobs.task_changed", r#"{"kind":"surveillance.make_clip"}"#)));
        assert!(!is_own(&happened("a.b", r#"{"kind":"notifications.deliver"}"#)));
    }
}
