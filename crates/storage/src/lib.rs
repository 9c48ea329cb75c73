//! Files behind one handle: a local folder, or any S3 service.
//!
//! Keys are relative paths with the module first: `surveillance/ws_…/clips/evt_….mp4`. An object is there whole or not
//! at all: the folder writes beside and renames, S3 completes its multipart upload last. Bytes go through in pieces, so
//! that a file of any size takes constant memory.

mod meter;

use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream::BoxStream};
use kernel::{Problem, Secret, Timestamp, ToProblem};
use object_store::{
    ClientOptions, GetOptions, GetRange, GetResultPayload, ObjectStore, ObjectStoreExt as _, WriteMultipart,
    aws::{AmazonS3, AmazonS3Builder},
    local::LocalFileSystem,
    path::Path as Key,
    signer::Signer as _,
};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

/// Section `[storage]`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Empty (the default): `files/` in the data folder. `s3://bucket/prefix` for S3.
    pub url: String,
    /// S3: the service's address, if it is not Amazon's: `http://127.0.0.1:9000`. Empty (the default): Amazon's.
    pub endpoint: String,
    /// S3: region. Empty (the default): `us-east-1`.
    pub region: String,
    /// S3: access key. Empty (the default): `AWS_ACCESS_KEY_ID`, or the machine's own role.
    pub access_key: Secret<String>,
    /// S3: secret key. Empty (the default): `AWS_SECRET_ACCESS_KEY`, or the machine's own role.
    pub secret_key: Secret<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no file {0:?}")]
    NotFound(String),
    #[error("{0:?} is no key: relative, without `..` and empty parts")]
    Key(String),
    #[error("{0}")]
    Config(String),
    #[error("could not read {path}")]
    Local {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the file store failed on {key:?}")]
    Store {
        key: String,
        #[source]
        source: object_store::Error,
    },
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl ToProblem for Error {
    fn problem(&self) -> Problem {
        match self {
            Self::NotFound(_) => Problem::not_found("storage.not-found", "this file is not there"),
            Self::Store { .. } => {
                Problem::unavailable("storage.failed", "the file store does not answer as it should")
            }
            _ => Problem::internal(),
        }
    }
}

/// What is known of a file without reading it.
#[derive(Debug, Clone)]
pub struct Info {
    pub key: String,
    pub size_bytes: u64,
    pub modified: Timestamp,
    /// Changes when the content does.
    pub etag: Option<String>,
}

/// A file's bytes, in pieces.
pub type Pieces = BoxStream<'static, Result<Bytes>>;

/// The handle. Cheap to clone.
#[derive(Clone)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    /// Where files lie, if that is a folder.
    folder: Option<Arc<LocalFileSystem>>,
    /// Gives out signed addresses, where the store has them.
    signer: Option<Arc<AmazonS3>>,
    prefix: String,
}

/// Above this a file goes to S3 in parts of this size.
const S3_PART_BYTES: usize = 8 * 1024 * 1024;
/// A folder takes small parts: one is written while the next comes in, and the last ends soon after it came.
const FOLDER_PART_BYTES: usize = 1024 * 1024;

impl Storage {
    /// Opens what `config` names; without a URL, `default_folder`, which is made if it is not there.
    pub fn open(config: &Config, default_folder: PathBuf) -> Result<Self> {
        meter::begin();
        if config.url.is_empty() {
            return Self::folder(default_folder);
        }
        let url = url::Url::parse(&config.url)
            .map_err(|error| Error::Config(format!("storage.url {:?} is not a URL: {error}", config.url)))?;
        match url.scheme() {
            "file" => Self::folder(PathBuf::from(url.path())),
            "s3" => Self::s3(config, &url),
            other => {
                Err(Error::Config(format!("storage.url begins with {other}://; it must be s3:// or file://")))
            }
        }
    }

    fn folder(folder: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&folder).map_err(|source| Error::Local { path: folder.clone(), source })?;
        let store = LocalFileSystem::new_with_prefix(&folder)
            .map_err(|source| Error::Store { key: folder.display().to_string(), source })?
            .with_fsync(true);
        let store = Arc::new(store);
        Ok(Self { store: store.clone(), folder: Some(store), signer: None, prefix: String::new() })
    }

    fn s3(config: &Config, url: &url::Url) -> Result<Self> {
        let bucket = url
            .host_str()
            .ok_or_else(|| Error::Config("storage.url names no bucket: s3://bucket".to_owned()))?;
        let region = if config.region.is_empty() { "us-east-1" } else { &config.region };
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_region(region);
        if !config.endpoint.is_empty() {
            let plain = config.endpoint.starts_with("http://");
            builder = builder
                .with_endpoint(&config.endpoint)
                .with_allow_http(plain)
                .with_client_options(ClientOptions::new().with_allow_http(plain));
        }
        if !config.access_key.expose().is_empty() {
            builder = builder
                .with_access_key_id(config.access_key.expose())
                .with_secret_access_key(config.secret_key.expose());
        }
        let store =
            Arc::new(builder.build().map_err(|source| Error::Store { key: config.url.clone(), source })?);
        let prefix = url.path().trim_matches('/').to_owned();
        Ok(Self { store: store.clone(), folder: None, signer: Some(store), prefix })
    }

    /// `folder` or `s3`.
    pub fn place(&self) -> &'static str {
        if self.folder.is_some() { "folder" } else { "s3" }
    }

    fn part_bytes(&self) -> usize {
        if self.folder.is_some() { FOLDER_PART_BYTES } else { S3_PART_BYTES }
    }

    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        meter::measured("put", self.put_bytes(key, bytes)).await
    }

    async fn put_bytes(&self, key: &str, bytes: Bytes) -> Result<()> {
        let path = self.key(key)?;
        self.store.put(&path, bytes.into()).await.map_err(|source| failed(key, source))?;
        Ok(())
    }

    /// Copies a local file in, in pieces.
    pub async fn put_file(&self, key: &str, file: &Path) -> Result<u64> {
        meter::measured("put", self.copy_in(key, file)).await
    }

    async fn copy_in(&self, key: &str, file: &Path) -> Result<u64> {
        let path = self.key(key)?;
        let unreadable = |source| Error::Local { path: file.to_owned(), source };
        let mut source = tokio::fs::File::open(file).await.map_err(unreadable)?;
        let upload = self.store.put_multipart(&path).await.map_err(|source| failed(key, source))?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, self.part_bytes());
        let mut total = 0;
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let read = match source.read(&mut buffer).await {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) => {
                    drop(writer.abort().await);
                    return Err(unreadable(error));
                }
            };
            total += read as u64;
            writer.wait_for_capacity(2).await.map_err(|source| failed(key, source))?;
            writer.write(&buffer[..read]);
        }
        self.finish(key, &path, writer).await?;
        Ok(total)
    }

    /// Takes a file as it comes in, in pieces: nothing of it is there until all of it is. Gives its size.
    pub async fn put_stream<E: From<Error>>(
        &self,
        key: &str,
        pieces: impl Stream<Item = Result<Bytes, E>> + Send,
    ) -> Result<u64, E> {
        let path = self.key(key)?;
        let upload = self.store.put_multipart(&path).await.map_err(|source| failed(key, source))?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, self.part_bytes());
        let mut total = 0;
        let mut pieces = std::pin::pin!(pieces);
        while let Some(piece) = pieces.next().await {
            let taken = match piece {
                Ok(piece) => writer
                    .wait_for_capacity(2)
                    .await
                    .map(|()| piece)
                    .map_err(|source| failed(key, source).into()),
                Err(error) => Err(error),
            };
            match taken {
                Ok(piece) => {
                    total += piece.len() as u64;
                    writer.put(piece);
                }
                Err(error) => {
                    drop(writer.abort().await);
                    return Err(error);
                }
            }
        }
        meter::measured("put", self.finish(key, &path, writer)).await?;
        Ok(total)
    }

    /// Puts the file where another one may be. To give back the room of a large one takes a file system longer than waiting
    /// for the disk does, so that happens behind the caller: it has to wait until nobody has that file open.
    async fn finish(&self, key: &str, path: &Key, writer: WriteMultipart) -> Result<()> {
        let place = self.folder.as_ref().and_then(|folder| folder.path_to_filesystem(path).ok());
        let before = match place {
            Some(place) => tokio::fs::File::open(place).await.ok(),
            None => None,
        };
        writer.finish().await.map_err(|source| failed(key, source))?;
        if let Some(before) = before {
            let before = before.into_std().await;
            tokio::task::spawn_blocking(move || drop(before));
        }
        Ok(())
    }

    /// What lies directly in a folder of keys: its files, and the names of its folders.
    pub async fn list_level(&self, folder: &str) -> Result<(Vec<Info>, Vec<String>)> {
        let path = self.key(folder)?;
        let list = async {
            self.store.list_with_delimiter(Some(&path)).await.map_err(|source| failed(folder, source))
        };
        let found = meter::measured("list", list).await?;
        let mut folders = Vec::new();
        for path in &found.common_prefixes {
            // A local folder stays when its last file goes; elsewhere there are no empty ones.
            if self.folder.is_none() || self.store.list(Some(path)).next().await.is_some() {
                folders.extend(path.filename().map(str::to_owned));
            }
        }
        Ok((found.objects.into_iter().map(|meta| self.describe(meta)).collect(), folders))
    }

    pub async fn info(&self, key: &str) -> Result<Info> {
        let path = self.key(key)?;
        let head = async { self.store.head(&path).await.map_err(|source| failed(key, source)) };
        Ok(self.describe(meter::measured("head", head).await?))
    }

    /// The whole file, in pieces.
    pub async fn get(&self, key: &str) -> Result<(Info, Pieces)> {
        self.get_pieces(key, None).await
    }

    /// Bytes `range.start..range.end` of the file, in pieces.
    pub async fn get_part(&self, key: &str, range: Range<u64>) -> Result<(Info, Pieces)> {
        self.get_pieces(key, Some(GetRange::Bounded(range))).await
    }

    async fn get_pieces(&self, key: &str, range: Option<GetRange>) -> Result<(Info, Pieces)> {
        let path = self.key(key)?;
        let options = GetOptions { range, ..GetOptions::default() };
        let get = async { self.store.get_opts(&path, options).await.map_err(|source| failed(key, source)) };
        let found = meter::measured("get", get).await?;
        let info = self.describe(found.meta.clone());
        let name = key.to_owned();
        let range = found.range.clone();
        let pieces = match found.payload {
            // The library reads 8 KiB at a time, each on another thread: the hops cost more than the reading.
            GetResultPayload::File(file, path) => {
                local_pieces(tokio::fs::File::from_std(file), path, range).boxed()
            }
            GetResultPayload::Stream(pieces) => {
                pieces.map(move |piece| piece.map_err(|source| failed(&name, source))).boxed()
            }
        };
        Ok((info, pieces.map(|piece| meter::counted("read", piece)).boxed()))
    }

    /// Bytes `range.start..range.end` of the file.
    pub async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes> {
        let path = self.key(key)?;
        let get = async { self.store.get_range(&path, range).await.map_err(|source| failed(key, source)) };
        meter::measured("get", get).await
    }

    /// The whole file in memory: for what is small by nature.
    pub async fn get_bytes(&self, key: &str) -> Result<Bytes> {
        let path = self.key(key)?;
        let get = async {
            let found = self.store.get(&path).await.map_err(|source| failed(key, source))?;
            found.bytes().await.map_err(|source| failed(key, source))
        };
        meter::measured("get", get).await
    }

    /// An address at which anybody who has it may read the file for so long, at the store itself. `None`: this store has
    /// no such addresses.
    pub async fn signed_get(&self, key: &str, lifetime: Duration) -> Result<Option<String>> {
        let path = self.key(key)?;
        let Some(signer) = &self.signer else { return Ok(None) };
        let address = signer
            .signed_url(http::Method::GET, &path, lifetime)
            .await
            .map_err(|source| failed(key, source))?;
        Ok(Some(address.into()))
    }

    /// Removing what is not there is no error.
    pub async fn delete(&self, key: &str) -> Result<()> {
        let path = self.key(key)?;
        let delete = async {
            match self.store.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(source) => Err(failed(key, source)),
            }
        };
        meter::measured("delete", delete).await
    }

    /// All files below a folder of keys.
    pub async fn list(&self, folder: &str) -> Result<Vec<Info>> {
        let path = self.key(folder)?;
        let list = async {
            let mut found = self.store.list(Some(&path));
            let mut files = Vec::new();
            while let Some(meta) = found.next().await {
                files.push(self.describe(meta.map_err(|source| failed(folder, source))?));
            }
            Ok(files)
        };
        meter::measured("list", list).await
    }

    /// Answers if the store does: writes and reads one small file. It stays: several checks, of several nodes, may be on
    /// their way at a time, and none may take it from under another.
    pub async fn ping(&self) -> Result<()> {
        let key = "health/ping";
        self.put(key, Bytes::from_static(b"ping")).await?;
        self.get_bytes(key).await?;
        Ok(())
    }

    fn key(&self, key: &str) -> Result<Key> {
        let whole = if self.prefix.is_empty() { key.to_owned() } else { format!("{}/{key}", self.prefix) };
        let fine = !key.starts_with('/')
            && key.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
        if !fine {
            return Err(Error::Key(key.to_owned()));
        }
        Key::parse(whole).map_err(|_| Error::Key(key.to_owned()))
    }

    fn describe(&self, meta: object_store::ObjectMeta) -> Info {
        let whole = meta.location.to_string();
        let key = whole.strip_prefix(&self.prefix).unwrap_or(&whole).trim_start_matches('/').to_owned();
        let modified = Timestamp::from_millisecond(meta.last_modified.timestamp_millis()).unwrap_or_default();
        Info { key, size_bytes: meta.size, modified, etag: meta.e_tag }
    }
}

/// Bytes read from a local file at a time.
const PIECE_BYTES: usize = 512 * 1024;

fn local_pieces(
    mut file: tokio::fs::File,
    path: PathBuf,
    range: Range<u64>,
) -> impl Stream<Item = Result<Bytes>> + Send {
    file.set_max_buf_size(PIECE_BYTES);
    let start = range.start;
    futures::stream::try_unfold((file, path, range.end - start, false), move |state| async move {
        let (mut file, path, left, mut is_there) = state;
        if left == 0 {
            return Ok(None);
        }
        let size = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE_BYTES);
        let mut piece = bytes::BytesMut::with_capacity(size);
        let read = async {
            if !is_there && start > 0 {
                file.seek(std::io::SeekFrom::Start(start)).await?;
            }
            is_there = true;
            while piece.len() < size {
                let room = (size - piece.len()) as u64;
                if (&mut file).take(room).read_buf(&mut piece).await? == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
            }
            Ok(())
        };
        match read.await {
            Ok(()) => Ok(Some((piece.freeze(), (file, path, left - size as u64, is_there)))),
            Err(source) => Err(Error::Local { path, source }),
        }
    })
}

fn failed(key: &str, source: object_store::Error) -> Error {
    match source {
        object_store::Error::NotFound { .. } => Error::NotFound(key.to_owned()),
        source => Error::Store { key: key.to_owned(), source },
    }
}
