//! Files on this machine.

use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, stream::BoxStream};
use tokio::io::AsyncReadExt as _;

use super::{At, File, Files};
use crate::error::Error;

const PIECE_BYTES: usize = 256 << 10;

/// Folders that the addresses of a database lead to.
#[derive(Debug)]
pub(super) struct Folders {
    /// What the other server kept itself: `--artifacts-destination` of `mlflow server`.
    pub(super) artifacts: Option<PathBuf>,
    /// Addresses without a beginning go on from here.
    pub(super) database: PathBuf,
}

impl Folders {
    /// # Errors
    ///
    /// In words, why an address leads to no folder here.
    pub(super) fn of(&self, address: &str) -> Result<PathBuf, String> {
        let below = |root: &Path, rest: &str| {
            let mut path = root.to_owned();
            for part in rest.split('/').filter(|part| !part.is_empty() && *part != ".") {
                if part == ".." {
                    return Err(format!("{address} leads out of its folder"));
                }
                path.push(part);
            }
            Ok(path)
        };
        if let Some(rest) = address.strip_prefix("mlflow-artifacts:") {
            // With a host it is the same place, under the server's name.
            let rest = match rest.strip_prefix("//") {
                Some(rest) if !rest.starts_with('/') => rest.split_once('/').map_or("", |(_, rest)| rest),
                _ => rest,
            };
            return match &self.artifacts {
                Some(folder) => below(folder, rest),
                None => Err("the other server kept them: name the folder with --artifacts".to_owned()),
            };
        }
        if let Some(rest) = address.strip_prefix("file:") {
            let rest =
                rest.strip_prefix("//").map_or(rest, |rest| rest.strip_prefix("localhost").unwrap_or(rest));
            let path = percent_encoding::percent_decode_str(rest).decode_utf8();
            let path = path.map_err(|_| format!("{address} is no path"))?;
            return below(if path.starts_with('/') { Path::new("/") } else { &self.database }, &path);
        }
        match address.split_once("://").or_else(|| address.split_once(":/")) {
            Some((scheme, rest)) => {
                let host = rest.split('/').next().unwrap_or_default();
                Err(format!("they are at {scheme}://{host}, which is not read here"))
            }
            None if address.is_empty() => Err("the database does not say where".to_owned()),
            None => below(if address.starts_with('/') { Path::new("/") } else { &self.database }, address),
        }
    }

    /// All files below an address. None where there is no such folder: MLflow makes one with the first file.
    pub(super) async fn files(&self, address: &str) -> Result<Files, Error> {
        let root = match self.of(address) {
            Ok(root) => root,
            Err(why) => return Ok(Files::Elsewhere(why)),
        };
        let mut files = Vec::new();
        let mut folders = vec![String::new()];
        while let Some(folder) = folders.pop() {
            let mut entries = match tokio::fs::read_dir(root.join(&folder)).await {
                Ok(entries) => entries,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && folder.is_empty() => break,
                Err(error) => return Err(unreadable(&root.join(&folder), &error)),
            };
            let failed = |error: std::io::Error| unreadable(&root.join(&folder), &error);
            while let Some(entry) = entries.next_entry().await.map_err(failed)? {
                let name = entry.file_name();
                let path = match (folder.as_str(), name.to_string_lossy()) {
                    ("", name) => name.into_owned(),
                    (folder, name) => format!("{folder}/{name}"),
                };
                // What a link leads to is no file that was logged.
                let kind = entry.file_type().await.map_err(failed)?;
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file() {
                    let size_bytes = entry.metadata().await.map_err(failed)?.len();
                    files.push(File { path, size_bytes, at: At::Disk(entry.path()) });
                }
            }
        }
        Ok(Files::Listed(files))
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::Unread(format!("{} cannot be read: {error}", path.display()))
}

pub(super) async fn open(path: &Path) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
    let file = tokio::fs::File::open(path).await.map_err(|error| unreadable(path, &error))?;
    let pieces = futures::stream::try_unfold((file, path.to_owned()), |(mut file, path)| async move {
        let mut piece = BytesMut::with_capacity(PIECE_BYTES);
        let length = file.read_buf(&mut piece).await.map_err(|error| unreadable(&path, &error))?;
        Ok((length > 0).then(|| (piece.freeze(), (file, path))))
    });
    Ok(pieces.boxed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_to_folders() {
        let folders = Folders { artifacts: Some("/kept".into()), database: "/db".into() };
        for (address, expected) in [
            ("mlflow-artifacts:/1/abc/artifacts", Ok("/kept/1/abc/artifacts")),
            ("mlflow-artifacts://host:5000/1/abc", Ok("/kept/1/abc")),
            ("mlflow-artifacts:///1/abc", Ok("/kept/1/abc")),
            ("/mlruns/1", Ok("/mlruns/1")),
            ("./mlruns/1", Ok("/db/mlruns/1")),
            ("mlruns/1", Ok("/db/mlruns/1")),
            ("file:///my%20runs/1", Ok("/my runs/1")),
            ("file:/mlruns/1", Ok("/mlruns/1")),
            ("file://localhost/mlruns/1", Ok("/mlruns/1")),
            ("s3://bucket/1/abc", Err("s3://bucket, which is not read")),
            ("dbfs:/databricks/1", Err("dbfs://databricks, which is not read")),
            ("mlflow-artifacts:/../x", Err("leads out")),
            ("file:///a/../../etc", Err("leads out")),
            ("", Err("does not say")),
        ] {
            match (folders.of(address), expected) {
                (Ok(path), Ok(expected)) => assert_eq!(path, Path::new(expected), "{address}"),
                (Err(why), Err(expected)) => assert!(why.contains(expected), "{address}: {why}"),
                other => panic!("{address}: {other:?}"),
            }
        }
        let without = Folders { artifacts: None, ..folders };
        assert!(without.of("mlflow-artifacts:/1").unwrap_err().contains("--artifacts"));
        assert!(without.of("/mlruns/1").is_ok());
    }
}
