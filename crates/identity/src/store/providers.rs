use db::{FromRow, Result, Row, Tx};
use kernel::{Timestamp, UserId};

/// An account elsewhere that signs somebody in here.
pub(crate) struct Link {
    pub(crate) provider: String,
    pub(crate) user: UserId,
    pub(crate) email: Option<String>,
    pub(crate) linked_at: Timestamp,
}

impl FromRow for Link {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            provider: row.get("provider")?,
            user: row.get("user_id")?,
            email: row.get("email")?,
            linked_at: row.get("linked_at")?,
        })
    }
}

/// One to be kept.
pub(crate) struct NewLink<'l> {
    pub(crate) provider: &'l str,
    pub(crate) issuer: &'l str,
    pub(crate) subject: &'l str,
    pub(crate) user: UserId,
    pub(crate) email: Option<&'l str>,
    pub(crate) now: Timestamp,
}

pub(crate) async fn insert(tx: &mut Tx, new: NewLink<'_>) -> Result<()> {
    tx.query(
        "INSERT INTO identity_provider_links (provider, issuer, subject, user_id, email, linked_at, last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)",
    )
    .bind(new.provider)
    .bind(new.issuer)
    .bind(new.subject)
    .bind(new.user)
    .bind(new.email)
    .bind(new.now)
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn find(tx: &mut Tx, provider: &str, issuer: &str, subject: &str) -> Result<Option<Link>> {
    tx.query("SELECT * FROM identity_provider_links WHERE provider = $1 AND issuer = $2 AND subject = $3")
        .bind(provider)
        .bind(issuer)
        .bind(subject)
        .optional()
        .await
}

pub(crate) async fn save_use(
    tx: &mut Tx,
    provider: &str,
    issuer: &str,
    subject: &str,
    now: Timestamp,
) -> Result<()> {
    tx.query(
        "UPDATE identity_provider_links SET last_used_at = $4 WHERE provider = $1 AND issuer = $2 AND subject = $3",
    )
    .bind(provider)
    .bind(issuer)
    .bind(subject)
    .bind(now)
    .execute()
    .await
    .map(drop)
}

/// All of a user's; one per provider.
pub(crate) async fn list(tx: &mut Tx, user: UserId) -> Result<Vec<Link>> {
    tx.query("SELECT * FROM identity_provider_links WHERE user_id = $1 ORDER BY linked_at, provider")
        .bind(user)
        .all()
        .await
}

pub(crate) async fn delete(tx: &mut Tx, user: UserId, provider: &str) -> Result<()> {
    tx.query("DELETE FROM identity_provider_links WHERE user_id = $1 AND provider = $2")
        .bind(user)
        .bind(provider)
        .execute()
        .await
        .map(drop)
}
