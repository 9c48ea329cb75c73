use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use super::Faults;

/// Where pictures come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SourceKind {
    /// A video file on the server.
    File,
    /// An RTSP camera.
    Rtsp,
    /// MJPEG, HLS or a video file over HTTP.
    Http,
}

impl SourceKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Rtsp => "rtsp",
            Self::Http => "http",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::File, Self::Rtsp, Self::Http].into_iter().find(|kind| kind.name() == text)
    }
}

/// How RTSP carries its packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    /// Inside the RTSP connection: passes firewalls, loses nothing.
    #[default]
    Tcp,
    Udp,
}

impl Transport {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Tcp, Self::Udp].into_iter().find(|transport| transport.name() == text)
    }
}

/// A checked source. Its address may hold credentials: it has no `Display`, and its `Debug` hides them.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) kind: SourceKind,
    url: String,
    /// Files: begin again at the end.
    pub(crate) repeat: bool,
    /// Files: at their own pace rather than as fast as they can be analysed.
    pub(crate) real_time: bool,
    pub(crate) transport: Transport,
}

/// What stands in place of a credential.
const HIDDEN: &str = "***";

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("kind", &self.kind)
            .field("url", &self.shown())
            .field("repeat", &self.repeat)
            .field("real_time", &self.real_time)
            .field("transport", &self.transport)
            .finish()
    }
}

impl Source {
    /// Checks form only: whether the address may be used is asked when it is opened, since names change their address.
    /// Faults point at `/url`, `/kind` and so on.
    pub(crate) fn new(
        kind: SourceKind,
        url: &str,
        repeat: bool,
        real_time: bool,
        transport: Transport,
    ) -> Result<Self, SourceFaults> {
        let mut faults = Faults::default();
        let url = url.trim();
        faults.check(!url.is_empty(), "/url", "must not be empty");
        faults.check(url.len() <= 2048, "/url", "must be at most 2048 characters");
        faults.check(!url.chars().any(char::is_control), "/url", "must not hold control characters");
        let mut clean = url.to_owned();
        if faults.0.is_empty() {
            match kind {
                SourceKind::File => {
                    clean = file_path(url);
                    faults.check(
                        clean.starts_with('/'),
                        "/url",
                        "must be the full path of a video file on the server, such as /srv/videos/door.mp4",
                    );
                    faults.check(real_time || !repeat, "/real_time", "a looped file must play in real time");
                }
                SourceKind::Rtsp => check_url(url, &["rtsp", "rtsps"], &mut faults),
                SourceKind::Http => check_url(url, &["http", "https"], &mut faults),
            }
        }
        if faults.0.is_empty() {
            Ok(Self { kind, url: clean, repeat, real_time, transport })
        } else {
            Err(SourceFaults(faults))
        }
    }

    /// The address with its credentials. Each call is a place to look at in a review.
    pub(crate) fn expose_url(&self) -> &str {
        &self.url
    }

    /// The address as it may be shown: user, password and what looks like a secret in the query are `***`.
    pub(crate) fn shown(&self) -> String {
        match self.kind {
            SourceKind::File => self.url.clone(),
            SourceKind::Rtsp | SourceKind::Http => redact_url(&self.url),
        }
    }

    /// `other`'s credentials where this address came back with them hidden: people edit what they were shown.
    pub(crate) fn with_credentials_of(mut self, other: &Source) -> Self {
        if self.kind == other.kind && self.url.contains(HIDDEN) && self.url == other.shown() {
            self.url.clone_from(&other.url);
        } else if self.kind == other.kind
            && let (Ok(mut mine), Ok(theirs)) = (Url::parse(&self.url), Url::parse(&other.url))
        {
            // Another path on the same camera keeps its log-in; another host never sees it.
            let hidden = mine.username() == HIDDEN;
            let same_host = mine.host_str() == theirs.host_str()
                && mine.port_or_known_default() == theirs.port_or_known_default()
                && mine.scheme() == theirs.scheme();
            if hidden
                && same_host
                && mine.set_username(theirs.username()).is_ok()
                && mine.set_password(theirs.password()).is_ok()
            {
                self.url = mine.to_string();
            }
        }
        self
    }

    /// Whether the address still has placeholders in place of credentials, so that it cannot work.
    pub(crate) fn is_redacted(&self) -> bool {
        self.kind != SourceKind::File && Url::parse(&self.url).is_ok_and(|url| url.username() == HIDDEN)
    }

    /// Texts that must never reach a log or an answer: user information and secret query values, also decoded.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let Ok(url) = Url::parse(&self.url) else { return Vec::new() };
        let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let mut secrets = Vec::new();
        for part in [url.username(), url.password().unwrap_or("")] {
            secrets.extend([part.to_owned(), decode(part)]);
        }
        secrets.extend(
            url.query_pairs().filter(|(name, _)| is_secret_name(name)).map(|(_, value)| value.into_owned()),
        );
        secrets.retain(|secret| secret.len() > 2);
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        secrets
    }

    /// `text` without the source's secrets and without the user information of any address in it.
    pub(crate) fn redact(&self, text: &str) -> String {
        let mut text = redact_all_urls(text);
        for secret in self.secrets() {
            text = text.replace(&secret, HIDDEN);
        }
        text
    }

    /// Whether the source shows what is now, rather than what was recorded.
    pub(crate) fn is_live(&self) -> bool {
        self.kind != SourceKind::File
    }

    /// Whether pictures may be skipped when they come faster than they are looked at.
    pub(crate) fn keeps_pace(&self) -> bool {
        self.is_live() || self.real_time
    }
}

/// What is wrong with a source, with pointers into it.
#[derive(Debug)]
pub(crate) struct SourceFaults(pub(crate) Faults);

fn file_path(url: &str) -> String {
    match url.strip_prefix("file://") {
        Some(path) => percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned(),
        None => url.to_owned(),
    }
}

fn check_url(text: &str, schemes: &[&str], faults: &mut Faults) {
    match Url::parse(text) {
        Err(error) => faults.check(false, "/url", &format!("is not an address: {error}")),
        Ok(url) => {
            let fine = schemes.contains(&url.scheme());
            faults.check(fine, "/url", &format!("must begin with {}", schemes.map_join("://, or ")));
            faults.check(url.host_str().is_some_and(|host| !host.is_empty()), "/url", "must name a host");
        }
    }
}

trait MapJoin {
    fn map_join(&self, separator: &str) -> String;
}

impl MapJoin for &[&str] {
    fn map_join(&self, separator: &str) -> String {
        format!("{}://", self.join(separator))
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["user", "usr", "login", "pass", "pwd", "token", "key", "secret", "auth", "sig"]
        .iter()
        .any(|part| name.contains(part))
}

/// An address with its credentials hidden; text that is no address comes back with what stands before `@` hidden.
fn redact_url(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return redact_all_urls(text) };
    if (!url.username().is_empty() || url.password().is_some()) && url.set_username(HIDDEN).is_ok() {
        let _ = url.set_password(Some(HIDDEN));
    }
    if url.query_pairs().any(|(name, _)| is_secret_name(&name)) {
        let pairs: Vec<(String, String)> =
            url.query_pairs().map(|(a, b)| (a.into_owned(), b.into_owned())).collect();
        let mut query = url.query_pairs_mut();
        query.clear();
        for (name, value) in &pairs {
            query.append_pair(name, if is_secret_name(name) { HIDDEN } else { value });
        }
    }
    // Only what the form encoding makes of asterisks differs between writers.
    String::from(url).replace("%2A%2A%2A", HIDDEN)
}

/// Hides the user information of every `scheme://…@` in a text.
fn redact_all_urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "'\"".contains(c)).unwrap_or(after.len());
        // A password may hold a slash or an at sign: the last at sign before the end counts.
        match after[..end].rfind('@') {
            Some(sign) => {
                out.push_str(HIDDEN);
                rest = &after[sign..];
            }
            None => rest = after,
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rtsp(url: &str) -> Source {
        Source::new(SourceKind::Rtsp, url, false, true, Transport::Tcp).unwrap()
    }

    #[test]
    fn addresses_are_checked_by_kind() {
        let check = |kind, url: &str, expected: bool| {
            assert_eq!(Source::new(kind, url, false, true, Transport::Tcp).is_ok(), expected, "{url}");
        };
        check(SourceKind::Rtsp, "rtsp://10.0.0.2/stream", true);
        check(SourceKind::Rtsp, "http://10.0.0.2/stream", false);
        check(SourceKind::Rtsp, "rtsp:///stream", false);
        check(SourceKind::Rtsp, "not an address", false);
        check(SourceKind::Rtsp, "rtsp://h/a\nfile 'b'", false);
        check(SourceKind::Http, "https://cams.example/a.m3u8", true);
        check(SourceKind::Http, "gopher://cams.example/", false);
        check(SourceKind::File, "/srv/a.mp4", true);
        check(SourceKind::File, "file:///srv/a%20b.mp4", true);
        check(SourceKind::File, "a.mp4", false);
        check(SourceKind::File, "", false);
    }

    #[test]
    fn a_loop_needs_real_time() {
        assert!(Source::new(SourceKind::File, "/a.mp4", true, false, Transport::Tcp).is_err());
        assert!(Source::new(SourceKind::File, "/a.mp4", true, true, Transport::Tcp).is_ok());
    }

    #[test]
    fn credentials_are_hidden_everywhere() {
        let source = rtsp("rtsp://admin:s3cr%20t%40@10.0.0.2:554/live?channel=1&token=abcdef");
        assert_eq!(source.shown(), "rtsp://***:***@10.0.0.2:554/live?channel=1&token=***");
        let text =
            source.redact("rtsp://admin:s3cr%20t%40@10.0.0.2/live failed for s3cr t@ and abcdef and admin");
        for secret in ["s3cr", "admin", "abcdef"] {
            assert!(!text.contains(secret), "{text}");
            assert!(!format!("{source:?}").contains(secret));
        }
        assert_eq!(
            redact_all_urls("tcp://a:1 and rtsp://u:p@ss/w@h/x 'y'"),
            "tcp://a:1 and rtsp://***@h/x 'y'"
        );
    }

    #[test]
    fn hidden_credentials_come_back_only_to_their_own_host() {
        let old = rtsp("rtsp://admin:secret@10.0.0.2/live");
        let same = rtsp(&old.shown()).with_credentials_of(&old);
        assert_eq!(same.expose_url(), old.expose_url());
        let moved = rtsp("rtsp://***:***@10.0.0.2/other").with_credentials_of(&old);
        assert_eq!(moved.expose_url(), "rtsp://admin:secret@10.0.0.2/other");
        let stolen = rtsp("rtsp://***:***@evil.example/live").with_credentials_of(&old);
        assert!(!stolen.expose_url().contains("secret") && stolen.is_redacted());
        let new = rtsp("rtsp://me:new@10.0.0.2/live").with_credentials_of(&old);
        assert_eq!(new.expose_url(), "rtsp://me:new@10.0.0.2/live");
    }
}
