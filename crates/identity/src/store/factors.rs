use db::{FromRow, Result, Row, Tx};
use kernel::{Timestamp, UserId};

use crate::model::{Factors, Hash};

/// A user's authenticator app, secrets sealed.
pub(crate) struct TotpRow {
    pub(crate) secret: Option<Vec<u8>>,
    pub(crate) enabled_at: Option<Timestamp>,
    pub(crate) pending: Option<Vec<u8>>,
    pub(crate) pending_at: Option<Timestamp>,
}

impl FromRow for TotpRow {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            secret: row.get("secret")?,
            enabled_at: row.get("enabled_at")?,
            pending: row.get("pending")?,
            pending_at: row.get("pending_at")?,
        })
    }
}

impl FromRow for Factors {
    fn from_row(row: &Row) -> Result<Self> {
        let count = |column| row.get::<i64>(column).map(|count| u64::try_from(count).unwrap_or(0));
        Ok(Self {
            totp: count("totp")? > 0,
            recovery_codes: count("recovery_codes")?,
            passkeys: count("passkeys")?,
        })
    }
}

/// What the user has, in one statement: every sign-in asks.
pub(crate) async fn count(tx: &mut Tx, user: UserId) -> Result<Factors> {
    tx.query(
        "SELECT
             (SELECT COUNT(*) FROM identity_totp WHERE user_id = $1 AND secret IS NOT NULL) AS totp,
             (SELECT COUNT(*) FROM identity_recovery_codes WHERE user_id = $1 AND used_at IS NULL) AS recovery_codes,
             (SELECT COUNT(*) FROM identity_passkeys WHERE user_id = $1) AS passkeys",
    )
    .bind(user)
    .one()
    .await
}

pub(crate) async fn find_totp(tx: &mut Tx, user: UserId) -> Result<Option<TotpRow>> {
    tx.query("SELECT * FROM identity_totp WHERE user_id = $1").bind(user).optional().await
}

/// Begins to set an app up; one that counts already goes on counting.
pub(crate) async fn save_pending(tx: &mut Tx, user: UserId, sealed: &[u8], now: Timestamp) -> Result<()> {
    tx.query(
        "INSERT INTO identity_totp (user_id, last_step, pending, pending_at) VALUES ($1, 0, $2, $3)
         ON CONFLICT (user_id) DO UPDATE SET pending = excluded.pending, pending_at = excluded.pending_at",
    )
    .bind(user)
    .bind(sealed)
    .bind(now)
    .execute()
    .await
    .map(drop)
}

/// The app that was being set up counts from now on, if it is still that one.
pub(crate) async fn enable(
    tx: &mut Tx,
    user: UserId,
    pending: &[u8],
    step: i64,
    now: Timestamp,
) -> Result<bool> {
    let rows = tx
        .query(
            "UPDATE identity_totp SET secret = pending, enabled_at = $4, last_step = $3, pending = NULL, pending_at = NULL
             WHERE user_id = $1 AND pending = $2",
        )
        .bind(user)
        .bind(pending)
        .bind(step)
        .bind(now)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Takes a step's code: true for one caller only, and for no step before one that was taken. `sealed` is the secret that
/// the code was compared with: another one may count by now.
pub(crate) async fn take_step(tx: &mut Tx, user: UserId, sealed: &[u8], step: i64) -> Result<bool> {
    let rows = tx
        .query(
            "UPDATE identity_totp SET last_step = $3 WHERE user_id = $1 AND secret = $2 AND last_step < $3",
        )
        .bind(user)
        .bind(sealed)
        .bind(step)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// False when there was none.
pub(crate) async fn delete_totp(tx: &mut Tx, user: UserId) -> Result<bool> {
    let rows = tx
        .query("DELETE FROM identity_totp WHERE user_id = $1 AND secret IS NOT NULL")
        .bind(user)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// New ones in place of those before.
pub(crate) async fn replace_codes(tx: &mut Tx, user: UserId, hashes: &[Hash], now: Timestamp) -> Result<()> {
    delete_codes(tx, user).await?;
    for hash in hashes {
        tx.query("INSERT INTO identity_recovery_codes (user_id, hash, created_at) VALUES ($1, $2, $3)")
            .bind(user)
            .bind(hash.bytes().as_slice())
            .bind(now)
            .execute()
            .await?;
    }
    Ok(())
}

pub(crate) async fn delete_codes(tx: &mut Tx, user: UserId) -> Result<()> {
    tx.query("DELETE FROM identity_recovery_codes WHERE user_id = $1").bind(user).execute().await.map(drop)
}

/// Uses a code up; true for one caller only.
pub(crate) async fn take_code(tx: &mut Tx, user: UserId, hash: &Hash, now: Timestamp) -> Result<bool> {
    let rows = tx
        .query(
            "UPDATE identity_recovery_codes SET used_at = $3 WHERE user_id = $1 AND hash = $2 AND used_at IS NULL",
        )
        .bind(user)
        .bind(hash.bytes().as_slice())
        .bind(now)
        .execute()
        .await?;
    Ok(rows == 1)
}
