//! What was deleted goes for good: first the rows, with a note of the files, then the files, then the note.

use db::{FromRow, Row, Tx};
use kernel::WorkspaceId;

/// Something that may go: its row, whose it is, and where its files are.
pub(crate) struct Due {
    pub(crate) id: i64,
    pub(crate) workspace: WorkspaceId,
    pub(crate) artifact_uri: String,
}

impl FromRow for Due {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            workspace: row.get("workspace_id")?,
            artifact_uri: row.get("artifact_uri")?,
        })
    }
}

/// What may be deleted for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Runs,
    LoggedModels,
    /// Once nothing is in them any more.
    Experiments,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Runs, Self::LoggedModels, Self::Experiments];

    fn table(self) -> &'static str {
        match self {
            Self::Runs => "ml_runs",
            Self::LoggedModels => "ml_logged_models",
            Self::Experiments => "ml_experiments",
        }
    }
}

/// Those that were deleted up to `before_ms`, of one workspace or of all, `limit` at most.
pub(crate) async fn due(
    tx: &mut Tx,
    kind: Kind,
    workspace: Option<WorkspaceId>,
    before_ms: i64,
    limit: i64,
) -> db::Result<Vec<Due>> {
    let sql = match kind {
        Kind::Runs => {
            "SELECT id, workspace_id, artifact_uri FROM ml_runs
             WHERE deleted_ms <= $1 AND ($2 = '' OR workspace_id = $2) ORDER BY id LIMIT $3"
        }
        // Those of an experiment that was deleted go with it.
        Kind::LoggedModels => {
            "SELECT l.id, l.workspace_id, l.artifact_location AS artifact_uri FROM ml_logged_models l
             JOIN ml_experiments e ON e.id = l.experiment
             WHERE (l.deleted_ms <= $1 OR e.deleted_ms <= $1) AND ($2 = '' OR l.workspace_id = $2) ORDER BY l.id LIMIT $3"
        }
        Kind::Experiments => {
            "SELECT e.id, e.workspace_id, e.artifact_location AS artifact_uri FROM ml_experiments e
             WHERE e.deleted_ms <= $1 AND ($2 = '' OR e.workspace_id = $2) AND e.number > 0
             AND NOT EXISTS (SELECT 1 FROM ml_runs r WHERE r.experiment = e.id)
             AND NOT EXISTS (SELECT 1 FROM ml_logged_models l WHERE l.experiment = e.id) ORDER BY e.id LIMIT $3"
        }
    };
    let workspace = workspace.map_or_else(String::new, |workspace| workspace.to_string());
    tx.query(sql).bind(before_ms).bind(workspace).bind(limit).all().await
}

/// Whether it went: somebody may have brought it back meanwhile.
pub(crate) async fn delete(tx: &mut Tx, kind: Kind, due: &Due, before_ms: i64) -> db::Result<bool> {
    let still = match kind {
        Kind::LoggedModels => {
            "(deleted_ms <= $2 OR experiment IN (SELECT e.id FROM ml_experiments e WHERE e.deleted_ms <= $2))"
        }
        Kind::Runs | Kind::Experiments => "deleted_ms <= $2",
    };
    let sql = format!("DELETE FROM {} WHERE id = $1 AND {still}", kind.table());
    let gone = tx.query_built(sql).bind(due.id).bind(before_ms).execute().await? > 0;
    if gone {
        tx.query("INSERT INTO ml_purges (workspace_id, artifact_uri) VALUES ($1, $2)")
            .bind(due.workspace)
            .bind(&due.artifact_uri)
            .execute()
            .await?;
    }
    Ok(gone)
}

/// Notes of files that are to go.
pub(crate) async fn notes(tx: &mut Tx, limit: i64) -> db::Result<Vec<Due>> {
    tx.query("SELECT id, workspace_id, artifact_uri FROM ml_purges ORDER BY id LIMIT $1")
        .bind(limit)
        .all()
        .await
}

pub(crate) async fn delete_note(tx: &mut Tx, id: i64) -> db::Result<()> {
    tx.query("DELETE FROM ml_purges WHERE id = $1").bind(id).execute().await?;
    Ok(())
}
