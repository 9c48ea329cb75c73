//! What models are judged by: evaluation datasets with their records, and scorers.

use serde_json::{Map, Value, json};

use super::Pair;
use crate::error::Error;

#[derive(Debug, Clone)]
pub(crate) struct EvaluationSet {
    pub(crate) id: i64,
    pub(crate) dataset_id: String,
    pub(crate) name: String,
    pub(crate) digest: String,
    pub(crate) schema: Option<String>,
    pub(crate) records: i64,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    pub(crate) created_by: Option<String>,
    pub(crate) updated_by: Option<String>,
    pub(crate) tags: Vec<Pair>,
    /// Their numbers.
    pub(crate) experiments: Vec<i64>,
}

#[derive(Debug, Clone)]
pub(crate) struct ScorerVersion {
    pub(crate) experiment: i64,
    pub(crate) name: String,
    pub(crate) scorer_id: String,
    pub(crate) version: i64,
    pub(crate) content: String,
    pub(crate) created_ms: i64,
}

/// The tag that says who it was.
pub(crate) const USER_TAG: &str = "mlflow.user";

/// Objects with their members in order, so that the same content has one text.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.as_str());
            Value::Object(members.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect())
        }
        Value::Array(values) => values.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// A record as a caller gives it.
#[derive(Debug, Clone)]
pub(crate) struct NewRecord(Map<String, Value>);

impl NewRecord {
    /// # Errors
    ///
    /// What is no record.
    pub(crate) fn read(value: Value) -> Result<Self, Error> {
        let Value::Object(members) = value else {
            return Err(Error::invalid("A record of an evaluation dataset is an object."));
        };
        for name in ["inputs", "expectations", "tags"] {
            if members.get(name).is_some_and(|value| !value.is_object() && !value.is_null()) {
                return Err(Error::invalid(format!("The {name} of a record must be an object.")));
            }
        }
        if Value::Object(members.clone()).to_string().contains("\\u0000") {
            return Err(Error::invalid("A record must not hold a NUL character."));
        }
        Ok(Self(members))
    }

    fn inputs(&self) -> Value {
        self.0.get("inputs").filter(|inputs| inputs.is_object()).cloned().unwrap_or(json!({}))
    }

    pub(crate) fn hash(&self) -> String {
        blake3::hash(sorted(&self.inputs()).to_string().as_bytes()).to_hex().to_string()
    }

    pub(crate) fn user(&self) -> Option<&str> {
        self.0.get("tags")?.get(USER_TAG)?.as_str()
    }

    /// As it is kept when it is new.
    pub(crate) fn content(&self, dataset_id: &str, record_id: &str, now_ms: i64) -> Map<String, Value> {
        let mut content = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                content.insert(name.to_owned(), value);
            }
        };
        put("dataset_record_id", json!(record_id));
        put("dataset_id", json!(dataset_id));
        put("inputs", self.inputs());
        put("outputs", self.0.get("outputs").cloned().unwrap_or(json!({})));
        for name in ["expectations", "tags", "source"] {
            put(name, self.0.get(name).cloned().unwrap_or_default());
        }
        if let Some(source) = self.0.get("source").filter(|source| source.is_object()) {
            let kind = source["source_type"].as_str().unwrap_or("UNSPECIFIED");
            let id = if kind == "TRACE" { "trace_id" } else { "source_id" };
            put("source_type", json!(kind));
            put("source_id", source["source_data"][id].clone());
        }
        put("created_time", json!(now_ms));
        put("last_update_time", json!(now_ms));
        put("created_by", json!(self.user()));
        put("last_updated_by", json!(self.user()));
        content
    }

    /// What is said again changes; what is not said stays.
    pub(crate) fn merge_into(&self, content: &mut Map<String, Value>, now_ms: i64) {
        if let Some(outputs) = self.0.get("outputs") {
            content.insert("outputs".to_owned(), outputs.clone());
        }
        for name in ["expectations", "tags"] {
            let Some(Value::Object(more)) = self.0.get(name) else { continue };
            match content.get_mut(name) {
                Some(Value::Object(there)) => there.extend(more.clone()),
                _ => drop(content.insert(name.to_owned(), Value::Object(more.clone()))),
            }
        }
        content.insert("last_update_time".to_owned(), json!(now_ms));
        if let Some(user) = self.user() {
            content.insert("last_updated_by".to_owned(), json!(user));
        }
    }

    /// Kinds of values that the schema does not name yet.
    pub(crate) fn add_to_schema(&self, schema: &mut Value) {
        for part in ["inputs", "outputs", "expectations"] {
            match self.0.get(part) {
                Some(Value::Object(members)) => {
                    for (name, value) in members {
                        if let Some(known) = schema[part].as_object_mut() {
                            known.entry(name.as_str()).or_insert_with(|| json!(kind_of(value)));
                        }
                    }
                }
                Some(value) if part == "outputs" && !value.is_null() && schema[part] == json!({}) => {
                    schema[part] = json!(kind_of(value));
                }
                _ => {}
            }
        }
    }
}

/// Of a dataset without records.
pub(crate) fn empty_schema() -> Value {
    json!({ "inputs": {}, "outputs": {}, "expectations": {}, "version": "1.0" })
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_inputs_are_the_same_record() {
        let read = |text: &str| NewRecord::read(serde_json::from_str(text).unwrap()).unwrap();
        let one = read(
            r#"{"inputs": {"a": 1, "b": {"x": [1, {"q": 2, "p": 1}]}}, "tags": {"mlflow.user": "ada"}}"#,
        );
        let same = read(
            r#"{"inputs": {"b": {"x": [1, {"p": 1, "q": 2}]}, "a": 1}, "expectations": {"e": 1.5}, "outputs": "text"}"#,
        );
        assert_eq!(one.hash(), same.hash());
        assert_ne!(one.hash(), read(r#"{"inputs": {"a": "1"}}"#).hash());
        assert_eq!(read("{}").hash(), read(r#"{"inputs": null}"#).hash());
        let mut content = one.content("d-1", "dr-1", 5);
        assert_eq!((&content["created_by"], &content["outputs"]), (&json!("ada"), &json!({})));
        same.merge_into(&mut content, 9);
        assert_eq!((&content["expectations"], &content["outputs"]), (&json!({ "e": 1.5 }), &json!("text")));
        assert_eq!((&content["created_time"], &content["last_update_time"]), (&json!(5), &json!(9)));
        let mut schema = empty_schema();
        one.add_to_schema(&mut schema);
        same.add_to_schema(&mut schema);
        assert_eq!(schema["inputs"], json!({ "a": "integer", "b": "object" }));
        assert_eq!(
            (&schema["outputs"], &schema["expectations"]),
            (&json!("string"), &json!({ "e": "float" }))
        );
        for wrong in ["[1]", "5", r#"{"inputs": [1]}"#, r#"{"tags": "x"}"#, r#"{"inputs": {"a": "\u0000"}}"#]
        {
            assert!(NewRecord::read(serde_json::from_str(wrong).unwrap()).is_err(), "{wrong}");
        }
    }
}
