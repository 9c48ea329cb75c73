use db::Tx;
use kernel::WorkspaceId;

use super::{Builder, Found, Key, Kind};
use crate::{
    error::Error,
    model::{
        PROMPT_TAG, Page,
        filter::{Clause, Entity, Op, Operand, Order},
    },
};

/// Whether the filter asks for prompts, which lists of models leave out otherwise.
fn wants_prompts(clauses: &[Clause]) -> bool {
    let of_prompts = clauses.iter().find(|clause| clause.entity == Entity::Tag && clause.key == PROMPT_TAG);
    of_prompts.is_some_and(|clause| match &clause.operand {
        Operand::Text(value) => {
            (clause.op == Op::Equal && value.eq_ignore_ascii_case("true"))
                || (clause.op == Op::NotEqual && value.eq_ignore_ascii_case("false"))
        }
        _ => false,
    })
}

/// The workspace's registered models that come after `page`, `limit` at most.
pub(crate) async fn models(
    tx: &mut Tx,
    workspace: WorkspaceId,
    clauses: &[Clause],
    orders: &[Order],
    page: Option<&Page>,
    limit: i64,
) -> Result<Vec<Found>, Error> {
    let mut builder = Builder::new(tx);
    let place = builder.bind(workspace);
    builder.conditions.push(format!("m.workspace_id = {place}"));
    let with_prompts = wants_prompts(clauses);
    if !with_prompts {
        let tag = builder.bind(PROMPT_TAG);
        builder.conditions.push(format!(
            "NOT EXISTS (SELECT 1 FROM ml_model_tags p WHERE p.model = m.id AND p.key = {tag} AND p.value = 'true')"
        ));
    }
    for clause in clauses {
        if clause.entity == Entity::Attribute {
            let condition = builder.compare("m.name", clause.op, &clause.operand);
            builder.conditions.push(condition);
        } else if with_prompts || clause.key != PROMPT_TAG {
            let key = builder.bind(&clause.key);
            let fits = builder.compare("x.value", clause.op, &clause.operand);
            builder.conditions.push(format!(
                "EXISTS (SELECT 1 FROM ml_model_tags x WHERE x.model = m.id AND x.key = {key} AND {fits})"
            ));
        }
    }
    let mut keys: Vec<_> = orders
        .iter()
        .map(|order| match order.key.as_str() {
            "name" => Key::plain("m.name", order.is_ascending, Kind::Text),
            _ => Key::plain("m.updated_ms", order.is_ascending, Kind::Int),
        })
        .collect();
    if orders.iter().all(|order| order.key != "name") {
        keys.push(Key::plain("m.name", true, Kind::Text));
    }
    builder.list_after(tx, "m.id", "ml_models m", &keys, page, limit).await
}

/// The workspace's model versions that come after `page`, `limit` at most.
pub(crate) async fn versions(
    tx: &mut Tx,
    workspace: WorkspaceId,
    clauses: &[Clause],
    orders: &[Order],
    page: Option<&Page>,
    limit: i64,
) -> Result<Vec<Found>, Error> {
    let mut builder = Builder::new(tx);
    let place = builder.bind(workspace);
    builder.conditions.push(format!("m.workspace_id = {place}"));
    let with_prompts = wants_prompts(clauses);
    if !with_prompts {
        let tag = builder.bind(PROMPT_TAG);
        builder.conditions.push(format!(
            "NOT EXISTS (SELECT 1 FROM ml_version_tags p JOIN ml_versions w ON w.id = p.version
             WHERE w.model = v.model AND p.key = {tag} AND p.value = 'true')"
        ));
    }
    for clause in clauses {
        if clause.entity == Entity::Attribute {
            if let Operand::Float(number) = &clause.operand {
                return Err(Error::invalid(format!(
                    "Invalid value for numeric attribute '{}': {number}",
                    clause.key
                )));
            }
            let condition = builder.compare(column(&clause.key), clause.op, &clause.operand);
            builder.conditions.push(condition);
        } else if with_prompts || clause.key != PROMPT_TAG {
            let key = builder.bind(&clause.key);
            let fits = builder.compare("x.value", clause.op, &clause.operand);
            builder.conditions.push(format!(
                "EXISTS (SELECT 1 FROM ml_version_tags x WHERE x.version = v.id AND x.key = {key} AND {fits})"
            ));
        }
    }
    let key = |name: &str, is_ascending| {
        let kind = if name == "name" { Kind::Text } else { Kind::Int };
        Key::plain(column(name), is_ascending, kind)
    };
    let mut keys: Vec<_> = orders.iter().map(|order| key(&order.key, order.is_ascending)).collect();
    if orders.is_empty() {
        keys.push(key("last_updated_timestamp", false));
    }
    for (name, is_ascending) in [("name", true), ("version_number", false)] {
        if orders.iter().all(|order| order.key != name) {
            keys.push(key(name, is_ascending));
        }
    }
    builder
        .list_after(tx, "v.id", "ml_models m JOIN ml_versions v ON v.model = m.id", &keys, page, limit)
        .await
}

fn column(attribute: &str) -> &'static str {
    match attribute {
        "name" => "m.name",
        "run_id" => "v.run_id",
        "source_path" => "v.source",
        "creation_timestamp" => "v.created_ms",
        "last_updated_timestamp" => "v.updated_ms",
        _ => "v.version",
    }
}
