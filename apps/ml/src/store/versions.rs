use std::collections::HashMap;

use db::{FromRow, Row, Tx, Value};
use kernel::WorkspaceId;

use super::{
    pairs::{self, VERSION_TAGS},
    registry, rows,
};
use crate::model::Version;

impl FromRow for Version {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            model: row.get("model")?,
            name: row.get("name")?,
            version: row.get("version")?,
            stage: row.get("stage")?,
            description: row.get("description")?,
            user_id: row.get("user_id")?,
            source: row.get("source")?,
            storage_location: row.get("storage_location")?,
            run_id: row.get("run_id")?,
            run_link: row.get("run_link")?,
            logged_model: row.get("logged_model")?,
            created_ms: row.get("created_ms")?,
            updated_ms: row.get("updated_ms")?,
            tags: Vec::new(),
            aliases: Vec::new(),
        })
    }
}

const SELECT: &str = "SELECT v.*, m.name FROM ml_versions v JOIN ml_models m ON m.id = v.model";

pub(crate) async fn insert(tx: &mut Tx, version: &Version) -> db::Result<i64> {
    tx.query(
        "INSERT INTO ml_versions (model, version, stage, description, user_id, source, storage_location, run_id, run_link,
         logged_model, created_ms, updated_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         RETURNING id AS value",
    )
    .bind(version.model)
    .bind(version.version)
    .bind(&version.stage)
    .bind(version.description.clone())
    .bind(version.user_id.clone())
    .bind(&version.source)
    .bind(&version.storage_location)
    .bind(version.run_id.clone())
    .bind(version.run_link.clone())
    .bind(version.logged_model.clone())
    .bind(version.created_ms)
    .bind(version.updated_ms)
    .one()
    .await
}

/// With its parts.
pub(crate) async fn find(
    tx: &mut Tx,
    workspace: WorkspaceId,
    name: &str,
    version: i64,
) -> db::Result<Option<Version>> {
    let found: Option<Version> = tx
        .query_built(format!("{SELECT} WHERE m.workspace_id = $1 AND m.name = $2 AND v.version = $3"))
        .bind(workspace)
        .bind(name)
        .bind(version)
        .optional()
        .await?;
    let Some(version) = found else { return Ok(None) };
    Ok(complete(tx, vec![version]).await?.pop())
}

/// By their rows' own numbers, in this order, with their parts.
pub(crate) async fn list_rows(tx: &mut Tx, ids: &[i64]) -> db::Result<Vec<Version>> {
    let wanted: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let found: Vec<Version> = rows::select_in(tx, &format!("{SELECT} WHERE v.id"), "", &[], &wanted).await?;
    let mut versions = complete(tx, found).await?;
    let ranks: HashMap<i64, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    versions.sort_by_key(|version| ranks.get(&version.id).copied());
    Ok(versions)
}

/// The newest version of each stage, by model.
pub(crate) async fn latest_of(tx: &mut Tx, models: &[i64]) -> db::Result<HashMap<i64, Vec<Version>>> {
    let wanted: Vec<Value> = models.iter().map(|id| (*id).into()).collect();
    let before = "SELECT v.*, m.name FROM ml_versions v JOIN ml_models m ON m.id = v.model
         WHERE v.version = (SELECT MAX(w.version) FROM ml_versions w WHERE w.model = v.model AND w.stage = v.stage)
         AND v.model";
    let found: Vec<Version> = rows::select_in(tx, before, "", &[], &wanted).await?;
    let mut latest: HashMap<i64, Vec<Version>> = HashMap::new();
    for version in complete(tx, found).await? {
        latest.entry(version.model).or_default().push(version);
    }
    for versions in latest.values_mut() {
        versions.sort_by_key(|version| version.version);
    }
    Ok(latest)
}

async fn complete(tx: &mut Tx, mut versions: Vec<Version>) -> db::Result<Vec<Version>> {
    let ids: Vec<i64> = versions.iter().map(|version| version.id).collect();
    let mut models: Vec<i64> = versions.iter().map(|version| version.model).collect();
    models.sort_unstable();
    models.dedup();
    let mut tags = pairs::list_of(tx, VERSION_TAGS, &ids).await?;
    let aliases = registry::aliases_of(tx, &models).await?;
    for version in &mut versions {
        version.tags = tags.remove(&version.id).unwrap_or_default();
        let of_model = aliases.get(&version.model).map_or(&[][..], Vec::as_slice);
        version.aliases = of_model
            .iter()
            .filter(|alias| alias.version == version.version)
            .map(|alias| alias.alias.clone())
            .collect();
    }
    Ok(versions)
}

pub(crate) async fn describe(tx: &mut Tx, id: i64, description: Option<&str>, now_ms: i64) -> db::Result<()> {
    tx.query("UPDATE ml_versions SET description = $2, updated_ms = $3 WHERE id = $1")
        .bind(id)
        .bind(description)
        .bind(now_ms)
        .execute()
        .await?;
    Ok(())
}

pub(crate) async fn set_stage(tx: &mut Tx, id: i64, stage: &str, now_ms: i64) -> db::Result<()> {
    tx.query("UPDATE ml_versions SET stage = $2, updated_ms = $3 WHERE id = $1")
        .bind(id)
        .bind(stage)
        .bind(now_ms)
        .execute()
        .await?;
    Ok(())
}

/// All of a model in one stage go to another, but this one.
pub(crate) async fn move_others(
    tx: &mut Tx,
    model: i64,
    but: i64,
    (from, to): (&str, &str),
    now_ms: i64,
) -> db::Result<()> {
    tx.query(
        "UPDATE ml_versions SET stage = $4, updated_ms = $5 WHERE model = $1 AND id <> $2 AND stage = $3",
    )
    .bind(model)
    .bind(but)
    .bind(from)
    .bind(to)
    .bind(now_ms)
    .execute()
    .await?;
    Ok(())
}

pub(crate) async fn delete(tx: &mut Tx, id: i64) -> db::Result<()> {
    tx.query("DELETE FROM ml_versions WHERE id = $1").bind(id).execute().await?;
    Ok(())
}
