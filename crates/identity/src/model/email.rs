use unicode_normalization::UnicodeNormalization;

/// An e-mail address: as it was typed, and as it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Email {
    shown: String,
    key: String,
}

/// RFC 5321 §4.5.3.1: 64 before the `@`; 254 in all, as the path around it takes two of 256.
const LOCAL_MAX: usize = 64;
const BYTES_MAX: usize = 254;

impl Email {
    /// `None` when the text is no address that mail could go to. The reason is always the same: one `@`, something on
    /// both sides, no spaces or control characters, no longer than mail allows.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let shown = text.trim();
        // Before any work on it: the text may be of any length.
        if shown.len() > BYTES_MAX {
            return None;
        }
        let key: String = shown.nfkc().collect::<String>().to_lowercase().nfkc().collect();
        let key = with_plain_domain(key);
        let (local, domain) = key.split_once('@')?;
        let fine = !local.is_empty()
            && local.len() <= LOCAL_MAX
            && key.len() <= BYTES_MAX
            && !domain.contains('@')
            && domain.split('.').all(|label| !label.is_empty() && label.len() <= 63)
            && !key.chars().any(|c| c.is_whitespace() || c.is_control() || "<>(),;:\"[]\\".contains(c));
        fine.then(|| Self { shown: shown.to_owned(), key })
    }

    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// Two addresses with one key are one account.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }
}

/// `ada@xn--exmple-cua.org` and `ada@exämple.org` are one mailbox: the domain in the form in which people read it.
fn with_plain_domain(key: String) -> String {
    match key.split_once('@') {
        Some((local, domain)) if domain.split('.').any(|label| label.starts_with("xn--")) => {
            match idna::domain_to_unicode(domain) {
                (plain, Ok(())) => format!("{local}@{plain}"),
                // What does not decode is a name like any other.
                _ => key,
            }
        }
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_without_case_and_form() {
        let check = |text: &str, key: Option<&str>| {
            assert_eq!(Email::parse(text).as_ref().map(Email::key), key, "{text:?}");
        };
        check("Ada@Example.org", Some("ada@example.org"));
        check("  ada@example.org ", Some("ada@example.org"));
        check("\u{ff21}da@example.org", Some("ada@example.org")); // full-width A
        check("JOSE\u{301}@example.org", Some("jos\u{e9}@example.org"));
        check("ada@xn--exmple-cua.org", Some("ada@ex\u{e4}mple.org"));
        check("ada@EX\u{c4}MPLE.org", Some("ada@ex\u{e4}mple.org"));
        check("ada@xn--zzzzzzzzzzzzz99999.org", Some("ada@xn--zzzzzzzzzzzzz99999.org"));
        // A Cyrillic letter that looks like a Latin one is another letter.
        check("\u{430}da@example.org", Some("\u{430}da@example.org"));
        check("ada@localhost", Some("ada@localhost"));
        check("ada+x@example.org", Some("ada+x@example.org"));
        check("", None);
        check("ada", None);
        check("@example.org", None);
        check("ada@", None);
        check("ada@example..org", None);
        check("a@b@c", None);
        check("a da@example.org", None);
        check("ada@exam\nple.org", None);
        check("<ada@example.org>", None);
        check(&format!("{}@example.org", "x".repeat(65)), None);
        check(&format!("a@{}", "x.".repeat(200)), None);
    }
}
