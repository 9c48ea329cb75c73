//! What runs log: metrics, params and tags.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, btree_map::Entry},
};

use db::{Db, Tx};
use kernel::{Allow, Ctx, WorkspaceId};
use serde_json::json;

use super::{Ml, runs, together::Together};
use crate::{
    error::Error,
    model::{
        HISTORY_TAG, ITEM_KEY_CHARS_MAX, Metric, Pair, Point, RUN_NAME_TAG, RUN_TAG, RunInfo, check_key,
        check_param, check_run_id, check_tag,
    },
    permissions::WriteRuns,
    store::{
        self,
        metrics::Series,
        pairs::{PARAMS, Present, RUN_TAGS},
    },
};

/// The experiment of a series and what is added to it.
type OfSeries<'p> = (i64, Cow<'p, [Point]>);

/// What one call logs: all of it, or nothing.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) metrics: Vec<Metric>,
    pub(crate) params: Vec<Pair>,
    pub(crate) tags: Vec<Pair>,
}

const METRICS_MAX: usize = 1_000;
const PAIRS_MAX: usize = 100;
const ALL_MAX: usize = 1_000;

impl Batch {
    fn check(&mut self) -> Result<(), Error> {
        for (at, metric) in self.metrics.iter().enumerate() {
            check_metric(&format!("metrics[{at}]"), metric)?;
        }
        for (at, param) in self.params.iter_mut().enumerate() {
            check_param(&format!("params[{at}]"), param)?;
        }
        for (at, tag) in self.tags.iter_mut().enumerate() {
            check_tag(&format!("tags[{at}]"), RUN_TAG, tag)?;
        }
        let all = self.metrics.len() + self.params.len() + self.tags.len();
        for (what, count, max) in [
            ("metrics", self.metrics.len(), METRICS_MAX),
            ("params", self.params.len(), PAIRS_MAX),
            ("tags", self.tags.len(), PAIRS_MAX),
            ("metrics, params, and tags", all, ALL_MAX),
        ] {
            if count > max {
                return Err(Error::invalid(format!(
                    "A batch logging request can contain at most {max} {what}. Got {count} {what}. Please split up \
                     {what} across multiple requests and try again."
                )));
            }
        }
        let mut seen = HashSet::new();
        let twice: Vec<_> =
            self.params.iter().map(|param| param.key.as_str()).filter(|key| !seen.insert(*key)).collect();
        if !twice.is_empty() {
            return Err(Error::invalid(format!(
                "Duplicate parameter keys have been submitted: {twice:?}. Please ensure the request contains only one \
                 param value per param key."
            )));
        }
        Ok(())
    }
}

/// `path` is empty for one by itself.
fn check_metric(path: &str, metric: &Metric) -> Result<(), Error> {
    let field = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    check_key(&field("name"), &metric.key)?;
    if metric.at_ms < 0 {
        return Err(Error::invalid(format!(
            "Invalid value {} for parameter '{}' supplied: metric '{}' (value={}). Timestamp must be a nonnegative long \
             (64-bit integer) ",
            metric.at_ms,
            field("timestamp"),
            metric.key,
            metric.value
        )));
    }
    if metric.key.len() > ITEM_KEY_CHARS_MAX && metric.key.chars().count() > ITEM_KEY_CHARS_MAX {
        return Err(Error::invalid(format!(
            "'Metric name' exceeds the maximum length of {ITEM_KEY_CHARS_MAX} characters"
        )));
    }
    let texts = [&metric.model_id, &metric.dataset_name, &metric.dataset_digest];
    if texts.into_iter().flatten().any(|text| text.contains('\0')) {
        return Err(Error::invalid("A metric's model and dataset must not hold a NUL character."));
    }
    Ok(())
}

impl Ml {
    pub(crate) async fn log_batch(
        &self,
        allow: &Allow<WriteRuns>,
        run_id: &str,
        mut batch: Batch,
    ) -> Result<(), Error> {
        check_run_id(run_id)?;
        batch.check()?;
        if batch.params.is_empty() && batch.tags.is_empty() && !are_of_models(&batch.metrics) {
            return self.append(allow, run_id, &batch.metrics).await;
        }
        let series = by_key(&batch.metrics);
        let mut tx = self.db.begin().await?;
        let mut run = runs::get_active(&mut tx, allow, run_id).await?;
        if let Some(conflicts) = put_params(&mut tx, &run, &batch.params).await? {
            let shown: Vec<_> = conflicts
                .iter()
                .map(|(key, old, new)| {
                    format!("{{'key': '{key}', 'old_value': '{old}', 'new_value': '{new}'}}")
                })
                .collect();
            return Err(Error::invalid(format!(
                "Changing param values is not allowed. Params were already logged='[{}]' for run ID='{run_id}'.",
                shown.join(", ")
            )));
        }
        store::metrics::append(&mut tx, &of_run(&run, &series)).await?;
        put_model_metrics(&mut tx, allow, run_id, &batch.metrics).await?;
        put_tags(&mut tx, &mut run, &batch.tags).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(crate) async fn log_metric(
        &self,
        allow: &Allow<WriteRuns>,
        run_id: &str,
        metric: Metric,
    ) -> Result<(), Error> {
        check_metric("", &metric)?;
        let metrics = [metric];
        if !are_of_models(&metrics) {
            return self.append(allow, run_id, &metrics).await;
        }
        let series = by_key(&metrics);
        let mut tx = self.db.begin().await?;
        let run = runs::get_active(&mut tx, allow, run_id).await?;
        store::metrics::append(&mut tx, &of_run(&run, &series)).await?;
        put_model_metrics(&mut tx, allow, run_id, &metrics).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The same value again is no fault; another is.
    pub(crate) async fn log_param(
        &self,
        allow: &Allow<WriteRuns>,
        run_id: &str,
        mut param: Pair,
    ) -> Result<(), Error> {
        check_param("", &mut param)?;
        let mut tx = self.db.begin().await?;
        let run = runs::get_active(&mut tx, allow, run_id).await?;
        if let Some(conflicts) = put_params(&mut tx, &run, &[param]).await?
            && let [(key, old, new), ..] = &conflicts[..]
        {
            return Err(Error::invalid(format!(
                "Changing param values is not allowed. Param with key='{key}' was already logged with value='{old}' for \
                 run ID='{run_id}'. Attempted logging new value '{new}'."
            )));
        }
        tx.commit().await?;
        Ok(())
    }

    pub(crate) async fn set_tag(
        &self,
        allow: &Allow<WriteRuns>,
        run_id: &str,
        mut tag: Pair,
    ) -> Result<(), Error> {
        check_tag("", RUN_TAG, &mut tag)?;
        let mut tx = self.db.begin().await?;
        let mut run = runs::get_active(&mut tx, allow, run_id).await?;
        put_tags(&mut tx, &mut run, &[tag]).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What clients before MLflow 3 say of a model that they logged: one more in a list that a tag holds.
    pub(crate) async fn log_model(
        &self,
        allow: &Allow<WriteRuns>,
        run_id: &str,
        model_json: &str,
    ) -> Result<(), Error> {
        let malformed =
            || Error::invalid(format!("Malformed model info. \n {model_json} \n is not a valid JSON."));
        let model: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(model_json).map_err(|_| malformed())?;
        let missing: Vec<_> = ["artifact_path", "flavors", "utc_time_created", "run_id"]
            .into_iter()
            .filter(|field| !model.contains_key(*field))
            .collect();
        if !missing.is_empty() {
            return Err(Error::invalid(format!("Model json is missing mandatory fields: {missing:?}")));
        }
        let mut tx = self.db.begin().await?;
        let mut run = runs::get_active(&mut tx, allow, run_id).await?;
        let before = store::pairs::find(&mut tx, RUN_TAGS, run.id, &[HISTORY_TAG]).await?;
        let mut history: Vec<serde_json::Value> =
            before.get(HISTORY_TAG).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        history.push(json!(model));
        let text = json!(history).to_string();
        // A list that was cut would be no list: the oldest go.
        if text.chars().count() > 8_000 {
            history.drain(..history.len() - 1);
        }
        let mut tag = Pair { key: HISTORY_TAG.to_owned(), value: json!(history).to_string() };
        check_tag("", RUN_TAG, &mut tag)?;
        put_tags(&mut tx, &mut run, &[tag]).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// The points of each metric, in the order of their keys.
fn by_key(metrics: &[Metric]) -> BTreeMap<&str, Vec<Point>> {
    let mut points: BTreeMap<&str, Vec<Point>> = BTreeMap::new();
    for metric in metrics {
        let point = Point::new(metric.at_ms, metric.step, metric.value);
        points.entry(&metric.key).or_default().push(point);
    }
    points
}

fn of_run<'k>(run: &RunInfo, points: &'k BTreeMap<&'k str, Vec<Point>>) -> Vec<Series<'k>> {
    let series = points.iter().filter_map(|(key, points)| Series::new(run.id, run.experiment, key, points));
    series.collect()
}

/// Whether some of them belong to logged models too.
fn are_of_models(metrics: &[Metric]) -> bool {
    metrics.iter().any(|metric| metric.model_id.is_some())
}

/// What one call logs of a run's metrics, and nothing else.
pub(crate) struct Appended {
    workspace: WorkspaceId,
    run_id: String,
    points: BTreeMap<String, Vec<Point>>,
}

impl Ml {
    /// Together with what others log at this moment.
    async fn append(&self, allow: &Allow<WriteRuns>, run_id: &str, metrics: &[Metric]) -> Result<(), Error> {
        let points = by_key(metrics).into_iter().map(|(key, points)| (key.to_owned(), points)).collect();
        let appended = Appended { workspace: allow.workspace, run_id: run_id.to_owned(), points };
        self.appends.write(appended).await
    }
}

impl Together for Appended {
    const NAME: &'static str = "ml.points";
    type Done = ();

    fn rows(&self) -> usize {
        2 * self.points.len()
    }

    /// Each to its run; a run that takes nothing refuses what is for it, and nothing else.
    async fn write(db: &Db, some: &[Self]) -> Result<Vec<Result<(), Error>>, db::Error> {
        let mut wanted: BTreeMap<WorkspaceId, BTreeSet<&str>> = BTreeMap::new();
        for one in some.iter().filter(|one| !one.run_id.contains('\0')) {
            wanted.entry(one.workspace).or_default().insert(&one.run_id);
        }
        let mut tx = db.begin().await?;
        let mut known: HashMap<(WorkspaceId, String), RunInfo> = HashMap::new();
        for (workspace, run_ids) in wanted {
            let run_ids: Vec<_> = run_ids.into_iter().collect();
            for run in store::runs::list(&mut tx, workspace, &run_ids).await? {
                known.insert((workspace, run.run_id.clone()), run);
            }
        }
        let mut outcomes = Vec::with_capacity(some.len());
        // In one order for all transactions, so that none waits for another that waits for it.
        let mut points: BTreeMap<(i64, &str), OfSeries<'_>> = BTreeMap::new();
        for one in some {
            let run = known
                .get(&(one.workspace, one.run_id.clone()))
                .ok_or_else(|| runs::run_not_found(&one.run_id))
                .and_then(|run| run.check_active().map(|()| run));
            outcomes.push(run.map(|run| {
                for (key, more) in &one.points {
                    match points.entry((run.id, key)) {
                        Entry::Vacant(free) => drop(free.insert((run.experiment, Cow::Borrowed(more)))),
                        Entry::Occupied(taken) => taken.into_mut().1.to_mut().extend_from_slice(more),
                    }
                }
            }));
        }
        let series: Vec<_> = points
            .iter()
            .filter_map(|((run, key), (experiment, points))| Series::new(*run, *experiment, key, points))
            .collect();
        store::metrics::append(&mut tx, &series).await?;
        tx.commit().await?;
        Ok(outcomes)
    }
}

/// Those whose values would change: key, old value, new value. Then nothing may be committed.
async fn put_params(
    tx: &mut Tx,
    run: &RunInfo,
    params: &[Pair],
) -> Result<Option<Vec<(String, String, String)>>, Error> {
    if params.is_empty() {
        return Ok(None);
    }
    let written = store::pairs::put(tx, PARAMS, run.id, run.experiment, params, Present::Kept).await?;
    if written == params.len() as u64 {
        return Ok(None);
    }
    let keys: Vec<_> = params.iter().map(|param| param.key.as_str()).collect();
    let there = store::pairs::find(tx, PARAMS, run.id, &keys).await?;
    let conflicts: Vec<_> = params
        .iter()
        .filter_map(|param| {
            let old = there.get(&param.key).filter(|old| **old != param.value)?;
            Some((param.key.clone(), old.clone(), param.value.clone()))
        })
        .collect();
    Ok((!conflicts.is_empty()).then_some(conflicts))
}

/// The tag with the run's name is the run's name.
async fn put_tags(tx: &mut Tx, run: &mut RunInfo, tags: &[Pair]) -> Result<(), Error> {
    if let Some(name) = tags.iter().rev().find(|tag| tag.key == RUN_NAME_TAG && !tag.value.is_empty()) {
        run.name.clone_from(&name.value);
        store::runs::update(tx, run).await?;
    }
    store::pairs::put(tx, RUN_TAGS, run.id, run.experiment, tags, Present::Overwritten).await?;
    Ok(())
}

/// Metrics that say of which model they are belong to it too.
async fn put_model_metrics(tx: &mut Tx, ctx: &Ctx, run_id: &str, metrics: &[Metric]) -> Result<(), Error> {
    let ids: HashSet<&str> = metrics.iter().filter_map(|metric| metric.model_id.as_deref()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = ids.into_iter().collect();
    let rows: HashMap<String, i64> = store::logged::rows_of(tx, ctx.workspace, &ids).await?;
    let clamped: Vec<(i64, Metric)> = metrics
        .iter()
        .filter_map(|metric| {
            let row = rows.get(metric.model_id.as_deref()?)?;
            let Point { value, .. } = Point::new(metric.at_ms, metric.step, metric.value);
            Some((*row, Metric { value, ..metric.clone() }))
        })
        .collect();
    let of_models: Vec<_> = clamped.iter().map(|(row, metric)| (*row, metric)).collect();
    store::logged::put_metrics(tx, run_id, &of_models).await?;
    Ok(())
}
