use kernel::{Timestamp, UserId, WorkspaceId, id_kind};
use platform::{Level, Message, Notice, Words};

use crate::error::Error;

id_kind! {
    /// Something that a person was told.
    pub(crate) ItemKind = "ntf" => ItemId
}
id_kind! {
    /// Something that is still to be mailed.
    pub(crate) PendingMailKind = "mail" => PendingMailId
}

/// What is told, the same to everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) topic: String,
    pub(crate) level: Level,
    pub(crate) title: Words,
    pub(crate) body: Words,
    pub(crate) link: Option<String>,
}

/// A notification in somebody's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) id: ItemId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) user: UserId,
    pub(crate) told: Told,
    pub(crate) created_at: Timestamp,
    pub(crate) read_at: Option<Timestamp>,
}

/// A notification on its way into a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PendingMail {
    pub(crate) id: PendingMailId,
    pub(crate) workspace: WorkspaceId,
    pub(crate) user: UserId,
    /// Those of one batch go out as one mail.
    pub(crate) batch: String,
    pub(crate) told: Told,
    pub(crate) created_at: Timestamp,
    pub(crate) due_at: Timestamp,
}

const TITLE_MAX: usize = 200;
const BODY_MAX: usize = 2_000;
const LINK_MAX: usize = 500;

/// One line, at most this many characters.
fn line(text: &str, max: usize) -> String {
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    cut(text.trim(), max)
}

fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut text: String = text.chars().take(max - 1).collect();
    text.push('…');
    text
}

fn words(en: &str, fr: &str, shape: impl Fn(&str) -> String) -> Words {
    // A text in one language only is better than none in the other.
    let [en, fr] = [(en, fr), (fr, en)].map(|(own, other)| shape(if own.is_empty() { other } else { own }));
    Words { en, fr }
}

/// A path of the console: `/…`, not `//…`, which would be another server.
fn checked_link(link: Option<String>) -> Result<Option<String>, Error> {
    match link {
        Some(link)
            if !link.starts_with('/')
                || link.starts_with("//")
                || link.len() > LINK_MAX
                || link.contains(|letter: char| {
                    letter.is_control() || letter.is_whitespace() || letter == '\\'
                }) =>
        {
            Err(Error::Link)
        }
        link => Ok(link),
    }
}

/// The texts in both languages, from the topic's own words or as they came. `notice` is what the topic says of itself.
pub(crate) fn render_words(
    notice: Option<&Notice>,
    topic: &str,
    level: Level,
    link: Option<String>,
    message: Message,
) -> Result<Told, Error> {
    let (title, body) = match message {
        Message::Text { title, body } => (title, body),
        Message::Params(params) => {
            let notice = notice.ok_or_else(|| Error::UnknownTopic(topic.to_owned()))?;
            let mut environment = minijinja::Environment::empty();
            environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
            let render = |text: &'static str| {
                environment
                    .render_str(text, minijinja::value::Serde(&params))
                    .map_err(|source| Error::Words { topic: topic.to_owned(), source })
            };
            let both =
                |texts: [&'static str; 2]| Ok::<_, Error>(Words::new(render(texts[0])?, render(texts[1])?));
            (both(notice.title)?, both(notice.body)?)
        }
    };
    let told = Told {
        topic: topic.to_owned(),
        level,
        title: words(&title.en, &title.fr, |text| line(text, TITLE_MAX)),
        body: words(&body.en, &body.fr, |text| cut(text.trim(), BODY_MAX)),
        link: checked_link(link)?,
    };
    if told.title.en.is_empty() { Err(Error::NoTitle) } else { Ok(told) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOTICE: Notice = Notice {
        topic: "test.seen",
        label: ["Seen", "Vu"],
        title: ["Seen by {{ camera }}", "Vu par {{ camera }}"],
        body: ["", ""],
        in_app: true,
        email: false,
    };

    fn of(message: Message, link: Option<&str>) -> Result<Told, Error> {
        render_words(Some(&NOTICE), NOTICE.topic, Level::Info, link.map(str::to_owned), message)
    }

    #[test]
    fn parameters_are_filled_in_and_never_read_as_templates() {
        let params = |value: serde_json::Value| Message::Params(value.as_object().unwrap().clone());
        let told = of(params(json!({"camera": "{{ 1 + 1 }} <b>\nÉté"})), None).unwrap();
        assert_eq!(told.title, Words::new("Seen by {{ 1 + 1 }} <b> Été", "Vu par {{ 1 + 1 }} <b> Été"));
        assert!(matches!(of(params(json!({})), None), Err(Error::Words { .. })));
    }

    #[test]
    fn texts_and_links_are_bounded() {
        let text = |title: &str| Message::Text { title: Words::new(title, ""), body: Words::default() };
        assert_eq!(of(text("hello"), None).unwrap().title, Words::new("hello", "hello"));
        assert_eq!(of(text(&"x".repeat(300)), None).unwrap().title.en.chars().count(), 200);
        assert!(matches!(of(text(" "), None), Err(Error::NoTitle)));
        assert!(of(text("a"), Some("/surveillance/events/1?x=2")).is_ok());
        for link in ["https://example.org", "//example.org", "/\\example.org", "/a b", "javascript:alert(1)"]
        {
            assert!(matches!(of(text("a"), Some(link)), Err(Error::Link)), "{link}");
        }
    }
}
