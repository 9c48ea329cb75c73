//! Traces: what programs did, step by step.

use std::collections::{BTreeMap, HashSet};

use db::Tx;
use kernel::{Allow, Ctx, Timestamp};
use serde_json::json;

use super::{Ml, Query, experiments, now_ms, page_size, registry, runs};
use crate::{
    error::Error,
    model::{
        Pair, RUN_TAG, check_tag,
        filter::{Dialect, parse, parse_order},
        join_uri,
        trace::{
            self, LOCATION_TAG, SPANS_HERE, SPANS_TAG, Span, TOLD_KEY, Trace, check_trace_id,
            check_trace_pair,
        },
    },
    permissions::{ReadRuns, WriteRuns},
    store::{
        self,
        pairs::{Present, TRACE_METADATA, TRACE_TAGS},
        traces::Arrived,
    },
};

/// Traces of one call at most.
const LINKS_MAX: usize = 100;
const IDS_MAX: usize = 1_000;
const LINKS_AT_ONCE: i64 = 1_000;
/// A link waits for its trace for a day.
const LINKS_WAIT_MS: i64 = 24 * 60 * 60 * 1_000;

/// Which traces somebody asks for.
#[derive(Debug, Default)]
pub(crate) struct TraceQuery {
    pub(crate) query: Query,
    /// Numbers, as texts.
    pub(crate) experiment_ids: Vec<String>,
}

pub(super) fn not_found(trace_id: &str) -> Error {
    let shown: String = trace_id.chars().take(100).collect();
    Error::not_found(format!("Trace with ID '{shown}' not found."))
}

/// A trace that nobody else changes until the transaction ends.
pub(super) async fn lock(tx: &mut Tx, ctx: &Ctx, trace_id: &str) -> Result<Trace, Error> {
    check_trace_id(trace_id)?;
    store::traces::lock(tx, ctx.workspace, trace_id).await?.ok_or_else(|| not_found(trace_id))
}

impl Ml {
    /// What a program says of a trace, before or after its spans came.
    pub(crate) async fn tell_trace(
        &self,
        allow: &Allow<WriteRuns>,
        experiment_id: &str,
        mut told: Trace,
    ) -> Result<Trace, Error> {
        check_trace_id(&told.trace_id)?;
        for (what, pairs) in [("tag", &mut told.tags), ("metadata", &mut told.metadata)] {
            for pair in pairs.iter_mut() {
                check_trace_pair(what, pair)?;
            }
        }
        told.tags.retain(|tag| tag.key != SPANS_TAG && tag.key != LOCATION_TAG);
        told.metadata.retain(|pair| pair.key != TOLD_KEY);
        // Not of clients before MLflow 3, which tell again at the end.
        if told.is_told {
            told.metadata.push(Pair { key: TOLD_KEY.to_owned(), value: "true".to_owned() });
        }
        told.is_told = true;
        let mut tx = self.db.begin().await?;
        let experiment = experiments::get(&mut tx, allow, experiment_id).await?;
        experiment.check_active()?;
        told.experiment = experiment.id;
        let location = join_uri(&experiment.artifact_location, &["traces", &told.trace_id, "artifacts"]);
        told.tags.push(Pair { key: LOCATION_TAG.to_owned(), value: location });
        let inserted = store::traces::insert(&mut tx, allow.workspace, &told).await?;
        match inserted {
            Some(id) => told.id = id,
            None => {
                let there = lock(&mut tx, allow, &told.trace_id).await?;
                told.id = there.id;
                told.request_preview = told.request_preview.or(there.request_preview);
                told.response_preview = told.response_preview.or(there.response_preview);
                store::traces::update(&mut tx, &told).await?;
            }
        }
        store::pairs::put(&mut tx, TRACE_TAGS, told.id, 0, &told.tags, Present::Overwritten).await?;
        store::pairs::put(&mut tx, TRACE_METADATA, told.id, 0, &told.metadata, Present::Overwritten).await?;
        store::traces::put_assessments(&mut tx, told.id, &told.assessments).await?;
        let found = store::traces::list_rows(&mut tx, &[told.id]).await?.pop();
        tx.commit().await?;
        if inserted.is_some() {
            self.settle_links(allow, &[&told.trace_id]).await?;
        }
        found.ok_or_else(|| not_found(&told.trace_id))
    }

    /// As clients before MLflow 3 say that a trace has ended.
    pub(crate) async fn end_trace(
        &self,
        allow: &Allow<WriteRuns>,
        trace_id: &str,
        end_ms: i64,
        state: &str,
        mut metadata: Vec<Pair>,
        mut tags: Vec<Pair>,
    ) -> Result<Trace, Error> {
        for (what, pairs) in [("tag", &mut tags), ("metadata", &mut metadata)] {
            for pair in pairs.iter_mut() {
                check_trace_pair(what, pair)?;
            }
        }
        tags.retain(|tag| tag.key != SPANS_TAG && tag.key != LOCATION_TAG);
        let mut tx = self.db.begin().await?;
        let mut trace = lock(&mut tx, allow, trace_id).await?;
        trace.duration_ms = Some(end_ms.saturating_sub(trace.request_ms));
        state.clone_into(&mut trace.state);
        store::traces::update(&mut tx, &trace).await?;
        store::pairs::put(&mut tx, TRACE_TAGS, trace.id, 0, &tags, Present::Overwritten).await?;
        store::pairs::put(&mut tx, TRACE_METADATA, trace.id, 0, &metadata, Present::Overwritten).await?;
        let found = store::traces::list_rows(&mut tx, &[trace.id]).await?.pop();
        tx.commit().await?;
        found.ok_or_else(|| not_found(trace_id))
    }

    /// Spans as they come, of any traces; a trace that is not there yet is made from what they tell of it.
    pub(crate) async fn log_spans(
        &self,
        allow: &Allow<WriteRuns>,
        experiment_id: &str,
        run_id: Option<&str>,
        spans: &[Span],
    ) -> Result<(), Error> {
        let mut by_trace: BTreeMap<&str, Vec<&Span>> = BTreeMap::new();
        for span in spans {
            check_trace_id(&span.trace_id)?;
            by_trace.entry(&span.trace_id).or_default().push(span);
        }
        let mut tx = self.db.begin().await?;
        let experiment = experiments::get(&mut tx, allow, experiment_id).await?;
        experiment.check_active()?;
        // Spans that name a run that is not there are worth keeping all the same.
        let run_id = match run_id {
            Some(run_id) => match runs::get(&mut tx, allow, run_id).await {
                Err(Error::NotFound(_) | Error::Invalid(_)) => {
                    tracing::warn!("spans name a run that is not there");
                    None
                }
                found => found.map(|_| Some(run_id))?,
            },
            None => None,
        };
        let (mut links, mut made) = (Vec::new(), Vec::new());
        for (trace_id, spans) in by_trace {
            let mut told = trace::told_by_spans(trace_id, &spans);
            told.experiment = experiment.id;
            let mut tags = std::mem::take(&mut told.tags);
            let metadata = std::mem::take(&mut told.metadata);
            let id = match store::traces::insert(&mut tx, allow.workspace, &told).await? {
                Some(id) => {
                    let location =
                        join_uri(&experiment.artifact_location, &["traces", trace_id, "artifacts"]);
                    tags.push(Pair { key: LOCATION_TAG.to_owned(), value: location });
                    made.push(trace_id);
                    id
                }
                None => {
                    let there = lock(&mut tx, allow, trace_id).await?;
                    add_to(&mut tx, &there, &told).await?;
                    there.id
                }
            };
            // The name that somebody gave counts more.
            store::pairs::put(&mut tx, TRACE_TAGS, id, 0, &tags, Present::Kept).await?;
            store::pairs::put(&mut tx, TRACE_METADATA, id, 0, &metadata, Present::Kept).await?;
            let here = Pair { key: SPANS_TAG.to_owned(), value: SPANS_HERE.to_owned() };
            store::pairs::put(&mut tx, TRACE_TAGS, id, 0, &[here], Present::Overwritten).await?;
            store::traces::put_spans(&mut tx, id, &spans).await?;
            links.extend(run_id.map(|run_id| (id, run_id.to_owned())));
        }
        store::traces::link(&mut tx, &links, "run").await?;
        tx.commit().await?;
        self.settle_links(allow, &made).await
    }

    /// Those of these that are there, each with its spans where they are asked for.
    pub(crate) async fn get_traces(
        &self,
        allow: &Allow<ReadRuns>,
        trace_ids: &[String],
        with_spans: bool,
    ) -> Result<Vec<(Trace, Vec<String>)>, Error> {
        if trace_ids.len() > IDS_MAX {
            return Err(Error::invalid(format!("A call may name {IDS_MAX} traces at most.")));
        }
        for trace_id in trace_ids {
            check_trace_id(trace_id)?;
        }
        let ids: Vec<_> = trace_ids.iter().map(String::as_str).collect();
        let mut tx = self.db.read().await?;
        let traces = store::traces::list(&mut tx, allow.workspace, &ids).await?;
        let rows: Vec<i64> = traces.iter().map(|trace| trace.id).collect();
        let mut spans =
            if with_spans { store::traces::spans_of(&mut tx, &rows).await? } else { Default::default() };
        Ok(traces
            .into_iter()
            .map(|trace| {
                let spans = spans.remove(&trace.id).unwrap_or_default();
                (trace, spans)
            })
            .collect())
    }

    pub(crate) async fn get_trace(
        &self,
        allow: &Allow<ReadRuns>,
        trace_id: &str,
        with_spans: bool,
    ) -> Result<(Trace, Vec<String>), Error> {
        let found = self.get_traces(allow, &[trace_id.to_owned()], with_spans).await?.pop();
        found.ok_or_else(|| not_found(trace_id))
    }

    /// A page of traces without their spans, and the token of the next.
    pub(crate) async fn search_traces(
        &self,
        allow: &Allow<ReadRuns>,
        asked: &TraceQuery,
    ) -> Result<(Vec<Trace>, Option<String>), Error> {
        let TraceQuery { query, experiment_ids } = asked;
        let limit = page_size(query.max_results, 100, 500)?;
        let clauses = parse(Dialect::Traces, &query.filter)?;
        let orders = parse_order(Dialect::Traces, &query.order_by)?;
        let numbers =
            experiment_ids.iter().map(|id| experiments::number(id)).collect::<Result<Vec<_>, _>>()?;
        if numbers.is_empty() || numbers.len() > IDS_MAX {
            return Err(Error::invalid(format!(
                "At least one and at most {IDS_MAX} locations are needed to search traces."
            )));
        }
        let more: Vec<_> = experiment_ids.iter().map(String::as_str).collect();
        let page = query.page(Dialect::Traces, &more)?;
        let mut tx = self.db.read().await?;
        let known = store::experiments::list(&mut tx, allow.workspace, &numbers).await?;
        let rows: Vec<i64> = known.iter().map(|experiment| experiment.id).collect();
        if rows.is_empty() {
            return Ok((Vec::new(), None));
        }
        let found = store::search::traces(
            &mut tx,
            allow.workspace,
            &rows,
            &clauses,
            &orders,
            page.as_ref(),
            limit + 1,
        )
        .await?;
        let (ids, places) = registry::split(found.into_iter().map(|one| (one.id, one.places)), limit);
        let token = places.map(|places| query.token(Dialect::Traces, &more, places));
        Ok((store::traces::list_rows(&mut tx, &ids).await?, token))
    }

    pub(crate) async fn set_trace_tag(
        &self,
        allow: &Allow<WriteRuns>,
        trace_id: &str,
        mut tag: Pair,
    ) -> Result<(), Error> {
        check_tag("", RUN_TAG, &mut tag)?;
        if tag.key == SPANS_TAG {
            return Err(Error::invalid(format!("The tag '{SPANS_TAG}' is immutable.")));
        }
        let mut tx = self.db.begin().await?;
        let trace = lock(&mut tx, allow, trace_id).await?;
        store::pairs::put(&mut tx, TRACE_TAGS, trace.id, 0, &[tag], Present::Overwritten).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(crate) async fn delete_trace_tag(
        &self,
        allow: &Allow<WriteRuns>,
        trace_id: &str,
        key: &str,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let trace = lock(&mut tx, allow, trace_id).await?;
        if key == SPANS_TAG || !store::pairs::delete(&mut tx, TRACE_TAGS, trace.id, key).await? {
            return Err(Error::not_found(format!(
                "No trace tag with key '{key}' for trace with ID '{trace_id}'"
            )));
        }
        tx.commit().await?;
        Ok(())
    }

    /// By their ids, or all up to a time, so many of them at most, the oldest first. Gives how many.
    pub(crate) async fn delete_traces(
        &self,
        allow: &Allow<WriteRuns>,
        experiment_id: &str,
        trace_ids: &[String],
        max_ms: Option<i64>,
        max: Option<i64>,
    ) -> Result<u64, Error> {
        if trace_ids.is_empty() == max_ms.is_none() {
            return Err(Error::invalid(
                "Either `max_timestamp_millis` or `request_ids` must be specified, but not both.",
            ));
        }
        if max.is_some_and(|max| max <= 0) || (max.is_some() && !trace_ids.is_empty()) {
            return Err(Error::invalid(
                "`max_traces` must be a positive integer, and goes with `max_timestamp_millis`.",
            ));
        }
        if trace_ids.len() > IDS_MAX {
            return Err(Error::invalid(format!("A call may name {IDS_MAX} traces at most.")));
        }
        for trace_id in trace_ids {
            check_trace_id(trace_id)?;
        }
        let mut tx = self.db.begin().await?;
        let experiment = experiments::get(&mut tx, allow, experiment_id).await?;
        let deleted = store::traces::delete(&mut tx, experiment.id, trace_ids, max_ms, max).await?;
        self.record(&mut tx, allow, "ml.traces-deleted", experiment_id, json!({ "count": deleted })).await?;
        tx.commit().await?;
        Ok(deleted)
    }

    /// Those that are not there yet are linked when they come: clients send traces in the background.
    pub(crate) async fn link_traces_to_run(
        &self,
        allow: &Allow<WriteRuns>,
        trace_ids: &[String],
        run_id: &str,
    ) -> Result<(), Error> {
        if trace_ids.len() > LINKS_MAX {
            return Err(Error::invalid(format!(
                "Cannot link more than {LINKS_MAX} traces to a run in a single request. Provided {} traces.",
                trace_ids.len()
            )));
        }
        for trace_id in trace_ids {
            check_trace_id(trace_id)?;
        }
        let ids: Vec<_> = trace_ids.iter().map(String::as_str).collect();
        let mut tx = self.db.begin().await?;
        runs::get(&mut tx, allow, run_id).await?;
        let traces = store::traces::list(&mut tx, allow.workspace, &ids).await?;
        let links: Vec<_> = traces.iter().map(|trace| (trace.id, run_id.to_owned())).collect();
        store::traces::link(&mut tx, &links, "run").await?;
        let there: HashSet<&str> = traces.iter().map(|trace| trace.trace_id.as_str()).collect();
        let to_come: Vec<_> = ids.into_iter().filter(|id| !there.contains(id)).collect();
        store::traces::link_later(&mut tx, allow.workspace, &to_come, run_id, now_ms(allow)).await?;
        tx.commit().await?;
        self.settle_links(allow, &to_come).await
    }

    /// Links these traces, if they are here, to the runs that wait for them. Called after the commit of a link that waits,
    /// and after that of a trace: the later of the two sees the other.
    async fn settle_links(&self, ctx: &Ctx, trace_ids: &[&str]) -> Result<(), Error> {
        if trace_ids.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.read().await?;
        let arrived = store::traces::arrived(&mut tx, ctx.workspace, trace_ids).await?;
        drop(tx);
        self.link_arrived(&arrived).await
    }

    async fn link_arrived(&self, arrived: &[Arrived]) -> Result<(), Error> {
        if arrived.is_empty() {
            return Ok(());
        }
        let links: Vec<_> = arrived.iter().map(|one| (one.trace, one.run_id.clone())).collect();
        let mut tx = self.db.begin().await?;
        match store::traces::link(&mut tx, &links, "run").await {
            // One of them was deleted meanwhile. The next purge links the others.
            Err(db::Error::Constraint { .. }) => return Ok(()),
            linked => linked?,
        }
        for one in arrived {
            store::traces::delete_waiting_link(&mut tx, one).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// What a crash left unlinked, and links to traces that never came.
    pub(crate) async fn purge_waiting_links(&self, now: Timestamp) -> Result<(), Error> {
        loop {
            let mut tx = self.db.read().await?;
            let arrived = store::traces::all_arrived(&mut tx, LINKS_AT_ONCE).await?;
            drop(tx);
            if arrived.is_empty() {
                break;
            }
            self.link_arrived(&arrived).await?;
        }
        let mut tx = self.db.begin().await?;
        store::traces::delete_waiting_links_before(&mut tx, now.as_millisecond() - LINKS_WAIT_MS).await?;
        tx.commit().await?;
        Ok(())
    }

    /// `prompts`: names with versions.
    pub(crate) async fn link_prompts_to_trace(
        &self,
        allow: &Allow<WriteRuns>,
        trace_id: &str,
        prompts: &[(String, String)],
    ) -> Result<(), Error> {
        if prompts.len() > LINKS_MAX || prompts.iter().any(|(name, version)| name.len() + version.len() > 600)
        {
            return Err(Error::invalid(format!("A call may link {LINKS_MAX} prompts at most.")));
        }
        let mut tx = self.db.begin().await?;
        let trace = lock(&mut tx, allow, trace_id).await?;
        let links: Vec<_> =
            prompts.iter().map(|(name, version)| (trace.id, format!("{name}/{version}"))).collect();
        store::traces::link(&mut tx, &links, "prompt").await?;
        tx.commit().await?;
        Ok(())
    }
}

/// More spans came: what the program itself told of the trace stays, the rest follows the spans.
async fn add_to(tx: &mut Tx, there: &Trace, more: &Trace) -> Result<(), Error> {
    if there.is_told {
        return Ok(());
    }
    let mut both = there.clone();
    let end = |trace: &Trace| trace.duration_ms.map(|duration| trace.request_ms + duration);
    let end = end(there).max(end(more));
    both.request_ms = there.request_ms.min(more.request_ms);
    both.duration_ms = end.map(|end| end - both.request_ms);
    if more.state != "IN_PROGRESS" && matches!(there.state.as_str(), "IN_PROGRESS" | "STATE_UNSPECIFIED") {
        both.state.clone_from(&more.state);
    }
    both.request_preview = more.request_preview.clone().or(both.request_preview);
    both.response_preview = more.response_preview.clone().or(both.response_preview);
    store::traces::update(tx, &both).await?;
    Ok(())
}
