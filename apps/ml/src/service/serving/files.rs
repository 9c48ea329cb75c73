//! A version's files, from the store into memory.

use std::sync::Arc;

use bytes::Bytes;
use kernel::WorkspaceId;

use super::{Held, Ml, Served};
use crate::{
    error::Error,
    model::{
        ArtifactPath, PROMPT_TAG, Version,
        scoring::{Described, ServingError},
    },
    worker::{Ask, Process},
};

/// Written by MLflow beside every model.
const MLMODEL: &str = "MLmodel";
const MLMODEL_BYTES_MAX: u64 = 1 << 20;

impl Ml {
    pub(super) async fn load_served(
        &self,
        workspace: WorkspaceId,
        version: Version,
    ) -> Result<Arc<Served>, Error> {
        let title = format!("version {} of {}", version.version, version.name);
        if version.tags.iter().any(|tag| tag.key == PROMPT_TAG && tag.value == "true") {
            return Err(ServingError::NotServable(format!("{title} is a prompt, not a model")).into());
        }
        let Some(root) = ArtifactPath::of_uri(&version.storage_location) else {
            return Err(ServingError::NotServable(format!(
                "the files of {title} are at {}, which this server does not keep: log the model here",
                version.storage_location
            ))
            .into());
        };
        let folder = Folder { ml: self, workspace, root: root?, title: &title };
        let text = folder.read(MLMODEL, MLMODEL_BYTES_MAX).await?;
        let described = Described::read(&String::from_utf8_lossy(&text), &title)?;
        let memory_max = self.serving.memory_bytes;
        let file = folder.read(&described.file, memory_max).await?;
        let (process, told, file_bytes) = {
            let (worker, title) = (self.serving.worker.clone(), title.clone());
            let memory_bytes = self.serving.process_bytes();
            let read = move |within| {
                let process = Process::start(&worker)?;
                let ask = Ask::Read { title: title.clone(), memory_bytes };
                let (told, _) = process.ask(&ask, &file, within).map_err(|error| unfit(&title, error))?;
                Ok((process, told, file.len() as u64))
            };
            self.serving.compute("load", read).await?
        };
        let mut beside: Vec<(String, Bytes)> = Vec::new();
        let mut left = memory_max.saturating_sub(file_bytes);
        for name in told.files() {
            // Beside the file that names it.
            let path = match described.file.rsplit_once('/') {
                Some((folder, _)) => format!("{folder}/{name}"),
                None => name.clone(),
            };
            let bytes = folder.read(&path, left).await?;
            left = left.saturating_sub(bytes.len() as u64);
            beside.push((name, bytes));
        }
        let rows_max = usize::try_from(self.config.serving_rows_max).unwrap_or(usize::MAX);
        let load = {
            let (title, mlmodel) = (title.clone(), String::from_utf8_lossy(&text).into_owned());
            move |within| {
                for (name, bytes) in beside {
                    process.ask(&Ask::Beside { name }, &bytes, within)?;
                }
                let ask = Ask::Load { title: title.clone(), mlmodel, rows_max };
                let (told, _) = process.ask(&ask, &[], within).map_err(|error| unfit(&title, error))?;
                Ok((process, told))
            }
        };
        let (process, told) = self.serving.compute("load", load).await?;
        let ready = told.ready()?;
        if ready.size_bytes as u64 > memory_max {
            return Err(too_large(&title, memory_max).into());
        }
        tracing::info!(
            ml.model = version.name,
            ml.version = version.version,
            bytes = ready.size_bytes,
            "model loaded"
        );
        let held = Held::new(ready.size_bytes);
        Ok(Arc::new(Served {
            name: version.name,
            version: version.version,
            described,
            ready,
            process,
            _held: held,
        }))
    }
}

/// What ends the process while it reads the model will do so again.
fn unfit(title: &str, error: ServingError) -> ServingError {
    match error {
        ServingError::Failed(why) => ServingError::NotServable(format!("{title} cannot be served: {why}")),
        error => error,
    }
}

fn too_large(title: &str, memory_max: u64) -> ServingError {
    ServingError::NotServable(format!(
        "{title} takes more memory than the {memory_max} bytes that ml.serving_memory_max leaves for models"
    ))
}

/// The folder of a version's model.
struct Folder<'a> {
    ml: &'a Ml,
    workspace: WorkspaceId,
    root: ArtifactPath,
    title: &'a str,
}

impl Folder<'_> {
    /// A whole file, if it is not larger than that.
    async fn read(&self, name: &str, bytes_max: u64) -> Result<Bytes, Error> {
        let path = ArtifactPath::parse(name).map_err(|_| {
            ServingError::NotServable(format!(
                "{} has its files at {name:?}, which is no path below it",
                self.title
            ))
        })?;
        let key = self.root.join(&path).key(self.workspace);
        let info = self.ml.storage.info(&key).await.map_err(|error| match error {
            storage::Error::NotFound(_) => Error::Serving(ServingError::NotServable(format!(
                "{} has no file {name}: log the model with mlflow.onnx.log_model, and register that",
                self.title
            ))),
            other => other.into(),
        })?;
        if info.size_bytes > bytes_max {
            return Err(too_large(self.title, bytes_max).into());
        }
        Ok(self.ml.storage.get_bytes(&key).await?)
    }
}
