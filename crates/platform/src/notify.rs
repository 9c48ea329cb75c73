use jobs::{Job, Options, Priority};
use kernel::{Locale, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A text in every language that the console speaks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    pub en: String,
    pub fr: String,
}

impl Words {
    pub fn new(en: impl Into<String>, fr: impl Into<String>) -> Self {
        Self { en: en.into(), fr: fr.into() }
    }

    pub fn in_locale(&self, locale: Locale) -> &str {
        match locale {
            Locale::English => &self.en,
            Locale::French => &self.fr,
        }
    }
}

/// A kind of notification, as data: part of a module's manifest.
#[derive(Debug, Clone, Copy)]
pub struct Notice {
    /// `module.what_happened`.
    pub topic: &'static str,
    /// What people switch on and off, in English and in French.
    pub label: [&'static str; 2],
    /// The headline, in English and in French: `{{ camera }}` stands for the parameter `camera`.
    pub title: [&'static str; 2],
    /// The text below it, likewise. May be empty.
    pub body: [&'static str; 2],
    /// Told in the application, unless the person says otherwise.
    pub in_app: bool,
    /// Told by mail, unless the person says otherwise.
    pub email: bool,
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    #[default]
    Info,
    Success,
    Warning,
    /// Somebody must act: passes quiet hours and digests.
    Error,
}

impl Level {
    pub const ALL: [Self; 4] = [Self::Info, Self::Success, Self::Warning, Self::Error];

    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == text)
    }
}

/// Who is told, among the active members of the workspace that the task belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipients {
    User(UserId),
    /// Those who hold it.
    Permission(String),
    Role(String),
    /// Everybody.
    Workspace,
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// The topic's own words, with these parameters.
    Params(Map<String, Value>),
    Text {
        title: Words,
        body: Words,
    },
}

/// Tells people something, by the channels that they chose for its topic:
/// `platform.jobs.enqueue(&mut tx, &ctx, Notify { … })`, in the transaction in which it happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notify {
    pub to: Recipients,
    /// One of the [`Notice`]s in a module's manifest.
    pub topic: String,
    pub level: Level,
    /// Where to look: a path of the console, such as `/surveillance/events/evt_…`.
    pub link: Option<String>,
    pub message: Message,
}

impl Notify {
    /// Nothing but the topic's own words, at level `info`; the rest by struct update.
    pub fn new(to: Recipients, topic: &str) -> Self {
        Self {
            to,
            topic: topic.to_owned(),
            level: Level::Info,
            link: None,
            message: Message::Params(Map::new()),
        }
    }

    #[must_use]
    pub fn level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    #[must_use]
    pub fn link(self, link: impl Into<String>) -> Self {
        Self { link: Some(link.into()), ..self }
    }

    /// A parameter of the topic's words.
    #[must_use]
    pub fn param(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Message::Params(params) = &mut self.message {
            params.insert(name.to_owned(), value.into());
        }
        self
    }
}

impl Job for Notify {
    const KIND: &'static str = "notifications.notify";

    fn options() -> Options {
        Options { max_attempts: 10, ..Options::default() }
    }
}

/// Sends one mail of a named template, whatever the person's preferences: verification, reset, invitation.
/// `platform.jobs.enqueue(&mut tx, &ctx, Mail { … })`. Without a mail server it is skipped, and the log says so.
///
/// The parameters stand in the task until it expires: a link in them should work once, and not for long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mail {
    /// One address.
    pub to: String,
    /// `crates/notifications/templates/{template}.{en,fr}.{txt,html}`.
    pub template: String,
    pub params: Map<String, Value>,
    #[serde(with = "tag")]
    pub locale: Locale,
}

impl Job for Mail {
    const KIND: &'static str = "notifications.mail";

    fn options() -> Options {
        Options { queue: OUTGOING, priority: Priority::High, max_attempts: 24, ..Options::default() }
    }
}

/// The queue of what waits for other servers: mails and webhooks. Its slots keep a slow one from holding up the rest.
pub const OUTGOING: &str = "outgoing";

/// A language as its tag.
mod tag {
    use kernel::Locale;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(locale: &Locale, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(locale.tag())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Locale, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Ok(Locale::parse(&text).unwrap_or_default())
    }
}
