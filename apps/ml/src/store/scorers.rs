use db::{FromRow, Row, Tx};

use crate::model::ScorerVersion;

impl FromRow for ScorerVersion {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            experiment: row.get("number")?,
            name: row.get("name")?,
            scorer_id: row.get("scorer_id")?,
            version: row.get("version")?,
            content: row.get("content")?,
            created_ms: row.get("created_ms")?,
        })
    }
}

const SELECT: &str = "SELECT e.number, s.name, s.scorer_id, v.version, v.content, v.created_ms
                      FROM ml_scorer_versions v JOIN ml_scorers s ON s.id = v.scorer
                      JOIN ml_experiments e ON e.id = s.experiment";

/// The scorer's row; until the transaction ends, nobody else makes a version of it.
pub(crate) async fn put(tx: &mut Tx, experiment: i64, name: &str, scorer_id: &str) -> db::Result<i64> {
    tx.query(
        "INSERT INTO ml_scorers (experiment, name, scorer_id) VALUES ($1, $2, $3)
         ON CONFLICT (experiment, name) DO UPDATE SET name = excluded.name RETURNING id AS value",
    )
    .bind(experiment)
    .bind(name)
    .bind(scorer_id)
    .one()
    .await
}

/// Gives the new version's number.
pub(crate) async fn insert_version(tx: &mut Tx, scorer: i64, content: &str, now_ms: i64) -> db::Result<i64> {
    tx.query(
        "INSERT INTO ml_scorer_versions (scorer, version, content, created_ms)
         SELECT $1, COALESCE(MAX(version), 0) + 1, $2, $3 FROM ml_scorer_versions WHERE scorer = $1
         RETURNING version AS value",
    )
    .bind(scorer)
    .bind(content)
    .bind(now_ms)
    .one()
    .await
}

/// The newest version of each scorer of an experiment, by their names.
pub(crate) async fn list(tx: &mut Tx, experiment: i64) -> db::Result<Vec<ScorerVersion>> {
    let newest = "v.version = (SELECT MAX(o.version) FROM ml_scorer_versions o WHERE o.scorer = v.scorer)";
    tx.query_built(format!("{SELECT} WHERE s.experiment = $1 AND {newest} ORDER BY s.name"))
        .bind(experiment)
        .all()
        .await
}

/// All versions of one, the oldest first.
pub(crate) async fn versions(tx: &mut Tx, experiment: i64, name: &str) -> db::Result<Vec<ScorerVersion>> {
    tx.query_built(format!("{SELECT} WHERE s.experiment = $1 AND s.name = $2 ORDER BY v.version"))
        .bind(experiment)
        .bind(name)
        .all()
        .await
}

/// One version, or all of them with the scorer itself.
pub(crate) async fn delete(tx: &mut Tx, experiment: i64, name: &str, version: Option<i64>) -> db::Result<()> {
    if let Some(version) = version {
        tx.query(
            "DELETE FROM ml_scorer_versions WHERE version = $3
             AND scorer IN (SELECT id FROM ml_scorers WHERE experiment = $1 AND name = $2)",
        )
        .bind(experiment)
        .bind(name)
        .bind(version)
        .execute()
        .await?;
    }
    tx.query(
        "DELETE FROM ml_scorers WHERE experiment = $1 AND name = $2
         AND ($3 OR NOT EXISTS (SELECT 1 FROM ml_scorer_versions v WHERE v.scorer = ml_scorers.id))",
    )
    .bind(experiment)
    .bind(name)
    .bind(version.is_none())
    .execute()
    .await
    .map(drop)
}
