use kernel::{FieldError, Problem, ToProblem};

use crate::model::{CameraId, EventId, ModelId};

/// What can go wrong in Sentinel.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("camera {0} does not exist")]
    CameraNotFound(CameraId),
    #[error("event {0} does not exist")]
    EventNotFound(EventId),
    #[error("model {0} does not exist")]
    ModelNotFound(ModelId),
    #[error("this workspace has a camera with this name already")]
    NameTaken,
    #[error("{}", summary(.0))]
    Invalid(Vec<FieldError>),
    /// A YAML body that is none, or another one.
    #[error("the camera file cannot be read: {0}")]
    CamerasFile(String),
    #[error("the model cannot be used: {0}")]
    ModelInvalid(String),
    #[error("a model may have {max_bytes} bytes at most")]
    ModelTooLarge { max_bytes: u64 },
    #[error("the model is in use by camera {0:?}")]
    ModelInUse(String),
    #[error("the upload cannot be read: {0}")]
    Upload(String),
    #[error("{0} has no picture now")]
    NoPicture(CameraId),
    #[error("the event has no {0}")]
    NoMedia(&'static str),
    #[error("the range lies outside the clip's {size_bytes} bytes")]
    Range { size_bytes: u64 },
    #[error("only people acknowledge events")]
    NotAPerson,
    #[error("could not make a picture")]
    Picture(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("could not work on files in the data folder")]
    Files(#[source] std::io::Error),
    #[error("could not join the clip: {0}")]
    Clip(String),
    #[error("could not reach the file store")]
    Storage(#[from] storage::Error),
    #[error(transparent)]
    Quota(#[from] platform::QuotaError),
    #[error("could not reach the jobs")]
    Jobs(#[from] jobs::Error),
    #[error("could not reach the database")]
    Db(#[from] db::Error),
}

fn summary(faults: &[FieldError]) -> String {
    match faults {
        [one] => format!("{}: {}", one.pointer.trim_start_matches('/'), one.detail),
        more => format!("{} fields are wrong", more.len()),
    }
}

impl From<crate::model::Faults> for Error {
    fn from(faults: crate::model::Faults) -> Self {
        Self::Invalid(faults.0)
    }
}

impl ToProblem for Error {
    fn problem(&self) -> Problem {
        match self {
            Self::CameraNotFound(_) => Problem::not_found("surveillance.camera-not-found", self),
            Self::EventNotFound(_) => Problem::not_found("surveillance.event-not-found", self),
            Self::ModelNotFound(_) => Problem::not_found("surveillance.model-not-found", self),
            Self::NameTaken => Problem::conflict("surveillance.camera-name-taken", self),
            Self::Invalid(faults) => {
                Problem::unprocessable("surveillance.invalid", self).with_errors(faults.clone())
            }
            Self::CamerasFile(_) => Problem::unprocessable("surveillance.cameras-file", self),
            Self::ModelInvalid(_) => Problem::unprocessable("surveillance.model-invalid", self),
            Self::ModelTooLarge { .. } => Problem::too_large("surveillance.model-too-large", self),
            Self::ModelInUse(_) => Problem::conflict("surveillance.model-in-use", self),
            Self::Upload(_) => Problem::bad_request("surveillance.upload", self),
            Self::NoPicture(_) => Problem::unavailable("surveillance.no-picture", self).retry_after_s(2),
            Self::NoMedia(_) => Problem::not_found("surveillance.no-media", self),
            Self::Range { .. } => Problem::new(416, "surveillance.range", self),
            Self::NotAPerson => Problem::forbidden("surveillance.not-a-person", self),
            Self::Storage(source) => source.problem(),
            Self::Quota(error) => error.problem(),
            Self::Jobs(source) => source.problem(),
            Self::Db(source) => source.problem(),
            Self::Picture(_) | Self::Files(_) | Self::Clip(_) => Problem::internal(),
        }
    }
}
