//! The messages on the socket, JSON text frames. Documented for clients in `docs/realtime.md`.

use kernel::{Problem, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Room, presence::Here};

/// From the client.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Ask {
    /// Enter a room; with `offset`, or with `resume` and what was acknowledged, first send what came after it.
    Join {
        room: String,
        offset: Option<i64>,
        #[serde(default)]
        resume: bool,
        /// Hear who comes and goes.
        #[serde(default)]
        presence: bool,
    },
    Leave {
        room: String,
    },
    /// Who is in a room that one has joined.
    Who {
        room: String,
    },
    Ping {},
    /// How far the client has read.
    Ack {
        offset: i64,
    },
}

/// To the client.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Tell<'a> {
    /// The first message: `offset` is where the stream stands now, `acked` where this client said it had read to.
    Welcome {
        user: Option<String>,
        workspace: String,
        offset: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        acked: Option<i64>,
    },
    Joined {
        room: &'a str,
        offset: i64,
        presence: u64,
    },
    Left {
        room: &'a str,
    },
    /// Who is in the room, over all nodes.
    Presence {
        room: &'a str,
        connections: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        users: Option<Vec<String>>,
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

    /// Names people only in the rooms of workspaces, where all are members of one.
    pub(crate) fn presence(room: &'a Room, here: &Here) -> Self {
        let users =
            (room.split().0 == "workspace").then(|| here.users.iter().map(ToString::to_string).collect());
        Self::Presence { room: room.as_str(), connections: here.connections, users }
    }

    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("plain data with text keys serializes")
    }
}
