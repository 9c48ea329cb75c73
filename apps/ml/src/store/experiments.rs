use db::{FromRow, Row, Tx, Value};
use kernel::WorkspaceId;

use super::rows;
use crate::model::Experiment;

impl FromRow for Experiment {
    fn from_row(row: &Row) -> db::Result<Self> {
        let deleted: Option<i64> = row.get("deleted_ms")?;
        Ok(Self {
            id: row.get("id")?,
            number: row.get("number")?,
            name: row.get("name")?,
            artifact_location: row.get("artifact_location")?,
            created_ms: row.get("created_ms")?,
            updated_ms: row.get("updated_ms")?,
            is_deleted: deleted.is_some(),
            tags: Vec::new(),
        })
    }
}

/// Whether the workspace had none before.
pub(crate) async fn insert_workspace(tx: &mut Tx, workspace: WorkspaceId) -> db::Result<bool> {
    let made = tx
        .query(
            "INSERT INTO ml_workspaces (workspace_id, next_experiment) VALUES ($1, 1) ON CONFLICT DO NOTHING",
        )
        .bind(workspace)
        .execute()
        .await?;
    Ok(made > 0)
}

/// The number of a new experiment. Until the transaction ends, nobody else makes one here.
pub(crate) async fn next_number(tx: &mut Tx, workspace: WorkspaceId) -> db::Result<i64> {
    tx.query(
        "UPDATE ml_workspaces SET next_experiment = next_experiment + 1 WHERE workspace_id = $1
         RETURNING next_experiment - 1 AS value",
    )
    .bind(workspace)
    .one()
    .await
}

/// Gives the row's own number.
pub(crate) async fn insert(
    tx: &mut Tx,
    workspace: WorkspaceId,
    number: i64,
    name: &str,
    artifact_location: &str,
    now_ms: i64,
) -> db::Result<i64> {
    tx.query(
        "INSERT INTO ml_experiments (workspace_id, number, name, artifact_location, created_ms, updated_ms)
         VALUES ($1, $2, $3, $4, $5, $5) RETURNING id AS value",
    )
    .bind(workspace)
    .bind(number)
    .bind(name)
    .bind(artifact_location)
    .bind(now_ms)
    .one()
    .await
}

pub(crate) async fn find(tx: &mut Tx, workspace: WorkspaceId, number: i64) -> db::Result<Option<Experiment>> {
    tx.query("SELECT * FROM ml_experiments WHERE workspace_id = $1 AND number = $2")
        .bind(workspace)
        .bind(number)
        .optional()
        .await
}

pub(crate) async fn find_by_name(
    tx: &mut Tx,
    workspace: WorkspaceId,
    name: &str,
) -> db::Result<Option<Experiment>> {
    tx.query("SELECT * FROM ml_experiments WHERE workspace_id = $1 AND name = $2")
        .bind(workspace)
        .bind(name)
        .optional()
        .await
}

/// Those of these numbers that are there.
pub(crate) async fn list(
    tx: &mut Tx,
    workspace: WorkspaceId,
    numbers: &[i64],
) -> db::Result<Vec<Experiment>> {
    let wanted: Vec<Value> = numbers.iter().map(|number| (*number).into()).collect();
    let before = "SELECT * FROM ml_experiments WHERE workspace_id = $1 AND number";
    let mut found: Vec<Experiment> = rows::select_in(tx, before, "", &[workspace.into()], &wanted).await?;
    found.sort_unstable_by_key(|experiment| experiment.id);
    found.dedup_by_key(|experiment| experiment.id);
    Ok(found)
}

/// By their rows' own numbers.
pub(crate) async fn list_rows(tx: &mut Tx, ids: &[i64]) -> db::Result<Vec<Experiment>> {
    let wanted: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    rows::select_in(tx, "SELECT * FROM ml_experiments WHERE id", "", &[], &wanted).await
}

pub(crate) async fn rename(tx: &mut Tx, id: i64, name: &str, now_ms: i64) -> db::Result<()> {
    tx.query("UPDATE ml_experiments SET name = $2, updated_ms = $3 WHERE id = $1")
        .bind(id)
        .bind(name)
        .bind(now_ms)
        .execute()
        .await?;
    Ok(())
}

/// Deletes with all its runs, or brings back with all its runs.
pub(crate) async fn set_deleted(
    tx: &mut Tx,
    id: i64,
    deleted_ms: Option<i64>,
    now_ms: i64,
) -> db::Result<()> {
    tx.query("UPDATE ml_experiments SET deleted_ms = $2, updated_ms = $3 WHERE id = $1")
        .bind(id)
        .bind(deleted_ms)
        .bind(now_ms)
        .execute()
        .await?;
    tx.query("UPDATE ml_runs SET deleted_ms = $2 WHERE experiment = $1")
        .bind(id)
        .bind(deleted_ms)
        .execute()
        .await?;
    Ok(())
}

pub(crate) async fn touch(tx: &mut Tx, id: i64, now_ms: i64) -> db::Result<()> {
    tx.query("UPDATE ml_experiments SET updated_ms = $2 WHERE id = $1")
        .bind(id)
        .bind(now_ms)
        .execute()
        .await?;
    Ok(())
}
