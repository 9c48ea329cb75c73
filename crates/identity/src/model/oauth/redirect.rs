//! Addresses to which browsers are sent back.

use url::Url;

const CHARS_MAX: usize = 500;
/// Schemes that run scripts or show what is in the address, or that no program registers for itself.
const REFUSED: [&str; 13] = [
    "javascript",
    "data",
    "vbscript",
    "file",
    "blob",
    "about",
    "filesystem",
    "ftp",
    "ws",
    "wss",
    "mailto",
    "tel",
    "view-source",
];

/// Why a client may not be registered with this address; `None` when it may.
pub(crate) fn refuse_redirect_uri(text: &str) -> Option<&'static str> {
    if text.len() > CHARS_MAX {
        return Some("is longer than 500 characters");
    }
    // What a parser would drop or repair must not come to be compared.
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) || text.contains(['\\', '"', '<', '>', '*']) {
        return Some("holds characters that no address may hold");
    }
    let Ok(url) = Url::parse(text) else { return Some("is no absolute address") };
    if text.contains('#') {
        return Some("must have no fragment");
    }
    if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
        return Some("must hold no user");
    }
    if text.split(['?', '#']).next().unwrap_or("").split('/').any(|part| matches!(part, "." | ".."))
        || text.to_ascii_lowercase().contains("%2e%2e")
    {
        return Some("must not go up");
    }
    match url.scheme() {
        "https" if url.has_host() => None,
        "http" if loopback(text).is_some() => None,
        "http" => Some("must be https, or http on this machine (127.0.0.1, [::1], localhost)"),
        scheme if REFUSED.contains(&scheme) => Some("has a scheme that no client may use"),
        // A program's own scheme (RFC 8252 §7.1).
        _ => None,
    }
}

fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or("")
}

/// An address on the user's own machine without its port: what stands before the port, and behind it.
fn loopback(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]", "localhost"].into_iter().find(|host| rest.starts_with(host))?;
    let (host, rest) = rest.split_at(host.len());
    let path = match rest.strip_prefix(':') {
        None => rest,
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (port, path) = rest.split_at(end);
            (1..=5).contains(&port.len()).then_some(path)?
        }
    };
    (path.is_empty() || path.starts_with(['/', '?'])).then_some((host, path))
}

/// Is the address that a client asks for one of its own? Character by character (RFC 9700 §4.1.3), but for the port on the
/// user's own machine, which a program takes as it finds it (RFC 8252 §7.3).
pub(crate) fn is_registered(registered: &[String], asked: &str) -> bool {
    registered.iter().any(|own| {
        own == asked
            || match (loopback(own), loopback(asked)) {
                (Some(own), Some(asked)) => own == asked,
                _ => false,
            }
    })
}

/// `uri` with these parameters behind those that it has.
pub(crate) fn with_parameters(uri: &str, parameters: &[(&str, &str)]) -> String {
    let mut text = uri.to_owned();
    for (name, value) in parameters {
        text.push(if text.contains('?') { '&' } else { '?' });
        text.push_str(name);
        text.push('=');
        text.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_nobody_else_answers_at_are_registered() {
        let check = |uri: &str, fine: bool| assert_eq!(refuse_redirect_uri(uri).is_none(), fine, "{uri}");
        for fine in [
            "https://app.example.org/callback",
            "https://app.example.org/callback?tenant=1",
            "http://127.0.0.1/cb",
            "http://127.0.0.1:4711/cb",
            "http://[::1]:4711",
            "http://localhost:3000/oauth/callback",
            "com.example.app:/oauth",
            "cursor://anysphere.cursor-mcp/oauth/callback",
        ] {
            check(fine, true);
        }
        for wrong in [
            "",
            "/callback",
            "app.example.org/callback",
            "http://app.example.org/callback",
            "http://127.0.0.1.evil.example/cb",
            "http://localhost.evil.example/cb",
            "http://127.0.0.1:4711@evil.example/cb",
            "http://localhost:99999999/cb",
            "https://user@app.example.org/callback",
            "https://app.example.org@evil.example/callback",
            "https://app.example.org/callback#x",
            "https://app.example.org/a/../callback",
            "https://app.example.org/a/%2e%2E/callback",
            "https://*.example.org/callback",
            "https://app.example.org\\@evil.example/",
            "https://app.example.org/call back",
            "https://app.example.org/\ncallback",
            "https://аpp.example.org/callback",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "https:",
        ] {
            check(wrong, false);
        }
        check(&format!("https://app.example.org/{}", "x".repeat(500)), false);
    }

    #[test]
    fn only_the_port_of_ones_own_machine_is_free() {
        let own: Vec<_> =
            ["https://app.example.org/cb", "http://127.0.0.1/cb", "http://localhost:3000/cb?x=1"]
                .map(str::to_owned)
                .into();
        let check = |asked: &str, expected: bool| assert_eq!(is_registered(&own, asked), expected, "{asked}");
        for fine in [
            "https://app.example.org/cb",
            "http://127.0.0.1/cb",
            "http://127.0.0.1:51004/cb",
            "http://localhost:1/cb?x=1",
        ] {
            check(fine, true);
        }
        for wrong in [
            "",
            "https://app.example.org/cb/",
            "https://app.example.org/cb2",
            "https://app.example.org/CB",
            "https://APP.example.org/cb",
            "HTTPS://app.example.org/cb",
            "https://app.example.org:443/cb",
            "https://app.example.org:8443/cb",
            "https://app.example.org/cb?x=1",
            "https://app.example.org/cb#x",
            "https://app.example.org/./cb",
            "https://app.example.org/x/../cb",
            "https://app.example.org/%63b",
            "https://app.example.org/cb%00",
            "https://x@app.example.org/cb",
            "https://app.example.org@evil.example/cb",
            "https://app.example.org.evil.example/cb",
            "https://evil.example/?https://app.example.org/cb",
            "http://app.example.org/cb",
            "http://127.0.0.1:51004/other",
            "http://127.0.0.2:51004/cb",
            "http://127.0.0.1:51004@evil.example/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:1x/cb",
            "http://localhost/cb",
            "http://[::1]/cb",
            "https://127.0.0.1/cb",
            "javascript:alert(1)",
        ] {
            check(wrong, false);
        }
    }

    #[test]
    fn parameters_come_behind_those_that_are_there() {
        let answer = [("code", "a b&c"), ("iss", "https://x/")];
        assert_eq!(
            with_parameters("https://a/cb", &answer),
            "https://a/cb?code=a+b%26c&iss=https%3A%2F%2Fx%2F"
        );
        assert_eq!(with_parameters("https://a/cb?t=1", &answer[..1]), "https://a/cb?t=1&code=a+b%26c");
        assert_eq!(with_parameters("com.example:/cb", &answer[..1]), "com.example:/cb?code=a+b%26c");
    }
}
