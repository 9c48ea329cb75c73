//! Datasets that runs read, and models that go in and come out.

use std::collections::HashMap;

use db::{Tx, Value};

use super::{
    pairs::{self, INPUT_TAGS, Present},
    rows,
};
use crate::model::{DatasetInput, ModelOutput};

/// Writes what is not there yet: the dataset, that the run reads it, and then its tags.
pub(crate) async fn put_dataset(
    tx: &mut Tx,
    experiment: i64,
    run: i64,
    input: &DatasetInput,
) -> db::Result<()> {
    tx.query(
        "INSERT INTO ml_datasets (experiment, name, digest, source_type, source, schema_text, profile)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(experiment)
    .bind(&input.name)
    .bind(&input.digest)
    .bind(&input.source_type)
    .bind(&input.source)
    .bind(input.schema.clone())
    .bind(input.profile.clone())
    .execute()
    .await?;
    let made: Option<i64> = tx
        .query(
            "INSERT INTO ml_inputs (run, dataset)
             SELECT $1, id FROM ml_datasets WHERE experiment = $2 AND name = $3 AND digest = $4
             ON CONFLICT DO NOTHING RETURNING id AS value",
        )
        .bind(run)
        .bind(experiment)
        .bind(&input.name)
        .bind(&input.digest)
        .optional()
        .await?;
    if let Some(id) = made {
        pairs::put(tx, INPUT_TAGS, id, experiment, &input.tags, Present::Overwritten).await?;
    }
    Ok(())
}

/// `kind` is `input` or `output`.
pub(crate) async fn put_models(
    tx: &mut Tx,
    run: i64,
    kind: &'static str,
    models: &[ModelOutput],
) -> db::Result<()> {
    let values = models
        .iter()
        .flat_map(|model| [run.into(), kind.into(), (&model.model_id).into(), model.step.into()])
        .collect();
    let tail = "ON CONFLICT (run, kind, model_id) DO NOTHING";
    rows::insert(tx, "ml_run_models (run, kind, model_id, step)", tail, 4, values).await?;
    Ok(())
}

pub(crate) async fn datasets_of(tx: &mut Tx, runs: &[i64]) -> db::Result<HashMap<i64, Vec<DatasetInput>>> {
    let wanted: Vec<Value> = runs.iter().map(|run| (*run).into()).collect();
    let before = "SELECT i.id, i.run, d.name, d.digest, d.source_type, d.source, d.schema_text, d.profile
         FROM ml_inputs i JOIN ml_datasets d ON d.id = i.dataset WHERE i.run";
    let found = rows::rows_in(tx, before, "ORDER BY i.id", &[], &wanted).await?;
    let ids = found.iter().map(|row| row.get("id")).collect::<db::Result<Vec<i64>>>()?;
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut tags = pairs::list_of(tx, INPUT_TAGS, &ids).await?;
    let mut inputs: HashMap<i64, Vec<DatasetInput>> = HashMap::new();
    for (row, id) in found.iter().zip(ids) {
        inputs.entry(row.get("run")?).or_default().push(DatasetInput {
            name: row.get("name")?,
            digest: row.get("digest")?,
            source_type: row.get("source_type")?,
            source: row.get("source")?,
            schema: row.get("schema_text")?,
            profile: row.get("profile")?,
            tags: tags.remove(&id).unwrap_or_default(),
        });
    }
    Ok(inputs)
}

/// Those that went in, and those that came out.
pub(crate) type Models = (Vec<String>, Vec<ModelOutput>);

pub(crate) async fn models_of(tx: &mut Tx, runs: &[i64]) -> db::Result<HashMap<i64, Models>> {
    let wanted: Vec<Value> = runs.iter().map(|run| (*run).into()).collect();
    let before = "SELECT run, kind, model_id, step FROM ml_run_models WHERE run";
    let mut found: HashMap<i64, Models> = HashMap::new();
    for row in rows::rows_in(tx, before, "ORDER BY run, step, model_id", &[], &wanted).await? {
        let (inputs, outputs) = found.entry(row.get("run")?).or_default();
        let (kind, model_id): (String, String) = (row.get("kind")?, row.get("model_id")?);
        if kind == "input" {
            inputs.push(model_id);
        } else {
            outputs.push(ModelOutput { model_id, step: row.get("step")? });
        }
    }
    Ok(found)
}

/// Names, digests and contexts of datasets in these experiments, for a page that offers them.
pub(crate) async fn summaries(
    tx: &mut Tx,
    experiments: &[i64],
    limit: i64,
) -> db::Result<Vec<(i64, String, String, Option<String>)>> {
    let mut found = Vec::new();
    for experiment in experiments {
        let rows = tx
            .query(
                "SELECT DISTINCT d.name, d.digest, t.value AS context FROM ml_datasets d
                 JOIN ml_inputs i ON i.dataset = d.id
                 LEFT JOIN ml_input_tags t ON t.input = i.id AND t.key = 'mlflow.data.context'
                 WHERE d.experiment = $1 ORDER BY d.name, d.digest LIMIT $2",
            )
            .bind(*experiment)
            .bind(limit)
            .rows()
            .await?;
        for row in rows {
            found.push((*experiment, row.get("name")?, row.get("digest")?, row.get("context")?));
        }
    }
    Ok(found)
}
