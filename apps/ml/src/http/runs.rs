use axum::response::Response;
use serde::Serialize;
use serde_json::json;

use super::{
    Call,
    bodies::{MetricBody, RunBody, RunInfoBody},
    experiments::{lifecycle, pairs, query},
    wire::{done, missing, reply},
};
use crate::{
    error::Error,
    model::{Columns, Point, RunStatus},
    permissions::{ReadRuns, WriteRuns},
    service::{NewRun, RunQuery, RunUpdate, Sample},
};

pub(super) async fn create(call: Call) -> Result<Response, Error> {
    let params = &call.params;
    let new = NewRun {
        experiment_id: params.text("experiment_id")?.unwrap_or_default(),
        user_id: params.filled("user_id")?,
        start_ms: params.int("start_time")?.unwrap_or_default(),
        name: params.filled("run_name")?,
        tags: pairs(params, "tags")?,
    };
    let run = call.ml.create_run(&call.allow::<WriteRuns>()?, new).await?;
    reply(&json!({ "run": RunBody::from(&run) }))
}

pub(super) async fn get(call: Call) -> Result<Response, Error> {
    let run = call.ml.get_run(&call.allow::<ReadRuns>()?, &call.params.run_id()?).await?;
    reply(&json!({ "run": RunBody::from(&run) }))
}

pub(super) async fn update(call: Call) -> Result<Response, Error> {
    let params = &call.params;
    let status = params.name("status")?;
    let parsed = status.as_deref().map(|text| {
        RunStatus::parse(text).ok_or_else(|| {
            Error::invalid(format!("Invalid value \"{text}\" for parameter 'status' supplied."))
        })
    });
    let update = RunUpdate {
        status: parsed.transpose()?,
        end_ms: params.int("end_time")?,
        name: params.filled("run_name")?,
    };
    let run = call.ml.update_run(&call.allow::<WriteRuns>()?, &params.run_id()?, update).await?;
    reply(&json!({ "run_info": RunInfoBody::from(&run) }))
}

pub(super) async fn delete(call: Call) -> Result<Response, Error> {
    call.ml.delete_run(&call.allow::<WriteRuns>()?, &call.params.run_id()?).await?;
    done()
}

pub(super) async fn restore(call: Call) -> Result<Response, Error> {
    call.ml.restore_run(&call.allow::<WriteRuns>()?, &call.params.run_id()?).await?;
    done()
}

pub(super) async fn delete_tag(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<WriteRuns>()?;
    call.ml.delete_tag(&allow, &call.params.run_id()?, &call.params.need("key")?).await?;
    done()
}

pub(super) async fn search(call: Call) -> Result<Response, Error> {
    #[derive(Serialize)]
    struct Found<'m> {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        runs: Vec<RunBody<'m>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_page_token: Option<String>,
    }
    let params = &call.params;
    let columns = if params.has("columns") { Some(Columns::parse(&params.texts("columns")?)?) } else { None };
    let asked = RunQuery {
        query: query(params)?,
        experiment_ids: params.texts("experiment_ids")?,
        lifecycle: lifecycle(params, "run_view_type")?,
        columns,
    };
    let (runs, next_page_token) = call.ml.search_runs(&call.allow::<ReadRuns>()?, &asked).await?;
    reply(&Found { runs: runs.iter().map(RunBody::from).collect(), next_page_token })
}

#[derive(Serialize)]
struct History<'m> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<MetricBody<'m>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

pub(super) async fn history(call: Call) -> Result<Response, Error> {
    let params = &call.params;
    let (run_id, key) = (params.run_id()?, params.need("metric_key")?);
    let max = match params.int("max_results")? {
        Some(max) if max <= 0 => {
            return Err(Error::invalid(format!(
                "Invalid value {max} for parameter 'max_results' supplied. It must be a positive integer."
            )));
        }
        max => max.map(|max| usize::try_from(max).unwrap_or(usize::MAX)),
    };
    let token = params.filled("page_token")?;
    let allow = call.allow::<ReadRuns>()?;
    let (points, next_page_token) =
        call.ml.metric_history(&allow, &run_id, &key, max, token.as_deref()).await?;
    let metrics = points.iter().map(|point| MetricBody::of_point(&key, point, None)).collect();
    reply(&History { metrics, next_page_token })
}

fn of_runs(key: &str, found: &[(String, Vec<Point>)]) -> Result<Response, Error> {
    let metrics = found
        .iter()
        .flat_map(|(run_id, points)| {
            points.iter().map(|point| MetricBody::of_point(key, point, Some(run_id)))
        })
        .collect();
    reply(&History { metrics, next_page_token: None })
}

const RUNS_MAX: usize = 100;

pub(super) async fn history_interval(call: Call) -> Result<Response, Error> {
    const MAX: i64 = 2_500;
    let params = &call.params;
    let run_ids = params.texts("run_ids")?;
    if run_ids.is_empty() {
        return Err(missing("run_ids"));
    }
    if run_ids.len() > RUNS_MAX {
        return Err(Error::invalid(format!(
            "GetMetricHistoryBulkInterval request must specify at most {RUNS_MAX} run_ids. Received {} run_ids.",
            run_ids.len()
        )));
    }
    let key = params.need("metric_key")?;
    let steps = match (params.int("start_step")?, params.int("end_step")?) {
        (Some(from), Some(to)) if from > to => {
            return Err(Error::invalid(format!(
                "end_step must be greater than start_step. Found start_step={from} and end_step={to}."
            )));
        }
        (Some(from), Some(to)) => Some((from, to)),
        (None, None) => None,
        _ => {
            return Err(Error::invalid(
                "If either start step or end step are specified, both must be specified.",
            ));
        }
    };
    let max = params.int("max_results")?.unwrap_or(MAX);
    if !(1..=MAX).contains(&max) {
        return Err(Error::invalid(format!("max_results must be between 1 and {MAX}.")));
    }
    let sample = Sample { run_ids, key, steps, max: usize::try_from(max).unwrap_or(1), is_spread: true };
    let found = call.ml.metric_sample(&call.allow::<ReadRuns>()?, &sample).await?;
    of_runs(&sample.key, &found)
}

pub(super) async fn history_bulk(call: Call) -> Result<Response, Error> {
    const MAX: i64 = 25_000;
    let params = &call.params;
    let mut run_ids = params.texts("run_id")?;
    if run_ids.is_empty() {
        return Err(Error::invalid("GetMetricHistoryBulk request must specify at least one run_id."));
    }
    if run_ids.len() > RUNS_MAX {
        return Err(Error::invalid(format!(
            "GetMetricHistoryBulk request cannot specify more than {RUNS_MAX} run_ids. Received {} run_ids.",
            run_ids.len()
        )));
    }
    run_ids.sort_unstable();
    run_ids.dedup();
    let key = params
        .filled("metric_key")?
        .ok_or_else(|| Error::invalid("GetMetricHistoryBulk request must specify a metric_key."))?;
    let max = params.int("max_results")?.unwrap_or(MAX).clamp(1, MAX);
    let max = usize::try_from(max).unwrap_or(1);
    let sample = Sample { run_ids, key, steps: None, max, is_spread: false };
    let mut found = call.ml.metric_sample(&call.allow::<ReadRuns>()?, &sample).await?;
    let mut left = max;
    for (_, points) in &mut found {
        points.truncate(left);
        left -= points.len();
    }
    of_runs(&sample.key, &found)
}
