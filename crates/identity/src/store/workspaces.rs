use db::{FromRow, Json, Result, Row, Tx};
use kernel::{Timestamp, UserId, WorkspaceId};

use crate::model::{Membership, Role, Workspace};

impl FromRow for Workspace {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            slug: row.get("slug")?,
            created_at: row.get("created_at")?,
        })
    }
}

impl FromRow for Role {
    fn from_row(row: &Row) -> Result<Self> {
        let Json(permissions) = row.get("permissions")?;
        Ok(Self::new(row.get("role_name")?, row.get("description")?, permissions))
    }
}

impl FromRow for Membership {
    fn from_row(row: &Row) -> Result<Self> {
        let role = Role::from_row(row)?;
        Ok(Self { workspace: Workspace::from_row(row)?, grants: role.grants().into(), role })
    }
}

/// False when the slug is taken.
pub(crate) async fn insert(tx: &mut Tx, workspace: &Workspace) -> Result<bool> {
    let rows = tx
        .query(
            "INSERT INTO identity_workspaces (id, name, slug, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (slug) DO NOTHING",
        )
        .bind(workspace.id)
        .bind(&workspace.name)
        .bind(&workspace.slug)
        .bind(workspace.created_at)
        .execute()
        .await?;
    Ok(rows == 1)
}

pub(crate) async fn find(tx: &mut Tx, id: WorkspaceId) -> Result<Option<Workspace>> {
    tx.query("SELECT * FROM identity_workspaces WHERE id = $1").bind(id).optional().await
}

pub(crate) async fn find_by_slug(tx: &mut Tx, slug: &str) -> Result<Option<Workspace>> {
    tx.query("SELECT * FROM identity_workspaces WHERE slug = $1").bind(slug).optional().await
}

/// The installation's first.
pub(crate) async fn find_first(tx: &mut Tx) -> Result<Option<Workspace>> {
    tx.query("SELECT * FROM identity_workspaces ORDER BY created_at, id LIMIT 1").optional().await
}

/// A user's workspaces with their role in each; the oldest membership first.
pub(crate) async fn list_memberships(tx: &mut Tx, user: UserId) -> Result<Vec<Membership>> {
    tx.query(
        "SELECT w.id, w.name, w.slug, w.created_at, r.name AS role_name, r.description, r.permissions
         FROM identity_memberships m
         JOIN identity_workspaces w ON w.id = m.workspace_id
         JOIN identity_roles r ON r.name = m.role AND (r.workspace_id IS NULL OR r.workspace_id = m.workspace_id)
         WHERE m.user_id = $1 ORDER BY m.created_at, w.id",
    )
    .bind(user)
    .all()
    .await
}

pub(crate) async fn insert_membership(
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: UserId,
    role: &str,
    now: Timestamp,
) -> Result<()> {
    tx.query(
        "INSERT INTO identity_memberships (workspace_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(workspace)
    .bind(user)
    .bind(role)
    .bind(now)
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn save_membership(
    tx: &mut Tx,
    workspace: WorkspaceId,
    user: UserId,
    role: &str,
) -> Result<()> {
    tx.query("UPDATE identity_memberships SET role = $3 WHERE workspace_id = $1 AND user_id = $2")
        .bind(workspace)
        .bind(user)
        .bind(role)
        .execute()
        .await
        .map(drop)
}

/// The built-in roles and the workspace's own, by name.
pub(crate) async fn list_roles(tx: &mut Tx, workspace: WorkspaceId) -> Result<Vec<Role>> {
    tx.query(
        "SELECT name AS role_name, description, permissions FROM identity_roles
         WHERE workspace_id IS NULL OR workspace_id = $1 ORDER BY name",
    )
    .bind(workspace)
    .all()
    .await
}

pub(crate) async fn find_role(tx: &mut Tx, workspace: WorkspaceId, name: &str) -> Result<Option<Role>> {
    tx.query(
        "SELECT name AS role_name, description, permissions FROM identity_roles
         WHERE (workspace_id IS NULL OR workspace_id = $1) AND name = $2",
    )
    .bind(workspace)
    .bind(name)
    .optional()
    .await
}
