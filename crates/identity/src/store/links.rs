use db::{FromRow, Json, Result, Row, Tx};
use kernel::{Timestamp, UserId};
use serde::{Serialize, de::DeserializeOwned};

use crate::model::Hash;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    FirstRun,
    ResetPassword,
    /// Confirms the address of an account; after a registration it sets what was registered.
    VerifyEmail,
    /// Confirm a change of address, from the address before and from the new one.
    ChangeEmailOld,
    ChangeEmailNew,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::FirstRun => "first-run",
            Self::ResetPassword => "reset-password",
            Self::VerifyEmail => "verify-email",
            Self::ChangeEmailOld => "change-email-old",
            Self::ChangeEmailNew => "change-email-new",
        }
    }
}

/// A link that works, or was just used up.
pub(crate) struct UsedLink {
    pub(crate) user: Option<UserId>,
    /// JSON, up to the purpose.
    pub(crate) payload: Option<String>,
}

impl UsedLink {
    /// The payload, if there is one that reads so.
    pub(crate) fn payload<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(self.payload.as_deref()?).ok()
    }
}

impl FromRow for UsedLink {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { user: row.get("user_id")?, payload: row.get("payload")? })
    }
}

pub(crate) async fn insert(
    tx: &mut Tx,
    hash: &Hash,
    purpose: Purpose,
    user: Option<UserId>,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    tx.query("INSERT INTO identity_links (hash, purpose, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(hash.bytes().as_slice())
        .bind(purpose.name())
        .bind(user)
        .bind(now)
        .bind(expires_at)
        .execute()
        .await
        .map(drop)
}

/// The same with something that the link does when it is used.
pub(crate) async fn insert_with(
    tx: &mut Tx,
    hash: &Hash,
    purpose: Purpose,
    user: UserId,
    payload: &impl Serialize,
    [now, expires_at]: [Timestamp; 2],
) -> Result<()> {
    insert(tx, hash, purpose, Some(user), now, expires_at).await?;
    tx.query("UPDATE identity_links SET payload = $2 WHERE hash = $1")
        .bind(hash.bytes().as_slice())
        .bind(Json(payload))
        .execute()
        .await
        .map(drop)
}

/// Does the link work? It stays unused.
pub(crate) async fn find(
    tx: &mut Tx,
    hash: &Hash,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<UsedLink>> {
    tx.query(
        "SELECT user_id, payload FROM identity_links
         WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3",
    )
    .bind(hash.bytes().as_slice())
    .bind(purpose.name())
    .bind(now)
    .optional()
    .await
}

/// Uses the link up; `None` when somebody was faster.
pub(crate) async fn consume(
    tx: &mut Tx,
    hash: &Hash,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<UsedLink>> {
    tx.query(
        "UPDATE identity_links SET used_at = $3
         WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3 RETURNING user_id, payload",
    )
    .bind(hash.bytes().as_slice())
    .bind(purpose.name())
    .bind(now)
    .optional()
    .await
}

/// Takes the force from a user's open links: a newer one, or a changed password, replaces them.
pub(crate) async fn revoke(tx: &mut Tx, user: UserId, purpose: Purpose, now: Timestamp) -> Result<()> {
    tx.query("UPDATE identity_links SET used_at = $3 WHERE user_id = $1 AND purpose = $2 AND used_at IS NULL")
        .bind(user)
        .bind(purpose.name())
        .bind(now)
        .execute()
        .await
        .map(drop)
}

/// A user's links that nobody used, expired ones too; the newest first.
pub(crate) async fn list_unused(tx: &mut Tx, user: UserId, purpose: Purpose) -> Result<Vec<UsedLink>> {
    tx.query(
        "SELECT user_id, payload FROM identity_links WHERE user_id = $1 AND purpose = $2 AND used_at IS NULL
         ORDER BY created_at DESC, hash LIMIT 10",
    )
    .bind(user)
    .bind(purpose.name())
    .all()
    .await
}

/// Forgets a user's links of this purpose, used or not.
pub(crate) async fn delete(tx: &mut Tx, user: UserId, purpose: Purpose) -> Result<()> {
    tx.query("DELETE FROM identity_links WHERE user_id = $1 AND purpose = $2")
        .bind(user)
        .bind(purpose.name())
        .execute()
        .await
        .map(drop)
}

/// Was the user's link of this purpose used?
pub(crate) async fn is_used(tx: &mut Tx, user: UserId, purpose: Purpose) -> Result<bool> {
    let used: i64 = tx
        .query(
            "SELECT COUNT(*) AS value FROM identity_links
             WHERE user_id = $1 AND purpose = $2 AND used_at IS NOT NULL",
        )
        .bind(user)
        .bind(purpose.name())
        .one()
        .await?;
    Ok(used > 0)
}

pub(crate) async fn delete_expired(tx: &mut Tx, now: Timestamp) -> Result<()> {
    tx.query("DELETE FROM identity_links WHERE expires_at < $1").bind(now).execute().await.map(drop)
}
