use std::collections::{BTreeMap, BTreeSet, HashMap};

use db::{Db, Tx};
use kernel::{Allow, Ctx, WorkspaceId};
use serde_json::json;
use uuid::Uuid;

use super::{Ml, experiments, now_ms, together::Together};
use crate::{
    error::Error,
    model::{
        Columns, Experiment, Metric, Pair, RUN_NAME_TAG, RUN_TAG, Run, RunInfo, RunStatus, check_tag,
        join_uri, random_name,
    },
    permissions::{ReadRuns, WriteRuns},
    store::{
        self,
        pairs::{PARAMS, Present, RUN_TAGS},
    },
};

/// What a new run is made of.
#[derive(Debug, Default)]
pub(crate) struct NewRun {
    pub(crate) experiment_id: String,
    pub(crate) user_id: Option<String>,
    pub(crate) start_ms: i64,
    pub(crate) name: Option<String>,
    pub(crate) tags: Vec<Pair>,
}

/// What of a run changes.
#[derive(Debug, Default)]
pub(crate) struct RunUpdate {
    pub(crate) status: Option<RunStatus>,
    pub(crate) end_ms: Option<i64>,
    pub(crate) name: Option<String>,
}

/// A random id of 32 hexadecimal digits, as MLflow's own are.
pub(super) fn fresh_id() -> String {
    Uuid::from_u128(rand::random()).simple().to_string()
}

pub(super) fn run_not_found(run_id: &str) -> Error {
    let shown: String = run_id.chars().take(300).collect();
    Error::not_found(format!("Run with id={shown} not found"))
}

pub(super) async fn get(tx: &mut Tx, ctx: &Ctx, run_id: &str) -> Result<RunInfo, Error> {
    if run_id.contains('\0') {
        return Err(run_not_found(run_id));
    }
    store::runs::find(tx, ctx.workspace, run_id).await?.ok_or_else(|| run_not_found(run_id))
}

/// A run that may be written to.
pub(super) async fn get_active(tx: &mut Tx, ctx: &Ctx, run_id: &str) -> Result<RunInfo, Error> {
    let run = get(tx, ctx, run_id).await?;
    run.check_active()?;
    Ok(run)
}

/// With what belongs to them, in this order: everything, or these columns and neither datasets nor models.
pub(super) async fn complete(
    tx: &mut Tx,
    infos: Vec<RunInfo>,
    columns: Option<&Columns>,
) -> Result<Vec<Run>, Error> {
    let ids: Vec<i64> = infos.iter().map(|run| run.id).collect();
    let keys = |of: fn(&Columns) -> &Vec<String>| columns.map(|columns| of(columns).as_slice());
    let mut metrics = store::runs::latest_of(tx, &ids, keys(|columns| &columns.metrics)).await?;
    let mut params = store::pairs::list_keys_of(tx, PARAMS, &ids, keys(|columns| &columns.params)).await?;
    let mut tags = store::pairs::list_keys_of(tx, RUN_TAGS, &ids, keys(|columns| &columns.tags)).await?;
    let (mut datasets, mut models) = match columns {
        None => (store::inputs::datasets_of(tx, &ids).await?, store::inputs::models_of(tx, &ids).await?),
        Some(_) => Default::default(),
    };
    let runs = infos.into_iter().map(|info| {
        let (model_inputs, model_outputs) = models.remove(&info.id).unwrap_or_default();
        Run {
            metrics: metrics.remove(&info.id).unwrap_or_default(),
            params: params.remove(&info.id).unwrap_or_default(),
            tags: tags.remove(&info.id).unwrap_or_default(),
            datasets: datasets.remove(&info.id).unwrap_or_default(),
            model_inputs,
            model_outputs,
            info,
        }
    });
    Ok(runs.collect())
}

/// A run that is to begin.
pub(crate) struct Beginning {
    workspace: WorkspaceId,
    /// The experiment's number.
    experiment: i64,
    run_id: String,
    name: String,
    user_id: Option<String>,
    start_ms: i64,
    tags: Vec<Pair>,
}

impl Together for Beginning {
    const NAME: &'static str = "ml.runs";
    type Done = RunInfo;

    /// Each in its experiment; one that takes no runs refuses those, and no others.
    async fn write(db: &Db, some: &[Self]) -> Result<Vec<Result<RunInfo, Error>>, db::Error> {
        let mut wanted: BTreeMap<WorkspaceId, BTreeSet<i64>> = BTreeMap::new();
        for one in some {
            wanted.entry(one.workspace).or_default().insert(one.experiment);
        }
        let mut tx = db.begin().await?;
        let mut known: HashMap<(WorkspaceId, i64), Experiment> = HashMap::new();
        for (workspace, numbers) in wanted {
            let numbers: Vec<_> = numbers.into_iter().collect();
            for experiment in store::experiments::list(&mut tx, workspace, &numbers).await? {
                known.insert((workspace, experiment.number), experiment);
            }
        }
        let mut outcomes: Vec<Result<RunInfo, Error>> = Vec::with_capacity(some.len());
        for one in some {
            let experiment = known
                .get(&(one.workspace, one.experiment))
                .ok_or_else(|| experiments::not_found(one.experiment))
                .and_then(|experiment| experiment.check_active().map(|()| experiment));
            outcomes.push(experiment.map(|experiment| RunInfo {
                id: 0,
                experiment: experiment.id,
                number: experiment.number,
                name: one.name.clone(),
                user_id: one.user_id.clone(),
                status: RunStatus::Running.name().to_owned(),
                start_ms: one.start_ms,
                end_ms: None,
                artifact_uri: join_uri(&experiment.artifact_location, &[&one.run_id, "artifacts"]),
                is_deleted: false,
                run_id: one.run_id.clone(),
            }));
        }
        let fine: Vec<_> = some
            .iter()
            .zip(&outcomes)
            .filter_map(|(one, outcome)| Some((one.workspace, outcome.as_ref().ok()?)))
            .collect();
        let rows = store::runs::insert(&mut tx, &fine).await?;
        let mut tags: Vec<(i64, i64, &[Pair])> = Vec::with_capacity(some.len());
        for (one, outcome) in some.iter().zip(&mut outcomes) {
            if let Ok(run) = outcome {
                run.id = *rows.get(&run.run_id).ok_or(db::Error::NoRow)?;
                tags.push((run.id, run.experiment, &one.tags));
            }
        }
        store::pairs::put_all(&mut tx, RUN_TAGS, &tags, Present::Overwritten).await?;
        tx.commit().await?;
        Ok(outcomes)
    }
}

impl Ml {
    pub(crate) async fn create_run(&self, allow: &Allow<WriteRuns>, new: NewRun) -> Result<Run, Error> {
        let NewRun { experiment_id, user_id, start_ms, name, mut tags } = new;
        for (at, tag) in tags.iter_mut().enumerate() {
            check_tag(&format!("tags[{at}]"), RUN_TAG, tag)?;
        }
        let named = name.filter(|name| !name.is_empty());
        let tagged = tags.iter().find(|tag| tag.key == RUN_NAME_TAG).map(|tag| tag.value.clone());
        if let (Some(named), Some(tagged)) = (&named, &tagged)
            && named != tagged
            && !tagged.is_empty()
        {
            return Err(Error::invalid(format!(
                "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values \
                 (run_name='{named}', mlflow.runName='{tagged}')."
            )));
        }
        let name =
            named.or(tagged.filter(|name| !name.is_empty())).unwrap_or_else(|| random_name(&mut rand::rng()));
        let mut name_tag = Pair { key: RUN_NAME_TAG.to_owned(), value: name };
        check_tag("", RUN_TAG, &mut name_tag)?;
        let name = name_tag.value.clone();
        tags.retain(|tag| tag.key != RUN_NAME_TAG);
        tags.push(name_tag);
        if user_id.as_ref().is_some_and(|user| user.contains('\0') || user.chars().count() > 256) {
            return Err(Error::invalid("'user_id' exceeds the maximum length of 256 characters"));
        }

        let beginning = Beginning {
            workspace: allow.workspace,
            experiment: experiments::number(if experiment_id.is_empty() { "0" } else { &experiment_id })?,
            run_id: fresh_id(),
            name,
            user_id,
            start_ms,
            tags: store::pairs::settled(&tags),
        };
        let tags = beginning.tags.clone();
        let info = self.beginnings.write(beginning).await?;
        Ok(Run {
            info,
            metrics: Vec::<Metric>::new(),
            params: Vec::new(),
            tags,
            datasets: Vec::new(),
            model_inputs: Vec::new(),
            model_outputs: Vec::new(),
        })
    }

    pub(crate) async fn get_run(&self, allow: &Allow<ReadRuns>, run_id: &str) -> Result<Run, Error> {
        let mut tx = self.db.read().await?;
        let info = get(&mut tx, allow, run_id).await?;
        complete(&mut tx, vec![info], None).await?.pop().ok_or_else(|| run_not_found(run_id))
    }

    pub(crate) async fn update_run(
        &self,
        allow: &Allow<WriteRuns>,
        run_id: &str,
        update: RunUpdate,
    ) -> Result<RunInfo, Error> {
        let mut name_tag = Pair { key: RUN_NAME_TAG.to_owned(), value: update.name.unwrap_or_default() };
        check_tag("", RUN_TAG, &mut name_tag)?;
        let mut tx = self.db.begin().await?;
        let mut run = get_active(&mut tx, allow, run_id).await?;
        if let Some(status) = update.status {
            status.name().clone_into(&mut run.status);
        }
        run.end_ms = update.end_ms.or(run.end_ms);
        if !name_tag.value.is_empty() {
            run.name.clone_from(&name_tag.value);
            store::pairs::put(&mut tx, RUN_TAGS, run.id, run.experiment, &[name_tag], Present::Overwritten)
                .await?;
        }
        store::runs::update(&mut tx, &run).await?;
        if update.status.is_some_and(RunStatus::is_final) {
            // From now on its histories are only read.
            store::metrics::sort(&mut tx, run.id).await?;
        }
        tx.commit().await?;
        Ok(run)
    }

    /// Deleting what is deleted keeps its first time.
    pub(crate) async fn delete_run(&self, allow: &Allow<WriteRuns>, run_id: &str) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let run = get(&mut tx, allow, run_id).await?;
        if !run.is_deleted {
            store::runs::set_deleted(&mut tx, run.id, Some(now_ms(allow))).await?;
            self.record(&mut tx, allow, "ml.run-deleted", run_id, json!({ "name": run.name })).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    pub(crate) async fn restore_run(&self, allow: &Allow<WriteRuns>, run_id: &str) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let run = get(&mut tx, allow, run_id).await?;
        if run.is_deleted {
            store::runs::set_deleted(&mut tx, run.id, None).await?;
            self.record(&mut tx, allow, "ml.run-restored", run_id, json!({ "name": run.name })).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    pub(crate) async fn delete_tag(
        &self,
        allow: &Allow<WriteRuns>,
        run_id: &str,
        key: &str,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let run = get_active(&mut tx, allow, run_id).await?;
        if !store::pairs::delete(&mut tx, RUN_TAGS, run.id, key).await? {
            return Err(Error::not_found(format!("No tag with name: {key} in run with id {run_id}")));
        }
        tx.commit().await?;
        Ok(())
    }
}
