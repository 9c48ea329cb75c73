//! MLflow's own tables, as its server keeps them in SQLite since MLflow 3. Only read, and told in the words of its REST
//! API, so that a file is taken over as a server is. Most statements give one text of JSON a row.

use std::collections::HashSet;

use db::{FromRow, Json, Result, Row, Tx};
use serde_json::{Value, json};

use crate::model::Point;

/// Which tables and columns there are: MLflow adds some with every release.
#[derive(Debug, Clone, Default)]
pub(crate) struct Schema {
    /// `table.column`
    columns: HashSet<String>,
    /// MLflow's name for it.
    pub(crate) revision: String,
}

/// What every release of MLflow 3 has.
const REQUIRED: [&str; 8] = [
    "experiments.last_update_time",
    "runs.deleted_time",
    "metrics.is_nan",
    "inputs.step",
    "logged_models.model_id",
    "model_versions.storage_location",
    "registered_model_aliases.alias",
    "trace_info.request_preview",
];

impl Schema {
    pub(crate) fn has(&self, column: &str) -> bool {
        self.columns.contains(column)
    }

    /// Whether MLflow 3 wrote it.
    pub(crate) fn is_known(&self) -> bool {
        REQUIRED.iter().all(|column| self.has(column))
    }

    /// Of a server with workspaces the default one is taken, which is what its clients see when they name none. Before there
    /// were any, every row has the name of something.
    fn within(&self, sql: &str) -> String {
        match self.has("experiments.workspace") {
            true => sql.to_owned(),
            false => sql.replace("workspace = 'default'", "name IS NOT NULL"),
        }
    }
}

/// `None` for a database that is not MLflow's.
pub(crate) async fn schema(tx: &mut Tx) -> Result<Option<Schema>> {
    let columns = tx
        .query(
            "SELECT t.name || '.' || c.name AS value FROM sqlite_master t, pragma_table_info(t.name) c
             WHERE t.type = 'table'",
        )
        .all::<String>()
        .await?;
    let mut schema = Schema { columns: columns.into_iter().collect(), revision: String::new() };
    if !schema.has("alembic_version.version_num") || !schema.has("experiments.experiment_id") {
        return Ok(None);
    }
    let revision = tx.query("SELECT version_num AS value FROM alembic_version").optional::<String>().await?;
    schema.revision = revision.unwrap_or_default();
    Ok(Some(schema))
}

/// Names of other workspaces with something in them.
pub(crate) async fn other_workspaces(tx: &mut Tx, schema: &Schema) -> Result<Vec<String>> {
    if !schema.has("experiments.workspace") {
        return Ok(Vec::new());
    }
    let sql = "SELECT workspace AS value FROM experiments WHERE workspace <> 'default'
               UNION SELECT workspace FROM registered_models WHERE workspace <> 'default' ORDER BY 1";
    tx.query(sql).all().await
}

fn unwrapped(rows: Vec<Document>) -> Vec<Value> {
    rows.into_iter().map(|row| row.0).collect()
}

struct Document(Value);

impl FromRow for Document {
    fn from_row(row: &Row) -> Result<Self> {
        row.get::<Json<Value>>("value").map(|Json(value)| Self(value))
    }
}

/// Rows as a list of pairs.
macro_rules! pairs {
    ($key:literal, $value:literal, $from:literal) => {
        concat!(
            "json((SELECT json_group_array(json_object('key', ",
            $key,
            ", 'value', COALESCE(",
            $value,
            ", ''))) FROM ",
            $from,
            "))"
        )
    };
}

pub(crate) async fn experiments(tx: &mut Tx, schema: &Schema) -> Result<Vec<Value>> {
    let sql = concat!(
        "SELECT json_object('experiment_id', CAST(e.experiment_id AS TEXT), 'name', e.name,
            'artifact_location', e.artifact_location, 'lifecycle_stage', e.lifecycle_stage,
            'creation_time', e.creation_time, 'last_update_time', e.last_update_time, 'tags', ",
        pairs!("t.key", "t.value", "experiment_tags t WHERE t.experiment_id = e.experiment_id"),
        ") AS value FROM experiments e WHERE e.workspace = 'default' ORDER BY e.experiment_id"
    );
    Ok(unwrapped(tx.query_built(schema.within(sql)).all().await?))
}

/// Ids of an experiment's runs, the oldest first.
pub(crate) async fn run_ids(tx: &mut Tx, experiment: &str) -> Result<Vec<String>> {
    let sql = "SELECT run_uuid AS value FROM runs WHERE experiment_id = CAST($1 AS INTEGER)
               ORDER BY start_time, run_uuid";
    tx.query(sql).bind(experiment).all().await
}

/// A run without its latest metrics.
pub(crate) async fn run(tx: &mut Tx, run_id: &str) -> Result<Option<Value>> {
    let sql = concat!(
        "SELECT json_object(
            'info', json_object('run_id', run_uuid, 'run_name', COALESCE(NULLIF(name, ''), (SELECT t.value FROM tags t
                    WHERE t.run_uuid = runs.run_uuid AND t.key = 'mlflow.runName')),
                'user_id', user_id, 'status', status, 'start_time', start_time, 'end_time', end_time,
                'artifact_uri', artifact_uri, 'lifecycle_stage', lifecycle_stage),
            'data', json_object('params', ",
        pairs!("p.key", "p.value", "params p WHERE p.run_uuid = runs.run_uuid"),
        ", 'tags', ",
        pairs!("t.key", "t.value", "tags t WHERE t.run_uuid = runs.run_uuid"),
        "),
            'inputs', json_object(
                'dataset_inputs', json((SELECT json_group_array(json_object('dataset', json_object('name', d.name,
                    'digest', d.digest, 'source_type', d.dataset_source_type, 'source', d.dataset_source,
                    'schema', d.dataset_schema, 'profile', d.dataset_profile), 'tags', ",
        pairs!("g.name", "g.value", "input_tags g WHERE g.input_uuid = i.input_uuid"),
        ")) FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id
                    WHERE i.destination_type = 'RUN' AND i.destination_id = runs.run_uuid)),
                'model_inputs', json((SELECT json_group_array(json_object('model_id', i.destination_id))
                    FROM inputs i WHERE i.source_type = 'RUN_INPUT' AND i.source_id = runs.run_uuid
                    AND i.destination_type = 'MODEL_INPUT'))),
            'outputs', json_object(
                'model_outputs', json((SELECT json_group_array(json_object('model_id', i.destination_id,
                    'step', i.step)) FROM inputs i WHERE i.source_type = 'RUN_OUTPUT'
                    AND i.source_id = runs.run_uuid AND i.destination_type = 'MODEL_OUTPUT')))
        ) AS value FROM runs WHERE run_uuid = $1"
    );
    Ok(tx.query(sql).bind(run_id).optional::<Document>().await?.map(|run| run.0))
}

/// Numbers are read as such: as JSON SQLite writes 15 digits of them.
struct Measured(Value);

impl FromRow for Measured {
    fn from_row(row: &Row) -> Result<Self> {
        let value = match row.get::<bool>("is_nan")? {
            true => json!("NaN"),
            false => json!(row.get::<Option<f64>>("number")?.unwrap_or(f64::NAN)),
        };
        let Json(mut told): Json<Value> = row.get("value")?;
        told["value"] = value;
        Ok(Self(told))
    }
}

pub(crate) async fn latest_metrics(tx: &mut Tx, run_id: &str) -> Result<Vec<Value>> {
    let sql = "SELECT json_object('key', key, 'timestamp', timestamp, 'step', step) AS value,
                   value AS number, is_nan FROM latest_metrics WHERE run_uuid = $1 ORDER BY key";
    let rows = tx.query(sql).bind(run_id).all::<Measured>().await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

impl FromRow for Point {
    fn from_row(row: &Row) -> Result<Self> {
        let value = if row.get("is_nan")? { f64::NAN } else { row.get("value")? };
        Ok(Self::new(row.get("timestamp")?, row.get("step")?, value))
    }
}

pub(crate) async fn history(tx: &mut Tx, run_id: &str, key: &str) -> Result<Vec<Point>> {
    let sql = "SELECT value, timestamp, step, is_nan FROM metrics WHERE run_uuid = $1 AND key = $2";
    tx.query(sql).bind(run_id).bind(key).all().await
}

/// Logged models of an experiment, without those that were deleted: a server does not tell of them either.
pub(crate) async fn logged_models(tx: &mut Tx, experiment: &str) -> Result<Vec<Value>> {
    let sql = concat!(
        "SELECT json_object(
            'info', json_object('model_id', model_id, 'name', name, 'artifact_uri', artifact_location,
                'creation_timestamp_ms', creation_timestamp_ms, 'last_updated_timestamp_ms', last_updated_timestamp_ms,
                'status', CASE status WHEN 1 THEN 'LOGGED_MODEL_PENDING' WHEN 3 THEN 'LOGGED_MODEL_UPLOAD_FAILED'
                    ELSE 'LOGGED_MODEL_READY' END,
                'status_message', status_message, 'model_type', model_type, 'source_run_id', source_run_id, 'tags', ",
        pairs!("t.tag_key", "t.tag_value", "logged_model_tags t WHERE t.model_id = logged_models.model_id"),
        "), 'data', json_object('params', ",
        pairs!("p.param_key", "p.param_value", "logged_model_params p WHERE p.model_id = logged_models.model_id"),
        ")) AS value FROM logged_models
         WHERE experiment_id = CAST($1 AS INTEGER) AND lifecycle_stage <> 'deleted'
         ORDER BY creation_timestamp_ms, model_id"
    );
    Ok(unwrapped(tx.query(sql).bind(experiment).all().await?))
}

pub(crate) async fn logged_metrics(tx: &mut Tx, model_id: &str) -> Result<Vec<Value>> {
    let sql = "SELECT json_object('key', metric_name, 'timestamp', metric_timestamp_ms, 'step', metric_step,
                   'run_id', run_id, 'dataset_name', dataset_name, 'dataset_digest', dataset_digest) AS value,
                   metric_value AS number, metric_value IS NULL AS is_nan
               FROM logged_model_metrics WHERE model_id = $1 ORDER BY metric_name, metric_timestamp_ms, metric_step";
    let rows = tx.query(sql).bind(model_id).all::<Measured>().await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Registered models and prompts.
pub(crate) async fn registered_models(tx: &mut Tx, schema: &Schema) -> Result<Vec<Value>> {
    let sql = concat!(
        "SELECT json_object('name', m.name, 'description', m.description, 'creation_timestamp', m.creation_time,
            'last_updated_timestamp', m.last_updated_time, 'tags', ",
        pairs!(
            "t.key",
            "t.value",
            "registered_model_tags t WHERE t.name = m.name AND t.workspace = 'default'"
        ),
        ", 'aliases', json((SELECT json_group_array(json_object('alias', a.alias, 'version', a.version))
            FROM registered_model_aliases a WHERE a.name = m.name AND a.workspace = 'default'))
         ) AS value FROM registered_models m WHERE m.workspace = 'default' ORDER BY m.name"
    );
    Ok(unwrapped(tx.query_built(schema.within(sql)).all().await?))
}

/// Without those that were deleted.
pub(crate) async fn versions(tx: &mut Tx, schema: &Schema, name: &str) -> Result<Vec<Value>> {
    let sql = concat!(
        "SELECT json_object('version', v.version, 'description', v.description, 'user_id', v.user_id,
            'current_stage', v.current_stage, 'source', v.source, 'run_id', v.run_id, 'run_link', v.run_link,
            'creation_timestamp', v.creation_time, 'last_updated_timestamp', v.last_updated_time, 'tags', ",
        pairs!(
            "t.key",
            "t.value",
            "model_version_tags t WHERE t.name = v.name AND t.version = v.version AND t.workspace = 'default'"
        ),
        ") AS value FROM model_versions v
         WHERE v.name = $1 AND v.workspace = 'default' AND v.current_stage <> 'Deleted_Internal' ORDER BY v.version"
    );
    Ok(unwrapped(tx.query_built(schema.within(sql)).bind(name).all().await?))
}

/// Ids of an experiment's traces, the oldest first.
pub(crate) async fn trace_ids(tx: &mut Tx, experiment: &str) -> Result<Vec<String>> {
    let sql = "SELECT request_id AS value FROM trace_info WHERE experiment_id = CAST($1 AS INTEGER)
               ORDER BY timestamp_ms, request_id";
    tx.query(sql).bind(experiment).all().await
}

/// A trace's row with its tags, metadata and assessments. What MLflow keeps as JSON in a text stays a text.
pub(crate) async fn trace(tx: &mut Tx, schema: &Schema, trace_id: &str) -> Result<Option<Value>> {
    let assessments = match schema.has("assessments.assessment_id") {
        true => {
            "json((SELECT json_group_array(json_object('assessment_id', a.assessment_id, 'name', a.name,
                'type', a.assessment_type, 'value', a.value, 'error', a.error, 'created_ms', a.created_timestamp,
                'updated_ms', a.last_updated_timestamp, 'source_type', a.source_type, 'source_id', a.source_id,
                'run_id', a.run_id, 'span_id', a.span_id, 'rationale', a.rationale, 'overrides', a.overrides,
                'valid', a.valid, 'metadata', a.assessment_metadata)) FROM assessments a WHERE a.trace_id = i.request_id))"
        }
        false => "json_array()",
    };
    let sql = concat!(
        "SELECT json_object('trace_id', i.request_id, 'at_ms', i.timestamp_ms, 'lasted_ms', i.execution_time_ms,
            'state', i.status, 'client_request_id', i.client_request_id, 'request_preview', i.request_preview,
            'response_preview', i.response_preview, 'tags', ",
        pairs!("t.key", "t.value", "trace_tags t WHERE t.request_id = i.request_id"),
        ", 'metadata', ",
        pairs!("m.key", "m.value", "trace_request_metadata m WHERE m.request_id = i.request_id"),
        ", 'assessments', {assessments}) AS value FROM trace_info i WHERE i.request_id = $1"
    );
    let sql = sql.replace("{assessments}", assessments);
    Ok(tx.query_built(sql).bind(trace_id).optional::<Document>().await?.map(|trace| trace.0))
}

/// What later releases keep of a trace in columns of their own: its name and session, and what it used, by their names.
#[derive(Debug, Default)]
pub(crate) struct Promoted {
    pub(crate) name: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) tokens: Vec<(&'static str, i64)>,
    pub(crate) costs: Vec<(&'static str, f64)>,
}

const TOKENS: [&str; 6] = [
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cache_creation_input_tokens_above_1hr",
];
const COSTS: [&str; 3] = ["input_cost", "output_cost", "total_cost"];

impl FromRow for Promoted {
    fn from_row(row: &Row) -> Result<Self> {
        let mut promoted =
            Self { name: row.get("trace_name")?, session: row.get("session_id")?, ..Self::default() };
        for column in TOKENS {
            promoted.tokens.extend(row.get::<Option<i64>>(column)?.map(|count| (column, count)));
        }
        for column in COSTS {
            promoted.costs.extend(row.get::<Option<f64>>(column)?.map(|cost| (column, cost)));
        }
        Ok(promoted)
    }
}

pub(crate) async fn promoted(tx: &mut Tx, schema: &Schema, trace_id: &str) -> Result<Promoted> {
    // They came together.
    if !schema.has("trace_info.cache_creation_input_tokens_above_1hr") || !schema.has("trace_info.trace_name")
    {
        return Ok(Promoted::default());
    }
    let sql = "SELECT * FROM trace_info WHERE request_id = $1";
    Ok(tx.query(sql).bind(trace_id).optional().await?.unwrap_or_default())
}

/// What a trace was said to belong to: `run` or `prompt`, and which.
pub(crate) async fn links(tx: &mut Tx, schema: &Schema, trace_id: &str) -> Result<Vec<Value>> {
    if !schema.has("entity_associations.destination_id") {
        return Ok(Vec::new());
    }
    let sql = "SELECT json_object('kind', CASE destination_type WHEN 'run' THEN 'run' ELSE 'prompt' END,
                   'target', destination_id) AS value FROM entity_associations
               WHERE source_type = 'trace' AND source_id = $1 AND destination_type IN ('run', 'prompt_version')
               ORDER BY destination_type, destination_id";
    Ok(unwrapped(tx.query(sql).bind(trace_id).all().await?))
}

/// As texts of JSON, roots first.
pub(crate) async fn spans(tx: &mut Tx, schema: &Schema, trace_id: &str) -> Result<Vec<String>> {
    if !schema.has("spans.content") {
        return Ok(Vec::new());
    }
    let sql = "SELECT content AS value FROM spans WHERE trace_id = $1
               ORDER BY parent_span_id IS NOT NULL, start_time_unix_nano";
    tx.query(sql).bind(trace_id).all().await
}
