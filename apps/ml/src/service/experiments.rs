use db::{OnConstraint as _, Tx};
use kernel::{Allow, Ctx};
use serde_json::json;

use super::{Ml, now_ms};
use crate::{
    error::Error,
    model::{self, EXPERIMENT_TAG, Experiment, Pair, check_experiment_name, check_tag},
    permissions::{ReadRuns, WriteRuns},
    store::{
        self,
        pairs::{EXPERIMENT_TAGS, Present},
    },
};

/// The number that a caller's text means.
pub(crate) fn number(text: &str) -> Result<i64, Error> {
    text.trim().parse().map_err(|_| {
        let shown: String = text.chars().take(200).collect();
        Error::invalid(format!("Invalid experiment ID '{shown}'. Experiment ID must be a valid integer."))
    })
}

/// The experiment, or MLflow's word for that it is not there.
pub(super) async fn get(tx: &mut Tx, ctx: &Ctx, id: &str) -> Result<Experiment, Error> {
    let number = number(if id.is_empty() { "0" } else { id })?;
    store::experiments::find(tx, ctx.workspace, number).await?.ok_or_else(|| not_found(number))
}

pub(super) fn not_found(number: i64) -> Error {
    Error::not_found(format!("No Experiment with id={number} exists"))
}

fn taken(name: &str) -> Error {
    Error::Exists(format!(
        "Experiment(name={name}) already exists. It may be among the deleted ones: those can be restored."
    ))
}

impl Ml {
    /// Gives its number.
    pub(crate) async fn create_experiment(
        &self,
        allow: &Allow<WriteRuns>,
        name: &str,
        artifact_location: Option<&str>,
        mut tags: Vec<Pair>,
    ) -> Result<i64, Error> {
        check_experiment_name(name)?;
        for tag in &mut tags {
            check_tag("", EXPERIMENT_TAG, tag)?;
        }
        let location = artifact_location.filter(|location| !location.is_empty());
        if let Some(location) = location {
            check_location(location)?;
        }
        let mut tx = self.db.begin().await?;
        let number = store::experiments::next_number(&mut tx, allow.workspace).await?;
        let location = location.map_or_else(|| model::artifact_root(number), str::to_owned);
        let id = store::experiments::insert(&mut tx, allow.workspace, number, name, &location, now_ms(allow))
            .await
            .on_constraint("ml_experiments_workspace_id_name_key", || taken(name))?;
        store::pairs::put(&mut tx, EXPERIMENT_TAGS, id, id, &tags, Present::Overwritten).await?;
        tx.commit().await?;
        Ok(number)
    }

    pub(crate) async fn get_experiment(
        &self,
        allow: &Allow<ReadRuns>,
        id: &str,
    ) -> Result<Experiment, Error> {
        let mut tx = self.db.read().await?;
        let mut experiment = get(&mut tx, allow, id).await?;
        experiment.tags = store::pairs::list(&mut tx, EXPERIMENT_TAGS, experiment.id).await?;
        Ok(experiment)
    }

    pub(crate) async fn get_experiment_by_name(
        &self,
        allow: &Allow<ReadRuns>,
        name: &str,
    ) -> Result<Experiment, Error> {
        let mut tx = self.db.read().await?;
        let found = store::experiments::find_by_name(&mut tx, allow.workspace, name).await?;
        let mut experiment =
            found.ok_or_else(|| Error::not_found(format!("Could not find experiment with name '{name}'")))?;
        experiment.tags = store::pairs::list(&mut tx, EXPERIMENT_TAGS, experiment.id).await?;
        Ok(experiment)
    }

    pub(crate) async fn rename_experiment(
        &self,
        allow: &Allow<WriteRuns>,
        id: &str,
        name: &str,
    ) -> Result<(), Error> {
        check_experiment_name(name)?;
        let mut tx = self.db.begin().await?;
        let experiment = get(&mut tx, allow, id).await?;
        if experiment.is_deleted {
            return Err(Error::invalid("Cannot rename a non-active experiment."));
        }
        store::experiments::rename(&mut tx, experiment.id, name, now_ms(allow))
            .await
            .on_constraint("ml_experiments_workspace_id_name_key", || taken(name))?;
        tx.commit().await?;
        Ok(())
    }

    /// With all its runs.
    pub(crate) async fn delete_experiment(&self, allow: &Allow<WriteRuns>, id: &str) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let experiment = get(&mut tx, allow, id).await?;
        if experiment.is_deleted {
            return Err(Error::not_found(format!("No Experiment with id={} exists", experiment.number)));
        }
        let now = now_ms(allow);
        store::experiments::set_deleted(&mut tx, experiment.id, Some(now), now).await?;
        let detail = json!({ "name": experiment.name });
        let target = experiment.number.to_string();
        self.record(&mut tx, allow, "ml.experiment-deleted", target, detail).await?;
        tx.commit().await?;
        Ok(())
    }

    /// With all its runs.
    pub(crate) async fn restore_experiment(&self, allow: &Allow<WriteRuns>, id: &str) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let experiment = get(&mut tx, allow, id).await?;
        if !experiment.is_deleted {
            return Err(Error::not_found(format!("No Experiment with id={} exists", experiment.number)));
        }
        store::experiments::set_deleted(&mut tx, experiment.id, None, now_ms(allow)).await?;
        let detail = json!({ "name": experiment.name });
        let target = experiment.number.to_string();
        self.record(&mut tx, allow, "ml.experiment-restored", target, detail).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(crate) async fn set_experiment_tag(
        &self,
        allow: &Allow<WriteRuns>,
        id: &str,
        mut tag: Pair,
    ) -> Result<(), Error> {
        check_tag("", EXPERIMENT_TAG, &mut tag)?;
        let mut tx = self.db.begin().await?;
        let experiment = get(&mut tx, allow, id).await?;
        experiment.check_active()?;
        let row = experiment.id;
        store::pairs::put(&mut tx, EXPERIMENT_TAGS, row, row, &[tag], Present::Overwritten).await?;
        store::experiments::touch(&mut tx, row, experiment.updated_ms).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(crate) async fn delete_experiment_tag(
        &self,
        allow: &Allow<WriteRuns>,
        id: &str,
        key: &str,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let experiment = get(&mut tx, allow, id).await?;
        experiment.check_active()?;
        if !store::pairs::delete(&mut tx, EXPERIMENT_TAGS, experiment.id, key).await? {
            return Err(Error::not_found(format!(
                "No tag with name: {key} in experiment with id {}",
                experiment.number
            )));
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Where an experiment's artifacts may be: by this server, or in a store that clients reach by themselves.
fn check_location(location: &str) -> Result<(), Error> {
    let refuse =
        |reason: &str| Err(Error::invalid(format!("Invalid artifact location '{location}': {reason}")));
    if location.chars().count() > 2_048 {
        return Err(Error::invalid("'artifact_location' exceeds the maximum length of 2048 characters"));
    }
    if location.contains('\0') || location.contains(['#', '?']) {
        return refuse("it must hold neither a query nor a fragment");
    }
    match location.split_once(':') {
        Some(("runs" | "models", _)) => refuse("it cannot be a runs:/ or models:/ URI"),
        Some((scheme, _)) if scheme.len() > 1 && !scheme.eq_ignore_ascii_case("file") => {
            match model::ArtifactPath::of_uri(location) {
                Some(path) => path.map(drop),
                None => Ok(()),
            }
        }
        _ => refuse(
            "a folder of this server's machine is not for clients; leave it out to keep artifacts here",
        ),
    }
}
