//! How far the clients that name themselves have read.

use db::{Result, Tx};
use kernel::{Timestamp, UserId};

/// A client's own name for itself: 1 to 64 letters, digits, `-` and `_`.
#[derive(Debug, Clone)]
pub(crate) struct ClientId(String);

impl ClientId {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fine = (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        fine.then(|| Self(text.to_owned()))
    }
}

pub(crate) async fn find(tx: &mut Tx, user: UserId, client: &ClientId) -> Result<Option<i64>> {
    tx.query("SELECT position AS value FROM realtime_acks WHERE user_id = $1 AND client_id = $2")
        .bind(user)
        .bind(&client.0)
        .optional()
        .await
}

/// Never goes back: of two connections of one client, the further one counts.
pub(crate) async fn save(
    tx: &mut Tx,
    user: UserId,
    client: &ClientId,
    position: i64,
    at: Timestamp,
) -> Result<()> {
    tx.query(
        "INSERT INTO realtime_acks (user_id, client_id, position, at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id, client_id) DO UPDATE
         SET position = excluded.position, at = excluded.at WHERE excluded.position > realtime_acks.position",
    )
    .bind(user)
    .bind(&client.0)
    .bind(position)
    .bind(at)
    .execute()
    .await?;
    Ok(())
}

pub(crate) async fn purge(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.query("DELETE FROM realtime_acks WHERE at < $1").bind(before).execute().await
}
