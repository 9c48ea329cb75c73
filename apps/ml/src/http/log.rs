//! What runs log.

use std::borrow::Cow;

use axum::response::Response;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;

use super::{
    Body, Call,
    experiments::{pair, pairs},
    wire::{Params, done, missing, read_float, read_int},
};
use crate::{
    error::Error,
    model::{DatasetInput, Metric, ModelOutput, Pair},
    permissions::WriteRuns,
    service::Batch,
};

pub(super) async fn metric(call: Call) -> Result<Response, Error> {
    let run_id = call.params.run_id()?;
    let metric = one_metric(&call.params, "")?;
    call.ml.log_metric(&call.allow::<WriteRuns>()?, &run_id, metric).await?;
    done()
}

/// `path` names it among others: `metrics[3].`
fn one_metric(params: &Params, path: &str) -> Result<Metric, Error> {
    let missing = |name: &str| missing(&format!("{path}{name}"));
    Ok(Metric {
        key: params.filled("key")?.ok_or_else(|| missing("key"))?,
        value: params.float("value")?.ok_or_else(|| missing("value"))?,
        at_ms: params.int("timestamp")?.ok_or_else(|| missing("timestamp"))?,
        step: params.int("step")?.unwrap_or_default(),
        model_id: params.filled("model_id")?,
        dataset_name: params.filled("dataset_name")?,
        dataset_digest: params.filled("dataset_digest")?,
    })
}

pub(super) async fn param(call: Call) -> Result<Response, Error> {
    let run_id = call.params.run_id()?;
    call.ml.log_param(&call.allow::<WriteRuns>()?, &run_id, pair(&call.params)?).await?;
    done()
}

pub(super) async fn set_tag(call: Call) -> Result<Response, Error> {
    let run_id = call.params.run_id()?;
    call.ml.set_tag(&call.allow::<WriteRuns>()?, &run_id, pair(&call.params)?).await?;
    done()
}

pub(super) async fn batch(call: Call) -> Result<Response, Error> {
    let Body::Read(bytes) = &call.body else { return Err(missing("run_id")) };
    let allow = call.allow::<WriteRuns>()?;
    // The common form in one step; whatever is else is read member by member, which finds the words for what is wrong.
    let (run_id, batch) =
        match serde_json::from_slice::<PlainBatch<'_>>(bytes).ok().and_then(PlainBatch::read) {
            Some(read) => read,
            None => slow_batch(&Params::of_body(bytes))?,
        };
    call.ml.log_batch(&allow, &run_id, batch).await?;
    done()
}

fn slow_batch(params: &Params) -> Result<(String, Batch), Error> {
    let run_id = params.run_id()?;
    let metrics = params
        .objects("metrics")?
        .iter()
        .enumerate()
        .map(|(at, metric)| one_metric(metric, &format!("metrics[{at}].")))
        .collect::<Result<_, _>>()?;
    Ok((run_id, Batch { metrics, params: pairs(params, "params")?, tags: pairs(params, "tags")? }))
}

#[derive(Deserialize)]
struct PlainBatch<'b> {
    #[serde(borrow)]
    run_id: Cow<'b, str>,
    #[serde(default, borrow)]
    metrics: Vec<PlainMetric<'b>>,
    #[serde(default, borrow)]
    params: Vec<PlainPair<'b>>,
    #[serde(default, borrow)]
    tags: Vec<PlainPair<'b>>,
}

#[derive(Deserialize)]
struct PlainPair<'b> {
    #[serde(borrow)]
    key: Cow<'b, str>,
    #[serde(default, borrow)]
    value: Cow<'b, str>,
}

#[derive(Deserialize)]
struct PlainMetric<'b> {
    #[serde(borrow)]
    key: Cow<'b, str>,
    #[serde(deserialize_with = "exact")]
    value: f64,
    #[serde(deserialize_with = "whole")]
    timestamp: i64,
    #[serde(default, deserialize_with = "whole")]
    step: i64,
    model_id: Option<String>,
    dataset_name: Option<String>,
    dataset_digest: Option<String>,
}

/// The float that the digits name: serde_json's own reading may miss the last bit.
fn exact<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?.get();
    read_float(raw.trim_matches('"')).ok_or_else(|| D::Error::custom("not a number"))
}

fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?.get();
    read_int(raw.trim_matches('"')).ok_or_else(|| D::Error::custom("not a whole number"))
}

impl PlainBatch<'_> {
    /// `None` where something that must be there is empty.
    fn read(self) -> Option<(String, Batch)> {
        let pair = |pair: PlainPair<'_>| Pair { key: pair.key.into_owned(), value: pair.value.into_owned() };
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let keys = self.params.iter().chain(&self.tags).map(|pair| &pair.key);
        let is_whole = !self.run_id.is_empty()
            && keys.chain(self.metrics.iter().map(|metric| &metric.key)).all(|key| !key.is_empty());
        is_whole.then(|| {
            let metric = |metric: PlainMetric<'_>| Metric {
                key: metric.key.into_owned(),
                value: metric.value,
                at_ms: metric.timestamp,
                step: metric.step,
                model_id: filled(metric.model_id),
                dataset_name: filled(metric.dataset_name),
                dataset_digest: filled(metric.dataset_digest),
            };
            let batch = Batch {
                metrics: self.metrics.into_iter().map(metric).collect(),
                params: self.params.into_iter().map(pair).collect(),
                tags: self.tags.into_iter().map(pair).collect(),
            };
            (self.run_id.into_owned(), batch)
        })
    }
}

pub(super) async fn model(call: Call) -> Result<Response, Error> {
    let run_id = call.params.run_id()?;
    call.ml.log_model(&call.allow::<WriteRuns>()?, &run_id, &call.params.need("model_json")?).await?;
    done()
}

fn models(params: &Params) -> Result<Vec<ModelOutput>, Error> {
    let one = |model: &Params| {
        Ok(ModelOutput {
            model_id: model.text("model_id")?.unwrap_or_default(),
            step: model.int("step")?.unwrap_or_default(),
        })
    };
    params.objects("models")?.iter().map(one).collect()
}

pub(super) async fn inputs(call: Call) -> Result<Response, Error> {
    let run_id = call.params.run_id()?;
    let tag = |tag: &Params| {
        let (key, value) = (tag.text("key")?.unwrap_or_default(), tag.text("value")?.unwrap_or_default());
        Ok(Pair { key, value })
    };
    // As protobuf has it, what is not given is empty, be it the dataset itself.
    let one = |input: &Params| {
        let dataset = input.object("dataset")?.unwrap_or_else(|| Params::of_query(""));
        let tags = input.objects("tags")?;
        Ok(DatasetInput {
            name: dataset.text("name")?.unwrap_or_default(),
            digest: dataset.text("digest")?.unwrap_or_default(),
            source_type: dataset.text("source_type")?.unwrap_or_default(),
            source: dataset.text("source")?.unwrap_or_default(),
            schema: dataset.filled("schema")?,
            profile: dataset.filled("profile")?,
            tags: tags.iter().map(tag).collect::<Result<_, Error>>()?,
        })
    };
    let datasets = call.params.objects("datasets")?.iter().map(one).collect::<Result<Vec<_>, Error>>()?;
    let models = models(&call.params)?;
    call.ml.log_inputs(&call.allow::<WriteRuns>()?, &run_id, &datasets, &models).await?;
    done()
}

pub(super) async fn outputs(call: Call) -> Result<Response, Error> {
    let run_id = call.params.run_id()?;
    let models = models(&call.params)?;
    if models.is_empty() {
        return Err(missing("models"));
    }
    call.ml.log_outputs(&call.allow::<WriteRuns>()?, &run_id, &models).await?;
    done()
}
