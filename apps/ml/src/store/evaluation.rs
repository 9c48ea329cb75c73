use std::collections::HashMap;

use db::{FromRow, Row, Tx, Value};
use kernel::WorkspaceId;

use super::{
    pairs::{self, EVALUATION_TAGS},
    rows,
};
use crate::model::EvaluationSet;

impl FromRow for EvaluationSet {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            dataset_id: row.get("dataset_id")?,
            name: row.get("name")?,
            digest: row.get("digest")?,
            schema: row.get("schema")?,
            records: row.get("records")?,
            created_ms: row.get("created_ms")?,
            updated_ms: row.get("updated_ms")?,
            created_by: row.get("created_by")?,
            updated_by: row.get("updated_by")?,
            tags: Vec::new(),
            experiments: Vec::new(),
        })
    }
}

/// Gives the row's own number.
pub(crate) async fn insert(tx: &mut Tx, workspace: WorkspaceId, set: &EvaluationSet) -> db::Result<i64> {
    tx.query(
        "INSERT INTO ml_evaluation_sets (workspace_id, dataset_id, name, digest, schema, records, created_ms, updated_ms,
                                         created_by, updated_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id AS value",
    )
    .bind(workspace)
    .bind(&set.dataset_id)
    .bind(&set.name)
    .bind(&set.digest)
    .bind(set.schema.clone())
    .bind(set.records)
    .bind(set.created_ms)
    .bind(set.updated_ms)
    .bind(set.created_by.clone())
    .bind(set.updated_by.clone())
    .one()
    .await
}

pub(crate) async fn save(tx: &mut Tx, set: &EvaluationSet) -> db::Result<()> {
    tx.query(
        "UPDATE ml_evaluation_sets SET digest = $2, schema = $3, updated_ms = $4, updated_by = $5,
                records = (SELECT COUNT(*) FROM ml_evaluation_records r WHERE r.dataset = $1)
         WHERE id = $1",
    )
    .bind(set.id)
    .bind(&set.digest)
    .bind(set.schema.clone())
    .bind(set.updated_ms)
    .bind(set.updated_by.clone())
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn delete(tx: &mut Tx, id: i64) -> db::Result<()> {
    tx.query("DELETE FROM ml_evaluation_sets WHERE id = $1").bind(id).execute().await.map(drop)
}

/// With its parts. Where it is to be changed, nobody else changes it until the transaction ends.
pub(crate) async fn find(
    tx: &mut Tx,
    workspace: WorkspaceId,
    dataset_id: &str,
    is_locked: bool,
) -> db::Result<Option<EvaluationSet>> {
    let lock = match tx.engine() {
        db::Engine::Postgres if is_locked => " FOR UPDATE",
        // There is one writer.
        _ => "",
    };
    let sql = format!("SELECT * FROM ml_evaluation_sets WHERE workspace_id = $1 AND dataset_id = $2{lock}");
    let found: Option<EvaluationSet> =
        tx.query_built(sql).bind(workspace).bind(dataset_id).optional().await?;
    Ok(complete(tx, found.into_iter().collect()).await?.pop())
}

/// By their rows' own numbers, in this order, with their parts.
pub(crate) async fn list_rows(tx: &mut Tx, ids: &[i64]) -> db::Result<Vec<EvaluationSet>> {
    let wanted: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let mut found: Vec<EvaluationSet> =
        rows::select_in(tx, "SELECT * FROM ml_evaluation_sets WHERE id", "", &[], &wanted).await?;
    let ranks: HashMap<i64, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    found.sort_by_key(|set| ranks.get(&set.id).copied());
    found.dedup_by_key(|set| set.id);
    complete(tx, found).await
}

async fn complete(tx: &mut Tx, mut sets: Vec<EvaluationSet>) -> db::Result<Vec<EvaluationSet>> {
    if sets.is_empty() {
        return Ok(sets);
    }
    let ids: Vec<i64> = sets.iter().map(|set| set.id).collect();
    let mut tags = pairs::list_of(tx, EVALUATION_TAGS, &ids).await?;
    let wanted: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let before = "SELECT x.dataset, e.number FROM ml_evaluation_experiments x JOIN ml_experiments e ON e.id = x.experiment
                  WHERE x.dataset";
    let mut experiments: HashMap<i64, Vec<i64>> = HashMap::new();
    for row in rows::rows_in(tx, before, "ORDER BY x.dataset, e.number", &[], &wanted).await? {
        experiments.entry(row.get("dataset")?).or_default().push(row.get("number")?);
    }
    for set in &mut sets {
        set.tags = tags.remove(&set.id).unwrap_or_default();
        set.experiments = experiments.remove(&set.id).unwrap_or_default();
    }
    Ok(sets)
}

pub(crate) async fn link(tx: &mut Tx, id: i64, experiments: &[i64]) -> db::Result<()> {
    let values = experiments.iter().flat_map(|experiment| [id.into(), (*experiment).into()]).collect();
    let head = "ml_evaluation_experiments (dataset, experiment)";
    rows::insert(tx, head, "ON CONFLICT DO NOTHING", 2, values).await.map(drop)
}

pub(crate) async fn unlink(tx: &mut Tx, id: i64, experiments: &[i64]) -> db::Result<()> {
    for experiment in experiments {
        tx.query("DELETE FROM ml_evaluation_experiments WHERE dataset = $1 AND experiment = $2")
            .bind(id)
            .bind(*experiment)
            .execute()
            .await?;
    }
    Ok(())
}

/// Contents by the hashes of their inputs.
pub(crate) async fn records_by_hash(
    tx: &mut Tx,
    id: i64,
    hashes: &[&str],
) -> db::Result<HashMap<String, String>> {
    let wanted: Vec<Value> = hashes.iter().map(|hash| (*hash).into()).collect();
    let before = "SELECT input_hash, content FROM ml_evaluation_records WHERE dataset = $1 AND input_hash";
    let found = rows::rows_in(tx, before, "", &[id.into()], &wanted).await?;
    found.iter().map(|row| Ok((row.get("input_hash")?, row.get("content")?))).collect()
}

/// Each with its id, the hash of its inputs, and its content.
pub(crate) async fn put_records(
    tx: &mut Tx,
    id: i64,
    records: impl Iterator<Item = (String, String, String)>,
) -> db::Result<()> {
    let values = records
        .flat_map(|(record_id, hash, content)| [id.into(), record_id.into(), hash.into(), content.into()])
        .collect();
    let head = "ml_evaluation_records (dataset, record_id, input_hash, content)";
    let tail = "ON CONFLICT (dataset, input_hash) DO UPDATE SET content = excluded.content";
    rows::insert(tx, head, tail, 4, values).await.map(drop)
}

/// In the order in which they came: row and content.
pub(crate) async fn records(tx: &mut Tx, id: i64, after: i64, limit: i64) -> db::Result<Vec<(i64, String)>> {
    let rows = tx
        .query("SELECT id, content FROM ml_evaluation_records WHERE dataset = $1 AND id > $2 ORDER BY id LIMIT $3")
        .bind(id)
        .bind(after)
        .bind(limit)
        .rows()
        .await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.get("content")?))).collect()
}

pub(crate) async fn delete_records(tx: &mut Tx, id: i64, record_ids: &[String]) -> db::Result<u64> {
    let wanted: Vec<Value> = record_ids.iter().map(|id| id.into()).collect();
    let before = "DELETE FROM ml_evaluation_records WHERE dataset = $1 AND record_id";
    Ok(rows::rows_in(tx, before, "RETURNING id", &[id.into()], &wanted).await?.len() as u64)
}
