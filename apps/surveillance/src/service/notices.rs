//! What people are told.

use std::time::Duration;

use db::Tx;
use platform::{Level, Notify, Recipients};

use super::Sentinel;
use crate::{
    error::Error,
    events::{ANOMALY, CAMERA_OUTAGE},
    model::{Camera, Event, Kind, Severity},
    runtime::OutageNews,
    store,
};

/// How much an anomaly matters to who is told of it.
fn level(kind: Kind, severity: Severity) -> Level {
    match (kind, severity) {
        (_, Severity::High) => Level::Error,
        (Kind::Intrusion | Kind::Loitering, _) => Level::Warning,
        (Kind::LineCrossing | Kind::Motion, _) => Level::Info,
    }
}

impl Sentinel {
    /// Those who may see events, in the transaction that writes this one. A busy door is told of once in a while.
    pub(super) async fn tell_people(&self, tx: &mut Tx, event: &Event) -> Result<(), Error> {
        let ctx = self.system_ctx("an anomaly started", event.workspace);
        let series = &event.series;
        let earlier = super::earlier(ctx.now, Duration::from_secs(self.config.anomaly_notice_s));
        if !store::series::tell(tx, series.id, ctx.now, earlier).await? {
            return Ok(());
        }
        let to = Recipients::Permission("surveillance.events.read".to_owned());
        let notify = Notify::new(to, ANOMALY)
            .level(level(series.kind, series.severity))
            .link(format!("/surveillance/events/{}", event.id))
            .param("kind", series.kind.name())
            .param("camera", series.camera_name.as_str())
            .param("zone", series.zone_name.as_deref().unwrap_or_default());
        self.jobs.enqueue(tx, &ctx, notify).await?;
        Ok(())
    }

    /// A camera that was down for `surveillance.down_notice_s`, and one that came back after that.
    pub(crate) async fn tell_outage(&self, camera: &Camera, news: OutageNews) -> Result<(), Error> {
        let ctx = self.system_ctx("a camera is down", camera.workspace);
        let (level, since, is_back) = match news {
            OutageNews::Down { since } => (Level::Warning, since, false),
            OutageNews::Back { since } => (Level::Success, since, true),
        };
        let minutes = ctx.now.duration_since(since).as_mins().max(1);
        let to = Recipients::Permission("surveillance.cameras.read".to_owned());
        let notify = Notify::new(to, CAMERA_OUTAGE)
            .level(level)
            .link(format!("/surveillance/cameras/{}", camera.id))
            .param("camera", camera.name())
            .param("minutes", minutes)
            .param("back", is_back);
        let mut tx = self.db.begin().await?;
        self.jobs.enqueue(&mut tx, &ctx, notify).await?;
        tx.commit().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_decides_how_loud_it_is() {
        let check =
            |kind, severity, expected| assert_eq!(level(kind, severity), expected, "{kind:?} {severity:?}");
        check(Kind::Intrusion, Severity::Medium, Level::Warning);
        check(Kind::Intrusion, Severity::High, Level::Error);
        check(Kind::Motion, Severity::Low, Level::Info);
        check(Kind::LineCrossing, Severity::High, Level::Error);
    }
}
