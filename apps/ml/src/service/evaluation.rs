//! Evaluation datasets: what models are asked, and what they should answer.

use std::collections::BTreeMap;

use db::Tx;
use kernel::{Allow, Ctx};
use serde_json::{Map, Value, json};

use super::{Ml, Query, experiments, now_ms, page_size, registry, runs::fresh_id};
use crate::{
    error::Error,
    model::{
        EvaluationSet, NewRecord, Page, Pair, Place, USER_TAG, empty_schema,
        filter::{Dialect, parse, parse_order},
    },
    permissions::{ReadRuns, WriteRuns},
    store::{
        self,
        pairs::{EVALUATION_TAGS, Present},
    },
};

const RECORDS: &str = "evaluation records";
const IDS_MAX: usize = 5_000;

fn not_found(dataset_id: &str) -> Error {
    let shown: String = dataset_id.chars().take(100).collect();
    Error::not_found(format!("Evaluation dataset with id '{shown}' not found"))
}

async fn find(tx: &mut Tx, ctx: &Ctx, dataset_id: &str, is_locked: bool) -> Result<EvaluationSet, Error> {
    let found = store::evaluation::find(tx, ctx.workspace, dataset_id, is_locked).await?;
    found.ok_or_else(|| not_found(dataset_id))
}

fn check_tags(tags: &[Pair]) -> Result<(), Error> {
    for tag in tags {
        if tag.key.is_empty() || tag.key.chars().count() > 250 || tag.value.chars().count() > 5_000 {
            return Err(Error::invalid("A tag's key has 1 to 250 characters, its value 5000 at most."));
        }
        if tag.key.contains('\0') || tag.value.contains('\0') {
            return Err(Error::invalid("A tag must not hold a NUL character."));
        }
    }
    Ok(())
}

/// It is another with every change.
fn digest(name: &str, now_ms: i64) -> String {
    blake3::hash(format!("{name}:{now_ms}").as_bytes()).to_hex()[..8].to_owned()
}

async fn rows_of(tx: &mut Tx, ctx: &Ctx, experiment_ids: &[String]) -> Result<Vec<i64>, Error> {
    let mut rows = Vec::with_capacity(experiment_ids.len());
    for id in experiment_ids.iter().take(IDS_MAX) {
        rows.push(experiments::get(tx, ctx, id).await?.id);
    }
    Ok(rows)
}

impl Ml {
    pub(crate) async fn create_evaluation_set(
        &self,
        allow: &Allow<WriteRuns>,
        name: &str,
        experiment_ids: &[String],
        tags: Vec<Pair>,
    ) -> Result<EvaluationSet, Error> {
        if name.contains('\0') || name.chars().count() > 500 {
            return Err(Error::invalid(
                "An evaluation dataset's name has 500 characters at most, and no NUL.",
            ));
        }
        check_tags(&tags)?;
        let now = now_ms(allow);
        let user = tags.iter().find(|tag| tag.key == USER_TAG).map(|tag| tag.value.clone());
        let mut set = EvaluationSet {
            id: 0,
            dataset_id: format!("d-{}", fresh_id()),
            name: name.to_owned(),
            digest: digest(name, now),
            schema: None,
            records: 0,
            created_ms: now,
            updated_ms: now,
            created_by: user.clone(),
            updated_by: user,
            tags,
            experiments: Vec::new(),
        };
        let mut tx = self.db.begin().await?;
        let experiments = rows_of(&mut tx, allow, experiment_ids).await?;
        set.id = store::evaluation::insert(&mut tx, allow.workspace, &set).await?;
        store::pairs::put(&mut tx, EVALUATION_TAGS, set.id, 0, &set.tags, Present::Overwritten).await?;
        store::evaluation::link(&mut tx, set.id, &experiments).await?;
        let made = find(&mut tx, allow, &set.dataset_id, false).await?;
        tx.commit().await?;
        Ok(made)
    }

    pub(crate) async fn get_evaluation_set(
        &self,
        allow: &Allow<ReadRuns>,
        id: &str,
    ) -> Result<EvaluationSet, Error> {
        let mut tx = self.db.read().await?;
        find(&mut tx, allow, id, false).await
    }

    /// Deleting what is not there is no fault.
    pub(crate) async fn delete_evaluation_set(
        &self,
        allow: &Allow<WriteRuns>,
        id: &str,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        if let Some(set) = store::evaluation::find(&mut tx, allow.workspace, id, true).await? {
            store::evaluation::delete(&mut tx, set.id).await?;
            let detail = json!({ "name": set.name, "records": set.records });
            self.record(&mut tx, allow, "ml.evaluation-dataset-deleted", id, detail).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// A page of them, and the token of the next.
    pub(crate) async fn search_evaluation_sets(
        &self,
        allow: &Allow<ReadRuns>,
        query: &Query,
        experiment_ids: &[String],
    ) -> Result<(Vec<EvaluationSet>, Option<String>), Error> {
        let limit = page_size(query.max_results.filter(|max| *max != 0), 1_000, 50_000)?;
        let clauses = parse(Dialect::EvaluationSets, &query.filter)?;
        let orders = parse_order(Dialect::EvaluationSets, &query.order_by)?;
        let numbers =
            experiment_ids.iter().map(|id| experiments::number(id)).collect::<Result<Vec<_>, _>>()?;
        if numbers.len() > IDS_MAX {
            return Err(Error::invalid(format!("A search may name {IDS_MAX} experiments at most.")));
        }
        let more: Vec<_> = experiment_ids.iter().map(String::as_str).collect();
        let page = query.page(Dialect::EvaluationSets, &more)?;
        let mut tx = self.db.read().await?;
        let rows = if numbers.is_empty() {
            None
        } else {
            let known = store::experiments::list(&mut tx, allow.workspace, &numbers).await?;
            Some(known.iter().map(|experiment| experiment.id).collect::<Vec<_>>())
        };
        if rows.as_ref().is_some_and(Vec::is_empty) {
            return Ok((Vec::new(), None));
        }
        let found = store::search::evaluation_sets(
            &mut tx,
            allow.workspace,
            rows.as_deref(),
            &clauses,
            &orders,
            page.as_ref(),
            limit + 1,
        )
        .await?;
        let (ids, places) = registry::split(found.into_iter().map(|one| (one.id, one.places)), limit);
        let token = places.map(|places| query.token(Dialect::EvaluationSets, &more, places));
        Ok((store::evaluation::list_rows(&mut tx, &ids).await?, token))
    }

    pub(crate) async fn set_evaluation_tags(
        &self,
        allow: &Allow<WriteRuns>,
        id: &str,
        tags: &[Pair],
    ) -> Result<(), Error> {
        check_tags(tags)?;
        let mut tx = self.db.begin().await?;
        let set = find(&mut tx, allow, id, true).await?;
        store::pairs::put(&mut tx, EVALUATION_TAGS, set.id, 0, tags, Present::Overwritten).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Deleting what is not there is no fault.
    pub(crate) async fn delete_evaluation_tag(
        &self,
        allow: &Allow<WriteRuns>,
        id: &str,
        key: &str,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        if let Some(set) = store::evaluation::find(&mut tx, allow.workspace, id, true).await? {
            store::pairs::delete(&mut tx, EVALUATION_TAGS, set.id, key).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Says of which experiments it is, or of which it is no more.
    pub(crate) async fn link_evaluation_set(
        &self,
        allow: &Allow<WriteRuns>,
        id: &str,
        experiment_ids: &[String],
        is_of_them: bool,
    ) -> Result<EvaluationSet, Error> {
        let mut tx = self.db.begin().await?;
        let mut set = find(&mut tx, allow, id, true).await?;
        let experiments = rows_of(&mut tx, allow, experiment_ids).await?;
        if is_of_them {
            store::evaluation::link(&mut tx, set.id, &experiments).await?;
        } else {
            store::evaluation::unlink(&mut tx, set.id, &experiments).await?;
        }
        set.updated_ms = now_ms(allow);
        store::evaluation::save(&mut tx, &set).await?;
        let set = find(&mut tx, allow, id, false).await?;
        tx.commit().await?;
        Ok(set)
    }

    /// Those whose inputs are there already are changed. Gives how many are new, and how many were changed.
    pub(crate) async fn put_evaluation_records(
        &self,
        allow: &Allow<WriteRuns>,
        id: &str,
        records: &[NewRecord],
    ) -> Result<(u64, u64), Error> {
        let now = now_ms(allow);
        let hashes: Vec<String> = records.iter().map(NewRecord::hash).collect();
        let mut tx = self.db.begin().await?;
        let mut set = find(&mut tx, allow, id, true).await?;
        let asked: Vec<_> = hashes.iter().map(String::as_str).collect();
        let there = store::evaluation::records_by_hash(&mut tx, set.id, &asked).await?;
        let mut contents: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        let mut order = Vec::new();
        let (mut inserted, mut updated) = (0, 0);
        let mut schema = set.schema.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let schema = schema.get_or_insert_with(empty_schema);
        for (record, hash) in records.iter().zip(&hashes) {
            let known = match contents.remove(hash.as_str()) {
                Some(content) => Some(content),
                None => {
                    order.push(hash.as_str());
                    there.get(hash).and_then(|text| serde_json::from_str(text).ok())
                }
            };
            let content = match known {
                Some(mut content) => {
                    record.merge_into(&mut content, now);
                    updated += 1;
                    content
                }
                None => {
                    inserted += 1;
                    record.content(&set.dataset_id, &format!("dr-{}", fresh_id()), now)
                }
            };
            contents.insert(hash, content);
            record.add_to_schema(schema);
            set.updated_by = record.user().map(str::to_owned).or(set.updated_by);
        }
        let rows = order.into_iter().filter_map(|hash| {
            let content = contents.remove(hash)?;
            let record_id = content["dataset_record_id"].as_str()?.to_owned();
            Some((record_id, hash.to_owned(), Value::Object(content).to_string()))
        });
        store::evaluation::put_records(&mut tx, set.id, rows).await?;
        if !records.is_empty() {
            set.schema = Some(schema.to_string());
        }
        set.updated_ms = now;
        set.digest = digest(&set.name, now);
        store::evaluation::save(&mut tx, &set).await?;
        tx.commit().await?;
        Ok((inserted, updated))
    }

    /// A page of records as JSON, and the token of the next.
    pub(crate) async fn list_evaluation_records(
        &self,
        allow: &Allow<ReadRuns>,
        id: &str,
        max_results: Option<i64>,
        token: Option<&str>,
    ) -> Result<(Vec<Value>, Option<String>), Error> {
        let limit = page_size(max_results.filter(|max| *max != 0), 1_000, 50_000)?;
        let page = token.map(|token| Page::parse(&[RECORDS, id], token)).transpose()?;
        let after = match page.as_ref().map(|page| &page.places[..]) {
            None => 0,
            Some([Place::Int(after)]) => *after,
            Some(_) => return Err(Error::invalid("Invalid page token")),
        };
        let mut tx = self.db.read().await?;
        let set = find(&mut tx, allow, id, false).await?;
        let mut found = store::evaluation::records(&mut tx, set.id, after, limit + 1).await?;
        let size = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = found.len() > size;
        found.truncate(size);
        let end = found.last().filter(|_| has_more);
        let token = end.map(|(row, _)| Page::token(&[RECORDS, id], vec![Place::Int(*row)]));
        // They were written by ourselves.
        let records = found.iter().filter_map(|(_, content)| serde_json::from_str(content).ok()).collect();
        Ok((records, token))
    }

    /// Gives how many there were.
    pub(crate) async fn delete_evaluation_records(
        &self,
        allow: &Allow<WriteRuns>,
        id: &str,
        record_ids: &[String],
    ) -> Result<u64, Error> {
        let mut tx = self.db.begin().await?;
        let mut set = find(&mut tx, allow, id, true).await?;
        let deleted = store::evaluation::delete_records(&mut tx, set.id, record_ids).await?;
        set.updated_ms = now_ms(allow);
        set.digest = digest(&set.name, set.updated_ms);
        store::evaluation::save(&mut tx, &set).await?;
        tx.commit().await?;
        Ok(deleted)
    }
}
