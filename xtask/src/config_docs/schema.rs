//! JSON Schema (2020-12) of `socle.toml`, for editors.

use serde_json::{Map, Value, json};

use super::read::{Field, Kind, Section};

pub(super) fn render(sections: &[Section]) -> anyhow::Result<String> {
    let mut root = object();
    for section in sections {
        let mut properties = Map::new();
        for field in &section.fields {
            properties.insert(field.name.clone(), property(field));
        }
        let mut inner = object();
        inner["properties"] = Value::Object(properties);
        let inner = if section.is_list { json!({"type": "array", "items": inner}) } else { inner };
        put(&mut root, &section.name, inner);
    }
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["title"] = json!("socle.toml");
    Ok(serde_json::to_string_pretty(&root)? + "\n")
}

fn object() -> Value {
    json!({"type": "object", "properties": {}, "additionalProperties": false})
}

/// A section below another takes the place of that one's key of the same name.
fn put(root: &mut Value, name: &str, section: Value) {
    match name.split_once('.') {
        None => {
            let properties = &mut root["properties"];
            if let Some(known) = properties.get(name).and_then(|known| known.get("description")).cloned() {
                let mut section = section;
                section["description"] = known;
                properties[name] = section;
            } else {
                properties[name] = section;
            }
        }
        Some((outer, rest)) => {
            if root["properties"].get(outer).is_none() {
                root["properties"][outer] = object();
            }
            put(&mut root["properties"][outer], rest, section);
        }
    }
}

fn property(field: &Field) -> Value {
    let mut property = of_kind(&field.kind);
    let unit = if field.unit.is_empty() { String::new() } else { format!(" Unit: {}.", field.unit) };
    property["description"] = json!(format!("{}{unit}", field.doc));
    if let Some(default) = &field.default
        && let Ok(value) = serde_json::from_str::<Value>(default)
    {
        property["default"] = value;
    }
    property
}

fn of_kind(kind: &Kind) -> Value {
    match kind {
        Kind::Text | Kind::Secret => json!({"type": "string"}),
        Kind::TextOrList => json!({"type": ["string", "array"], "items": {"type": "string"}}),
        Kind::Truth => json!({"type": "boolean"}),
        Kind::Whole => json!({"type": "integer"}),
        Kind::Number => json!({"type": "number"}),
        Kind::Choice(words) => json!({"enum": words}),
        Kind::List(inner) => json!({"type": "array", "items": of_kind(inner)}),
        Kind::Table => json!({"type": "object"}),
    }
}
