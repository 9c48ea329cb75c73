use db::Tx;
use kernel::{Allow, Ctx};
use serde_json::json;

use super::{Ml, Query, logged, now_ms, page_size, registry, runs, webhooks};
use crate::{
    error::Error,
    events,
    model::{
        MODEL_TAG, PROMPT_TAG, Pair, Stage, Version, check_model_name, check_source, check_tag,
        filter::{Dialect, parse, parse_order},
        join_uri,
    },
    permissions::{ReadModels, WriteModels},
    store::{
        self,
        pairs::{LOGGED_TAGS, Present, VERSION_TAGS},
    },
};

/// What a new version is made of.
#[derive(Debug, Default)]
pub(crate) struct NewVersion {
    pub(crate) name: String,
    pub(crate) source: String,
    pub(crate) run_id: Option<String>,
    pub(crate) run_link: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) model_id: Option<String>,
    pub(crate) tags: Vec<Pair>,
}

/// With its parts.
pub(super) async fn get(tx: &mut Tx, ctx: &Ctx, name: &str, version: i64) -> Result<Version, Error> {
    check_model_name("name", name)?;
    store::versions::find(tx, ctx.workspace, name, version)
        .await?
        .ok_or_else(|| Error::not_found(format!("Model Version (name={name}, version={version}) not found")))
}

/// A version by its number in text.
pub(crate) fn number(text: &str) -> Result<i64, Error> {
    text.trim().parse().map_err(|_| {
        let shown: String = text.chars().take(100).collect();
        Error::invalid(format!("Parameter 'version' must be an integer, got '{shown}'."))
    })
}

/// Where the files of a source are, and what else it tells: the run and the logged model.
struct Origin {
    storage_location: String,
    run_id: Option<String>,
    model_id: Option<String>,
}

impl Ml {
    pub(crate) async fn create_version(
        &self,
        allow: &Allow<WriteModels>,
        mut new: NewVersion,
    ) -> Result<Version, Error> {
        check_model_name("name", &new.name)?;
        for tag in &mut new.tags {
            check_tag("", MODEL_TAG, tag)?;
        }
        let is_prompt =
            new.tags.iter().rev().find(|tag| tag.key == PROMPT_TAG).is_some_and(|tag| tag.value == "true");
        if !is_prompt {
            check_source(&new.source)?;
        }
        let texts = [&new.run_id, &new.run_link, &new.description, &new.model_id];
        if texts
            .into_iter()
            .flatten()
            .chain([&new.source])
            .any(|text| text.contains('\0') || text.len() > 400_000)
        {
            return Err(Error::invalid("A text of the model version is too long, or holds a NUL character."));
        }
        let now = now_ms(allow);
        let mut tx = self.db.begin().await?;
        let (model, number) = store::registry::next_version(&mut tx, allow.workspace, &new.name, now)
            .await?
            .ok_or_else(|| registry::model_not_found(&new.name))?;
        let origin = if is_prompt {
            Origin { storage_location: new.source.clone(), run_id: new.run_id.clone(), model_id: None }
        } else {
            origin(&mut tx, allow, &new).await?
        };
        let mut version = Version {
            id: 0,
            model,
            name: new.name,
            version: number,
            stage: Stage::None.name().to_owned(),
            description: new.description.filter(|text| !text.is_empty()),
            user_id: None,
            source: new.source,
            storage_location: origin.storage_location,
            run_id: origin.run_id.filter(|run| !run.is_empty()),
            run_link: new.run_link.filter(|link| !link.is_empty()),
            logged_model: origin.model_id,
            created_ms: now,
            updated_ms: now,
            tags: new.tags,
            aliases: Vec::new(),
        };
        version.id = store::versions::insert(&mut tx, &version).await?;
        store::pairs::put(&mut tx, VERSION_TAGS, version.id, 0, &version.tags, Present::Overwritten).await?;
        version.tags = store::pairs::settled(&version.tags);
        if let Some(model_id) = &version.logged_model {
            tell_logged_model(&mut tx, allow, model_id, &version).await?;
        }
        self.events.publish(&mut tx, &events::of_version(allow.workspace, &version)).await?;
        let told = webhooks::of_version(&version);
        self.tell_webhooks(&mut tx, allow, model, webhooks::VERSION_CREATED, &told).await?;
        tx.commit().await?;
        Ok(version)
    }

    pub(crate) async fn get_version(
        &self,
        allow: &Allow<ReadModels>,
        name: &str,
        version: &str,
    ) -> Result<Version, Error> {
        let mut tx = self.db.read().await?;
        get(&mut tx, allow, name, number(version)?).await
    }

    pub(crate) async fn describe_version(
        &self,
        allow: &Allow<WriteModels>,
        name: &str,
        version: &str,
        description: Option<&str>,
    ) -> Result<Version, Error> {
        if description.is_some_and(|text| text.contains('\0') || text.chars().count() > 100_000) {
            return Err(Error::invalid("'description' exceeds the maximum length of 100000 characters"));
        }
        let mut tx = self.db.begin().await?;
        let found = get(&mut tx, allow, name, number(version)?).await?;
        store::versions::describe(&mut tx, found.id, description, now_ms(allow)).await?;
        let version = get(&mut tx, allow, name, found.version).await?;
        tx.commit().await?;
        Ok(version)
    }

    pub(crate) async fn transition_version(
        &self,
        allow: &Allow<WriteModels>,
        name: &str,
        version: &str,
        stage: &str,
        archives_others: bool,
    ) -> Result<Version, Error> {
        let to = Stage::parse(stage)?;
        if archives_others && !to.is_active() {
            return Err(Error::invalid(format!(
                "Model version transition cannot archive existing model versions because '{stage}' is not an Active \
                 stage. Valid stages are Staging, Production"
            )));
        }
        let mut tx = self.db.begin().await?;
        let found = get(&mut tx, allow, name, number(version)?).await?;
        let now = now_ms(allow);
        if archives_others {
            let stages = (to.name(), Stage::Archived.name());
            store::versions::move_others(&mut tx, found.model, found.id, stages, now).await?;
        }
        store::versions::set_stage(&mut tx, found.id, to.name(), now).await?;
        store::registry::touch(&mut tx, found.model, now).await?;
        let after = get(&mut tx, allow, name, found.version).await?;
        let told = json!({
            "name": name,
            "version": found.version.to_string(),
            "from_stage": found.stage,
            "to_stage": to.name(),
        });
        self.events.publish(&mut tx, &events::told(events::VERSION_MOVED, allow.workspace, told)).await?;
        let detail = json!({ "version": found.version, "from": found.stage, "to": to.name() });
        self.record(&mut tx, allow, "ml.version-moved", name, detail).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// With its aliases. Its number is never used again.
    pub(crate) async fn delete_version(
        &self,
        allow: &Allow<WriteModels>,
        name: &str,
        version: &str,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let found = get(&mut tx, allow, name, number(version)?).await?;
        store::registry::delete_aliases_of(&mut tx, found.model, found.version).await?;
        store::versions::delete(&mut tx, found.id).await?;
        store::registry::touch(&mut tx, found.model, now_ms(allow)).await?;
        let detail = json!({ "version": found.version, "source": found.source });
        self.record(&mut tx, allow, "ml.version-deleted", name, detail).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(crate) async fn set_version_tag(
        &self,
        allow: &Allow<WriteModels>,
        name: &str,
        version: &str,
        mut tag: Pair,
    ) -> Result<(), Error> {
        check_tag("", MODEL_TAG, &mut tag)?;
        let mut tx = self.db.begin().await?;
        let found = get(&mut tx, allow, name, number(version)?).await?;
        let told = json!({
            "name": name,
            "version": found.version.to_string(),
            "key": tag.key,
            "value": tag.value,
        });
        store::pairs::put(&mut tx, VERSION_TAGS, found.id, 0, &[tag], Present::Overwritten).await?;
        self.tell_webhooks(&mut tx, allow, found.model, webhooks::VERSION_TAG_SET, &told).await?;
        self.events.publish(&mut tx, &events::told(events::VERSION_TAG_SET, allow.workspace, told)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Deleting what is not there is no fault.
    pub(crate) async fn delete_version_tag(
        &self,
        allow: &Allow<WriteModels>,
        name: &str,
        version: &str,
        key: &str,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let found = get(&mut tx, allow, name, number(version)?).await?;
        if store::pairs::delete(&mut tx, VERSION_TAGS, found.id, key).await? {
            let told = json!({ "name": name, "version": found.version.to_string(), "key": key });
            self.tell_webhooks(&mut tx, allow, found.model, webhooks::VERSION_TAG_DELETED, &told).await?;
            self.events
                .publish(&mut tx, &events::told(events::VERSION_TAG_DELETED, allow.workspace, told))
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// A page of versions, and the token of the next.
    pub(crate) async fn search_versions(
        &self,
        allow: &Allow<ReadModels>,
        query: &Query,
    ) -> Result<(Vec<Version>, Option<String>), Error> {
        let limit = page_size(query.max_results, 10_000, 200_000)?;
        let clauses = parse(Dialect::ModelVersions, &query.filter)?;
        let orders = parse_order(Dialect::ModelVersions, &query.order_by)?;
        let page = query.page(Dialect::ModelVersions, &[])?;
        let mut tx = self.db.read().await?;
        let found =
            store::search::versions(&mut tx, allow.workspace, &clauses, &orders, page.as_ref(), limit + 1)
                .await?;
        let (ids, places) = registry::split(found.into_iter().map(|one| (one.id, one.places)), limit);
        let token = places.map(|places| query.token(Dialect::ModelVersions, &[], places));
        Ok((store::versions::list_rows(&mut tx, &ids).await?, token))
    }
}

/// A logged model's tag lists what it was registered as.
async fn tell_logged_model(tx: &mut Tx, ctx: &Ctx, model_id: &str, version: &Version) -> Result<(), Error> {
    const TAG: &str = "mlflow.modelVersions";
    let model = logged::get(tx, ctx, model_id).await?;
    let before = model.tags.iter().find(|tag| tag.key == TAG);
    let mut list: Vec<serde_json::Value> =
        before.and_then(|tag| serde_json::from_str(&tag.value).ok()).unwrap_or_default();
    list.push(json!({ "name": version.name, "version": version.version }));
    // With Python's blanks: who wrote the tag before compares it as a text.
    let shown: Vec<_> = list
        .iter()
        .map(|one| format!("{{\"name\": {}, \"version\": {}}}", one["name"], one["version"]))
        .collect();
    let tag = Pair { key: TAG.to_owned(), value: format!("[{}]", shown.join(", ")) };
    store::pairs::put(tx, LOGGED_TAGS, model.id, model.experiment, &[tag], Present::Overwritten).await?;
    Ok(())
}

/// What a source speaks of and is not there makes the source wrong, as MLflow has it.
fn within_source(source: &str, error: Error) -> Error {
    match error {
        Error::NotFound(what) => Error::invalid(format!("Invalid model version source: '{source}'. {what}")),
        other => other,
    }
}

/// Follows a source to where its files are, within the workspace.
async fn origin(tx: &mut Tx, ctx: &Ctx, new: &NewVersion) -> Result<Origin, Error> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let (run_id, model_id) = (given(&new.run_id), given(&new.model_id));
    let refuse = |what: &str| {
        Err(Error::invalid(format!(
            "Invalid model version source: '{}'. To use it, the {what} must be given and it must lie within its artifacts.",
            new.source
        )))
    };
    let of_model = match &model_id {
        Some(id) => Some(logged::get(tx, ctx, id).await?),
        None => None,
    };
    if let Some(rest) = new.source.strip_prefix("models:/") {
        let id = rest.split('/').next().unwrap_or("");
        if let Some((name, version)) = rest.split_once('/') {
            let found = get(tx, ctx, name, number(version)?).await?;
            return Ok(Origin {
                storage_location: found.storage_location,
                run_id: run_id.or(found.run_id),
                model_id,
            });
        }
        if model_id.as_deref().is_some_and(|given| given != id) {
            return refuse("model_id");
        }
        let model = logged::get(tx, ctx, id).await.map_err(|error| within_source(&new.source, error))?;
        return Ok(Origin {
            run_id: run_id.or(model.source_run_id),
            storage_location: model.artifact_location,
            model_id: Some(model.model_id),
        });
    }
    let run_id = run_id.or_else(|| of_model.as_ref().and_then(|model| model.source_run_id.clone()));
    if let Some(rest) = new.source.strip_prefix("runs:/") {
        let (source_run, path) = rest.split_once('/').unwrap_or((rest, ""));
        let run = runs::get(tx, ctx, source_run).await.map_err(|error| within_source(&new.source, error))?;
        if run_id.as_deref().is_some_and(|given| given != run.run_id) {
            return refuse("run_id");
        }
        let storage_location =
            if path.is_empty() { run.artifact_uri } else { join_uri(&run.artifact_uri, &[path]) };
        return Ok(Origin { storage_location, run_id: Some(run.run_id), model_id });
    }
    if new.source.starts_with("mlflow-artifacts:") {
        let is_within = |root: &str| {
            new.source.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if let Some(model) = &of_model {
            if !is_within(&model.artifact_location) {
                return refuse("model_id");
            }
        } else if let Some(id) = &run_id {
            let run = runs::get(tx, ctx, id).await?;
            if !is_within(&run.artifact_uri) {
                return refuse("run_id");
            }
        } else {
            return refuse("run_id or model_id");
        }
    }
    Ok(Origin { storage_location: new.source.clone(), run_id, model_id })
}
