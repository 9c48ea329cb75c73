use db::{Engine, Tx};
use kernel::WorkspaceId;

use super::{Builder, Found, Key, Kind};
use crate::{
    error::Error,
    model::{
        Page,
        filter::{Clause, Entity, Op, Operand, Order},
        trace::{NAME_TAG, SOURCE_RUN_KEY},
    },
};

const END: &str = "(t.request_ms + t.duration_ms)";

/// Traces of these experiments' rows that come after `page`, `limit` at most.
pub(crate) async fn traces(
    tx: &mut Tx,
    workspace: WorkspaceId,
    experiments: &[i64],
    clauses: &[Clause],
    orders: &[Order],
    page: Option<&Page>,
    limit: i64,
) -> Result<Vec<Found>, Error> {
    let mut builder = Builder::new(tx);
    let place = builder.bind(workspace);
    builder.conditions.push(format!("t.workspace_id = {place}"));
    let experiments = builder.list(experiments);
    builder.conditions.push(format!("t.experiment IN {experiments}"));
    // What is asked of spans is asked of one span.
    let (of_spans, others): (Vec<_>, Vec<_>) =
        clauses.iter().partition(|clause| clause.entity == Entity::Span);
    for clause in others {
        let condition = condition(&mut builder, clause);
        builder.conditions.push(condition);
    }
    if !of_spans.is_empty() {
        let fits: Vec<_> = of_spans
            .into_iter()
            .map(|Clause { key, op, operand, .. }| span(&mut builder, key, *op, operand))
            .collect();
        let fits = fits.join(" AND ");
        builder.conditions.push(format!("EXISTS (SELECT 1 FROM ml_spans x WHERE x.trace = t.id AND {fits})"));
    }
    let mut keys: Vec<Key> = orders.iter().map(|order| key(&mut builder, order)).collect();
    let is_ordered_by =
        |name: &str| orders.iter().any(|order| order.entity == Entity::Attribute && order.key == name);
    if !is_ordered_by("timestamp_ms") {
        keys.push(Key::plain("t.request_ms", false, Kind::Int));
    }
    if !is_ordered_by("request_id") {
        keys.push(Key::plain("t.trace_id", true, Kind::Text));
    }
    builder.list_after(tx, "t.id", "ml_traces t", &keys, page, limit).await
}

fn key(builder: &mut Builder, order: &Order) -> Key {
    let is_ascending = order.is_ascending;
    let mut of_pair = |table: &str, key: &str| {
        let place = builder.bind(key);
        let value = format!("(SELECT o.value FROM {table} o WHERE o.trace = t.id AND o.key = {place})");
        Key::nullable(&value, is_ascending, Kind::Text)
    };
    match order.entity {
        Entity::Tag => return of_pair("ml_trace_tags", &order.key),
        Entity::Metadata => return of_pair("ml_trace_metadata", &order.key),
        _ => {}
    }
    match order.key.as_str() {
        "experiment_id" => Key::plain("t.experiment", is_ascending, Kind::Int),
        "timestamp_ms" => Key::plain("t.request_ms", is_ascending, Kind::Int),
        "request_id" => Key::plain("t.trace_id", is_ascending, Kind::Text),
        "status" => Key::plain("t.state", is_ascending, Kind::Text),
        "execution_time_ms" => Key::nullable("t.duration_ms", is_ascending, Kind::Int),
        "end_time_ms" => Key::nullable(END, is_ascending, Kind::Int),
        "name" => of_pair("ml_trace_tags", NAME_TAG),
        _ => of_pair("ml_trace_metadata", SOURCE_RUN_KEY),
    }
}

fn condition(builder: &mut Builder, clause: &Clause) -> String {
    let Clause { entity, key, op, operand } = clause;
    match entity {
        Entity::Attribute => attribute(builder, key, *op, operand),
        Entity::Tag => pair(builder, "ml_trace_tags", key, *op, operand),
        Entity::Metadata => pair(builder, "ml_trace_metadata", key, *op, operand),
        Entity::Feedback | Entity::Expectation => assessment(builder, clause),
        // Spans are asked together, and the parser gives no others for traces.
        Entity::Span | Entity::Metric | Entity::Param | Entity::Dataset => "FALSE".to_owned(),
    }
}

fn attribute(builder: &mut Builder, key: &str, op: Op, operand: &Operand) -> String {
    let column = match key {
        "request_id" => "t.trace_id",
        "timestamp_ms" => "t.request_ms",
        "execution_time_ms" => "t.duration_ms",
        "end_time_ms" => END,
        "status" => "t.state",
        "client_request_id" => "t.client_request_id",
        "name" => return pair(builder, "ml_trace_tags", NAME_TAG, op, operand),
        "text" => return text(builder, op, operand),
        "prompt" => {
            let fits = builder.compare("x.target", op, operand);
            return format!(
                "EXISTS (SELECT 1 FROM ml_trace_links x WHERE x.trace = t.id AND x.kind = 'prompt' AND {fits})"
            );
        }
        // Of the run that it came from, or that it was linked to.
        _ => {
            let own = pair(builder, "ml_trace_metadata", SOURCE_RUN_KEY, op, operand);
            if matches!(op, Op::NotEqual | Op::NotIn) {
                return own;
            }
            let fits = builder.compare("x.target", op, operand);
            return format!(
                "({own} OR EXISTS (SELECT 1 FROM ml_trace_links x WHERE x.trace = t.id AND x.kind = 'run' AND {fits}))"
            );
        }
    };
    builder.compare(column, op, operand)
}

fn pair(builder: &mut Builder, table: &str, key: &str, op: Op, operand: &Operand) -> String {
    let key = builder.bind(key);
    let exists = format!("EXISTS (SELECT 1 FROM {table} x WHERE x.trace = t.id AND x.key = {key}");
    match op {
        Op::IsNotNull => format!("{exists})"),
        Op::IsNull => format!("NOT {exists})"),
        _ => {
            let fits = builder.compare("x.value", op, operand);
            format!("{exists} AND {fits})")
        }
    }
}

/// What holds of the span `x`.
fn span(builder: &mut Builder, key: &str, op: Op, operand: &Operand) -> String {
    match key {
        "name" => builder.compare("x.name", op, operand),
        "type" => builder.compare("x.kind", op, operand),
        "status" => builder.compare("x.status", op, operand),
        "content" => builder.compare("x.content", op, operand),
        attribute => {
            let name = builder.bind(attribute.strip_prefix("attributes.").unwrap_or(attribute));
            let (each, value) = match builder.engine {
                Engine::Sqlite => ("json_each(x.attributes) j", "CAST(j.value AS TEXT)"),
                Engine::Postgres => ("jsonb_each_text(CAST(x.attributes AS JSONB)) j", "j.value"),
            };
            let fits = builder.compare(value, op, operand);
            format!("EXISTS (SELECT 1 FROM {each} WHERE j.key = {name} AND {fits})")
        }
    }
}

/// What spans are called, what they hold, and what happened in them: not the words that OpenTelemetry's form adds.
fn text(builder: &mut Builder, op: Op, operand: &Operand) -> String {
    let told = match builder.engine {
        Engine::Sqlite => "json_extract(x.content, '$.events'), json_extract(x.content, '$.status.message')",
        Engine::Postgres => {
            "CAST(x.content AS JSONB) ->> 'events', CAST(x.content AS JSONB) #>> '{status,message}'"
        }
    };
    let fits = builder.compare(&format!("CONCAT_WS(' ', x.name, x.attributes, {told})"), op, operand);
    format!("EXISTS (SELECT 1 FROM ml_spans x WHERE x.trace = t.id AND {fits})")
}

/// Values are JSON: a text that is asked for may stand there in quotes.
fn assessment(builder: &mut Builder, clause: &Clause) -> String {
    let Clause { entity, key, op, operand } = clause;
    let kind = builder.bind(entity.name());
    let name = builder.bind(key);
    let exists = format!(
        "EXISTS (SELECT 1 FROM ml_assessments x WHERE x.trace = t.id AND x.is_valid AND x.kind = {kind} AND x.name = {name}"
    );
    let fits = match (op, operand) {
        (Op::IsNotNull, _) => return format!("{exists})"),
        (Op::IsNull, _) => return format!("NOT {exists})"),
        (_, Operand::Float(_)) => builder.compare("x.number", *op, operand),
        (Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual, Operand::Text(text)) => {
            match text.parse() {
                Ok(number) => builder.compare("x.number", *op, &Operand::Float(number)),
                Err(_) => "FALSE".to_owned(),
            }
        }
        (Op::Equal | Op::NotEqual, Operand::Text(text)) => {
            let quoted = serde_json::Value::from(text.as_str()).to_string();
            let plain = builder.compare("x.value", Op::Equal, operand);
            let quoted = builder.compare("x.value", Op::Equal, &Operand::Text(quoted));
            let not = if *op == Op::NotEqual { "NOT " } else { "" };
            format!("{not}({plain} OR {quoted})")
        }
        _ => builder.compare("x.value", *op, operand),
    };
    format!("{exists} AND {fits})")
}
