use db::{FromRow, Json, Result, Row, Tx};
use kernel::{SessionId, Timestamp, UserId};
use serde::{Serialize, de::DeserializeOwned};

use crate::model::Hash;

/// What was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A browser showed the password and owes a second factor.
    SignInBrowser,
    /// A program likewise.
    SignInProgram,
    /// A signed-in user adds a passkey.
    AddPasskey,
    /// A signed-in user shows a passkey again.
    Confirm,
    /// A passkey signed somebody in: only kept so that it works once.
    PasskeySignIn,
    /// A browser came back from another OpenID provider: likewise.
    Provider,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::SignInBrowser => "sign-in-browser",
            Self::SignInProgram => "sign-in-program",
            Self::AddPasskey => "add-passkey",
            Self::Confirm => "confirm",
            Self::PasskeySignIn => "passkey-sign-in",
            Self::Provider => "provider",
        }
    }
}

/// One to be kept.
pub(crate) struct NewChallenge<'c, P> {
    pub(crate) hash: &'c Hash,
    pub(crate) purpose: Purpose,
    pub(crate) user: Option<UserId>,
    pub(crate) session: Option<SessionId>,
    pub(crate) payload: &'c P,
    pub(crate) now: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// One that counts.
pub(crate) struct Challenge<P> {
    pub(crate) user: Option<UserId>,
    pub(crate) payload: P,
    /// The present one included.
    pub(crate) tries: i64,
}

impl<P: DeserializeOwned> FromRow for Challenge<P> {
    fn from_row(row: &Row) -> Result<Self> {
        let Json(payload) = row.get("payload")?;
        Ok(Self { user: row.get("user_id")?, payload, tries: row.get("tries")? })
    }
}

/// Also forgets those whose time is over.
pub(crate) async fn insert<P: Serialize>(tx: &mut Tx, new: NewChallenge<'_, P>) -> Result<()> {
    tx.query("DELETE FROM identity_challenges WHERE expires_at < $1").bind(new.now).execute().await?;
    tx.query(
        "INSERT INTO identity_challenges (hash, purpose, user_id, session_id, payload, tries, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, 0, $6, $7)",
    )
    .bind(new.hash.bytes().as_slice())
    .bind(new.purpose.name())
    .bind(new.user)
    .bind(new.session)
    .bind(Json(new.payload))
    .bind(new.now)
    .bind(new.expires_at)
    .execute()
    .await
    .map(drop)
}

/// As it stands; costs no try.
pub(crate) async fn find<P: DeserializeOwned>(
    tx: &mut Tx,
    hash: &Hash,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<Challenge<P>>> {
    tx.query(
        "SELECT user_id, payload, tries FROM identity_challenges
         WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3",
    )
    .bind(hash.bytes().as_slice())
    .bind(purpose.name())
    .bind(now)
    .optional()
    .await
}

/// Takes one of its tries, before anything is compared: however many ask at once, no more than `tries_max` get to.
pub(crate) async fn try_one<P: DeserializeOwned>(
    tx: &mut Tx,
    hash: &Hash,
    purpose: Purpose,
    tries_max: i64,
    now: Timestamp,
) -> Result<Option<Challenge<P>>> {
    tx.query(
        "UPDATE identity_challenges SET tries = tries + 1
         WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3 AND tries < $4
         RETURNING user_id, payload, tries",
    )
    .bind(hash.bytes().as_slice())
    .bind(purpose.name())
    .bind(now)
    .bind(tries_max)
    .optional()
    .await
}

pub(crate) async fn save_payload<P: Serialize>(tx: &mut Tx, hash: &Hash, payload: &P) -> Result<()> {
    tx.query("UPDATE identity_challenges SET payload = $2 WHERE hash = $1")
        .bind(hash.bytes().as_slice())
        .bind(Json(payload))
        .execute()
        .await
        .map(drop)
}

/// Uses it up; `None` when somebody was faster.
pub(crate) async fn consume<P: DeserializeOwned>(
    tx: &mut Tx,
    hash: &Hash,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<Challenge<P>>> {
    tx.query(
        "UPDATE identity_challenges SET used_at = $3
         WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3
         RETURNING user_id, payload, tries",
    )
    .bind(hash.bytes().as_slice())
    .bind(purpose.name())
    .bind(now)
    .optional()
    .await
}

/// Uses up what a session began last for this purpose.
pub(crate) async fn consume_of_session<P: DeserializeOwned>(
    tx: &mut Tx,
    session: SessionId,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<Challenge<P>>> {
    tx.query(
        "UPDATE identity_challenges SET used_at = $3
         WHERE session_id = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3
         RETURNING user_id, payload, tries",
    )
    .bind(session)
    .bind(purpose.name())
    .bind(now)
    .optional()
    .await
}

/// Takes the force from what the session began before.
pub(crate) async fn revoke_of_session(
    tx: &mut Tx,
    session: SessionId,
    purpose: Purpose,
    now: Timestamp,
) -> Result<()> {
    tx.query(
        "UPDATE identity_challenges SET used_at = $3 WHERE session_id = $1 AND purpose = $2 AND used_at IS NULL",
    )
    .bind(session)
    .bind(purpose.name())
    .bind(now)
    .execute()
    .await
    .map(drop)
}

/// Takes the force from all that a user began.
pub(crate) async fn revoke_all(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<()> {
    tx.query("UPDATE identity_challenges SET used_at = $2 WHERE user_id = $1 AND used_at IS NULL")
        .bind(user)
        .bind(now)
        .execute()
        .await
        .map(drop)
}

/// Keeps in mind that a challenge which only its holder had was used; false when it was before.
pub(crate) async fn insert_used(
    tx: &mut Tx,
    hash: &Hash,
    purpose: Purpose,
    user: Option<UserId>,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<bool> {
    tx.query("DELETE FROM identity_challenges WHERE expires_at < $1").bind(now).execute().await?;
    let rows = tx
        .query(
            "INSERT INTO identity_challenges (hash, purpose, user_id, payload, tries, created_at, expires_at, used_at)
             VALUES ($1, $2, $3, '{}', 1, $4, $5, $4) ON CONFLICT DO NOTHING",
        )
        .bind(hash.bytes().as_slice())
        .bind(purpose.name())
        .bind(user)
        .bind(now)
        .bind(expires_at)
        .execute()
        .await?;
    Ok(rows == 1)
}
