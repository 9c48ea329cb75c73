use std::net::IpAddr;

use jiff::SignedDuration;
use kernel::{Locale, RequestId, SessionId, Timestamp, UserId, WorkspaceId};

/// One request by somebody who is not, or need not be, signed in.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) request_id: RequestId,
    pub(crate) now: Timestamp,
    pub(crate) address: Option<IpAddr>,
    /// The client's `User-Agent`, cut to 300 characters.
    pub(crate) device: String,
    pub(crate) locale: Locale,
}

/// One signed-in device.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) user: UserId,
    /// The workspace that it works in now.
    pub(crate) workspace: WorkspaceId,
    /// Empty: all that the user may.
    pub(crate) scopes: Vec<String>,
    pub(crate) device: String,
    pub(crate) address: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) last_seen_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
}

impl Session {
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.expires_at
    }
}

/// How long sessions last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionTimes {
    pub(crate) idle: SignedDuration,
    pub(crate) max: SignedDuration,
}

impl SessionTimes {
    /// When a session that is used at `now` ends by itself.
    pub(crate) fn expiry(self, created_at: Timestamp, now: Timestamp) -> Timestamp {
        (now + self.idle).min(created_at + self.max)
    }
}
