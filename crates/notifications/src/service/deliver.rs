use std::time::Duration;

use jobs::{Enqueue, JobContext, JobError};
use kernel::{Ctx, Timestamp, WorkspaceId};
use platform::{Level, Notify, Recipients};
use serde_json::{Value, json};

use super::Notifications;
use crate::{
    error::Error,
    events::WEBHOOK_DISABLED,
    jobs::Deliver,
    model::{Delivery, DeliveryId, Status, Webhook, next_attempt, sign},
    store,
};

/// What came back from the receiver.
#[derive(Debug, Default)]
struct Answered {
    status: Option<u16>,
    body: Option<String>,
    error: Option<String>,
    retry_after: Option<Duration>,
}

impl Answered {
    fn is_taken(&self) -> bool {
        self.error.is_none() && self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// 410: it is gone for good.
    fn is_gone(&self) -> bool {
        self.status == Some(410)
    }
}

const BODY_KEPT: usize = 1_024;

impl Notifications {
    /// One attempt. A crash between the receiver's answer and our commit sends the message again, under the same id.
    pub(crate) async fn deliver(&self, job_ctx: JobContext, job: Deliver) -> Result<Value, JobError> {
        let ctx = job_ctx.ctx();
        let Some((delivery, webhook)) = self.pending(ctx.workspace, job.delivery).await? else {
            return Ok(json!({ "outcome": "nothing to do" }));
        };
        let answered = match webhook.is_enabled || job.force {
            true => Some(self.call(&webhook, &delivery, job_ctx.now()).await),
            false => None,
        };
        let mut tx = self.db.begin().await?;
        let settled = self.settle(&mut tx, &ctx, delivery, answered, job.force).await?;
        job_ctx.complete_in(&mut tx, json!({ "outcome": settled.status.name() })).await?;
        tx.commit().await?;
        Ok(Value::Null)
    }

    /// The same without a worker, for who sits at the machine; no second attempt is ordered by a test.
    pub(crate) async fn deliver_now(&self, ctx: &Ctx, id: DeliveryId) -> Result<Option<Delivery>, Error> {
        let Some((delivery, webhook)) = self.pending(ctx.workspace, id).await? else { return Ok(None) };
        let answered = self.call(&webhook, &delivery, self.clock.now()).await;
        let mut tx = self.db.begin().await?;
        let settled = self.settle(&mut tx, ctx, delivery, Some(answered), true).await?;
        tx.commit().await?;
        Ok(Some(settled))
    }

    async fn pending(
        &self,
        workspace: WorkspaceId,
        id: DeliveryId,
    ) -> Result<Option<(Delivery, Webhook)>, Error> {
        let mut tx = self.db.read().await?;
        let found = store::deliveries::find(&mut tx, workspace, id).await?;
        let Some(delivery) = found.filter(|delivery| delivery.status == Status::Pending) else {
            return Ok(None);
        };
        let webhook = store::webhooks::find(&mut tx, workspace, delivery.webhook).await?;
        Ok(webhook.map(|webhook| (delivery, webhook)))
    }

    async fn call(&self, webhook: &Webhook, delivery: &Delivery, now: Timestamp) -> Answered {
        let timestamp_s = now.as_second();
        let message = delivery.message.to_string();
        let signature = sign(&webhook.secrets(now), &message, timestamp_s, &delivery.payload);
        let limit = Duration::from_millis(self.config.webhook_timeout_ms);
        // Each webhook has a breaker of its own: workspaces may use the same host.
        let upstream = self.outbound.to("webhooks").each(&webhook.id.to_string()).with(|policy| {
            policy.attempts = 1;
            policy.timeout = limit;
            policy.total_timeout = limit;
        });
        let call = upstream
            .post(webhook.url.as_str())
            .header("webhook-id", message)
            .header("webhook-timestamp", timestamp_s.to_string())
            .secret_header("webhook-signature", &signature)
            .header("user-agent", "Socle-Webhooks/1")
            .body("application/json", delivery.payload.clone());
        let mut pieces = match call.open().await {
            Ok(pieces) => pieces,
            Err(error) => return Answered { error: Some(error.to_string()), ..Answered::default() },
        };
        let status = pieces.status.as_u16();
        let retry_after = pieces.retry_after();
        let mut body = Vec::new();
        while body.len() < BODY_KEPT
            && let Ok(Some(piece)) = pieces.next().await
        {
            body.extend_from_slice(&piece);
        }
        body.truncate(BODY_KEPT);
        // NUL is what PostgreSQL's texts cannot hold.
        let body = String::from_utf8_lossy(&body).replace('\0', "\u{fffd}");
        Answered {
            status: Some(status),
            body: Some(body),
            error: (!(200..300).contains(&status)).then(|| format!("the receiver answered {status}")),
            retry_after,
        }
    }

    /// Writes down what came of an attempt, and what follows: another one later, or the end. Without an answer the webhook
    /// was switched off meanwhile.
    async fn settle(
        &self,
        tx: &mut db::Tx,
        ctx: &Ctx,
        mut delivery: Delivery,
        answered: Option<Answered>,
        once: bool,
    ) -> Result<Delivery, Error> {
        let now = self.clock.now();
        let Some(mut webhook) = store::webhooks::lock(tx, ctx.workspace, delivery.webhook).await? else {
            return Ok(delivery);
        };
        let Some(answered) = answered else {
            delivery.status = Status::Failed;
            delivery.error = Some("the webhook is switched off".to_owned());
            delivery.next_at = None;
            store::deliveries::save(tx, &delivery).await?;
            count("disabled");
            return Ok(delivery);
        };
        delivery.attempts += 1;
        delivery.next_at = None;
        delivery.response_status = answered.status;
        delivery.response_body = answered.body.clone();
        delivery.error = answered.error.clone();
        if answered.is_taken() {
            delivery.status = Status::Delivered;
            delivery.delivered_at = Some(now);
            webhook.last_delivery_at = Some(now);
            webhook.failing_since = None;
            count("delivered");
        } else {
            webhook.failing_since.get_or_insert(now);
            let next = match answered.is_gone() || once {
                true => None,
                false => next_attempt(delivery.id, delivery.attempts, answered.retry_after),
            };
            match next {
                Some(delay) => {
                    delivery.next_at = now.checked_add(delay).ok();
                    let again = Deliver { delivery: delivery.id, force: false };
                    let ctx = Ctx { now, ..ctx.clone() };
                    let how = Enqueue { delay, ..Enqueue::default() };
                    self.jobs.enqueue_with(tx, &ctx, again, how).await?;
                    count("retried");
                }
                None => {
                    delivery.status = Status::Failed;
                    count("failed");
                }
            }
            self.switch_off_if_lost(tx, ctx, &mut webhook, answered.is_gone(), now).await?;
        }
        store::deliveries::save(tx, &delivery).await?;
        store::webhooks::save(tx, &webhook).await?;
        Ok(delivery)
    }

    async fn switch_off_if_lost(
        &self,
        tx: &mut db::Tx,
        ctx: &Ctx,
        webhook: &mut Webhook,
        is_gone: bool,
        now: Timestamp,
    ) -> Result<(), Error> {
        let days = self.config.webhook_disable_days;
        if !webhook.is_enabled || !(is_gone || webhook.has_failed_for(days, now)) {
            return Ok(());
        }
        webhook.is_enabled = false;
        webhook.disabled_why = Some(match is_gone {
            true => "the receiver answered 410 Gone".to_owned(),
            false => format!("nothing was taken for {days} days"),
        });
        let to = Recipients::Permission("notifications.webhooks.write".to_owned());
        let notify = Notify::new(to, WEBHOOK_DISABLED)
            .level(Level::Error)
            .link("/admin/webhooks")
            .param("host", webhook.url.url().host_str().unwrap_or_default())
            .param("gone", is_gone)
            .param("days", days);
        self.jobs.enqueue(tx, ctx, notify).await?;
        tracing::warn!(webhook.id = %webhook.id, why = webhook.disabled_why, "webhook switched off");
        Ok(())
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("webhooks_deliveries_total", "outcome" => outcome).increment(1);
}
