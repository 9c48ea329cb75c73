//! Takes over what another MLflow server has, from itself or from its database file ([`source`]). Runs and logged models keep their ids, versions their numbers, and what is
//! here already is left as it is: an import that broke off goes on, and a second one changes nothing.

mod models;
mod runs;
mod source;
mod traces;

use std::collections::HashMap;

use kernel::{Allow, Ctx};
use serde_json::{Value, json};

pub(crate) use source::{Database, Server, Source};

use self::source::{Files, Owner, filled, int, list, pairs, text};
use super::{Ml, now_ms};
use crate::{
    error::Error,
    model::{ArtifactPath, Experiment, artifact_root},
    permissions::{WriteModels, WriteRuns},
    store::{
        self,
        pairs::{EXPERIMENT_TAGS, Present},
    },
};

/// How many things of one kind the other server has, how many of them were taken over now, and which are not alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) there: u64,
    pub(crate) taken: u64,
}

/// What an import did.
#[derive(Debug, Default)]
pub(crate) struct Imported {
    pub(crate) counts: std::collections::BTreeMap<&'static str, Count>,
    /// What is not here as it is there, in words.
    pub(crate) differences: Vec<String>,
    /// What was not taken, in words.
    pub(crate) left_out: Vec<String>,
    /// Whose files could not be reached, by the reason: the first, and how many there are.
    pub(crate) without_files: std::collections::BTreeMap<String, (String, u64)>,
}

impl Imported {
    fn saw(&mut self, kind: &'static str, there: u64, taken: u64) {
        let count = self.counts.entry(kind).or_default();
        count.there += there;
        count.taken += taken;
    }

    fn differs(&mut self, what: String) {
        self.differences.push(what);
    }

    fn lacks_files(&mut self, what: String, why: String) {
        self.without_files.entry(why).or_insert((what, 0)).1 += 1;
    }
}

/// Addresses of the other server with those that take their places here.
type Places = Vec<(String, String)>;

/// An address of the other server as it is here.
fn moved(places: &Places, address: &str) -> String {
    let fits = |from: &str| {
        address
            .strip_prefix(from)
            .filter(|rest| from.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
    };
    // The longest that fits.
    let found = places
        .iter()
        .filter_map(|(from, to)| fits(from).map(|rest| (from.len(), format!("{to}{rest}"))))
        .max_by_key(|(length, _)| *length);
    found.map_or_else(|| address.to_owned(), |(_, address)| address)
}

/// Whether clients reach this place by themselves; what the other server kept, this one keeps.
fn is_elsewhere(location: &str) -> bool {
    ["s3://", "gs://", "abfs://", "abfss://", "wasbs://", "wasb://", "hdfs://", "dbfs:/"]
        .iter()
        .any(|scheme| location.starts_with(scheme))
}

impl Ml {
    /// All of it. `tell` hears in words how far it is.
    pub(crate) async fn import(
        &self,
        allow: &Allow<WriteRuns>,
        models: &Allow<WriteModels>,
        source: &Source,
        mut tell: impl FnMut(String) + Send,
    ) -> Result<Imported, Error> {
        self.prepare(allow).await?;
        let mut imported = Imported::default();
        let mut places = Places::new();
        let mut experiments: Vec<(Value, Experiment)> = Vec::new();
        for theirs in source.experiments().await? {
            let ours = self.import_experiment(allow, &theirs, &mut imported).await?;
            places.push((text(&theirs, "artifact_location"), ours.artifact_location.clone()));
            experiments.push((theirs, ours));
        }
        imported.left_out = source.unread().await?;
        let has_traces = source.has_traces().await?;
        if !has_traces {
            imported.left_out.push("traces: the other server is from before MLflow 3".to_owned());
        }
        for (theirs, ours) in &experiments {
            tell(format!("experiment {}", ours.name));
            self.import_runs(allow, source, theirs, ours, &mut imported, &mut places).await?;
            self.import_logged_models(allow, source, theirs, ours, &mut imported, &mut places).await?;
            if has_traces {
                self.import_traces(allow, source, theirs, ours, &mut imported).await?;
            }
            if text(theirs, "lifecycle_stage") == "deleted" && !ours.is_deleted {
                let mut tx = self.db.begin().await?;
                let now = now_ms(allow);
                store::experiments::set_deleted(&mut tx, ours.id, Some(now), now).await?;
                tx.commit().await?;
            }
        }
        tell("registered models".to_owned());
        self.import_models(models, source, &mut imported, &places).await?;
        let detail: HashMap<_, _> =
            imported.counts.iter().map(|(kind, count)| (*kind, count.taken)).collect();
        let mut tx = self.db.begin().await?;
        self.record(&mut tx, allow, "ml.imported", "", json!(detail)).await?;
        tx.commit().await?;
        Ok(imported)
    }

    /// By its name.
    async fn import_experiment(
        &self,
        allow: &Allow<WriteRuns>,
        theirs: &Value,
        imported: &mut Imported,
    ) -> Result<Experiment, Error> {
        let name = text(theirs, "name");
        let mut tx = self.db.begin().await?;
        if let Some(ours) = store::experiments::find_by_name(&mut tx, allow.workspace, &name).await? {
            imported.saw("experiments", 1, 0);
            return Ok(ours);
        }
        let number = store::experiments::next_number(&mut tx, allow.workspace).await?;
        let location = filled(theirs, "artifact_location").filter(|location| is_elsewhere(location));
        let location = location.unwrap_or_else(|| artifact_root(number));
        let created_ms = int(theirs, "creation_time").unwrap_or_else(|| now_ms(allow));
        let id = store::experiments::insert(&mut tx, allow.workspace, number, &name, &location, created_ms)
            .await?;
        let tags = pairs(theirs, "tags");
        store::pairs::put(&mut tx, EXPERIMENT_TAGS, id, id, &tags, Present::Overwritten).await?;
        if let Some(updated_ms) = int(theirs, "last_update_time") {
            store::experiments::touch(&mut tx, id, updated_ms).await?;
        }
        let made = store::experiments::find(&mut tx, allow.workspace, number).await?;
        tx.commit().await?;
        imported.saw("experiments", 1, 1);
        made.ok_or_else(|| super::experiments::not_found(number))
    }

    /// Files that are not here, or of another size. `theirs` and `ours` are the addresses that they are at.
    async fn import_files(
        &self,
        ctx: &Ctx,
        source: &Source,
        owner: Owner<'_>,
        (theirs, ours): (&str, &str),
        imported: &mut Imported,
    ) -> Result<(), Error> {
        let what = owner.to_string();
        let root = ArtifactPath::of_uri(ours);
        let files = match source.files(owner, theirs).await? {
            Files::Elsewhere(why) => {
                imported.lacks_files(what, why);
                return Ok(());
            }
            Files::Listed(files) if files.is_empty() => return Ok(()),
            Files::Listed(files) => files,
        };
        let Some(root) = root.transpose()? else {
            imported.lacks_files(what, format!("they are at {ours}"));
            return Ok(());
        };
        for file in files {
            let Ok(path) = ArtifactPath::parse(&file.path) else {
                imported.left_out.push(format!("{what}: no file can be named {:?} here", file.path));
                continue;
            };
            let key = root.join(&path).key(ctx.workspace);
            let size = async || match self.storage.info(&key).await {
                Ok(info) => Ok(Some(info.size_bytes)),
                Err(storage::Error::NotFound(_)) => Ok(None),
                Err(error) => Err(Error::from(error)),
            };
            let is_here = size().await? == Some(file.size_bytes);
            if !is_here {
                self.keep_file(ctx, &key, source.open(&file).await?, &[]).await?;
                if size().await? != Some(file.size_bytes) {
                    imported.differs(format!("{what}: {} has another size here", file.path));
                }
            }
            imported.saw("artifacts", 1, u64::from(!is_here));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_move_with_what_they_are_of() {
        let places = vec![
            ("mlflow-artifacts:/1".to_owned(), "mlflow-artifacts:/7".to_owned()),
            ("mlflow-artifacts:/1/abc/artifacts".to_owned(), "mlflow-artifacts:/9/abc/artifacts".to_owned()),
        ];
        for (from, to) in [
            ("mlflow-artifacts:/1/x", "mlflow-artifacts:/7/x"),
            ("mlflow-artifacts:/1/abc/artifacts/model", "mlflow-artifacts:/9/abc/artifacts/model"),
            ("mlflow-artifacts:/12/x", "mlflow-artifacts:/12/x"),
            ("runs:/abc/model", "runs:/abc/model"),
        ] {
            assert_eq!(moved(&places, from), to);
        }
        assert!(is_elsewhere("s3://b/x") && !is_elsewhere("/mlruns/1") && !is_elsewhere("file:///mlruns/1"));
    }
}
