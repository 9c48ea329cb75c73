//! What the registry tells over realtime, and so to webhooks.

use kernel::WorkspaceId;
use platform::Topic;
use realtime::{Event, Room};
use serde_json::{Value, json};

use crate::model::{PROMPT_TAG, Pair, RegisteredModel, Version};

pub(crate) const MODEL_CREATED: &str = "ml.registered_model_created";
pub(crate) const VERSION_CREATED: &str = "ml.model_version_created";
pub(crate) const VERSION_MOVED: &str = "ml.model_version_moved";
pub(crate) const VERSION_TAG_SET: &str = "ml.model_version_tag_set";
pub(crate) const VERSION_TAG_DELETED: &str = "ml.model_version_tag_deleted";
pub(crate) const ALIAS_SET: &str = "ml.model_version_alias_set";
pub(crate) const ALIAS_DELETED: &str = "ml.model_version_alias_deleted";

pub(crate) const TOPICS: &[Topic] = &[
    Topic { name: MODEL_CREATED, description: "A model or prompt was registered", stored: true },
    Topic { name: VERSION_CREATED, description: "A version of a model or prompt was made", stored: true },
    Topic { name: VERSION_MOVED, description: "A model version went to another stage", stored: true },
    Topic { name: VERSION_TAG_SET, description: "A model version was tagged", stored: true },
    Topic { name: VERSION_TAG_DELETED, description: "A tag of a model version was taken away", stored: true },
    Topic { name: ALIAS_SET, description: "An alias points at another model version", stored: true },
    Topic { name: ALIAS_DELETED, description: "An alias of a model was taken away", stored: true },
];

fn tags(pairs: &[Pair]) -> Value {
    Value::Object(pairs.iter().map(|pair| (pair.key.clone(), json!(pair.value))).collect())
}

fn is_prompt(pairs: &[Pair]) -> bool {
    pairs.iter().any(|pair| pair.key == PROMPT_TAG && pair.value == "true")
}

/// To the whole workspace.
pub(crate) fn told(topic: &'static str, workspace: WorkspaceId, data: Value) -> Event {
    Event { topic, room: Room::workspace(workspace), workspace, data }
}

pub(crate) fn of_model(workspace: WorkspaceId, model: &RegisteredModel) -> Event {
    let data = json!({
        "name": model.name,
        "description": model.description,
        "tags": tags(&model.tags),
        "is_prompt": is_prompt(&model.tags),
    });
    told(MODEL_CREATED, workspace, data)
}

pub(crate) fn of_version(workspace: WorkspaceId, version: &Version) -> Event {
    let data = json!({
        "name": version.name,
        "version": version.version.to_string(),
        "source": version.source,
        "run_id": version.run_id,
        "model_id": version.logged_model,
        "description": version.description,
        "tags": tags(&version.tags),
        "is_prompt": is_prompt(&version.tags),
    });
    told(VERSION_CREATED, workspace, data)
}
