//! The messages on the socket, JSON text frames. Documented for clients in `docs/realtime.md`.

use kernel::{Problem, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// From the client.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Ask {
    /// Enter a room; with `offset`, first send what came after it.
    Join {
        room: String,
        offset: Option<i64>,
    },
    Leave {
        room: String,
    },
    Ping {},
    /// How far the client has read: noted for its own sake, nothing is asked of it.
    Ack {
        offset: i64,
    },
}

/// To the client.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Tell<'a> {
    /// The first message: `offset` is where the stream stands now.
    Welcome {
        user: Option<String>,
        workspace: String,
        offset: i64,
    },
    Joined {
        room: &'a str,
        offset: i64,
        presence: usize,
    },
    Left {
        room: &'a str,
    },
    Pong {},
    /// The offset asked for is older than what is kept: load afresh, then go on from this one.
    Reset {
        room: &'a str,
        offset: i64,
    },
    Error {
        room: Option<&'a str>,
        status: u16,
        error: &'a str,
        detail: &'a str,
    },
    Event {
        room: &'a str,
        offset: i64,
        topic: &'a str,
        at: Timestamp,
        data: &'a RawValue,
    },
    Frame {
        room: &'a str,
        topic: &'a str,
        at: Timestamp,
        data: &'a RawValue,
    },
}

impl<'a> Tell<'a> {
    pub(crate) fn problem(room: Option<&'a str>, problem: &'a Problem) -> Self {
        Self::Error { room, status: problem.status, error: &problem.code, detail: &problem.detail }
    }

    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("plain data with text keys serializes")
    }
}
