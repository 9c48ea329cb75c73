//! Events by hour, day and span of days. Statistics are sums over these rows and never read events.

use db::{FromRow, Row, Tx};
use kernel::{Timestamp, WorkspaceId};

use crate::model::SeriesId;

pub(crate) const HOUR_S: i64 = 3_600;
pub(crate) const DAY_S: i64 = 86_400;
const SPAN_S: i64 = 32 * DAY_S;

/// Bucket lengths by name, the longest first; each is a whole number of the next.
pub(crate) const GRAINS: [(&str, i64); 3] = [("span", SPAN_S), ("day", DAY_S), ("hour", HOUR_S)];

/// The start of the bucket that holds `at`, in seconds.
pub(crate) fn bucket(at: Timestamp, grain_s: i64) -> i64 {
    at.as_second().div_euclid(grain_s) * grain_s
}

/// Adds an event, or an acknowledgement, to the buckets in which the event started.
pub(crate) async fn add(
    tx: &mut Tx,
    workspace: WorkspaceId,
    series: SeriesId,
    started_at: Timestamp,
    events: i64,
    acknowledged: i64,
) -> db::Result<()> {
    for (grain, grain_s) in GRAINS {
        tx.query(
            "INSERT INTO surveillance_counts (workspace_id, grain, bucket, series_id, events, acknowledged)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (workspace_id, grain, bucket, series_id) DO UPDATE SET
             events = surveillance_counts.events + excluded.events,
             acknowledged = surveillance_counts.acknowledged + excluded.acknowledged",
        )
        .bind(workspace)
        .bind(grain)
        .bind(bucket(started_at, grain_s))
        .bind(series)
        .bind(events)
        .bind(acknowledged)
        .execute()
        .await?;
    }
    if events == 0 {
        return Ok(());
    }
    for (grain, grain_s) in [("hour", HOUR_S), ("day", DAY_S)] {
        tx.query(
            "INSERT INTO surveillance_totals (workspace_id, grain, bucket, events) VALUES ($1, $2, $3, $4)
             ON CONFLICT (workspace_id, grain, bucket) DO UPDATE SET
             events = surveillance_totals.events + excluded.events",
        )
        .bind(workspace)
        .bind(grain)
        .bind(bucket(started_at, grain_s))
        .bind(events)
        .execute()
        .await?;
    }
    Ok(())
}

/// A sum over buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BySeries {
    pub(crate) series: SeriesId,
    pub(crate) events: u64,
    pub(crate) acknowledged: u64,
}

impl FromRow for BySeries {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            series: row.get("series_id")?,
            events: row.get("events")?,
            acknowledged: row.get("acknowledged")?,
        })
    }
}

/// Events by series in the buckets of one grain from `from` up to but without `to`, in seconds.
pub(crate) async fn by_series(
    tx: &mut Tx,
    workspace: WorkspaceId,
    grain: &str,
    from: i64,
    to: i64,
) -> db::Result<Vec<BySeries>> {
    tx.query(
        "SELECT series_id, CAST(SUM(events) AS BIGINT) AS events, CAST(SUM(acknowledged) AS BIGINT) AS acknowledged
         FROM surveillance_counts WHERE workspace_id = $1 AND grain = $2 AND bucket >= $3 AND bucket < $4
         GROUP BY series_id",
    )
    .bind(workspace)
    .bind(grain)
    .bind(from)
    .bind(to)
    .all()
    .await
}

/// How many events started in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByBucket {
    pub(crate) bucket_s: i64,
    pub(crate) events: u64,
}

impl FromRow for ByBucket {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self { bucket_s: row.get("bucket")?, events: row.get("events")? })
    }
}

/// Events by bucket, oldest first; buckets without any are left out.
pub(crate) async fn by_bucket(
    tx: &mut Tx,
    workspace: WorkspaceId,
    grain: &str,
    from: i64,
    to: i64,
) -> db::Result<Vec<ByBucket>> {
    tx.query(
        "SELECT bucket, events FROM surveillance_totals
         WHERE workspace_id = $1 AND grain = $2 AND bucket >= $3 AND bucket < $4 ORDER BY bucket",
    )
    .bind(workspace)
    .bind(grain)
    .bind(from)
    .bind(to)
    .all()
    .await
}
