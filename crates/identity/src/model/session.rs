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

/// What holds a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionKind {
    /// By cookie.
    Browser,
    /// By tokens that it got for the user's password.
    Program,
    /// By tokens that the user let an OAuth client have.
    Client,
    /// A service account, by its secret.
    Service,
}

impl SessionKind {
    const ALL: [Self; 4] = [Self::Browser, Self::Program, Self::Client, Self::Service];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Program => "program",
            Self::Client => "client",
            Self::Service => "service",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == text)
    }
}

/// Authentication methods that a user can show (RFC 8176 §2; `fed` is our word for another OpenID provider's).
pub(crate) mod methods {
    pub(crate) const PASSWORD: &str = "pwd";
    /// A code of an authenticator app, or a recovery code.
    pub(crate) const ONE_TIME_CODE: &str = "otp";
    /// A passkey that cannot leave its device.
    pub(crate) const HARDWARE_KEY: &str = "hwk";
    /// A passkey that its owner's devices share.
    pub(crate) const SOFTWARE_KEY: &str = "swk";
    /// The user was there and unlocked it.
    pub(crate) const USER_PRESENT: &str = "user";
    /// Two or more of different kinds.
    pub(crate) const SEVERAL: &str = "mfa";
    /// Another OpenID provider's word; ours, none of RFC 8176's.
    pub(crate) const OTHER_PROVIDER: &str = "fed";

    /// Puts together what was shown one after the other.
    pub(crate) fn joined(before: &[String], more: &[&str]) -> Vec<String> {
        let mut all = before.to_vec();
        for method in more {
            if !all.iter().any(|known| known == method) {
                all.push((*method).to_owned());
            }
        }
        all
    }
}

/// One signed-in device or program.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) kind: SessionKind,
    pub(crate) user: UserId,
    /// The workspace that it works in now.
    pub(crate) workspace: WorkspaceId,
    /// Empty: all that the user may.
    pub(crate) scopes: Vec<String>,
    /// The OAuth client that holds it.
    pub(crate) client: Option<String>,
    /// The resource that the client asked for (RFC 8707): `aud` of its tokens, where it is not the setting.
    pub(crate) audience: Option<String>,
    /// What the user showed, by [`methods`].
    pub(crate) methods: Vec<String>,
    /// When they last showed it.
    pub(crate) authenticated_at: Timestamp,
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

    /// Does the user hold it themselves, and no client or service?
    pub(crate) fn is_own(&self) -> bool {
        matches!(self.kind, SessionKind::Browser | SessionKind::Program)
    }

    /// Did the user show who they are not longer ago than this? What a stolen session must not be enough for asks this.
    pub(crate) fn is_recent(&self, now: Timestamp, within: SignedDuration) -> bool {
        now.duration_since(self.authenticated_at) <= within
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
