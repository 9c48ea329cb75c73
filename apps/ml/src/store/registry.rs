use std::collections::HashMap;

use db::{FromRow, Row, Tx, Value};
use kernel::WorkspaceId;

use super::{
    pairs::{self, MODEL_TAGS},
    rows, versions,
};
use crate::model::{Alias, RegisteredModel};

impl FromRow for RegisteredModel {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            created_ms: row.get("created_ms")?,
            updated_ms: row.get("updated_ms")?,
            tags: Vec::new(),
            aliases: Vec::new(),
            latest: Vec::new(),
        })
    }
}

const SELECT: &str = "SELECT id, name, description, created_ms, updated_ms FROM ml_models";

pub(crate) async fn insert(
    tx: &mut Tx,
    workspace: WorkspaceId,
    name: &str,
    description: Option<&str>,
    now_ms: i64,
) -> db::Result<i64> {
    tx.query(
        "INSERT INTO ml_models (workspace_id, name, description, created_ms, updated_ms, next_version)
         VALUES ($1, $2, $3, $4, $4, 1) RETURNING id AS value",
    )
    .bind(workspace)
    .bind(name)
    .bind(description)
    .bind(now_ms)
    .one()
    .await
}

/// Without its parts.
pub(crate) async fn find(
    tx: &mut Tx,
    workspace: WorkspaceId,
    name: &str,
) -> db::Result<Option<RegisteredModel>> {
    tx.query_built(format!("{SELECT} WHERE workspace_id = $1 AND name = $2"))
        .bind(workspace)
        .bind(name)
        .optional()
        .await
}

/// By their rows' own numbers, in this order, with their parts.
pub(crate) async fn list_rows(tx: &mut Tx, ids: &[i64]) -> db::Result<Vec<RegisteredModel>> {
    let wanted: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let mut models: Vec<RegisteredModel> =
        rows::select_in(tx, &format!("{SELECT} WHERE id"), "", &[], &wanted).await?;
    let ranks: HashMap<i64, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    models.sort_by_key(|model| ranks.get(&model.id).copied());
    let mut tags = pairs::list_of(tx, MODEL_TAGS, ids).await?;
    let mut aliases = aliases_of(tx, ids).await?;
    let mut latest = versions::latest_of(tx, ids).await?;
    for model in &mut models {
        model.tags = tags.remove(&model.id).unwrap_or_default();
        model.aliases = aliases.remove(&model.id).unwrap_or_default();
        model.latest = latest.remove(&model.id).unwrap_or_default();
    }
    Ok(models)
}

pub(crate) async fn describe(tx: &mut Tx, id: i64, description: Option<&str>, now_ms: i64) -> db::Result<()> {
    tx.query("UPDATE ml_models SET description = $2, updated_ms = $3 WHERE id = $1")
        .bind(id)
        .bind(description)
        .bind(now_ms)
        .execute()
        .await?;
    Ok(())
}

/// With its versions, which change with it.
pub(crate) async fn rename(tx: &mut Tx, id: i64, name: &str, now_ms: i64) -> db::Result<()> {
    tx.query("UPDATE ml_models SET name = $2, updated_ms = $3 WHERE id = $1")
        .bind(id)
        .bind(name)
        .bind(now_ms)
        .execute()
        .await?;
    tx.query("UPDATE ml_versions SET updated_ms = $2 WHERE model = $1")
        .bind(id)
        .bind(now_ms)
        .execute()
        .await?;
    Ok(())
}

/// With all that belongs to it.
pub(crate) async fn delete(tx: &mut Tx, id: i64) -> db::Result<()> {
    tx.query("DELETE FROM ml_models WHERE id = $1").bind(id).execute().await?;
    Ok(())
}

pub(crate) async fn touch(tx: &mut Tx, id: i64, now_ms: i64) -> db::Result<()> {
    tx.query("UPDATE ml_models SET updated_ms = $2 WHERE id = $1").bind(id).bind(now_ms).execute().await?;
    Ok(())
}

/// The model, and the number of a new version. Until the transaction ends, nobody else makes one of this model.
pub(crate) async fn next_version(
    tx: &mut Tx,
    workspace: WorkspaceId,
    name: &str,
    now_ms: i64,
) -> db::Result<Option<(i64, i64)>> {
    struct Next(i64, i64);
    impl FromRow for Next {
        fn from_row(row: &Row) -> db::Result<Self> {
            Ok(Self(row.get("id")?, row.get("number")?))
        }
    }
    let next: Option<Next> = tx
        .query(
            "UPDATE ml_models SET next_version = next_version + 1, updated_ms = $3
             WHERE workspace_id = $1 AND name = $2 RETURNING id, next_version - 1 AS number",
        )
        .bind(workspace)
        .bind(name)
        .bind(now_ms)
        .optional()
        .await?;
    Ok(next.map(|Next(id, number)| (id, number)))
}

/// A number that is taken: new versions have greater ones.
pub(crate) async fn reserve_version(tx: &mut Tx, id: i64, version: i64) -> db::Result<()> {
    tx.query("UPDATE ml_models SET next_version = $2 + 1 WHERE id = $1 AND next_version <= $2")
        .bind(id)
        .bind(version)
        .execute()
        .await?;
    Ok(())
}

pub(crate) async fn set_alias(tx: &mut Tx, id: i64, alias: &str, version: i64) -> db::Result<()> {
    tx.query(
        "INSERT INTO ml_aliases (model, alias, version) VALUES ($1, $2, $3)
         ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version",
    )
    .bind(id)
    .bind(alias)
    .bind(version)
    .execute()
    .await?;
    Ok(())
}

pub(crate) async fn delete_alias(tx: &mut Tx, id: i64, alias: &str) -> db::Result<()> {
    tx.query("DELETE FROM ml_aliases WHERE model = $1 AND alias = $2").bind(id).bind(alias).execute().await?;
    Ok(())
}

pub(crate) async fn delete_aliases_of(tx: &mut Tx, id: i64, version: i64) -> db::Result<()> {
    tx.query("DELETE FROM ml_aliases WHERE model = $1 AND version = $2")
        .bind(id)
        .bind(version)
        .execute()
        .await?;
    Ok(())
}

pub(crate) async fn find_alias(tx: &mut Tx, id: i64, alias: &str) -> db::Result<Option<i64>> {
    tx.query("SELECT version AS value FROM ml_aliases WHERE model = $1 AND alias = $2")
        .bind(id)
        .bind(alias)
        .optional()
        .await
}

pub(crate) async fn aliases_of(tx: &mut Tx, models: &[i64]) -> db::Result<HashMap<i64, Vec<Alias>>> {
    let wanted: Vec<Value> = models.iter().map(|id| (*id).into()).collect();
    let before = "SELECT model, alias, version FROM ml_aliases WHERE model";
    let mut found: HashMap<i64, Vec<Alias>> = HashMap::new();
    for row in rows::rows_in(tx, before, "ORDER BY model, alias", &[], &wanted).await? {
        let alias = Alias { alias: row.get("alias")?, version: row.get("version")? };
        found.entry(row.get("model")?).or_default().push(alias);
    }
    Ok(found)
}
