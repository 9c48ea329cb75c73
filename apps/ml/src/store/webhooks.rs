use db::{FromRow, Row, Tx};
use kernel::{Secret, WorkspaceId};
use serde_json::Value;

use crate::model::{HookEvent, Webhook};

impl FromRow for Webhook {
    fn from_row(row: &Row) -> db::Result<Self> {
        let events: Value = serde_json::from_str(&row.get::<String>("events")?).unwrap_or_default();
        let events = events.as_array().into_iter().flatten();
        Ok(Self {
            id: row.get("id")?,
            webhook_id: row.get("webhook_id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            url: row.get("url")?,
            events: events.filter_map(|event| HookEvent::of_text(event.as_str()?)).collect(),
            secret: row.get::<Option<String>>("secret")?.map(Secret::new),
            is_active: row.get("is_active")?,
            created_ms: row.get("created_ms")?,
            updated_ms: row.get("updated_ms")?,
        })
    }
}

fn events(webhook: &Webhook) -> String {
    serde_json::json!(webhook.events.iter().map(|event| event.text()).collect::<Vec<_>>()).to_string()
}

pub(crate) async fn count(tx: &mut Tx, workspace: WorkspaceId) -> db::Result<i64> {
    tx.query("SELECT COUNT(*) AS value FROM ml_webhooks WHERE workspace_id = $1").bind(workspace).one().await
}

pub(crate) async fn insert(tx: &mut Tx, workspace: WorkspaceId, webhook: &Webhook) -> db::Result<()> {
    tx.query(
        "INSERT INTO ml_webhooks (workspace_id, webhook_id, name, description, url, events, secret, is_active, created_ms,
                                  updated_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(workspace)
    .bind(&webhook.webhook_id)
    .bind(&webhook.name)
    .bind(webhook.description.as_deref())
    .bind(&webhook.url)
    .bind(events(webhook))
    .bind(webhook.secret.as_ref().map(|secret| secret.expose().as_str()))
    .bind(webhook.is_active)
    .bind(webhook.created_ms)
    .bind(webhook.updated_ms)
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn save(tx: &mut Tx, webhook: &Webhook) -> db::Result<()> {
    tx.query(
        "UPDATE ml_webhooks SET name = $2, description = $3, url = $4, events = $5, secret = $6, is_active = $7,
                updated_ms = $8
         WHERE id = $1",
    )
    .bind(webhook.id)
    .bind(&webhook.name)
    .bind(webhook.description.as_deref())
    .bind(&webhook.url)
    .bind(events(webhook))
    .bind(webhook.secret.as_ref().map(|secret| secret.expose().as_str()))
    .bind(webhook.is_active)
    .bind(webhook.updated_ms)
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn delete(tx: &mut Tx, id: i64) -> db::Result<()> {
    tx.query("DELETE FROM ml_webhooks WHERE id = $1").bind(id).execute().await.map(drop)
}

pub(crate) async fn find(
    tx: &mut Tx,
    workspace: WorkspaceId,
    webhook_id: &str,
) -> db::Result<Option<Webhook>> {
    tx.query("SELECT * FROM ml_webhooks WHERE workspace_id = $1 AND webhook_id = $2")
        .bind(workspace)
        .bind(webhook_id)
        .optional()
        .await
}

/// The newest first, from below `before` on.
pub(crate) async fn list(
    tx: &mut Tx,
    workspace: WorkspaceId,
    before: i64,
    limit: i64,
) -> db::Result<Vec<Webhook>> {
    tx.query("SELECT * FROM ml_webhooks WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3")
        .bind(workspace)
        .bind(before)
        .bind(limit)
        .all()
        .await
}

pub(crate) async fn active(tx: &mut Tx, workspace: WorkspaceId) -> db::Result<Vec<Webhook>> {
    tx.query("SELECT * FROM ml_webhooks WHERE workspace_id = $1 AND is_active ORDER BY id")
        .bind(workspace)
        .all()
        .await
}

pub(crate) async fn insert_message(
    tx: &mut Tx,
    message_id: &str,
    webhook: i64,
    body: &str,
    now_ms: i64,
) -> db::Result<()> {
    tx.query(
        "INSERT INTO ml_webhook_messages (message_id, webhook, body, created_ms) VALUES ($1, $2, $3, $4)",
    )
    .bind(message_id)
    .bind(webhook)
    .bind(body)
    .bind(now_ms)
    .execute()
    .await
    .map(drop)
}

/// What is to be told, and to whom.
pub(crate) async fn find_message(
    tx: &mut Tx,
    workspace: WorkspaceId,
    message_id: &str,
) -> db::Result<Option<(Webhook, String)>> {
    let rows = tx
        .query(
            "SELECT w.*, m.body FROM ml_webhook_messages m JOIN ml_webhooks w ON w.id = m.webhook
             WHERE w.workspace_id = $1 AND m.message_id = $2",
        )
        .bind(workspace)
        .bind(message_id)
        .rows()
        .await?;
    rows.first().map(|row| Ok((Webhook::from_row(row)?, row.get("body")?))).transpose()
}

pub(crate) async fn delete_message(tx: &mut Tx, message_id: &str) -> db::Result<()> {
    tx.query("DELETE FROM ml_webhook_messages WHERE message_id = $1")
        .bind(message_id)
        .execute()
        .await
        .map(drop)
}

/// What nobody took for so long.
pub(crate) async fn delete_messages_before(tx: &mut Tx, before_ms: i64) -> db::Result<u64> {
    tx.query("DELETE FROM ml_webhook_messages WHERE created_ms < $1").bind(before_ms).execute().await
}
