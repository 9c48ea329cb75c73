use std::{fmt::Write as _, sync::Arc};

use kernel::WorkspaceId;

/// Keys up to this length stand as they are.
const PLAIN_MAX: usize = 200;
/// Of a longer key this much is kept in front of its hash, so that patterns with a beginning find it too. With the hash
/// it is longer than any plain key: the two kinds cannot meet.
const KEPT: usize = 140;

/// Where a key lives: `namespace:workspace:`. Neither part can hold a colon, so no key reaches into another's place.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) namespace: Arc<str>,
    pub(crate) workspace: Option<WorkspaceId>,
}

impl Place {
    /// `namespace:workspace:`, and `namespace:-:` for what belongs to no workspace.
    pub(crate) fn prefix(&self) -> String {
        match self.workspace {
            Some(workspace) => format!("{}:{workspace}:", self.namespace),
            None => format!("{}:-:", self.namespace),
        }
    }

    pub(crate) fn full(&self, key: &str) -> String {
        let mut full = self.prefix();
        if key.len() <= PLAIN_MAX {
            full.push_str(key);
            return full;
        }
        let kept = key.floor_char_boundary(KEPT);
        // Writing to a text cannot fail.
        let _ = write!(
            full,
            "{}#{:0>fill$}",
            &key[..kept],
            blake3::hash(key.as_bytes()).to_hex(),
            fill = 64 + KEPT - kept
        );
        full
    }
}

/// A full key as its place and the rest.
pub(crate) fn split(full: &str) -> (&str, &str) {
    let second = full.match_indices(':').nth(1).map_or(0, |(at, _)| at + 1);
    full.split_at(second)
}

/// Whether a prefix is that of one place.
pub(crate) fn is_place(prefix: &str) -> bool {
    let (place, rest) = split(prefix);
    !place.is_empty() && rest.is_empty()
}

/// What may be the name of a namespace.
pub(crate) fn is_name(name: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !name.is_empty() && name.len() <= 64 && name.bytes().all(fine)
}

/// `*` is any run of bytes, `?` one byte, all else itself.
pub(crate) fn fits(pattern: &[u8], text: &[u8]) -> bool {
    // The last star seen, and how much of the text it has eaten so far: going back to it is enough (greedy matching).
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, eaten)) => {
                    star = Some((at, eaten + 1));
                    p = at + 1;
                    t = eaten + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// The same pattern in Redis's language, where `[`, `]`, `^` and `\` mean something too.
pub(crate) fn for_redis(pattern: &str) -> String {
    let mut escaped = String::with_capacity(pattern.len());
    for letter in pattern.chars() {
        if matches!(letter, '[' | ']' | '^' | '\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// A text that stands for itself in Redis's language.
pub(crate) fn literal(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '[' | ']' | '^' | '\\' | '*' | '?') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_what_they_say() {
        let check = |pattern: &str, text: &str, expected: bool| {
            assert_eq!(fits(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} on {text}");
        };
        check("*", "", true);
        check("*", "anything:at all", true);
        check("a*c", "abbbc", true);
        check("a*c", "abbbcd", false);
        check("a*b*c", "a-b-b-c", true);
        check("?", "", false);
        check("a?c", "abc", true);
        check("a[b]c", "abc", false);
        check("a[b]c", "a[b]c", true);
        check("", "", true);
        check("", "a", false);
        check("**", "a", true);
    }

    #[test]
    fn full_keys_fall_into_place_and_rest() {
        assert_eq!(split("n:ws_1:a:b"), ("n:ws_1:", "a:b"));
        assert!(is_place("n:-:") && !is_place("n:") && !is_place("") && !is_place("n:-:a"));
    }

    #[test]
    fn long_keys_are_hashed_and_meet_no_other() {
        let place = Place { namespace: "n".into(), workspace: None };
        let long = "é".repeat(200);
        let full = place.full(&long);
        assert!(full.len() > place.prefix().len() + PLAIN_MAX && full.len() < 300, "{}", full.len());
        assert!(fits("n:-:ééé*".as_bytes(), full.as_bytes()));
        assert_ne!(full, place.full(&format!("{long}!")));
        assert_eq!(place.full("short"), "n:-:short");
    }
}
