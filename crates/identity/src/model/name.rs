/// First or last name of a person: trimmed, possibly empty, 100 characters at most, no control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PersonName(String);

impl PersonName {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        line(text).map(|text| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Name of a workspace: as a person's, but never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WorkspaceName(String);

impl WorkspaceName {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        line(text).filter(|text| !text.is_empty()).map(|text| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn line(text: &str) -> Option<&str> {
    let text = text.trim();
    (text.chars().count() <= 100 && !text.chars().any(char::is_control)).then_some(text)
}

/// A workspace's name in addresses: `a-z`, `0-9` and single hyphens, 1 to 50 of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slug(String);

impl Slug {
    /// From a name: accents dropped, all else that is no letter or digit a hyphen; `workspace` where nothing is left.
    pub(crate) fn from_name(name: &WorkspaceName) -> Self {
        use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
        let plain = name.0.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
        let mut slug = String::new();
        for c in plain {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
            if slug.len() == 40 {
                break;
            }
        }
        let slug = slug.trim_end_matches('-');
        Self(if slug.is_empty() { "workspace" } else { slug }.to_owned())
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fine = (1..=50).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
            && !text.contains("--");
        fine.then(|| Self(text.to_owned()))
    }

    /// The same with a number behind it, for a name that is taken.
    pub(crate) fn numbered(&self, number: u32) -> Self {
        Self(format!("{}-{number}", self.0))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain() {
        let check = |name: &str, slug: &str| {
            assert_eq!(Slug::from_name(&WorkspaceName::parse(name).unwrap()).as_str(), slug);
        };
        check("École Jules Ferry", "ecole-jules-ferry");
        check("  A -- b!  ", "a-b");
        check("東京", "workspace");
        check(&"x".repeat(100), &"x".repeat(40));
        for (text, fine) in
            [("a-1", true), ("A", false), ("-a", false), ("a-", false), ("a--b", false), ("", false)]
        {
            assert_eq!(Slug::parse(text).is_some(), fine, "{text:?}");
        }
    }

    #[test]
    fn names_are_one_line() {
        assert!(PersonName::parse("").is_some());
        assert!(PersonName::parse("Ada\u{0}").is_none());
        assert!(PersonName::parse(&"é".repeat(101)).is_none());
        assert!(WorkspaceName::parse("  ").is_none());
    }
}
