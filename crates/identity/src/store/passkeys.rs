use db::{Error, FromRow, Result, Row, Tx};
use kernel::{Timestamp, UserId};
use webauthn_rs::prelude::Passkey;

use crate::model::{PasskeyId, StoredPasskey};

fn json(passkey: &Passkey) -> Result<String> {
    serde_json::to_string(passkey)
        .map_err(|error| Error::Column { column: "passkey".to_owned(), source: Box::new(error) })
}

impl FromRow for StoredPasskey {
    fn from_row(row: &Row) -> Result<Self> {
        let text: String = row.get("passkey")?;
        let passkey = serde_json::from_str(&text)
            .map_err(|error| Error::Column { column: "passkey".to_owned(), source: Box::new(error) })?;
        Ok(Self {
            id: row.get("id")?,
            user: row.get("user_id")?,
            name: row.get("name")?,
            passkey,
            kept: text,
            created_at: row.get("created_at")?,
            last_used_at: row.get("last_used_at")?,
        })
    }
}

pub(crate) async fn insert(
    tx: &mut Tx,
    id: PasskeyId,
    user: UserId,
    name: &str,
    passkey: &Passkey,
    now: Timestamp,
) -> Result<()> {
    tx.query(
        "INSERT INTO identity_passkeys (id, user_id, credential_id, name, passkey, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id)
    .bind(user)
    .bind(passkey.cred_id().as_slice())
    .bind(name)
    .bind(json(passkey)?)
    .bind(now)
    .execute()
    .await
    .map(drop)
}

/// All of a user's, the oldest first; there are few.
pub(crate) async fn list(tx: &mut Tx, user: UserId) -> Result<Vec<StoredPasskey>> {
    tx.query("SELECT * FROM identity_passkeys WHERE user_id = $1 ORDER BY id").bind(user).all().await
}

pub(crate) async fn find(tx: &mut Tx, user: UserId, id: PasskeyId) -> Result<Option<StoredPasskey>> {
    tx.query("SELECT * FROM identity_passkeys WHERE user_id = $1 AND id = $2")
        .bind(user)
        .bind(id)
        .optional()
        .await
}

pub(crate) async fn find_by_credential(
    tx: &mut Tx,
    user: UserId,
    credential: &[u8],
) -> Result<Option<StoredPasskey>> {
    tx.query("SELECT * FROM identity_passkeys WHERE user_id = $1 AND credential_id = $2")
        .bind(user)
        .bind(credential)
        .optional()
        .await
}

/// Notes a use; false when another use was noted since it was read, or it is gone.
pub(crate) async fn save_use(
    tx: &mut Tx,
    before: &StoredPasskey,
    passkey: &Passkey,
    now: Timestamp,
) -> Result<bool> {
    let rows = tx
        .query("UPDATE identity_passkeys SET passkey = $3, last_used_at = $4 WHERE id = $1 AND passkey = $2")
        .bind(before.id)
        .bind(&before.kept)
        .bind(json(passkey)?)
        .bind(now)
        .execute()
        .await?;
    Ok(rows == 1)
}

pub(crate) async fn rename(tx: &mut Tx, user: UserId, id: PasskeyId, name: &str) -> Result<bool> {
    let rows = tx
        .query("UPDATE identity_passkeys SET name = $3 WHERE user_id = $1 AND id = $2")
        .bind(user)
        .bind(id)
        .bind(name)
        .execute()
        .await?;
    Ok(rows == 1)
}

pub(crate) async fn delete(tx: &mut Tx, user: UserId, id: PasskeyId) -> Result<bool> {
    let rows = tx
        .query("DELETE FROM identity_passkeys WHERE user_id = $1 AND id = $2")
        .bind(user)
        .bind(id)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// How many there were.
pub(crate) async fn delete_all(tx: &mut Tx, user: UserId) -> Result<u64> {
    tx.query("DELETE FROM identity_passkeys WHERE user_id = $1").bind(user).execute().await
}
