use std::{collections::BTreeMap, time::Duration};

use kernel::{Allow, Timestamp, WorkspaceId};
use serde::{Deserialize, Serialize};

use super::Sentinel;
use crate::{
    error::Error,
    model::{CameraId, CameraState, Kind},
    permissions::ReadEvents,
    store::{
        self,
        counts::{self, ByBucket, DAY_S, HOUR_S, bucket},
    },
};

/// Figures of a stretch of time.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stats {
    pub(crate) cameras: u64,
    pub(crate) cameras_online: u64,
    pub(crate) events: u64,
    pub(crate) unacknowledged: u64,
    /// Now, whatever the stretch.
    pub(crate) active: u64,
    pub(crate) by_kind: BTreeMap<Kind, u64>,
    /// Most events first.
    pub(crate) by_camera: Vec<(CameraId, String, u64)>,
    pub(crate) by_hour: Vec<(Timestamp, u64)>,
    pub(crate) by_day: Vec<(Timestamp, u64)>,
}

/// Hours are told for stretches up to this long; longer ones by the day alone.
const HOURS_MAX_S: i64 = 31 * DAY_S;
const DEFAULT: Duration = Duration::from_secs(7 * 86_400);

impl Sentinel {
    /// Whole hours: `from` is moved back to its hour, `to` on to the next. Without them: the last seven days.
    ///
    /// Kept until something that they show changes. Read from counters: spans of days, days and hours, so that a year
    /// costs about a hundred rows for each series.
    pub(crate) async fn stats(
        &self,
        allow: &Allow<ReadEvents>,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<Stats, Error> {
        let to = to.unwrap_or(allow.now);
        let from = from.unwrap_or_else(|| super::earlier(to, DEFAULT));
        let from_s = bucket(from, HOUR_S);
        let to_s = to.as_second().saturating_add(HOUR_S - 1).div_euclid(HOUR_S).saturating_mul(HOUR_S);
        let hours = format!("{from_s}-{to_s}");
        let read = || self.read_stats(allow.workspace, from_s, to_s);
        let stats = self.stats_cache.get(allow.workspace, &hours, read).await?;
        Ok(Stats { cameras_online: self.fleet.count(allow.workspace, CameraState::Online), ..stats })
    }

    /// Something that statistics show has changed. To be called after the commit.
    pub(super) async fn forget_stats(&self, workspace: WorkspaceId) {
        self.stats_cache.clear(workspace).await;
    }

    /// From hour to hour, in seconds; all but the cameras that are online.
    async fn read_stats(&self, workspace: WorkspaceId, from_s: i64, to_s: i64) -> Result<Stats, Error> {
        let mut stats = Stats::default();
        let mut tx = self.db.read().await?;
        stats.cameras = store::cameras::count(&mut tx, workspace).await?;
        stats.active = store::events::count_active(&mut tx, workspace).await?;
        if from_s >= to_s {
            return Ok(stats);
        }
        let series: BTreeMap<_, _> = store::series::list(&mut tx, workspace)
            .await?
            .into_iter()
            .map(|counted| (counted.series.id, counted.series))
            .collect();
        let mut by_camera: BTreeMap<CameraId, (String, u64)> = BTreeMap::new();
        for (grain, begin, end) in spans(from_s, to_s) {
            for sum in counts::by_series(&mut tx, workspace, grain, begin, end).await? {
                let Some(series) = series.get(&sum.series) else { continue };
                stats.events += sum.events;
                stats.unacknowledged += sum.events.saturating_sub(sum.acknowledged);
                *stats.by_kind.entry(series.kind).or_default() += sum.events;
                by_camera.entry(series.camera).or_insert_with(|| (series.camera_name.clone(), 0)).1 +=
                    sum.events;
            }
        }
        stats.by_camera = by_camera.into_iter().map(|(id, (name, count))| (id, name, count)).collect();
        stats.by_camera.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.1.cmp(&b.1)));
        if to_s - from_s <= HOURS_MAX_S {
            let hours = counts::by_bucket(&mut tx, workspace, "hour", from_s, to_s).await?;
            stats.by_day = sum_days(&hours);
            stats.by_hour = hours.iter().map(at).collect();
        } else {
            let from_day = from_s.div_euclid(DAY_S) * DAY_S;
            stats.by_day =
                counts::by_bucket(&mut tx, workspace, "day", from_day, to_s).await?.iter().map(at).collect();
        }
        Ok(stats)
    }
}

fn at(bucket: &ByBucket) -> (Timestamp, u64) {
    (Timestamp::from_second(bucket.bucket_s).unwrap_or_default(), bucket.events)
}

fn sum_days(hours: &[ByBucket]) -> Vec<(Timestamp, u64)> {
    let mut days: BTreeMap<i64, u64> = BTreeMap::new();
    for hour in hours {
        *days.entry(hour.bucket_s.div_euclid(DAY_S) * DAY_S).or_default() += hour.events;
    }
    days.into_iter().map(|(bucket_s, events)| at(&ByBucket { bucket_s, events })).collect()
}

/// `from..to` (whole hours) in as few buckets as there are: the longest in the middle, shorter ones towards both ends.
fn spans(from: i64, to: i64) -> Vec<(&'static str, i64, i64)> {
    let mut found = Vec::new();
    cover(from, to, &counts::GRAINS, &mut found);
    found
}

fn cover(from: i64, to: i64, grains: &[(&'static str, i64)], found: &mut Vec<(&'static str, i64, i64)>) {
    let Some(((grain, length), shorter)) = grains.split_first() else { return };
    let first = from.saturating_add(length - 1).div_euclid(*length).saturating_mul(*length);
    let last = to.div_euclid(*length) * length;
    if first < last {
        cover(from, first, shorter, found);
        found.push((grain, first, last));
        cover(last, to, shorter, found);
    } else if from < to {
        cover(from, to, shorter, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_cover_every_hour_once() {
        let check = |from: i64, to: i64, expected: &[(&str, i64, i64)]| {
            let hours: Vec<_> =
                expected.iter().map(|(grain, a, b)| (*grain, a * HOUR_S, b * HOUR_S)).collect();
            assert_eq!(spans(from * HOUR_S, to * HOUR_S), hours);
        };
        check(0, 24, &[("day", 0, 24)]);
        check(1, 23, &[("hour", 1, 23)]);
        check(1, 30, &[("hour", 1, 30)]);
        check(1, 50, &[("hour", 1, 24), ("day", 24, 48), ("hour", 48, 50)]);
        check(24, 72, &[("day", 24, 72)]);
        check(
            767,
            1600,
            &[("hour", 767, 768), ("span", 768, 1536), ("day", 1536, 1584), ("hour", 1584, 1600)],
        );
        check(-5, 24, &[("hour", -5, 0), ("day", 0, 24)]);
    }
}
