use db::Tx;

use super::{Builder, Found, Key, Kind};
use crate::{
    error::Error,
    model::{
        Lifecycle, Page, Place,
        filter::{Clause, Entity, Op, Operand, Order},
    },
};

/// Which runs, in which order.
pub(crate) struct RunSearch<'q> {
    /// The experiments' rows.
    pub(crate) experiments: &'q [i64],
    pub(crate) lifecycle: Lifecycle,
    pub(crate) clauses: &'q [Clause],
    pub(crate) orders: &'q [Order],
}

/// A part of a list that is ordered by a metric first: those that have a number, then NaN, then none. Each by itself can be
/// read along an index and ends where the page does; together they would have to be sorted as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The whole list at once.
    All,
    Numbers,
    NaN,
    None,
}

impl Phase {
    /// What stands in a place of this part.
    fn place(self) -> Option<Place> {
        match self {
            Self::All | Self::Numbers => None,
            Self::NaN => Some(Place::Absent(1)),
            Self::None => Some(Place::Absent(2)),
        }
    }
}

/// Clauses up to which the engine may choose their order by itself.
const JOINED_MAX: usize = 8;

/// The runs that come after `page`, `limit` at most.
pub(crate) async fn runs(
    tx: &mut Tx,
    search: &RunSearch<'_>,
    phase: Phase,
    page: Option<&Page>,
    limit: i64,
) -> Result<Vec<Found>, Error> {
    let mut builder = Builder::new(tx);
    let experiments = builder.list(search.experiments);
    let mut joins = String::new();
    let mut from = "ml_runs r".to_owned();
    let mut keys = Vec::new();
    for (at, order) in search.orders.iter().enumerate() {
        if at == 0 && phase != Phase::All {
            keys.extend(first_metric(&mut builder, phase, order, &experiments, &mut from));
        } else {
            keys.push(key(&mut builder, order, at, &mut joins));
        }
    }
    let is_ordered_by =
        |name: &str| search.orders.iter().any(|order| order.entity == Entity::Attribute && order.key == name);
    if !is_ordered_by("start_time") {
        keys.push(Key::plain("r.start_ms", false, Kind::Int));
    }
    if !is_ordered_by("run_id") {
        keys.push(Key::plain("r.run_id", true, Kind::Text));
    }
    if phase != Phase::Numbers {
        builder.conditions.push(format!("r.experiment IN {experiments}"));
    }
    match search.lifecycle {
        Lifecycle::Active => builder.conditions.push("r.deleted_ms IS NULL".to_owned()),
        Lifecycle::Deleted => builder.conditions.push("r.deleted_ms IS NOT NULL".to_owned()),
        Lifecycle::All => {}
    }
    // PostgreSQL would look for the best order among all sub-queries as joins: with many of them that takes longer than
    // any order. Behind IS TRUE they stay sub-queries, which it hashes.
    let are_joined = search.clauses.len() <= JOINED_MAX;
    for clause in search.clauses {
        if phase == Phase::Numbers
            && let Some(order) = search.orders.first()
            && is_about(clause, order)
        {
            // The list is read along this metric's values as it is.
            let condition = builder.compare("m.value", clause.op, &clause.operand);
            builder.conditions.push(condition);
            continue;
        }
        let condition = condition(&mut builder, clause, &experiments);
        builder.conditions.push(if are_joined { condition } else { format!("({condition}) IS TRUE") });
    }
    let marker = phase.place();
    let page = page.map(|page| {
        let mut page = page.clone();
        if marker.is_some() && !page.places.is_empty() {
            page.places.remove(0);
        }
        page
    });
    let from = format!("{from}{joins}");
    let mut list = builder.list_after(tx, "r.id", &from, &keys, page.as_ref(), limit).await?;
    if let Some(marker) = marker {
        for one in &mut list {
            one.places.insert(0, marker.clone());
        }
    }
    Ok(list)
}

/// Whether the clause asks for values of the very metric that the list is ordered by.
fn is_about(clause: &Clause, order: &Order) -> bool {
    clause.entity == Entity::Metric
        && clause.key == order.key
        && !matches!(clause.op, Op::IsNull | Op::IsNotNull)
}

/// Conditions of the phase, and the key where its rows have one.
fn first_metric(
    builder: &mut Builder,
    phase: Phase,
    order: &Order,
    experiments: &str,
    from: &mut String,
) -> Option<Key> {
    let key = builder.bind(&order.key);
    match phase {
        Phase::Numbers => {
            // CROSS: SQLite keeps this order of the tables, and so reads along the index of values.
            "ml_latest m CROSS JOIN ml_runs r".clone_into(from);
            builder.conditions.extend([
                format!("m.experiment IN {experiments}"),
                format!("m.key = {key}"),
                "m.value IS NOT NULL".to_owned(),
                "r.id = m.run".to_owned(),
            ]);
            Some(Key::plain("m.value", order.is_ascending, Kind::Float))
        }
        Phase::NaN => {
            builder.conditions.push(format!(
                "r.id IN (SELECT run FROM ml_latest WHERE experiment IN {experiments} AND key = {key} AND value IS NULL)"
            ));
            None
        }
        Phase::None => {
            builder
                .conditions
                .push(format!("NOT EXISTS (SELECT 1 FROM ml_latest m WHERE m.run = r.id AND m.key = {key})"));
            None
        }
        Phase::All => None,
    }
}

fn key(builder: &mut Builder, order: &Order, at: usize, joins: &mut String) -> Key {
    let Order { entity, is_ascending, .. } = *order;
    let table = match entity {
        Entity::Attribute | Entity::Dataset => {
            let column = column(&order.key);
            let kind = if matches!(column, "r.start_ms" | "r.end_ms") { Kind::Int } else { Kind::Text };
            return if matches!(column, "r.end_ms" | "r.user_id") {
                Key::nullable(column, is_ascending, kind)
            } else {
                Key::plain(column, is_ascending, kind)
            };
        }
        Entity::Metric => "ml_latest",
        Entity::Param => "ml_params",
        // The parser gives no others for runs.
        _ => "ml_run_tags",
    };
    let place = builder.bind(&order.key);
    joins.push_str(&format!(" LEFT JOIN {table} o{at} ON o{at}.run = r.id AND o{at}.key = {place}"));
    let value = format!("o{at}.value");
    let (rank, kind) = if entity == Entity::Metric {
        let rank = format!("CASE WHEN o{at}.run IS NULL THEN 2 WHEN o{at}.value IS NULL THEN 1 ELSE 0 END");
        (rank, Kind::Float)
    } else {
        (format!("CASE WHEN o{at}.run IS NULL THEN 1 ELSE 0 END"), Kind::Text)
    };
    Key { rank: Some(rank), value, is_ascending, kind }
}

/// The column of an attribute, whose name the parser has checked.
fn column(attribute: &str) -> &'static str {
    match attribute {
        "run_name" => "r.name",
        "user_id" => "r.user_id",
        "status" => "r.status",
        "artifact_uri" => "r.artifact_uri",
        "start_time" => "r.start_ms",
        "end_time" => "r.end_ms",
        _ => "r.run_id",
    }
}

fn condition(builder: &mut Builder, clause: &Clause, experiments: &str) -> String {
    let Clause { entity, key, op, operand } = clause;
    let table = match entity {
        Entity::Attribute => return builder.compare(column(key), *op, operand),
        Entity::Dataset => return of_dataset(builder, clause, experiments),
        Entity::Metric => "ml_latest",
        Entity::Param => "ml_params",
        Entity::Tag => "ml_run_tags",
        // The parser gives none of these for runs.
        Entity::Metadata | Entity::Span | Entity::Feedback | Entity::Expectation => {
            return "FALSE".to_owned();
        }
    };
    let key = builder.bind(key);
    let exists = format!("EXISTS (SELECT 1 FROM {table} x WHERE x.run = r.id AND x.key = {key})");
    match (entity, op) {
        (_, Op::IsNotNull) => exists,
        (_, Op::IsNull) => format!("NOT {exists}"),
        _ => {
            let mut fits = builder.compare("value", *op, operand);
            if *entity == Entity::Metric && *op == Op::NotEqual {
                // NaN is not equal to anything.
                fits = format!("({fits} OR value IS NULL)");
            }
            format!(
                "r.id IN (SELECT run FROM {table} WHERE experiment IN {experiments} AND key = {key} AND {fits})"
            )
        }
    }
}

fn of_dataset(builder: &mut Builder, clause: &Clause, experiments: &str) -> String {
    let Clause { key, op, operand, .. } = clause;
    let operand: &Operand = operand;
    let (join, left) = match key.as_str() {
        "context" => (" JOIN ml_input_tags t ON t.input = i.id AND t.key = 'mlflow.data.context'", "t.value"),
        "digest" => ("", "d.digest"),
        _ => ("", "d.name"),
    };
    let fits = builder.compare(left, *op, operand);
    format!(
        "r.id IN (SELECT i.run FROM ml_inputs i JOIN ml_datasets d ON d.id = i.dataset{join}
         WHERE d.experiment IN {experiments} AND {fits})"
    )
}
