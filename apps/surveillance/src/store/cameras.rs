use db::{FromRow, Json, Row, Tx, soft_delete::Trash};
use kernel::{Timestamp, WorkspaceId};

use crate::model::{Camera, CameraDraft, CameraId, Record, Source, SourceKind, Transport};

/// Removed cameras, until they are purged.
pub(crate) const TRASH: Trash = Trash::of("surveillance_cameras");

impl FromRow for Camera {
    fn from_row(row: &Row) -> db::Result<Self> {
        let kind: String = row.get("source_kind")?;
        let transport: String = row.get("source_transport")?;
        let record: String = row.get("record")?;
        let url: String = row.get("source_url")?;
        let unreadable = |column: &str, value: &str| db::Error::Column {
            column: column.to_owned(),
            source: format!("{value:?} is not one of its values").into(),
        };
        let kind = SourceKind::parse(&kind).ok_or_else(|| unreadable("source_kind", &kind))?;
        let transport =
            Transport::parse(&transport).ok_or_else(|| unreadable("source_transport", &transport))?;
        let record = Record::parse(&record).ok_or_else(|| unreadable("record", &record))?;
        let source =
            Source::new(kind, &url, row.get("source_loop")?, row.get("source_real_time")?, transport)
                .map_err(|_| unreadable("source_url", "***"))?;
        let Json(detection) = row.get("detection")?;
        let Json(zones) = row.get("zones")?;
        Ok(Self {
            id: row.get("id")?,
            workspace: row.get("workspace_id")?,
            draft: CameraDraft {
                name: row.get("name")?,
                source,
                fps: row.get("fps")?,
                width: row.get("width")?,
                height: row.get("height")?,
                enabled: row.get("enabled")?,
                record,
                detection,
            },
            zones,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            deleted_at: row.get("deleted_at")?,
        })
    }
}

pub(crate) async fn find(tx: &mut Tx, workspace: WorkspaceId, id: CameraId) -> db::Result<Option<Camera>> {
    tx.query("SELECT * FROM surveillance_cameras WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL")
        .bind(workspace)
        .bind(id)
        .optional()
        .await
}

pub(crate) async fn list(
    tx: &mut Tx,
    workspace: WorkspaceId,
    limit: i64,
    offset: i64,
) -> db::Result<Vec<Camera>> {
    tx.query(
        "SELECT * FROM surveillance_cameras WHERE workspace_id = $1 AND deleted_at IS NULL
         ORDER BY name, id LIMIT $2 OFFSET $3",
    )
    .bind(workspace)
    .bind(limit)
    .bind(offset)
    .all()
    .await
}

pub(crate) async fn count(tx: &mut Tx, workspace: WorkspaceId) -> db::Result<u64> {
    tx.query(
        "SELECT COUNT(*) AS value FROM surveillance_cameras WHERE workspace_id = $1 AND deleted_at IS NULL",
    )
    .bind(workspace)
    .one()
    .await
}

/// Those of all workspaces: what the camera role runs.
pub(crate) async fn list_enabled(tx: &mut Tx) -> db::Result<Vec<Camera>> {
    tx.query("SELECT * FROM surveillance_cameras WHERE enabled = $1 AND deleted_at IS NULL ORDER BY id")
        .bind(true)
        .all()
        .await
}

pub(crate) async fn insert(tx: &mut Tx, camera: &Camera) -> db::Result<()> {
    let draft = &camera.draft;
    tx.query(
        "INSERT INTO surveillance_cameras (id, workspace_id, name, source_kind, source_url, source_loop,
         source_real_time, source_transport, fps, width, height, enabled, record, detection, zones, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .bind(camera.id)
    .bind(camera.workspace)
    .bind(&draft.name)
    .bind(draft.source.kind.name())
    .bind(draft.source.expose_url())
    .bind(draft.source.repeat)
    .bind(draft.source.real_time)
    .bind(draft.source.transport.name())
    .bind(draft.fps)
    .bind(draft.width)
    .bind(draft.height)
    .bind(draft.enabled)
    .bind(draft.record.name())
    .bind(Json(&draft.detection))
    .bind(Json(&camera.zones))
    .bind(camera.created_at)
    .bind(camera.updated_at)
    .execute()
    .await?;
    Ok(())
}

pub(crate) async fn update(tx: &mut Tx, camera: &Camera) -> db::Result<()> {
    let draft = &camera.draft;
    tx.query(
        "UPDATE surveillance_cameras SET name = $3, source_kind = $4, source_url = $5, source_loop = $6,
         source_real_time = $7, source_transport = $8, fps = $9, width = $10, height = $11, enabled = $12, record = $13,
         detection = $14, zones = $15, updated_at = $16 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL",
    )
    .bind(camera.workspace)
    .bind(camera.id)
    .bind(&draft.name)
    .bind(draft.source.kind.name())
    .bind(draft.source.expose_url())
    .bind(draft.source.repeat)
    .bind(draft.source.real_time)
    .bind(draft.source.transport.name())
    .bind(draft.fps)
    .bind(draft.width)
    .bind(draft.height)
    .bind(draft.enabled)
    .bind(draft.record.name())
    .bind(Json(&draft.detection))
    .bind(Json(&camera.zones))
    .bind(camera.updated_at)
    .execute()
    .await?;
    Ok(())
}

/// Those that were removed and not purged yet, the last first.
pub(crate) async fn list_deleted(
    tx: &mut Tx,
    workspace: WorkspaceId,
    limit: i64,
    offset: i64,
) -> db::Result<Vec<Camera>> {
    tx.query(
        "SELECT * FROM surveillance_cameras WHERE workspace_id = $1 AND deleted_at IS NOT NULL
         ORDER BY deleted_at DESC, id LIMIT $2 OFFSET $3",
    )
    .bind(workspace)
    .bind(limit)
    .bind(offset)
    .all()
    .await
}

pub(crate) async fn count_deleted(tx: &mut Tx, workspace: WorkspaceId) -> db::Result<u64> {
    tx.query("SELECT COUNT(*) AS value FROM surveillance_cameras WHERE workspace_id = $1 AND deleted_at IS NOT NULL")
        .bind(workspace)
        .one()
        .await
}

/// When any camera or model was last changed and how many there are: another process may have done it.
pub(crate) async fn fingerprint(tx: &mut Tx) -> db::Result<(u64, Option<Timestamp>, u64)> {
    struct Found(u64, Option<Timestamp>, u64);
    impl FromRow for Found {
        fn from_row(row: &Row) -> db::Result<Self> {
            Ok(Self(row.get("cameras")?, row.get("changed")?, row.get("models")?))
        }
    }
    let found: Found = tx
        .query(
            "SELECT (SELECT COUNT(*) FROM surveillance_cameras WHERE deleted_at IS NULL) AS cameras,
                    (SELECT MAX(updated_at) FROM surveillance_cameras) AS changed,
                    (SELECT COUNT(*) FROM surveillance_models WHERE active = $1) AS models",
        )
        .bind(true)
        .one()
        .await?;
    Ok((found.0, found.1, found.2))
}
