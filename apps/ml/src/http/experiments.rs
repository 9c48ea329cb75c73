use axum::response::Response;
use serde_json::json;

use super::{
    Call,
    bodies::ExperimentBody,
    wire::{Params, done, missing, reply},
};
use crate::{
    error::Error,
    model::{Lifecycle, Pair},
    permissions::{ReadRuns, WriteRuns},
    service::Query,
};

/// `[{key, value}]`
pub(super) fn pairs(params: &Params, name: &str) -> Result<Vec<Pair>, Error> {
    let pair = |(at, object): (usize, &Params)| {
        let key = object.filled("key")?.ok_or_else(|| missing(&format!("{name}[{at}].key")))?;
        Ok(Pair { key, value: object.text("value")?.unwrap_or_default() })
    };
    params.objects(name)?.iter().enumerate().map(pair).collect()
}

/// `key` and `value`
pub(super) fn pair(params: &Params) -> Result<Pair, Error> {
    Ok(Pair { key: params.need("key")?, value: params.text("value")?.unwrap_or_default() })
}

/// What all searches share.
pub(super) fn query(params: &Params) -> Result<Query, Error> {
    Ok(Query {
        filter: params.text("filter")?.unwrap_or_default(),
        order_by: params.texts("order_by")?,
        max_results: params.int("max_results")?,
        page_token: params.filled("page_token")?,
    })
}

pub(super) fn lifecycle(params: &Params, name: &str) -> Result<Lifecycle, Error> {
    match params.name(name)? {
        None => Ok(Lifecycle::Active),
        Some(text) => Lifecycle::parse(&text).ok_or_else(|| {
            Error::invalid(format!("Invalid value \"{text}\" for parameter '{name}' supplied."))
        }),
    }
}

pub(super) async fn create(call: Call) -> Result<Response, Error> {
    let name = call.params.need("name")?;
    let location = call.params.filled("artifact_location")?;
    let tags = pairs(&call.params, "tags")?;
    let allow = call.allow::<WriteRuns>()?;
    let number = call.ml.create_experiment(&allow, &name, location.as_deref(), tags).await?;
    reply(&json!({ "experiment_id": number.to_string() }))
}

pub(super) async fn get(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<ReadRuns>()?;
    let experiment = call.ml.get_experiment(&allow, &call.params.need("experiment_id")?).await?;
    reply(&json!({ "experiment": ExperimentBody::from(&experiment) }))
}

pub(super) async fn get_by_name(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<ReadRuns>()?;
    let experiment = call.ml.get_experiment_by_name(&allow, &call.params.need("experiment_name")?).await?;
    reply(&json!({ "experiment": ExperimentBody::from(&experiment) }))
}

pub(super) async fn search(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<ReadRuns>()?;
    let lifecycle = lifecycle(&call.params, "view_type")?;
    let (found, token) = call.ml.search_experiments(&allow, &query(&call.params)?, lifecycle).await?;
    let mut body = json!({});
    if !found.is_empty() {
        body["experiments"] = json!(found.iter().map(ExperimentBody::from).collect::<Vec<_>>());
    }
    if let Some(token) = token {
        body["next_page_token"] = json!(token);
    }
    reply(&body)
}

pub(super) async fn update(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<WriteRuns>()?;
    let id = call.params.need("experiment_id")?;
    call.ml.rename_experiment(&allow, &id, &call.params.need("new_name")?).await?;
    done()
}

pub(super) async fn delete(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<WriteRuns>()?;
    call.ml.delete_experiment(&allow, &call.params.need("experiment_id")?).await?;
    done()
}

pub(super) async fn restore(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<WriteRuns>()?;
    call.ml.restore_experiment(&allow, &call.params.need("experiment_id")?).await?;
    done()
}

pub(super) async fn set_tag(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<WriteRuns>()?;
    call.ml.set_experiment_tag(&allow, &call.params.need("experiment_id")?, pair(&call.params)?).await?;
    done()
}

pub(super) async fn delete_tag(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<WriteRuns>()?;
    let id = call.params.need("experiment_id")?;
    call.ml.delete_experiment_tag(&allow, &id, &call.params.need("key")?).await?;
    done()
}

pub(super) async fn search_datasets(call: Call) -> Result<Response, Error> {
    const EXPERIMENTS_MAX: usize = 20;
    let allow = call.allow::<ReadRuns>()?;
    let ids = call.params.texts("experiment_ids")?;
    if ids.is_empty() {
        return Err(Error::invalid("SearchDatasets request must specify at least one experiment_id."));
    }
    if ids.len() > EXPERIMENTS_MAX {
        return Err(Error::invalid(format!(
            "SearchDatasets request cannot specify more than {EXPERIMENTS_MAX} experiment_ids. Received {} \
             experiment_ids.",
            ids.len()
        )));
    }
    let found = call.ml.search_datasets(&allow, &ids).await?;
    let summaries: Vec<_> = found
        .into_iter()
        .map(|(number, name, digest, context)| {
            let mut summary = json!({ "experiment_id": number.to_string(), "name": name, "digest": digest });
            if let Some(context) = context {
                summary["context"] = json!(context);
            }
            summary
        })
        .collect();
    reply(&if summaries.is_empty() { json!({}) } else { json!({ "dataset_summaries": summaries }) })
}
