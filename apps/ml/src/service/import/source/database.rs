//! The SQLite file of an MLflow server, with the folder that its artifacts are in.

use std::path::{Path, PathBuf};

use db::Db;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

use super::{Files, folder::Folders, list, spans, text, traces};
use crate::{
    error::Error,
    model::Point,
    store::mlflow::{self, Schema},
};

pub(crate) struct Database {
    db: Db,
    schema: Schema,
    folders: Folders,
}

/// What each SQLite database begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Runs or traces that are read at once.
const AT_ONCE: usize = 100;

fn refused(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::Unread(format!("{} {why}", path.display()))
}

/// Things of one kind, of which only the ids are read yet.
pub(in super::super) struct Pages<'s> {
    database: &'s Database,
    what: What,
    experiment: String,
    ids: Option<std::vec::IntoIter<String>>,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Runs,
    Traces,
}

impl Pages<'_> {
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Value>>, Error> {
        let mut tx = self.database.db.read().await?;
        let ids = match &mut self.ids {
            Some(ids) => ids,
            none => {
                let ids = match self.what {
                    What::Runs => mlflow::run_ids(&mut tx, &self.experiment).await?,
                    What::Traces => mlflow::trace_ids(&mut tx, &self.experiment).await?,
                };
                none.insert(ids.into_iter())
            }
        };
        let some: Vec<String> = ids.take(AT_ONCE).collect();
        if some.is_empty() {
            return Ok(None);
        }
        let mut page = Vec::with_capacity(some.len());
        for id in &some {
            page.extend(match self.what {
                What::Runs => {
                    let run = mlflow::run(&mut tx, id).await?;
                    let metrics = mlflow::latest_metrics(&mut tx, id).await?;
                    run.map(|mut run| {
                        run["data"]["metrics"] = metrics.into();
                        run
                    })
                }
                What::Traces => self.database.trace(&mut tx, id).await?,
            });
        }
        Ok(Some(page))
    }
}

impl Database {
    /// `artifacts` is the folder of the server's `--artifacts-destination`.
    pub(crate) async fn open(path: &Path, artifacts: Option<PathBuf>) -> Result<Self, Error> {
        let about = tokio::fs::metadata(path)
            .await
            .map_err(|error| refused(path, format!("cannot be read: {error}")))?;
        if about.is_dir() {
            return Err(refused(path, "is a folder, and no database file"));
        }
        let mut begin = [0; MAGIC.len()];
        let file = tokio::fs::File::open(path).await;
        let read = async { file?.read_exact(&mut begin).await };
        if read.await.is_err() || begin != *MAGIC {
            return Err(refused(path, "is no SQLite database"));
        }
        if let Some(folder) = artifacts.as_ref().filter(|folder| !folder.is_dir()) {
            return Err(refused(folder, "is no folder"));
        }
        let path = tokio::fs::canonicalize(path).await.map_err(|error| refused(path, error))?;
        let opened = async {
            let db = Db::open_read_only(&path).await?;
            let mut tx = db.read().await?;
            let schema = mlflow::schema(&mut tx).await?;
            drop(tx);
            Ok::<_, db::Error>((db, schema))
        };
        let (db, schema) = opened.await.map_err(|error| match error {
            db::Error::Busy => {
                refused(&path, "is locked: another program writes to it; try again, or stop that first")
            }
            error => {
                let why =
                    std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
                refused(&path, format!("cannot be read as a database: {why}"))
            }
        })?;
        let Some(schema) = schema else {
            return Err(refused(&path, "is a database, but not one of MLflow"));
        };
        if !schema.is_known() {
            return Err(refused(
                &path,
                format!(
                    "is of an MLflow before 3 (schema {}): make a copy, bring it up to date by `mlflow db upgrade \
                     sqlite:///COPY` with a present MLflow, and name that",
                    schema.revision
                ),
            ));
        }
        let database = path.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Self { db, schema, folders: Folders { artifacts, database } })
    }

    pub(super) async fn experiments(&self) -> Result<Vec<Value>, Error> {
        Ok(mlflow::experiments(&mut self.db.read().await?, &self.schema).await?)
    }

    pub(super) async fn unread(&self) -> Result<Vec<String>, Error> {
        let others = mlflow::other_workspaces(&mut self.db.read().await?, &self.schema).await?;
        let mut unread: Vec<String> = Vec::new();
        if !others.is_empty() {
            unread.push(format!("the workspaces {}: only the default one is taken over", others.join(", ")));
        }
        for experiment in self.experiments().await? {
            let address = text(&experiment, "artifact_location");
            // A folder that this command was told of was looked at then.
            let is_named = address.starts_with("mlflow-artifacts:");
            if let (false, Ok(folder)) = (is_named, self.folders.of(&address))
                && !folder.exists()
            {
                let name = text(&experiment, "name");
                unread.push(format!(
                    "files of the experiment {name}, if it has any: there is no folder {}",
                    folder.display()
                ));
            }
        }
        Ok(unread)
    }

    fn pages(&self, what: What, experiment: &str) -> Pages<'_> {
        Pages { database: self, what, experiment: experiment.to_owned(), ids: None }
    }

    pub(super) fn runs(&self, experiment: &str) -> Pages<'_> {
        self.pages(What::Runs, experiment)
    }

    pub(super) async fn points(&self, run_id: &str, key: &str) -> Result<Vec<Point>, Error> {
        Ok(mlflow::history(&mut self.db.read().await?, run_id, key).await?)
    }

    pub(super) async fn logged_models(&self, experiment: &str) -> Result<Vec<Value>, Error> {
        let mut tx = self.db.read().await?;
        let mut models = mlflow::logged_models(&mut tx, experiment).await?;
        for model in &mut models {
            let metrics = mlflow::logged_metrics(&mut tx, &text(&model["info"], "model_id")).await?;
            model["data"]["metrics"] = metrics.into();
        }
        Ok(models)
    }

    pub(super) async fn registered_models(&self) -> Result<Vec<Value>, Error> {
        Ok(mlflow::registered_models(&mut self.db.read().await?, &self.schema).await?)
    }

    pub(super) async fn versions(&self, model: &Value) -> Result<Vec<Value>, Error> {
        Ok(mlflow::versions(&mut self.db.read().await?, &self.schema, &text(model, "name")).await?)
    }

    pub(super) fn traces(&self, experiment: &str) -> Pages<'_> {
        self.pages(What::Traces, experiment)
    }

    async fn trace(&self, tx: &mut db::Tx, id: &str) -> Result<Option<Value>, Error> {
        let Some(row) = mlflow::trace(tx, &self.schema, id).await? else { return Ok(None) };
        let promoted = mlflow::promoted(tx, &self.schema, id).await?;
        Ok(Some(traces::info(&row, &promoted)?))
    }

    pub(super) async fn whole_traces(&self, ids: &[&str]) -> Result<Vec<Value>, Error> {
        let mut whole = Vec::with_capacity(ids.len());
        for id in ids {
            let mut tx = self.db.read().await?;
            let Some(info) = self.trace(&mut tx, id).await? else { continue };
            let kept = mlflow::spans(&mut tx, &self.schema, id).await?;
            let links = mlflow::links(&mut tx, &self.schema, id).await?;
            drop(tx);
            let texts = if kept.is_empty() { self.spans_of_file(&info["tags"]).await } else { Some(kept) };
            let spans: Vec<_> = texts.iter().flatten().map(|text| spans::read(text).ok()).collect();
            let spans: Vec<_> = spans.iter().map(|told| spans::span(told.as_ref()?)).collect();
            let unread = spans.iter().filter(|span| span.is_none()).count();
            let spans: Vec<_> = spans.into_iter().flatten().collect();
            whole.push(json!({
                "trace_info": info, "spans": spans, "links": links, "unread": unread, "is_whole": texts.is_some(),
            }));
        }
        Ok(whole)
    }

    /// Earlier releases wrote spans into a file beside the artifacts; without it there are none. `None` where nobody can
    /// say: the folder is not known, or they were archived.
    async fn spans_of_file(&self, tags: &Value) -> Option<Vec<String>> {
        if text(tags, "mlflow.trace.spansLocation") == "ARCHIVE_REPO" {
            return None;
        }
        let folder = self.folders.of(&text(tags, "mlflow.artifactLocation")).ok()?;
        let Ok(content) = tokio::fs::read_to_string(folder.join("traces.json")).await else {
            return Some(Vec::new());
        };
        // Whole or not at all: a file that cannot be read is one span that cannot.
        Some(match spans::read(&content) {
            Ok(told) => list(&told, "spans").iter().map(ToString::to_string).collect(),
            Err(_) => vec![content],
        })
    }

    pub(super) async fn files(&self, address: &str) -> Result<Files, Error> {
        self.folders.files(address).await
    }
}
