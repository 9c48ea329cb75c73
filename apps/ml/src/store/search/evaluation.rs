use db::Tx;
use kernel::WorkspaceId;

use super::{Builder, Found, Key, Kind};
use crate::{
    error::Error,
    model::{
        Page,
        filter::{Clause, Entity, Order},
    },
};

fn column(key: &str) -> &'static str {
    match key {
        "name" => "d.name",
        "created_time" => "d.created_ms",
        "last_update_time" => "d.updated_ms",
        "created_by" => "d.created_by",
        _ => "d.updated_by",
    }
}

/// The workspace's evaluation datasets, or those of these experiments' rows, that come after `page`, `limit` at most.
pub(crate) async fn evaluation_sets(
    tx: &mut Tx,
    workspace: WorkspaceId,
    experiments: Option<&[i64]>,
    clauses: &[Clause],
    orders: &[Order],
    page: Option<&Page>,
    limit: i64,
) -> Result<Vec<Found>, Error> {
    let mut builder = Builder::new(tx);
    let place = builder.bind(workspace);
    builder.conditions.push(format!("d.workspace_id = {place}"));
    if let Some(experiments) = experiments {
        let experiments = builder.list(experiments);
        builder.conditions.push(format!(
            "EXISTS (SELECT 1 FROM ml_evaluation_experiments x WHERE x.dataset = d.id AND x.experiment IN {experiments})"
        ));
    }
    for clause in clauses {
        let condition = if clause.entity == Entity::Attribute {
            builder.compare(column(&clause.key), clause.op, &clause.operand)
        } else {
            let key = builder.bind(&clause.key);
            let fits = builder.compare("x.value", clause.op, &clause.operand);
            format!(
                "EXISTS (SELECT 1 FROM ml_evaluation_tags x WHERE x.dataset = d.id AND x.key = {key} AND {fits})"
            )
        };
        builder.conditions.push(condition);
    }
    let mut keys: Vec<_> = orders
        .iter()
        .map(|order| {
            let kind = if order.key == "name" { Kind::Text } else { Kind::Int };
            Key::plain(column(&order.key), order.is_ascending, kind)
        })
        .collect();
    if orders.is_empty() {
        keys.push(Key::plain("d.created_ms", false, Kind::Int));
    }
    keys.push(Key::plain("d.dataset_id", false, Kind::Text));
    builder.list_after(tx, "d.id", "ml_evaluation_sets d", &keys, page, limit).await
}
