//! Uploads in parts: each is an object of its own, and all of them together become the artifact at the end. Nothing of it is
//! there before, and a part that broke off is sent again without the others.

use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use kernel::{Allow, Timestamp, WorkspaceId};

use storage::{Pieces, Storage};

use super::{Ml, runs::fresh_id};
use crate::{
    error::Error,
    model::ArtifactPath,
    permissions::{ReadRuns, WriteRuns},
};

/// Parts of one upload at most.
pub(crate) const PARTS_MAX: u64 = 10_000;
/// Where parts of all workspaces wait.
const PARTS: &str = "ml-parts";
/// Parts that nobody joined for so long are taken away.
const KEPT_FOR: Duration = Duration::from_secs(24 * 3_600);
/// How long a signed address works.
const SIGNED_FOR: Duration = Duration::from_secs(3_600);

/// An upload in parts, as its id names it: the id holds which artifact it is for.
struct Upload {
    folder: String,
}

/// The end of every id of an upload of this artifact.
fn mark(path: &ArtifactPath) -> String {
    blake3::hash(path.as_str().as_bytes()).to_hex()[..16].to_owned()
}

fn unknown() -> Error {
    Error::not_found("There is no such upload: it was completed or aborted, or is over since long.")
}

impl Upload {
    fn parse(workspace: WorkspaceId, id: &str) -> Result<Self, Error> {
        let fine = id.len() == 49
            && id
                .bytes()
                .enumerate()
                .all(|(at, byte)| if at == 32 { byte == b'-' } else { byte.is_ascii_hexdigit() });
        if fine { Ok(Self { folder: format!("{PARTS}/{workspace}/{id}") }) } else { Err(unknown()) }
    }

    /// The same, for whoever says which artifact it is for.
    fn of(workspace: WorkspaceId, id: &str, path: &ArtifactPath) -> Result<Self, Error> {
        let upload = Self::parse(workspace, id)?;
        if id.ends_with(&mark(path)) { Ok(upload) } else { Err(unknown()) }
    }

    /// Keys that stand in the order of their numbers.
    fn part(&self, number: u64) -> String {
        format!("{}/{number:05}", self.folder)
    }
}

impl Ml {
    /// The new upload's id.
    pub(crate) fn begin_upload(&self, _: &Allow<WriteRuns>, path: &ArtifactPath) -> Result<String, Error> {
        if path.is_root() {
            return Err(Error::invalid("Invalid path: an artifact has a name"));
        }
        Ok(format!("{}-{}", fresh_id(), mark(path)))
    }

    /// The same part again takes the place of the one before.
    pub(crate) async fn put_part(
        &self,
        allow: &Allow<WriteRuns>,
        upload: &str,
        number: u64,
        body: impl Stream<Item = Result<Bytes, Error>> + Send,
    ) -> Result<(), Error> {
        if !(1..=PARTS_MAX).contains(&number) {
            return Err(Error::invalid(format!("Parts are numbered from 1 to {PARTS_MAX}.")));
        }
        let upload = Upload::parse(allow.workspace, upload)?;
        self.keep_file(allow, &upload.part(number), self.bounded(body), &[]).await
    }

    /// Joins the first `count` parts, all of which must be there. Tells of each piece that is through.
    pub(crate) async fn complete_upload(
        &self,
        allow: &Allow<WriteRuns>,
        path: &ArtifactPath,
        upload: &str,
        count: u64,
        gets_on: impl Fn() + Send,
    ) -> Result<(), Error> {
        let upload = Upload::of(allow.workspace, upload, path)?;
        let mut there = self.storage.list(&upload.folder).await?;
        there.sort_by(|one, other| one.key.cmp(&other.key));
        let expected = (1..=count).map(|number| upload.part(number));
        if there.is_empty() {
            return Err(unknown());
        }
        if !there.iter().map(|info| info.key.clone()).eq(expected) {
            return Err(Error::invalid(format!(
                "The upload has {} parts, and {count} were to be joined: send what is missing, or abort it.",
                there.len()
            )));
        }
        let total: u64 = there.iter().map(|info| info.size_bytes).sum();
        if total > self.config.artifact_bytes_max {
            return Err(Error::TooLarge { max_bytes: self.config.artifact_bytes_max });
        }
        let keys: std::collections::VecDeque<String> = there.iter().map(|info| info.key.clone()).collect();
        let pieces = joined(self.storage.clone(), keys).inspect(move |_| gets_on());
        self.keep_file(allow, &path.key(allow.workspace), pieces, &there).await?;
        self.delete_files(allow.workspace, &there).await
    }

    /// Aborting what is not there is no fault.
    pub(crate) async fn abort_upload(
        &self,
        allow: &Allow<WriteRuns>,
        path: &ArtifactPath,
        upload: &str,
    ) -> Result<(), Error> {
        let upload = Upload::of(allow.workspace, upload, path)?;
        self.delete_folder(allow.workspace, &upload.folder).await.map(drop)
    }

    /// Takes parts away that nobody joined.
    pub(super) async fn purge_parts(&self, now: Timestamp) -> Result<u64, Error> {
        let before = now.checked_sub(KEPT_FOR).unwrap_or(Timestamp::MIN);
        let mut gone = 0;
        for info in self.storage.list(PARTS).await? {
            let workspace = info.key.split('/').nth(1).and_then(|text| text.parse().ok());
            if let Some(workspace) = workspace.filter(|_: &WorkspaceId| info.modified < before) {
                self.delete_files(workspace, &[info]).await?;
                gone += 1;
            }
        }
        Ok(gone)
    }

    /// An address at which the file store itself gives the artifact, and its size. None where it has no such addresses, or
    /// where they are not to be given out.
    pub(crate) async fn signed_address(
        &self,
        allow: &Allow<ReadRuns>,
        path: &ArtifactPath,
    ) -> Result<Option<(String, u64)>, Error> {
        if !self.config.signed_downloads {
            return Ok(None);
        }
        let key = path.key(allow.workspace);
        let info = self.storage.info(&key).await?;
        let address = self.storage.signed_get(&key, SIGNED_FOR).await?;
        Ok(address.map(|address| (address, info.size_bytes)))
    }

    /// A body that breaks off once it is longer than an artifact may be.
    pub(super) fn bounded(
        &self,
        body: impl Stream<Item = Result<Bytes, Error>> + Send,
    ) -> impl Stream<Item = Result<Bytes, Error>> + Send {
        let max_bytes = self.config.artifact_bytes_max;
        let mut taken = 0;
        body.map(move |piece| {
            let piece = piece?;
            taken += piece.len() as u64;
            if taken > max_bytes { Err(Error::TooLarge { max_bytes }) } else { Ok(piece) }
        })
    }
}

/// The files one after the other.
fn joined(
    storage: Storage,
    keys: std::collections::VecDeque<String>,
) -> impl Stream<Item = Result<Bytes, Error>> + Send {
    let state = (storage, keys, None::<Pieces>);
    futures::stream::try_unfold(state, |(storage, mut keys, mut open)| async move {
        loop {
            if let Some(pieces) = &mut open
                && let Some(piece) = pieces.next().await
            {
                return Ok(Some((piece?, (storage, keys, open))));
            }
            let Some(key) = keys.pop_front() else { return Ok(None) };
            open = Some(storage.get(&key).await?.1);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_for_one_artifact() {
        let workspace: WorkspaceId = "ws_00000000000000000000000000".parse().unwrap();
        let path = |text: &str| ArtifactPath::parse(text).unwrap();
        let id = format!("{}-{}", "0".repeat(32), mark(&path("a/b")));
        assert!(Upload::of(workspace, &id, &path("a/b")).is_ok());
        assert!(Upload::of(workspace, &id, &path("a/c")).is_err());
        for wrong in ["", "../x", &id[1..], &id.replace('0', "/")] {
            assert!(Upload::parse(workspace, wrong).is_err(), "{wrong}");
        }
        let upload = Upload::parse(workspace, &id).unwrap();
        assert!(upload.part(9) < upload.part(10) && upload.part(9_999) < upload.part(PARTS_MAX));
    }
}
