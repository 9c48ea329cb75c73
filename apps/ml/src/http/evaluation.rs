//! Evaluation datasets and scorers. What has members of its own stands in texts of JSON.

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::{
    Call,
    wire::{Params, done, missing, reply},
};
use crate::{
    error::Error,
    model::{EvaluationSet, NewRecord, Pair, ScorerVersion},
    permissions::{ReadRuns, WriteRuns},
    service::Query,
};

fn shown(set: &EvaluationSet) -> Value {
    let tags: Map<String, Value> = set.tags.iter().map(|tag| (tag.key.clone(), json!(tag.value))).collect();
    let mut body = json!({
        "dataset_id": set.dataset_id,
        "name": set.name,
        "tags": Value::Object(tags).to_string(),
        "digest": set.digest,
        "created_time": set.created_ms,
        "last_update_time": set.updated_ms,
    });
    let profile = (set.records > 0).then(|| json!({ "num_records": set.records }).to_string());
    for (name, text) in [
        ("schema", &set.schema),
        ("profile", &profile),
        ("created_by", &set.created_by),
        ("last_updated_by", &set.updated_by),
    ] {
        if let Some(text) = text {
            body[name] = json!(text);
        }
    }
    if !set.experiments.is_empty() {
        body["experiment_ids"] = json!(numbers(set));
    }
    body
}

fn numbers(set: &EvaluationSet) -> Vec<String> {
    set.experiments.iter().map(i64::to_string).collect()
}

/// Tags in a text of JSON; what is null is passed over.
fn tags(params: &Params) -> Result<Option<Vec<Pair>>, Error> {
    let Some(text) = params.filled("tags")? else { return Ok(None) };
    let members: Map<String, Value> =
        serde_json::from_str(&text).map_err(|_| Error::invalid("'tags' must be a text of a JSON object."))?;
    let plain = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let told = members.into_iter().filter(|(_, value)| !value.is_null());
    Ok(Some(told.map(|(key, value)| Pair { key, value: plain(value) }).collect()))
}

pub(super) async fn create(call: Call) -> Result<Response, Error> {
    let params = &call.params;
    let (name, ids) = (params.need("name")?, params.texts("experiment_ids")?);
    let allow = call.allow::<WriteRuns>()?;
    let made = call.ml.create_evaluation_set(&allow, &name, &ids, tags(params)?.unwrap_or_default()).await?;
    reply(&json!({ "dataset": shown(&made) }))
}

pub(super) async fn get(call: Call) -> Result<Response, Error> {
    let found = call.ml.get_evaluation_set(&call.allow::<ReadRuns>()?, call.part("dataset_id")).await?;
    reply(&json!({ "dataset": shown(&found) }))
}

pub(super) async fn delete(call: Call) -> Result<Response, Error> {
    call.ml.delete_evaluation_set(&call.allow::<WriteRuns>()?, call.part("dataset_id")).await?;
    done()
}

pub(super) async fn search(call: Call) -> Result<Response, Error> {
    let params = &call.params;
    let query = Query {
        filter: params.text("filter_string")?.unwrap_or_default(),
        order_by: params.texts("order_by")?,
        max_results: params.int("max_results")?,
        page_token: params.filled("page_token")?,
    };
    let ids = params.texts("experiment_ids")?;
    let (found, token) = call.ml.search_evaluation_sets(&call.allow::<ReadRuns>()?, &query, &ids).await?;
    let mut body = json!({});
    if !found.is_empty() {
        body["datasets"] = found.iter().map(shown).collect();
    }
    if let Some(token) = token {
        body["next_page_token"] = json!(token);
    }
    reply(&body)
}

pub(super) async fn set_tags(call: Call) -> Result<Response, Error> {
    let tags = tags(&call.params)?.ok_or_else(|| missing("tags"))?;
    call.ml.set_evaluation_tags(&call.allow::<WriteRuns>()?, call.part("dataset_id"), &tags).await?;
    done()
}

pub(super) async fn delete_tag(call: Call) -> Result<Response, Error> {
    let (id, key) = (call.part("dataset_id"), call.part("key"));
    call.ml.delete_evaluation_tag(&call.allow::<WriteRuns>()?, id, key).await?;
    done()
}

pub(super) async fn experiment_ids(call: Call) -> Result<Response, Error> {
    let found = call.ml.get_evaluation_set(&call.allow::<ReadRuns>()?, call.part("dataset_id")).await?;
    let ids = numbers(&found);
    reply(&if ids.is_empty() { json!({}) } else { json!({ "experiment_ids": ids }) })
}

async fn link(call: Call, is_of_them: bool) -> Result<Response, Error> {
    let (allow, ids) = (call.allow::<WriteRuns>()?, call.params.texts("experiment_ids")?);
    let set = call.ml.link_evaluation_set(&allow, call.part("dataset_id"), &ids, is_of_them).await?;
    reply(&json!({ "dataset": shown(&set) }))
}

pub(super) async fn add_experiments(call: Call) -> Result<Response, Error> {
    link(call, true).await
}

pub(super) async fn remove_experiments(call: Call) -> Result<Response, Error> {
    link(call, false).await
}

pub(super) async fn put_records(call: Call) -> Result<Response, Error> {
    let text = call.params.need("records")?;
    let records: Vec<Value> = serde_json::from_str(&text)
        .map_err(|_| Error::invalid("'records' must be a text of a list in JSON."))?;
    let records = records.into_iter().map(NewRecord::read).collect::<Result<Vec<_>, _>>()?;
    let allow = call.allow::<WriteRuns>()?;
    let (inserted, updated) =
        call.ml.put_evaluation_records(&allow, call.part("dataset_id"), &records).await?;
    reply(&json!({ "inserted_count": inserted, "updated_count": updated }))
}

pub(super) async fn records(call: Call) -> Result<Response, Error> {
    let (max, token) = (call.params.int("max_results")?, call.params.filled("page_token")?);
    let (allow, id) = (call.allow::<ReadRuns>()?, call.part("dataset_id"));
    let (found, token) = call.ml.list_evaluation_records(&allow, id, max, token.as_deref()).await?;
    let mut body = json!({ "records": Value::Array(found).to_string() });
    if let Some(token) = token {
        body["next_page_token"] = json!(token);
    }
    reply(&body)
}

pub(super) async fn delete_records(call: Call) -> Result<Response, Error> {
    let (allow, ids) = (call.allow::<WriteRuns>()?, call.params.texts("dataset_record_ids")?);
    let deleted = call.ml.delete_evaluation_records(&allow, call.part("dataset_id"), &ids).await?;
    reply(&json!({ "deleted_count": deleted }))
}

fn scorer(version: &ScorerVersion) -> Value {
    json!({
        "experiment_id": version.experiment,
        "scorer_name": version.name,
        "scorer_version": version.version,
        "serialized_scorer": version.content,
        "creation_time": version.created_ms,
        "scorer_id": version.scorer_id,
    })
}

fn listed(versions: &[ScorerVersion]) -> Result<Response, Error> {
    let scorers: Vec<_> = versions.iter().map(scorer).collect();
    reply(&if scorers.is_empty() { json!({}) } else { json!({ "scorers": scorers }) })
}

pub(super) async fn register_scorer(call: Call) -> Result<Response, Error> {
    let params = &call.params;
    let (id, name, content) =
        (params.need("experiment_id")?, params.need("name")?, params.need("serialized_scorer")?);
    let made = call.ml.register_scorer(&call.allow::<WriteRuns>()?, &id, &name, &content).await?;
    reply(&json!({
        "version": made.version,
        "scorer_id": made.scorer_id,
        "experiment_id": made.experiment.to_string(),
        "name": made.name,
        "serialized_scorer": made.content,
        "creation_time": made.created_ms,
    }))
}

pub(super) async fn list_scorers(call: Call) -> Result<Response, Error> {
    let mut ids = call.params.texts("experiment_ids")?;
    match call.params.filled("experiment_id")? {
        Some(_) if !ids.is_empty() => {
            return Err(Error::invalid("Cannot specify both 'experiment_id' and 'experiment_ids'."));
        }
        Some(id) => ids.push(id),
        None if ids.is_empty() => return Err(missing("experiment_id")),
        None => {}
    }
    listed(&call.ml.list_scorers(&call.allow::<ReadRuns>()?, &ids).await?)
}

pub(super) async fn scorer_versions(call: Call) -> Result<Response, Error> {
    let (id, name) = (call.params.need("experiment_id")?, call.params.need("name")?);
    listed(&call.ml.scorer_versions(&call.allow::<ReadRuns>()?, &id, &name).await?)
}

pub(super) async fn get_scorer(call: Call) -> Result<Response, Error> {
    let (id, name) = (call.params.need("experiment_id")?, call.params.need("name")?);
    let version = call.params.int("version")?;
    let found = call.ml.get_scorer(&call.allow::<ReadRuns>()?, &id, &name, version).await?;
    reply(&json!({ "scorer": scorer(&found) }))
}

pub(super) async fn delete_scorer(call: Call) -> Result<Response, Error> {
    let (id, name) = (call.params.need("experiment_id")?, call.params.need("name")?);
    let version = call.params.int("version")?;
    call.ml.delete_scorer(&call.allow::<WriteRuns>()?, &id, &name, version).await?;
    done()
}
