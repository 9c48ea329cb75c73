use std::path::Path;

use kernel::{Allow, WorkspaceId};
use platform::STORAGE;
use sha2::{Digest as _, Sha256};
use vision::{DetectionConfig, Detector, Family, ModelInfo};
use web::{Page, PageQuery};

use super::Sentinel;
use crate::{
    error::Error,
    model::{DetectionModel, MODEL_AUTO, MODEL_NONE, ModelId},
    permissions::{ReadCameras, WriteModels},
    store,
};

/// A model as it came in.
pub(crate) struct ModelFile {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// `detection.yaml`.
    pub(crate) declaration: Option<String>,
    /// `upload`, `path` or an address without credentials.
    pub(crate) source: String,
}

/// A model that was loaded and run once.
pub(crate) struct CheckedModel {
    pub(crate) info: ModelInfo,
    pub(crate) sha256: String,
}

/// Loads a model and runs it once; blocks for a moment.
///
/// # Errors
///
/// What is wrong with the model or its declaration, for the person who chose it.
pub(crate) fn check_model(bytes: &[u8], declaration: Option<&str>) -> Result<CheckedModel, String> {
    let detector = load(bytes, declaration)?;
    Ok(CheckedModel { info: detector.info().clone(), sha256: hex::encode(Sha256::digest(bytes)) })
}

fn load(bytes: &[u8], declaration: Option<&str>) -> Result<Detector, String> {
    let config: Option<DetectionConfig> = declaration
        .map(|text| {
            serde_yaml_ng::from_str(text).map_err(|error| format!("detection.yaml cannot be read: {error}"))
        })
        .transpose()?;
    Detector::load(bytes, config).map_err(|error| {
        // The cause of a failed dry run is told with it.
        match std::error::Error::source(&error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        }
    })
}

pub(crate) fn family_name(family: Family) -> String {
    serde_json::to_value(family).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn key(workspace: WorkspaceId, sha256: &str) -> String {
    format!("surveillance/{workspace}/models/{sha256}.onnx")
}

impl Sentinel {
    /// Kept until a model comes, goes or becomes the active one.
    pub(crate) async fn list_models(
        &self,
        allow: &Allow<ReadCameras>,
        page: PageQuery,
    ) -> Result<Page<DetectionModel>, Error> {
        let key = format!("{}-{}", page.limit(), page.offset());
        let read = || async {
            let mut tx = self.db.read().await?;
            let models = store::models::list(&mut tx, allow.workspace, page.limit(), page.offset()).await?;
            Ok::<_, Error>((models, store::models::count(&mut tx, allow.workspace).await?))
        };
        let (models, total) = self.models_cache.get(allow.workspace, &key, read).await?;
        Ok(page.of(models, total))
    }

    /// To be called after the commit.
    async fn models_changed(&self, workspace: WorkspaceId) {
        self.models_cache.clear(workspace).await;
        self.fleet.models_changed();
    }

    /// Takes a model in once it has been loaded and run. The same file again gives the model that is there. The first
    /// model of a workspace becomes its active one.
    pub(crate) async fn add_model(
        &self,
        allow: &Allow<WriteModels>,
        file: ModelFile,
    ) -> Result<DetectionModel, Error> {
        let name = file.name.trim().to_owned();
        if !(1..=100).contains(&name.chars().count()) {
            return Err(Error::ModelInvalid("its name must be 1 to 100 characters".to_owned()));
        }
        if file.bytes.len() as u64 > self.config.model_bytes_max {
            return Err(Error::ModelTooLarge { max_bytes: self.config.model_bytes_max });
        }
        let (bytes, declaration) = (bytes::Bytes::from(file.bytes), file.declaration);
        let (checked, declaration) = {
            let bytes = bytes.clone();
            let work = move || {
                let checked = check_model(&bytes, declaration.as_deref());
                (checked, declaration)
            };
            tokio::task::spawn_blocking(work).await.map_err(|_| {
                Error::ModelInvalid("the engine gave up on it while it was tried out".to_owned())
            })?
        };
        let checked = checked.map_err(Error::ModelInvalid)?;
        let mut tx = self.db.read().await?;
        if let Some(present) = store::models::find_by_sha(&mut tx, allow.workspace, &checked.sha256).await? {
            return Ok(present);
        }
        drop(tx);
        self.storage.put(&key(allow.workspace, &checked.sha256), bytes.clone()).await?;
        let mut tx = self.db.begin().await?;
        if let Some(present) = store::models::find_by_sha(&mut tx, allow.workspace, &checked.sha256).await? {
            return Ok(present);
        }
        let active = store::models::find_active(&mut tx, allow.workspace).await?.is_none();
        let model = DetectionModel {
            id: ModelId::new(allow.now),
            name,
            sha256: checked.sha256,
            size_bytes: bytes.len() as u64,
            family: family_name(checked.info.family),
            input_width: u32::try_from(checked.info.input.width).unwrap_or(0),
            input_height: u32::try_from(checked.info.input.height).unwrap_or(0),
            classes: checked.info.classes.iter().map(ToString::to_string).collect(),
            declaration,
            source: file.source,
            active,
            created_at: allow.now,
        };
        let bytes = i64::try_from(model.size_bytes).unwrap_or(i64::MAX);
        if let Err(refused) = self.quotas.check(&mut tx, allow, STORAGE, bytes).await {
            drop(tx);
            self.storage.delete(&key(allow.workspace, &model.sha256)).await?;
            return Err(refused.into());
        }
        store::models::insert(&mut tx, allow.workspace, &model).await?;
        tx.commit().await?;
        self.models_changed(allow.workspace).await;
        Ok(model)
    }

    /// From now on what cameras with `detection.model: auto` look with.
    pub(crate) async fn activate_model(
        &self,
        allow: &Allow<WriteModels>,
        id: ModelId,
    ) -> Result<DetectionModel, Error> {
        let mut tx = self.db.begin().await?;
        let model =
            store::models::find(&mut tx, allow.workspace, id).await?.ok_or(Error::ModelNotFound(id))?;
        store::models::set_active(&mut tx, allow.workspace, Some(id)).await?;
        tx.commit().await?;
        self.models_changed(allow.workspace).await;
        Ok(DetectionModel { active: true, ..model })
    }

    /// Cameras that used it as the active one go on with motion.
    pub(crate) async fn delete_model(&self, allow: &Allow<WriteModels>, id: ModelId) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let model =
            store::models::find(&mut tx, allow.workspace, id).await?.ok_or(Error::ModelNotFound(id))?;
        let cameras = store::cameras::list(&mut tx, allow.workspace, i64::MAX, 0).await?;
        if let Some(user) = cameras.iter().find(|camera| camera.draft.detection.model == model.sha256) {
            return Err(Error::ModelInUse(user.name().to_owned()));
        }
        store::models::delete(&mut tx, allow.workspace, id).await?;
        tx.commit().await?;
        self.models_changed(allow.workspace).await;
        self.storage.delete(&key(allow.workspace, &model.sha256)).await?;
        Ok(())
    }

    /// Reads each model back and compares its checksum: what does not fit, by model.
    pub(crate) async fn verify_models(
        &self,
        workspace: WorkspaceId,
    ) -> Result<Vec<(DetectionModel, Result<(), String>)>, Error> {
        let mut tx = self.db.read().await?;
        let models = store::models::list(&mut tx, workspace, i64::MAX, 0).await?;
        drop(tx);
        let mut found = Vec::new();
        for model in models {
            let outcome = match self.storage.get_bytes(&key(workspace, &model.sha256)).await {
                Err(error) => Err(error.to_string()),
                Ok(bytes) if hex::encode(Sha256::digest(&bytes)) != model.sha256 => {
                    Err("its checksum differs".to_owned())
                }
                Ok(bytes) => check_model(&bytes, model.declaration.as_deref()).map(drop),
            };
            found.push((model, outcome));
        }
        Ok(found)
    }

    /// What a camera with this setting looks with; `None` is motion.
    pub(crate) async fn model_for(
        &self,
        workspace: WorkspaceId,
        setting: &str,
    ) -> Result<Option<DetectionModel>, Error> {
        let mut tx = self.db.read().await?;
        Ok(match setting {
            MODEL_NONE => None,
            MODEL_AUTO => store::models::find_active(&mut tx, workspace).await?,
            sha256 => store::models::find_by_sha(&mut tx, workspace, sha256).await?,
        })
    }

    /// Loads a model for the cameras.
    pub(crate) async fn load_model(
        &self,
        workspace: WorkspaceId,
        model: &DetectionModel,
    ) -> Result<Detector, Error> {
        let bytes = self.storage.get_bytes(&key(workspace, &model.sha256)).await?;
        let declaration = model.declaration.clone();
        tokio::task::spawn_blocking(move || load(&bytes, declaration.as_deref()))
            .await
            .map_err(|_| Error::ModelInvalid("the engine gave up on it".to_owned()))?
            .map_err(Error::ModelInvalid)
    }
}

/// Reads a model and, if it stands beside it, its `detection.yaml`.
pub(crate) async fn read_model_file(path: &Path) -> std::io::Result<ModelFile> {
    let bytes = tokio::fs::read(path).await?;
    let beside = path.with_file_name("detection.yaml");
    let declaration = match tokio::fs::read_to_string(&beside).await {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let name =
        path.file_stem().map_or_else(|| "model".to_owned(), |stem| stem.to_string_lossy().into_owned());
    Ok(ModelFile { name, bytes, declaration, source: "path".to_owned() })
}
