//! What is removed for good.

use db::{FromRow, Result, Row, Tx};
use kernel::{Timestamp, UserId, WorkspaceId};

/// Tables whose rows belong to one user, by `user_id`: they go with the account. A test holds this against the schema.
pub(crate) const OF_THE_USER: &[&str] = &[
    "identity_api_keys",
    "identity_challenges",
    "identity_links",
    "identity_memberships",
    "identity_oauth_codes",
    "identity_oauth_consents",
    "identity_oauth_devices",
    "identity_oauth_requests",
    "identity_passkeys",
    "identity_provider_links",
    "identity_recovery_codes",
    "identity_service_accounts",
    "identity_service_secrets",
    "identity_sessions",
    "identity_totp",
];

/// The account's row stays, since other rows name it; nothing in it tells whose it was. Its address comes free.
pub(crate) async fn purge(tx: &mut Tx, id: UserId, now: Timestamp) -> Result<()> {
    for table in OF_THE_USER {
        tx.query_built(format!("DELETE FROM {table} WHERE user_id = $1")).bind(id).execute().await?;
    }
    // No address has a space in it.
    tx.query(
        "UPDATE identity_users SET email = '', email_key = 'purged ' || id, password_hash = NULL, first_name = '',
             last_name = '', locale = NULL, is_active = $2, is_verified = $2, last_login_at = NULL, pending_email = NULL,
             pending_email_until = NULL, updated_at = $3, deleted_at = COALESCE(deleted_at, $3), purged_at = $3
         WHERE id = $1",
    )
    .bind(id)
    .bind(false)
    .bind(now)
    .execute()
    .await
    .map(drop)
}

struct Due(UserId, WorkspaceId);

impl FromRow for Due {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self(row.get("id")?, row.get("workspace_id")?))
    }
}

/// Accounts to be purged, with their homes: deleted before the one time, or registered before the other and never confirmed.
pub(crate) async fn list_due(
    tx: &mut Tx,
    deleted_before: Timestamp,
    registered_before: Timestamp,
    limit: i64,
) -> Result<Vec<(UserId, WorkspaceId)>> {
    let due: Vec<Due> = tx
        .query(
            "SELECT id, workspace_id FROM identity_users
             WHERE purged_at IS NULL AND (deleted_at < $1
                 OR (must_verify AND NOT is_verified AND password_hash IS NULL AND created_at < $2))
             ORDER BY id LIMIT $3",
        )
        .bind(deleted_before)
        .bind(registered_before)
        .bind(limit)
        .all()
        .await?;
    Ok(due.into_iter().map(|Due(id, home)| (id, home)).collect())
}

/// Some of those that were over before.
pub(crate) async fn delete_sessions(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.query(
        "DELETE FROM identity_sessions WHERE id IN
             (SELECT id FROM identity_sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000)",
    )
    .bind(before)
    .execute()
    .await
}

/// Likewise.
pub(crate) async fn delete_links(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    tx.query(
        "DELETE FROM identity_links WHERE hash IN
             (SELECT hash FROM identity_links WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000)",
    )
    .bind(before)
    .execute()
    .await
}

/// Changes of address that nobody confirmed in time.
pub(crate) async fn forget_pending_emails(tx: &mut Tx, now: Timestamp) -> Result<()> {
    tx.query("UPDATE identity_users SET pending_email = NULL, pending_email_until = NULL WHERE pending_email_until < $1")
        .bind(now)
        .execute()
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_users_is_purged() {
        let mut found = Vec::new();
        for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap() {
            let path = file.unwrap().path();
            if !path.to_string_lossy().ends_with(".up.sql") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for table in text.split("CREATE TABLE ").skip(1) {
                let (name, columns) = table.split_once('(').unwrap();
                let columns = columns.split(");").next().unwrap();
                if columns.lines().any(|line| line.trim_start().starts_with("user_id ")) {
                    found.push(name.trim().to_owned());
                }
            }
        }
        found.sort();
        found.dedup();
        assert_eq!(found, OF_THE_USER);
    }
}
