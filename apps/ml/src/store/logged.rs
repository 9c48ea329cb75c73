use std::collections::HashMap;

use db::{FromRow, Row, Tx, Value};
use kernel::WorkspaceId;

use super::{
    pairs::{self, LOGGED_PARAMS, LOGGED_TAGS},
    rows,
};
use crate::model::{LoggedMetric, LoggedModel, Metric};

impl FromRow for LoggedModel {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            model_id: row.get("model_id")?,
            experiment: row.get("experiment")?,
            number: row.get("number")?,
            name: row.get("name")?,
            artifact_location: row.get("artifact_location")?,
            status: row.get("status")?,
            status_message: row.get("status_message")?,
            model_type: row.get("model_type")?,
            source_run_id: row.get("source_run_id")?,
            created_ms: row.get("created_ms")?,
            updated_ms: row.get("updated_ms")?,
            params: Vec::new(),
            tags: Vec::new(),
            metrics: Vec::new(),
            registrations: Vec::new(),
        })
    }
}

const SELECT: &str =
    "SELECT l.*, e.number FROM ml_logged_models l JOIN ml_experiments e ON e.id = l.experiment";

/// Gives the row's own number.
pub(crate) async fn insert(tx: &mut Tx, workspace: WorkspaceId, model: &LoggedModel) -> db::Result<i64> {
    tx.query(
        "INSERT INTO ml_logged_models (workspace_id, model_id, experiment, name, artifact_location, status, model_type,
         source_run_id, created_ms, updated_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id AS value",
    )
    .bind(workspace)
    .bind(&model.model_id)
    .bind(model.experiment)
    .bind(&model.name)
    .bind(&model.artifact_location)
    .bind(&model.status)
    .bind(model.model_type.clone())
    .bind(model.source_run_id.clone())
    .bind(model.created_ms)
    .bind(model.updated_ms)
    .one()
    .await
}

/// With its parts. Deleted ones only where they are asked for.
pub(crate) async fn find(
    tx: &mut Tx,
    workspace: WorkspaceId,
    model_id: &str,
    with_deleted: bool,
) -> db::Result<Option<LoggedModel>> {
    let alive = if with_deleted { "" } else { " AND l.deleted_ms IS NULL" };
    let found: Option<LoggedModel> = tx
        .query_built(format!("{SELECT} WHERE l.workspace_id = $1 AND l.model_id = $2{alive}"))
        .bind(workspace)
        .bind(model_id)
        .optional()
        .await?;
    let Some(model) = found else { return Ok(None) };
    Ok(complete(tx, vec![model]).await?.pop())
}

/// By their rows' own numbers, in this order.
pub(crate) async fn list_rows(tx: &mut Tx, ids: &[i64]) -> db::Result<Vec<LoggedModel>> {
    let wanted: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let found: Vec<LoggedModel> =
        rows::select_in(tx, &format!("{SELECT} WHERE l.id"), "", &[], &wanted).await?;
    let mut models = complete(tx, found).await?;
    let ranks: HashMap<i64, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    models.sort_by_key(|model| ranks.get(&model.id).copied());
    Ok(models)
}

async fn complete(tx: &mut Tx, mut models: Vec<LoggedModel>) -> db::Result<Vec<LoggedModel>> {
    let ids: Vec<i64> = models.iter().map(|model| model.id).collect();
    let mut params = pairs::list_of(tx, LOGGED_PARAMS, &ids).await?;
    let mut tags = pairs::list_of(tx, LOGGED_TAGS, &ids).await?;
    let mut metrics = metrics_of(tx, &models).await?;
    let mut registrations = registrations_of(tx, &models).await?;
    for model in &mut models {
        model.params = params.remove(&model.id).unwrap_or_default();
        model.tags = tags.remove(&model.id).unwrap_or_default();
        model.metrics = metrics.remove(&model.id).unwrap_or_default();
        model.registrations = registrations.remove(&model.model_id).unwrap_or_default();
    }
    Ok(models)
}

async fn metrics_of(tx: &mut Tx, models: &[LoggedModel]) -> db::Result<HashMap<i64, Vec<LoggedMetric>>> {
    let names: HashMap<i64, &str> = models.iter().map(|model| (model.id, model.model_id.as_str())).collect();
    let wanted: Vec<Value> = models.iter().map(|model| model.id.into()).collect();
    let before = "SELECT * FROM ml_logged_metrics WHERE model";
    let mut found: HashMap<i64, Vec<LoggedMetric>> = HashMap::new();
    for row in rows::rows_in(tx, before, "ORDER BY model, key, at_ms, step, run_id", &[], &wanted).await? {
        let (model, value): (i64, Option<f64>) = (row.get("model")?, row.get("value")?);
        let metric = Metric {
            key: row.get("key")?,
            value: value.unwrap_or(f64::NAN),
            at_ms: row.get("at_ms")?,
            step: row.get("step")?,
            model_id: names.get(&model).map(|id| (*id).to_owned()),
            dataset_name: row.get("dataset_name")?,
            dataset_digest: row.get("dataset_digest")?,
        };
        found.entry(model).or_default().push(LoggedMetric { metric, run_id: row.get("run_id")? });
    }
    Ok(found)
}

/// What they were registered as, by their ids.
async fn registrations_of(
    tx: &mut Tx,
    models: &[LoggedModel],
) -> db::Result<HashMap<String, Vec<(String, i64)>>> {
    let wanted: Vec<Value> = models.iter().map(|model| (&model.model_id).into()).collect();
    let before = "SELECT v.logged_model, v.version, m.name, m.workspace_id FROM ml_versions v
         JOIN ml_models m ON m.id = v.model WHERE v.logged_model";
    let mut found: HashMap<String, Vec<(String, i64)>> = HashMap::new();
    for row in rows::rows_in(tx, before, "ORDER BY m.name, v.version", &[], &wanted).await? {
        found.entry(row.get("logged_model")?).or_default().push((row.get("name")?, row.get("version")?));
    }
    Ok(found)
}

pub(crate) async fn set_status(tx: &mut Tx, id: i64, status: &str, now_ms: i64) -> db::Result<()> {
    tx.query("UPDATE ml_logged_models SET status = $2, updated_ms = $3 WHERE id = $1")
        .bind(id)
        .bind(status)
        .bind(now_ms)
        .execute()
        .await?;
    Ok(())
}

pub(crate) async fn delete(tx: &mut Tx, id: i64, now_ms: i64) -> db::Result<()> {
    tx.query("UPDATE ml_logged_models SET deleted_ms = $2, updated_ms = $2 WHERE id = $1")
        .bind(id)
        .bind(now_ms)
        .execute()
        .await?;
    Ok(())
}

/// Those of these that are there and alive: ids with rows.
pub(crate) async fn rows_of(
    tx: &mut Tx,
    workspace: WorkspaceId,
    model_ids: &[&str],
) -> db::Result<HashMap<String, i64>> {
    let wanted: Vec<Value> = model_ids.iter().map(|id| (*id).into()).collect();
    let before = "SELECT model_id, id FROM ml_logged_models WHERE workspace_id = $1 AND deleted_ms IS NULL AND model_id";
    let found = rows::rows_in(tx, before, "", &[workspace.into()], &wanted).await?;
    found.iter().map(|row| Ok((row.get("model_id")?, row.get("id")?))).collect()
}

/// A point that is there already stays as it is.
pub(crate) async fn put_metrics(tx: &mut Tx, run_id: &str, metrics: &[(i64, &Metric)]) -> db::Result<()> {
    let values = metrics
        .iter()
        .flat_map(|(model, metric)| {
            let value = Value::Float((!metric.value.is_nan()).then_some(metric.value));
            [
                (*model).into(),
                (&metric.key).into(),
                metric.at_ms.into(),
                metric.step.into(),
                run_id.into(),
                value,
                metric.dataset_name.clone().into(),
                metric.dataset_digest.clone().into(),
            ]
        })
        .collect();
    let head = "ml_logged_metrics (model, key, at_ms, step, run_id, value, dataset_name, dataset_digest)";
    rows::insert(tx, head, "ON CONFLICT DO NOTHING", 8, values).await?;
    Ok(())
}
