//! Lists of runs and experiments.

use std::collections::HashMap;

use db::Tx;
use kernel::Allow;

use super::{Ml, experiments, page_size, runs};
use crate::{
    error::Error,
    model::{
        Columns, Experiment, Lifecycle, Page, Place, Run,
        filter::{Dialect, Entity, Order, parse, parse_order},
    },
    permissions::ReadRuns,
    store::{
        self,
        pairs::EXPERIMENT_TAGS,
        search::{Found, Phase, RunSearch},
    },
};

/// A list that somebody asks for.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(crate) filter: String,
    pub(crate) order_by: Vec<String>,
    pub(crate) max_results: Option<i64>,
    pub(crate) page_token: Option<String>,
}

impl Query {
    /// The page that the token stands for, bound to this query and to what else makes up the list.
    pub(super) fn page(&self, dialect: Dialect, more: &[&str]) -> Result<Option<Page>, Error> {
        match self.page_token.as_deref().filter(|token| !token.is_empty()) {
            Some(token) => Page::parse(&self.bound(dialect, more), token).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn token(&self, dialect: Dialect, more: &[&str], places: Vec<Place>) -> String {
        Page::token(&self.bound(dialect, more), places)
    }

    fn bound<'q>(&'q self, dialect: Dialect, more: &[&'q str]) -> Vec<&'q str> {
        let kind = match dialect {
            Dialect::Runs => "runs",
            Dialect::Experiments => "experiments",
            Dialect::RegisteredModels => "models",
            Dialect::ModelVersions => "versions",
            Dialect::LoggedModels => "logged",
            Dialect::Traces => "traces",
            Dialect::EvaluationSets => "evaluation",
        };
        let mut bound = vec![kind, &self.filter];
        bound.extend(self.order_by.iter().map(String::as_str));
        bound.push("");
        bound.extend(more);
        bound
    }
}

#[derive(Debug, Default)]
pub(crate) struct RunQuery {
    pub(crate) query: Query,
    pub(crate) experiment_ids: Vec<String>,
    pub(crate) lifecycle: Lifecycle,
    /// What is given of each run; none for everything.
    pub(crate) columns: Option<Columns>,
}

/// Experiments of one search at most.
const EXPERIMENTS_MAX: usize = 5_000;

impl Ml {
    /// A page of runs, and the token of the next.
    pub(crate) async fn search_runs(
        &self,
        allow: &Allow<ReadRuns>,
        asked: &RunQuery,
    ) -> Result<(Vec<Run>, Option<String>), Error> {
        let RunQuery { query, experiment_ids, lifecycle, columns } = asked;
        let limit = page_size(query.max_results, 1_000, 50_000)?;
        let clauses = parse(Dialect::Runs, &query.filter)?;
        let orders = parse_order(Dialect::Runs, &query.order_by)?;
        if experiment_ids.len() > EXPERIMENTS_MAX {
            return Err(Error::invalid(format!("A search may name {EXPERIMENTS_MAX} experiments at most.")));
        }
        let numbers =
            experiment_ids.iter().map(|id| experiments::number(id)).collect::<Result<Vec<_>, _>>()?;
        let lifecycle_text = format!("{lifecycle:?}");
        let more: Vec<_> =
            experiment_ids.iter().map(String::as_str).chain([lifecycle_text.as_str()]).collect();
        let page = query.page(Dialect::Runs, &more)?;

        let mut tx = self.db.read().await?;
        let known = store::experiments::list(&mut tx, allow.workspace, &numbers).await?;
        if known.is_empty() {
            return Ok((Vec::new(), None));
        }
        let rows: Vec<i64> = known.iter().map(|experiment| experiment.id).collect();
        let search =
            RunSearch { experiments: &rows, lifecycle: *lifecycle, clauses: &clauses, orders: &orders };
        let mut found = Vec::new();
        let wanted = limit + 1;
        for phase in phases(&orders, rows.len(), page.as_ref()) {
            let left = wanted - i64::try_from(found.len()).unwrap_or(wanted);
            if left <= 0 {
                break;
            }
            // Only the part in which the page ended goes on from there; later ones begin where they begin.
            let after = page.as_ref().filter(|page| is_of(page, phase));
            found.extend(store::search::runs(&mut tx, &search, phase, after, left).await?);
        }
        let size = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut has_more = found.len() > size;
        found.truncate(size);
        let (read, runs) = self.read_page(&mut tx, &found, columns.as_ref()).await?;
        has_more |= read < found.len();
        found.truncate(read);
        let token = found
            .last()
            .filter(|_| has_more)
            .map(|last| query.token(Dialect::Runs, &more, last.places.clone()));
        Ok((runs, token))
    }

    /// A page of experiments, and the token of the next.
    pub(crate) async fn search_experiments(
        &self,
        allow: &Allow<ReadRuns>,
        query: &Query,
        lifecycle: Lifecycle,
    ) -> Result<(Vec<Experiment>, Option<String>), Error> {
        let limit = page_size(query.max_results, 0, 50_000)?;
        let clauses = parse(Dialect::Experiments, &query.filter)?;
        let orders = parse_order(Dialect::Experiments, &query.order_by)?;
        let lifecycle_text = format!("{lifecycle:?}");
        let more = [lifecycle_text.as_str()];
        let page = query.page(Dialect::Experiments, &more)?;
        let mut tx = self.db.read().await?;
        let mut found = store::search::experiments(
            &mut tx,
            allow.workspace,
            lifecycle,
            &clauses,
            &orders,
            page.as_ref(),
            limit + 1,
        )
        .await?;
        let size = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = found.len() > size;
        found.truncate(size);
        let token = found
            .last()
            .filter(|_| has_more)
            .map(|last| query.token(Dialect::Experiments, &more, last.places.clone()));
        let ids: Vec<i64> = found.iter().map(|one| one.id).collect();
        let mut tags = store::pairs::list_of(&mut tx, EXPERIMENT_TAGS, &ids).await?;
        let mut by_id: HashMap<i64, Experiment> = store::experiments::list_rows(&mut tx, &ids)
            .await?
            .into_iter()
            .map(|experiment| (experiment.id, experiment))
            .collect();
        let experiments = ids.iter().filter_map(|id| {
            let mut experiment = by_id.remove(id)?;
            experiment.tags = tags.remove(id).unwrap_or_default();
            Some(experiment)
        });
        Ok((experiments.collect(), token))
    }
}

/// Runs that are read at once. How wide they are shows with the first: narrow ones are read in larger portions.
const AT_ONCE: usize = 64;
const NARROW_AT_ONCE: usize = 256;

impl Ml {
    /// How many of the runs that were found have their place on the page, and these: all, unless they are very wide.
    async fn read_page(
        &self,
        tx: &mut Tx,
        found: &[Found],
        columns: Option<&Columns>,
    ) -> Result<(usize, Vec<Run>), Error> {
        let cells_max = self.config.page_cells_max as usize;
        let mut runs: Vec<Run> = Vec::with_capacity(found.len());
        let (mut at, mut cells, mut portion) = (0, 0, AT_ONCE);
        while at < found.len() && cells < cells_max {
            let some = &found[at..found.len().min(at + portion)];
            at += some.len();
            let ids: Vec<i64> = some.iter().map(|one| one.id).collect();
            let mut infos: HashMap<i64, _> =
                store::runs::list_rows(tx, &ids).await?.into_iter().map(|info| (info.id, info)).collect();
            let infos = ids.iter().filter_map(|id| infos.remove(id)).collect();
            let read = runs::complete(tx, infos, columns).await?;
            cells +=
                read.iter().map(|run| run.metrics.len() + run.params.len() + run.tags.len()).sum::<usize>();
            runs.extend(read);
            portion = if cells / at * NARROW_AT_ONCE < cells_max / 4 { NARROW_AT_ONCE } else { AT_ONCE };
        }
        Ok((at, runs))
    }
}

/// The parts in which to read, from where the page ended.
fn phases(orders: &[Order], experiments: usize, page: Option<&Page>) -> Vec<Phase> {
    let by_metric = orders.first().is_some_and(|order| order.entity == Entity::Metric);
    if !by_metric || experiments != 1 {
        return vec![Phase::All];
    }
    let all = vec![Phase::Numbers, Phase::NaN, Phase::None];
    match page.and_then(|page| page.places.first()) {
        Some(Place::Absent(1)) => all[1..].to_vec(),
        Some(Place::Absent(_)) => all[2..].to_vec(),
        _ => all,
    }
}

/// Whether the page ended in this part.
fn is_of(page: &Page, phase: Phase) -> bool {
    match (phase, page.places.first()) {
        (Phase::All, _) => true,
        (Phase::Numbers, first) => !matches!(first, Some(Place::Absent(_))),
        (Phase::NaN, first) => matches!(first, Some(Place::Absent(1))),
        (Phase::None, first) => matches!(first, Some(Place::Absent(rank)) if *rank != 1),
    }
}
