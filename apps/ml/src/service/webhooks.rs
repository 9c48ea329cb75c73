//! MLflow's webhooks. A message is written down in the transaction of what it tells of, with a task that sends it: so none is
//! lost, and one may come twice, under the same id.

use std::time::Duration;

use ::jobs::{JobContext, JobError};
use db::Tx;
use kernel::{Allow, Ctx, Secret, Timestamp};
use serde_json::{Value, json};

use super::{Ml, now_ms, page_size, runs::fresh_id};
use crate::{
    error::Error,
    jobs::TellWebhook,
    model::{
        HookEvent, PROMPT_TAG, Page, Pair, Place, RegisteredModel, Version, Webhook, check_hook_name,
        hook_signature,
    },
    permissions::Webhooks,
    store::{self, pairs::MODEL_TAGS},
};

/// Of one workspace at most.
const WEBHOOKS_MAX: i64 = 100;
/// How long a receiver may take.
const TIME_MAX: Duration = Duration::from_secs(30);
/// Of a receiver's answer that is shown.
const ANSWER_BYTES_MAX: usize = 1_024;
/// What nobody took for so long is forgotten, though somebody may still order another attempt.
const KEPT_MS: i64 = 30 * 86_400_000;
const PAGE: &str = "webhooks";
const PROMPT_TEXT_TAG: &str = "mlflow.prompt.text";
const PROMPT_TAGS: [&str; 3] = [PROMPT_TAG, PROMPT_TEXT_TAG, "_mlflow_prompt_type"];

/// What happens in the registry has one name for models and one for prompts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Happening {
    of_model: Option<&'static str>,
    of_prompt: &'static str,
}

const fn happening(of_model: &'static str, of_prompt: &'static str) -> Happening {
    Happening { of_model: Some(of_model), of_prompt }
}

pub(super) const MODEL_CREATED: Happening = happening("registered_model.created", "prompt.created");
pub(super) const VERSION_CREATED: Happening = happening("model_version.created", "prompt_version.created");
pub(super) const VERSION_TAG_SET: Happening = happening("model_version_tag.set", "prompt_version_tag.set");
pub(super) const VERSION_TAG_DELETED: Happening =
    happening("model_version_tag.deleted", "prompt_version_tag.deleted");
pub(super) const ALIAS_SET: Happening = happening("model_version_alias.created", "prompt_alias.created");
pub(super) const ALIAS_DELETED: Happening = happening("model_version_alias.deleted", "prompt_alias.deleted");
pub(super) const TAG_SET: Happening = Happening { of_model: None, of_prompt: "prompt_tag.set" };
pub(super) const TAG_DELETED: Happening = Happening { of_model: None, of_prompt: "prompt_tag.deleted" };

/// What a caller says of a webhook; of a change what is not said stays.
#[derive(Debug, Default)]
pub(crate) struct WebhookChange {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) events: Vec<HookEvent>,
    pub(crate) secret: Option<Secret<String>>,
    pub(crate) is_active: Option<bool>,
}

/// What came back from a receiver.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) status: u16,
    pub(crate) body: String,
}

fn not_found(webhook_id: &str) -> Error {
    let shown: String = webhook_id.chars().take(100).collect();
    Error::not_found(format!("Webhook with ID {shown} not found."))
}

/// Without what says that a prompt is one.
fn tags(pairs: &[Pair]) -> Value {
    let told = pairs.iter().filter(|pair| !PROMPT_TAGS.contains(&pair.key.as_str()));
    Value::Object(told.map(|pair| (pair.key.clone(), json!(pair.value))).collect())
}

pub(super) fn of_model(model: &RegisteredModel) -> Value {
    json!({ "name": model.name, "tags": tags(&model.tags), "description": model.description.as_deref().unwrap_or("") })
}

pub(super) fn of_version(version: &Version) -> Value {
    let mut data = json!({
        "name": version.name,
        "version": version.version.to_string(),
        "tags": tags(&version.tags),
        "description": version.description,
    });
    let template = version.tags.iter().find(|pair| pair.key == PROMPT_TEXT_TAG);
    match template.filter(|_| version.tags.iter().any(|pair| pair.key == PROMPT_TAG)) {
        Some(template) => data["template"] = json!(template.value),
        None => {
            data["source"] = json!(version.source);
            data["run_id"] = json!(version.run_id);
        }
    }
    data
}

fn message(event: HookEvent, at: Timestamp, data: &Value) -> String {
    json!({ "entity": event.entity(), "action": event.action(), "timestamp": at.to_string(), "data": data })
        .to_string()
}

impl Ml {
    fn check_hook(&self, webhook: &Webhook) -> Result<(), Error> {
        check_hook_name(&webhook.name)?;
        let texts = [Some(webhook.url.as_str()), webhook.description.as_deref()];
        let secret = webhook.secret.as_ref().map(|secret| secret.expose().as_str());
        if texts.into_iter().chain([secret]).flatten().any(|text| text.contains('\0') || text.len() > 4_096) {
            return Err(Error::invalid("A text of the webhook is too long, or holds a NUL character."));
        }
        if webhook.url.trim().is_empty() {
            return Err(Error::invalid("Webhook URL cannot be empty or just whitespace"));
        }
        let is_plain = self.config.webhook_plain_http && webhook.url.starts_with("http://");
        if !is_plain && !webhook.url.starts_with("https://") {
            return Err(Error::invalid(
                "Invalid webhook URL scheme. Allowed schemes are: https (or set ml.webhook_plain_http).",
            ));
        }
        let fault = |error: outbound::Error| Error::invalid(format!("Invalid webhook URL: {error}"));
        self.outbound.to("mlflow-webhooks").check(&webhook.url).map_err(fault)?;
        if webhook.events.is_empty() {
            return Err(Error::invalid("Webhook events must be a non-empty list."));
        }
        Ok(())
    }

    pub(crate) async fn create_webhook(
        &self,
        allow: &Allow<Webhooks>,
        new: WebhookChange,
    ) -> Result<Webhook, Error> {
        let now = now_ms(allow);
        let webhook = Webhook {
            id: 0,
            webhook_id: fresh_id(),
            name: new.name.unwrap_or_default(),
            description: new.description.filter(|text| !text.is_empty()),
            url: new.url.unwrap_or_default(),
            events: new.events,
            secret: new.secret.filter(|secret| !secret.expose().is_empty()),
            is_active: new.is_active.unwrap_or(true),
            created_ms: now,
            updated_ms: now,
        };
        self.check_hook(&webhook)?;
        let mut tx = self.db.begin().await?;
        if store::webhooks::count(&mut tx, allow.workspace).await? >= WEBHOOKS_MAX {
            return Err(Error::invalid(format!("A workspace may have {WEBHOOKS_MAX} webhooks at most.")));
        }
        store::webhooks::insert(&mut tx, allow.workspace, &webhook).await?;
        let detail = json!({ "name": webhook.name });
        self.record(&mut tx, allow, "ml.webhook-created", &*webhook.webhook_id, detail).await?;
        tx.commit().await?;
        Ok(webhook)
    }

    pub(crate) async fn get_webhook(&self, allow: &Allow<Webhooks>, id: &str) -> Result<Webhook, Error> {
        let mut tx = self.db.read().await?;
        store::webhooks::find(&mut tx, allow.workspace, id).await?.ok_or_else(|| not_found(id))
    }

    pub(crate) async fn list_webhooks(
        &self,
        allow: &Allow<Webhooks>,
        max_results: Option<i64>,
        token: Option<&str>,
    ) -> Result<(Vec<Webhook>, Option<String>), Error> {
        let limit = page_size(max_results.filter(|max| *max != 0), 100, 1_000)?;
        let page = token.map(|token| Page::parse(&[PAGE], token)).transpose()?;
        let before = match page.as_ref().map(|page| &page.places[..]) {
            None => i64::MAX,
            Some([Place::Int(before)]) => *before,
            Some(_) => return Err(Error::invalid("Invalid page token")),
        };
        let mut tx = self.db.read().await?;
        let mut found = store::webhooks::list(&mut tx, allow.workspace, before, limit + 1).await?;
        let size = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = found.len() > size;
        found.truncate(size);
        let end = found.last().filter(|_| has_more);
        let token = end.map(|last| Page::token(&[PAGE], vec![Place::Int(last.id)]));
        Ok((found, token))
    }

    pub(crate) async fn change_webhook(
        &self,
        allow: &Allow<Webhooks>,
        id: &str,
        change: WebhookChange,
    ) -> Result<Webhook, Error> {
        let mut webhook = self.get_webhook(allow, id).await?;
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        webhook.name = given(change.name).unwrap_or(webhook.name);
        webhook.url = given(change.url).unwrap_or(webhook.url);
        webhook.description = change.description.or(webhook.description);
        if !change.events.is_empty() {
            webhook.events = change.events;
        }
        webhook.secret = change.secret.or(webhook.secret).filter(|secret| !secret.expose().is_empty());
        webhook.is_active = change.is_active.unwrap_or(webhook.is_active);
        webhook.updated_ms = now_ms(allow);
        self.check_hook(&webhook)?;
        let mut tx = self.db.begin().await?;
        store::webhooks::save(&mut tx, &webhook).await?;
        let detail = json!({ "name": webhook.name, "is_active": webhook.is_active });
        self.record(&mut tx, allow, "ml.webhook-changed", id, detail).await?;
        tx.commit().await?;
        Ok(webhook)
    }

    pub(crate) async fn delete_webhook(&self, allow: &Allow<Webhooks>, id: &str) -> Result<(), Error> {
        let webhook = self.get_webhook(allow, id).await?;
        let mut tx = self.db.begin().await?;
        store::webhooks::delete(&mut tx, webhook.id).await?;
        let detail = json!({ "name": webhook.name });
        self.record(&mut tx, allow, "ml.webhook-deleted", id, detail).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Sends an example now. What went wrong is told as text.
    pub(crate) async fn test_webhook(
        &self,
        allow: &Allow<Webhooks>,
        id: &str,
        event: Option<HookEvent>,
    ) -> Result<Result<Heard, String>, Error> {
        let webhook = self.get_webhook(allow, id).await?;
        let event = event.or_else(|| webhook.events.first().copied());
        let event = event.ok_or_else(|| Error::invalid("The webhook hears nothing."))?;
        let body = message(event, allow.now, &event.example());
        Ok(self.send_to_webhook(&webhook, &fresh_id(), allow.now, &body).await)
    }

    async fn send_to_webhook(
        &self,
        webhook: &Webhook,
        message_id: &str,
        now: Timestamp,
        body: &str,
    ) -> Result<Heard, String> {
        // Each webhook has a breaker of its own: workspaces may use the same host.
        let upstream = self.outbound.to("mlflow-webhooks").each(&webhook.webhook_id).with(|policy| {
            policy.attempts = 1;
            policy.timeout = TIME_MAX;
            policy.total_timeout = TIME_MAX;
        });
        let timestamp_s = now.as_second();
        let mut call = upstream
            .post(&webhook.url)
            .header("x-mlflow-delivery-id", message_id)
            .header("x-mlflow-timestamp", timestamp_s.to_string())
            .body("application/json", body.to_owned());
        if let Some(secret) = &webhook.secret {
            let signature = hook_signature(secret.expose(), message_id, timestamp_s, body);
            call = call.secret_header("x-mlflow-signature", &signature);
        }
        let mut pieces = call.open().await.map_err(|error| error.to_string())?;
        let mut answer = Vec::new();
        while answer.len() < ANSWER_BYTES_MAX
            && let Ok(Some(piece)) = pieces.next().await
        {
            answer.extend_from_slice(&piece);
        }
        answer.truncate(ANSWER_BYTES_MAX);
        Ok(Heard { status: pieces.status.as_u16(), body: String::from_utf8_lossy(&answer).into_owned() })
    }

    /// Writes down for each webhook that hears of it what it is to be told. `model` is the registered model's row.
    pub(super) async fn tell_webhooks(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        model: i64,
        happening: Happening,
        data: &Value,
    ) -> Result<(), Error> {
        let webhooks = store::webhooks::active(tx, ctx.workspace).await?;
        if webhooks.is_empty() {
            return Ok(());
        }
        let tags = store::pairs::find(tx, MODEL_TAGS, model, &[PROMPT_TAG]).await?;
        let is_prompt = tags.get(PROMPT_TAG).is_some_and(|value| value == "true");
        let name = if is_prompt { Some(happening.of_prompt) } else { happening.of_model };
        let Some(event) = name.and_then(HookEvent::of_text) else { return Ok(()) };
        let body = message(event, ctx.now, data);
        // Nobody ordered it: it is no task of the caller's.
        let system = Ctx::system("ml.webhook", ctx.workspace, ctx.now);
        for webhook in webhooks.iter().filter(|webhook| webhook.events.contains(&event)) {
            let message_id = fresh_id();
            store::webhooks::insert_message(tx, &message_id, webhook.id, &body, now_ms(ctx)).await?;
            let order = TellWebhook { message: message_id };
            self.jobs.enqueue(tx, &system, order).await.map_err(|error| match error {
                ::jobs::Error::Db(error) => Error::Db(error),
                other => Error::Refused(kernel::ToProblem::problem(&other)),
            })?;
        }
        Ok(())
    }

    /// One attempt. A crash between the receiver's answer and our commit sends the message again, under the same id.
    pub(crate) async fn deliver_to_webhook(
        &self,
        job: JobContext,
        order: TellWebhook,
    ) -> Result<Value, JobError> {
        let ctx = job.ctx();
        let mut tx = self.db.read().await?;
        let found = store::webhooks::find_message(&mut tx, ctx.workspace, &order.message).await?;
        drop(tx);
        let Some((webhook, body)) = found.filter(|(webhook, _)| webhook.is_active) else {
            return Ok(json!({ "outcome": "nothing to do" }));
        };
        let heard = self.send_to_webhook(&webhook, &order.message, job.now(), &body).await;
        match heard {
            Ok(Heard { status, .. }) if status < 400 => {
                let mut tx = self.db.begin().await?;
                store::webhooks::delete_message(&mut tx, &order.message).await?;
                job.complete_in(&mut tx, json!({ "status": status })).await?;
                tx.commit().await?;
                Ok(Value::Null)
            }
            Ok(Heard { status, .. }) => Err(JobError::retry(format!("the receiver answered {status}"))),
            Err(error) => Err(JobError::retry(error)),
        }
    }

    pub(super) async fn purge_messages(&self, now: Timestamp) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        store::webhooks::delete_messages_before(&mut tx, now.as_millisecond() - KEPT_MS).await?;
        tx.commit().await?;
        Ok(())
    }
}
