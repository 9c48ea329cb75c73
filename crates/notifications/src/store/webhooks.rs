use db::{FromRow, Json, Result, Row, Tx};
use kernel::{Timestamp, WorkspaceId};

use crate::model::{SigningSecret, TopicPattern, Webhook, WebhookId, WebhookUrl};

impl FromRow for Webhook {
    fn from_row(row: &Row) -> Result<Self> {
        let url: String = row.get("url")?;
        let Json(topics) = row.get::<Json<Vec<String>>>("topics")?;
        let previous: Option<String> = row.get("previous_secret")?;
        Ok(Self {
            id: row.get("id")?,
            workspace: row.get("workspace_id")?,
            url: WebhookUrl::from_text(&url).ok_or_else(|| super::unreadable("url", "the URL"))?,
            description: row.get("description")?,
            topics: topics.into_iter().map(TopicPattern::from_text).collect(),
            secret: SigningSecret::from_text(row.get("secret")?),
            previous: previous.map(SigningSecret::from_text).zip(row.get("previous_until")?),
            is_enabled: row.get("is_enabled")?,
            disabled_why: row.get("disabled_why")?,
            after_position: row.get("after_position")?,
            created_at: row.get("created_at")?,
            last_delivery_at: row.get("last_delivery_at")?,
            failing_since: row.get("failing_since")?,
        })
    }
}

fn topics(webhook: &Webhook) -> Json<Vec<&str>> {
    Json(webhook.topics.iter().map(TopicPattern::as_str).collect())
}

pub(crate) async fn insert(tx: &mut Tx, webhook: &Webhook) -> Result<()> {
    tx.query(
        "INSERT INTO notifications_webhooks (id, workspace_id, url, description, topics, secret, is_enabled,
             after_position, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(webhook.id)
    .bind(webhook.workspace)
    .bind(webhook.url.as_str())
    .bind(&webhook.description)
    .bind(topics(webhook))
    .bind(webhook.secret.expose())
    .bind(webhook.is_enabled)
    .bind(webhook.after_position)
    .bind(webhook.created_at)
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn find(tx: &mut Tx, workspace: WorkspaceId, id: WebhookId) -> Result<Option<Webhook>> {
    tx.query("SELECT * FROM notifications_webhooks WHERE workspace_id = $1 AND id = $2")
        .bind(workspace)
        .bind(id)
        .optional()
        .await
}

/// Held until the transaction ends: two that settle deliveries of one webhook take turns.
pub(crate) async fn lock(tx: &mut Tx, workspace: WorkspaceId, id: WebhookId) -> Result<Option<Webhook>> {
    // An update that changes nothing is the one way of locking that both engines know.
    tx.query(
        "UPDATE notifications_webhooks SET is_enabled = is_enabled WHERE workspace_id = $1 AND id = $2 RETURNING *",
    )
    .bind(workspace)
    .bind(id)
    .optional()
    .await
}

/// Oldest first. There are few: `notifications.webhooks_max`.
pub(crate) async fn list(tx: &mut Tx, workspace: WorkspaceId) -> Result<Vec<Webhook>> {
    tx.query("SELECT * FROM notifications_webhooks WHERE workspace_id = $1 ORDER BY id")
        .bind(workspace)
        .all()
        .await
}

/// Of all workspaces.
pub(crate) async fn list_enabled(tx: &mut Tx) -> Result<Vec<Webhook>> {
    tx.query("SELECT * FROM notifications_webhooks WHERE is_enabled ORDER BY id").all().await
}

pub(crate) async fn save(tx: &mut Tx, webhook: &Webhook) -> Result<()> {
    tx.query(
        "UPDATE notifications_webhooks SET url = $3, description = $4, topics = $5, secret = $6, previous_secret = $7,
             previous_until = $8, is_enabled = $9, disabled_why = $10, after_position = $11, last_delivery_at = $12,
             failing_since = $13
         WHERE workspace_id = $1 AND id = $2",
    )
    .bind(webhook.workspace)
    .bind(webhook.id)
    .bind(webhook.url.as_str())
    .bind(&webhook.description)
    .bind(topics(webhook))
    .bind(webhook.secret.expose())
    .bind(webhook.previous.as_ref().map(|(secret, _)| secret.expose().to_owned()))
    .bind(webhook.previous.as_ref().map(|(_, until)| *until))
    .bind(webhook.is_enabled)
    .bind(webhook.disabled_why.clone())
    .bind(webhook.after_position)
    .bind(webhook.last_delivery_at)
    .bind(webhook.failing_since)
    .execute()
    .await
    .map(drop)
}

/// Its deliveries go with it.
pub(crate) async fn delete(tx: &mut Tx, workspace: WorkspaceId, id: WebhookId) -> Result<bool> {
    let rows = tx
        .query("DELETE FROM notifications_webhooks WHERE workspace_id = $1 AND id = $2")
        .bind(workspace)
        .bind(id)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Before a secret that is over for good is forgotten: of all workspaces.
pub(crate) async fn forget_previous_secrets(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    tx.query(
        "UPDATE notifications_webhooks SET previous_secret = NULL, previous_until = NULL WHERE previous_until < $1",
    )
    .bind(now)
    .execute()
    .await
}

/// Of all workspaces: positions of another outbox mean nothing in this one.
pub(crate) async fn begin_anew(tx: &mut Tx) -> Result<u64> {
    tx.query("UPDATE notifications_webhooks SET after_position = 0").execute().await
}
