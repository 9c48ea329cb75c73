//! Deleting for good.

use std::collections::BTreeMap;

use kernel::{Ctx, Timestamp, WorkspaceId};
use serde_json::{Value, json};

use super::Ml;
use crate::{
    error::Error,
    model::ArtifactPath,
    store::{self, purges::Kind},
};

/// How much went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Purged {
    pub(crate) runs: u64,
    pub(crate) logged_models: u64,
    pub(crate) experiments: u64,
    pub(crate) files: u64,
}

impl Purged {
    fn count(&mut self, kind: Kind) -> &mut u64 {
        match kind {
            Kind::Runs => &mut self.runs,
            Kind::LoggedModels => &mut self.logged_models,
            Kind::Experiments => &mut self.experiments,
        }
    }

    pub(crate) fn shown(&self) -> Value {
        json!({
            "runs": self.runs,
            "logged_models": self.logged_models,
            "experiments": self.experiments,
            "files": self.files,
        })
    }
}

/// Rows in one transaction at most: one run may have millions of points.
const AT_ONCE: i64 = 20;

impl Ml {
    /// What was deleted longer ago than `ml.deleted_keep_days`; nothing where that is 0.
    pub(crate) async fn purge_old(&self, now: Timestamp) -> Result<Purged, Error> {
        self.purge_parts(now).await?;
        self.count_stale(now).await?;
        self.purge_messages(now).await?;
        self.purge_waiting_links(now).await?;
        match self.config.deleted_keep_days {
            0 => Ok(Purged::default()),
            days => self.purge(None, now, now.as_millisecond() - i64::from(days) * 86_400_000).await,
        }
    }

    /// Runs, logged models and experiments that were deleted up to `before_ms`, with their artifacts. What is interrupted
    /// goes on with the next call.
    pub(crate) async fn purge(
        &self,
        workspace: Option<WorkspaceId>,
        now: Timestamp,
        before_ms: i64,
    ) -> Result<Purged, Error> {
        let mut purged = Purged::default();
        for kind in Kind::ALL {
            loop {
                let mut tx = self.db.begin().await?;
                let due = store::purges::due(&mut tx, kind, workspace, before_ms, AT_ONCE).await?;
                let mut gone: BTreeMap<WorkspaceId, Vec<&str>> = BTreeMap::new();
                for one in &due {
                    if store::purges::delete(&mut tx, kind, one, before_ms).await? {
                        *purged.count(kind) += 1;
                        gone.entry(one.workspace).or_default().push(&one.artifact_uri);
                    }
                }
                for (workspace, uris) in gone {
                    let ctx = Ctx::system("ml.purge", workspace, now);
                    let detail = json!({ "kind": format!("{kind:?}"), "artifacts": uris });
                    self.record(&mut tx, &ctx, "ml.purged", "", detail).await?;
                }
                tx.commit().await?;
                if due.is_empty() {
                    break;
                }
            }
        }
        purged.files = self.purge_files().await?;
        Ok(purged)
    }

    async fn purge_files(&self) -> Result<u64, Error> {
        let mut files = 0;
        loop {
            let mut tx = self.db.read().await?;
            let notes = store::purges::notes(&mut tx, AT_ONCE).await?;
            drop(tx);
            if notes.is_empty() {
                return Ok(files);
            }
            for note in notes {
                // Another store's files are not ours to delete.
                if let Some(Ok(path)) = ArtifactPath::of_uri(&note.artifact_uri)
                    && !path.is_root()
                {
                    files += self.delete_folder(note.workspace, &path.key(note.workspace)).await?;
                }
                let mut tx = self.db.begin().await?;
                store::purges::delete_note(&mut tx, note.id).await?;
                tx.commit().await?;
            }
        }
    }
}
