use db::{FromRow, Row, Tx};
use kernel::{Timestamp, WorkspaceId};

use crate::model::{CameraId, Kind, Series, SeriesId, Severity, ZoneId};

fn unreadable(column: &str, value: &str) -> db::Error {
    db::Error::Column {
        column: column.to_owned(),
        source: format!("{value:?} is not one of its values").into(),
    }
}

/// Reads a series from its own row, or from an event's row that it was joined to.
pub(crate) fn read(row: &Row, id: &str) -> db::Result<Series> {
    let (kind, severity): (String, String) = (row.get("kind")?, row.get("severity")?);
    let (zone, zone_name): (String, String) = (row.get("zone_id")?, row.get("zone_name")?);
    let zone: Option<ZoneId> =
        if zone.is_empty() { None } else { Some(zone.parse().map_err(|_| unreadable("zone_id", &zone))?) };
    Ok(Series {
        id: row.get(id)?,
        camera: row.get("camera_id")?,
        camera_name: row.get("camera_name")?,
        zone_name: zone.map(|_| zone_name),
        zone,
        kind: Kind::parse(&kind).ok_or_else(|| unreadable("kind", &kind))?,
        severity: Severity::parse(&severity).ok_or_else(|| unreadable("severity", &severity))?,
        class: row.get("class")?,
    })
}

/// A series and how many events it has.
pub(crate) struct Counted {
    pub(crate) series: Series,
    pub(crate) events: u64,
}

impl FromRow for Counted {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self { series: read(row, "id")?, events: row.get("events")? })
    }
}

pub(crate) async fn list(tx: &mut Tx, workspace: WorkspaceId) -> db::Result<Vec<Counted>> {
    tx.query("SELECT * FROM surveillance_series WHERE workspace_id = $1 ORDER BY id")
        .bind(workspace)
        .all()
        .await
}

/// Notes that people are told of the series now; `false` if they were already since `earlier`.
pub(crate) async fn tell(tx: &mut Tx, id: SeriesId, now: Timestamp, earlier: Timestamp) -> db::Result<bool> {
    tx.query(
        "UPDATE surveillance_series SET told_at = $2 WHERE id = $1 AND (told_at IS NULL OR told_at <= $3)",
    )
    .bind(id)
    .bind(now)
    .bind(earlier)
    .execute()
    .await
    .map(|told| told > 0)
}

/// Counts one more event of the series, which is made if it is new; gives its id.
pub(crate) async fn count_in(tx: &mut Tx, workspace: WorkspaceId, series: &Series) -> db::Result<SeriesId> {
    tx.query(
        "INSERT INTO surveillance_series (id, workspace_id, camera_id, camera_name, zone_id, zone_name, kind, severity, class, events)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)
         ON CONFLICT (workspace_id, camera_id, zone_id, kind, severity, class)
         DO UPDATE SET events = surveillance_series.events + 1, camera_name = excluded.camera_name, zone_name = excluded.zone_name
         RETURNING id AS value",
    )
    .bind(series.id)
    .bind(workspace)
    .bind(series.camera)
    .bind(&series.camera_name)
    .bind(series.zone.map_or(String::new(), |zone| zone.to_string()))
    .bind(series.zone_name.clone().unwrap_or_default())
    .bind(series.kind.name())
    .bind(series.severity.name())
    .bind(&series.class)
    .one()
    .await
}

pub(crate) async fn rename_camera(
    tx: &mut Tx,
    workspace: WorkspaceId,
    camera: CameraId,
    name: &str,
) -> db::Result<()> {
    tx.query("UPDATE surveillance_series SET camera_name = $3 WHERE workspace_id = $1 AND camera_id = $2")
        .bind(workspace)
        .bind(camera)
        .bind(name)
        .execute()
        .await?;
    Ok(())
}

pub(crate) async fn rename_zone(
    tx: &mut Tx,
    workspace: WorkspaceId,
    camera: CameraId,
    zone: ZoneId,
    name: &str,
) -> db::Result<()> {
    tx.query("UPDATE surveillance_series SET zone_name = $4 WHERE workspace_id = $1 AND camera_id = $2 AND zone_id = $3")
        .bind(workspace)
        .bind(camera)
        .bind(zone)
        .bind(name)
        .execute()
        .await?;
    Ok(())
}
