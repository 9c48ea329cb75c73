use db::{FromRow, Json, Row, Tx};
use kernel::WorkspaceId;

use crate::model::{DetectionModel, ModelId};

impl FromRow for DetectionModel {
    fn from_row(row: &Row) -> db::Result<Self> {
        let Json(classes) = row.get("classes")?;
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            sha256: row.get("sha256")?,
            size_bytes: row.get("size_bytes")?,
            family: row.get("family")?,
            input_width: row.get("input_width")?,
            input_height: row.get("input_height")?,
            classes,
            declaration: row.get("declaration")?,
            source: row.get("source")?,
            active: row.get("active")?,
            created_at: row.get("created_at")?,
        })
    }
}

pub(crate) async fn find(
    tx: &mut Tx,
    workspace: WorkspaceId,
    id: ModelId,
) -> db::Result<Option<DetectionModel>> {
    tx.query("SELECT * FROM surveillance_models WHERE workspace_id = $1 AND id = $2")
        .bind(workspace)
        .bind(id)
        .optional()
        .await
}

pub(crate) async fn find_by_sha(
    tx: &mut Tx,
    workspace: WorkspaceId,
    sha256: &str,
) -> db::Result<Option<DetectionModel>> {
    tx.query("SELECT * FROM surveillance_models WHERE workspace_id = $1 AND sha256 = $2")
        .bind(workspace)
        .bind(sha256)
        .optional()
        .await
}

pub(crate) async fn find_active(tx: &mut Tx, workspace: WorkspaceId) -> db::Result<Option<DetectionModel>> {
    tx.query("SELECT * FROM surveillance_models WHERE workspace_id = $1 AND active = $2 ORDER BY created_at LIMIT 1")
        .bind(workspace)
        .bind(true)
        .optional()
        .await
}

pub(crate) async fn list(
    tx: &mut Tx,
    workspace: WorkspaceId,
    limit: i64,
    offset: i64,
) -> db::Result<Vec<DetectionModel>> {
    tx.query("SELECT * FROM surveillance_models WHERE workspace_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3")
        .bind(workspace)
        .bind(limit)
        .bind(offset)
        .all()
        .await
}

pub(crate) async fn count(tx: &mut Tx, workspace: WorkspaceId) -> db::Result<u64> {
    tx.query("SELECT COUNT(*) AS value FROM surveillance_models WHERE workspace_id = $1")
        .bind(workspace)
        .one()
        .await
}

pub(crate) async fn insert(tx: &mut Tx, workspace: WorkspaceId, model: &DetectionModel) -> db::Result<()> {
    tx.query(
        "INSERT INTO surveillance_models (id, workspace_id, name, sha256, size_bytes, family, input_width, input_height,
         classes, declaration, source, active, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(model.id)
    .bind(workspace)
    .bind(&model.name)
    .bind(&model.sha256)
    .bind(i64::try_from(model.size_bytes).unwrap_or(i64::MAX))
    .bind(&model.family)
    .bind(model.input_width)
    .bind(model.input_height)
    .bind(Json(&model.classes))
    .bind(model.declaration.clone())
    .bind(&model.source)
    .bind(model.active)
    .bind(model.created_at)
    .execute()
    .await?;
    Ok(())
}

/// Makes one model the workspace's active one; `None`: no model is.
pub(crate) async fn set_active(tx: &mut Tx, workspace: WorkspaceId, id: Option<ModelId>) -> db::Result<()> {
    let id = id.map_or(String::new(), |id| id.to_string());
    tx.query("UPDATE surveillance_models SET active = (id = $2) WHERE workspace_id = $1")
        .bind(workspace)
        .bind(id)
        .execute()
        .await?;
    Ok(())
}

pub(crate) async fn delete(tx: &mut Tx, workspace: WorkspaceId, id: ModelId) -> db::Result<bool> {
    let gone = tx
        .query("DELETE FROM surveillance_models WHERE workspace_id = $1 AND id = $2")
        .bind(workspace)
        .bind(id)
        .execute()
        .await?;
    Ok(gone > 0)
}
