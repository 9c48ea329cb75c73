use std::sync::OnceLock;

use kernel::Timestamp;
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::{Room, outbox::Kept, presence::Here, protocol::Tell};

/// One message on its way to the clients of a room, serialized once for all of them.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) room: Room,
    /// `None` for what is not kept.
    pub(crate) offset: Option<i64>,
    pub(crate) topic: String,
    pub(crate) at: Timestamp,
    /// As a frame of `/ws`.
    pub(crate) text: Utf8Bytes,
    data: Box<RawValue>,
    value: OnceLock<Value>,
}

/// The topic of messages that tell who is in a room.
pub(crate) const PRESENCE: &str = "presence";

impl Delivery {
    pub(crate) fn of_event(row: &Kept) -> Self {
        let room = Room::parse(&row.room).unwrap_or_else(|| Room::named("unknown", &row.room));
        let data = RawValue::from_string(row.data.clone()).unwrap_or_else(|_| RawValue::NULL.to_owned());
        let text =
            Tell::Event { room: &row.room, offset: row.offset, topic: &row.topic, at: row.at, data: &data }
                .to_text();
        Self::new(room, Some(row.offset), row.topic.clone(), row.at, text, data)
    }

    pub(crate) fn of_frame(room: &Room, topic: &str, at: Timestamp, data: Box<RawValue>) -> Self {
        let text = Tell::Frame { room: room.as_str(), topic, at, data: &data }.to_text();
        Self::new(room.clone(), None, topic.to_owned(), at, text, data)
    }

    pub(crate) fn of_presence(room: &Room, here: &Here, at: Timestamp) -> Self {
        let tell = Tell::presence(room, here);
        let text = tell.to_text();
        let data = to_raw_value(&tell).expect("plain data with text keys serializes");
        Self::new(room.clone(), None, PRESENCE.to_owned(), at, text, data)
    }

    fn new(
        room: Room,
        offset: Option<i64>,
        topic: String,
        at: Timestamp,
        text: String,
        data: Box<RawValue>,
    ) -> Self {
        Self { room, offset, topic, at, text: text.into(), data, value: OnceLock::new() }
    }

    /// The data as a value, read once however many clients ask.
    pub(crate) fn value(&self) -> &Value {
        self.value.get_or_init(|| serde_json::from_str(self.data.get()).unwrap_or(Value::Null))
    }
}
