use db::{FromRow, Json, Result, Row, Tx};
use kernel::{WorkspaceId, id_kind};

use crate::model::Role;

id_kind! {
    /// A named set of permissions.
    pub(crate) RoleKind = "role" => RoleId
}

impl FromRow for Role {
    fn from_row(row: &Row) -> Result<Self> {
        let Json(permissions) = row.get("permissions")?;
        Ok(Self::new(row.get("role_name")?, row.get("description")?, row.get("is_built_in")?, permissions))
    }
}

/// The built-in roles and the workspace's own, by name.
pub(crate) async fn list(tx: &mut Tx, workspace: WorkspaceId) -> Result<Vec<Role>> {
    tx.query(
        "SELECT name AS role_name, description, permissions, workspace_id IS NULL AS is_built_in FROM identity_roles
         WHERE workspace_id IS NULL OR workspace_id = $1 ORDER BY name",
    )
    .bind(workspace)
    .all()
    .await
}

pub(crate) async fn find(tx: &mut Tx, workspace: WorkspaceId, name: &str) -> Result<Option<Role>> {
    tx.query(
        "SELECT name AS role_name, description, permissions, workspace_id IS NULL AS is_built_in FROM identity_roles
         WHERE (workspace_id IS NULL OR workspace_id = $1) AND name = $2",
    )
    .bind(workspace)
    .bind(name)
    .optional()
    .await
}

pub(crate) async fn count_own(tx: &mut Tx, workspace: WorkspaceId) -> Result<u64> {
    tx.query("SELECT COUNT(*) AS value FROM identity_roles WHERE workspace_id = $1")
        .bind(workspace)
        .one()
        .await
}

/// The name is free: the workspace is locked, and nobody else makes built-in ones.
pub(crate) async fn insert(tx: &mut Tx, workspace: WorkspaceId, id: RoleId, role: &Role) -> Result<()> {
    tx.query(
        "INSERT INTO identity_roles (id, workspace_id, name, description, permissions) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(id)
    .bind(workspace)
    .bind(&role.name)
    .bind(&role.description)
    .bind(Json(role.named()))
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn save(tx: &mut Tx, workspace: WorkspaceId, role: &Role) -> Result<()> {
    tx.query(
        "UPDATE identity_roles SET description = $3, permissions = $4 WHERE workspace_id = $1 AND name = $2",
    )
    .bind(workspace)
    .bind(&role.name)
    .bind(&role.description)
    .bind(Json(role.named()))
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn delete(tx: &mut Tx, workspace: WorkspaceId, name: &str) -> Result<()> {
    tx.query("DELETE FROM identity_roles WHERE workspace_id = $1 AND name = $2")
        .bind(workspace)
        .bind(name)
        .execute()
        .await
        .map(drop)
}

/// Members who have the role, deleted accounts too, and open invitations to it.
pub(crate) async fn count_holders(tx: &mut Tx, workspace: WorkspaceId, name: &str) -> Result<u64> {
    tx.query(
        "SELECT (SELECT COUNT(*) FROM identity_memberships
                 WHERE workspace_id = $1 AND (role = $2 OR roles LIKE '%\"' || $2 || '\"%'))
              + (SELECT COUNT(*) FROM identity_invitations
                 WHERE workspace_id = $1 AND role = $2 AND closed_at IS NULL) AS value",
    )
    .bind(workspace)
    .bind(name)
    .one()
    .await
}
