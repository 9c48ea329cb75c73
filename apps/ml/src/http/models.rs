use axum::response::Response;
use serde_json::json;

use super::{
    Call,
    bodies::{RegisteredModelBody, VersionBody},
    experiments::{pair, pairs, query},
    wire::{done, missing, reply},
};
use crate::{
    error::Error,
    permissions::{ReadModels, WriteModels},
    service::version_number,
};

pub(super) async fn create(call: Call) -> Result<Response, Error> {
    let name = call.params.need("name")?;
    let (description, tags) = (call.params.filled("description")?, pairs(&call.params, "tags")?);
    let allow = call.allow::<WriteModels>()?;
    let model = call.ml.create_model(&allow, &name, description.as_deref(), tags).await?;
    reply(&json!({ "registered_model": RegisteredModelBody::from(&model) }))
}

pub(super) async fn get(call: Call) -> Result<Response, Error> {
    let model = call.ml.get_model(&call.allow::<ReadModels>()?, &call.params.need("name")?).await?;
    reply(&json!({ "registered_model": RegisteredModelBody::from(&model) }))
}

pub(super) async fn search(call: Call) -> Result<Response, Error> {
    let (found, token) = call.ml.search_models(&call.allow::<ReadModels>()?, &query(&call.params)?).await?;
    let mut body = json!({});
    if !found.is_empty() {
        body["registered_models"] = json!(found.iter().map(RegisteredModelBody::from).collect::<Vec<_>>());
    }
    if let Some(token) = token {
        body["next_page_token"] = json!(token);
    }
    reply(&body)
}

pub(super) async fn rename(call: Call) -> Result<Response, Error> {
    let (name, new_name) = (call.params.need("name")?, call.params.need("new_name")?);
    let model = call.ml.rename_model(&call.allow::<WriteModels>()?, &name, &new_name).await?;
    reply(&json!({ "registered_model": RegisteredModelBody::from(&model) }))
}

pub(super) async fn update(call: Call) -> Result<Response, Error> {
    let (name, description) = (call.params.need("name")?, call.params.text("description")?);
    let model = call.ml.describe_model(&call.allow::<WriteModels>()?, &name, description.as_deref()).await?;
    reply(&json!({ "registered_model": RegisteredModelBody::from(&model) }))
}

pub(super) async fn delete(call: Call) -> Result<Response, Error> {
    call.ml.delete_model(&call.allow::<WriteModels>()?, &call.params.need("name")?).await?;
    done()
}

pub(super) async fn latest_versions(call: Call) -> Result<Response, Error> {
    let (name, stages) = (call.params.need("name")?, call.params.texts("stages")?);
    let found = call.ml.latest_versions(&call.allow::<ReadModels>()?, &name, &stages).await?;
    let versions: Vec<_> = found.iter().map(VersionBody::from).collect();
    reply(&if versions.is_empty() { json!({}) } else { json!({ "model_versions": versions }) })
}

pub(super) async fn set_tag(call: Call) -> Result<Response, Error> {
    let name = call.params.need("name")?;
    call.ml.set_model_tag(&call.allow::<WriteModels>()?, &name, pair(&call.params)?).await?;
    done()
}

pub(super) async fn delete_tag(call: Call) -> Result<Response, Error> {
    let (name, key) = (call.params.need("name")?, call.params.need("key")?);
    call.ml.delete_model_tag(&call.allow::<WriteModels>()?, &name, &key).await?;
    done()
}

pub(super) async fn set_alias(call: Call) -> Result<Response, Error> {
    let (name, alias) = (call.params.need("name")?, call.params.need("alias")?);
    let version = call.params.name("version")?.ok_or_else(|| missing("version"))?;
    let allow = call.allow::<WriteModels>()?;
    call.ml.set_alias(&allow, &name, &alias, version_number(&version)?).await?;
    done()
}

pub(super) async fn get_by_alias(call: Call) -> Result<Response, Error> {
    let (name, alias) = (call.params.need("name")?, call.params.need("alias")?);
    let version = call.ml.version_by_alias(&call.allow::<ReadModels>()?, &name, &alias).await?;
    reply(&json!({ "model_version": VersionBody::from(&version) }))
}

pub(super) async fn delete_alias(call: Call) -> Result<Response, Error> {
    let (name, alias) = (call.params.need("name")?, call.params.need("alias")?);
    call.ml.delete_alias(&call.allow::<WriteModels>()?, &name, &alias).await?;
    done()
}
