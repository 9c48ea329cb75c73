//! The names under which older Socket.IO clients know what happens: the one table. A topic that is not in it goes out
//! under its own name.

use kernel::Timestamp;
use serde_json::{Value, json};

/// How a topic reads to an older client.
pub(crate) struct Older {
    topic: &'static str,
    pub(crate) name: &'static str,
    payload: fn(&Value, Timestamp) -> Value,
}

const TABLE: [Older; 4] = [
    Older { topic: "surveillance.new_event", name: "new_event", payload: as_it_is },
    Older { topic: "surveillance.frame_update", name: "frame_update", payload: as_it_is },
    Older { topic: "exams.generated", name: "qcm_generated", payload: qcm_generated },
    Older { topic: "exams.published", name: "new_exam", payload: new_exam },
];

/// Rooms that a client of Socket.IO is in from the start, because older ones join none; those that its user may not
/// enter are left out.
pub(crate) const JOINED_FROM_THE_START: [&str; 3] =
    ["workspace:{workspace}", "user:{user}", "cameras:{workspace}"];

impl Older {
    pub(crate) fn of(topic: &str) -> Option<&'static Self> {
        TABLE.iter().find(|older| older.topic == topic)
    }

    pub(crate) fn payload(&self, data: &Value, at: Timestamp) -> Value {
        (self.payload)(data, at)
    }
}

fn as_it_is(data: &Value, _: Timestamp) -> Value {
    data.clone()
}

fn qcm_generated(data: &Value, at: Timestamp) -> Value {
    json!({"qcm_id": data["id"], "message": message(data, "the exam is ready"), "timestamp": at})
}

fn new_exam(data: &Value, _: Timestamp) -> Value {
    json!({"qcm_id": data["id"], "message": message(data, "a new exam is open")})
}

fn message(data: &Value, default: &str) -> String {
    data["message"].as_str().unwrap_or(default).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exams_read_as_they_did() {
        let at = Timestamp::UNIX_EPOCH;
        let older = Older::of("exams.generated").unwrap();
        let payload = older.payload(&json!({"id": "exam_1", "message": "Biology"}), at);
        assert_eq!(older.name, "qcm_generated");
        assert_eq!(
            payload,
            json!({"qcm_id": "exam_1", "message": "Biology", "timestamp": "1970-01-01T00:00:00Z"})
        );
        assert_eq!(
            Older::of("exams.published").unwrap().payload(&json!({"id": "exam_1"}), at),
            json!({"qcm_id": "exam_1", "message": "a new exam is open"})
        );
        assert!(Older::of("jobs.task_changed").is_none());
    }
}
