use axum::response::Response;
use kernel::Secret;
use serde_json::{Value, json};

use super::{
    Call,
    wire::{Params, done, missing, reply},
};
use crate::{
    error::Error,
    model::{HookEvent, Webhook},
    permissions::Webhooks,
    service::WebhookChange,
};

/// The secret is never shown.
fn shown(webhook: &Webhook) -> Value {
    let event = |event: &HookEvent| json!({ "entity": event.entity().to_uppercase(), "action": event.action().to_uppercase() });
    let mut body = json!({
        "webhook_id": webhook.webhook_id,
        "name": webhook.name,
        "url": webhook.url,
        "events": webhook.events.iter().map(event).collect::<Vec<_>>(),
        "status": if webhook.is_active { "ACTIVE" } else { "DISABLED" },
        "creation_timestamp": webhook.created_ms,
        "last_updated_timestamp": webhook.updated_ms,
    });
    if let Some(description) = &webhook.description {
        body["description"] = json!(description);
    }
    body
}

fn event(params: &Params) -> Result<HookEvent, Error> {
    let need = |name: &str| params.name(name)?.ok_or_else(|| missing(&format!("events[].{name}")));
    HookEvent::parse(&need("entity")?, &need("action")?)
}

fn change(params: &Params) -> Result<WebhookChange, Error> {
    let is_active = match params.name("status")?.as_deref() {
        None => None,
        Some("ACTIVE" | "1") => Some(true),
        Some("DISABLED" | "2") => Some(false),
        Some(other) => {
            return Err(Error::invalid(format!(
                "Invalid value {} for parameter 'status' supplied.",
                json!(other)
            )));
        }
    };
    Ok(WebhookChange {
        name: params.text("name")?,
        description: params.text("description")?,
        url: params.text("url")?,
        events: params.objects("events")?.iter().map(event).collect::<Result<_, _>>()?,
        secret: params.text("secret")?.map(Secret::new),
        is_active,
    })
}

pub(super) async fn create(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<Webhooks>()?;
    for name in ["name", "url"] {
        call.params.need(name)?;
    }
    let new = change(&call.params)?;
    if new.events.is_empty() {
        return Err(missing("events"));
    }
    reply(&json!({ "webhook": shown(&call.ml.create_webhook(&allow, new).await?) }))
}

pub(super) async fn list(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<Webhooks>()?;
    let (max, token) = (call.params.int("max_results")?, call.params.filled("page_token")?);
    let (found, token) = call.ml.list_webhooks(&allow, max, token.as_deref()).await?;
    let mut body = json!({});
    if !found.is_empty() {
        body["webhooks"] = found.iter().map(shown).collect();
    }
    if let Some(token) = token {
        body["next_page_token"] = json!(token);
    }
    reply(&body)
}

pub(super) async fn get(call: Call) -> Result<Response, Error> {
    let found = call.ml.get_webhook(&call.allow::<Webhooks>()?, call.part("webhook_id")).await?;
    reply(&json!({ "webhook": shown(&found) }))
}

pub(super) async fn update(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<Webhooks>()?;
    let change = change(&call.params)?;
    let after = call.ml.change_webhook(&allow, call.part("webhook_id"), change).await?;
    reply(&json!({ "webhook": shown(&after) }))
}

pub(super) async fn delete(call: Call) -> Result<Response, Error> {
    call.ml.delete_webhook(&call.allow::<Webhooks>()?, call.part("webhook_id")).await?;
    done()
}

pub(super) async fn test(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<Webhooks>()?;
    let event = call.params.object("event")?.as_ref().map(event).transpose()?;
    let result = match call.ml.test_webhook(&allow, call.part("webhook_id"), event).await? {
        Ok(heard) => json!({
            "success": heard.status < 400,
            "response_status": heard.status,
            "response_body": heard.body,
        }),
        Err(error) => {
            json!({ "success": false, "error_message": format!("Failed to test webhook: {error}") })
        }
    };
    reply(&json!({ "result": result }))
}
