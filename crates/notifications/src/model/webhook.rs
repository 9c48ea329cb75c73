use std::time::Duration;

use kernel::{Timestamp, WorkspaceId, id_kind};

use super::SigningSecret;
use crate::error::Error;

id_kind! {
    /// Another system that hears what happens in a workspace.
    pub(crate) WebhookKind = "wh" => WebhookId
}
id_kind! {
    /// One message on its way to one webhook.
    pub(crate) DeliveryKind = "dlv" => DeliveryId
}
id_kind! {
    /// Something that happened, as receivers know it: the same for every webhook and every attempt.
    pub(crate) MessageKind = "msg" => MessageId
}

/// A URL that may be called: absolute, without user, password and fragment. Where it leads is checked at each call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebhookUrl(url::Url);

const URL_MAX: usize = 2_000;

impl WebhookUrl {
    pub(crate) fn parse(text: &str, plain_http: bool) -> Result<Self, Error> {
        let fault = |reason: &str| Error::invalid("/url", reason);
        if text.len() > URL_MAX {
            return Err(fault("must be at most 2000 bytes long"));
        }
        let url = url::Url::parse(text)
            .map_err(|_| fault("must be a whole URL, such as https://example.org/hook"))?;
        match url.scheme() {
            "https" => {}
            "http" if plain_http => {}
            "http" => {
                return Err(fault("must begin with https:// (or set notifications.webhook_plain_http)"));
            }
            _ if plain_http => return Err(fault("must begin with https:// or http://")),
            _ => return Err(fault("must begin with https://")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(fault("must hold no user and no password: messages are signed instead"));
        }
        if url.fragment().is_some() {
            return Err(fault("must hold no #"));
        }
        Ok(Self(url))
    }

    /// As it stands in the table.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        url::Url::parse(text).ok().map(Self)
    }

    pub(crate) fn url(&self) -> &url::Url {
        &self.0
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Which events a webhook hears: `*`, `surveillance.*`, or one by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicPattern(String);

impl TopicPattern {
    /// `known` are the topics that there are: a pattern that could never fit is refused.
    pub(crate) fn parse(text: &str, known: &[&str]) -> Result<Self, Error> {
        let pattern = Self(text.to_owned());
        if known.iter().any(|topic| pattern.fits(topic)) {
            return Ok(pattern);
        }
        let shown: String = text.chars().filter(|letter| !letter.is_control()).take(80).collect();
        Err(Error::invalid("/topics", &format!("{shown:?} names no topic; GET /api/v1/topics lists them")))
    }

    pub(crate) fn from_text(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn fits(&self, topic: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some("") => true,
            Some(prefix) => prefix.ends_with('.') && topic.starts_with(prefix),
            None => self.0 == topic,
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    pub(crate) id: WebhookId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) url: WebhookUrl,
    pub(crate) description: String,
    pub(crate) topics: Vec<TopicPattern>,
    pub(crate) secret: SigningSecret,
    /// The one before, and until when it signs too.
    pub(crate) previous: Option<(SigningSecret, Timestamp)>,
    pub(crate) is_enabled: bool,
    /// Why it was switched off, if not by a person.
    pub(crate) disabled_why: Option<String>,
    /// Events of the outbox up to here are not for it.
    pub(crate) after_position: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) last_delivery_at: Option<Timestamp>,
    /// Since when nothing was taken.
    pub(crate) failing_since: Option<Timestamp>,
}

impl Webhook {
    pub(crate) fn hears(&self, topic: &str) -> bool {
        self.is_enabled && self.topics.iter().any(|pattern| pattern.fits(topic))
    }

    /// Those that sign now, newest first.
    pub(crate) fn secrets(&self, now: Timestamp) -> Vec<&SigningSecret> {
        let previous = self.previous.as_ref().filter(|(_, until)| *until > now).map(|(secret, _)| secret);
        [Some(&self.secret), previous].into_iter().flatten().collect()
    }

    pub(crate) fn has_failed_for(&self, days: u32, now: Timestamp) -> bool {
        self.failing_since
            .is_some_and(|since| now.duration_since(since).as_secs() >= i64::from(days) * 24 * 3_600)
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Pending,
    Delivered,
    Failed,
}

impl Status {
    pub(crate) const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Failed];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == text)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) id: DeliveryId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) webhook: WebhookId,
    pub(crate) message: MessageId,
    pub(crate) topic: String,
    /// What is sent, byte for byte: what is signed.
    pub(crate) payload: String,
    pub(crate) status: Status,
    pub(crate) attempts: u32,
    pub(crate) response_status: Option<u16>,
    /// Its beginning.
    pub(crate) response_body: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) next_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) delivered_at: Option<Timestamp>,
}

/// The waits that Standard Webhooks suggests: about three days in all.
const WAITS_S: [u64; 9] =
    [5, 5 * 60, 30 * 60, 2 * 3_600, 5 * 3_600, 10 * 3_600, 14 * 3_600, 20 * 3_600, 24 * 3_600];

/// How long to wait after failed attempt number `attempts` (from 1); `None` after the last one. Up to a tenth longer, by
/// chance of the delivery's id, so that those that failed together do not come back together; `asked` is the receiver's
/// own `Retry-After`, which may lengthen the wait up to a day.
pub(crate) fn next_attempt(id: DeliveryId, attempts: u32, asked: Option<Duration>) -> Option<Duration> {
    let wait_s = *WAITS_S.get(attempts.saturating_sub(1) as usize)?;
    let spread_ms = (id.uuid().as_u128() % 1_000) as u64;
    let wait = Duration::from_millis(wait_s * 1_000 + wait_s * spread_ms / 10);
    let asked = asked.unwrap_or_default().min(Duration::from_secs(24 * 3_600));
    Some(wait.max(asked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_or_refused() {
        let check = |text: &str, plain: bool, expected: bool| {
            assert_eq!(WebhookUrl::parse(text, plain).is_ok(), expected, "{text}");
        };
        check("https://example.org/hook?x=1", false, true);
        check("http://example.org/hook", false, false);
        check("http://example.org/hook", true, true);
        check("ftp://example.org/", true, false);
        check("https://user:pass@example.org/", false, false);
        check("https://example.org/#part", false, false);
        check("/hook", false, false);
        check("", false, false);
        check(&format!("https://example.org/{}", "a".repeat(2_000)), false, false);
    }

    #[test]
    fn what_is_allowed_is_told() {
        let check = |plain: bool, expected: &str| {
            assert_eq!(WebhookUrl::parse("ftp://example.org/", plain).unwrap_err().to_string(), expected);
        };
        check(false, "/url: must begin with https://");
        check(true, "/url: must begin with https:// or http://");
    }

    #[test]
    fn patterns_fit_whole_parts() {
        let known = ["surveillance.new_event", "jobs.task_changed"];
        let check = |pattern: &str, topic: &str, expected: bool| {
            assert_eq!(TopicPattern(pattern.to_owned()).fits(topic), expected, "{pattern} {topic}");
        };
        check("*", "a.b", true);
        check("surveillance.*", "surveillance.new_event", true);
        check("surveillance.*", "surveillances.x", false);
        check("surv*", "surveillance.new_event", false);
        check("a.b", "a.b", true);
        check("a.b", "a.bc", false);
        for (pattern, fine) in
            [("*", true), ("jobs.*", true), ("jobs.task_changed", true), ("lofi.*", false), ("", false)]
        {
            assert_eq!(TopicPattern::parse(pattern, &known).is_ok(), fine, "{pattern}");
        }
    }

    #[test]
    fn waits_grow_and_end() {
        let id = DeliveryId::new(Timestamp::UNIX_EPOCH);
        for (attempts, wait_s) in [(1, 5), (2, 300), (3, 1_800), (9, 86_400)] {
            let wait = next_attempt(id, attempts, None).unwrap().as_secs_f64();
            assert!(wait >= f64::from(wait_s) && wait <= f64::from(wait_s) * 1.1, "{attempts}: {wait}");
        }
        assert_eq!(next_attempt(id, 10, None), None);
        assert_eq!(next_attempt(id, 1, Some(Duration::from_secs(90))), Some(Duration::from_secs(90)));
        assert_eq!(next_attempt(id, 1, Some(Duration::MAX)), Some(Duration::from_secs(86_400)));
    }
}
