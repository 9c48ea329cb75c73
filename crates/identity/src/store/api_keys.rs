use db::{FromRow, Json, Result, Row, Tx};
use kernel::{ApiKeyId, Timestamp, UserId};

use crate::model::{ApiKey, Hash};

impl FromRow for ApiKey {
    fn from_row(row: &Row) -> Result<Self> {
        let Json(scopes) = row.get("scopes")?;
        Ok(Self {
            id: row.get("id")?,
            user: row.get("user_id")?,
            workspace: row.get("workspace_id")?,
            name: row.get("name")?,
            prefix: row.get("prefix")?,
            scopes,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            last_used_at: row.get("last_used_at")?,
            revoked_at: row.get("revoked_at")?,
        })
    }
}

pub(crate) async fn insert(tx: &mut Tx, key: &ApiKey, hash: &Hash) -> Result<()> {
    tx.query(
        "INSERT INTO identity_api_keys (id, user_id, workspace_id, name, prefix, hash, scopes, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(key.id)
    .bind(key.user)
    .bind(key.workspace)
    .bind(&key.name)
    .bind(&key.prefix)
    .bind(hash.bytes().as_slice())
    .bind(Json(&key.scopes))
    .bind(key.created_at)
    .bind(key.expires_at)
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn find_by_hash(tx: &mut Tx, hash: &Hash) -> Result<Option<ApiKey>> {
    tx.query("SELECT * FROM identity_api_keys WHERE hash = $1").bind(hash.bytes().as_slice()).optional().await
}

pub(crate) async fn count(tx: &mut Tx, user: UserId) -> Result<u64> {
    tx.query("SELECT COUNT(*) AS value FROM identity_api_keys WHERE user_id = $1 AND revoked_at IS NULL")
        .bind(user)
        .one()
        .await
}

/// Those not revoked, the newest first; expired ones are among them, so that their owner sees why a program fails.
pub(crate) async fn list(tx: &mut Tx, user: UserId, limit: i64, offset: i64) -> Result<Vec<ApiKey>> {
    tx.query(
        "SELECT * FROM identity_api_keys WHERE user_id = $1 AND revoked_at IS NULL
         ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3",
    )
    .bind(user)
    .bind(limit)
    .bind(offset)
    .all()
    .await
}

/// False when it was revoked before, or is not the user's.
pub(crate) async fn revoke(tx: &mut Tx, user: UserId, id: ApiKeyId, now: Timestamp) -> Result<bool> {
    let rows = tx
        .query("UPDATE identity_api_keys SET revoked_at = $3 WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL")
        .bind(id)
        .bind(user)
        .bind(now)
        .execute()
        .await?;
    Ok(rows == 1)
}

pub(crate) async fn touch(tx: &mut Tx, id: ApiKeyId, now: Timestamp) -> Result<()> {
    tx.query(
        "UPDATE identity_api_keys SET last_used_at = $2
         WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
    )
    .bind(id)
    .bind(now)
    .execute()
    .await
    .map(drop)
}
