use db::Tx;
use kernel::{Allow, Ctx};
use serde_json::json;

use super::{Ml, Query, experiments, now_ms, page_size, runs::fresh_id};
use crate::{
    error::Error,
    model::{
        LoggedModel, LoggedStatus, Pair, Place, RUN_TAG, check_param, check_tag,
        filter::{Dialect, Entity, Order, parse, parse_order},
        join_uri, random_name,
    },
    permissions::{ReadRuns, WriteRuns},
    store::{
        self,
        pairs::{LOGGED_PARAMS, LOGGED_TAGS, Present},
        search::{LoggedOrder, LoggedSearch},
    },
};

/// What a new logged model is made of.
#[derive(Debug, Default)]
pub(crate) struct NewLogged {
    pub(crate) experiment_id: String,
    pub(crate) name: Option<String>,
    pub(crate) model_type: Option<String>,
    pub(crate) source_run_id: Option<String>,
    pub(crate) params: Vec<Pair>,
    pub(crate) tags: Vec<Pair>,
}

/// A dataset's name, and its digest where only that one counts.
pub(crate) type Dataset = (String, Option<String>);

/// A list of logged models that somebody asks for. `orders`: name, direction and, of a metric, the dataset.
#[derive(Debug, Default)]
pub(crate) struct LoggedQuery {
    pub(crate) query: Query,
    pub(crate) experiment_ids: Vec<String>,
    pub(crate) datasets: Vec<Dataset>,
    pub(crate) orders: Vec<(String, bool, Option<Dataset>)>,
}

pub(super) async fn get(tx: &mut Tx, ctx: &Ctx, model_id: &str) -> Result<LoggedModel, Error> {
    let unknown = || Error::not_found(format!("Logged model with ID '{model_id}' not found."));
    if model_id.contains('\0') {
        return Err(unknown());
    }
    store::logged::find(tx, ctx.workspace, model_id, false).await?.ok_or_else(unknown)
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.trim().is_empty()
        || name.contains(['/', ':', '.', '%', '"', '\'', '\0'])
        || name.chars().count() > 500
    {
        return Err(Error::invalid(format!(
            "Invalid model name ({name}) provided. Model name must be a non-empty string and cannot contain the following \
             characters: ('/', ':', '.', '%', '\"', \"'\")"
        )));
    }
    Ok(())
}

fn check_pairs(params: &mut [Pair], tags: &mut [Pair]) -> Result<(), Error> {
    for (at, param) in params.iter_mut().enumerate() {
        check_param(&format!("params[{at}]"), param)?;
    }
    for (at, tag) in tags.iter_mut().enumerate() {
        check_tag(&format!("tags[{at}]"), RUN_TAG, tag)?;
    }
    Ok(())
}

impl Ml {
    pub(crate) async fn create_logged_model(
        &self,
        allow: &Allow<WriteRuns>,
        new: NewLogged,
    ) -> Result<LoggedModel, Error> {
        let NewLogged { experiment_id, name, model_type, source_run_id, mut params, mut tags } = new;
        let name = name.filter(|name| !name.is_empty());
        if let Some(name) = &name {
            check_name(name)?;
        }
        check_pairs(&mut params, &mut tags)?;
        for text in [&model_type, &source_run_id].into_iter().flatten() {
            if text.contains('\0') || text.chars().count() > 500 {
                return Err(Error::invalid("'model_type' exceeds the maximum length of 500 characters"));
            }
        }
        let mut tx = self.db.begin().await?;
        let experiment = experiments::get(&mut tx, allow, &experiment_id).await?;
        experiment.check_active()?;
        let model_id = format!("m-{}", fresh_id());
        let now = now_ms(allow);
        let mut model = LoggedModel {
            id: 0,
            experiment: experiment.id,
            number: experiment.number,
            name: name.unwrap_or_else(|| random_name(&mut rand::rng())),
            artifact_location: join_uri(&experiment.artifact_location, &["models", &model_id, "artifacts"]),
            status: LoggedStatus::Pending.name().to_owned(),
            status_message: None,
            model_type,
            source_run_id,
            created_ms: now,
            updated_ms: now,
            params,
            tags,
            metrics: Vec::new(),
            registrations: Vec::new(),
            model_id,
        };
        model.id = store::logged::insert(&mut tx, allow.workspace, &model).await?;
        let (id, of) = (model.id, model.experiment);
        store::pairs::put(&mut tx, LOGGED_PARAMS, id, of, &model.params, Present::Overwritten).await?;
        store::pairs::put(&mut tx, LOGGED_TAGS, id, of, &model.tags, Present::Overwritten).await?;
        tx.commit().await?;
        Ok(model)
    }

    pub(crate) async fn get_logged_model(
        &self,
        allow: &Allow<ReadRuns>,
        model_id: &str,
        with_deleted: bool,
    ) -> Result<LoggedModel, Error> {
        let mut tx = self.db.read().await?;
        if with_deleted
            && let Some(model) = store::logged::find(&mut tx, allow.workspace, model_id, true).await?
        {
            return Ok(model);
        }
        get(&mut tx, allow, model_id).await
    }

    pub(crate) async fn finalize_logged_model(
        &self,
        allow: &Allow<WriteRuns>,
        model_id: &str,
        status: LoggedStatus,
    ) -> Result<LoggedModel, Error> {
        let mut tx = self.db.begin().await?;
        let model = get(&mut tx, allow, model_id).await?;
        store::logged::set_status(&mut tx, model.id, status.name(), now_ms(allow)).await?;
        let model = get(&mut tx, allow, model_id).await?;
        tx.commit().await?;
        Ok(model)
    }

    pub(crate) async fn delete_logged_model(
        &self,
        allow: &Allow<WriteRuns>,
        model_id: &str,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let model = get(&mut tx, allow, model_id).await?;
        store::logged::delete(&mut tx, model.id, now_ms(allow)).await?;
        self.record(&mut tx, allow, "ml.logged-model-deleted", model_id, json!({ "name": model.name }))
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Params are added, tags overwritten.
    pub(crate) async fn change_logged_model(
        &self,
        allow: &Allow<WriteRuns>,
        model_id: &str,
        mut params: Vec<Pair>,
        mut tags: Vec<Pair>,
    ) -> Result<LoggedModel, Error> {
        check_pairs(&mut params, &mut tags)?;
        let mut tx = self.db.begin().await?;
        let model = get(&mut tx, allow, model_id).await?;
        let (id, of) = (model.id, model.experiment);
        store::pairs::put(&mut tx, LOGGED_PARAMS, id, of, &params, Present::Kept).await?;
        store::pairs::put(&mut tx, LOGGED_TAGS, id, of, &tags, Present::Overwritten).await?;
        let model = get(&mut tx, allow, model_id).await?;
        tx.commit().await?;
        Ok(model)
    }

    pub(crate) async fn delete_logged_model_tag(
        &self,
        allow: &Allow<WriteRuns>,
        model_id: &str,
        key: &str,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let model = get(&mut tx, allow, model_id).await?;
        if !store::pairs::delete(&mut tx, LOGGED_TAGS, model.id, key).await? {
            return Err(Error::not_found(format!(
                "No tag with key '{key}' found for model with ID '{model_id}'."
            )));
        }
        tx.commit().await?;
        Ok(())
    }

    /// A page of logged models, and the token of the next.
    pub(crate) async fn search_logged_models(
        &self,
        allow: &Allow<ReadRuns>,
        asked: &LoggedQuery,
    ) -> Result<(Vec<LoggedModel>, Option<String>), Error> {
        let LoggedQuery { query, experiment_ids, datasets, orders } = asked;
        let limit = page_size(query.max_results.filter(|size| *size != 0), 50, 50_000)?;
        let clauses = parse(Dialect::LoggedModels, &query.filter)?;
        if datasets.iter().any(|(name, _)| name.is_empty()) {
            return Err(Error::invalid("`dataset_name` in the `datasets` clause must be specified."));
        }
        let ordered = orders
            .iter()
            .map(|(field, is_ascending, dataset)| logged_order(field, *is_ascending, dataset.clone()))
            .collect::<Result<Vec<_>, _>>()?;
        let numbers =
            experiment_ids.iter().map(|id| experiments::number(id)).collect::<Result<Vec<_>, _>>()?;
        let shape = format!("{datasets:?} {orders:?}");
        let more: Vec<_> = experiment_ids.iter().map(String::as_str).chain([shape.as_str()]).collect();
        let offset = match query.page(Dialect::LoggedModels, &more)?.map(|page| page.places) {
            None => 0,
            Some(places) => match places[..] {
                [Place::Int(offset)] if offset >= 0 => offset,
                _ => return Err(Error::invalid("Invalid page token")),
            },
        };
        let mut tx = self.db.read().await?;
        let known = store::experiments::list(&mut tx, allow.workspace, &numbers).await?;
        if known.is_empty() {
            return Ok((Vec::new(), None));
        }
        let rows: Vec<i64> = known.iter().map(|experiment| experiment.id).collect();
        let search = LoggedSearch { experiments: &rows, clauses: &clauses, datasets, orders: &ordered };
        let mut ids = store::search::logged_models(&mut tx, &search, offset, limit + 1).await?;
        let size = usize::try_from(limit).unwrap_or(usize::MAX);
        let token = (ids.len() > size).then(|| {
            query.token(Dialect::LoggedModels, &more, vec![Place::Int(offset.saturating_add(limit))])
        });
        ids.truncate(size);
        Ok((store::logged::list_rows(&mut tx, &ids).await?, token))
    }
}

fn logged_order(
    field: &str,
    is_ascending: bool,
    dataset: Option<(String, Option<String>)>,
) -> Result<LoggedOrder, Error> {
    let wrong = || Error::invalid(format!("Invalid order by field name: {field}."));
    // A metric's name stands as it is, without quotes.
    if let Some(key) = field.strip_prefix("metrics.") {
        if key.is_empty() || key.contains('\0') {
            return Err(wrong());
        }
        return Ok(LoggedOrder { entity: Entity::Metric, key: key.to_owned(), is_ascending, dataset });
    }
    let orders = parse_order(Dialect::LoggedModels, &[field.to_owned()]).map_err(|_| wrong())?;
    match orders.into_iter().next() {
        Some(Order { entity: Entity::Attribute, key, .. }) => {
            Ok(LoggedOrder { entity: Entity::Attribute, key, is_ascending, dataset: None })
        }
        _ => {
            Err(Error::invalid(format!("Invalid order by field name: {field}. Only metrics are supported.")))
        }
    }
}
