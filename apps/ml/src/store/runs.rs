use std::collections::HashMap;

use db::{FromRow, Row, Tx, Value};
use kernel::WorkspaceId;

use super::rows;
use crate::model::{Metric, RunInfo};

impl FromRow for RunInfo {
    fn from_row(row: &Row) -> db::Result<Self> {
        let deleted: Option<i64> = row.get("deleted_ms")?;
        Ok(Self {
            id: row.get("id")?,
            run_id: row.get("run_id")?,
            experiment: row.get("experiment")?,
            number: row.get("number")?,
            name: row.get("name")?,
            user_id: row.get("user_id")?,
            status: row.get("status")?,
            start_ms: row.get("start_ms")?,
            end_ms: row.get("end_ms")?,
            artifact_uri: row.get("artifact_uri")?,
            is_deleted: deleted.is_some(),
        })
    }
}

/// A run with its experiment's number.
const SELECT: &str =
    "SELECT r.id, r.run_id, r.experiment, e.number, r.name, r.user_id, r.status, r.start_ms, r.end_ms,
    r.artifact_uri, r.deleted_ms FROM ml_runs r JOIN ml_experiments e ON e.id = r.experiment";

/// Gives the rows' own numbers by the runs' ids.
pub(crate) async fn insert(
    tx: &mut Tx,
    runs: &[(WorkspaceId, &RunInfo)],
) -> db::Result<HashMap<String, i64>> {
    let mut values = Vec::with_capacity(runs.len() * 9);
    for (workspace, run) in runs {
        values.extend([
            (*workspace).into(),
            (&run.run_id).into(),
            run.experiment.into(),
            (&run.name).into(),
            run.user_id.clone().into(),
            (&run.status).into(),
            run.start_ms.into(),
            run.end_ms.into(),
            (&run.artifact_uri).into(),
        ]);
    }
    let head =
        "ml_runs (workspace_id, run_id, experiment, name, user_id, status, start_ms, end_ms, artifact_uri)";
    let made = rows::insert_returning(tx, head, "RETURNING id, run_id", 9, values).await?;
    made.iter().map(|row| Ok((row.get("run_id")?, row.get("id")?))).collect()
}

pub(crate) async fn find(tx: &mut Tx, workspace: WorkspaceId, run_id: &str) -> db::Result<Option<RunInfo>> {
    tx.query_built(format!("{SELECT} WHERE r.workspace_id = $1 AND r.run_id = $2"))
        .bind(workspace)
        .bind(run_id)
        .optional()
        .await
}

/// Those of these that are there.
pub(crate) async fn list(tx: &mut Tx, workspace: WorkspaceId, run_ids: &[&str]) -> db::Result<Vec<RunInfo>> {
    let wanted: Vec<Value> = run_ids.iter().map(|id| (*id).into()).collect();
    let before = format!("{SELECT} WHERE r.workspace_id = $1 AND r.run_id");
    rows::select_in(tx, &before, "", &[workspace.into()], &wanted).await
}

/// By their rows' own numbers, in any order.
pub(crate) async fn list_rows(tx: &mut Tx, ids: &[i64]) -> db::Result<Vec<RunInfo>> {
    let wanted: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    rows::select_in(tx, &format!("{SELECT} WHERE r.id"), "", &[], &wanted).await
}

pub(crate) async fn update(tx: &mut Tx, run: &RunInfo) -> db::Result<()> {
    tx.query("UPDATE ml_runs SET name = $2, status = $3, end_ms = $4 WHERE id = $1")
        .bind(run.id)
        .bind(&run.name)
        .bind(&run.status)
        .bind(run.end_ms)
        .execute()
        .await?;
    Ok(())
}

pub(crate) async fn set_deleted(tx: &mut Tx, id: i64, deleted_ms: Option<i64>) -> db::Result<()> {
    tx.query("UPDATE ml_runs SET deleted_ms = $2 WHERE id = $1").bind(id).bind(deleted_ms).execute().await?;
    Ok(())
}

/// The latest points of many runs; of these keys only, where they are told.
pub(crate) async fn latest_of(
    tx: &mut Tx,
    runs: &[i64],
    keys: Option<&[String]>,
) -> db::Result<HashMap<i64, Vec<Metric>>> {
    let Some((among, first)) = rows::among(keys) else { return Ok(HashMap::new()) };
    let wanted: Vec<Value> = runs.iter().map(|run| (*run).into()).collect();
    let before = format!("SELECT run, key, value, step, at_ms FROM ml_latest WHERE {among}run");
    let mut found: HashMap<i64, Vec<Metric>> = HashMap::with_capacity(runs.len());
    rows::each_in(tx, &before, "ORDER BY run, key", &first, &wanted, |row| {
        let value: Option<f64> = row.get("value")?;
        found.entry(row.get("run")?).or_default().push(Metric {
            key: row.get("key")?,
            value: value.unwrap_or(f64::NAN),
            at_ms: row.get("at_ms")?,
            step: row.get("step")?,
            model_id: None,
            dataset_name: None,
            dataset_digest: None,
        });
        Ok(())
    })
    .await?;
    Ok(found)
}
