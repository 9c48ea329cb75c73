use kernel::Allow;
use serde_json::Value;

use super::{
    Imported, Owner, Places, Source, filled, int, list, moved, pairs,
    source::{float, text},
};
use crate::{
    error::Error,
    model::{Experiment, LoggedModel, LoggedStatus, Metric, Point, Stage, Version, join_uri},
    permissions::{WriteModels, WriteRuns},
    service::{Ml, now_ms},
    store::{
        self,
        pairs::{LOGGED_PARAMS, LOGGED_TAGS, MODEL_TAGS, Present, VERSION_TAGS},
    },
};

impl Ml {
    pub(super) async fn import_logged_models(
        &self,
        allow: &Allow<WriteRuns>,
        source: &Source,
        experiment: &Value,
        ours: &Experiment,
        imported: &mut Imported,
        places: &mut Places,
    ) -> Result<(), Error> {
        for model in source.logged_models(&text(experiment, "experiment_id")).await? {
            self.import_logged_model(allow, source, &model, ours, imported, places).await?;
        }
        Ok(())
    }

    async fn import_logged_model(
        &self,
        allow: &Allow<WriteRuns>,
        source: &Source,
        theirs: &Value,
        experiment: &Experiment,
        imported: &mut Imported,
        places: &mut Places,
    ) -> Result<(), Error> {
        let (info, data) = (&theirs["info"], &theirs["data"]);
        let model_id = text(info, "model_id");
        let (params, tags) = (pairs(data, "params"), pairs(info, "tags"));
        let mut tx = self.db.begin().await?;
        let found = store::logged::find(&mut tx, allow.workspace, &model_id, true).await?;
        let is_new = found.is_none();
        let (id, location) = match found {
            Some(ours) => (ours.id, ours.artifact_location),
            None => {
                let status = LoggedStatus::parse(&text(info, "status")).unwrap_or(LoggedStatus::Ready);
                let made = LoggedModel {
                    id: 0,
                    experiment: experiment.id,
                    number: experiment.number,
                    name: text(info, "name"),
                    artifact_location: join_uri(
                        &experiment.artifact_location,
                        &["models", &model_id, "artifacts"],
                    ),
                    status: status.name().to_owned(),
                    status_message: filled(info, "status_message"),
                    model_type: filled(info, "model_type"),
                    source_run_id: filled(info, "source_run_id"),
                    created_ms: int(info, "creation_timestamp_ms").unwrap_or_else(|| now_ms(allow)),
                    updated_ms: int(info, "last_updated_timestamp_ms").unwrap_or_else(|| now_ms(allow)),
                    params: Vec::new(),
                    tags: Vec::new(),
                    metrics: Vec::new(),
                    registrations: Vec::new(),
                    model_id: model_id.clone(),
                };
                (store::logged::insert(&mut tx, allow.workspace, &made).await?, made.artifact_location)
            }
        };
        let theirs_at = text(info, "artifact_uri");
        places.push((theirs_at.clone(), location.clone()));
        store::pairs::put(&mut tx, LOGGED_PARAMS, id, experiment.id, &params, Present::Kept).await?;
        store::pairs::put(&mut tx, LOGGED_TAGS, id, experiment.id, &tags, Present::Kept).await?;
        for metric in list(data, "metrics") {
            let (at_ms, step) = (int(metric, "timestamp"), int(metric, "step"));
            let point =
                Point::new(at_ms.unwrap_or_default(), step.unwrap_or_default(), float(metric, "value"));
            let ours = Metric {
                key: text(metric, "key"),
                value: point.value,
                at_ms: point.at_ms,
                step: point.step,
                model_id: Some(model_id.clone()),
                dataset_name: filled(metric, "dataset_name"),
                dataset_digest: filled(metric, "dataset_digest"),
            };
            store::logged::put_metrics(&mut tx, &text(metric, "run_id"), &[(id, &ours)]).await?;
        }
        tx.commit().await?;
        imported.saw("logged models", 1, u64::from(is_new));
        let owner = Owner::Model(&model_id);
        self.import_files(allow, source, owner, (&theirs_at, &location), imported).await
    }

    /// Registered models and prompts with their versions, aliases and tags.
    pub(super) async fn import_models(
        &self,
        allow: &Allow<WriteModels>,
        source: &Source,
        imported: &mut Imported,
        places: &Places,
    ) -> Result<(), Error> {
        for model in source.registered_models().await? {
            self.import_model(allow, source, &model, imported, places).await?;
        }
        Ok(())
    }

    async fn import_model(
        &self,
        allow: &Allow<WriteModels>,
        source: &Source,
        theirs: &Value,
        imported: &mut Imported,
        places: &Places,
    ) -> Result<(), Error> {
        let name = text(theirs, "name");
        let versions = source.versions(theirs).await?;
        let mut tx = self.db.begin().await?;
        let found = store::registry::find(&mut tx, allow.workspace, &name).await?;
        let is_new = found.is_none();
        let created_ms = int(theirs, "creation_timestamp").unwrap_or_else(|| now_ms(allow));
        let id = match found {
            Some(ours) => ours.id,
            None => {
                let description = filled(theirs, "description");
                store::registry::insert(&mut tx, allow.workspace, &name, description.as_deref(), created_ms)
                    .await?
            }
        };
        store::pairs::put(&mut tx, MODEL_TAGS, id, id, &pairs(theirs, "tags"), Present::Kept).await?;
        let mut taken = 0;
        for version in &versions {
            let Some(number) = int(version, "version") else { continue };
            if store::versions::find(&mut tx, allow.workspace, &name, number).await?.is_some() {
                continue;
            }
            let theirs_at = text(version, "source");
            let stage = Stage::parse(&text(version, "current_stage")).unwrap_or(Stage::None);
            let storage = self.storage_of(&mut tx, allow, places, &theirs_at).await?;
            let made = Version {
                id: 0,
                model: id,
                name: name.clone(),
                version: number,
                stage: stage.name().to_owned(),
                description: filled(version, "description"),
                user_id: filled(version, "user_id"),
                source: moved(places, &theirs_at),
                storage_location: storage,
                run_id: filled(version, "run_id"),
                run_link: filled(version, "run_link"),
                logged_model: filled(version, "model_id"),
                created_ms: int(version, "creation_timestamp").unwrap_or(created_ms),
                updated_ms: int(version, "last_updated_timestamp").unwrap_or(created_ms),
                tags: Vec::new(),
                aliases: Vec::new(),
            };
            let row = store::versions::insert(&mut tx, &made).await?;
            store::pairs::put(&mut tx, VERSION_TAGS, row, 0, &pairs(version, "tags"), Present::Kept).await?;
            store::registry::reserve_version(&mut tx, id, number).await?;
            taken += 1;
        }
        if is_new {
            for alias in list(theirs, "aliases") {
                let version = int(alias, "version").unwrap_or_default();
                store::registry::set_alias(&mut tx, id, &text(alias, "alias"), version).await?;
            }
            let updated_ms = int(theirs, "last_updated_timestamp").unwrap_or(created_ms);
            store::registry::touch(&mut tx, id, updated_ms).await?;
        }
        tx.commit().await?;
        imported.saw("registered models", 1, u64::from(is_new));
        imported.saw("model versions", versions.len() as u64, taken);
        let mut tx = self.db.read().await?;
        for version in &versions {
            let number = int(version, "version").unwrap_or_default();
            if store::versions::find(&mut tx, allow.workspace, &name, number).await?.is_none() {
                imported.differs(format!("version {number} of model {name} is not here"));
            }
        }
        Ok(())
    }

    /// Where the files of a version's source are, here.
    async fn storage_of(
        &self,
        tx: &mut db::Tx,
        allow: &Allow<WriteModels>,
        places: &Places,
        address: &str,
    ) -> Result<String, Error> {
        if let Some(rest) = address.strip_prefix("runs:/") {
            let (run_id, path) = rest.split_once('/').unwrap_or((rest, ""));
            if let Some(run) = store::runs::find(tx, allow.workspace, run_id).await? {
                return Ok(if path.is_empty() {
                    run.artifact_uri
                } else {
                    join_uri(&run.artifact_uri, &[path])
                });
            }
        }
        if let Some(model_id) = address.strip_prefix("models:/").filter(|rest| !rest.contains('/'))
            && let Some(model) = store::logged::find(tx, allow.workspace, model_id, true).await?
        {
            return Ok(model.artifact_location);
        }
        if let Some((name, version)) = address.strip_prefix("models:/").and_then(|rest| rest.split_once('/'))
            && let Ok(version) = version.parse()
            && let Some(found) = store::versions::find(tx, allow.workspace, name, version).await?
        {
            return Ok(found.storage_location);
        }
        Ok(moved(places, address))
    }
}
