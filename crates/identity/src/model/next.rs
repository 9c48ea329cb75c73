use url::Url;

/// Longest path that is taken along.
const NEXT_CHARS_MAX: usize = 2_000;

/// Where to go after a sign-in: a path of our own, or nothing. No other host can be reached by it, however it is written.
pub(crate) fn own_path(text: &str) -> Option<String> {
    let plain = text.len() <= NEXT_CHARS_MAX
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && text.starts_with('/')
        && !text.starts_with("//");
    if !plain {
        return None;
    }
    // Proxies and pages may decode once more before they look at the beginning.
    let path = text.split(['?', '#']).next().unwrap_or(text).to_ascii_lowercase();
    if ["%2f", "%5c", "%09", "%0a", "%0d", "%00", "%25", "//"].iter().any(|hidden| path.contains(hidden)) {
        return None;
    }
    // As a browser would resolve it.
    let base = Url::parse("http://own.invalid/").ok()?;
    let resolved = base.join(text).ok()?;
    (resolved.origin() == base.origin()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_our_own_are_followed() {
        for fine in
            ["/", "/dashboard", "/consent?request=x", "/a/b?next=https://example.org/#c", "/a%20b", "/@evil"]
        {
            assert_eq!(own_path(fine).as_deref(), Some(fine), "{fine}");
        }
        for evil in [
            "",
            "dashboard",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            " //evil.example",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "/%2Fevil.example",
            "/%2f%2fevil.example",
            "/%5Cevil.example",
            "/%09/evil.example",
            "/%252fevil.example",
            "/a//evil.example",
            "/./\\evil.example",
            "/é",
            "@evil.example",
        ] {
            assert_eq!(own_path(evil), None, "{evil:?}");
        }
        assert_eq!(own_path(&format!("/{}", "x".repeat(NEXT_CHARS_MAX))), None);
    }
}
