//! Where artifacts are: addresses as clients know them, and keys in the file store.

use kernel::WorkspaceId;
use percent_encoding::percent_decode_str;

use crate::error::Error;

/// A path below the workspace's artifacts that leads nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ArtifactPath(String);

const SCHEME: &str = "mlflow-artifacts:";
const BYTES_MAX: usize = 4_096;

impl ArtifactPath {
    /// From a path that was decoded once, as all are on their way in. Whatever could climb out is refused in whatever
    /// spelling, also decoded once more; what says nothing (`.`, a slash too many) is left out.
    pub(crate) fn parse(path: &str) -> Result<Self, Error> {
        let is_windows = path.as_bytes().get(1) == Some(&b':') && path.as_bytes()[0].is_ascii_alphabetic();
        let is_climbing = |text: &str| {
            text.contains('\\')
                || text.chars().any(char::is_control)
                || text.starts_with('/')
                || text.split('/').any(|part| part == "..")
        };
        if path.len() > BYTES_MAX || is_windows || in_any_spelling(path, is_climbing) {
            return Err(Error::invalid("Invalid path"));
        }
        let parts: Vec<_> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        Ok(Self(parts.join("/")))
    }

    /// From an address of ours: `mlflow-artifacts:/0/…/artifacts`. `None` for another's.
    pub(crate) fn of_uri(uri: &str) -> Option<Result<Self, Error>> {
        let rest = uri.strip_prefix(SCHEME)?;
        // With a host it is the same place under the name of this server.
        let path = match rest.strip_prefix("//") {
            Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
            None => rest.trim_start_matches('/'),
        };
        Some(Self::parse(path))
    }

    pub(crate) fn join(&self, below: &Self) -> Self {
        match (self.0.as_str(), below.0.as_str()) {
            (_, "") => self.clone(),
            ("", _) => below.clone(),
            (own, below) => Self(format!("{own}/{below}")),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The key in the file store. What a store takes for itself is escaped, so that every name works.
    pub(crate) fn key(&self, workspace: WorkspaceId) -> String {
        let root = format!("ml/{workspace}/artifacts");
        if self.is_root() { root } else { format!("{root}/{}", escaped(&self.0)) }
    }
}

/// Whether something holds of a text, or of what comes out when it is decoded, again and again as far as it goes.
fn in_any_spelling(text: &str, holds: impl Fn(&str) -> bool) -> bool {
    let mut text = text.to_owned();
    for _ in 0..8 {
        if holds(&text) {
            return true;
        }
        let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if decoded == text {
            break;
        }
        text = decoded;
    }
    false
}

/// Whether a path has parts that lead elsewhere than they say, in whatever spelling.
pub(crate) fn is_relative(path: &str) -> bool {
    in_any_spelling(path, |text| text.split('/').any(|part| matches!(part, "." | "..")))
}

/// Letters that the store's keys do not take as they are.
fn escaped(path: &str) -> String {
    use std::fmt::Write as _;
    let mut key = String::with_capacity(path.len());
    for letter in path.chars() {
        match letter {
            '/' | '-' | '_' | '.' | ' ' | '@' | '=' | '+' | ',' | '(' | ')' => key.push(letter),
            letter if letter.is_alphanumeric() => key.push(letter),
            letter => {
                let mut buffer = [0; 4];
                for byte in letter.encode_utf8(&mut buffer).bytes() {
                    // Writing to a text cannot fail.
                    let _ = write!(key, "!{byte:02x}");
                }
            }
        }
    }
    key
}

/// The name that [`ArtifactPath::key`] escaped.
pub(crate) fn unescaped(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'!').then(|| after.get(..2)).flatten();
        let byte = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        match byte {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The address of an experiment's artifacts.
pub(crate) fn artifact_root(number: i64) -> String {
    format!("{SCHEME}/{number}")
}

/// `uri` with more parts of a path, before its query.
pub(crate) fn join_uri(uri: &str, parts: &[&str]) -> String {
    let (path, query) = match uri.find(['?', '#']) {
        Some(at) => uri.split_at(at),
        None => (uri, ""),
    };
    format!("{}/{}{query}", path.trim_end_matches('/'), parts.join("/"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_path_climbs_out() {
        for path in [
            "..",
            "../x",
            "a/../b",
            "a/..",
            "/etc/passwd",
            "//x",
            "%2e%2e/x",
            "a/%2e%2e/b",
            "%252e%252e/x",
            "%2Fetc",
            "a\\..\\b",
            "C:/x",
            "a\0b",
            "a%00b",
            "..%2f..",
            "a/%25252e%25252e/b",
        ] {
            assert!(ArtifactPath::parse(path).is_err(), "{path:?}");
        }
        for path in
            ["", "a", "a/b.txt", "a/", "model/MLmodel", "a b/é.png", "100%.txt", "a..b", ".hidden", "a/…"]
        {
            assert!(ArtifactPath::parse(path).is_ok(), "{path:?}");
        }
        for path in [".", "./", "a/.", "./a//b/"] {
            let short = ArtifactPath::parse(path).unwrap();
            assert!(["", "a", "a/b"].contains(&short.as_str()), "{path:?}");
        }
        assert!(is_relative("a/%2e%2e/b") && is_relative("./a") && !is_relative("a//b..c"));
        let of = |uri| ArtifactPath::of_uri(uri).map(|path| path.unwrap().0);
        assert_eq!(of("mlflow-artifacts:/0/abc/artifacts"), Some("0/abc/artifacts".to_owned()));
        assert_eq!(of("mlflow-artifacts://host:1/0/abc"), Some("0/abc".to_owned()));
        assert_eq!(of("s3://bucket/x"), None);
    }

    #[test]
    fn addresses_keep_their_queries() {
        assert_eq!(join_uri("s3://b/x/?v=1", &["a", "b"]), "s3://b/x/a/b?v=1");
        assert_eq!(join_uri(&artifact_root(7), &["r"]), "mlflow-artifacts:/7/r");
    }

    proptest! {
        #[test]
        fn names_come_back(name in "[^/\0]{1,20}") {
            prop_assert_eq!(unescaped(&escaped(&name)), name);
        }
    }
}
