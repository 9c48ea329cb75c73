use db::{FromRow, Json, Row, Tx, Value};
use kernel::{Timestamp, UserId, WorkspaceId};

use super::series;
use crate::model::{
    Acknowledged, CameraId, ClipState, Event, EventId, EventPosition, EventState, Evidence, SeriesId,
};

impl FromRow for Event {
    fn from_row(row: &Row) -> db::Result<Self> {
        let (state, clip): (String, String) = (row.get("state")?, row.get("clip_state")?);
        let unreadable = |column: &str, value: &str| db::Error::Column {
            column: column.to_owned(),
            source: format!("{value:?} is not one of its values").into(),
        };
        let at: Option<Timestamp> = row.get("acknowledged_at")?;
        let by: Option<UserId> = row.get("acknowledged_by")?;
        let Json(track_ids) = row.get("track_ids")?;
        let Json(evidence): Json<Evidence> = row.get("evidence")?;
        Ok(Self {
            id: row.get("id")?,
            workspace: row.get("workspace_id")?,
            series: series::read(row, "series_id")?,
            confidence: row.get("confidence")?,
            state: EventState::parse(&state).ok_or_else(|| unreadable("state", &state))?,
            started_at: row.get("started_at")?,
            last_seen_at: row.get("last_seen_at")?,
            ended_at: row.get("ended_at")?,
            track_ids,
            acknowledged: match (at, by) {
                (Some(at), Some(by)) => {
                    Some(Acknowledged { at, by, comment: row.get("acknowledged_comment")? })
                }
                _ => None,
            },
            snapshot_at: row.get("snapshot_at")?,
            clip_state: ClipState::parse(&clip).ok_or_else(|| unreadable("clip_state", &clip))?,
            evidence,
        })
    }
}

/// An event with its series' columns. The series' own id and camera are the event's too.
const COLUMNS: &str = "e.*, s.camera_name, s.zone_id, s.zone_name, s.kind, s.severity, s.class";

pub(crate) async fn find(tx: &mut Tx, workspace: WorkspaceId, id: EventId) -> db::Result<Option<Event>> {
    tx.query_built(format!(
        "SELECT {COLUMNS} FROM surveillance_events e JOIN surveillance_series s ON s.id = e.series_id
         WHERE e.workspace_id = $1 AND e.id = $2"
    ))
    .bind(workspace)
    .bind(id)
    .optional()
    .await
}

pub(crate) async fn insert(tx: &mut Tx, event: &Event) -> db::Result<()> {
    tx.query(
        "INSERT INTO surveillance_events (id, workspace_id, series_id, camera_id, confidence, state, started_at,
         last_seen_at, ended_at, track_ids, snapshot_at, clip_state, evidence)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(event.id)
    .bind(event.workspace)
    .bind(event.series.id)
    .bind(event.series.camera)
    .bind(event.confidence)
    .bind(event.state.name())
    .bind(event.started_at)
    .bind(event.last_seen_at)
    .bind(event.ended_at)
    .bind(Json(&event.track_ids))
    .bind(event.snapshot_at)
    .bind(event.clip_state.name())
    .bind(Json(&event.evidence))
    .execute()
    .await?;
    Ok(())
}

/// What the engine learned since: all but what people and clips write.
pub(crate) async fn update(tx: &mut Tx, event: &Event) -> db::Result<()> {
    tx.query(
        "UPDATE surveillance_events SET confidence = $3, state = $4, last_seen_at = $5, ended_at = $6, track_ids = $7,
         evidence = $8 WHERE workspace_id = $1 AND id = $2",
    )
    .bind(event.workspace)
    .bind(event.id)
    .bind(event.confidence)
    .bind(event.state.name())
    .bind(event.last_seen_at)
    .bind(event.ended_at)
    .bind(Json(&event.track_ids))
    .bind(Json(&event.evidence))
    .execute()
    .await?;
    Ok(())
}

pub(crate) async fn set_snapshot(
    tx: &mut Tx,
    workspace: WorkspaceId,
    id: EventId,
    at: Timestamp,
) -> db::Result<()> {
    tx.query("UPDATE surveillance_events SET snapshot_at = $3 WHERE workspace_id = $1 AND id = $2")
        .bind(workspace)
        .bind(id)
        .bind(at)
        .execute()
        .await?;
    Ok(())
}

/// Whether it was `recording` until now: a clip is decided once.
pub(crate) async fn settle_clip(
    tx: &mut Tx,
    workspace: WorkspaceId,
    id: EventId,
    state: ClipState,
) -> db::Result<bool> {
    let changed = tx
        .query(
            "UPDATE surveillance_events SET clip_state = $3
             WHERE workspace_id = $1 AND id = $2 AND clip_state = 'recording'",
        )
        .bind(workspace)
        .bind(id)
        .bind(state.name())
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Whether nobody had acknowledged it before.
pub(crate) async fn acknowledge(
    tx: &mut Tx,
    workspace: WorkspaceId,
    id: EventId,
    by: UserId,
    at: Timestamp,
    comment: Option<&str>,
) -> db::Result<bool> {
    let changed = tx
        .query(
            "UPDATE surveillance_events SET acknowledged_at = $3, acknowledged_by = $4, acknowledged_comment = $5
             WHERE workspace_id = $1 AND id = $2 AND acknowledged_at IS NULL",
        )
        .bind(workspace)
        .bind(id)
        .bind(at)
        .bind(by)
        .bind(comment.map(str::to_owned))
        .execute()
        .await?;
    Ok(changed > 0)
}

pub(crate) async fn count_active(tx: &mut Tx, workspace: WorkspaceId) -> db::Result<u64> {
    tx.query("SELECT COUNT(*) AS value FROM surveillance_events WHERE workspace_id = $1 AND state = 'active'")
        .bind(workspace)
        .one()
        .await
}

/// Events of all workspaces that a crash, or the end of their camera, left active.
pub(crate) async fn list_active(tx: &mut Tx, camera: Option<CameraId>) -> db::Result<Vec<Event>> {
    let one = if camera.is_some() { " AND e.camera_id = $1" } else { "" };
    let query = tx.query_built(format!(
        "SELECT {COLUMNS} FROM surveillance_events e JOIN surveillance_series s ON s.id = e.series_id
         WHERE e.state = 'active'{one} ORDER BY e.started_at"
    ));
    match camera {
        Some(camera) => query.bind(camera).all().await,
        None => query.all().await,
    }
}

/// Events whose clip is still to be made, oldest first: of one camera, or of all.
pub(crate) async fn list_recording(tx: &mut Tx, camera: Option<CameraId>) -> db::Result<Vec<Event>> {
    let one = if camera.is_some() { " AND e.camera_id = $1" } else { "" };
    let query = tx.query_built(format!(
        "SELECT {COLUMNS} FROM surveillance_events e JOIN surveillance_series s ON s.id = e.series_id
         WHERE e.clip_state = 'recording'{one} ORDER BY e.started_at"
    ));
    match camera {
        Some(camera) => query.bind(camera).all().await,
        None => query.all().await,
    }
}

/// A stretch of the feed, newest first.
pub(crate) struct Stretch {
    pub(crate) acknowledged: Option<bool>,
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
    pub(crate) after: Option<EventPosition>,
    pub(crate) limit: i64,
}

impl Stretch {
    /// The conditions on time and acknowledgement, numbered on from the values that are bound already.
    fn conditions(&self, values: &mut Vec<Value>) -> String {
        let mut sql = String::new();
        match self.acknowledged {
            Some(true) => sql += " AND acknowledged_at IS NOT NULL",
            Some(false) => sql += " AND acknowledged_at IS NULL",
            None => {}
        }
        let mut bind = |value: Value| {
            values.push(value);
            values.len()
        };
        if let Some(from) = self.from {
            sql += &format!(" AND started_at >= ${}", bind(from.into()));
        }
        if let Some(to) = self.to {
            sql += &format!(" AND started_at < ${}", bind(to.into()));
        }
        if let Some(after) = self.after {
            let at = bind(after.started_us.into());
            let id = bind(after.id.into());
            sql += &format!(" AND (started_at, id) < (${at}, ${id})");
        }
        sql
    }
}

/// By time alone: one walk down the time index.
pub(crate) async fn list_all(
    tx: &mut Tx,
    workspace: WorkspaceId,
    stretch: &Stretch,
) -> db::Result<Vec<Event>> {
    list_walking(tx, workspace, &[], stretch).await
}

/// Down the time index, keeping what is of these series: for series that hold much of all there is.
pub(crate) async fn list_walking(
    tx: &mut Tx,
    workspace: WorkspaceId,
    of: &[SeriesId],
    stretch: &Stretch,
) -> db::Result<Vec<Event>> {
    let mut values: Vec<Value> = vec![workspace.into()];
    let mut conditions = stretch.conditions(&mut values);
    if !of.is_empty() {
        let places: Vec<String> = of
            .iter()
            .map(|id| {
                values.push((*id).into());
                format!("${}", values.len())
            })
            .collect();
        // The plus keeps SQLite from leaving the time index for the series index; PostgreSQL takes text too.
        conditions += &format!(" AND series_id || '' IN ({})", places.join(", "));
    }
    values.push(stretch.limit.into());
    let limit = values.len();
    let sql = format!(
        "SELECT {COLUMNS} FROM (SELECT * FROM surveillance_events WHERE workspace_id = $1{conditions}
         ORDER BY started_at DESC, id DESC LIMIT ${limit}) e JOIN surveillance_series s ON s.id = e.series_id
         ORDER BY e.started_at DESC, e.id DESC"
    );
    tx.query_built(sql).bind_all(values).all().await
}

/// The newest of each series, merged: each arm is one short walk down the series index.
pub(crate) async fn list_merging(
    tx: &mut Tx,
    workspace: WorkspaceId,
    of: &[SeriesId],
    stretch: &Stretch,
) -> db::Result<Vec<Event>> {
    let mut values: Vec<Value> = vec![workspace.into()];
    let conditions = stretch.conditions(&mut values);
    values.push(stretch.limit.into());
    let limit = values.len();
    let arms: Vec<String> = of
        .iter()
        .map(|id| {
            values.push((*id).into());
            let series = values.len();
            format!(
                "SELECT * FROM (SELECT id, started_at FROM surveillance_events WHERE series_id = ${series}{conditions}
                 ORDER BY started_at DESC, id DESC LIMIT ${limit}) arm{series}"
            )
        })
        .collect();
    let sql = format!(
        "SELECT {COLUMNS} FROM (SELECT id FROM ({}) merged ORDER BY started_at DESC, id DESC LIMIT ${limit}) found
         JOIN surveillance_events e ON e.id = found.id JOIN surveillance_series s ON s.id = e.series_id
         WHERE e.workspace_id = $1 ORDER BY e.started_at DESC, e.id DESC",
        arms.join(" UNION ALL ")
    );
    tx.query_built(sql).bind_all(values).all().await
}
