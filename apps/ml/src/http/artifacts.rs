use std::ops::Range;

use axum::{
    body::Body as HttpBody,
    response::{IntoResponse as _, Response},
};
use futures::TryStreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use kernel::{Allow, Permission};
use serde_json::{Value, json};

use super::{
    Body, Call,
    wire::{done, reply},
};
use crate::{
    error::Error,
    model::ArtifactPath,
    permissions::{ReadModels, ReadRuns, WriteRuns},
    service::{Entry, Ml},
};

fn path(call: &Call) -> Result<ArtifactPath, Error> {
    ArtifactPath::parse(call.part("path"))
}

/// The folder that a query names; without one, the root.
fn folder(call: &Call, name: &str) -> Result<ArtifactPath, Error> {
    ArtifactPath::parse(&call.params.text(name)?.unwrap_or_default())
}

/// Each with its path below `parent`.
fn files(entries: &[Entry], parent: &ArtifactPath) -> Vec<Value> {
    let shown = |entry: &Entry| {
        let path =
            if parent.is_root() { entry.name.clone() } else { format!("{}/{}", parent.as_str(), entry.name) };
        match entry.size_bytes {
            Some(size) => json!({ "path": path, "is_dir": false, "file_size": size }),
            None => json!({ "path": path, "is_dir": true }),
        }
    };
    entries.iter().map(shown).collect()
}

fn listing(root_uri: Option<&str>, files: &[Value]) -> Result<Response, Error> {
    let mut body = json!({});
    if let Some(root_uri) = root_uri {
        body["root_uri"] = json!(root_uri);
    }
    if !files.is_empty() {
        body["files"] = json!(files);
    }
    reply(&body)
}

pub(super) async fn list(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<ReadRuns>()?;
    let entries = call.ml.list_folder(&allow, &folder(&call, "path")?).await?;
    listing(None, &files(&entries, &ArtifactPath::parse("")?))
}

pub(super) async fn list_of_run(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<ReadRuns>()?;
    let folder = folder(&call, "path")?;
    let listed = call.ml.list_run_artifacts(&allow, &call.params.run_id()?, &folder).await?;
    listing(Some(&listed.root_uri), &files(&listed.entries, &folder))
}

pub(super) async fn list_of_model(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<ReadRuns>()?;
    let folder = folder(&call, "artifact_directory_path")?;
    let listed = call.ml.list_model_artifacts(&allow, call.part("model_id"), &folder).await?;
    listing(Some(&listed.root_uri), &files(&listed.entries, &folder))
}

/// For the browser, as [`of_run`].
pub(super) async fn of_model(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<ReadRuns>()?;
    let path = ArtifactPath::parse(&call.params.need("artifact_file_path")?)?;
    let whole = call.ml.model_artifact_path(&allow, call.part("model_id"), &path).await?;
    send(&call.ml, &allow, &call.headers, &whole, &kind_of(&path)).await
}

/// For the browser, as [`of_run`].
pub(super) async fn of_version(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<ReadModels>()?;
    let params = &call.params;
    let (name, version, path) = (params.need("name")?, params.need("version")?, params.need("path")?);
    let path = ArtifactPath::parse(&path)?;
    let whole = call.ml.version_artifact_path(&allow, &name, &version, &path).await?;
    send(&call.ml, &allow, &call.headers, &whole, &kind_of(&path)).await
}

/// A file's type by its name. What people read is plain text, whatever it is for programs.
fn kind_of(path: &ArtifactPath) -> String {
    const TEXTS: [&str; 25] = [
        "txt",
        "log",
        "err",
        "cfg",
        "conf",
        "cnf",
        "cf",
        "ini",
        "properties",
        "prop",
        "hocon",
        "toml",
        "yaml",
        "yml",
        "xml",
        "json",
        "js",
        "py",
        "py3",
        "csv",
        "tsv",
        "md",
        "rst",
        "ipynb",
        "sh",
    ];
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    if TEXTS.contains(&extension) || ["MLmodel", "MLproject", "mlproject"].contains(&name) {
        return "text/plain".to_owned();
    }
    mime_guess::from_path(name).first_or_octet_stream().essence_str().to_owned()
}

/// Files from this size on are looked at for room before they come: a question to the database more.
const FORETOLD_BYTES: u64 = 1 << 20;

pub(super) async fn put(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<WriteRuns>()?;
    let path = path(&call)?;
    let max_bytes = call.ml.config.artifact_bytes_max;
    let told =
        call.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if told.is_some_and(|length| length > max_bytes) {
        return Err(Error::TooLarge { max_bytes });
    }
    // Better refused before it is sent than after.
    if let Some(length) = told.filter(|length| *length > FORETOLD_BYTES) {
        call.ml.check_room(&allow, &path, length).await?;
    }
    let Body::Stream(body) = call.body else { return Err(Error::Body("it is not there".to_owned())) };
    let pieces = body.into_data_stream().map_err(|error| Error::Body(error.to_string()));
    call.ml.put_artifact(&allow, &path, pieces).await?;
    done()
}

/// From the browser, and small: it says by a query what its body is.
pub(super) async fn put_of_run(call: Call) -> Result<Response, Error> {
    const BYTES_MAX: usize = 10 << 20;
    let allow = call.allow::<WriteRuns>()?;
    let named = |name: &str| {
        let lacking = || Error::invalid(format!("Request must specify {name}."));
        call.params.filled(name)?.ok_or_else(lacking)
    };
    let (run_id, path) = (named("run_uuid")?, ArtifactPath::parse(&named("path")?)?);
    let path = call.ml.run_artifact_path(&allow, &run_id, &path).await?;
    let Body::Stream(body) = call.body else { return Err(Error::Body("it is not there".to_owned())) };
    let bytes = axum::body::to_bytes(body, BYTES_MAX)
        .await
        .map_err(|_| Error::invalid("Artifact size is too large. Max size is 10MB."))?;
    if bytes.is_empty() {
        return Err(Error::invalid("Request must specify data."));
    }
    call.ml.check_room(&allow, &path, bytes.len() as u64).await?;
    call.ml.put_artifact(&allow, &path, futures::stream::iter([Ok(bytes)])).await?;
    done()
}

pub(super) async fn delete(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<WriteRuns>()?;
    call.ml.delete_artifact(&allow, &path(&call)?).await?;
    done()
}

pub(super) async fn get(call: Call) -> Result<Response, Error> {
    let path = path(&call)?;
    let allow = call.allow::<ReadRuns>()?;
    send(&call.ml, &allow, &call.headers, &path, &kind_of(&path)).await
}

/// For the browser, which shows pictures and text by their type. With `inline`, HTML is shown in place of being saved.
pub(super) async fn of_run(call: Call) -> Result<Response, Error> {
    let allow = call.allow::<ReadRuns>()?;
    let path = folder(&call, "path")?;
    let run_id = call.params.run_id()?;
    let kind = kind_of(&path);
    let whole = call.ml.run_artifact_path(&allow, &run_id, &path).await?;
    let mut response = send(&call.ml, &allow, &call.headers, &whole, &kind).await?;
    if call.params.bool("inline")? == Some(true) && kind == "text/html" {
        for (name, value) in SHOWN_IN_A_FRAME {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

/// Somebody else's page, in a frame of ours: its scripts run, but without this server's origin, so that they reach neither
/// its cookies nor its API, and without a connection to anywhere. Only plotly's library is loaded from where the figures that
/// `mlflow.log_figure` writes look for it.
const SHOWN_IN_A_FRAME: [(HeaderName, HeaderValue); 3] = [
    (header::CONTENT_DISPOSITION, HeaderValue::from_static("inline")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' https://cdn.plot.ly; \
             style-src 'unsafe-inline'; img-src data: blob:; font-src data:; frame-ancestors 'self'",
        ),
    ),
];

pub(super) async fn send<P: Permission>(
    ml: &Ml,
    allow: &Allow<P>,
    headers: &HeaderMap,
    path: &ArtifactPath,
    kind: &str,
) -> Result<Response, Error> {
    let range = match wanted_range(headers) {
        None => None,
        Some(wanted) => {
            let info = ml.artifact_info(allow, path).await?;
            Some((wanted.within(info.size_bytes)?, info.size_bytes))
        }
    };
    let mut response = match range {
        Some((range, size)) => {
            let told = format!("bytes {}-{}/{size}", range.start, range.end - 1);
            let length = range.end - range.start;
            let pieces = ml.artifact_range(allow, path, range).await?;
            let mut response = HttpBody::from_stream(pieces).into_response();
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            if let Ok(value) = HeaderValue::from_str(&told) {
                response.headers_mut().insert(header::CONTENT_RANGE, value);
            }
            response
        }
        None => {
            let (info, pieces) = ml.get_artifact(allow, path).await?;
            let mut response = HttpBody::from_stream(pieces).into_response();
            response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(info.size_bytes));
            response
        }
    };
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(kind) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    // Somebody else's HTML must not run as ours.
    headers.insert(header::CONTENT_DISPOSITION, disposition(path));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"),
    );
    Ok(response)
}

fn disposition(path: &ArtifactPath) -> HeaderValue {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    let name = path.as_str().rsplit('/').next().unwrap_or("artifact");
    // A token of RFC 9110 as it stands, what else is ASCII in quotes, the rest by RFC 8187.
    let is_token = |letter: char| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter);
    let text = if name.chars().all(is_token) && !name.is_empty() {
        format!("attachment; filename={name}")
    } else if name.chars().all(|letter| matches!(letter, ' '..='~') && letter != '"') {
        format!("attachment; filename=\"{name}\"")
    } else {
        format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(name, NON_ALPHANUMERIC))
    };
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

/// One range of a `Range` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    From(u64, Option<u64>),
    Last(u64),
}

impl Wanted {
    fn within(self, size_bytes: u64) -> Result<Range<u64>, Error> {
        let range = match self {
            Self::From(start, end) => {
                start..end.map_or(size_bytes, |end| end.saturating_add(1).min(size_bytes))
            }
            Self::Last(count) => size_bytes.saturating_sub(count)..size_bytes,
        };
        if range.start < range.end { Ok(range) } else { Err(Error::Range { size_bytes }) }
    }
}

/// What is no single range of bytes is passed over, as RFC 9110 allows.
fn wanted_range(headers: &HeaderMap) -> Option<Wanted> {
    let text = headers.get(header::RANGE)?.to_str().ok()?.strip_prefix("bytes=")?;
    let (start, end) = text.split_once('-')?;
    match (start.trim(), end.trim()) {
        ("", last) => last.parse().ok().map(Wanted::Last),
        (start, "") => start.parse().ok().map(|start| Wanted::From(start, None)),
        (start, end) => {
            let (start, end) = (start.parse().ok()?, end.parse().ok()?);
            (start <= end).then_some(Wanted::From(start, Some(end)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_lie_within_the_file() {
        let check = |text: &'static str, expected: Option<Result<Range<u64>, ()>>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, HeaderValue::from_static(text));
            let found = wanted_range(&headers).map(|wanted| wanted.within(10).map_err(drop));
            assert_eq!(found, expected, "{text}");
        };
        check("bytes=0-3", Some(Ok(0..4)));
        check("bytes=4-", Some(Ok(4..10)));
        check("bytes=-3", Some(Ok(7..10)));
        check("bytes=5-99", Some(Ok(5..10)));
        check("bytes=10-", Some(Err(())));
        check("bytes=-0", Some(Err(())));
        check("bytes=3-1", None);
        check("bytes=0-1,3-4", None);
        check("lines=1-2", None);
    }
}
