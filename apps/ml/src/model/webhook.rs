//! Webhooks as MLflow's client makes them: what they hear, and how their messages are signed.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::Secret;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::error::Error;

/// What can happen, as `entity.action`. The last of them belongs to the gateway, which is not here.
const EVENTS: [&str; 15] = [
    "registered_model.created",
    "model_version.created",
    "model_version_tag.set",
    "model_version_tag.deleted",
    "model_version_alias.created",
    "model_version_alias.deleted",
    "prompt.created",
    "prompt_version.created",
    "prompt_tag.set",
    "prompt_tag.deleted",
    "prompt_version_tag.set",
    "prompt_version_tag.deleted",
    "prompt_alias.created",
    "prompt_alias.deleted",
    "budget_policy.exceeded",
];
/// In the order of their numbers on the wire, from 1.
const ENTITIES: [&str; 10] = [
    "registered_model",
    "model_version",
    "model_version_tag",
    "model_version_alias",
    "prompt",
    "prompt_version",
    "prompt_tag",
    "prompt_version_tag",
    "prompt_alias",
    "budget_policy",
];
const ACTIONS: [&str; 5] = ["created", "updated", "deleted", "set", "exceeded"];

/// One of [`EVENTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HookEvent(&'static str);

/// By its name in capitals, or by its number.
fn among(names: &[&'static str], text: &str) -> Option<&'static str> {
    let by_number = || text.parse::<usize>().ok().and_then(|number| names.get(number.checked_sub(1)?));
    names.iter().find(|name| name.to_uppercase() == text).or_else(by_number).copied()
}

impl HookEvent {
    /// From what stands on the wire.
    pub(crate) fn parse(entity: &str, action: &str) -> Result<Self, Error> {
        let unknown = |what: &str, text: &str| {
            Error::invalid(format!(
                "Invalid webhook {what}: {}",
                json!(text.chars().take(100).collect::<String>())
            ))
        };
        let entity = among(&ENTITIES, entity).ok_or_else(|| unknown("entity", entity))?;
        let action = among(&ACTIONS, action).ok_or_else(|| unknown("action", action))?;
        Self::of_text(&format!("{entity}.{action}"))
            .ok_or_else(|| Error::invalid(format!("Invalid action '{action}' for entity '{entity}'.")))
    }

    /// `entity.action`
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        EVENTS.into_iter().find(|event| *event == text).map(Self)
    }

    pub(crate) fn text(self) -> &'static str {
        self.0
    }

    pub(crate) fn entity(self) -> &'static str {
        self.0.split('.').next().unwrap_or_default()
    }

    pub(crate) fn action(self) -> &'static str {
        self.0.split('.').nth(1).unwrap_or_default()
    }

    /// What a test sends.
    pub(crate) fn example(self) -> Value {
        let name = if self.entity().starts_with("prompt") { "example_prompt" } else { "example_model" };
        let mut data = json!({ "name": name });
        let mut add = |key: &str, value: Value| data[key] = value;
        let is_of_version = self.entity().contains("version");
        if is_of_version && self.entity() != "model_version_alias" {
            add("version", json!("1"));
        }
        match (self.entity(), self.action()) {
            ("model_version_alias" | "prompt_alias", action) => {
                add("alias", json!("example_alias"));
                if action == "created" {
                    add("version", json!("1"));
                }
            }
            ("model_version_tag" | "prompt_tag" | "prompt_version_tag", action) => {
                add("key", json!("example_key"));
                if action == "set" {
                    add("value", json!("example_value"));
                }
            }
            (entity, _) => {
                add("tags", json!({ "example_key": "example_value" }));
                add("description", json!(format!("An example {}", entity.replace('_', " "))));
                match entity {
                    "model_version" => {
                        add("source", json!("models:/123"));
                        add("run_id", json!("abcd1234abcd5678"));
                    }
                    "prompt_version" => add("template", json!("Hello {{name}}!")),
                    _ => {}
                }
            }
        }
        data
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    pub(crate) id: i64,
    pub(crate) webhook_id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) url: String,
    pub(crate) events: Vec<HookEvent>,
    pub(crate) secret: Option<Secret<String>>,
    pub(crate) is_active: bool,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
}

pub(crate) fn check_hook_name(name: &str) -> Result<(), Error> {
    let is_edge = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    let fine = name.len() <= 63
        && is_edge(name.chars().next())
        && is_edge(name.chars().next_back())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter));
    if fine {
        return Ok(());
    }
    let shown: String = name.chars().take(100).collect();
    Err(Error::invalid(format!(
        "Webhook name {} is invalid. It must start and end with a letter or digit, have 63 characters at most, and contain \
         only letters, digits, dots (.), underscores (_), and hyphens (-).",
        json!(shown)
    )))
}

/// The value of `X-MLflow-Signature`.
pub(crate) fn hook_signature(secret: &str, message: &str, timestamp_s: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(format!("{message}.{timestamp_s}.").as_bytes());
    mac.update(body.as_bytes());
    format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_named_and_numbered() {
        for (entity, action, expected) in [
            ("REGISTERED_MODEL", "CREATED", Some("registered_model.created")),
            ("4", "3", Some("model_version_alias.deleted")),
            ("10", "EXCEEDED", Some("budget_policy.exceeded")),
            ("REGISTERED_MODEL", "DELETED", None),
            ("ENTITY_UNSPECIFIED", "CREATED", None),
            ("0", "1", None),
            ("11", "1", None),
            ("model_version", "CREATED", None),
        ] {
            assert_eq!(
                HookEvent::parse(entity, action).ok().map(HookEvent::text),
                expected,
                "{entity} {action}"
            );
        }
        for event in EVENTS {
            let event = HookEvent::of_text(event).unwrap();
            assert!(ENTITIES.contains(&event.entity()) && ACTIONS.contains(&event.action()));
            assert!(event.example()["name"].is_string());
        }
    }

    #[test]
    fn names_are_short_and_plain() {
        for (name, fine) in [
            ("a", true),
            ("My.hook_1-b", true),
            ("", false),
            ("-a", false),
            ("a.", false),
            ("a b", false),
            ("é", false),
        ] {
            assert_eq!(check_hook_name(name).is_ok(), fine, "{name}");
        }
        assert!(check_hook_name(&"a".repeat(63)).is_ok() && check_hook_name(&"a".repeat(64)).is_err());
    }

    /// By Python's `hmac`, as MLflow's documentation verifies it.
    #[test]
    fn signatures_are_mlflows() {
        let signature = hook_signature("secret", "id", 1_700_000_000, "{\"a\": 1}");
        assert_eq!(signature, "v1,38uVORQcsSdjatM9lCcMNO82Q89mMAbtl9RgUgq98/w=");
    }
}
