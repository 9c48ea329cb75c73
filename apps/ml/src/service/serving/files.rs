//! A version's files, from the store into memory.

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use kernel::WorkspaceId;
use learn::Model;

use super::{Held, Ml, Served};
use crate::{
    error::Error,
    model::{
        ArtifactPath, PROMPT_TAG, Version,
        scoring::{Described, ServingError},
    },
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
        let names = {
            let (file, unfit) = (file.clone(), unfit(&title));
            self.serving.compute("load", move || Model::weights_beside(&file).map_err(unfit)).await?
        };
        let mut beside: HashMap<String, Bytes> = HashMap::new();
        let mut left = memory_max.saturating_sub(file.len() as u64);
        for name in names {
            // Beside the file that names it.
            let path = match described.file.rsplit_once('/') {
                Some((folder, _)) => format!("{folder}/{name}"),
                None => name.clone(),
            };
            let bytes = folder.read(&path, left).await?;
            left = left.saturating_sub(bytes.len() as u64);
            beside.insert(name, bytes);
        }
        let model = {
            let unfit = unfit(&title);
            self.serving.compute("load", move || Model::load(file, &beside).map_err(unfit)).await?
        };
        if model.bytes as u64 > memory_max {
            return Err(too_large(&title, memory_max).into());
        }
        tracing::info!(
            ml.model = version.name,
            ml.version = version.version,
            bytes = model.bytes,
            "model loaded"
        );
        let held = Held::new(model.bytes);
        Ok(Arc::new(Served { name: version.name, version: version.version, described, model, _held: held }))
    }
}

fn unfit(title: &str) -> impl FnOnce(learn::LoadError) -> ServingError + use<> {
    let title = title.to_owned();
    move |error| ServingError::NotServable(format!("{title} cannot be served: {error}"))
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
