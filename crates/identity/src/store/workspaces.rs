use db::{FromRow, Json, Result, Row, Tx};
use kernel::{Timestamp, UserId, WorkspaceId};

use crate::model::{Role, Workspace};

impl FromRow for Workspace {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            slug: row.get("slug")?,
            is_first: row.get("is_first")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            deleted_at: row.get("deleted_at")?,
        })
    }
}

/// The installation's first is the one that finds no other. False when the slug is taken.
pub(crate) async fn insert(tx: &mut Tx, workspace: &Workspace) -> Result<bool> {
    let rows = tx
        .query(
            "INSERT INTO identity_workspaces (id, name, slug, is_first, created_at, updated_at)
             VALUES ($1, $2, $3, NOT EXISTS (SELECT 1 FROM identity_workspaces), $4, $5)
             ON CONFLICT DO NOTHING",
        )
        .bind(workspace.id)
        .bind(&workspace.name)
        .bind(&workspace.slug)
        .bind(workspace.created_at)
        .bind(workspace.updated_at)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// Those put aside too.
pub(crate) async fn find(tx: &mut Tx, id: WorkspaceId) -> Result<Option<Workspace>> {
    tx.query("SELECT * FROM identity_workspaces WHERE id = $1").bind(id).optional().await
}

/// Those put aside too.
pub(crate) async fn find_by_slug(tx: &mut Tx, slug: &str) -> Result<Option<Workspace>> {
    tx.query("SELECT * FROM identity_workspaces WHERE slug = $1").bind(slug).optional().await
}

/// The installation's first. It is never put aside.
pub(crate) async fn find_first(tx: &mut Tx) -> Result<Option<Workspace>> {
    tx.query("SELECT * FROM identity_workspaces WHERE is_first").optional().await
}

/// Makes writers of the workspace's members and roles wait for each other: PostgreSQL's at this row, SQLite has one
/// writer anyway. `None` when there is none, or it was put aside.
///
/// Lock order: before anything of its members is read that the transaction then decides by.
pub(crate) async fn lock(tx: &mut Tx, id: WorkspaceId) -> Result<Option<Workspace>> {
    tx.query("UPDATE identity_workspaces SET name = name WHERE id = $1 AND deleted_at IS NULL RETURNING *")
        .bind(id)
        .optional()
        .await
}

/// False when the slug is taken by another.
pub(crate) async fn save(tx: &mut Tx, workspace: &Workspace) -> Result<bool> {
    let rows = tx
        .query(
            "UPDATE identity_workspaces SET name = $2, slug = $3, updated_at = $4, deleted_at = $5
             WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM identity_workspaces WHERE slug = $3 AND id <> $1)",
        )
        .bind(workspace.id)
        .bind(&workspace.name)
        .bind(&workspace.slug)
        .bind(workspace.updated_at)
        .bind(workspace.deleted_at)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// A workspace as those see it who look after the installation.
pub(crate) struct Counted {
    pub(crate) workspace: Workspace,
    pub(crate) members: i64,
}

impl FromRow for Counted {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { workspace: Workspace::from_row(row)?, members: row.get("members")? })
    }
}

pub(crate) async fn count_all(tx: &mut Tx, deleted: bool) -> Result<u64> {
    tx.query("SELECT COUNT(*) AS value FROM identity_workspaces WHERE (deleted_at IS NOT NULL) = $1")
        .bind(deleted)
        .one()
        .await
}

/// The oldest first.
pub(crate) async fn list_all(tx: &mut Tx, deleted: bool, limit: i64, offset: i64) -> Result<Vec<Counted>> {
    tx.query(
        "SELECT w.*, (SELECT COUNT(*) FROM identity_memberships m JOIN identity_users u ON u.id = m.user_id
             WHERE m.workspace_id = w.id AND u.deleted_at IS NULL) AS members
         FROM identity_workspaces w WHERE (w.deleted_at IS NOT NULL) = $1
         ORDER BY w.is_first DESC, w.created_at, w.id LIMIT $2 OFFSET $3",
    )
    .bind(deleted)
    .bind(limit)
    .bind(offset)
    .all()
    .await
}

/// Those put aside too.
pub(crate) async fn list_ids(tx: &mut Tx) -> Result<Vec<WorkspaceId>> {
    let rows = tx.query("SELECT id FROM identity_workspaces ORDER BY id").rows().await?;
    rows.iter().map(|row| row.get("id")).collect()
}

pub(crate) async fn list_deleted_ids(tx: &mut Tx) -> Result<Vec<WorkspaceId>> {
    let rows = tx
        .query("SELECT id FROM identity_workspaces WHERE deleted_at IS NOT NULL ORDER BY id")
        .rows()
        .await?;
    rows.iter().map(|row| row.get("id")).collect()
}

/// One role of one membership.
pub(crate) struct Place {
    pub(crate) workspace: Workspace,
    pub(crate) role: Role,
}

impl FromRow for Place {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self { workspace: Workspace::from_row(row)?, role: Role::from_row(row)? })
    }
}

/// A user's workspaces with each of their roles there; the oldest membership first, roles by name.
pub(crate) async fn list_places(tx: &mut Tx, user: UserId) -> Result<Vec<Place>> {
    tx.query(
        "SELECT w.*, r.name AS role_name, r.description, r.permissions, r.workspace_id IS NULL AS is_built_in
         FROM identity_memberships m
         JOIN identity_workspaces w ON w.id = m.workspace_id AND w.deleted_at IS NULL
         JOIN identity_roles r ON (r.workspace_id IS NULL OR r.workspace_id = m.workspace_id)
             AND (r.name = m.role OR (m.roles LIKE '%\"' || m.role || '\"%' AND m.roles LIKE '%\"' || r.name || '\"%'))
         WHERE m.user_id = $1 ORDER BY m.created_at, w.id, r.name",
    )
    .bind(user)
    .all()
    .await
}

/// The member's roles; see the column's comment in the migration.
pub(crate) fn roles_of(row: &Row) -> Result<Vec<String>> {
    let Json(roles): Json<Vec<String>> = row.get("roles")?;
    let first: String = row.get("role")?;
    Ok(if roles.contains(&first) { roles } else { vec![first] })
}

/// With one role. False when they are a member already.
pub(crate) async fn insert_membership(
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: UserId,
    role: &str,
    now: Timestamp,
) -> Result<bool> {
    let rows = tx
        .query(
            "INSERT INTO identity_memberships (workspace_id, user_id, role, roles, created_at)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        )
        .bind(workspace)
        .bind(user)
        .bind(role)
        .bind(Json([role]))
        .bind(now)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// `roles` is not empty.
pub(crate) async fn save_membership(
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: UserId,
    roles: &[String],
) -> Result<()> {
    tx.query("UPDATE identity_memberships SET role = $3, roles = $4 WHERE workspace_id = $1 AND user_id = $2")
        .bind(workspace)
        .bind(user)
        .bind(roles.first().cloned().unwrap_or_default())
        .bind(Json(roles))
        .execute()
        .await
        .map(drop)
}

/// False when they were none.
pub(crate) async fn delete_membership(tx: &mut Tx, workspace: WorkspaceId, user: UserId) -> Result<bool> {
    let rows = tx
        .query("DELETE FROM identity_memberships WHERE workspace_id = $1 AND user_id = $2")
        .bind(workspace)
        .bind(user)
        .execute()
        .await?;
    Ok(rows == 1)
}
