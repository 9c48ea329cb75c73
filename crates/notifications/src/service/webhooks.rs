use jiff::ToSpan as _;
use kernel::{Allow, Ctx, TaskId};
use platform::Audit;
use serde_json::json;
use web::Feed;

use super::Notifications;
use crate::{
    error::Error,
    events::WEBHOOK_TEST,
    jobs::Deliver,
    model::{
        Delivery, DeliveryId, MessageId, SigningSecret, Status, TopicPattern, Webhook, WebhookId, WebhookUrl,
    },
    permissions::{ReadWebhooks, WriteWebhooks},
    store,
};

/// What a new webhook is made of.
#[derive(Debug, Clone)]
pub(crate) struct WebhookDraft {
    pub(crate) url: String,
    pub(crate) description: String,
    pub(crate) topics: Vec<String>,
}

/// What changes; `None` stays.
#[derive(Debug, Clone, Default)]
pub(crate) struct WebhookChange {
    pub(crate) url: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) topics: Option<Vec<String>>,
    pub(crate) is_enabled: Option<bool>,
}

const DESCRIPTION_MAX: usize = 200;
const TOPICS_MAX: usize = 50;

fn checked_description(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.chars().count() > DESCRIPTION_MAX || text.chars().any(char::is_control) {
        return Err(Error::invalid("/description", "must be one line of at most 200 characters"));
    }
    Ok(text.to_owned())
}

impl Notifications {
    fn checked_url(&self, text: &str) -> Result<WebhookUrl, Error> {
        let url = WebhookUrl::parse(text.trim(), self.config.webhook_plain_http)?;
        // An address in numbers is refused now; a name is checked each time that it is called.
        let checked = self.outbound.to("webhooks").check(url.as_str());
        checked.map_err(|error| Error::invalid("/url", &error.to_string()))?;
        Ok(url)
    }

    fn checked_topics(&self, texts: &[String]) -> Result<Vec<TopicPattern>, Error> {
        if texts.is_empty() || texts.len() > TOPICS_MAX {
            return Err(Error::invalid("/topics", "must name 1 to 50 topics, or *"));
        }
        let known: Vec<&str> = self.topics().iter().map(|topic| topic.name).collect();
        texts.iter().map(|text| TopicPattern::parse(text, &known)).collect()
    }

    /// Oldest first. There are few enough to be read whole.
    pub(crate) async fn list_webhooks(&self, allow: &Allow<ReadWebhooks>) -> Result<Vec<Webhook>, Error> {
        let mut tx = self.db.read().await?;
        Ok(store::webhooks::list(&mut tx, allow.workspace).await?)
    }

    pub(crate) async fn get_webhook(
        &self,
        allow: &Allow<ReadWebhooks>,
        id: WebhookId,
    ) -> Result<Webhook, Error> {
        let mut tx = self.db.read().await?;
        store::webhooks::find(&mut tx, allow.workspace, id).await?.ok_or(Error::WebhookNotFound(id))
    }

    /// It hears what happens from now on.
    pub(crate) async fn create_webhook(
        &self,
        allow: &Allow<WriteWebhooks>,
        draft: WebhookDraft,
    ) -> Result<Webhook, Error> {
        let ctx: &Ctx = allow;
        let mut webhook = Webhook {
            id: WebhookId::new(ctx.now),
            workspace: ctx.workspace,
            url: self.checked_url(&draft.url)?,
            description: checked_description(&draft.description)?,
            topics: self.checked_topics(&draft.topics)?,
            secret: SigningSecret::random(&mut rand::rng()),
            previous: None,
            is_enabled: true,
            disabled_why: None,
            after_position: 0,
            created_at: ctx.now,
            last_delivery_at: None,
            failing_since: None,
        };
        let mut tx = self.db.begin().await?;
        let others = store::webhooks::list(&mut tx, ctx.workspace).await?;
        if others.len() >= self.config.webhooks_max as usize {
            return Err(Error::TooManyWebhooks(self.config.webhooks_max));
        }
        webhook.after_position = store::outbox::bounds(&mut tx).await?.newest;
        store::webhooks::insert(&mut tx, &webhook).await?;
        self.record(&mut tx, ctx, "notifications.webhook-created", &webhook).await?;
        tx.commit().await?;
        Ok(webhook)
    }

    pub(crate) async fn update_webhook(
        &self,
        allow: &Allow<WriteWebhooks>,
        id: WebhookId,
        change: WebhookChange,
    ) -> Result<Webhook, Error> {
        let ctx: &Ctx = allow;
        let mut tx = self.db.begin().await?;
        let found = store::webhooks::lock(&mut tx, ctx.workspace, id).await?;
        let mut webhook = found.ok_or(Error::WebhookNotFound(id))?;
        if let Some(url) = change.url {
            webhook.url = self.checked_url(&url)?;
        }
        if let Some(description) = change.description {
            webhook.description = checked_description(&description)?;
        }
        if let Some(topics) = change.topics {
            webhook.topics = self.checked_topics(&topics)?;
        }
        if let Some(is_enabled) = change.is_enabled
            && is_enabled != webhook.is_enabled
        {
            webhook.is_enabled = is_enabled;
            webhook.disabled_why = None;
            webhook.failing_since = None;
            // What happened while it was off is not made up for.
            webhook.after_position = store::outbox::bounds(&mut tx).await?.newest;
        }
        store::webhooks::save(&mut tx, &webhook).await?;
        self.record(&mut tx, ctx, "notifications.webhook-changed", &webhook).await?;
        tx.commit().await?;
        Ok(webhook)
    }

    pub(crate) async fn delete_webhook(
        &self,
        allow: &Allow<WriteWebhooks>,
        id: WebhookId,
    ) -> Result<(), Error> {
        let ctx: &Ctx = allow;
        let mut tx = self.db.begin().await?;
        let found = store::webhooks::find(&mut tx, ctx.workspace, id).await?;
        let webhook = found.ok_or(Error::WebhookNotFound(id))?;
        store::webhooks::delete(&mut tx, ctx.workspace, id).await?;
        self.record(&mut tx, ctx, "notifications.webhook-deleted", &webhook).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The new secret; the one before signs too for `notifications.webhook_overlap_h`.
    pub(crate) async fn rotate_secret(
        &self,
        allow: &Allow<WriteWebhooks>,
        id: WebhookId,
    ) -> Result<Webhook, Error> {
        let ctx: &Ctx = allow;
        let mut tx = self.db.begin().await?;
        let found = store::webhooks::lock(&mut tx, ctx.workspace, id).await?;
        let mut webhook = found.ok_or(Error::WebhookNotFound(id))?;
        let fresh = SigningSecret::random(&mut rand::rng());
        let overlap = i64::from(self.config.webhook_overlap_h).hours();
        let until = ctx.now.checked_add(overlap).unwrap_or(kernel::Timestamp::MAX);
        webhook.previous = Some((std::mem::replace(&mut webhook.secret, fresh), until));
        store::webhooks::save(&mut tx, &webhook).await?;
        self.record(&mut tx, ctx, "notifications.webhook-secret-rotated", &webhook).await?;
        tx.commit().await?;
        Ok(webhook)
    }

    async fn record(
        &self,
        tx: &mut db::Tx,
        ctx: &Ctx,
        action: &'static str,
        webhook: &Webhook,
    ) -> Result<(), Error> {
        let topics: Vec<&str> = webhook.topics.iter().map(TopicPattern::as_str).collect();
        // Paths may be secrets.
        let detail = json!({ "host": webhook.url.url().host_str(), "topics": topics, "is_enabled": webhook.is_enabled });
        let audit = Audit { action, target: Some(webhook.id.to_string()), detail };
        Ok(self.directory.record(tx, ctx, audit).await?)
    }

    /// A message that says nothing, also to a webhook that is switched off.
    pub(crate) async fn test_webhook(
        &self,
        allow: &Allow<WriteWebhooks>,
        id: WebhookId,
    ) -> Result<TaskId, Error> {
        let mut tx = self.db.begin().await?;
        let delivery = self.test_delivery(&mut tx, allow, id).await?;
        let task = self.order(&mut tx, allow, &delivery, true).await?;
        tx.commit().await?;
        Ok(task)
    }

    /// The same at once, for who sits at the machine: no worker is needed.
    pub(crate) async fn test_webhook_now(
        &self,
        allow: &Allow<WriteWebhooks>,
        id: WebhookId,
    ) -> Result<Delivery, Error> {
        let mut tx = self.db.begin().await?;
        let delivery = self.test_delivery(&mut tx, allow, id).await?;
        store::deliveries::insert(&mut tx, &delivery).await?;
        tx.commit().await?;
        self.deliver_now(allow, delivery.id).await?.ok_or(Error::DeliveryNotFound(delivery.id))
    }

    async fn test_delivery(&self, tx: &mut db::Tx, ctx: &Ctx, id: WebhookId) -> Result<Delivery, Error> {
        let found = store::webhooks::find(tx, ctx.workspace, id).await?;
        let webhook = found.ok_or(Error::WebhookNotFound(id))?;
        let payload =
            json!({ "type": WEBHOOK_TEST, "timestamp": ctx.now, "data": { "webhook_id": webhook.id } });
        let message = MessageId::new(ctx.now);
        Ok(new_delivery(ctx, &webhook, message, WEBHOOK_TEST.to_owned(), payload.to_string()))
    }

    pub(crate) async fn list_deliveries(
        &self,
        allow: &Allow<ReadWebhooks>,
        webhook: WebhookId,
        before: Option<DeliveryId>,
        limit: usize,
    ) -> Result<Feed<Delivery>, Error> {
        let mut tx = self.db.read().await?;
        let found = store::webhooks::find(&mut tx, allow.workspace, webhook).await?;
        found.ok_or(Error::WebhookNotFound(webhook))?;
        let rows = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let found = store::deliveries::list(&mut tx, allow.workspace, webhook, before, rows).await?;
        Ok(Feed::new(found, limit, |delivery| delivery.id))
    }

    pub(crate) async fn get_delivery(
        &self,
        allow: &Allow<ReadWebhooks>,
        webhook: WebhookId,
        id: DeliveryId,
    ) -> Result<Delivery, Error> {
        let mut tx = self.db.read().await?;
        let found = store::deliveries::find(&mut tx, allow.workspace, id).await?;
        found.filter(|delivery| delivery.webhook == webhook).ok_or(Error::DeliveryNotFound(id))
    }

    /// The same message once more, as a delivery of its own: the receiver knows it again by its id.
    pub(crate) async fn redeliver(
        &self,
        allow: &Allow<WriteWebhooks>,
        webhook: WebhookId,
        id: DeliveryId,
    ) -> Result<(DeliveryId, TaskId), Error> {
        let ctx: &Ctx = allow;
        let mut tx = self.db.begin().await?;
        let found = store::deliveries::find(&mut tx, ctx.workspace, id).await?;
        let old = found.filter(|delivery| delivery.webhook == webhook).ok_or(Error::DeliveryNotFound(id))?;
        let found = store::webhooks::find(&mut tx, ctx.workspace, webhook).await?;
        let webhook = found.ok_or(Error::WebhookNotFound(webhook))?;
        if !webhook.is_enabled {
            return Err(Error::WebhookDisabled);
        }
        let delivery = new_delivery(ctx, &webhook, old.message, old.topic, old.payload);
        let task = self.order(&mut tx, ctx, &delivery, false).await?;
        tx.commit().await?;
        Ok((delivery.id, task))
    }

    /// Writes the delivery and the task that makes it.
    pub(super) async fn order(
        &self,
        tx: &mut db::Tx,
        ctx: &Ctx,
        delivery: &Delivery,
        force: bool,
    ) -> Result<TaskId, Error> {
        store::deliveries::insert(tx, delivery).await?;
        Ok(self.jobs.enqueue(tx, ctx, Deliver { delivery: delivery.id, force }).await?)
    }
}

pub(super) fn new_delivery(
    ctx: &Ctx,
    webhook: &Webhook,
    message: MessageId,
    topic: String,
    payload: String,
) -> Delivery {
    Delivery {
        id: DeliveryId::new(ctx.now),
        workspace: webhook.workspace,
        webhook: webhook.id,
        message,
        topic,
        payload,
        status: Status::Pending,
        attempts: 0,
        response_status: None,
        response_body: None,
        error: None,
        next_at: Some(ctx.now),
        created_at: ctx.now,
        delivered_at: None,
    }
}
