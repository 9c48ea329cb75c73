use db::{FromRow, Json, Row, Tx};
use kernel::Timestamp;
use serde_json::Value;

use crate::{Change, ChangeId};

/// A value as it is kept.
pub(crate) struct Kept {
    pub(crate) key: String,
    pub(crate) value: Value,
    pub(crate) updated_at: Timestamp,
    pub(crate) updated_by: String,
}

impl FromRow for Kept {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            key: row.get("key")?,
            value: row.get::<Json<Value>>("value")?.0,
            updated_at: row.get("updated_at")?,
            updated_by: row.get("updated_by")?,
        })
    }
}

impl FromRow for Change {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            position: row.get("position")?,
            key: row.get("key")?,
            old: row.get::<Option<Json<Value>>>("old_value")?.map(|Json(value)| value),
            new: row.get::<Option<Json<Value>>>("new_value")?.map(|Json(value)| value),
            by: row.get("actor")?,
            at: row.get("at")?,
            undo_of: row.get("undo_of")?,
            is_undone: row.get("is_undone")?,
        })
    }
}

pub(crate) async fn version(tx: &mut Tx) -> db::Result<i64> {
    tx.query("SELECT version AS value FROM settings_version WHERE id = 1").one().await
}

/// Counts up, and keeps other writers waiting until the transaction ends.
pub(crate) async fn next_version(tx: &mut Tx) -> db::Result<i64> {
    tx.query("UPDATE settings_version SET version = version + 1 WHERE id = 1").execute().await?;
    version(tx).await
}

pub(crate) async fn values(tx: &mut Tx) -> db::Result<Vec<Kept>> {
    tx.query("SELECT key, value, updated_at, updated_by FROM settings_values").all().await
}

pub(crate) async fn find(tx: &mut Tx, key: &str) -> db::Result<Option<Kept>> {
    tx.query("SELECT key, value, updated_at, updated_by FROM settings_values WHERE key = $1")
        .bind(key)
        .optional()
        .await
}

pub(crate) async fn write(
    tx: &mut Tx,
    key: &str,
    value: Option<&Value>,
    at: Timestamp,
    by: &str,
) -> db::Result<()> {
    const WRITE: &str =
        "INSERT INTO settings_values (key, value, updated_at, updated_by) VALUES ($1, $2, $3, $4)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at,
        updated_by = excluded.updated_by";
    match value {
        Some(value) => {
            tx.query(WRITE).bind(key).bind(Json(value)).bind(at).bind(by).execute().await?;
        }
        None => {
            tx.query("DELETE FROM settings_values WHERE key = $1").bind(key).execute().await?;
        }
    }
    Ok(())
}

pub(crate) async fn add_change(tx: &mut Tx, change: &Change) -> db::Result<()> {
    const ADD: &str = "INSERT INTO settings_changes
        (id, position, key, old_value, new_value, actor, at, undo_of, is_undone)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    tx.query(ADD)
        .bind(change.id)
        .bind(change.position)
        .bind(change.key.as_str())
        .bind(change.old.as_ref().map(Json))
        .bind(change.new.as_ref().map(Json))
        .bind(change.by.as_str())
        .bind(change.at)
        .bind(change.undo_of)
        .bind(change.is_undone)
        .execute()
        .await?;
    Ok(())
}

pub(crate) async fn find_change(tx: &mut Tx, id: ChangeId) -> db::Result<Option<Change>> {
    tx.query("SELECT * FROM settings_changes WHERE id = $1").bind(id).optional().await
}

pub(crate) async fn mark_undone(tx: &mut Tx, id: ChangeId) -> db::Result<()> {
    tx.query("UPDATE settings_changes SET is_undone = $2 WHERE id = $1")
        .bind(id)
        .bind(true)
        .execute()
        .await?;
    Ok(())
}

/// Newest first, before a position.
pub(crate) async fn changes(
    tx: &mut Tx,
    key: Option<&str>,
    before: i64,
    limit: i64,
) -> db::Result<Vec<Change>> {
    match key {
        None => {
            tx.query("SELECT * FROM settings_changes WHERE position < $1 ORDER BY position DESC LIMIT $2")
                .bind(before)
                .bind(limit)
                .all()
                .await
        }
        Some(key) => {
            const OF_KEY: &str = "SELECT * FROM settings_changes WHERE key = $1 AND position < $2
                ORDER BY position DESC LIMIT $3";
            tx.query(OF_KEY).bind(key).bind(before).bind(limit).all().await
        }
    }
}
