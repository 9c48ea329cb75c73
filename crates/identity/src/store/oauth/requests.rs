use db::{Error, FromRow, Json, Result, Row, Tx};
use kernel::{SessionId, Timestamp, UserId, WorkspaceId};

use crate::model::{
    Hash,
    oauth::{Code, Device, DeviceState, OAuthRequestId, Request},
};

impl FromRow for Request {
    fn from_row(row: &Row) -> Result<Self> {
        let Json(asked) = row.get("asked")?;
        Ok(Self {
            id: row.get("id")?,
            client: row.get("client_id")?,
            user: row.get("user_id")?,
            asked,
            confirmed_since: row.get("confirmed_since")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

impl FromRow for Code {
    fn from_row(row: &Row) -> Result<Self> {
        let (Json(asked), Json(methods)) = (row.get("asked")?, row.get("methods")?);
        Ok(Self {
            client: row.get("client_id")?,
            user: row.get("user_id")?,
            workspace: row.get("workspace_id")?,
            asked,
            methods,
            authenticated_at: row.get("authenticated_at")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            used_at: row.get("used_at")?,
            session: row.get("session_id")?,
        })
    }
}

impl FromRow for Device {
    fn from_row(row: &Row) -> Result<Self> {
        let (Json(asked), Json(methods)) = (row.get("asked")?, row.get("methods")?);
        let state: String = row.get("state")?;
        let unknown = || Error::Column { column: "state".to_owned(), source: state.clone().into() };
        Ok(Self {
            user_code: row.get("user_code")?,
            client: row.get("client_id")?,
            asked,
            interval_s: row.get("interval_s")?,
            polled_at: row.get("polled_at")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            state: DeviceState::parse(&state).ok_or_else(unknown)?,
            user: row.get("user_id")?,
            workspace: row.get("workspace_id")?,
            methods,
            authenticated_at: row.get("authenticated_at")?,
        })
    }
}

pub(crate) async fn insert(tx: &mut Tx, request: &Request) -> Result<()> {
    tx.query(
        "INSERT INTO identity_oauth_requests (id, client_id, user_id, asked, confirmed_since, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(request.id)
    .bind(&request.client)
    .bind(request.user)
    .bind(Json(&request.asked))
    .bind(request.confirmed_since)
    .bind(request.created_at)
    .bind(request.expires_at)
    .execute()
    .await
    .map(drop)
}

/// A user's request that still waits.
pub(crate) async fn find(
    tx: &mut Tx,
    user: UserId,
    id: OAuthRequestId,
    now: Timestamp,
) -> Result<Option<Request>> {
    tx.query(
        "SELECT * FROM identity_oauth_requests
         WHERE id = $1 AND user_id = $2 AND decided_at IS NULL AND expires_at > $3",
    )
    .bind(id)
    .bind(user)
    .bind(now)
    .optional()
    .await
}

/// False when somebody was faster.
pub(crate) async fn decide(tx: &mut Tx, id: OAuthRequestId, now: Timestamp) -> Result<bool> {
    let rows = tx
        .query("UPDATE identity_oauth_requests SET decided_at = $2 WHERE id = $1 AND decided_at IS NULL")
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// What is long over: requests, codes and devices.
pub(crate) async fn delete_expired(tx: &mut Tx, before: Timestamp) -> Result<()> {
    for table in ["requests", "codes", "devices"] {
        tx.query_built(format!("DELETE FROM identity_oauth_{table} WHERE expires_at < $1"))
            .bind(before)
            .execute()
            .await?;
    }
    Ok(())
}

pub(crate) async fn insert_code(tx: &mut Tx, hash: &Hash, code: &Code) -> Result<()> {
    tx.query(
        "INSERT INTO identity_oauth_codes (hash, client_id, user_id, workspace_id, asked, methods, authenticated_at,
             created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(hash.bytes().as_slice())
    .bind(&code.client)
    .bind(code.user)
    .bind(code.workspace)
    .bind(Json(&code.asked))
    .bind(Json(&code.methods))
    .bind(code.authenticated_at)
    .bind(code.created_at)
    .bind(code.expires_at)
    .execute()
    .await
    .map(drop)
}

/// Finds a code and holds its row until the transaction ends.
pub(crate) async fn lock_code(tx: &mut Tx, hash: &Hash) -> Result<Option<Code>> {
    tx.query("UPDATE identity_oauth_codes SET used_at = used_at WHERE hash = $1 RETURNING *")
        .bind(hash.bytes().as_slice())
        .optional()
        .await
}

pub(crate) async fn use_code(tx: &mut Tx, hash: &Hash, session: SessionId, now: Timestamp) -> Result<()> {
    tx.query("UPDATE identity_oauth_codes SET used_at = $2, session_id = $3 WHERE hash = $1")
        .bind(hash.bytes().as_slice())
        .bind(now)
        .bind(session)
        .execute()
        .await
        .map(drop)
}

/// False when the user code is in use.
pub(crate) async fn insert_device(tx: &mut Tx, hash: &Hash, device: &Device) -> Result<bool> {
    let rows = tx
        .query(
            "INSERT INTO identity_oauth_devices (hash, user_code, client_id, asked, interval_s, created_at, expires_at,
                 state, methods)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '[]') ON CONFLICT (user_code) DO NOTHING",
        )
        .bind(hash.bytes().as_slice())
        .bind(&device.user_code)
        .bind(&device.client)
        .bind(Json(&device.asked))
        .bind(device.interval_s)
        .bind(device.created_at)
        .bind(device.expires_at)
        .bind(device.state.name())
        .execute()
        .await?;
    Ok(rows == 1)
}

pub(crate) async fn find_device(tx: &mut Tx, user_code: &str, now: Timestamp) -> Result<Option<Device>> {
    tx.query(
        "SELECT * FROM identity_oauth_devices WHERE user_code = $1 AND state = 'waiting' AND expires_at > $2",
    )
    .bind(user_code)
    .bind(now)
    .optional()
    .await
}

/// Finds a device by its own code and holds its row until the transaction ends.
pub(crate) async fn lock_device(tx: &mut Tx, hash: &Hash) -> Result<Option<Device>> {
    tx.query("UPDATE identity_oauth_devices SET state = state WHERE hash = $1 RETURNING *")
        .bind(hash.bytes().as_slice())
        .optional()
        .await
}

pub(crate) async fn save_poll(tx: &mut Tx, hash: &Hash, interval_s: i64, now: Timestamp) -> Result<()> {
    tx.query("UPDATE identity_oauth_devices SET polled_at = $2, interval_s = $3 WHERE hash = $1")
        .bind(hash.bytes().as_slice())
        .bind(now)
        .bind(interval_s)
        .execute()
        .await
        .map(drop)
}

pub(crate) async fn use_device(tx: &mut Tx, hash: &Hash) -> Result<()> {
    tx.query("UPDATE identity_oauth_devices SET state = 'used' WHERE hash = $1")
        .bind(hash.bytes().as_slice())
        .execute()
        .await
        .map(drop)
}

/// What the user said to a device: by whom it may act, if at all.
pub(crate) struct Answer<'a> {
    pub(crate) state: DeviceState,
    pub(crate) user: UserId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) methods: &'a [String],
    pub(crate) authenticated_at: Timestamp,
}

/// False when it was answered before, or is over.
pub(crate) async fn answer_device(
    tx: &mut Tx,
    user_code: &str,
    answer: Answer<'_>,
    now: Timestamp,
) -> Result<bool> {
    let rows = tx
        .query(
            "UPDATE identity_oauth_devices SET state = $2, user_id = $3, workspace_id = $4, methods = $5,
                 authenticated_at = $6
             WHERE user_code = $1 AND state = 'waiting' AND expires_at > $7",
        )
        .bind(user_code)
        .bind(answer.state.name())
        .bind(answer.user)
        .bind(answer.workspace)
        .bind(Json(answer.methods))
        .bind(answer.authenticated_at)
        .bind(now)
        .execute()
        .await?;
    Ok(rows == 1)
}
