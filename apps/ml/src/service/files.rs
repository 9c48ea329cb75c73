//! The file store, counted: what a workspace keeps there is part of its quota of storage.
//!
//! A file is counted when its last byte has come and before it is there, so that of many at once only those get in for which
//! there is room, and one that is refused leaves what was there before. Where a count and the store could differ (a crash in
//! between, two uploads of one file at a time), the count is the larger, until the store is asked a day later.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use kernel::{Allow, Ctx, Timestamp, WorkspaceId};
use platform::{Per, QuotaError, QuotaSpec, STORAGE, STORAGE_LABEL};
use storage::Info;

use super::Ml;
use crate::{
    error::Error,
    model::ArtifactPath,
    permissions::WriteRuns,
    store::files::{self, Counted, Stale},
};

pub(crate) const QUOTAS: &[QuotaSpec] = &[QuotaSpec {
    resource: STORAGE,
    label: STORAGE_LABEL,
    unit: "bytes",
    per: Per::Standing,
    used: files::STORAGE_USED,
}];

/// No upload is under way for so long.
const STALE_AFTER_MS: i64 = 86_400_000;
const AT_ONCE: i64 = 100;

fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

impl From<QuotaError> for Error {
    fn from(error: QuotaError) -> Self {
        match error {
            QuotaError::Reached(reached) => Self::Refused(kernel::ToProblem::problem(&reached)),
            QuotaError::Db(error) => Self::Db(error),
        }
    }
}

impl Ml {
    /// Refuses a file that there is no room for now.
    pub(crate) async fn check_room(
        &self,
        allow: &Allow<WriteRuns>,
        path: &ArtifactPath,
        bytes: u64,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let before = files::find(&mut tx, &path.key(allow.workspace)).await?;
        let more = size(bytes) - before.map_or(0, |before| before.size_bytes);
        if more > 0 {
            self.quotas.check(&mut tx, allow, STORAGE, more).await?;
        }
        // Nothing is kept of it: whether there is room counts once the file is here.
        Ok(())
    }

    /// Takes a file in, whole or not at all, in the place of what was there, and of the parts that it is made of.
    pub(super) async fn keep_file(
        &self,
        ctx: &Ctx,
        key: &str,
        body: impl Stream<Item = Result<Bytes, Error>> + Send,
        parts: &[Info],
    ) -> Result<(), Error> {
        let taken = AtomicU64::new(0);
        let counted = OnceLock::new();
        let pieces = body.inspect_ok(|piece| {
            taken.fetch_add(piece.len() as u64, Ordering::Relaxed);
        });
        let end = async {
            let before = self.count_in(ctx, key, size(taken.load(Ordering::Relaxed)), parts).await?;
            let _ = counted.set(before);
            Ok::<_, Error>(Bytes::new())
        };
        let kept = self.storage.put_stream(key, pieces.chain(futures::stream::once(end))).await;
        let Some(before) = counted.into_inner() else { return kept.map(drop) };
        match kept {
            Ok(bytes) => self.settle(ctx.workspace, key, before, Some(size(bytes)), &[]).await,
            Err(error) => {
                let was = before.map(|before| before.size_bytes);
                self.settle(ctx.workspace, key, before, was, parts).await?;
                Err(error)
            }
        }
    }

    /// Counts the larger of what is there and what is to come. Gives what was there.
    async fn count_in(
        &self,
        ctx: &Ctx,
        key: &str,
        bytes: i64,
        parts: &[Info],
    ) -> Result<Option<Counted>, Error> {
        let mut tx = self.db.begin().await?;
        files::lock(&mut tx, ctx.workspace).await?;
        let before = files::find(&mut tx, key).await?;
        let (was, writers) = before.map_or((0, 0), |before| (before.size_bytes, before.writers));
        let gone =
            if parts.is_empty() { 0 } else { files::delete(&mut tx, ctx.workspace, &keys(parts)).await? };
        let more = (bytes - was).max(0) - gone;
        if more > 0 {
            self.quotas.check(&mut tx, ctx, STORAGE, more).await?;
        }
        let counted =
            Counted { size_bytes: bytes.max(was), writers: writers + 1, written_ms: super::now_ms(ctx) };
        files::put(&mut tx, ctx.workspace, key, counted).await?;
        files::add(&mut tx, ctx.workspace, more).await?;
        tx.commit().await?;
        Ok(before)
    }

    /// Once it is known what became of an upload: the file has this size, or is not there, and these parts are.
    async fn settle(
        &self,
        workspace: WorkspaceId,
        key: &str,
        before: Option<Counted>,
        bytes: Option<i64>,
        parts: &[Info],
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        files::lock(&mut tx, workspace).await?;
        // Where it was deleted meanwhile, nothing counts any more.
        if let Some(now) = files::find(&mut tx, key).await? {
            let is_alone = now.writers <= 1 && before.is_none_or(|before| before.writers == 0);
            match bytes {
                None if is_alone => {
                    files::forget(&mut tx, key).await?;
                    files::add(&mut tx, workspace, -now.size_bytes).await?;
                }
                _ => {
                    let size_bytes = bytes.filter(|_| is_alone).unwrap_or(now.size_bytes);
                    let counted = Counted { size_bytes, writers: (now.writers - 1).max(0), ..now };
                    files::put(&mut tx, workspace, key, counted).await?;
                    files::add(&mut tx, workspace, size_bytes - now.size_bytes).await?;
                }
            }
        }
        for part in parts {
            let counted = Counted { size_bytes: size(part.size_bytes), writers: 0, written_ms: 0 };
            files::put(&mut tx, workspace, &part.key, counted).await?;
            files::add(&mut tx, workspace, counted.size_bytes).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Deletes these files, and counts them no more.
    pub(super) async fn delete_files(&self, workspace: WorkspaceId, files: &[Info]) -> Result<(), Error> {
        for info in files {
            self.storage.delete(&info.key).await?;
        }
        if files.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        files::lock(&mut tx, workspace).await?;
        let gone = files::delete(&mut tx, workspace, &keys(files)).await?;
        files::add(&mut tx, workspace, -gone).await?;
        tx.commit().await?;
        Ok(())
    }

    /// All that is in a folder of keys, or the one file of that name. Gives how many files there were.
    pub(super) async fn delete_folder(&self, workspace: WorkspaceId, folder: &str) -> Result<u64, Error> {
        let below = self.storage.list(folder).await?;
        self.delete_files(workspace, &below).await?;
        if below.is_empty() {
            // A file, or nothing, or a folder without files, which is none to the store.
            match self.storage.info(folder).await {
                Ok(_) => self.storage.delete(folder).await?,
                Err(storage::Error::NotFound(_)) => {}
                Err(error) => return Err(error.into()),
            }
            // What may still be counted of an earlier attempt goes too.
            let mut tx = self.db.begin().await?;
            files::lock(&mut tx, workspace).await?;
            let gone = files::delete_below(&mut tx, workspace, folder).await?;
            files::add(&mut tx, workspace, -gone).await?;
            tx.commit().await?;
        }
        Ok(below.len() as u64)
    }
}

impl Ml {
    /// Asks the store about files whose uploads never came to an end: their process did first.
    pub(super) async fn count_stale(&self, now: Timestamp) -> Result<(), Error> {
        let before_ms = now.as_millisecond() - STALE_AFTER_MS;
        loop {
            let mut tx = self.db.read().await?;
            let stale = files::stale(&mut tx, before_ms, AT_ONCE).await?;
            drop(tx);
            if stale.is_empty() {
                return Ok(());
            }
            for one in stale {
                let bytes = match self.storage.info(&one.key).await {
                    Ok(info) => Some(size(info.size_bytes)),
                    Err(storage::Error::NotFound(_)) => None,
                    Err(error) => return Err(error.into()),
                };
                self.count_again(&one, bytes, before_ms).await?;
            }
        }
    }

    async fn count_again(&self, one: &Stale, bytes: Option<i64>, before_ms: i64) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        files::lock(&mut tx, one.workspace).await?;
        // Somebody may have sent it again meanwhile.
        if let Some(was) = files::find(&mut tx, &one.key).await?.filter(|was| was.written_ms < before_ms) {
            match bytes {
                Some(size_bytes) => {
                    let counted = Counted { size_bytes, writers: 0, ..was };
                    files::put(&mut tx, one.workspace, &one.key, counted).await?;
                }
                None => files::forget(&mut tx, &one.key).await?,
            }
            files::add(&mut tx, one.workspace, bytes.unwrap_or(0) - was.size_bytes).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

fn keys(files: &[Info]) -> Vec<String> {
    files.iter().map(|info| info.key.clone()).collect()
}
