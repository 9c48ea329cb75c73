use db::{Error, FromRow, Json, Result, Row, Tx};
use jiff::SignedDuration;
use kernel::{SessionId, Timestamp, UserId, WorkspaceId};

use crate::model::{Hash, RefreshState, Session, SessionKind};

impl FromRow for Session {
    fn from_row(row: &Row) -> Result<Self> {
        let Json(scopes) = row.get("scopes")?;
        let Json(methods) = row.get("methods")?;
        Ok(Self {
            id: row.get("id")?,
            kind: SessionKind::parse(&row.get::<String>("kind")?).unwrap_or(SessionKind::Program),
            client: row.get("client_id")?,
            audience: row.get("audience")?,
            methods,
            authenticated_at: row.get("authenticated_at")?,
            user: row.get("user_id")?,
            workspace: row.get("workspace_id")?,
            scopes,
            device: row.get("device")?,
            address: row.get("address")?,
            created_at: row.get("created_at")?,
            last_seen_at: row.get("last_seen_at")?,
            expires_at: row.get("expires_at")?,
            ended_at: row.get("ended_at")?,
        })
    }
}

/// A session that refreshes, with the state of its tokens.
pub(crate) struct Refreshing {
    pub(crate) session: Session,
    pub(crate) refresh: RefreshState,
}

impl FromRow for Refreshing {
    fn from_row(row: &Row) -> Result<Self> {
        let hash: Vec<u8> = row.get("refresh_hash")?;
        let unreadable =
            || Error::Column { column: "refresh_hash".to_owned(), source: "not 32 bytes".into() };
        let current = Hash::from_bytes(&hash).ok_or_else(unreadable)?;
        let Json(recent) = row.get("recent")?;
        Ok(Self { session: Session::from_row(row)?, refresh: RefreshState { current, recent } })
    }
}

/// What proves that a client holds a session.
pub(crate) enum Proof<'p> {
    Cookie(Hash),
    Refresh(&'p RefreshState),
    /// Nothing but the access token itself.
    AccessOnly,
}

pub(crate) async fn insert(tx: &mut Tx, session: &Session, proof: Proof<'_>) -> Result<()> {
    let (cookie, refresh, recent) = match proof {
        Proof::Cookie(hash) => (Some(hash.bytes().to_vec()), None, Vec::new()),
        Proof::AccessOnly => (None, None, Vec::new()),
        Proof::Refresh(state) => (None, Some(state.current.bytes().to_vec()), state.recent.clone()),
    };
    tx.query(
        "INSERT INTO identity_sessions (id, user_id, workspace_id, scopes, cookie_hash, refresh_hash, recent, device,
             address, created_at, last_seen_at, expires_at, kind, client_id, methods, authenticated_at, audience)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(session.id)
    .bind(session.user)
    .bind(session.workspace)
    .bind(Json(&session.scopes))
    .bind(cookie)
    .bind(refresh)
    .bind(Json(recent))
    .bind(&session.device)
    .bind(session.address.clone())
    .bind(session.created_at)
    .bind(session.last_seen_at)
    .bind(session.expires_at)
    .bind(session.kind.name())
    .bind(session.client.clone())
    .bind(Json(&session.methods))
    .bind(session.authenticated_at)
    .bind(session.audience.clone())
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn find(tx: &mut Tx, id: SessionId) -> Result<Option<Session>> {
    tx.query("SELECT * FROM identity_sessions WHERE id = $1").bind(id).optional().await
}

pub(crate) async fn find_by_cookie(tx: &mut Tx, cookie: &Hash) -> Result<Option<Session>> {
    tx.query("SELECT * FROM identity_sessions WHERE cookie_hash = $1")
        .bind(cookie.bytes().as_slice())
        .optional()
        .await
}

/// Finds a session that refreshes and holds its row until the transaction ends: an update that changes nothing is the
/// one way of locking that both engines know.
pub(crate) async fn lock_refreshing(tx: &mut Tx, id: SessionId) -> Result<Option<Refreshing>> {
    tx.query(
        "UPDATE identity_sessions SET last_seen_at = last_seen_at WHERE id = $1 AND refresh_hash IS NOT NULL
         RETURNING *",
    )
    .bind(id)
    .optional()
    .await
}

pub(crate) async fn save_refresh(tx: &mut Tx, session: &Session, refresh: &RefreshState) -> Result<()> {
    tx.query(
        "UPDATE identity_sessions SET refresh_hash = $2, recent = $3, workspace_id = $4, last_seen_at = $5,
             expires_at = $6, device = $7, address = $8
         WHERE id = $1",
    )
    .bind(session.id)
    .bind(refresh.current.bytes().as_slice())
    .bind(Json(&refresh.recent))
    .bind(session.workspace)
    .bind(session.last_seen_at)
    .bind(session.expires_at)
    .bind(&session.device)
    .bind(session.address.clone())
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn save_workspace(tx: &mut Tx, id: SessionId, workspace: WorkspaceId) -> Result<()> {
    tx.query("UPDATE identity_sessions SET workspace_id = $2 WHERE id = $1")
        .bind(id)
        .bind(workspace)
        .execute()
        .await
        .map(drop)
}

/// Notes that the session was used, unless another request just did.
pub(crate) async fn touch(
    tx: &mut Tx,
    session: &Session,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    tx.query(
        "UPDATE identity_sessions SET last_seen_at = $3, expires_at = $4
         WHERE id = $1 AND last_seen_at = $2 AND ended_at IS NULL",
    )
    .bind(session.id)
    .bind(session.last_seen_at)
    .bind(now)
    .bind(expires_at)
    .execute()
    .await
    .map(drop)
}

/// The user showed again who they are.
pub(crate) async fn save_authentication(
    tx: &mut Tx,
    id: SessionId,
    methods: &[String],
    now: Timestamp,
) -> Result<()> {
    tx.query("UPDATE identity_sessions SET methods = $2, authenticated_at = $3 WHERE id = $1")
        .bind(id)
        .bind(Json(methods))
        .bind(now)
        .execute()
        .await
        .map(drop)
}

/// False when it was over before, or is not the user's.
pub(crate) async fn end(
    tx: &mut Tx,
    user: UserId,
    id: SessionId,
    why: &'static str,
    now: Timestamp,
) -> Result<bool> {
    let rows = tx
        .query(
            "UPDATE identity_sessions SET ended_at = $3, ended_why = $4
             WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > $3",
        )
        .bind(id)
        .bind(user)
        .bind(now)
        .bind(why)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Ends all of a user's sessions but one; tells how many there were.
pub(crate) async fn end_all(
    tx: &mut Tx,
    user: UserId,
    except: Option<SessionId>,
    why: &'static str,
    now: Timestamp,
) -> Result<u64> {
    tx.query(
        "UPDATE identity_sessions SET ended_at = $3, ended_why = $4
         WHERE user_id = $1 AND id <> $2 AND ended_at IS NULL AND expires_at > $3",
    )
    .bind(user)
    .bind(except.map_or_else(String::new, |id| id.to_string()))
    .bind(now)
    .bind(why)
    .execute()
    .await
}

pub(crate) async fn count_live(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<u64> {
    tx.query(
        "SELECT COUNT(*) AS value FROM identity_sessions
         WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2",
    )
    .bind(user)
    .bind(now)
    .one()
    .await
}

/// Those last used first.
pub(crate) async fn list_live(
    tx: &mut Tx,
    user: UserId,
    now: Timestamp,
    limit: i64,
    offset: i64,
) -> Result<Vec<Session>> {
    tx.query(
        "SELECT * FROM identity_sessions WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2
         ORDER BY last_seen_at DESC, id DESC LIMIT $3 OFFSET $4",
    )
    .bind(user)
    .bind(now)
    .bind(limit)
    .bind(offset)
    .all()
    .await
}

/// How long an address from which somebody signed in counts as theirs.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Did the user sign in from this address, or with this device, in the last 30 days?
pub(crate) async fn is_familiar(
    tx: &mut Tx,
    user: UserId,
    device: &str,
    address: Option<&str>,
    now: Timestamp,
) -> Result<bool> {
    let found: i64 = tx
        .query(
            "SELECT COUNT(*) AS value FROM (SELECT 1 FROM identity_sessions
             WHERE user_id = $1 AND (address = $2 OR device = $3) AND created_at > $4 LIMIT 1) AS one",
        )
        .bind(user)
        .bind(address.map(str::to_owned))
        .bind(device)
        .bind(now - KNOWN_FOR)
        .one()
        .await?;
    Ok(found > 0)
}

/// Did the user sign in from this address in the last 30 days?
pub(crate) async fn signed_in_from(tx: &mut Tx, user: UserId, address: &str, now: Timestamp) -> Result<bool> {
    let found: i64 = tx
        .query(
            "SELECT COUNT(*) AS value FROM (SELECT 1 FROM identity_sessions
             WHERE user_id = $1 AND address = $2 AND created_at > $3 LIMIT 1) AS one",
        )
        .bind(user)
        .bind(address)
        .bind(now - KNOWN_FOR)
        .one()
        .await?;
    Ok(found > 0)
}
