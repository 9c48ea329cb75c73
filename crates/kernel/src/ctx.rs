use std::{fmt, net::IpAddr, sync::Arc};

use crate::{ApiKeyId, Grants, RequestUuid, SessionId, Timestamp, TraceParent, UserId, WorkspaceId};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    User(UserId),
    /// Socle itself, and why.
    System(&'static str),
}

impl Actor {
    pub fn user(&self) -> Option<UserId> {
        match self {
            Self::User(id) => Some(*id),
            Self::System(_) => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::System(why) => write!(f, "system: {why}"),
        }
    }
}

/// The language that a caller reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Locale {
    #[default]
    English,
    French,
}

impl Locale {
    /// From a language tag (`fr`, `fr-CA`, `en`), or an `Accept-Language` list, of which the first known wins.
    pub fn parse(text: &str) -> Option<Self> {
        text.split(',').find_map(|part| match part.trim().get(..2)?.to_ascii_lowercase().as_str() {
            "fr" => Some(Self::French),
            "en" => Some(Self::English),
            _ => None,
        })
    }

    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }
}

/// Names one request in answers, logs, jobs and problem bodies.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    pub fn new(now: Timestamp) -> Self {
        Self(RequestUuid::new(now).to_string().into())
    }

    /// A caller's own id is kept when it is 8 to 128 characters of `A-Z a-z 0-9 . _ -`.
    pub fn parse(text: &str) -> Option<Self> {
        let fine = (8..=128).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        fine.then(|| Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who, in which workspace, in which request, at what time. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ctx {
    pub actor: Actor,
    /// The session that a person's credential belongs to: the same for each of its tokens.
    pub session: Option<SessionId>,
    /// The API key that was shown instead, if it was one.
    pub api_key: Option<ApiKeyId>,
    pub workspace: WorkspaceId,
    pub request_id: RequestId,
    /// Fixed when the request came in: one request has one "now".
    pub now: Timestamp,
    pub locale: Locale,
    /// The caller's address, behind trusted proxies resolved.
    pub address: Option<IpAddr>,
    pub grants: Arc<Grants>,
    /// Where this stands in a distributed trace, if it is traced: jobs keep it and go on with the trace.
    pub trace_parent: Option<TraceParent>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_of_callers_are_kept_only_when_well_formed() {
        let check =
            |text: &str, expected: bool| assert_eq!(RequestId::parse(text).is_some(), expected, "{text:?}");
        check("abc-DEF_1.2", true);
        check("short", false);
        check(&"x".repeat(129), false);
        check("with space", false);
        check("with\nnewline", false);
        check("", false);
    }

    #[test]
    fn first_known_language_wins() {
        assert_eq!(Locale::parse("fr-CA,fr;q=0.9,en;q=0.8"), Some(Locale::French));
        assert_eq!(Locale::parse("de, en"), Some(Locale::English));
        assert_eq!(Locale::parse("é"), None);
    }
}
