use axum::response::Response;
use serde_json::json;

use super::{
    Call,
    bodies::VersionBody,
    experiments::{pair, pairs, query},
    wire::{Params, done, missing, reply},
};
use crate::{
    error::Error,
    permissions::{ReadModels, WriteModels},
    service::NewVersion,
};

/// A text on the wire, though it is a number.
fn version(params: &Params) -> Result<String, Error> {
    params.name("version")?.ok_or_else(|| missing("version"))
}

pub(super) async fn create(call: Call) -> Result<Response, Error> {
    let params = &call.params;
    let new = NewVersion {
        name: params.need("name")?,
        source: params.need("source")?,
        run_id: params.filled("run_id")?,
        run_link: params.filled("run_link")?,
        description: params.filled("description")?,
        model_id: params.filled("model_id")?,
        tags: pairs(params, "tags")?,
    };
    let version = call.ml.create_version(&call.allow::<WriteModels>()?, new).await?;
    reply(&json!({ "model_version": VersionBody::from(&version) }))
}

pub(super) async fn get(call: Call) -> Result<Response, Error> {
    let (name, version) = (call.params.need("name")?, version(&call.params)?);
    let version = call.ml.get_version(&call.allow::<ReadModels>()?, &name, &version).await?;
    reply(&json!({ "model_version": VersionBody::from(&version) }))
}

pub(super) async fn search(call: Call) -> Result<Response, Error> {
    let (found, token) = call.ml.search_versions(&call.allow::<ReadModels>()?, &query(&call.params)?).await?;
    let mut body = json!({});
    if !found.is_empty() {
        body["model_versions"] = json!(found.iter().map(VersionBody::from).collect::<Vec<_>>());
    }
    if let Some(token) = token {
        body["next_page_token"] = json!(token);
    }
    reply(&body)
}

pub(super) async fn download_uri(call: Call) -> Result<Response, Error> {
    let (name, version) = (call.params.need("name")?, version(&call.params)?);
    let version = call.ml.get_version(&call.allow::<ReadModels>()?, &name, &version).await?;
    reply(&json!({ "artifact_uri": version.storage_location }))
}

pub(super) async fn update(call: Call) -> Result<Response, Error> {
    let (name, version) = (call.params.need("name")?, version(&call.params)?);
    let description = call.params.text("description")?;
    let allow = call.allow::<WriteModels>()?;
    let version = call.ml.describe_version(&allow, &name, &version, description.as_deref()).await?;
    reply(&json!({ "model_version": VersionBody::from(&version) }))
}

pub(super) async fn transition(call: Call) -> Result<Response, Error> {
    let (name, version, stage) =
        (call.params.need("name")?, version(&call.params)?, call.params.need("stage")?);
    let archives = call.params.bool("archive_existing_versions")?.unwrap_or(false);
    let allow = call.allow::<WriteModels>()?;
    let version = call.ml.transition_version(&allow, &name, &version, &stage, archives).await?;
    reply(&json!({ "model_version": VersionBody::from(&version) }))
}

pub(super) async fn delete(call: Call) -> Result<Response, Error> {
    let (name, version) = (call.params.need("name")?, version(&call.params)?);
    call.ml.delete_version(&call.allow::<WriteModels>()?, &name, &version).await?;
    done()
}

pub(super) async fn set_tag(call: Call) -> Result<Response, Error> {
    let (name, version) = (call.params.need("name")?, version(&call.params)?);
    call.ml.set_version_tag(&call.allow::<WriteModels>()?, &name, &version, pair(&call.params)?).await?;
    done()
}

pub(super) async fn delete_tag(call: Call) -> Result<Response, Error> {
    let (name, version) = (call.params.need("name")?, version(&call.params)?);
    let key = call.params.need("key")?;
    call.ml.delete_version_tag(&call.allow::<WriteModels>()?, &name, &version, &key).await?;
    done()
}
