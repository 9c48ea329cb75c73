//! Scorers: what scores a model's answers, as its client wrote it. They are kept, and run by clients.

use kernel::Allow;
use serde_json::{Value, json};

use super::{Ml, experiments, now_ms, runs::fresh_id};
use crate::{
    error::Error,
    model::ScorerVersion,
    permissions::{ReadRuns, WriteRuns},
    store,
};

const NAME_CHARS_MAX: usize = 256;

fn not_found(name: &str, version: Option<i64>, experiment_id: &str) -> Error {
    let version = version.map(|version| format!(" and version {version}")).unwrap_or_default();
    Error::not_found(format!("Scorer with name '{name}'{version} not found for experiment {experiment_id}."))
}

impl Ml {
    pub(crate) async fn register_scorer(
        &self,
        allow: &Allow<WriteRuns>,
        experiment_id: &str,
        name: &str,
        content: &str,
    ) -> Result<ScorerVersion, Error> {
        if name.trim().is_empty() || name.chars().count() > NAME_CHARS_MAX || name.contains('\0') {
            return Err(Error::invalid(format!(
                "A scorer's name has 1 to {NAME_CHARS_MAX} characters, and no NUL."
            )));
        }
        if !serde_json::from_str::<Value>(content).is_ok_and(|value| value.is_object())
            || content.contains('\0')
        {
            return Err(Error::invalid("serialized_scorer must be a JSON object."));
        }
        let mut tx = self.db.begin().await?;
        let experiment = experiments::get(&mut tx, allow, experiment_id).await?;
        experiment.check_active()?;
        let scorer = store::scorers::put(&mut tx, experiment.id, name, &fresh_id()).await?;
        let version = store::scorers::insert_version(&mut tx, scorer, content, now_ms(allow)).await?;
        let all = store::scorers::versions(&mut tx, experiment.id, name).await?;
        tx.commit().await?;
        let made = all.into_iter().find(|one| one.version == version);
        made.ok_or_else(|| not_found(name, Some(version), experiment_id))
    }

    /// The newest version of each.
    pub(crate) async fn list_scorers(
        &self,
        allow: &Allow<ReadRuns>,
        experiment_ids: &[String],
    ) -> Result<Vec<ScorerVersion>, Error> {
        let mut tx = self.db.read().await?;
        let mut found = Vec::new();
        for id in experiment_ids {
            let experiment = experiments::get(&mut tx, allow, id).await?;
            found.extend(store::scorers::list(&mut tx, experiment.id).await?);
        }
        Ok(found)
    }

    /// All versions of one, which must be there.
    pub(crate) async fn scorer_versions(
        &self,
        allow: &Allow<ReadRuns>,
        experiment_id: &str,
        name: &str,
    ) -> Result<Vec<ScorerVersion>, Error> {
        let mut tx = self.db.read().await?;
        let experiment = experiments::get(&mut tx, allow, experiment_id).await?;
        let found = store::scorers::versions(&mut tx, experiment.id, name).await?;
        if found.is_empty() { Err(not_found(name, None, experiment_id)) } else { Ok(found) }
    }

    /// The newest, where no version is named.
    pub(crate) async fn get_scorer(
        &self,
        allow: &Allow<ReadRuns>,
        experiment_id: &str,
        name: &str,
        version: Option<i64>,
    ) -> Result<ScorerVersion, Error> {
        let all = self.scorer_versions(allow, experiment_id, name).await?;
        let found = all.into_iter().rev().find(|one| version.is_none_or(|version| one.version == version));
        found.ok_or_else(|| not_found(name, version, experiment_id))
    }

    /// One version, or all.
    pub(crate) async fn delete_scorer(
        &self,
        allow: &Allow<WriteRuns>,
        experiment_id: &str,
        name: &str,
        version: Option<i64>,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let experiment = experiments::get(&mut tx, allow, experiment_id).await?;
        let all = store::scorers::versions(&mut tx, experiment.id, name).await?;
        if !all.iter().any(|one| version.is_none_or(|version| one.version == version)) {
            return Err(not_found(name, version, experiment_id));
        }
        store::scorers::delete(&mut tx, experiment.id, name, version).await?;
        let detail = json!({ "experiment_id": experiment_id, "version": version });
        self.record(&mut tx, allow, "ml.scorer-deleted", name, detail).await?;
        tx.commit().await?;
        Ok(())
    }
}
