use super::{
    Dialect, Entity,
    lexer::{Kind, cut},
    parser::{bare, identifier},
};
use crate::error::Error;

/// One field that a list is ordered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) entity: Entity,
    pub(crate) key: String,
    pub(crate) is_ascending: bool,
}

/// Fields of one `order_by` at most.
const ORDERS_MAX: usize = 16;

/// `metrics.loss DESC`, `` tags.`a b` ``…, each field once; in lists of experiments the first counts.
///
/// # Errors
///
/// [`Error::Invalid`] with MLflow's words for it.
pub(crate) fn parse_order(dialect: Dialect, given: &[String]) -> Result<Vec<Order>, Error> {
    if given.len() > ORDERS_MAX {
        return Err(Error::invalid(format!("`order_by` may have {ORDERS_MAX} fields at most.")));
    }
    let mut orders: Vec<Order> = Vec::with_capacity(given.len());
    for text in given {
        let order = one(dialect, text)?;
        if orders.iter().any(|other| (other.entity, &other.key) == (order.entity, &order.key)) {
            if dialect == Dialect::Experiments {
                continue;
            }
            return Err(Error::invalid(format!("`order_by` contains duplicate fields: {given:?}")));
        }
        orders.push(order);
    }
    Ok(orders)
}

fn one(dialect: Dialect, text: &str) -> Result<Order, Error> {
    let unreadable = || {
        let shown: String = text.chars().take(200).collect();
        Error::invalid(format!("Invalid order_by clause '{shown}'. Could not be parsed."))
    };
    let tokens = cut(text);
    let (name, is_ascending) = match &tokens[..] {
        [name] => (name, true),
        [name, direction] => match direction.text.to_ascii_lowercase().as_str() {
            "asc" => (name, true),
            "desc" => (name, false),
            _ => return Err(unreadable()),
        },
        _ => return Err(unreadable()),
    };
    if name.kind != Kind::Name {
        return Err(unreadable());
    }
    let (entity, key) = match dialect {
        // Some may be ordered by that cannot be asked for, and the other way round.
        Dialect::RegisteredModels | Dialect::ModelVersions => {
            let plain = name.text.strip_prefix("attribute.").filter(|_| dialect == Dialect::ModelVersions);
            let key = bare(plain.unwrap_or(name.text));
            let known = dialect.orderable().iter().find(|known| **known == key).ok_or_else(|| {
                Error::invalid(format!(
                    "Invalid order by key '{key}' specified. Valid keys are {:?}",
                    dialect.orderable()
                ))
            })?;
            let key = if *known == "timestamp" { "last_updated_timestamp" } else { known };
            (Entity::Attribute, key.to_owned())
        }
        // They are found by it in another way.
        Dialect::Traces if name.text == "experiment_id" => (Entity::Attribute, name.text.to_owned()),
        _ => identifier(dialect, name.text)?,
    };
    let has_order = match (dialect, entity) {
        (_, Entity::Dataset) => false,
        (Dialect::Traces | Dialect::EvaluationSets, Entity::Attribute) => {
            dialect.orderable().contains(&key.as_str())
        }
        (Dialect::Traces, Entity::Tag | Entity::Metadata) | (Dialect::Experiments, Entity::Attribute) => true,
        (Dialect::Traces | Dialect::EvaluationSets | Dialect::Experiments, _) => false,
        _ => true,
    };
    if !has_order {
        return Err(Error::invalid(format!("Invalid order_by entity: {}", entity.name())));
    }
    Ok(Order { entity, key, is_ascending })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read() {
        let check = |text: &str, entity, key: &str, is_ascending| {
            let expected = Order { entity, key: key.to_owned(), is_ascending };
            assert_eq!(parse_order(Dialect::Runs, &[text.to_owned()]).unwrap(), [expected], "{text}");
        };
        check("metrics.loss", Entity::Metric, "loss", true);
        check("metrics.`my loss` DESC", Entity::Metric, "my loss", false);
        check("params.\"x\" asc", Entity::Param, "x", true);
        check("start_time desc", Entity::Attribute, "start_time", false);
        check("attribute.created", Entity::Attribute, "start_time", true);
        let refuse = |dialect, texts: &[&str]| {
            let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
            assert!(parse_order(dialect, &texts).is_err(), "{texts:?}");
        };
        refuse(Dialect::Runs, &["metrics.a up"]);
        refuse(Dialect::Runs, &["metrics.a, metrics.b"]);
        refuse(Dialect::Runs, &["metrics.a", "metric.a DESC"]);
        refuse(Dialect::Runs, &["dataset.name"]);
        refuse(Dialect::Runs, &["1"]);
        refuse(Dialect::Runs, &[""]);
        refuse(Dialect::Experiments, &["tags.a"]);
        refuse(Dialect::ModelVersions, &["run_id"]);
        refuse(Dialect::RegisteredModels, &["attribute.name"]);
        refuse(Dialect::RegisteredModels, &["name", "name DESC"]);
        let twice = ["name DESC".to_owned(), "name".to_owned(), "attribute.experiment_id".to_owned()];
        let orders = parse_order(Dialect::Experiments, &twice).unwrap();
        assert_eq!((orders.len(), orders[0].is_ascending, &*orders[1].key), (2, false, "experiment_id"));
        assert!(parse_order(Dialect::ModelVersions, &["attribute.name".to_owned()]).is_ok());
        let order = parse_order(Dialect::RegisteredModels, &["timestamp DESC".to_owned()]).unwrap();
        assert_eq!(order[0].key, "last_updated_timestamp");
    }
}
