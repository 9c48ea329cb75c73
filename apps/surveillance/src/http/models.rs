use axum::extract::{Multipart, State, multipart::Field};
use http::StatusCode;
use kernel::Allow;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use web::{Allowed, Json, Page, PageQuery, Path, Query};

use super::bodies::ModelBody;
use crate::{
    Config,
    error::Error,
    model::{DetectionModel, ModelId},
    permissions::{ReadCameras, WriteModels},
    service::{ModelFile, Sentinel},
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Listing {
    page: Option<u32>,
    page_size: Option<u32>,
}

/// Detection models, newest first.
#[utoipa::path(get, path = "/api/v1/surveillance/models", tag = "surveillance", operation_id = "list_models",
    params(Listing), responses((status = 200, body = Page<ModelBody>)))]
pub(super) async fn list(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<ReadCameras>,
    Query(query): Query<Listing>,
) -> web::Result<Json<Page<ModelBody>>> {
    let page = PageQuery::parse(query.page, query.page_size)?;
    Ok(Json(sentinel.list_models(&allow, page).await?.map(ModelBody::from)))
}

/// A model and what belongs to it.
#[derive(ToSchema)]
#[schema(as = ModelUpload)]
#[expect(dead_code, reason = "describes the form for OpenAPI; the parts are read as a stream")]
pub(super) struct UploadForm {
    /// The ONNX file.
    #[schema(content_media_type = "application/octet-stream")]
    file: Vec<u8>,
    /// Default: the file's name.
    name: Option<String>,
    /// `detection.yaml`, where the model does not tell enough about itself.
    detection: Option<String>,
}

const TEXT_MAX: usize = 64 * 1024;
/// Kind of upload, for metrics.
pub(super) const UPLOAD: &str = "model";

/// The form's largest size: the model, and room for the rest.
pub(super) fn body_max(config: &Config) -> usize {
    usize::try_from(config.model_bytes_max).unwrap_or(usize::MAX).saturating_add(1 << 20)
}

/// Takes a model in once it has been loaded and run. The first one becomes the active one.
#[utoipa::path(post, path = "/api/v1/surveillance/models", tag = "surveillance", operation_id = "upload_model",
    request_body(content = UploadForm, content_type = "multipart/form-data"), responses((status = 201, body = ModelBody)))]
pub(super) async fn upload(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<WriteModels>,
    form: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> web::Result<(StatusCode, Json<ModelBody>)> {
    let taken = take(&sentinel, &allow, form).await;
    web::count_upload(UPLOAD, &taken);
    Ok((StatusCode::CREATED, Json(taken?.into())))
}

async fn take(
    sentinel: &Sentinel,
    allow: &Allow<WriteModels>,
    form: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> web::Result<DetectionModel> {
    let mut form = form.map_err(|_| {
        kernel::Problem::unsupported_media_type(
            "content-type",
            "send the model as multipart/form-data with a part named file",
        )
    })?;
    let max_bytes = sentinel.config.model_bytes_max;
    let (mut bytes, mut name, mut file_name, mut declaration) = (None, None, None, None);
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        match field.name().unwrap_or("") {
            "file" => {
                file_name = field.file_name().map(str::to_owned);
                bytes = Some(
                    read(
                        field,
                        usize::try_from(max_bytes).unwrap_or(usize::MAX),
                        Error::ModelTooLarge { max_bytes },
                    )
                    .await?,
                );
            }
            "name" => name = Some(text(field).await?),
            "detection" => declaration = Some(text(field).await?).filter(|text| !text.trim().is_empty()),
            other => return Err(Error::Upload(format!("the form has an unknown part {other:?}")).into()),
        }
    }
    let bytes = bytes.ok_or_else(|| Error::Upload("the form has no part named file".to_owned()))?;
    let from_file = file_name.as_deref().map(|name| name.trim_end_matches(".onnx").to_owned());
    let name =
        name.filter(|name| !name.trim().is_empty()).or(from_file).unwrap_or_else(|| "model".to_owned());
    let file = ModelFile { name, bytes, declaration, source: "upload".to_owned() };
    Ok(sentinel.add_model(allow, file).await?)
}

fn unreadable(error: axum::extract::multipart::MultipartError) -> Error {
    Error::Upload(error.body_text())
}

async fn read(mut field: Field<'_>, max: usize, too_large: Error) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(unreadable)? {
        if bytes.len() + piece.len() > max {
            return Err(too_large);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

async fn text(field: Field<'_>) -> Result<String, Error> {
    let bytes = read(field, TEXT_MAX, Error::Upload("a text part is too long".to_owned())).await?;
    String::from_utf8(bytes).map_err(|_| Error::Upload("a text part is not UTF-8".to_owned()))
}

/// Makes a model the active one: cameras set to `auto` look with it from now on.
#[utoipa::path(post, path = "/api/v1/surveillance/models/{id}/activate", tag = "surveillance",
    operation_id = "activate_model", params(("id" = String, Path)), responses((status = 200, body = ModelBody)))]
pub(super) async fn activate(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<WriteModels>,
    Path(id): Path<ModelId>,
) -> web::Result<Json<ModelBody>> {
    Ok(Json(sentinel.activate_model(&allow, id).await?.into()))
}

/// Removes a model that no camera names.
#[utoipa::path(delete, path = "/api/v1/surveillance/models/{id}", tag = "surveillance", operation_id = "delete_model",
    params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn delete(
    State(sentinel): State<Sentinel>,
    Allowed(allow): Allowed<WriteModels>,
    Path(id): Path<ModelId>,
) -> web::Result<StatusCode> {
    sentinel.delete_model(&allow, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
