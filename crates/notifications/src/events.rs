//! What this module tells over realtime, and what it tells people.

use kernel::{UserId, WorkspaceId};
use platform::{Notice, Topic};
use realtime::{Event, Room};
use serde_json::json;

use crate::model::ItemId;

pub(crate) const CREATED: &str = "notifications.created";
pub(crate) const READ: &str = "notifications.read";

pub(crate) const TOPICS: &[Topic] = &[
    Topic {
        name: CREATED,
        description: "Somebody was told something, to the room of that person",
        stored: true,
    },
    Topic {
        name: READ,
        description: "Somebody read or deleted notifications, to the room of that person",
        stored: true,
    },
];

/// A webhook's own, when somebody tries it.
pub(crate) const WEBHOOK_TEST: &str = "notifications.webhook_test";

pub(crate) const TASK_FAILED: &str = "notifications.task_failed";
pub(crate) const WEBHOOK_DISABLED: &str = "notifications.webhook_disabled";
pub(crate) const MESSAGE: &str = "notifications.message";

pub(crate) const NOTICES: &[Notice] = &[
    Notice {
        topic: TASK_FAILED,
        label: ["A task failed for good", "Une tâche a échoué définitivement"],
        title: ["The task {{ kind }} failed", "La tâche {{ kind }} a échoué"],
        body: ["{{ detail }}", "{{ detail }}"],
        in_app: true,
        email: false,
    },
    Notice {
        topic: WEBHOOK_DISABLED,
        label: ["A webhook was switched off", "Un webhook a été désactivé"],
        title: ["The webhook to {{ host }} was switched off", "Le webhook vers {{ host }} a été désactivé"],
        body: [
            "{% if gone %}It answered that it is gone for good (410).{% else %}It took nothing for {{ days }} days.{% endif %} \
             Nothing is sent to it until somebody switches it on again.",
            "{% if gone %}Il a répondu qu'il n'existe plus (410).{% else %}Il n'a rien accepté depuis {{ days }} jours.{% endif %} \
             Rien ne lui est envoyé tant que personne ne le réactive.",
        ],
        in_app: true,
        email: false,
    },
    Notice {
        topic: MESSAGE,
        label: ["A message of an administrator", "Un message d'un administrateur"],
        title: ["{{ title }}", "{{ title }}"],
        body: ["{{ body }}", "{{ body }}"],
        in_app: true,
        email: true,
    },
];

fn to_person(topic: &'static str, workspace: WorkspaceId, user: UserId, data: serde_json::Value) -> Event {
    Event { topic, room: Room::user(user), workspace, data }
}

pub(crate) fn created(workspace: WorkspaceId, user: UserId, id: ItemId, unread: u64) -> Event {
    let data = json!({ "id": id, "workspace_id": workspace, "unread_count": unread });
    to_person(CREATED, workspace, user, data)
}

/// Without an id: several at once.
pub(crate) fn read(workspace: WorkspaceId, user: UserId, id: Option<ItemId>, unread: u64) -> Event {
    let mut data = json!({ "workspace_id": workspace, "unread_count": unread });
    if let Some(id) = id {
        data["id"] = json!(id);
    }
    to_person(READ, workspace, user, data)
}
