//! Files, by MLflow's proxy (`mlflow-artifacts:`): whole or not there at all, and never in memory as a whole.

use bytes::Bytes;
use futures::Stream;
use kernel::{Allow, Ctx, Permission};
use serde_json::json;
use storage::{Info, Pieces};

use super::{Ml, runs};
use crate::{
    error::Error,
    model::{
        ArtifactPath,
        trace::{LOCATION_TAG, Trace},
        unescaped,
    },
    permissions::{ReadModels, ReadRuns, WriteRuns},
};

/// What lies in a folder of artifacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The last part of its path.
    pub(crate) name: String,
    /// `None` for a folder.
    pub(crate) size_bytes: Option<u64>,
}

/// A folder, with the address of the root that paths are told from.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) root_uri: String,
    pub(crate) entries: Vec<Entry>,
}

impl Ml {
    pub(crate) async fn put_artifact(
        &self,
        allow: &Allow<WriteRuns>,
        path: &ArtifactPath,
        body: impl Stream<Item = Result<Bytes, Error>> + Send,
    ) -> Result<(), Error> {
        if path.is_root() {
            return Err(Error::invalid("Invalid path: an artifact has a name"));
        }
        self.keep_file(allow, &path.key(allow.workspace), self.bounded(body), &[]).await
    }

    pub(crate) async fn get_artifact<P: Permission>(
        &self,
        allow: &Allow<P>,
        path: &ArtifactPath,
    ) -> Result<(Info, Pieces), Error> {
        Ok(self.storage.get(&path.key(allow.workspace)).await?)
    }

    pub(crate) async fn artifact_info<P: Permission>(
        &self,
        allow: &Allow<P>,
        path: &ArtifactPath,
    ) -> Result<Info, Error> {
        Ok(self.storage.info(&path.key(allow.workspace)).await?)
    }

    pub(crate) async fn artifact_range<P: Permission>(
        &self,
        allow: &Allow<P>,
        path: &ArtifactPath,
        range: std::ops::Range<u64>,
    ) -> Result<Pieces, Error> {
        Ok(self.storage.get_part(&path.key(allow.workspace), range).await?.1)
    }

    /// A file, or a folder with all that is below it. Deleting what is not there is no fault.
    pub(crate) async fn delete_artifact(
        &self,
        allow: &Allow<WriteRuns>,
        path: &ArtifactPath,
    ) -> Result<(), Error> {
        if path.is_root() {
            return Err(Error::invalid("Invalid path: everything at once is not deleted"));
        }
        let count = self.delete_folder(allow.workspace, &path.key(allow.workspace)).await?;
        let mut tx = self.db.begin().await?;
        self.record(&mut tx, allow, "ml.artifact-deleted", path.as_str(), json!({ "files": count.max(1) }))
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// A file is in no folder of its own name: then nothing is listed.
    pub(crate) async fn list_folder(&self, ctx: &Ctx, path: &ArtifactPath) -> Result<Vec<Entry>, Error> {
        let (files, folders) = self.storage.list_level(&path.key(ctx.workspace)).await?;
        let last = |key: &str| unescaped(key.rsplit('/').next().unwrap_or(key));
        let files =
            files.into_iter().map(|info| Entry { name: last(&info.key), size_bytes: Some(info.size_bytes) });
        let folders = folders.into_iter().map(|name| Entry { name: unescaped(&name), size_bytes: None });
        let mut entries: Vec<_> = files.chain(folders).collect();
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    pub(crate) async fn list_run_artifacts(
        &self,
        allow: &Allow<ReadRuns>,
        run_id: &str,
        path: &ArtifactPath,
    ) -> Result<Listed, Error> {
        let mut tx = self.db.read().await?;
        let run = runs::get(&mut tx, allow, run_id).await?;
        drop(tx);
        self.list_below(allow, run.artifact_uri, path).await
    }

    pub(crate) async fn list_model_artifacts(
        &self,
        allow: &Allow<ReadRuns>,
        model_id: &str,
        path: &ArtifactPath,
    ) -> Result<Listed, Error> {
        let model = self.get_logged_model(allow, model_id, false).await?;
        self.list_below(allow, model.artifact_location, path).await
    }

    /// Files of a run, for the page that shows them.
    pub(crate) async fn run_artifact_path<P: Permission>(
        &self,
        allow: &Allow<P>,
        run_id: &str,
        path: &ArtifactPath,
    ) -> Result<ArtifactPath, Error> {
        let mut tx = self.db.read().await?;
        let run = runs::get(&mut tx, allow, run_id).await?;
        Ok(own_root(&run.artifact_uri)?.join(path))
    }

    /// The same of a logged model.
    pub(crate) async fn model_artifact_path(
        &self,
        allow: &Allow<ReadRuns>,
        model_id: &str,
        path: &ArtifactPath,
    ) -> Result<ArtifactPath, Error> {
        let model = self.get_logged_model(allow, model_id, false).await?;
        Ok(own_root(&model.artifact_location)?.join(path))
    }

    /// The same of a model version.
    pub(crate) async fn version_artifact_path(
        &self,
        allow: &Allow<ReadModels>,
        name: &str,
        version: &str,
        path: &ArtifactPath,
    ) -> Result<ArtifactPath, Error> {
        let version = self.get_version(allow, name, version).await?;
        Ok(own_root(&version.storage_location)?.join(path))
    }

    /// A file of a trace, where the trace says that its files are.
    pub(crate) fn trace_artifact_path(
        &self,
        trace: &Trace,
        path: &ArtifactPath,
    ) -> Result<ArtifactPath, Error> {
        let location = trace.tags.iter().find(|tag| tag.key == LOCATION_TAG);
        let location = location
            .ok_or_else(|| Error::not_found(format!("Trace data not found for path={}", path.as_str())))?;
        Ok(own_root(&location.value)?.join(path))
    }

    async fn list_below(
        &self,
        allow: &Allow<ReadRuns>,
        root_uri: String,
        path: &ArtifactPath,
    ) -> Result<Listed, Error> {
        let folder = own_root(&root_uri)?.join(path);
        Ok(Listed { entries: self.list_folder(allow, &folder).await?, root_uri })
    }
}

/// The folder of an address that this server keeps the files of.
fn own_root(uri: &str) -> Result<ArtifactPath, Error> {
    ArtifactPath::of_uri(uri).unwrap_or_else(|| {
        Err(Error::invalid(format!(
            "The artifacts are at {uri}, which this server does not keep: ask that store for them."
        )))
    })
}
