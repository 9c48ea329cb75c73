use axum::response::Response;
use serde_json::json;

use super::{
    Call,
    bodies::LoggedModelBody,
    experiments::pairs,
    wire::{Params, done, missing, reply},
};
use crate::{
    error::Error,
    model::LoggedStatus,
    permissions::{ReadRuns, WriteRuns},
    service::{LoggedQuery, NewLogged},
};

pub(super) async fn create(call: Call) -> Result<Response, Error> {
    let params = &call.params;
    let new = NewLogged {
        experiment_id: params.need("experiment_id")?,
        name: params.filled("name")?,
        model_type: params.filled("model_type")?,
        source_run_id: params.filled("source_run_id")?,
        params: pairs(params, "params")?,
        tags: pairs(params, "tags")?,
    };
    let model = call.ml.create_logged_model(&call.allow::<WriteRuns>()?, new).await?;
    reply(&json!({ "model": LoggedModelBody::from(&model) }))
}

pub(super) async fn get(call: Call) -> Result<Response, Error> {
    let with_deleted = call.params.bool("allow_deleted")?.unwrap_or(false);
    let allow = call.allow::<ReadRuns>()?;
    let model = call.ml.get_logged_model(&allow, call.part("model_id"), with_deleted).await?;
    reply(&json!({ "model": LoggedModelBody::from(&model) }))
}

pub(super) async fn finalize(call: Call) -> Result<Response, Error> {
    let text = call.params.name("status")?.ok_or_else(|| missing("status"))?;
    let status = LoggedStatus::parse(&text).ok_or_else(|| {
        Error::invalid(format!("Invalid value \"{text}\" for parameter 'status' supplied."))
    })?;
    let allow = call.allow::<WriteRuns>()?;
    let model = call.ml.finalize_logged_model(&allow, call.part("model_id"), status).await?;
    reply(&json!({ "model": LoggedModelBody::from(&model) }))
}

pub(super) async fn delete(call: Call) -> Result<Response, Error> {
    call.ml.delete_logged_model(&call.allow::<WriteRuns>()?, call.part("model_id")).await?;
    done()
}

pub(super) async fn set_tags(call: Call) -> Result<Response, Error> {
    let tags = pairs(&call.params, "tags")?;
    let allow = call.allow::<WriteRuns>()?;
    let model = call.ml.change_logged_model(&allow, call.part("model_id"), Vec::new(), tags).await?;
    reply(&json!({ "model": LoggedModelBody::from(&model) }))
}

pub(super) async fn delete_tag(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<WriteRuns>()?;
    call.ml.delete_logged_model_tag(&allow, call.part("model_id"), call.part("key")).await?;
    done()
}

pub(super) async fn log_params(call: Call) -> Result<Response, Error> {
    let params = pairs(&call.params, "params")?;
    let allow = call.allow::<WriteRuns>()?;
    call.ml.change_logged_model(&allow, call.part("model_id"), params, Vec::new()).await?;
    done()
}

fn dataset(params: &Params) -> Result<Option<(String, Option<String>)>, Error> {
    let (name, digest) = (params.filled("dataset_name")?, params.filled("dataset_digest")?);
    match (name, digest) {
        (Some(name), digest) => Ok(Some((name, digest))),
        (None, Some(_)) => {
            Err(Error::invalid("`dataset_digest` can only be specified if `dataset_name` is also specified."))
        }
        (None, None) => Ok(None),
    }
}

pub(super) async fn search(call: Call) -> Result<Response, Error> {
    let params = &call.params;
    let experiment_ids = params.texts("experiment_ids")?;
    if experiment_ids.is_empty() {
        return Err(missing("experiment_ids"));
    }
    // Its order is a list of objects, not of texts.
    let orders = params.objects("order_by")?;
    let orders = orders
        .iter()
        .map(|order| {
            let field = order
                .need("field_name")
                .map_err(|_| Error::invalid("`field_name` in the `order_by` clause must be specified."))?;
            Ok((field, order.bool("ascending")?.unwrap_or(true), dataset(order)?))
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let datasets = params.objects("datasets")?.iter().map(dataset).collect::<Result<Vec<_>, _>>()?;
    let asked = LoggedQuery {
        query: crate::service::Query {
            filter: params.text("filter")?.unwrap_or_default(),
            order_by: Vec::new(),
            max_results: params.int("max_results")?,
            page_token: params.filled("page_token")?,
        },
        experiment_ids,
        datasets: datasets.into_iter().map(Option::unwrap_or_default).collect(),
        orders,
    };
    let (found, token) = call.ml.search_logged_models(&call.allow::<ReadRuns>()?, &asked).await?;
    let mut body = json!({});
    if !found.is_empty() {
        body["models"] = json!(found.iter().map(LoggedModelBody::from).collect::<Vec<_>>());
    }
    if let Some(token) = token {
        body["next_page_token"] = json!(token);
    }
    reply(&body)
}
