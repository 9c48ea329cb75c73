//! Uploads in parts, and signed addresses for downloads.

use axum::response::{IntoResponse as _, Response};
use futures::TryStreamExt as _;
use http::{HeaderValue, header};
use serde_json::{Map, Value, json};

use super::{
    Body, Call,
    wire::{done, missing, reply},
};
use crate::{
    error::Error,
    model::ArtifactPath,
    permissions::{ReadRuns, WriteRuns},
    service::PARTS_MAX,
};

/// The artifact: the folder stands in the path, the file's name is the last part of where the client has it.
fn target(call: &Call) -> Result<ArtifactPath, Error> {
    let local = call.params.need("path")?;
    let name = local.rsplit(['/', '\\']).next().unwrap_or_default();
    if name.is_empty() {
        return Err(Error::invalid("Invalid path: an artifact has a name"));
    }
    ArtifactPath::parse(&format!("{}/{name}", call.part("path").trim_end_matches('/')))
}

pub(super) async fn act(call: Call) -> Result<Response, Error> {
    match call.part("action") {
        "create" => create(call).await,
        "complete" => complete(call).await,
        "abort" => abort(call).await,
        other => {
            Err(Error::invalid(format!("Invalid action {}: it is create, complete or abort.", json!(other))))
        }
    }
}

/// Parts come to this server again, each with the credentials that this call showed.
async fn create(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<WriteRuns>()?;
    let path = target(&call)?;
    let count = call.params.int("num_parts")?.unwrap_or(1);
    let count =
        u64::try_from(count).ok().filter(|count| (1..=PARTS_MAX).contains(count)).ok_or_else(|| {
            Error::invalid(format!(
                "Invalid value {count} for parameter 'num_parts': it must be from 1 to {PARTS_MAX}."
            ))
        })?;
    // Such an answer would be kept for its repetition, and it holds credentials.
    if call.headers.contains_key("idempotency-key") {
        return Err(Error::NotImplemented(
            "Multipart upload is not supported for the current artifact repository",
        ));
    }
    let id = call.ml.begin_upload(&allow, &path)?;
    let mut shown = Map::new();
    for name in ["authorization", "x-api-key", "x-mlflow-workspace"] {
        if let Some(value) = call.headers.get(name).and_then(|value| value.to_str().ok()) {
            shown.insert(name.to_owned(), json!(value));
        }
    }
    let workspace = call.path.iter().find(|(name, _)| name == "workspace").map(|(_, value)| value);
    let base =
        workspace.map_or_else(|| call.host.clone(), |workspace| format!("{}/t/{workspace}", call.host));
    let credentials: Vec<Value> = (1..=count)
        .map(|number| {
            json!({
                "url": format!("{base}/api/2.0/mlflow-artifacts/parts/{id}/{number}"),
                "part_number": number,
                "headers": shown,
            })
        })
        .collect();
    let mut response = reply(&json!({ "upload_id": id, "credentials": credentials }))?;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

pub(super) async fn put(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<WriteRuns>()?;
    let (upload, number) = (call.part("upload_id").to_owned(), call.part("number"));
    let number: u64 = number.parse().map_err(|_| Error::invalid("A part has a number."))?;
    let Body::Stream(body) = call.body else { return Err(Error::Body("it is not there".to_owned())) };
    let pieces = body.into_data_stream().map_err(|error| Error::Body(error.to_string()));
    call.ml.put_part(&allow, &upload, number, pieces).await?;
    // Clients give it back when they ask for the parts to be joined.
    let tag = HeaderValue::from_str(&format!("\"{number}\"")).unwrap_or(HeaderValue::from_static("\"part\""));
    Ok(([(header::ETAG, tag)], "").into_response())
}

async fn complete(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<WriteRuns>()?;
    let (path, upload) = (target(&call)?, call.params.need("upload_id")?);
    let parts = call.params.objects("parts")?;
    let mut numbers = parts
        .iter()
        .map(|part| part.int("part_number")?.ok_or_else(|| missing("parts.part_number")))
        .collect::<Result<Vec<_>, _>>()?;
    numbers.sort_unstable();
    let count = numbers.len() as u64;
    if numbers.is_empty() || !numbers.iter().copied().eq(1..=numbers.len() as i64) {
        return Err(Error::invalid("The parts must be numbered from 1 without a gap."));
    }
    // Joining goes through every byte.
    let gets_on = || call.patience.iter().for_each(web::Patience::renew);
    call.ml.complete_upload(&allow, &path, &upload, count, gets_on).await?;
    done()
}

async fn abort(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<WriteRuns>()?;
    let (path, upload) = (target(&call)?, call.params.need("upload_id")?);
    call.ml.abort_upload(&allow, &path, &upload).await?;
    done()
}

/// Clients that hear 501 download by the proxy.
pub(super) async fn signed(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<ReadRuns>()?;
    let path = ArtifactPath::parse(call.part("path"))?;
    match call.ml.signed_address(&allow, &path).await? {
        Some((url, size)) => {
            let mut response = reply(&json!({ "url": url, "headers": {}, "file_size": size }))?;
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            Ok(response)
        }
        None => Err(Error::NotImplemented(
            "Multipart download is not supported for the current artifact repository",
        )),
    }
}
