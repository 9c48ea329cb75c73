use db::{FromRow, Row, Tx};
use kernel::WorkspaceId;

use crate::model::{Label, LabelInput, LabelKind};

impl FromRow for Label {
    fn from_row(row: &Row) -> db::Result<Self> {
        let (kind, input): (String, String) = (row.get("kind")?, row.get("input")?);
        Ok(Self {
            id: row.get("id")?,
            schema_id: row.get("schema_id")?,
            experiment: row.get("experiment")?,
            number: row.get("number")?,
            name: row.get("name")?,
            kind: if kind == LabelKind::Expectation.name() {
                LabelKind::Expectation
            } else {
                LabelKind::Feedback
            },
            input: serde_json::from_str(&input).unwrap_or(LabelInput::Text { max_length: None }),
            instruction: row.get("instruction")?,
            has_comment: row.get("has_comment")?,
            is_default: row.get("is_default")?,
            created_ms: row.get("created_ms")?,
            updated_ms: row.get("updated_ms")?,
        })
    }
}

const SELECT: &str = "SELECT l.*, e.number FROM ml_labels l JOIN ml_experiments e ON e.id = l.experiment";

fn json(input: &LabelInput) -> String {
    serde_json::to_string(input).unwrap_or_default()
}

/// Gives the row's own number; `None` where the default question was there already.
pub(crate) async fn insert(tx: &mut Tx, label: &Label) -> db::Result<Option<i64>> {
    let present = if label.is_default { "ON CONFLICT DO NOTHING" } else { "" };
    tx.query_built(format!(
        "INSERT INTO ml_labels (schema_id, experiment, name, kind, input, instruction, has_comment, is_default, created_ms,
                                updated_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) {present} RETURNING id AS value"
    ))
    .bind(&label.schema_id)
    .bind(label.experiment)
    .bind(&label.name)
    .bind(label.kind.name())
    .bind(json(&label.input))
    .bind(label.instruction.clone())
    .bind(label.has_comment)
    .bind(label.is_default)
    .bind(label.created_ms)
    .bind(label.updated_ms)
    .optional()
    .await
}

pub(crate) async fn save(tx: &mut Tx, label: &Label) -> db::Result<()> {
    tx.query(
        "UPDATE ml_labels SET name = $2, input = $3, instruction = $4, has_comment = $5, updated_ms = $6 WHERE id = $1",
    )
    .bind(label.id)
    .bind(&label.name)
    .bind(json(&label.input))
    .bind(label.instruction.clone())
    .bind(label.has_comment)
    .bind(label.updated_ms)
    .execute()
    .await
    .map(drop)
}

pub(crate) async fn find(tx: &mut Tx, workspace: WorkspaceId, schema_id: &str) -> db::Result<Option<Label>> {
    tx.query_built(format!("{SELECT} WHERE e.workspace_id = $1 AND l.schema_id = $2"))
        .bind(workspace)
        .bind(schema_id)
        .optional()
        .await
}

pub(crate) async fn find_named(tx: &mut Tx, experiment: i64, name: &str) -> db::Result<Option<Label>> {
    tx.query_built(format!("{SELECT} WHERE l.experiment = $1 AND l.name = $2"))
        .bind(experiment)
        .bind(name)
        .optional()
        .await
}

pub(crate) async fn has_default(tx: &mut Tx, experiment: i64) -> db::Result<bool> {
    let found: i64 = tx
        .query("SELECT COUNT(*) AS value FROM ml_labels WHERE experiment = $1 AND is_default")
        .bind(experiment)
        .one()
        .await?;
    Ok(found > 0)
}

/// The newest first, after the one that was made then and has this id.
pub(crate) async fn list(
    tx: &mut Tx,
    experiment: i64,
    after: Option<(i64, &str)>,
    limit: i64,
) -> db::Result<Vec<Label>> {
    let (created_ms, schema_id) = after.unwrap_or((i64::MAX, ""));
    tx.query_built(format!(
        "{SELECT} WHERE l.experiment = $1 AND (l.created_ms < $2 OR (l.created_ms = $2 AND l.schema_id > $3))
         ORDER BY l.created_ms DESC, l.schema_id LIMIT $4"
    ))
    .bind(experiment)
    .bind(created_ms)
    .bind(schema_id)
    .bind(limit)
    .all()
    .await
}

pub(crate) async fn delete(tx: &mut Tx, id: i64) -> db::Result<()> {
    tx.query("DELETE FROM ml_labels WHERE id = $1").bind(id).execute().await.map(drop)
}
