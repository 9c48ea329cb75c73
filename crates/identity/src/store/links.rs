use db::{FromRow, Result, Row, Tx};
use kernel::{Timestamp, UserId};

use crate::model::Hash;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    FirstRun,
    ResetPassword,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::FirstRun => "first-run",
            Self::ResetPassword => "reset-password",
        }
    }
}

/// A link that was just used up.
pub(crate) struct UsedLink {
    pub(crate) user: Option<UserId>,
}

impl FromRow for UsedLink {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { user: row.get("user_id")? })
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

/// Does the link work? It stays unused.
pub(crate) async fn find(
    tx: &mut Tx,
    hash: &Hash,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<UsedLink>> {
    tx.query(
        "SELECT user_id FROM identity_links
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
         WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3 RETURNING user_id",
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

pub(crate) async fn delete_expired(tx: &mut Tx, now: Timestamp) -> Result<()> {
    tx.query("DELETE FROM identity_links WHERE expires_at < $1").bind(now).execute().await.map(drop)
}
