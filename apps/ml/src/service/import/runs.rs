use std::collections::HashSet;

use kernel::Allow;
use serde_json::Value;

use super::{
    Imported, Owner, Places, Source, filled, int, list, pairs,
    source::{float, text},
};
use crate::{
    error::Error,
    model::{self, DatasetInput, Experiment, Metric, ModelOutput, Point, RunInfo, RunStatus, join_uri},
    permissions::WriteRuns,
    service::{Ml, now_ms},
    store::{
        self,
        metrics::Series,
        pairs::{PARAMS, Present, RUN_TAGS},
    },
};

/// Points that are written at once.
const POINTS_AT_ONCE: usize = 50_000;

impl Ml {
    pub(super) async fn import_runs(
        &self,
        allow: &Allow<WriteRuns>,
        source: &Source,
        experiment: &Value,
        ours: &Experiment,
        imported: &mut Imported,
        places: &mut Places,
    ) -> Result<(), Error> {
        let mut pages = source.runs(&text(experiment, "experiment_id"));
        while let Some(page) = pages.next().await? {
            for run in &page {
                self.import_run(allow, source, run, ours, imported, places).await?;
            }
        }
        Ok(())
    }

    async fn import_run(
        &self,
        allow: &Allow<WriteRuns>,
        source: &Source,
        theirs: &Value,
        experiment: &Experiment,
        imported: &mut Imported,
        places: &mut Places,
    ) -> Result<(), Error> {
        let (info, data) = (&theirs["info"], &theirs["data"]);
        let run_id = text(info, "run_id");
        let mut tx = self.db.begin().await?;
        let found = store::runs::find(&mut tx, allow.workspace, &run_id).await?;
        let is_new = found.is_none();
        let (params, tags) = (pairs(data, "params"), pairs(data, "tags"));
        let ours = match found {
            Some(ours) => ours,
            None => {
                let status = text(info, "status");
                let mut ours = RunInfo {
                    id: 0,
                    experiment: experiment.id,
                    number: experiment.number,
                    name: text(info, "run_name"),
                    user_id: filled(info, "user_id"),
                    status: RunStatus::parse(&status).unwrap_or(RunStatus::Finished).name().to_owned(),
                    start_ms: int(info, "start_time").unwrap_or_default(),
                    end_ms: int(info, "end_time"),
                    artifact_uri: join_uri(&experiment.artifact_location, &[&run_id, "artifacts"]),
                    is_deleted: false,
                    run_id: run_id.clone(),
                };
                let rows = store::runs::insert(&mut tx, &[(allow.workspace, &ours)]).await?;
                ours.id = *rows.get(&run_id).ok_or(db::Error::NoRow)?;
                ours
            }
        };
        places.push((text(info, "artifact_uri"), ours.artifact_uri.clone()));
        let mut taken = 0;
        for (table, pairs) in [(PARAMS, &params), (RUN_TAGS, &tags)] {
            taken +=
                store::pairs::put(&mut tx, table, ours.id, ours.experiment, pairs, Present::Kept).await?;
        }
        for input in list(&theirs["inputs"], "dataset_inputs") {
            let dataset = &input["dataset"];
            let input = DatasetInput {
                name: text(dataset, "name"),
                digest: text(dataset, "digest"),
                source_type: text(dataset, "source_type"),
                source: text(dataset, "source"),
                schema: filled(dataset, "schema"),
                profile: filled(dataset, "profile"),
                tags: pairs(input, "tags"),
            };
            store::inputs::put_dataset(&mut tx, ours.experiment, ours.id, &input).await?;
        }
        let models = |list: &[Value]| -> Vec<ModelOutput> {
            let output = |model: &Value| ModelOutput {
                model_id: text(model, "model_id"),
                step: int(model, "step").unwrap_or_default(),
            };
            list.iter().map(output).collect()
        };
        let went_in = models(list(&theirs["inputs"], "model_inputs"));
        store::inputs::put_models(&mut tx, ours.id, "input", &went_in).await?;
        let came_out = models(list(&theirs["outputs"], "model_outputs"));
        store::inputs::put_models(&mut tx, ours.id, "output", &came_out).await?;
        tx.commit().await?;
        imported.saw("runs", 1, u64::from(is_new));
        imported.saw("params and tags", (params.len() + tags.len()) as u64, taken);

        let mut taken = 0;
        for metric in list(data, "metrics") {
            taken += self.import_points(source, &ours, &text(metric, "key"), imported).await?;
        }
        if taken > 0 {
            let mut tx = self.db.begin().await?;
            store::metrics::sort(&mut tx, ours.id).await?;
            tx.commit().await?;
        }
        let addresses = (text(info, "artifact_uri"), &ours.artifact_uri);
        self.import_files(allow, source, Owner::Run(&run_id), (&addresses.0, addresses.1), imported).await?;
        if text(info, "lifecycle_stage") == "deleted" && !ours.is_deleted {
            let mut tx = self.db.begin().await?;
            store::runs::set_deleted(&mut tx, ours.id, Some(now_ms(allow))).await?;
            tx.commit().await?;
        }
        self.compare_run(allow, &ours, data, imported).await
    }

    /// The points of a metric that are not here. Gives how many they were.
    async fn import_points(
        &self,
        source: &Source,
        run: &RunInfo,
        key: &str,
        imported: &mut Imported,
    ) -> Result<u64, Error> {
        let mut theirs = source.points(&run.run_id, key).await?;
        let there = theirs.len() as u64;
        let mut tx = self.db.begin().await?;
        let chunks = store::metrics::chunks(&mut tx, &[run.id], key).await?;
        let place = |point: &Point| (point.at_ms, point.step, point.value.to_bits());
        let ours: HashSet<_> =
            model::history(chunks.iter().map(|chunk| &chunk.points[..])).iter().map(place).collect();
        theirs.retain(|point| !ours.contains(&place(point)));
        for points in theirs.chunks(POINTS_AT_ONCE) {
            let series: Vec<_> = Series::new(run.id, run.experiment, key, points).into_iter().collect();
            store::metrics::append(&mut tx, &series).await?;
        }
        tx.commit().await?;
        let taken = theirs.len() as u64;
        imported.saw("points", there, taken);
        Ok(taken)
    }

    /// Reads the run again, and says what is not as it is there.
    async fn compare_run(
        &self,
        allow: &Allow<WriteRuns>,
        run: &RunInfo,
        data: &Value,
        imported: &mut Imported,
    ) -> Result<(), Error> {
        let mut tx = self.db.read().await?;
        let Some(info) = store::runs::find(&mut tx, allow.workspace, &run.run_id).await? else {
            imported.differs(format!("run {} is not here", run.run_id));
            return Ok(());
        };
        let Some(ours) = crate::service::runs::complete(&mut tx, vec![info], None).await?.pop() else {
            return Ok(());
        };
        let mut check = |what: &str, there: usize, here: usize| {
            if there != here {
                imported.differs(format!("run {}: {there} {what} there, {here} here", run.run_id));
            }
        };
        let of = |list: &[model::Pair], theirs: &[model::Pair]| {
            theirs.iter().filter(|pair| list.contains(pair)).count()
        };
        let (params, tags) = (pairs(data, "params"), pairs(data, "tags"));
        check("params", params.len(), of(&ours.params, &params));
        check("tags", tags.len(), of(&ours.tags, &tags));
        let metrics = list(data, "metrics");
        let is_same = |theirs: &Value| {
            let value = Point::new(0, 0, float(theirs, "value")).value;
            let same = |metric: &Metric| {
                metric.key == text(theirs, "key")
                    && (metric.value == value || (metric.value.is_nan() && value.is_nan()))
                    && Some(metric.step) == int(theirs, "step").or(Some(0))
            };
            ours.metrics.iter().any(same)
        };
        check("latest metrics", metrics.len(), metrics.iter().filter(|metric| is_same(metric)).count());
        Ok(())
    }
}
