use db::{FromRow, Result, Row, Tx};
use kernel::{Locale, Timestamp, UserId, WorkspaceId};

use super::workspaces::roles_of;
use crate::model::{Account, Email, Exported, Member, MemberFilter, PendingEmail, User, UserKind};

impl FromRow for User {
    fn from_row(row: &Row) -> Result<Self> {
        let locale: Option<String> = row.get("locale")?;
        let pending: Option<String> = row.get("pending_email")?;
        let until: Option<Timestamp> = row.get("pending_email_until")?;
        Ok(Self {
            id: row.get("id")?,
            kind: UserKind::parse(&row.get::<String>("kind")?).unwrap_or(UserKind::Person),
            home: row.get("workspace_id")?,
            email: row.get("email")?,
            first_name: row.get("first_name")?,
            last_name: row.get("last_name")?,
            locale: locale.as_deref().and_then(Locale::parse),
            is_active: row.get("is_active")?,
            is_verified: row.get("is_verified")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            last_login_at: row.get("last_login_at")?,
            deleted_at: row.get("deleted_at")?,
            pending_email: pending.zip(until).map(|(email, until)| PendingEmail { email, until }),
        })
    }
}

impl FromRow for Account {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            user: User::from_row(row)?,
            password_hash: row.get("password_hash")?,
            must_verify: row.get("must_verify")?,
        })
    }
}

impl FromRow for Member {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { user: User::from_row(row)?, roles: roles_of(row)? })
    }
}

/// Without a hash of a password, they cannot sign in by one.
pub(crate) async fn insert(
    tx: &mut Tx,
    user: &User,
    email: &Email,
    password_hash: Option<&str>,
) -> Result<()> {
    tx.query(
        "INSERT INTO identity_users (id, workspace_id, email, email_key, password_hash, first_name, last_name, locale,
             is_active, is_verified, created_at, updated_at, kind)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(user.id)
    .bind(user.home)
    .bind(email.shown())
    .bind(email.key())
    .bind(password_hash.map(str::to_owned))
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

/// Somebody who registered by themselves: without a password until the address is confirmed. False when the address has an
/// account already.
pub(crate) async fn insert_unverified(tx: &mut Tx, user: &User, email: &Email) -> Result<bool> {
    let rows = tx
        .query(
            "INSERT INTO identity_users (id, workspace_id, email, email_key, first_name, last_name, locale, is_active,
                 is_verified, created_at, updated_at, kind, must_verify)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12) ON CONFLICT (email_key) DO NOTHING",
        )
        .bind(user.id)
        .bind(user.home)
        .bind(email.shown())
        .bind(email.key())
        .bind(&user.first_name)
        .bind(&user.last_name)
        .bind(user.locale.map(Locale::tag))
        .bind(user.is_active)
        .bind(user.is_verified)
        .bind(user.created_at)
        .bind(user.kind.name())
        .bind(true)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Is there any account at all, deleted ones included?
pub(crate) async fn any(tx: &mut Tx) -> Result<bool> {
    let found: i64 =
        tx.query("SELECT COUNT(*) AS value FROM (SELECT 1 FROM identity_users LIMIT 1) AS one").one().await?;
    Ok(found > 0)
}

pub(crate) async fn find_account(tx: &mut Tx, email: &Email) -> Result<Option<Account>> {
    tx.query("SELECT * FROM identity_users WHERE email_key = $1").bind(email.key()).optional().await
}

pub(crate) async fn find_account_by_id(tx: &mut Tx, id: UserId) -> Result<Option<Account>> {
    tx.query("SELECT * FROM identity_users WHERE id = $1").bind(id).optional().await
}

pub(crate) async fn find_member(tx: &mut Tx, workspace: WorkspaceId, id: UserId) -> Result<Option<Member>> {
    tx.query(
        "SELECT u.*, m.role, m.roles FROM identity_memberships m JOIN identity_users u ON u.id = m.user_id
         WHERE m.workspace_id = $1 AND u.id = $2 AND u.deleted_at IS NULL",
    )
    .bind(workspace)
    .bind(id)
    .optional()
    .await
}

/// The same for one that was deleted.
pub(crate) async fn find_deleted_member(
    tx: &mut Tx,
    workspace: WorkspaceId,
    id: UserId,
) -> Result<Option<Member>> {
    tx.query(
        "SELECT u.*, m.role, m.roles FROM identity_memberships m JOIN identity_users u ON u.id = m.user_id
         WHERE m.workspace_id = $1 AND u.id = $2 AND u.deleted_at IS NOT NULL",
    )
    .bind(workspace)
    .bind(id)
    .optional()
    .await
}

const MATCHING: &str = "
    FROM identity_memberships m JOIN identity_users u ON u.id = m.user_id
    WHERE m.workspace_id = $1 AND (u.deleted_at IS NOT NULL) = $5
      AND ($2 IS NULL OR u.email_key LIKE $2 ESCAPE '!' OR LOWER(u.first_name || ' ' || u.last_name) LIKE $2 ESCAPE '!')
      AND ($3 IS NULL OR m.role = $3 OR m.roles LIKE '%\"' || $3 || '\"%')
      AND ($4 IS NULL OR u.is_active = $4)
      AND ($6 IS NULL OR u.is_verified = $6)
      AND ($7 IS NULL OR u.kind = $7)";

fn pattern(filter: &MemberFilter) -> Option<String> {
    let text = filter.search.as_ref()?.to_lowercase();
    let escaped = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
    Some(format!("%{escaped}%"))
}

pub(crate) async fn count_members(tx: &mut Tx, workspace: WorkspaceId, filter: &MemberFilter) -> Result<u64> {
    tx.query_built(format!("SELECT COUNT(*) AS value {MATCHING}"))
        .bind(workspace)
        .bind(pattern(filter))
        .bind(filter.role.clone())
        .bind(filter.is_active)
        .bind(filter.deleted)
        .bind(filter.is_verified)
        .bind(filter.kind.map(UserKind::name))
        .one()
        .await
}

/// Oldest accounts first.
pub(crate) async fn list_members(
    tx: &mut Tx,
    workspace: WorkspaceId,
    filter: &MemberFilter,
    limit: i64,
    offset: i64,
) -> Result<Vec<Member>> {
    tx.query_built(format!("SELECT u.*, m.role, m.roles {MATCHING} ORDER BY u.id LIMIT $8 OFFSET $9"))
        .bind(workspace)
        .bind(pattern(filter))
        .bind(filter.role.clone())
        .bind(filter.is_active)
        .bind(filter.deleted)
        .bind(filter.is_verified)
        .bind(filter.kind.map(UserKind::name))
        .bind(limit)
        .bind(offset)
        .all()
        .await
}

/// People who can sign in and have the role. Decide by it under [`lock`](super::workspaces::lock) only.
pub(crate) async fn count_active_with_role(tx: &mut Tx, workspace: WorkspaceId, role: &str) -> Result<u64> {
    tx.query(
        "SELECT COUNT(*) AS value FROM identity_memberships m JOIN identity_users u ON u.id = m.user_id
         WHERE m.workspace_id = $1 AND (m.role = $2 OR m.roles LIKE '%\"' || $2 || '\"%')
           AND u.kind = 'person' AND u.is_active AND u.deleted_at IS NULL",
    )
    .bind(workspace)
    .bind(role)
    .one()
    .await
}

pub(crate) async fn save(tx: &mut Tx, user: &User) -> Result<()> {
    tx.query(
        "UPDATE identity_users SET first_name = $2, last_name = $3, locale = $4, is_active = $5, updated_at = $6
         WHERE id = $1",
    )
    .bind(user.id)
    .bind(&user.first_name)
    .bind(&user.last_name)
    .bind(user.locale.map(Locale::tag))
    .bind(user.is_active)
    .bind(user.updated_at)
    .execute()
    .await
    .map(drop)
}

/// A service account gets none: it signs in by its secrets alone.
pub(crate) async fn save_password(tx: &mut Tx, id: UserId, hash: &str, now: Timestamp) -> Result<()> {
    tx.query(
        "UPDATE identity_users SET password_hash = $2, updated_at = $3 WHERE id = $1 AND kind <> 'service'",
    )
    .bind(id)
    .bind(hash)
    .bind(now)
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn save_verified(tx: &mut Tx, id: UserId, is_verified: bool, now: Timestamp) -> Result<()> {
    tx.query("UPDATE identity_users SET is_verified = $2, updated_at = $3 WHERE id = $1")
        .bind(id)
        .bind(is_verified)
        .bind(now)
        .execute()
        .await
        .map(drop)
}

/// Puts the account aside, or brings it back.
pub(crate) async fn save_deleted(
    tx: &mut Tx,
    id: UserId,
    deleted_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    tx.query("UPDATE identity_users SET deleted_at = $2, updated_at = $3 WHERE id = $1")
        .bind(id)
        .bind(deleted_at)
        .bind(now)
        .execute()
        .await
        .map(drop)
}

/// The address that waits to be confirmed, or none.
pub(crate) async fn save_pending_email(
    tx: &mut Tx,
    id: UserId,
    pending: Option<&PendingEmail>,
) -> Result<()> {
    tx.query("UPDATE identity_users SET pending_email = $2, pending_email_until = $3 WHERE id = $1")
        .bind(id)
        .bind(pending.map(|pending| pending.email.clone()))
        .bind(pending.map(|pending| pending.until))
        .execute()
        .await
        .map(drop)
}

pub(crate) async fn save_email(
    tx: &mut Tx,
    id: UserId,
    email: &Email,
    is_verified: bool,
    now: Timestamp,
) -> Result<()> {
    tx.query(
        "UPDATE identity_users SET email = $2, email_key = $3, is_verified = $4, updated_at = $5 WHERE id = $1",
    )
    .bind(id)
    .bind(email.shown())
    .bind(email.key())
    .bind(is_verified)
    .bind(now)
    .execute()
    .await
    .map(drop)
}

/// Holds the account's row until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx, id: UserId) -> Result<()> {
    tx.query("UPDATE identity_users SET updated_at = updated_at WHERE id = $1")
        .bind(id)
        .execute()
        .await
        .map(drop)
}

/// The same password under stronger parameters: only if it was not changed meanwhile.
pub(crate) async fn rehash(tx: &mut Tx, id: UserId, old: &str, new: &str) -> Result<()> {
    tx.query("UPDATE identity_users SET password_hash = $3 WHERE id = $1 AND password_hash = $2")
        .bind(id)
        .bind(old)
        .bind(new)
        .execute()
        .await
        .map(drop)
}

pub(crate) async fn save_login(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<()> {
    tx.query("UPDATE identity_users SET last_login_at = $2 WHERE id = $1")
        .bind(id)
        .bind(now)
        .execute()
        .await
        .map(drop)
}

pub(crate) async fn list_all(tx: &mut Tx, workspace: WorkspaceId) -> Result<Vec<Member>> {
    tx.query(
        "SELECT u.*, m.role, m.roles FROM identity_memberships m JOIN identity_users u ON u.id = m.user_id
         WHERE m.workspace_id = $1 AND u.deleted_at IS NULL ORDER BY u.id",
    )
    .bind(workspace)
    .all()
    .await
}

pub(crate) async fn find_member_by_email(
    tx: &mut Tx,
    workspace: WorkspaceId,
    email: &Email,
    deleted: bool,
) -> Result<Option<Member>> {
    tx.query(
        "SELECT u.*, m.role, m.roles FROM identity_memberships m JOIN identity_users u ON u.id = m.user_id
         WHERE m.workspace_id = $1 AND u.email_key = $2 AND (u.deleted_at IS NOT NULL) = $3",
    )
    .bind(workspace)
    .bind(email.key())
    .bind(deleted)
    .optional()
    .await
}

/// A user's id and what to call them.
pub(crate) struct Named {
    pub(crate) id: UserId,
    pub(crate) name: String,
}

impl FromRow for Named {
    fn from_row(row: &Row) -> Result<Self> {
        let full: String = row.get("name")?;
        let full = full.trim();
        let name = if full.is_empty() { row.get("email")? } else { full.to_owned() };
        Ok(Self { id: row.get("id")?, name })
    }
}

/// At most some hundreds at a time: each id is a parameter.
pub(crate) async fn list_names(tx: &mut Tx, ids: &[UserId]) -> Result<Vec<Named>> {
    let places: Vec<_> = (1..=ids.len()).map(|place| format!("${place}")).collect();
    tx.query_built(format!(
        "SELECT id, email, first_name || ' ' || last_name AS name FROM identity_users WHERE purged_at IS NULL AND id IN ({})",
        places.join(", ")
    ))
    .bind_all(ids.iter().map(|id| (*id).into()))
    .all()
    .await
}

struct Keyed(String, Account);

impl FromRow for Keyed {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self(row.get("email_key")?, Account::from_row(row)?))
    }
}

/// The accounts of these addresses, by the form in which addresses are compared. At most some hundreds at a time.
pub(crate) async fn list_by_keys(tx: &mut Tx, keys: &[&str]) -> Result<Vec<(String, Account)>> {
    let places: Vec<_> = (1..=keys.len()).map(|place| format!("${place}")).collect();
    let sql = format!("SELECT * FROM identity_users WHERE email_key IN ({})", places.join(", "));
    let found: Vec<Keyed> = tx.query_built(sql).bind_all(keys.iter().map(|key| (*key).into())).all().await?;
    Ok(found.into_iter().map(|Keyed(key, account)| (key, account)).collect())
}

impl FromRow for Exported {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { member: Member::from_row(row)?, password_hash: row.get("password_hash")? })
    }
}

/// People who are at home in the workspace, by id, after this one.
pub(crate) async fn list_for_export(
    tx: &mut Tx,
    workspace: WorkspaceId,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<Exported>> {
    tx.query(
        "SELECT u.*, m.role, m.roles FROM identity_memberships m JOIN identity_users u ON u.id = m.user_id
         WHERE m.workspace_id = $1 AND u.workspace_id = $1 AND u.deleted_at IS NULL AND u.kind = 'person' AND u.id > $2
         ORDER BY u.id LIMIT $3",
    )
    .bind(workspace)
    .bind(after.map_or_else(String::new, |id| id.to_string()))
    .bind(limit)
    .all()
    .await
}
