use db::{FromRow, Result, Row, Tx};
use kernel::{Locale, Timestamp, UserId, WorkspaceId};

use crate::model::{Email, Hash, Invitation, InvitationId};

impl FromRow for Invitation {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            workspace: row.get("workspace_id")?,
            email: row.get("email")?,
            role: row.get("role")?,
            locale: Locale::parse(&row.get::<String>("locale")?).unwrap_or_default(),
            invited_by: row.get("invited_by")?,
            created_at: row.get("created_at")?,
            sent_at: row.get("sent_at")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

/// The workspace is locked, and no open invitation to the address is there.
pub(crate) async fn insert(tx: &mut Tx, new: &Invitation, email: &Email, token: &Hash) -> Result<()> {
    tx.query(
        "INSERT INTO identity_invitations (id, workspace_id, email, email_key, role, locale, token_hash, invited_by,
             created_at, sent_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(new.id)
    .bind(new.workspace)
    .bind(email.shown())
    .bind(email.key())
    .bind(&new.role)
    .bind(new.locale.tag())
    .bind(token.bytes().as_slice())
    .bind(new.invited_by)
    .bind(new.created_at)
    .bind(new.sent_at)
    .bind(new.expires_at)
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn find(
    tx: &mut Tx,
    workspace: WorkspaceId,
    id: InvitationId,
) -> Result<Option<Invitation>> {
    tx.query("SELECT * FROM identity_invitations WHERE workspace_id = $1 AND id = $2 AND closed_at IS NULL")
        .bind(workspace)
        .bind(id)
        .optional()
        .await
}

pub(crate) async fn find_by_email(
    tx: &mut Tx,
    workspace: WorkspaceId,
    email: &Email,
) -> Result<Option<Invitation>> {
    tx.query(
        "SELECT * FROM identity_invitations WHERE workspace_id = $1 AND email_key = $2 AND closed_at IS NULL",
    )
    .bind(workspace)
    .bind(email.key())
    .optional()
    .await
}

/// By the link's token, wherever it leads.
pub(crate) async fn find_by_token(tx: &mut Tx, token: &Hash) -> Result<Option<Invitation>> {
    tx.query("SELECT * FROM identity_invitations WHERE token_hash = $1 AND closed_at IS NULL")
        .bind(token.bytes().as_slice())
        .optional()
        .await
}

pub(crate) async fn count(tx: &mut Tx, workspace: WorkspaceId) -> Result<u64> {
    tx.query(
        "SELECT COUNT(*) AS value FROM identity_invitations WHERE workspace_id = $1 AND closed_at IS NULL",
    )
    .bind(workspace)
    .one()
    .await
}

/// The newest first.
pub(crate) async fn list(
    tx: &mut Tx,
    workspace: WorkspaceId,
    limit: i64,
    offset: i64,
) -> Result<Vec<Invitation>> {
    tx.query(
        "SELECT * FROM identity_invitations WHERE workspace_id = $1 AND closed_at IS NULL
         ORDER BY id DESC LIMIT $2 OFFSET $3",
    )
    .bind(workspace)
    .bind(limit)
    .bind(offset)
    .all()
    .await
}

/// Another token in place of the one before, which stops working.
pub(crate) async fn save_sent(tx: &mut Tx, invitation: &Invitation, token: &Hash) -> Result<()> {
    tx.query("UPDATE identity_invitations SET token_hash = $2, sent_at = $3, expires_at = $4 WHERE id = $1")
        .bind(invitation.id)
        .bind(token.bytes().as_slice())
        .bind(invitation.sent_at)
        .bind(invitation.expires_at)
        .execute()
        .await
        .map(drop)
}

/// False when somebody was faster.
pub(crate) async fn close(
    tx: &mut Tx,
    id: InvitationId,
    accepted_by: Option<UserId>,
    now: Timestamp,
) -> Result<bool> {
    let rows = tx
        .query(
            "UPDATE identity_invitations SET closed_at = $2, accepted_by = $3 WHERE id = $1 AND closed_at IS NULL",
        )
        .bind(id)
        .bind(now)
        .bind(accepted_by)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Those that were over before: they name people. How many there were.
pub(crate) async fn forget(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.query("DELETE FROM identity_invitations WHERE closed_at < $1 OR expires_at < $1")
        .bind(before)
        .execute()
        .await
}

/// The owner of the address showed a link that was sent there.
pub(crate) async fn mark_verified(tx: &mut Tx, user: UserId, now: Timestamp) -> Result<()> {
    tx.query("UPDATE identity_users SET is_verified = TRUE, updated_at = $2 WHERE id = $1")
        .bind(user)
        .bind(now)
        .execute()
        .await
        .map(drop)
}

/// Another home, for an account that has none where it is a member.
pub(crate) async fn save_home(tx: &mut Tx, user: UserId, workspace: WorkspaceId) -> Result<()> {
    tx.query("UPDATE identity_users SET workspace_id = $2 WHERE id = $1")
        .bind(user)
        .bind(workspace)
        .execute()
        .await
        .map(drop)
}
