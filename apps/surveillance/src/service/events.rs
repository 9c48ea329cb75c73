use kernel::{Allow, Ctx};
use web::Feed;

use super::Sentinel;
use crate::{
    error::Error,
    events::{EVENT_UPDATED, of_event},
    model::{Event, EventFilter, EventId, EventPosition, SeriesId},
    permissions::{AcknowledgeEvents, ReadEvents},
    store::{
        self,
        events::{Stretch, list_all, list_merging, list_walking},
        series::Counted,
    },
};

/// Series that one statement merges; SQLite joins at most 500 selects.
const MERGED_MAX: usize = 200;
/// Many series that hold more than this part (one in so many) of all events are found faster by time.
const DENSE: u64 = 20;

impl Sentinel {
    /// The newest events that fit, from `after` on.
    pub(crate) async fn list_events(
        &self,
        allow: &Allow<ReadEvents>,
        filter: &EventFilter,
        after: Option<EventPosition>,
        limit: usize,
    ) -> Result<Feed<Event>, Error> {
        let events = self.page_of_events(allow, filter, after, limit + 1).await?;
        Ok(Feed::new(events, limit, EventPosition::of))
    }

    /// How a page stays fast with ten million events: filters choose series (a few hundred at most). No filter: the
    /// time index. Series: the newest of each, merged. Very many series that hold a good part of everything: the time
    /// index again, since every few rows one fits.
    pub(crate) async fn page_of_events(
        &self,
        ctx: &Ctx,
        filter: &EventFilter,
        after: Option<EventPosition>,
        limit: usize,
    ) -> Result<Vec<Event>, Error> {
        let mut tx = self.db.read().await?;
        let stretch = Stretch {
            acknowledged: filter.acknowledged,
            from: filter.from,
            to: filter.to,
            after,
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
        };
        if !filter.chooses_series() {
            return Ok(list_all(&mut tx, ctx.workspace, &stretch).await?);
        }
        let all = store::series::list(&mut tx, ctx.workspace).await?;
        let chosen: Vec<&Counted> = all.iter().filter(|counted| filter.fits(&counted.series)).collect();
        if chosen.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<SeriesId> = chosen.iter().map(|counted| counted.series.id).collect();
        let sum = |counted: &mut dyn Iterator<Item = u64>| counted.sum::<u64>();
        let (those, whole) =
            (sum(&mut chosen.iter().map(|c| c.events)), sum(&mut all.iter().map(|c| c.events)));
        if ids.len() > MERGED_MAX && those > whole / DENSE {
            return Ok(list_walking(&mut tx, ctx.workspace, &ids, &stretch).await?);
        }
        let mut found = Vec::new();
        for some in ids.chunks(MERGED_MAX) {
            found.extend(list_merging(&mut tx, ctx.workspace, some, &stretch).await?);
        }
        if ids.len() > MERGED_MAX {
            found.sort_by_key(|event| std::cmp::Reverse((event.started_at, event.id)));
            found.truncate(limit);
        }
        Ok(found)
    }

    pub(crate) async fn get_event(&self, allow: &Allow<ReadEvents>, id: EventId) -> Result<Event, Error> {
        let mut tx = self.db.read().await?;
        store::events::find(&mut tx, allow.workspace, id).await?.ok_or(Error::EventNotFound(id))
    }

    /// Doing it twice changes nothing: the first comment stays.
    pub(crate) async fn acknowledge_event(
        &self,
        allow: &Allow<AcknowledgeEvents>,
        id: EventId,
        comment: Option<&str>,
    ) -> Result<Event, Error> {
        let mut tx = self.db.begin().await?;
        let event =
            store::events::find(&mut tx, allow.workspace, id).await?.ok_or(Error::EventNotFound(id))?;
        self.acknowledge_in(&mut tx, allow, &event, comment).await?;
        let event =
            store::events::find(&mut tx, allow.workspace, id).await?.ok_or(Error::EventNotFound(id))?;
        tx.commit().await?;
        self.forget_stats(allow.workspace).await;
        Ok(event)
    }

    /// How many of them were not acknowledged before. Ids that name nothing here are passed over.
    pub(crate) async fn acknowledge_events(
        &self,
        allow: &Allow<AcknowledgeEvents>,
        ids: &[EventId],
        comment: Option<&str>,
    ) -> Result<u64, Error> {
        let mut tx = self.db.begin().await?;
        let mut done = 0;
        for id in ids {
            if let Some(event) = store::events::find(&mut tx, allow.workspace, *id).await? {
                done += u64::from(self.acknowledge_in(&mut tx, allow, &event, comment).await?);
            }
        }
        tx.commit().await?;
        self.forget_stats(allow.workspace).await;
        Ok(done)
    }

    async fn acknowledge_in(
        &self,
        tx: &mut db::Tx,
        ctx: &Ctx,
        event: &Event,
        comment: Option<&str>,
    ) -> Result<bool, Error> {
        let by = ctx.actor.user().ok_or(Error::NotAPerson)?;
        let comment = comment.map(str::trim).filter(|text| !text.is_empty());
        if !store::events::acknowledge(tx, ctx.workspace, event.id, by, ctx.now, comment).await? {
            return Ok(false);
        }
        store::counts::add(tx, ctx.workspace, event.series.id, event.started_at, 0, 1).await?;
        let acknowledged =
            crate::model::Acknowledged { at: ctx.now, by, comment: comment.map(str::to_owned) };
        let event = Event { acknowledged: Some(acknowledged), ..event.clone() };
        self.events.publish(tx, &of_event(EVENT_UPDATED, &event)).await?;
        Ok(true)
    }
}
