use kernel::Allow;

use super::{Ml, experiments, runs};
use crate::{
    error::Error,
    model::{DatasetInput, ModelOutput, check_dataset, check_run_id},
    permissions::{ReadRuns, WriteRuns},
    store,
};

const DATASETS_MAX: usize = 1_000;

fn check_models(models: &[ModelOutput]) -> Result<(), Error> {
    let fine = |id: &str| !id.is_empty() && !id.contains('\0') && id.chars().count() <= 256;
    if models.iter().all(|model| fine(&model.model_id)) {
        return Ok(());
    }
    Err(Error::invalid("Missing value for required parameter 'models[].model_id'."))
}

impl Ml {
    /// What a run reads. What it was told before to read stays.
    pub(crate) async fn log_inputs(
        &self,
        allow: &Allow<WriteRuns>,
        run_id: &str,
        datasets: &[DatasetInput],
        models: &[ModelOutput],
    ) -> Result<(), Error> {
        check_run_id(run_id)?;
        if datasets.len() > DATASETS_MAX {
            return Err(Error::invalid(format!("At most {DATASETS_MAX} datasets can be logged at once.")));
        }
        datasets.iter().try_for_each(check_dataset)?;
        check_models(models)?;
        let mut tx = self.db.begin().await?;
        let run = runs::get_active(&mut tx, allow, run_id).await?;
        for dataset in datasets {
            store::inputs::put_dataset(&mut tx, run.experiment, run.id, dataset).await?;
        }
        store::inputs::put_models(&mut tx, run.id, "input", models).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Models that a run made.
    pub(crate) async fn log_outputs(
        &self,
        allow: &Allow<WriteRuns>,
        run_id: &str,
        models: &[ModelOutput],
    ) -> Result<(), Error> {
        check_models(models)?;
        let mut tx = self.db.begin().await?;
        let run = runs::get_active(&mut tx, allow, run_id).await?;
        store::inputs::put_models(&mut tx, run.id, "output", models).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Numbers of experiments, with names, digests and contexts of datasets that their runs read.
    pub(crate) async fn search_datasets(
        &self,
        allow: &Allow<ReadRuns>,
        experiment_ids: &[String],
    ) -> Result<Vec<(i64, String, String, Option<String>)>, Error> {
        const LIMIT: i64 = 1_000;
        let numbers =
            experiment_ids.iter().map(|id| experiments::number(id)).collect::<Result<Vec<_>, _>>()?;
        let mut tx = self.db.read().await?;
        let known = store::experiments::list(&mut tx, allow.workspace, &numbers).await?;
        let rows: Vec<i64> = known.iter().map(|experiment| experiment.id).collect();
        let found = store::inputs::summaries(&mut tx, &rows, LIMIT).await?;
        let number = |row: i64| known.iter().find(|known| known.id == row).map_or(0, |known| known.number);
        Ok(found
            .into_iter()
            .map(|(row, name, digest, context)| (number(row), name, digest, context))
            .collect())
    }
}
