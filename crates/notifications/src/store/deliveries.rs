use db::{FromRow, Result, Row, Tx};
use kernel::{Timestamp, WorkspaceId};

use crate::model::{Delivery, DeliveryId, Status, WebhookId};

impl FromRow for Delivery {
    fn from_row(row: &Row) -> Result<Self> {
        let status: String = row.get("status")?;
        Ok(Self {
            id: row.get("id")?,
            workspace: row.get("workspace_id")?,
            webhook: row.get("webhook_id")?,
            message: row.get("message_id")?,
            topic: row.get("topic")?,
            payload: row.get("payload")?,
            status: Status::parse(&status).ok_or_else(|| super::unreadable("status", &status))?,
            attempts: row.get("attempts")?,
            response_status: row.get("response_status")?,
            response_body: row.get("response_body")?,
            error: row.get("error")?,
            next_at: row.get("next_at")?,
            created_at: row.get("created_at")?,
            delivered_at: row.get("delivered_at")?,
        })
    }
}

pub(crate) async fn insert(tx: &mut Tx, delivery: &Delivery) -> Result<()> {
    tx.query(
        "INSERT INTO notifications_deliveries (id, workspace_id, webhook_id, message_id, topic, payload, status, attempts,
             next_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(delivery.id)
    .bind(delivery.workspace)
    .bind(delivery.webhook)
    .bind(delivery.message)
    .bind(&delivery.topic)
    .bind(&delivery.payload)
    .bind(delivery.status.name())
    .bind(delivery.attempts)
    .bind(delivery.next_at)
    .bind(delivery.created_at)
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn find(tx: &mut Tx, workspace: WorkspaceId, id: DeliveryId) -> Result<Option<Delivery>> {
    tx.query("SELECT * FROM notifications_deliveries WHERE workspace_id = $1 AND id = $2")
        .bind(workspace)
        .bind(id)
        .optional()
        .await
}

/// Newest first, those before `before`.
pub(crate) async fn list(
    tx: &mut Tx,
    workspace: WorkspaceId,
    webhook: WebhookId,
    before: Option<DeliveryId>,
    limit: i64,
) -> Result<Vec<Delivery>> {
    tx.query(
        "SELECT * FROM notifications_deliveries WHERE webhook_id = $1 AND workspace_id = $2 AND ($3 IS NULL OR id < $3)
         ORDER BY id DESC LIMIT $4",
    )
    .bind(webhook)
    .bind(workspace)
    .bind(before)
    .bind(limit)
    .all()
    .await
}

/// What an attempt came to.
pub(crate) async fn save(tx: &mut Tx, delivery: &Delivery) -> Result<()> {
    tx.query(
        "UPDATE notifications_deliveries SET status = $3, attempts = $4, response_status = $5, response_body = $6,
             error = $7, next_at = $8, delivered_at = $9
         WHERE workspace_id = $1 AND id = $2",
    )
    .bind(delivery.workspace)
    .bind(delivery.id)
    .bind(delivery.status.name())
    .bind(delivery.attempts)
    .bind(delivery.response_status)
    .bind(delivery.response_body.clone())
    .bind(delivery.error.clone())
    .bind(delivery.next_at)
    .bind(delivery.delivered_at)
    .execute()
    .await
    .map(drop)
}

/// Of all workspaces: retention.
pub(crate) async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.query("DELETE FROM notifications_deliveries WHERE created_at < $1").bind(before).execute().await
}
