use db::Tx;
use kernel::WorkspaceId;

use super::{Builder, Found, Key, Kind};
use crate::{
    error::Error,
    model::{
        Lifecycle, Page,
        filter::{Clause, Entity, Op, Operand, Order},
    },
};

/// The workspace's experiments that come after `page`, `limit` at most.
pub(crate) async fn experiments(
    tx: &mut Tx,
    workspace: WorkspaceId,
    lifecycle: Lifecycle,
    clauses: &[Clause],
    orders: &[Order],
    page: Option<&Page>,
    limit: i64,
) -> Result<Vec<Found>, Error> {
    let mut builder = Builder::new(tx);
    let place = builder.bind(workspace);
    builder.conditions.push(format!("e.workspace_id = {place}"));
    match lifecycle {
        Lifecycle::Active => builder.conditions.push("e.deleted_ms IS NULL".to_owned()),
        Lifecycle::Deleted => builder.conditions.push("e.deleted_ms IS NOT NULL".to_owned()),
        Lifecycle::All => {}
    }
    for clause in clauses {
        let condition = condition(&mut builder, clause)?;
        builder.conditions.push(condition);
    }
    let key = |name: &str, is_ascending| {
        let kind = if name == "name" { Kind::Text } else { Kind::Int };
        Key::plain(column(name), is_ascending, kind)
    };
    let mut keys: Vec<_> = orders.iter().map(|order| key(&order.key, order.is_ascending)).collect();
    if orders.is_empty() {
        keys.extend([key("creation_time", false), key("experiment_id", true)]);
    } else if orders.iter().all(|order| order.key != "experiment_id") {
        keys.push(key("experiment_id", false));
    }
    builder.list_after(tx, "e.id", "ml_experiments e", &keys, page, limit).await
}

fn column(attribute: &str) -> &'static str {
    match attribute {
        "name" => "e.name",
        "creation_time" => "e.created_ms",
        "last_update_time" => "e.updated_ms",
        _ => "e.number",
    }
}

fn condition(builder: &mut Builder, clause: &Clause) -> Result<String, Error> {
    let Clause { entity, key, op, operand } = clause;
    if *entity == Entity::Attribute {
        if key == "experiment_id" {
            return of_numbers(builder, *op, operand);
        }
        if let Operand::Float(number) = operand {
            return Err(Error::invalid(format!("Invalid value for numeric attribute '{key}': '{number}'")));
        }
        return Ok(builder.compare(column(key), *op, operand));
    }
    let key = builder.bind(key);
    let exists =
        format!("EXISTS (SELECT 1 FROM ml_experiment_tags x WHERE x.experiment = e.id AND x.key = {key}");
    Ok(match op {
        Op::IsNull => format!("NOT {exists})"),
        Op::IsNotNull => format!("{exists})"),
        _ => {
            let fits = builder.compare("x.value", *op, operand);
            format!("{exists} AND {fits})")
        }
    })
}

fn of_numbers(builder: &mut Builder, op: Op, operand: &Operand) -> Result<String, Error> {
    let texts = match operand {
        Operand::Text(text) => std::slice::from_ref(text),
        Operand::List(texts) => texts,
        _ => &[],
    };
    let numbers = texts.iter().map(|text| {
        text.trim().parse::<i64>().map_err(|_| {
            Error::invalid(format!("Invalid experiment ID '{text}'. Experiment ID must be a valid integer."))
        })
    });
    let numbers = numbers.collect::<Result<Vec<_>, _>>()?;
    let list = builder.list(&numbers);
    let word = if matches!(op, Op::NotEqual | Op::NotIn) { "NOT IN" } else { "IN" };
    Ok(format!("e.number {word} {list}"))
}
