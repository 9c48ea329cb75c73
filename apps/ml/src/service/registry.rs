use db::{OnConstraint as _, Tx};
use kernel::{Allow, Ctx};
use serde_json::json;

use super::{Ml, Query, now_ms, page_size, webhooks};
use crate::{
    error::Error,
    events,
    model::{
        MODEL_TAG, Pair, Place, RegisteredModel, Stage, Version, check_alias, check_model_name, check_tag,
        filter::{Dialect, parse, parse_order},
    },
    permissions::{ReadModels, WriteModels},
    store::{
        self,
        pairs::{MODEL_TAGS, Present},
    },
};

pub(super) fn model_not_found(name: &str) -> Error {
    Error::not_found(format!("Registered Model with name={name} not found"))
}

/// Without its parts.
pub(super) async fn get(tx: &mut Tx, ctx: &Ctx, name: &str) -> Result<RegisteredModel, Error> {
    check_model_name("name", name)?;
    store::registry::find(tx, ctx.workspace, name).await?.ok_or_else(|| model_not_found(name))
}

async fn get_whole(tx: &mut Tx, ctx: &Ctx, name: &str) -> Result<RegisteredModel, Error> {
    let model = get(tx, ctx, name).await?;
    store::registry::list_rows(tx, &[model.id]).await?.pop().ok_or_else(|| model_not_found(name))
}

fn check_description(text: Option<&str>) -> Result<(), Error> {
    match text {
        Some(text) if text.contains('\0') || text.chars().count() > 100_000 => {
            Err(Error::invalid("'description' exceeds the maximum length of 100000 characters"))
        }
        _ => Ok(()),
    }
}

fn taken(name: &str) -> Error {
    Error::Exists(format!("Registered Model (name={name}) already exists."))
}

impl Ml {
    pub(crate) async fn create_model(
        &self,
        allow: &Allow<WriteModels>,
        name: &str,
        description: Option<&str>,
        mut tags: Vec<Pair>,
    ) -> Result<RegisteredModel, Error> {
        check_model_name("name", name)?;
        check_description(description)?;
        for tag in &mut tags {
            check_tag("", MODEL_TAG, tag)?;
        }
        let mut tx = self.db.begin().await?;
        let now = now_ms(allow);
        let id = store::registry::insert(&mut tx, allow.workspace, name, description, now)
            .await
            .on_constraint("ml_models_workspace_id_name_key", || taken(name))?;
        store::pairs::put(&mut tx, MODEL_TAGS, id, id, &tags, Present::Overwritten).await?;
        let model = RegisteredModel {
            id,
            name: name.to_owned(),
            description: description.map(str::to_owned),
            created_ms: now,
            updated_ms: now,
            tags: store::pairs::settled(&tags),
            aliases: Vec::new(),
            latest: Vec::new(),
        };
        self.events.publish(&mut tx, &events::of_model(allow.workspace, &model)).await?;
        let told = webhooks::of_model(&model);
        self.tell_webhooks(&mut tx, allow, id, webhooks::MODEL_CREATED, &told).await?;
        tx.commit().await?;
        Ok(model)
    }

    pub(crate) async fn get_model(
        &self,
        allow: &Allow<ReadModels>,
        name: &str,
    ) -> Result<RegisteredModel, Error> {
        let mut tx = self.db.read().await?;
        get_whole(&mut tx, allow, name).await
    }

    pub(crate) async fn describe_model(
        &self,
        allow: &Allow<WriteModels>,
        name: &str,
        description: Option<&str>,
    ) -> Result<RegisteredModel, Error> {
        check_description(description)?;
        let mut tx = self.db.begin().await?;
        let model = get(&mut tx, allow, name).await?;
        store::registry::describe(&mut tx, model.id, description, now_ms(allow)).await?;
        let model = get_whole(&mut tx, allow, name).await?;
        tx.commit().await?;
        Ok(model)
    }

    pub(crate) async fn rename_model(
        &self,
        allow: &Allow<WriteModels>,
        name: &str,
        new_name: &str,
    ) -> Result<RegisteredModel, Error> {
        check_model_name("new_name", new_name)?;
        let mut tx = self.db.begin().await?;
        let model = get(&mut tx, allow, name).await?;
        store::registry::rename(&mut tx, model.id, new_name, now_ms(allow))
            .await
            .on_constraint("ml_models_workspace_id_name_key", || taken(new_name))?;
        let model = get_whole(&mut tx, allow, new_name).await?;
        self.record(&mut tx, allow, "ml.model-renamed", name, json!({ "name": new_name })).await?;
        tx.commit().await?;
        Ok(model)
    }

    /// With its versions and aliases.
    pub(crate) async fn delete_model(&self, allow: &Allow<WriteModels>, name: &str) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let model = get(&mut tx, allow, name).await?;
        store::registry::delete(&mut tx, model.id).await?;
        self.record(&mut tx, allow, "ml.model-deleted", name, json!({})).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A page of registered models, and the token of the next.
    pub(crate) async fn search_models(
        &self,
        allow: &Allow<ReadModels>,
        query: &Query,
    ) -> Result<(Vec<RegisteredModel>, Option<String>), Error> {
        let limit = page_size(query.max_results, 100, 1_000)?;
        let clauses = parse(Dialect::RegisteredModels, &query.filter)?;
        let orders = parse_order(Dialect::RegisteredModels, &query.order_by)?;
        let page = query.page(Dialect::RegisteredModels, &[])?;
        let mut tx = self.db.read().await?;
        let found =
            store::search::models(&mut tx, allow.workspace, &clauses, &orders, page.as_ref(), limit + 1)
                .await?;
        let (ids, places) = split(found.into_iter().map(|one| (one.id, one.places)), limit);
        let token = places.map(|places| query.token(Dialect::RegisteredModels, &[], places));
        Ok((store::registry::list_rows(&mut tx, &ids).await?, token))
    }

    /// The newest version of each of these stages; of all where none is named.
    pub(crate) async fn latest_versions(
        &self,
        allow: &Allow<ReadModels>,
        name: &str,
        stages: &[String],
    ) -> Result<Vec<Version>, Error> {
        let stages = stages.iter().map(|stage| Stage::parse(stage)).collect::<Result<Vec<_>, _>>()?;
        let mut tx = self.db.read().await?;
        let model = get_whole(&mut tx, allow, name).await?;
        let is_wanted =
            |version: &Version| stages.is_empty() || stages.iter().any(|stage| stage.name() == version.stage);
        Ok(model.latest.into_iter().filter(is_wanted).collect())
    }

    pub(crate) async fn set_model_tag(
        &self,
        allow: &Allow<WriteModels>,
        name: &str,
        mut tag: Pair,
    ) -> Result<(), Error> {
        check_tag("", MODEL_TAG, &mut tag)?;
        let mut tx = self.db.begin().await?;
        let model = get(&mut tx, allow, name).await?;
        let told = json!({ "name": name, "key": tag.key, "value": tag.value });
        store::pairs::put(&mut tx, MODEL_TAGS, model.id, model.id, &[tag], Present::Overwritten).await?;
        self.tell_webhooks(&mut tx, allow, model.id, webhooks::TAG_SET, &told).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Deleting what is not there is no fault.
    pub(crate) async fn delete_model_tag(
        &self,
        allow: &Allow<WriteModels>,
        name: &str,
        key: &str,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let model = get(&mut tx, allow, name).await?;
        let told = json!({ "name": name, "key": key });
        self.tell_webhooks(&mut tx, allow, model.id, webhooks::TAG_DELETED, &told).await?;
        store::pairs::delete(&mut tx, MODEL_TAGS, model.id, key).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(crate) async fn set_alias(
        &self,
        allow: &Allow<WriteModels>,
        name: &str,
        alias: &str,
        version: i64,
    ) -> Result<(), Error> {
        check_alias(alias, true)?;
        let mut tx = self.db.begin().await?;
        let model = get(&mut tx, allow, name).await?;
        let found = super::versions::get(&mut tx, allow, name, version).await?;
        let before = store::registry::find_alias(&mut tx, model.id, alias).await?;
        store::registry::set_alias(&mut tx, model.id, alias, found.version).await?;
        let told = json!({ "name": name, "alias": alias, "version": version.to_string() });
        self.tell_webhooks(&mut tx, allow, model.id, webhooks::ALIAS_SET, &told).await?;
        self.events.publish(&mut tx, &events::told(events::ALIAS_SET, allow.workspace, told)).await?;
        let detail = json!({ "alias": alias, "version": version, "before": before });
        self.record(&mut tx, allow, "ml.alias-set", name, detail).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Deleting what is not there is no fault.
    pub(crate) async fn delete_alias(
        &self,
        allow: &Allow<WriteModels>,
        name: &str,
        alias: &str,
    ) -> Result<(), Error> {
        check_alias(alias, false)?;
        let mut tx = self.db.begin().await?;
        let model = get(&mut tx, allow, name).await?;
        let before = store::registry::find_alias(&mut tx, model.id, alias).await?;
        store::registry::delete_alias(&mut tx, model.id, alias).await?;
        if before.is_some() {
            let told = json!({ "name": name, "alias": alias });
            self.tell_webhooks(&mut tx, allow, model.id, webhooks::ALIAS_DELETED, &told).await?;
            self.events.publish(&mut tx, &events::told(events::ALIAS_DELETED, allow.workspace, told)).await?;
            let detail = json!({ "alias": alias, "before": before });
            self.record(&mut tx, allow, "ml.alias-deleted", name, detail).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    pub(crate) async fn version_by_alias(
        &self,
        allow: &Allow<ReadModels>,
        name: &str,
        alias: &str,
    ) -> Result<Version, Error> {
        check_alias(alias, false)?;
        let mut tx = self.db.read().await?;
        let model = get(&mut tx, allow, name).await?;
        let version = if alias.eq_ignore_ascii_case("latest") {
            let latest = store::versions::latest_of(&mut tx, &[model.id]).await?;
            latest.get(&model.id).and_then(|versions| versions.last()).map(|version| version.version)
        } else {
            store::registry::find_alias(&mut tx, model.id, alias).await?
        };
        let version =
            version.ok_or_else(|| Error::invalid(format!("Registered model alias {alias} not found.")))?;
        super::versions::get(&mut tx, allow, name, version).await
    }
}

/// The rows of a page, and where it ends if more follow.
pub(super) fn split(
    found: impl IntoIterator<Item = (i64, Vec<Place>)>,
    limit: i64,
) -> (Vec<i64>, Option<Vec<Place>>) {
    let mut found: Vec<_> = found.into_iter().collect();
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = found.len() > size;
    found.truncate(size);
    let end = found.last().filter(|_| has_more).map(|(_, places)| places.clone());
    (found.into_iter().map(|(id, _)| id).collect(), end)
}
