//! Questions that people answer about traces. They are kept for clients, which show them and log the answers.

use db::{OnConstraint as _, Tx};
use kernel::{Allow, Ctx};
use serde_json::json;

use super::{Ml, experiments, now_ms, page_size, runs::fresh_id};
use crate::{
    error::Error,
    model::{
        DEFAULT_INSTRUCTION, DEFAULT_LABEL, Experiment, Label, LabelInput, LabelKind, Page, Place,
        check_instruction, check_label_name,
    },
    permissions::{ReadRuns, WriteRuns},
    store,
};

/// What a new question is made of.
#[derive(Debug)]
pub(crate) struct NewLabel {
    pub(crate) experiment_id: String,
    pub(crate) name: String,
    pub(crate) kind: LabelKind,
    pub(crate) input: LabelInput,
    pub(crate) instruction: Option<String>,
    pub(crate) has_comment: bool,
}

/// What is `None` stays as it is.
#[derive(Debug, Default)]
pub(crate) struct LabelChange {
    pub(crate) name: Option<String>,
    pub(crate) input: Option<LabelInput>,
    pub(crate) instruction: Option<String>,
    pub(crate) has_comment: Option<bool>,
}

async fn experiment(tx: &mut Tx, ctx: &Ctx, id: &str) -> Result<Experiment, Error> {
    let found = experiments::get(tx, ctx, id).await?;
    if found.is_deleted { Err(experiments::not_found(found.number)) } else { Ok(found) }
}

async fn find(tx: &mut Tx, ctx: &Ctx, schema_id: &str) -> Result<Option<Label>, Error> {
    if schema_id.contains('\0') {
        return Ok(None);
    }
    Ok(store::labels::find(tx, ctx.workspace, schema_id).await?)
}

async fn get(tx: &mut Tx, ctx: &Ctx, schema_id: &str) -> Result<Label, Error> {
    let unknown = || Error::not_found(format!("Label schema with id '{schema_id}' not found."));
    find(tx, ctx, schema_id).await?.ok_or_else(unknown)
}

fn taken(name: &str, number: i64) -> Error {
    Error::Exists(format!("Label schema with name '{name}' already exists for experiment '{number}'."))
}

const NAME_KEY: &str = "ml_labels_experiment_name_key";

impl Ml {
    pub(crate) async fn create_label(&self, allow: &Allow<WriteRuns>, new: NewLabel) -> Result<Label, Error> {
        check_label_name(&new.name)?;
        check_instruction(new.instruction.as_deref().unwrap_or_default())?;
        new.input.check()?;
        let mut tx = self.db.begin().await?;
        let experiment = experiment(&mut tx, allow, &new.experiment_id).await?;
        let now = now_ms(allow);
        let mut label = Label {
            id: 0,
            schema_id: format!("ls-{}", fresh_id()),
            experiment: experiment.id,
            number: experiment.number,
            name: new.name,
            kind: new.kind,
            input: new.input,
            instruction: new.instruction,
            has_comment: new.has_comment,
            is_default: false,
            created_ms: now,
            updated_ms: now,
        };
        let made = store::labels::insert(&mut tx, &label).await;
        label.id = made.on_constraint(NAME_KEY, || taken(&label.name, label.number))?.unwrap_or_default();
        tx.commit().await?;
        Ok(label)
    }

    pub(crate) async fn get_label(&self, allow: &Allow<ReadRuns>, schema_id: &str) -> Result<Label, Error> {
        let mut tx = self.db.read().await?;
        get(&mut tx, allow, schema_id).await
    }

    pub(crate) async fn get_label_named(
        &self,
        allow: &Allow<ReadRuns>,
        experiment_id: &str,
        name: &str,
    ) -> Result<Label, Error> {
        let mut tx = self.db.read().await?;
        let experiment = experiment(&mut tx, allow, experiment_id).await?;
        let unknown = || {
            Error::not_found(format!(
                "Label schema with name '{name}' not found for experiment '{experiment_id}'."
            ))
        };
        if name.contains('\0') {
            return Err(unknown());
        }
        store::labels::find_named(&mut tx, experiment.id, name).await?.ok_or_else(unknown)
    }

    /// A page of them, the newest first, and the token of the next. The first time, the default question is made.
    pub(crate) async fn list_labels(
        &self,
        allow: &Allow<ReadRuns>,
        experiment_id: &str,
        max: Option<i64>,
        token: Option<&str>,
    ) -> Result<(Vec<Label>, Option<String>), Error> {
        let limit = page_size(max, 100, 50_000)?;
        let bound = ["labels", experiment_id];
        let page = token.map(|token| Page::parse(&bound, token)).transpose()?;
        let after = match page.as_ref().map(|page| &page.places[..]) {
            None => None,
            Some([Place::Int(created_ms), Place::Text(schema_id)]) if !schema_id.contains('\0') => {
                Some((*created_ms, schema_id.as_str()))
            }
            Some(_) => return Err(Error::invalid("Invalid page token")),
        };
        let mut tx = self.db.read().await?;
        let experiment = experiment(&mut tx, allow, experiment_id).await?;
        if !store::labels::has_default(&mut tx, experiment.id).await? {
            drop(tx);
            self.create_default_label(&experiment, now_ms(allow)).await?;
            tx = self.db.read().await?;
        }
        let mut found = store::labels::list(&mut tx, experiment.id, after, limit + 1).await?;
        let size = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = found.len() > size;
        found.truncate(size);
        let place = |last: &Label| vec![Place::Int(last.created_ms), Place::Text(last.schema_id.clone())];
        let next = found.last().filter(|_| has_more).map(|last| Page::token(&bound, place(last)));
        Ok((found, next))
    }

    async fn create_default_label(&self, experiment: &Experiment, now_ms: i64) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let label = Label {
            id: 0,
            schema_id: format!("ls-{}", fresh_id()),
            experiment: experiment.id,
            number: experiment.number,
            name: DEFAULT_LABEL.to_owned(),
            kind: LabelKind::Feedback,
            input: LabelInput::Text { max_length: None },
            instruction: Some(DEFAULT_INSTRUCTION.to_owned()),
            has_comment: false,
            is_default: true,
            created_ms: now_ms,
            updated_ms: now_ms,
        };
        store::labels::insert(&mut tx, &label).await?;
        Ok(tx.commit().await?)
    }

    pub(crate) async fn update_label(
        &self,
        allow: &Allow<WriteRuns>,
        schema_id: &str,
        change: LabelChange,
    ) -> Result<Label, Error> {
        let mut tx = self.db.begin().await?;
        let mut label = get(&mut tx, allow, schema_id).await?;
        if label.is_default {
            return Err(Error::invalid("The experiment's default question cannot be edited."));
        }
        if let Some(name) = change.name {
            check_label_name(&name)?;
            label.name = name;
        }
        if let Some(instruction) = change.instruction {
            check_instruction(&instruction)?;
            label.instruction = Some(instruction);
        }
        if let Some(input) = change.input {
            input.check()?;
            label.input.check_change(&input)?;
            label.input = input;
        }
        label.has_comment = change.has_comment.unwrap_or(label.has_comment);
        label.updated_ms = now_ms(allow);
        let saved = store::labels::save(&mut tx, &label).await;
        saved.on_constraint(NAME_KEY, || taken(&label.name, label.number))?;
        tx.commit().await?;
        Ok(label)
    }

    /// What is not there is deleted already. Answers stay.
    pub(crate) async fn delete_label(&self, allow: &Allow<WriteRuns>, schema_id: &str) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let Some(label) = find(&mut tx, allow, schema_id).await? else { return Ok(()) };
        if label.is_default {
            return Err(Error::invalid("The experiment's default question cannot be deleted."));
        }
        store::labels::delete(&mut tx, label.id).await?;
        let detail = json!({ "experiment_id": label.number.to_string(), "name": label.name });
        self.record(&mut tx, allow, "ml.label-schema-deleted", schema_id, detail).await?;
        tx.commit().await?;
        Ok(())
    }
}
