//! Label schemas: questions that people answer about traces.

use axum::response::Response;
use serde_json::{Value, json};

use super::{
    Call,
    wire::{Params, done, reply},
};
use crate::{
    error::Error,
    model::{Label, LabelInput, LabelKind},
    permissions::{ReadRuns, WriteRuns},
    service::{LabelChange, NewLabel},
};

fn shown(label: &Label) -> Value {
    let mut body = json!({
        "schema_id": label.schema_id,
        "experiment_id": label.number.to_string(),
        "name": label.name,
        "type": label.kind.name(),
        "input": label.input,
        "enable_comment": label.has_comment,
        "is_default": label.is_default,
        "created_at": label.created_ms,
        "last_updated_at": label.updated_ms,
    });
    if let Some(instruction) = &label.instruction {
        body["instruction"] = json!(instruction);
    }
    body
}

/// One of four, which is named.
fn input(params: &Params) -> Result<Option<LabelInput>, Error> {
    let Some(input) = params.object("input")? else { return Ok(None) };
    let mut given = Vec::new();
    if let Some(of) = input.object("pass_fail")? {
        given.push(LabelInput::PassFail {
            positive_label: of.text("positive_label")?.unwrap_or_default(),
            negative_label: of.text("negative_label")?.unwrap_or_default(),
        });
    }
    if let Some(of) = input.object("categorical")? {
        given.push(LabelInput::Categorical {
            options: of.texts("options")?,
            multi_select: of.bool("multi_select")?.unwrap_or(false),
        });
    }
    if let Some(of) = input.object("numeric")? {
        given.push(LabelInput::Numeric {
            min_value: of.float("min_value")?,
            max_value: of.float("max_value")?,
        });
    }
    if let Some(of) = input.object("text")? {
        given.push(LabelInput::Text { max_length: of.int("max_length")? });
    }
    match (given.pop(), given.is_empty()) {
        (Some(input), true) => Ok(Some(input)),
        _ => Err(no_input()),
    }
}

fn no_input() -> Error {
    Error::invalid(
        "Label schema `input` must have exactly one of `pass_fail`, `categorical`, `numeric`, or `text` set.",
    )
}

pub(super) async fn create(call: Call) -> Result<Response, Error> {
    let params = &call.params;
    let new = NewLabel {
        experiment_id: params.need("experiment_id")?,
        name: params.need("name")?,
        kind: LabelKind::parse(&params.name("type")?.unwrap_or_default())?,
        input: input(params)?.ok_or_else(no_input)?,
        instruction: params.text("instruction")?,
        has_comment: params.bool("enable_comment")?.unwrap_or(false),
    };
    let label = call.ml.create_label(&call.allow::<WriteRuns>()?, new).await?;
    reply(&json!({ "label_schema": shown(&label) }))
}

pub(super) async fn get(call: Call) -> Result<Response, Error> {
    let label = call.ml.get_label(&call.allow::<ReadRuns>()?, &call.params.need("schema_id")?).await?;
    reply(&json!({ "label_schema": shown(&label) }))
}

pub(super) async fn get_by_name(call: Call) -> Result<Response, Error> {
    let (id, name) = (call.params.need("experiment_id")?, call.params.need("name")?);
    let label = call.ml.get_label_named(&call.allow::<ReadRuns>()?, &id, &name).await?;
    reply(&json!({ "label_schema": shown(&label) }))
}

pub(super) async fn list(call: Call) -> Result<Response, Error> {
    let (id, max) = (call.params.need("experiment_id")?, call.params.int("max_results")?);
    let token = call.params.filled("page_token")?;
    let (found, token) = call.ml.list_labels(&call.allow::<ReadRuns>()?, &id, max, token.as_deref()).await?;
    let labels: Vec<_> = found.iter().map(shown).collect();
    reply(&json!({ "label_schemas": labels, "next_page_token": token.unwrap_or_default() }))
}

pub(super) async fn update(call: Call) -> Result<Response, Error> {
    let params = &call.params;
    let id = params.need("schema_id")?;
    let change = LabelChange {
        name: params.text("name")?,
        input: input(params)?,
        instruction: params.text("instruction")?,
        has_comment: params.bool("enable_comment")?,
    };
    let label = call.ml.update_label(&call.allow::<WriteRuns>()?, &id, change).await?;
    reply(&json!({ "label_schema": shown(&label) }))
}

pub(super) async fn delete(call: Call) -> Result<Response, Error> {
    call.ml.delete_label(&call.allow::<WriteRuns>()?, &call.params.need("schema_id")?).await?;
    done()
}
