use db::{Error, FromRow, Json, Result, Row, Tx};
use kernel::{Timestamp, UserId};

use crate::model::{Hash, KeyAlgorithm, oauth::Client};

impl FromRow for Client {
    fn from_row(row: &Row) -> Result<Self> {
        let unreadable =
            |column: &str| Error::Column { column: column.to_owned(), source: "not as written".into() };
        let secret: Option<Vec<u8>> = row.get("secret_hash")?;
        let secret = secret.map(|hash| Hash::from_bytes(&hash).ok_or_else(|| unreadable("secret_hash")));
        let algorithm: String = row.get("id_token_alg")?;
        let (Json(redirect_uris), Json(logout_uris)) = (row.get("redirect_uris")?, row.get("logout_uris")?);
        let (Json(scopes), Json(grant_types)) = (row.get("scopes")?, row.get("grant_types")?);
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            secret: secret.transpose()?,
            redirect_uris,
            logout_uris,
            scopes,
            grant_types,
            id_token_alg: KeyAlgorithm::parse(&algorithm).ok_or_else(|| unreadable("id_token_alg"))?,
            uri: row.get("uri")?,
            logo_uri: row.get("logo_uri")?,
            by_itself: row.get("by_itself")?,
            is_active: row.get("is_active")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            last_used_at: row.get("last_used_at")?,
        })
    }
}

pub(crate) async fn insert(tx: &mut Tx, client: &Client) -> Result<()> {
    tx.query(
        "INSERT INTO identity_oauth_clients (id, name, secret_hash, redirect_uris, logout_uris, scopes, grant_types,
             id_token_alg, uri, logo_uri, by_itself, is_active, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(&client.id)
    .bind(&client.name)
    .bind(client.secret.map(|hash| hash.bytes().to_vec()))
    .bind(Json(&client.redirect_uris))
    .bind(Json(&client.logout_uris))
    .bind(Json(&client.scopes))
    .bind(Json(&client.grant_types))
    .bind(client.id_token_alg.name())
    .bind(client.uri.clone())
    .bind(client.logo_uri.clone())
    .bind(client.by_itself)
    .bind(client.is_active)
    .bind(client.created_at)
    .bind(client.updated_at)
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn save(tx: &mut Tx, client: &Client) -> Result<()> {
    tx.query(
        "UPDATE identity_oauth_clients SET name = $2, secret_hash = $3, redirect_uris = $4, logout_uris = $5,
             scopes = $6, grant_types = $7, id_token_alg = $8, uri = $9, logo_uri = $10, is_active = $11, updated_at = $12
         WHERE id = $1",
    )
    .bind(&client.id)
    .bind(&client.name)
    .bind(client.secret.map(|hash| hash.bytes().to_vec()))
    .bind(Json(&client.redirect_uris))
    .bind(Json(&client.logout_uris))
    .bind(Json(&client.scopes))
    .bind(Json(&client.grant_types))
    .bind(client.id_token_alg.name())
    .bind(client.uri.clone())
    .bind(client.logo_uri.clone())
    .bind(client.is_active)
    .bind(client.updated_at)
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn find(tx: &mut Tx, id: &str) -> Result<Option<Client>> {
    tx.query("SELECT * FROM identity_oauth_clients WHERE id = $1").bind(id).optional().await
}

pub(crate) async fn count(tx: &mut Tx, by_itself: Option<bool>) -> Result<u64> {
    tx.query("SELECT COUNT(*) AS value FROM identity_oauth_clients WHERE ($1 IS NULL OR by_itself = $1)")
        .bind(by_itself)
        .one()
        .await
}

/// The newest first.
pub(crate) async fn list(
    tx: &mut Tx,
    by_itself: Option<bool>,
    limit: i64,
    offset: i64,
) -> Result<Vec<Client>> {
    tx.query(
        "SELECT * FROM identity_oauth_clients WHERE ($1 IS NULL OR by_itself = $1)
         ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3",
    )
    .bind(by_itself)
    .bind(limit)
    .bind(offset)
    .all()
    .await
}

/// With all that refers to it; its sessions are to be ended first.
pub(crate) async fn delete(tx: &mut Tx, id: &str) -> Result<()> {
    for table in ["requests", "codes", "devices", "consents"] {
        tx.query_built(format!("DELETE FROM identity_oauth_{table} WHERE client_id = $1"))
            .bind(id)
            .execute()
            .await?;
    }
    tx.query("DELETE FROM identity_oauth_clients WHERE id = $1").bind(id).execute().await.map(drop)
}

/// Those that registered by themselves before then and never did anything.
pub(crate) async fn list_unused(tx: &mut Tx, before: Timestamp) -> Result<Vec<Client>> {
    tx.query(
        "SELECT * FROM identity_oauth_clients
         WHERE by_itself AND last_used_at IS NULL AND created_at < $1 ORDER BY created_at LIMIT 100",
    )
    .bind(before)
    .all()
    .await
}

pub(crate) async fn touch(tx: &mut Tx, id: &str, now: Timestamp) -> Result<()> {
    tx.query("UPDATE identity_oauth_clients SET last_used_at = $2 WHERE id = $1")
        .bind(id)
        .bind(now)
        .execute()
        .await
        .map(drop)
}

/// What a user let a client do.
pub(crate) struct Consent {
    pub(crate) scopes: Vec<String>,
}

impl FromRow for Consent {
    fn from_row(row: &Row) -> Result<Self> {
        let Json(scopes) = row.get("scopes")?;
        Ok(Self { scopes })
    }
}

pub(crate) async fn find_consent(tx: &mut Tx, user: UserId, client: &str) -> Result<Option<Consent>> {
    tx.query("SELECT scopes FROM identity_oauth_consents WHERE user_id = $1 AND client_id = $2")
        .bind(user)
        .bind(client)
        .optional()
        .await
}

pub(crate) async fn save_consent(
    tx: &mut Tx,
    user: UserId,
    client: &str,
    scopes: &[String],
    now: Timestamp,
) -> Result<()> {
    tx.query(
        "INSERT INTO identity_oauth_consents (user_id, client_id, scopes, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $4)
         ON CONFLICT (user_id, client_id) DO UPDATE SET scopes = $3, updated_at = $4",
    )
    .bind(user)
    .bind(client)
    .bind(Json(scopes))
    .bind(now)
    .execute()
    .await
    .map(drop)
}

/// False when there was none.
pub(crate) async fn delete_consent(tx: &mut Tx, user: UserId, client: &str) -> Result<bool> {
    let rows = tx
        .query("DELETE FROM identity_oauth_consents WHERE user_id = $1 AND client_id = $2")
        .bind(user)
        .bind(client)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// A client that a user let in.
pub(crate) struct Application {
    pub(crate) client: Client,
    pub(crate) granted: Vec<String>,
    pub(crate) granted_at: Timestamp,
    pub(crate) seen_at: Option<Timestamp>,
}

impl FromRow for Application {
    fn from_row(row: &Row) -> Result<Self> {
        let Json(granted) = row.get("granted")?;
        Ok(Self {
            client: Client::from_row(row)?,
            granted,
            granted_at: row.get("granted_at")?,
            seen_at: row.get("seen_at")?,
        })
    }
}

pub(crate) async fn count_applications(tx: &mut Tx, user: UserId) -> Result<u64> {
    tx.query("SELECT COUNT(*) AS value FROM identity_oauth_consents WHERE user_id = $1")
        .bind(user)
        .one()
        .await
}

/// The last let in first.
pub(crate) async fn list_applications(
    tx: &mut Tx,
    user: UserId,
    limit: i64,
    offset: i64,
) -> Result<Vec<Application>> {
    tx.query(
        "SELECT c.*, s.scopes AS granted, s.updated_at AS granted_at,
             (SELECT MAX(last_seen_at) FROM identity_sessions x WHERE x.client_id = c.id AND x.user_id = $1) AS seen_at
         FROM identity_oauth_consents s JOIN identity_oauth_clients c ON c.id = s.client_id
         WHERE s.user_id = $1 ORDER BY s.updated_at DESC, c.id LIMIT $2 OFFSET $3",
    )
    .bind(user)
    .bind(limit)
    .bind(offset)
    .all()
    .await
}

/// Ends the sessions that a client holds: a user's, or everybody's.
pub(crate) async fn end_sessions(
    tx: &mut Tx,
    client: &str,
    user: Option<UserId>,
    why: &'static str,
    now: Timestamp,
) -> Result<u64> {
    tx.query(
        "UPDATE identity_sessions SET ended_at = $3, ended_why = $4
         WHERE client_id = $1 AND kind = 'client' AND ($2 IS NULL OR user_id = $2) AND ended_at IS NULL
           AND expires_at > $3",
    )
    .bind(client)
    .bind(user)
    .bind(now)
    .bind(why)
    .execute()
    .await
}
