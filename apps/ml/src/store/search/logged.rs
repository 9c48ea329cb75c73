use db::Tx;

use super::Builder;
use crate::{
    error::Error,
    model::filter::{Clause, Entity, Op},
};

/// One field that logged models are ordered by; of a metric, on which dataset.
#[derive(Debug, Clone)]
pub(crate) struct LoggedOrder {
    pub(crate) entity: Entity,
    pub(crate) key: String,
    pub(crate) is_ascending: bool,
    pub(crate) dataset: Option<(String, Option<String>)>,
}

pub(crate) struct LoggedSearch<'q> {
    /// The experiments' rows.
    pub(crate) experiments: &'q [i64],
    pub(crate) clauses: &'q [Clause],
    /// Names with digests: metrics on one of these count, and models must have one.
    pub(crate) datasets: &'q [(String, Option<String>)],
    pub(crate) orders: &'q [LoggedOrder],
}

/// Rows of logged models, `limit` of them after the first `offset`.
pub(crate) async fn logged_models(
    tx: &mut Tx,
    search: &LoggedSearch<'_>,
    offset: i64,
    limit: i64,
) -> Result<Vec<i64>, Error> {
    let mut builder = Builder::new(tx);
    let experiments = builder.list(search.experiments);
    builder.conditions.push(format!("l.experiment IN {experiments}"));
    builder.conditions.push("l.deleted_ms IS NULL".to_owned());
    let on_datasets = on_datasets(&mut builder, search.datasets);
    for clause in search.clauses {
        let condition = condition(&mut builder, clause, &on_datasets);
        builder.conditions.push(condition);
    }
    let has_metric = search.clauses.iter().any(|clause| clause.entity == Entity::Metric);
    if !on_datasets.is_empty() && !has_metric {
        builder
            .conditions
            .push(format!("EXISTS (SELECT 1 FROM ml_logged_metrics x WHERE x.model = l.id{on_datasets})"));
    }
    let mut orders = Vec::new();
    for order in search.orders {
        let direction = if order.is_ascending { "ASC" } else { "DESC" };
        let value = match (order.entity, order.key.as_str()) {
            (Entity::Metric, _) => latest(&mut builder, order),
            (_, "status") => STATUS_ORDER.to_owned(),
            (_, key) => column(key).to_owned(),
        };
        orders.push(format!("CASE WHEN {value} IS NULL THEN 1 ELSE 0 END, {value} {direction}"));
    }
    let is_ordered_by =
        |name: &str| search.orders.iter().any(|order| order.entity == Entity::Attribute && order.key == name);
    if !is_ordered_by("creation_timestamp") {
        orders.push("l.created_ms DESC".to_owned());
    }
    if !is_ordered_by("model_id") {
        orders.push("l.model_id ASC".to_owned());
    }
    let (limit, offset) = (builder.bind(limit), builder.bind(offset));
    let sql = format!(
        "SELECT l.id AS id FROM ml_logged_models l{} ORDER BY {} LIMIT {limit} OFFSET {offset}",
        builder.wheres(),
        orders.join(", ")
    );
    Ok(tx.query_built(sql).bind_all(builder.values).map(|row| row.get("id")).await?)
}

/// By what happens to a model, not by the letter.
const STATUS_ORDER: &str = "CASE l.status WHEN 'PENDING' THEN 1 WHEN 'READY' THEN 2 ELSE 3 END";

/// What was not given is an empty text to a search, as protobuf has it.
fn column(attribute: &str) -> &'static str {
    match attribute {
        "name" => "l.name",
        "model_type" => "COALESCE(l.model_type, '')",
        "status" => "l.status",
        "source_run_id" => "COALESCE(l.source_run_id, '')",
        "creation_timestamp" => "l.created_ms",
        "last_updated_timestamp" => "l.updated_ms",
        _ => "l.model_id",
    }
}

fn of_dataset(builder: &mut Builder, (name, digest): &(String, Option<String>)) -> String {
    let mut fits = format!("x.dataset_name = {}", builder.bind(name));
    if let Some(digest) = digest {
        fits = format!("{fits} AND x.dataset_digest = {}", builder.bind(digest));
    }
    fits
}

/// A condition on metrics, or nothing.
fn on_datasets(builder: &mut Builder, datasets: &[(String, Option<String>)]) -> String {
    let each: Vec<_> = datasets.iter().map(|dataset| of_dataset(builder, dataset)).collect();
    if each.is_empty() { String::new() } else { format!(" AND (({}))", each.join(") OR (")) }
}

/// The latest value of a metric, as a sub-query.
fn latest(builder: &mut Builder, order: &LoggedOrder) -> String {
    let key = builder.bind(&order.key);
    let on = order
        .dataset
        .as_ref()
        .map_or(String::new(), |dataset| format!(" AND {}", of_dataset(builder, dataset)));
    format!(
        "(SELECT x.value FROM ml_logged_metrics x WHERE x.model = l.id AND x.key = {key}{on}
          ORDER BY x.at_ms DESC, x.step DESC, x.run_id ASC LIMIT 1)"
    )
}

fn condition(builder: &mut Builder, clause: &Clause, on_datasets: &str) -> String {
    let Clause { entity, key, op, operand } = clause;
    let (table, more) = match entity {
        Entity::Attribute | Entity::Dataset => return builder.compare(column(key), *op, operand),
        Entity::Metric => ("ml_logged_metrics", on_datasets),
        Entity::Param => ("ml_logged_params", ""),
        // The parser gives no others for logged models.
        _ => ("ml_logged_tags", ""),
    };
    let key = builder.bind(key);
    let mut fits = builder.compare("x.value", *op, operand);
    if *entity == Entity::Metric && *op == Op::NotEqual {
        fits = format!("({fits} OR x.value IS NULL)");
    }
    format!("EXISTS (SELECT 1 FROM {table} x WHERE x.model = l.id AND x.key = {key} AND {fits}{more})")
}
