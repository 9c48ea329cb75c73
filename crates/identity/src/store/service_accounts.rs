use db::{FromRow, Json, Result, Row, Tx};
use kernel::{Locale, SessionId, Timestamp, UserId, WorkspaceId};

use crate::model::{Hash, ServiceAccount, ServiceSecret, ServiceSecretId, User};

impl FromRow for ServiceAccount {
    fn from_row(row: &Row) -> Result<Self> {
        let Json(scopes) = row.get("scopes")?;
        Ok(Self {
            user: row.get("user_id")?,
            workspace: row.get("workspace_id")?,
            name: row.get("name")?,
            scopes,
            role: row.get("role")?,
            is_active: row.get("is_active")?,
            created_at: row.get("created_at")?,
            last_used_at: row.get("last_used_at")?,
        })
    }
}

impl FromRow for ServiceSecret {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            user: row.get("user_id")?,
            prefix: row.get("prefix")?,
            session: row.get("session_id")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            last_used_at: row.get("last_used_at")?,
            revoked_at: row.get("revoked_at")?,
        })
    }
}

/// Its row among the users: without a password, and with an address that no mail reaches (RFC 2606 §2).
pub(crate) async fn insert_user(tx: &mut Tx, user: &User) -> Result<()> {
    tx.query(
        "INSERT INTO identity_users (id, workspace_id, email, email_key, first_name, last_name, locale, is_active,
             is_verified, created_at, updated_at, kind)
         VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(user.id)
    .bind(user.home)
    .bind(&user.email)
    .bind(&user.first_name)
    .bind(&user.last_name)
    .bind(user.locale.map(Locale::tag))
    .bind(user.is_active)
    .bind(user.is_verified)
    .bind(user.created_at)
    .bind(user.updated_at)
    .bind(user.kind.name())
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn insert(tx: &mut Tx, account: &ServiceAccount) -> Result<()> {
    tx.query(
        "INSERT INTO identity_service_accounts (user_id, workspace_id, name, scopes, created_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(account.user)
    .bind(account.workspace)
    .bind(&account.name)
    .bind(Json(&account.scopes))
    .bind(account.created_at)
    .execute()
    .await
    .map(drop)
}

const ACCOUNTS: &str = "SELECT s.*, m.role, u.is_active FROM identity_service_accounts s
     JOIN identity_users u ON u.id = s.user_id
     JOIN identity_memberships m ON m.user_id = s.user_id AND m.workspace_id = s.workspace_id
     WHERE u.deleted_at IS NULL";

pub(crate) async fn find(tx: &mut Tx, workspace: WorkspaceId, id: UserId) -> Result<Option<ServiceAccount>> {
    tx.query_built(format!("{ACCOUNTS} AND s.workspace_id = $1 AND s.user_id = $2"))
        .bind(workspace)
        .bind(id)
        .optional()
        .await
}

/// By its id alone: for the token endpoint, where the secret says the rest.
pub(crate) async fn find_any(tx: &mut Tx, id: UserId) -> Result<Option<ServiceAccount>> {
    tx.query_built(format!("{ACCOUNTS} AND s.user_id = $1")).bind(id).optional().await
}

pub(crate) async fn count(tx: &mut Tx, workspace: WorkspaceId) -> Result<u64> {
    tx.query_built(format!("SELECT COUNT(*) AS value FROM ({ACCOUNTS} AND s.workspace_id = $1) AS found"))
        .bind(workspace)
        .one()
        .await
}

/// The oldest first.
pub(crate) async fn list(
    tx: &mut Tx,
    workspace: WorkspaceId,
    limit: i64,
    offset: i64,
) -> Result<Vec<ServiceAccount>> {
    tx.query_built(format!(
        "{ACCOUNTS} AND s.workspace_id = $1 ORDER BY s.created_at, s.user_id LIMIT $2 OFFSET $3"
    ))
    .bind(workspace)
    .bind(limit)
    .bind(offset)
    .all()
    .await
}

pub(crate) async fn save(tx: &mut Tx, account: &ServiceAccount, now: Timestamp) -> Result<()> {
    tx.query("UPDATE identity_service_accounts SET name = $2, scopes = $3 WHERE user_id = $1")
        .bind(account.user)
        .bind(&account.name)
        .bind(Json(&account.scopes))
        .execute()
        .await?;
    tx.query("UPDATE identity_users SET first_name = $2, is_active = $3, updated_at = $4 WHERE id = $1")
        .bind(account.user)
        .bind(&account.name)
        .bind(account.is_active)
        .bind(now)
        .execute()
        .await
        .map(drop)
}

/// The account stays as a row, for the audit log and whatever it made; nothing finds it any more.
pub(crate) async fn delete(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<()> {
    tx.query("UPDATE identity_users SET deleted_at = $2, is_active = $3, updated_at = $2 WHERE id = $1")
        .bind(id)
        .bind(now)
        .bind(false)
        .execute()
        .await?;
    tx.query("UPDATE identity_service_secrets SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL")
        .bind(id)
        .bind(now)
        .execute()
        .await
        .map(drop)
}

pub(crate) async fn insert_secret(tx: &mut Tx, secret: &ServiceSecret, hash: &Hash) -> Result<()> {
    tx.query(
        "INSERT INTO identity_service_secrets (id, user_id, prefix, hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(secret.id)
    .bind(secret.user)
    .bind(&secret.prefix)
    .bind(hash.bytes().as_slice())
    .bind(secret.created_at)
    .bind(secret.expires_at)
    .execute()
    .await
    .map(drop)
}

/// Those not revoked, the newest first.
pub(crate) async fn list_secrets(tx: &mut Tx, user: UserId) -> Result<Vec<ServiceSecret>> {
    tx.query(
        "SELECT * FROM identity_service_secrets WHERE user_id = $1 AND revoked_at IS NULL
         ORDER BY created_at DESC, id DESC",
    )
    .bind(user)
    .all()
    .await
}

pub(crate) async fn find_secret(tx: &mut Tx, user: UserId, hash: &Hash) -> Result<Option<ServiceSecret>> {
    tx.query("SELECT * FROM identity_service_secrets WHERE user_id = $1 AND hash = $2")
        .bind(user)
        .bind(hash.bytes().as_slice())
        .optional()
        .await
}

/// The revoked secret, unless it was revoked before or is another account's.
pub(crate) async fn revoke_secret(
    tx: &mut Tx,
    user: UserId,
    id: ServiceSecretId,
    now: Timestamp,
) -> Result<Option<ServiceSecret>> {
    tx.query(
        "UPDATE identity_service_secrets SET revoked_at = $3
         WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL RETURNING *",
    )
    .bind(id)
    .bind(user)
    .bind(now)
    .optional()
    .await
}

/// Notes that a secret got a token of this session.
pub(crate) async fn save_use(
    tx: &mut Tx,
    secret: &ServiceSecret,
    session: SessionId,
    now: Timestamp,
) -> Result<()> {
    tx.query("UPDATE identity_service_secrets SET session_id = $2, last_used_at = $3 WHERE id = $1")
        .bind(secret.id)
        .bind(session)
        .bind(now)
        .execute()
        .await?;
    tx.query("UPDATE identity_service_accounts SET last_used_at = $2 WHERE user_id = $1")
        .bind(secret.user)
        .bind(now)
        .execute()
        .await
        .map(drop)
}
