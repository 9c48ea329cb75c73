use std::path::Path;

use anyhow::Context as _;
use db::include_dir::{self, Dir, include_dir};
use kernel::Locale;
use minijinja::{
    Environment, UndefinedBehavior, Value, context,
    value::{Serde, merge_maps},
};
use serde_json::Map;

static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// The words of all mails. A template has two files per language: `name.en.html`, and `name.en.txt`, whose first line is
/// `Subject: …`. HTML is escaped; both are put into the layout of their kind.
pub(super) struct Templates(Environment<'static>);

/// A mail's words, filled in.
#[derive(Debug)]
pub(super) struct Filled {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// Why a mail cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("there is no mail template {0:?}")]
    Unknown(String),
    #[error("the mail template {template} could not be filled in")]
    Fill {
        template: String,
        #[source]
        source: minijinja::Error,
    },
}

const SUBJECT: &str = "Subject:";
const SUBJECT_MAX: usize = 200;

impl Templates {
    /// The built-in ones, then those of the folder, if it is named, over them.
    pub(super) fn load(folder: &Path) -> anyhow::Result<Self> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        for file in BUILT_IN.files() {
            let name = file.path().to_string_lossy().into_owned();
            let text = file.contents_utf8().with_context(|| format!("{name} is not UTF-8"))?;
            add(&mut environment, &name, text)?;
        }
        if !folder.as_os_str().is_empty() {
            let entries = std::fs::read_dir(folder)
                .with_context(|| format!("mail.templates: the folder {} cannot be read", folder.display()))?;
            for entry in entries {
                let path = entry?.path();
                let name =
                    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                if name.ends_with(".html") || name.ends_with(".txt") {
                    let text = std::fs::read_to_string(&path)
                        .with_context(|| format!("mail.templates: {} cannot be read", path.display()))?;
                    add(&mut environment, &name, &text)
                        .with_context(|| format!("mail.templates: {}", path.display()))?;
                }
            }
        }
        Ok(Self(environment))
    }

    pub(super) fn fill(
        &self,
        template: &str,
        locale: Locale,
        params: &Map<String, serde_json::Value>,
        common: Value,
    ) -> Result<Filled, TemplateError> {
        let lang = locale.tag();
        // The last one's values count.
        let values = merge_maps([Value::from(Serde(params)), common, context! { lang }]);
        let render = |name: &str, values: &Value| {
            let found = self.0.get_template(name).map_err(|_| TemplateError::Unknown(template.to_owned()))?;
            let fault = |source| TemplateError::Fill { template: template.to_owned(), source };
            found.render(values).map_err(fault)
        };
        let html = render(&format!("{template}.{lang}.html"), &values)?;
        let text = render(&format!("{template}.{lang}.txt"), &values)?;
        let subject = render(&format!("{template}.{lang}.subject"), &values)?;
        let within = |content: Value| merge_maps([values.clone(), context! { content }]);
        Ok(Filled {
            subject: one_line(&subject),
            text: render("layout.txt", &within(Value::from(text)))?,
            html: render("layout.html", &within(Value::from_safe_string(html)))?,
        })
    }
}

fn add(environment: &mut Environment<'static>, name: &str, text: &str) -> anyhow::Result<()> {
    let mut put = |name: String, text: &str| {
        environment
            .add_template_owned(name.clone(), text.to_owned())
            .with_context(|| format!("the mail template {name} is wrong"))
    };
    let stem = name.strip_suffix(".txt").filter(|stem| *stem != "layout");
    let Some(stem) = stem else { return put(name.to_owned(), text) };
    let subject = text.split_once('\n').and_then(|(first, rest)| Some((first.strip_prefix(SUBJECT)?, rest)));
    let (subject, rest) =
        subject.with_context(|| format!("the first line of {name} must begin with {SUBJECT}"))?;
    put(format!("{stem}.subject"), subject.trim())?;
    put(name.to_owned(), rest.trim_start())
}

/// What may stand in a header: one line, without control characters, not too long.
fn one_line(text: &str) -> String {
    let words = text.split(|letter: char| letter.is_control() || letter.is_whitespace());
    let text = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    text.chars().take(SUBJECT_MAX).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn common() -> Value {
        context! { product => "Socle", public_url => "https://socle.example.org", unsubscribe_url => "" }
    }

    fn fill(template: &str, locale: Locale, params: serde_json::Value) -> Result<Filled, TemplateError> {
        let templates = Templates::load(Path::new("")).unwrap();
        templates.fill(template, locale, params.as_object().unwrap(), common())
    }

    #[test]
    fn values_are_escaped_in_html_and_never_begin_a_header() {
        let params = json!({"title": "<b>Été</b>\r\nBcc: x@example.org", "body": "a & b", "level": "info", "link_url": ""});
        let filled = fill("notification", Locale::French, params).unwrap();
        assert!(filled.subject.contains("<b>Été</b> Bcc: x@example.org"), "{}", filled.subject);
        assert!(!filled.subject.contains(['\r', '\n']));
        assert!(filled.html.contains("&lt;b&gt;Été") && filled.html.contains("a &amp; b"), "{}", filled.html);
        assert!(filled.html.contains("lang=\"fr\"") && !filled.html.contains("<b>Été"));
        assert!(filled.text.contains("a & b"));
    }

    /// The mails of accounts, with what identity puts into them.
    fn account_mails() -> impl Iterator<Item = (&'static str, serde_json::Value)> {
        let link = json!({"name": "Zoë", "url": "https://a/b", "until": "soon", "address": null});
        let door = json!({"name": "", "sign_in_url": "https://a/login", "forgot_url": "https://a/forgot"});
        let change = json!({"name": "Zoë", "url": "https://a/b", "until": "soon", "old_email": "a@b", "new_email": "c@d",
            "account_url": "https://a/account"});
        let done = json!({"name": "Zoë", "at": "now", "address": "192.0.2.1", "forgot_url": "https://a/forgot",
            "old_email": "a@b", "new_email": "c@d", "days": 30, "device": "curl", "account_url": "https://a/account"});
        let of = |params: &serde_json::Value, names: &[&'static str]| {
            names.iter().map(|name| (*name, params.clone())).collect::<Vec<_>>()
        };
        [
            of(&link, &["verify", "reset", "set-password"]),
            of(&door, &["already-registered"]),
            of(&change, &["email-change-new", "email-change-old"]),
            of(
                &done,
                &["password-changed", "email-changed", "account-deleted", "account-disabled", "new-sign-in"],
            ),
        ]
        .into_iter()
        .flatten()
    }

    #[test]
    fn a_template_of_each_language_is_tried() {
        let known: Vec<_> = account_mails()
            .map(|(name, _)| name)
            .chain(["test", "notification", "digest", "security", "invitation"])
            .collect();
        for file in BUILT_IN.files() {
            let name = file.path().to_string_lossy().into_owned();
            let stem = name.split('.').next().unwrap();
            assert!(stem == "layout" || known.contains(&stem), "{name} is tried by no test");
        }
    }

    #[test]
    fn every_template_is_there_in_both_languages() {
        let item = json!({"title": "T", "body": "B", "level": "info", "link_url": "", "at": "now"});
        let samples = [
            ("test", json!({})),
            ("notification", item.clone()),
            ("digest", json!({"items": [item], "count": 1, "more": 0})),
            (
                "security",
                json!({"title": "T", "body": "", "at": "now", "address": "", "device": "", "link_url": "/"}),
            ),
            (
                "invitation",
                json!({"workspace": "W", "inviter": "I", "role": "user", "link_url": "x", "days": 7}),
            ),
        ]
        .into_iter()
        .chain(account_mails());
        for (template, params) in samples {
            for locale in [Locale::English, Locale::French] {
                fill(template, locale, params.clone()).unwrap();
            }
        }
        assert!(matches!(fill("nothing", Locale::English, json!({})), Err(TemplateError::Unknown(_))));
        assert!(matches!(fill("notification", Locale::English, json!({})), Err(TemplateError::Fill { .. })));
    }

    #[test]
    fn a_folder_replaces_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("test.en.txt"), "Subject: Ours\nHello {{ product }}").unwrap();
        let templates = Templates::load(folder.path()).unwrap();
        let filled = templates.fill("test", Locale::English, &Map::new(), common()).unwrap();
        assert_eq!(filled.subject, "Ours");
        assert!(filled.text.contains("Hello Socle"));
        std::fs::write(folder.path().join("test.en.txt"), "Hello").unwrap();
        assert!(Templates::load(folder.path()).is_err());
        std::fs::write(folder.path().join("test.en.txt"), "Subject: a\n{% if %}").unwrap();
        assert!(Templates::load(folder.path()).is_err());
        assert!(Templates::load(&folder.path().join("missing")).is_err());
    }
}
