//! What people and programs think of a trace.

use kernel::Allow;
use serde_json::{Map, Value, json};

use super::{Ml, runs::fresh_id, traces};
use crate::{
    error::Error,
    model::trace::Assessment,
    permissions::{ReadRuns, WriteRuns},
    store,
};

fn not_found(id: &str, trace_id: &str) -> Error {
    let shown: String = id.chars().take(100).collect();
    Error::not_found(format!("Assessment with ID '{shown}' not found for trace '{trace_id}'"))
}

/// `2026-11-21T13:30:57.653Z`
fn told(now: kernel::Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

impl Ml {
    /// One that overrides another leaves that one there, no longer valid.
    pub(crate) async fn create_assessment(
        &self,
        allow: &Allow<WriteRuns>,
        trace_id: &str,
        content: Map<String, Value>,
    ) -> Result<Assessment, Error> {
        let id = format!("a-{}", fresh_id());
        let assessment = Assessment::new(id, trace_id, content, &told(allow.now))?;
        let mut tx = self.db.begin().await?;
        let trace = traces::lock(&mut tx, allow, trace_id).await?;
        if let Some(other) = assessment.overrides()
            && (other.contains('\0') || !store::traces::set_validity(&mut tx, trace.id, other, false).await?)
        {
            return Err(not_found(other, trace_id));
        }
        store::traces::put_assessments(&mut tx, trace.id, std::slice::from_ref(&assessment)).await?;
        tx.commit().await?;
        Ok(assessment)
    }

    pub(crate) async fn get_assessment(
        &self,
        allow: &Allow<ReadRuns>,
        trace_id: &str,
        id: &str,
    ) -> Result<Assessment, Error> {
        let (trace, _) = self.get_trace(allow, trace_id, false).await?;
        let found = trace.assessments.into_iter().find(|one| one.assessment_id == id);
        found.ok_or_else(|| not_found(id, trace_id))
    }

    /// The fields that `mask` names take the values of `changes`.
    pub(crate) async fn update_assessment(
        &self,
        allow: &Allow<WriteRuns>,
        trace_id: &str,
        id: &str,
        changes: &Map<String, Value>,
        mask: &[String],
    ) -> Result<Assessment, Error> {
        const CHANGING: [&str; 6] =
            ["assessment_name", "feedback", "expectation", "issue", "rationale", "metadata"];
        let mut tx = self.db.begin().await?;
        let trace = traces::lock(&mut tx, allow, trace_id).await?;
        let mut all = store::traces::assessments_of(&mut tx, &[trace.id]).await?;
        let before = all
            .remove(&trace.id)
            .unwrap_or_default()
            .into_iter()
            .find(|one| one.assessment_id == id)
            .ok_or_else(|| not_found(id, trace_id))?;
        let mut content = before.content.clone();
        for field in mask {
            if !CHANGING.contains(&field.as_str()) {
                return Err(Error::invalid(format!(
                    "The field '{field}' of an assessment cannot be updated."
                )));
            }
            let is_a_value = ["feedback", "expectation", "issue"].contains(&field.as_str());
            if is_a_value && field != before.kind.name() {
                return Err(Error::invalid(format!(
                    "Cannot update {field} value on a {} assessment.",
                    before.kind.name()
                )));
            }
            match (changes.get(field), content.get_mut(field)) {
                // What is said more of it joins what was said.
                (Some(Value::Object(more)), Some(Value::Object(there))) if field == "metadata" => {
                    there.extend(more.clone());
                    continue;
                }
                (Some(value), _) => content.insert(field.clone(), value.clone()),
                (None, _) => content.remove(field),
            };
        }
        content.insert("last_update_time".to_owned(), json!(told(allow.now)));
        let after = Assessment { is_valid: before.is_valid, ..Assessment::told(content)? };
        store::traces::put_assessments(&mut tx, trace.id, std::slice::from_ref(&after)).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// What it overrode counts again. Deleting what is not there is no fault.
    pub(crate) async fn delete_assessment(
        &self,
        allow: &Allow<WriteRuns>,
        trace_id: &str,
        id: &str,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let trace = traces::lock(&mut tx, allow, trace_id).await?;
        let mut all = store::traces::assessments_of(&mut tx, &[trace.id]).await?;
        let found = all.remove(&trace.id).unwrap_or_default().into_iter().find(|one| one.assessment_id == id);
        if let Some(found) = found {
            if let Some(other) = found.overrides() {
                store::traces::set_validity(&mut tx, trace.id, other, true).await?;
            }
            store::traces::delete_assessment(&mut tx, trace.id, id).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
